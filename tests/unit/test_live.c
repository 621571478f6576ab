// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/live.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define R(n) (1u << (n))
#define SECOND 0xffff /* slot of a BPF_LD_IMM64: whatever it says */

static struct program prog;

static void teardown(void)
{
	program_fini(&prog);
	memset(&prog, 0, sizeof(prog));
}

static void expect_live(const struct bpf_insn *insns, const uint16_t *want, size_t len)
{
	struct error err;
	uint16_t *live;

	for (size_t i = 0; i < len; i++)
		*vec_push(&prog.insns) = insns[i];
	if (!prog.funcs.len)
		vec_push(&prog.funcs);
	live = live_registers(&prog, &err);
	ck_assert_msg(live, "%s", err.message);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(live[i] == want[i] || want[i] == SECOND, "instruction %zu: got %#x, expected %#x", i,
			      live[i], want[i]);
	free(live);
	teardown();
}

#define EXPECT(insns, ...)                                                                         \
	expect_live(insns, (uint16_t[]){ __VA_ARGS__ }, COUNT(((uint16_t[]){ __VA_ARGS__ })))
#define INSNS(...) (struct bpf_insn[]){ __VA_ARGS__ }

/* The example in the head of compat/live.c. */
START_TEST(what_is_read_later_matters_until_it_is_written)
{
	EXPECT(INSNS(INSN_MOV(6, 1), INSN_MOV_IMM(2, 5), INSN_CALL(5),
		     INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6, 0, 0), INSN_EXIT()),
	       R(1), R(1) | R(6), R(1) | R(2) | R(6), R(0) | R(6), R(0));
}
END_TEST

START_TEST(a_call_takes_its_arguments_away)
{
	EXPECT(INSNS(INSN_MOV_IMM(3, 5), INSN_CALL(5), INSN_CALL(5), INSN_MOV(0, 3), INSN_EXIT()),
	       R(1), R(1) | R(3), 0, 0, R(0));
}
END_TEST

START_TEST(where_ways_part_what_either_reads_matters)
{
	EXPECT(INSNS(INSN_MOV_IMM(8, 0), INSN_MOV_IMM(9, 0), INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2),
		     INSN_MOV(0, 8), INSN_EXIT(), INSN_MOV(0, 9), INSN_EXIT()),
	       R(1), R(1) | R(8), R(1) | R(8) | R(9), R(8), R(0), R(9), R(0));
}
END_TEST

START_TEST(what_is_set_on_one_way_only_is_not_set)
{
	EXPECT(INSNS(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_MOV_IMM(2, 0), INSN_CALL(5),
		     INSN_EXIT()), R(1), R(1), R(1), R(0));
}
END_TEST

START_TEST(what_the_next_round_of_a_loop_reads_matters)
{
	EXPECT(INSNS(INSN_MOV(6, 1), INSN_MOV_IMM(0, 0),
		     INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6, 0, 0),
		     INSN_JUMP_IMM(BPF_JNE, 0, 9, -2), INSN_EXIT()),
	       R(1), R(6), R(0) | R(6), R(0) | R(6), R(0));
}
END_TEST

START_TEST(memory_is_reached_through_registers)
{
	EXPECT(INSNS(INSN_MOV(2, 1), INSN_MOV(3, 1), INSN_STORE(BPF_DW, 2, 0, 3),
		     INSN_STORE_IMM(BPF_W, 3, 0, 1), INSN_LOAD(BPF_W, 0, 1, 0), INSN_EXIT()),
	       R(1), R(1) | R(2), R(1) | R(2) | R(3), R(1) | R(3), R(1), R(0));
	/* a compare-and-exchange reads r0, and what it may not write is not lost */
	EXPECT(INSNS(INSN_MOV(0, 1), INSN_MOV(3, 1),
		     INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 3, 0, 0xf1), INSN_EXIT()),
	       R(1), R(0) | R(1), R(0) | R(1) | R(3), R(0));
}
END_TEST

START_TEST(an_address_of_two_slots_is_one_write)
{
	EXPECT(INSNS(INSN_MOV(3, 1), INSN_WIDE(0, 5), INSN_EXIT()), R(1), 0, SECOND, R(0));
}
END_TEST

START_TEST(functions_have_the_arguments_that_all_calls_set)
{
	vec_push(&prog.funcs);
	vec_push(&prog.funcs)->insn = 6;
	EXPECT(INSNS(INSN_MOV_IMM(2, 0), INSN_MOV_IMM(3, 0),
		     INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 3), INSN_MOV_IMM(2, 0),
		     INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1), INSN_EXIT(),
		     INSN_MOV(0, 2), INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 3, 0, 0), INSN_EXIT()),
	       R(1), R(1) | R(2), R(1) | R(2) | R(3), 0, R(2), R(0), R(2), R(0), R(0));
}
END_TEST

Suite *live_suite(void);
Suite *live_suite(void)
{
	Suite *suite = suite_create("live");
	TCase *tc = tcase_create("live");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, what_is_read_later_matters_until_it_is_written);
	tcase_add_test(tc, a_call_takes_its_arguments_away);
	tcase_add_test(tc, what_is_set_on_one_way_only_is_not_set);
	tcase_add_test(tc, functions_have_the_arguments_that_all_calls_set);
	tcase_add_test(tc, where_ways_part_what_either_reads_matters);
	tcase_add_test(tc, what_the_next_round_of_a_loop_reads_matters);
	tcase_add_test(tc, memory_is_reached_through_registers);
	tcase_add_test(tc, an_address_of_two_slots_is_one_write);
	suite_add_tcase(suite, tc);
	return suite;
}
