// SPDX-License-Identifier: GPL-2.0
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_clear(struct error *err)
{
	err->code = ERROR_NONE;
	err->sys = 0;
	err->message[0] = err->hint[0] = err->detail[0] = 0;
}

int error_set(struct error *err, enum error_code code, const char *fmt, ...)
{
	va_list ap;

	error_clear(err);
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return -1;
}

int error_system(struct error *err, int sys, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	error_clear(err);
	err->code = ERROR_SYSTEM;
	err->sys = sys;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror(sys));
	return -1;
}

int error_file(struct error *err, int sys, const char *path)
{
	error_system(err, sys, "%s", path);
	if (sys == ENOENT)
		err->code = ERROR_NOT_FOUND;
	else if (sys == EACCES || sys == EPERM)
		err->code = ERROR_PERMISSION;
	return -1;
}

int error_memory(struct error *err)
{
	return error_set(err, ERROR_MEMORY, "out of memory");
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char inner[sizeof(err->message)];
	va_list ap;
	size_t len;

	memcpy(inner, err->message, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", inner);
	return -1;
}

int error_hint(struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return -1;
}
