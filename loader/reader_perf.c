// SPDX-License-Identifier: GPL-2.0
/* Perf buffers that BPF programs write into, through a map with one event for each CPU. */
#include <linux/bpf.h>
#include <stdlib.h>
#include <time.h>

#include "loader/perf_buffers.h"
#include "util/sys.h"

struct map_buffers {
	struct perf perf;
	int map_fd;
};

static int put_into_map(struct perf *perf, int cpu, struct error *err)
{
	const struct map_buffers *own = (const struct map_buffers *)perf;
	int ret = sys_map_update(own->map_fd, &cpu, &perf->at[cpu].fd);

	if (ret < 0)
		return error_system(err, -ret, "perf buffer of CPU %d: put into the map", cpu);
	return 0;
}

/* A sample: header, u32 length, the program's bytes, of which the first 8 are the time. */
static const struct perf_kind map_kind = {
	.attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
	},
	.since = "perf buffers for BPF came with Linux 4.4, with CONFIG_PERF_EVENTS and "
		 "CONFIG_BPF_EVENTS",
	.attach = put_into_map,
	.time = sizeof(struct perf_event_header) + 4,
	.body = sizeof(struct perf_event_header) + 4,
};

/* The same behind the time at which perf has taken it down. */
static const struct perf_kind output_kind = {
	.attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.sample_period = 1,
		.use_clockid = 1, /* Linux 4.1 */
		.clockid = CLOCK_MONOTONIC,
	},
	.since = "perf buffers for BPF came with Linux 4.4, with CONFIG_PERF_EVENTS and "
		 "CONFIG_BPF_EVENTS",
	.attach = put_into_map,
	.time = sizeof(struct perf_event_header),
	.body = sizeof(struct perf_event_header) + 8 + 4,
};

static int new_reader(struct reader **reader, const struct perf_kind *kind, int map_fd, size_t size,
		      struct error *err)
{
	struct map_buffers *own = calloc(1, sizeof(*own));

	if (!own)
		return error_memory(err);
	own->map_fd = map_fd;
	if (perf_init(&own->perf, kind, size, err))
		return -1;
	*reader = &own->perf.reader;
	return 0;
}

int reader_new_perf(struct reader **reader, int map_fd, size_t size, struct error *err)
{
	return new_reader(reader, &map_kind, map_fd, size, err);
}

int reader_new_output(struct reader **reader, int map_fd, size_t size, struct error *err)
{
	return new_reader(reader, &output_kind, map_fd, size, err);
}
