// SPDX-License-Identifier: GPL-2.0
/*
 * Perf buffers, one a CPU, as mmap shows each of them:
 *
 *	page 0            struct perf_event_mmap_page: data_head is the kernel's, data_tail ours
 *	page 1 ...        the data; records wrap round its end
 *
 * A record: struct perf_event_header {u32 type, u16 misc, u16 size}, then for
 * PERF_RECORD_SAMPLE what the event asked for, at the end u32 length and raw bytes (padded so
 * that all is a multiple of 8), for PERF_RECORD_LOST u64 id, u64 how many.
 *
 * Buffers of several CPUs know nothing of one another, so records are merged by the time that
 * each has in it. A record is handed on once a drain has begun after its time: by then
 * whatever precedes it on another CPU stands in that CPU's buffer. Worked example, limit 30:
 *
 *	cpu 0:  10 25 40        handed on: 10 20 25 30
 *	cpu 1:  20 30 35        held back: 35 40
 */
#include "loader/perf_buffers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cpus.h"
#include "util/sys.h"

/* An event's clock may be behind ours by so much and still run. */
#define LAG_NS 50000000ull
#define LOCKED_HINT                                                                          \
	"without CAP_IPC_LOCK memory for perf is limited: a smaller --buffer, ulimit -l, or "  \
	"sysctl kernel.perf_event_mlock_kb (a CPU)"

static const uint8_t *buffer_data(const struct perf *perf, const struct perf_buffer *buffer)
{
	return (const uint8_t *)buffer->page + perf->page;
}

static size_t perf_waiting(const struct reader *reader)
{
	const struct perf *perf = (const struct perf *)reader;
	size_t most = 0;

	for (int i = 0; i < perf->cpus; i++) {
		const struct perf_event_mmap_page *page = perf->at[i].page;
		size_t waiting = page ? __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) -
						page->data_tail : 0;

		if (waiting > most)
			most = waiting;
	}
	return most;
}

/* Drops what is not to be handed on, counting the lost, and learns the time of what comes next. */
static void buffer_peek(struct perf *perf, struct perf_buffer *buffer)
{
	const uint8_t *data = buffer_data(perf, buffer);
	struct perf_event_header header;
	uint64_t tail = buffer->page->data_tail, counts[2];
	size_t time;

	buffer->next = UINT64_MAX;
	while (tail < buffer->head) {
		ring_copy(&header, data, perf->size, tail, sizeof(header));
		if (header.type == PERF_RECORD_LOST) {
			ring_copy(counts, data, perf->size, tail + sizeof(header), sizeof(counts));
			perf->reader.lost += counts[1];
		} else if (header.type == PERF_RECORD_SAMPLE || perf->kind->others) {
			time = header.type == PERF_RECORD_SAMPLE ? perf->kind->time : header.size - 8u;
			ring_copy(&buffer->next, data, perf->size, tail + time, 8);
			return;
		}
		tail += header.size;
		__atomic_store_n(&buffer->page->data_tail, tail, __ATOMIC_RELEASE);
	}
}

static void buffer_hand_on(struct perf *perf, struct perf_buffer *buffer, reader_fn *fn,
			   void *ctx)
{
	const uint8_t *data = buffer_data(perf, buffer);
	uint64_t tail = buffer->page->data_tail;
	size_t body = perf->kind->body;
	struct perf_event_header header;
	uint32_t len;

	ring_copy(&header, data, perf->size, tail, sizeof(header));
	len = header.size;
	if (body)
		ring_copy(&len, data, perf->size, tail + body - sizeof(len), sizeof(len));
	ring_copy(perf->reader.scratch, data, perf->size, tail + body, len);
	__atomic_store_n(&buffer->page->data_tail, tail + header.size, __ATOMIC_RELEASE);
	fn(ctx, perf->reader.scratch, len);
	buffer_peek(perf, buffer);
}

/* The two buffers with the oldest records: the one to take from, and until when. */
static struct perf_buffer *oldest(struct perf *perf, uint64_t *until)
{
	struct perf_buffer *first = NULL;

	*until = UINT64_MAX;
	for (int i = 0; i < perf->cpus; i++) {
		struct perf_buffer *buffer = &perf->at[i];

		if (!buffer->page || buffer->next == UINT64_MAX)
			continue;
		if (!first || buffer->next < first->next) {
			if (first)
				*until = first->next;
			first = buffer;
		} else if (buffer->next < *until) {
			*until = buffer->next;
		}
	}
	return first;
}

static void perf_drain(struct reader *reader, bool all, reader_fn *fn, void *ctx)
{
	struct perf *perf = (struct perf *)reader;
	uint64_t limit = perf->limit, until;
	struct perf_buffer *buffer;

	perf->limit = reader_now();
	/*
	 * A buffer near its end cannot wait for the last word on order. What was sent before this
	 * drain began is still in order where, as with signals, one record causes another.
	 */
	if (all || perf_waiting(reader) > perf->size / 2)
		limit = perf->limit;
	for (int i = 0; i < perf->cpus; i++) {
		buffer = &perf->at[i];
		if (!buffer->page)
			continue;
		buffer->head = __atomic_load_n(&buffer->page->data_head, __ATOMIC_ACQUIRE);
		buffer_peek(perf, buffer);
	}
	while ((buffer = oldest(perf, &until)) && buffer->next <= limit)
		do
			buffer_hand_on(perf, buffer, fn, ctx);
		while (buffer->next <= until && buffer->next <= limit);
	reader->held = buffer != NULL;
}

static int open_buffer(struct perf *perf, int cpu, struct error *err)
{
	struct perf_event_attr attr = perf->kind->attr;
	struct perf_buffer *buffer = &perf->at[cpu];
	void *map;

	attr.size = PERF_ATTR_SIZE_VER3; /* old kernels refuse a longer one if not zero */
	attr.watermark = 1;
	attr.wakeup_watermark = perf->size / 4;
	attr.read_format = PERF_FORMAT_TOTAL_TIME_RUNNING;
	buffer->fd = sys_perf_event_open(&attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (buffer->fd == -ENODEV)
		return 0; /* offline; tend() tries again */
	if (buffer->fd < 0) {
		error_system(err, -buffer->fd, "perf buffer of CPU %d: perf_event_open", cpu);
		if (buffer->fd == -EACCES || buffer->fd == -EPERM)
			err->code = ERROR_PERMISSION;
		else if (err->sys == EINVAL || err->sys == ENOENT || err->sys == ENOSYS)
			err->code = ERROR_UNSUPPORTED;
		return err->code == ERROR_UNSUPPORTED ? error_hint(err, "%s", perf->kind->since) : -1;
	}
	map = mmap(NULL, perf->page + perf->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->fd, 0);
	if (map == MAP_FAILED) {
		error_system(err, errno, "perf buffer of CPU %d: map %zu bytes", cpu, perf->size);
		return err->sys == EPERM ? error_hint(err, LOCKED_HINT) : -1;
	}
	buffer->page = map;
	buffer->next = UINT64_MAX;
	if (perf->kind->attach(perf, cpu, err))
		return -1;
	return reader_watch(&perf->reader, buffer->fd, err);
}

static void close_buffer(struct perf *perf, int cpu)
{
	struct perf_buffer *buffer = &perf->at[cpu];

	if (perf->kind->detach)
		perf->kind->detach(perf, cpu);
	if (buffer->page)
		munmap(buffer->page, perf->page + perf->size);
	sys_close(buffer->fd);
	*buffer = (struct perf_buffer){ .fd = -1 };
}

/*
 * A CPU that goes offline takes its events out of service for good: when it is back, an event
 * opened before no longer counts (perf_event_exit_cpu), and what is sent to it is lost. Its
 * clock tells: it stands still since then.
 */
static bool is_dead(struct perf_buffer *buffer)
{
	struct { uint64_t value, running; } count;
	uint64_t now = reader_now();
	bool dead;

	if (sys_read(buffer->fd, &count, sizeof(count)) != sizeof(count))
		return false;
	dead = buffer->checked &&
	       count.running - buffer->running + LAG_NS < now - buffer->checked;
	if (!dead) {
		buffer->checked = now;
		buffer->running = count.running;
	}
	return dead;
}

static bool is_drained(const struct perf_buffer *buffer)
{
	return __atomic_load_n(&buffer->page->data_head, __ATOMIC_ACQUIRE) ==
	       buffer->page->data_tail;
}

static int perf_tend(struct reader *reader, struct error *err)
{
	struct perf *perf = (struct perf *)reader;

	for (int cpu = 0; cpu < perf->cpus; cpu++) {
		struct perf_buffer *buffer = &perf->at[cpu];

		/* What is in it is read first, by the next drain. */
		if (buffer->page && is_dead(buffer) && is_drained(buffer))
			close_buffer(perf, cpu);
		if (!buffer->page && open_buffer(perf, cpu, err))
			return -1;
	}
	return 0;
}

static void perf_free(struct reader *reader)
{
	struct perf *perf = (struct perf *)reader;

	for (int cpu = 0; perf->at && cpu < perf->cpus; cpu++)
		close_buffer(perf, cpu);
	free(perf->at);
	if (perf->kind->fini)
		perf->kind->fini(perf);
}

static const struct reader_ops perf_ops = {
	.waiting = perf_waiting,
	.drain = perf_drain,
	.tend = perf_tend,
	.free = perf_free,
};

static int open_all(struct perf *perf, struct error *err)
{
	int cpus = cpus_possible();

	if (cpus < 0)
		return error_system(err, -cpus, "perf buffers: number of CPUs");
	perf->at = calloc(cpus, sizeof(*perf->at));
	if (!perf->at)
		return error_memory(err);
	perf->cpus = cpus;
	for (int i = 0; i < cpus; i++)
		perf->at[i].fd = -1;
	if (reader_init(&perf->reader, &perf_ops, perf->size, err))
		return -1;
	return perf_tend(&perf->reader, err);
}

int perf_init(struct perf *perf, const struct perf_kind *kind, size_t size, struct error *err)
{
	perf->reader.epoll = -1;
	perf->reader.ops = &perf_ops;
	perf->reader.ticks = true;
	perf->kind = kind;
	perf->page = sysconf(_SC_PAGESIZE);
	perf->size = size;
	if (!open_all(perf, err))
		return 0;
	reader_free(&perf->reader);
	return -1;
}
