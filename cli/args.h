/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "util/error.h"

/*
 * Command lines. Every fact about an option (letters, argument, words of help, what it does)
 * is one line of a table, which drives parsing, suggestions and the help text alike.
 * --help (-h) and --version belong to every command and stand in no table.
 */
struct option_fact {
	char letter;      /* 0: none */
	const char *name; /* without "--" */
	const char *arg;  /* what its argument is called; NULL: it takes none */
	/* into: what args_parse() was given. 0, or -1 with ERROR_USAGE. */
	int (*take)(void *into, const char *arg, struct error *err);
	const char *help; /* lines after the first are indented by the printer */
};

struct option_group {
	const char *title;
	const struct option_fact *facts;
	size_t len;
};

#define OPTION_GROUP(title, facts) { title, facts, sizeof(facts) / sizeof((facts)[0]) }

struct args {
	const char *command; /* "portrace btf dump", for hints */
	const struct option_group *groups;
	size_t groups_len;
	/* A word that is no option, as take(). NULL: the command takes none. */
	int (*word)(void *into, const char *word, struct error *err);
};

enum args_result { ARGS_RUN, ARGS_HELP, ARGS_VERSION };

/*
 * Reads argv[1] on. ARGS_HELP and ARGS_VERSION: asked for, nothing behind it was read; -1: err,
 * with ERROR_USAGE and the nearest right word as its hint.
 */
int args_parse(const struct args *args, int argc, char *const argv[], void *into,
	       struct error *err);
void args_help(const struct args *args, FILE *to);

/* "--option: got 'x', expected ..." */
int args_bad_value(struct error *err, const char *option, const char *got, const char *expected);
/* "500ms", "10", "10s", "2m", "1h" in ns, "3": from 1 on. 0, or -1 with what was expected. */
int args_duration(struct error *err, const char *option, const char *arg, uint64_t *ns);
int args_count(struct error *err, const char *option, const char *arg, uint64_t *count);
/* Decimal digits only, none of strtoul's signs and spaces. Returns the end, or NULL. */
const char *args_number(const char *text, uint64_t *value);

#endif
