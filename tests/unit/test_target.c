// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <string.h>

#include "loader/target.h"

Suite *target_suite(void);

static struct targets targets;

static void expect_next(const char *name)
{
	ck_assert(targets_next(&targets));
	ck_assert_str_eq(targets.name.text, name);
}

static void begin(const char *list, bool functions)
{
	targets = (struct targets){ .list = list, .functions = functions };
}

START_TEST(names_come_in_their_order)
{
	begin("b|a|c", false);
	expect_next("b");
	expect_next("a");
	expect_next("c");
	ck_assert(!targets_next(&targets));
	ck_assert(!targets_next(&targets));
}
END_TEST

START_TEST(other_name_of_a_function_follows_it)
{
	begin("vfs_read|do_unlinkat|kernel_clone|vfs_write", true);
	expect_next("vfs_read");
	expect_next("do_unlinkat");
	expect_next("filename_unlinkat");
	expect_next("kernel_clone");
	expect_next("_do_fork");
	expect_next("vfs_write");
	ck_assert(!targets_next(&targets));
}
END_TEST

START_TEST(what_is_no_function_has_no_other_name)
{
	begin("do_unlinkat", false);
	expect_next("do_unlinkat");
	ck_assert(!targets_next(&targets));
}
END_TEST

START_TEST(offset_is_not_carried_to_another_name)
{
	begin("do_unlinkat+0x10", true);
	expect_next("do_unlinkat+0x10");
	ck_assert(!targets_next(&targets));
}
END_TEST

START_TEST(empty_list_has_no_name)
{
	begin("", true);
	ck_assert(!targets_next(&targets));
}
END_TEST

Suite *target_suite(void)
{
	Suite *s = suite_create("target");
	TCase *tc = tcase_create("target");

	tcase_add_test(tc, names_come_in_their_order);
	tcase_add_test(tc, other_name_of_a_function_follows_it);
	tcase_add_test(tc, what_is_no_function_has_no_other_name);
	tcase_add_test(tc, offset_is_not_carried_to_another_name);
	tcase_add_test(tc, empty_list_has_no_name);
	suite_add_tcase(s, tc);
	return s;
}
