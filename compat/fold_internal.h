/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_FOLD_INTERNAL_H
#define COMPAT_FOLD_INTERNAL_H

#include "compat/lower.h"

/*
 * What the files that make up fold() share:
 *
 *	fold_value.c    what is known of registers and the stack, and what instructions make of it
 *	fold.c          the walk, and the removal of what it has not reached
 *
 * and what it knows, for lowerings that have to know it too.
 */

#define STACK_MAX 512

/* The later, the less is known. */
enum value_kind {
	VALUE_NONE,   /* not reached */
	VALUE_CONST,  /* n */
	VALUE_FRAME,  /* address: the frame pointer and n */
	VALUE_GLOBAL, /* address: byte n of the one value of map `map` */
	VALUE_MAP,    /* address: map `map` itself */
	VALUE_RESULT, /* what the helper called at instruction `map` has returned, and n */
	VALUE_OTHER,  /* anything but an address in this function's frame */
	VALUE_ANY,
};

struct value {
	uint16_t kind;
	uint16_t known; /* of a constant on the stack: which of its bytes, lowest address first */
	uint32_t map;
	uint64_t n;
};

#define ALL_BYTES 0xff
#define IS_NUMBER 0x100 /* in `known`: the other bytes are no part of an address in the frame */
#define CONST(v) ((struct value){ VALUE_CONST, IS_NUMBER | ALL_BYTES, 0, (v) })
#define OTHER ((struct value){ .kind = VALUE_OTHER })
#define ANY ((struct value){ .kind = VALUE_ANY })

/* A state is the registers r0 to r9, then the words of the stack, lowest address first. */
enum { REGS = 10 };

enum {
	MARK_SECOND = 1, /* slot of a BPF_LD_IMM64 */
	MARK_REACHED = 2,
	MARK_JUMPED = 4, /* a conditional jump: taken, on some way */
	MARK_PASSED = 8, /* not taken, on some way */
	MARK_GONE = 16,
};

struct fold {
	const struct object *obj;
	struct program *prog;
	struct error *err;
	uint32_t slots, width;   /* words of the stack; of a state */
	bool callbacks;          /* helpers may call functions of the program */
	uint8_t *marks;          /* by instruction */
	uint32_t *block;         /* by instruction: 1 + number of the block that begins there, or 0 */
	uint32_t *start;         /* by block: its first instruction */
	struct value *entry;     /* by block: width values */
	bool *queued;            /* by block */
	uint32_t blocks, lowest; /* no block below `lowest` is queued */
	struct value *result;    /* by function */
	struct value *now;       /* at the instruction being walked over */
	uint32_t func;           /* and its function */
	/* See fold_visit(). */
	int (*visit)(const struct fold *f, uint32_t insn, void *ctx);
	void *visit_ctx;
};

/* What is known of either a or b. */
struct value fold_join(const struct value *a, const struct value *b, bool on_stack);
/* Whether it can lead into this function's frame. */
bool fold_may_be_frame(const struct value *v);
/* As another function sees it. */
struct value fold_seen_from_outside(struct value v);
struct value fold_reg(const struct fold *f, uint8_t number);
void fold_set_reg(struct fold *f, uint8_t number, struct value v);
/* Bytes from the lowest word that is kept, of an address in the frame; may be outside. */
int64_t fold_stack_byte(const struct fold *f, const struct value *address, int16_t off);
/* Everything on the stack from that byte on may have changed. */
void fold_forget_stack(struct fold *f, int64_t from);
/* Those bytes are numbers now. */
void fold_overwrite_stack(struct fold *f, int64_t from, uint32_t size);

/* What a load would put into its register. */
struct value fold_loaded(const struct fold *f, const struct bpf_insn *insn);
/* What these do to f->now. */
void fold_load(struct fold *f, const struct bpf_insn *insn);
void fold_store(struct fold *f, const struct bpf_insn *insn);
void fold_alu(struct fold *f, const struct bpf_insn *insn);

/*
 * Goes over a program once all is known of it: calls visit before each instruction that can be
 * reached, once, with that in f->now. Stops where visit returns other than 0, and returns that.
 */
int fold_visit(const struct object *obj, struct program *prog,
	       int (*visit)(const struct fold *f, uint32_t insn, void *ctx), void *ctx,
	       struct error *err);

#endif
