/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_PLAN_H
#define COMPAT_PLAN_H

#include "compat/caps.h"
#include "loader/object.h"

/*
 * What was done to an object for the kernel at hand, in the order in which it was done, each step
 * with its reason: what `portrace plan` prints, and -v. The changes themselves are in the object.
 */
struct plan_step {
	const char *lowering; /* "isa"; static */
	char program[64];     /* "": the whole object */
	char what[192];       /* "3 comparisons of 32 bits become shifts and comparisons of 64" */
	char why[128];        /* "this kernel has no 32 bit comparisons (v3) (EINVAL; since Linux 5.1)" */
};

struct plan {
	VEC(struct plan_step) steps;
};

void plan_fini(struct plan *plan);

/* Each adds a step; fmt says what was done. prog NULL: it is not one program's. 0, or -1 and err. */
int plan_add(struct plan *plan, const char *lowering, const struct program *prog, const char *why,
	     struct error *err, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* The reasons, as a step has them, of what the kernel was asked and has not. */
struct plan_why {
	char text[128];
};
struct plan_why plan_why(const struct caps *caps, enum cap cap);
struct plan_why plan_why_map(const struct caps *caps, uint32_t type);
struct plan_why plan_why_program(const struct caps *caps, uint32_t type);
struct plan_why plan_why_helper(const struct caps *caps, uint32_t program_type, uint32_t helper);

#endif
