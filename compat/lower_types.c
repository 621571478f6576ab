// SPDX-License-Identifier: GPL-2.0
/*
 * Which types the kernel is told of what. It is strict about each: types of a map that it has
 * none for, a function or a line too many, and it refuses the map or the program. So what
 * does not fit is left out here, whole, and the reason kept.
 */
#include "compat/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"

/* Enums of the headers, which may be older than these: Linux 5.16, 6.1, 6.9. */
#define MAP_TYPE_BLOOM_FILTER 30
#define MAP_TYPE_USER_RINGBUF 31
#define MAP_TYPE_ARENA 33

/* ---- maps ---- */

/* Their keys and values are descriptors, stacks, bytes or nothing; the kernel takes no types
 * for these, or not on all versions, and has no use for them. */
static bool has_types(const struct map *map)
{
	switch (map->type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_XSKMAP:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_RINGBUF:
	case MAP_TYPE_BLOOM_FILTER:
	case MAP_TYPE_USER_RINGBUF:
	case MAP_TYPE_ARENA:
		return false;
	}
	return true;
}

/* Both or none, but that a data section has no key. */
static struct load_map_types map_types(const struct map *map, bool sections)
{
	struct load_map_types ids = { map->key_type_id, map->value_type_id };

	if (map->role != MAP_PLAIN)
		return (struct load_map_types){ 0, sections ? ids.value : 0 };
	return ids.key && ids.value && has_types(map) ? ids : (struct load_map_types){ 0 };
}

static int choose_maps(const struct object *obj, struct caps *caps, struct load_types *types,
		       struct error *err)
{
	bool sections = caps_ask(caps, CAP_BTF_DATASEC) == CAP_YES;

	types->maps = calloc(obj->maps.len + 1, sizeof(*types->maps));
	if (!types->maps)
		return error_memory(err);
	for (size_t i = 0; i < obj->maps.len; i++) {
		struct load_map_types ids = map_types(&obj->maps.at[i], sections);

		if (ids.value && caps_ask(caps, CAP_MAP_BTF) == CAP_YES)
			types->maps[i] = ids;
	}
	return 0;
}

/* ---- programs ---- */

static bool is_function(const struct program *prog, int64_t insn)
{
	size_t low = 0, high = prog->funcs.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (prog->funcs.at[mid].insn == insn)
			return true;
		if (prog->funcs.at[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* The kernel finds functions by who calls them or takes their address. NULL: finds all. */
static const char *uncalled(const struct program *prog)
{
	uint8_t *called = calloc(prog->insns.len + 1, 1);
	const char *why = called ? NULL : "out of memory";
	size_t found = 1;

	for (size_t i = 0; called && i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];
		int64_t to = insn_is_func_call(insn) ? insn_target(insn, i) : 0;

		if (to && !is_function(prog, to))
			why = "it calls what is no function";
		else if (to && !called[to])
			found += called[to] = 1;
	}
	for (size_t i = 0; called && i < prog->refs.len; i++) {
		const struct ref *ref = &prog->refs.at[i];

		if (ref->kind == REF_FUNC && ref->target < prog->insns.len && ref->target &&
		    !called[ref->target])
			found += called[ref->target] = 1;
	}
	for (size_t i = 0; called && i < prog->funcs.len; i++) {
		const struct func *f = &prog->funcs.at[i];

		if (f->is_callback && f->insn && f->insn < prog->insns.len && !called[f->insn])
			found += called[f->insn] = 1;
	}
	if (!why && found != prog->funcs.len)
		why = "it has a function that nothing calls";
	free(called);
	return why;
}

/* The kernel wants one for each function, rising, the first at the start. */
static const char *funcs_fault(const struct btf *btf, const struct program *prog)
{
	for (size_t i = 0; i < prog->funcs.len; i++) {
		const struct func *f = &prog->funcs.at[i];
		const struct btf_type *t = btf_type(btf, f->type_id);

		if (!t || btf_kind(t) != BTF_KIND_FUNC)
			return "a function of it has no type";
		if (i ? f->insn <= f[-1].insn : f->insn)
			return "its functions are out of order";
	}
	return prog->funcs.len ? uncalled(prog) : "it has no functions";
}

/* And lines rising, each at an instruction, one at the start of each function. */
static const char *lines_fault(const struct btf *btf, const struct program *prog)
{
	size_t func = 0;

	if (!prog->lines.len)
		return "it has no lines";
	for (size_t i = 0; i < prog->lines.len; i++) {
		const struct line *line = &prog->lines.at[i];

		if (i && line->insn <= line[-1].insn)
			return "its lines are out of order";
		if (line->insn >= prog->insns.len || !prog->insns.at[line->insn].code)
			return "a line of it is at no instruction";
		if (line->file_off >= btf->strings_len || line->line_off >= btf->strings_len)
			return "a line of it has no text";
		if (func < prog->funcs.len && prog->funcs.at[func].insn == line->insn)
			func++;
	}
	return func < prog->funcs.len ? "a function of it begins without a line" : NULL;
}

static int choose_programs(const struct object *obj, struct caps *caps, struct load_types *types,
			   struct error *err)
{
	bool able = caps_ask(caps, CAP_PROG_BTF) == CAP_YES;

	types->programs = calloc(obj->programs.len + 1, sizeof(*types->programs));
	if (!types->programs)
		return error_memory(err);
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct load_prog_types *to = &types->programs[i];
		const struct program *prog = &obj->programs.at[i];

		to->no_funcs = able ? funcs_fault(&obj->btf, prog) : "the kernel takes none";
		to->no_lines = able ? lines_fault(&obj->btf, prog) : "the kernel takes none";
	}
	return 0;
}

int lower_types(const struct object *obj, struct caps *caps, struct load_types *types,
		struct error *err)
{
	memset(types, 0, sizeof(*types));
	if (btf_count(&obj->btf) <= 1)
		return 0;
	/* A yes to it is one to most of the others, which then need not be asked. */
	caps_ask(caps, CAP_PROG_BTF);
	if (caps_ask(caps, CAP_BTF) != CAP_YES)
		return 0;
	if (!lower_btf(&obj->btf, caps, &types->btf, &types->btf_len, err) &&
	    !choose_maps(obj, caps, types, err) && !choose_programs(obj, caps, types, err))
		return 0;
	load_types_fini(types);
	return error_wrap(err, "%s", obj->name);
}
