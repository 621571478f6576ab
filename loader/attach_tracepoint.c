// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

int attach_tracepoint(int prog_fd, int event_id, const char *name, struct error *err)
{
	int fd = perf_open_tracepoint(event_id), ret;

	if (fd < 0) {
		error_system(err, -fd, "tracepoint %s: perf_event_open", name);
		return perf_explain(fd, err);
	}
	ret = sys_ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd);
	if (ret < 0) {
		sys_close(fd);
		error_system(err, -ret, "tracepoint %s: attach the program", name);
		return perf_explain(ret, err);
	}
	return fd;
}

/* "signal/signal_generate": the event's id, -1, or -ENOENT where there is none. */
static int event_id(const struct attach_request *request, struct error *err)
{
	const char *event = strchr(request->target, '/');
	const struct tracefs *tracefs;
	struct tracefs own;
	char category[64];
	int id;

	if (!event || event == request->target || !event[1] || strchr(event + 1, '/') ||
	    (size_t)(event - request->target) >= sizeof(category))
		return error_set(err, ERROR_FORMAT, "section '%s': got no tracepoint, expected "
				 "tracepoint/CATEGORY/EVENT", request->prog->section);
	snprintf(category, sizeof(category), "%.*s", (int)(event - request->target), request->target);
	tracefs = attach_tracefs(request, &own, err);
	if (!tracefs)
		return -1;
	id = tracefs_event_id(tracefs, category, event + 1, err);
	tracefs_close(&own);
	return id < 0 && err->sys == ENOENT ? -ENOENT : id;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	int id = event_id(request, err);

	if (id < 0)
		return id == -ENOENT ? ATTACH_ABSENT : -1;
	return perf_attach_tracepoint(link, id, 0, request, err);
}

const struct attach_kind attach_kind_tracepoint = {
	.targets = "tracepoint",
	.absent = "it was renamed, is in a module that is not loaded, or the kernel was built without "
		  "CONFIG_EVENT_TRACING",
	.attach = attach,
};
