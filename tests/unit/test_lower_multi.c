// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>

#include "tests/unit/lowering.h"

Suite *lower_multi_suite(void);

static void setup(void)
{
	lowering_setup(lower_multi, "multi");
	caps.at[CAP_KPROBE_MULTI] = (struct cap_answer){ CAP_NO, EINVAL };
	caps.at[CAP_UPROBE_MULTI] = (struct cap_answer){ CAP_NO, EINVAL };
}

static const struct {
	const char *section, *becomes, *what;
} multi[] = {
	{ "kprobe.multi/vfs_*", "kprobe.each/", "is attached to each function by itself, as kprobe.each/vfs_*" },
	{ "kretprobe.multi/vfs_*", "kretprobe.each/",
	  "is attached to each function by itself, as kretprobe.each/vfs_*" },
	{ "uprobe.multi/a:b*", "uprobe.each/", "is attached to each function by itself, as uprobe.each/a:b*" },
	{ "uretprobe.multi.s/a:b*", "uretprobe.each.s/",
	  "is attached to each function by itself, as uretprobe.each.s/a:b*" },
};

START_TEST(program_on_many_functions_is_one_on_each)
{
	struct program *prog = add_program(multi[_i].section, INSNS(INSN_MOV_IMM(0, 0), INSN_EXIT()));
	bool user = multi[_i].section[0] == 'u';

	lower_it();
	ck_assert_str_eq(prog->kind->name, multi[_i].becomes);
	ck_assert_uint_eq(prog->kind->attach, 0);
	expect_step(0, multi[_i].what, user ?
		    "this kernel has no many uprobes by one link (EINVAL; since Linux 6.6)" :
		    "this kernel has no many kprobes by one link (EINVAL; since Linux 5.18)");
}
END_TEST

START_TEST(kernel_that_has_links_to_many_gets_them)
{
	struct program *prog = add_program("kprobe.multi/vfs_*", INSNS(INSN_MOV_IMM(0, 0), INSN_EXIT()));

	caps.at[CAP_KPROBE_MULTI] = (struct cap_answer){ _i ? CAP_UNKNOWN : CAP_YES, 0 };
	lower_it();
	ck_assert_str_eq(prog->kind->name, "kprobe.multi/");
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

START_TEST(session_is_refused)
{
	add_program("kprobe.session/vfs_*", INSNS(INSN_MOV_IMM(0, 0), INSN_EXIT()));
	expect_refused("o: program 'p': instruction 0: a program on both ends of functions: this kernel has no "
		       "many kprobes by one link (EINVAL; since Linux 5.18)",
		       "write one for kprobe.multi/ and one for kretprobe.multi/");
}
END_TEST

Suite *lower_multi_suite(void)
{
	Suite *s = suite_create("lower_multi");
	TCase *tc = tcase_create("lower_multi");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_add_loop_test(tc, program_on_many_functions_is_one_on_each, 0, 4);
	tcase_add_loop_test(tc, kernel_that_has_links_to_many_gets_them, 0, 2);
	tcase_add_test(tc, session_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
