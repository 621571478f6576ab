/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdio.h>

#include "cli/command.h"
#include "cli/sink.h"
#include "compat/losses.h"
#include "compat/prepare.h"
#include "compat/printk.h"
#include "loader/attach.h"
#include "loader/printk.h"
#include "loader/reader.h"

/*
 * `portrace run`: what its files share.
 *
 *	run_options.c   the command line
 *	run_object.c    settings, from a file to programs in the kernel, attached
 *	run_events.c    records of its buffers, how many were lost, and what it prints
 *	run_show.c      what is printed of it all, as text or JSON
 *	run.c           one after the other, and the loop between
 */

#define RUN_WORDS 64 /* times that an option which may be repeated is taken */

struct run_words {
	const char *at[RUN_WORDS];
	size_t len;
};

struct run_options {
	const char *path;
	struct run_words sets, maps, attach, programs, ifaces;
	const char *netns, *pin, *btf, *output;
	struct attach_place place; /* but for iface */
	uint64_t duration, count, replaces;
	enum transport transport;
	bool json, quiet, load_only;
	int verbose;
};

/* A program on one place; a program may be on several interfaces. */
struct run_link {
	size_t program;
	struct link link;
};

/* A map whose records are read. */
struct run_buffer {
	size_t map;
	bool is_ring;
	struct reader *reader;
	uint64_t records, bytes;
	uint64_t lost; /* as last told of */
};

struct run {
	const struct run_options *options;
	struct object object;
	struct caps caps;
	struct plan plan;
	struct types_account types;
	struct losses_sites sites;
	struct load_types told;
	struct loaded loaded;
	VEC(struct run_link) links;
	VEC(struct run_buffer) buffers;
	VEC(struct load_reuse) reuse; /* pinned maps that the command line names */
	char tag[PRINTK_TAG_SIZE];
	struct printk_tagging tagging;
	struct printk *printk; /* NULL: it prints nothing, or that cannot be read */
	struct sink sink;
	FILE *out; /* into `text`, which goes to the sink and is begun anew */
	char *text;
	size_t text_len;
	int stats_fd;   /* while it is open the kernel counts runs and their time; -1 */
	uint64_t shown; /* records and lines */
	bool memlock_raised, failed, done;
	struct error err;
};

enum exit_status run_main(const struct run_options *options);

/* ---- run_object.c ---- */

/* Everything up to programs that run. On failure err says what; run_object_fini() is due. */
int run_object_init(struct run *run);
void run_object_fini(struct run *run);

/* ---- run_events.c ---- */

int run_events_init(struct run *run);
void run_events_fini(struct run *run);
/* Reads what is there; with `all`, everything that was sent before. */
void run_events_drain(struct run *run, bool all);
/* How many records of that buffer never came. */
uint64_t run_losses(const struct run *run, const struct run_buffer *buffer);

/* ---- run_show.c ---- */

void run_show_start(struct run *run);
void run_show_record(struct run *run, const struct run_buffer *buffer, const void *record,
		     size_t size);
/* A line that a program has printed. */
void run_show_line(struct run *run, const struct printk_line *line);
/* What an iterator printed, as it is. */
void run_show_output(struct run *run, const struct run_link *link, const char *text, size_t len);
void run_show_end(struct run *run);
/* Writes what has gathered. */
void run_show_flush(struct run *run);

#endif
