// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"

Suite *escape_suite(void);

/*
 * The escaped form of bytes that lie at the end of their own allocation, written into one of
 * exactly the promised size, so that the sanitizers see a byte too many on either side.
 */
static char *escaped(const char *bytes, size_t len, bool json, size_t *hidden)
{
	char *from = malloc(len ? len : 1), *to = malloc(ESCAPE_ROOM(len) + 1), *end;

	memcpy(from, bytes, len);
	*hidden = 0;
	end = json ? escape_json(to, from, len) : escape_terminal(to, from, len, hidden);
	ck_assert_uint_le(end - to, ESCAPE_ROOM(len));
	*end = 0;
	free(from);
	return to;
}

static void check_form(const char *bytes, size_t len, bool json, const char *expected)
{
	size_t hidden;
	char *to = escaped(bytes, len, json, &hidden);

	ck_assert_str_eq(to, expected);
	free(to);
}

#define TERMINAL(bytes, expected) check_form(bytes, sizeof(bytes) - 1, false, expected)
#define JSON(bytes, expected) check_form(bytes, sizeof(bytes) - 1, true, expected)

START_TEST(plain_text_of_any_length_is_copied)
{
	static const char text[] = " the quick brown fox jumps over the lazy dog ~!#$%^&*()";
	char expected[sizeof(text)];
	size_t len;

	for (len = 0; len < sizeof(text); len++) {
		memcpy(expected, text, len);
		expected[len] = 0;
		check_form(text, len, false, expected);
		check_form(text, len, true, expected);
	}
}
END_TEST

START_TEST(arguments_are_joined_by_spaces)
{
	TERMINAL("/bin/kill\0-TERM\0" "812", "/bin/kill -TERM 812");
	JSON("/bin/kill\0-TERM\0" "812", "/bin/kill -TERM 812");
	TERMINAL("a\0\0b", "a  b");
	TERMINAL("\x7f\0\x7f", "\\x7f \\x7f");
	JSON("\"\0\"", "\\\" \\\"");
}
END_TEST

START_TEST(every_control_byte_is_escaped_wherever_it_stands)
{
	static const char digits[] = "0123456789abcdef";
	char bytes[16], expected[32];
	size_t at;
	int byte;

	for (byte = 1; byte < 0x80; byte++) {
		if (byte >= 0x20 && byte != 0x7f)
			continue;
		for (at = 0; at < sizeof(bytes); at++) {
			memset(bytes, '.', sizeof(bytes));
			bytes[at] = byte;
			memset(expected, '.', sizeof(expected));
			memcpy(expected + at, "\\x", 2);
			expected[at + 2] = digits[byte >> 4];
			expected[at + 3] = digits[byte & 15];
			expected[sizeof(bytes) + 3] = 0;
			check_form(bytes, sizeof(bytes), false, expected);
		}
	}
}
END_TEST

START_TEST(no_byte_reaches_the_terminal_that_could_act_on_it)
{
	char bytes[3];
	size_t hidden;
	int i, j;
	char *to, *p;

	for (i = 0; i < 256; i++)
		for (j = 0; j < 256; j++) {
			bytes[0] = i;
			bytes[1] = j;
			bytes[2] = 'x';
			to = escaped(bytes, 3, j & 1, &hidden);
			for (p = to; *p; p++)
				ck_assert_msg((uint8_t)*p >= 0x20 && *p != 0x7f &&
					      ((uint8_t)*p != 0xc2 || (uint8_t)p[1] >= 0xa0),
					      "%02x %02x became %s", i, j, to);
			free(to);
		}
}
END_TEST

START_TEST(c1_controls_in_utf8_are_escaped)
{
	TERMINAL("a\xc2\x9b" "31m", "a\\u{009b}31m");
	JSON("a\xc2\x9b" "31m", "a\\u009b31m");
	TERMINAL("\xc2\xa0", "\xc2\xa0"); /* a space that does not break is one to read */
}
END_TEST

START_TEST(text_that_reorders_or_hides_is_escaped)
{
	TERMINAL("\xe2\x80\xae" "abc", "\\u{202e}abc");
	TERMINAL("\xe2\x80\xa8", "\\u{2028}");
	TERMINAL("\xe2\x80\xa9", "\\u{2029}");
	TERMINAL("\xe2\x81\xa6", "\\u{2066}");
	TERMINAL("\xe2\x80\x8b", "\\u{200b}");
	TERMINAL("\xef\xbb\xbf", "\\u{feff}");
	TERMINAL("\xef\xbf\xbb", "\\u{fffb}");
	TERMINAL("\xf3\xa0\x81\x81", "\\u{e0041}");
	JSON("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
	JSON("\xf3\xa0\x81\x81", "\\udb40\\udc41");
}
END_TEST

START_TEST(ordinary_text_of_any_script_is_kept)
{
	TERMINAL("gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80",
		 "gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");
	JSON("\xe6\x97\xa5\xf0\x9f\x98\x80", "\xe6\x97\xa5\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_escaped_one_by_one)
{
	TERMINAL("\xff", "\\xff");
	TERMINAL("\x80", "\\x80");
	TERMINAL("\xc3", "\\xc3");
	TERMINAL("\xe2\x82", "\\xe2\\x82");
	TERMINAL("\xc0\xaf", "\\xc0\\xaf");                 /* overlong "/" */
	TERMINAL("\xe0\x80\xaf", "\\xe0\\x80\\xaf");        /* again */
	TERMINAL("\xed\xa0\x80", "\\xed\\xa0\\x80");        /* half of a surrogate pair */
	TERMINAL("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
	TERMINAL("\xe2" "abc", "\\xe2" "abc");
	JSON("a\xff" "b", "a\xef\xbf\xbd" "b");
	JSON("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
}
END_TEST

START_TEST(backslash_is_kept_unless_it_would_read_as_an_escape)
{
	TERMINAL("a\\b", "a\\b");
	TERMINAL("C:\\temp\\new", "C:\\temp\\new");
	TERMINAL("\\x41", "\\x5cx41");
	TERMINAL("\\u{41}", "\\x5cu{41}");
	TERMINAL("\\\\x41", "\\\\x5cx41");
	TERMINAL("\\\x01", "\\\\x01");
	TERMINAL("1234567\\x", "1234567\\x5cx"); /* across the word that is looked at at once */
	TERMINAL("end\\", "end\\");
}
END_TEST

START_TEST(json_escapes_what_json_must)
{
	JSON("say \"a\\b\"", "say \\\"a\\\\b\\\"");
	JSON("a\nb\tc\x01\x7f", "a\\nb\\tc\\u0001\\u007f");
}
END_TEST

START_TEST(hidden_bytes_are_those_without_a_column)
{
	size_t hidden;

	free(escaped("plain", 5, false, &hidden));
	ck_assert_uint_eq(hidden, 0);
	free(escaped("\xc3\xbc\xe6\x97\xa5\xf0\x9f\x98\x80", 9, false, &hidden));
	ck_assert_uint_eq(hidden, 6);
	free(escaped("\xe2\x80\xae\xff\x01", 5, false, &hidden)); /* all of ASCII once escaped */
	ck_assert_uint_eq(hidden, 0);
}
END_TEST

START_TEST(cut_character_is_left_off)
{
	ck_assert_uint_eq(escape_whole("ab", 2), 2);
	ck_assert_uint_eq(escape_whole("a\xc3\xbc", 3), 3);
	ck_assert_uint_eq(escape_whole("a\xc3\xbc", 2), 1);
	ck_assert_uint_eq(escape_whole("a\xf0\x9f\x98\x80", 4), 1);
	ck_assert_uint_eq(escape_whole("a\xf0\x9f\x98\x80", 5), 5);
	ck_assert_uint_eq(escape_whole("\x80\x80\x80\x80\x80", 5), 5);
	ck_assert_uint_eq(escape_whole("", 0), 0);
}
END_TEST

Suite *escape_suite(void)
{
	Suite *suite = suite_create("escape");
	TCase *tcase = tcase_create("escape");

	tcase_add_test(tcase, plain_text_of_any_length_is_copied);
	tcase_add_test(tcase, arguments_are_joined_by_spaces);
	tcase_add_test(tcase, every_control_byte_is_escaped_wherever_it_stands);
	tcase_add_test(tcase, no_byte_reaches_the_terminal_that_could_act_on_it);
	tcase_add_test(tcase, c1_controls_in_utf8_are_escaped);
	tcase_add_test(tcase, text_that_reorders_or_hides_is_escaped);
	tcase_add_test(tcase, ordinary_text_of_any_script_is_kept);
	tcase_add_test(tcase, bytes_that_are_not_utf8_are_escaped_one_by_one);
	tcase_add_test(tcase, backslash_is_kept_unless_it_would_read_as_an_escape);
	tcase_add_test(tcase, json_escapes_what_json_must);
	tcase_add_test(tcase, hidden_bytes_are_those_without_a_column);
	tcase_add_test(tcase, cut_character_is_left_off);
	suite_add_tcase(suite, tcase);
	return suite;
}
