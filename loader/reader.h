/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_READER_H
#define LOADER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/*
 * Records from the kernel, from a ring buffer or from perf buffers on all CPUs, behind one
 * interface.
 */
typedef void reader_fn(void *ctx, const void *record, size_t size);

struct reader;

/* map_fd: a BPF_MAP_TYPE_RINGBUF of size bytes. Records come in the order of their reserve. */
int reader_new_ring(struct reader **reader, int map_fd, size_t size, struct error *err);
/* map_fd: a BPF_MAP_TYPE_PERF_EVENT_ARRAY; size bytes a CPU, a power of two of pages. Records
 * must begin with their u64 time (CLOCK_MONOTONIC ns): they are handed on in its order. */
int reader_new_perf(struct reader **reader, int map_fd, size_t size, struct error *err);
/* The same for records of whatever kind: perf says itself when each was sent. */
int reader_new_output(struct reader **reader, int map_fd, size_t size, struct error *err);
void reader_free(struct reader *reader);

/*
 * Tracepoints without BPF: perf events in buffers of size bytes a CPU. What is handed on is perf's
 * record, which reader_event() reads; in the order of time.
 */
struct reader_tracepoint {
	const char *name;   /* for messages */
	int id;             /* tracefs_event_id() */
	const char *filter; /* on its fields, as tracefs's `filter` takes it; NULL: none */
};
/* points: borrowed until reader_free, at most 64. Each is off until reader_switch(). */
int reader_new_events(struct reader **reader, const struct reader_tracepoint *points, size_t count,
		      size_t size, struct error *err);
int reader_switch(struct reader *reader, size_t point, bool on, struct error *err);
/* How often it has happened while it was on (and passed the filter), lost or not. */
uint64_t reader_hits(const struct reader *reader, size_t point);

struct reader_event {
	uint64_t time;
	uint32_t pid, tid; /* in this process's pid namespace: current, or that got a new name */
	bool is_comm;      /* data is the new name, NUL and padding behind it; else the record
			    * that the tracepoint's `format` describes */
	const void *data;
	size_t len;
};
/* False: none that is known. */
bool reader_event(const void *record, size_t size, struct reader_event *event);

/* A size that both take: a power of two of pages, at least one page. 0 where there is none. */
size_t reader_round_size(size_t size);

/*
 * Waits until there is something worth draining, or the deadline (CLOCK_MONOTONIC ns, 0 =
 * none) has passed, or a descriptor of reader_watch_other has something. Wake-ups are batched: after a drain records may gather
 * for up to READER_GATHER_NS, but no buffer fills before. 0, or -1 and err.
 */
#define READER_GATHER_NS 25000000ull
int reader_wait(struct reader *reader, uint64_t deadline, struct error *err);
/* From now on reader_wait returns as well when fd (the owner's, such as a signalfd) is
 * readable or its other end is gone. -errno where epoll does not take it (regular files). */
int reader_watch_other(struct reader *reader, int fd, bool readable);
/*
 * For whoever waits for several of them, which reader_wait() cannot: what it does besides waiting,
 * to be called each time, and whether the buffer is filling so fast that it wants to be drained
 * at once.
 */
int reader_tend(struct reader *reader, struct error *err);
bool reader_is_filling(const struct reader *reader);
/*
 * What records say must be followed up at once: each wake-up is a drain, and where there are
 * only ticks they are short. It costs a wake-up for each record that comes alone.
 */
void reader_hurry(struct reader *reader);
/*
 * Hands on the records that are there. A perf reader holds back the newest, which another
 * CPU's may still precede, until the next drain; with `all` it hands on whatever was sent
 * before the call.
 */
void reader_drain(struct reader *reader, bool all, reader_fn *fn, void *ctx);
/* Records that the kernel said found no room (PERF_RECORD_LOST). A ring says nothing: its
 * programs are told and count themselves. */
uint64_t reader_lost(const struct reader *reader);
/* CLOCK_MONOTONIC, ns. */
uint64_t reader_now(void);

#endif
