// SPDX-License-Identifier: GPL-2.0
/* Globals set from text, by their types: those of tests/fixtures/run.bpf.c. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "btf/value.h"
#include "loader/object_set.h"

Suite *assign_suite(void);

static struct object obj;
static struct error err;

static void setup(void)
{
	FILE *f = fopen(FIXTURES "/run.bpf.o", "rb");
	static char file[131072];

	ck_assert_ptr_nonnull(f);
	ck_assert_msg(!object_init(&obj, "run", file, fread(file, 1, sizeof(file), f), &err), "%s",
		      err.message);
	fclose(f);
}

static void teardown(void)
{
	object_fini(&obj);
}

static void set(const char *assignment)
{
	error_clear(&err);
	ck_assert_msg(!object_set(&obj, assignment, &err), "%s: %s", assignment, err.message);
}

static void refused(const char *assignment, const char *message, const char *hint)
{
	error_clear(&err);
	ck_assert_msg(object_set(&obj, assignment, &err) == -1, "%s: taken", assignment);
	ck_assert_int_eq(err.code, ERROR_USAGE);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.hint, hint);
}

#define GLOBAL(type, name) ((type *)object_global(&obj, name, NULL))

START_TEST(numbers_of_every_size_and_sign)
{
	set("only_pid=4294967295");
	ck_assert_uint_eq(*GLOBAL(uint32_t, "only_pid"), UINT32_MAX);
	set("only_pid=0x10");
	ck_assert_uint_eq(*GLOBAL(uint32_t, "only_pid"), 16);
	set("fill='A'");
	ck_assert_uint_eq(*GLOBAL(uint8_t, "fill"), 65);
	set("fill= 255 ");
	ck_assert_uint_eq(*GLOBAL(uint8_t, "fill"), 255);
	set("numbers[1]=-9223372036854775808");
	ck_assert_int_eq(GLOBAL(int64_t, "numbers")[1], INT64_MIN);
	ck_assert_int_eq(GLOBAL(int64_t, "numbers")[0], 1);
	ck_assert_int_eq(GLOBAL(int64_t, "numbers")[2], 3);
	refused("fill=256", "variable 'fill': got '256', expected a number that fits 8 bits, unsigned",
		"");
	refused("fill=-1", "variable 'fill': got '-1', expected a number that fits 8 bits, unsigned",
		"");
	refused("numbers[0]=9223372036854775808", "variable 'numbers[0]': got '9223372036854775808', "
		"expected a number that fits 64 bits, signed", "");
	refused("fill=", "variable 'fill': got '', expected a number", "");
	refused("fill=12x", "variable 'fill': got '12x', expected a number", "");
	refused("fill=1 2", "variable 'fill': got '2', expected nothing more", "");
	ck_assert_uint_eq(*GLOBAL(uint8_t, "fill"), 255);
}
END_TEST

START_TEST(bools_and_enums_by_name)
{
	set("enabled=false");
	ck_assert_uint_eq(*GLOBAL(uint8_t, "enabled"), 0);
	set("enabled=1");
	ck_assert_uint_eq(*GLOBAL(uint8_t, "enabled"), 1);
	refused("enabled=2", "variable 'enabled': got '2', expected true or false", "");
	set("colour=BLUE");
	ck_assert_int_eq(*GLOBAL(int32_t, "colour"), -2);
	set("colour=5");
	ck_assert_int_eq(*GLOBAL(int32_t, "colour"), 5);
	refused("colour=GREN", "variable 'colour': got 'GREN', expected one of the enum's names, or a "
		"number", "did you mean 'GREEN'?");
}
END_TEST

START_TEST(texts_with_their_nul)
{
	set("name=exactly 15 char");
	ck_assert_str_eq(GLOBAL(char, "name"), "exactly 15 char");
	set("name=ab");
	ck_assert_mem_eq(GLOBAL(char, "name"), "ab\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	set("name=\"a \\\"b\\\"\"");
	ck_assert_str_eq(GLOBAL(char, "name"), "a \"b\"");
	set("name=");
	ck_assert_str_eq(GLOBAL(char, "name"), "");
	refused("name=sixteen bytes ..", "variable 'name': got a longer text, expected at most 15 bytes",
		"");
	refused("name=\"open", "variable 'name': got 'no more', expected a closing \"", "");
}
END_TEST

START_TEST(structs_arrays_and_parts_of_them)
{
	const uint8_t *limits = object_global(&obj, "limits", NULL);
	char text[256];
	struct strbuf out = STRBUF(text);
	uint32_t map, offset, size;

	set("limits={ .pid = 99, .kind = 5, .more = 3, .name = \"x,}y\", "
	    ".range = { { .low = -1, .high = 2 }, { .high = -3 } } }");
	ck_assert(!object_global_find(&obj, "limits", &map, &offset, &size));
	ck_assert_uint_eq(size, 32);
	ck_assert_uint_eq(limits[4], 5 | 3 << 3);
	set("limits.range[1].low=-300");
	set("limits.kind=7");
	btf_value(&out, &obj.btf, btf_find(&obj.btf, "limits", BTF_KIND_STRUCT), limits, size);
	ck_assert_str_eq(text, "{ .pid = 99, .kind = 7, .more = 3, .name = \"x,}y\", .range = "
			       "{ { .low = -1, .high = 2 }, { .low = -300, .high = -3 } } }");
	set("numbers={ 7, -8, }");
	ck_assert_mem_eq(GLOBAL(int64_t, "numbers"), ((int64_t[]){ 7, -8, 0, 0 }), 32);
	refused("limits.kind=8", "variable 'limits.kind': got '8', expected a number that fits 3 bits, "
		"unsigned", "");
	refused("limits.pod=8", "variable 'limits.pod': got 'pod', expected a member of the struct",
		"did you mean 'pid'?");
	refused("limits.pid.x=8", "variable 'limits.pid.x': got 'x', expected nothing more: it is no "
		"struct", "");
	refused("numbers[4]=1", "variable 'numbers[4]': got '[4]', expected an index below the array's "
		"length", "it has 4 elements");
	refused("numbers[x]=1", "variable 'numbers[x]': got '[x]', expected .MEMBER or [INDEX]", "");
	refused("numbers={1,2,3,4,5}", "variable 'numbers': got '[4]', expected an index below the "
		"array's length", "it has 4 elements");
	refused("limits=5", "variable 'limits': got '5', expected { .MEMBER = VALUE, ... }",
		"or set one of its members: NAME.MEMBER=VALUE");
	/* What was refused half-way has changed nothing. */
	refused("limits={ .pid = 1, .none = 2 }", "variable 'limits': got 'none', expected a member of "
		"the struct", "");
	ck_assert_uint_eq(*(const uint32_t *)limits, 99);
}
END_TEST

START_TEST(what_is_no_variable)
{
	refused("filll=1", "run: got no variable 'filll', expected one of its globals",
		"did you mean 'fill'?");
	refused("fill", "got 'fill', expected NAME=VALUE",
		"a part of a variable: NAME.MEMBER=VALUE, NAME[INDEX]=VALUE");
	refused("=1", "got '=1', expected NAME=VALUE",
		"a part of a variable: NAME.MEMBER=VALUE, NAME[INDEX]=VALUE");
}
END_TEST

Suite *assign_suite(void)
{
	Suite *s = suite_create("assign");
	TCase *tc = tcase_create("globals by their types");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, numbers_of_every_size_and_sign);
	tcase_add_test(tc, bools_and_enums_by_name);
	tcase_add_test(tc, texts_with_their_nul);
	tcase_add_test(tc, structs_arrays_and_parts_of_them);
	tcase_add_test(tc, what_is_no_variable);
	suite_add_tcase(s, tc);
	return s;
}
