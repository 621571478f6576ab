/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_PERF_BUFFERS_H
#define LOADER_PERF_BUFFERS_H

#include <linux/perf_event.h>

#include "loader/reader_internal.h"

/*
 * Perf's buffers of all CPUs as one reader, merged by time. What writes into them differs: the
 * owner begins its own struct with a struct perf.
 */
struct perf_buffer {
	int fd;
	struct perf_event_mmap_page *page; /* NULL: this CPU is not online */
	uint64_t head;                     /* as last seen */
	uint64_t next;                     /* time of the record at data_tail, UINT64_MAX: none */
	uint64_t checked;                  /* when it was last found alive, and how many ns */
	uint64_t running;                  /* its event had been in service then */
};

struct perf;

struct perf_kind {
	/* The event that the buffer is of: type, config, sample_type and flags. */
	struct perf_event_attr attr;
	const char *since; /* the hint where the kernel does not know such an event (EINVAL, ENOENT) */
	/* Its buffer is there: what is to write into it. */
	int (*attach)(struct perf *perf, int cpu, struct error *err);
	/* It goes, perhaps before all of that was done. May be NULL. */
	void (*detach)(struct perf *perf, int cpu);
	/* What else the owner has to free. May be NULL. */
	void (*fini)(struct perf *perf);
	size_t time; /* where in a sample its time stands */
	/* Where what is handed on of it begins, behind a u32 with its length; 0: all of it is. */
	size_t body;
	/* Records of other types are handed on as well: their time is the last u64 of each. */
	bool others;
};

struct perf {
	struct reader reader;
	const struct perf_kind *kind;
	size_t page, size;
	int cpus;
	uint64_t limit; /* when the last drain began */
	struct perf_buffer *at;
};

/*
 * Zeroed memory that is as large as the owner's struct is made a reader, with a buffer of size
 * bytes on each CPU that is online. After a failure it and what it is part of are gone.
 */
int perf_init(struct perf *perf, const struct perf_kind *kind, size_t size, struct error *err);

#endif
