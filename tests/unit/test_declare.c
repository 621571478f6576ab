// SPDX-License-Identifier: GPL-2.0
/* Types in C notation, and bytes read by them. */
#include <check.h>
#include <string.h>

#include "btf/declare.h"
#include "btf/value.h"
#include "tests/unit/btf_builder.h"

Suite *declare_suite(void);

static struct builder b;
static struct btf btf;
static struct error err;
static char shown[512];
static uint32_t i32, u32, u8, ch, bool8, u64, color;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&btf, 0, sizeof(btf));
	error_clear(&err);
	i32 = build_int(&b, "int", 4, BTF_INT_SIGNED);
	u32 = build_int(&b, "unsigned int", 4, 0);
	u64 = build_int(&b, "long unsigned int", 8, 0);
	u8 = build_int(&b, "unsigned char", 1, 0);
	ch = build_int(&b, "char", 1, BTF_INT_SIGNED);
	bool8 = build_int(&b, "_Bool", 1, BTF_INT_BOOL);
	color = build_type(&b, BTF_KIND_ENUM, "color", 4);
	build_value(&b, "RED", 1);
	build_value(&b, "BLUE", -3);
}

static void teardown(void)
{
	btf_fini(&btf);
}

static void open_built(void)
{
	size_t size = build_blob(&b);

	if (!btf_count(&btf))
		ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
}

static void expect_declaration(uint32_t id, const char *name, const char *expected)
{
	struct strbuf out = STRBUF(shown);

	open_built();
	btf_declare(&out, &btf, id, name);
	ck_assert_str_eq(shown, expected);
}

static void expect_value(uint32_t id, const void *data, size_t size, const char *expected)
{
	struct strbuf out = STRBUF(shown);

	open_built();
	btf_value(&out, &btf, id, data, size);
	ck_assert_str_eq(shown, expected);
}

/* ---- declarations ---- */

static uint32_t pointer_to(uint32_t id)
{
	return build_type(&b, BTF_KIND_PTR, NULL, id);
}

START_TEST(base_types_stand_by_their_names)
{
	uint32_t s = build_type(&b, BTF_KIND_STRUCT, "point", 8);
	uint32_t none = build_type(&b, BTF_KIND_UNION, NULL, 8);
	uint32_t fwd = build_type(&b, BTF_KIND_FWD, "later", 0);
	uint32_t t = build_type(&b, BTF_KIND_TYPEDEF, "pid_t", i32);

	expect_declaration(i32, "", "int");
	expect_declaration(i32, "x", "int x");
	expect_declaration(s, "p", "struct point p");
	expect_declaration(none, "u", "union {...} u");
	expect_declaration(fwd, "", "struct later");
	expect_declaration(t, "pid", "pid_t pid");
	expect_declaration(color, "", "enum color");
	expect_declaration(0, "", "void");
	expect_declaration(9999, "x", "void x");
}
END_TEST

START_TEST(pointers_arrays_and_functions_bind_as_in_c)
{
	uint32_t array = build_array(&b, ch, u32, 16);
	uint32_t matrix = build_array(&b, array, u32, 2);
	uint32_t open = build_array(&b, i32, u32, 0);
	uint32_t to_array = pointer_to(array);
	uint32_t pointers = build_array(&b, pointer_to(i32), u32, 3);
	uint32_t proto, fn, table;

	proto = build_type(&b, BTF_KIND_FUNC_PROTO, NULL, u64);
	build_word(&b, build_string(&b, "ctx"));
	build_word(&b, to_array);
	build_more(&b);
	build_word(&b, 0);
	build_word(&b, 0);
	build_more(&b);
	fn = pointer_to(proto);
	table = build_array(&b, fn, u32, 4);
	expect_declaration(array, "comm", "char comm[16]");
	expect_declaration(array, "", "char[16]");
	expect_declaration(matrix, "m", "char m[2][16]");
	expect_declaration(open, "tail", "int tail[]");
	expect_declaration(to_array, "p", "char (*p)[16]");
	expect_declaration(pointers, "v", "int *v[3]");
	expect_declaration(fn, "call", "long unsigned int (*call)(char (*)[16], ...)");
	expect_declaration(table, "ops", "long unsigned int (*ops[4])(char (*)[16], ...)");
}
END_TEST

START_TEST(qualifiers_stand_by_what_they_qualify)
{
	uint32_t constant = build_type(&b, BTF_KIND_CONST, NULL, i32);
	uint32_t both = build_type(&b, BTF_KIND_VOLATILE, NULL, constant);
	uint32_t to_constant = pointer_to(constant);
	uint32_t fixed = build_type(&b, BTF_KIND_CONST, NULL, to_constant);
	uint32_t tag = build_type(&b, BTF_KIND_TYPE_TAG, "user", ch);

	expect_declaration(both, "limit", "volatile const int limit");
	expect_declaration(to_constant, "p", "const int *p");
	expect_declaration(fixed, "p", "const int *const p");
	expect_declaration(fixed, "", "const int *const");
	expect_declaration(tag, "c", "char c");
}
END_TEST

START_TEST(cycle_of_types_ends)
{
	uint32_t a = build_type(&b, BTF_KIND_PTR, NULL, b.count + 1);
	struct strbuf out = STRBUF(shown);

	open_built();
	btf_declare(&out, &btf, a, "p");
	ck_assert_ptr_nonnull(strstr(shown, "*p"));
}
END_TEST

/* ---- values ---- */

START_TEST(numbers_are_read_by_their_type)
{
	int32_t negative = -5, blue = -3, none = 7;
	uint32_t large = 4000000000u;
	uint64_t mask = 0x1122334455667788, small = 12;
	uint8_t yes = 1;
	double d = 1.5;
	uint32_t f = build_type(&b, BTF_KIND_FLOAT, "double", 8);

	expect_value(i32, &negative, 4, "-5");
	expect_value(u32, &large, 4, "4000000000");
	expect_value(u64, &mask, 8, "0x1122334455667788");
	expect_value(u64, &small, 8, "12");
	expect_value(bool8, &yes, 1, "true");
	expect_value(color, &blue, 4, "BLUE");
	expect_value(color, &none, 4, "7");
	expect_value(f, &d, 8, "1.5");
}
END_TEST

START_TEST(text_is_quoted_and_escaped)
{
	uint32_t text = build_array(&b, ch, u32, 8), bytes = build_array(&b, u8, u32, 4);
	uint32_t zeros = build_array(&b, i32, u32, 1000);
	int32_t many[1000] = { 0 };

	expect_value(text, "a\"b\n\0\0\0", 8, "\"a\\\"b\\n\"");
	expect_value(text, "\0\0\0\0\0\0\0", 8, "\"\"");
	expect_value(text, "ab\0cd\0\0", 8, "{ 97, 98, 0, 99, 100, 0, 0, 0 }");
	expect_value(bytes, "\1\2\3\4", 4, "{ 1, 2, 3, 4 }");
	expect_value(zeros, many, sizeof(many), "{}");
	many[999] = 1;
	expect_value(zeros, many, sizeof(many),
		     "{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... }");
}
END_TEST

START_TEST(structs_show_their_members)
{
	uint32_t s = build_type(&b, BTF_KIND_STRUCT, "s", 16), p = b.count + 1;
	struct {
		int x;
		unsigned int low : 3, high : 5;
		void *p;
	} value = { -1, 5, 17, NULL };

	b.last = b.types_len - 3;
	build_kflag(&b);
	build_member(&b, "x", i32, 0);
	build_member(&b, "low", u32, 3 << 24 | 32);
	build_member(&b, "high", u32, 5 << 24 | 35);
	build_member(&b, "p", p, 64);
	pointer_to(0);
	expect_value(s, &value, sizeof(value), "{ .x = -1, .low = 5, .high = 17, .p = NULL }");
	memset(&value, 0, sizeof(value));
	expect_value(s, &value, sizeof(value), "{}");
}
END_TEST

START_TEST(what_lies_outside_is_a_question_mark)
{
	uint32_t word = 1;

	expect_value(u64, &word, 4, "?");
	expect_value(0, &word, 4, "?");
	expect_value(9999, &word, 4, "?");
}
END_TEST

START_TEST(long_text_is_cut_and_says_so)
{
	char small[8];
	struct strbuf out = STRBUF(small);
	uint32_t text = build_array(&b, ch, u32, 16);

	open_built();
	btf_value(&out, &btf, text, "0123456789abcde", 16);
	ck_assert(out.cut);
	ck_assert_str_eq(small, "\"012345");
}
END_TEST

/* A struct that holds itself would go on for ever. */
START_TEST(nesting_without_end_is_bounded)
{
	uint32_t s = build_type(&b, BTF_KIND_STRUCT, "s", 4);
	int32_t one = 1;

	build_member(&b, "s", s, 0);
	expect_value(s, &one, 4,
		     "{ .s = { .s = { .s = { .s = { .s = { .s = { .s = ... } } } } } } }");
}
END_TEST

Suite *declare_suite(void)
{
	Suite *s = suite_create("declare");
	TCase *tc = tcase_create("declare");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, base_types_stand_by_their_names);
	tcase_add_test(tc, pointers_arrays_and_functions_bind_as_in_c);
	tcase_add_test(tc, qualifiers_stand_by_what_they_qualify);
	tcase_add_test(tc, cycle_of_types_ends);
	tcase_add_test(tc, numbers_are_read_by_their_type);
	tcase_add_test(tc, text_is_quoted_and_escaped);
	tcase_add_test(tc, structs_show_their_members);
	tcase_add_test(tc, what_lies_outside_is_a_question_mark);
	tcase_add_test(tc, long_text_is_cut_and_says_so);
	tcase_add_test(tc, nesting_without_end_is_bounded);
	suite_add_tcase(s, tc);
	return s;
}
