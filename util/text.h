/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text that is put together in a buffer of the caller's, and always ends in NUL. What does not
 * fit is dropped, and `cut` says so.
 *
 *	char buf[64];
 *	struct text t = TEXT(buf);
 *	text_add(&t, "%u of %u", i, n);
 */
struct text {
	char *at;
	size_t size, len;
	bool cut;
};

#define TEXT(buf) { (((buf)[0] = 0), (buf)), sizeof(buf), 0, false }

void text_add(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
