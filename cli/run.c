// SPDX-License-Identifier: GPL-2.0
/*
 * `portrace run`: an object in, its programs attached, what they send out, nothing left behind.
 *
 * One loop, woken by a ring buffer, by a signal to end or the reader of our output going away; perf
 * buffers are looked at now and then. What waking costs is said in loader/reader.c: so after records
 * others may gather for a moment.
 */
#include "cli/run.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "util/sys.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define GATHER_NS (5 * MS)
#define LOOK_NS (25 * MS)    /* perf buffers, unasked */
#define SELDOM_NS (200 * MS) /* ring buffers whose programs wake nobody */
#define BPF_ENABLE_STATS_ 32 /* BPF_ENABLE_STATS, Linux 5.8 */
#define MAX_FDS 64

/* Runs and their time are only counted while somebody wants to know: -1 where a kernel cannot. */
static int count_runs(void)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr)); /* enable_stats.type 0: BPF_STATS_RUN_TIME */
	fd = sys_bpf(BPF_ENABLE_STATS_, &attr, sizeof(attr));
	return fd < 0 ? -1 : fd;
}

/* Iterators run once, when somebody reads: everything that they print. */
static int run_iterators(struct run *run)
{
	for (size_t i = 0; i < run->links.len && !run->done; i++) {
		const struct run_link *link = &run->links.at[i];
		const struct program *prog = &run->object.programs.at[link->program];
		char piece[16384];
		ssize_t n = 1;
		int fd;

		if (strncmp(prog->kind->name, "iter", 4))
			continue;
		fd = link_run_iter(&link->link, &run->err);
		if (fd < 0)
			return -1;
		while (n > 0 && !run->done) {
			n = sys_read(fd, piece, sizeof(piece));
			if (n > 0)
				run_show_output(run, link, piece, n);
		}
		sys_close(fd);
		if (n < 0)
			return error_system(&run->err, -n, "program '%s': read what it prints", prog->name);
	}
	return 0;
}

/* Whether there is anything to wait for: iterators and system calls have done what they do. */
static bool goes_on(const struct run *run)
{
	for (size_t i = 0; i < run->links.len; i++) {
		const char *kind = run->object.programs.at[run->links.at[i].program].kind->name;

		if (strncmp(kind, "iter", 4) && strcmp(kind, "syscall"))
			return true;
	}
	return false;
}

/* How long until somebody has to look, whatever happens. */
static uint64_t next_look(const struct run *run, uint64_t now, bool gathering)
{
	uint64_t until = now + (gathering ? GATHER_NS : SECOND);

	for (size_t i = 0; i < run->buffers.len; i++) {
		uint64_t look = now + (run->buffers.at[i].is_ring ? SELDOM_NS : LOOK_NS);

		until = look < until ? look : until;
	}
	return until;
}

static int wait_until(struct run *run, uint64_t until, bool gathering)
{
	struct pollfd fds[MAX_FDS] = {
		{ .fd = run->sink.signal_fd, .events = POLLIN },
		{ .fd = run->sink.is_file ? -1 : run->sink.fd },
	};
	uint64_t now = reader_now();
	nfds_t len = 2;

	if (run->printk && !gathering)
		fds[len++] = (struct pollfd){ printk_fd(run->printk), POLLIN, 0 };
	for (size_t i = 0; i < run->buffers.len && len < MAX_FDS && !gathering; i++)
		if (run->buffers.at[i].is_ring)
			fds[len++] = (struct pollfd){ run->loaded.map_fds[run->buffers.at[i].map], POLLIN, 0 };
	if (poll(fds, len, until > now ? (until - now + MS - 1) / MS : 0) < 0 && errno != EINTR)
		return error_system(&run->err, errno, "poll");
	for (size_t i = 0; i < run->buffers.len; i++)
		if (reader_tend(run->buffers.at[i].reader, &run->err))
			return -1;
	return 0;
}

static bool is_filling(const struct run *run)
{
	for (size_t i = 0; i < run->buffers.len; i++)
		if (reader_is_filling(run->buffers.at[i].reader))
			return true;
	return false;
}

/* Losses are told of while they happen. */
static void report_losses(struct run *run)
{
	for (size_t i = 0; i < run->buffers.len; i++) {
		struct run_buffer *buffer = &run->buffers.at[i];
		uint64_t lost = run_losses(run, buffer);

		if (lost > buffer->lost)
			fprintf(stderr, "portrace: map %s: %llu records lost so far; --map %s=BYTES makes "
					"more room\n", run->object.maps.at[buffer->map].name,
				(unsigned long long)lost, run->object.maps.at[buffer->map].name);
		buffer->lost = lost;
	}
}

/* All that has come so far, shown or not. */
static uint64_t records(const struct run *run)
{
	uint64_t sum = run->shown;

	for (size_t i = 0; i < run->buffers.len; i++)
		sum += run->buffers.at[i].records;
	return sum;
}

static int loop(struct run *run)
{
	uint64_t now = reader_now(), report = now + SECOND, before, until;
	uint64_t end = run->options->duration ? now + run->options->duration : UINT64_MAX;
	bool gathering = false;

	while (!run->done && now < end) {
		until = next_look(run, now, gathering);
		if (wait_until(run, until < end ? until : end, gathering))
			return -1;
		before = records(run);
		run_events_drain(run, false);
		run_show_flush(run);
		gathering = records(run) > before && !is_filling(run);
		now = reader_now();
		if (now >= report) {
			report_losses(run);
			report = now + SECOND;
		}
		if (sink_ended(&run->sink))
			break;
	}
	return 0;
}

static int run_it(struct run *run)
{
	int ret;

	run->stats_fd = run->options->load_only ? -1 : count_runs();
	ret = run_object_init(run);
	if (ret)
		return -1;
	run_show_start(run);
	ret = run_iterators(run);
	run_show_flush(run);
	if (!ret && goes_on(run))
		ret = loop(run);
	for (size_t i = run->links.len; i-- > 0;)
		link_detach(&run->links.at[i].link);
	run_events_drain(run, true);
	run_show_end(run);
	run_show_flush(run);
	return ret || run->failed ? -1 : 0;
}

enum exit_status run_main(const struct run_options *options)
{
	struct run run = { .options = options, .stats_fd = -1, .sink = { .fd = -1, .signal_fd = -1 } };
	enum exit_status status = STATUS_DONE;

	error_clear(&run.err);
	run.out = open_memstream(&run.text, &run.text_len);
	if (!run.out)
		error_memory(&run.err);
	if (!run.out || sink_open(&run.sink, options->output, &run.err) || run_it(&run)) {
		report_error(&run.err);
		status = command_status(run.err.code);
	}
	run_object_fini(&run);
	sys_close(run.stats_fd);
	if (run.out)
		fclose(run.out);
	free(run.text);
	if (sink_close(&run.sink, &run.err) && status == STATUS_DONE) {
		report_error(&run.err);
		status = STATUS_FAILED;
	}
	return status;
}
