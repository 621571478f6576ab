// SPDX-License-Identifier: GPL-2.0
#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

/* Each line of what was tried, then what was taken. */
void describe_types(const struct types_account *types)
{
	const char *line = types->tried, *end;

	for (; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		fprintf(stderr, "portrace: types: %.*s\n", (int)(end - line), line);
	}
	fprintf(stderr, "portrace: types from %s\n", types->source);
}

void describe_plan(const struct plan *plan)
{
	for (size_t i = 0; i < plan->steps.len; i++) {
		const struct plan_step *step = &plan->steps.at[i];

		fprintf(stderr, "portrace: lowered (%s%s%s): %s, as %s\n", step->lowering,
			step->program[0] ? ", " : "", step->program, step->what, step->why);
	}
}
