// SPDX-License-Identifier: GPL-2.0
#include "compat/live.h"

#include <stdlib.h>

#include "compat/insn.h"

/*
 * From the end to the beginning, again until nothing changes: what matters behind an instruction is
 * what matters where it may go on; before it, that less what it writes, and what it reads. E.g.
 *
 *				before it
 *	r1 = r6			r6
 *	call 5			r1 to r5, r6	(r1 is written above)
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

/* That of the second slot of a BPF_LD_IMM64 means nothing. */
uint16_t *live_registers(const struct program *prog)
{
	uint16_t *live = calloc(prog->insns.len + 1, sizeof(*live));
	bool changed = live;

	while (changed) {
		changed = false;
		for (uint32_t i = prog->insns.len; i-- > 0;) {
			uint16_t now = live_before(prog, live, i);

			changed |= now != live[i];
			live[i] = now;
		}
	}
	return live;
}
