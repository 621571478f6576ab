/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_PIECE_H
#define COMPAT_PIECE_H

#include "compat/edit.h"

/*
 * A piece of code while it is being written, for compat/edit.h:
 *
 *	struct piece p = { 0 };
 *	piece_put(&p, INSN_CALL(1));
 *	jump = piece_put(&p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0));
 *	piece_put(&p, ...);
 *	piece_land(&p, jump);
 *	ret = piece_insert(&p, edit, insn, err);
 *
 * Out of memory is found out where it is put in; that frees the piece too.
 */
struct piece {
	VEC(struct bpf_insn) insns;
	VEC(struct ref) refs;
	bool failed;
};

/* Returns the index of the instruction within the piece. */
size_t piece_put(struct piece *p, struct bpf_insn insn);
/* The address of a map, a BPF_LD_IMM64. */
void piece_put_map(struct piece *p, uint8_t reg, uint32_t map);
/* The address of byte `offset` of the map's one value, the same. */
void piece_put_value(struct piece *p, uint8_t reg, uint32_t map, uint32_t offset);
/* Any number, in one instruction where that is enough. */
void piece_put_number(struct piece *p, uint8_t reg, uint64_t number);
/*
 * r0 = the address of an array's value of that number, or NULL. The number is at r10 + key, 4 bytes;
 * r1 to r5 are lost.
 */
void piece_put_lookup(struct piece *p, uint32_t map, uint32_t number, int16_t key);
/* The jump at that index leads to what is put next. */
void piece_land(struct piece *p, size_t jump);

/* edit_enter() and so on, of the piece, which is empty after it. */
int piece_enter(struct piece *p, struct edit *edit, uint32_t insn, struct error *err);
int piece_insert(struct piece *p, struct edit *edit, uint32_t insn, struct error *err);
int piece_replace(struct piece *p, struct edit *edit, uint32_t insn, struct error *err);
void piece_fini(struct piece *p);

#endif
