// SPDX-License-Identifier: GPL-2.0
#include "cli/caps.h"

#include <string.h>

#include "compat/since.h"
#include "util/errno_name.h"
#include "util/release.h"

#define WIDTH 80
#define INDENT 10

const struct caps_group caps_groups[] = {
	{ CAP_BPF, "Kernel" },
	{ CAP_JLT, "Instruction set" },
	{ CAP_LARGE, "Programs" },
	{ CAP_MEMORY_MAP, "What helpers take" },
	{ CAP_NO_PREALLOC, "Maps" },
	{ CAP_ANY_VERSION, "Loading and attaching" },
	{ CAP_BTF, "Types" },
	{ CAP_COUNT, NULL },
};

static const char *word(enum answer answer)
{
	return answer == CAP_YES ? "yes" : answer == CAP_NO ? "no" : "unknown";
}

/* " (EINVAL; since Linux 5.1)" of what is not there */
static void print_why(FILE *to, struct cap_answer at, uint16_t since)
{
	const char *name = errno_name(at.sys);
	const char *mark = " (";

	if (at.answer == CAP_YES)
		return;
	if (name) {
		fprintf(to, "%s%s", mark, name);
		mark = "; ";
	}
	if (at.answer == CAP_NO && since) {
		fprintf(to, "%ssince Linux %u.%u", mark, LINUX_MAJOR(since), LINUX_MINOR(since));
		mark = "; ";
	}
	if (*mark == ';')
		putc(')', to);
}

static void print_group(FILE *to, const struct caps *caps, const struct caps_group *group)
{
	int cap, yes = 0, all = group[1].first - group[0].first;

	for (cap = group[0].first; cap < (int)group[1].first; cap++)
		yes += caps->at[cap].answer == CAP_YES;
	fprintf(to, "\n%s: %d of %d\n", group->title, yes, all);
	for (cap = group[0].first; cap < (int)group[1].first; cap++) {
		fprintf(to, "  %-7s %-16s %s", word(caps->at[cap].answer), caps_name(cap),
			caps_about(cap));
		print_why(to, caps->at[cap], caps_since(cap));
		putc('\n', to);
	}
}

static uint32_t count(const struct cap_answer *at, uint32_t max, enum answer answer)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < max; i++)
		n += at[i].answer == answer;
	return n;
}

/* "  no      queue stack ...", in as many lines as they take; nothing where there are none. */
static void print_names(FILE *to, const struct cap_answer *at, uint32_t max, enum answer answer,
			struct since (*since)(uint32_t number))
{
	size_t column = 0;

	for (uint32_t i = 0; i < max; i++) {
		struct since one = since(i);

		if (at[i].answer != answer)
			continue;
		if (!column)
			fprintf(to, "  %-7s", word(answer));
		else if (column + 1 + strlen(one.name) > WIDTH)
			fprintf(to, "\n%*s", INDENT - 1, "");
		if (!column || column + 1 + strlen(one.name) > WIDTH)
			column = INDENT - 1;
		fprintf(to, " %s", one.name);
		column += 1 + strlen(one.name);
	}
	if (column)
		putc('\n', to);
}

static void print_numbered(FILE *to, const char *title, const struct cap_answer *at, uint32_t max,
			   struct since (*since)(uint32_t number))
{
	uint32_t yes = count(at, max, CAP_YES);
	uint32_t all = yes + count(at, max, CAP_NO) + count(at, max, CAP_UNKNOWN);

	fprintf(to, "\n%s: %u of %u\n", title, yes, all);
	print_names(to, at, max, CAP_YES, since);
	print_names(to, at, max, CAP_NO, since);
	print_names(to, at, max, CAP_UNKNOWN, since);
}

void caps_print(struct caps *caps, FILE *to)
{
	char title[96];

	if (*caps->release)
		fprintf(to, "Linux %s, %s%s\n", caps->release, caps->machine,
			caps->stored ? ", as stored" : "");
	for (const struct caps_group *group = caps_groups; group->title; group++)
		print_group(to, caps, group);
	print_numbered(to, "Map types", caps->maps, CAPS_TYPES, since_map_type);
	print_numbered(to, "Program types", caps->programs, CAPS_TYPES, since_program_type);
	for (uint32_t type = 0; type < CAPS_TYPES; type++) {
		struct since program = since_program_type(type);

		if (!caps->helpers[type])
			continue;
		snprintf(title, sizeof(title), "Helpers of %s programs", program.name);
		print_numbered(to, title, caps->helpers[type], CAPS_HELPERS, since_helper);
	}
}
