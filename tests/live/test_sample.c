// SPDX-License-Identifier: GPL-2.0
/* Programs that run when a counter has counted so far. */
#include "tests/live/attached.h"

#include "util/kernel_version.h"

Suite *sample_suite(void);

enum { HITS, BYTES, PID, OTHER }; /* as in sockets.bpf.c */

#define PAGES 300
#define FREQUENCY 499
#define BUSY_NS 600000000LL

static void load_sampler(const char *target)
{
	subject_open("sockets");
	subject_want("on_sample")->target = target;
	subject_load();
}

/* Faults as often as it has pages, each of which is touched for the first time. */
static void *touch_pages(void *unused)
{
	size_t page = getpagesize(), size = PAGES * page;
	volatile char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne((void *)at, MAP_FAILED);
	madvise((void *)at, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += page)
		at[i] = 1;
	munmap((void *)at, size);
	return NULL;
}

/* The first run takes care of everything else that faults. */
static int toucher(void *unused)
{
	touch_pages(NULL);
	do {
		say();
		if (!hear())
			return 0;
		touch_pages(NULL);
	} while (true);
}

/* Loop index: 0 on every CPU, 1 in the process; + 2: by link. */
static struct attach_options way(int i, pid_t pid)
{
	struct attach_options options = { .perf_links = i / 2 };

	if (i / 2)
		need(CAP_PERF_LINK);
	if (i % 2)
		options.place.pid = pid;
	return options;
}

START_TEST(each_page_fault)
{
	struct actor actor;
	struct link *link;
	struct attach_options options;
	uint64_t first;

	load_sampler("sw:page-faults:1");
	actor_start(&actor, toucher, NULL);
	actor_step(&actor);
	options = way(_i, actor.pid);
	set_seen(PID, actor.pid);
	link = subject_attach("on_sample", &options);
	ck_assert_msg(strstr(link->where, "sw:page-faults, each 1, "), "%s", link->where);
	actor_step(&actor);
	first = seen(HITS);
	ck_assert_uint_eq(first, PAGES);
	link_detach(link);
	actor_step(&actor);
	ck_assert_uint_eq(seen(HITS), first);
	ck_assert_int_eq(actor_end(&actor), 0);
}
END_TEST

/* Runs for so long of its own CPU time; tells how long. */
static int spinner(void *unused)
{
	int64_t begin;

	say();
	while (hear()) {
		begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		while (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin < BUSY_NS)
			;
		shared->times[0] = now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
		say();
	}
	return 0;
}

START_TEST(busy_process_is_sampled_by_its_time)
{
	struct actor actor;
	struct link *link;
	struct attach_options options;
	double expected, got;

	load_sampler("");
	actor_start(&actor, spinner, NULL);
	options = way(_i, actor.pid);
	options.place.freq = FREQUENCY;
	set_seen(PID, actor.pid);
	link = subject_attach("on_sample", &options);
	ck_assert_msg(strstr(link->where, "cpu-clock, 499 times a second, "), "%s", link->where);
	actor_step(&actor);
	got = seen(HITS);
	expected = shared->times[0] / 1e9 * FREQUENCY;
	/* Emulators lose many a timer's tick, and make none. */
	ck_assert_msg(got > expected * 0.1 && got < expected * 1.2, "%f samples, expected %f", got,
		      expected);
	link_detach(link);
	got = seen(HITS);
	actor_step(&actor);
	ck_assert_msg(got == seen(HITS), "%f", got);
	actor_end(&actor);
}
END_TEST

/* A thread that was there, and one that begins later. */
static int two_threads(void *unused)
{
	pthread_t thread;

	touch_pages(NULL);
	start_thread(&thread, touch_pages, NULL);
	pthread_join(thread, NULL);
	do {
		say();
		if (!hear())
			return 0;
		touch_pages(NULL);
		start_thread(&thread, touch_pages, NULL);
		pthread_join(thread, NULL);
	} while (true);
}

START_TEST(threads_of_the_process_are_sampled_too)
{
	struct attach_options options = { .cookie = 0 };
	struct actor actor;
	uint64_t got;

	load_sampler("page-faults:1");
	actor_start(&actor, two_threads, NULL);
	options.place.pid = actor.pid;
	set_seen(PID, actor.pid);
	subject_attach("on_sample", &options);
	actor_step(&actor);
	got = seen(HITS);
	/* A thread's beginning faults here and there, too. */
	ck_assert_msg(got >= PAGES && got < 2 * PAGES + 50, "%llu", (unsigned long long)got);
	if (got < PAGES + 50 && kernel_version() < 0x050d00)
		skip("threads that begin later, Linux 5.13");
	ck_assert_msg(got >= 2 * PAGES, "%llu", (unsigned long long)got);
	actor_end(&actor);
}
END_TEST

START_TEST(hardware_counters)
{
	struct attach_options options = { .cookie = 0 };
	struct actor actor;

	load_sampler(_i ? "cycles" : "hw:instructions");
	actor_start(&actor, spinner, NULL);
	set_seen(PID, actor.pid);
	if (subject_try_attach("on_sample", &options)) {
		ck_assert_int_eq(subject.err.code, ERROR_UNSUPPORTED);
		ck_assert_msg(strstr(subject.err.hint, "this machine has no such counter"), "%s",
			      subject.err.hint);
		skip("counters of the processor (%s)", subject.err.message);
	}
	actor_step(&actor);
	ck_assert_uint_gt(seen(HITS), 20);
	actor_end(&actor);
}
END_TEST

static const char *const bad_targets[] = {
	"nonsense", "sw:cycles", "hw:", "raw:", "raw:x", "cycles:", "cycles:0", "cycles:x", "tp:x",
};

START_TEST(counter_that_there_is_none_of_is_told)
{
	struct attach_options options = { .cookie = 0 };
	char message[200];

	load_sampler(bad_targets[_i]);
	ck_assert_int_eq(subject_try_attach("on_sample", &options), -1);
	ck_assert_int_eq(subject.err.code, ERROR_USAGE);
	snprintf(message, sizeof(message), "sockets: program 'on_sample': '%s': got no counter, expected "
		 "NAME, sw:NAME, hw:NAME or raw:NUMBER, and perhaps :PERIOD", bad_targets[_i]);
	ck_assert_str_eq(subject.err.message, message);
}
END_TEST

START_TEST(process_that_is_not_there_is_told)
{
	struct attach_options options = { .place = { .pid = 0x3fffffff } };

	load_sampler("");
	ck_assert_int_eq(subject_try_attach("on_sample", &options), -1);
	ck_assert_str_eq(subject.err.hint, "there is no such process, or it has ended");
}
END_TEST

static void begin(void)
{
	subject_begin();
	need_initial_pids();
}

Suite *sample_suite(void)
{
	Suite *s = suite_create("sample");
	TCase *c = live_case(s, "sample");

	tcase_add_checked_fixture(c, begin, subject_end);
	tcase_add_loop_test(c, each_page_fault, 0, 4);
	tcase_add_loop_test(c, busy_process_is_sampled_by_its_time, 0, 4);
	tcase_add_test(c, threads_of_the_process_are_sampled_too);
	tcase_add_loop_test(c, hardware_counters, 0, 2);
	tcase_add_loop_test(c, counter_that_there_is_none_of_is_told, 0, 9);
	tcase_add_test(c, process_that_is_not_there_is_told);
	return s;
}
