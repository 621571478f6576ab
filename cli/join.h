/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_JOIN_H
#define CLI_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/outcome.h"
#include "util/error.h"
#include "util/table.h"
#include "util/vec.h"

/*
 * From records to outcomes: which delivery, refusal or end belongs to which sending. It keeps
 * a model of the kernel's own queues: one a thread, one a process, and in each of them the
 * signals of one number in the order in which they were sent.
 *
 *	sent to         a thread: that thread's queue; a process: the process's queue
 *	delivered to    thread T of process P: T's queue first, then P's, as dequeue_signal() does
 *	real-time       several of one number wait in order; each delivery says how many more do,
 *	                so that what sigwait or signalfd took before, unseen, is known
 *	standard        one of each number: a new one is only queued when the old one has gone
 *	fatal           never delivered as itself: the process's end says by which number it
 *	                ended, and the last one queued was it, as what comes later is dropped
 *	left over       /proc says whether it is still pending, from one second on
 *
 * Where a kernel's own types are not known (EXIT_NO_CODE, EXIT_NO_LAST), less is told, and more
 * must be concluded:
 *
 *	real-time       how many more wait is not told: they are delivered in order
 *	fatal           the process is being killed when its threads get SIGKILL; what did it is
 *	                the last one queued before, unless one was delivered that ends it;
 *	                RECORD_END tells whether it was killed at all, and whether a core was
 *	                dumped
 *	over            by a record, else by RECORD_END and /proc, else by /proc alone
 *	arguments       of a process image from /proc, as soon as it is known of
 */

struct proc_status {
	bool zombie;
	bool traced;      /* by a debugger or strace */
	uint32_t threads; /* of its process */
	uint32_t queued;  /* signals that wait for all processes of its user */
	uint64_t thread_pending, process_pending, blocked; /* bit sig - 1 */
};

/* What the join asks of the machine; tests answer instead. Each returns -errno where it cannot. */
struct join_machine {
	int (*process_of)(uint32_t tid);
	ssize_t (*cmdline)(uint32_t pid, char *text, size_t size);
	/* Where its arguments are, 0: cannot be told. */
	uint64_t (*arg_start)(uint32_t pid);
	ssize_t (*comm)(uint32_t tid, char *text, size_t size);
	int (*status)(uint32_t tid, struct proc_status *status);
	int64_t (*uid)(uint32_t tid); /* the real one */
};

struct join_entry;

/* A process of which a thread has ended, while nothing says whether, or how, all of it has. */
struct join_leaving {
	uint32_t pid;
	bool over;     /* the kernel side saw its last thread end */
	int gone;      /* looks that found nothing left of it */
	uint64_t time; /* of the last look, or of that end */
};

struct join {
	/* Set by the owner before the first record. */
	const struct join_machine *machine; /* NULL: there is nobody to ask */
	void (*emit)(void *ctx, const struct outcome *outcome);
	void *ctx;
	bool unsent;     /* show deliveries of signals whose sending was not seen */
	bool early;      /* ask for arguments when an image begins, not when it sends */
	uint64_t signals; /* bit sig - 1: deliveries of others are of no interest by themselves */
	uint64_t began, ended; /* deliveries before and after are none of ours, if not sent within */
	size_t most;     /* pending signals that are followed at once */
	/* Records lost so far, as of before the drain under way and before the one before it, to
	 * be kept up to date: a verdict for want of a delivery is none where that may be lost. */
	uint64_t lost, lost_earlier;

	uint64_t seen;   /* sendings */
	uint64_t pending_now, spare_now; /* entries */

	struct table targets; /* thread or process id -> struct target */
	struct table images;  /* process -> struct image */
	struct table threads; /* thread -> process, as far as known */
	struct join_entry *oldest, *newest, *spare;
	struct join_chunk *chunks;
	struct join_target *spare_targets;
	VEC(struct join_leaving) leaving;
	size_t cursor; /* in targets: where a look after all of them goes on */
	bool untold;   /* ends come without a code */
	bool out_of_memory;
};

/* Bit sig - 1: signals whose default action ends the process. */
uint64_t join_fatal_signals(void);

void join_init(struct join *join);
void join_fini(struct join *join);
/* One record as the kernel side sent it; anything that is none is dropped. */
void join_record(struct join *join, const void *record, size_t size);
/*
 * The verdict on processes that have ended without a word on how, as nobody was told: to be
 * called after each drain. With `all` on those that ended just now as well.
 */
void join_settle_leaving(struct join *join, uint64_t now, bool all);
/* When there is something for it to do; UINT64_MAX: never. */
uint64_t join_next_look(const struct join *join);
/*
 * Looks after what has been pending for long; to be begun about once a second. It asks /proc a
 * few dozen times at most: false means to drain, then to call it again.
 */
bool join_sweep(struct join *join, uint64_t now);
/* When nothing more is sent: notes where each pending signal stands. False as above; when
 * true, drain, then ... */
bool join_closing(struct join *join);
/* ... give the verdict on all that is left. */
void join_close(struct join *join);

#endif
