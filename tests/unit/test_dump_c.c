// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "btf/dump_c.h"

Suite *dump_c_suite(void);

#define PREAMBLE                                                                             \
	"#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"                                    \
	"#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n"                    \
	"#pragma clang attribute push (__attribute__((preserve_access_index)), "              \
	"apply_to = record)\n#endif\n\n"
#define POSTAMBLE                                                                            \
	"#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n"                    \
	"#pragma clang attribute pop\n#endif\n\n#endif /* __VMLINUX_H__ */\n"

static struct builder b, base_builder;
static struct btf btf, base;
static struct text out;
static struct error err;

/* What most tests need, with the same ids in all. */
enum { INT = 1, CHAR, LONG, BYTE, LAST = BYTE };

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&base_builder, 0, sizeof(base_builder));
	memset(&btf, 0, sizeof(btf));
	memset(&base, 0, sizeof(base));
	memset(&out, 0, sizeof(out));
	error_clear(&err);
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_int(&b, "char", 1, BTF_INT_SIGNED);
	build_int(&b, "long int", 8, BTF_INT_SIGNED);
	build_int(&b, "unsigned char", 1, 0);
}

static void teardown(void)
{
	btf_fini(&btf);
	btf_fini(&base);
	text_fini(&out);
}

static int dump(const uint32_t *ids, size_t count)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
	return btf_dump_c(&btf, ids, count, &out, &err);
}

static void expect_text(const char *body)
{
	char *expected;

	ck_assert_int_gt(asprintf(&expected, PREAMBLE "%s" POSTAMBLE, body), 0);
	text_put(&out, "", 1);
	ck_assert_str_eq(out.at, expected);
	free(expected);
}

static void expect(const char *body)
{
	ck_assert_msg(!dump(NULL, 0), "%s", err.message);
	expect_text(body);
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_int_eq(dump(NULL, 0), -1);
	ck_assert_int_eq(err.code, code);
	ck_assert_str_eq(err.message, message);
}

static uint32_t pointer(uint32_t to)
{
	return build_type(&b, BTF_KIND_PTR, NULL, to);
}

static uint32_t function(uint32_t returns)
{
	return build_type(&b, BTF_KIND_FUNC_PROTO, NULL, returns);
}

static void param(const char *name, uint32_t type)
{
	build_word(&b, build_string(&b, name));
	build_word(&b, type);
	build_more(&b);
}

static uint32_t name_type(const char *name, uint32_t type)
{
	return build_type(&b, BTF_KIND_TYPEDEF, name, type);
}

static uint32_t composite(const char *name, uint32_t size)
{
	return build_type(&b, BTF_KIND_STRUCT, name, size);
}

static void bit_field(const char *name, uint32_t type, uint32_t bits, uint32_t offset)
{
	build_member(&b, name, type, bits << 24 | offset);
}

/* ---- order ---- */

START_TEST(a_pointer_needs_a_name_a_member_the_whole)
{
	uint32_t outer = LAST + 1, inner = LAST + 3, later = LAST + 4;

	composite("outer", 16);
	build_member(&b, "in", inner, 0);
	build_member(&b, "p", LAST + 2, 64);
	pointer(later);
	composite("inner", 8);
	build_member(&b, "up", LAST + 5, 0);
	composite("later", 1);
	build_member(&b, "c", CHAR, 0);
	pointer(outer);
	expect("struct outer;\n\n"
	       "struct inner {\n\tstruct outer *up;\n};\n\n"
	       "struct later;\n\n"
	       "struct outer {\n\tstruct inner in;\n\tstruct later *p;\n};\n\n"
	       "struct later {\n\tchar c;\n};\n\n");
}
END_TEST

START_TEST(a_struct_points_to_itself_without_more)
{
	composite("list_head", 8);
	build_member(&b, "next", LAST + 2, 0);
	pointer(LAST + 1);
	expect("struct list_head {\n\tstruct list_head *next;\n};\n\n");
}
END_TEST

START_TEST(a_typedef_comes_before_who_uses_it)
{
	composite("list", 8);
	build_member(&b, "first", LAST + 2, 0);
	pointer(LAST + 3);
	name_type("node_t", LAST + 4);
	composite("node", 8);
	build_member(&b, "l", LAST + 1, 0);
	expect("struct node;\n\n"
	       "typedef struct node node_t;\n\n"
	       "struct list {\n\tnode_t *first;\n};\n\n"
	       "struct node {\n\tstruct list l;\n};\n\n");
}
END_TEST

START_TEST(only_what_was_asked_for_and_what_it_needs)
{
	uint32_t id;

	composite("needed", 4);
	build_member(&b, "i", INT, 0);
	composite("other", 4);
	build_member(&b, "i", INT, 0);
	id = composite("asked", 12);
	build_kflag(&b);
	build_member(&b, "n", LAST + 1, 0);
	build_member(&b, "o", LAST + 4, 32);
	pointer(LAST + 2);
	ck_assert_msg(!dump(&id, 1), "%s", err.message);
	expect_text("struct needed {\n\tint i;\n};\n\n"
		    "struct other;\n\n"
		    "struct asked {\n\tstruct needed n;\n\tstruct other *o;\n"
		    "} __attribute__((packed, aligned(4)));\n\n");
}
END_TEST

START_TEST(split_btf_gives_its_own_types_and_what_they_need)
{
	size_t size;

	composite("in_base", 4);
	build_member(&b, "i", INT, 0);
	composite("unneeded", 4);
	build_member(&b, "i", INT, 0);
	base_builder = b;
	size = build_blob(&base_builder);
	ck_assert_msg(!btf_init(&base, base_builder.blob, size, &err), "%s", err.message);

	/* Names that the split BTF adds are counted on from the end of the base's. */
	memset(&b, 0, sizeof(b));
	build_string(&b, NULL);
	composite("own", 4);
	build_member(&b, "m", LAST + 1, 0);
	b.types[0] += base.strings_len;
	b.types[3] += base.strings_len;
	size = build_blob(&b);
	ck_assert_msg(!btf_init_split(&btf, &base, b.blob, size, &err), "%s", err.message);
	ck_assert_msg(!btf_dump_c(&btf, NULL, 0, &out, &err), "%s", err.message);
	expect_text("struct in_base {\n\tint i;\n};\n\n"
		    "struct own {\n\tstruct in_base m;\n};\n\n");
}
END_TEST

START_TEST(a_struct_that_holds_itself_is_an_error)
{
	composite("self", 4);
	build_member(&b, "again", LAST + 1, 0);
	expect_error(ERROR_FORMAT, "BTF: type 5 ('self'): got a type that cannot be declared "
		     "without itself, expected one that C can say");
}
END_TEST

START_TEST(a_typedef_of_itself_is_an_error)
{
	name_type("handler_t", LAST + 2);
	pointer(LAST + 3);
	function(0);
	param(NULL, LAST + 1);
	expect_error(ERROR_FORMAT, "BTF: type 5 ('handler_t'): got a type that cannot be declared "
		     "without itself, expected one that C can say");
}
END_TEST

/* Each of 40 structs without a name holds the next one twice: 2^40 in all. */
START_TEST(what_would_be_endless_text_is_an_error)
{
	uint32_t i;

	composite("bomb", 0);
	build_member(&b, "a", LAST + 2, 0);
	for (i = 1; i <= 40; i++) {
		composite(NULL, 0);
		build_member(&b, "a", LAST + (i == 40 ? 42 : i + 2), 0);
		build_member(&b, "b", LAST + (i == 40 ? 42 : i + 2), 0);
	}
	composite(NULL, 0);
	ck_assert_int_eq(dump(NULL, 0), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "got more than 8192 types within one definition"));
	ck_assert_uint_lt(out.len, 1 << 20);
}
END_TEST

START_TEST(a_chain_without_end_is_an_error)
{
	composite("s", 8);
	build_member(&b, "p", LAST + 2, 0);
	pointer(LAST + 3);
	pointer(LAST + 2);
	ck_assert_int_eq(dump(NULL, 0), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "got more than 512 levels of types in types"));
}
END_TEST

/* ---- declarations ---- */

START_TEST(declarators_are_read_from_the_name_outwards)
{
	uint32_t returns = pointer(build_array(&b, pointer(INT), INT, 3)), taking;

	taking = function(returns);
	param("c", CHAR);
	name_type("wild_t", build_array(&b, build_type(&b, BTF_KIND_CONST, NULL, pointer(taking)),
					INT, 2));
	expect("typedef int *(*(*const wild_t[2])(char c))[3];\n\n");
}
END_TEST

START_TEST(functions_have_their_parameters)
{
	uint32_t format = pointer(build_type(&b, BTF_KIND_CONST, NULL, CHAR));

	name_type("none_t", function(0));
	function(INT);
	param("format", format);
	param(NULL, 0);
	name_type("print_t", b.count);
	function(0);
	param(NULL, INT);
	param("if", INT);
	name_type("keyword_t", b.count);
	expect("typedef void none_t(void);\n\n"
	       "typedef int print_t(const char *format, ...);\n\n"
	       "typedef void keyword_t(int, int if_);\n\n");
}
END_TEST

START_TEST(qualifiers_stand_where_they_belong)
{
	uint32_t chars = build_type(&b, BTF_KIND_VOLATILE, NULL,
				    build_type(&b, BTF_KIND_CONST, NULL, CHAR));

	name_type("restrict_t", build_type(&b, BTF_KIND_RESTRICT, NULL, pointer(chars)));
	name_type("array_t", build_type(&b, BTF_KIND_CONST, NULL,
					build_array(&b, build_array(&b, INT, INT, 3), INT, 2)));
	name_type("once_t", build_type(&b, BTF_KIND_CONST, NULL, build_array(&b,
				       build_type(&b, BTF_KIND_CONST, NULL, CHAR), INT, 1)));
	name_type("function_t", build_type(&b, BTF_KIND_CONST, NULL, function(0)));
	expect("typedef volatile const char *restrict restrict_t;\n\n"
	       "typedef const int array_t[2][3];\n\n"
	       "typedef const char once_t[1];\n\n"
	       "typedef void function_t(void);\n\n");
}
END_TEST

START_TEST(tags_are_attributes)
{
	uint32_t s;

	name_type("user_t", pointer(build_type(&b, BTF_KIND_TYPE_TAG, "us\"er", INT)));
	build_type(&b, BTF_KIND_TYPE_TAG, "address_space(1)", 0);
	build_kflag(&b);
	name_type("arena_t", pointer(b.count));
	build_type(&b, BTF_KIND_TYPE_TAG, "x)) evil((y", 0);
	build_kflag(&b);
	name_type("evil_t", pointer(b.count));
	s = composite("tagged", 4);
	build_member(&b, "m", INT, 0);
	build_type(&b, BTF_KIND_DECL_TAG, "of it", s);
	build_word(&b, -1);
	build_type(&b, BTF_KIND_DECL_TAG, "of m", s);
	build_word(&b, 0);
	expect("typedef int __attribute__((btf_type_tag(\"us\\042er\"))) *user_t;\n\n"
	       "typedef void __attribute__((address_space(1))) *arena_t;\n\n"
	       "typedef void *evil_t;\n\n"
	       "struct tagged {\n\tint m __attribute__((btf_decl_tag(\"of m\")));\n"
	       "} __attribute__((btf_decl_tag(\"of it\")));\n\n");
}
END_TEST

/* ---- layout ---- */

START_TEST(padding_stands_where_alignment_makes_none)
{
	composite("natural", 16);
	build_member(&b, "c", CHAR, 0);
	build_member(&b, "l", LONG, 64);
	composite("padded", 24);
	build_member(&b, "c", CHAR, 0);
	build_member(&b, "i", INT, 64);
	build_member(&b, "l", LONG, 128);
	composite("tail", 16);
	build_member(&b, "i", INT, 0);
	composite("large", 4096);
	build_member(&b, "l", LONG, 0);
	build_type(&b, BTF_KIND_UNION, "united", 16);
	build_member(&b, "c", CHAR, 0);
	expect("struct natural {\n\tchar c;\n\tlong int l;\n};\n\n"
	       "struct padded {\n\tchar c;\n\tint : 24;\n\tint : 32;\n\tint i;\n\tlong int l;\n};\n\n"
	       "struct tail {\n\tint i;\n\tint : 32;\n\tint : 32;\n\tint : 32;\n};\n\n"
	       "struct large {\n\tlong int l;\n\tunsigned char __gap_8[4088];\n};\n\n"
	       "union united {\n\tchar c;\n\tunsigned char __gap_0[16];\n};\n\n");
}
END_TEST

START_TEST(packed_where_nothing_else_fits)
{
	composite("packed", 13);
	build_member(&b, "c", CHAR, 0);
	build_member(&b, "l", LONG, 8);
	build_member(&b, "i", INT, 72);
	composite("short_tail", 12);
	build_member(&b, "l", LONG, 0);
	build_member(&b, "i", INT, 64);
	composite("holds", 14);
	build_member(&b, "c", CHAR, 0);
	build_member(&b, "p", LAST + 1, 8);
	expect("struct packed {\n\tchar c;\n\tlong int l;\n\tint i;\n} __attribute__((packed));\n\n"
	       "struct short_tail {\n\tlong int l;\n\tint i;\n"
	       "} __attribute__((packed, aligned(4)));\n\n"
	       "struct holds {\n\tchar c;\n\tstruct packed p;\n};\n\n");
}
END_TEST

START_TEST(bit_fields_that_a_compiler_would_put_elsewhere_are_led_there)
{
	composite("bits", 16);
	build_kflag(&b);
	bit_field("a", INT, 3, 0);
	bit_field("b", INT, 5, 3);
	bit_field("c", INT, 4, 12);
	bit_field("next_unit", INT, 30, 32);
	bit_field("after_zero_width", BYTE, 1, 64);
	bit_field("i", INT, 0, 96);
	composite("across", 8);
	build_kflag(&b);
	bit_field("a", INT, 30, 0);
	bit_field("b", INT, 30, 30);
	expect("struct bits {\n\tint a: 3;\n\tint b: 5;\n\tint : 4;\n\tint c: 4;\n"
	       "\tint next_unit: 30;\n\tint : 2;\n\tunsigned char after_zero_width: 1;\n"
	       "\tint i;\n};\n\n"
	       "struct across {\n\tint a: 30;\n\tint b: 30;\n"
	       "} __attribute__((packed, aligned(4)));\n\n");
}
END_TEST

/* Before Linux 5.0: the width is the integer's. */
START_TEST(bit_fields_of_the_old_form)
{
	uint32_t narrow = build_type(&b, BTF_KIND_INT, "int", 4);

	build_word(&b, BTF_INT_SIGNED << 24 | 3);
	composite("old", 4);
	build_member(&b, "a", narrow, 0);
	build_member(&b, "b", narrow, 3);
	expect("struct old {\n\tint a: 3;\n\tint b: 3;\n};\n\n");
}
END_TEST

/* i386 aligns a long long to 4, arm to 8: the BTF of both has pointers of 4. */
START_TEST(where_machines_differ_no_choice_is_left)
{
	uint32_t wide = build_int(&b, "long long int", 8, BTF_INT_SIGNED), p = pointer(INT);

	b.types[2 * 4 + 2] = 4; /* long int */
	b.types[2 * 4 + 3] = BTF_INT_SIGNED << 24 | 32;
	composite("i386", 12);
	build_member(&b, "i", INT, 0);
	build_member(&b, "w", wide, 32);
	composite("arm", 16);
	build_member(&b, "i", INT, 0);
	build_member(&b, "w", wide, 64);
	composite("either", 8);
	build_member(&b, "p", p, 0);
	build_member(&b, "l", LONG, 32);
	expect("struct i386 {\n\tint i;\n\tlong long int w;\n"
	       "} __attribute__((packed, aligned(4)));\n\n"
	       "struct arm {\n\tint i;\n\tint : 32;\n\tlong long int w;\n};\n\n"
	       "struct either {\n\tint *p;\n\tlong int l;\n};\n\n");
}
END_TEST

START_TEST(what_c_cannot_place_is_said)
{
	composite("overlapping", 8);
	build_member(&b, "l", LONG, 0);
	build_member(&b, "i", INT, 32);
	expect("struct overlapping {\n\tlong int l;\n"
	       "\t/* i at bit 32: C cannot put it there */\n};\n\n");
}
END_TEST

/* Linux 6.19 is built with -fms-extensions. */
START_TEST(an_unnamed_member_of_a_named_struct_is_written_out)
{
	composite("inner", 4);
	build_member(&b, "i", INT, 0);
	composite("outer", 8);
	build_member(&b, NULL, LAST + 1, 0);
	build_member(&b, "after", INT, 32);
	expect("struct inner {\n\tint i;\n};\n\n"
	       "struct outer {\n\tstruct {\n\t\tint i;\n\t};\n\tint after;\n};\n\n");
}
END_TEST

/* ---- names ---- */

START_TEST(who_comes_second_to_a_name_is_numbered)
{
	composite("ring", 4);
	build_member(&b, "i", INT, 0);
	composite("ring", 1);
	build_member(&b, "c", CHAR, 0);
	build_type(&b, BTF_KIND_UNION, "ring", 1);
	build_member(&b, "c", CHAR, 0);
	name_type("ring", LAST + 2);
	name_type("ring", INT);
	expect("struct ring {\n\tint i;\n};\n\n"
	       "struct ring___2 {\n\tchar c;\n};\n\n"
	       "union ring___3 {\n\tchar c;\n};\n\n"
	       "typedef struct ring___2 ring;\n\n"
	       "typedef int ring___4;\n\n");
}
END_TEST

START_TEST(a_forward_declaration_is_its_struct)
{
	build_type(&b, BTF_KIND_FWD, "thing", 0);
	composite("thing", 4);
	build_member(&b, "i", INT, 0);
	build_type(&b, BTF_KIND_FWD, "thing", 0);
	build_kflag(&b);
	expect("struct thing;\n\nstruct thing {\n\tint i;\n};\n\nunion thing___2;\n\n");
}
END_TEST

START_TEST(names_that_are_none_are_made_ones)
{
	composite("core::Option<u32>", 4);
	build_member(&b, "0", INT, 0);
	name_type("int", CHAR);
	name_type("__builtin_va_list", CHAR);
	expect("struct core__Option_u32_ {\n\tint _0;\n};\n\n"
	       "typedef char int___2;\n\n"
	       "typedef char __builtin_va_list___2;\n\n");
}
END_TEST

START_TEST(numbers_that_c_has_not_become_typedefs)
{
	uint32_t poly = build_int(&b, "__Poly8_t", 1, 0);
	uint32_t wide = build_type(&b, BTF_KIND_FLOAT, "long double", 16);
	uint32_t wrong = build_int(&b, "int", 8, BTF_INT_SIGNED);

	composite("numbers", 32);
	build_member(&b, "p", poly, 0);
	build_member(&b, "w", wrong, 64);
	build_member(&b, "f", wide, 128);
	expect("typedef unsigned char __Poly8_t;\n\n"
	       "typedef long long int___2;\n\n"
	       "typedef struct {\n\tunsigned char bytes[16];\n} __attribute__((aligned(16))) "
	       "long_double;\n\n"
	       "struct numbers {\n\t__Poly8_t p;\n\tint___2 w;\n\tlong_double f;\n};\n\n");
}
END_TEST

/* ---- enums ---- */

START_TEST(enums_keep_size_and_sign)
{
	build_type(&b, BTF_KIND_ENUM, "unsigned_one", 4);
	build_value(&b, "TOP", -1);
	build_type(&b, BTF_KIND_ENUM, "signed_one", 4);
	build_kflag(&b);
	build_value(&b, "BELOW", -1);
	build_type(&b, BTF_KIND_ENUM, "tiny", 1);
	build_value(&b, "ONE", 1);
	build_type(&b, BTF_KIND_ENUM64, "wide", 8);
	build_value64(&b, "MOST", UINT64_MAX);
	build_type(&b, BTF_KIND_ENUM64, "wide_signed", 8);
	build_kflag(&b);
	build_value64(&b, "LEAST", 1ull << 63);
	expect("enum unsigned_one {\n\tTOP = 4294967295,\n};\n\n"
	       "enum signed_one {\n\tBELOW = -1,\n};\n\n"
	       "enum tiny {\n\tONE = 1,\n} __attribute__((mode(QI)));\n\n"
	       "enum wide {\n\tMOST = 18446744073709551615ULL,\n} __attribute__((mode(DI)));\n\n"
	       "enum wide_signed {\n\tLEAST = -9223372036854775807LL - 1,\n"
	       "} __attribute__((mode(DI)));\n\n");
}
END_TEST

START_TEST(enums_of_old_btf_show_error_numbers_as_such)
{
	build_type(&b, BTF_KIND_ENUM, "errors", 4);
	build_value(&b, "FAIL", -22);
	build_type(&b, BTF_KIND_ENUM, "flags", 4);
	build_value(&b, "TOP", INT32_MIN);
	expect("enum errors {\n\tFAIL = -22,\n};\n\nenum flags {\n\tTOP = 2147483648,\n};\n\n");
}
END_TEST

START_TEST(enumerators_of_one_name_and_enums_without_one)
{
	uint32_t inside = build_type(&b, BTF_KIND_ENUM, NULL, 4);

	build_value(&b, "A", 1);
	composite("s", 8);
	build_member(&b, "e", inside, 0);
	build_member(&b, "f", inside, 32);
	build_type(&b, BTF_KIND_ENUM, NULL, 4);
	build_value(&b, "A", 2);
	build_type(&b, BTF_KIND_ENUM, "none", 4);
	expect("struct s {\n\tenum {\n\t\tA = 1,\n\t} e;\n\tenum {\n\t\tA___2 = 1,\n\t} f;\n};\n\n"
	       "enum none {\n\t__no_value_of_enum_8,\n};\n\n"
	       "enum {\n\tA___3 = 2,\n};\n\n");
}
END_TEST

START_TEST(bool_and_true_are_keywords_since_c23)
{
	name_type("bool", build_int(&b, "_Bool", 1, BTF_INT_BOOL));
	build_type(&b, BTF_KIND_ENUM, NULL, 4);
	build_value(&b, "false", 0);
	build_value(&b, "true", 1);
	expect("#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n"
	       "typedef _Bool bool;\n#endif\n\n"
	       "#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n"
	       "enum {\n\tfalse = 0,\n\ttrue = 1,\n};\n#endif\n\n");
}
END_TEST

/* ---- functions and variables ---- */

START_TEST(kernel_functions_for_bpf_are_declared)
{
	uint32_t func = build_type(&b, BTF_KIND_FUNC, "bpf_take", function(INT));

	build_type(&b, BTF_KIND_FUNC, "other", func - 1);
	build_type(&b, BTF_KIND_DECL_TAG, "bpf_kfunc", func);
	build_word(&b, -1);
	expect("#ifndef BPF_NO_KFUNC_PROTOTYPES\n"
	       "#ifndef __ksym\n#define __ksym __attribute__((section(\".ksyms\")))\n#endif\n"
	       "#ifndef __weak\n#define __weak __attribute__((weak))\n#endif\n\n"
	       "extern int bpf_take(void) __weak __ksym;\n"
	       "#endif /* BPF_NO_KFUNC_PROTOTYPES */\n\n");
}
END_TEST

START_TEST(variables_and_functions_are_declared_if_asked_for)
{
	uint32_t ids[2];

	ids[0] = build_type(&b, BTF_KIND_VAR, "counter", build_array(&b, LONG, INT, 2));
	build_word(&b, BTF_VAR_GLOBAL_ALLOCATED);
	ids[1] = build_type(&b, BTF_KIND_FUNC, "count", function(0));
	ck_assert_msg(!dump(ids, 2), "%s", err.message);
	expect_text("extern long int counter[2];\nextern void count(void);\n");
}
END_TEST

static int refuse(void *to, const char *piece, size_t len)
{
	return -28; /* ENOSPC */
}

START_TEST(a_failing_reader_ends_it)
{
	uint32_t i;

	for (i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "t%u", i);
		name_type(name, INT);
	}
	out.write = refuse;
	ck_assert(!dump(NULL, 0));
	ck_assert_int_eq(text_flush(&out), -28);
}
END_TEST

Suite *dump_c_suite(void)
{
	Suite *s = suite_create("dump_c");
	TCase *c = tcase_create("dump_c");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_pointer_needs_a_name_a_member_the_whole);
	tcase_add_test(c, a_struct_points_to_itself_without_more);
	tcase_add_test(c, a_typedef_comes_before_who_uses_it);
	tcase_add_test(c, only_what_was_asked_for_and_what_it_needs);
	tcase_add_test(c, split_btf_gives_its_own_types_and_what_they_need);
	tcase_add_test(c, a_struct_that_holds_itself_is_an_error);
	tcase_add_test(c, a_typedef_of_itself_is_an_error);
	tcase_add_test(c, what_would_be_endless_text_is_an_error);
	tcase_add_test(c, a_chain_without_end_is_an_error);
	tcase_add_test(c, declarators_are_read_from_the_name_outwards);
	tcase_add_test(c, functions_have_their_parameters);
	tcase_add_test(c, qualifiers_stand_where_they_belong);
	tcase_add_test(c, tags_are_attributes);
	tcase_add_test(c, padding_stands_where_alignment_makes_none);
	tcase_add_test(c, packed_where_nothing_else_fits);
	tcase_add_test(c, bit_fields_that_a_compiler_would_put_elsewhere_are_led_there);
	tcase_add_test(c, bit_fields_of_the_old_form);
	tcase_add_test(c, where_machines_differ_no_choice_is_left);
	tcase_add_test(c, what_c_cannot_place_is_said);
	tcase_add_test(c, an_unnamed_member_of_a_named_struct_is_written_out);
	tcase_add_test(c, who_comes_second_to_a_name_is_numbered);
	tcase_add_test(c, a_forward_declaration_is_its_struct);
	tcase_add_test(c, names_that_are_none_are_made_ones);
	tcase_add_test(c, numbers_that_c_has_not_become_typedefs);
	tcase_add_test(c, enums_keep_size_and_sign);
	tcase_add_test(c, enums_of_old_btf_show_error_numbers_as_such);
	tcase_add_test(c, enumerators_of_one_name_and_enums_without_one);
	tcase_add_test(c, bool_and_true_are_keywords_since_c23);
	tcase_add_test(c, kernel_functions_for_bpf_are_declared);
	tcase_add_test(c, variables_and_functions_are_declared_if_asked_for);
	tcase_add_test(c, a_failing_reader_ends_it);
	suite_add_tcase(s, c);
	return s;
}
