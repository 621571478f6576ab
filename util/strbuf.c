// SPDX-License-Identifier: GPL-2.0
#include "util/strbuf.h"

#include <stdarg.h>
#include <stdio.h>

void strbuf_add(struct strbuf *buf, const char *fmt, ...)
{
	size_t room = buf->size - buf->len;
	va_list ap;
	int n;

	if (buf->cut)
		return;
	va_start(ap, fmt);
	n = vsnprintf(buf->at + buf->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room) {
		buf->cut = true;
		buf->len = buf->size - 1;
	} else {
		buf->len += n;
	}
}
