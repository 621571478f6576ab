/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_TRACEPOINTS_H
#define COMPAT_TRACEPOINTS_H

#include <stdint.h>

/*
 * Tracepoints of the kernel whose arguments are found in the record as well that programs of type
 * TRACEPOINT get: for kernels before 4.17, whose programs get nothing else.
 */
#define TRACEPOINT_ARGUMENTS 5

enum tracepoint_where {
	TRACEPOINT_NOWHERE, /* no field says it */
	TRACEPOINT_INT,     /* 4 bytes, `at` bytes from the start */
	TRACEPOINT_LONG,    /* as wide as the machine's, behind 8 bytes and `at` others */
	TRACEPOINT_CURRENT, /* the task that runs, which bpf_get_current_task() tells as well */
};

struct tracepoint_argument {
	uint8_t where, at;
};

struct tracepoint {
	const char *name; /* "signal/signal_generate" */
	uint8_t arguments_len;
	struct tracepoint_argument arguments[TRACEPOINT_ARGUMENTS];
};

/* By the name without the category. NULL: none that is known here. */
const struct tracepoint *tracepoint_find(const char *name);

#endif
