// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on a function's entry or end, to kprobes and kretprobes. E.g. of one at the end that also reads
 * the first argument, on x86-64, the program that is added and its own start:
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
#include "compat/tracing_internal.h"

#include <stdio.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/refuse.h"

#define CALLS_MAX 10240 /* at the same time, of which arguments are put by */

enum {
	FUNC_map_lookup_elem = 1,
	FUNC_map_update_elem = 2,
	FUNC_map_delete_elem = 3,
	FUNC_get_current_pid_tgid = 14,
};

/* From the registers, as they are when the function is called. */
static int read_registers(struct tracing *t)
{
	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		if (tracing_uses(t, n) && n >= t->registers->arguments_len)
			return tracing_no_argument(t, n, "in no register",
					   "a kprobe tells the first arguments alone; take them from a "
					   "function that it calls");
		if (tracing_uses(t, n))
			t->context.words[n] =
				(struct context_word){ CONTEXT_THERE, t->registers->size,
						       t->registers->arguments[n] };
	}
	return 0;
}

int tracing_entry(struct tracing *t)
{
	if (tracing_untype(t) || read_registers(t) || context_move(&t->context, t->err))
		return -1;
	return tracing_become(t, "kprobe/", t->prog->target, ", the arguments from the registers");
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

static void put_address(struct piece *p, uint8_t reg, int16_t off)
{
	piece_put(p, INSN_MOV(reg, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(reg, off));
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
	struct tracing_start s = { 0 };
	int16_t key, from = 0;
	size_t found;

	if (tracing_start_open(t, &s))
		return -1;
	key = tracing_start_word(&s);
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
		t->context.words[n] = (struct context_word){ CONTEXT_STACK, 8, tracing_start_word(&s) };
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
	return tracing_start_close(t, &s);
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
	return plan_add(t->plan, TRACING_LOWERING, t->prog, t->why.text, t->err,
			"one more program on kprobe/%s puts the arguments by; of calls within calls in one "
			"thread only the innermost is told of", t->prog->target);
}

int tracing_exit(struct tracing *t)
{
	uint32_t result, arguments;

	if (tracing_untype(t))
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
	return tracing_become(t, "kretprobe/", t->prog->target, ", the result from its register");
}
