// SPDX-License-Identifier: GPL-2.0
#include "compat/arith.h"

uint64_t arith_extend(uint64_t value, unsigned int bits)
{
	unsigned int unused = 64 - bits;

	return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* By zero: the quotient is 0, the remainder all of a. */
static uint64_t divide(uint64_t a, uint64_t b, bool remainder)
{
	if (!b)
		return remainder ? a : 0;
	return remainder ? a % b : a / b;
}

/* The smallest number by -1 is itself, without a trap. Both are sign-extended to 64 bits. */
static uint64_t divide_signed(int64_t a, int64_t b, bool remainder)
{
	if (!b)
		return remainder ? a : 0;
	if (b == -1)
		return remainder ? 0 : -(uint64_t)a;
	return remainder ? a % b : a / b;
}

/* off 1 makes a division signed, since Linux 6.6. */
static bool division(const struct bpf_insn *insn, uint64_t a, uint64_t b, uint64_t *result)
{
	bool remainder = BPF_OP(insn->code) == BPF_MOD;
	unsigned int bits = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;

	if (insn->off == 1)
		*result = divide_signed(arith_extend(a, bits), arith_extend(b, bits), remainder);
	else
		*result = divide(a, b, remainder);
	return insn->off == 0 || insn->off == 1;
}

/* What a shift by the width or more yields depends on the machine. */
static bool shift(uint8_t op, uint64_t a, uint64_t by, unsigned int bits, uint64_t *result)
{
	if (by >= bits)
		return false;
	if (op == BPF_LSH)
		*result = a << by;
	else if (op == BPF_RSH)
		*result = a >> by;
	else
		*result = (uint64_t)((int64_t)arith_extend(a, bits) >> by);
	return true;
}

/* off 8, 16 or 32 makes a move one with sign, since Linux 6.6. */
static bool move(const struct bpf_insn *insn, uint64_t b, uint64_t *result)
{
	*result = b;
	if (!insn->off)
		return true;
	if (BPF_SRC(insn->code) != BPF_X || (insn->off != 8 && insn->off != 16 && insn->off != 32))
		return false;
	*result = arith_extend(b, insn->off);
	return true;
}

/* To one byte order, or (ALU64, since Linux 6.6) to the other one than it is. */
static bool byte_order(const struct bpf_insn *insn, uint64_t a, uint64_t *result)
{
	bool to_big = BPF_SRC(insn->code) == BPF_TO_BE;
	bool is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	bool swap = BPF_CLASS(insn->code) == BPF_ALU64 || to_big != is_big;

	switch (insn->imm) {
	case 16:
		*result = swap ? __builtin_bswap16(a) : (uint16_t)a;
		return true;
	case 32:
		*result = swap ? __builtin_bswap32(a) : (uint32_t)a;
		return true;
	case 64:
		*result = swap ? __builtin_bswap64(a) : a;
		return true;
	}
	return false;
}

static bool compute(const struct bpf_insn *insn, uint64_t a, uint64_t b, uint64_t *result)
{
	unsigned int bits = BPF_CLASS(insn->code) == BPF_ALU64 ? 64 : 32;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD: *result = a + b; return true;
	case BPF_SUB: *result = a - b; return true;
	case BPF_MUL: *result = a * b; return true;
	case BPF_OR: *result = a | b; return true;
	case BPF_AND: *result = a & b; return true;
	case BPF_XOR: *result = a ^ b; return true;
	case BPF_NEG: *result = -a; return true;
	case BPF_MOV: return move(insn, b, result);
	case BPF_DIV:
	case BPF_MOD: return division(insn, a, b, result);
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH: return shift(BPF_OP(insn->code), a, b, bits, result);
	}
	return false;
}

bool arith_alu(const struct bpf_insn *insn, uint64_t a, uint64_t b, uint64_t *result)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;

	if (BPF_OP(insn->code) == BPF_END)
		return byte_order(insn, a, result);
	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	if (!compute(insn, a, b, result))
		return false;
	if (!wide)
		*result = (uint32_t)*result;
	return true;
}

bool arith_jump(const struct bpf_insn *insn, uint64_t a, uint64_t b, bool *known)
{
	int64_t sa, sb;

	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
		sa = (int32_t)a;
		sb = (int32_t)b;
	} else {
		sa = a;
		sb = b;
	}
	*known = true;
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return a & b;
	case BPF_JSGT: return sa > sb;
	case BPF_JSGE: return sa >= sb;
	case BPF_JSLT: return sa < sb;
	case BPF_JSLE: return sa <= sb;
	}
	*known = false;
	return false;
}
