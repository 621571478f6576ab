/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_REFUSE_H
#define COMPAT_REFUSE_H

#include "compat/plan.h"
#include "loader/object.h"

/*
 * ERROR_UNSUPPORTED, for what a lowering cannot change: "o: program 'p': p.bpf.c:12: what: why". Without
 * line info it is "instruction 7". Returns -1.
 */
int refuse(const struct object *obj, const struct program *prog, uint32_t insn, const char *what,
	   const char *why, struct error *err);

/* "p.bpf.c:12", or "instruction 7" where the object does not say. */
struct refuse_place {
	char text[128];
};
struct refuse_place refuse_place(const struct object *obj, const struct program *prog,
				 uint32_t insn);

#endif
