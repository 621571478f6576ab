// SPDX-License-Identifier: GPL-2.0
/* What links to many places at once have in common, whichever they are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

/* Not in the headers of all distributions: behind link_create.flags. */
#define MANY_AT 16

int multi_link(const struct attach_request *request, const void *many, size_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.attach_type = request->prog->kind->attach;
	memcpy((char *)&attr + MANY_AT, many, size);
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

uint64_t *multi_cookies(const struct attach_request *request, size_t count, bool *failed)
{
	uint64_t *cookies;

	*failed = false;
	if (!request->options->cookie)
		return NULL;
	cookies = calloc(count, sizeof(*cookies));
	for (size_t i = 0; cookies && i < count; i++)
		cookies[i] = request->options->cookie;
	*failed = !cookies;
	return cookies;
}

bool multi_by_each(const struct attach_request *request)
{
	return strstr(request->prog->kind->name, ".each");
}

/* EINVAL: this kernel does not know the attach type; EOPNOTSUPP: it was built without. */
int multi_refused(const struct attach_request *request, size_t count, int sys, const char *since,
		  struct error *err)
{
	char letter = request->prog->kind->name[0];

	if (!sys) {
		error_set(err, ERROR_UNSUPPORTED, "%s: got %zu functions, expected at most %d where each is "
			  "attached to by itself", request->target, count, MULTI_SINGLES_MAX);
		return error_hint(err, "links to many came with Linux %s: without them take a narrower pattern, or "
				       "a program for %cprobe/", since, letter);
	}
	error_system(err, sys, "%s: BPF_LINK_CREATE for %zu function%s", request->target, count,
		     count > 1 ? "s" : "");
	if (sys == EPERM || sys == EACCES) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "tracing takes root, or CAP_BPF and CAP_PERFMON");
	}
	if (sys == ESRCH)
		return error_hint(err, "no process has the id %d", (int)request->options->place.pid);
	if (sys != EINVAL && sys != EOPNOTSUPP)
		return -1;
	err->code = ERROR_UNSUPPORTED;
	if (strstr(request->prog->kind->name, ".session"))
		return error_hint(err, "sessions came with Linux %s: write a program for %cprobe.multi/ and one for "
				       "%cretprobe.multi/", since, letter, letter);
	return error_hint(err, "links to many came with Linux %s: %cprobe/ is for one function", since, letter);
}

void multi_done(struct link *link, const struct attach_request *request, size_t count)
{
	link->way = multi_by_each(request) ? "perf events" : "link";
	snprintf(link->where, sizeof(link->where), "%s (%zu function%s)", request->target, count,
		 count > 1 ? "s" : "");
}
