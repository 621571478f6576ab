/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_CURSOR_H
#define UTIL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A bounds-checked look into bytes that somebody else wrote. The cursor borrows the bytes.
 * Every integer of a file goes through here or through the checks below, never through
 * plain pointer arithmetic.
 */
struct cursor {
	const uint8_t *data;
	size_t size;
};

/* len bytes at offset, or NULL where they do not all lie inside. Overflow-safe. */
static inline const void *cursor_at(const struct cursor *c, uint64_t offset, uint64_t len)
{
	if (offset > c->size || len > c->size - offset)
		return NULL;
	return c->data + offset;
}

/* The NUL-terminated string at offset, or NULL where it does not end inside. */
static inline const char *cursor_string(const struct cursor *c, uint64_t offset)
{
	if (offset >= c->size || !memchr(c->data + offset, 0, c->size - offset))
		return NULL;
	return (const char *)c->data + offset;
}

#endif
