/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOWER_MEMORY_INTERNAL_H
#define COMPAT_LOWER_MEMORY_INTERNAL_H

#include "compat/edit.h"
#include "compat/fold_internal.h"
#include "compat/live.h"

/*
 * What the files that make up lower_memory() share:
 *
 *	lower_memory_address.c  addresses as the verifier can follow them
 *	lower_memory_stack.c    helpers' memory by way of the stack, outputs of nothing
 *	lower_memory.c          what all of them are for; one after the other
 */

/*
 * One walk over a program, which changes some of its instructions; or the survey before all of them,
 * which only finds what the kernel would have to take as it is.
 */
struct pass {
	const struct object *obj;
	struct caps *caps;
	struct program *prog;
	struct error *err;
	struct edit edit;
	bool survey, wants[CAP_COUNT];
	uint16_t *live; /* once somebody asks, see memory_is_live() */
	bool failed;	/* there was no memory for it */
	uint32_t count, zeros; /* how many were changed, for the plan */
};

/* Whether that has to be done without. The last thing a walk asks: in the survey, the answer is no. */
static inline bool memory_lacks(struct pass *pass, enum cap cap)
{
	pass->wants[cap] = true;
	return !pass->survey && caps_ask(pass->caps, cap) == CAP_NO;
}

/* Whether what is in that register before that instruction is read later on. */
static inline bool memory_is_live(struct pass *pass, uint32_t insn, int reg)
{
	if (!pass->live)
		pass->live = live_registers(pass->prog, pass->err);
	pass->failed |= !pass->live;
	return !pass->live || pass->live[insn] & 1 << reg;
}

/* r10 - n of a word of the stack, by its number in the state. */
static inline int16_t memory_offset_of(const struct fold *f, uint32_t word)
{
	return -8 * (int)(f->width - word);
}

static inline bool memory_is_address(const struct value *v)
{
	return v->kind == VALUE_RESULT || v->kind == VALUE_GLOBAL;
}

/* The walks: for fold_visit(), with a struct pass. */
int memory_renew_copies(const struct fold *f, uint32_t at, void *ctx);
int memory_swap_operands(const struct fold *f, uint32_t at, void *ctx);
int memory_go_out_from_stack(const struct fold *f, uint32_t at, void *ctx);
int memory_change_call(const struct fold *f, uint32_t at, void *ctx);

#endif
