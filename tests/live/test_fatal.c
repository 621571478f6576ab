// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that end their target. One that simply kills never reaches signal_deliver under
 * its own number: it has to be one object all the same, and the SIGKILL that the kernel
 * turns it into must not be another.
 */
#include "tests/live/harness.h"

#include <dirent.h>
#include <limits.h>

Suite *fatal_suite(void);

#define THREADS 4

static const int KILLERS[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGPIPE, 34 };
#define KILLERS_LEN (int)(sizeof(KILLERS) / sizeof(*KILLERS))

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static int threaded(void *arg)
{
	pthread_t thread;

	for (int i = 1; i < THREADS; i++)
		start_thread(&thread, sleeper, NULL);
	return idle();
}

/* Sends it the signal; checks the one object that has to come of it. */
static void check_killed(const char *name, actor_fn *fn, int sig, const char *ends)
{
	int64_t before, after;
	struct tracer t;
	struct actor a;
	struct event *e;
	int status;

	actor_start(&a, fn, NULL);
	tracer_start(&t, name);
	before = now_ns(CLOCK_MONOTONIC);
	kill(a.pid, sig);
	status = actor_join(&a);
	after = now_ns(CLOCK_MONOTONIC);
	tracer_stop(&t, SIGTERM);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), sig);
	ck_assert_int_eq(!!WCOREDUMP(status), !strcmp(ends, "core"));
	e = tracer_only(&t, a.pid, 0);
	ck_assert_int_eq(e->signo, sig);
	expect_ends(e, ends);
	expect_sender(e, getpid());
	expect_string(e, "code", e->code, "SI_USER");
	ck_assert_msg(e->latency <= after - before, "latency over %lld:\n  %s",
		      (long long)(after - before), e->line);
}

START_TEST(killing_default_is_one_object)
{
	check_killed(transport(_i % WAYS), actor_plain, KILLERS[_i / WAYS], "terminated");
}
END_TEST

START_TEST(killing_default_of_many_threads_is_one_object)
{
	check_killed(transport(_i % WAYS), threaded, KILLERS[_i / WAYS], "terminated");
}
END_TEST

START_TEST(sigkill_is_one_object)
{
	check_killed(transport(_i), actor_plain, SIGKILL, "terminated");
}
END_TEST

START_TEST(sigkill_of_many_threads_is_one_object)
{
	check_killed(transport(_i), threaded, SIGKILL, "terminated");
}
END_TEST

/* The latency of a kill reaches to the end of the process, not to some earlier step. */
static int ends_late(void *arg)
{
	size_t size = 256 << 20;
	char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; room != MAP_FAILED && i < size; i += 4096)
		room[i] = 1;
	return idle();
}

START_TEST(latency_of_a_kill_covers_the_end_of_the_process)
{
	int64_t before, after;
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, ends_late, NULL);
	tracer_start(&t, transport(_i));
	before = now_ns(CLOCK_MONOTONIC);
	kill(a.pid, SIGTERM);
	actor_join(&a);
	after = now_ns(CLOCK_MONOTONIC);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, 0);
	expect_ends(e, "terminated");
	ck_assert_int_le(e->latency, after - before);
}
END_TEST

static int without_core(void *arg)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	return idle();
}

static int with_core(void *arg)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	return idle();
}

static int threaded_with_core(void *arg)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	return threaded(arg);
}

static const int DUMPERS[] = { SIGQUIT, SIGABRT, SIGSEGV };
#define DUMPERS_LEN 3

START_TEST(core_action_without_room_for_a_core_terminates)
{
	check_killed(transport(_i % WAYS), without_core, DUMPERS[_i / WAYS], "terminated");
}
END_TEST

/* core_pattern is the machine's: saved and set around the case, in the runner itself. */
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static char core_dir[] = "/tmp/portrace-live-XXXXXX", core_pattern[4096];

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void set_core_pattern(void)
{
	char pattern[64], *old = read_whole(CORE_PATTERN, NULL);

	if (!old || geteuid() || !mkdtemp(core_dir)) {
		free(old);
		return;
	}
	snprintf(core_pattern, sizeof(core_pattern), "%s", old);
	free(old);
	snprintf(pattern, sizeof(pattern), "%s/core", core_dir);
	if (!write_file(CORE_PATTERN, pattern))
		core_pattern[0] = 0;
}

static void remove_cores(void)
{
	struct dirent *entry;
	DIR *dir = opendir(core_dir);

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (rmdir(core_dir))
		fprintf(stderr, "%s is left\n", core_dir);
}

static void restore_core_pattern(void)
{

	if (core_pattern[0] && !write_file(CORE_PATTERN, core_pattern))
		fprintf(stderr, "%s is not restored, it was: %s\n", CORE_PATTERN, core_pattern);
	core_pattern[0] = 0;
	if (!strstr(core_dir, "XXXXXX"))
		remove_cores();
}

START_TEST(core_action_dumps_core)
{
	if (!core_pattern[0])
		skip("cannot set " CORE_PATTERN);
	check_killed(transport(_i % WAYS), with_core, DUMPERS[_i / WAYS], "core");
}
END_TEST

START_TEST(core_action_of_many_threads_dumps_core)
{
	if (!core_pattern[0])
		skip("cannot set " CORE_PATTERN);
	check_killed(transport(_i), threaded_with_core, SIGQUIT, "core");
}
END_TEST

static int leaves(void *arg)
{
	threaded_with_core(arg);
	_exit(3);
}

START_TEST(exit_of_a_threaded_process_is_no_signal)
{
	struct tracer t;
	struct actor a;

	actor_start(&a, leaves, NULL);
	tracer_start(&t, transport(_i));
	ck_assert_int_eq(WEXITSTATUS(actor_end(&a)), 3);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 0);
}
END_TEST

/* Two that both kill: the first ends the process, the second finds it ending or gone. */
static int blocked_pair(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say();
	hear();
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return idle();
}

START_TEST(of_two_killing_signals_only_one_ends)
{
	struct tracer t;
	struct actor a;
	int sig;

	actor_start(&a, blocked_pair, NULL);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGTERM);
	kill(a.pid, SIGUSR1);
	actor_go(&a);
	sig = WTERMSIG(actor_join(&a));
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, a.pid, 0), 2);
	expect_ends(tracer_only(&t, a.pid, sig), "terminated");
	expect_undelivered(tracer_only(&t, a.pid, sig == SIGTERM ? SIGUSR1 : SIGTERM),
			   "delivered", "gone");
}
END_TEST

/* A zombie takes signals and does nothing with them. */
START_TEST(a_zombie_gets_no_object_that_claims_delivery)
{
	struct event *found[2];
	struct tracer t;
	struct actor a;
	siginfo_t info;
	size_t n;

	actor_start(&a, actor_plain, NULL);
	tracer_start(&t, transport(_i));
	close(a.to);
	waitid(P_PID, a.pid, &info, WEXITED | WNOWAIT);
	kill(a.pid, SIGTERM);
	waitpid(a.pid, NULL, 0);
	tracer_stop(&t, SIGTERM);
	n = tracer_find(&t, a.pid, SIGTERM, found, 2);
	ck_assert_int_le(n, 1);
	if (n)
		ck_assert_msg(!found[0]->delivered, "%s", found[0]->line);
}
END_TEST

START_TEST(text_tells_a_kill_in_one_line)
{
	char sender[32], target[32], *line, *end, *arrow;
	struct tracer t;
	struct actor a;
	int lines = 0;

	actor_start(&a, actor_plain, NULL);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = transport(_i), .text = true },
			  NULL);
	kill(a.pid, SIGTERM);
	actor_join(&a);
	tracer_stop(&t, SIGTERM);
	ck_assert_ptr_nonnull(t.data);
	snprintf(sender, sizeof(sender), "(%d)", getpid());
	snprintf(target, sizeof(target), "(%d)", a.pid);
	for (line = t.data; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		arrow = strstr(line, "→");
		if (!arrow || !strstr(arrow, target))
			continue;
		lines++;
		ck_assert_msg(strstr(line, "SIGTERM") && strstr(line, sender) &&
			      strstr(line, "delivered after") &&
			      strstr(line, "default action: terminates"), "%s", line);
	}
	ck_assert_int_eq(lines, 1);
}
END_TEST

Suite *fatal_suite(void)
{
	Suite *s = suite_create("fatal");
	TCase *tc = live_case(s, "fatal"), *core = live_case(s, "core");

	tcase_add_loop_test(tc, killing_default_is_one_object, 0, WAYS * KILLERS_LEN);
	tcase_add_loop_test(tc, killing_default_of_many_threads_is_one_object, 0,
			    WAYS * KILLERS_LEN);
	loop_all(tc, sigkill_is_one_object);
	loop_all(tc, sigkill_of_many_threads_is_one_object);
	loop_all(tc, latency_of_a_kill_covers_the_end_of_the_process);
	tcase_add_loop_test(tc, core_action_without_room_for_a_core_terminates, 0,
			    WAYS * DUMPERS_LEN);
	loop_all(tc, exit_of_a_threaded_process_is_no_signal);
	loop_all(tc, of_two_killing_signals_only_one_ends);
	loop_all(tc, a_zombie_gets_no_object_that_claims_delivery);
	loop_all(tc, text_tells_a_kill_in_one_line);
	tcase_add_unchecked_fixture(core, set_core_pattern, restore_core_pattern);
	tcase_add_loop_test(core, core_action_dumps_core, 0, WAYS * DUMPERS_LEN);
	loop_all(core, core_action_of_many_threads_dumps_core);
	return s;
}
