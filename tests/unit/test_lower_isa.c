// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_random.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program(NULL, INSNS(__VA_ARGS__))
#define GOTOL(imm) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, imm)
#define LOAD_SIGNED(size, dst, src, off) INSN(BPF_LDX | BPF_MEMSX | (size), dst, src, off, 0)
#define ALU(op, dst, src) INSN(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define ALU_IMM(op, dst, imm) INSN(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define ALU32(op, dst, src) INSN(BPF_ALU | (op) | BPF_X, dst, src, 0, 0)
#define ALU32_IMM(op, dst, imm) INSN(BPF_ALU | (op) | BPF_K, dst, 0, 0, imm)
#define MOVE_SIGNED(class, dst, src, bits) INSN((class) | BPF_MOV | BPF_X, dst, src, bits, 0)
#define SIGNED(class, op, dst, src) INSN((class) | (op) | BPF_X, dst, src, 1, 0)
#define SIGNED_IMM(class, op, dst, imm) INSN((class) | (op) | BPF_K, dst, 0, 1, imm)
#define NEG(dst) INSN(BPF_ALU64 | BPF_NEG, dst, 0, 0, 0)
#define JUMP(op, dst, src, off) INSN(BPF_JMP | (op) | BPF_X, dst, src, off, 0)
#define JUMP32(op, dst, src, off) INSN(BPF_JMP32 | (op) | BPF_X, dst, src, off, 0)
#define JUMP32_IMM(op, dst, imm, off) INSN(BPF_JMP32 | (op) | BPF_K, dst, 0, off, imm)
#define ATOMIC(op, size, dst, off, src) INSN(BPF_STX | BPF_ATOMIC | (size), dst, src, off, op)
#define OTHER_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? BPF_TO_BE : BPF_TO_LE)

static void set_all(enum answer answer)
{
	for (int cap = 0; cap < CAP_COUNT; cap++)
		caps.at[cap] = (struct cap_answer){ answer, answer == CAP_NO ? EINVAL : 0 };
	for (int type = 0; type < CAPS_TYPES; type++)
		caps.maps[type] = (struct cap_answer){ answer, answer == CAP_NO ? EINVAL : 0 };
}

/* A kernel that has nothing of all this, until told otherwise. */
static void setup(void)
{
	lowering_setup(lower_isa, "isa");
	set_all(CAP_NO);
}

static void has(enum cap cap)
{
	caps.at[cap] = (struct cap_answer){ CAP_YES, 0 };
}

/* The example in the head of compat/lower_isa.c. */
START_TEST(code_for_v4_becomes_code_for_v1)
{
	struct program *prog = PROGRAM(
		INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 3, 6, 16), LOAD_SIGNED(BPF_B, 1, 6, 4),
		INSN_LOAD(BPF_W, 2, 6, 8), ALU32_IMM(BPF_AND, 2, 63),
		JUMP32_IMM(BPF_JLT, 2, 40, 3), JUMP32(BPF_JSGT, 1, 2, 2),
		JUMP32(BPF_JEQ, 3, 2, 1), INSN_STORE(BPF_DW, 6, 16, 3), INSN_MOV_IMM(0, 0),
		INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 3, 6, 16), INSN_LOAD(BPF_B, 1, 6, 4),
	       ALU_IMM(BPF_LSH, 1, 56), ALU_IMM(BPF_ARSH, 1, 56), INSN_LOAD(BPF_W, 2, 6, 8),
	       ALU_IMM(BPF_AND, 2, 63), INSN_JUMP_IMM(BPF_JGE, 2, 40, 1), INSN_GOTO(4),
	       JUMP(BPF_JSGT, 1, 2, 3), ALU32(BPF_MOV, 0, 3), JUMP(BPF_JEQ, 0, 2, 1),
	       INSN_STORE(BPF_DW, 6, 16, 3), INSN_MOV_IMM(0, 0), INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 4);
	expect_step(0, "1 load that fills with the sign becomes a load and shifts",
		    "this kernel has no loads that fill with the sign (v4) (EINVAL; since Linux 6.6)");
	expect_step(1, "3 comparisons of 32 bits become ones of 64",
		    "this kernel has no 32 bit comparisons (v3) (EINVAL; since Linux 5.1)");
	ck_assert_str_eq(plan.steps.at[2].what, "1 instruction of 32 bits becomes one of 64");
	ck_assert_str_eq(plan.steps.at[3].what,
			 "1 jump by \"less than\" becomes one by \"greater than\"");
}
END_TEST

START_TEST(what_the_kernel_has_or_may_have_stays)
{
	struct program *prog;

	for (int i = 0; i < 2; i++) {
		set_all(i ? CAP_YES : CAP_UNKNOWN);
		prog = PROGRAM(LOAD_SIGNED(BPF_W, 1, 1, 0), JUMP32_IMM(BPF_JLT, 1, -4, 1),
			       ALU32_IMM(BPF_AND, 1, 7), SIGNED(BPF_ALU64, BPF_DIV, 1, 1),
			       ATOMIC(BPF_XOR, BPF_W, 10, -4, 1), GOTOL(0), INSN_EXIT());
		lower_it();
		EXPECT(prog, LOAD_SIGNED(BPF_W, 1, 1, 0), JUMP32_IMM(BPF_JLT, 1, -4, 1),
		       ALU32_IMM(BPF_AND, 1, 7), SIGNED(BPF_ALU64, BPF_DIV, 1, 1),
		       ATOMIC(BPF_XOR, BPF_W, 10, -4, 1), GOTOL(0), INSN_EXIT());
	}
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

START_TEST(programs_not_to_be_loaded_stay)
{
	struct program *prog = PROGRAM(GOTOL(0), INSN_EXIT());

	prog->autoload = false;
	lower_it();
	EXPECT(prog, GOTOL(0), INSN_EXIT());
}
END_TEST

START_TEST(moves_that_fill_with_the_sign_become_shifts)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_DW, 2, 1, 0),
				       MOVE_SIGNED(BPF_ALU64, 0, 2, 16),
				       MOVE_SIGNED(BPF_ALU, 2, 2, 8), ALU(BPF_ADD, 0, 2),
				       INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, 2, 1, 0), INSN_MOV(0, 2), ALU_IMM(BPF_LSH, 0, 48),
	       ALU_IMM(BPF_ARSH, 0, 48), ALU_IMM(BPF_LSH, 2, 56), ALU_IMM(BPF_ARSH, 2, 56),
	       ALU32(BPF_MOV, 2, 2), ALU(BPF_ADD, 0, 2), INSN_EXIT());
}
END_TEST

START_TEST(a_number_without_a_sign_is_just_moved)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_B, 2, 1, 0),
				       MOVE_SIGNED(BPF_ALU64, 0, 2, 16),
				       MOVE_SIGNED(BPF_ALU, 2, 2, 16), ALU(BPF_ADD, 0, 2),
				       INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_B, 2, 1, 0), INSN_MOV(0, 2), INSN_MOV(2, 2),
	       ALU(BPF_ADD, 0, 2), INSN_EXIT());
}
END_TEST

START_TEST(a_byte_swap_becomes_a_conversion_to_the_other_byte_order)
{
	struct program *prog = PROGRAM(INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 16),
				       INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 64),
				       INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 32),
				       INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN(BPF_ALU | BPF_END | OTHER_ORDER, 0, 0, 0, 16),
	       INSN(BPF_ALU | BPF_END | OTHER_ORDER, 0, 0, 0, 64),
	       INSN(BPF_ALU | BPF_END | BPF_TO_LE, 0, 0, 0, 32), INSN_EXIT());
}
END_TEST

/* The examples in compat/lower_isa_v4.c. */
START_TEST(signed_division_becomes_unsigned)
{
	struct program *prog;

	prog = PROGRAM(SIGNED_IMM(BPF_ALU64, BPF_DIV, 1, -3), INSN_MOV(0, 1), INSN_EXIT());
	lower_it();
	EXPECT(prog, INSN_JUMP_IMM(BPF_JSGT, 1, -1, 3), NEG(1), ALU_IMM(BPF_DIV, 1, 3),
	       INSN_GOTO(2), ALU_IMM(BPF_DIV, 1, 3), NEG(1), INSN_MOV(0, 1), INSN_EXIT());
	prog = PROGRAM(SIGNED(BPF_ALU64, BPF_DIV, 1, 2), INSN_MOV(0, 1), INSN_EXIT());
	lower_it();
	EXPECT(prog, INSN_MOV(0, 2), INSN_JUMP_IMM(BPF_JSGT, 0, -1, 1), NEG(0),
	       INSN_JUMP_IMM(BPF_JNE, 0, 0, 2), INSN_MOV_IMM(1, 0), INSN_GOTO(8),
	       INSN_JUMP_IMM(BPF_JSGT, 1, -1, 4), NEG(1), ALU(BPF_DIV, 1, 0), NEG(1),
	       INSN_GOTO(1), ALU(BPF_DIV, 1, 0), INSN_JUMP_IMM(BPF_JSGT, 2, -1, 1), NEG(1),
	       INSN_MOV(0, 1), INSN_EXIT());
}
END_TEST

/* The example in compat/lower_isa_jump.c. */
START_TEST(a_signed_comparison_of_32_bits_becomes_two_of_the_register_itself)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_W, 1, 1, 0), INSN_MOV_IMM(0, 0),
				       JUMP32_IMM(BPF_JSGT, 1, 10, 1), INSN_MOV(0, 1),
				       JUMP32_IMM(BPF_JSLT, 1, 0, 0), INSN_EXIT());

	has(CAP_JLT);
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 1, 1, 0), INSN_MOV_IMM(0, 0),
	       INSN_JUMP_IMM(BPF_JGT, 1, 0x7fffffff, 1), INSN_JUMP_IMM(BPF_JGT, 1, 10, 1),
	       INSN_MOV(0, 1), INSN_JUMP_IMM(BPF_JGT, 1, 0x7fffffff, 0), INSN_EXIT());
}
END_TEST

START_TEST(what_is_filled_with_its_sign_is_compared_as_it_is)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_DW, 2, 1, 0), MOVE_SIGNED(BPF_ALU64, 0, 2, 32), INSN_MOV(3, 0),
		JUMP32_IMM(BPF_JSGT, 0, -22, 2), JUMP32_IMM(BPF_JGT, 3, -5, 1),
		JUMP32(BPF_JSGE, 0, 3, 0), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, 2, 1, 0), INSN_MOV(0, 2), ALU_IMM(BPF_LSH, 0, 32),
	       ALU_IMM(BPF_ARSH, 0, 32), INSN_MOV(3, 0), INSN_JUMP_IMM(BPF_JSGT, 0, -22, 2),
	       INSN_JUMP_IMM(BPF_JGT, 3, -5, 1), JUMP(BPF_JSGE, 0, 3, 0), INSN_EXIT());
}
END_TEST

START_TEST(the_upper_half_is_zeroed_on_the_spot_where_nobody_looks_at_it)
{
	struct program *prog = PROGRAM(INSN_CALL(5), JUMP32_IMM(BPF_JGT, 0, 63, 2),
				       ALU32(BPF_MOV, 1, 0), INSN_STORE(BPF_DW, 10, -8, 1),
				       INSN_MOV_IMM(0, 0), INSN_EXIT());

	lower_it();
	/* And the move behind it is one of 64 bits, as nothing above is left. */
	EXPECT(prog, INSN_CALL(5), ALU32(BPF_MOV, 0, 0), INSN_JUMP_IMM(BPF_JGT, 0, 63, 2),
	       INSN_MOV(1, 0), INSN_STORE(BPF_DW, 10, -8, 1), INSN_MOV_IMM(0, 0), INSN_EXIT());
}
END_TEST

START_TEST(a_comparison_with_a_negative_number_takes_a_register)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_W, 1, 1, 0), JUMP32_IMM(BPF_JNE, 1, -22, 1),
				       INSN_MOV_IMM(1, 0), INSN_MOV(0, 1), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 1, 1, 0), INSN_MOV32_IMM(0, -22), JUMP(BPF_JNE, 1, 0, 1),
	       INSN_MOV_IMM(1, 0), INSN_MOV(0, 1), INSN_EXIT());
}
END_TEST

/* r0 to r9 all hold something that is added up in the end. */
#define ADD_UP                                                                                     \
	ALU(BPF_ADD, 0, 2), ALU(BPF_ADD, 0, 3), ALU(BPF_ADD, 0, 4), ALU(BPF_ADD, 0, 5),            \
		ALU(BPF_ADD, 0, 6), ALU(BPF_ADD, 0, 7), ALU(BPF_ADD, 0, 8), ALU(BPF_ADD, 0, 9),    \
		ALU(BPF_ADD, 0, 1), INSN_EXIT()
#define ALL_SET                                                                                    \
	INSN_MOV_IMM(0, 0), INSN_MOV(2, 1), INSN_MOV(3, 1), INSN_MOV(4, 1), INSN_MOV(5, 1),        \
		INSN_MOV(6, 1), INSN_MOV(7, 1), INSN_MOV(8, 1), INSN_MOV(9, 1)

START_TEST(where_no_register_is_free_one_is_put_by_and_restored_on_both_ways)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_B, 10, -3, 0), ALL_SET,
				       JUMP32_IMM(BPF_JEQ, 1, 5, 1), INSN_ADD_IMM(0, 1), ADD_UP);

	lower_it();
	EXPECT(prog, INSN_STORE_IMM(BPF_B, 10, -3, 0), ALL_SET, INSN_STORE(BPF_DW, 10, -16, 9),
	       ALU32(BPF_MOV, 9, 1), INSN_JUMP_IMM(BPF_JEQ, 9, 5, 2),
	       INSN_LOAD(BPF_DW, 9, 10, -16), INSN_GOTO(2), INSN_LOAD(BPF_DW, 9, 10, -16),
	       INSN_GOTO(1), INSN_ADD_IMM(0, 1), ADD_UP);
}
END_TEST

START_TEST(no_register_and_no_stack_is_refused)
{
	PROGRAM(INSN_STORE_IMM(BPF_B, 10, -505, 0), ALL_SET, JUMP32_IMM(BPF_JEQ, 1, 5, 1),
		INSN_ADD_IMM(0, 1), ADD_UP);
	ck_assert_int_eq(lower_isa(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message,
			 "o: program 'p': instruction 10: no register is free here, and no room is "
			 "left on the stack to put one by: this kernel has no 32 bit comparisons "
			 "(v3) (EINVAL; since Linux 5.1)");
	ck_assert_str_eq(err.hint, "the function uses 505 of 512 bytes of stack; put large "
				   "variables into a per-CPU map");
}
END_TEST

START_TEST(jumps_by_less_than_turn_round)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(0, 0), JUMP(BPF_JLT, 1, 2, 2),
				       JUMP(BPF_JSLE, 1, 2, 1), INSN_JUMP_IMM(BPF_JSLE, 1, 5, -3),
				       INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_MOV_IMM(0, 0), JUMP(BPF_JGT, 2, 1, 3), JUMP(BPF_JSGE, 2, 1, 2),
	       INSN_JUMP_IMM(BPF_JSGT, 1, 5, 1), INSN_GOTO(-4), INSN_EXIT());
}
END_TEST

START_TEST(far_jumps_become_near_ones_where_they_reach)
{
	struct program *prog = PROGRAM(GOTOL(1), INSN_EXIT(), INSN_MOV_IMM(0, 0), GOTOL(-3));

	lower_it();
	EXPECT(prog, INSN_GOTO(1), INSN_EXIT(), INSN_MOV_IMM(0, 0), INSN_GOTO(-3));
	prog = PROGRAM(GOTOL(40000));
	for (int i = 0; i < 40000; i++)
		*vec_push(&prog->insns) = INSN_MOV_IMM(0, 0);
	*vec_push(&prog->insns) = INSN_EXIT();
	ck_assert_int_eq(lower_isa(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message,
			 "o: program 'p': instruction 0: jump over more than 32767 instructions: this "
			 "kernel has no jumps of 32 bits (v4) (EINVAL; since Linux 6.6)");
	ck_assert_str_eq(err.hint, "make the function shorter: split it, or unroll less");
}
END_TEST

START_TEST(shifts_of_32_bits_that_fill_with_the_sign_are_ones_of_64)
{
	struct program *prog = PROGRAM(ALU32_IMM(BPF_ARSH, 1, 3), INSN_MOV(0, 1),
				       ALU32(BPF_ARSH, 2, 0), ALU(BPF_ADD, 0, 2), INSN_EXIT());

	has(CAP_JLT);
	lower_it();
	EXPECT(prog, ALU_IMM(BPF_LSH, 1, 32), ALU_IMM(BPF_ARSH, 1, 35), ALU32(BPF_MOV, 1, 1),
	       INSN_MOV(0, 1), INSN_MOV(1, 0), ALU_IMM(BPF_AND, 1, 31), ALU_IMM(BPF_LSH, 2, 32),
	       ALU_IMM(BPF_ARSH, 2, 32), ALU(BPF_ARSH, 2, 1), ALU32(BPF_MOV, 2, 2),
	       ALU(BPF_ADD, 0, 2), INSN_EXIT());
}
END_TEST

/* The division is of 64 bits then: what is above r1's lower half counts. */
START_TEST(what_the_next_of_them_relies_on_is_made_so)
{
	struct program *prog = PROGRAM(ALU32_IMM(BPF_ARSH, 1, 8), ALU32_IMM(BPF_DIV, 1, 7),
				       INSN_STORE(BPF_W, 10, -8, 1), INSN_MOV_IMM(0, 0), INSN_EXIT());

	lower_it();
	EXPECT(prog, ALU_IMM(BPF_LSH, 1, 32), ALU_IMM(BPF_ARSH, 1, 40), ALU32(BPF_MOV, 1, 1),
	       ALU_IMM(BPF_DIV, 1, 7), INSN_STORE(BPF_W, 10, -8, 1), INSN_MOV_IMM(0, 0), INSN_EXIT());
}
END_TEST

/* The second comparison takes r1 as it is, for that is zero above; so the first has a copy. */
START_TEST(a_signed_comparison_leaves_what_the_next_relies_on)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_W, 1, 1, 0), INSN_MOV_IMM(2, 5),
				       JUMP32(BPF_JSGT, 1, 2, 1), JUMP32_IMM(BPF_JGT, 1, 63, 0),
				       INSN_MOV_IMM(0, 0), INSN_EXIT());

	has(CAP_JLT);
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 1, 1, 0), INSN_MOV_IMM(2, 5), INSN_MOV(0, 1),
	       ALU_IMM(BPF_LSH, 0, 32), ALU_IMM(BPF_ARSH, 0, 32), JUMP(BPF_JSGT, 0, 2, 1),
	       INSN_JUMP_IMM(BPF_JGT, 1, 63, 0), INSN_MOV_IMM(0, 0), INSN_EXIT());
}
END_TEST

START_TEST(extension_of_what_is_extended_goes)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_W, 2, 1, 0), INSN_LOAD(BPF_H, 3, 1, 0), ALU_IMM(BPF_LSH, 2, 32),
		ALU_IMM(BPF_RSH, 2, 32), ALU_IMM(BPF_LSH, 3, 32), ALU_IMM(BPF_ARSH, 3, 29),
		ALU_IMM(BPF_LSH, 2, 32), ALU_IMM(BPF_ARSH, 2, 32), INSN_MOV(0, 2),
		ALU(BPF_ADD, 0, 3), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 2, 1, 0), INSN_LOAD(BPF_H, 3, 1, 0), ALU_IMM(BPF_LSH, 3, 3),
	       /* whose sign is not known */
	       ALU_IMM(BPF_LSH, 2, 32), ALU_IMM(BPF_ARSH, 2, 32), INSN_MOV(0, 2),
	       ALU(BPF_ADD, 0, 3), INSN_EXIT());
}
END_TEST

START_TEST(extension_into_which_a_jump_leads_stays)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_H, 0, 1, 0), INSN_JUMP_IMM(BPF_JEQ, 0, 5, 1),
				       ALU_IMM(BPF_LSH, 0, 32), ALU_IMM(BPF_RSH, 0, 32), INSN_EXIT());

	lower_it();
	ck_assert_uint_eq(prog->insns.len, 5);
}
END_TEST

START_TEST(the_copy_that_is_used_later_is_compared)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_W, 2, 1, 0), INSN_MOV(3, 2), INSN_JUMP_IMM(BPF_JGT, 2, 63, 3),
		/* both are used */ INSN_MOV(4, 3), INSN_JUMP_IMM(BPF_JGT, 3, 7, 1),
		ALU(BPF_ADD, 4, 3), INSN_MOV(0, 4), INSN_EXIT());

	prog->insns.at[2].off = 0;
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 2, 1, 0), INSN_MOV(3, 2), INSN_JUMP_IMM(BPF_JGT, 3, 63, 0),
	       INSN_MOV(4, 3), INSN_JUMP_IMM(BPF_JGT, 3, 7, 1), ALU(BPF_ADD, 4, 3),
	       INSN_MOV(0, 4), INSN_EXIT());
}
END_TEST

START_TEST(a_register_that_changed_since_is_no_copy)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_W, 2, 1, 0), INSN_MOV(0, 2), INSN_ADD_IMM(0, 1),
		INSN_JUMP_IMM(BPF_JGT, 2, 63, 0), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 2, 1, 0), INSN_MOV(0, 2), INSN_ADD_IMM(0, 1),
	       INSN_JUMP_IMM(BPF_JGT, 2, 63, 0), INSN_EXIT());
}
END_TEST

START_TEST(an_atomic_addition_loses_a_result_that_nobody_uses)
{
	struct program *prog = PROGRAM(ATOMIC(BPF_ADD | BPF_FETCH, BPF_DW, 1, 0, 2),
				       ATOMIC(BPF_ADD, BPF_W, 1, 8, 2), INSN_MOV_IMM(0, 0),
				       INSN_EXIT());

	prog->insns.at[1].src_reg = 1;
	lower_it();
	EXPECT(prog, ATOMIC(BPF_ADD, BPF_DW, 1, 0, 2), ATOMIC(BPF_ADD, BPF_W, 1, 8, 1),
	       INSN_MOV_IMM(0, 0), INSN_EXIT());
	expect_step(0, "1 atomic addition whose result is not used becomes one without",
		    "this kernel has no atomic instructions with a result (EINVAL; since Linux 5.12)");
}
END_TEST

static const struct {
	struct bpf_insn insn;
	const char *message, *hint;
} refused[] = {
	{ ATOMIC(BPF_ADD | BPF_FETCH, BPF_DW, 1, 0, 0),
	  "atomic operation: this kernel has no atomic instructions with a result (EINVAL; since Linux 5.12)",
	  "every kernel has __sync_fetch_and_add() whose result is not used; else count in a per-CPU "
	  "map, or use bpf_spin_lock() (Linux 5.1)" },
	{ ATOMIC(BPF_XOR, BPF_W, 1, 0, 0),
	  "atomic operation: this kernel has no atomic instructions with a result (EINVAL; since Linux 5.12)",
	  "every kernel has __sync_fetch_and_add() whose result is not used; else count in a per-CPU "
	  "map, or use bpf_spin_lock() (Linux 5.1)" },
	{ ATOMIC(0x100, BPF_W, 0, 0, 1),
	  "load-acquire: this kernel has no loads that acquire, stores that release (EINVAL; since Linux 6.15)",
	  "keep what belongs together in one map value, and replace it whole by bpf_map_update_elem()" },
	{ ATOMIC(0x110, BPF_W, 1, 0, 0),
	  "store-release: this kernel has no loads that acquire, stores that release (EINVAL; since Linux 6.15)",
	  "keep what belongs together in one map value, and replace it whole by bpf_map_update_elem()" },
	{ INSN(BPF_JMP | BPF_JCOND, 0, 0, 0, 0),
	  "may_goto (can_loop, cond_break): this kernel has no may_goto (EINVAL; since Linux 6.9)",
	  "give the loop a constant bound instead" },
	{ INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 7),
	  "call of a kernel function: this kernel has no calls of kernel functions (EINVAL; since Linux 5.13)",
	  "look for a helper that does the same, or call it only where bpf_ksym_exists() says so" },
	{ MOVE_SIGNED(BPF_ALU64, 0, 1, 1),
	  "pointer into an arena: this kernel has no maps of type arena (EINVAL; since Linux 6.9)",
	  "use an array map instead" },
};

START_TEST(what_cannot_be_lowered_is_refused)
{
	char message[512];

	PROGRAM(INSN_MOV_IMM(0, 0), refused[_i].insn, INSN_EXIT());
	ck_assert_int_eq(lower_isa(&obj, &caps, &plan, &err), -1);
	snprintf(message, sizeof(message), "o: program 'p': instruction 1: %s", refused[_i].message);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, message);
	ck_assert_str_eq(err.hint, refused[_i].hint);
}
END_TEST

START_TEST(addresses_of_functions_are_refused)
{
	struct program *prog = PROGRAM(INSN_WIDE(2, 0), INSN_EXIT(), INSN_EXIT());

	vec_push(&prog->funcs)->insn = 3;
	*vec_push(&prog->refs) = (struct ref){ 0, REF_FUNC, 3, 0 };
	ck_assert_int_eq(lower_isa(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 0: address of a function, for a "
				      "helper to call: this kernel has no addresses of functions "
				      "(EINVAL; since Linux 5.13)");
}
END_TEST

/* ---- random programs do what they did ---- */

static bool is_new(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
	bool alu = class == BPF_ALU || class == BPF_ALU64;

	return class == BPF_JMP32 || (class == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX) ||
	       (class == BPF_JMP && op >= BPF_JLT) || (class == BPF_ALU64 && op == BPF_END) ||
	       (class == BPF_ALU && op == BPF_ARSH) ||
	       (alu && insn->off && (op == BPF_MOV || op == BPF_DIV || op == BPF_MOD));
}

static size_t spills, changed;

static void expect_old(const struct program *prog)
{
	for (size_t i = 0; i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];

		ck_assert_msg(!is_new(insn), "instruction %zu: code %#x off %d", i, insn->code,
			      insn->off);
		spills += BPF_CLASS(insn->code) == BPF_STX && insn->dst_reg == 10 && insn->off == -8;
	}
}

START_TEST(random_programs_do_what_they_did)
{
	changed = 0;
	random_seed(100 + _i);
	for (int i = 0; i < 500; i++) {
		const struct program *old;

		random_map(&obj);
		random_program(&obj);
		old = random_copy(&obj, 0);
		if (_i % 2)
			has(CAP_JLT);
		lower_it();
		if (!(_i % 2))
			expect_old(&obj.programs.at[0]);
		for (size_t n = 0; n < plan.steps.len; n++)
			changed += strtoul(plan.steps.at[n].what, NULL, 10);
		story_compare(&obj, old, &obj.programs.at[0]);
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(changed, 4000); /* else it would prove little */
}
END_TEST

/* ---- each instruction on many values ---- */

static uint64_t run_on(const struct program *prog, const uint64_t operands[2])
{
	struct run run = { .prog = prog, .budget = 200 };

	run_allow(&run, operands, 2 * sizeof(*operands));
	ck_assert_int_eq(run_program(&run, (uintptr_t)operands), RUN_EXIT);
	return run.result;
}

/*
 * r3 = insn(r3, r2), then all registers added up. known: nothing of the upper halves, that they are
 * zero, or that they are filled with the sign; crowded: no register is free.
 */
static void make_one(struct bpf_insn insn, uint32_t known, bool crowded)
{
	uint8_t size = known ? BPF_W : BPF_DW;
	struct program *prog;

	insn.dst_reg = 3;
	if (BPF_SRC(insn.code) == BPF_X && BPF_OP(insn.code) != BPF_END)
		insn.src_reg = random_below(8) ? 2 : 3;
	if (insn_is_jump(&insn))
		insn.off = 1;
	prog = PROGRAM(INSN_LOAD(size, 3, 1, 0), INSN_LOAD(size, 2, 1, 8), INSN_MOV_IMM(0, 1));
	for (int reg = 2; known == 2 && reg <= 3; reg++)
		*vec_push(&prog->insns) = MOVE_SIGNED(BPF_ALU64, reg, reg, 32);
	for (int reg = 1; crowded && reg < 10; reg++)
		if (reg != 2 && reg != 3)
			*vec_push(&prog->insns) = INSN_MOV_IMM(reg, reg * 1000);
	*vec_push(&prog->insns) = insn;
	*vec_push(&prog->insns) = INSN_ADD_IMM(0, 1);
	for (int reg = 1; reg < 10; reg++) {
		if (!crowded && reg != 2 && reg != 3)
			continue;
		*vec_push(&prog->insns) = ALU_IMM(BPF_MUL, 0, 77);
		*vec_push(&prog->insns) = ALU(BPF_ADD, 0, reg);
	}
	*vec_push(&prog->insns) = INSN_EXIT();
	random_copy(&obj, 0);
}

START_TEST(every_instruction_comes_to_the_same)
{
	spills = 0;
	random_seed(200 + _i);
	for (int i = 0; i < 10000; i++) {
		struct bpf_insn insn = random_below(2) ? random_alu() : random_jump();

		if (insn_ends_flow(&insn))
			continue;
		make_one(insn, random_below(3), random_below(2));
		lower_it();
		expect_old(&obj.programs.at[0]);
		for (int n = 0; n < 8; n++) {
			uint64_t operands[2] = { random_word(), random_word() };
			uint64_t want = run_on(&obj.programs.at[1], operands);
			uint64_t got = run_on(&obj.programs.at[0], operands);

			ck_assert_msg(got == want, "code %#x off %d imm %d on %#llx and %#llx: got "
				      "%#llx, expected %#llx", insn.code, insn.off, insn.imm,
				      (unsigned long long)operands[0], (unsigned long long)operands[1],
				      (unsigned long long)got, (unsigned long long)want);
		}
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(spills, 200);
}
END_TEST

Suite *lower_isa_suite(void);
Suite *lower_isa_suite(void)
{
	Suite *suite = suite_create("lower_isa");
	TCase *tc = tcase_create("lower_isa");

	tcase_set_tags(tc, "random");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, code_for_v4_becomes_code_for_v1);
	tcase_add_test(tc, what_the_kernel_has_or_may_have_stays);
	tcase_add_test(tc, programs_not_to_be_loaded_stay);
	tcase_add_test(tc, moves_that_fill_with_the_sign_become_shifts);
	tcase_add_test(tc, a_number_without_a_sign_is_just_moved);
	tcase_add_test(tc, a_byte_swap_becomes_a_conversion_to_the_other_byte_order);
	tcase_add_test(tc, signed_division_becomes_unsigned);
	tcase_add_test(tc, a_signed_comparison_of_32_bits_becomes_two_of_the_register_itself);
	tcase_add_test(tc, what_is_filled_with_its_sign_is_compared_as_it_is);
	tcase_add_test(tc, the_upper_half_is_zeroed_on_the_spot_where_nobody_looks_at_it);
	tcase_add_test(tc, a_comparison_with_a_negative_number_takes_a_register);
	tcase_add_test(tc, where_no_register_is_free_one_is_put_by_and_restored_on_both_ways);
	tcase_add_test(tc, no_register_and_no_stack_is_refused);
	tcase_add_test(tc, jumps_by_less_than_turn_round);
	tcase_add_test(tc, far_jumps_become_near_ones_where_they_reach);
	tcase_add_test(tc, shifts_of_32_bits_that_fill_with_the_sign_are_ones_of_64);
	tcase_add_test(tc, what_the_next_of_them_relies_on_is_made_so);
	tcase_add_test(tc, a_signed_comparison_leaves_what_the_next_relies_on);
	tcase_add_test(tc, extension_of_what_is_extended_goes);
	tcase_add_test(tc, extension_into_which_a_jump_leads_stays);
	tcase_add_test(tc, the_copy_that_is_used_later_is_compared);
	tcase_add_test(tc, a_register_that_changed_since_is_no_copy);
	tcase_add_test(tc, an_atomic_addition_loses_a_result_that_nobody_uses);
	tcase_add_loop_test(tc, what_cannot_be_lowered_is_refused, 0, COUNT(refused));
	tcase_add_test(tc, addresses_of_functions_are_refused);
	tcase_add_loop_test(tc, random_programs_do_what_they_did, 0, 8);
	tcase_add_loop_test(tc, every_instruction_comes_to_the_same, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
