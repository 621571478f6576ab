// SPDX-License-Identifier: GPL-2.0
/*
 * When to drain. Waking the reader for each record is nearly all of what a tracer costs
 * (6 to 16 µs against 0.2 for the record itself), so:
 *
 *	idle          a ring's reader sleeps; the kernel wakes it for the first record, which
 *	              is drained at once (perf buffers: looked at every tick)
 *	busy          records gather after the last drain, for a millisecond at first, each time
 *	              for longer, up to READER_GATHER_NS
 *	flood         a buffer that is a quarter full wakes the reader out of turn: the ring's
 *	              program asks for it, perf buffers have wakeup_watermark
 */
#include "loader/reader_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "util/sys.h"

#define TEND_NS 1000000000ull
#define GATHER_FIRST_NS 1000000ull
#define GATHER_HURRY_NS 2000000ull

/* What a descriptor in the epoll set is, kept in its data. */
enum { WATCH_BUFFER, WATCH_OTHER };

uint64_t reader_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

size_t reader_round_size(size_t size)
{
	size_t round = sysconf(_SC_PAGESIZE);

	while (round && round < size)
		round <<= 1;
	return round;
}

/*
 * Records are some dozens of bytes; a C library's memcpy, made for more, can take longer to
 * begin than this takes in all (musl's: half of what reading a perf buffer cost).
 */
static void copy_short(uint8_t *dst, const uint8_t *src, size_t len)
{
	for (; len >= 8; len -= 8, dst += 8, src += 8) {
		__builtin_memcpy(dst, src, 8);
		__asm__("" ::: "memory"); /* keeps compilers from making it a memcpy again */
	}
	for (; len; len--)
		*dst++ = *src++;
}

void ring_copy(void *dst, const uint8_t *data, size_t size, uint64_t pos, size_t len)
{
	size_t at = pos & (size - 1), first = size - at < len ? size - at : len;

	copy_short(dst, data + at, first);
	copy_short((uint8_t *)dst + first, data, len - first);
}

int reader_init(struct reader *reader, const struct reader_ops *ops, size_t size,
		struct error *err)
{
	reader->ops = ops;
	reader->high_water = size / 4;
	reader->gather = GATHER_FIRST_NS;
	reader->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (reader->epoll < 0)
		return error_system(err, errno, "reader: epoll_create1");
	reader->scratch = malloc(RECORD_MAX);
	return reader->scratch ? 0 : error_memory(err);
}

int reader_watch(struct reader *reader, int fd, struct error *err)
{
	/* Edge-triggered: data that is left to gather must not keep us awake. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = WATCH_BUFFER };

	if (epoll_ctl(reader->epoll, EPOLL_CTL_ADD, fd, &event))
		return error_system(err, errno, "reader: epoll_ctl");
	return 0;
}

int reader_watch_other(struct reader *reader, int fd, bool readable)
{
	struct epoll_event event = { .events = readable ? EPOLLIN : 0, .data.u32 = WATCH_OTHER };

	return epoll_ctl(reader->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void reader_hurry(struct reader *reader)
{
	reader->hurry = true;
}

void reader_free(struct reader *reader)
{
	if (!reader)
		return;
	reader->ops->free(reader);
	sys_close(reader->epoll);
	free(reader->scratch);
	free(reader);
}

/* When to drain next, given what waits now; 0 = when the kernel says. */
static uint64_t next_drain(const struct reader *reader, size_t waiting)
{
	if (waiting >= reader->high_water)
		return 1;
	if (waiting || reader->held)
		return reader->last_drain + reader->gather;
	return reader->ticks ? reader->last_drain + reader->gather : 0;
}

static int milliseconds(uint64_t now, uint64_t until)
{
	uint64_t ms = until > now ? (until - now + 999999) / 1000000 : 0;

	return ms > INT_MAX ? INT_MAX : ms;
}

int reader_tend(struct reader *reader, struct error *err)
{
	uint64_t now = reader_now();

	if (!reader->ops->tend || now - reader->last_tend < TEND_NS)
		return 0;
	reader->last_tend = now;
	return reader->ops->tend(reader, err);
}

bool reader_is_filling(const struct reader *reader)
{
	return reader->ops->waiting(reader) >= reader->high_water;
}

int reader_wait(struct reader *reader, uint64_t deadline, struct error *err)
{
	struct epoll_event events[8];

	for (;;) {
		uint64_t now = reader_now(), until;
		bool due;
		int n;

		if (reader_tend(reader, err))
			return -1;
		until = next_drain(reader, reader->ops->waiting(reader));
		if (deadline && (!until || deadline < until))
			until = deadline;
		due = until && until <= now;
		/* Also when there is work at once: a flood must not hide the other descriptors. */
		n = epoll_wait(reader->epoll, events, 8, until ? milliseconds(now, until) : -1);
		if (n < 0 && errno != EINTR)
			return error_system(err, errno, "reader: epoll_wait");
		if (due || n < 0)
			return 0;
		while (n-- > 0)
			if (events[n].data.u32 == WATCH_OTHER || reader->hurry)
				return 0;
	}
}

void reader_drain(struct reader *reader, bool all, reader_fn *fn, void *ctx)
{
	uint64_t now;

	reader->ops->drain(reader, all, fn, ctx);
	now = reader_now();
	/* After a rest somebody waits to see what comes; later only the cost counts. */
	if (reader->hurry)
		reader->gather = GATHER_HURRY_NS;
	else if (now - reader->last_drain > 2 * READER_GATHER_NS)
		reader->gather = GATHER_FIRST_NS;
	else if (reader->gather < READER_GATHER_NS / 2)
		reader->gather *= 2;
	else
		reader->gather = READER_GATHER_NS;
	reader->last_drain = now;
}

uint64_t reader_lost(const struct reader *reader)
{
	return reader->lost;
}
