// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>

#include "compat/insn.h"
#include "compat/stack.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL_FUNC(imm) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)

static struct error err;

static uint32_t depth_of(const struct bpf_insn *insns, size_t len, uint32_t second_func,
			 uint32_t func)
{
	struct program prog = { .name = "p" };
	uint32_t depth = 9999;

	for (size_t i = 0; i < len; i++)
		*vec_push(&prog.insns) = insns[i];
	vec_push(&prog.funcs);
	if (second_func)
		vec_push(&prog.funcs)->insn = second_func;
	ck_assert_msg(program_stack_depth(&prog, func, &depth, &err) == 0, "%s", err.message);
	program_fini(&prog);
	return depth;
}

#define INSNS(...) (struct bpf_insn[]){ __VA_ARGS__ }, COUNT(((struct bpf_insn[]){ __VA_ARGS__ }))
#define DEPTH(...) depth_of(INSNS(__VA_ARGS__), 0, 0)

START_TEST(a_program_without_a_stack_has_no_depth)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT()), 0);
	ck_assert_uint_eq(DEPTH(INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_1, -64), INSN_EXIT()), 0);
}
END_TEST

START_TEST(loads_and_stores_count_from_their_lowest_byte)
{
	ck_assert_uint_eq(DEPTH(INSN_STORE_IMM(BPF_B, BPF_REG_10, -3, 0), INSN_EXIT()), 3);
	ck_assert_uint_eq(DEPTH(INSN_STORE(BPF_DW, BPF_REG_10, -40, BPF_REG_1),
				INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -48), INSN_EXIT()), 48);
	ck_assert_uint_eq(DEPTH(INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -24, BPF_ADD),
				INSN_EXIT()), 24);
}
END_TEST

START_TEST(an_address_that_is_taken_counts)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -56),
				INSN_CALL(1), INSN_EXIT()), 56);
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10),
				INSN(BPF_ALU64 | BPF_SUB | BPF_K, 2, 0, 0, 16), INSN_CALL(1),
				INSN_EXIT()), 16);
}
END_TEST

START_TEST(pointers_are_followed_through_registers_and_slots)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -24),
				INSN_MOV(BPF_REG_6, BPF_REG_2),
				INSN_STORE_IMM(BPF_DW, BPF_REG_6, -8, 0), INSN_EXIT()), 32);
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -64),
				INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_2), INSN_CALL(5),
				INSN_LOAD(BPF_DW, BPF_REG_3, BPF_REG_10, -8),
				INSN_STORE_IMM(BPF_DW, BPF_REG_3, -16, 0), INSN_EXIT()), 80);
}
END_TEST

START_TEST(a_register_that_a_call_or_a_load_overwrote_is_no_pointer)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_CALL(5),
				INSN_STORE_IMM(BPF_DW, BPF_REG_2, -200, 0), INSN_EXIT()), 0);
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_6, BPF_REG_10),
				INSN_LOAD(BPF_DW, BPF_REG_6, BPF_REG_1, 0),
				INSN_STORE_IMM(BPF_DW, BPF_REG_6, -200, 0), INSN_EXIT()), 0);
}
END_TEST

START_TEST(where_ways_meet_the_deeper_holds)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -8),
				INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1),
				INSN_ADD_IMM(BPF_REG_2, -16),
				INSN_STORE_IMM(BPF_DW, BPF_REG_2, -32, 0), INSN_EXIT()), 56);
}
END_TEST

START_TEST(a_pointer_that_sinks_in_a_loop_reaches_the_bottom)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -8),
				INSN_STORE_IMM(BPF_DW, BPF_REG_2, 0, 0),
				INSN_JUMP_IMM(BPF_JNE, BPF_REG_1, 0, -3), INSN_EXIT()),
			  STACK_MAX);
}
END_TEST

START_TEST(a_variable_index_is_taken_as_not_negative_but_not_a_subtraction)
{
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -64),
				INSN(BPF_ALU64 | BPF_ADD | BPF_X, 2, 3, 0, 0),
				INSN_STORE_IMM(BPF_B, BPF_REG_2, 0, 0), INSN_EXIT()), 64);
	ck_assert_uint_eq(DEPTH(INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -64),
				INSN(BPF_ALU64 | BPF_SUB | BPF_X, 2, 3, 0, 0),
				INSN_STORE_IMM(BPF_B, BPF_REG_2, 0, 0), INSN_EXIT()), STACK_MAX);
}
END_TEST

START_TEST(each_function_has_its_own_depth)
{
	struct bpf_insn insns[] = { INSN_STORE_IMM(BPF_DW, BPF_REG_10, -16, 0), CALL_FUNC(1),
				    INSN_EXIT(), INSN_STORE_IMM(BPF_DW, BPF_REG_10, -128, 0),
				    INSN_EXIT() };

	ck_assert_uint_eq(depth_of(insns, COUNT(insns), 3, 0), 16);
	ck_assert_uint_eq(depth_of(insns, COUNT(insns), 3, 1), 128);
}
END_TEST

START_TEST(code_that_is_never_reached_does_not_count)
{
	ck_assert_uint_eq(DEPTH(INSN_GOTO(1), INSN_STORE_IMM(BPF_DW, BPF_REG_10, -80, 0),
				INSN_WIDE(BPF_REG_0, 0), INSN_EXIT()), 0);
}
END_TEST

START_TEST(a_function_outside_of_the_program_is_refused)
{
	struct program prog = { .name = "p" };
	uint32_t depth;

	*vec_push(&prog.insns) = INSN_EXIT();
	vec_push(&prog.funcs)->insn = 5;
	ck_assert_int_eq(program_stack_depth(&prog, 0, &depth, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message, "program 'p': function 0: got instructions 5 to 1 of 1");
	program_fini(&prog);
}
END_TEST

Suite *stack_suite(void);
Suite *stack_suite(void)
{
	Suite *suite = suite_create("stack");
	TCase *tc = tcase_create("stack");

	tcase_add_test(tc, a_program_without_a_stack_has_no_depth);
	tcase_add_test(tc, loads_and_stores_count_from_their_lowest_byte);
	tcase_add_test(tc, an_address_that_is_taken_counts);
	tcase_add_test(tc, pointers_are_followed_through_registers_and_slots);
	tcase_add_test(tc, a_register_that_a_call_or_a_load_overwrote_is_no_pointer);
	tcase_add_test(tc, where_ways_meet_the_deeper_holds);
	tcase_add_test(tc, a_pointer_that_sinks_in_a_loop_reaches_the_bottom);
	tcase_add_test(tc, a_variable_index_is_taken_as_not_negative_but_not_a_subtraction);
	tcase_add_test(tc, each_function_has_its_own_depth);
	tcase_add_test(tc, code_that_is_never_reached_does_not_count);
	tcase_add_test(tc, a_function_outside_of_the_program_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
