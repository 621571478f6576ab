// SPDX-License-Identifier: GPL-2.0
#include "loader/target.h"

#include <stdio.h>
#include <string.h>

/* Functions that got another name and kept their arguments: a program for one serves the other. */
static const struct {
	const char *before, *after;
} renames[] = {
	/* 7.0: "rename do_unlinkat() to filename_unlinkat()" (e50aae1d39ac ...) and the like, by
	 * which what takes a struct filename no longer consumes it */
	{ "do_unlinkat", "filename_unlinkat" },
	{ "do_rmdir", "filename_rmdir" },
	{ "do_mkdirat", "filename_mkdirat" },
	{ "do_mknodat", "filename_mknodat" },
	{ "do_linkat", "filename_linkat" },
	{ "do_symlinkat", "filename_symlinkat" },
	{ "do_renameat2", "filename_renameat2" },
	{ "do_filp_open", "do_file_open" },
	/* 5.10, commit cad6967ac108 ("fork: introduce kernel_clone()") */
	{ "_do_fork", "kernel_clone" },
	/* 5.19, commit 157cc18122b4 ("signal: Rename send_signal send_signal_locked") */
	{ "__send_signal", "__send_signal_locked" },
};

static const char *other_name(const char *name)
{
	for (size_t i = 0; i < sizeof(renames) / sizeof(*renames); i++) {
		if (!strcmp(name, renames[i].before))
			return renames[i].after;
		if (!strcmp(name, renames[i].after))
			return renames[i].before;
	}
	return NULL;
}

static bool next_listed(struct targets *t)
{
	const char *rest = section_next(t->rest, &t->name);

	if (rest)
		t->rest = rest;
	return rest;
}

bool targets_next(struct targets *t)
{
	const char *other;

	if (!t->started) {
		t->started = true;
		t->rest = t->list;
	}
	if (!t->renamed && next_listed(t))
		return true;
	if (!t->functions)
		return false;
	if (!t->renamed) {
		t->renamed = true;
		t->rest = t->list;
	}
	while (next_listed(t)) {
		other = other_name(t->name.text);
		if (!other)
			continue;
		snprintf(t->name.text, sizeof(t->name.text), "%s", other);
		return true;
	}
	return false;
}
