// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/names.h"
#include "util/suggest.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

/* The first is what runs where no command is named. */
const struct command *const commands[] = {
	&command_signal,
	&command_run,
	&command_doctor,
	&command_inspect,
	&command_plan,
	&command_caps,
	&command_btf_dump,
	&command_btf_min,
	&command_clean,
	NULL,
};

/* How many words of the line a name takes, e.g. "btf dump" two; 0 where they are others. */
static int match_words(const char *name, int argc, char *const argv[])
{
	int words = 0;

	while (words < argc) {
		size_t len = strcspn(name, " ");

		if (strncmp(argv[words], name, len) || argv[words][len])
			return 0;
		words++;
		if (!name[len])
			return words;
		name += len + 1;
	}
	return 0;
}

const struct command *command_find(int argc, char *const argv[], int *words)
{
	size_t i;

	for (i = 0; commands[i]; i++) {
		*words = match_words(commands[i]->name, argc, argv);
		if (*words)
			return commands[i];
	}
	return NULL;
}

/* "btf" where there is "btf dump": says what can follow. */
static int incomplete(const char *word, struct error *err)
{
	size_t i, len = strlen(word);
	char list[256] = "";

	for (i = 0; commands[i]; i++)
		if (!strncmp(commands[i]->name, word, len) && commands[i]->name[len] == ' ')
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s'%s'",
				 *list ? " or " : "", commands[i]->name);
	if (!*list)
		return 0;
	return error_set(err, ERROR_USAGE, "command '%s': got no more words, expected %s", word, list);
}

int command_unknown(const char *word, struct error *err)
{
	struct suggest s;
	size_t i;

	if (incomplete(word, err))
		return -1;
	suggest_init(&s, word);
	for (i = 0; commands[i]; i++)
		suggest_offer(&s, commands[i]->name);
	suggest_offer(&s, "help");
	suggest_offer(&s, "version");
	error_set(err, ERROR_USAGE, "unknown command '%s'", word);
	if (s.best)
		return error_hint(err, "did you mean '%s'?", s.best);
	if (signal_number(word))
		return error_hint(err, "to choose signals: --signal %s", word);
	return error_hint(err, "portrace --help says what there is");
}

/* ---- help ---- */

static void list_commands(FILE *to)
{
	size_t i;

	fputs("\nCommands:\n", to);
	for (i = 0; commands[i]; i++)
		fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->about);
	fputs("portrace COMMAND --help has the options of each.\n", to);
}

void command_help(const struct command *command, FILE *to)
{
	fprintf(to, "Usage: portrace %s\n%s", command->usage, command->text);
	if (command == commands[0])
		list_commands(to);
	args_help(&command->args, to);
	if (command->notes)
		fprintf(to, "\n%s", command->notes);
}

void command_version(FILE *to)
{
	fputs("portrace " VERSION "\n", to);
}

static enum exit_status flushed(void)
{
	return fflush(stdout) || ferror(stdout) ? STATUS_FAILED : STATUS_DONE;
}

/* Which command's help is wanted; NULL: err says why there is none. */
static const struct command *help_of(int argc, char *const argv[], struct error *err)
{
	const struct command *command;
	int words;

	if (argc == 1 && (!strcmp(argv[0], "help") || !strcmp(argv[0], "version")))
		return commands[0];
	command = command_find(argc, argv, &words);
	if (!command) {
		command_unknown(argv[0], err);
	} else if (argc > words) {
		error_set(err, ERROR_USAGE, "unexpected word '%s'", argv[words]);
		command = NULL;
	}
	return command;
}

/* `portrace help`, `portrace help COMMAND` */
static enum exit_status help_main(int argc, char *const argv[])
{
	const struct command *command = commands[0];
	struct error err;

	if (argc > 1)
		command = help_of(argc - 1, argv + 1, &err);
	if (!command) {
		report_error(&err);
		return STATUS_USAGE;
	}
	command_help(command, stdout);
	return flushed();
}

static enum exit_status version_main(void)
{
	command_version(stdout);
	return flushed();
}

/* ---- running ---- */

enum exit_status command_status(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return STATUS_DONE;
	case ERROR_USAGE:
		return STATUS_USAGE;
	case ERROR_PERMISSION:
		return STATUS_PERMISSION;
	case ERROR_UNSUPPORTED:
		return STATUS_UNSUPPORTED;
	default:
		return STATUS_FAILED;
	}
}

void report_error(const struct error *err)
{
	fprintf(stderr, "portrace: %s\n", err->message);
	if (err->detail[0])
		fprintf(stderr, "%s\n", err->detail);
	if (err->hint[0])
		fprintf(stderr, "portrace: hint: %s\n", err->hint);
}

bool command_read(const struct command *command, int argc, char *const argv[], void *into,
		  enum exit_status *status)
{
	struct error err;

	switch (args_parse(&command->args, argc, argv, into, &err)) {
	case ARGS_RUN:
		return true;
	case ARGS_HELP:
		command_help(command, stdout);
		*status = flushed();
		return false;
	case ARGS_VERSION:
		*status = version_main();
		return false;
	default:
		report_error(&err);
		*status = command_status(err.code);
		return false;
	}
}

enum exit_status command_main(int argc, char *const argv[])
{
	const struct command *command;
	int words = 0;

	if (argc > 1 && !strcmp(argv[1], "help"))
		return help_main(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "version"))
		return version_main();
	command = command_find(argc - 1, argv + 1, &words);
	return (command ? command : commands[0])->run(argc - words, argv + words);
}
