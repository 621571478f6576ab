/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_INSN_H
#define COMPAT_INSN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Instructions as values: how to make the usual ones, and what the lowerings have to know
 * about one. Every function is for one slot; a BPF_LD_IMM64 is made with insn_wide.
 */

/* Newer than the headers of some distributions that are still in use. */
#ifndef BPF_ATOMIC
#define BPF_ATOMIC 0xc0
#endif
#ifndef BPF_FETCH
#define BPF_FETCH 0x01
#endif
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80 /* of a load: the rest is filled with the sign, since Linux 6.6 */
#endif

#ifndef BPF_JCOND
#define BPF_JCOND 0xe0
#endif

#define INSN(code_, dst_, src_, off_, imm_)                                                        \
	((struct bpf_insn){ .code = (code_), .dst_reg = (dst_), .src_reg = (src_),                 \
			    .off = (off_), .imm = (imm_) })

#define INSN_MOV(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define INSN_MOV_IMM(dst, imm) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define INSN_MOV32_IMM(dst, imm) INSN(BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define INSN_ADD_IMM(dst, imm) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
/* size: BPF_B, BPF_H, BPF_W or BPF_DW */
#define INSN_LOAD(size, dst, src, off) INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define INSN_STORE(size, dst, off, src) INSN(BPF_STX | BPF_MEM | (size), dst, src, off, 0)
#define INSN_STORE_IMM(size, dst, off, imm) INSN(BPF_ST | BPF_MEM | (size), dst, 0, off, imm)
/* op: BPF_JEQ and so on; off counts from the next instruction */
#define INSN_JUMP_IMM(op, dst, imm, off) INSN(BPF_JMP | (op) | BPF_K, dst, 0, off, imm)
#define INSN_GOTO(off) INSN(BPF_JMP | BPF_JA, 0, 0, off, 0)
#define INSN_CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define INSN_EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* The two slots of a BPF_LD_IMM64, for an initialiser. */
#define INSN_WIDE(dst, value)                                                                      \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)(uint32_t)(uint64_t)(value)),          \
		INSN(0, 0, 0, 0, (int32_t)(uint32_t)((uint64_t)(value) >> 32))

static inline bool insn_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* Of a load or store: how many bytes of memory. */
static inline uint32_t insn_bytes(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	}
	return 8;
}

/* The code for so many: BPF_B for 1, and so on. */
static inline uint8_t insn_size(uint32_t bytes)
{
	switch (bytes) {
	case 1: return BPF_B;
	case 2: return BPF_H;
	case 4: return BPF_W;
	}
	return BPF_DW;
}

/* A jump with a target: conditional or not, gotol and may_goto too; no call, no exit. */
static inline bool insn_is_jump(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

/* The unconditional jump of ISA v4 (Linux 6.6) that has its distance in imm. */
static inline bool insn_is_gotol(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP32 | BPF_JA);
}

/* The jump out of a loop that has gone on for too long, since Linux 6.9. */
static inline bool insn_is_may_goto(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JCOND);
}

/* Never goes on with the next instruction. */
static inline bool insn_ends_flow(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_JA) || insn_is_gotol(insn) ||
	       insn->code == (BPF_JMP | BPF_EXIT);
}

static inline bool insn_is_call(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) == BPF_CALL;
}

static inline bool insn_is_helper_call(const struct bpf_insn *insn)
{
	return insn_is_call(insn) && insn->src_reg == 0;
}

static inline bool insn_is_func_call(const struct bpf_insn *insn)
{
	return insn_is_call(insn) && insn->src_reg == BPF_PSEUDO_CALL;
}

/* Of a jump or a call of a function at index `at`: where it leads, which may be anywhere. */
static inline int64_t insn_target(const struct bpf_insn *insn, uint32_t at)
{
	bool far = insn_is_gotol(insn) || insn_is_func_call(insn);

	return (int64_t)at + 1 + (far ? insn->imm : insn->off);
}

#endif
