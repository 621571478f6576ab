// SPDX-License-Identifier: GPL-2.0
/* How a trace ends and what it has told by then: -n, -d, -o, -q, signals, a reader that leaves. */
#include "tests/live/harness.h"

Suite *ending_suite(void);

static int usr1[] = { SIGUSR1, 0 };

/* Sends SIGUSR1 so many times, each after the one before was handled. */
static void send_handled(const struct actor *a, int times)
{
	int before = shared->handled;

	for (int i = 1; i <= times; i++) {
		kill(a->pid, SIGUSR1);
		wait_handled(before + i);
	}
}

START_TEST(count_stops_exactly)
{
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "-n", "3", "--to", pid);
	send_handled(&a, 10);
	tracer_finish(&t);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	ck_assert_int_eq(t.count, 3);
	ck_assert_int_eq(tracer_summary(&t, "shown"), 3);
	actor_end(&a);
}
END_TEST

START_TEST(count_that_is_not_reached_goes_on)
{
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "-n", "3", "--to", pid);
	send_handled(&a, 2);
	usleep(150000);
	ck_assert_int_eq(waitpid(t.pid, NULL, WNOHANG), 0);
	send_handled(&a, 1);
	tracer_finish(&t);
	ck_assert_int_eq(t.count, 3);
	actor_end(&a);
}
END_TEST

START_TEST(duration_ends_by_itself)
{
	int64_t before = now_ns(CLOCK_MONOTONIC), after;
	struct tracer t;

	tracer_start(&t, transport(_i), "-d", "700ms");
	tracer_finish(&t);
	after = now_ns(CLOCK_MONOTONIC);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	ck_assert_int_ge(after - before, 700000000);
	ck_assert_int_lt(after - before, PATIENCE_MS * 300000LL);
	ck_assert_int_ge(tracer_summary(&t, "seen"), 0);
}
END_TEST

START_TEST(output_goes_to_a_file)
{
	char path[] = "/tmp/portrace-live-XXXXXX", *text, mark[64];
	int fd = mkstemp(path);
	struct tracer t;
	struct actor a;

	ck_assert_int_ge(fd, 0);
	close(fd);
	actor_start(&a, actor_handles, usr1);
	tracer_start(&t, transport(_i), "-o", path);
	send_handled(&a, 1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	ck_assert_int_eq(t.len, 0);
	text = read_whole(path, NULL);
	unlink(path);
	snprintf(mark, sizeof(mark), "\"target\":{\"pid\":%d,", a.pid);
	ck_assert_msg(text && strstr(text, mark), "%s", text);
	actor_end(&a);
}
END_TEST

START_TEST(quiet_says_nothing_but_events)
{
	struct tracer t;
	struct actor a;
	char pid[16], mark[32];

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = transport(_i), .text = true },
			  "-q", "--to", pid, NULL);
	send_handled(&a, 1);
	tracer_stop(&t, SIGTERM);
	ck_assert_str_eq(t.errors, "");
	ck_assert_ptr_nonnull(t.data);
	/* One line, and that the event's: no header. */
	ck_assert_ptr_eq(strchr(t.data, '\n'), t.data + t.len - 1);
	snprintf(mark, sizeof(mark), "(%d)", a.pid);
	ck_assert_msg(strstr(t.data, mark) != NULL, "%s", t.data);
	actor_end(&a);
}
END_TEST

START_TEST(a_signal_ends_it_with_a_summary)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i % WAYS), "--to", pid);
	send_handled(&a, 7);
	tracer_stop(&t, ends[_i / WAYS]);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	ck_assert_int_eq(t.count, 7);
	ck_assert_int_eq(tracer_summary(&t, "seen"), 7);
	ck_assert_int_eq(tracer_summary(&t, "shown"), 7);
	ck_assert_int_eq(tracer_summary(&t, "lost"), 0);
	actor_end(&a);
}
END_TEST

START_TEST(reader_that_left_ends_it_quietly)
{
	struct tracer t;
	struct actor a;
	int ends[2];
	char c;

	need_tracing();
	actor_start(&a, actor_handles, usr1);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = transport(_i),
						      .out_fd = ends[1] }, NULL);
	close(ends[1]);
	send_handled(&a, 1);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	close(ends[0]);
	send_handled(&a, 5);
	tracer_finish_within(&t, 3000);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	/* No summary; without the kernel's types, or BPF, only what was said at the start. */
	ck_assert_ptr_null(strstr(t.errors, "seen"));
	if (strstr(t.errors, "types are not known"))
		ck_assert_str_eq(strstr(t.errors, "sigwait took one"),
				 "sigwait took one (--btf FILE gives the types)\n");
	else if (strstr(t.errors, "without BPF"))
		ck_assert_str_eq(strstr(t.errors, "sigwait took one"), "sigwait took one\n");
	else
		ck_assert_str_eq(t.errors, "");
	actor_end(&a);
}
END_TEST

#define LONE 8

/* From sending to the last byte of the line at the other end of the pipe; patience is 100 times that. */
START_TEST(lone_event_is_seen_behind_a_pipe_within_100_ms)
{
	int64_t sent, worst = 0;
	struct tracer t;
	struct actor a;
	char pid[16];

	actor_start(&a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "--to", pid);
	for (int i = 0; i < LONE; i++) {
		size_t before = t.len;

		/* Not in step with any timer of the tracer's. */
		usleep(50000 + i * 17000);
		sent = now_ns(CLOCK_MONOTONIC);
		kill(a.pid, SIGUSR1);
		while (t.len == before || t.data[t.len - 1] != '\n') {
			tracer_read(&t, 1);
			ck_assert_int_lt(now_ns(CLOCK_MONOTONIC) - sent, 3000000000LL);
		}
		sent = now_ns(CLOCK_MONOTONIC) - sent;
		worst = sent > worst ? sent : worst;
	}
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(t.count, LONE);
	ck_assert_msg(worst < PATIENCE_MS * 10000LL, "the slowest took %lld us", (long long)worst / 1000);
	actor_end(&a);
}
END_TEST

/* One of each kind of not being delivered is told within 100 ms as well. */
START_TEST(ignored_event_is_seen_within_100_ms)
{
	struct tracer t;
	struct actor a;
	int64_t sent;
	char pid[16];

	actor_start(&a, actor_ignores, usr1);
	snprintf(pid, sizeof(pid), "%d", a.pid);
	tracer_start(&t, transport(_i), "--to", pid);
	usleep(60000);
	sent = now_ns(CLOCK_MONOTONIC);
	kill(a.pid, SIGUSR1);
	while (!t.len) {
		tracer_read(&t, 1);
		ck_assert_int_lt(now_ns(CLOCK_MONOTONIC) - sent, 3000000000LL);
	}
	ck_assert_int_lt(now_ns(CLOCK_MONOTONIC) - sent, PATIENCE_MS * 10000LL);
	tracer_stop(&t, SIGTERM);
	actor_end(&a);
}
END_TEST

Suite *ending_suite(void)
{
	Suite *s = suite_create("ending");
	TCase *tc = live_case(s, "ending");

	loop_all(tc, count_stops_exactly);
	loop_all(tc, count_that_is_not_reached_goes_on);
	loop_all(tc, duration_ends_by_itself);
	loop_all(tc, output_goes_to_a_file);
	loop_all(tc, quiet_says_nothing_but_events);
	tcase_add_loop_test(tc, a_signal_ends_it_with_a_summary, 0, 3 * WAYS);
	loop_all(tc, reader_that_left_ends_it_quietly);
	loop_all(tc, lone_event_is_seen_behind_a_pipe_within_100_ms);
	loop_all(tc, ignored_event_is_seen_within_100_ms);
	return s;
}
