// SPDX-License-Identifier: GPL-2.0
/*
 * kprobes on all functions that match a pattern: by one link (Linux 5.18; session programs, which
 * run on entry and return, 6.10), or of the kinds ".each" by a probe for each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/kernel_functions.h"
#include "util/sys.h"

static bool is_return(const struct attach_request *request)
{
	return !strncmp(request->prog->kind->name, "kret", 4);
}

static int create_link(const struct attach_request *request,
		       const struct kernel_functions *functions)
{
	size_t count = functions->list.len;
	uint64_t *addresses = calloc(count, sizeof(*addresses)), *cookies;
	struct multi_kprobes many;
	int ret = -ENOMEM;
	bool failed;

	cookies = multi_cookies(request, count, &failed);
	if (addresses && !failed) {
		for (size_t i = 0; i < count; i++)
			addresses[i] = functions->list.at[i].address;
		many = (struct multi_kprobes){
			.flags = is_return(request) ? MULTI_RETURN : 0,
			.cnt = count,
			.addrs = (uintptr_t)addresses,
			.cookies = (uintptr_t)cookies,
		};
		ret = multi_link(request, &many, sizeof(many));
	}
	free(addresses);
	free(cookies);
	return ret;
}

static int attach_singles(struct link *link, const struct attach_request *request,
			  const struct kernel_functions *functions, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < functions->list.len; i++) {
		const char *name = functions->list.at[i].name;
		struct probe probe = {
			.pmu = "kprobe",
			.file = "kprobe_events",
			.is_return = is_return(request),
			.where = name,
			.place = name,
		};

		ret = probe_attach_more(link, &probe, request, err);
		if (ret)
			error_wrap(err, "function '%s'", name);
	}
	return ret ? -1 : 0;
}

static int attach_all(struct link *link, const struct attach_request *request,
		      const struct kernel_functions *functions, struct error *err)
{
	size_t count = functions->list.len;
	const char *since = strstr(request->prog->kind->name, ".session") ?
		"6.10 (CONFIG_FPROBE, CONFIG_FUNCTION_GRAPH_TRACER)" : "5.18 (CONFIG_FPROBE)";
	int ret = 0;

	if (!multi_by_each(request))
		link->fd = ret = create_link(request, functions);
	else if (count > MULTI_SINGLES_MAX)
		return multi_refused(request, count, 0, since, err);
	else if (attach_singles(link, request, functions, err))
		return -1;
	if (ret < 0)
		return multi_refused(request, count, -ret, since, err);
	multi_done(link, request, count);
	return 0;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	struct kernel_functions functions;
	const struct tracefs *tracefs;
	struct tracefs own;
	int ret = -1;

	tracefs = attach_tracefs(request, &own, err);
	if (!tracefs)
		goto out;
	ret = kernel_functions_find(&functions, tracefs, request->target,
				    request->options->cookie ? ADDRESS_ENTRY : ADDRESS_ANY, err);
	if (!ret)
		ret = functions.list.len ? attach_all(link, request, &functions, err) : ATTACH_ABSENT;
	kernel_functions_fini(&functions);
out:
	tracefs_close(&own);
	return ret;
}

const struct attach_kind attach_kind_kprobe_multi = {
	.targets = "kernel functions",
	.absent = "they may have other names on this kernel, be inlined, not be allowed to be traced, or "
		  "be in a module that is not loaded",
	.functions = true,
	.attach = attach,
};
