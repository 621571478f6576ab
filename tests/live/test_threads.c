// SPDX-License-Identifier: GPL-2.0
/*
 * Which thread, which queue, which order: real-time signals that queue, signals for a thread
 * and for a process, stop and continue, exec in a group of threads.
 */
#include "tests/live/harness.h"

Suite *threads_suite(void);

#define SENDERS 5
#define ROUNDS 4

static int real_time[] = { 36, 37, 0 };

static int sends_on_command(void *arg)
{
	pid_t target = *(pid_t *)arg;

	say();
	while (hear()) {
		if (sigqueue(target, shared->ints[0], (union sigval){ .sival_int = 0 }))
			return 1;
		say();
	}
	return 0;
}

/* The printed deliveries of the signal have to name the senders in the handler's order. */
static void compare_order(const struct tracer *t, pid_t target, int sig)
{
	int at = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct event *e = &t->events[i];

		if (e->target.pid != target || e->signo != sig)
			continue;
		while (at < shared->handled && shared->noted[at].sig != sig)
			at++;
		ck_assert_msg(at < shared->handled, "one too many:\n  %s", e->line);
		expect_delivered(e, "handler");
		ck_assert_msg(e->sender.pid == shared->noted[at].pid,
			      "number %d came from %d:\n  %s", at, shared->noted[at].pid, e->line);
		at++;
	}
	while (at < shared->handled && shared->noted[at].sig != sig)
		at++;
	ck_assert_int_eq(at, shared->handled);
}

START_TEST(queued_signals_join_their_own_senders_in_order)
{
	struct actor a, senders[SENDERS];
	struct tracer t;

	actor_start(&a, actor_blocks, real_time);
	for (int i = 0; i < SENDERS; i++)
		actor_start(&senders[i], sends_on_command, &a.pid);
	tracer_start(&t, transport(_i));
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < SENDERS; i++) {
			shared->ints[0] = real_time[(round + i) % 3 == 0];
			actor_step(&senders[(i * 3 + round) % SENDERS]);
		}
	actor_step(&a);
	wait_handled(SENDERS * ROUNDS);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), SENDERS * ROUNDS);
	compare_order(&t, a.pid, real_time[0]);
	compare_order(&t, a.pid, real_time[1]);
	for (int i = 0; i < SENDERS; i++)
		ck_assert_int_eq(actor_end(&senders[i]), 0);
	actor_end(&a);
}
END_TEST

/* More than are counted by hand in the kernel: a long queue, alternating senders. */
START_TEST(long_queue_keeps_its_order)
{
	struct actor a, senders[2];
	struct tracer t;

	actor_start(&a, actor_blocks, real_time);
	shared->ints[0] = real_time[0];
	for (int i = 0; i < 2; i++)
		actor_start(&senders[i], sends_on_command, &a.pid);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 100; i++)
		actor_step(&senders[i % 3 == 0]);
	actor_step(&a);
	wait_handled(100);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 100);
	compare_order(&t, a.pid, real_time[0]);
	actor_end(&senders[0]);
	actor_end(&senders[1]);
	actor_end(&a);
}
END_TEST

/* ---- threads ---- */

static void *takes_all(void *arg)
{
	unblock(SIGUSR1);
	unblock(SIGRTMIN + 1);
	__atomic_store_n(&shared->ints[0], gettid_(), __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

static bool thread_is_up(void *arg)
{
	return __atomic_load_n(&shared->ints[0], __ATOMIC_SEQ_CST) != 0;
}

/* The first thread blocks, the second takes; its id is in ints[0]. */
static int second_takes(void *arg)
{
	pthread_t thread;

	handle(SIGUSR1);
	handle(SIGRTMIN + 1);
	block(SIGUSR1);
	block(SIGRTMIN + 1);
	start_thread(&thread, takes_all, NULL);
	wait_until(thread_is_up, NULL, PATIENCE_MS);
	return idle();
}

START_TEST(thread_directed_signal_names_the_thread)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, second_takes, NULL);
	tracer_start(&t, transport(_i));
	syscall(SYS_tgkill, a.pid, shared->ints[0], SIGUSR1);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	expect_string(e, "code", e->code, "SI_TKILL");
	ck_assert(!e->group);
	ck_assert_int_eq(e->target.tid, shared->ints[0]);
	actor_end(&a);
}
END_TEST

START_TEST(process_directed_signal_taken_by_another_thread)
{
	int sig = _i / WAYS ? SIGRTMIN + 1 : SIGUSR1;
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, second_takes, NULL);
	tracer_start(&t, transport(_i % WAYS));
	kill(a.pid, sig);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->noted[0].tid, shared->ints[0]);
	e = tracer_only(&t, a.pid, sig);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	ck_assert(e->group);
	ck_assert_int_eq(e->target.tid, shared->ints[0]);
	actor_end(&a);
}
END_TEST

/* The same number waits in a thread's queue and in the process's, from two senders. */
static int first_blocks_both(void *arg)
{
	handle(SIGUSR1);
	block(SIGUSR1);
	say();
	hear();
	unblock(SIGUSR1);
	return idle();
}

START_TEST(thread_and_process_queue_of_one_number)
{
	struct event *found[2], *own;
	struct tracer t;
	struct actor a;
	pid_t sender;

	actor_start(&a, first_blocks_both, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGUSR1);
	sender = fork();
	if (!sender)
		_exit(syscall(SYS_tgkill, a.pid, a.pid, SIGUSR1) != 0);
	ck_assert_int_eq(wait_status(sender), 0);
	actor_step(&a);
	wait_handled(2);
	tracer_stop(&t, SIGTERM);
	/* The thread's own queue goes first. */
	ck_assert_int_eq(shared->noted[0].pid, sender);
	ck_assert_int_eq(shared->noted[1].pid, getpid());
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, 2), 2);
	own = found[found[0]->group ? 1 : 0];
	expect_delivered(found[0], "handler");
	expect_delivered(found[1], "handler");
	ck_assert(found[0]->group != found[1]->group);
	expect_sender(own, sender);
	expect_sender(found[found[0]->group ? 0 : 1], getpid());
	actor_end(&a);
}
END_TEST

static void *thread_that_ends(void *arg)
{
	block(SIGUSR1);
	__atomic_store_n(&shared->ints[0], gettid_(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->ints[1], __ATOMIC_SEQ_CST))
		usleep(500);
	return NULL;
}

static int loses_a_thread(void *arg)
{
	pthread_t thread;

	start_thread(&thread, thread_that_ends, NULL);
	wait_until(thread_is_up, NULL, PATIENCE_MS);
	say();
	hear();
	__atomic_store_n(&shared->ints[1], 1, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	return idle();
}

START_TEST(pending_signal_of_a_thread_that_ends)
{
	struct tracer t;
	struct actor a;

	actor_start(&a, loses_a_thread, NULL);
	tracer_start(&t, transport(_i));
	syscall(SYS_tgkill, a.pid, shared->ints[0], SIGUSR1);
	actor_step(&a);
	usleep(20000); /* pthread_join returns a little before the thread is quite gone */
	tracer_stop(&t, SIGTERM);
	expect_undelivered(tracer_only(&t, a.pid, SIGUSR1), "delivered", "gone");
	actor_end(&a);
}
END_TEST

/* ---- stop and continue ---- */

static bool is_stopped(void *arg)
{
	siginfo_t info = {};

	return !waitid(P_PID, *(pid_t *)arg, &info, WSTOPPED | WNOHANG) && info.si_pid;
}

START_TEST(stop_and_continue)
{
	int cont[] = { SIGCONT, 0 };
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_handles, cont);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGSTOP);
	ck_assert(wait_until(is_stopped, &a.pid, PATIENCE_MS));
	kill(a.pid, SIGCONT);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 2);
	e = tracer_only(&t, a.pid, SIGSTOP);
	expect_delivered(e, "default");
	expect_string(e, "ends", e->ends, "null");
	expect_sender(e, getpid());
	e = tracer_only(&t, a.pid, SIGCONT);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	actor_end(&a);
}
END_TEST

/* Continues the process, yet the signal itself is dropped when it is sent. */
START_TEST(continue_without_a_handler_is_ignored)
{
	struct tracer t;
	struct actor a;

	actor_start(&a, actor_plain, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGCONT);
	tracer_stop(&t, SIGTERM);
	expect_undelivered(tracer_only(&t, a.pid, SIGCONT), "ignored", "ignored");
	actor_end(&a);
}
END_TEST

START_TEST(continue_cancels_pending_stops)
{
	static const int stops[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU, 0 };
	struct tracer t;
	struct actor a;

	actor_start(&a, actor_blocks, signals);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 3; i++)
		kill(a.pid, stops[i]);
	kill(a.pid, SIGCONT);
	actor_step(&a);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->handled, 0);
	for (int i = 0; i < 3; i++)
		expect_undelivered(tracer_only(&t, a.pid, stops[i]), "delivered", "cancelled");
	actor_end(&a);
}
END_TEST

START_TEST(stop_cancels_a_pending_continue)
{
	int signals[] = { SIGCONT, SIGTSTP, 0 };
	struct tracer t;
	struct actor a;

	actor_start(&a, actor_blocks, signals);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGCONT);
	kill(a.pid, SIGTSTP);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(shared->noted[0].sig, SIGTSTP);
	expect_undelivered(tracer_only(&t, a.pid, SIGCONT), "delivered", "cancelled");
	expect_delivered(tracer_only(&t, a.pid, SIGTSTP), "handler");
	actor_end(&a);
}
END_TEST

START_TEST(killed_while_stopped)
{
	struct tracer t;
	struct actor a;

	actor_start(&a, actor_plain, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGSTOP);
	ck_assert(wait_until(is_stopped, &a.pid, PATIENCE_MS));
	kill(a.pid, SIGKILL);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGKILL);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 2);
	expect_ends(tracer_only(&t, a.pid, SIGKILL), "terminated");
}
END_TEST

START_TEST(terminated_once_it_goes_on)
{
	struct tracer t;
	struct actor a;

	actor_start(&a, actor_plain, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGSTOP);
	ck_assert(wait_until(is_stopped, &a.pid, PATIENCE_MS));
	kill(a.pid, SIGTERM);
	usleep(5000);
	kill(a.pid, SIGCONT);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGTERM);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, SIGKILL), 0);
	expect_ends(tracer_only(&t, a.pid, SIGTERM), "terminated");
}
END_TEST

/* ---- exec in a group of threads: the thread that execs becomes the first one ---- */

static void *execs(void *arg)
{
	char said[16], heard[16];
	char *argv[] = { "after-exec", "--unblock", said, "20", heard, NULL };

	block(SIGUSR1);
	__atomic_store_n(&shared->ints[0], gettid_(), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->ints[1], __ATOMIC_SEQ_CST))
		usleep(500);
	snprintf(said, sizeof(said), "%d", shared->ints[2]);
	snprintf(heard, sizeof(heard), "%d", shared->ints[3]);
	execv(SELF, argv);
	_exit(127);
}

static int threaded_exec(void *arg)
{
	pthread_t thread;

	block(SIGUSR1);
	fcntl(shared->ints[2], F_SETFD, 0);
	fcntl(shared->ints[3], F_SETFD, 0);
	start_thread(&thread, execs, NULL);
	wait_until(thread_is_up, NULL, PATIENCE_MS);
	say();
	hear();
	__atomic_store_n(&shared->ints[1], 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return 0;
}

/* What was pending for the process, or for the thread, before exec ends it afterwards. */
static void signal_across_exec(const char *name, bool thread, bool later)
{
	int ready[2], go[2];
	struct tracer t;
	struct actor a;
	struct event *e;
	char c;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
	shared->ints[2] = ready[1];
	shared->ints[3] = go[0];
	actor_start(&a, threaded_exec, NULL);
	tracer_start(&t, name);
	if (!later && thread)
		syscall(SYS_tgkill, a.pid, shared->ints[0], SIGUSR1);
	else if (!later)
		kill(a.pid, SIGUSR1);
	actor_go(&a);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	if (later)
		kill(a.pid, SIGUSR1);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGUSR1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, shared->ints[0], 0), 0);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 1);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_ends(e, "terminated");
	expect_sender(e, getpid());
}

START_TEST(process_signal_pending_across_exec)
{
	signal_across_exec(transport(_i), false, false);
}
END_TEST

START_TEST(thread_signal_pending_across_exec)
{
	signal_across_exec(transport(_i), true, false);
}
END_TEST

START_TEST(signal_after_exec_of_another_thread)
{
	signal_across_exec(transport(_i), false, true);
}
END_TEST

Suite *threads_suite(void)
{
	Suite *s = suite_create("threads");
	TCase *tc = live_case(s, "threads"), *stop = live_case(s, "stop");

	loop_all(tc, queued_signals_join_their_own_senders_in_order);
	loop_all(tc, long_queue_keeps_its_order);
	loop_all(tc, thread_directed_signal_names_the_thread);
	tcase_add_loop_test(tc, process_directed_signal_taken_by_another_thread, 0, 2 * WAYS);
	loop_all(tc, thread_and_process_queue_of_one_number);
	loop_all(tc, pending_signal_of_a_thread_that_ends);
	loop_all(tc, process_signal_pending_across_exec);
	loop_all(tc, thread_signal_pending_across_exec);
	loop_all(tc, signal_after_exec_of_another_thread);
	loop_all(stop, stop_and_continue);
	loop_all(stop, continue_without_a_handler_is_ignored);
	loop_all(stop, continue_cancels_pending_stops);
	loop_all(stop, stop_cancels_a_pending_continue);
	loop_all(stop, killed_while_stopped);
	loop_all(stop, terminated_once_it_goes_on);
	return s;
}
