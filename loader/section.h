/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_SECTION_H
#define LOADER_SECTION_H

#include <linux/bpf.h>

#include "util/error.h"

/* What a section name says of the program in it: "tracepoint/signal/signal_generate". */
struct section_kind {
	const char *prefix; /* up to and with the slash */
	enum bpf_prog_type type;
};

/* The kind of a program by its section name, or NULL and err, listing what there is. */
const struct section_kind *section_kind(const char *section, struct error *err);
/* Splits "PREFIX/CATEGORY/EVENT" of a tracepoint section into two buffers of size bytes. */
int section_tracepoint(const char *section, char *category, char *event, unsigned int size,
		       struct error *err);

#endif
