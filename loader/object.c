// SPDX-License-Identifier: GPL-2.0
#include "loader/object_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int parse_fail(struct parse *p, enum error_code code, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(p->err, code, "%s: %s", p->obj->name, text);
}

int parse_postpone(struct parse *p)
{
	struct object *obj = p->obj;
	struct obstacle *o;

	/* Nobody reads more of them, and a small file can hold very many. */
	if (obj->obstacles.len == OBSTACLES_MAX) {
		error_clear(p->err);
		return 0;
	}
	o = vec_push(&obj->obstacles);
	if (!o)
		return error_memory(p->err);
	o->message = strdup(p->err->message);
	o->hint = strdup(p->err->hint);
	if (!o->message || !o->hint)
		return error_memory(p->err);
	error_clear(p->err);
	return 0;
}

int64_t parse_external(struct parse *p, const char *name, bool *is_new)
{
	struct external *e;
	size_t i;

	for (i = 0; i < p->obj->externals.len; i++)
		if (!strcmp(p->obj->externals.at[i].name, name)) {
			*is_new = false;
			return i;
		}
	e = vec_push(&p->obj->externals);
	if (!e)
		return error_memory(p->err);
	if (i == EXTERNALS_MAX)
		return parse_fail(p, ERROR_UNSUPPORTED, "externs: got more than %u", EXTERNALS_MAX);
	e->name = name;
	e->section = "";
	*is_new = true;
	return i;
}

void parse_fini(struct parse *p)
{
	vec_fini(&p->sections);
	vec_fini(&p->symbols);
	vec_fini(&p->map_places);
	vec_fini(&p->functions);
	vec_fini(&p->relocs);
	vec_fini(&p->ext_funcs);
	vec_fini(&p->ext_lines);
	vec_fini(&p->ext_relos);
}

int object_init(struct object *obj, const char *name, const void *data, size_t size,
		struct error *err)
{
	struct parse p = { .obj = obj, .err = err };
	int ret = -1;

	memset(obj, 0, sizeof(*obj));
	obj->name = name;
	if (!parse_elf(&p, data, size) && !parse_functions(&p) && !parse_btf(&p) &&
	    !parse_btf_ext(&p) && !parse_maps(&p) && !parse_data(&p) && !parse_programs(&p) &&
	    !parse_struct_ops(&p))
		ret = 0;
	parse_fini(&p);
	if (ret)
		object_fini(obj);
	return ret;
}

struct program program_without_code(const struct program *prog)
{
	struct program out = *prog;

	memset(&out.insns, 0, sizeof(out.insns));
	memset(&out.refs, 0, sizeof(out.refs));
	memset(&out.funcs, 0, sizeof(out.funcs));
	memset(&out.lines, 0, sizeof(out.lines));
	memset(&out.relos, 0, sizeof(out.relos));
	return out;
}

uint32_t program_func_end(const struct program *prog, size_t func)
{
	return func + 1 < prog->funcs.len ? prog->funcs.at[func + 1].insn : prog->insns.len;
}

void program_fini(struct program *prog)
{
	vec_fini(&prog->insns);
	vec_fini(&prog->refs);
	vec_fini(&prog->funcs);
	vec_fini(&prog->lines);
	vec_fini(&prog->relos);
}

static void map_fini(struct map *map)
{
	free(map->name);
	free(map->data);
	vec_fini(&map->slots);
	vec_fini(&map->addresses);
}

void object_fini(struct object *obj)
{
	size_t i;

	for (i = 0; i < obj->maps.len; i++)
		map_fini(&obj->maps.at[i]);
	vec_fini(&obj->maps);
	for (i = 0; i < obj->programs.len; i++)
		program_fini(&obj->programs.at[i]);
	vec_fini(&obj->programs);
	for (i = 0; i < obj->struct_ops.len; i++) {
		free(obj->struct_ops.at[i].data);
		vec_fini(&obj->struct_ops.at[i].functions);
	}
	vec_fini(&obj->struct_ops);
	vec_fini(&obj->externals);
	for (i = 0; i < obj->obstacles.len; i++) {
		free(obj->obstacles.at[i].message);
		free(obj->obstacles.at[i].hint);
	}
	vec_fini(&obj->obstacles);
	btf_fini(&obj->btf);
	free(obj->image);
	free(obj->strings);
	memset(obj, 0, sizeof(*obj));
}

int object_loadable(const struct object *obj, struct error *err)
{
	const struct obstacle *first = obj->obstacles.at;

	if (!obj->obstacles.len)
		return 0;
	error_set(err, ERROR_UNSUPPORTED, "%s", first->message);
	return error_hint(err, "%s", first->hint);
}

/* Where the variable is in the section that the map holds, NULL where it is not there. */
static const struct btf_var_secinfo *find_var(const struct btf *btf, const struct map *map,
					      const char *name)
{
	const struct btf_type *t = btf_type(btf, map->value_type_id);
	const struct btf_var_secinfo *vars;
	uint32_t i;

	if (!map->data || !t || btf_kind(t) != BTF_KIND_DATASEC)
		return NULL;
	vars = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *var = btf_type(btf, vars[i].type);

		if (var && !strcmp(btf_string(btf, var->name_off), name))
			return &vars[i];
	}
	return NULL;
}

int object_global_find(const struct object *obj, const char *name, uint32_t *map,
		       uint32_t *offset, uint32_t *size)
{
	size_t i;

	for (i = 0; i < obj->maps.len; i++) {
		const struct btf_var_secinfo *var = find_var(&obj->btf, &obj->maps.at[i], name);

		if (!var)
			continue;
		*map = i;
		*offset = var->offset;
		*size = var->size;
		return 0;
	}
	return -1;
}

void *object_global(struct object *obj, const char *name, size_t *size)
{
	uint32_t map, offset, len;

	if (object_global_find(obj, name, &map, &offset, &len))
		return NULL;
	if (size)
		*size = len;
	return obj->maps.at[map].data + offset;
}

struct map *object_map(struct object *obj, const char *name)
{
	size_t i;

	for (i = 0; i < obj->maps.len; i++)
		if (!strcmp(obj->maps.at[i].name, name))
			return &obj->maps.at[i];
	return NULL;
}

struct program *object_program(struct object *obj, const char *name)
{
	size_t i;

	for (i = 0; i < obj->programs.len; i++)
		if (!strcmp(obj->programs.at[i].name, name))
			return &obj->programs.at[i];
	return NULL;
}

struct map *object_add_map(struct object *obj, const char *name)
{
	char *copy = strdup(name);
	struct map *map;

	if (!copy)
		return NULL;
	map = vec_push(&obj->maps);
	if (!map) {
		free(copy);
		return NULL;
	}
	map->name = copy;
	return map;
}
