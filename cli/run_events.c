// SPDX-License-Identifier: GPL-2.0
/*
 * Records of all buffers that the object has, and how many were lost. Who counts the losses depends
 * on the buffer:
 *
 *	ring buffer               the programs themselves (compat/losses.h)
 *	perf buffer               they as well, else the kernel, in the buffer
 *	ring made a perf buffer   .scratch has how many were sent (compat/lower.h)
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/run.h"
#include "util/cpus.h"
#include "util/sys.h"

#define PERF_SIZE (512u << 10)
#define PERF_TOTAL (64u << 20)

/* A CPU's: as large as that on all of them together does not take too much. */
static size_t perf_size(void)
{
	int cpus = cpus_possible();
	size_t size = PERF_SIZE;

	while (cpus > 0 && size * cpus > PERF_TOTAL && size > 64u << 10)
		size /= 2;
	return reader_round_size(size);
}

static int open_buffer(struct run *run, size_t map, bool is_ring)
{
	struct run_buffer *buffer = vec_push(&run->buffers);
	int fd = run->loaded.map_fds[map], ret;

	if (!buffer)
		return error_memory(&run->err);
	buffer->map = map;
	buffer->is_ring = is_ring;
	ret = is_ring ? reader_new_ring(&buffer->reader, fd, run->object.maps.at[map].max_entries,
					&run->err) :
			reader_new_output(&buffer->reader, fd, perf_size(), &run->err);
	return ret ? error_wrap(&run->err, "map '%s'", run->object.maps.at[map].name) : 0;
}

/* What is printed is worth no failure: without tracefs the rest goes on. */
static void open_printk(struct run *run)
{
	struct error err;

	if (!run->tagging.calls || run->options->load_only)
		return;
	error_clear(&err);
	run->printk = printk_open(run->tag, NULL, &err);
	if (!run->printk) {
		fprintf(stderr, "portrace: what it prints cannot be shown: %s\n", err.message);
		return;
	}
	if (run->tagging.untagged)
		printk_share(run->printk);
	if (run->options->quiet)
		return;
	if (run->tagging.untagged)
		fprintf(stderr, "portrace: %u of its %u prints cannot be told from those of others, so all "
				"are shown\n", run->tagging.untagged, run->tagging.calls);
	if (printk_consumes(run->printk))
		fprintf(stderr, "portrace: on this kernel what is shown is gone for other readers of "
				"trace_pipe\n");
}

int run_events_init(struct run *run)
{
	open_printk(run);
	for (size_t i = 0; i < run->object.maps.len; i++) {
		uint32_t type = run->object.maps.at[i].type;
		bool is_ring = type == BPF_MAP_TYPE_RINGBUF;

		if (run->loaded.map_fds[i] < 0 || (!is_ring && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY))
			continue;
		if (open_buffer(run, i, is_ring))
			return -1;
	}
	return 0;
}

void run_events_fini(struct run *run)
{
	for (size_t i = 0; i < run->buffers.len; i++)
		reader_free(run->buffers.at[i].reader);
	vec_fini(&run->buffers);
	printk_close(run->printk);
	run->printk = NULL;
}

static void drain_printk(struct run *run)
{
	struct printk_line line;
	struct error err;

	while (run->printk && !run->done && printk_read(run->printk, &line, &err) > 0)
		run_show_line(run, &line);
}

struct reading {
	struct run *run;
	struct run_buffer *buffer;
};

static void on_record(void *ctx, const void *record, size_t size)
{
	struct reading *r = ctx;

	r->buffer->records++;
	r->buffer->bytes += size;
	if (!r->run->done)
		run_show_record(r->run, r->buffer, record, size);
}

void run_events_drain(struct run *run, bool all)
{
	for (size_t i = 0; i < run->buffers.len; i++) {
		struct reading reading = { run, &run->buffers.at[i] };

		reader_drain(reading.buffer->reader, all, on_record, &reading);
	}
	drain_printk(run);
}

/* ---- losses ---- */

/* What the programs have counted in LOSSES_MAP, of that map's sites. */
static uint64_t counted_by_programs(const struct run *run, size_t map)
{
	const struct map *losses = object_map((struct object *)&run->object, LOSSES_MAP);
	uint64_t *counts, sum = 0;
	uint32_t zero = 0;

	if (!losses)
		return 0;
	counts = calloc(1, losses->value_size);
	if (counts && !sys_map_lookup(loaded_map_fd(&run->loaded, LOSSES_MAP), &zero, counts))
		for (size_t i = 0; i < run->sites.sites.len; i++)
			sum += run->sites.sites.at[i].map == map ? counts[i] : 0;
	free(counts);
	return sum;
}

/* What they have sent through slots of the scratch map, where a perf buffer stands for a ring. */
static uint64_t sent_by_slots(const struct run *run, size_t map)
{
	const struct map *scratch = object_map((struct object *)&run->object, SCRATCH_MAP);
	size_t stride = (scratch->value_size + 7) & ~7u;
	int cpus = cpus_possible();
	uint8_t *values = cpus > 0 ? malloc(stride * cpus) : NULL;
	uint64_t sum = 0;

	for (uint32_t slot = 0; values && slot < scratch->max_entries; slot++) {
		if (sys_map_lookup(loaded_map_fd(&run->loaded, SCRATCH_MAP), &slot, values))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++) {
			const struct perf_slot *value = (const void *)(values + cpu * stride);

			if (run->buffers.len == 1 || value->ring == map)
				sum += value->sent;
		}
	}
	free(values);
	return sum;
}

uint64_t run_losses(const struct run *run, const struct run_buffer *buffer)
{
	uint64_t counted = counted_by_programs(run, buffer->map), told, sent;

	if (buffer->is_ring)
		return counted;
	told = reader_lost(buffer->reader);
	/* Without a program of ours in between the kernel's own count may lack the last ones. */
	if (!object_map((struct object *)&run->object, SCRATCH_MAP))
		return counted > told ? counted : told;
	sent = sent_by_slots(run, buffer->map);
	return sent > buffer->records ? sent - buffer->records : 0;
}
