// SPDX-License-Identifier: GPL-2.0
/* Bursts: nothing is lost, or what is lost is counted to the last one. */
#include "tests/live/harness.h"

Suite *flood_suite(void);

#define FLOOD_MS 50000
#define DELIVERED "\"delivered\":true"

static void count_only(int sig)
{
	__atomic_fetch_add(&shared->handled, 1, __ATOMIC_SEQ_CST);
}

static void count_handled(int sig)
{
	struct sigaction sa = { .sa_handler = count_only };

	sigaction(sig, &sa, NULL);
}

/*
 * Queues ints[0] real-time signals at itself while they are blocked, then lets them in. The
 * queue's limit is each user's, so it becomes the user that arg points to.
 */
static int queues_at_itself(void *arg)
{
	int sig = SIGRTMIN + 1;

	if (setuid(*(int *)arg))
		return 1;
	count_handled(sig);
	block(sig);
	say();
	hear();
	for (int i = 0; i < shared->ints[0]; i++)
		if (sigqueue(getpid(), sig, (union sigval){ .sival_int = i }))
			return 1;
	unblock(sig);
	return idle();
}

static int kills_itself(void *arg)
{
	pid_t pid = getpid();

	count_handled(SIGUSR1);
	say();
	hear();
	for (int i = 0; i < shared->ints[0]; i++)
		kill(pid, SIGUSR1);
	return idle();
}

#define ACTORS 4

static void wait_flood(int times)
{
	for (int i = 0; i < FLOOD_MS && __atomic_load_n(&shared->handled, __ATOMIC_SEQ_CST) < times;
	     i++)
		usleep(1000);
	ck_assert_int_eq(shared->handled, times);
}

/* What is lost without BPF may be of any process: whose it was is only looked at here. It is said. */
static bool lost_others(const struct tracer *t, int times)
{
	return strstr(t->errors, "of whatever processes") && tracer_summary(t, "lost") &&
	       tracer_summary(t, "seen") <= times &&
	       tracer_summary(t, "seen") + tracer_summary(t, "lost") > times;
}

/*
 * actors of them do fn, times signals each, in turn or all at once. Only the summary's numbers
 * and the printed lines are compared: there are too many to parse.
 */
static void flood(struct tracer *t, const char *name, actor_fn *fn, int actors, int times,
		  bool in_turn, const char *buffer)
{
	struct tracer_setup setup = { .transport = name, .output = OUTPUT_COUNT,
				      .count_mark = DELIVERED };
	struct actor a[ACTORS];
	char pids[16 * ACTORS] = "";
	int uids[ACTORS];

	need_tracing();
	for (int i = 0; i < actors; i++) {
		uids[i] = OTHER_UID + i;
		actor_start(&a[i], fn, &uids[i]);
		sprintf(pids + strlen(pids), "%s%d", i ? "," : "", a[i].pid);
	}
	shared->ints[0] = times;
	/* NULL ends the arguments where there is no buffer. */
	tracer_start_with(t, &setup, "--to", pids, buffer ? "--buffer" : NULL, buffer, NULL);
	for (int i = 0; i < actors; i++) {
		actor_go(&a[i]);
		if (in_turn || i == actors - 1)
			wait_flood(in_turn ? (i + 1) * times : actors * times);
	}
	times *= actors;
	kill(t->pid, SIGTERM);
	tracer_finish_within(t, FLOOD_MS);
	ck_assert_int_eq(tracer_exit_code(t), 0);
	for (int i = 0; i < actors; i++)
		ck_assert_int_eq(actor_end(&a[i]), 0);
	ck_assert_msg(tracer_summary(t, "seen") >= 0, "no summary: %s", t->errors);
	ck_assert_int_eq(tracer_summary(t, "shown"), t->lines);
	ck_assert_msg(tracer_summary(t, "seen") + tracer_summary(t, "lost") == times ||
			      lost_others(t, times),
		      "%d sent: %s", times, t->errors);
}

static void need_queue(rlim_t room)
{
	struct rlimit limit;

	getrlimit(RLIMIT_SIGPENDING, &limit);
	if (limit.rlim_cur < room)
		skip("needs room for %lu queued signals a user (ulimit -i), this has %lu",
		     (unsigned long)room, (unsigned long)limit.rlim_cur);
}

START_TEST(burst_of_100000_queued_loses_none)
{
	struct tracer t;

	need_queue(100000 / ACTORS);
	flood(&t, transport(_i), queues_at_itself, ACTORS, 100000 / ACTORS, true, NULL);
	ck_assert_msg(tracer_summary(&t, "lost") == 0, "%s", t.errors);
	ck_assert_int_eq(t.lines, 100000);
	ck_assert_int_eq(t.marked, 100000);
}
END_TEST

/* More senders at once than there may be CPUs: the reader gets its turn late. */
START_TEST(burst_of_several_at_once_is_accounted_for)
{
	struct tracer t;

	need_queue(100000 / ACTORS);
	flood(&t, transport(_i), queues_at_itself, ACTORS, 100000 / ACTORS, false, NULL);
	ck_assert_int_gt(t.lines, 0);
}
END_TEST

START_TEST(million_at_oneself_is_accounted_for)
{
	struct tracer t;

	flood(&t, transport(_i), kills_itself, 1, 1000000, true, NULL);
	if (!tracer_summary(&t, "lost") && !strstr(t.errors, "records")) {
		ck_assert_int_eq(t.lines, 1000000);
		ck_assert_int_eq(t.marked, 1000000);
	}
}
END_TEST

START_TEST(tiny_buffer_counts_what_it_loses)
{
	struct tracer t;

	flood(&t, transport(_i), kills_itself, 1, 200000, true, "4096");
	ck_assert_msg(tracer_summary(&t, "lost") > 0, "nothing lost: %s", t.errors);
	ck_assert_int_gt(t.lines, 0);
}
END_TEST

START_TEST(tiny_buffer_with_queued_signals)
{
	struct tracer t;

	need_queue(50000);
	flood(&t, transport(_i), queues_at_itself, 1, 50000, true, "4096");
	ck_assert_int_gt(t.lines, 0);
}
END_TEST

/* Losses leave holes, not lies: what is told of a lone signal afterwards is right again. */
START_TEST(after_losses_it_is_exact_again)
{
	struct tracer_setup setup = { .transport = transport(_i), .output = OUTPUT_FILE };
	int usr2[] = { SIGUSR2, 0 };
	struct actor a, b;
	struct tracer t;
	struct event *e;
	char pids[32];

	actor_start(&a, kills_itself, NULL);
	actor_start(&b, actor_handles, usr2);
	shared->ints[0] = 20000;
	snprintf(pids, sizeof(pids), "%d,%d", a.pid, b.pid);
	tracer_start_with(&t, &setup, "--to", pids, "--buffer", "4096", NULL);
	actor_step(&a);
	usleep(200000);
	shared->handled = 0;
	kill(b.pid, SIGUSR2);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, b.pid, SIGUSR2);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	actor_end(&a);
	actor_end(&b);
}
END_TEST

START_TEST(ended_right_after_a_burst_loses_none)
{
	struct tracer_setup setup = { .transport = transport(_i), .output = OUTPUT_COUNT,
				      .count_mark = DELIVERED };
	int uid = OTHER_UID;
	struct tracer t;
	struct actor a;
	char pid[16];

	need_tracing();
	actor_start(&a, queues_at_itself, &uid);
	shared->ints[0] = 5000;
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start_with(&t, &setup, "--to", pid, NULL);
	actor_step(&a); /* its word comes after the last handler */
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	ck_assert_int_eq(shared->handled, 5000);
	ck_assert_int_eq(tracer_summary(&t, "lost"), 0);
	ck_assert_int_eq(t.lines, 5000);
	ck_assert_int_eq(t.marked, 5000);
	actor_end(&a);
}
END_TEST

Suite *flood_suite(void)
{
	Suite *s = suite_create("flood");
	TCase *tc = live_case(s, "flood");

	tcase_set_timeout(tc, 120);
	loop_all(tc, burst_of_100000_queued_loses_none);
	loop_all(tc, burst_of_several_at_once_is_accounted_for);
	loop_all(tc, million_at_oneself_is_accounted_for);
	loop_all(tc, tiny_buffer_counts_what_it_loses);
	loop_all(tc, tiny_buffer_with_queued_signals);
	loop_all(tc, after_losses_it_is_exact_again);
	loop_all(tc, ended_right_after_a_burst_loses_none);
	return s;
}
