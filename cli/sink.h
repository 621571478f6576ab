/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/*
 * Where a command that runs until it is told to end writes its lines, and how it is told: SIGINT,
 * SIGTERM and SIGHUP (those that nohup has not ignored) come through a descriptor, SIGPIPE not at all.
 */
struct sink {
	const char *path; /* NULL: standard output */
	int fd, signal_fd;
	bool is_file;     /* which never makes us wait for a reader */
	bool unread;      /* whoever read the lines has had enough, as `head` has */
};

/* path: NULL or "-" is standard output. On failure nothing is open. */
int sink_open(struct sink *sink, const char *path, struct error *err);
/* What a file system says only now, that there was no room, is an error. */
int sink_close(struct sink *sink, struct error *err);
/*
 * Writes all of it, also to a slow reader; where the reader has left it sets `unread` and drops the
 * rest. -1: it cannot be written, or we are to end and nobody reads.
 */
int sink_write(struct sink *sink, const char *bytes, size_t len, struct error *err);
/* Whether it is time to end: a signal has come, or the reader has left. */
bool sink_ended(struct sink *sink);
/* A terminal that can show colours, and whose user has not asked for none (no-color.org). */
bool sink_wants_colour(const struct sink *sink);

#endif
