// SPDX-License-Identifier: GPL-2.0
/* Names and arguments are other people's bytes: none may reach a terminal raw. */
#include "tests/live/harness.h"

Suite *names_suite(void);

#define FIRST_LINE "\x1b[31mred\x1b[0m"
#define ODD_COMM "\x1b[2J\x07\r\n\tx\"\\"

static int usr1[] = { SIGUSR1, 0 };

static int odd_name(void *arg)
{
	prctl(PR_SET_NAME, arg);
	say();
	hear();
	kill(shared->ints[0], SIGUSR1);
	return idle();
}

/* A sender of that name signals the actor; returns the sender. */
static pid_t send_as(struct tracer *t, const struct tracer_setup *setup, const char *name,
		     struct actor *target)
{
	struct actor sender;
	pid_t pid;

	actor_start(target, actor_handles, usr1);
	shared->ints[0] = target->pid;
	actor_start(&sender, odd_name, (void *)name);
	pid = sender.pid;
	tracer_start_with(t, setup, NULL);
	actor_step(&sender);
	wait_handled(1);
	tracer_stop(t, SIGTERM);
	actor_end(&sender);
	actor_end(target);
	return pid;
}

START_TEST(json_gives_a_name_of_control_bytes_back)
{
	struct tracer_setup setup = { .transport = transport(_i) };
	struct tracer t;
	struct actor a;
	struct event *e;
	pid_t pid;

	pid = send_as(&t, &setup, ODD_COMM, &a);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_sender(e, pid);
	expect_string(e, "comm", e->sender.comm, ODD_COMM);
}
END_TEST

START_TEST(json_replaces_what_is_not_utf8)
{
	static const char *const names[] = { "\xff\xfe", "a\xc3", "\xed\xa0\x80", "\xc0\xaf",
					     "\xf5\x80\x80\x80" };
	struct tracer_setup setup = { .transport = transport(_i % WAYS) };
	struct tracer t;
	struct actor a;
	struct event *e;
	pid_t pid;

	pid = send_as(&t, &setup, names[_i / WAYS], &a);
	e = tracer_only(&t, a.pid, SIGUSR1); /* parsing has checked the UTF-8 */
	expect_sender(e, pid);
	ck_assert_msg(strstr(e->sender.comm, "\xef\xbf\xbd") != NULL, "no U+FFFD in\n  %s",
		      e->line);
}
END_TEST

START_TEST(json_keeps_valid_utf8)
{
	struct tracer_setup setup = { .transport = transport(_i) };
	struct tracer t;
	struct actor a;
	struct event *e;

	send_as(&t, &setup, "näme-€", &a);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_string(e, "comm", e->sender.comm, "näme-€");
}
END_TEST

/* Lines of text that hold the mark; every line has to be free of control bytes. */
static int clean_lines(const struct tracer *t, const char *mark)
{
	char *line, *end;
	int marked = 0;

	ck_assert_ptr_nonnull(t->data);
	for (line = t->data; (end = strchr(line, '\n')); line = end + 1) {
		ck_assert_msg(!has_controls(line, end - line), "control byte in: %.*s",
			      (int)(end - line), line);
		ck_assert_msg(valid_utf8(line, end - line), "not UTF-8: %.*s", (int)(end - line),
			      line);
		*end = 0;
		marked += strstr(line, mark) != NULL;
	}
	ck_assert_int_eq(line - t->data, (int)t->len);
	return marked;
}

START_TEST(text_has_no_control_bytes)
{
	static const char *const names[] = { ODD_COMM, "\xff\x1b[0m\x9b" "1m", "\xc2\x9b" "31m",
					     "\x7f\x08\x08" };
	struct tracer_setup setup = { .transport = transport(_i % WAYS), .text = true };
	struct tracer t;
	struct actor a;
	char mark[32];

	send_as(&t, &setup, names[_i / WAYS], &a);
	snprintf(mark, sizeof(mark), "(%d)", a.pid);
	ck_assert_int_ge(clean_lines(&t, mark), 1);
}
END_TEST

static void send_with_odd_argument(struct tracer *t, const struct tracer_setup *setup,
				   struct actor *a, const char *odd)
{
	char pid[16], *argv[] = { "sender", "--kill-and-stay", "10", pid, (char *)odd, NULL };
	pid_t sender;

	actor_start(a, actor_handles, usr1);
	snprintf(pid, sizeof(pid), "%d", a->pid);
	tracer_start_with(t, setup, NULL);
	sender = fork();
	if (!sender) {
		execv(SELF, argv);
		_exit(127);
	}
	ck_assert_int_eq(wait_status(sender), 0);
	wait_handled(1);
	tracer_stop(t, SIGTERM);
	actor_end(a);
}

START_TEST(json_gives_arguments_of_control_bytes_back)
{
	struct tracer_setup setup = { .transport = transport(_i) };
	char expected[128];
	struct tracer t;
	struct actor a;
	struct event *e;

	send_with_odd_argument(&t, &setup, &a, FIRST_LINE "\nsecond");
	e = tracer_only(&t, a.pid, SIGUSR1);
	snprintf(expected, sizeof(expected), "sender --kill-and-stay 10 %d " FIRST_LINE "\nsecond", a.pid);
	expect_string(e, "cmdline", e->sender.cmdline, expected);
}
END_TEST

START_TEST(text_of_arguments_has_no_control_bytes)
{
	struct tracer_setup setup = { .transport = transport(_i), .text = true };
	struct tracer t;
	struct actor a;
	char mark[32];

	send_with_odd_argument(&t, &setup, &a, FIRST_LINE "\nsecond\xff");
	snprintf(mark, sizeof(mark), "(%d)", a.pid);
	ck_assert_int_ge(clean_lines(&t, mark), 1);
}
END_TEST

Suite *names_suite(void)
{
	Suite *s = suite_create("names");
	TCase *tc = live_case(s, "names");

	loop_all(tc, json_gives_a_name_of_control_bytes_back);
	tcase_add_loop_test(tc, json_replaces_what_is_not_utf8, 0, 5 * WAYS);
	loop_all(tc, json_keeps_valid_utf8);
	tcase_add_loop_test(tc, text_has_no_control_bytes, 0, 4 * WAYS);
	loop_all(tc, json_gives_arguments_of_control_bytes_back);
	loop_all(tc, text_of_arguments_has_no_control_bytes);
	return s;
}
