// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "util/spawn.h"

Suite *spawn_suite(void);

#define MEBIBYTE (1u << 20)

static uint8_t *output;
static size_t len;

static void teardown(void)
{
	free(output);
	output = NULL;
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Neither a process nor a descriptor is left behind. */
static int run(const char *const argv[], const void *input, size_t size, size_t max)
{
	int files = open_files(), ret = spawn_filter(argv, input, size, max, &output, &len);

	ck_assert_int_eq(open_files(), files);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	return ret;
}

START_TEST(more_goes_through_than_a_pipe_holds)
{
	static uint8_t input[3 * MEBIBYTE + 7];

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = i * 31 + (i >> 8);
	ck_assert_int_eq(run((const char *[]){ "cat", NULL }, input, sizeof(input), sizeof(input)), 0);
	ck_assert_uint_eq(len, sizeof(input));
	ck_assert_int_eq(memcmp(output, input, len), 0);
}
END_TEST

START_TEST(program_that_does_not_read_its_input)
{
	static uint8_t input[MEBIBYTE];

	/* SIGPIPE would end this test. */
	ck_assert_int_eq(run((const char *[]){ "true", NULL }, input, sizeof(input), 10), 0);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(what_came_out_counts_whatever_the_exit_status)
{
	const char *const argv[] = { "sh", "-c", "cat; echo complaint >&2; exit 3", NULL };

	ck_assert_int_eq(run(argv, "said", 4, 10), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_int_eq(memcmp(output, "said", 4), 0);
}
END_TEST

START_TEST(program_that_is_not_there)
{
	ck_assert_int_eq(run((const char *[]){ "no-such-program", NULL }, "x", 1, 10), -ENOENT);
	ck_assert_ptr_null(output);
}
END_TEST

START_TEST(program_without_end_is_stopped)
{
	ck_assert_int_eq(run((const char *[]){ "cat", "/dev/zero", NULL }, "", 0, MEBIBYTE), -EFBIG);
	ck_assert_ptr_null(output);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(exactly_as_much_as_allowed)
{
	ck_assert_int_eq(run((const char *[]){ "cat", NULL }, "12345", 5, 5), 0);
	ck_assert_uint_eq(len, 5);
	free(output);
	ck_assert_int_eq(run((const char *[]){ "cat", NULL }, "123456", 6, 5), -EFBIG);
}
END_TEST

START_TEST(caller_that_ignores_its_children)
{
	signal(SIGCHLD, SIG_IGN);
	ck_assert_int_eq(run((const char *[]){ "cat", NULL }, "x", 1, 5), 0);
	ck_assert_uint_eq(len, 1);
	signal(SIGCHLD, SIG_DFL);
}
END_TEST

Suite *spawn_suite(void)
{
	Suite *s = suite_create("spawn");
	TCase *c = tcase_create("spawn");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, more_goes_through_than_a_pipe_holds);
	tcase_add_test(c, program_that_does_not_read_its_input);
	tcase_add_test(c, what_came_out_counts_whatever_the_exit_status);
	tcase_add_test(c, program_that_is_not_there);
	tcase_add_test(c, program_without_end_is_stopped);
	tcase_add_test(c, exactly_as_much_as_allowed);
	tcase_add_test(c, caller_that_ignores_its_children);
	suite_add_tcase(s, c);
	return s;
}
