/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_SPAWN_H
#define UTIL_SPAWN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Runs a program of the machine's as a filter, without a shell: `input` is its standard input,
 * what it prints is gathered, what it complains of goes nowhere. It is looked for in PATH. When
 * this returns it has ended and been waited for.
 *
 * 0, with *output (malloc'ed, to be freed also where *len is 0), whatever its exit status; it is
 * for the caller to judge what came out. -ENOENT: there is no such program. -EFBIG: it printed
 * more than max bytes, and was killed. Else another -errno.
 */
int spawn_filter(const char *const argv[], const void *input, size_t size, size_t max,
		 uint8_t **output, size_t *len);

#endif
