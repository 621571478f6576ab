// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/owner.h"

START_TEST(owner_is_read_as_it_is_written)
{
	struct owner owner = { 1234, 0xffffffffffffffff, 4026531836u }, got;
	char text[OWNER_TEXT + 8];

	owner_text(&owner, text);
	ck_assert_str_eq(text, "1234_18446744073709551615_4026531836");
	strcat(text, ".7");
	ck_assert_str_eq(owner_parse(text, &got), ".7");
	ck_assert_uint_eq(got.pid, owner.pid);
	ck_assert_uint_eq(got.start, owner.start);
	ck_assert_uint_eq(got.pidns, owner.pidns);
}
END_TEST

START_TEST(text_that_is_no_owner_is_told)
{
	static const char *const texts[] = { "", "_", "12", "12_34", "12_34_", "x_1_2", "-1_2_3", " 1_2_3",
					     "1_ 2_3", "1_-2_3", "1_+2_3" };
	struct owner owner;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		ck_assert_msg(!owner_parse(texts[i], &owner), "'%s'", texts[i]);
}
END_TEST

START_TEST(this_process_lives)
{
	struct owner owner = owner_self();

	ck_assert_int_eq(owner.pid, getpid());
	ck_assert_uint_ne(owner.start, 0);
	ck_assert(owner_lives(&owner));
	owner.start++;
	ck_assert(!owner_lives(&owner));
}
END_TEST

/* Also while nobody has asked how it ended. */
START_TEST(process_that_ended_does_not_live)
{
	struct owner owner;
	int pipes[2];
	pid_t pid;

	ck_assert(!pipe(pipes));
	pid = fork();
	if (!pid) {
		owner = owner_self();
		_exit(write(pipes[1], &owner, sizeof(owner)) == sizeof(owner) ? 0 : 1);
	}
	ck_assert_int_eq(read(pipes[0], &owner, sizeof(owner)), sizeof(owner));
	ck_assert_int_eq(owner.pid, pid);
	for (int i = 0; i < 1000 && owner_lives(&owner); i++)
		usleep(1000);
	ck_assert(!owner_lives(&owner));
	waitpid(pid, NULL, 0);
	ck_assert(!owner_lives(&owner));
}
END_TEST

Suite *owner_suite(void);
Suite *owner_suite(void)
{
	Suite *suite = suite_create("owner");
	TCase *tc = tcase_create("owner");

	tcase_add_test(tc, owner_is_read_as_it_is_written);
	tcase_add_test(tc, text_that_is_no_owner_is_told);
	tcase_add_test(tc, this_process_lives);
	tcase_add_test(tc, process_that_ended_does_not_live);
	suite_add_tcase(suite, tc);
	return suite;
}
