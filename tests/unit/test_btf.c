// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf.h"

Suite *btf_suite(void);

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static struct builder b;
static struct btf btf;
static struct error err;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&btf, 0, sizeof(btf));
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&btf);
}

static void open_built(void)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.message, message), "got '%s', expected '%s' in it", err.message,
		      message);
}

START_TEST(every_kind_is_stepped_over_by_its_own_length)
{
	uint32_t i, kinds[] = {
		BTF_KIND_PTR, BTF_KIND_FWD, BTF_KIND_TYPEDEF, BTF_KIND_VOLATILE, BTF_KIND_CONST,
		BTF_KIND_RESTRICT, BTF_KIND_FUNC, BTF_KIND_FLOAT, BTF_KIND_TYPE_TAG,
	};
	const uint32_t per[][2] = {
		{ BTF_KIND_STRUCT, 3 }, { BTF_KIND_UNION, 3 }, { BTF_KIND_ENUM, 2 },
		{ BTF_KIND_FUNC_PROTO, 2 }, { BTF_KIND_DATASEC, 3 }, { BTF_KIND_ENUM64, 3 },
	};

	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_array(&b, 1, 1, 3);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		build_type(&b, kinds[i], "x", 1);
	build_type(&b, BTF_KIND_VAR, "var", 1);
	build_word(&b, BTF_VAR_STATIC);
	build_type(&b, BTF_KIND_DECL_TAG, "tag", 1);
	build_word(&b, -1);
	for (i = 0; i < sizeof(per) / sizeof(per[0]); i++) {
		build_type(&b, per[i][0], "many", 8);
		for (uint32_t n = 0; n < 2 * per[i][1]; n++)
			build_word(&b, 0);
		build_more(&b);
		build_more(&b);
	}
	build_int(&b, "last", 1, 0);
	open_built();
	ck_assert_uint_eq(btf_count(&btf), b.count + 1);
	ck_assert_uint_eq(btf_find(&btf, "last", BTF_KIND_INT), b.count);
	for (i = 0; i < sizeof(per) / sizeof(per[0]); i++)
		ck_assert_uint_eq(btf_find(&btf, "many", per[i][0]), 14 + i);
}
END_TEST

START_TEST(ids_and_offsets_agree_across_marks)
{
	char name[16];

	for (uint32_t i = 1; i <= 3 * BTF_STRIDE + 1; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		build_type(&b, BTF_KIND_STRUCT, name, i);
		if (i % 3 == 0)
			build_member(&b, "m", 1, 0);
	}
	open_built();
	for (uint32_t i = 1; i <= 3 * BTF_STRIDE + 1; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		ck_assert_uint_eq(btf_type(&btf, i)->size, i);
		ck_assert_str_eq(btf_string(&btf, btf_type(&btf, i)->name_off), name);
		ck_assert_uint_eq(btf_find(&btf, name, BTF_KIND_STRUCT), i);
	}
	ck_assert_ptr_null(btf_type(&btf, 0));
	ck_assert_ptr_null(btf_type(&btf, 3 * BTF_STRIDE + 2));
	ck_assert_ptr_null(btf_type(&btf, UINT32_MAX));
}
END_TEST

START_TEST(find_goes_on_behind_the_last_hit)
{
	build_type(&b, BTF_KIND_STRUCT, "twin", 4);
	build_type(&b, BTF_KIND_UNION, "twin", 5);
	build_type(&b, BTF_KIND_STRUCT, "twin", 6);
	build_type(&b, BTF_KIND_TYPEDEF, "alias", 1);
	build_type(&b, BTF_KIND_TYPEDEF, "alias", 3);
	open_built();
	ck_assert_uint_eq(btf_find(&btf, "twin", BTF_KIND_STRUCT), 1);
	ck_assert_uint_eq(btf_find_next(&btf, "twin", BTF_KIND_STRUCT, 1), 3);
	ck_assert_uint_eq(btf_find_next(&btf, "twin", BTF_KIND_STRUCT, 3), 0);
	ck_assert_uint_eq(btf_find(&btf, "twin", BTF_KIND_UNION), 2);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, 4), 5);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, 5), 0);
	ck_assert_uint_eq(btf_find_next(&btf, "alias", BTF_KIND_TYPEDEF, UINT32_MAX), 0);
	ck_assert_uint_eq(btf_find(&btf, "twi", BTF_KIND_STRUCT), 0);
	ck_assert_uint_eq(btf_find(&btf, "twin", 77), 0);
}
END_TEST

START_TEST(resolve_and_size_look_through_names_and_arrays)
{
	uint32_t i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	uint32_t c = build_type(&b, BTF_KIND_CONST, NULL, i32);
	uint32_t t = build_type(&b, BTF_KIND_TYPEDEF, "t", c);
	uint32_t row = build_array(&b, t, i32, 3);
	uint32_t grid = build_array(&b, row, i32, 2);
	uint32_t ptr = build_type(&b, BTF_KIND_PTR, NULL, 0);
	uint32_t fwd = build_type(&b, BTF_KIND_FWD, "fwd", 0);
	uint32_t huge = build_array(&b, grid, i32, 0xffffffff);
	uint32_t row_of_huge = build_array(&b, huge, i32, 0xffffffff);

	open_built();
	ck_assert_uint_eq(btf_resolve(&btf, t), i32);
	ck_assert_int_eq(btf_size(&btf, t), 4);
	ck_assert_int_eq(btf_size(&btf, grid), 24);
	ck_assert_int_eq(btf_size(&btf, ptr), 8);
	ck_assert_int_eq(btf_size(&btf, fwd), -1);
	ck_assert_int_eq(btf_size(&btf, huge), -1);
	ck_assert_int_eq(btf_size(&btf, row_of_huge), -1);
	ck_assert_int_eq(btf_size(&btf, 0), -1);
	ck_assert_int_eq(btf_size(&btf, 99), -1);
	ck_assert_uint_eq(btf_resolve(&btf, 99), 99);
}
END_TEST

START_TEST(cycles_end)
{
	uint32_t a = build_type(&b, BTF_KIND_TYPEDEF, "a", 2);
	uint32_t c = build_type(&b, BTF_KIND_TYPEDEF, "c", 1);
	uint32_t self = build_array(&b, 3, 3, 1);

	open_built();
	ck_assert_uint_eq(btf_resolve(&btf, a), 0);
	ck_assert_int_eq(btf_size(&btf, c), -1);
	ck_assert_int_eq(btf_size(&btf, self), -1);
}
END_TEST

START_TEST(pointers_are_as_wide_as_the_long_of_the_machine_described)
{
	uint32_t ptr;

	build_int(&b, "long unsigned int", 4, 0);
	ptr = build_type(&b, BTF_KIND_PTR, NULL, 0);
	open_built();
	ck_assert_uint_eq(btf.pointer_size, 4);
	ck_assert_int_eq(btf_size(&btf, ptr), 4);
}
END_TEST

START_TEST(strings_out_of_range_are_empty)
{
	build_int(&b, "int", 4, 0);
	open_built();
	ck_assert_str_eq(btf_string(&btf, 1), "int");
	ck_assert_str_eq(btf_string(&btf, btf.strings_len), "");
	ck_assert_str_eq(btf_string(&btf, UINT32_MAX), "");
}
END_TEST

START_TEST(blob_without_types_is_fine)
{
	open_built();
	ck_assert_uint_eq(btf_count(&btf), 1);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 0);
	ck_assert_ptr_null(btf_type(&btf, 1));
}
END_TEST

START_TEST(longer_header_is_accepted)
{
	uint32_t longer[64] = { 0 };
	struct btf_header *h = (struct btf_header *)longer;
	size_t size;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
	memcpy(longer, b.blob, sizeof(*h));
	memcpy((char *)longer + sizeof(*h) + 8, (char *)b.blob + sizeof(*h), size - sizeof(*h));
	h->hdr_len += 8;
	ck_assert_msg(!btf_init(&btf, longer, size + 8, &err), "%s", err.message);
	ck_assert_uint_eq(btf_find(&btf, "int", BTF_KIND_INT), 1);
}
END_TEST

/* One word of the header changed: which, to what, and what the message says. */
static const struct {
	const char *message;
	size_t offset;
	uint32_t value;
	enum error_code code;
} headers[] = {
	{ "BTF: magic: got 0x0001, expected 0xeb9f", 0, 0x00010001, ERROR_FORMAT },
	{ "BTF: version: got 9, expected 1", 0, 0x0009eb9f, ERROR_UNSUPPORTED },
	{ "BTF: byte order: got the other one", 0, 0x00019feb, ERROR_UNSUPPORTED },
	{ "BTF: header length: got 20,", 4, 20, ERROR_FORMAT },
	{ "BTF: header length: got 26,", 4, 26, ERROR_FORMAT },
	{ "BTF: header length: got 4294967292,", 4, 0xfffffffc, ERROR_FORMAT },
	{ "BTF: types: got 16 bytes at 2,", 8, 2, ERROR_FORMAT },
	{ "BTF: types: got 16 bytes at 4294967292,", 8, 0xfffffffc, ERROR_FORMAT },
	{ "BTF: types: got 4294967280 bytes at 0,", 12, 0xfffffff0, ERROR_FORMAT },
	{ "BTF: type 1: got only 8 bytes", 12, 8, ERROR_FORMAT },
	{ "BTF: type 1: got only 12 bytes", 12, 12, ERROR_FORMAT },
	{ "BTF: strings: got 5 bytes at 4294967295,", 16, 0xffffffff, ERROR_FORMAT },
	{ "BTF: strings: got 6 bytes at 16,", 20, 6, ERROR_FORMAT },
	{ "BTF: strings: got a section of 0 bytes", 20, 0, ERROR_FORMAT },
	{ "BTF: strings: got a section of 4 bytes", 20, 4, ERROR_FORMAT },
	{ "BTF: type 1: kind: got 20, expected 1 to 19", 28, 20u << 24, ERROR_UNSUPPORTED },
	{ "BTF: type 1: kind: got 0,", 28, 0, ERROR_UNSUPPORTED },
	{ "BTF: type 1: got only 16 bytes", 28, 0x0400ffff, ERROR_FORMAT },
};

START_TEST(damaged_header_is_named)
{
	size_t size;

	build_int(&b, "int", 4, 0);
	size = build_blob(&b);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	if (headers[_i].offset == 0)
		return; /* written down in the other order */
#endif
	memcpy((char *)b.blob + headers[_i].offset, &headers[_i].value, 4);
	ck_assert_int_eq(btf_init(&btf, b.blob, size, &err), -1);
	expect_error(headers[_i].code, headers[_i].message);
	ck_assert_uint_eq(btf_count(&btf), 0);
}
END_TEST

START_TEST(cut_blob_is_an_error_at_every_length)
{
	size_t size, len;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 1, 0);
	size = build_blob(&b);
	for (len = 0; len < size; len++) {
		void *copy = malloc(len + !len);

		memcpy(copy, b.blob, len);
		ck_assert_int_eq(btf_init(&btf, copy, len, &err), -1);
		ck_assert_int_eq(err.code, ERROR_FORMAT);
		ck_assert_int_eq(strncmp(err.message, "BTF: ", 5), 0);
		free(copy);
	}
}
END_TEST

START_TEST(flipped_bytes_never_lead_outside)
{
	size_t size, at;
	uint8_t *copy;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 3, 0);
	build_array(&b, 2, 1, 4);
	build_type(&b, BTF_KIND_ENUM, "e", 4);
	build_value(&b, "E", 1);
	size = build_blob(&b);
	copy = malloc(size);
	for (at = 0; at < size * 8; at++) {
		memcpy(copy, b.blob, size);
		copy[at / 8] ^= 1u << at % 8;
		if (btf_init(&btf, copy, size, &err))
			continue;
		for (uint32_t id = 0; id < btf_count(&btf) + 2; id++) {
			const struct btf_type *t = btf_type(&btf, id);

			ck_assert(btf_size(&btf, id) >= -1);
			ck_assert(!t || btf_string(&btf, t->name_off));
		}
		btf_find(&btf, "nobody", BTF_KIND_STRUCT);
		btf_find(&btf, "nobody", BTF_KIND_TYPEDEF);
		btf_fini(&btf);
	}
	free(copy);
}
END_TEST

START_TEST(missing_file_is_not_found)
{
	ck_assert_int_eq(btf_open(&btf, "/nonexistent/btf", &err), -1);
	expect_error(ERROR_NOT_FOUND, "/nonexistent/btf: No such file or directory");
}
END_TEST

START_TEST(file_that_is_no_btf_is_named)
{
	char path[] = "/tmp/portrace-btf-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(btf_open(&btf, path, &err), -1);
	expect_error(ERROR_FORMAT, ": size: got 0, expected BTF");
	ck_assert_int_eq(write(fd, "this is no BTF at all, sorry", 28), 28);
	close(fd);
	ck_assert_int_eq(btf_open(&btf, path, &err), -1);
	expect_error(ERROR_FORMAT, ": BTF: magic: got 0x");
	unlink(path);
}
END_TEST

START_TEST(kernel_btf_describes_this_machine)
{
	uint32_t task, id, listed = 0;

	ck_assert_msg(!btf_open_kernel(&btf, &err), "%s", err.message);
	ck_assert_uint_eq(btf.pointer_size, sizeof(long));
	ck_assert_uint_gt(btf_count(&btf), 10000);
	task = btf_find(&btf, "task_struct", BTF_KIND_STRUCT);
	ck_assert_uint_ne(task, 0);
	ck_assert_int_gt(btf_size(&btf, task), 1000);
	ck_assert_int_eq(btf_size(&btf, btf_find(&btf, "list_head", BTF_KIND_STRUCT)),
			 2 * sizeof(void *));
	/* The short list and a walk over all types must see the same. */
	for (id = 1; id < btf_count(&btf); id += 997) {
		const struct btf_type *t = btf_type(&btf, id);
		const char *name = btf_string(&btf, t->name_off);

		if (!btf_is_composite(t) || !*name)
			continue;
		ck_assert_uint_eq(btf_find_next(&btf, name, btf_kind(t), id - 1), id);
		listed++;
	}
	ck_assert_uint_gt(listed, 0);
}
END_TEST

Suite *btf_suite(void)
{
	Suite *s = suite_create("btf");
	TCase *tc = tcase_create("btf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_kind_is_stepped_over_by_its_own_length);
	tcase_add_test(tc, ids_and_offsets_agree_across_marks);
	tcase_add_test(tc, find_goes_on_behind_the_last_hit);
	tcase_add_test(tc, resolve_and_size_look_through_names_and_arrays);
	tcase_add_test(tc, cycles_end);
	tcase_add_test(tc, pointers_are_as_wide_as_the_long_of_the_machine_described);
	tcase_add_test(tc, strings_out_of_range_are_empty);
	tcase_add_test(tc, blob_without_types_is_fine);
	tcase_add_test(tc, longer_header_is_accepted);
	tcase_add_loop_test(tc, damaged_header_is_named, 0, sizeof(headers) / sizeof(headers[0]));
	tcase_add_test(tc, cut_blob_is_an_error_at_every_length);
	tcase_add_test(tc, flipped_bytes_never_lead_outside);
	tcase_add_test(tc, missing_file_is_not_found);
	tcase_add_test(tc, file_that_is_no_btf_is_named);
	if (access(KERNEL_BTF, R_OK) == 0)
		tcase_add_test(tc, kernel_btf_describes_this_machine);
	suite_add_tcase(s, tc);
	return s;
}
