// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints without BPF: perf takes down each event's record itself. On each CPU the buffer is that
 * of an event that never happens, which only reports new names of threads (perf_event_attr.comm); the
 * tracepoints' events write into it as well:
 *
 *	cpu 0:  dummy + buffer  <── task_newtask, sched_process_exit, ..., signal_generate
 *	cpu 1:  dummy + buffer  <── the same
 *
 * All have one sample_type, so that all records look alike (reader_event() reads them):
 *
 *	PERF_RECORD_SAMPLE      header, u32 pid, u32 tid, u64 time, u32 length, the tracepoint's record
 *	PERF_RECORD_COMM        header, u32 pid, u32 tid, name, NUL, padding; then, as
 *	                        sample_id_all asks for, again u32 pid, u32 tid, u64 time
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "loader/perf_buffers.h"
#include "util/cpus.h"
#include "util/sys.h"

/* Where things stand in records. */
enum {
	EVENT_TIME = sizeof(struct perf_event_header) + 8,
	EVENT_BODY = EVENT_TIME + 8 + 4,
	EVENT_COMM = sizeof(struct perf_event_header) + 8,
	EVENT_ID = 16, /* what sample_id_all adds at the end */
};

#define OTHER_DESCRIPTORS 64

struct event_buffers {
	struct perf perf;
	const struct reader_tracepoint *points;
	size_t count;
	uint64_t on;    /* bit i: points[i] is enabled */
	int *fds;       /* cpu * count + point; -1: none */
	uint64_t *hits; /* by point: of CPUs that have gone */
};

static int *event_fd(const struct event_buffers *own, int cpu, size_t point)
{
	return &own->fds[cpu * own->count + point];
}

/* What all events have in common. */
#define EVENT_ATTR                                                                           \
	.size = PERF_ATTR_SIZE_VER3,                                                         \
	.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,                 \
	.sample_period = 1, .sample_id_all = 1, .use_clockid = 1, .clockid = CLOCK_MONOTONIC

static int event_failed(int ret, const char *what, const char *event, int cpu, struct error *err)
{
	error_system(err, -ret, "tracepoint %s: CPU %d: %s", event, cpu, what);
	if (ret == -EACCES || ret == -EPERM)
		err->code = ERROR_PERMISSION;
	return -1;
}

static int open_event(struct event_buffers *own, int cpu, size_t point, struct error *err)
{
	const struct reader_tracepoint *p = &own->points[point];
	struct perf_event_attr attr = {
		EVENT_ATTR, .type = PERF_TYPE_TRACEPOINT, .config = p->id, .disabled = 1,
	};
	int fd, ret;

	fd = sys_perf_event_open(&attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return event_failed(fd, "perf_event_open", p->name, cpu, err);
	*event_fd(own, cpu, point) = fd;
	ret = sys_ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, own->perf.at[cpu].fd);
	if (ret < 0)
		return event_failed(ret, "share the buffer", p->name, cpu, err);
	ret = p->filter ? sys_ioctl(fd, PERF_EVENT_IOC_SET_FILTER, (uintptr_t)p->filter) : 0;
	if (ret < 0)
		return event_failed(ret, "set the filter", p->name, cpu, err);
	return 0;
}

static int switch_event(const struct event_buffers *own, int cpu, size_t point, bool on,
			struct error *err)
{
	int fd = *event_fd(own, cpu, point), ret;

	if (fd < 0)
		return 0;
	ret = sys_ioctl(fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
	return ret < 0 ? event_failed(ret, on ? "enable" : "disable", own->points[point].name, cpu,
				      err) : 0;
}

static int attach_events(struct perf *perf, int cpu, struct error *err)
{
	struct event_buffers *own = (struct event_buffers *)perf;
	size_t i;

	for (i = 0; i < own->count; i++)
		if (open_event(own, cpu, i, err))
			return -1;
	for (i = 0; i < own->count; i++)
		if (own->on >> i & 1 && switch_event(own, cpu, i, true, err))
			return -1;
	return 0;
}

/* How often it has happened, in the buffer or not: that is what perf counts of an event. */
static uint64_t count_of(int fd)
{
	uint64_t count = 0;

	if (fd < 0 || sys_read(fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return count;
}

static void detach_events(struct perf *perf, int cpu)
{
	struct event_buffers *own = (struct event_buffers *)perf;

	for (size_t i = own->count; own->fds && i-- > 0;) {
		int *fd = event_fd(own, cpu, i);

		own->hits[i] += count_of(*fd);
		sys_close(*fd);
		*fd = -1;
	}
}

static void free_events(struct perf *perf)
{
	struct event_buffers *own = (struct event_buffers *)perf;

	free(own->fds);
	free(own->hits);
}

static const struct perf_kind events_kind = {
	.attr = { EVENT_ATTR, .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .comm = 1 },
	.since = "perf events with a clock of one's choice (use_clockid) came with Linux 4.1, with "
		 "CONFIG_PERF_EVENTS",
	.attach = attach_events,
	.detach = detach_events,
	.fini = free_events,
	.time = EVENT_TIME,
	.others = true,
};

/* Some events on each CPU: more descriptors than 1024, the usual soft limit, on large machines. */
static void allow_descriptors(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= count)
		return;
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int make_room(struct event_buffers *own, struct error *err)
{
	int cpus = cpus_possible();

	if (cpus < 0)
		return error_system(err, -cpus, "tracepoints: number of CPUs");
	own->fds = calloc(cpus * own->count, sizeof(*own->fds));
	own->hits = calloc(own->count, sizeof(*own->hits));
	if (!own->fds || !own->hits)
		return error_memory(err);
	for (size_t i = 0; i < cpus * own->count; i++)
		own->fds[i] = -1;
	allow_descriptors(cpus * (own->count + 1) + OTHER_DESCRIPTORS);
	return 0;
}

int reader_new_events(struct reader **reader, const struct reader_tracepoint *points, size_t count,
		      size_t size, struct error *err)
{
	struct event_buffers *own = calloc(1, sizeof(*own));

	if (!own)
		return error_memory(err);
	own->points = points;
	own->count = count;
	if (make_room(own, err)) {
		free_events(&own->perf);
		free(own);
		return -1;
	}
	if (perf_init(&own->perf, &events_kind, size, err))
		return -1;
	*reader = &own->perf.reader;
	return 0;
}

int reader_switch(struct reader *reader, size_t point, bool on, struct error *err)
{
	struct event_buffers *own = (struct event_buffers *)reader;

	own->on = on ? own->on | 1ull << point : own->on & ~(1ull << point);
	for (int cpu = 0; cpu < own->perf.cpus; cpu++)
		if (switch_event(own, cpu, point, on, err))
			return -1;
	return 0;
}

uint64_t reader_hits(const struct reader *reader, size_t point)
{
	const struct event_buffers *own = (const struct event_buffers *)reader;
	uint64_t hits = own->hits[point];

	for (int cpu = 0; cpu < own->perf.cpus; cpu++)
		hits += count_of(*event_fd(own, cpu, point));
	return hits;
}

bool reader_event(const void *record, size_t size, struct reader_event *event)
{
	const struct perf_event_header *header = record;
	const uint8_t *at = record;
	uint32_t len;

	if (size < EVENT_BODY)
		return false;
	memcpy(&event->pid, at + sizeof(*header), 4);
	memcpy(&event->tid, at + sizeof(*header) + 4, 4);
	if (header->type == PERF_RECORD_COMM && size >= EVENT_COMM + EVENT_ID) {
		memcpy(&event->time, at + size - 8, 8);
		event->is_comm = true;
		event->data = at + EVENT_COMM;
		event->len = size - EVENT_COMM - EVENT_ID;
		return true;
	}
	memcpy(&event->time, at + EVENT_TIME, 8);
	memcpy(&len, at + EVENT_BODY - 4, 4);
	event->is_comm = false;
	event->data = at + EVENT_BODY;
	event->len = len;
	return header->type == PERF_RECORD_SAMPLE && len <= size - EVENT_BODY;
}
