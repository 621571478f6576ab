// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat/insn.h"
#include "compat/lower.h"
#include "tests/unit/btf_kinds.h"

Suite *lower_types_suite(void);

static struct object obj;
static struct load_types types;
static struct error err;

/* tests/fixtures/object.bpf.c, compiled. */
static void setup(void)
{
	static char data[1 << 20];
	FILE *f = fopen(FIXTURES "/object.bpf.o", "rb");
	size_t size;

	ck_assert_ptr_nonnull(f);
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	error_clear(&err);
	memset(&types, 0, sizeof(types));
	ck_assert_msg(!object_init(&obj, "object", data, size, &err), "%s", err.message);
}

static void teardown(void)
{
	load_types_fini(&types);
	object_fini(&obj);
}

static void lower_for(int version)
{
	struct caps caps = answers_of(version);

	load_types_fini(&types);
	ck_assert_msg(!lower_types(&obj, &caps, &types, &err), "%s", err.message);
}

static struct load_map_types types_of(const char *map)
{
	return types.maps[object_map(&obj, map) - obj.maps.at];
}

static const struct load_prog_types *told_of(const char *prog)
{
	return &types.programs[object_program(&obj, prog) - obj.programs.at];
}

START_TEST(a_kernel_without_btf_is_told_nothing)
{
	lower_for(417);
	ck_assert_ptr_null(types.btf);
	ck_assert_ptr_null(types.maps);
	ck_assert_ptr_null(types.programs);
}
END_TEST

START_TEST(an_object_without_btf_has_nothing_to_tell)
{
	struct caps caps = { 0 };
	struct object none = { .name = "none" };

	ck_assert_int_eq(lower_types(&none, &caps, &types, &err), 0);
	ck_assert_ptr_null(types.btf);
	for (int cap = 0; cap < CAP_COUNT; cap++)
		ck_assert_int_eq(caps.at[cap].answer, CAP_NOT_ASKED);
}
END_TEST

START_TEST(maps_have_both_types_or_none)
{
	lower_for(418);
	ck_assert_uint_eq(types_of("table").key, object_map(&obj, "table")->key_type_id);
	ck_assert_uint_eq(types_of("table").value, object_map(&obj, "table")->value_type_id);
	ck_assert_uint_ne(types_of("table").key, 0);
	ck_assert_uint_eq(types_of("sizes").value, 0);
	object_map(&obj, "sizes")->value_type_id = types_of("table").value;
	lower_for(418);
	ck_assert_uint_eq(types_of("sizes").key, 0);
	ck_assert_uint_eq(types_of("sizes").value, 0);
}
END_TEST

START_TEST(data_sections_have_a_value_type_once_sections_are_known)
{
	static const char *const sections[] = { ".rodata", ".data", ".bss" };

	lower_for(500);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(types_of(sections[i]).value, 0);
	lower_for(502);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(types_of(sections[i]).key, 0);
		ck_assert_uint_eq(types_of(sections[i]).value,
				  btf_find(&obj.btf, sections[i], BTF_KIND_DATASEC));
	}
}
END_TEST

START_TEST(maps_that_the_kernel_has_no_types_for_get_none)
{
	static const int kinds[] = {
		BPF_MAP_TYPE_PROG_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_CGROUP_ARRAY,
		BPF_MAP_TYPE_STACK_TRACE, BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE_HASH_OF_MAPS,
		BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_SOCKMAP,
		BPF_MAP_TYPE_SOCKHASH, BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_XSKMAP,
		BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK, BPF_MAP_TYPE_RINGBUF, 30, 31, 33,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		object_map(&obj, "table")->type = kinds[i];
		lower_for(700);
		ck_assert_msg(!types_of("table").key && !types_of("table").value, "map type %d",
			      kinds[i]);
	}
	object_map(&obj, "table")->type = BPF_MAP_TYPE_LRU_HASH;
	lower_for(700);
	ck_assert_uint_ne(types_of("table").key, 0);
	ck_assert_uint_ne(types_of("table").value, 0);
}
END_TEST

START_TEST(programs_tell_all_where_all_fits)
{
	lower_for(500);
	for (size_t i = 0; i < obj.programs.len; i++) {
		ck_assert_msg(!types.programs[i].no_funcs, "%s", types.programs[i].no_funcs);
		ck_assert_msg(!types.programs[i].no_lines, "%s", types.programs[i].no_lines);
	}
	lower_for(418);
	ck_assert_str_eq(told_of("first")->no_funcs, "the kernel takes none");
	ck_assert_str_eq(told_of("first")->no_lines, "the kernel takes none");
}
END_TEST

static void expect_left_out(const char *funcs, const char *lines)
{
	lower_for(700);
	if (funcs)
		ck_assert_str_eq(told_of("first")->no_funcs, funcs);
	else
		ck_assert_ptr_null(told_of("first")->no_funcs);
	if (lines)
		ck_assert_str_eq(told_of("first")->no_lines, lines);
	else
		ck_assert_ptr_null(told_of("first")->no_lines);
	ck_assert_ptr_null(told_of("second")->no_funcs);
	ck_assert_ptr_null(told_of("second")->no_lines);
}

START_TEST(functions_are_left_out_whole_where_one_has_no_type)
{
	struct program *prog = object_program(&obj, "first");

	prog->funcs.at[1].type_id = 0;
	expect_left_out("a function of it has no type", NULL);
	prog->funcs.at[1].type_id = 1;
	expect_left_out("a function of it has no type", NULL);
}
END_TEST

START_TEST(functions_are_left_out_where_they_are_out_of_order)
{
	struct program *prog = object_program(&obj, "first");

	prog->funcs.at[0].insn = 1;
	expect_left_out("its functions are out of order", "a function of it begins without a line");
	prog->funcs.at[0].insn = 0;
	prog->funcs.at[1].insn = prog->funcs.at[2].insn;
	lower_for(700);
	ck_assert_str_eq(told_of("first")->no_funcs, "its functions are out of order");
}
END_TEST

START_TEST(functions_are_left_out_where_the_kernel_finds_other_ones)
{
	struct program *prog = object_program(&obj, "first");
	struct bpf_insn nop = INSN_MOV(BPF_REG_1, BPF_REG_1);
	size_t len = prog->funcs.len;

	prog->funcs.len--;
	expect_left_out("it calls what is no function", NULL);
	prog->funcs.len = len;
	for (size_t i = 0; i < prog->insns.len; i++)
		if (insn_is_func_call(&prog->insns.at[i]))
			prog->insns.at[i] = nop;
	expect_left_out("it has a function that nothing calls", NULL);
	prog->funcs.len = 0;
	expect_left_out("it has no functions", NULL);
}
END_TEST

START_TEST(a_function_whose_address_is_taken_is_found)
{
	const struct program *prog = object_program(&obj, "second");
	size_t taken = 0;

	for (size_t i = 0; i < prog->refs.len; i++)
		taken += prog->refs.at[i].kind == REF_FUNC;
	ck_assert_uint_eq(taken, 1);
	lower_for(700);
	ck_assert_ptr_null(told_of("second")->no_funcs);
}
END_TEST

START_TEST(lines_are_left_out_whole_where_one_does_not_fit)
{
	struct program *prog = object_program(&obj, "first");
	uint32_t wide = 0, insn = prog->lines.at[1].insn, last = prog->lines.len - 1;
	uint32_t end = prog->lines.at[last].insn, text = prog->lines.at[1].line_off;
	size_t len = prog->lines.len;

	prog->lines.at[1].insn = 0;
	expect_left_out(NULL, "its lines are out of order");
	prog->lines.at[1].insn = insn;
	prog->lines.at[1].line_off = obj.btf.strings_len;
	expect_left_out(NULL, "a line of it has no text");
	prog->lines.at[1].line_off = text;
	prog->lines.at[last].insn = prog->insns.len;
	expect_left_out(NULL, "a line of it is at no instruction");
	prog->lines.at[last].insn = end;
	while (!insn_is_wide(&prog->insns.at[wide]))
		wide++;
	prog->lines.at[0].insn = wide + 1;
	prog->lines.len = 1;
	expect_left_out(NULL, "a line of it is at no instruction");
	prog->lines.at[0].insn = 0;
	expect_left_out(NULL, "a function of it begins without a line");
	prog->lines.len = 0;
	expect_left_out(NULL, "it has no lines");
	prog->lines.len = len;
	expect_left_out(NULL, NULL);
}
END_TEST

static int lower_as_nobody(void)
{
	struct caps caps = { 0 };

	if (getuid() == 0 && setuid(65534))
		return 1;
	if (lower_types(&obj, &caps, &types, &err))
		return 2;
	/* What could not be asked counts as a no; a kernel may let anybody load BTF. */
	return types.btf && caps.at[CAP_BTF].answer != CAP_YES ? 3 : 0;
}

START_TEST(without_privileges_nothing_is_told_and_nothing_fails)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(lower_as_nobody());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

Suite *lower_types_suite(void)
{
	Suite *suite = suite_create("lower_types");
	TCase *tc = tcase_create("lower_types");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_kernel_without_btf_is_told_nothing);
	tcase_add_test(tc, an_object_without_btf_has_nothing_to_tell);
	tcase_add_test(tc, maps_have_both_types_or_none);
	tcase_add_test(tc, data_sections_have_a_value_type_once_sections_are_known);
	tcase_add_test(tc, maps_that_the_kernel_has_no_types_for_get_none);
	tcase_add_test(tc, programs_tell_all_where_all_fits);
	tcase_add_test(tc, functions_are_left_out_whole_where_one_has_no_type);
	tcase_add_test(tc, functions_are_left_out_where_they_are_out_of_order);
	tcase_add_test(tc, functions_are_left_out_where_the_kernel_finds_other_ones);
	tcase_add_test(tc, a_function_whose_address_is_taken_is_found);
	tcase_add_test(tc, lines_are_left_out_whole_where_one_does_not_fit);
	tcase_add_test(tc, without_privileges_nothing_is_told_and_nothing_fails);
	suite_add_tcase(suite, tc);
	return suite;
}
