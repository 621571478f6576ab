/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_STACK_H
#define COMPAT_STACK_H

#include "loader/object.h"

#define STACK_MAX 512 /* MAX_BPF_STACK, on every kernel */

/*
 * Deepest byte below the frame pointer that the function starting at `func` (an index in
 * prog->funcs) touches or takes the address of: *depth is 0..STACK_MAX, and STACK_MAX where
 * it cannot be told. A variable index into an array on the stack is taken as not negative.
 */
int program_stack_depth(const struct program *prog, uint32_t func, uint32_t *depth,
			struct error *err);

#endif
