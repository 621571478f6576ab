// SPDX-License-Identifier: GPL-2.0
#include "util/text.h"

#include <stdarg.h>
#include <stdio.h>

void text_add(struct text *text, const char *fmt, ...)
{
	size_t room = text->size - text->len;
	va_list ap;
	int n;

	if (text->cut)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text->at + text->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		text->cut = true;
		text->len = text->size - 1;
	} else {
		text->len += n;
	}
}
