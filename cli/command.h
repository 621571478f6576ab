/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "cli/args.h"

enum exit_status {
	STATUS_DONE,        /* ended as asked: Ctrl-C, SIGTERM, -d, -n, closed pipe */
	STATUS_FAILED,      /* failed while running, e.g. the output could not be written */
	STATUS_USAGE,       /* the command line is off */
	STATUS_PERMISSION,  /* this user may not */
	STATUS_UNSUPPORTED, /* this kernel cannot */
};

/* A subcommand: one file, one of these, one line in commands.c. */
struct command {
	const char *name;  /* "signal", "btf dump" */
	const char *about; /* what it is for, in a few words: for the list of commands */
	const char *usage; /* what follows "portrace " in its usage line */
	const char *text;  /* whole lines: what it does */
	struct args args;
	const char *notes; /* whole lines behind the options: examples and the like; or NULL */
	/* argv[0] is the last word of its name; it prints its own messages. */
	enum exit_status (*run)(int argc, char *const argv[]);
};

extern const struct command command_signal;
extern const struct command command_btf_dump;
extern const struct command command_btf_min;
extern const struct command command_inspect;
extern const struct command command_caps;
extern const struct command command_doctor;
extern const struct command command_plan;
extern const struct command command_run;
extern const struct command command_clean;
/* All of them, up to a NULL. */
extern const struct command *const commands[];

/*
 * Reads a command's line into `into`. False: there is nothing to run, as help was asked for or
 * the line is off; it has been said, and *status is what to end with.
 */
bool command_read(const struct command *command, int argc, char *const argv[], void *into,
		  enum exit_status *status);
/* Finds the command, `signal` where none is named, and runs it. argv[0] is the program. */
enum exit_status command_main(int argc, char *const argv[]);

/* The command whose name the words at the start are, and how many those are; or NULL. */
const struct command *command_find(int argc, char *const argv[], int *words);
/* "unknown command 'x'", or "'btf': ..." where more words are needed; the nearest in the hint. */
int command_unknown(const char *word, struct error *err);
void command_help(const struct command *command, FILE *to);
void command_version(FILE *to);

enum exit_status command_status(enum error_code code);
/* An error as the user reads it, on standard error. */
void report_error(const struct error *err);

#endif
