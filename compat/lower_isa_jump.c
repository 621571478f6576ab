// SPDX-License-Identifier: GPL-2.0
/*
 * Comparisons: those of 32 bits (Linux 5.1, clang's -mcpu=v3) as ones of 64, and those by "less
 * than" (4.14, v2) as their opposites. What a verifier learns from one it is to learn from what
 * stands instead, so the register itself is compared wherever it can be.
 */
#include "compat/lower_isa_internal.h"

#define LARGEST 0x7fffffff

static bool is_signed(uint8_t op)
{
	return op == BPF_JSGT || op == BPF_JSGE || op == BPF_JSLT || op == BPF_JSLE;
}

/* ---- of 32 bits ---- */

/*
 * A register that holds what is in reg as a number of 64 bits, with its sign or without: the same if
 * nobody wants its upper half, and none of the comparisons behind relies on how that is filled now.
 */
static int widen(struct isa *isa, uint8_t *reg, bool sign)
{
	bool relied_on = sign ? isa_width(isa, *reg) <= 32 : isa_has_sign(isa, *reg);
	uint8_t temp = *reg;

	if (isa_width(isa, *reg) <= (sign ? 31 : 32))
		return 0;
	if (relied_on || !isa_upper_dead(isa, *reg)) {
		if (isa_temp(isa, &temp))
			return -1;
		isa_put(isa, sign ? INSN_MOV(temp, *reg) : ISA_MOV32(temp, *reg));
	} else if (!sign) {
		isa_put(isa, ISA_MOV32(temp, temp));
	}
	if (sign)
		isa_put_sign(isa, temp, 32);
	*reg = temp;
	return 0;
}

static int compare_registers(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code), a = insn->dst_reg, b = insn->src_reg;

	if (widen(isa, &a, is_signed(op)))
		return -1;
	if (insn->src_reg == insn->dst_reg)
		b = a;
	else if (widen(isa, &b, is_signed(op)))
		return -1;
	isa_put_taken(isa, INSN(BPF_JMP | op | BPF_X, a, b, 0, 0));
	return isa_replace(isa);
}

/* With a constant whose sign would reach into the upper half. */
static int compare_large(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code), a = insn->dst_reg, k;

	if (widen(isa, &a, is_signed(op)))
		return -1;
	if (is_signed(op)) {
		isa_put_taken(isa, INSN_JUMP_IMM(op, a, insn->imm, 0));
		return isa_replace(isa);
	}
	if (isa_temp(isa, &k))
		return -1;
	isa_put(isa, INSN_MOV32_IMM(k, insn->imm));
	isa_put_taken(isa, INSN(BPF_JMP | op | BPF_X, a, k, 0, 0));
	return isa_replace(isa);
}

/*
 * With a sign, but a constant that has none. Two comparisons without, which tell an old verifier both
 * bounds of the register; a number above 0x7fffffff is one below 0:
 *
 *	if w1 s> 10 goto out	if r1 > 0x7fffffff goto +1
 *				if r1 > 10 goto out
 *
 *	if w1 s<= 10 goto out	if r1 > 0x7fffffff goto out
 *				if r1 <= 10 goto out
 */
static void put_signed(struct isa *isa, uint8_t op, uint8_t reg, int32_t k)
{
	/* To "greater" or "less or equal". */
	if (op == BPF_JSGE || op == BPF_JSLT)
		k--;
	if (op == BPF_JSGE)
		op = BPF_JSGT;
	if (op == BPF_JSLT)
		op = BPF_JSLE;
	if (k < 0) {
		isa_put_taken(isa, INSN_JUMP_IMM(op == BPF_JSGT ? BPF_JLE : BPF_JGT, reg, LARGEST,
						 0));
	} else if (op == BPF_JSGT) {
		isa_put_passed(isa, INSN_JUMP_IMM(BPF_JGT, reg, LARGEST, 0));
		isa_put_taken(isa, INSN_JUMP_IMM(BPF_JGT, reg, k, 0));
	} else {
		isa_put_taken(isa, INSN_JUMP_IMM(BPF_JGT, reg, LARGEST, 0));
		isa_put_taken(isa, INSN_JUMP_IMM(BPF_JLE, reg, k, 0));
	}
}

/* Whether the constant, and all that is made of it, is a number without a sign. */
static bool is_small(uint8_t op, int32_t k)
{
	if (op == BPF_JSGT || op == BPF_JSLE)
		return k >= -1;
	/* What is set in the upper half is not in the register's. */
	return k >= 0 || op == BPF_JSET;
}

static int compare_constant(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code), a = insn->dst_reg;

	if (!is_small(op, insn->imm))
		return compare_large(isa, insn);
	if (widen(isa, &a, false))
		return -1;
	if (is_signed(op))
		put_signed(isa, op, a, insn->imm);
	else
		isa_put_taken(isa, INSN_JUMP_IMM(op, a, insn->imm, 0));
	return isa_replace(isa);
}

/* The comparison without a sign that says the same of numbers that have none, or op itself. */
static uint8_t without_sign(uint8_t op)
{
	switch (op) {
	case BPF_JSGT: return BPF_JGT;
	case BPF_JSGE: return BPF_JGE;
	case BPF_JSLT: return BPF_JLT;
	case BPF_JSLE: return BPF_JLE;
	}
	return op;
}

int isa_jmp32(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code), limit = is_signed(op) ? 31 : 32;
	bool constant = BPF_SRC(insn->code) == BPF_K;
	struct bpf_insn wide = *insn;

	wide.code = BPF_JMP | without_sign(op) | BPF_SRC(insn->code);
	if (isa_width(isa, insn->dst_reg) <= limit &&
	    (constant ? insn->imm >= 0 : isa_width(isa, insn->src_reg) <= limit))
		return isa_change(isa, wide);
	/* Filled with their signs numbers are in the same order, also as ones without. */
	wide.code = BPF_JMP | op | BPF_SRC(insn->code);
	if (isa_has_sign(isa, insn->dst_reg) && (constant || isa_has_sign(isa, insn->src_reg)))
		return isa_change(isa, wide);
	return constant ? compare_constant(isa, insn) : compare_registers(isa, insn);
}

/* ---- of copies ---- */

/* Registers that hold the same as reg, as far as one can see with only one way to come. */
static uint16_t copies(const struct isa *isa, uint8_t reg)
{
	uint16_t found = 0, written = 0;
	uint32_t at = isa->at;

	while (at > 0 && !isa->targets[at]) {
		const struct bpf_insn *insn = &isa->prog->insns.at[--at];

		if (insn_ends_flow(insn) || written & 1 << reg)
			break;
		if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off &&
		    (insn->src_reg == reg || insn->dst_reg == reg)) {
			uint8_t other = insn->src_reg == reg ? insn->dst_reg : insn->src_reg;

			if (other < BPF_REG_10 && !(written & 1 << other))
				found |= 1 << other;
		}
		written |= insn->code ? insn_writes(insn) : 0;
	}
	return found & ~(1 << reg);
}

/*
 * Before Linux 5.10 what is learnt of a register is not learnt of its copies, so the one that is still
 * used is to be compared:
 *
 *	r8 = r2			r8 = r2
 *	if r2 > 63 goto out	if r8 > 63 goto out
 *	r8 <<= 2		r8 <<= 2		r2 is not looked at again
 */
int isa_copied(struct isa *isa, const struct bpf_insn *insn)
{
	uint16_t behind = live_behind(&isa->liveness, isa->at).any, copied;
	struct bpf_insn other = *insn;

	if (behind & 1 << insn->dst_reg)
		return 0;
	copied = copies(isa, insn->dst_reg) & behind;
	if (!copied)
		return 0;
	other.dst_reg = __builtin_ctz(copied);
	return isa_change(isa, other);
}

/* ---- by "less than" ---- */

/*
 * Two registers change places. With a constant the opposite jumps over a jump: verifiers before 4.14
 * learn the upper bound of a number only where such a comparison does not hold.
 *
 *	if r1 < r2 goto out	if r2 > r1 goto out
 *
 *	if r1 < 64 goto out	if r1 >= 64 goto +1
 *				goto out
 */
int isa_jlt(struct isa *isa, const struct bpf_insn *insn)
{
	static const struct { uint8_t op, turned, opposite; } ops[] = {
		{ BPF_JLT, BPF_JGT, BPF_JGE }, { BPF_JLE, BPF_JGE, BPF_JGT },
		{ BPF_JSLT, BPF_JSGT, BPF_JSGE }, { BPF_JSLE, BPF_JSGE, BPF_JSGT },
	};
	uint8_t op = BPF_OP(insn->code), class = BPF_CLASS(insn->code);
	int i = 0;

	while (ops[i].op != op)
		i++;
	if (BPF_SRC(insn->code) == BPF_X)
		return isa_change(isa, INSN(class | ops[i].turned | BPF_X, insn->src_reg,
					    insn->dst_reg, insn->off, 0));
	isa_put_passed(isa, INSN(class | ops[i].opposite, insn->dst_reg, 0, 0, insn->imm));
	isa_put_taken(isa, INSN_GOTO(0));
	return isa_replace(isa);
}
