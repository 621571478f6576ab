/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOWER_ISA_INTERNAL_H
#define COMPAT_LOWER_ISA_INTERNAL_H

#include "compat/edit.h"
#include "compat/insn.h"
#include "compat/liveness.h"
#include "compat/lower.h"
#include "compat/width.h"

/*
 * What the files that make up lower_isa() share:
 *
 *	lower_isa.c        the passes in their order, registers to compute in, what is refused
 *	lower_isa_v4.c     sign extension, byte swaps, signed division, far jumps
 *	lower_isa_jump.c   comparisons of 32 bits, and by "less than"
 *	lower_isa_alu.c    32 bit arithmetic
 */

#define ISA_PIECE 32 /* the longest takes 26 */
#define ISA_TEMPS 2
#define ISA_JUMPS 2

/* One program in one pass. */
struct isa {
	const struct object *obj;
	struct program *prog;
	struct plan_why why;
	struct error *err;
	struct edit edit;
	struct liveness liveness;
	struct widths widths;
	uint8_t *targets; /* by instruction: whether a jump leads there */
	uint32_t changed; /* instructions, so far */

	/* The instruction being rewritten, and what is to stand instead. */
	uint32_t at;
	struct bpf_insn insns[ISA_PIECE];
	size_t len;
	uint32_t taken[ISA_JUMPS]; /* jumps of the piece to where the instruction's own led, */
	size_t taken_len;
	uint32_t passed[ISA_JUMPS]; /* and to its end */
	size_t passed_len;
	uint16_t temps; /* registers in use */
	struct { uint8_t reg; int16_t off; } spilled[ISA_TEMPS];
	size_t spilled_len;
};

/* Each rewrites one instruction: on the spot, or by a piece. */
typedef int isa_rewrite(struct isa *isa, const struct bpf_insn *insn);

isa_rewrite isa_gotol, isa_ldsx, isa_movsx, isa_bswap, isa_sdiv;
isa_rewrite isa_jmp32, isa_jlt, isa_copied;
isa_rewrite isa_alu32, isa_extension;

/* The instruction becomes another one that jumps to the same place, if at all. */
int isa_change(struct isa *isa, struct bpf_insn insn);

/* One more of the piece. */
void isa_put(struct isa *isa, struct bpf_insn insn);
/* A jump to where the instruction leads, and one to the end of the piece. */
void isa_put_taken(struct isa *isa, struct bpf_insn jump);
void isa_put_passed(struct isa *isa, struct bpf_insn jump);
/* Those to the end so far arrive here, before what comes now. */
void isa_end_passed(struct isa *isa);
/* Ends the piece. */
int isa_replace(struct isa *isa);
/* A register to compute in; comes before the piece's instructions that use it. */
int isa_temp(struct isa *isa, uint8_t *reg);

/* Of what is in the register now, or if it is as in the end nobody looks at it. */
uint8_t isa_width(const struct isa *isa, uint8_t reg);
bool isa_has_sign(const struct isa *isa, uint8_t reg); /* in all of its upper half */
bool isa_upper_dead(const struct isa *isa, uint8_t reg);

/* The lowest `bits` of reg, filled with their sign. */
void isa_put_sign(struct isa *isa, uint8_t reg, uint8_t bits);
/* Zeroes the upper half, unless nobody looks at it. */
void isa_put_zero(struct isa *isa, uint8_t reg);

#define ISA_ALU(op, dst, src) INSN(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define ISA_ALU_IMM(op, dst, imm) INSN(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define ISA_MOV32(dst, src) INSN(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ISA_NEG(dst) INSN(BPF_ALU64 | BPF_NEG, dst, 0, 0, 0)

#endif
