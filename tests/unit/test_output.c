// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/output.h"
#include "util/error.h"

Suite *output_suite(void);

#define NS_PER_S 1000000000ll
/* 2024-05-06 15:04:05.123456789 UTC */
#define SECOND 1715007845ll
#define FRACTION 123456789ll

static const char kill_line[] = "/bin/kill\0-TERM\0" "812";

/* A SIGTERM from kill to nginx that ends it, as in the README; tests change what they need. */
static struct outcome sample(void)
{
	struct outcome out = {
		.time = 5 * NS_PER_S + FRACTION,
		.sig = SIGTERM,
		.fate = FATE_DELIVERED,
		.action = ACTION_DEFAULT,
		.ending = ENDING_TERMINATED,
		.group = true,
		.sender_known = true,
		.has_latency = true,
		.latency = 14321,
		.sender = { .pid = 4711, .tid = 4711, .comm = "kill", .uid = 1000 },
		.target = { .pid = 812, .tid = 812, .comm = "nginx: worker" },
	};

	out.sender.cmdline = kill_line;
	out.sender.cmdline_len = sizeof(kill_line);
	return out;
}

/* The line without its newline. */
static const char *printed(const struct outcome *out, bool json, bool colour)
{
	static char line[64 * 1024];
	struct output o;
	struct error err;

	setenv("TZ", "UTC0", 1);
	output_init(&o, json, colour);
	o.clock_offset = (SECOND - 5) * NS_PER_S;
	ck_assert_int_eq(output_outcome(&o, out, &err), 0);
	ck_assert_uint_lt(o.len, sizeof(line));
	ck_assert_int_eq(o.at[o.len - 1], '\n');
	memcpy(line, o.at, o.len - 1);
	line[o.len - 1] = 0;
	ck_assert_ptr_null(strchr(line, '\n'));
	output_fini(&o);
	return line;
}

static const char *how(const struct outcome *out)
{
	const char *at = strstr(printed(out, false, false), "(812) ");

	ck_assert_ptr_nonnull(at);
	return at + 6;
}

static void check_has(const char *line, const char *part)
{
	ck_assert_msg(strstr(line, part), "no '%s' in: %s", part, line);
}

START_TEST(text_line_stands_under_its_header)
{
	struct outcome out = sample();
	struct output o;
	struct error err;

	output_init(&o, false, false);
	ck_assert_int_eq(output_header(&o, &err), 0);
	ck_assert_uint_eq(o.len, 81);
	ck_assert_mem_eq(o.at, "TIME            SIGNAL   SENDER                          "
			 "TARGET              HOW\n", 81);
	output_fini(&o);
	ck_assert_str_eq(printed(&out, false, false),
			 "15:04:05.123456 SIGTERM  /bin/kill -TERM 812 (4711) →    nginx: worker (812) "
			 "delivered after 14 µs, default action: terminates");
}
END_TEST

START_TEST(wide_columns_push_on_by_one_space)
{
	struct outcome out = sample();

	out.sig = 64;
	out.sender.cmdline = NULL;
	strcpy(out.target.comm, "fifteen_letters");
	out.target.tid = 815;
	ck_assert_str_eq(printed(&out, false, false),
			 "15:04:05.123456 SIGRTMIN+30 kill (4711) →                fifteen_letters "
			 "(812/815) delivered after 14 µs, default action: terminates");
}
END_TEST

START_TEST(columns_count_characters_not_bytes)
{
	struct outcome out = sample();

	out.sender.cmdline = "gr\xc3\xbc\xc3\x9f" "e";
	out.sender.cmdline_len = 7;
	strcpy(out.target.comm, "\xe6\x97\xa5");
	ck_assert_str_eq(printed(&out, false, false),
			 "15:04:05.123456 SIGTERM  gr\xc3\xbc\xc3\x9f" "e (4711) →                  "
			 "\xe6\x97\xa5 (812)             delivered after 14 µs, default action: "
			 "terminates");
}
END_TEST

START_TEST(colour_adds_no_columns)
{
	struct outcome out = sample();
	const char *line = printed(&out, false, true);
	char plain[512], *to = plain;

	check_has(line, "\033[1mSIGTERM\033[0m");
	check_has(line, "\033[31mdelivered");
	for (; *line; line++) {
		if (*line == '\033')
			line = strchr(line, 'm');
		else
			*to++ = *line;
	}
	*to = 0;
	ck_assert_str_eq(plain, printed(&out, false, false));
	ck_assert_ptr_null(strchr(printed(&out, true, true), '\033'));
}
END_TEST

START_TEST(sender_is_command_line_else_comm)
{
	struct outcome out = sample();

	out.sender.tid = 4712;
	check_has(printed(&out, false, false), " /bin/kill -TERM 812 (4711/4712) →");
	out.sender.cmdline_truncated = true;
	check_has(printed(&out, false, false), " /bin/kill -TERM 812… (4711/4712) →");
	out.sender.cmdline = "\0\0";
	out.sender.cmdline_len = 2;
	check_has(printed(&out, false, false), " kill (4711/4712) →");
	out.sender.cmdline = NULL;
	check_has(printed(&out, false, false), " kill (4711/4712) →");
}
END_TEST

START_TEST(cut_character_is_not_shown_as_bytes)
{
	struct outcome out = sample();

	out.sender.cmdline = "gr\xc3\xbc\xc3";
	out.sender.cmdline_len = 5;
	out.sender.cmdline_truncated = true;
	check_has(printed(&out, false, false), " gr\xc3\xbc… (4711) →");
	check_has(printed(&out, true, false), "\"cmdline\":\"gr\xc3\xbc…\"");
}
END_TEST

START_TEST(unknown_sender_is_told)
{
	struct outcome out = sample();

	memset(&out.sender, 0, sizeof(out.sender));
	out.sender_known = out.has_latency = false;
	out.ending = ENDING_NONE;
	out.action = ACTION_HANDLER;
	check_has(printed(&out, false, false), "SIGTERM  ? →    ");
	ck_assert_str_eq(how(&out), "delivered to its handler; sent before tracing began, or its "
			 "record was lost");
	check_has(printed(&out, true, false), "\"sender\":{\"pid\":null,\"tid\":null,\"comm\":null,"
		  "\"cmdline\":null,\"uid\":null,\"kernel\":false}");
}
END_TEST

START_TEST(kernel_says_why)
{
	struct outcome out = sample();

	out.kernel = true;
	out.sender = out.target;
	out.sig = SIGSEGV;
	out.code = SEGV_MAPERR;
	check_has(printed(&out, false, false), " kernel: SEGV_MAPERR, address not mapped → ");
	out.code = 99;
	check_has(printed(&out, false, false), " kernel: 99 → ");
	memset(&out.sender, 0, sizeof(out.sender));
	out.sig = 40;
	out.code = SI_TIMER;
	check_has(printed(&out, false, false), " kernel: timer → ");
	out.sig = SIGTERM;
	out.code = SI_KERNEL;
	check_has(printed(&out, false, false), " kernel → ");
	out.sig = SIGCHLD;
	out.code = CLD_EXITED;
	out.sender.pid = out.sender.tid = 99;
	strcpy(out.sender.comm, "sleep");
	check_has(printed(&out, false, false), " kernel: child exited, sleep (99) → ");
	check_has(printed(&out, true, false), "\"sender\":{\"pid\":99,\"tid\":99,"
		  "\"comm\":\"sleep\",\"cmdline\":null,\"uid\":null,\"kernel\":true}");
}
END_TEST

START_TEST(default_action_tells_how_the_process_ended)
{
	struct outcome out = sample();

	out.has_latency = false;
	ck_assert_str_eq(how(&out), "delivered, default action: terminates");
	out.ending = ENDING_UNFINISHED;
	ck_assert_str_eq(how(&out),
			 "delivered, default action: terminates, process has not ended yet");
	out.sig = SIGSEGV;
	out.ending = ENDING_CORE;
	ck_assert_str_eq(how(&out), "delivered, default action: dumps core");
	out.ending = ENDING_TERMINATED;
	ck_assert_str_eq(how(&out), "delivered, default action: terminates, no core written");
	out.ending = ENDING_NONE;
	out.sig = SIGTSTP;
	ck_assert_str_eq(how(&out), "delivered, default action: stops");
	out.sig = SIGCONT;
	ck_assert_str_eq(how(&out), "delivered, default action: continues");
	out.sig = SIGCHLD;
	ck_assert_str_eq(how(&out), "delivered, default action: ignored");
}
END_TEST

START_TEST(other_actions_are_told)
{
	struct outcome out = sample();

	out.ending = ENDING_NONE;
	out.latency = 3000;
	out.action = ACTION_HANDLER;
	ck_assert_str_eq(how(&out), "delivered after 3 µs to its handler");
	out.action = ACTION_IGNORE;
	ck_assert_str_eq(how(&out), "delivered after 3 µs, then ignored");
	out.result = RESULT_LOST_INFO;
	ck_assert_str_eq(how(&out), "delivered after 3 µs, then ignored (siginfo lost)");
}
END_TEST

static void check_fate(struct outcome *out, enum fate fate, const char *text, const char *reason)
{
	char part[64];

	out->fate = fate;
	ck_assert_str_eq(how(out), text);
	snprintf(part, sizeof(part), "\"reason\":\"%s\"", reason);
	check_has(printed(out, true, false), part);
}

START_TEST(every_way_not_to_be_delivered_is_told)
{
	struct outcome out = sample();

	out.has_latency = false;
	out.ending = ENDING_NONE;
	check_fate(&out, FATE_IGNORED, "ignored by the target", "ignored");
	check_has(printed(&out, true, false), "\"delivered\":false,\"latency_ns\":null,"
		  "\"action\":\"ignore\"");
	check_fate(&out, FATE_COALESCED, "already pending, coalesced", "coalesced");
	check_has(printed(&out, true, false), "\"action\":null");
	check_fate(&out, FATE_OVERFLOW, "queue overflow", "overflow");
	check_fate(&out, FATE_ACCEPTED, "accepted: taken by sigwait or signalfd, or discarded",
		   "accepted");
	check_fate(&out, FATE_BLOCKED, "still blocked", "blocked");
	check_fate(&out, FATE_PENDING, "still pending", "pending");
	check_fate(&out, FATE_GONE, "target gone", "gone");
	check_fate(&out, FATE_FORGOTTEN, "not followed further, table full", "forgotten");
	check_fate(&out, FATE_UNCERTAIN, "delivered or accepted, its record was lost", "uncertain");
	check_has(printed(&out, true, false), "\"delivered\":false");
	out.target_ending = true;
	check_fate(&out, FATE_IGNORED, "target is already ending", "ending");
	check_has(printed(&out, true, false), "\"action\":null");
}
END_TEST

START_TEST(sigcont_and_stop_signals_have_words_of_their_own)
{
	struct outcome out = sample();

	out.ending = ENDING_NONE;
	out.sig = SIGCONT;
	out.fate = FATE_IGNORED;
	ck_assert_str_eq(how(&out), "ignored by the target, resumed all the same");
	out.fate = FATE_CANCELLED;
	ck_assert_str_eq(how(&out), "cancelled by a stop signal");
	out.sig = SIGTSTP;
	ck_assert_str_eq(how(&out), "cancelled by SIGCONT");
	check_has(printed(&out, true, false), "\"reason\":\"cancelled\"");
}
END_TEST

START_TEST(latency_has_a_readable_unit)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ns" },             { 999, "999 ns" },        { 1000, "1 µs" },
		{ 999999, "999 µs" },      { 1000000, "1.0 ms" },    { 2499999, "2.4 ms" },
		{ 24000000, "24 ms" },     { 999999999, "999 ms" },  { 1500000000, "1.5 s" },
		{ 90000000000, "90 s" },   { UINT64_MAX, "18446744073 s" },
	};
	struct outcome out = sample();
	char expected[64];
	size_t i;

	out.action = ACTION_HANDLER;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out.latency = cases[i].ns;
		snprintf(expected, sizeof(expected), "delivered after %s to its handler",
			 cases[i].text);
		ck_assert_str_eq(how(&out), expected);
	}
}
END_TEST

START_TEST(json_line_has_every_key_in_order)
{
	struct outcome out = sample();

	ck_assert_str_eq(printed(&out, true, false),
			 "{\"v\":1,\"time\":\"2024-05-06T15:04:05.123456789Z\",\"signal\":\"SIGTERM\","
			 "\"signo\":15,\"code\":\"SI_USER\",\"result\":\"delivered\","
			 "\"delivered\":true,\"latency_ns\":14321,\"action\":\"default\","
			 "\"reason\":null,\"ends\":\"terminated\",\"group\":true,"
			 "\"sender\":{\"pid\":4711,\"tid\":4711,\"comm\":\"kill\","
			 "\"cmdline\":\"/bin/kill -TERM 812\",\"uid\":1000,\"kernel\":false},"
			 "\"target\":{\"pid\":812,\"tid\":812,\"comm\":\"nginx: worker\"}}");
}
END_TEST

START_TEST(json_user_that_is_not_known_is_null)
{
	struct outcome out = sample();

	out.sender.uid = UID_UNKNOWN;
	ck_assert_ptr_nonnull(strstr(printed(&out, true, false), "\"uid\":null,\"kernel\":false}"));
}
END_TEST

START_TEST(json_words_are_the_documented_ones)
{
	struct outcome out = sample();
	static const char *const results[] = {
		[RESULT_DELIVERED] = "\"result\":\"delivered\"",
		[RESULT_IGNORED] = "\"result\":\"ignored\"",
		[RESULT_PENDING] = "\"result\":\"pending\"",
		[RESULT_OVERFLOW] = "\"result\":\"overflow\"",
		[RESULT_LOST_INFO] = "\"result\":\"lost-info\"",
	};

	for (out.result = 0; out.result <= RESULT_LOST_INFO; out.result++)
		check_has(printed(&out, true, false), results[out.result]);
	out.ending = ENDING_CORE;
	check_has(printed(&out, true, false), "\"ends\":\"core\"");
	out.ending = ENDING_UNFINISHED;
	check_has(printed(&out, true, false), "\"ends\":\"unfinished\"");
	out.ending = ENDING_NONE;
	check_has(printed(&out, true, false), "\"ends\":null");
	out.action = ACTION_HANDLER;
	check_has(printed(&out, true, false), "\"action\":\"handler\"");
	out.action = ACTION_IGNORE;
	check_has(printed(&out, true, false), "\"action\":\"ignore\"");
	out.code = -2147483647 - 1;
	check_has(printed(&out, true, false), "\"code\":\"-2147483648\"");
}
END_TEST

START_TEST(hostile_names_are_harmless_in_both_forms)
{
	struct outcome out = sample();

	strcpy(out.target.comm, "a\033[2J\"\xff\n");
	out.sender.cmdline = "x\r\xe2\x80\xae\\x41";
	out.sender.cmdline_len = 9;
	check_has(printed(&out, false, false), " a\\x1b[2J\"\\xff\\x0a (812) ");
	check_has(printed(&out, false, false), " x\\x0d\\u{202e}\\x5cx41 (4711) →");
	check_has(printed(&out, true, false), "\"comm\":\"a\\u001b[2J\\\"\xef\xbf\xbd\\n\"");
	check_has(printed(&out, true, false), "\"cmdline\":\"x\\u000d\\u202e\\\\x41\"");
}
END_TEST

START_TEST(longest_strings_fit)
{
	static char control[4096];
	struct outcome out = sample();

	memset(control, 1, sizeof(control));
	out.sender.cmdline = control;
	out.sender.cmdline_len = sizeof(control);
	memset(out.target.comm, 1, sizeof(out.target.comm)); /* not even ended by NUL */
	memset(out.sender.comm, 1, sizeof(out.sender.comm));
	out.sender.pid = out.target.pid = UINT32_MAX;
	out.sender.tid = out.target.tid = UINT32_MAX - 1;
	out.latency = UINT64_MAX;
	ck_assert_uint_gt(strlen(printed(&out, true, false)), 6 * sizeof(control));
	ck_assert_uint_gt(strlen(printed(&out, false, true)), 4 * sizeof(control));
}
END_TEST

START_TEST(lines_gather_until_the_caller_takes_them)
{
	struct outcome out = sample();
	struct output o;
	struct error err;
	size_t one;
	int i;

	output_init(&o, false, false);
	ck_assert_int_eq(output_outcome(&o, &out, &err), 0);
	one = o.len;
	for (i = 1; i < 1000; i++)
		ck_assert_int_eq(output_outcome(&o, &out, &err), 0);
	ck_assert_uint_eq(o.len, 1000 * one);
	ck_assert_mem_eq(o.at, o.at + 999 * one, one);
	output_fini(&o);
	ck_assert_ptr_null(o.at);
}
END_TEST

START_TEST(clock_follows_each_second_forward_and_back)
{
	static const int64_t seconds[] = { 5, 6, 5, 65, 86405, 5 };
	struct outcome out = sample();
	struct output o;
	struct error err;
	size_t i;

	setenv("TZ", "UTC0", 1);
	output_init(&o, true, false);
	o.clock_offset = (SECOND - 5) * NS_PER_S;
	for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		time_t t = SECOND - 5 + seconds[i];
		char expected[64];

		out.time = seconds[i] * NS_PER_S + 7;
		o.len = 0;
		ck_assert_int_eq(output_outcome(&o, &out, &err), 0);
		strftime(expected, sizeof(expected),
			 "{\"v\":1,\"time\":\"%Y-%m-%dT%H:%M:%S.000000007Z\"", gmtime(&t));
		ck_assert_mem_eq(o.at, expected, strlen(expected));
	}
	output_fini(&o);
}
END_TEST

START_TEST(text_shows_local_time)
{
	struct outcome out = sample();
	struct output o;
	struct error err;

	setenv("TZ", "XST-5:30", 1);
	output_init(&o, false, false);
	o.clock_offset = (SECOND - 5) * NS_PER_S;
	ck_assert_int_eq(output_outcome(&o, &out, &err), 0);
	ck_assert_mem_eq(o.at, "20:34:05.123456 ", 16);
	output_fini(&o);
	unsetenv("TZ");
}
END_TEST

Suite *output_suite(void)
{
	Suite *suite = suite_create("output");
	TCase *tcase = tcase_create("output");

	tcase_add_test(tcase, text_line_stands_under_its_header);
	tcase_add_test(tcase, wide_columns_push_on_by_one_space);
	tcase_add_test(tcase, columns_count_characters_not_bytes);
	tcase_add_test(tcase, colour_adds_no_columns);
	tcase_add_test(tcase, sender_is_command_line_else_comm);
	tcase_add_test(tcase, cut_character_is_not_shown_as_bytes);
	tcase_add_test(tcase, unknown_sender_is_told);
	tcase_add_test(tcase, kernel_says_why);
	tcase_add_test(tcase, default_action_tells_how_the_process_ended);
	tcase_add_test(tcase, other_actions_are_told);
	tcase_add_test(tcase, every_way_not_to_be_delivered_is_told);
	tcase_add_test(tcase, sigcont_and_stop_signals_have_words_of_their_own);
	tcase_add_test(tcase, latency_has_a_readable_unit);
	tcase_add_test(tcase, json_line_has_every_key_in_order);
	tcase_add_test(tcase, json_user_that_is_not_known_is_null);
	tcase_add_test(tcase, json_words_are_the_documented_ones);
	tcase_add_test(tcase, hostile_names_are_harmless_in_both_forms);
	tcase_add_test(tcase, longest_strings_fit);
	tcase_add_test(tcase, lines_gather_until_the_caller_takes_them);
	tcase_add_test(tcase, clock_follows_each_second_forward_and_back);
	tcase_add_test(tcase, text_shows_local_time);
	suite_add_tcase(suite, tcase);
	return suite;
}
