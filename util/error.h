/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

/*
 * One error value, owned by the caller and passed down. It is set where the fact is known,
 * wrapped where the context is known ("object: map 'x': ..."), and given its hint where the
 * remedy is known. Callers branch on the code, never on the text. Nothing here prints.
 */
enum error_code {
	ERROR_NONE,
	ERROR_SYSTEM,      /* a system call failed; sys holds errno */
	ERROR_FORMAT,      /* a file or record is not what it should be */
	ERROR_UNSUPPORTED, /* this kernel, or this program, cannot do it */
	ERROR_PERMISSION,  /* the kernel can, this user may not */
	ERROR_MEMORY,      /* allocation failed */
	ERROR_VERIFIER,    /* the kernel's verifier said no; detail holds the end of its log */
	ERROR_NOT_FOUND,   /* a name that is not there */
	ERROR_USAGE,       /* the caller's words are off */
};

struct error {
	enum error_code code;
	int sys;            /* errno of the failed call, or 0 */
	char message[1024]; /* one line: object: what: got X, expected Y */
	char hint[768];     /* what to do, or "" */
	char detail[4096];  /* several lines, such as the end of a verifier log, or "" */
};

/* Each returns -1, so that "return error_set(...)" reads well. */
int error_set(struct error *err, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set with ": strerror(sys)" at the end; sys is a positive errno. */
int error_system(struct error *err, int sys, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a file that cannot be opened or read: not there and not allowed have own codes. */
int error_file(struct error *err, int sys, const char *path);
int error_memory(struct error *err);
/* Puts "context: " before the message. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int error_hint(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void error_clear(struct error *err);

#endif
