/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_POINTERS_H
#define COMPAT_POINTERS_H

#include <stdbool.h>

#include "loader/object.h"

/*
 * Which registers may hold what the kernel's types would say of them, were there any: the program's
 * context, and pointers into the kernel that come from it. One set of bits each.
 */
enum {
	POINTER_CONTEXT = 1, /* as the program got it */
	POINTER_MOVED = 2,   /* the context and a number */
	POINTER_KERNEL = 4,
};

struct pointers_source {
	bool context;   /* what is loaded from the context may be a pointer into the kernel */
	int32_t helper; /* what this helper returns is one; 0: none */
	uint8_t size;   /* of a pointer of the kernel, in bytes: 4 or 8 */
};

struct pointers {
	const struct program *prog;
	struct pointers_source source;
	struct pointers_state *before; /* by instruction */
	bool changed;
};

/* Of one function, the entry, at its start. pointers_fini is due after a success. */
int pointers_init(struct pointers *pointers, const struct program *prog,
		  struct pointers_source source, struct error *err);
void pointers_fini(struct pointers *pointers);
/* Of a register before an instruction; 0 too where it is not reached. */
uint8_t pointers_at(const struct pointers *pointers, uint32_t insn, uint8_t reg);

/*
 * Loads through pointers into the kernel, which only a verifier that knows the kernel's types lets
 * through, become calls of bpf_probe_read_kernel() into a slot of the stack. One that fails reads 0, as
 * the kernel itself has it. Functions are inlined where there are several. *count receives how many
 * loads that were; why, for messages, is what this kernel lacks.
 */
int pointers_to_reads(const struct object *obj, struct program *prog,
		      struct pointers_source source, const char *why, uint32_t *count,
		      struct error *err);

#endif
