// SPDX-License-Identifier: GPL-2.0
/* Signals that arrive, and who sent them. */
#include "tests/live/harness.h"

Suite *delivery_suite(void);

static int usr1[] = { SIGUSR1, 0 };

static int64_t rfc3339_ns(const char *text)
{
	struct tm tm = {};
	int ns, hours = 0, minutes = 0;
	char sign = '+', zone[8] = "";

	sscanf(text, "%d-%d-%dT%d:%d:%d.%d%7s", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
	       &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ns, zone);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (zone[0] != 'Z')
		sscanf(zone, "%c%d:%d", &sign, &hours, &minutes);
	return (timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60)) *
		       1000000000LL + ns;
}

START_TEST(kill_to_a_handler)
{
	char cmdline[4096], comm[17];
	int64_t before, after, time;
	struct tracer t;
	struct actor a;
	struct event *e;

	own_cmdline(cmdline, sizeof(cmdline));
	prctl(PR_GET_NAME, comm);
	actor_start(&a, actor_handles, usr1);
	tracer_start(&t, transport(_i));
	before = now_ns(CLOCK_REALTIME);
	kill(a.pid, SIGUSR1);
	wait_handled(1);
	after = now_ns(CLOCK_REALTIME);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_string(e, "signal", e->signal, "SIGUSR1");
	expect_string(e, "result", e->result, "delivered");
	expect_string(e, "code", e->code, "SI_USER");
	expect_delivered(e, "handler");
	expect_string(e, "ends", e->ends, "null");
	expect_sender(e, getpid());
	ck_assert_int_eq(e->sender.tid, getpid());
	ck_assert_int_eq(e->sender.uid, getuid());
	expect_string(e, "comm", e->sender.comm, comm);
	expect_string(e, "cmdline", e->sender.cmdline, cmdline);
	ck_assert(e->group);
	ck_assert_int_eq(e->target.tid, a.pid);
	expect_string(e, "comm", e->target.comm, comm);
	ck_assert_int_lt(e->latency, 1000000000);
	ck_assert_int_le(e->latency, after - before);
	time = rfc3339_ns(e->time);
	ck_assert_msg(time > before - 20000000 && time < after + 20000000,
		      "%s is %lld ns off", e->time, (long long)(time - before));
	actor_end(&a);
}
END_TEST

static void run_sender(char **argv)
{
	pid_t pid = fork();

	if (!pid) {
		execv(argv[0][0] == '/' ? argv[0] : SELF, argv);
		_exit(127);
	}
	ck_assert_int_eq(wait_status(pid), 0);
	shared->ints[0] = pid;
}

/*
 * Without the kernel's types arguments are read from /proc when a process execs: it may have
 * sent and ended before we got there. Then there are none, but never another's.
 */
static bool gone_too_soon(int i, const struct event *e)
{
	return !knows_types(i) && !strcmp(e->sender.cmdline, "null");
}

START_TEST(sender_that_is_gone_is_shown_with_its_arguments)
{
	char pid[16], cmdline[64];
	char *argv[] = { "/bin/kill", "-TERM", pid, NULL };
	struct tracer t;
	struct actor a;
	struct event *e;

	if (access("/bin/kill", X_OK))
		skip("no /bin/kill here");
	actor_start(&a, actor_plain, NULL);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	snprintf(cmdline, sizeof(cmdline), "/bin/kill -TERM %d", a.pid);
	tracer_start(&t, transport(_i));
	run_sender(argv);
	ck_assert_int_eq(WTERMSIG(actor_join(&a)), SIGTERM);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGTERM);
	expect_ends(e, "terminated");
	expect_sender(e, shared->ints[0]);
	expect_string(e, "comm", e->sender.comm, "kill");
	if (!gone_too_soon(_i, e))
		expect_string(e, "cmdline", e->sender.cmdline, cmdline);
}
END_TEST

START_TEST(long_command_line_of_a_sender_that_is_gone)
{
	char pid[16], *filler = malloc(3001), expected[64];
	char *argv[] = { "sender", "--kill", "10", pid, filler, NULL };
	struct tracer t;
	struct actor a;
	struct event *e;

	memset(filler, 'x', 3000);
	filler[3000] = 0;
	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	snprintf(expected, sizeof(expected), "sender --kill 10 %d xxxxxxxx", a.pid);
	tracer_start(&t, transport(_i));
	run_sender(argv);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_sender(e, shared->ints[0]);
	if (!gone_too_soon(_i, e)) {
		ck_assert_msg(!strncmp(e->sender.cmdline, expected, strlen(expected)), "%s", e->line);
		ck_assert_int_ge(strlen(e->sender.cmdline), 3000);
	}
	actor_end(&a);
}
END_TEST

START_TEST(same_pid_shows_the_new_arguments_after_exec)
{
	char pid[16], cmdline[64];
	char *argv[] = { "second-image", "--kill", "10", pid, NULL };
	struct event *found[2];
	struct tracer t;
	struct actor a;
	pid_t sender;

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	snprintf(cmdline, sizeof(cmdline), "second-image --kill 10 %d", a.pid);
	tracer_start(&t, transport(_i));
	sender = fork();
	if (!sender) {
		kill(a.pid, SIGUSR1);
		wait_handled(1);
		execv(SELF, argv);
		_exit(127);
	}
	ck_assert_int_eq(wait_status(sender), 0);
	wait_handled(2);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, 2), 2);
	expect_sender(found[0], sender);
	expect_sender(found[1], sender);
	ck_assert_str_ne(found[0]->sender.cmdline, cmdline);
	if (!gone_too_soon(_i, found[1]))
		expect_string(found[1], "cmdline", found[1]->sender.cmdline, cmdline);
	actor_end(&a);
}
END_TEST

#define FORKED 50

START_TEST(short_lived_children_each_with_the_inherited_command_line)
{
	struct event *found[FORKED];
	char cmdline[4096];
	pid_t pids[FORKED];
	struct tracer t;
	struct actor a;

	own_cmdline(cmdline, sizeof(cmdline));
	actor_start(&a, actor_handles, usr1);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < FORKED; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(kill(a.pid, SIGUSR1));
		ck_assert_int_eq(wait_status(pids[i]), 0);
		wait_handled(i + 1);
	}
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_find(&t, a.pid, SIGUSR1, found, FORKED), FORKED);
	for (int i = 0; i < FORKED; i++) {
		expect_sender(found[i], pids[i]);
		expect_delivered(found[i], "handler");
		expect_string(found[i], "cmdline", found[i]->sender.cmdline, cmdline);
	}
	actor_end(&a);
}
END_TEST

static int raises(void *arg)
{
	handle(SIGUSR1);
	say();
	hear();
	raise(SIGUSR1);
	return idle();
}

START_TEST(raise_is_sent_by_the_target_itself)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, raises, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_sender(e, a.pid);
	expect_delivered(e, "handler");
	expect_string(e, "code", e->code, "SI_TKILL");
	ck_assert(!e->group);
	actor_end(&a);
}
END_TEST

#define MEMBERS 3

/* A group of its own, with members; the command makes it signal them all. */
static int group_leader(void *arg)
{
	pid_t pids[MEMBERS];

	setpgid(0, 0);
	handle(SIGUSR1);
	for (int i = 0; i < MEMBERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		shared->ints[i] = pids[i];
	}
	say();
	if (hear())
		kill(0, SIGUSR1);
	idle();
	for (int i = 0; i < MEMBERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return 0;
}

START_TEST(a_group_gets_one_object_a_member)
{
	struct event *e;
	struct tracer t;
	struct actor a;

	actor_start(&a, group_leader, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(MEMBERS + 1);
	kill(-a.pid, SIGUSR1);
	wait_handled(2 * (MEMBERS + 1));
	tracer_stop(&t, SIGTERM);
	for (int i = -1; i < MEMBERS; i++) {
		pid_t pid = i < 0 ? a.pid : shared->ints[i];
		struct event *found[2];

		ck_assert_int_eq(tracer_find(&t, pid, SIGUSR1, found, 2), 2);
		for (int k = 0; k < 2; k++) {
			e = found[k];
			expect_delivered(e, "handler");
			expect_sender(e, k ? getpid() : a.pid);
			ck_assert(e->group);
		}
	}
	actor_end(&a);
}
END_TEST

static int sends_as_other(void *arg)
{
	if (setuid(OTHER_UID))
		return 1;
	say();
	hear();
	kill(*(pid_t *)arg, SIGUSR1);
	return idle();
}

static int handles_as_other(void *arg)
{
	if (setuid(OTHER_UID))
		return 1;
	return actor_handles(arg);
}

START_TEST(uid_of_a_sender_that_changed_it)
{
	struct actor a, sender;
	struct tracer t;
	struct event *e;

	need_tracing();
	actor_start(&a, handles_as_other, usr1);
	actor_start(&sender, sends_as_other, &a.pid);
	tracer_start(&t, transport(_i));
	actor_step(&sender);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_sender(e, sender.pid);
	ck_assert_int_eq(e->sender.uid, OTHER_UID);
	actor_end(&sender);
	actor_end(&a);
}
END_TEST

static int queues_value(void *arg)
{
	handle(SIGUSR1);
	say();
	hear();
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 7 });
	return idle();
}

START_TEST(sigqueue_has_its_own_code)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, queues_value, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_string(e, "code", e->code, "SI_QUEUE");
	expect_sender(e, a.pid);
	actor_end(&a);
}
END_TEST

/* Process 1 of a new namespace handles; its child signals it by that number. */
static int namespace_init(void *arg)
{
	pid_t pid;
	char link[16];
	ssize_t n;

	handle(SIGUSR1);
	say();
	hear();
	pid = fork();
	if (!pid) {
		/* procfs is the outer one's, and so is the number that it knows us by. */
		n = readlink("/proc/self", link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		shared->ints[0] = atoi(link);
		kill(1, SIGTERM); /* no effect: the first process of a namespace */
		_exit(kill(1, SIGUSR1));
	}
	waitpid(pid, NULL, 0);
	return idle();
}

/* The tracer has to start before: it must not become process 1 of the namespace itself. */
START_TEST(pids_are_those_of_the_initial_namespace)
{
	struct actor a;
	struct tracer t;
	struct event *e;

	need_tracing();
	need_initial_pids();
	tracer_start(&t, transport(_i));
	ck_assert_int_eq(unshare(CLONE_NEWPID), 0);
	actor_start(&a, namespace_init, NULL);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_delivered(e, "handler");
	expect_sender(e, shared->ints[0]);
	ck_assert_int_ne(shared->ints[0], 2);
	expect_undelivered(tracer_only(&t, a.pid, SIGTERM), "ignored", "ignored");
	actor_end(&a);
}
END_TEST

START_TEST(real_time_signals_are_counted_from_sigrtmin)
{
	int signals[] = { SIGRTMIN, SIGRTMIN + 3, SIGRTMIN + 30, 0 };
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_handles, signals);
	tracer_start(&t, transport(_i));
	for (int i = 0; i < 3; i++)
		kill(a.pid, signals[i]);
	wait_handled(3);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGRTMIN);
	expect_string(e, "signal", e->signal, "SIGRTMIN");
	e = tracer_only(&t, a.pid, SIGRTMIN + 3);
	expect_string(e, "signal", e->signal, "SIGRTMIN+3");
	e = tracer_only(&t, a.pid, SIGRTMIN + 30);
	expect_string(e, "signal", e->signal, "SIGRTMIN+30");
	actor_end(&a);
}
END_TEST

Suite *delivery_suite(void)
{
	Suite *s = suite_create("delivery");
	TCase *tc = live_case(s, "delivery");

	loop_all(tc, kill_to_a_handler);
	loop_all(tc, sender_that_is_gone_is_shown_with_its_arguments);
	loop_all(tc, long_command_line_of_a_sender_that_is_gone);
	loop_all(tc, same_pid_shows_the_new_arguments_after_exec);
	loop_all(tc, short_lived_children_each_with_the_inherited_command_line);
	loop_all(tc, raise_is_sent_by_the_target_itself);
	loop_all(tc, sigqueue_has_its_own_code);
	loop_all(tc, a_group_gets_one_object_a_member);
	loop_all(tc, uid_of_a_sender_that_changed_it);
	loop_all(tc, pids_are_those_of_the_initial_namespace);
	loop_all(tc, real_time_signals_are_counted_from_sigrtmin);
	return s;
}
