// SPDX-License-Identifier: GPL-2.0
#include "util/text.h"

#include <errno.h>
#include <stdlib.h>

#define PIECE (64 * 1024)

void text_fini(struct text *t)
{
	free(t->at);
	t->at = NULL;
	t->len = t->cap = 0;
}

static void fail(struct text *t, int error)
{
	t->failed = error;
	t->len = 0;
}

int text_flush(struct text *t)
{
	int ret;

	if (!t->failed && t->write && t->len) {
		ret = t->write(t->to, t->at, t->len);
		t->len = 0;
		if (ret < 0)
			fail(t, ret);
	}
	return t->failed;
}

bool text_room(struct text *t, size_t len)
{
	size_t want = t->cap ? t->cap : PIECE;
	char *grown;

	if (text_flush(t))
		return false;
	while (want - t->len < len) {
		if (want > SIZE_MAX / 2) {
			fail(t, -ENOMEM);
			return false;
		}
		want *= 2;
	}
	if (want == t->cap)
		return true;
	grown = realloc(t->at, want);
	if (!grown) {
		fail(t, -ENOMEM);
		return false;
	}
	t->at = grown;
	t->cap = want;
	return true;
}

void text_number(struct text *t, uint64_t value)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = '0' + value % 10;
	while (value /= 10);
	text_put(t, p, digits + sizeof(digits) - p);
}

void text_signed(struct text *t, int64_t value)
{
	if (value < 0)
		TEXT(t, "-");
	text_number(t, value < 0 ? -(uint64_t)value : (uint64_t)value);
}
