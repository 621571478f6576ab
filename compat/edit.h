/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_EDIT_H
#define COMPAT_EDIT_H

#include "loader/object.h"

/*
 * The instruction editor: collects changes to one program, all named by the instruction
 * indexes of the program as it was, then carries them out at once. Jumps, calls between
 * functions, refs, relocations, func and line info follow their instructions.
 *
 *	struct edit e;
 *	if (edit_init(&e, prog, err) == 0 && edit_replace(&e, 7, ...) == 0 && ...)
 *		ret = edit_apply(&e, err);
 *	edit_fini(&e);
 *
 * A piece of code to put in may hold jumps that stay inside it or lead to its end (the
 * instruction that follows it in the new program), and refs by index within the piece. A
 * REF_FUNC in it names its function in the program as it was. Code is copied. Jumps that leave it
 * are told of by edit_exits.
 */
struct edit_code {
	const struct bpf_insn *insns;
	size_t len;
	const struct ref *refs;
	size_t refs_len;
};

/* A jump of a piece that leads to an instruction of the program as it was, as its own jumps do. */
struct edit_exit {
	uint32_t insn; /* of the piece */
	uint32_t target;
};

/* In the order in which they stand before and at one instruction. */
enum edit_kind { EDIT_ENTER, EDIT_INSERT, EDIT_REPLACE };

struct edit_change {
	uint32_t insn; /* of the program as it was */
	uint32_t order;
	enum edit_kind kind;
	struct bpf_insn *insns; /* owned */
	struct ref *refs;       /* owned */
	struct edit_exit *exits; /* owned */
	size_t len, refs_len, exits_len;
};

struct edit {
	struct program *prog;
	uint8_t *marks; /* one per instruction of the program as it was */
	VEC(struct edit_change) changes;
};

/* Whatever it returns, edit_fini is due. prog must not change before edit_apply. */
int edit_init(struct edit *edit, struct program *prog, struct error *err);
void edit_fini(struct edit *edit);

/*
 * At the entry of the function that starts at `insn`: runs on each call, and on the start
 * of the program where insn is 0, while jumps back to `insn` arrive behind it.
 */
int edit_enter(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err);
/*
 * Before `insn`: jumps to it and calls to it arrive at the new code first. Several inserts
 * at one place stand in the order of the calls.
 */
int edit_insert(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err);
/* Instead of `insn` (both slots of a BPF_LD_IMM64); its ref and relocation go. */
int edit_replace(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err);
/*
 * Nothing instead of `insn`: jumps to it arrive at what follows. A function goes with the last of
 * its instructions; not the entry, and not while a call or a ref needs it.
 */
int edit_delete(struct edit *edit, uint32_t insn, struct error *err);
/* Jumps of the piece that was put in last which leave it, whatever distance they have in it. */
int edit_exits(struct edit *edit, const struct edit_exit *exits, size_t len, struct error *err);
/*
 * Carries it all out, once: after it only edit_fini. On failure (a jump that no longer fits
 * 16 bits, ...) prog is unchanged.
 */
int edit_apply(struct edit *edit, struct error *err);

#endif
