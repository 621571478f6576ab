// SPDX-License-Identifier: GPL-2.0
/*
 * A fixed trial, the same on every kernel, that says what it found: lines "trial: NAME: VALUE", of
 * which tests/vm makes its table.
 */
#include "tests/live/harness.h"

Suite *trial_suite(void);

#define SENT 1000
#define STARTS 5

/* To the end of the line that begins so, "?" where there is none. */
static const char *told(const struct tracer *t, const char *beginning)
{
	static char text[256];
	const char *at = strstr(t->errors, beginning);

	if (!at)
		return "?";
	at += strlen(beginning);
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\n"), at);
	return text;
}

/* The names in lines like "portrace: lowered (btf, signal_generate): ...", each once. */
static const char *lowered(const struct tracer *t)
{
	static const char beginning[] = "portrace: lowered (";
	static char text[256];

	for (const char *at = t->errors; (at = strstr(at, beginning));) {
		char name[64];

		at += sizeof(beginning) - 1;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ",)"), at);
		if (!strstr(text, name))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? ", " : "", name);
	}
	return *text ? text : "nothing";
}

static void say_found(const char *name, const char *value)
{
	printf("trial: %s: %s\n", name, value);
	fflush(stdout);
}

static int sends(void *arg)
{
	pid_t target = *(pid_t *)arg;

	say();
	hear();
	for (int i = 0; i < SENT; i++)
		if (kill(target, SIGRTMIN))
			return 1;
	return idle();
}

/* Real-time signals queue: each is one of its own, however late the target runs. */
START_TEST(each_of_a_thousand_signals_is_seen)
{
	struct event *found[SENT + 1];
	struct tracer_setup setup = { .transport = NULL };
	char text[64];
	struct actor target, sender;
	struct tracer t;
	size_t n;

	actor_start(&target, actor_handles, (int[]){ SIGRTMIN, 0 });
	actor_start(&sender, sends, &target.pid);
	tracer_start_with(&t, &setup, "-v", NULL);
	actor_step(&sender);
	wait_handled(SENT);
	tracer_stop(&t, SIGTERM);
	n = tracer_find(&t, target.pid, SIGRTMIN, found, SENT + 1);
	say_found("transport", told(&t, "portrace: transport: "));
	say_found("types", told(&t, "portrace: types from "));
	say_found("lowered", lowered(&t));
	snprintf(text, sizeof(text), "%zu of %d", n, SENT);
	say_found("events", text);
	ck_assert_uint_eq(n, SENT);
	for (size_t i = 0; i < n; i++) {
		expect_sender(found[i], sender.pid);
		expect_delivered(found[i], "handler");
	}
	ck_assert_int_eq(tracer_summary(&t, "lost"), 0);
	actor_end(&sender);
	actor_end(&target);
}
END_TEST

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* From exec to where all is attached and the tracer waits for events: the median. */
START_TEST(it_is_tracing_before_patience_ends)
{
	struct tracer_setup setup = { .transport = NULL };
	int64_t took[STARTS];
	struct tracer t;
	char text[64];

	for (int i = 0; i < STARTS; i++) {
		int64_t began = now_ns(CLOCK_MONOTONIC);

		tracer_start_with(&t, &setup, NULL);
		took[i] = now_ns(CLOCK_MONOTONIC) - began;
		tracer_stop(&t, SIGTERM);
		ck_assert_int_eq(tracer_exit_code(&t), 0);
	}
	qsort(took, STARTS, sizeof(*took), by_size);
	snprintf(text, sizeof(text), "%.1f ms", took[STARTS / 2] / 1e6);
	say_found("started", text);
	ck_assert_int_lt(took[STARTS / 2], PATIENCE_MS * 1000000LL);
}
END_TEST

Suite *trial_suite(void)
{
	Suite *s = suite_create("trial");
	TCase *c = live_case(s, "trial");

	tcase_add_test(c, each_of_a_thousand_signals_is_seen);
	tcase_add_test(c, it_is_tracing_before_patience_ends);
	return s;
}
