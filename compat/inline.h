/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_INLINE_H
#define COMPAT_INLINE_H

#include "loader/object.h"

/*
 * Puts a copy of each function of the program that is called in place of the call, so that the entry
 * function is all that is left. `why` ends the message where that cannot be done: what this kernel
 * lacks (plan_why()), or what else needs it. On failure the program is unchanged.
 */
int inline_calls(const struct object *obj, struct program *prog, const char *why,
		 struct error *err);

#endif
