// SPDX-License-Identifier: GPL-2.0
/* What came with Linux 6.6, as clang's -mcpu=v4. */
#include "compat/lower_isa_internal.h"

#include "compat/refuse.h"

int isa_gotol(struct isa *isa, const struct bpf_insn *insn)
{
	if (insn->imm >= INT16_MIN && insn->imm <= INT16_MAX)
		return isa_change(isa, INSN_GOTO(insn->imm));
	refuse(isa->obj, isa->prog, isa->at, "jump over more than 32767 instructions",
	       isa->why.text, isa->err);
	return error_hint(isa->err, "make the function shorter: split it, or unroll less");
}

int isa_ldsx(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t size = BPF_SIZE(insn->code);

	isa_put(isa, INSN_LOAD(size, insn->dst_reg, insn->src_reg, insn->off));
	isa_put_sign(isa, insn->dst_reg, size == BPF_B ? 8 : size == BPF_H ? 16 : 32);
	return isa_replace(isa);
}

int isa_movsx(struct isa *isa, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (isa_width(isa, insn->src_reg) < insn->off)
		return isa_change(isa, INSN_MOV(insn->dst_reg, insn->src_reg));
	if (insn->dst_reg != insn->src_reg)
		isa_put(isa, INSN_MOV(insn->dst_reg, insn->src_reg));
	isa_put_sign(isa, insn->dst_reg, insn->off);
	if (!wide)
		isa_put_zero(isa, insn->dst_reg);
	return isa_replace(isa);
}

/* The byte order that this machine does not have: converting to it is a swap. */
int isa_bswap(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t other = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? BPF_TO_BE : BPF_TO_LE;

	return isa_change(isa, INSN(BPF_ALU | BPF_END | other, insn->dst_reg, 0, 0, insn->imm));
}

/* ---- signed division ---- */

/* reg = reg / by, or % by, both without a sign; by is at most 1 << 31. */
static void put_divide_by(struct isa *isa, uint8_t op, uint8_t reg, uint32_t by)
{
	if (by <= INT32_MAX)
		isa_put(isa, ISA_ALU_IMM(op, reg, by));
	else if (op == BPF_DIV)
		isa_put(isa, ISA_ALU_IMM(BPF_RSH, reg, 31));
	else
		isa_put(isa, ISA_ALU_IMM(BPF_AND, reg, INT32_MAX));
}

/*
 * By a constant, the sign taken off and put on again; a remainder has that of the dividend:
 *
 *	r1 s/= -3		if r1 s> -1 goto +3
 *				r1 = -r1
 *				r1 /= 3
 *				goto +2
 *				r1 /= 3
 *				r1 = -r1
 */
static void put_sdiv_by(struct isa *isa, uint8_t op, uint8_t reg, int32_t by)
{
	uint32_t positive = by < 0 ? 0u - (uint32_t)by : (uint32_t)by;
	bool turn = op == BPF_DIV && by < 0; /* the sign of the result is not that of reg */

	isa_put(isa, INSN_JUMP_IMM(BPF_JSGT, reg, -1, turn ? 3 : 4));
	isa_put(isa, ISA_NEG(reg));
	put_divide_by(isa, op, reg, positive);
	if (!turn)
		isa_put(isa, ISA_NEG(reg));
	isa_put(isa, INSN_GOTO(turn ? 2 : 1));
	put_divide_by(isa, op, reg, positive);
	if (turn)
		isa_put(isa, ISA_NEG(reg));
}

static int sdiv_by_constant(struct isa *isa, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	struct bpf_insn unsigned_one = *insn;

	unsigned_one.off = 0;
	/* By 0 no kernel takes. */
	if (insn->imm >= 0 && isa_width(isa, insn->dst_reg) <= (wide ? 63 : 31))
		return isa_change(isa, unsigned_one);
	if (!wide)
		isa_put_sign(isa, insn->dst_reg, 32);
	put_sdiv_by(isa, BPF_OP(insn->code), insn->dst_reg, insn->imm);
	if (!wide)
		isa_put_zero(isa, insn->dst_reg);
	return isa_replace(isa);
}

/*
 * By a register, of which r0 gets the value without the sign. Division by 0 yields 0, the remainder
 * is the dividend. The smallest number has itself as its opposite: without the sign that is right.
 *
 *	r1 s/= r2		r0 = r2
 *				if r0 s> -1 goto +1
 *				r0 = -r0
 *				if r0 != 0 goto +2
 *				r1 = 0
 *				goto out
 *				if r1 s> -1 goto +4
 *				r1 = -r1
 *				r1 /= r0
 *				r1 = -r1
 *				goto +1
 *				r1 /= r0
 *				if r2 s> -1 goto out
 *				r1 = -r1
 *			   out:
 */
static void put_sdiv(struct isa *isa, uint8_t op, uint8_t reg, uint8_t by, uint8_t temp)
{
	bool div = op == BPF_DIV;

	isa_put(isa, INSN_MOV(temp, by));
	isa_put(isa, INSN_JUMP_IMM(BPF_JSGT, temp, -1, 1));
	isa_put(isa, ISA_NEG(temp));
	if (div) {
		isa_put(isa, INSN_JUMP_IMM(BPF_JNE, temp, 0, 2));
		isa_put(isa, INSN_MOV_IMM(reg, 0));
		isa_put_passed(isa, INSN_GOTO(0));
	} else {
		isa_put_passed(isa, INSN_JUMP_IMM(BPF_JEQ, temp, 0, 0));
	}
	isa_put(isa, INSN_JUMP_IMM(BPF_JSGT, reg, -1, 4));
	isa_put(isa, ISA_NEG(reg));
	isa_put(isa, ISA_ALU(op, reg, temp));
	isa_put(isa, ISA_NEG(reg));
	isa_put(isa, INSN_GOTO(1));
	isa_put(isa, ISA_ALU(op, reg, temp));
	if (!div)
		return;
	isa_put_passed(isa, INSN_JUMP_IMM(BPF_JSGT, by, -1, 0));
	isa_put(isa, ISA_NEG(reg));
}

/* By itself, which there is no second register for: 1, but 0 of 0; the remainder is 0. */
static void put_sdiv_itself(struct isa *isa, uint8_t op, uint8_t reg)
{
	if (op == BPF_MOD) {
		isa_put(isa, INSN_MOV_IMM(reg, 0));
		return;
	}
	isa_put(isa, INSN_JUMP_IMM(BPF_JEQ, reg, 0, 1));
	isa_put(isa, INSN_MOV_IMM(reg, 1));
}

static int sdiv_by_register(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code), reg = insn->dst_reg, by = insn->src_reg, temp, half;
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (reg == by) {
		if (!wide)
			isa_put(isa, ISA_MOV32(reg, reg));
		put_sdiv_itself(isa, op, reg);
		return isa_replace(isa);
	}
	if (isa_temp(isa, &temp))
		return -1;
	half = by;
	if (!wide) {
		/* 32 bits are divided as 64. */
		if (isa_temp(isa, &half))
			return -1;
		isa_put(isa, INSN_MOV(half, by));
		isa_put_sign(isa, half, 32);
		isa_put_sign(isa, reg, 32);
	}
	put_sdiv(isa, op, reg, half, temp);
	if (wide)
		return isa_replace(isa);
	isa_end_passed(isa);
	isa_put_zero(isa, reg);
	return isa_replace(isa);
}

int isa_sdiv(struct isa *isa, const struct bpf_insn *insn)
{
	return BPF_SRC(insn->code) == BPF_K ? sdiv_by_constant(isa, insn) :
					      sdiv_by_register(isa, insn);
}
