// SPDX-License-Identifier: GPL-2.0
#include "compat/needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/loops.h"
#include "compat/lower.h"
#include "compat/since.h"
#include "loader/section.h"
#include "util/table.h"

#define HELPERS 1024       /* ids from here on are counted as one: the newest kernel has 211 */
#define FEW_INSTRUCTIONS 4096
#define SLEEPABLE (1u << 4) /* BPF_F_SLEEPABLE */

/* What is of interest about instructions, by the release that brought it. */
enum feature {
	FEATURE_JLT,
	FEATURE_JMP32,
	FEATURE_ATOMIC,
	FEATURE_V4,
	FEATURE_MAY_GOTO,
	FEATURE_ARENA,
	FEATURE_ORDERED,
	FEATURE_CALL,
	FEATURE_CALLBACK,
	FEATURE_LOOP,
	FEATURE_KFUNC,
	FEATURE_COUNT,
};

static const struct {
	const char *what, *unit;
	uint16_t release;
	uint8_t isa;
	const char *instead; /* as in struct need; works on every kernel */
} features[FEATURE_COUNT] = {
	[FEATURE_JLT] = { "instruction set v2: jumps on less-than", "instruction",
			  LINUX(4, 14), 2, "jumps on greater-than" },
	[FEATURE_JMP32] = { "instruction set v3: 32-bit jumps", "instruction", LINUX(5, 1), 3,
			    "64-bit jumps" },
	[FEATURE_ATOMIC] = { "atomic operations that return a value", "instruction",
			     LINUX(5, 12), 3 },
	[FEATURE_V4] = { "instruction set v4: movsx, ldsx, sdiv, bswap, gotol", "instruction",
			 LINUX(6, 6), 4, "older instructions" },
	[FEATURE_MAY_GOTO] = { "may_goto", "instruction", LINUX(6, 9), 4 },
	[FEATURE_ARENA] = { "arena address casts", "instruction", LINUX(6, 9), 4 },
	[FEATURE_ORDERED] = { "load-acquire, store-release", "instruction", LINUX(6, 15), 4 },
	[FEATURE_CALL] = { "subprograms", "call", LINUX(4, 16), 1, "copies of them in place of calls" },
	[FEATURE_CALLBACK] = { "callbacks", "reference", LINUX(5, 13), 1 },
	[FEATURE_LOOP] = { "loops", "backward jump", LINUX(5, 3), 1,
			   "unrolled, where constants tell their end" },
	[FEATURE_KFUNC] = { "calls of kernel functions", "call", LINUX(5, 13), 1 },
};

static const struct {
	const char *name;
	uint16_t release;
} map_flags[] = {
	{ "no_prealloc", LINUX(4, 6) },
	{ "no_common_lru", LINUX(4, 10) },
	{ "numa_node", LINUX(4, 14) },
	{ "rdonly", LINUX(4, 15) },
	{ "wronly", LINUX(4, 15) },
	{ "stack_build_id", LINUX(4, 17) },
	{ "zero_seed", LINUX(5, 0) },
	{ "rdonly_prog", LINUX(5, 2) },
	{ "wronly_prog", LINUX(5, 2) },
	{ "clone", LINUX(5, 4) },
	{ "mmapable", LINUX(5, 5) },
	{ "preserve_elems", LINUX(5, 10) },
	{ "inner_map", LINUX(5, 10) },
	{ "link", LINUX(6, 4) },
};

#define MAP_FLAGS (sizeof(map_flags) / sizeof(map_flags[0]))

/* Types that the kernel only finds in a map's value through the object's BTF. */
static const struct {
	const char *name;
	uint16_t release;
} special_types[] = {
	{ "bpf_spin_lock", LINUX(5, 1) },  { "bpf_timer", LINUX(5, 15) },
	{ "bpf_list_head", LINUX(6, 2) },  { "bpf_list_node", LINUX(6, 2) },
	{ "bpf_rb_root", LINUX(6, 3) },    { "bpf_rb_node", LINUX(6, 3) },
	{ "bpf_refcount", LINUX(6, 4) },   { "bpf_wq", LINUX(6, 10) },
};

struct survey {
	const struct object *obj;
	struct needs *needs;
	struct error *err;
	struct table seen; /* functions, by name: programs hold copies of them */
	uint32_t helpers[HELPERS];
	uint32_t features[FEATURE_COUNT];
};

/* ---- the list ---- */

static struct need *find_need(struct needs *needs, enum need_kind kind, const char *what)
{
	size_t i;

	for (i = 0; i < needs->at.len; i++)
		if (needs->at.at[i].kind == kind && !strcmp(needs->at.at[i].what, what))
			return &needs->at.at[i];
	return NULL;
}

static void add_where(struct need *need, const char *name)
{
	size_t len = strlen(need->where), room = sizeof(need->where) - len;

	if (len >= 3 && !strcmp(need->where + len - 3, "..."))
		return;
	if (strlen(name) + sizeof(", , ...") < room)
		snprintf(need->where + len, room, "%s%s", len ? ", " : "", name);
	else if (room > sizeof(", ..."))
		snprintf(need->where + len, room, "%s...", len ? ", " : "");
}

/* One more of what is needed: found, or added. where: NULL or a name. */
static int need(struct survey *s, const struct need *wanted, const char *where)
{
	struct need *n = find_need(s->needs, wanted->kind, wanted->what);

	if (!n) {
		n = vec_push(&s->needs->at);
		if (!n)
			return error_memory(s->err);
		*n = *wanted;
		n->count = 0;
	}
	n->count += wanted->count ? wanted->count : 1;
	if (where)
		add_where(n, where);
	return 0;
}

/* ---- programs ---- */

/* As compat/lower_tracing.c does it. */
static void tracing_has_instead(struct need *n, const struct section_kind *kind)
{
	static const struct {
		const char *section, *instead;
		uint16_t release;
	} ways[] = {
		{ "fentry/", "a kprobe", LINUX(4, 1) },
		{ "fentry.s/", "a kprobe", LINUX(4, 1) },
		{ "fexit/", "a kretprobe", LINUX(4, 1) },
		{ "fexit.s/", "a kretprobe", LINUX(4, 1) },
		{ "kprobe.multi/", "a kprobe on each, where they are few", LINUX(4, 1) },
		{ "kretprobe.multi/", "a kretprobe on each, where they are few", LINUX(4, 1) },
		{ "uprobe.multi/", "a uprobe on each, where they are few", LINUX(4, 3) },
		{ "uretprobe.multi/", "a uretprobe on each, where they are few", LINUX(4, 3) },
		{ "tp_btf/", "a raw tracepoint", LINUX(4, 17) },
		{ "raw_tp/", "a tracepoint, where its record has what is read", LINUX(4, 7) },
		{ "raw_tracepoint/", "a tracepoint, where its record has what is read", LINUX(4, 7) },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(kind->name, ways[i].section)) {
			n->instead = ways[i].instead;
			n->instead_release = ways[i].release;
		}
}

static int need_program(struct survey *s, const struct program *prog)
{
	const struct section_kind *kind = section_kind(prog->section);
	struct need n = { .kind = NEED_PROGRAM, .unit = "program" };
	const char *attach = kind ? kind->attach_name : NULL;
	struct since since;

	if (!kind) {
		snprintf(n.what, sizeof(n.what), "programs of a kind that is not known");
		return need(s, &n, prog->section);
	}
	since = since_program_type(kind->type);
	n.release = kind->since > since.release ? kind->since : since.release;
	/* "xdp" attaches as "xdp": no need to say so twice. */
	if (attach && !strcmp(attach, since.name))
		attach = NULL;
	snprintf(n.what, sizeof(n.what), "program type %s%s%s%s", since.name,
		 attach ? ", attach type " : "", attach ? attach : "",
		 kind->flags & SLEEPABLE ? ", sleepable" : "");
	tracing_has_instead(&n, kind);
	return need(s, &n, prog->name);
}

static int need_size(struct survey *s, const struct program *prog)
{
	struct need n = { .kind = NEED_INSTRUCTION, .release = LINUX(5, 2), .unit = "program" };

	if (prog->insns.len <= FEW_INSTRUCTIONS)
		return 0;
	snprintf(n.what, sizeof(n.what), "programs of more than %u instructions",
		 FEW_INSTRUCTIONS);
	return need(s, &n, prog->name);
}

/* ---- instructions ---- */

#define OP_SIGNED 1 /* offset of sdiv, smod */
#define MODE_MEMSX 0x80
#define OP_JCOND 0xe0
#define ATOMIC_LOAD 0x100
#define ATOMIC_STORE 0x110

static bool is_less_than(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	return op == BPF_JLT || op == BPF_JLE || op == BPF_JSLT || op == BPF_JSLE;
}

static void survey_jump(struct survey *s, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	if (op == OP_JCOND)
		s->features[FEATURE_MAY_GOTO]++;
	else if (insn_is_gotol(insn))
		s->features[FEATURE_V4]++;
	else if (BPF_CLASS(insn->code) == BPF_JMP32)
		s->features[FEATURE_JMP32]++;
	else if (is_less_than(insn))
		s->features[FEATURE_JLT]++;
}

static void survey_arithmetic(struct survey *s, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	bool is_64 = BPF_CLASS(insn->code) == BPF_ALU64;

	if (is_64 && op == BPF_MOV && BPF_SRC(insn->code) == BPF_X && insn->off == 1)
		s->features[FEATURE_ARENA]++;
	else if ((is_64 && op == BPF_END) || (op == BPF_MOV && insn->off) ||
		 ((op == BPF_DIV || op == BPF_MOD) && insn->off == OP_SIGNED))
		s->features[FEATURE_V4]++;
}

static void survey_store(struct survey *s, const struct bpf_insn *insn)
{
	if (BPF_MODE(insn->code) != BPF_ATOMIC)
		return;
	if (insn->imm == ATOMIC_LOAD || insn->imm == ATOMIC_STORE)
		s->features[FEATURE_ORDERED]++;
	else if (insn->imm != BPF_ADD) /* add without fetch is as old as BPF */
		s->features[FEATURE_ATOMIC]++;
}

static void survey_call(struct survey *s, const struct bpf_insn *insn)
{
	if (insn->src_reg == BPF_PSEUDO_CALL)
		s->features[FEATURE_CALL]++;
	else if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		s->features[FEATURE_KFUNC]++;
	else
		s->helpers[insn->imm > 0 && insn->imm < HELPERS ? insn->imm : 0]++;
}

static void survey_insn(struct survey *s, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		survey_arithmetic(s, insn);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		if (insn_is_call(insn))
			survey_call(s, insn);
		else
			survey_jump(s, insn);
		break;
	case BPF_LDX:
		s->features[FEATURE_V4] += BPF_MODE(insn->code) == MODE_MEMSX;
		break;
	case BPF_STX:
		survey_store(s, insn);
		break;
	}
}

static int survey_range(struct survey *s, const struct program *prog, uint32_t from, uint32_t to)
{
	int64_t loops = function_loops(prog, from, to);
	uint32_t i;
	size_t n;

	for (i = from; i < to; i++) {
		survey_insn(s, &prog->insns.at[i]);
		i += insn_is_wide(&prog->insns.at[i]);
	}
	for (n = 0; n < prog->refs.len; n++)
		if (prog->refs.at[n].kind == REF_FUNC && prog->refs.at[n].insn >= from &&
		    prog->refs.at[n].insn < to)
			s->features[FEATURE_CALLBACK]++;
	if (loops < 0)
		return error_memory(s->err);
	s->features[FEATURE_LOOP] += loops;
	return 0;
}

static int survey_program(struct survey *s, const struct program *prog)
{
	size_t i;

	for (i = 0; i < prog->funcs.len; i++) {
		const struct func *f = &prog->funcs.at[i];
		uint32_t end = program_func_end(prog, i);
		uint64_t key = (uintptr_t)f->name;

		if (table_get(&s->seen, key))
			continue;
		if (table_put(&s->seen, key, (void *)f))
			return error_memory(s->err);
		if (survey_range(s, prog, f->insn, end))
			return -1;
	}
	return need_program(s, prog) || need_size(s, prog) ? -1 : 0;
}

/* ---- what was counted ---- */

/* bpf_perf_event_output; before Linux 4.11 records have to fit on the stack. */
static void ring_has_instead(struct need *n)
{
	n->instead = "a perf buffer (4.4)";
	n->instead_release = LINUX(4, 4);
}

static int need_helpers(struct survey *s)
{
	uint32_t id;

	for (id = 0; id < HELPERS; id++) {
		struct since since = since_helper(id);
		struct need n = {
			.kind = NEED_HELPER,
			.release = since.release,
			.count = s->helpers[id],
			.unit = "call",
		};

		if (!n.count)
			continue;
		if (since.release)
			snprintf(n.what, sizeof(n.what), "helper bpf_%s", since.name);
		else if (id)
			snprintf(n.what, sizeof(n.what), "helper %s: not known", since.name);
		else
			snprintf(n.what, sizeof(n.what), "helpers that no kernel has");
		n.instead = lower_helpers_instead(id, &n.instead_release);
		if (id >= BPF_FUNC_ringbuf_output && id <= BPF_FUNC_ringbuf_query)
			ring_has_instead(&n);
		if (need(s, &n, NULL))
			return -1;
	}
	return 0;
}

static int need_features(struct survey *s)
{
	enum feature f;

	s->needs->isa = 1;
	for (f = 0; f < FEATURE_COUNT; f++) {
		struct need n = {
			.kind = NEED_INSTRUCTION,
			.release = features[f].release,
			.count = s->features[f],
			.unit = features[f].unit,
			.instead = features[f].instead,
		};

		if (!n.count)
			continue;
		if (s->needs->isa < features[f].isa)
			s->needs->isa = features[f].isa;
		snprintf(n.what, sizeof(n.what), "%s", features[f].what);
		if (need(s, &n, NULL))
			return -1;
	}
	return 0;
}

/* ---- maps ---- */

void needs_map_flags(struct strbuf *out, uint32_t flags)
{
	uint32_t bit;

	for (bit = 0; bit < MAP_FLAGS; bit++) {
		if (!(flags & 1u << bit))
			continue;
		strbuf_add(out, "%s%s", out->len ? "|" : "", map_flags[bit].name);
		flags &= ~(1u << bit);
	}
	if (flags)
		strbuf_add(out, "%s0x%x", out->len ? "|" : "", flags);
}

static int need_flags(struct survey *s, const struct map *map)
{
	uint32_t bit;

	for (bit = 0; bit < MAP_FLAGS; bit++) {
		struct need n = {
			.kind = NEED_MAP_FLAG,
			.release = map_flags[bit].release,
			.unit = "map",
		};

		if (!(map->flags & 1u << bit))
			continue;
		snprintf(n.what, sizeof(n.what), "map flag %s", map_flags[bit].name);
		if (need(s, &n, map->name))
			return -1;
	}
	return 0;
}

/* Of the members of a map's value themselves: the kernel looks no deeper for most. */
static int need_special_types(struct survey *s, const struct map *map)
{
	const struct btf *btf = &s->obj->btf;
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, map->value_type_id)), *inner;
	const struct btf_member *m;
	uint32_t i;
	size_t n;

	if (!t || !btf_is_composite(t))
		return 0;
	m = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++) {
		inner = btf_type(btf, btf_resolve(btf, m[i].type));
		for (n = 0; n < sizeof(special_types) / sizeof(special_types[0]); n++) {
			struct need wanted = {
				.kind = NEED_TYPE,
				.release = special_types[n].release,
				.unit = "map",
			};

			if (!inner || strcmp(btf_string(btf, inner->name_off),
					     special_types[n].name))
				continue;
			snprintf(wanted.what, sizeof(wanted.what), "struct %s in a map's value",
				 special_types[n].name);
			if (need(s, &wanted, map->name))
				return -1;
		}
	}
	return 0;
}

static int need_map(struct survey *s, const struct map *map)
{
	struct since since = since_map_type(map->type);
	struct need n = { .kind = NEED_MAP, .release = since.release, .unit = "map" };

	if (map->role == MAP_KCONFIG)
		return 0; /* settings are told of one by one */
	if (map->role != MAP_PLAIN) {
		n = (struct need){ .kind = NEED_DATA, .release = LINUX(5, 2), .unit = "section",
				   .what = "global variables", .instead = "lookups in a map" };
		return need(s, &n, map->name);
	}
	snprintf(n.what, sizeof(n.what), "map type %s%s", since.name,
		 since.release ? "" : ": not known");
	if (map->type == BPF_MAP_TYPE_RINGBUF)
		ring_has_instead(&n);
	return need(s, &n, map->name) || need_flags(s, map) || need_special_types(s, map) ? -1 : 0;
}

/* ---- types and externs ---- */

static int need_relocations(struct survey *s)
{
	struct need n = {
		.kind = NEED_TYPE,
		.release = LINUX(5, 4),
		.unit = "relocation",
		.instead = "its image, tracefs or --btf FILE",
		.what = "types of the kernel in /sys/kernel/btf",
	};
	size_t i, k;

	for (i = 0; i < s->obj->programs.len; i++)
		for (k = 0; k < s->obj->programs.at[i].relos.len; k++)
			n.count += s->obj->programs.at[i].relos.at[k].kind !=
				   BPF_CORE_TYPE_ID_LOCAL;
	return n.count ? need(s, &n, NULL) : 0;
}

static int need_external(struct survey *s, const struct external *e)
{
	struct need n = { .kind = NEED_DATA, .unit = "extern" };
	const struct btf *btf = &s->obj->btf;
	const struct btf_type *t = btf_type(btf, e->type_id);

	if (e->is_function && !strcmp(e->section, ".ksyms")) {
		snprintf(n.what, sizeof(n.what), "functions of the kernel (kfuncs)");
		n.release = e->is_weak ? 0 : LINUX(5, 13);
	} else if (e->is_function)
		snprintf(n.what, sizeof(n.what), "functions that are not in the object");
	else if (!strcmp(e->section, ".kconfig"))
		snprintf(n.what, sizeof(n.what), "values of the kernel's configuration");
	else if (t && !btf_type(btf, btf_resolve(btf, t->type)))
		snprintf(n.what, sizeof(n.what), "addresses from /proc/kallsyms");
	else {
		snprintf(n.what, sizeof(n.what), "variables of the kernel, by their type");
		n.release = LINUX(5, 10);
	}
	return need(s, &n, e->name);
}

/* The newest first, otherwise as they were found. */
static void sort(struct needs *needs)
{
	size_t i, n;

	for (i = 1; i < needs->at.len; i++) {
		struct need moved = needs->at.at[i];

		for (n = i; n && needs->at.at[n - 1].release < moved.release; n--)
			needs->at.at[n] = needs->at.at[n - 1];
		needs->at.at[n] = moved;
	}
}

static void sum_up(struct needs *needs)
{
	size_t i;

	for (i = 0; i < needs->at.len; i++) {
		const struct need *n = &needs->at.at[i];
		uint16_t least;

		if (n->release > needs->release)
			needs->release = n->release;
		least = n->instead ? n->instead_release : n->release;
		if (least > needs->least_release)
			needs->least_release = least;
	}
}

int needs_init(struct needs *needs, const struct object *obj, struct error *err)
{
	struct survey s = { .obj = obj, .needs = needs, .err = err };
	int ret = 0;
	size_t i;

	memset(needs, 0, sizeof(*needs));
	for (i = 0; !ret && i < obj->programs.len; i++)
		ret = survey_program(&s, &obj->programs.at[i]);
	for (i = 0; !ret && i < obj->maps.len; i++)
		ret = need_map(&s, &obj->maps.at[i]);
	for (i = 0; !ret && i < obj->externals.len; i++)
		ret = need_external(&s, &obj->externals.at[i]);
	if (!ret)
		ret = need_helpers(&s) || need_features(&s) || need_relocations(&s) ? -1 : 0;
	table_fini(&s.seen);
	sort(needs);
	sum_up(needs);
	return ret;
}

void needs_fini(struct needs *needs)
{
	vec_fini(&needs->at);
}

const char *need_kind_name(enum need_kind kind)
{
	static const char *const names[] = {
		[NEED_PROGRAM] = "program",
		[NEED_MAP] = "map",
		[NEED_MAP_FLAG] = "map flag",
		[NEED_HELPER] = "helper",
		[NEED_INSTRUCTION] = "instruction",
		[NEED_DATA] = "data",
		[NEED_TYPE] = "type",
	};

	return names[kind];
}
