// SPDX-License-Identifier: GPL-2.0
#include "compat/stack.h"

#include <stdlib.h>

#include "compat/insn.h"

/*
 * How deep a function's stack goes, found as the verifier would, only coarser: before each
 * instruction, for each register, the lowest place below the frame pointer that it may point
 * to. Where ways meet, the lower one holds. E.g.
 *
 *	r2 = r10		r2: 0
 *	r2 += -24		r2: -24
 *	*(u64 *)(r2 - 8) = 0	touches -32: the depth is at least 32
 *
 * A frame pointer that is put by on the stack is followed through its slot, by one value a
 * slot for the whole function. Loops are gone round until nothing changes; a pointer that
 * still sinks after a few rounds is taken to sink to the bottom.
 */

#define STACK_SLOTS (STACK_MAX / 8)
#define ROUNDS 8

/* Above every real value (those are -512..0), so that the lower of two is their join. */
enum { NO_FRAME = 1, UNREACHED = 2 };

struct regs {
	int16_t low[MAX_BPF_REG];
};

struct depth {
	const struct program *prog;
	uint32_t begin, end;
	struct regs *at; /* before each instruction of the function */
	int16_t slots[STACK_SLOTS];
	uint32_t deepest;
	bool changed, widen;
};

static int16_t clamp(int64_t low)
{
	return low > 0 ? 0 : low < -STACK_MAX ? -STACK_MAX : low;
}

static void touch(struct depth *d, int16_t base, int64_t off)
{
	uint32_t below = -clamp((int64_t)base + off);

	if (base <= 0 && below > d->deepest)
		d->deepest = below;
}

/* Lowers *to to value where that is lower. */
static void join(struct depth *d, int16_t *to, int16_t value)
{
	if (value >= *to)
		return;
	*to = d->widen && value < 0 ? -STACK_MAX : value;
	d->changed = true;
}

static int16_t *slot_of(struct depth *d, int16_t base, int16_t off)
{
	int64_t low = (int64_t)base + off;

	return base <= 0 && low < 0 && low >= -STACK_MAX ? &d->slots[(-low - 1) / 8] : NULL;
}

/* The pointer that dst holds after insn, an addition or subtraction. */
static int16_t moved(const struct bpf_insn *insn, int16_t dst, int16_t src)
{
	bool sub = BPF_OP(insn->code) == BPF_SUB;

	if (BPF_SRC(insn->code) == BPF_K)
		return dst > 0 ? dst : clamp(sub ? (int64_t)dst - insn->imm :
						   (int64_t)dst + insn->imm);
	if (!sub)
		return dst < src ? dst : src;
	if (dst > 0 || src <= 0)
		return NO_FRAME; /* a number less something, or one pointer less another */
	return -STACK_MAX;
}

static void step_alu(struct depth *d, const struct bpf_insn *insn, struct regs *r)
{
	int16_t src = r->low[insn->src_reg % MAX_BPF_REG];
	int16_t *dst = &r->low[insn->dst_reg % MAX_BPF_REG];
	uint8_t op = BPF_OP(insn->code);

	if (BPF_CLASS(insn->code) == BPF_ALU64 && (op == BPF_ADD || op == BPF_SUB))
		*dst = moved(insn, *dst, src);
	else if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off)
		*dst = src;
	else
		*dst = NO_FRAME;
	touch(d, *dst, 0);
}

static void step_load(struct depth *d, const struct bpf_insn *insn, struct regs *r)
{
	int16_t base = r->low[insn->src_reg % MAX_BPF_REG];
	int16_t *slot = slot_of(d, base, insn->off);

	touch(d, base, insn->off);
	r->low[insn->dst_reg % MAX_BPF_REG] =
		slot && BPF_SIZE(insn->code) == BPF_DW ? *slot : NO_FRAME;
}

static void step_store(struct depth *d, const struct bpf_insn *insn, struct regs *r)
{
	int16_t base = r->low[insn->dst_reg % MAX_BPF_REG];
	int16_t *src = &r->low[insn->src_reg % MAX_BPF_REG];
	int16_t *slot = slot_of(d, base, insn->off);

	touch(d, base, insn->off);
	if (BPF_CLASS(insn->code) == BPF_ST)
		return;
	if (BPF_MODE(insn->code) == BPF_ATOMIC)
		*src = insn->imm & BPF_FETCH ? NO_FRAME : *src;
	else if (slot && BPF_SIZE(insn->code) == BPF_DW)
		join(d, slot, *src);
}

static void step(struct depth *d, const struct bpf_insn *insn, struct regs *r)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(d, insn, r);
		break;
	case BPF_LDX:
		step_load(d, insn, r);
		break;
	case BPF_ST:
	case BPF_STX:
		step_store(d, insn, r);
		break;
	case BPF_LD:
		r->low[insn_is_wide(insn) ? insn->dst_reg % MAX_BPF_REG : 0] = NO_FRAME;
		break;
	case BPF_JMP:
		for (int i = 0; insn_is_call(insn) && i <= 5; i++)
			r->low[i] = NO_FRAME;
		break;
	}
	r->low[BPF_REG_10] = 0;
}

static void flow(struct depth *d, int64_t to, const struct regs *r)
{
	if (to < d->begin || to >= d->end)
		return;
	for (int i = 0; i < MAX_BPF_REG; i++)
		join(d, &d->at[to - d->begin].low[i], r->low[i]);
}

static void walk(struct depth *d)
{
	for (uint32_t i = d->begin; i < d->end; i++) {
		const struct bpf_insn *insn = &d->prog->insns.at[i];
		struct regs r = d->at[i - d->begin];
		bool wide = insn_is_wide(insn);

		if (r.low[0] != UNREACHED) {
			step(d, insn, &r);
			if (insn_is_jump(insn))
				flow(d, insn_target(insn, i), &r);
			if (!insn_ends_flow(insn))
				flow(d, (int64_t)i + 1 + wide, &r);
		}
		i += wide;
	}
}

static void depth_start(struct depth *d)
{
	for (uint32_t i = 0; i < d->end - d->begin; i++)
		for (int reg = 0; reg < MAX_BPF_REG; reg++)
			d->at[i].low[reg] = UNREACHED;
	for (int reg = 0; reg < MAX_BPF_REG; reg++)
		d->at[0].low[reg] = NO_FRAME;
	d->at[0].low[BPF_REG_10] = 0;
	for (int i = 0; i < STACK_SLOTS; i++)
		d->slots[i] = NO_FRAME;
}

int program_stack_depth(const struct program *prog, uint32_t func, uint32_t *depth,
			struct error *err)
{
	struct depth d = { .prog = prog, .end = program_func_end(prog, func) };

	if (func < prog->funcs.len)
		d.begin = prog->funcs.at[func].insn;
	if (d.begin >= d.end || d.end > prog->insns.len)
		return error_set(err, ERROR_FORMAT, "program '%s': function %u: got instructions "
				 "%u to %u of %zu", prog->name, func, d.begin, d.end,
				 prog->insns.len);
	d.at = calloc(d.end - d.begin, sizeof(*d.at));
	if (!d.at)
		return error_memory(err);
	depth_start(&d);
	for (int round = 0; !round || d.changed; round++) {
		d.changed = false;
		d.widen = round >= ROUNDS;
		walk(&d);
	}
	free(d.at);
	*depth = d.deepest;
	return 0;
}
