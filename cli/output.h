/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/names.h"
#include "cli/outcome.h"

struct error;

/*
 * Prints outcomes, as lines of text or as JSON objects (docs/json.md), into a growing
 * buffer. The caller writes what is in it (at, len) where and when it likes, then sets len
 * to 0. Nothing here calls stdio or allocates for a line: this is most of what the tracer
 * spends on a signal.
 */
struct output {
	char *at;
	size_t len, cap;
	/* CLOCK_REALTIME less CLOCK_MONOTONIC, ns; the caller refreshes it. */
	int64_t clock_offset;
	bool json, colour;
	/* Text of the last second printed: "15:04:05." or "2024-05-06T15:04:05." */
	int64_t second;
	char clock[24];
	uint8_t clock_len;
	struct {
		char text[SIGNAL_NAME_SIZE];
		uint8_t len;
	} names[UINT8_MAX + 1];
};

/* colour is for text only. Nothing is allocated yet. */
void output_init(struct output *o, bool json, bool colour);
void output_fini(struct output *o);
/* The line above the columns; nothing in JSON. */
int output_header(struct output *o, struct error *err);
/* One line. Fails only for want of memory, and then leaves the buffer as it was. */
int output_outcome(struct output *o, const struct outcome *out, struct error *err);

#endif
