// SPDX-License-Identifier: GPL-2.0
/* A CPU that comes and goes while perf buffers are read. Ends as it began, CPU online. */
#include "tests/live/harness.h"

Suite *hotplug_suite(void);

#define ONLINE "/sys/devices/system/cpu/cpu1/online"
#define ROUND 100

static bool set_online(const char *value)
{
	int fd = open(ONLINE, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, value, 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static void bring_back(void)
{
	set_online("1");
}

static void need_second_cpu(void)
{
	if (access(ONLINE, W_OK))
		skip("needs a second CPU that can be taken offline (%s)", ONLINE);
	if (!set_online("0") || !set_online("1"))
		skip("%s: %s", ONLINE, strerror(errno));
}

static void send_from_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	for (int i = 0; i < ROUND; i++)
		raise(SIGURG);
	CPU_SET(1 - cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* A second is how long the reader may take to see that a CPU is there or was not. */
static void let_it_see(void)
{
	usleep(1500000);
}

/* The ways with a buffer on each CPU. */
static const char *const PER_CPU[] = { "perf", "events" };

START_TEST(cpu_that_comes_online_is_read)
{
	struct tracer t;

	need_second_cpu();
	ck_assert(set_online("0"));
	tracer_start(&t, PER_CPU[_i], "-s", "URG");
	send_from_cpu(0);
	ck_assert(set_online("1"));
	let_it_see();
	send_from_cpu(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_uint_eq(count_events(&t, getpid(), SIGURG), 2 * ROUND);
	ck_assert_int_eq(tracer_summary(&t, "lost"), 0);
}
END_TEST

/* Its event does not come back with it: it has to be opened anew. */
START_TEST(cpu_that_was_offline_is_read_again)
{
	struct tracer t;

	need_second_cpu();
	tracer_start(&t, PER_CPU[_i], "-s", "URG");
	send_from_cpu(1);
	ck_assert(set_online("0"));
	send_from_cpu(0);
	ck_assert(set_online("1"));
	let_it_see();
	send_from_cpu(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_uint_eq(count_events(&t, getpid(), SIGURG), 3 * ROUND);
	ck_assert_int_eq(tracer_summary(&t, "lost"), 0);
}
END_TEST

static void begin(void)
{
	need_bpf(); /* one of the ways */
	need_initial_pids();
	signal(SIGURG, SIG_IGN);
}

Suite *hotplug_suite(void)
{
	Suite *s = suite_create("hotplug");
	TCase *c = tcase_create("hotplug");

	tcase_set_timeout(c, 30);
	tcase_add_unchecked_fixture(c, NULL, bring_back);
	tcase_add_checked_fixture(c, begin, NULL);
	tcase_add_loop_test(c, cpu_that_comes_online_is_read, 0, 2);
	tcase_add_loop_test(c, cpu_that_was_offline_is_read_again, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
