/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cli/outcome.h"

struct output;

/*
 * A line being written, what the text and the JSON form of it share. Nothing here checks for
 * room: output_outcome has made enough for the longest line before either form begins.
 */
struct line {
	char *p;
	const char *start;
	size_t hidden; /* bytes so far that take no column */
};

/*
 * For a few bytes whose count the compiler does not know: a call of musl's memcpy costs more
 * than all of this (on x86-64 it is rep movs, some 30 cycles before the first byte). Words of
 * eight, the last overlapping the one before: 13 bytes are 0..7 and 5..12.
 */
static inline void copy_short(char *to, const char *from, size_t len)
{
	size_t i;

	if (len >= 8) {
		for (i = 0; i + 8 < len; i += 8)
			memcpy(to + i, from + i, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len) {
		to[0] = from[0];
		to[len / 2] = from[len / 2];
		to[len - 1] = from[len - 1];
	}
}

static inline void put(struct line *l, const char *text, size_t len)
{
	copy_short(l->p, text, len);
	l->p += len;
}

/* A literal, so that its copy is a move or two. */
#define PUT(l, literal) \
	(memcpy((l)->p, "" literal, sizeof(literal) - 1), (l)->p += sizeof(literal) - 1)
/* The same with non-ASCII characters: bytes beyond one a column are hidden. */
#define PUT_WIDE(l, literal, columns) \
	((l)->hidden += sizeof(literal) - 1 - (columns), PUT(l, literal))

static inline void put_string(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

void line_number(struct line *l, uint64_t value);
/* Hours to nanoseconds, in JSON with the date before them. */
void line_time(struct output *o, struct line *l, uint64_t monotonic);
/* The si_code's name, or its number. */
void line_code(struct line *l, const struct outcome *out);
/* A command line without the empty end that setproctitle leaves, or NULL to use comm. */
const char *line_cmdline(const struct party *p, size_t *len);

/* The two forms, each without the newline. */
void output_text_header(struct output *o, struct line *l);
void output_text(struct output *o, struct line *l, const struct outcome *out);
void output_json(struct output *o, struct line *l, const struct outcome *out);

#endif
