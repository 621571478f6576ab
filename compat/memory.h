/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_MEMORY_H
#define COMPAT_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* The memory that helpers are given: which argument, what is done with it, how large it is. */
enum { MEMORY_READS = 1, MEMORY_WRITES = 2 }; /* both: what it does not write stays */
enum memory_size { MEMORY_SIZE, MEMORY_KEY, MEMORY_VALUE }; /* as an argument, the map in r1, says */

struct memory {
	int32_t helper;
	uint8_t reg, use, of;
	uint8_t size_reg; /* MEMORY_SIZE only */
};

/*
 * All memory of a helper: *len of it. NULL where the helper is none of those listed, which is not
 * to say that it takes no memory.
 */
const struct memory *helper_memory(int32_t helper, size_t *len);

#endif
