/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_VEC_H
#define UTIL_VEC_H

#include <stddef.h>

/*
 * A growable array: three fields in the owner's struct, grown in one place. Elements are
 * named by index, never by a pointer kept across a push. E.g.
 *
 *	struct { struct map *at; size_t len, cap; } maps;
 *	struct map *m = vec_push(&maps);      zeroed new element, or NULL when memory is out
 *	m = vec_add(&maps, 3);                the same for three in a row
 *	vec_fini(&maps);
 */
#define VEC(type) struct { type *at; size_t len, cap; }

/* Makes room for count more elements of size bytes; returns the first, all zeroed, or NULL. */
void *vec_grow(void **at, size_t *len, size_t *cap, size_t size, size_t count);

#define vec_add(v, count)                                                                    \
	((__typeof__((v)->at))vec_grow((void **)&(v)->at, &(v)->len, &(v)->cap,              \
				       sizeof(*(v)->at), count))
#define vec_push(v) vec_add(v, 1)
#define vec_fini(v) (free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)

#endif
