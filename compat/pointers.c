// SPDX-License-Identifier: GPL-2.0
/*
 * Forwards from where pointers come from, through copies, additions and the stack, gone over until
 * nothing changes; where ways meet, a register may be what it is on any of them. E.g. of a tracing
 * program on a function whose second argument is a struct file *:
 *
 *	r6 = r1				r1, r6: context
 *	r7 = *(u64 *)(r6 + 8)		r7: kernel
 *	*(u64 *)(r10 - 8) = r7		slot 0: kernel
 *	r1 = *(u64 *)(r7 + 24)		r1: kernel, file->f_inode
 *	r1 += 64			r1: kernel
 *	r2 = *(u32 *)(r1 + 0)		r2: nothing, as no pointer is of 32 bits
 *
 * Without types a number is taken for a pointer as well. That does no harm: nothing is read
 * through it, or else it is added to something that may be read as kernel memory, too.
 */
#include "compat/pointers.h"

#include <stdlib.h>

#include "compat/insn.h"
#include "compat/stack.h"

#define SLOTS (STACK_MAX / 8)

struct pointers_state {
	bool reached;
	uint8_t regs[MAX_BPF_REG], slots[SLOTS]; /* words of the stack, that next to r10 first */
};

static uint8_t *reg(struct pointers_state *s, uint8_t number)
{
	return &s->regs[number % MAX_BPF_REG];
}

static int slot_of(int16_t off)
{
	return off < 0 && off >= -STACK_MAX ? (-off - 1) / 8 : -1;
}

/* ---- instructions ---- */

static void step_alu(const struct bpf_insn *insn, struct pointers_state *s)
{
	uint8_t op = BPF_OP(insn->code), *dst = reg(s, insn->dst_reg), src = 0;

	if (BPF_SRC(insn->code) == BPF_X)
		src = *reg(s, insn->src_reg);
	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off)
		*dst = src;
	else if (BPF_CLASS(insn->code) != BPF_ALU64 || (op != BPF_ADD && op != BPF_SUB))
		*dst = 0;
	else if (op == BPF_SUB && src)
		*dst = 0; /* the distance of two pointers */
	else if ((*dst | src) & (POINTER_CONTEXT | POINTER_MOVED))
		*dst = POINTER_MOVED | ((*dst | src) & POINTER_KERNEL);
	else
		*dst |= src;
}

static void step_load(const struct pointers *p, const struct bpf_insn *insn,
		      struct pointers_state *s)
{
	uint8_t from = *reg(s, insn->src_reg), size = BPF_SIZE(insn->code), to = 0;
	int slot = insn->src_reg == BPF_REG_10 ? slot_of(insn->off) : -1;

	if (BPF_MODE(insn->code) != BPF_MEM)
		to = 0;
	else if (slot >= 0)
		to = size == BPF_DW ? s->slots[slot] : 0;
	else if (from & POINTER_KERNEL && size == insn_size(p->source.size))
		to = POINTER_KERNEL;
	else if (from & POINTER_CONTEXT && p->source.context && size == BPF_DW)
		to = POINTER_KERNEL;
	*reg(s, insn->dst_reg) = to;
}

static void step_store(const struct bpf_insn *insn, struct pointers_state *s)
{
	int slot = insn->dst_reg == BPF_REG_10 ? slot_of(insn->off) : -1;

	if (BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC) {
		if (insn->imm & BPF_FETCH)
			*reg(s, insn->src_reg) = *reg(s, BPF_REG_0) = 0;
	} else if (slot >= 0) {
		bool whole = insn->code == (BPF_STX | BPF_MEM | BPF_DW);

		s->slots[slot] = whole ? *reg(s, insn->src_reg) : 0;
	}
}

static void step_call(const struct pointers *p, const struct bpf_insn *insn,
		      struct pointers_state *s)
{
	for (int i = BPF_REG_0; i <= BPF_REG_5; i++)
		s->regs[i] = 0;
	if (p->source.helper && insn_is_helper_call(insn) && insn->imm == p->source.helper)
		s->regs[BPF_REG_0] = POINTER_KERNEL;
}

static void step(const struct pointers *p, const struct bpf_insn *insn, struct pointers_state *s)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(insn, s);
		break;
	case BPF_LDX:
		step_load(p, insn, s);
		break;
	case BPF_ST:
	case BPF_STX:
		step_store(insn, s);
		break;
	case BPF_LD:
		*reg(s, insn_is_wide(insn) ? insn->dst_reg : BPF_REG_0) = 0;
		break;
	default:
		if (insn_is_call(insn))
			step_call(p, insn, s);
	}
}

/* ---- the program ---- */

static void join_bits(struct pointers *p, uint8_t *to, uint8_t bits)
{
	p->changed |= (*to | bits) != *to;
	*to |= bits;
}

static void flow(struct pointers *p, int64_t to, const struct pointers_state *s)
{
	struct pointers_state *there;

	if (to < 0 || to >= (int64_t)p->prog->insns.len)
		return;
	there = &p->before[to];
	p->changed |= !there->reached;
	there->reached = true;
	for (int i = 0; i < MAX_BPF_REG; i++)
		join_bits(p, &there->regs[i], s->regs[i]);
	for (int i = 0; i < SLOTS; i++)
		join_bits(p, &there->slots[i], s->slots[i]);
}

static void walk(struct pointers *p)
{
	for (uint32_t i = 0; i < p->prog->insns.len; i++) {
		const struct bpf_insn *insn = &p->prog->insns.at[i];
		struct pointers_state s = p->before[i];
		bool wide = insn_is_wide(insn);

		if (s.reached) {
			step(p, insn, &s);
			if (insn_is_jump(insn))
				flow(p, insn_target(insn, i), &s);
			if (!insn_ends_flow(insn))
				flow(p, (int64_t)i + 1 + wide, &s);
		}
		i += wide;
	}
}

int pointers_init(struct pointers *p, const struct program *prog, struct pointers_source source,
		  struct error *err)
{
	*p = (struct pointers){ .prog = prog, .source = source };
	p->before = calloc(prog->insns.len + 1, sizeof(*p->before));
	if (!p->before)
		return error_memory(err);
	p->before[0].reached = true;
	p->before[0].regs[BPF_REG_1] = POINTER_CONTEXT;
	do {
		p->changed = false;
		walk(p);
	} while (p->changed);
	return 0;
}

void pointers_fini(struct pointers *p)
{
	free(p->before);
	p->before = NULL;
}

uint8_t pointers_at(const struct pointers *p, uint32_t insn, uint8_t number)
{
	return p->before[insn].regs[number % MAX_BPF_REG];
}
