// SPDX-License-Identifier: GPL-2.0
/*
 * uprobes on all functions of a program or library that match a pattern,
 * "libc.so.6:pthread_*lock": by one link (Linux 6.6; session programs, which run on entry and
 * return, 6.13), or of the kinds ".each" by a probe for each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/elf_symbol.h"

static int create_link(const struct attach_request *request, const char *path,
		       const struct elf_functions *functions)
{
	size_t count = functions->list.len;
	uint64_t *offsets = calloc(count, sizeof(*offsets)), *cookies;
	struct multi_uprobes many;
	int ret = -ENOMEM;
	bool failed;

	cookies = multi_cookies(request, count, &failed);
	if (offsets && !failed) {
		for (size_t i = 0; i < count; i++)
			offsets[i] = functions->list.at[i].offset;
		many = (struct multi_uprobes){
			.path = (uintptr_t)path,
			.offsets = (uintptr_t)offsets,
			.cookies = (uintptr_t)cookies,
			.cnt = count,
			.flags = strncmp(request->prog->kind->name, "uret", 4) ? 0 : MULTI_RETURN,
			.pid = request->options->place.pid,
		};
		ret = multi_link(request, &many, sizeof(many));
	}
	free(offsets);
	free(cookies);
	return ret;
}

static int attach_singles(struct link *link, const struct attach_request *request,
			  const char *path, const struct elf_functions *functions,
			  struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < functions->list.len; i++) {
		ret = uprobe_attach_at(link, path, functions->list.at[i].offset, 0, request, err);
		if (ret)
			error_wrap(err, "function '%s'", functions->list.at[i].name);
	}
	return ret ? -1 : 0;
}

static int attach_all(struct link *link, const struct attach_request *request, const char *path,
		      const struct elf_functions *functions, struct error *err)
{
	const char *since = strstr(request->prog->kind->name, ".session") ? "6.13" : "6.6";
	size_t count = functions->list.len;
	int ret = 0;

	if (!multi_by_each(request))
		link->fd = ret = create_link(request, path, functions);
	else if (count > MULTI_SINGLES_MAX)
		return multi_refused(request, count, 0, since, err);
	else if (attach_singles(link, request, path, functions, err))
		return -1;
	if (ret < 0)
		return multi_refused(request, count, -ret, since, err);
	multi_done(link, request, count);
	return 0;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	char path[BINARY_PATH_MAX];
	struct elf_functions functions;
	const char *pattern;
	int ret;

	ret = uprobe_split(request, path, &pattern, err);
	if (ret)
		return ret < 0 ? error_wrap(err, "section '%s'", request->prog->section) : ret;
	ret = elf_functions_find(&functions, path, pattern, err);
	if (!ret)
		ret = attach_all(link, request, path, &functions, err);
	else if (ret > 0)
		ret = ATTACH_ABSENT;
	elf_functions_fini(&functions);
	return ret;
}

const struct attach_kind attach_kind_uprobe_multi = {
	.targets = "functions of a program or library",
	.absent = "it may be stripped of its symbols: uprobe/PATH:OFFSET names a place in the file instead",
	.attach = attach,
};
