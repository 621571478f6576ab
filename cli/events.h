/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "bpf/signal.h"
#include "cli/join.h"
#include "cli/options.h"
#include "loader/reader.h"
#include "loader/record.h"
#include "util/table.h"

/*
 * What bpf/signal.bpf.c does, done in user space: from the records of tracepoints, as perf hands
 * them on, to those of bpf/signal.h, as the program makes them where it has no types of the kernel.
 *
 * What a program would ask the kernel is kept here as a model of all threads, from /proc at the
 * start and from events since: to which process each belongs, its name, whose it is. An event says
 * which thread and which process; of the sender that leaves two things to the model:
 *
 *	its name        perf reports each new one, in order with all else: exact
 *	its user        /proc is asked soon after it has sent; of one that has ended by then, what
 *	                was known, or its parent's: it may have changed (setuid) unseen
 */
enum events_point {
	/* In the order of enabling: what would be missed between two of them must come first. */
	EVENTS_NEW_THREAD,
	EVENTS_EXEC,
	EVENTS_EXIT,
	EVENTS_DELIVER,
	EVENTS_GENERATE,
	EVENTS_POINTS,
};

#define EVENTS_FIELDS 9

struct events_task;

struct events {
	/* Set by the owner before the first event. */
	const struct options *options;
	const struct join_machine *machine; /* NULL: there is nobody to ask */
	reader_fn *fn;                      /* gets the records */
	void *ctx;

	/* When sending, then everything else, ceased to be of interest; UINT64_MAX: not yet. */
	uint64_t sent_until, until;
	uint64_t received[EVENTS_POINTS]; /* events, of interest or not */
	uint64_t unfollowed;              /* new threads, for want of memory */

	uint32_t ways;                    /* of all options->watch */
	uint16_t types[EVENTS_POINTS];    /* what records begin with */
	struct record_field fields[EVENTS_POINTS][EVENTS_FIELDS];
	/* Are perf's ids those of the kernel itself? Elsewhere than in its first pid namespace not. */
	enum { IDS_UNKNOWN, IDS_SAME, IDS_OTHER } ids;
	struct table others;              /* perf's id -> the kernel's, where they differ */
	struct table tasks;               /* thread -> struct events_task */
	struct table watched;             /* thread -> WATCH_*: may name what is not there yet */
	struct events_task *ended, **ended_end; /* they can still send, for a moment */
	unsigned int round;               /* what /proc has said, it has said in this round */
};

void events_init(struct events *events, const struct options *options,
		 const struct join_machine *machine);
void events_fini(struct events *events);

/* "signal", "signal_generate". */
const char *events_category(enum events_point point);
const char *events_name(enum events_point point);
/* To be told each tracepoint's id and the text of its format. */
int events_format(struct events *events, enum events_point point, int id, const char *text,
		  size_t len, struct error *err);
/*
 * What the kernel can be asked to filter a tracepoint by, into text; false: nothing. Only the
 * signal: who is watched changes with each new thread, and of a sender the record has no name.
 */
bool events_filter(const struct options *options, enum events_point point, char *text, size_t size);

/* A thread that is there already, at the start. */
void events_thread(struct events *events, uint32_t pid, uint32_t tid);
/* Names a thread to be watched; bits 0: no longer. */
void events_watch(struct events *events, uint32_t tid, uint32_t bits);
/* Before each drain. */
void events_round(struct events *events);
/* One record of reader_new_events(). */
void events_record(struct events *events, const void *record, size_t size);

#endif
