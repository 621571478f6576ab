// SPDX-License-Identifier: GPL-2.0
/*
 * Backwards from what reads a register to what writes it, gone over until nothing changes. E.g.
 * (what is live before each, a register's name in parentheses where it is the lower half only):
 *
 *	0: w1 = *(u32 *)(r6 + 8)	r6
 *	1: r2 = r1			r6, (r1)
 *	2: w2 += 1			r6, (r1), (r2)	32 bits of it are read, and zeroed above
 *	3: if w1 > 63 goto 5		r6, (r1), r2
 *	4: *(u64 *)(r6 + 16) = r2	r6, r2
 *	5: r0 = 0
 *	6: exit				r0
 *
 * So between 1 and 4 whatever is in the upper half of r1 may be changed, and r3 to r5 are free.
 *
 * A helper is taken to read r1 to r5, a function of the program too; how many a helper takes
 * is not known here, and a register too many that is thought live does no harm.
 */
#include "compat/liveness.h"

#include <stdlib.h>

#include "compat/insn.h"

#define ARGUMENTS 0x3e /* r1 to r5 */
#define ATOMIC_LOAD_ACQUIRE 0x100
#define ATOMIC_STORE_RELEASE 0x110
#define ATOMIC_COMPARE_EXCHANGE 0xf1

static uint16_t reg(uint8_t number)
{
	return number < BPF_REG_10 ? 1 << number : 0;
}

static struct live whole(uint16_t regs)
{
	return (struct live){ regs, regs };
}

static struct live lower(uint16_t regs)
{
	return (struct live){ regs, 0 };
}

static struct live both(struct live a, struct live b)
{
	return (struct live){ a.any | b.any, a.upper | b.upper };
}

static bool same(struct live a, struct live b)
{
	return a.any == b.any && a.upper == b.upper;
}

/* ---- one instruction ---- */

static struct live alu_reads(const struct bpf_insn *insn)
{
	uint16_t regs = BPF_OP(insn->code) == BPF_MOV ? 0 : reg(insn->dst_reg);
	bool extends = BPF_OP(insn->code) == BPF_MOV && insn->off > 1;
	bool swaps = BPF_OP(insn->code) == BPF_END;

	if (BPF_SRC(insn->code) == BPF_X && !swaps)
		regs |= reg(insn->src_reg);
	if (swaps ? insn->imm < 64 : extends || BPF_CLASS(insn->code) == BPF_ALU)
		return lower(regs);
	return whole(regs);
}

static struct live atomic_reads(const struct bpf_insn *insn)
{
	struct live address = whole(reg(insn->dst_reg)), value = whole(reg(insn->src_reg));

	if (insn->imm == ATOMIC_LOAD_ACQUIRE)
		return value;
	if (BPF_SIZE(insn->code) != BPF_DW)
		value.upper = 0;
	if (insn->imm == ATOMIC_COMPARE_EXCHANGE)
		value = both(value, whole(reg(BPF_REG_0)));
	return both(address, value);
}

static struct live store_reads(const struct bpf_insn *insn)
{
	struct live address = whole(reg(insn->dst_reg));

	if (BPF_CLASS(insn->code) == BPF_ST)
		return address;
	if (BPF_MODE(insn->code) == BPF_ATOMIC)
		return atomic_reads(insn);
	return both(address, BPF_SIZE(insn->code) == BPF_DW ? whole(reg(insn->src_reg)) :
							      lower(reg(insn->src_reg)));
}

static struct live jump_reads(const struct bpf_insn *insn)
{
	uint16_t regs = reg(insn->dst_reg);

	if (insn_is_call(insn))
		return whole(ARGUMENTS);
	if (BPF_OP(insn->code) == BPF_EXIT)
		return whole(reg(BPF_REG_0));
	if (BPF_OP(insn->code) == BPF_JA || insn_is_may_goto(insn))
		return whole(0);
	if (BPF_SRC(insn->code) == BPF_X)
		regs |= reg(insn->src_reg);
	return BPF_CLASS(insn->code) == BPF_JMP32 ? lower(regs) : whole(regs);
}

struct live insn_reads(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return alu_reads(insn);
	case BPF_LDX:
		return whole(reg(insn->src_reg));
	case BPF_ST:
	case BPF_STX:
		return store_reads(insn);
	case BPF_LD: /* of a packet: the context is in r6, an index in the source */
		return insn_is_wide(insn) ? whole(0) :
					    whole(reg(BPF_REG_6) | reg(insn->src_reg));
	}
	return jump_reads(insn);
}

static uint16_t atomic_writes(const struct bpf_insn *insn)
{
	if (BPF_MODE(insn->code) != BPF_ATOMIC || insn->imm == ATOMIC_STORE_RELEASE)
		return 0;
	if (insn->imm == ATOMIC_LOAD_ACQUIRE)
		return reg(insn->dst_reg);
	if (insn->imm == ATOMIC_COMPARE_EXCHANGE)
		return reg(BPF_REG_0);
	return insn->imm & BPF_FETCH ? reg(insn->src_reg) : 0;
}

uint16_t insn_writes(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
		return reg(insn->dst_reg);
	case BPF_LD:
		return insn_is_wide(insn) ? reg(insn->dst_reg) : reg(BPF_REG_0) | ARGUMENTS;
	case BPF_STX:
		return atomic_writes(insn);
	}
	return insn_is_call(insn) ? reg(BPF_REG_0) | ARGUMENTS : 0;
}

/* Operations in which no bit of the result depends on higher ones of what goes in. */
static bool only_carries_up(const struct bpf_insn *insn)
{
	if (BPF_CLASS(insn->code) != BPF_ALU64)
		return false;
	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
	case BPF_NEG:
		return true;
	}
	return BPF_OP(insn->code) == BPF_LSH && BPF_SRC(insn->code) == BPF_K;
}

static struct live step(const struct liveness *l, const struct bpf_insn *insn, struct live behind)
{
	struct live reads = insn_reads(insn);
	uint16_t writes = insn_writes(insn);

	if (l->widened && l->widened(insn))
		reads.upper = reads.any;
	else if (only_carries_up(insn) && !(behind.upper & writes))
		reads.upper = 0;
	behind.any &= ~writes;
	behind.upper &= ~writes;
	return both(behind, reads);
}

/* ---- the program ---- */

static struct live at(const struct liveness *l, int64_t insn)
{
	/* Running off the end is the verifier's business. */
	return insn >= 0 && insn < (int64_t)l->prog->insns.len ? l->before[insn] : whole(0);
}

struct live live_before(const struct liveness *liveness, uint32_t insn)
{
	return liveness->before[insn];
}

struct live live_behind(const struct liveness *liveness, uint32_t insn)
{
	const struct bpf_insn *i = &liveness->prog->insns.at[insn];
	struct live behind = whole(0);

	if (insn_is_jump(i))
		behind = at(liveness, insn_target(i, insn));
	if (!insn_ends_flow(i))
		behind = both(behind, at(liveness, (int64_t)insn + 1 + insn_is_wide(i)));
	return behind;
}

static bool is_second_slot(const struct program *prog, uint32_t insn)
{
	return !prog->insns.at[insn].code && insn && insn_is_wide(&prog->insns.at[insn - 1]);
}

/* Whether it changed anything. */
static bool go_over(struct liveness *l)
{
	bool changed = false;

	for (uint32_t i = l->prog->insns.len; i-- > 0;) {
		struct live before;

		if (is_second_slot(l->prog, i))
			continue;
		before = step(l, &l->prog->insns.at[i], live_behind(l, i));
		changed |= !same(before, l->before[i]);
		l->before[i] = before;
	}
	return changed;
}

int liveness_init(struct liveness *liveness, const struct program *prog,
		  bool (*widened)(const struct bpf_insn *insn), struct error *err)
{
	liveness->widened = widened;
	liveness->prog = prog;
	liveness->before = calloc(prog->insns.len + 1, sizeof(*liveness->before));
	if (!liveness->before)
		return error_memory(err);
	while (go_over(liveness))
		;
	return 0;
}

void liveness_fini(struct liveness *liveness)
{
	free(liveness->before);
	liveness->before = NULL;
}
