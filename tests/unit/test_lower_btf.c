// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/lower.h"
#include "tests/unit/btf_kinds.h"

Suite *lower_btf_suite(void);

static struct builder b;
static struct btf btf, out;
static void *image;
static size_t image_len;
static struct error err;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&btf, 0, sizeof(btf));
	memset(&out, 0, sizeof(out));
	image = NULL;
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&btf);
	btf_fini(&out);
	free(image);
}

/* What was built, as a kernel of that version is given it. */
static void lower_for(int version)
{
	struct caps caps = answers_of(version);

	btf_fini(&btf);
	btf_fini(&out);
	free(image);
	ck_assert_msg(!btf_init(&btf, b.blob, build_blob(&b), &err), "%s", err.message);
	ck_assert_msg(!lower_btf(&btf, &caps, &image, &image_len, &err), "%s", err.message);
	ck_assert_msg(!btf_init(&out, image, image_len, &err), "%s", err.message);
	ck_assert_uint_ge(btf_count(&out), btf_count(&btf));
}

static void expect(uint32_t id, uint32_t kind, const char *name, uint32_t vlen, uint32_t value)
{
	const struct btf_type *t = btf_type(&out, id);

	ck_assert_ptr_nonnull(t);
	ck_assert_msg(btf_kind(t) == kind && btf_vlen(t) == vlen && t->size == value &&
		      !strcmp(btf_string(&out, t->name_off), name),
		      "[%u]: got kind %u '%s' vlen %u value %u, expected %u '%s' %u %u", id,
		      btf_kind(t), btf_string(&out, t->name_off), btf_vlen(t), t->size, kind, name,
		      vlen, value);
}

static void expect_kflag(uint32_t id, bool kflag)
{
	ck_assert_int_eq(BTF_INFO_KFLAG(btf_type(&out, id)->info), kflag);
}

static void expect_member(uint32_t id, uint32_t i, const char *name, uint32_t type,
			  uint32_t offset)
{
	const struct btf_member *m = btf_extra(btf_type(&out, id));

	m += i;
	ck_assert_msg(m->type == type && m->offset == offset &&
		      !strcmp(btf_string(&out, m->name_off), name),
		      "[%u] member %u: got '%s' type %u offset %u, expected '%s' %u %u", id, i,
		      btf_string(&out, m->name_off), m->type, m->offset, name, type, offset);
}

static void expect_byte(uint32_t id, const char *name)
{
	expect(id, BTF_KIND_INT, name, 0, 1);
	ck_assert_uint_eq(*(const uint32_t *)btf_extra(btf_type(&out, id)), 8);
}

/*
 * Which of them is something else for which kernel. Each kind is kept from its version on,
 * and is the other before.
 */
static const struct {
	uint32_t id;
	int from;
	uint32_t kind, before;
} rows[] = {
	{ INT, 418, BTF_KIND_INT, 0 },
	{ PROTO, 500, BTF_KIND_FUNC_PROTO, BTF_KIND_ENUM },
	{ FUNC, 500, BTF_KIND_FUNC, BTF_KIND_TYPEDEF },
	{ VAR, 502, BTF_KIND_VAR, BTF_KIND_INT },
	{ SECTION, 502, BTF_KIND_DATASEC, BTF_KIND_STRUCT },
	{ FLOAT, 513, BTF_KIND_FLOAT, BTF_KIND_STRUCT },
	{ DECL_TAG, 516, BTF_KIND_DECL_TAG, BTF_KIND_INT },
	{ TYPE_TAG, 517, BTF_KIND_TYPE_TAG, BTF_KIND_CONST },
	{ PTR, 418, BTF_KIND_PTR, 0 },
	{ BIG, 600, BTF_KIND_ENUM64, BTF_KIND_UNION },
	{ SIGNED, 418, BTF_KIND_ENUM, 0 },
	{ BITS, 418, BTF_KIND_STRUCT, 0 },
	{ UNION_FWD, 418, BTF_KIND_FWD, 0 },
	{ ODD_SECTION, 502, BTF_KIND_DATASEC, BTF_KIND_STRUCT },
};

START_TEST(every_kind_is_kept_from_the_version_that_knows_it)
{
	int version = btf_versions[_i];

	build_one_of_each(&b);
	lower_for(version);
	ck_assert_uint_eq(sizeof(rows) / sizeof(rows[0]), LAST);
	for (size_t i = 0; i < LAST; i++) {
		uint32_t kind = version >= rows[i].from ? rows[i].kind : rows[i].before;

		ck_assert_msg(btf_kind(btf_type(&out, rows[i].id)) == kind,
			      "version %d: [%u]: got kind %u, expected %u", version, rows[i].id,
			      btf_kind(btf_type(&out, rows[i].id)), kind);
	}
	expect_kflag(BITS, version >= 500);
	expect_kflag(UNION_FWD, version >= 500);
	expect_kflag(SIGNED, version >= 600);
}
END_TEST

START_TEST(sizes_and_strings_are_where_they_were)
{
	build_one_of_each(&b);
	lower_for(btf_versions[_i]);
	for (uint32_t id = 1; id <= LAST; id++)
		if (id != VAR)
			ck_assert_int_eq(btf_size(&out, id), btf_kind(btf_type(&out, id)) ==
					 BTF_KIND_ENUM && id == PROTO ? 4 :
					 id == DECL_TAG && btf_versions[_i] < 516 ? 1 :
					 id == FUNC && btf_versions[_i] < 500 ? 4 :
					 btf_size(&btf, id));
	ck_assert_uint_ge(out.strings_len, btf.strings_len);
	ck_assert_mem_eq(out.strings, btf.strings, btf.strings_len);
}
END_TEST

START_TEST(what_the_newest_kernel_is_given_is_what_was_there)
{
	build_one_of_each(&b);
	lower_for(609);
	ck_assert_uint_eq(out.types_len, btf.types_len);
	ck_assert_mem_eq(out.types, btf.types, btf.types_len);
	ck_assert_uint_eq(out.strings_len, btf.strings_len);
}
END_TEST

START_TEST(the_types_given_stay_as_they_are)
{
	static struct builder before;

	build_one_of_each(&b);
	build_blob(&b);
	before = b;
	lower_for(418);
	ck_assert_mem_eq(&before, &b, sizeof(b));
}
END_TEST

START_TEST(functions_become_typedefs_of_enums)
{
	build_one_of_each(&b);
	lower_for(418);
	expect(PROTO, BTF_KIND_ENUM, "", 0, 4);
	expect(FUNC, BTF_KIND_TYPEDEF, "work", 0, PROTO);
}
END_TEST

START_TEST(global_functions_are_static_before_they_are_known)
{
	build_one_of_each(&b);
	lower_for(502);
	expect(FUNC, BTF_KIND_FUNC, "work", BTF_FUNC_STATIC, PROTO);
	lower_for(506);
	expect(FUNC, BTF_KIND_FUNC, "work", BTF_FUNC_GLOBAL, PROTO);
}
END_TEST

START_TEST(sections_become_structs_of_bytes)
{
	build_one_of_each(&b);
	lower_for(500);
	expect_byte(VAR, "counter");
	expect(SECTION, BTF_KIND_STRUCT, "_bss", 1, 16);
	expect_member(SECTION, 0, "counter", VAR, 64);
	expect(ODD_SECTION, BTF_KIND_STRUCT, "__odd", 1, 4);
}
END_TEST

START_TEST(odd_section_names_are_cleaned)
{
	build_one_of_each(&b);
	lower_for(600);
	expect(ODD_SECTION, BTF_KIND_DATASEC, "__odd", 1, 4);
	expect(SECTION, BTF_KIND_DATASEC, ".bss", 1, 16);
	lower_for(609);
	expect(ODD_SECTION, BTF_KIND_DATASEC, "?.odd", 1, 4);
}
END_TEST

START_TEST(floats_become_structs_without_a_name)
{
	build_one_of_each(&b);
	lower_for(506);
	expect(FLOAT, BTF_KIND_STRUCT, "", 0, 16);
}
END_TEST

START_TEST(tags_become_bytes_and_const)
{
	build_one_of_each(&b);
	lower_for(513);
	expect_byte(DECL_TAG, "");
	expect(TYPE_TAG, BTF_KIND_CONST, "", 0, INT);
	lower_for(517);
	expect(DECL_TAG, BTF_KIND_DECL_TAG, "some:tag", 0, BITS);
	ck_assert_uint_eq(*(const uint32_t *)btf_extra(btf_type(&out, DECL_TAG)), UINT32_MAX);
	expect(TYPE_TAG, BTF_KIND_TYPE_TAG, "user", 0, INT);
}
END_TEST

START_TEST(wide_enums_become_unions_of_a_byte_at_the_end)
{
	build_one_of_each(&b);
	lower_for(517);
	ck_assert_uint_eq(btf_count(&out), btf_count(&btf) + 1);
	expect_byte(LAST + 1, "byte");
	expect(BIG, BTF_KIND_UNION, "big", 2, 8);
	expect_kflag(BIG, false);
	expect_member(BIG, 0, "ONE", LAST + 1, 0);
	expect_member(BIG, 1, "LESS", LAST + 1, 0);
	lower_for(600);
	ck_assert_uint_eq(btf_count(&out), btf_count(&btf));
	expect_kflag(BIG, true);
}
END_TEST

START_TEST(signed_values_stay)
{
	const struct btf_enum *value;

	build_one_of_each(&b);
	lower_for(517);
	expect(SIGNED, BTF_KIND_ENUM, "sign", 1, 4);
	value = btf_extra(btf_type(&out, SIGNED));
	ck_assert_int_eq(value->val, -1);
	ck_assert_str_eq(btf_string(&out, value->name_off), "MINUS");
}
END_TEST

START_TEST(bit_fields_become_the_byte_they_begin_in)
{
	build_one_of_each(&b);
	lower_for(418);
	expect(BITS, BTF_KIND_STRUCT, "bits", 3, 8);
	expect_member(BITS, 0, "whole", INT, 0);
	expect_member(BITS, 1, "three", LAST + 1, 32);
	expect_member(BITS, 2, "nine", LAST + 1, 40);
	lower_for(500);
	expect_member(BITS, 2, "nine", INT, 9 << 24 | 43);
}
END_TEST

/* ---- what no kernel takes ---- */

START_TEST(names_that_are_none_are_cleaned)
{
	static const char *const bad[][2] = {
		{ "Option<u8>", "Option_u8_" }, { "a.b", "a_b" }, { "9lives", "_lives" },
	};
	char longer[200];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	build_int(&b, "long unsigned int", 8, 0);
	for (int i = 0; i < 3; i++)
		build_type(&b, BTF_KIND_STRUCT, bad[i][0], 0);
	build_type(&b, BTF_KIND_TYPEDEF, "ns::type", 1);
	build_type(&b, BTF_KIND_STRUCT, longer, 4);
	build_member(&b, "-", 1, 0);
	lower_for(609);
	expect(1, BTF_KIND_INT, "long unsigned int", 0, 8);
	for (int i = 0; i < 3; i++)
		expect(2 + i, BTF_KIND_STRUCT, bad[i][1], 0, 0);
	expect(5, BTF_KIND_TYPEDEF, "ns__type", 0, 1);
	longer[127] = 0;
	expect(6, BTF_KIND_STRUCT, longer, 1, 4);
	expect_member(6, 0, "_", 1, 0);
}
END_TEST

START_TEST(parameters_without_a_name_get_one)
{
	const struct btf_param *params;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_FUNC_PROTO, NULL, 1);
	build_param(&b, NULL, 1);
	build_param(&b, "named", 1);
	build_param(&b, NULL, 0); /* ... */
	lower_for(609);
	params = btf_extra(btf_type(&out, 2));
	ck_assert_str_eq(btf_string(&out, params[0].name_off), "param");
	ck_assert_str_eq(btf_string(&out, params[1].name_off), "named");
	ck_assert_uint_eq(params[2].name_off, 0);
	ck_assert_uint_eq(params[2].type, 0);
}
END_TEST

START_TEST(sections_that_the_kernel_would_refuse_become_empty_structs)
{
	uint32_t var, func, id;

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_FUNC_PROTO, NULL, 1);
	func = build_func(&b, "kernel_does", 2, BTF_FUNC_EXTERN);
	var = build_var(&b, "here", 1, BTF_VAR_GLOBAL_ALLOCATED);
	id = build_type(&b, BTF_KIND_DATASEC, ".ksyms", 4);
	build_place(&b, func, 0, 4);
	build_type(&b, BTF_KIND_DATASEC, ".empty", 0);
	build_type(&b, BTF_KIND_DATASEC, ".short", 4);
	build_place(&b, var, 2, 4);
	build_type(&b, BTF_KIND_DATASEC, ".twice", 8);
	build_place(&b, var, 0, 4);
	build_place(&b, var, 2, 4);
	build_type(&b, BTF_KIND_DATASEC, ".nothing", 8);
	build_place(&b, var, 0, 0);
	lower_for(609);
	expect(func, BTF_KIND_FUNC, "kernel_does", BTF_FUNC_GLOBAL, 2);
	expect(id, BTF_KIND_STRUCT, "_ksyms", 0, 4);
	expect(id + 1, BTF_KIND_STRUCT, "_empty", 0, 0);
	expect(id + 2, BTF_KIND_STRUCT, "_short", 0, 4);
	expect(id + 3, BTF_KIND_STRUCT, "_twice", 0, 8);
	expect(id + 4, BTF_KIND_STRUCT, "_nothing", 0, 8);
}
END_TEST

START_TEST(extern_variables_become_global_and_void_ones_bytes)
{
	uint32_t var, none, section;

	build_int(&b, "int", 4, 0);
	var = build_var(&b, "LINUX_KERNEL_VERSION", 1, BTF_VAR_GLOBAL_EXTERN);
	none = build_var(&b, "bpf_prog_fops", 0, BTF_VAR_GLOBAL_EXTERN);
	section = build_type(&b, BTF_KIND_DATASEC, ".ksyms", 8);
	build_place(&b, none, 0, 8);
	lower_for(609);
	expect(var, BTF_KIND_VAR, "LINUX_KERNEL_VERSION", 0, 1);
	ck_assert_uint_eq(*(const uint32_t *)btf_extra(btf_type(&out, var)),
			  BTF_VAR_GLOBAL_ALLOCATED);
	expect_byte(none, "bpf_prog_fops");
	expect(section, BTF_KIND_STRUCT, "_ksyms", 0, 8);
}
END_TEST

START_TEST(tags_go_with_what_they_are_put_to)
{
	uint32_t none, tag, attribute, loop;

	none = build_var(&b, "nothing", 0, BTF_VAR_GLOBAL_EXTERN);
	tag = build_type(&b, BTF_KIND_DECL_TAG, "t", none);
	build_word(&b, -1);
	attribute = build_type(&b, BTF_KIND_TYPE_TAG, "noreturn", none);
	build_kflag(&b);
	loop = build_type(&b, BTF_KIND_DECL_TAG, "t", tag);
	build_word(&b, -1);
	lower_for(609);
	expect_byte(tag, "");
	expect(attribute, BTF_KIND_CONST, "", 0, none);
	expect_byte(loop, "");
}
END_TEST

START_TEST(the_header_is_the_plain_one)
{
	const struct btf_header *h;
	uint32_t longer[64] = { 0 };
	struct caps caps = answers_of(609);

	build_int(&b, "int", 4, 0);
	build_blob(&b);
	/* A newer header: two words more, which tell of a section that lies behind the strings. */
	memcpy(longer, b.blob, sizeof(*h));
	((struct btf_header *)longer)->hdr_len = 32;
	longer[6] = 24; /* layout_off */
	longer[7] = 12; /* layout_len */
	memcpy(longer + 8, b.blob + 6, build_blob(&b) - sizeof(*h));
	ck_assert_msg(!btf_init(&btf, longer, 32 + 24 + 12, &err), "%s", err.message);
	ck_assert_int_eq(lower_btf(&btf, &caps, &image, &image_len, &err), 0);
	h = image;
	ck_assert_uint_eq(h->hdr_len, sizeof(*h));
	ck_assert_uint_eq(image_len, sizeof(*h) + h->type_len + h->str_len);
	ck_assert_uint_eq(h->str_off, h->type_len);
	ck_assert_int_eq(btf_init(&out, image, image_len, &err), 0);
	expect(1, BTF_KIND_INT, "int", 0, 4);
}
END_TEST

/* Only what the BTF has is asked; the rest stays unanswered. */
START_TEST(nothing_is_asked_that_the_types_do_not_need)
{
	struct caps caps = { 0 };

	build_int(&b, "int", 4, 0);
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "x", 1, 0);
	ck_assert_int_eq(btf_init(&btf, b.blob, build_blob(&b), &err), 0);
	ck_assert_int_eq(lower_btf(&btf, &caps, &image, &image_len, &err), 0);
	for (int cap = 0; cap < CAP_COUNT; cap++)
		ck_assert_int_eq(caps.at[cap].answer, CAP_NOT_ASKED);
}
END_TEST

Suite *lower_btf_suite(void)
{
	Suite *suite = suite_create("lower_btf");
	TCase *tc = tcase_create("lower_btf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_kind_is_kept_from_the_version_that_knows_it, 0, BTF_VERSIONS);
	tcase_add_loop_test(tc, sizes_and_strings_are_where_they_were, 0, BTF_VERSIONS);
	tcase_add_test(tc, what_the_newest_kernel_is_given_is_what_was_there);
	tcase_add_test(tc, the_types_given_stay_as_they_are);
	tcase_add_test(tc, functions_become_typedefs_of_enums);
	tcase_add_test(tc, global_functions_are_static_before_they_are_known);
	tcase_add_test(tc, sections_become_structs_of_bytes);
	tcase_add_test(tc, odd_section_names_are_cleaned);
	tcase_add_test(tc, floats_become_structs_without_a_name);
	tcase_add_test(tc, tags_become_bytes_and_const);
	tcase_add_test(tc, wide_enums_become_unions_of_a_byte_at_the_end);
	tcase_add_test(tc, signed_values_stay);
	tcase_add_test(tc, bit_fields_become_the_byte_they_begin_in);
	tcase_add_test(tc, names_that_are_none_are_cleaned);
	tcase_add_test(tc, parameters_without_a_name_get_one);
	tcase_add_test(tc, sections_that_the_kernel_would_refuse_become_empty_structs);
	tcase_add_test(tc, extern_variables_become_global_and_void_ones_bytes);
	tcase_add_test(tc, tags_go_with_what_they_are_put_to);
	tcase_add_test(tc, the_header_is_the_plain_one);
	tcase_add_test(tc, nothing_is_asked_that_the_types_do_not_need);
	suite_add_tcase(suite, tc);
	return suite;
}
