// SPDX-License-Identifier: GPL-2.0
/* Signals that never reach signal_deliver, each with the reason why. */
#include "tests/live/harness.h"

#include <sys/signalfd.h>

Suite *undelivered_suite(void);

static int usr1[] = { SIGUSR1, 0 };

START_TEST(ignored_by_the_target)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_ignores, usr1);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, 0);
	ck_assert_int_eq(e->signo, SIGUSR1);
	expect_undelivered(e, "ignored", "ignored");
	expect_sender(e, getpid());
	actor_end(&a);
}
END_TEST

START_TEST(ignored_by_default)
{
	static const int signals[] = { SIGURG, SIGWINCH, SIGCHLD };
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_plain, NULL);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 3; i++)
		kill(a.pid, signals[i]);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 3);
	for (int i = 0; i < 3; i++) {
		e = tracer_only(&t, a.pid, signals[i]);
		expect_undelivered(e, "ignored", "ignored");
		expect_sender(e, getpid());
		expect_string(e, "code", e->code, "SI_USER");
	}
	actor_end(&a);
}
END_TEST

START_TEST(already_pending)
{
	struct event *found[5];
	struct tracer t;
	struct actor a;
	int delivered = 0;

	actor_start(&a, actor_blocks, usr1);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 5; i++)
		kill(a.pid, SIGUSR1);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->handled, 1);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, 5), 5);
	for (int i = 0; i < 5; i++) {
		expect_sender(found[i], getpid());
		if (found[i]->delivered) {
			expect_string(found[i], "result", found[i]->result, "delivered");
			expect_delivered(found[i], "handler");
			delivered++;
		} else {
			expect_undelivered(found[i], "pending", "coalesced");
		}
	}
	ck_assert_int_eq(delivered, 1);
	actor_end(&a);
}
END_TEST

START_TEST(still_blocked_when_tracing_ends)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_blocks, usr1);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_undelivered(e, "delivered", "blocked");
	expect_sender(e, getpid());
	actor_end(&a);
}
END_TEST

START_TEST(target_ends_before_delivery)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_blocks, usr1);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	actor_end(&a);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_undelivered(e, "delivered", "gone");
	expect_sender(e, getpid());
}
END_TEST

/* It is known as soon as the target ends: not held back until tracing does. */
START_TEST(target_gone_is_told_at_once)
{
	struct tracer t;
	struct actor a;
	char mark[64];
	int64_t end;

	actor_start(&a, actor_blocks, usr1);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	snprintf(mark, sizeof(mark), "\"target\":{\"pid\":%d,", a.pid);
	actor_end(&a);
	end = now_ns(CLOCK_MONOTONIC) + 2000000000LL;
	do
		tracer_read(&t, 10);
	while (!(t.data && memmem(t.data, t.len, mark, strlen(mark))) &&
	       now_ns(CLOCK_MONOTONIC) < end);
	ck_assert_msg(t.data && memmem(t.data, t.len, mark, strlen(mark)),
		      "no object within 2 s of the target's end");
	tracer_stop(&t, SIGTERM);
	expect_undelivered(tracer_only(&t, a.pid, SIGUSR1), "delivered", "gone");
}
END_TEST

/* ---- taken from the queue: sigwait, sigtimedwait, signalfd ---- */

enum taker { BY_SIGWAIT, BY_TIMEDWAIT, BY_SIGNALFD, TAKERS };

/* Takes one signal from the set; its number, or a negative value. */
static int take(enum taker how, const sigset_t *set)
{
	struct timespec limit = { .tv_sec = 5 };
	struct signalfd_siginfo info;
	siginfo_t waited;
	int sig, fd;

	switch (how) {
	case BY_SIGWAIT:
		return sigwait(set, &sig) ? -1 : sig;
	case BY_TIMEDWAIT:
		return sigtimedwait(set, &waited, &limit);
	default:
		fd = signalfd(-1, set, SFD_CLOEXEC);
		if (read(fd, &info, sizeof(info)) != sizeof(info))
			return -1;
		close(fd);
		return info.ssi_signo;
	}
}

struct taking {
	enum taker how;
	int sig, sig2;
	int times;
};

/* Each command but the last takes; the last lets the rest into the handler. */
static int takes(void *arg)
{
	struct taking *taking = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, taking->sig);
	handle(taking->sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say();
	for (int i = 0; i < taking->times; i++) {
		hear();
		if (take(taking->how, &set) != taking->sig)
			return 1;
		say();
	}
	hear();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return idle();
}

static void accepted_then_handled(const char *name, enum taker how, int sig)
{
	struct taking taking = { .how = how, .sig = sig, .times = 1 };
	struct event *found[2];
	struct actor a;
	struct tracer t;
	int64_t before, after;
	pid_t sender;

	actor_start(&a, takes, &taking);
	tracer_start(&t, name);
	sender = fork();
	if (!sender)
		_exit(kill(a.pid, sig));
	wait_status(sender);
	actor_step(&a); /* it is taken */
	actor_step(&a); /* it is let in, there is none */
	before = now_ns(CLOCK_MONOTONIC);
	kill(a.pid, sig);
	wait_handled(1);
	after = now_ns(CLOCK_MONOTONIC);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_find(&t, a.pid, sig, found, 2), 2);
	if (found[0]->delivered) {
		struct event *swap = found[0];

		found[0] = found[1];
		found[1] = swap;
	}
	expect_undelivered(found[0], "delivered", "accepted");
	expect_sender(found[0], sender);
	expect_delivered(found[1], "handler");
	expect_sender(found[1], getpid());
	ck_assert_msg(found[1]->latency <= after - before, "joined to an earlier sending:\n  %s",
		      found[1]->line);
	actor_end(&a);
}

START_TEST(standard_signal_taken_is_not_joined_to_a_later_one)
{
	accepted_then_handled(transport(_i % WAYS), _i / WAYS, SIGUSR1);
}
END_TEST

/* Without it those taken unseen are taken for the first that are delivered. */
static void need_queues_read(int i)
{
	if (!knows_types(i))
		skip("how many more wait in a queue is read only with the kernel's own types");
}

START_TEST(real_time_signal_taken_is_not_joined_to_a_later_one)
{
	need_queues_read(_i % TRANSPORTS);
	accepted_then_handled(transport(_i % TRANSPORTS), _i / TRANSPORTS, SIGRTMIN + 2);
}
END_TEST

START_TEST(signal_taken_is_accepted_when_tracing_ends)
{
	struct taking taking = { .how = _i / (2 * WAYS), .sig = _i / WAYS % 2 ? SIGRTMIN + 2 : SIGUSR1,
				 .times = 1 };
	struct tracer t;
	struct actor a;

	actor_start(&a, takes, &taking);
	tracer_start(&t, transport(_i % WAYS));
	kill(a.pid, taking.sig);
	actor_step(&a);
	tracer_stop(&t, SIGTERM);
	expect_undelivered(tracer_only(&t, a.pid, taking.sig), "delivered", "accepted");
	actor_end(&a);
}
END_TEST

/* The same standard signal again and again: each is one object, none is joined to another. */
START_TEST(signals_taken_one_after_another)
{
	struct taking taking = { .how = _i / WAYS, .sig = SIGUSR1, .times = 4 };
	struct event *found[5];
	struct tracer t;
	struct actor a;
	int delivered = 0;

	actor_start(&a, takes, &taking);
	tracer_start(&t, transport(_i % WAYS));
	for (int i = 0; i < 4; i++) {
		kill(a.pid, SIGUSR1);
		actor_step(&a);
	}
	kill(a.pid, SIGUSR1);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, 5), 5);
	for (int i = 0; i < 5; i++) {
		if (found[i]->delivered)
			delivered++;
		else
			expect_undelivered(found[i], "delivered", "accepted");
	}
	ck_assert_int_eq(delivered, 1);
	actor_end(&a);
}
END_TEST

/* Five senders queue one each; the first three are taken, the other two handled. */
static void some_taken(const char *name, enum taker how)
{
	struct taking taking = { .how = how, .sig = SIGRTMIN + 1, .times = 3 };
	struct event *e;
	struct tracer t;
	struct actor a;
	pid_t senders[5];

	actor_start(&a, takes, &taking);
	tracer_start(&t, name);
	for (int i = 0; i < 5; i++) {
		senders[i] = fork();
		if (!senders[i])
			_exit(sigqueue(a.pid, taking.sig, (union sigval){ .sival_int = i }));
		ck_assert_int_eq(wait_status(senders[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		actor_step(&a);
	wait_handled(2);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->noted[0].pid, senders[3]);
	ck_assert_int_eq(shared->noted[1].pid, senders[4]);
	ck_assert_int_eq(count_events(&t, a.pid, taking.sig), 5);
	for (size_t i = 0; i < t.count; i++) {
		int which = 0;

		e = &t.events[i];
		if (e->target.pid != a.pid || e->signo != taking.sig)
			continue;
		while (which < 5 && senders[which] != e->sender.pid)
			which++;
		ck_assert_msg(which < 5, "no such sender:\n  %s", e->line);
		if (which < 3)
			expect_undelivered(e, "delivered", "accepted");
		else
			expect_delivered(e, "handler");
		senders[which] = -1;
	}
	actor_end(&a);
}

START_TEST(some_of_many_queued_taken_then_the_rest_handled)
{
	need_queues_read(_i % TRANSPORTS);
	some_taken(transport(_i % TRANSPORTS), _i / TRANSPORTS);
}
END_TEST

/* A signal made ignored while it is pending is thrown away by the kernel. */
static int comes_to_ignore(void *arg)
{
	block(SIGUSR1);
	say();
	hear();
	signal(SIGUSR1, SIG_IGN);
	say();
	hear();
	handle(SIGUSR1);
	unblock(SIGUSR1);
	return idle();
}

START_TEST(pending_signal_discarded_by_sig_ign)
{
	struct event *found[2];
	struct tracer t;
	struct actor a;

	actor_start(&a, comes_to_ignore, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	actor_step(&a);
	actor_step(&a);
	kill(a.pid, SIGUSR1);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, 2), 2);
	expect_undelivered(found[found[0]->delivered ? 1 : 0], "delivered", "accepted");
	expect_delivered(found[found[0]->delivered ? 0 : 1], "handler");
	actor_end(&a);
}
END_TEST

/* ---- what does not fit the queue ---- */

static int small_queue(void *arg)
{
	setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ *(int *)arg, *(int *)arg });
	/* The count is the user's: one that nobody else uses here makes it exact. */
	if (setuid(OTHER_UID))
		return 1;
	handle(SIGRTMIN + 1);
	block(SIGRTMIN + 1);
	say();
	hear();
	unblock(SIGRTMIN + 1);
	return idle();
}

START_TEST(queue_overflow)
{
	struct event *found[20];
	int room = 5, failed = 0, overflowed = 0, delivered = 0;
	struct tracer t;
	struct actor a;

	need_tracing();
	actor_start(&a, small_queue, &room);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 20; i++)
		if (sigqueue(a.pid, SIGRTMIN + 1, (union sigval){ .sival_int = i }))
			failed += errno == EAGAIN;
	actor_step(&a);
	wait_handled(20 - failed);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_gt(failed, 0);
	ck_assert_int_lt(failed, 20);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGRTMIN + 1, found, 20), 20);
	for (int i = 0; i < 20; i++) {
		expect_sender(found[i], getpid());
		if (found[i]->delivered) {
			delivered++;
			continue;
		}
		expect_undelivered(found[i], "overflow", "overflow");
		overflowed++;
	}
	ck_assert_int_eq(overflowed, failed);
	ck_assert_int_eq(delivered, 20 - failed);
	actor_end(&a);
}
END_TEST

START_TEST(lost_info_of_a_real_time_signal_by_kill)
{
	struct tracer t;
	struct actor a;
	struct event *e;
	int room = 0;

	need_tracing();
	actor_start(&a, small_queue, &room);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGRTMIN + 1);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGRTMIN + 1);
	expect_string(e, "result", e->result, "lost-info");
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	ck_assert_int_eq(shared->noted[0].pid, 0);
	actor_end(&a);
}
END_TEST

/* Without queue entries there is one bit: three sendings, one delivery. */
START_TEST(lost_info_three_times_is_delivered_once)
{
	struct event *found[3];
	int room = 0, delivered = 0;
	struct tracer t;
	struct actor a;

	need_tracing();
	actor_start(&a, small_queue, &room);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 3; i++)
		kill(a.pid, SIGRTMIN + 1);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->handled, 1);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGRTMIN + 1, found, 3), 3);
	for (int i = 0; i < 3; i++) {
		expect_string(found[i], "result", found[i]->result, "lost-info");
		delivered += found[i]->delivered;
	}
	ck_assert_int_eq(delivered, 1);
	actor_end(&a);
}
END_TEST

Suite *undelivered_suite(void)
{
	Suite *s = suite_create("undelivered");
	TCase *tc = live_case(s, "undelivered");

	loop_all(tc, ignored_by_the_target);
	loop_all(tc, ignored_by_default);
	loop_all(tc, already_pending);
	loop_all(tc, still_blocked_when_tracing_ends);
	loop_all(tc, target_ends_before_delivery);
	loop_all(tc, target_gone_is_told_at_once);
	tcase_add_loop_test(tc, standard_signal_taken_is_not_joined_to_a_later_one, 0,
			    WAYS * TAKERS);
	tcase_add_loop_test(tc, real_time_signal_taken_is_not_joined_to_a_later_one, 0,
			    TRANSPORTS * TAKERS);
	tcase_add_loop_test(tc, signal_taken_is_accepted_when_tracing_ends, 0, 2 * WAYS * TAKERS);
	tcase_add_loop_test(tc, signals_taken_one_after_another, 0, WAYS * TAKERS);
	tcase_add_loop_test(tc, some_of_many_queued_taken_then_the_rest_handled, 0,
			    TRANSPORTS * TAKERS);
	loop_all(tc, pending_signal_discarded_by_sig_ign);
	loop_all(tc, queue_overflow);
	loop_all(tc, lost_info_of_a_real_time_signal_by_kill);
	loop_all(tc, lost_info_three_times_is_delivered_once);
	return s;
}
