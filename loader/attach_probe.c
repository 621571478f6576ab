// SPDX-License-Identifier: GPL-2.0
/*
 * What kprobes and uprobes have in common. Two ways lead to one: an event source of its own (a
 * PMU, Linux 4.17) takes the place in perf_event_open, and it is gone with its descriptor; before,
 * an event is defined in tracefs, opened like any tracepoint, and removed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

/* A number in a file of the event source; "config:3" is where a bit goes. -errno without it. */
static int source_number(const char *pmu, const char *file, const char *before)
{
	char path[96], text[64];
	size_t len = strlen(before);
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/%s", pmu, file);
	n = sys_read_file(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n;
	return strncmp(text, before, len) ? -EINVAL : atoi(text + len);
}

static int open_by_pmu(const struct probe *probe, int type)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = PERF_ATTR_SIZE_VER1,
		.sample_period = 1,
		.disabled = 1,
	};
	int bit;

	if (probe->is_return) {
		bit = source_number(probe->pmu, "format/retprobe", "config:");
		if (bit < 0)
			return bit;
		attr.config |= 1ull << bit;
	}
	if (probe->semaphore) {
		bit = source_number(probe->pmu, "format/ref_ctr_offset", "config:");
		if (bit < 0)
			return -EOPNOTSUPP;
		attr.config |= probe->semaphore << bit;
	}
	attr.config1 = (uintptr_t)probe->where;
	attr.config2 = probe->offset;
	return perf_open_process(&attr, probe->pid);
}

/*
 * ENOENT: no such symbol; EINVAL is the same on some kernels, or a function that may not be
 * probed; EADDRNOTAVAIL since 6.6: several of that name.
 */
static bool is_absent(int ret)
{
	return ret == -ENOENT || ret == -EINVAL || ret == -EADDRNOTAVAIL;
}

static int fail(const struct attach_request *request, const char *what, int ret,
		struct error *err)
{
	error_system(err, -ret, "%s: %s", request->target, what);
	if (is_absent(ret))
		return ATTACH_ABSENT;
	return perf_explain(ret, err);
}

static int no_semaphores(const struct attach_request *request, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED, "%s: got a probe with a semaphore, expected one without on "
		  "this kernel", request->target);
	return error_hint(err, "the kernel counts for programs who listens to their probes since Linux 4.20");
}

static int attach_by_pmu(struct link *link, const struct probe *probe, int type,
			 const struct attach_request *request, struct error *err)
{
	int fd = open_by_pmu(probe, type);

	if (fd == -EOPNOTSUPP && probe->semaphore)
		return no_semaphores(request, err);
	return fd < 0 ? fail(request, "perf_event_open", fd, err) :
			perf_attach(link, fd, request, err);
}

/* The event's id in tracefs, or what fail() and the like return, made negative. */
static int define_event(struct link *link, const struct probe *probe,
			const struct attach_request *request, const struct tracefs *tracefs,
			struct error *err)
{
	int ret = probe_event_add(&link->probe, tracefs, probe->file, probe->is_return, probe->place);
	struct stat st;

	if (ret == -ENOENT && fstatat(tracefs->fd, probe->file, &st, 0)) {
		error_set(err, ERROR_UNSUPPORTED, "%s: got neither an event source '%s' nor %s in "
			  "tracefs, expected one of them", request->target, probe->pmu, probe->file);
		return error_hint(err, "this kernel was built without CONFIG_%s",
				  probe->pmu[0] == 'k' ? "KPROBE_EVENTS" : "UPROBE_EVENTS");
	}
	if (ret)
		return fail(request, probe->file, ret, err) == ATTACH_ABSENT ? -ENOENT : -1;
	return tracefs_event_id(tracefs, PROBE_EVENT_GROUP, link->probe.name, err);
}

static int attach_by_event(struct link *link, const struct probe *probe,
			   const struct attach_request *request, struct error *err)
{
	const struct tracefs *tracefs;
	struct tracefs own;
	int id = -1;

	tracefs = attach_tracefs(request, &own, err);
	if (tracefs)
		id = define_event(link, probe, request, tracefs, err);
	tracefs_close(&own);
	if (id < 0)
		return id == -ENOENT ? ATTACH_ABSENT : -1;
	return perf_attach_tracepoint(link, id, probe->pid, request, err);
}

int probe_place(const char *place, struct section_name *function, uint64_t *offset)
{
	size_t len = strcspn(place, "+");
	char *end;

	*offset = 0;
	if (!len || len >= sizeof(function->text))
		return -1;
	snprintf(function->text, sizeof(function->text), "%.*s", (int)len, place);
	if (!place[len])
		return 0;
	*offset = strtoull(place + len + 1, &end, 0);
	return end == place + len + 1 || *end ? -1 : 0;
}

int probe_attach(struct link *link, const struct probe *probe,
		 const struct attach_request *request, struct error *err)
{
	enum probe_way way = request->options->probes;
	int type = way == PROBE_EVENT ? -ENOENT : source_number(probe->pmu, "type", "");

	if (type >= 0)
		return attach_by_pmu(link, probe, type, request, err);
	if (type == -ENOENT && way != PROBE_PMU)
		return attach_by_event(link, probe, request, err);
	error_system(err, -type, "%s: event source '%s'", request->target, probe->pmu);
	return error_hint(err, "it is there since Linux 4.17, in sysfs: mount -t sysfs nodev /sys");
}

/* Moves what one probe took to the link that holds them all. 0, or -1: no memory. */
static int take(struct link *link, struct link *one)
{
	struct probe_event *event = one->probe.name[0] ? vec_push(&link->more_probes) : NULL;
	int *fd = vec_push(&link->others);

	if (!fd || (one->probe.name[0] && !event))
		return -1;
	if (event)
		*event = one->probe;
	one->probe.name[0] = 0;
	*fd = one->fd;
	one->fd = -1;
	return 0;
}

int probe_attach_more(struct link *link, const struct probe *probe,
		      const struct attach_request *request, struct error *err)
{
	struct link one = { .fd = -1 };
	int ret;

	if (link->fd < 0)
		return probe_attach(link, probe, request, err);
	ret = probe_attach(&one, probe, request, err);
	if (!ret && take(link, &one))
		ret = error_memory(err);
	if (ret)
		link_detach(&one);
	return ret;
}
