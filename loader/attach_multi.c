// SPDX-License-Identifier: GPL-2.0
/* What links to many places at once have in common, whichever they are. */
#include <errno.h>
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

/*
 * EINVAL: neither the call (before 5.7) nor its attach type is known, or what it is to attach to is
 * not right; EOPNOTSUPP: built without.
 */
bool multi_unknown(int ret)
{
	return ret == -EINVAL || ret == -EOPNOTSUPP;
}

/*
 * A program that was loaded for such a link is not taken by a perf event's, but by its ioctl. Only that
 * has no cookies.
 */
struct attach_request multi_single(const struct attach_request *request,
				   struct attach_options *options)
{
	struct attach_request single = *request;

	*options = *request->options;
	options->perf_links = options->perf_links && options->cookie;
	single.options = options;
	return single;
}
