/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_STRBUF_H
#define UTIL_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Text that is put together in a buffer of the caller's, and always ends in NUL. What does not
 * fit is dropped, and `cut` says so.
 *
 *	char buf[64];
 *	struct strbuf t = STRBUF(buf);
 *	strbuf_add(&t, "%u of %u", i, n);
 */
struct strbuf {
	char *at;
	size_t size, len;
	bool cut;
};

#define STRBUF(buf) { (((buf)[0] = 0), (buf)), sizeof(buf), 0, false }

void strbuf_add(struct strbuf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
