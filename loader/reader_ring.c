// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's BPF ring buffer, as mmap shows it:
 *
 *	page 0            u64 consumer position, ours to write
 *	page 1            u64 producer position, read only
 *	page 2 ...        the data, read only; the kernel would map it twice in a row, so that
 *	                  no record wraps, but each page mapped counts as resident memory twice
 *
 * A record: u32 length with two flags on top (busy: not yet submitted; discarded), u32 page
 * offset of the kernel's own, then the data, padded to 8 bytes. Positions only grow.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/reader_internal.h"

struct ring {
	struct reader reader;
	size_t page, size;
	unsigned long *consumer;       /* kernel-shared: its reads need our release */
	const unsigned long *producer; /* kernel-shared: its writes need our acquire */
	const uint8_t *data;
};

static size_t ring_waiting(const struct reader *reader)
{
	const struct ring *ring = (const struct ring *)reader;

	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - *ring->consumer;
}

static void ring_drain(struct reader *reader, bool all, reader_fn *fn, void *ctx)
{
	struct ring *ring = (struct ring *)reader;
	unsigned long pos = *ring->consumer, end;

	end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	/* Not "<": positions are the kernel's longs, which wrap round on 32 bits. */
	while (pos != end) {
		size_t at = pos & (ring->size - 1), wraps;
		uint32_t head = __atomic_load_n((const uint32_t *)(ring->data + at),
						__ATOMIC_ACQUIRE);
		size_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		/* Still being written: what follows has to wait for it as well. */
		if (head & BPF_RINGBUF_BUSY_BIT)
			break;
		pos += BPF_RINGBUF_HDR_SZ;
		wraps = (pos & (ring->size - 1)) + len > ring->size;
		if (!(head & BPF_RINGBUF_DISCARD_BIT) && len <= RECORD_MAX) {
			if (wraps)
				ring_copy(reader->scratch, ring->data, ring->size, pos, len);
			fn(ctx, wraps ? (const void *)reader->scratch
				      : ring->data + (pos & (ring->size - 1)), len);
		}
		pos += (len + 7) & ~7ul;
		/* Room for the kernel as soon as it can be: a flood does not wait for the end. */
		__atomic_store_n(ring->consumer, pos, __ATOMIC_RELEASE);
	}
}

static void ring_free(struct reader *reader)
{
	struct ring *ring = (struct ring *)reader;

	if (ring->consumer)
		munmap(ring->consumer, ring->page);
	if (ring->producer)
		munmap((void *)ring->producer, ring->page + ring->size);
}

static const struct reader_ops ring_ops = {
	.waiting = ring_waiting,
	.drain = ring_drain,
	.free = ring_free,
};

static int ring_map(struct ring *ring, int map_fd, struct error *err)
{
	void *map = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

	if (map == MAP_FAILED)
		return error_system(err, errno, "ring buffer: map the consumer page");
	ring->consumer = map;
	map = mmap(NULL, ring->page + ring->size, PROT_READ, MAP_SHARED, map_fd, ring->page);
	if (map == MAP_FAILED)
		return error_system(err, errno, "ring buffer: map %zu bytes of data", ring->size);
	ring->producer = map;
	ring->data = (const uint8_t *)map + ring->page;
	return 0;
}

int reader_new_ring(struct reader **reader, int map_fd, size_t size, struct error *err)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return error_memory(err);
	ring->reader.epoll = -1;
	ring->reader.ops = &ring_ops;
	ring->page = sysconf(_SC_PAGESIZE);
	ring->size = size;
	if (ring_map(ring, map_fd, err) || reader_init(&ring->reader, &ring_ops, size, err) ||
	    reader_watch(&ring->reader, map_fd, err)) {
		reader_free(&ring->reader);
		return -1;
	}
	*reader = &ring->reader;
	return 0;
}
