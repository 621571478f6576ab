// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/binary.h"
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
int uprobe_split(const struct attach_request *request, char path[BINARY_PATH_MAX],
		 const char **place, struct error *err)
{
	const char *target = request->target, *colon = strrchr(target, ':');
	char name[sizeof(struct section_name)];
	int ret;

	if (!colon || colon == target || !colon[1])
		return error_set(err, ERROR_FORMAT, "got '%s', expected PATH:FUNCTION, "
				 "PATH:FUNCTION+OFFSET or PATH:OFFSET", target);
	*place = colon + 1;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - target), target);
	ret = binary_find(name, path, BINARY_PATH_MAX, err);
	return ret > 0 ? ATTACH_ABSENT : ret;
}

static bool is_return(const struct attach_request *request)
{
	return !strncmp(request->prog->kind->name, "uret", 4);
}

int uprobe_attach_at(struct link *link, const char *path, uint64_t offset, uint64_t semaphore,
		     const struct attach_request *request, struct error *err)
{
	char place[BINARY_PATH_MAX + 64];
	struct probe probe = {
		.pmu = "uprobe",
		.file = "uprobe_events",
		.is_return = is_return(request),
		.where = path,
		.offset = offset,
		.place = place,
		.semaphore = semaphore,
		.pid = request->options->place.pid,
	};
	int len = snprintf(place, sizeof(place), "%s:0x%llx", path, (unsigned long long)offset);

	if (semaphore)
		snprintf(place + len, sizeof(place) - len, "(0x%llx)", (unsigned long long)semaphore);
	return probe_attach_more(link, &probe, request, err);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	char path[BINARY_PATH_MAX];
	const char *place;
	uint64_t offset;
	int ret;

	ret = uprobe_split(request, path, &place, err);
	if (!ret)
		ret = find_offset(path, place, &offset, err);
	if (ret)
		return ret < 0 ? error_wrap(err, "section '%s'", request->prog->section) : ret;
	return uprobe_attach_at(link, path, offset, 0, request, err);
}

const struct attach_kind attach_kind_uprobe = {
	.targets = "function of a program or library",
	.absent = "it may be stripped of its symbols: PATH:OFFSET names the place in the file instead",
	.attach = attach,
};
