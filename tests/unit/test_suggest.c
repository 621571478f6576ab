// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdint.h>

#include "util/suggest.h"

Suite *suggest_suite(void);

START_TEST(equal_words_have_no_distance)
{
	ck_assert_uint_eq(suggest_distance("", ""), 0);
	ck_assert_uint_eq(suggest_distance("term", "TERM"), 0);
}
END_TEST

START_TEST(each_slip_counts_once)
{
	ck_assert_uint_eq(suggest_distance("tem", "term"), 1);
	ck_assert_uint_eq(suggest_distance("terrm", "term"), 1);
	ck_assert_uint_eq(suggest_distance("tarm", "term"), 1);
	ck_assert_uint_eq(suggest_distance("trem", "term"), 1);
	ck_assert_uint_eq(suggest_distance("", "term"), 4);
	ck_assert_uint_eq(suggest_distance("sitting", "kitten"), 3);
}
END_TEST

START_TEST(no_letter_is_touched_twice)
{
	/* Swapping and then putting a letter between would be 2; in this form it is 3. */
	ck_assert_uint_eq(suggest_distance("ca", "abc"), 3);
}
END_TEST

START_TEST(long_words_are_far_from_everything)
{
	static const char longest[] = "1234567890123456789012345678901";

	ck_assert_uint_eq(suggest_distance(longest, longest), 0);
	ck_assert_uint_eq(suggest_distance("12345678901234567890123456789012", "x"), SIZE_MAX);
	ck_assert_uint_eq(suggest_distance("x", "12345678901234567890123456789012"), SIZE_MAX);
}
END_TEST

START_TEST(nearest_offer_wins)
{
	struct suggest s;

	suggest_init(&s, "durtion");
	suggest_offer(&s, "version");
	suggest_offer(&s, "duration");
	suggest_offer(&s, "transport");
	ck_assert_str_eq(s.best, "duration");
	ck_assert_uint_eq(s.distance, 1);
}
END_TEST

START_TEST(beginning_of_a_word_is_near)
{
	struct suggest s;

	suggest_init(&s, "trans");
	suggest_offer(&s, "transport");
	ck_assert_str_eq(s.best, "transport");
}
END_TEST

START_TEST(far_words_are_not_suggested)
{
	struct suggest s;

	suggest_init(&s, "banana");
	suggest_offer(&s, "signal");
	ck_assert_ptr_null(s.best);
	suggest_init(&s, "");
	suggest_offer(&s, "c");
	ck_assert_ptr_null(s.best);
}
END_TEST

Suite *suggest_suite(void)
{
	Suite *suite = suite_create("suggest");
	TCase *tcase = tcase_create("suggest");

	tcase_add_test(tcase, equal_words_have_no_distance);
	tcase_add_test(tcase, each_slip_counts_once);
	tcase_add_test(tcase, no_letter_is_touched_twice);
	tcase_add_test(tcase, long_words_are_far_from_everything);
	tcase_add_test(tcase, nearest_offer_wins);
	tcase_add_test(tcase, beginning_of_a_word_is_near);
	tcase_add_test(tcase, far_words_are_not_suggested);
	suite_add_tcase(suite, tcase);
	return suite;
}
