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

/*
 * The same; marks where they lead to in headers, one byte for each instruction of the function. *first
 * receives that of the loop come to first, with no other around it. Without loops it stays.
 */
int64_t function_loop_headers(const struct program *prog, uint32_t from, uint32_t end,
			      uint8_t *headers, uint32_t *first);

#endif
