/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/signal.h"
#include "cli/command.h"
#include "compat/lower.h"
#include "loader/types.h"
#include "util/error.h"

/* The command line of `portrace [signal] ...` as a plain value. */
#define OPTION_PIDS 64
#define ALL_SIGNALS UINT64_MAX

struct options {
	bool named; /* the line has said `signal` */
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
	bool json, quiet;
	unsigned int verbose; /* how many times -v */
	const char *output; /* path, borrowed from argv; NULL: standard output */
	enum transport transport;
	size_t buffer; /* bytes, a power of two of pages; 0: default */
	enum types_from types;
	const char *btf_file; /* path, borrowed from argv; NULL: none */
};

/* As args_parse(), which it calls. */
int options_parse(int argc, char *const argv[], struct options *o, struct error *err);
/* The number of a user in a file like /etc/passwd, read line by line. */
int options_find_user(const char *passwd, const char *name, uint32_t *uid, struct error *err);

#endif
