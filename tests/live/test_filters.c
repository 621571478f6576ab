// SPDX-License-Identifier: GPL-2.0
/*
 * Filters. Two senders (the second another user's) send two signals to each of two targets:
 * eight in all, of which each filter has to show exactly those it names, and nothing else of
 * the whole machine that it does not.
 */
#include "tests/live/harness.h"

#include <linux/sched.h>

Suite *filters_suite(void);

enum { S1 = 1, S2 = 2, T1 = 1, T2 = 2, U1 = 1, U2 = 2, ALL = 3 };

struct stage {
	struct actor senders[2], targets[2];
	char pids[4][16]; /* senders, targets */
};

static const int SIGNALS[] = { SIGUSR1, SIGUSR2 };

static int both[] = { SIGUSR1, SIGUSR2, 0 };

static int target_one(void *arg)
{
	prctl(PR_SET_NAME, "live-tgt-one");
	return setuid(OTHER_UID) ? 1 : actor_handles(both);
}

static int target_two(void *arg)
{
	prctl(PR_SET_NAME, "live-tgt-two");
	return setuid(OTHER_UID) ? 1 : actor_handles(both);
}

/* Sends ints[1] to ints[0] at each command. */
static int send_as_told(void)
{
	say();
	while (hear()) {
		if (kill(shared->ints[0], shared->ints[1]))
			return 1;
		say();
	}
	return 0;
}

static int sender_one(void *arg)
{
	prctl(PR_SET_NAME, "live-snd-one");
	return send_as_told();
}

static int sender_two(void *arg)
{
	prctl(PR_SET_NAME, "live-snd-two");
	return setuid(OTHER_UID) ? 1 : send_as_told();
}

static void set_stage(struct stage *stage)
{
	need_tracing();
	actor_start(&stage->targets[0], target_one, NULL);
	actor_start(&stage->targets[1], target_two, NULL);
	actor_start(&stage->senders[0], sender_one, NULL);
	actor_start(&stage->senders[1], sender_two, NULL);
	for (int i = 0; i < 2; i++) {
		snprintf(stage->pids[i], 16, "%d", stage->senders[i].pid);
		snprintf(stage->pids[2 + i], 16, "%d", stage->targets[i].pid);
	}
}

static void play(struct stage *stage)
{
	for (int i = 0; i < 8; i++) {
		shared->ints[0] = stage->targets[i >> 1 & 1].pid;
		shared->ints[1] = SIGNALS[i >> 2];
		actor_step(&stage->senders[i & 1]);
		wait_handled(shared->ints[2] + i + 1);
	}
	shared->ints[2] += 8;
}

static void clear_stage(struct stage *stage)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(actor_end(&stage->senders[i]), 0);
		ck_assert_int_eq(actor_end(&stage->targets[i]), 0);
	}
}

/* Bits of the senders, targets and signals that may be shown: all in the product have to. */
struct shown {
	int senders, targets, signals;
};

static bool expected_one(const struct shown *sets, int count, int s, int t, int u)
{
	for (int i = 0; i < count; i++)
		if (sets[i].senders >> s & sets[i].targets >> t & sets[i].signals >> u & 1)
			return true;
	return false;
}

static void compare(const struct tracer *t, const struct stage *stage, const struct shown *sets,
		    int count, bool others)
{
	size_t expected = 0;

	for (int i = 0; i < 8; i++) {
		int s = i & 1, to = i >> 1 & 1, u = i >> 2, seen = 0;

		for (size_t k = 0; k < t->count; k++) {
			struct event *e = &t->events[k];

			seen += e->sender.pid == stage->senders[s].pid &&
				e->target.pid == stage->targets[to].pid &&
				e->signo == SIGNALS[u] && e->delivered;
		}
		ck_assert_msg(seen == expected_one(sets, count, s, to, u),
			      "%d of sender %d to target %d with signal %d", seen, s + 1, to + 1,
			      SIGNALS[u]);
		expected += seen;
	}
	if (!others)
		ck_assert_msg(t->count == expected, "%zu shown, expected %zu; the last:\n  %s",
			      t->count, expected, t->events[t->count - 1].line);
}

#define with_filter(i, sets, others, ...)                                                    \
	do {                                                                                 \
		struct tracer t_;                                                            \
		tracer_start(&t_, transport(i), __VA_ARGS__);                                \
		play(&stage);                                                                \
		tracer_stop(&t_, SIGTERM);                                                   \
		ck_assert_int_eq(tracer_exit_code(&t_), 0);                                  \
		compare(&t_, &stage, (sets), sizeof(sets) / sizeof(*(sets)), (others));      \
		clear_stage(&stage);                                                         \
	} while (0)

START_TEST(pid_is_either_side)
{
	static const struct shown sender[] = { { S1, ALL, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sender, false, "-p", stage.pids[0]);
}
END_TEST

START_TEST(pid_of_a_target)
{
	static const struct shown target[] = { { ALL, T2, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, target, false, "--pid", stage.pids[3]);
}
END_TEST

START_TEST(several_pids)
{
	static const struct shown sets[] = { { S1, ALL, ALL }, { ALL, T2, ALL } };
	struct stage stage;
	char list[64];

	set_stage(&stage);
	snprintf(list, sizeof(list), "%s,%s", stage.pids[0], stage.pids[3]);
	with_filter(_i, sets, false, "-p", list);
}
END_TEST

START_TEST(from)
{
	static const struct shown sets[] = { { S2, ALL, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "--from", stage.pids[1]);
}
END_TEST

START_TEST(to)
{
	static const struct shown sets[] = { { ALL, T1, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "--to", stage.pids[2]);
}
END_TEST

START_TEST(from_and_to)
{
	static const struct shown sets[] = { { S1, T2, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "--from", stage.pids[0], "--to", stage.pids[3]);
}
END_TEST

/* Others on the machine send these two as well: only what is here is compared. */
START_TEST(signals)
{
	static const struct shown sets[] = { { ALL, ALL, U2 } };
	static const char *const forms[] = { "USR2", "SIGUSR2", "12", "usr2,KILL", "RTMIN+3,USR2" };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i % WAYS, sets, true, "-s", forms[_i / WAYS]);
}
END_TEST

START_TEST(signals_leave_others_out)
{
	struct stage stage;
	struct tracer t;

	set_stage(&stage);
	tracer_start(&t, transport(_i), "-s", "USR2");
	play(&stage);
	clear_stage(&stage);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_ge(t.count, 4);
	ck_assert_int_eq(count_events(&t, 0, SIGUSR2), t.count);
}
END_TEST

START_TEST(user)
{
	static const struct shown sets[] = { { S2, ALL, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "-u", "54321");
}
END_TEST

START_TEST(command_of_a_sender)
{
	static const struct shown sets[] = { { S1, ALL, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "-c", "live-snd-one");
}
END_TEST

START_TEST(command_of_a_target)
{
	static const struct shown sets[] = { { ALL, T2, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "-c", "live-tgt-two");
}
END_TEST

START_TEST(commands_of_both)
{
	static const struct shown sets[] = { { S2, ALL, ALL }, { ALL, T1, ALL } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "-c", "live-snd-two", "-c", "live-tgt-one");
}
END_TEST

START_TEST(all_kinds_together)
{
	static const struct shown sets[] = { { S2, T1, U1 } };
	struct stage stage;

	set_stage(&stage);
	with_filter(_i, sets, false, "-s", "USR1", "-u", "54321", "--to", stage.pids[2], "-c",
		    "live-tgt-one", "-p", stage.pids[1]);
}
END_TEST

START_TEST(filters_that_exclude_each_other_show_nothing)
{
	struct stage stage;
	struct tracer t;

	set_stage(&stage);
	tracer_start(&t, transport(_i), "--from", stage.pids[0], "-u", "54321");
	play(&stage);
	clear_stage(&stage);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(t.count, 0);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
}
END_TEST

/* ---- a process is all of its threads, those to come as well ---- */

static void *waits(void *arg)
{
	__atomic_store_n(&shared->ints[4], gettid_(), __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

static void *sends(void *arg)
{
	__atomic_store_n(&shared->ints[4], gettid_(), __ATOMIC_SEQ_CST);
	kill(shared->ints[0], SIGUSR1);
	return NULL;
}

static bool has_thread(void *arg)
{
	return __atomic_load_n(&shared->ints[4], __ATOMIC_SEQ_CST) != 0;
}

static int grows_a_thread(void *arg)
{
	void *(*fn)(void *) = arg;
	pthread_t thread;

	handle(SIGUSR1);
	say();
	hear();
	start_thread(&thread, fn, NULL);
	wait_until(has_thread, NULL, PATIENCE_MS);
	return idle();
}

static void new_thread(int i, const char *option)
{
	struct tracer t;
	struct actor a;
	char pid[16];
	struct event *e;

	actor_start(&a, grows_a_thread, waits);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(i), option, pid);
	actor_step(&a);
	syscall(SYS_tgkill, a.pid, shared->ints[4], SIGUSR1);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_delivered(e, "handler");
	ck_assert_int_eq(e->target.tid, shared->ints[4]);
	actor_end(&a);
}

/* As fork(), with that process id. A kernel that knows clone3() without set_tid says E2BIG. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* Whether a process has ended may be asked for once a second. */
START_TEST(process_that_gets_a_watched_id_later_is_not_watched)
{
	int usr1[] = { SIGUSR1, 0 };
	struct timespec second = { .tv_sec = 1, .tv_nsec = 500000000 };
	struct tracer t;
	struct actor a;
	char pid[16];
	pid_t child;

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "-p", pid);
	kill(a.pid, SIGUSR1);
	wait_handled(1);
	actor_end(&a);
	nanosleep(&second, NULL);
	child = fork_as(a.pid);
	if (!child)
		for (;;)
			pause();
	if (child < 0 && (errno == ENOSYS || errno == E2BIG || errno == EPERM))
		skip("needs clone3() with set_tid (Linux 5.5)");
	ck_assert_int_eq(child, a.pid);
	kill(child, SIGUSR2);
	ck_assert_int_eq(WTERMSIG(wait_status(child)), SIGUSR2);
	tracer_stop(&t, SIGTERM);
	expect_delivered(tracer_only(&t, a.pid, SIGUSR1), "handler");
	ck_assert_uint_eq(count_events(&t, a.pid, SIGUSR2), 0);
}
END_TEST

START_TEST(to_a_thread_created_while_tracing)
{
	new_thread(_i, "--to");
}
END_TEST

START_TEST(pid_with_a_thread_created_while_tracing)
{
	new_thread(_i, "-p");
}
END_TEST

START_TEST(from_a_thread_created_while_tracing)
{
	int usr1[] = { SIGUSR1, 0 };
	struct actor a, target;
	struct tracer t;
	struct event *e;
	char pid[16];

	actor_start(&target, actor_handles, usr1);
	shared->ints[0] = target.pid;
	actor_start(&a, grows_a_thread, sends);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "--from", pid);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, target.pid, SIGUSR1);
	expect_sender(e, a.pid);
	ck_assert_int_eq(e->sender.tid, shared->ints[4]);
	actor_end(&a);
	actor_end(&target);
}
END_TEST

START_TEST(fatal_signal_with_every_filter)
{
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_plain, NULL);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "--to", pid, "-s", "TERM");
	kill(a.pid, SIGTERM);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGTERM);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(t.count, 1);
	expect_ends(tracer_only(&t, a.pid, SIGTERM), "terminated");
}
END_TEST

START_TEST(fatal_signal_with_from)
{
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_plain, NULL);
	snprintf(pid, sizeof(pid), "%d", getpid());
	tracer_start(&t, transport(_i), "--from", pid, "-s", "TERM");
	kill(a.pid, SIGTERM);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGTERM);
	tracer_stop(&t, SIGINT);
	ck_assert_int_eq(t.count, 1);
	expect_ends(tracer_only(&t, a.pid, SIGTERM), "terminated");
}
END_TEST

Suite *filters_suite(void)
{
	Suite *s = suite_create("filters");
	TCase *tc = live_case(s, "filters");

	loop_all(tc, pid_is_either_side);
	loop_all(tc, pid_of_a_target);
	loop_all(tc, several_pids);
	loop_all(tc, from);
	loop_all(tc, to);
	loop_all(tc, from_and_to);
	tcase_add_loop_test(tc, signals, 0, 5 * WAYS);
	loop_all(tc, signals_leave_others_out);
	loop_all(tc, user);
	loop_all(tc, command_of_a_sender);
	loop_all(tc, command_of_a_target);
	loop_all(tc, commands_of_both);
	loop_all(tc, all_kinds_together);
	loop_all(tc, filters_that_exclude_each_other_show_nothing);
	loop_all(tc, process_that_gets_a_watched_id_later_is_not_watched);
	loop_all(tc, to_a_thread_created_while_tracing);
	loop_all(tc, pid_with_a_thread_created_while_tracing);
	loop_all(tc, from_a_thread_created_while_tracing);
	loop_all(tc, fatal_signal_with_every_filter);
	loop_all(tc, fatal_signal_with_from);
	return s;
}
