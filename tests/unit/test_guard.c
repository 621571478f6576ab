// SPDX-License-Identifier: GPL-2.0
/* What clang makes of guarded reads, relocated for types that lack what they read, and folded. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "btf/core.h"
#include "compat/insn.h"
#include "compat/lower.h"
#include "loader/object.h"
#include "tests/unit/btf_builder.h"

Suite *guard_suite(void);

static struct object obj;
static struct builder b;
static struct btf target;
static const struct core_targets targets = { .kernel = &target };
static struct error err;

/* struct task has no `gone`, enum state no DEAD, and there is no struct absent. */
static void setup(void)
{
	FILE *f = fopen(FIXTURES "/guard.bpf.o", "rb");
	static char file[65536];
	uint32_t i;

	ck_assert_ptr_nonnull(f);
	ck_assert_msg(!object_init(&obj, "guard", file, fread(file, 1, sizeof(file), f), &err), "%s",
		      err.message);
	fclose(f);
	memset(&b, 0, sizeof(b));
	i = build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "task", 16);
	build_member(&b, "pid", i, 64);
	build_type(&b, BTF_KIND_ENUM, "state", 4);
	build_value(&b, "RUNNING", 1);
	ck_assert_msg(!btf_init(&target, b.blob, build_blob(&b), &err), "%s", err.message);
}

static void teardown(void)
{
	object_fini(&obj);
	btf_fini(&target);
}

/* Only that one program. Returns it, relocated and folded. */
static struct program *relocate(const char *name)
{
	struct program *prog = object_program(&obj, name);

	ck_assert_ptr_nonnull(prog);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = &obj.programs.at[i] == prog;
	ck_assert_msg(!core_relocate(obj.programs.at, obj.programs.len, &obj.btf, &target, &err),
		      "%s", err.message);
	ck_assert_msg(!fold(&obj, &err), "%s", err.message);
	return prog;
}

static int check(void)
{
	return core_check(obj.programs.at, obj.programs.len, &obj.btf, &targets, &err);
}

static const char *const guarded[] = { "by_type", "by_field", "by_enumerator", "by_function",
				       "by_argument", "by_setting", "by_flag" };

START_TEST(what_is_asked_for_first_goes_where_it_is_not)
{
	struct program *prog = relocate(guarded[_i]);

	ck_assert_msg(!check(), "%s", err.message);
	ck_assert_uint_eq(prog->relos.len, 0);
	for (size_t i = 0; i < prog->insns.len; i++)
		ck_assert(!insn_is_helper_call(&prog->insns.at[i]) ||
			  prog->insns.at[i].imm != (int32_t)CORE_POISON);
	ck_assert(insn_ends_flow(&prog->insns.at[prog->insns.len - 1]));
}
END_TEST

START_TEST(functions_that_only_such_code_calls_go_too)
{
	ck_assert_uint_eq(object_program(&obj, "by_function")->funcs.len, 2);
	ck_assert_uint_eq(relocate("by_function")->funcs.len, 1);
	ck_assert_uint_eq(relocate("by_argument")->funcs.len, 2);
}
END_TEST

START_TEST(a_setting_decides_by_its_value)
{
	*(unsigned char *)object_global(&obj, "want_absent", NULL) = 1;
	relocate("by_setting");
	ck_assert_int_eq(check(), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
}
END_TEST

START_TEST(what_can_be_reached_is_an_error_with_its_source)
{
	unsigned int line;
	char rest[512] = "";

	relocate("unguarded");
	ck_assert_int_eq(check(), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_int_eq(sscanf(err.message, "program 'unguarded': ./tests/fixtures/guard.bpf.c:%u: "
				"%511[^\n]", &line, rest), 2);
	ck_assert_str_eq(rest, "struct absent *p: p->list[3]: the kernel has no struct 'absent', "
			       "expected one");
	ck_assert_uint_gt(line, 90);
	ck_assert_ptr_nonnull(strstr(err.detail, ": return changes ? a->list[3] : 7;"));
	ck_assert_ptr_nonnull(strstr(err.hint, "bpf_core_type_exists()"));
}
END_TEST

Suite *guard_suite(void)
{
	Suite *suite = suite_create("guard");
	TCase *tc = tcase_create("guard");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_asked_for_first_goes_where_it_is_not, 0,
			    sizeof(guarded) / sizeof(guarded[0]));
	tcase_add_test(tc, functions_that_only_such_code_calls_go_too);
	tcase_add_test(tc, a_setting_decides_by_its_value);
	tcase_add_test(tc, what_can_be_reached_is_an_error_with_its_source);
	suite_add_tcase(suite, tc);
	return suite;
}
