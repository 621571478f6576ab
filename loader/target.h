/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_TARGET_H
#define LOADER_TARGET_H

#include <stdbool.h>

#include "loader/section.h"

/*
 * The names that a program's target is looked for by, in this order: those in the section's
 * name, then, of kernel functions, what other releases call the same function.
 *
 *	struct targets t = { .list = "do_unlinkat|x", .functions = true };
 *	while (targets_next(&t))
 *		t.name.text is "do_unlinkat", "x", "filename_unlinkat"
 */
struct targets {
	const char *list;
	bool functions;
	struct section_name name;
	/* private */
	bool started, renamed;
	const char *rest;
};

bool targets_next(struct targets *targets);

#endif
