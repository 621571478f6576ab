// SPDX-License-Identifier: GPL-2.0
/*
 * The tracer without BPF: perf takes the tracepoints down (loader/reader_events.c), and what the
 * program would have done is done here (cli/events.c).
 */
#include "cli/tracer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/events.h"
#include "cli/pids.h"
#include "cli/proc.h"
#include "loader/attach.h"
#include "util/privilege.h"

#define FILTER_MAX 1024

struct tracer_events {
	struct events events;
	struct reader_tracepoint points[EVENTS_POINTS];
	char filters[EVENTS_POINTS][FILTER_MAX];
};

static int read_point(struct tracer_events *own, const struct tracefs *tracefs,
		      enum events_point point, struct error *err)
{
	const char *category = events_category(point), *name = events_name(point);
	int id = tracefs_event_id(tracefs, category, name, err), ret;
	size_t len;
	char *text;

	if (id < 0 || tracefs_format(tracefs, category, name, &text, &len, err))
		return -1;
	ret = events_format(&own->events, point, id, text, len, err);
	free(text);
	own->points[point] = (struct reader_tracepoint){ .name = name, .id = id };
	if (events_filter(own->events.options, point, own->filters[point], FILTER_MAX))
		own->points[point].filter = own->filters[point];
	return ret;
}

static int read_points(struct tracer_events *own, struct error *err)
{
	struct tracefs tracefs;
	int ret = 0;

	if (tracefs_open(&tracefs, err))
		return -1;
	for (int i = 0; !ret && i < EVENTS_POINTS; i++)
		ret = read_point(own, &tracefs, i, err);
	tracefs_close(&tracefs);
	return ret;
}

struct scan {
	struct events *events;
	uint32_t pid, bits;
};

static void scan_thread(void *ctx, uint32_t tid)
{
	struct scan *scan = ctx;

	events_thread(scan->events, scan->pid, tid);
	if (scan->bits)
		events_watch(scan->events, tid, scan->bits);
}

static uint32_t bits_of(const struct options *options, uint32_t pid)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < options->watch_len; i++)
		if (options->watch[i].pid == pid)
			bits |= options->watch[i].how;
	return bits;
}

static void scan_process(void *ctx, uint32_t pid)
{
	struct events *events = ctx;
	struct scan scan = { .events = events, .pid = pid, .bits = bits_of(events->options, pid) };

	/* The others have its user. */
	events_thread(events, pid, pid);
	proc_threads(pid, scan_thread, &scan);
}

/* The same, told of by `pids`. */
static void scan_id(void *ctx, const struct pids_record *thread)
{
	struct scan scan = { .events = ctx, .pid = thread->pid };

	scan.bits = bits_of(scan.events->options, thread->pid);
	scan_thread(&scan, thread->tid);
}

static int switch_on(struct tracer *tracer, enum events_point from, enum events_point to,
		     struct error *err)
{
	for (int i = from; i <= (int)to; i++)
		if (reader_switch(tracer->reader, i, true, err))
			return -1;
	return 0;
}

/* Threads are told of before those that are there are looked at: so none is missed. */
static int begin(struct tracer *tracer, struct pids *pids, struct error *err)
{
	struct events *events = &tracer->events->events;
	const struct options *options = events->options;

	for (size_t i = 0; i < options->watch_len; i++)
		events_watch(events, options->watch[i].pid, options->watch[i].how);
	if (switch_on(tracer, EVENTS_NEW_THREAD, EVENTS_EXIT, err))
		return -1;
	if (events->machine)
		proc_processes(scan_process, events);
	else if (pids && pids_each(pids, scan_id, events, err))
		return -1;
	return switch_on(tracer, EVENTS_DELIVER, EVENTS_GENERATE, err);
}

static void events_way_fini(struct tracer *tracer)
{
	reader_free(tracer->reader);
	events_fini(&tracer->events->events);
	free(tracer->events);
}

static void events_way_set_phase(struct tracer *tracer, enum phase phase)
{
	struct events *events = &tracer->events->events;
	struct error ignored;

	if (phase == PHASE_NO_SENDINGS)
		events->sent_until = reader_now();
	if (phase != PHASE_OVER)
		return;
	events->until = reader_now();
	for (int i = EVENTS_POINTS; i-- > 0;)
		reader_switch(tracer->reader, i, false, &ignored);
}

static void events_way_unwatch(struct tracer *tracer, uint32_t pid)
{
	events_watch(&tracer->events->events, pid, 0);
}

static void take_record(void *ctx, const void *record, size_t size)
{
	events_record(ctx, record, size);
}

static void events_way_drain(struct tracer *tracer, bool all, reader_fn *fn, void *ctx)
{
	struct events *events = &tracer->events->events;

	events->fn = fn;
	events->ctx = ctx;
	events_round(events);
	reader_drain(tracer->reader, all, take_record, events);
}

/* The kernel counts each event, whether there was room for its record or not. */
static uint64_t lost_of(const struct tracer *tracer, enum events_point point)
{
	return reader_hits(tracer->reader, point) - tracer->events->events.received[point];
}

static int events_way_losses(const struct tracer *tracer, bool final, struct losses *losses,
			     struct error *err)
{
	memset(losses, 0, sizeof(*losses));
	losses->thread = tracer->events->events.unfollowed;
	if (!final) {
		losses->generate = reader_lost(tracer->reader);
		return 0;
	}
	losses->generate = lost_of(tracer, EVENTS_GENERATE);
	losses->deliver = lost_of(tracer, EVENTS_DELIVER);
	losses->exit = lost_of(tracer, EVENTS_NEW_THREAD) + lost_of(tracer, EVENTS_EXEC) +
		       lost_of(tracer, EVENTS_EXIT);
	return 0;
}

static uint64_t events_way_skipped(const struct tracer *tracer)
{
	return 0;
}

static const struct tracer_way events_way = {
	.fini = events_way_fini,
	.set_phase = events_way_set_phase,
	.unwatch = events_way_unwatch,
	.drain = events_way_drain,
	.losses = events_way_losses,
	.skipped = events_way_skipped,
};

int tracer_events_init(struct tracer *tracer, const struct options *options, struct pids *pids,
		       struct error *err)
{
	struct tracer_events *own = calloc(1, sizeof(*own));

	if (!own)
		return error_memory(err);
	tracer->way = &events_way;
	tracer->events = own;
	tracer->transport = TRANSPORT_EVENTS;
	tracer->bare = tracer->no_arguments = true;
	events_init(&own->events, options, proc_machine());
	if (!tracer_size_buffer(tracer, options->buffer, err) && !read_points(own, err) &&
	    !reader_new_events(&tracer->reader, own->points, EVENTS_POINTS, tracer->buffer, err) &&
	    !begin(tracer, pids, err))
		return 0;
	if (err->code == ERROR_PERMISSION)
		privilege_explain(err);
	tracer_fini(tracer);
	return -1;
}

bool tracer_event(const struct tracer *tracer, size_t i, const char **name, const char **filter)
{
	if (!tracer->events || i >= EVENTS_POINTS)
		return false;
	*name = tracer->events->points[i].name;
	*filter = tracer->events->points[i].filter;
	return true;
}
