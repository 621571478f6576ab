// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction set: programs around the instructions asked about, and the same programs with
 * "r0 = 0" in their place, which every kernel takes.
 */
#include "compat/caps_internal.h"

#include <string.h>

/* Newer than the headers of some distributions that are still in use. */
#define JCOND 0xe0         /* BPF_JCOND */
#define XCHG 0xe1          /* BPF_XCHG */
#define CMPXCHG 0xf1       /* BPF_CMPXCHG */
#define LOAD_ACQUIRE 0x100 /* BPF_LOAD_ACQ */
#define STORE_RELEASE 0x110 /* BPF_STORE_REL */

#define ATOMIC(size, op, dst, src, off) INSN(BPF_STX | BPF_ATOMIC | (size), dst, src, off, op)
#define STACK_SET INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 1)
#define R0_SET INSN_MOV_IMM(BPF_REG_0, 1)
#define R1_SET INSN_MOV_IMM(BPF_REG_1, 1)
#define ASKED_MAX 6
#define SIZE_BY 10

/* Before: r0 = 1, r1 = 1, the last 8 bytes of the stack are 1. After: return 0. */
static const struct bpf_insn before[] = { STACK_SET, R0_SET, R1_SET };

#define BEFORE (sizeof(before) / sizeof(*before))

static const struct {
	uint32_t count;
	struct bpf_insn insns[ASKED_MAX];
} asked[CAP_COUNT] = {
	[CAP_JLT] = { 4, { INSN_JUMP_IMM(BPF_JLT, BPF_REG_0, 1, 0),
		INSN_JUMP_IMM(BPF_JLE, BPF_REG_0, 1, 0),
		INSN_JUMP_IMM(BPF_JSLT, BPF_REG_0, 1, 0),
		INSN_JUMP_IMM(BPF_JSLE, BPF_REG_0, 1, 0) } },
	[CAP_JMP32] = { 2, { INSN(BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 1),
		INSN(BPF_JMP32 | BPF_JSGT | BPF_X, BPF_REG_0, BPF_REG_1, 0, 0) } },
	[CAP_ATOMICS] = { 6, {
		ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH, BPF_REG_10, BPF_REG_1, -8),
		ATOMIC(BPF_DW, BPF_AND | BPF_FETCH, BPF_REG_10, BPF_REG_1, -8),
		ATOMIC(BPF_W, BPF_OR | BPF_FETCH, BPF_REG_10, BPF_REG_1, -8),
		ATOMIC(BPF_W, BPF_XOR, BPF_REG_10, BPF_REG_1, -8),
		ATOMIC(BPF_DW, XCHG, BPF_REG_10, BPF_REG_1, -8),
		ATOMIC(BPF_DW, CMPXCHG, BPF_REG_10, BPF_REG_1, -8) } },
	[CAP_MOVSX] = { 2, { INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_1, 8, 0),
		INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_1, 16, 0) } },
	[CAP_LDSX] = { 2, {
		INSN(BPF_LDX | BPF_MEMSX | BPF_B, BPF_REG_0, BPF_REG_10, -8, 0),
		INSN(BPF_LDX | BPF_MEMSX | BPF_W, BPF_REG_0, BPF_REG_10, -8, 0) } },
	[CAP_BSWAP] = { 1, { INSN(BPF_ALU64 | BPF_END, BPF_REG_0, 0, 0, 64) } },
	[CAP_SDIV] = { 2, { INSN(BPF_ALU64 | BPF_DIV | BPF_K, BPF_REG_0, 0, 1, 2),
		INSN(BPF_ALU64 | BPF_MOD | BPF_X, BPF_REG_0, BPF_REG_1, 1, 0) } },
	/*
	 * Over what the jump before it reaches, which is by chance: a verifier does not look at what
	 * it knows to be skipped (4.9 took everything here behind a jump that it could decide).
	 */
	[CAP_GOTOL] = { 4, { INSN_CALL(BPF_FUNC_get_prandom_u32),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 1, 1),
		INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 1), R0_SET } },
	[CAP_MAY_GOTO] = { 2, { INSN(BPF_JMP | JCOND, 0, 0, 1, 0), R0_SET } },
	[CAP_LOAD_ACQUIRE] = { 2, { ATOMIC(BPF_DW, LOAD_ACQUIRE, BPF_REG_0, BPF_REG_10, -8),
		ATOMIC(BPF_DW, STORE_RELEASE, BPF_REG_10, BPF_REG_0, -8) } },
};

/* Returns how many instructions that is. */
static uint32_t surround(struct bpf_insn *at, const struct bpf_insn *insns, uint32_t count)
{
	memcpy(at, before, sizeof(before));
	memcpy(at + BEFORE, insns, count * sizeof(*insns));
	memcpy(at + BEFORE + count, return_0, sizeof(return_0));
	return BEFORE + count + 2;
}

enum answer ask_insn(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn with[BEFORE + ASKED_MAX + 2], without[BEFORE + 2];
	uint32_t with_count = surround(with, asked[cap].insns, asked[cap].count);
	uint32_t without_count = surround(without, asked[cap].insns, 0);

	return ask_plain_pair(caps, with, with_count, without, without_count, sys);
}

/*
 * A size that a helper gets, 4 + 4, where the verifier has to know it to be constant. Before Linux
 * 5.0 it forgets what it knew of a register that is copied by a 32 bit move (4.19 knows it with
 * stable updates), and takes no 32 bit shift that fills with the sign.
 */
static void size_by(struct bpf_insn insns[SIZE_BY], uint8_t class)
{
	const struct bpf_insn program[] = {
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0),
		INSN_MOV(BPF_REG_1, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_1, -8),
		INSN_MOV_IMM(BPF_REG_3, 4),
		INSN(class | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_3, 0, 0),
		INSN(class | BPF_ARSH | BPF_K, BPF_REG_3, 0, 0, 1),
		INSN(class | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, 4),
		INSN_CALL(BPF_FUNC_get_current_comm),
		INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT(),
	};

	memcpy(insns, program, sizeof(program));
}

enum answer ask_alu32(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn by_32[SIZE_BY], by_64[SIZE_BY];

	size_by(by_32, BPF_ALU);
	size_by(by_64, BPF_ALU64);
	return ask_plain_pair(caps, by_32, SIZE_BY, by_64, SIZE_BY, sys);
}
