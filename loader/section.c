// SPDX-License-Identifier: GPL-2.0
#include "loader/section.h"

#include <string.h>

static const struct section_kind kinds[] = {
	{ "tracepoint/", BPF_PROG_TYPE_TRACEPOINT },
	{ "tp/", BPF_PROG_TYPE_TRACEPOINT },
};

const struct section_kind *section_kind(const char *section, struct error *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strncmp(section, kinds[i].prefix, strlen(kinds[i].prefix)))
			return &kinds[i];
	error_set(err, ERROR_UNSUPPORTED,
		  "section '%s': got a kind that is not known, expected tracepoint/CATEGORY/EVENT or "
		  "tp/CATEGORY/EVENT", section);
	return NULL;
}

int section_tracepoint(const char *section, char *category, char *event, unsigned int size,
		       struct error *err)
{
	const char *slash = strchr(section, '/');
	const char *second = slash ? strchr(slash + 1, '/') : NULL;

	if (!second || second == slash + 1 || !second[1] || strchr(second + 1, '/') ||
	    (size_t)(second - slash) > size || strlen(second + 1) >= size)
		return error_set(err, ERROR_FORMAT,
				 "section '%s': got no tracepoint, expected tracepoint/CATEGORY/EVENT",
				 section);
	memcpy(category, slash + 1, second - slash - 1);
	category[second - slash - 1] = 0;
	strcpy(event, second + 1);
	return 0;
}
