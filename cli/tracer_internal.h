/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_TRACER_INTERNAL_H
#define CLI_TRACER_INTERNAL_H

#include "cli/tracer.h"

/* A way to trace: as in tracer.h, each for one that was begun in this way. */
struct tracer_way {
	void (*fini)(struct tracer *tracer);
	void (*set_phase)(struct tracer *tracer, enum phase phase);
	void (*unwatch)(struct tracer *tracer, uint32_t pid);
	void (*drain)(struct tracer *tracer, bool all, reader_fn *fn, void *ctx);
	uint64_t (*skipped)(const struct tracer *tracer);
	int (*losses)(const struct tracer *tracer, bool final, struct losses *losses,
		      struct error *err);
};

/* Begins on a zeroed tracer without BPF; on failure it is zeroed again. */
int tracer_events_init(struct tracer *tracer, const struct options *options, struct pids *pids,
		       struct error *err);
/* Sets tracer->buffer, for its transport; wanted 0: the default. */
int tracer_size_buffer(struct tracer *tracer, size_t wanted, struct error *err);

#endif
