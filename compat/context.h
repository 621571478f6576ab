/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_CONTEXT_H
#define COMPAT_CONTEXT_H

#include "loader/object.h"

/*
 * A tracing program's context, an array of words of 8 bytes (the arguments of a function or of a
 * tracepoint), for programs that get another one: where each word is to be found then.
 */
#define CONTEXT_WORDS 16

enum context_where {
	CONTEXT_NOWHERE,
	CONTEXT_THERE, /* in the new context, at off, size bytes, of which the rest is zero */
	CONTEXT_STACK, /* on the stack, at r10 + off, all 8 bytes */
};

struct context_word {
	enum context_where where;
	uint8_t size;
	int16_t off;
};

struct context {
	const struct object *obj;
	struct program *prog; /* of one function */
	const char *why;      /* for messages: what this kernel lacks */
	struct context_word words[CONTEXT_WORDS];
};

/* Which words the program reads: one bit each. */
int context_used(const struct context *context, uint32_t *used, struct error *err);
/* Lets it read them from where they are; none of those that it reads may be nowhere. */
int context_move(const struct context *context, struct error *err);

#endif
