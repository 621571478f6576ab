// SPDX-License-Identifier: GPL-2.0
#include "util/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *vec_grow(void **at, size_t *len, size_t *cap, size_t size, size_t count)
{
	void *new;

	if (count > SIZE_MAX / size - *len)
		return NULL;
	if (*len + count > *cap) {
		/* Two kilobytes at first: moving a small array time and again costs more. */
		size_t want = *cap ? *cap * 2 : size < 256 ? 2048 / size : 8;
		void *grown;

		if (want < *len + count)
			want = *len + count;
		if (want > SIZE_MAX / size)
			return NULL;
		grown = realloc(*at, want * size);
		if (!grown)
			return NULL;
		*at = grown;
		*cap = want;
	}
	new = (char *)*at + *len * size;
	*len += count;
	return memset(new, 0, count * size);
}
