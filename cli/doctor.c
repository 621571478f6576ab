// SPDX-License-Identifier: GPL-2.0
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json.h"

struct doctor_options {
	bool json;
};

static int take_json(void *into, const char *arg, struct error *err)
{
	((struct doctor_options *)into)->json = true;
	return 0;
}

static const struct option_fact facts[] = {
	{ 0, "json", NULL, take_json, "one JSON object instead of text (docs/json.md)" },
};

static const struct option_group groups[] = { OPTION_GROUP("Options", facts) };

static const char *const words[] = {
	[VERDICT_WORKS] = "works",
	[VERDICT_LIMITED] = "limited",
	[VERDICT_FAILS] = "fails",
	[VERDICT_UNKNOWN] = "unknown",
};

/* Text in a column from INDENT on, broken between words. */
#define INDENT 24
#define WIDTH 100

static void print_wrapped(const char *text)
{
	size_t column = INDENT;

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, " ");

		if (column > INDENT && column + 1 + len > WIDTH) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		column += printf("%s%.*s", column > INDENT ? " " : "", (int)len, at);
		at += len + (at[len] == ' ');
	}
	putchar('\n');
}

static void print_row(const char *verdict, const char *name, const char *text)
{
	if (!*text)
		return;
	printf("%-8s %-14s ", verdict, name);
	print_wrapped(text);
}

static void print_finding(const char *name, const struct finding *f)
{
	char mend[300];

	print_row(words[f->verdict], name, f->what);
	print_row("", "", f->why);
	if (f->mend[0]) {
		snprintf(mend, sizeof(mend), "to mend it: %s", f->mend);
		print_row("", "", mend);
	}
}

static void json_finding(struct json *j, const char *name, const struct finding *f)
{
	json_open(j, NULL, '{');
	json_string(j, "name", name);
	json_string(j, "verdict", words[f->verdict]);
	json_string(j, "what", f->what);
	json_string(j, "why", f->why[0] ? f->why : NULL);
	json_string(j, "mend", f->mend[0] ? f->mend : NULL);
	json_close(j, '}');
}

/* Fails, limits, or none: what the last line says, and scripts see. */
static const char *summary(const struct doctor *d, bool limited)
{
	if (d->code)
		return "Signals cannot be traced here.";
	return limited ? "Signals can be traced here, with the limits above." :
			 "Signals can be traced here.";
}

/* The trial decides whether it works, whatever else was found. */
static enum exit_status status_of(const struct doctor *d, bool limited)
{
	if (d->code == ERROR_NONE)
		return limited ? STATUS_FAILED : STATUS_DONE;
	return d->code == ERROR_PERMISSION ? STATUS_PERMISSION : STATUS_UNSUPPORTED;
}

static enum exit_status examine(const struct doctor_options *options)
{
	struct doctor d = { .code = ERROR_NONE };
	struct json j = { stdout, true };
	enum exit_status status;
	bool limited = false;

	if (options->json) {
		json_open(&j, NULL, '{');
		json_number(&j, "v", 1);
		json_open(&j, "checks", '[');
	}
	for (const struct check *check = doctor_checks; check->name; check++) {
		struct finding f = { .verdict = VERDICT_WORKS };

		check->run(&d, &f);
		limited |= f.verdict != VERDICT_WORKS;
		if (options->json)
			json_finding(&j, check->name, &f);
		else
			print_finding(check->name, &f);
		fflush(stdout);
	}
	status = status_of(&d, limited);
	if (options->json) {
		json_close(&j, ']');
		json_bool(&j, "works", d.code == ERROR_NONE);
		json_bool(&j, "limited", limited);
		json_string(&j, "summary", summary(&d, limited));
		json_close(&j, '}');
		putchar('\n');
	} else {
		printf("\n%s\n", summary(&d, limited));
	}
	caps_fini(&d.caps);
	return fflush(stdout) || ferror(stdout) ? STATUS_FAILED : status;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct doctor_options options = { .json = false };
	enum exit_status status = STATUS_DONE;

	if (!command_read(&command_doctor, argc, argv, &options, &status))
		return status;
	return examine(&options);
}

const struct command command_doctor = {
	.name = "doctor",
	.about = "what works on this machine, what does not, and what mends it",
	.usage = "doctor [--json]",
	.text = "Looks at all that tracing depends on: kernel, permissions, BPF, buffers, types,\n"
		"events; then traces a signal that it sends to itself. Says of each what works,\n"
		"what does not, why, and what mends it. It changes nothing that outlives it.\n",
	.args = { "portrace doctor", groups, 1, NULL },
	.notes = "Exit status:\n"
		 "  0  signals can be traced here\n"
		 "  1  they can, with the limits that it names\n"
		 "  2  the command line is off\n"
		 "  3  not permitted\n"
		 "  4  this kernel cannot\n",
	.run = run,
};
