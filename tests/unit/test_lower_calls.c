// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>

#include "compat/inline.h"
#include "tests/unit/bpf_random.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program(NULL, INSNS(__VA_ARGS__))
#define ADD(dst, src) INSN(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)

static void setup(void)
{
	lowering_setup(lower_calls, "calls");
	caps.at[CAP_CALLS] = caps.at[CAP_LARGE] = (struct cap_answer){ CAP_NO, EINVAL };
}

#define WHY "this kernel has no functions in programs (EINVAL; since Linux 4.16)"

/* The example in the head of compat/inline.c. */
static struct program *example(void)
{
	struct program *prog = PROGRAM(
		INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 7, 6, 8), INSN_MOV(1, 10), INSN_ADD_IMM(1, -16),
		CALL_FUNC(3), ADD(0, 7), ADD(0, 6), INSN_EXIT(),
		/* f */
		INSN_MOV(6, 1), INSN_STORE(BPF_DW, 10, -8, 6), INSN_MOV(2, 10), INSN_ADD_IMM(2, -8),
		INSN_JUMP_IMM(BPF_JEQ, 6, 0, 2), INSN_CALL(5), INSN_EXIT(), INSN_MOV_IMM(0, 0),
		INSN_EXIT());

	add_func(prog, 8);
	return prog;
}

START_TEST(a_call_becomes_what_it_calls)
{
	struct program *prog = example();

	lower_it();
	EXPECT(prog, INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 7, 6, 8), INSN_MOV(1, 10),
	       INSN_ADD_IMM(1, -16), INSN_MOV(8, 1), INSN_STORE(BPF_DW, 10, -24, 8),
	       INSN_MOV(2, 10), INSN_ADD_IMM(2, -24), INSN_JUMP_IMM(BPF_JEQ, 8, 0, 2),
	       INSN_CALL(5), INSN_GOTO(1), INSN_MOV_IMM(0, 0), ADD(0, 7), ADD(0, 6), INSN_EXIT());
	ck_assert_uint_eq(prog->funcs.len, 1);
	ck_assert_uint_eq(plan.steps.len, 1);
	ck_assert_str_eq(plan.steps.at[0].lowering, "calls");
	ck_assert_str_eq(plan.steps.at[0].what, "1 call of functions inlined");
	ck_assert_str_eq(plan.steps.at[0].why, WHY);
}
END_TEST

START_TEST(where_the_kernel_has_calls_or_may_have_they_stay)
{
	struct program *prog = example();

	caps.at[CAP_CALLS].answer = CAP_YES;
	lower_it();
	caps.at[CAP_CALLS].answer = CAP_UNKNOWN;
	lower_it();
	ck_assert_uint_eq(prog->insns.len, 17);
	ck_assert_uint_eq(prog->funcs.len, 2);
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

START_TEST(registers_that_have_no_free_name_are_put_by)
{
	struct program *prog = PROGRAM(
		INSN_MOV(6, 1), INSN_MOV(7, 1), INSN_MOV(8, 1), INSN_MOV(9, 1), CALL_FUNC(5),
		ADD(0, 6), ADD(0, 7), ADD(0, 8), ADD(0, 9), INSN_EXIT(),
		/* f */
		INSN_MOV(7, 1), INSN_STORE(BPF_DW, 10, -8, 1), INSN_MOV(0, 7), INSN_EXIT());

	add_func(prog, 10);
	lower_it();
	EXPECT(prog, INSN_MOV(6, 1), INSN_MOV(7, 1), INSN_MOV(8, 1), INSN_MOV(9, 1),
	       INSN_STORE(BPF_DW, 10, -8, 7), INSN_MOV(7, 1), INSN_STORE(BPF_DW, 10, -16, 1),
	       INSN_MOV(0, 7), INSN_LOAD(BPF_DW, 7, 10, -8), ADD(0, 6), ADD(0, 7), ADD(0, 8),
	       ADD(0, 9), INSN_EXIT());
	ck_assert_uint_eq(prog->funcs.len, 1);
}
END_TEST

START_TEST(refs_and_lines_come_along_for_each_call)
{
	struct program *prog = PROGRAM(CALL_FUNC(3), INSN_MOV_IMM(0, 7), CALL_FUNC(1), INSN_EXIT(),
				       /* f */ INSN_WIDE(1, 0), INSN_CALL(5), INSN_EXIT());

	add_func(prog, 4);
	*vec_push(&prog->refs) = (struct ref){ 4, REF_MAP, 9, 0 };
	*vec_push(&prog->lines) = (struct line){ .insn = 0, .line_col = 10 };
	*vec_push(&prog->lines) = (struct line){ .insn = 4, .line_col = 20 };
	lower_it();
	prog = &obj.programs.at[0];
	ck_assert_uint_eq(prog->insns.len, 8);
	ck_assert_uint_eq(prog->refs.len, 2);
	ck_assert_uint_eq(prog->refs.at[0].insn, 0);
	ck_assert_uint_eq(prog->refs.at[1].insn, 4);
	ck_assert_uint_eq(prog->refs.at[1].target, 9);
	for (size_t i = 1; i < prog->lines.len; i++)
		ck_assert_uint_gt(prog->lines.at[i].insn, prog->lines.at[i - 1].insn);
	ck_assert_uint_eq(prog->lines.len, 4);
	ck_assert_uint_eq(prog->lines.at[1].insn, 3);
	ck_assert_uint_eq(prog->lines.at[1].line_col, 10);
	ck_assert_uint_eq(prog->lines.at[2].insn, 4);
	ck_assert_uint_eq(prog->lines.at[2].line_col, 20);
	ck_assert_uint_eq(prog->lines.at[3].insn, 7);
	ck_assert_uint_eq(prog->lines.at[3].line_col, 10);
}
END_TEST

START_TEST(recursion_is_refused)
{
	struct program *prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), CALL_FUNC(-1), INSN_EXIT());

	add_func(prog, 2);
	expect_refused("o: program 'p': instruction 2: a function that comes to call itself: " WHY,
		       "write it as a loop with a constant bound");
	ck_assert_uint_eq(prog->funcs.len, 2);
}
END_TEST

START_TEST(addresses_of_functions_are_refused)
{
	struct program *prog = PROGRAM(CALL_FUNC(3), INSN_WIDE(1, 0), INSN_EXIT(), INSN_EXIT());

	add_func(prog, 4);
	*vec_push(&prog->refs) = (struct ref){ 1, REF_FUNC, 4, 0 };
	expect_refused("o: program 'p': instruction 1: address of a function, which is called by a helper: "
		       WHY, "write a loop with a constant bound instead of bpf_loop() or "
		            "bpf_for_each_map_elem()");
}
END_TEST

START_TEST(a_stack_of_more_than_512_bytes_is_refused)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_DW, 10, -304, 0), CALL_FUNC(1), INSN_EXIT(),
				       INSN_STORE_IMM(BPF_DW, 10, -216, 0), INSN_EXIT());

	add_func(prog, 3);
	expect_refused("o: program 'p': instruction 1: more than 512 bytes of stack with all calls "
		       "inlined: " WHY,
		       "304 bytes are in use here, and the function takes 216; put large variables into a "
		       "per-CPU map");
}
END_TEST

START_TEST(tail_calls_in_functions_are_refused)
{
	struct program *prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), INSN_CALL(12), INSN_EXIT());

	add_func(prog, 2);
	expect_refused("o: program 'p': instruction 2: bpf_tail_call() in a function, which would end the "
		       "program: " WHY, "call it in the program itself");
}
END_TEST

START_TEST(more_instructions_than_the_kernel_takes_are_refused)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(0, 0), CALL_FUNC(2), CALL_FUNC(1), INSN_EXIT());

	add_func(prog, 4);
	for (int i = 0; i < 2050; i++)
		*vec_push(&prog->insns) = INSN_ADD_IMM(0, 1);
	*vec_push(&prog->insns) = INSN_EXIT();
	expect_refused("o: program 'p': got 4102 instructions with all calls inlined, expected at most 4096",
		       "more is possible since Linux 5.2, calls since 4.16; call large functions from fewer "
		       "places");
}
END_TEST

START_TEST(a_call_of_no_function_is_refused)
{
	struct program *prog = PROGRAM(CALL_FUNC(0), INSN_EXIT());

	ck_assert_int_eq(inline_calls(&obj, prog, "why", &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message,
			 "program 'p': instruction 0: call: got a target that is no function");
}
END_TEST

START_TEST(random_programs_do_what_they_did)
{
	size_t inlined = 0;

	random_seed(300 + _i);
	for (int i = 0; i < 500; i++) {
		const struct program *old;
		struct program *prog;

		random_map(&obj);
		random_program(&obj);
		old = random_copy(&obj, 0);
		prog = &obj.programs.at[0];
		inlined += prog->funcs.len - 1;
		ck_assert_msg(!inline_calls(&obj, prog, "why", &err), "%s", err.message);
		ck_assert_uint_eq(prog->funcs.len, 1);
		story_compare(&obj, old, prog);
		ck_assert_msg(!fold(&obj, &err), "%s", err.message);
		story_compare(&obj, old, prog);
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(inlined, 300);
}
END_TEST

Suite *lower_calls_suite(void);
Suite *lower_calls_suite(void)
{
	Suite *suite = suite_create("lower_calls");
	TCase *tc = tcase_create("lower_calls");

	tcase_set_tags(tc, "random");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_call_becomes_what_it_calls);
	tcase_add_test(tc, where_the_kernel_has_calls_or_may_have_they_stay);
	tcase_add_test(tc, registers_that_have_no_free_name_are_put_by);
	tcase_add_test(tc, refs_and_lines_come_along_for_each_call);
	tcase_add_test(tc, recursion_is_refused);
	tcase_add_test(tc, addresses_of_functions_are_refused);
	tcase_add_test(tc, a_stack_of_more_than_512_bytes_is_refused);
	tcase_add_test(tc, tail_calls_in_functions_are_refused);
	tcase_add_test(tc, more_instructions_than_the_kernel_takes_are_refused);
	tcase_add_test(tc, a_call_of_no_function_is_refused);
	tcase_add_loop_test(tc, random_programs_do_what_they_did, 0, 8);
	suite_add_tcase(suite, tc);
	return suite;
}
