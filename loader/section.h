/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_SECTION_H
#define LOADER_SECTION_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* What a section name says of the program in it: "tracepoint/signal/signal_generate". */
struct section_kind {
	const char *name; /* "tracepoint/": what follows the slash is free; "xdp": the whole name */
	enum bpf_prog_type type;
	uint32_t attach;         /* enum bpf_attach_type, 0 where the type has none */
	const char *attach_name; /* of that, in lower case; NULL where the type has none */
	uint32_t flags;          /* BPF_F_SLEEPABLE and the like, for loading */
	uint16_t since;          /* LINUX(4, 7): first release that takes it */
};

/* The kind of a program by its section name, NULL where it is none of the known. */
const struct section_kind *section_kind(const char *section);
/* All of them, one after the other; NULL behind the last. */
const struct section_kind *section_kind_at(size_t i);
/* "signal/signal_generate": what follows the kind in the name, "" where nothing does. */
const char *section_target(const char *section);
/* 0, or -1 where nothing can load such a program: its kind is not known (NULL), or needs more. */
int section_loadable(const struct section_kind *kind, const char *section, struct error *err);
/*
 * A target may name several, of which the first that this kernel has is taken:
 * "do_unlinkat|filename_unlinkat". section_next() takes the next name off the list and returns
 * what is left, or NULL where nothing was; too long a name is cut.
 */
struct section_name {
	char text[512]; /* a path may be in it */
};

const char *section_next(const char *list, struct section_name *name);
/* Splits "PREFIX/CATEGORY/EVENT" of a tracepoint section into two buffers of size bytes. */
int section_tracepoint(const char *section, char *category, char *event, unsigned int size,
		       struct error *err);

#endif
