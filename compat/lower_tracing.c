// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of type TRACING, which a kernel attaches by its types (since Linux 5.5, and only where the
 * architecture has trampolines), for kernels that do not:
 *
 *	tp_btf/X	raw_tp/X, which gets the same context
 *	raw_tp/X	tracepoint/CATEGORY/X, as far as the record has what is read (before 4.17)
 *	fentry/F	kprobe/F, the arguments from the registers
 *	fexit/F		kretprobe/F, the result from its register. The arguments are gone by then: another
 *			kprobe/F, which is added to the object, puts them by in a map
 *
 * What is read through pointers becomes calls first (pointers_read.c). E.g. on x86-64, of a program
 * on security_file_open(struct file *file):
 *
 *	r1 = *(u64 *)(r1 + 0)		r1 = *(u64 *)(r1 + 112)
 *	r1 = *(u32 *)(r1 + 20)		r3 = r1
 *					r3 += 20
 *					*(u64 *)(r10 - 8) = 0
 *					r1 = r10
 *					r1 += -8
 *					r2 = 4
 *					call bpf_probe_read_kernel
 *					r1 = *(u32 *)(r10 - 8)
 *
 * and of one behind it that also reads the file, the added one and its own start:
 *
 *	r2 = *(u64 *)(r1 + 112)		*(u64 *)(r10 - 8) = r1
 *	*(u64 *)(r10 - 16) = r2		call bpf_get_current_pid_tgid
 *	call bpf_get_current_pid_tgid	*(u64 *)(r10 - 16) = r0
 *	*(u64 *)(r10 - 8) = r0		r1 = map ".arguments.p"
 *	r1 = map ".arguments.p"		r2 = r10
 *	r2 = r10			r2 += -16
 *	r2 += -8			call bpf_map_lookup_elem
 *	r3 = r10			if r0 != 0 goto +2
 *	r3 += -16			r0 = 0
 *	r4 = 0				exit
 *	call bpf_map_update_elem	r1 = *(u64 *)(r0 + 0)
 *	r0 = 0				*(u64 *)(r10 - 24) = r1
 *	exit				(bpf_map_delete_elem likewise)
 *					r1 = *(u64 *)(r10 - 8)
 */
#include "compat/lower.h"

#include <stdio.h>
#include <string.h>

#include "compat/context.h"
#include "compat/insn.h"
#include "compat/piece.h"
#include "compat/pointers.h"
#include "compat/refuse.h"
#include "compat/registers.h"
#include "compat/stack.h"
#include "compat/tracepoints.h"

#define LOWERING "tracing"
#define CALLS_MAX 10240 /* at the same time, of which arguments are put by */

enum {
	FUNC_map_lookup_elem = 1,
	FUNC_map_update_elem = 2,
	FUNC_map_delete_elem = 3,
	FUNC_get_current_pid_tgid = 14,
	FUNC_get_current_task = 35,
};

struct tracing {
	struct object *obj;
	struct caps *caps;
	struct program *prog;
	struct plan *plan;
	struct error *err;
	struct plan_why why; /* what this kernel lacks */
	const struct registers *registers;
	uint32_t used; /* words of the context that the program reads */
	struct context context;
};

static bool is(const struct tracing *t, const char *kind)
{
	size_t len = strlen(kind);

	/* "fentry" for "fentry/" and "fentry.s/" */
	return !strncmp(t->prog->kind->name, kind, len) &&
	       (!strcmp(t->prog->kind->name + len, "/") || !strcmp(t->prog->kind->name + len, ".s/"));
}

/* ---- reads ---- */

/* Through pointers, and from the context: what of it is read. */
static int untype(struct tracing *t)
{
	struct pointers_source source = { .context = true, .size = t->registers->size };
	uint32_t n;

	if (pointers_to_reads(t->obj, t->prog, source, t->why.text, &n, t->err))
		return -1;
	t->context.obj = t->obj;
	t->context.prog = t->prog;
	t->context.why = t->why.text;
	if (context_used(&t->context, &t->used, t->err))
		return -1;
	return !n ? 0 : plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
				 "%u read%s through pointers into the kernel: instead "
				 "bpf_probe_read_kernel()", n, n > 1 ? "s" : "");
}

static bool uses(const struct tracing *t, uint32_t word)
{
	return t->used & 1u << word;
}

static int no_argument(const struct tracing *t, uint32_t n, const char *where, const char *hint)
{
	char what[96];

	snprintf(what, sizeof(what), "argument %u of %.48s, which is %s", n + 1, t->prog->target,
		 where);
	refuse(t->obj, t->prog, 0, what, t->why.text, t->err);
	return error_hint(t->err, "%s", hint);
}

static void become(const struct tracing *t, const char *kind)
{
	t->prog->kind = section_kind(kind);
}

/* ---- the stack, filled at the start ---- */

struct start {
	struct piece piece;
	int16_t context; /* where it is kept meanwhile */
	int16_t next;    /* the word below all others */
};

static int start_open(struct tracing *t, struct start *s)
{
	uint32_t depth;

	if (program_stack_depth(t->prog, 0, &depth, t->err))
		return -1;
	s->context = -(int)((depth + 7) / 8 * 8) - 8;
	s->next = s->context - 8;
	piece_put(&s->piece, INSN_STORE(BPF_DW, BPF_REG_10, s->context, BPF_REG_1));
	return 0;
}

static int16_t start_word(struct start *s)
{
	s->next -= 8;
	return s->next + 8;
}

static int start_close(struct tracing *t, struct start *s)
{
	struct edit edit;
	int ret;

	piece_put(&s->piece, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, s->context));
	if (s->next + 8 < -STACK_MAX) {
		piece_fini(&s->piece);
		refuse(t->obj, t->prog, 0, "no room is left on the stack for the arguments",
		       t->why.text, t->err);
		return error_hint(t->err, "put large variables into a per-CPU map");
	}
	ret = edit_init(&edit, t->prog, t->err);
	if (!ret)
		ret = piece_enter(&s->piece, &edit, 0, t->err);
	if (!ret)
		ret = edit_apply(&edit, t->err);
	edit_fini(&edit);
	piece_fini(&s->piece);
	return ret;
}

static void put_address(struct piece *p, uint8_t reg, int16_t off)
{
	piece_put(p, INSN_MOV(reg, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(reg, off));
}

/* ---- tracepoints ---- */

static struct context_word field(const struct tracing *t, const struct tracepoint_argument *a)
{
	uint8_t size = t->registers->size;

	if (a->where == TRACEPOINT_LONG)
		return (struct context_word){ CONTEXT_THERE, size, 8 + size * a->at };
	return (struct context_word){ CONTEXT_THERE, 4, a->at };
}

/* The task that runs, asked for at the start. */
static int read_task(struct tracing *t, uint32_t word)
{
	struct start s = { 0 };
	int16_t off;

	if (start_open(t, &s))
		return -1;
	off = start_word(&s);
	t->context.words[word] = (struct context_word){ CONTEXT_STACK, 8, off };
	piece_put(&s.piece, INSN_CALL(FUNC_get_current_task));
	piece_put(&s.piece, INSN_STORE(BPF_DW, BPF_REG_10, off, BPF_REG_0));
	if (!context_move(&t->context, t->err))
		return start_close(t, &s);
	piece_fini(&s.piece);
	return -1;
}

static int read_record(struct tracing *t, const struct tracepoint *point)
{
	int task = -1;

	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		const struct tracepoint_argument *a =
			n < point->arguments_len ? &point->arguments[n] : NULL;

		if (!uses(t, n))
			continue;
		if (!a || a->where == TRACEPOINT_NOWHERE)
			return no_argument(t, n, "not in the tracepoint's record",
					   "write a program for SEC(\"tracepoint/CATEGORY/EVENT\"), which "
					   "reads the record");
		if (a->where == TRACEPOINT_CURRENT)
			task = n;
		else
			t->context.words[n] = field(t, a);
	}
	return task >= 0 ? read_task(t, task) : context_move(&t->context, t->err);
}

static int to_tracepoint(struct tracing *t)
{
	const struct tracepoint *point = tracepoint_find(t->prog->target);
	char what[96];

	t->why = plan_why(t->caps, CAP_RAW_TRACEPOINT);
	t->context.why = t->why.text;
	if (!point) {
		snprintf(what, sizeof(what), "raw tracepoint '%.48s'", t->prog->target);
		refuse(t->obj, t->prog, 0, what, t->why.text, t->err);
		return error_hint(t->err, "write a program for SEC(\"tracepoint/CATEGORY/%.48s\"), which reads "
				  "the record", t->prog->target);
	}
	if (read_record(t, point))
		return -1;
	become(t, "tracepoint/");
	t->prog->target = point->name;
	return plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
			"becomes a program on tracepoint/%s, the arguments from its record", point->name);
}

static int lower_raw(struct tracing *t)
{
	bool typed = is(t, "tp_btf");

	if (typed && caps_ask(t->caps, CAP_TRACING) != CAP_NO)
		return 0;
	if (!typed && caps_ask(t->caps, CAP_RAW_TRACEPOINT) != CAP_NO)
		return 0;
	t->why = plan_why(t->caps, typed ? CAP_TRACING : CAP_RAW_TRACEPOINT);
	if (typed && untype(t))
		return -1;
	if (caps_ask(t->caps, CAP_RAW_TRACEPOINT) == CAP_NO)
		return !typed && untype(t) ? -1 : to_tracepoint(t);
	become(t, "raw_tp/");
	return plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
			"becomes a program on raw_tp/%s", t->prog->target);
}

/* ---- functions ---- */

/* From the registers, as they are when the function is called. */
static int read_registers(struct tracing *t)
{
	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		if (uses(t, n) && n >= t->registers->arguments_len)
			return no_argument(t, n, "in no register",
					   "a kprobe tells the first arguments alone; take them from a "
					   "function that it calls");
		if (uses(t, n))
			t->context.words[n] =
				(struct context_word){ CONTEXT_THERE, t->registers->size,
						       t->registers->arguments[n] };
	}
	return 0;
}

static int lower_entry(struct tracing *t)
{
	if (untype(t) || read_registers(t) || context_move(&t->context, t->err))
		return -1;
	become(t, "kprobe/");
	return plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
			"becomes a program on kprobe/%s, the arguments from the registers",
			t->prog->target);
}

/* The map by thread: as many words as there are arguments to put by. */
static int add_map(struct tracing *t, uint32_t count, uint32_t *map)
{
	char name[80];
	struct map *m;

	snprintf(name, sizeof(name), ".arguments.%.64s", t->prog->name);
	m = object_add_map(t->obj, name);
	if (!m)
		return error_memory(t->err);
	m->type = BPF_MAP_TYPE_HASH;
	m->key_size = 8;
	m->value_size = 8 * count;
	m->max_entries = CALLS_MAX;
	*map = m - t->obj->maps.at;
	return 0;
}

static void put_entry(const struct tracing *t, struct piece *p, uint32_t arguments, uint32_t map)
{
	uint8_t size = t->registers->size == 8 ? BPF_DW : BPF_W;
	int16_t values = -8 - 8 * __builtin_popcount(arguments), at = values;

	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		if (!(arguments & 1u << n))
			continue;
		piece_put(p, INSN_LOAD(size, BPF_REG_2, BPF_REG_1, t->context.words[n].off));
		piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, at, BPF_REG_2));
		at += 8;
	}
	piece_put(p, INSN_CALL(FUNC_get_current_pid_tgid));
	piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_0));
	piece_put_map(p, BPF_REG_1, map);
	put_address(p, BPF_REG_2, -8);
	put_address(p, BPF_REG_3, values);
	piece_put(p, INSN_MOV_IMM(BPF_REG_4, BPF_ANY));
	piece_put(p, INSN_CALL(FUNC_map_update_elem));
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(p, INSN_EXIT());
}

/* One more program, after which t->prog is another pointer. */
static int add_entry(struct tracing *t, uint32_t arguments, uint32_t map)
{
	size_t at = t->prog - t->obj->programs.at;
	struct program *entry = vec_push(&t->obj->programs);
	struct piece p = { 0 };
	struct func *func;

	t->prog = t->context.prog = &t->obj->programs.at[at];
	if (!entry)
		return error_memory(t->err);
	put_entry(t, &p, arguments, map);
	entry->name = t->prog->name;
	entry->section = t->prog->section;
	entry->kind = section_kind("kprobe/");
	entry->target = t->prog->target;
	entry->autoload = true;
	func = vec_push(&entry->funcs);
	if (p.failed || !func) {
		piece_fini(&p);
		return error_memory(t->err);
	}
	func->name = t->prog->name;
	memcpy(&entry->insns, &p.insns, sizeof(entry->insns));
	memcpy(&entry->refs, &p.refs, sizeof(entry->refs));
	return 0;
}

/* At the return: the arguments are fetched, to the stack; without them there is nothing to tell. */
static int fetch(struct tracing *t, uint32_t arguments, uint32_t map)
{
	struct start s = { 0 };
	int16_t key, from = 0;
	size_t found;

	if (start_open(t, &s))
		return -1;
	key = start_word(&s);
	piece_put(&s.piece, INSN_CALL(FUNC_get_current_pid_tgid));
	piece_put(&s.piece, INSN_STORE(BPF_DW, BPF_REG_10, key, BPF_REG_0));
	piece_put_map(&s.piece, BPF_REG_1, map);
	put_address(&s.piece, BPF_REG_2, key);
	piece_put(&s.piece, INSN_CALL(FUNC_map_lookup_elem));
	found = piece_put(&s.piece, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0));
	piece_put(&s.piece, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(&s.piece, INSN_EXIT());
	piece_land(&s.piece, found);
	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		if (!(arguments & 1u << n))
			continue;
		t->context.words[n] = (struct context_word){ CONTEXT_STACK, 8, start_word(&s) };
		piece_put(&s.piece, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, from));
		piece_put(&s.piece, INSN_STORE(BPF_DW, BPF_REG_10, t->context.words[n].off,
					       BPF_REG_1));
		from += 8;
	}
	piece_put_map(&s.piece, BPF_REG_1, map);
	put_address(&s.piece, BPF_REG_2, key);
	piece_put(&s.piece, INSN_CALL(FUNC_map_delete_elem));
	if (context_move(&t->context, t->err)) {
		piece_fini(&s.piece);
		return -1;
	}
	return start_close(t, &s);
}

static int no_prototype(const struct tracing *t)
{
	refuse(t->obj, t->prog, 0, "of a function's context, which of it is the result cannot be told "
	       "without the function's type", t->why.text, t->err);
	return error_hint(t->err, "give the kernel's types (--btf FILE), or write a program for "
			  "SEC(\"kretprobe/%.48s\")", t->prog->target);
}

static int keep_arguments(struct tracing *t, uint32_t arguments)
{
	uint32_t map = 0;

	if (add_map(t, __builtin_popcount(arguments), &map) ||
	    add_entry(t, arguments, map) || fetch(t, arguments, map))
		return -1;
	return plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
			"one more program on kprobe/%s puts the arguments by; of calls within calls in one "
			"thread only the innermost is told of", t->prog->target);
}

static int lower_exit(struct tracing *t)
{
	uint32_t result, arguments;

	if (untype(t))
		return -1;
	if (t->used && !t->prog->arguments)
		return no_prototype(t);
	result = t->prog->arguments ? t->prog->arguments - 1 : 0;
	arguments = t->used & ((1u << result) - 1);
	t->used = arguments;
	if (read_registers(t))
		return -1;
	if (result < CONTEXT_WORDS)
		t->context.words[result] = (struct context_word){
			CONTEXT_THERE, t->registers->size, t->registers->result };
	if (arguments ? keep_arguments(t, arguments) : context_move(&t->context, t->err))
		return -1;
	become(t, "kretprobe/");
	return plan_add(t->plan, LOWERING, t->prog, t->why.text, t->err,
			"becomes a program on kretprobe/%s, the result from its register",
			t->prog->target);
}

/* ---- all kinds ---- */

static const struct {
	const char *kind, *what, *hint;
} refused[] = {
	{ "fmod_ret", "a program that changes what a function returns",
	  "bpf_override_return() in a kprobe program does it since Linux 4.16, where the kernel is built "
	  "with CONFIG_BPF_KPROBE_OVERRIDE and the function lets it" },
	{ "fsession", "a program on both ends of a function", "write one for fentry/ and one for fexit/" },
	{ "fentry.multi", "a program on several functions", "write one for fentry/ of each function" },
	{ "fexit.multi", "a program on several functions", "write one for fexit/ of each function" },
	{ "fsession.multi", "a program on several functions",
	  "write one for fentry/ and one for fexit/ of each function" },
	{ "iter", "a program that goes over what the kernel has", "read /proc in user space instead" },
};

static int lower_function(struct tracing *t)
{
	enum cap cap = is(t, "iter") ? CAP_TRACING : CAP_TRAMPOLINE;

	if (caps_ask(t->caps, cap) != CAP_NO)
		return 0;
	t->why = plan_why(t->caps, cap);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (is(t, refused[i].kind)) {
			refuse(t->obj, t->prog, 0, refused[i].what, t->why.text, t->err);
			return error_hint(t->err, "%s", refused[i].hint);
		}
	return is(t, "fentry") ? lower_entry(t) : is(t, "fexit") ? lower_exit(t) : 0;
}

static int lower_program(struct tracing *t)
{
	static const struct registers widest = { .size = 8 };

	t->registers = registers_of(t->caps->machine);
	if (!t->registers)
		t->registers = &widest;
	if (is(t, "tp_btf") || is(t, "raw_tp") || is(t, "raw_tracepoint"))
		return lower_raw(t);
	return t->prog->kind->type == BPF_PROG_TYPE_TRACING ? lower_function(t) : 0;
}

int lower_tracing(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0, count = obj->programs.len; i < count; i++) {
		struct tracing t = { .obj = obj, .caps = caps, .prog = &obj->programs.at[i],
				     .plan = plan, .err = err };

		if (t.prog->autoload && t.prog->kind && lower_program(&t))
			return -1;
	}
	return 0;
}
