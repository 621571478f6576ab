// SPDX-License-Identifier: GPL-2.0
/*
 * kprobes on all functions that match a pattern: by one link (Linux 5.18; session programs, which run
 * on entry and return, 6.10), or one probe each where the kernel has no such link and they are few.
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

static bool is_session(const struct attach_request *request)
{
	return strstr(request->prog->kind->name, ".session");
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
	struct attach_options options;
	struct attach_request single = multi_single(request, &options);
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

		ret = probe_attach_more(link, &probe, &single, err);
		if (ret)
			error_wrap(err, "function '%s'", name);
	}
	return ret ? -1 : 0;
}

/* `sys` is what the kernel said to a link. */
static int refused(const struct attach_request *request, size_t count, int sys, struct error *err)
{
	error_system(err, sys, "%s: BPF_LINK_CREATE for %zu function%s", request->target, count,
		     count > 1 ? "s" : "");
	if (sys == EPERM || sys == EACCES) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "tracing takes root, or CAP_BPF and CAP_PERFMON");
	}
	if (!multi_unknown(-sys))
		return -1;
	err->code = ERROR_UNSUPPORTED;
	if (is_session(request))
		return error_hint(err, "sessions came with Linux 6.10 (CONFIG_FPROBE, CONFIG_FUNCTION_GRAPH_TRACER): "
				       "write a program for kprobe.multi/ and one for kretprobe.multi/");
	return error_hint(err, "links to many kprobes came with Linux 5.18 (CONFIG_FPROBE); without them at "
			       "most %d functions are taken: a narrower pattern, or kprobe/FUNCTION",
			  MULTI_SINGLES_MAX);
}

static int attach_all(struct link *link, const struct attach_request *request,
		      const struct kernel_functions *functions, struct error *err)
{
	size_t count = functions->list.len;
	int ret = create_link(request, functions);

	if (ret >= 0) {
		link->fd = ret;
		link->way = "link";
	} else if (multi_unknown(ret) && count <= MULTI_SINGLES_MAX && !is_session(request)) {
		if (attach_singles(link, request, functions, err))
			return -1;
		link->way = "perf events";
	} else {
		return refused(request, count, -ret, err);
	}
	snprintf(link->where, sizeof(link->where), "%s (%zu function%s)", request->target, count,
		 count > 1 ? "s" : "");
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
	ret = kernel_functions_find(&functions, tracefs, request->target, err);
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
