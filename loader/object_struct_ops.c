// SPDX-License-Identifier: GPL-2.0
/*
 * Variables of the section .struct_ops: a struct of the kernel, of which the object has a copy of
 * its own with as few members as it likes, set to programs and plain values.
 *
 *	SEC("struct_ops/ssthresh") __u32 BPF_PROG(ssthresh, struct sock *sk) { ... }
 *
 *	SEC(".struct_ops.link") struct tcp_congestion_ops mine = {
 *		.ssthresh = (void *)ssthresh,      relocation at its offset: function ssthresh
 *		.name = "mine",                    bytes of the section
 *	};
 *
 * Each is a map of one value. Variables of "?.struct_ops" are left out.
 */
#include "loader/object_internal.h"
#include "loader/struct_ops.h"

#include <stdlib.h>
#include <string.h>


static int fail(struct parse *p, uint32_t section, const char *what, const char *got,
		const char *expected)
{
	return parse_fail(p, ERROR_FORMAT, "section '%s': '%s': got %s, expected %s",
			  p->sections.at[section].name, what, got, expected);
}

static int add_variable(struct parse *p, uint32_t section, const struct btf_var_secinfo *info)
{
	const struct section *s = &p->sections.at[section];
	const struct btf *btf = &p->obj->btf;
	const struct btf_type *var = btf_type(btf, info->type);
	uint32_t type_id = btf_resolve(btf, var->type);
	const struct btf_type *t = btf_type(btf, type_id);
	const char *name = btf_string(btf, var->name_off);
	struct struct_ops *ops;
	struct map *map;

	if (!t || btf_kind(t) != BTF_KIND_STRUCT || !t->name_off)
		return fail(p, section, name, "another type", "a struct of the kernel");
	if (!s->data || info->size < t->size || info->offset > s->size ||
	    s->size - info->offset < info->size)
		return fail(p, section, name, "bytes beyond the section's end", "them within it");
	map = object_add_map(p->obj, name);
	ops = vec_push(&p->obj->struct_ops);
	if (!map || !ops)
		return error_memory(p->err);
	map->type = MAP_TYPE_STRUCT_OPS;
	map->key_size = sizeof(uint32_t);
	map->value_size = t->size;
	map->max_entries = 1;
	map->section = section;
	ops->map = p->obj->maps.len - 1;
	ops->type_id = type_id;
	ops->start = info->offset;
	ops->size = t->size;
	ops->data = malloc(t->size + 1);
	if (!ops->data)
		return error_memory(p->err);
	memcpy(ops->data, s->data + info->offset, t->size);
	return 0;
}

static int add_variables(struct parse *p, uint32_t section)
{
	const struct btf *btf = &p->obj->btf;
	const char *name = p->sections.at[section].name;
	const struct btf_type *t = btf_type(btf, btf_find(btf, name, BTF_KIND_DATASEC));
	const struct btf_var_secinfo *vars;
	uint64_t end = 0;

	if (!t) {
		parse_fail(p, ERROR_FORMAT, "section '%s': got no BTF for it, expected the types of its "
			   "variables", name);
		return error_hint(p->err, "compile the program with -g");
	}
	vars = btf_extra(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		if (vars[i].offset < end)
			return fail(p, section, btf_string(btf, btf_type(btf, vars[i].type)->name_off),
				    "a variable in another", "each in bytes of its own");
		if (add_variable(p, section, &vars[i]))
			return -1;
		end = (uint64_t)vars[i].offset + vars[i].size;
	}
	return 0;
}

/* ---- functions ---- */

/* The function that the address means: what is added to its symbol stands in its place. */
static int64_t function_of(struct parse *p, uint32_t section, const struct relocation *r)
{
	const struct section *s = &p->sections.at[section];
	const struct symbol *sym = &p->symbols.at[r->symbol];
	uint64_t at;

	if (r->offset > s->size || s->size - r->offset < sizeof(at) || !sym->section ||
	    !section_is_code(&p->sections.at[sym->section]))
		return -1;
	memcpy(&at, s->data + r->offset, sizeof(at));
	at += sym->value;
	return at % sizeof(struct bpf_insn) || at > INT64_MAX ? -1 :
		       function_at(p, sym->section, at / sizeof(struct bpf_insn));
}

/* The variable of this section in which 8 bytes from that offset are; they are in rising order. */
static struct struct_ops *ops_at(struct parse *p, size_t first, uint64_t offset)
{
	size_t low = first, high = p->obj->struct_ops.len;
	struct struct_ops *ops;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->obj->struct_ops.at[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == first)
		return NULL;
	ops = &p->obj->struct_ops.at[low - 1];
	offset -= ops->start;
	return offset < ops->size && ops->size - offset >= 8 ? ops : NULL;
}

static int add_function(struct parse *p, uint32_t section, size_t first,
			const struct relocation *r)
{
	struct struct_ops *ops = ops_at(p, first, r->offset);
	int64_t function = function_of(p, section, r);
	const char *symbol = p->symbols.at[r->symbol].name;
	struct ops_function *f;

	if (!ops)
		return fail(p, section, symbol, "its address outside of all variables", "it in one");
	if (function < 0 || !p->functions.at[function].is_program)
		return fail(p, section, symbol, "the address of something else",
			    "that of a program, in a section struct_ops/NAME");
	f = vec_push(&ops->functions);
	if (!f)
		return error_memory(p->err);
	f->offset = r->offset - ops->start;
	f->program = p->functions.at[function].program;
	memset(ops->data + f->offset, 0, 8);
	return 0;
}

static int add_functions(struct parse *p, uint32_t section, size_t first)
{
	struct relocation r;

	for (uint32_t i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];

		if (!section_is_relocations(s) || s->info != section)
			continue;
		for (size_t n = 0; n < relocation_count(s); n++)
			if (relocation_at(p, i, n, &r) || add_function(p, section, first, &r))
				return -1;
	}
	return 0;
}

/* A program that no variable has is for nothing that the kernel could be told. */
static int leave_out_unused(struct parse *p)
{
	struct object *obj = p->obj;
	bool *used = calloc(obj->programs.len + 1, sizeof(*used));

	if (!used)
		return error_memory(p->err);
	for (size_t i = 0; i < obj->struct_ops.len; i++)
		for (size_t n = 0; n < obj->struct_ops.at[i].functions.len; n++)
			used[obj->struct_ops.at[i].functions.at[n].program] = true;
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct program *prog = &obj->programs.at[i];

		if (prog->kind && prog->kind->type == BPF_PROG_TYPE_STRUCT_OPS && !used[i])
			prog->autoload = false;
	}
	free(used);
	return 0;
}

int parse_struct_ops(struct parse *p)
{
	static const char *const names[] = { ".struct_ops", ".struct_ops.link" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint32_t section = section_find(p, names[i]);
		size_t first = p->obj->struct_ops.len;

		if (section && (add_variables(p, section) || add_functions(p, section, first)))
			return -1;
	}
	return leave_out_unused(p);
}
