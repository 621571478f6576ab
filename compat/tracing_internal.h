/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_TRACING_INTERNAL_H
#define COMPAT_TRACING_INTERNAL_H

#include "compat/context.h"
#include "compat/lower.h"
#include "compat/piece.h"
#include "compat/registers.h"

/*
 * What the files share that make up lower_tracing():
 *
 *	lower_tracing.c           which programs, and what has to be done for all of them
 *	lower_tracing_point.c     to raw tracepoints and tracepoints
 *	lower_tracing_function.c  to kprobes and kretprobes
 */

#define TRACING_LOWERING "tracing"

struct tracing {
	struct object *obj;
	struct caps *caps;
	struct program *prog;
	struct plan *plan;
	struct error *err;
	struct plan_why why; /* what this kernel lacks */
	const struct registers *registers;
	uint32_t used; /* words of the context that the program reads */
	struct context context;
};

int tracing_raw(struct tracing *t, bool typed);
int tracing_entry(struct tracing *t);
int tracing_exit(struct tracing *t);

/* ---- for them (lower_tracing.c) ---- */

/* Reads through pointers become calls, and t->used says what of the context is read. */
int tracing_untype(struct tracing *t);
bool tracing_uses(const struct tracing *t, uint32_t word);
/* The error: which argument, where it is not, and what to do. */
int tracing_no_argument(const struct tracing *t, uint32_t n, const char *where, const char *hint);
/* The last thing: prog is of that kind now, and the plan says so. */
int tracing_become(const struct tracing *t, const char *kind, const char *target,
		   const char *arguments);

/*
 * Code at the program's start, which puts things on the stack, below all that is there. The context is
 * kept meanwhile. Once opened, it is put in by tracing_start_close() or given up by piece_fini().
 */
struct tracing_start {
	struct piece piece;
	int16_t context; /* where it is kept */
	int16_t next;    /* the word below all others */
};

int tracing_start_open(struct tracing *t, struct tracing_start *s);
int16_t tracing_start_word(struct tracing_start *s); /* a word of the stack, r10 + what it returns */
int tracing_start_close(struct tracing *t, struct tracing_start *s);

#endif
