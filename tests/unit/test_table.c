// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>

#include "util/table.h"

Suite *table_suite(void);

START_TEST(empty_table_has_nothing)
{
	struct table t = { 0 };

	ck_assert_ptr_null(table_get(&t, 1));
	ck_assert_ptr_null(table_remove(&t, 1));
	table_fini(&t);
}
END_TEST

START_TEST(put_replaces)
{
	struct table t = { 0 };
	int a, b;

	ck_assert_int_eq(table_put(&t, 7, &a), 0);
	ck_assert_int_eq(table_put(&t, 7, &b), 0);
	ck_assert_ptr_eq(table_get(&t, 7), &b);
	ck_assert_uint_eq(t.len, 1);
	table_fini(&t);
}
END_TEST

/* The same puts and removes on a plain array, which cannot be wrong. */
START_TEST(behaves_like_an_array)
{
	char *truth[512] = { 0 };
	struct table t = { 0 };
	size_t count = 0, len = 0;

	srand(_i);
	for (int i = 0; i < 20000; i++) {
		unsigned int key = 1 + rand() % 511;

		if (rand() % 2) {
			char *value = (char *)truth + key + i;

			ck_assert_int_eq(table_put(&t, (uint64_t)key << 20, value), 0);
			truth[key] = value;
		} else {
			ck_assert_ptr_eq(table_remove(&t, (uint64_t)key << 20), truth[key]);
			truth[key] = NULL;
		}
	}
	for (unsigned int key = 1; key < 512; key++) {
		ck_assert_ptr_eq(table_get(&t, (uint64_t)key << 20), truth[key]);
		count += truth[key] != NULL;
	}
	table_each(&t, slot)
		len++;
	ck_assert_uint_eq(len, count);
	ck_assert_uint_eq(t.len, count);
	table_fini(&t);
}
END_TEST

Suite *table_suite(void)
{
	Suite *s = suite_create("table");
	TCase *c = tcase_create("table");

	tcase_add_test(c, empty_table_has_nothing);
	tcase_add_test(c, put_replaces);
	tcase_add_loop_test(c, behaves_like_an_array, 1, 6);
	suite_add_tcase(s, c);
	return s;
}
