// SPDX-License-Identifier: GPL-2.0
#include "compat/live.h"

#include <stdlib.h>

#include "compat/insn.h"

/*
 * From the end to the beginning, again until nothing changes: what is read behind an instruction is
 * what is read where it may go on; before it, that less what it writes, and what it reads. And of
 * that only what has been set, found from the beginning to the end. E.g.
 *
 *				before it
 *	r6 = r1			r1
 *	r2 = 5			r6
 *	call 5			r1, r2, r6	(r3 to r5 have not been set)
 *	r0 += r6		r0, r6
 *	exit			r0
 */

#define BIT(reg) (1u << (reg))
#define ARGUMENTS (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5))

static uint16_t read_by_alu(const struct bpf_insn *insn)
{
	uint16_t src = BPF_SRC(insn->code) == BPF_X ? BIT(insn->src_reg) : 0;

	switch (BPF_OP(insn->code)) {
	case BPF_MOV: return src;
	case BPF_NEG:
	case BPF_END: return BIT(insn->dst_reg);
	}
	return src | BIT(insn->dst_reg);
}

static uint16_t read_by_jump(const struct bpf_insn *insn)
{
	if (insn_is_call(insn))
		return ARGUMENTS;
	if (insn->code == (BPF_JMP | BPF_EXIT))
		return BIT(0);
	if (insn_ends_flow(insn))
		return 0;
	return BIT(insn->dst_reg) | (BPF_SRC(insn->code) == BPF_X ? BIT(insn->src_reg) : 0);
}

static uint16_t read_by(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64: return read_by_alu(insn);
	case BPF_JMP:
	case BPF_JMP32: return read_by_jump(insn);
	case BPF_LDX: return BIT(insn->src_reg);
	case BPF_ST: return BIT(insn->dst_reg);
	case BPF_STX: /* a compare-and-exchange reads r0 too */
		return BIT(insn->dst_reg) | BIT(insn->src_reg) |
		       (BPF_MODE(insn->code) == BPF_ATOMIC ? BIT(0) : 0);
	}
	return insn_is_wide(insn) ? 0 : BIT(6) | BIT(insn->src_reg); /* of a packet */
}

/* Only what is written for certain. */
static uint16_t written_by(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX: return BIT(insn->dst_reg);
	case BPF_JMP: return insn_is_call(insn) ? BIT(0) | ARGUMENTS : 0;
	case BPF_LD: return insn_is_wide(insn) ? BIT(insn->dst_reg) : BIT(0) | ARGUMENTS;
	}
	return 0;
}

static uint16_t live_at(const struct program *prog, const uint16_t *live, int64_t insn)
{
	return insn >= 0 && insn < (int64_t)prog->insns.len ? live[insn] : 0;
}

static uint16_t live_before(const struct program *prog, const uint16_t *live, uint32_t at)
{
	const struct bpf_insn *insn = &prog->insns.at[at];
	uint16_t behind = 0;

	if (!insn_ends_flow(insn))
		behind |= live_at(prog, live, (int64_t)at + 1 + insn_is_wide(insn));
	if (insn_is_jump(insn))
		behind |= live_at(prog, live, insn_target(insn, at));
	return (behind & ~written_by(insn)) | read_by(insn);
}

/* Two walks until nothing changes: backwards for what is read, and forwards for what has been set. */
static void find_read(const struct program *prog, uint16_t *live)
{
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = prog->insns.len; i-- > 0;) {
			uint16_t now = live_before(prog, live, i);

			changed |= now != live[i];
			live[i] = now;
		}
	}
}

static uint16_t set_behind(const struct bpf_insn *insn, uint16_t set)
{
	if (BPF_CLASS(insn->code) == BPF_JMP && insn_is_call(insn))
		return (set & ~ARGUMENTS) | BIT(0);
	if (BPF_CLASS(insn->code) == BPF_LD && !insn_is_wide(insn))
		return (set & ~ARGUMENTS) | BIT(0);
	return set | written_by(insn);
}

/* What is set where several ways meet is set on all of them. */
static bool meet(const struct program *prog, uint16_t *set, int64_t at, uint16_t on_this_way)
{
	uint16_t before;

	if (at < 0 || at >= (int64_t)prog->insns.len)
		return false;
	before = set[at];
	set[at] &= on_this_way;
	return set[at] != before;
}

/* The kernel gives a program one argument; functions have those of five that all calls set. */
static void find_set(const struct program *prog, uint16_t *set)
{
	for (size_t i = 0; i < prog->insns.len; i++)
		set[i] = UINT16_MAX;
	for (size_t i = 0; i < prog->funcs.len; i++)
		meet(prog, set, prog->funcs.at[i].insn, i ? ARGUMENTS | BIT(10) : BIT(1) | BIT(10));
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < prog->insns.len; i++) {
			const struct bpf_insn *insn = &prog->insns.at[i];
			uint16_t behind = set_behind(insn, set[i]);
			bool wide = insn_is_wide(insn);

			if (insn_is_jump(insn))
				changed |= meet(prog, set, insn_target(insn, i), behind);
			if (insn_is_func_call(insn))
				changed |= meet(prog, set, insn_target(insn, i), set[i]);
			if (!insn_ends_flow(insn))
				changed |= meet(prog, set, (int64_t)i + 1 + wide, behind);
			i += wide;
		}
	}
}

/* That of the second slot of a BPF_LD_IMM64 means nothing. */
uint16_t *live_registers(const struct program *prog)
{
	uint16_t *live = calloc(prog->insns.len + 1, 2 * sizeof(*live));

	if (!live)
		return NULL;
	find_read(prog, live);
	find_set(prog, live + prog->insns.len + 1);
	for (size_t i = 0; i < prog->insns.len; i++)
		live[i] &= live[prog->insns.len + 1 + i];
	return live;
}
