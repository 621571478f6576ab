// SPDX-License-Identifier: GPL-2.0
/*
 * 32 bit arithmetic, whose result a verifier may not follow (before Linux 4.14 none of it, before
 * 5.0 no move), as 64 bit arithmetic: only where that comes to the same, which the widths of what
 * goes in tell. What is left works on every kernel, but for the shift that fills with the sign: old
 * ones refuse it ("BPF_ARSH not supported for 32 bit ALU" in 4.9, 4.14 and 4.19, taken since 5.0).
 */
#include "compat/lower_isa_internal.h"

/*
 *	w1 s>>= 3		r1 <<= 32
 *				r1 s>>= 35
 *				w1 = w1		if its upper half is looked at
 */
static int shift_by_constant(struct isa *isa, const struct bpf_insn *insn)
{
	isa_put(isa, ISA_ALU_IMM(BPF_LSH, insn->dst_reg, 32));
	isa_put(isa, ISA_ALU_IMM(BPF_ARSH, insn->dst_reg, 32 + (insn->imm & 31)));
	isa_put_zero(isa, insn->dst_reg);
	return isa_replace(isa);
}

/* The same; how far is in a register, of which 32 bit shifts look at five bits. */
static int shift_by_register(struct isa *isa, const struct bpf_insn *insn)
{
	uint8_t by;

	if (isa_temp(isa, &by))
		return -1;
	isa_put(isa, INSN_MOV(by, insn->src_reg));
	isa_put(isa, ISA_ALU_IMM(BPF_AND, by, 31));
	isa_put_sign(isa, insn->dst_reg, 32);
	isa_put(isa, ISA_ALU(BPF_ARSH, insn->dst_reg, by));
	isa_put_zero(isa, insn->dst_reg);
	return isa_replace(isa);
}

static bool same_with_constant(uint8_t op, uint8_t a, int32_t k)
{
	switch (op) {
	case BPF_MOV: return k >= 0;
	case BPF_AND: return k >= 0 || a <= 32;
	case BPF_OR:
	case BPF_XOR: return k >= 0 && a <= 32;
	case BPF_ADD: return k >= 0 && a <= 31;
	case BPF_MUL: return k >= 0 && a + width_of(k) <= 32;
	case BPF_LSH: return a + k <= 32;
	case BPF_RSH: return a <= 32;
	case BPF_ARSH: return a <= 31;
	case BPF_DIV:
	case BPF_MOD: return k > 0 && a <= 32;
	}
	return false;
}

static bool same_with_register(uint8_t op, uint8_t a, uint8_t b)
{
	switch (op) {
	case BPF_MOV: return b <= 32;
	case BPF_AND: return a <= 32 || b <= 32;
	case BPF_OR:
	case BPF_XOR: return a <= 32 && b <= 32;
	case BPF_ADD: return a <= 31 && b <= 31;
	case BPF_MUL: return a + b <= 32;
	case BPF_RSH: return a <= 32 && b <= 5;
	case BPF_ARSH: return a <= 31 && b <= 5;
	case BPF_DIV:
	case BPF_MOD: return a <= 32 && b <= 32;
	}
	return false;
}

int isa_alu32(struct isa *isa, const struct bpf_insn *insn)
{
	bool constant = BPF_SRC(insn->code) == BPF_K;
	uint8_t op = BPF_OP(insn->code), a = isa_width(isa, insn->dst_reg);
	struct bpf_insn wide = *insn;

	wide.code = BPF_ALU64 | op | BPF_SRC(insn->code);
	if (!insn->off && (constant ? same_with_constant(op, a, insn->imm) :
				      same_with_register(op, a, isa_width(isa, insn->src_reg))))
		return isa_change(isa, wide);
	if (op != BPF_ARSH)
		return 0;
	return constant ? shift_by_constant(isa, insn) : shift_by_register(isa, insn);
}

/* ---- extension by shifts ---- */

/* How far the upper half is shifted down again right behind, of what has nothing there; or 0. */
static int shifted_back(const struct isa *isa, const struct bpf_insn *insn)
{
	const struct bpf_insn *back = insn + 1;
	uint8_t limit = BPF_OP(back->code) == BPF_ARSH ? 31 : 32;

	if (isa->at + 1 >= isa->prog->insns.len || back->dst_reg != insn->dst_reg ||
	    (back->code != (BPF_ALU64 | BPF_RSH | BPF_K) &&
	     back->code != (BPF_ALU64 | BPF_ARSH | BPF_K)) ||
	    isa_width(isa, insn->dst_reg) > limit || isa->targets[isa->at + 1])
		return 0;
	return back->imm;
}

/*
 * What compilers write where the upper half has to be zero, or the sign, and is so already: an old
 * verifier would forget all that it knows of the number.
 *
 *	r1 <<= 32
 *	r1 s>>= 32		nothing
 *
 *	r1 <<= 32
 *	r1 >>= 30		r1 <<= 2
 */
int isa_extension(struct isa *isa, const struct bpf_insn *insn)
{
	int by = shifted_back(isa, &isa->prog->insns.at[isa->at]);

	if (by <= 0 || by > 63)
		return 0;
	if (by != 32)
		isa_put(isa, ISA_ALU_IMM(by < 32 ? BPF_LSH : BPF_RSH, insn->dst_reg,
					 by < 32 ? 32 - by : by - 32));
	if (edit_delete(&isa->edit, isa->at + 1, isa->err))
		return -1;
	return isa_replace(isa);
}
