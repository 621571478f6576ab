/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LEDGER_H
#define LOADER_LEDGER_H

#include "loader/undo.h"
#include "util/owner.h"

/*
 * What has to be undone after a process that was killed, written down before it is done:
 *
 *	/run/portrace/1234_56789_4026531836.1      of which process (util/owner.h), and a number
 *
 *		portrace 1                         of the format
 *		kind tc                            undo_kind.name
 *		where eth0, ingress                for people
 *		program 77 1234567890123           id, and when it was loaded
 *		numbers 4026531840 2 4294967282 0 0 0
 *		path portrace_1234_56789_4026531836_77
 *
 *	/run/portrace/clsact.4026531840.2          a qdisc that one of us made: namespace, interface
 *
 * Where it cannot be written there is no ledger, and attaching does without. What carries a name of
 * ours, filters of tc, routes, and events in tracefs, is found by that as well.
 */
#define LEDGER "/run/portrace"

/* Notes it down; undo->note is 0 afterwards where that cannot be. */
void ledger_note(struct undo *undo, const char *where);
void ledger_forget(struct undo *undo);

/* What becomes of a sweep, told as it goes: either may be NULL, and so may all of it. */
struct ledger_watch {
	void (*removed)(void *ctx, const char *what); /* "tc filter on eth0, ingress, of process 7" */
	void (*failed)(void *ctx, const struct error *err);
	void *ctx;
};

/*
 * Undoes what processes left that live no longer, and forgets it: what is in the ledger; filters
 * and routes of this network namespace that carry a name of ours; events in tracefs. NULL: nobody
 * is told.
 */
void ledger_sweep(const struct ledger_watch *watch);

/* ---- parts of a sweep (ledger_sweep.c) ---- */

#define LEDGER_NOTE 1024 /* bytes of a note at most */
#define LEDGER_QDISC "clsact."

/* The directory, made where it is missing and that is asked for; or -errno. */
int ledger_open(bool create);
/* `what` is a kind of thing, where may be "". */
void ledger_removed(const struct ledger_watch *watch, const char *what, const char *where,
		    uint32_t pid);
void ledger_failed(const struct ledger_watch *watch, const struct error *err);

/* ---- names of ours ---- */

#define LEDGER_MARK 80 /* bytes */

/* "portrace_1234_56789_4026531836_77", 77 being the program: for what takes a name. */
void ledger_mark(char mark[LEDGER_MARK], uint32_t prog_id);
/* Whether it is such a name, of a process that does not live any longer. */
bool ledger_mark_of_dead(const char *mark, struct owner *owner);

/* ---- qdiscs, which several processes share (attach_tc.c) ---- */

/* Nobody else is at them until the descriptor is closed; -1 where there is no ledger. */
int ledger_lock(void);
void ledger_note_qdisc(uint32_t netns, uint32_t ifindex);
bool ledger_has_qdisc(uint32_t netns, uint32_t ifindex);
void ledger_forget_qdisc(uint32_t netns, uint32_t ifindex);

#endif
