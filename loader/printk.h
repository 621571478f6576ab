/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_PRINTK_H
#define LOADER_PRINTK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/tracefs.h"
#include "util/error.h"

/*
 * What BPF programs print with bpf_printk(), as values. Since Linux 5.9 it comes from an instance
 * of tracefs of its own, which is there as long as the stream is and takes nothing from anybody.
 * Before, there is one place for the whole machine, trace_pipe, and what is read of it is gone for
 * others: printk_consumes().
 *
 *	char tag[PRINTK_TAG_SIZE];
 *	printk_make_tag(tag);
 *	... printk_tag() of compat/printk.h, with that, before the object is loaded
 *	struct printk *p = printk_open(tag, NULL, &err);        before its programs are attached
 *	poll(printk_fd(p)); while (printk_read(p, &line, &err) > 0) ...
 *	printk_close(p);
 */
struct printk;

#define PRINTK_TAG_SIZE 9

struct printk_line {
	const char *text; /* without a newline at its end; valid until the next read */
	size_t len;
	uint64_t time;    /* ns, CLOCK_MONOTONIC; before Linux 5.9 whatever trace_clock says */
	pid_t tid;        /* thread in which it was printed */
	uint32_t cpu;
	char comm[16];    /* its name as the kernel remembers it, or "<...>" */
	bool tagged;      /* it is of the object with the tag */
};

/* A tag that no other process has, nor this one so far: 8 letters and digits. */
void printk_make_tag(char tag[PRINTK_TAG_SIZE]);
/*
 * Lines without the tag are not given; NULL: all are. tracefs: as in struct attach_options. NULL
 * and err where there is no such thing.
 */
struct printk *printk_open(const char *tag, const struct tracefs *tracefs, struct error *err);
void printk_close(struct printk *printk); /* NULL is fine */
/* Removes what processes left that are gone, and tells of each; removed may be NULL. */
void printk_sweep(const struct tracefs *tracefs,
		  void (*removed)(void *ctx, const char *name, int pid), void *ctx);
/* From now on lines without the tag are given, too: where some call could not be tagged. */
void printk_share(struct printk *printk);
/* To poll() for reading. */
int printk_fd(const struct printk *printk);
/* The next line: 1, 0 where there is none now, or -1 and err. */
int printk_read(struct printk *printk, struct printk_line *line, struct error *err);
bool printk_consumes(const struct printk *printk);
/* How many prints, of anybody's, the kernel had to drop so far as nobody read in time. */
uint64_t printk_lost(const struct printk *printk);

#endif
