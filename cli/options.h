/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/signal.h"
#include "compat/lower.h"
#include "util/error.h"

/*
 * The command line of `portrace [signal] ...` as a plain value. Every fact about an option
 * (letters, argument, words of help, what it does) is one line of one table in options.c,
 * which drives parsing, suggestions and the help text alike.
 */
#define OPTION_PIDS 64
#define ALL_SIGNALS UINT64_MAX

enum exit_status {
	STATUS_DONE,        /* ended as asked: Ctrl-C, SIGTERM, -d, -n, closed pipe */
	STATUS_FAILED,      /* failed while running, e.g. the output could not be written */
	STATUS_USAGE,       /* the command line is off */
	STATUS_PERMISSION,  /* this user may not */
	STATUS_UNSUPPORTED, /* this kernel cannot */
};

struct options {
	bool help, version; /* asked for: print it and end; nothing else is set reliably */
	struct {
		uint32_t pid;
		uint32_t how; /* WATCH_FROM, WATCH_TO, WATCH_EITHER, or-ed */
	} watch[OPTION_PIDS];
	size_t watch_len;
	uint64_t signals; /* bit sig - 1; ALL_SIGNALS without -s */
	bool has_uid;
	uint32_t uid;
	char comm[FILTER_COMMS][COMM_LEN]; /* padded with NULs, at least one */
	size_t comm_len;
	uint64_t duration; /* ns; 0: no end */
	uint64_t count;    /* lines shown; 0: no end */
	bool json, quiet, verbose;
	const char *output; /* path, borrowed from argv; NULL: standard output */
	enum transport transport;
	size_t buffer; /* bytes, a power of two of pages; 0: default */
};

/* argv[0] is the program. -1 with ERROR_USAGE, the hint naming the nearest right word. */
int options_parse(int argc, char *const argv[], struct options *o, struct error *err);
/* The number of a user in a file like /etc/passwd, read line by line. */
int options_find_user(const char *passwd, const char *name, uint32_t *uid, struct error *err);
void options_help(FILE *to);
void options_version(FILE *to);
enum exit_status options_exit_status(enum error_code code);

#endif
