// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf.h"
#include "btf/write.h"

Suite *write_suite(void);

static struct btf_writer w;
static struct btf btf;
static struct error err;
static void *blob;

static void setup(void)
{
	memset(&w, 0, sizeof(w));
	memset(&btf, 0, sizeof(btf));
	error_clear(&err);
	blob = NULL;
}

static void teardown(void)
{
	btf_write_fini(&w);
	btf_fini(&btf);
	free(blob);
}

static void reopen(void)
{
	size_t size;

	ck_assert_msg(!btf_write_finish(&w, &blob, &size, &err), "%s", err.message);
	ck_assert_msg(!btf_init(&btf, blob, size, &err), "%s", err.message);
}

START_TEST(what_is_written_is_read_back)
{
	uint32_t i = btf_write_int(&w, "int", 4, BTF_INT_SIGNED);
	uint32_t a = btf_write_array(&w, i, i, 7);
	uint32_t s = btf_write_type(&w, BTF_KIND_STRUCT, "point", 32), e;
	const struct btf_member *m;
	const struct btf_enum64 *v;

	btf_write_kflag(&w);
	btf_write_member(&w, "x", i, 3 << 24);
	btf_write_member(&w, "rest", a, 32);
	e = btf_write_type(&w, BTF_KIND_ENUM64, "large", 8);
	btf_write_enumerator64(&w, "LARGE", 0x123456789abull);
	reopen();
	ck_assert_uint_eq(btf_count(&btf), 5);
	ck_assert_uint_eq(btf_find(&btf, "point", BTF_KIND_STRUCT), s);
	ck_assert_int_eq(btf_size(&btf, a), 28);
	m = btf_extra(btf_type(&btf, s));
	ck_assert_uint_eq(btf_vlen(btf_type(&btf, s)), 2);
	ck_assert_uint_eq(btf_member_bits(btf_type(&btf, s), &m[0]), 3);
	ck_assert_uint_eq(btf_member_bit_offset(btf_type(&btf, s), &m[1]), 32);
	ck_assert_str_eq(btf_string(&btf, m[1].name_off), "rest");
	v = btf_extra(btf_type(&btf, e));
	ck_assert_uint_eq((uint64_t)v->val_hi32 << 32 | v->val_lo32, 0x123456789abull);
}
END_TEST

START_TEST(equal_strings_are_kept_once_however_many_there_are)
{
	uint32_t offsets[1000], i;
	char name[32];

	ck_assert_uint_eq(btf_write_string(&w, ""), 0);
	ck_assert_uint_eq(btf_write_string(&w, NULL), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "name_%u", i);
		offsets[i] = btf_write_string(&w, name);
	}
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "name_%u", i);
		ck_assert_uint_eq(btf_write_string(&w, name), offsets[i]);
		ck_assert_str_eq(w.strings.at + offsets[i], name);
	}
}
END_TEST

START_TEST(nothing_at_all_is_valid_btf)
{
	reopen();
	ck_assert_uint_le(btf_count(&btf), 1);
}
END_TEST

START_TEST(more_members_than_btf_can_count_are_an_error)
{
	size_t size;

	btf_write_type(&w, BTF_KIND_STRUCT, "wide", 0);
	for (uint32_t i = 0; i <= BTF_MAX_VLEN; i++)
		btf_write_member(&w, NULL, 1, 0);
	ck_assert_int_eq(btf_write_finish(&w, &blob, &size, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "65535 members"));
}
END_TEST

Suite *write_suite(void)
{
	Suite *suite = suite_create("write");
	TCase *tc = tcase_create("write");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_written_is_read_back);
	tcase_add_test(tc, equal_strings_are_kept_once_however_many_there_are);
	tcase_add_test(tc, nothing_at_all_is_valid_btf);
	tcase_add_test(tc, more_members_than_btf_can_count_are_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}
