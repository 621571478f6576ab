// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/elf_symbol.h"

/* "readline+0x10" or "0x1234": an offset in the file. 0, ATTACH_ABSENT, or -1. */
static int find_offset(const char *path, const char *place, uint64_t *offset, struct error *err)
{
	struct section_name function;
	uint64_t more;
	char *end;
	int ret;

	*offset = strtoull(place, &end, 0);
	if (!*end)
		return 0;
	if (probe_place(place, &function, &more))
		return error_set(err, ERROR_FORMAT, "got '%s', expected FUNCTION or FUNCTION+OFFSET",
				 place);
	ret = elf_symbol_offset(path, function.text, offset, err);
	*offset += more;
	return ret > 0 ? ATTACH_ABSENT : ret;
}

/* "/bin/bash:readline": a colon may be part of the path, too. */
static int find_place(const char *target, char *path, size_t size, uint64_t *offset,
		      struct error *err)
{
	const char *colon = strrchr(target, ':');

	if (!colon || colon == target || !colon[1] || (size_t)(colon - target) >= size)
		return error_set(err, ERROR_FORMAT, "got '%s', expected PATH:FUNCTION, "
				 "PATH:FUNCTION+OFFSET or PATH:OFFSET", target);
	snprintf(path, size, "%.*s", (int)(colon - target), target);
	return find_offset(path, colon + 1, offset, err);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	char path[4000], place[4100];
	struct probe probe = {
		.pmu = "uprobe",
		.file = "uprobe_events",
		.is_return = !strncmp(request->prog->kind->name, "uret", 4),
		.where = path,
		.place = place,
	};
	int ret = find_place(request->target, path, sizeof(path), &probe.offset, err);

	if (ret)
		return ret < 0 ? error_wrap(err, "section '%s'", request->prog->section) : ret;
	snprintf(place, sizeof(place), "%s:0x%llx", path, (unsigned long long)probe.offset);
	return probe_attach(link, &probe, request, err);
}

const struct attach_kind attach_kind_uprobe = {
	.targets = "function of a program or library",
	.absent = "it may be stripped of its symbols: PATH:OFFSET names the place in the file instead",
	.attach = attach,
};
