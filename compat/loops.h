/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOOPS_H
#define COMPAT_LOOPS_H

#include "loader/object.h"

/*
 * How many jumps close a loop in the function that takes up instructions from to end - 1: those
 * that lead back to where one has come through. Not every jump backwards does, as compilers
 * put blocks in any order. -1: no memory.
 */
int64_t function_loops(const struct program *prog, uint32_t from, uint32_t end);

#endif
