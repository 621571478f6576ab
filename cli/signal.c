// SPDX-License-Identifier: GPL-2.0
/*
 * `portrace signal`: records in, joined, lines out.
 *
 *	tracer ──record──▶ join ──outcome──▶ output ──bytes──▶ descriptor
 *
 * One loop, woken by records, by a signal to end (through a signalfd), by the reader of our
 * output going away, or once a second to look after what is still pending.
 */
#include "cli/signal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/describe.h"
#include "cli/join.h"
#include "cli/output.h"
#include "cli/pids.h"
#include "cli/proc.h"
#include "cli/sink.h"
#include "cli/tracer.h"
#include "util/sys.h"

#define SECOND 1000000000ull
/* A line in the buffer is written at the latest when this much has gathered. */
#define WRITE_AT (64u << 10)
/* How long the last signals sent may take to be delivered before we call them pending. */
#define CLOSING_NS 50000000ull

struct session {
	const struct options *options; /* in the machine's process ids */
	struct pids *pids;             /* NULL: ours are the same */
	struct tracer tracer;
	struct join join;
	struct output output;
	struct sink sink;
	uint64_t shown;
	struct losses reported; /* losses already told of on screen */
	bool leaving[OPTION_PIDS]; /* of options->watch: its first thread has ended */
	uint64_t skipped;       /* runs that the kernel skipped, as of the last sweep */
	bool done;              /* as many lines as asked for, or no more can be written */
	bool failed;
	struct error err;
};

static void fail(struct session *s)
{
	s->failed = s->done = true;
}

static void flush(struct session *s)
{
	if (!s->failed && sink_write(&s->sink, s->output.at, s->output.len, &s->err))
		fail(s);
	s->output.len = 0;
	s->done |= s->sink.unread;
}

static void on_outcome(void *ctx, const struct outcome *outcome)
{
	struct session *s = ctx;

	if (s->done)
		return;
	if (output_outcome(&s->output, outcome, &s->err)) {
		fail(s);
		return;
	}
	s->shown++;
	if (s->output.len >= WRITE_AT)
		flush(s);
	if (s->shown == s->options->count)
		s->done = true;
}

/* Whether all of a watched process has ended is for /proc to say, where the record does not. */
static void note_exit(struct session *s, const struct exit_record *rec)
{
	if (!(rec->flags & EXIT_NO_LAST) || rec->tid != rec->pid)
		return;
	for (size_t i = 0; i < s->options->watch_len; i++)
		s->leaving[i] |= s->options->watch[i].pid == rec->pid;
}

static void unwatch_ended(struct session *s)
{
	struct proc_status status;

	for (size_t i = 0; i < s->options->watch_len; i++) {
		uint32_t pid = s->options->watch[i].pid;

		if (!s->leaving[i] || (s->join.machine && !s->join.machine->status(pid, &status) &&
				       !(status.zombie && status.threads <= 1)))
			continue;
		tracer_unwatch(&s->tracer, pid);
		s->leaving[i] = false;
	}
}

static void on_record(void *ctx, const void *record, size_t size)
{
	struct session *s = ctx;

	if (size < sizeof(struct record))
		return;
	tracer_count(&s->tracer, record);
	if (((const struct record *)record)->type == RECORD_EXIT && size >= sizeof(struct exit_record))
		note_exit(s, record);
	join_record(&s->join, record, size);
}

static int64_t clock_offset(void)
{
	struct timespec wall;
	uint64_t now = reader_now();

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)(wall.tv_sec * SECOND + wall.tv_nsec) - (int64_t)now;
}

static uint64_t losses_sum(const struct losses *l)
{
	return l->generate + l->deliver + l->exit + l->thread;
}

static void drain(struct session *s, bool all)
{
	struct losses losses;

	s->output.clock_offset = clock_offset();
	s->join.lost_earlier = s->join.lost;
	if (!tracer_losses(&s->tracer, false, &losses, &s->err))
		s->join.lost = losses_sum(&losses) + s->skipped;
	tracer_drain(&s->tracer, all, on_record, s);
	join_settle_leaving(&s->join, reader_now(), false);
	if (s->output.len)
		flush(s);
}

/* Losses are told of while they happen, at most once a second. */
static void report_losses(struct session *s)
{
	struct losses now;

	if (tracer_losses(&s->tracer, false, &now, &s->err) ||
	    losses_sum(&now) == losses_sum(&s->reported))
		return;
	fprintf(stderr, "portrace: %" PRIu64 " records lost so far; --buffer SIZE makes more room\n",
		losses_sum(&now));
	s->reported = now;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int trace(struct session *s)
{
	uint64_t now = reader_now(), sweep = now + SECOND, until;
	uint64_t end = s->options->duration ? now + s->options->duration : UINT64_MAX;

	while (!s->done) {
		until = earliest(earliest(end, sweep), join_next_look(&s->join));
		if (reader_wait(s->tracer.reader, until, &s->err))
			return -1;
		drain(s, false);
		now = reader_now();
		if (now >= sweep) {
			s->skipped = tracer_skipped(&s->tracer);
			unwatch_ended(s);
			/* In parts, so that what comes meanwhile is read as well. */
			sweep = join_sweep(&s->join, now) ? now + SECOND : now;
			if (s->output.len)
				flush(s);
			if (sweep > now)
				report_losses(s);
		}
		if (sink_ended(&s->sink) || now >= end)
			break;
	}
	return 0;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/*
 * No more sendings; what has been sent gets a moment to arrive, then the rest is asked for at
 * /proc, and what the programs still had to say comes first.
 */
static void close_trace(struct session *s)
{
	uint64_t until;

	s->join.ended = reader_now();
	until = s->join.ended + CLOSING_NS;
	tracer_set_phase(&s->tracer, PHASE_NO_SENDINGS);
	drain(s, true);
	while (!s->done && s->join.pending_now && reader_now() < until) {
		pause_ms(2);
		drain(s, true);
	}
	while (!join_closing(&s->join))
		drain(s, true);
	tracer_set_phase(&s->tracer, PHASE_OVER);
	/* Programs do not wait: one that runs now has ended long before this. */
	pause_ms(1);
	drain(s, true);
	join_settle_leaving(&s->join, reader_now(), true);
	join_close(&s->join);
	if (s->output.len)
		flush(s);
}

static bool is_filtered(const struct options *options)
{
	return options->watch_len || options->has_uid || options->comm_len ||
	       options->signals != ALL_SIGNALS;
}

static void summarise(struct session *s)
{
	uint64_t skipped = tracer_skipped(&s->tracer);
	struct losses lost;

	if (tracer_losses(&s->tracer, true, &lost, &s->err)) {
		report_error(&s->err);
		return;
	}
	if ((s->options->quiet || s->sink.unread) && !losses_sum(&lost) && !skipped)
		return;
	fprintf(stderr, "portrace: %" PRIu64 " signals seen, %" PRIu64 " shown, %" PRIu64 " lost",
		s->join.seen, s->shown, (uint64_t)lost.generate);
	if (lost.deliver || lost.exit)
		fprintf(stderr, " (and %" PRIu64 " records of deliveries, %" PRIu64 " of exits)",
			(uint64_t)lost.deliver, (uint64_t)lost.exit);
	fputs("\n", stderr);
	if (s->tracer.events && losses_sum(&lost) && is_filtered(s->options))
		fprintf(stderr, "portrace: without BPF what is lost may be of whatever processes, asked for "
				"or not\n");
	if (skipped)
		fprintf(stderr, "portrace: the kernel skipped %" PRIu64 " runs of our programs while other BPF "
				"programs ran: that many records, of whatever signals, may be missing\n", skipped);
	if (lost.thread)
		fprintf(stderr, "portrace: %" PRIu64 " new threads of watched processes were not followed: "
				"no more than %d can be\n", (uint64_t)lost.thread, WATCHED_MAX);
	if (s->join.out_of_memory)
		fputs("portrace: memory ran out: some signals could not be followed\n", stderr);
}

/* What tools such as bpftool can show of the programs. */
static void describe_told(const struct tracer *t)
{
	if (t->loaded.types_refused.code)
		fprintf(stderr, "portrace: %s\n", t->loaded.types_refused.message);
	if (t->loaded.btf_fd < 0) {
		fprintf(stderr, "portrace: the kernel is told no types of maps and programs%s\n",
			t->told.btf ? "" : ": it takes none");
		return;
	}
	fprintf(stderr, "portrace: the kernel is told the types of maps and programs\n");
	for (size_t i = 0; i < t->object.programs.len; i++)
		if (t->told.programs[i].no_lines)
			fprintf(stderr, "portrace: but no source lines of %s: %s\n",
				t->object.programs.at[i].name, t->told.programs[i].no_lines);
}

static void describe_events(const struct tracer *t)
{
	const char *name, *filter;

	for (size_t i = 0; tracer_event(t, i, &name, &filter); i++)
		fprintf(stderr, "portrace: event %s, filter: %s\n", name, filter ? filter : "none");
}

static void describe_start(const struct session *s)
{
	static const char *const names[] = {
		[TRANSPORT_RING] = "ring buffer",
		[TRANSPORT_PERF] = "perf buffers",
		[TRANSPORT_EVENTS] = "perf events without BPF",
	};
	const struct tracer *t = &s->tracer;

	if (!t->events)
		describe_types(&t->types);
	fprintf(stderr, "portrace: transport: %s, %zu KiB%s\n", names[t->transport], t->buffer >> 10,
		t->transport == TRANSPORT_RING ? "" : " a CPU");
	if (t->memlock_raised)
		fprintf(stderr, "portrace: RLIMIT_MEMLOCK raised: this kernel charges maps to it\n");
	if (t->events) {
		describe_events(t);
	} else {
		describe_plan(&t->plan);
		describe_told(t);
	}
	for (size_t i = 0; i < t->object.programs.len; i++)
		if (t->object.programs.at[i].autoload)
			fprintf(stderr, "portrace: attached %s to %s, %zu instructions\n",
				t->object.programs.at[i].name, t->object.programs.at[i].section,
				t->object.programs.at[i].insns.len);
	if (!s->join.machine)
		fprintf(stderr, "portrace: no /proc of the initial pid namespace: command lines only from "
				"the kernel side\n");
	fprintf(stderr, "portrace: tracing\n");
}

/* Why there is no BPF, and what cannot be known without. */
static void warn_of_events(const struct tracer *t)
{
	if (t->no_bpf[0])
		fprintf(stderr, "portrace: no BPF: %s: plain perf events instead\n", t->no_bpf);
	fprintf(stderr, "portrace: without BPF arguments and users come from /proc, where a process that "
			"has ended has none;\nportrace: real-time signals that wait are taken to be "
			"delivered in order, also where sigwait took one\n");
}

/* What cannot be known without the kernel's types; the rest is the same. */
static void warn_of_bare(const struct session *s)
{
	if (s->tracer.events)
		warn_of_events(&s->tracer);
	else if (s->tracer.bare)
		fprintf(stderr, "portrace: this kernel's types are not known, only its tracepoints: arguments "
				"come from /proc, where a\nportrace: process that has ended has none; real-time "
				"signals that wait are taken to be delivered in order,\nportrace: also where "
				"sigwait took one (--btf FILE gives the types)\n");
}

static void warn_of_absent(const struct session *s)
{
	for (size_t i = 0; s->join.machine && i < s->options->watch_len; i++)
		if (s->join.machine->process_of(s->options->watch[i].pid) < 0)
			fprintf(stderr, "portrace: there is no process %u now\n", s->options->watch[i].pid);
}

/* A process is named by one id and shown by another: in a container, say. */
static void tell_ids(const struct options *asked, const struct options *options)
{
	for (size_t i = 0; i < options->watch_len; i++)
		if (asked->watch[i].pid != options->watch[i].pid)
			fprintf(stderr, "portrace: ids are the machine's: process %u here is %u there\n",
				asked->watch[i].pid, options->watch[i].pid);
}

/* Everything that can go wrong before tracing, in one place. */
static int start(struct session *s)
{
	const struct options *options = s->options;

	if (sink_open(&s->sink, options->output, &s->err) ||
	    tracer_init(&s->tracer, options, s->pids, &s->err))
		return -1;
	reader_watch_other(s->tracer.reader, s->sink.signal_fd, true);
	/* Only pipes and the like have another end; a file has none to watch. */
	reader_watch_other(s->tracer.reader, s->sink.fd, false);
	join_init(&s->join);
	s->join.machine = proc_machine();
	s->join.emit = on_outcome;
	s->join.ctx = s;
	s->join.began = reader_now();
	s->join.signals = options->signals;
	s->join.early = s->tracer.no_arguments;
	if (s->tracer.no_arguments)
		reader_hurry(s->tracer.reader);
	/* A delivery does not say who sent: with a filter on that, others' would show. */
	s->join.unsent = !options->has_uid && !options->comm_len;
	for (size_t i = 0; i < options->watch_len; i++)
		s->join.unsent &= options->watch[i].how == WATCH_TO;
	output_init(&s->output, options->json, sink_wants_colour(&s->sink));
	return 0;
}

enum exit_status signal_run(const struct options *asked)
{
	struct options machine = *asked;
	const struct options *options = &machine;
	struct session s = { .options = options, .sink = { .fd = -1, .signal_fd = -1 } };
	enum exit_status status;

	if (pids_translate(&machine, &s.pids, &s.err) || start(&s)) {
		report_error(&s.err);
		status = command_status(s.err.code);
		goto out;
	}
	if (!options->quiet) {
		tell_ids(asked, options);
		warn_of_absent(&s);
		warn_of_bare(&s);
		if (output_header(&s.output, &s.err))
			fail(&s);
		else
			flush(&s);
	}
	if (options->verbose)
		describe_start(&s);
	if (trace(&s))
		fail(&s);
	close_trace(&s);
	if (s.failed)
		report_error(&s.err);
	summarise(&s);
	status = s.failed ? STATUS_FAILED : STATUS_DONE;
	join_fini(&s.join);
	output_fini(&s.output);
	tracer_fini(&s.tracer);
out:
	pids_free(s.pids);
	if (sink_close(&s.sink, &s.err) && status == STATUS_DONE) {
		report_error(&s.err);
		status = STATUS_FAILED;
	}
	return status;
}
