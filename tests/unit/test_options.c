// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

Suite *options_suite(void);

#define WORDS 80

/* Parses "portrace" and the words, which end with NULL. */
static int parse(struct options *o, struct error *err, const char *const words[])
{
	char *argv[WORDS + 2] = { (char *)"portrace" };
	int argc = 1;

	for (; words[argc - 1]; argc++) {
		ck_assert_int_lt(argc, WORDS);
		argv[argc] = (char *)words[argc - 1];
	}
	error_clear(err);
	return options_parse(argc, argv, o, err);
}

#define PARSE(...)                                                                                 \
	do {                                                                                       \
		struct error err_;                                                                 \
		ck_assert_msg(!parse(&o, &err_, (const char *const[]){ __VA_ARGS__ }), "%s",       \
			      err_.message);                                                       \
	} while (0)

static void check_refused(const char *const words[], const char *message, const char *hint)
{
	struct options o;
	struct error err;

	ck_assert_int_eq(parse(&o, &err, words), -1);
	ck_assert_int_eq(err.code, ERROR_USAGE);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.hint, hint);
}

#define REFUSED(message, hint, ...) \
	check_refused((const char *const[]){ __VA_ARGS__ }, message, hint)

static struct options o;

START_TEST(nothing_given_means_every_signal)
{
	PARSE(NULL);
	ck_assert(o.signals == ALL_SIGNALS);
	ck_assert_uint_eq(o.watch_len + o.comm_len, 0);
	ck_assert(!o.has_uid && !o.json && !o.quiet && !o.verbose);
	ck_assert(!o.duration && !o.count && !o.buffer && !o.output);
	ck_assert_int_eq(o.transport, TRANSPORT_AUTO);
	ck_assert_int_eq(o.types, TYPES_AUTO);
	ck_assert_ptr_null(o.btf_file);
}
END_TEST

START_TEST(signal_command_is_accepted_anywhere_once)
{
	PARSE("signal", "-q", NULL);
	ck_assert(o.quiet);
	PARSE("-q", "signal", NULL);
	PARSE("--", "signal", NULL);
	REFUSED("unexpected word 'signal'", "", "signal", "signal", NULL);
}
END_TEST

START_TEST(values_may_stand_in_the_same_word_or_the_next)
{
	PARSE("--count=3", NULL);
	ck_assert_uint_eq(o.count, 3);
	PARSE("--count", "4", NULL);
	ck_assert_uint_eq(o.count, 4);
	PARSE("-n5", NULL);
	ck_assert_uint_eq(o.count, 5);
	PARSE("-qvn", "6", NULL);
	ck_assert_uint_eq(o.count, 6);
	ck_assert(o.quiet && o.verbose);
}
END_TEST

START_TEST(pids_gather_over_lists_and_options)
{
	PARSE("-p", "1,2", "--from=3", "--to", "4,2", NULL);
	ck_assert_uint_eq(o.watch_len, 4);
	ck_assert_uint_eq(o.watch[0].pid, 1);
	ck_assert_uint_eq(o.watch[0].how, WATCH_EITHER);
	ck_assert_uint_eq(o.watch[1].pid, 2);
	ck_assert_uint_eq(o.watch[1].how, WATCH_EITHER | WATCH_TO);
	ck_assert_uint_eq(o.watch[2].how, WATCH_FROM);
	ck_assert_uint_eq(o.watch[3].how, WATCH_TO);
}
END_TEST

START_TEST(pids_are_numbers_from_1)
{
	static const char expected[] = "expected a process id, or several with commas";
	static const char *const wrong[] = {
		"0", "-1", "+1", " 1", "1 ", "x", "", "1,", ",1", "4194305", "18446744073709551617",
	};
	char message[128];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct error err;

		ck_assert_int_eq(parse(&o, &err, (const char *const[]){ "--to", wrong[i], NULL }),
				 -1);
		ck_assert_int_eq(err.code, ERROR_USAGE);
		ck_assert_ptr_nonnull(strstr(err.message, expected));
	}
	snprintf(message, sizeof(message), "--pid: got '2x', %s", expected);
	REFUSED(message, "", "-p", "1,2x", NULL);
}
END_TEST

START_TEST(at_most_64_processes_are_watched)
{
	char list[64 * 4 + 8] = "1";
	int pid;

	for (pid = 2; pid <= OPTION_PIDS; pid++)
		sprintf(list + strlen(list), ",%d", pid);
	PARSE("-p", list, "--from", "64", NULL);
	ck_assert_uint_eq(o.watch_len, OPTION_PIDS);
	REFUSED("--from: more than 64 processes", "", "-p", list, "--from", "65", NULL);
}
END_TEST

START_TEST(signals_gather_into_a_mask)
{
	PARSE("-s", "KILL,term,9", "--signal=SIGRTMIN+3", NULL);
	ck_assert(o.signals == (1ull << (SIGKILL - 1) | 1ull << (SIGTERM - 1) | 1ull << 36));
	PARSE("-s", "64,1", NULL);
	ck_assert(o.signals == (1ull << 63 | 1));
}
END_TEST

START_TEST(unknown_signal_gets_the_nearest)
{
	REFUSED("--signal: unknown signal 'SIGTREM'", "did you mean 'SIGTERM'?", "-s",
		"KILL,SIGTREM", NULL);
	REFUSED("--signal: unknown signal 'banana'",
		"use a name such as KILL, SIGTERM or SIGRTMIN+3, or a number from 1 to 64", "-s",
		"banana", NULL);
	REFUSED("--signal: unknown signal ''",
		"use a name such as KILL, SIGTERM or SIGRTMIN+3, or a number from 1 to 64", "-s", "",
		NULL);
}
END_TEST

START_TEST(uid_is_a_number_or_a_name)
{
	PARSE("-u", "1000", NULL);
	ck_assert(o.has_uid);
	ck_assert_uint_eq(o.uid, 1000);
	PARSE("--uid=root", NULL);
	ck_assert_uint_eq(o.uid, 0);
	PARSE("-u", "4294967294", NULL);
	ck_assert_uint_eq(o.uid, 4294967294u);
	REFUSED("--uid: got '4294967295', expected a user name or number", "", "-u", "4294967295",
		NULL);
	REFUSED("--uid: got '', expected a user name or number", "", "-u", "", NULL);
	REFUSED("--uid: no user 'no_such_user' in /etc/passwd",
		"users from elsewhere (LDAP, systemd) go by number: id -u no_such_user", "-u",
		"no_such_user", NULL);
}
END_TEST

START_TEST(user_is_found_by_the_whole_first_field)
{
	char path[] = "/tmp/portrace-test-XXXXXX";
	int fd = mkstemp(path), i;
	FILE *f = fdopen(fd, "w");
	struct error err;
	uint32_t uid;

	ck_assert_ptr_nonnull(f);
	fputs("ann:x:10:10::/:/bin/sh\nbroken\nanna:x:11:10::/:\nbad:x:1y:1\nlong:x:12:", f);
	for (i = 0; i < 1023 - 10; i++)
		fputc('.', f);
	fputs("eve:x:0:0\nlast:x:13:1", f); /* "eve" begins a piece of the line, not a line */
	fclose(f);
	ck_assert_int_eq(options_find_user(path, "anna", &uid, &err), 0);
	ck_assert_uint_eq(uid, 11);
	ck_assert_int_eq(options_find_user(path, "last", &uid, &err), 0);
	ck_assert_uint_eq(uid, 13);
	ck_assert_int_eq(options_find_user(path, "long", &uid, &err), 0);
	ck_assert_int_eq(options_find_user(path, "eve", &uid, &err), -1);
	ck_assert_int_eq(options_find_user(path, "an", &uid, &err), -1);
	ck_assert_int_eq(options_find_user(path, "bad", &uid, &err), -1);
	ck_assert_int_eq(err.code, ERROR_USAGE);
	unlink(path);
	ck_assert_int_eq(options_find_user(path, "anna", &uid, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.message, "--uid: no user 'anna' in /tmp/"));
}
END_TEST

START_TEST(comms_gather_padded_with_nuls)
{
	static const char padded[COMM_LEN] = "nginx";

	PARSE("-c", "nginx", "--comm=fifteen_letters", NULL);
	ck_assert_uint_eq(o.comm_len, 2);
	ck_assert_mem_eq(o.comm[0], padded, COMM_LEN);
	ck_assert_str_eq(o.comm[1], "fifteen_letters");
}
END_TEST

START_TEST(comm_that_cannot_match_is_refused)
{
	REFUSED("--comm: 'sixteen_letters_' has 16 bytes, at most 15 can match",
		"the kernel keeps no more of a name; use 'sixteen_letters'", "-c",
		"sixteen_letters_", NULL);
	REFUSED("--comm: got '', expected the name of a command", "", "-c", "", NULL);
	REFUSED("--comm: more than 8 names", "", "-ca", "-cb", "-cc", "-cd", "-ce", "-cf", "-cg",
		"-ch", "-ci", NULL);
}
END_TEST

START_TEST(durations_have_units)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{ "10", 10000000000 },   { "500ms", 500000000 },      { "10s", 10000000000 },
		{ "2m", 120000000000 },  { "1h", 3600000000000 },     { "1ms", 1000000 },
	};
	static const char *const wrong[] = {
		"", "0", "0s", "s", "-1", "1.5", "5d", "1 s", "99999999999999999999", "9999999999h",
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		PARSE("-d", cases[i].text, NULL);
		ck_assert_uint_eq(o.duration, cases[i].ns);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char message[128];

		snprintf(message, sizeof(message),
			 "--duration: got '%s', expected a time such as 500ms, 10, 10s, 2m or 1h",
			 wrong[i]);
		REFUSED(message, "", "-d", wrong[i], NULL);
	}
}
END_TEST

START_TEST(count_is_from_1)
{
	REFUSED("--count: got '0', expected a number from 1 on", "", "-n0", NULL);
	REFUSED("--count: got '3x', expected a number from 1 on", "", "-n", "3x", NULL);
}
END_TEST

START_TEST(buffer_is_rounded_up_to_pages_by_a_power_of_two)
{
	size_t page = sysconf(_SC_PAGESIZE);

	PARSE("--buffer", "1", NULL);
	ck_assert_uint_eq(o.buffer, page);
	PARSE("--buffer=1M", NULL);
	ck_assert_uint_eq(o.buffer, 1 << 20);
	PARSE("--buffer", "1048577", NULL);
	ck_assert_uint_eq(o.buffer, 2 << 20);
	PARSE("--buffer", "300k", NULL);
	ck_assert_uint_eq(o.buffer, 512 << 10);
	PARSE("--buffer", "1g", NULL);
	ck_assert_uint_eq(o.buffer, 1 << 30);
	REFUSED("--buffer: got '2G', expected a size up to 1G, such as 256K or 4M", "",
		"--buffer", "2G", NULL);
	REFUSED("--buffer: got '0', expected a size up to 1G, such as 256K or 4M", "",
		"--buffer", "0", NULL);
	REFUSED("--buffer: got '1T', expected a size up to 1G, such as 256K or 4M", "",
		"--buffer", "1T", NULL);
	REFUSED("--buffer: got '1 ', expected a size up to 1G, such as 256K or 4M", "",
		"--buffer", "1 ", NULL);
	REFUSED("--buffer: got '18014398509481985K', expected a size up to 1G, such as 256K or 4M",
		"", "--buffer", "18014398509481985K", NULL);
}
END_TEST

START_TEST(transports_are_four)
{
	PARSE("--transport", "ring", NULL);
	ck_assert_int_eq(o.transport, TRANSPORT_RING);
	PARSE("--transport=perf", NULL);
	ck_assert_int_eq(o.transport, TRANSPORT_PERF);
	PARSE("--transport=events", NULL);
	ck_assert_int_eq(o.transport, TRANSPORT_EVENTS);
	PARSE("--transport=auto", NULL);
	ck_assert_int_eq(o.transport, TRANSPORT_AUTO);
	REFUSED("--transport: got 'pref', expected auto, ring, perf or events", "", "--transport", "pref",
		NULL);
}
END_TEST

START_TEST(types_come_from_four_places_or_a_file)
{
	PARSE("--types", "kernel", NULL);
	ck_assert_int_eq(o.types, TYPES_KERNEL);
	ck_assert_ptr_null(o.btf_file);
	PARSE("--types=image", NULL);
	ck_assert_int_eq(o.types, TYPES_IMAGE);
	PARSE("--types=tracefs", NULL);
	ck_assert_int_eq(o.types, TYPES_TRACEFS);
	PARSE("--types=auto", "--btf", "vmlinux", NULL);
	ck_assert_int_eq(o.types, TYPES_AUTO);
	ck_assert_str_eq(o.btf_file, "vmlinux");
	REFUSED("--types: got 'btf', expected auto, kernel, image or tracefs", "", "--types", "btf",
		NULL);
	REFUSED("--btf: got '', expected the name of a file", "", "--btf=", NULL);
}
END_TEST

START_TEST(output_names_a_file_and_dash_standard_output)
{
	PARSE("-o", "log", "--json", NULL);
	ck_assert_str_eq(o.output, "log");
	ck_assert(o.json);
	PARSE("-o", "-", NULL);
	ck_assert_ptr_null(o.output);
	REFUSED("--output: got '', expected the name of a file", "", "-o", "", NULL);
}
END_TEST

START_TEST(unknown_option_gets_the_nearest)
{
	REFUSED("unknown option '--signl'", "did you mean '--signal'?", "--signl=KILL", NULL);
	REFUSED("unknown option '--dur'", "did you mean '--duration'?", "--dur", "3", NULL);
	REFUSED("unknown option '--banana'", "portrace --help lists them all", "--banana", NULL);
	REFUSED("unknown option '-x'", "portrace --help lists them all", "-x", NULL);
	REFUSED("unknown option '-json'", "did you mean '--json'?", "-json", NULL);
	REFUSED("unknown option '-comm'", "did you mean '--comm'?", "-comm", NULL);
}
END_TEST

START_TEST(unknown_command_gets_the_nearest)
{
	REFUSED("unknown command 'sginal'", "did you mean 'signal'?", "sginal", NULL);
	REFUSED("unknown command 'hepl'", "did you mean 'help'?", "hepl", NULL);
	REFUSED("unknown command 'TERM'", "to choose signals: --signal TERM", "TERM", NULL);
	REFUSED("unknown command 'banana'", "portrace --help says what there is", "banana", NULL);
	REFUSED("unknown command '-'", "portrace --help says what there is", "-", NULL);
}
END_TEST

START_TEST(argument_too_many_or_too_few_is_refused)
{
	REFUSED("--json: got '1', expected no argument", "", "--json=1", NULL);
	REFUSED("--count: needs an argument: --count NUMBER", "", "--count", NULL);
	REFUSED("--pid: needs an argument: --pid PID,...", "", "-p", NULL);
}
END_TEST

START_TEST(help_and_version_end_parsing)
{
	struct error err;

	ck_assert_int_eq(parse(&o, &err, (const char *const[]){ "--help", "--banana", NULL }),
			 ARGS_HELP);
	ck_assert_int_eq(parse(&o, &err, (const char *const[]){ "-qh", "--banana", NULL }), ARGS_HELP);
	ck_assert_int_eq(parse(&o, &err, (const char *const[]){ "--version", "--banana", NULL }),
			 ARGS_VERSION);
}
END_TEST

/* What --help of a command prints, for free(). */
static char *help_of(const struct command *command)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	command_help(command, f);
	fclose(f);
	return text;
}

START_TEST(help_names_every_option)
{
	static const char *const names[] = {
		"-p, --pid", "--from", "--to", "-s, --signal", "-u, --uid", "-c, --comm",
		"-d, --duration", "-n, --count", "--json", "-o, --output", "-q, --quiet",
		"--transport", "--buffer", "--types", "--btf", "-v, --verbose", "--version", "-h, --help",
		"Examples:", "Exit codes:", "Commands:",
	};
	char *text = help_of(&command_signal);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(strstr(text, names[i]), "%s", names[i]);
	free(text);
}
END_TEST

START_TEST(help_of_every_command_fits_80_columns)
{
	char *text, *line;
	size_t i;

	for (i = 0; commands[i]; i++) {
		text = help_of(commands[i]);
		ck_assert_ptr_nonnull(strstr(text, commands[i]->usage));
		for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
			ck_assert_msg(strlen(line) <= 80, "%s: %s", commands[i]->name, line);
		free(text);
	}
	ck_assert_uint_ge(i, 4);
}
END_TEST

START_TEST(version_is_one_line)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	command_version(f);
	fclose(f);
	ck_assert_int_eq(strncmp(text, "portrace ", 9), 0);
	ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
	free(text);
}
END_TEST

START_TEST(errors_have_exit_codes)
{
	ck_assert_int_eq(command_status(ERROR_NONE), 0);
	ck_assert_int_eq(command_status(ERROR_SYSTEM), 1);
	ck_assert_int_eq(command_status(ERROR_VERIFIER), 1);
	ck_assert_int_eq(command_status(ERROR_USAGE), 2);
	ck_assert_int_eq(command_status(ERROR_PERMISSION), 3);
	ck_assert_int_eq(command_status(ERROR_UNSUPPORTED), 4);
}
END_TEST

Suite *options_suite(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, nothing_given_means_every_signal);
	tcase_add_test(tcase, signal_command_is_accepted_anywhere_once);
	tcase_add_test(tcase, values_may_stand_in_the_same_word_or_the_next);
	tcase_add_test(tcase, pids_gather_over_lists_and_options);
	tcase_add_test(tcase, pids_are_numbers_from_1);
	tcase_add_test(tcase, at_most_64_processes_are_watched);
	tcase_add_test(tcase, signals_gather_into_a_mask);
	tcase_add_test(tcase, unknown_signal_gets_the_nearest);
	tcase_add_test(tcase, uid_is_a_number_or_a_name);
	tcase_add_test(tcase, user_is_found_by_the_whole_first_field);
	tcase_add_test(tcase, comms_gather_padded_with_nuls);
	tcase_add_test(tcase, comm_that_cannot_match_is_refused);
	tcase_add_test(tcase, durations_have_units);
	tcase_add_test(tcase, count_is_from_1);
	tcase_add_test(tcase, buffer_is_rounded_up_to_pages_by_a_power_of_two);
	tcase_add_test(tcase, transports_are_four);
	tcase_add_test(tcase, types_come_from_four_places_or_a_file);
	tcase_add_test(tcase, output_names_a_file_and_dash_standard_output);
	tcase_add_test(tcase, unknown_option_gets_the_nearest);
	tcase_add_test(tcase, unknown_command_gets_the_nearest);
	tcase_add_test(tcase, argument_too_many_or_too_few_is_refused);
	tcase_add_test(tcase, help_and_version_end_parsing);
	tcase_add_test(tcase, help_names_every_option);
	tcase_add_test(tcase, help_of_every_command_fits_80_columns);
	tcase_add_test(tcase, version_is_one_line);
	tcase_add_test(tcase, errors_have_exit_codes);
	suite_add_tcase(suite, tcase);
	return suite;
}
