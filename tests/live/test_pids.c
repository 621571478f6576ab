// SPDX-License-Identifier: GPL-2.0
/*
 * In a pid namespace of its own, as a container has, with its own /proc: processes are named by the
 * ids that they have there, and shown by those of the machine. The test itself stays outside.
 */
#include "tests/live/harness.h"

#include <dirent.h>
#include <linux/bpf.h>

#include "compat/caps.h"

Suite *pids_suite(void);

static struct actor first; /* process 1 of the namespace, which it lasts as long as */
static struct tracer tracer;

static int sleeps(void *arg)
{
	say();
	return idle();
}

static void begin(void)
{
	need_tracing();
	need_initial_pids();
	ck_assert_int_eq(unshare(CLONE_NEWPID), 0);
	actor_start(&first, sleeps, NULL);
}

static void own_proc(void *arg)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		_exit(99);
}

/* An iterator over threads, and the types it reads them by, if it is not told to do without. */
static bool translates(int way)
{
	const char *name = transport(way);
	struct caps caps = { 0 };
	bool can;

	if (getenv("PORTRACE_GATE") || !strcmp(name, "tracefs") || !strcmp(name, "older"))
		return false;
	can = !access("/sys/kernel/btf/vmlinux", R_OK) &&
	      caps_ask(&caps, CAP_TRACING) == CAP_YES &&
	      caps_helper(&caps, BPF_PROG_TYPE_TRACING, BPF_FUNC_seq_write) != CAP_NO;
	caps_fini(&caps);
	return can;
}

static void *pauses(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

/* Says what it is called in its namespace; with one thread more, another with each command. */
static int receives(void *place)
{
	pthread_t thread;

	handle(SIGUSR1);
	*(int *)place = getpid();
	start_thread(&thread, pauses, NULL);
	say();
	while (hear()) {
		start_thread(&thread, pauses, NULL);
		say();
	}
	return 0;
}

static int sends(void *target)
{
	shared->ints[1] = getpid();
	say();
	while (hear()) {
		kill(*(int *)target, SIGUSR1);
		say();
	}
	return 0;
}

static void start_inside(struct actor *a, actor_fn *fn, int *here)
{
	actor_start(a, fn, here);
	ck_assert_int_ne(*here, a->pid);
}

/* Starts it in the namespace, with a process named there by that option. */
static void start(int way, const char *option, int id, bool no_wait)
{
	struct tracer_setup setup = {
		.transport = transport(way), .prepare = own_proc, .no_wait = no_wait,
	};
	char text[16];

	snprintf(text, sizeof(text), "%d", id);
	tracer_start_with(&tracer, &setup, option, text, NULL);
}

static void trace(int way, const char *option, int id)
{
	start(way, option, id, !translates(way));
}

/* What it says instead of watching some other process. */
static void expect_refused(void)
{
	tracer_finish(&tracer);
	ck_assert_msg(tracer_exit_code(&tracer) == 4, "%d: %s", tracer_exit_code(&tracer), tracer.errors);
	ck_assert_uint_eq(tracer.count, 0);
	ck_assert_msg(strstr(tracer.errors, "of this pid namespace: its id on the machine: "), "%s",
		      tracer.errors);
	ck_assert_msg(strstr(tracer.errors, "--pid=host"), "%s", tracer.errors);
}

static void expect_told(int here, int there)
{
	char line[96];

	snprintf(line, sizeof(line), "portrace: ids are the machine's: process %d here is %d there\n",
		 here, there);
	ck_assert_msg(strstr(tracer.errors, line) != NULL, "no '%s' in %s", line, tracer.errors);
}

START_TEST(process_is_named_by_its_id_in_the_namespace)
{
	struct actor a, b;

	start_inside(&a, receives, &shared->ints[0]);
	start_inside(&b, receives, &shared->ints[1]);
	trace(_i, "-p", shared->ints[0]);
	if (!translates(_i)) {
		expect_refused();
		return;
	}
	for (int i = 1; i <= 3; i++) {
		ck_assert_int_eq(kill(b.pid, SIGUSR1), 0);
		ck_assert_int_eq(kill(a.pid, SIGUSR1), 0);
		wait_handled(2 * i);
	}
	tracer_stop(&tracer, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&tracer), 0);
	ck_assert_uint_eq(count_events(&tracer, a.pid, SIGUSR1), 3);
	ck_assert_uint_eq(count_events(&tracer, 0, SIGUSR1), 3);
	for (size_t i = 0; i < tracer.count; i++)
		expect_sender(&tracer.events[i], getpid());
	expect_told(shared->ints[0], a.pid);
}
END_TEST

/* To each of its threads, by tgkill; /proc is the test's, and so are the ids. */
static int signal_threads(pid_t pid, int *tids, int max)
{
	char path[64];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) > 0 && count < max)
			tids[count++] = atoi(entry->d_name);
	closedir(dir);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(syscall(SYS_tgkill, pid, tids[i], SIGUSR1), 0);
	return count;
}

/* Those that it has by then, and those that it makes afterwards. */
START_TEST(threads_of_a_process_of_the_namespace_are_watched)
{
	struct actor a;
	int tids[4], count;

	start_inside(&a, receives, &shared->ints[0]);
	trace(_i, "--to", shared->ints[0]);
	if (!translates(_i)) {
		expect_refused();
		return;
	}
	actor_step(&a);
	count = signal_threads(a.pid, tids, 4);
	ck_assert_int_eq(count, 3);
	wait_handled(3);
	tracer_stop(&tracer, SIGTERM);
	ck_assert_uint_eq(count_events(&tracer, 0, SIGUSR1), 3);
	for (int i = 0; i < 3; i++) {
		size_t found = 0;

		for (size_t k = 0; k < tracer.count; k++)
			found += tracer.events[k].target.tid == tids[i] &&
				 tracer.events[k].target.pid == a.pid;
		ck_assert_uint_eq(found, 1);
	}
}
END_TEST

START_TEST(sender_is_named_by_its_id_in_the_namespace)
{
	struct actor a, b;

	start_inside(&a, receives, &shared->ints[0]);
	actor_start(&b, sends, &shared->ints[0]);
	trace(_i, "--from", shared->ints[1]);
	if (!translates(_i)) {
		expect_refused();
		return;
	}
	ck_assert_int_eq(kill(a.pid, SIGUSR1), 0);
	/* One after the other: of two that wait at once the second is dropped. */
	for (int i = 1; i <= 3; i++) {
		wait_handled(i);
		if (i < 3)
			actor_step(&b);
	}
	tracer_stop(&tracer, SIGTERM);
	ck_assert_uint_eq(count_events(&tracer, 0, SIGUSR1), 2);
	for (size_t i = 0; i < tracer.count; i++)
		expect_sender(&tracer.events[i], b.pid);
	expect_told(shared->ints[1], b.pid);
}
END_TEST

START_TEST(id_that_the_namespace_has_not_is_an_error)
{
	int id = 0;
	size_t len;
	char *max = read_whole("/proc/sys/kernel/pid_max", &len);

	if (!translates(_i))
		return;
	ck_assert_ptr_nonnull(max);
	id = atoi(max);
	free(max);
	start(_i, "-p", id, true);
	tracer_finish(&tracer);
	ck_assert_int_eq(tracer_exit_code(&tracer), 1);
	ck_assert_msg(strstr(tracer.errors, ": got none of that id in this pid namespace, expected one that "
				     "there is\n"), "%s", tracer.errors);
	ck_assert_msg(strstr(tracer.errors, "hint: "), "%s", tracer.errors);
}
END_TEST

Suite *pids_suite(void)
{
	Suite *s = suite_create("pids");
	TCase *tc = live_case(s, "pids");

	tcase_add_checked_fixture(tc, begin, NULL);
	loop_all(tc, process_is_named_by_its_id_in_the_namespace);
	loop_all(tc, threads_of_a_process_of_the_namespace_are_watched);
	loop_all(tc, sender_is_named_by_its_id_in_the_namespace);
	loop_both(tc, id_that_the_namespace_has_not_is_an_error);
	return s;
}
