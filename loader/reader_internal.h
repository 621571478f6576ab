/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_READER_INTERNAL_H
#define LOADER_READER_INTERNAL_H

#include "loader/reader.h"

/* Longer records cannot come: the longest that our transports carry is under 64 KiB. */
#define RECORD_MAX (64u << 10)

struct reader_ops {
	/* Bytes that wait in the fullest buffer. */
	size_t (*waiting)(const struct reader *reader);
	void (*drain)(struct reader *reader, bool all, reader_fn *fn, void *ctx);
	/* Called now and then while waiting: CPUs that have come online. May be NULL. */
	int (*tend)(struct reader *reader, struct error *err);
	void (*free)(struct reader *reader);
};

struct reader {
	const struct reader_ops *ops;
	int epoll;
	size_t high_water;   /* waiting bytes that are worth a drain at once */
	bool hurry;
	uint64_t gather;     /* ns that records may gather for after a drain */
	bool ticks;          /* look unasked after that time; else the kernel always wakes us */
	uint64_t last_drain;
	uint64_t last_tend;
	bool held;           /* the last drain held records back */
	uint64_t lost;
	uint64_t *scratch;   /* RECORD_MAX bytes, aligned, for records that wrap round */
};

int reader_init(struct reader *reader, const struct reader_ops *ops, size_t size,
		struct error *err);
int reader_watch(struct reader *reader, int fd, struct error *err);
/* Copies len bytes at pos of a circular buffer of size bytes (a power of two). */
void ring_copy(void *dst, const uint8_t *data, size_t size, uint64_t pos, size_t len);

#endif
