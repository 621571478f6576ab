/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Text being written. Where there is somebody to take it, it goes there in large pieces; else
 * it gathers. Nothing has to be checked on the way: after a failure the rest goes nowhere, and
 * text_flush tells.
 *
 *	struct text t = { .write = to_standard_output };
 *	TEXT(&t, "struct ");
 *	text_string(&t, name);
 *	ret = text_flush(&t);
 *	text_fini(&t);
 */
struct text {
	char *at;
	size_t len, cap;
	int failed; /* 0 or -errno */
	/* Takes the next piece: 0 or -errno. NULL: all of it stays at `at`. */
	int (*write)(void *to, const char *piece, size_t len);
	void *to;
};

void text_fini(struct text *t);
/* Hands over what is left. Returns 0, or the -errno of what failed first. */
int text_flush(struct text *t);
/* Makes room for len bytes behind t->len. False: all is lost, see failed. */
bool text_room(struct text *t, size_t len);

static inline void text_put(struct text *t, const char *bytes, size_t len)
{
	if (t->cap - t->len < len && !text_room(t, len))
		return;
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
}

static inline void text_string(struct text *t, const char *string)
{
	text_put(t, string, strlen(string));
}

#define TEXT(t, literal) text_put(t, "" literal, sizeof(literal) - 1)

void text_number(struct text *t, uint64_t value);
void text_signed(struct text *t, int64_t value);

#endif
