// SPDX-License-Identifier: GPL-2.0
#include "cli/inspect.h"

#include <string.h>

#include "btf/core.h"
#include "btf/declare.h"
#include "btf/value.h"
#include "cli/escape.h"
#include "compat/since.h"
#include "loader/section.h"
#include "util/release.h"

#define LONGEST 2048 /* of one name or value */
#define SHORT 80     /* of a value, unless told to be verbose */
#define WIDTH 80

/* ---- columns ---- */

/* Names and values are the file's; filled up to width columns and one space, 0: as it is. */
static void cell(FILE *to, const char *text, size_t width)
{
	char shown[ESCAPE_ROOM(LONGEST)];
	size_t len = strlen(text), hidden = 0, columns;

	len = escape_whole(text, len < LONGEST ? len : LONGEST);
	len = escape_terminal(shown, text, len, &hidden) - shown;
	fwrite(shown, 1, len, to);
	columns = len - hidden;
	if (width)
		fprintf(to, "%*s", (int)(columns < width ? width - columns + 1 : 1), "");
}

static void right_number(FILE *to, uint32_t number, int width)
{
	fprintf(to, "%*u  ", width, number);
}

static size_t longer(size_t width, const char *name)
{
	return strlen(name) > width ? strlen(name) : width;
}

/* Words with commas, on as many lines as they take, each indented. */
struct list {
	FILE *to;
	size_t column;
	bool any;
};

static void list_begin(struct list *l, int column)
{
	l->column = column > 0 ? column : 0;
	l->any = false;
}

static void list_add(struct list *l, const char *word)
{
	if (l->any && l->column + 2 + strlen(word) >= WIDTH) {
		fputs(",\n    ", l->to);
		l->column = 4;
	} else if (l->any) {
		fputs(", ", l->to);
		l->column += 2;
	}
	cell(l->to, word, 0);
	l->column += strlen(word);
	l->any = true;
}

static const char *release_text(char buf[16], uint16_t release)
{
	if (!release)
		return "-";
	snprintf(buf, 16, "%u.%u", LINUX_MAJOR(release), LINUX_MINOR(release));
	return buf;
}

/* ---- programs ---- */

static void put_subprograms(const struct program *prog, FILE *to)
{
	struct list list = { .to = to };
	size_t i;

	if (prog->funcs.len < 2)
		return;
	list_begin(&list, fprintf(to, "  + "));
	for (i = 1; i < prog->funcs.len; i++)
		list_add(&list, prog->funcs.at[i].name);
	fputc('\n', to);
}

static void put_program(const struct program *prog, FILE *to, size_t width)
{
	const struct section_kind *kind = section_kind(prog->section);
	struct since type = since_program_type(kind ? kind->type : 0);

	cell(to, prog->name, width);
	cell(to, kind ? type.name : "?", 18);
	right_number(to, prog->insns.len, 6);
	cell(to, kind && *section_target(prog->section) ? section_target(prog->section) :
							   prog->section, 0);
	if (!prog->autoload)
		fputs(" (not loaded by itself)", to);
	fputc('\n', to);
	put_subprograms(prog, to);
}

static void put_programs(const struct inspection *in, FILE *to)
{
	const struct object *obj = in->obj;
	size_t i, width = 16;

	if (!obj->programs.len)
		return;
	for (i = 0; i < obj->programs.len; i++)
		width = longer(width, obj->programs.at[i].name);
	width = width < 32 ? width : 32;
	fputc('\n', to);
	cell(to, "PROGRAM", width);
	cell(to, "TYPE", 18);
	fputs(" INSNS  ATTACHES TO\n", to);
	for (i = 0; i < obj->programs.len; i++)
		put_program(&obj->programs.at[i], to, width);
}

/* ---- maps ---- */

static void declare_size(const struct inspection *in, struct strbuf *out, uint32_t type_id,
			 uint32_t size)
{
	if (type_id)
		btf_declare(out, &in->obj->btf, type_id, "");
	if (type_id)
		strbuf_add(out, " (%u)", size);
	else if (size)
		strbuf_add(out, "%u bytes", size);
	else
		strbuf_add(out, "-");
}

static void put_map(const struct inspection *in, const struct map *map, FILE *to, size_t width)
{
	char buf[LONGEST], flags[200];
	struct strbuf types = STRBUF(buf), names = STRBUF(flags);

	declare_size(in, &types, map->key_type_id, map->key_size);
	strbuf_add(&types, " -> ");
	declare_size(in, &types, map->value_type_id, map->value_size);
	needs_map_flags(&names, map->flags);
	cell(to, map->name, width);
	cell(to, since_map_type(map->type).name, 18);
	right_number(to, map->max_entries, 8);
	cell(to, map->key_size || map->value_size ? buf : "-", 0);
	if (map->flags)
		fprintf(to, " [%s]", flags);
	if (map->pinning)
		fputs(" [pinned by name]", to);
	if (map->extra)
		fprintf(to, " [extra 0x%llx]", (unsigned long long)map->extra);
	if (map->slots.len)
		fprintf(to, " [%zu from the start]", map->slots.len);
	fputc('\n', to);
}

static void put_maps(const struct inspection *in, FILE *to)
{
	const struct object *obj = in->obj;
	size_t i, count = 0, width = 16;

	for (i = 0; i < obj->maps.len; i++)
		if (obj->maps.at[i].role == MAP_PLAIN) {
			width = longer(width, obj->maps.at[i].name);
			count++;
		}
	if (!count)
		return;
	width = width < 24 ? width : 24;
	fputc('\n', to);
	cell(to, "MAP", width);
	cell(to, "TYPE", 18);
	fputs(" ENTRIES  KEY -> VALUE, IN BYTES\n", to);
	for (i = 0; i < obj->maps.len; i++)
		if (obj->maps.at[i].role == MAP_PLAIN)
			put_map(in, &obj->maps.at[i], to, width);
}

/* ---- globals ---- */

static void put_global(const struct inspection *in, const struct map *map,
		       const struct btf_var_secinfo *v, FILE *to)
{
	const struct btf *btf = &in->obj->btf;
	const struct btf_type *var = btf_type(btf, v->type);
	char declaration[LONGEST], buf[LONGEST];
	struct strbuf left = STRBUF(declaration), value = STRBUF(buf);

	if (!var)
		return;
	if (!in->verbose)
		value.size = SHORT;
	btf_declare(&left, btf, var->type, btf_string(btf, var->name_off));
	btf_value(&value, btf, var->type, map->data + v->offset, v->size);
	cell(to, map->name, 12);
	cell(to, declaration, 0);
	fputs(" = ", to);
	cell(to, buf, 0);
	if (value.cut)
		fputs("...", to);
	fputs(inspect_has_address(map, v) ? " (with addresses that no kernel fills in)\n" : "\n", to);
}

static void put_globals(const struct inspection *in, FILE *to)
{
	const struct object *obj = in->obj;
	bool any = false;
	size_t i;

	for (i = 0; i < obj->maps.len; i++) {
		const struct map *map = &obj->maps.at[i];
		const struct btf_var_secinfo *v;
		uint32_t count, n;

		if (!map->data || map->role == MAP_KCONFIG)
			continue;
		if (!any)
			fputs("\nSECTION      GLOBAL\n", to);
		any = true;
		v = inspect_globals(in, map, &count);
		for (n = 0; n < count; n++)
			put_global(in, map, &v[n], to);
		if (count)
			continue;
		cell(to, map->name, 12);
		fprintf(to, "%u bytes, of which the object has no types\n", map_data_size(map));
	}
}

/* ---- externs ---- */

static void put_externals(const struct inspection *in, FILE *to)
{
	const struct btf *btf = &in->obj->btf;
	size_t i;

	if (in->obj->externals.len)
		fputs("\nSECTION      EXTERN\n", to);
	for (i = 0; i < in->obj->externals.len; i++) {
		const struct external *e = &in->obj->externals.at[i];
		char buf[LONGEST];
		struct strbuf declaration = STRBUF(buf);

		if (e->type_id)
			btf_declare(&declaration, btf, e->type_id, e->name);
		else
			strbuf_add(&declaration, "%s%s", e->name, e->is_function ? "()" : "");
		cell(to, *e->section ? e->section : "-", 12);
		cell(to, buf, 0);
		fputs(e->is_weak ? " (weak)\n" : "\n", to);
	}
}

/* ---- relocations ---- */

static void put_relocation(const struct inspection *in, const struct program *prog,
			   const struct core_relo *relo, FILE *to)
{
	char buf[LONGEST], place[300] = "-";
	const char *file;
	uint32_t line;

	if (inspect_source(in, prog, relo->insn, &file, &line))
		snprintf(place, sizeof(place), "%s:%u", file, line);
	fputs("  ", to);
	cell(to, prog->name, 18);
	cell(to, place, 20);
	cell(to, core_describe(&in->obj->btf, relo, buf, sizeof(buf)), 0);
	fputc('\n', to);
}

static void put_counts(const uint32_t *counts, uint32_t len, FILE *to)
{
	struct list list = { .to = to };
	uint32_t i, all = 0;
	char word[64];

	for (i = 0; i < len; i++)
		all += counts[i];
	list_begin(&list, fprintf(to, "\n%u CO-RE RELOCATION%s: ", all, all == 1 ? "" : "S"));
	for (i = 0; i < len; i++) {
		if (!counts[i])
			continue;
		snprintf(word, sizeof(word), "%u %s", counts[i], inspect_relo_kind(i));
		list_add(&list, word);
	}
	fputc('\n', to);
}

static void put_relocations(const struct inspection *in, FILE *to)
{
	uint32_t counts[BPF_CORE_TYPE_MATCHES + 2] = { 0 };
	const struct object *obj = in->obj;
	bool any = false;
	size_t i, n;

	for (i = 0; i < obj->programs.len; i++)
		for (n = 0; n < obj->programs.at[i].relos.len; n++) {
			uint32_t kind = obj->programs.at[i].relos.at[n].kind;

			counts[kind <= BPF_CORE_TYPE_MATCHES ? kind : BPF_CORE_TYPE_MATCHES + 1]++;
			any = true;
		}
	if (!any)
		return;
	put_counts(counts, sizeof(counts) / sizeof(counts[0]), to);
	for (i = 0; in->verbose && i < obj->programs.len; i++)
		for (n = 0; n < obj->programs.at[i].relos.len; n++)
			put_relocation(in, &obj->programs.at[i], &obj->programs.at[i].relos.at[n],
				       to);
}

/* ---- needs ---- */

static void put_need(const struct need *n, FILE *to)
{
	char release[16], buf[160];
	struct strbuf line = STRBUF(buf);

	strbuf_add(&line, "%s: %u %s%s", n->what, n->count, n->unit, n->count == 1 ? "" : "s");
	if (n->instead)
		strbuf_add(&line, ", else %s", n->instead);
	cell(to, release_text(release, n->release), 6);
	cell(to, buf, 0);
	if (*n->where) {
		fputs(7 + line.len + 3 + strlen(n->where) > WIDTH ? "\n       (" : " (", to);
		cell(to, n->where, 0);
		fputc(')', to);
	}
	fputc('\n', to);
}

static void put_needs(const struct inspection *in, FILE *to)
{
	size_t i;

	fputs("\nSINCE  NEEDS OF THE KERNEL\n", to);
	for (i = 0; i < in->needs->at.len; i++)
		put_need(&in->needs->at.at[i], to);
}

static void put_obstacles(const struct inspection *in, FILE *to)
{
	const char *message;
	char buf[100];
	size_t i;

	for (i = 0; (message = inspect_obstacle(in, i, buf, sizeof(buf))); i++) {
		fputs(i ? "  " : "\nportrace cannot load it:\n  ", to);
		cell(to, message, 0);
		fputc('\n', to);
	}
}

void inspect_text(const struct inspection *in, FILE *to)
{
	const struct needs *needs = in->needs;
	char release[16];

	cell(to, in->obj->name, 0);
	fprintf(to, ": %s endian, instruction set v%u, ",
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "little" : "big", needs->isa);
	if (*in->obj->license) {
		fputs("license ", to);
		cell(to, in->obj->license, 0);
	} else {
		fputs("no license", to);
	}
	fprintf(to, "\nNeeds Linux %s", release_text(release, needs->release));
	if (needs->least_release < needs->release)
		fprintf(to, ", or %s with what portrace does instead",
			release_text(release, needs->least_release));
	fputc('\n', to);
	put_programs(in, to);
	put_maps(in, to);
	put_globals(in, to);
	put_externals(in, to);
	put_relocations(in, to);
	put_needs(in, to);
	put_obstacles(in, to);
}
