// SPDX-License-Identifier: GPL-2.0
#include "cli/json.h"

#include <inttypes.h>
#include <string.h>

#include "cli/escape.h"

#define PIECE 256

/* Piece by piece, each ending where a character does, however long the text is. */
static void put_string(struct json *j, const char *text)
{
	char shown[ESCAPE_ROOM(PIECE)];
	size_t left = strlen(text), len;

	putc('"', j->to);
	for (; left; left -= len, text += len) {
		len = left < PIECE ? left : escape_whole(text, PIECE);
		if (!len)
			len = left < PIECE ? left : PIECE;
		fwrite(shown, 1, escape_json(shown, text, len) - shown, j->to);
	}
	putc('"', j->to);
}

static void begin(struct json *j, const char *key)
{
	if (!j->first)
		putc(',', j->to);
	j->first = false;
	if (key) {
		put_string(j, key);
		putc(':', j->to);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	putc(bracket, j->to);
	j->first = true;
}

void json_close(struct json *j, char bracket)
{
	putc(bracket, j->to);
	j->first = false;
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		put_string(j, value);
	else
		fputs("null", j->to);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	fprintf(j->to, "%" PRIu64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->to);
}
