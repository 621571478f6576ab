// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>

#include "compat/loops.h"
#include "tests/unit/bpf_random.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program(NULL, INSNS(__VA_ARGS__))
#define ADD(dst, src) INSN(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)
#define JUMP(op, dst, src, off) INSN(BPF_JMP | (op) | BPF_X, dst, src, off, 0)

static void setup(void)
{
	lowering_setup(lower_loops, "loops");
	caps.at[CAP_LOOPS] = caps.at[CAP_LARGE] = (struct cap_answer){ CAP_NO, EINVAL };
}

/* The example in the head of compat/lower_loops.c. */
START_TEST(rounds_are_taken_off_until_none_is_left)
{
	static const uint32_t lines[] = { 1, 2, 3, 4, 2, 3, 4, 6 };
	struct program *prog = PROGRAM(INSN_MOV_IMM(6, 0), INSN_MOV(1, 6), INSN_CALL(5),
				       INSN_ADD_IMM(6, 1), INSN_JUMP_IMM(BPF_JLT, 6, 2, -4),
				       INSN_EXIT());

	for (uint32_t i = 0; i < 6; i++)
		*vec_push(&prog->lines) = (struct line){ .insn = i, .line_col = i + 1 };
	lower_it();
	EXPECT(prog, INSN_MOV_IMM(6, 0), INSN_MOV(1, 6), INSN_CALL(5), INSN_ADD_IMM(6, 1),
	       INSN_MOV(1, 6), INSN_CALL(5), INSN_ADD_IMM(6, 1), INSN_EXIT());
	ck_assert_uint_eq(prog->lines.len, 8);
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert_uint_eq(prog->lines.at[i].insn, i);
		ck_assert_uint_eq(prog->lines.at[i].line_col, lines[i]);
	}
	ck_assert_uint_eq(plan.steps.len, 1);
	ck_assert_str_eq(plan.steps.at[0].lowering, "loops");
	ck_assert_str_eq(plan.steps.at[0].what, "1 loop unrolled: 6 instructions become 8");
	ck_assert_str_eq(plan.steps.at[0].why,
			 "this kernel has no bounded loops (EINVAL; since Linux 5.3)");
}
END_TEST

START_TEST(where_the_kernel_has_loops_or_may_have_they_stay)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(6, 0), INSN_ADD_IMM(6, 1),
				       INSN_JUMP_IMM(BPF_JLT, 6, 2, -2), INSN_EXIT());

	caps.at[CAP_LOOPS].answer = CAP_YES;
	lower_it();
	caps.at[CAP_LOOPS].answer = CAP_UNKNOWN;
	lower_it();
	ck_assert_uint_eq(prog->insns.len, 4);
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

/* for (i = 0; i < n && i < 3; i++): how many there are is not known, but that there are no more. */
START_TEST(a_loop_may_end_before_its_bound)
{
	struct program *prog = PROGRAM(INSN_LOAD(BPF_DW, 7, 1, 0), INSN_MOV_IMM(6, 0),
				       JUMP(BPF_JGE, 6, 7, 3), INSN_CALL(5), INSN_ADD_IMM(6, 1),
				       INSN_JUMP_IMM(BPF_JLT, 6, 3, -4), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, 7, 1, 0), INSN_MOV_IMM(6, 0), JUMP(BPF_JGE, 6, 7, 8),
	       INSN_CALL(5), INSN_ADD_IMM(6, 1), JUMP(BPF_JGE, 6, 7, 5), INSN_CALL(5),
	       INSN_ADD_IMM(6, 1), JUMP(BPF_JGE, 6, 7, 2), INSN_CALL(5), INSN_ADD_IMM(6, 1),
	       INSN_EXIT());
}
END_TEST

START_TEST(a_loop_in_a_function_is_unrolled_there_and_calls_follow)
{
	struct program *prog = PROGRAM(CALL_FUNC(3), CALL_FUNC(2), INSN_MOV_IMM(0, 0), INSN_EXIT(),
				       /* f */ INSN_MOV_IMM(6, 0), CALL_FUNC(4), INSN_ADD_IMM(6, 1),
				       INSN_JUMP_IMM(BPF_JLT, 6, 2, -3), INSN_MOV_IMM(0, 0),
				       INSN_EXIT(), /* g */ INSN_CALL(5), INSN_EXIT());

	*vec_push(&prog->funcs) = (struct func){ .insn = 4, .name = "f" };
	*vec_push(&prog->funcs) = (struct func){ .insn = 10, .name = "g" };
	lower_it();
	EXPECT(prog, CALL_FUNC(3), CALL_FUNC(2), INSN_MOV_IMM(0, 0), INSN_EXIT(),
	       INSN_MOV_IMM(6, 0), CALL_FUNC(5), INSN_ADD_IMM(6, 1), CALL_FUNC(3),
	       INSN_ADD_IMM(6, 1), INSN_MOV_IMM(0, 0), INSN_EXIT(), INSN_CALL(5), INSN_EXIT());
	ck_assert_uint_eq(prog->funcs.at[2].insn, 11);
}
END_TEST

static void refuse_it(void)
{
	ck_assert_int_eq(lower_loops(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message,
			 "o: program 'p': loop: got more than 4096 instructions when unrolled, or no end "
			 "that constants tell: this kernel has no bounded loops (EINVAL; since Linux 5.3)");
	ck_assert_str_eq(err.hint, "give the loop a constant bound, or a smaller one");
}

START_TEST(a_loop_without_a_constant_bound_is_refused)
{
	PROGRAM(INSN_MOV(6, 1), INSN_CALL(5), JUMP(BPF_JNE, 0, 6, -2), INSN_EXIT());
	refuse_it();
}
END_TEST

START_TEST(a_loop_that_never_ends_is_refused)
{
	PROGRAM(INSN_MOV_IMM(0, 0), INSN_GOTO(-1));
	refuse_it();
}
END_TEST

START_TEST(a_loop_that_gets_too_long_is_refused_and_a_larger_kernel_takes_it)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(6, 0), INSN_CALL(5), INSN_ADD_IMM(6, 1),
				       INSN_JUMP_IMM(BPF_JLT, 6, 2050, -3), INSN_EXIT());

	caps.at[CAP_LARGE].answer = CAP_YES;
	lower_it();
	ck_assert_uint_eq(prog->insns.len, 2 + 2 * 2050);
	lowering_teardown();
	setup();
	PROGRAM(INSN_MOV_IMM(6, 0), INSN_CALL(5), INSN_ADD_IMM(6, 1),
		INSN_JUMP_IMM(BPF_JLT, 6, 2500, -3), INSN_EXIT());
	refuse_it();
}
END_TEST

/* ---- random loops do what they did ---- */

struct maker {
	struct program *prog;
	int level;
};

static void emit(struct maker *m, struct bpf_insn insn)
{
	*vec_push(&m->prog->insns) = insn;
}

static uint32_t here(const struct maker *m)
{
	return m->prog->insns.len;
}

/* Whatever it is, on r0 and r3 to r5, which hold numbers. */
static void emit_step(struct maker *m)
{
	static const uint8_t regs[] = { 0, 3, 4, 5 };
	struct bpf_insn insn;

	if (!random_below(4)) {
		emit(m, INSN_MOV(1, 3 + random_below(2)));
		emit(m, INSN_CALL(5 + random_below(3)));
		for (int reg = 3; reg <= 5; reg++)
			emit(m, INSN_MOV(reg, 0));
		return;
	}
	insn = random_alu();
	insn.dst_reg = regs[random_below(4)];
	if (insn.src_reg)
		insn.src_reg = regs[random_below(4)];
	emit(m, insn);
}

static void emit_body(struct maker *m);

/* r6, r7 or r8 counts by level; the bound is a constant, or what counts the loop around it. */
static void emit_loop(struct maker *m)
{
	uint8_t reg = 6 + m->level, by = 1 + random_below(3);
	int32_t bound = 1 + random_below(m->level ? 4 : 9);
	bool half = random_below(2), top = random_below(2), outer = m->level && random_below(2);
	uint8_t class = half ? BPF_JMP32 : BPF_JMP;
	uint32_t start, leave = 0, skip = 0;

	emit(m, INSN_MOV_IMM(reg, random_below(3)));
	start = here(m);
	if (top) {
		leave = here(m);
		emit(m, outer ? INSN(class | BPF_JGE | BPF_X, reg, reg - 1, 0, 0) :
				INSN(class | BPF_JGE, reg, 0, 0, bound));
	}
	m->level++;
	emit_body(m);
	if (random_below(2)) { /* continue */
		skip = here(m);
		emit(m, INSN_JUMP_IMM(BPF_JSGT, 3, random_constant(), 0));
		emit_body(m);
		m->prog->insns.at[skip].off = here(m) - skip - 1;
	}
	if (!random_below(3)) /* break */
		emit(m, INSN_JUMP_IMM(BPF_JSET, 4, 1 << random_below(5), 2));
	m->level--;
	emit(m, INSN(half ? BPF_ALU | BPF_ADD : BPF_ALU64 | BPF_ADD, reg, 0, 0, by));
	if (top)
		emit(m, INSN_GOTO((int)start - (int)here(m) - 1));
	else if (outer)
		emit(m, INSN(class | BPF_JLT | BPF_X, reg, reg - 1, (int)start - (int)here(m) - 1, 0));
	else
		emit(m, INSN(class | BPF_JLT, reg, 0, (int)start - (int)here(m) - 1, bound));
	if (top)
		m->prog->insns.at[leave].off = here(m) - leave - 1;
}

static void emit_body(struct maker *m)
{
	for (uint32_t n = random_below(4); n; n--)
		emit_step(m);
	if (m->level < 3 && !random_below(2 + m->level))
		emit_loop(m);
	for (uint32_t n = random_below(3); n; n--)
		emit_step(m);
}

static void make_loops(void)
{
	struct maker m = { .prog = PROGRAM(INSN_MOV(3, 1), INSN_MOV(4, 1), INSN_MOV_IMM(5, 77),
					   INSN_MOV_IMM(0, 0)) };

	for (uint32_t n = 1 + random_below(3); n; n--) {
		emit_loop(&m);
		emit_step(&m);
	}
	emit(&m, INSN_EXIT());
}

START_TEST(random_loops_do_what_they_did)
{
	size_t loops = 0, refused = 0;

	random_seed(400 + _i);
	for (int i = 0; i < 100; i++) {
		const struct program *old;
		struct program *prog;

		random_map(&obj);
		make_loops();
		old = random_copy(&obj, 0);
		prog = &obj.programs.at[0];
		loops += function_loops(prog, 0, prog->insns.len);
		if (lower_loops(&obj, &caps, &plan, &err)) {
			ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
			refused++;
		} else {
			ck_assert_int_eq(function_loops(prog, 0, prog->insns.len), 0);
			story_compare(&obj, old, prog);
		}
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(loops, 200);
	ck_assert_uint_lt(refused, 10); /* those that get too long */
}
END_TEST

Suite *lower_loops_suite(void);
Suite *lower_loops_suite(void)
{
	Suite *suite = suite_create("lower_loops");
	TCase *tc = tcase_create("lower_loops");

	tcase_set_tags(tc, "random");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rounds_are_taken_off_until_none_is_left);
	tcase_add_test(tc, where_the_kernel_has_loops_or_may_have_they_stay);
	tcase_add_test(tc, a_loop_may_end_before_its_bound);
	tcase_add_test(tc, a_loop_in_a_function_is_unrolled_there_and_calls_follow);
	tcase_add_test(tc, a_loop_without_a_constant_bound_is_refused);
	tcase_add_test(tc, a_loop_that_never_ends_is_refused);
	tcase_add_test(tc, a_loop_that_gets_too_long_is_refused_and_a_larger_kernel_takes_it);
	tcase_add_loop_test(tc, random_loops_do_what_they_did, 0, 8);
	suite_add_tcase(suite, tc);
	return suite;
}
