// SPDX-License-Identifier: GPL-2.0
/* The keys are described in docs/json.md. */
#include "cli/inspect.h"

#include <string.h>

#include "btf/core.h"
#include "btf/declare.h"
#include "btf/value.h"
#include "cli/json.h"
#include "compat/since.h"
#include "loader/section.h"
#include "util/release.h"

#define LONGEST 4096
#define SLEEPABLE (1u << 4) /* BPF_F_SLEEPABLE */

static void put_release(struct json *j, const char *key, uint16_t release)
{
	char text[16];

	snprintf(text, sizeof(text), "%u.%u", LINUX_MAJOR(release), LINUX_MINOR(release));
	json_string(j, key, release ? text : NULL);
}

static void put_type(struct json *j, const char *key, const struct btf *btf, uint32_t id)
{
	char buf[LONGEST];
	struct strbuf declaration = STRBUF(buf);

	if (id)
		btf_declare(&declaration, btf, id, "");
	json_string(j, key, id ? buf : NULL);
}

static void put_program(struct json *j, const struct program *prog)
{
	const struct section_kind *kind = section_kind(prog->section);
	struct since type = since_program_type(kind ? kind->type : 0);
	size_t i;

	json_open(j, NULL, '{');
	json_string(j, "name", prog->name);
	json_string(j, "section", prog->section);
	json_string(j, "type", kind ? type.name : NULL);
	json_string(j, "attach_type", kind ? kind->attach_name : NULL);
	json_string(j, "target", kind && *section_target(prog->section) ?
				 section_target(prog->section) : NULL);
	json_bool(j, "sleepable", kind && kind->flags & SLEEPABLE);
	json_bool(j, "autoload", prog->autoload);
	json_number(j, "instructions", prog->insns.len);
	put_release(j, "since", kind ? kind->since : 0);
	json_open(j, "subprograms", '[');
	for (i = 1; i < prog->funcs.len; i++)
		json_string(j, NULL, prog->funcs.at[i].name);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_flags(struct json *j, uint32_t flags)
{
	uint32_t bit;

	json_open(j, "flags", '[');
	for (bit = 0; bit < 32; bit++) {
		char buf[32];
		struct strbuf name = STRBUF(buf);

		if (!(flags & 1u << bit))
			continue;
		needs_map_flags(&name, 1u << bit);
		json_string(j, NULL, buf);
	}
	json_close(j, ']');
}

static void put_map(struct json *j, const struct object *obj, const struct map *map)
{
	const struct btf *btf = &obj->btf;

	json_open(j, NULL, '{');
	json_string(j, "name", map->name);
	json_string(j, "type", since_map_type(map->type).name);
	json_number(j, "type_number", map->type);
	json_number(j, "key_size", map->key_size);
	json_number(j, "value_size", map->value_size);
	put_type(j, "key", btf, map->key_type_id);
	put_type(j, "value", btf, map->value_type_id);
	json_number(j, "max_entries", map->max_entries);
	put_flags(j, map->flags);
	json_bool(j, "pinned", map->pinning);
	json_number(j, "map_extra", map->extra);
	json_string(j, "inner", map->inner ? obj->maps.at[map->inner - 1].name : NULL);
	json_number(j, "slots", map->slots.len);
	json_close(j, '}');
}

static void put_global(struct json *j, const struct btf *btf, const struct map *map,
		       const struct btf_var_secinfo *v)
{
	const struct btf_type *var = btf_type(btf, v->type);
	char buf[LONGEST];
	struct strbuf value = STRBUF(buf);

	btf_value(&value, btf, v->type, map->data + v->offset, v->size);
	json_open(j, NULL, '{');
	json_string(j, "name", var ? btf_string(btf, var->name_off) : "");
	json_string(j, "section", map->name);
	json_number(j, "offset", v->offset);
	json_number(j, "size", v->size);
	put_type(j, "type", btf, var ? var->type : 0);
	json_string(j, "value", buf);
	json_bool(j, "cut", value.cut);
	json_bool(j, "addresses", inspect_has_address(map, v));
	json_close(j, '}');
}

static void put_globals(struct json *j, const struct inspection *in)
{
	size_t i;

	json_open(j, "globals", '[');
	for (i = 0; i < in->obj->maps.len; i++) {
		const struct btf_var_secinfo *v;
		uint32_t count, n;

		if (in->obj->maps.at[i].role == MAP_KCONFIG)
			continue;
		v = inspect_globals(in, &in->obj->maps.at[i], &count);
		for (n = 0; n < count; n++)
			put_global(j, &in->obj->btf, &in->obj->maps.at[i], &v[n]);
	}
	json_close(j, ']');
}

static void put_external(struct json *j, const struct btf *btf, const struct external *e)
{
	json_open(j, NULL, '{');
	json_string(j, "name", e->name);
	json_string(j, "section", *e->section ? e->section : NULL);
	json_string(j, "kind", e->is_function ? "function" : "variable");
	put_type(j, "type", btf, e->type_id);
	json_bool(j, "weak", e->is_weak);
	json_close(j, '}');
}

static void put_relocation(struct json *j, const struct inspection *in, const struct program *prog,
			   const struct core_relo *relo)
{
	char buf[LONGEST];
	const char *file = NULL;
	uint32_t line = 0;

	json_open(j, NULL, '{');
	json_string(j, "program", prog->name);
	json_number(j, "instruction", relo->insn);
	json_string(j, "kind", inspect_relo_kind(relo->kind));
	json_string(j, "asks", core_describe(&in->obj->btf, relo, buf, sizeof(buf)));
	if (inspect_source(in, prog, relo->insn, &file, &line)) {
		json_string(j, "file", file);
		json_number(j, "line", line);
	} else {
		json_string(j, "file", NULL);
		json_string(j, "line", NULL);
	}
	json_close(j, '}');
}

static void put_relocations(struct json *j, const struct inspection *in)
{
	size_t i, n;

	json_open(j, "relocations", '[');
	for (i = 0; i < in->obj->programs.len; i++)
		for (n = 0; n < in->obj->programs.at[i].relos.len; n++)
			put_relocation(j, in, &in->obj->programs.at[i],
				       &in->obj->programs.at[i].relos.at[n]);
	json_close(j, ']');
}

static void put_need(struct json *j, const struct need *n)
{
	json_open(j, NULL, '{');
	json_string(j, "kind", need_kind_name(n->kind));
	json_string(j, "what", n->what);
	put_release(j, "since", n->release);
	json_number(j, "count", n->count);
	json_string(j, "unit", n->unit);
	json_string(j, "where", *n->where ? n->where : NULL);
	json_string(j, "instead", n->instead);
	json_close(j, '}');
}

void inspect_json(const struct inspection *in, FILE *to)
{
	const struct object *obj = in->obj;
	struct json j = { to, true };
	const char *obstacle;
	char buf[100];
	size_t i;

	json_open(&j, NULL, '{');
	json_number(&j, "v", 1);
	json_string(&j, "object", obj->name);
	json_string(&j, "byte_order",
		    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "little" : "big");
	json_string(&j, "license", *obj->license ? obj->license : NULL);
	json_number(&j, "instruction_set", in->needs->isa);
	put_release(&j, "since", in->needs->release);
	put_release(&j, "since_with_portrace", in->needs->least_release);
	json_open(&j, "programs", '[');
	for (i = 0; i < obj->programs.len; i++)
		put_program(&j, &obj->programs.at[i]);
	json_close(&j, ']');
	json_open(&j, "maps", '[');
	for (i = 0; i < obj->maps.len; i++)
		if (obj->maps.at[i].role == MAP_PLAIN)
			put_map(&j, obj, &obj->maps.at[i]);
	json_close(&j, ']');
	put_globals(&j, in);
	json_open(&j, "externs", '[');
	for (i = 0; i < obj->externals.len; i++)
		put_external(&j, &obj->btf, &obj->externals.at[i]);
	json_close(&j, ']');
	put_relocations(&j, in);
	json_open(&j, "needs", '[');
	for (i = 0; i < in->needs->at.len; i++)
		put_need(&j, &in->needs->at.at[i]);
	json_close(&j, ']');
	json_open(&j, "obstacles", '[');
	for (i = 0; (obstacle = inspect_obstacle(in, i, buf, sizeof(buf))); i++)
		json_string(&j, NULL, obstacle);
	json_close(&j, ']');
	json_close(&j, '}');
	fputc('\n', to);
}
