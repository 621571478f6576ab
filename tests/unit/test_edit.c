// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compat/edit.h"
#include "compat/insn.h"
#include "tests/unit/bpf_run.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NOP INSN_MOV(BPF_REG_4, BPF_REG_4)
#define GOTOL(imm) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, imm)
#define CALL_FUNC(imm) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)

static struct error err;

/* A program of these instructions, which are one function. */
static struct program *program(const struct bpf_insn *insns, size_t len)
{
	struct program *prog = calloc(1, sizeof(*prog));

	ck_assert_ptr_nonnull(prog);
	prog->name = "p";
	for (size_t i = 0; i < len; i++)
		*vec_push(&prog->insns) = insns[i];
	vec_push(&prog->funcs)->name = "p";
	return prog;
}

#define PROGRAM(...)                                                                               \
	program((struct bpf_insn[]){ __VA_ARGS__ },                                                \
		COUNT(((struct bpf_insn[]){ __VA_ARGS__ })))

static void release(struct program *prog)
{
	program_fini(prog);
	free(prog);
}

#define CODE(...)                                                                                  \
	((struct edit_code){ .insns = (struct bpf_insn[]){ __VA_ARGS__ },                          \
			     .len = COUNT(((struct bpf_insn[]){ __VA_ARGS__ })) })

static void add_line(struct program *prog, uint32_t insn, uint32_t number)
{
	struct line *line = vec_push(&prog->lines);

	line->insn = insn;
	line->line_col = number << 10;
}

static void expect_line(const struct program *prog, size_t i, uint32_t insn, uint32_t number)
{
	ck_assert_uint_lt(i, prog->lines.len);
	ck_assert_uint_eq(prog->lines.at[i].insn, insn);
	ck_assert_uint_eq(prog->lines.at[i].line_col >> 10, number);
}

static void expect_insn(const struct program *prog, uint32_t at, struct bpf_insn insn)
{
	ck_assert_uint_lt(at, prog->insns.len);
	ck_assert_msg(!memcmp(&prog->insns.at[at], &insn, sizeof(insn)),
		      "instruction %u: got code %#x off %d imm %d, expected %#x %d %d", at,
		      prog->insns.at[at].code, prog->insns.at[at].off, prog->insns.at[at].imm,
		      insn.code, insn.off, insn.imm);
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.code, code);
}

/* The example in the head of compat/edit.c. */
START_TEST(jumps_both_ways_follow_their_targets)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 3),
				       INSN_MOV_IMM(BPF_REG_2, 5), INSN_CALL(1),
				       INSN_ADD_IMM(BPF_REG_2, 1), INSN_GOTO(-4));
	struct edit e;

	for (uint32_t i = 0; i < 5; i++)
		add_line(prog, i, 10 + i);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_replace(&e, 2, CODE(INSN_CALL(2), INSN_CALL(3), INSN_CALL(4)), &err),
			 0);
	ck_assert_int_eq(edit_insert(&e, 4, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 8);
	expect_insn(prog, 0, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 5));
	expect_insn(prog, 2, INSN_CALL(2));
	expect_insn(prog, 6, NOP);
	expect_insn(prog, 7, INSN_GOTO(-7));
	ck_assert_uint_eq(prog->lines.len, 5);
	expect_line(prog, 2, 2, 12);
	expect_line(prog, 3, 5, 13);
	expect_line(prog, 4, 6, 14);
	release(prog);
}
END_TEST

START_TEST(what_is_said_of_a_program_stays)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit e;

	prog->section = "fexit/f";
	prog->kind = section_kind(prog->section);
	prog->target = section_target(prog->section);
	prog->autoload = true;
	prog->arguments = 3;
	prog->cookie = 7;
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 0, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_str_eq(prog->section, "fexit/f");
	ck_assert_str_eq(prog->kind->name, "fexit/");
	ck_assert_str_eq(prog->target, "f");
	ck_assert(prog->autoload);
	ck_assert_uint_eq(prog->arguments, 3);
	ck_assert_uint_eq(prog->cookie, 7);
	release(prog);
}
END_TEST

START_TEST(jumps_of_every_kind_are_fixed)
{
	struct program *prog = PROGRAM(INSN(BPF_JMP32 | BPF_JEQ | BPF_X, 1, 2, 3, 0), GOTOL(2),
				       INSN(BPF_JMP | BPF_JSLT | BPF_K, 1, 0, 1, 9), NOP,
				       INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 3, CODE(NOP, NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 0, INSN(BPF_JMP32 | BPF_JEQ | BPF_X, 1, 2, 5, 0));
	expect_insn(prog, 1, GOTOL(4));
	expect_insn(prog, 2, INSN(BPF_JMP | BPF_JSLT | BPF_K, 1, 0, 3, 9));
	release(prog);
}
END_TEST

START_TEST(inserts_at_one_place_stand_in_order_and_jumps_arrive_at_the_first)
{
	struct program *prog = PROGRAM(INSN_GOTO(0), INSN_EXIT());
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(INSN_CALL(1)), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 0, CODE(INSN_CALL(9)), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(INSN_CALL(2)), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(INSN_CALL(3)), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 0, INSN_CALL(9));
	expect_insn(prog, 1, INSN_GOTO(0));
	expect_insn(prog, 2, INSN_CALL(1));
	expect_insn(prog, 3, INSN_CALL(2));
	expect_insn(prog, 4, INSN_CALL(3));
	expect_insn(prog, 5, INSN_EXIT());
	release(prog);
}
END_TEST

START_TEST(entry_code_is_run_by_calls_and_skipped_by_jumps)
{
	struct program *prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), INSN_ADD_IMM(BPF_REG_1, -1),
				       INSN_JUMP_IMM(BPF_JNE, BPF_REG_1, 0, -2), INSN_EXIT());
	struct edit e;

	vec_push(&prog->funcs)->insn = 2;
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 2, CODE(INSN_CALL(2)), &err), 0);
	ck_assert_int_eq(edit_enter(&e, 2, CODE(INSN_CALL(1)), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->funcs.at[1].insn, 2);
	expect_insn(prog, 0, CALL_FUNC(1));
	expect_insn(prog, 2, INSN_CALL(1));
	expect_insn(prog, 3, INSN_CALL(2));
	expect_insn(prog, 5, INSN_JUMP_IMM(BPF_JNE, BPF_REG_1, 0, -3));
	release(prog);
}
END_TEST

START_TEST(calls_and_function_addresses_follow_their_function)
{
	struct program *prog = PROGRAM(CALL_FUNC(4), INSN_WIDE(BPF_REG_2, 0), NOP, INSN_EXIT(),
				       INSN_MOV_IMM(BPF_REG_0, 1), INSN_EXIT());
	struct edit e;

	vec_push(&prog->funcs)->insn = 5;
	*vec_push(&prog->refs) = (struct ref){ .insn = 1, .kind = REF_FUNC, .target = 5 };
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 0, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 3, CODE(NOP, NOP), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 5, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 1, CALL_FUNC(6));
	ck_assert_uint_eq(prog->funcs.at[1].insn, 8);
	ck_assert_uint_eq(prog->refs.len, 1);
	ck_assert_uint_eq(prog->refs.at[0].insn, 2);
	ck_assert_uint_eq(prog->refs.at[0].target, 8);
	release(prog);
}
END_TEST

START_TEST(calls_of_what_is_outside_the_object_move_as_other_instructions)
{
	struct program *prog = PROGRAM(NOP, INSN_CALL(0), INSN_EXIT());
	struct edit e;

	*vec_push(&prog->refs) = (struct ref){ .insn = 1, .kind = REF_EXTERNAL, .target = 7 };
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 0, &err), 0);
	ck_assert_msg(!edit_apply(&e, &err), "%s", err.message);
	edit_fini(&e);
	ck_assert_uint_eq(prog->refs.len, 1);
	ck_assert_uint_eq(prog->refs.at[0].insn, 0);
	ck_assert_uint_eq(prog->refs.at[0].target, 7);
	release(prog);
}
END_TEST

START_TEST(refs_of_put_in_code_stand_among_the_others_in_order)
{
	struct ref first = { .insn = 1, .kind = REF_MAP, .target = 7 };
	struct ref func = { .insn = 0, .kind = REF_FUNC, .target = 3 };
	struct program *prog = PROGRAM(NOP, INSN_WIDE(BPF_REG_1, 0), NOP, INSN_EXIT());
	struct edit_code code = CODE(NOP, INSN_WIDE(BPF_REG_1, 0));
	struct edit_code last = CODE(INSN_WIDE(BPF_REG_1, 0));
	struct edit e;

	*vec_push(&prog->refs) = (struct ref){ .insn = 1, .kind = REF_VALUE, .target = 1,
					       .offset = 8 };
	code.refs = &first;
	last.refs = &func;
	code.refs_len = last.refs_len = 1;
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 0, code, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 4, last, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->refs.len, 3);
	ck_assert_uint_eq(prog->refs.at[0].insn, 1);
	ck_assert_uint_eq(prog->refs.at[0].target, 7);
	ck_assert_uint_eq(prog->refs.at[1].insn, 4);
	ck_assert_uint_eq(prog->refs.at[1].offset, 8);
	ck_assert_uint_eq(prog->refs.at[2].insn, 7);
	ck_assert_uint_eq(prog->refs.at[2].target, 6);
	release(prog);
}
END_TEST

START_TEST(a_replaced_instruction_loses_its_ref_and_relocation)
{
	struct program *prog = PROGRAM(INSN_WIDE(BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_2, 1),
				       INSN_MOV_IMM(BPF_REG_3, 1), INSN_EXIT());
	struct edit e;

	*vec_push(&prog->refs) = (struct ref){ .insn = 0, .kind = REF_MAP };
	*vec_push(&prog->relos) = (struct core_relo){ .insn = 2, .type_id = 20 };
	*vec_push(&prog->relos) = (struct core_relo){ .insn = 3, .type_id = 30 };
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_replace(&e, 0, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_delete(&e, 2, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 3);
	ck_assert_uint_eq(prog->refs.len, 0);
	ck_assert_uint_eq(prog->relos.len, 1);
	ck_assert_uint_eq(prog->relos.at[0].insn, 1);
	ck_assert_uint_eq(prog->relos.at[0].type_id, 30);
	release(prog);
}
END_TEST

START_TEST(jumps_to_a_deleted_instruction_arrive_at_what_follows)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1), NOP, NOP, NOP,
				       INSN_EXIT());
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 2, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 3, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 3);
	expect_insn(prog, 0, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1));
	expect_insn(prog, 2, INSN_EXIT());
	release(prog);
}
END_TEST

START_TEST(the_line_of_a_deleted_instruction_moves_on_or_gives_way)
{
	struct program *prog = PROGRAM(NOP, NOP, NOP, NOP, NOP, INSN_EXIT(), NOP);
	struct edit e;

	add_line(prog, 0, 10);
	add_line(prog, 1, 11); /* deleted; 2 has none of its own */
	add_line(prog, 3, 13); /* deleted; 4 has */
	add_line(prog, 4, 14);
	add_line(prog, 6, 16); /* deleted, nothing follows */
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 1, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 3, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 6, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->lines.len, 3);
	expect_line(prog, 0, 0, 10);
	expect_line(prog, 1, 1, 11);
	expect_line(prog, 2, 2, 14);
	release(prog);
}
END_TEST

START_TEST(code_put_in_at_the_start_of_a_function_has_its_line)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit e;

	add_line(prog, 0, 10);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_enter(&e, 0, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 0, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->lines.len, 1);
	expect_line(prog, 0, 0, 10);
	ck_assert_uint_eq(prog->funcs.at[0].insn, 0);
	release(prog);
}
END_TEST

/* Functions p, f and g; p calls both. Each instruction has a line: 10, 11, ... */
static struct program *three_functions(void)
{
	struct program *prog = PROGRAM(CALL_FUNC(2), CALL_FUNC(3), INSN_EXIT(),
				       NOP, INSN_EXIT(), NOP, INSN_EXIT());

	vec_push(&prog->funcs)->insn = 3;
	vec_push(&prog->funcs)->insn = 5;
	for (uint32_t i = 0; i < 3; i++)
		prog->funcs.at[i].type_id = 100 + i;
	for (uint32_t i = 0; i < 7; i++)
		add_line(prog, i, 10 + i);
	return prog;
}

static void expect_func(const struct program *prog, size_t i, uint32_t insn, uint32_t type_id)
{
	ck_assert_uint_lt(i, prog->funcs.len);
	ck_assert_uint_eq(prog->funcs.at[i].insn, insn);
	ck_assert_uint_eq(prog->funcs.at[i].type_id, type_id);
}

START_TEST(a_function_deleted_with_its_call_is_gone_with_its_lines)
{
	struct program *prog = three_functions();
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 0, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 3, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 4, &err), 0);
	ck_assert_msg(!edit_apply(&e, &err), "%s", err.message);
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 4);
	expect_insn(prog, 0, CALL_FUNC(1));
	ck_assert_uint_eq(prog->funcs.len, 2);
	expect_func(prog, 0, 0, 100);
	expect_func(prog, 1, 2, 102);
	ck_assert_uint_eq(prog->lines.len, 4);
	expect_line(prog, 0, 0, 11);
	expect_line(prog, 1, 1, 12);
	expect_line(prog, 2, 2, 15);
	expect_line(prog, 3, 3, 16);
	release(prog);
}
END_TEST

START_TEST(the_last_function_can_go_as_well)
{
	struct program *prog = three_functions();
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 1, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 5, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 6, &err), 0);
	ck_assert_msg(!edit_apply(&e, &err), "%s", err.message);
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 4);
	ck_assert_uint_eq(prog->funcs.len, 2);
	expect_func(prog, 1, 2, 101);
	ck_assert_uint_eq(prog->lines.len, 4);
	expect_line(prog, 3, 3, 14);
	release(prog);
}
END_TEST

/* The end of f goes; g has no line at its start, and must not get f's. */
START_TEST(a_line_does_not_leave_its_function)
{
	struct program *prog = three_functions();
	struct edit e;

	prog->lines.len = 5;
	add_line(prog, 6, 16);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 4, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_uint_eq(prog->lines.len, 5);
	expect_line(prog, 3, 3, 13);
	expect_line(prog, 4, 5, 16);
	expect_func(prog, 2, 4, 102);
	release(prog);
}
END_TEST

/* Of the first instruction of a function: replaced, replaced by more, deleted, entered. */
START_TEST(every_function_keeps_its_line_whatever_happens_to_its_start)
{
	struct edit_code more = CODE(NOP, NOP);

	for (int way = 0; way < 5; way++) {
		struct program *prog = three_functions();
		uint32_t grown = way == 2 ? 1 : way == 3 || way == 4 ? 2 : way == 1 ? -1 : 0;
		struct edit e;

		ck_assert_int_eq(edit_init(&e, prog, &err), 0);
		if (way == 0)
			ck_assert_int_eq(edit_replace(&e, 3, CODE(NOP), &err), 0);
		else if (way == 1)
			ck_assert_int_eq(edit_delete(&e, 3, &err), 0);
		else if (way == 2)
			ck_assert_int_eq(edit_replace(&e, 3, more, &err), 0);
		else if (way == 3)
			ck_assert_int_eq(edit_enter(&e, 3, more, &err), 0);
		else
			ck_assert_int_eq(edit_insert(&e, 3, more, &err), 0);
		ck_assert_int_eq(edit_apply(&e, &err), 0);
		edit_fini(&e);
		expect_func(prog, 0, 0, 100);
		expect_func(prog, 1, 3, 101);
		expect_func(prog, 2, 5 + grown, 102);
		expect_line(prog, 3, 3, way == 1 ? 14 : 13);
		expect_line(prog, way == 1 ? 4 : 5, 5 + grown, 15);
		ck_assert_uint_eq(prog->lines.len, way == 1 ? 6 : 7);
		release(prog);
	}
}
END_TEST

START_TEST(the_second_half_of_a_wide_instruction_cannot_be_edited)
{
	struct program *prog = PROGRAM(INSN_WIDE(BPF_REG_1, 0), INSN_EXIT());
	const char *message = "program 'p': change of instruction 1: it is the second half of the "
			      "BPF_LD_IMM64 before it";
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(NOP), &err), -1);
	expect_error(ERROR_USAGE, message);
	ck_assert_int_eq(edit_replace(&e, 1, CODE(NOP), &err), -1);
	expect_error(ERROR_USAGE, message);
	ck_assert_int_eq(edit_delete(&e, 1, &err), -1);
	expect_error(ERROR_USAGE, message);
	ck_assert_int_eq(edit_insert(&e, 3, CODE(NOP), &err), -1);
	expect_error(ERROR_USAGE, "program 'p': change of instruction 3: the program has 3");
	edit_fini(&e);
	release(prog);
}
END_TEST

START_TEST(an_instruction_is_replaced_only_once)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 0, &err), 0);
	ck_assert_int_eq(edit_replace(&e, 0, CODE(NOP), &err), -1);
	expect_error(ERROR_USAGE,
		     "program 'p': change of instruction 0: it is replaced or deleted already");
	edit_fini(&e);
	release(prog);
}
END_TEST

static void refuse_code(struct edit_code code, const char *fault)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	char message[256] = "program 'p': instruction 1: the code to put in has ";
	struct edit e;

	strcat(message, fault);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, code, &err), -1);
	expect_error(ERROR_USAGE, message);
	edit_fini(&e);
	release(prog);
}

START_TEST(unsound_code_is_not_put_in)
{
	struct ref ref = { .insn = 1, .kind = REF_MAP };
	struct edit_code code = CODE(INSN_WIDE(BPF_REG_1, 0));

	refuse_code(CODE(NOP, INSN_GOTO(1)), "a jump that leads out of it");
	refuse_code(CODE(NOP, INSN_GOTO(-3)), "a jump that leads out of it");
	refuse_code(CODE(INSN_GOTO(1), INSN_WIDE(BPF_REG_1, 0)), "a jump into a BPF_LD_IMM64");
	refuse_code(CODE(NOP, INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0)),
		    "a BPF_LD_IMM64 without its second slot");
	refuse_code(CODE(CALL_FUNC(0)), "a call of a function of the program");
	code.refs = &ref;
	code.refs_len = 1;
	refuse_code(code, "a reference that is not at a BPF_LD_IMM64");
	ref.insn = 2;
	refuse_code(code, "a reference that is not at a BPF_LD_IMM64");
}
END_TEST

START_TEST(code_may_jump_to_its_own_end)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_replace(&e, 0, CODE(INSN_GOTO(1), NOP), &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(INSN_GOTO(0)), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 0, INSN_GOTO(1));
	expect_insn(prog, 2, INSN_GOTO(0));
	expect_insn(prog, 3, INSN_EXIT());
	release(prog);
}
END_TEST

/* if r1 == 0 goto 3 (was goto 2); 1 became two, of which the second leads back to the start. */
START_TEST(exits_of_a_piece_lead_to_instructions_of_the_program_as_it_was)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), NOP, NOP, INSN_EXIT());
	struct edit_exit exits[] = { { 0, 3 }, { 1, 0 } }, none = { 0, 0 };
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 0, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_replace(&e, 1, CODE(INSN_JUMP_IMM(BPF_JGT, 2, 7, 0), INSN_GOTO(0)),
				      &err), 0);
	ck_assert_int_eq(edit_exits(&e, exits, 2, &err), 0);
	ck_assert_int_eq(edit_exits(&e, NULL, 0, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 3, CODE(INSN_CALL(5)), &err), 0);
	ck_assert_int_eq(edit_exits(&e, &none, 1, &err), -1);
	expect_error(ERROR_USAGE, "program 'p': exit 0 of a piece: got instruction 0, expected a "
				  "jump of the piece put in last");
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 1, INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2));
	expect_insn(prog, 2, INSN_JUMP_IMM(BPF_JGT, 2, 7, 2));
	expect_insn(prog, 3, INSN_GOTO(-4));
	expect_insn(prog, 5, INSN_CALL(5));
	release(prog);
}
END_TEST

START_TEST(an_exit_needs_a_target_that_is_there)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit_exit exit = { 0, 2 };
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 1, CODE(INSN_GOTO(0)), &err), 0);
	ck_assert_int_eq(edit_exits(&e, &exit, 1, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), -1);
	expect_error(ERROR_FORMAT, "program 'p': instruction 1: target: got 2, expected an "
				   "instruction of 0 to 1");
	edit_fini(&e);
	ck_assert_uint_eq(prog->insns.len, 2);
	release(prog);
}
END_TEST

START_TEST(the_program_keeps_what_it_is)
{
	struct program *prog = PROGRAM(NOP, INSN_EXIT());
	struct edit e;

	prog->kind = section_kind("xdp");
	prog->target = "t";
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 0, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	ck_assert_ptr_eq(prog->kind, section_kind("xdp"));
	ck_assert_str_eq(prog->target, "t");
	release(prog);
}
END_TEST

/* A jump over 32767 instructions, the most there can be, and one of the other kind. */
static struct program *long_program(struct bpf_insn jump)
{
	struct program *prog = PROGRAM(jump);

	for (int i = 0; i < 32767; i++)
		*vec_push(&prog->insns) = NOP;
	*vec_push(&prog->insns) = INSN_EXIT();
	return prog;
}

START_TEST(a_jump_that_gets_too_long_is_refused_and_nothing_changed)
{
	struct program *prog = long_program(INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 32767));
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 5, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), -1);
	edit_fini(&e);
	expect_error(ERROR_UNSUPPORTED, "program 'p': instruction 0: jump: got a distance of "
		     "32768 after rewriting, expected -32768 to 32767");
	ck_assert_str_eq(err.hint, "a BPF jump has 16 bits for its distance; make the function "
			 "shorter");
	ck_assert_uint_eq(prog->insns.len, 32769);
	expect_insn(prog, 0, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 32767));
	release(prog);
}
END_TEST

START_TEST(a_far_jump_may_get_longer_than_16_bits)
{
	struct program *prog = long_program(GOTOL(32767));
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_insert(&e, 5, CODE(NOP), &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), 0);
	edit_fini(&e);
	expect_insn(prog, 0, GOTOL(32768));
	release(prog);
}
END_TEST

static void refuse_apply(struct program *prog, int deleted, enum error_code code,
			 const char *message)
{
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	if (deleted >= 0)
		ck_assert_int_eq(edit_delete(&e, deleted, &err), 0);
	ck_assert_int_eq(edit_apply(&e, &err), -1);
	edit_fini(&e);
	expect_error(code, message);
	release(prog);
}

START_TEST(a_function_goes_with_the_last_of_its_instructions)
{
	struct program *prog = PROGRAM(CALL_FUNC(3), INSN_EXIT(), INSN_CALL(7), INSN_EXIT(),
				       INSN_CALL(8), INSN_EXIT());
	struct edit e;

	vec_push(&prog->funcs)->insn = 2;
	vec_push(&prog->funcs)->insn = 4;
	prog->funcs.at[2].name = "last";
	add_line(prog, 0, 1);
	add_line(prog, 2, 2);
	add_line(prog, 4, 3);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 2, &err), 0);
	ck_assert_int_eq(edit_delete(&e, 3, &err), 0);
	ck_assert_msg(!edit_apply(&e, &err), "%s", err.message);
	edit_fini(&e);
	ck_assert_uint_eq(prog->funcs.len, 2);
	ck_assert_uint_eq(prog->funcs.at[1].insn, 2);
	ck_assert_str_eq(prog->funcs.at[1].name, "last");
	expect_insn(prog, 0, CALL_FUNC(1));
	ck_assert_uint_eq(prog->lines.len, 2);
	expect_line(prog, 1, 2, 3);
	release(prog);
}
END_TEST

START_TEST(programs_that_make_no_sense_are_refused)
{
	struct program *prog;

	refuse_apply(PROGRAM(INSN_GOTO(1), INSN_EXIT()), -1, ERROR_FORMAT, "program 'p': "
		     "instruction 0: target: got 2, expected an instruction of 0 to 1");
	refuse_apply(PROGRAM(CALL_FUNC(-7), INSN_EXIT()), -1, ERROR_FORMAT, "program 'p': "
		     "instruction 0: target: got -6, expected an instruction of 0 to 1");
	refuse_apply(PROGRAM(INSN_GOTO(1), INSN_WIDE(BPF_REG_1, 0), INSN_EXIT()), -1, ERROR_FORMAT,
		     "program 'p': instruction 0: target: got 2, expected an instruction of 0 "
		     "to 3");
	refuse_apply(PROGRAM(INSN_GOTO(0), INSN_EXIT()), 1, ERROR_USAGE, "program 'p': "
		     "instruction 0: everything from its target, 1, on was deleted");
	prog = PROGRAM(INSN_EXIT(), INSN_EXIT());
	vec_push(&prog->funcs)->insn = 1;
	refuse_apply(prog, 0, ERROR_USAGE,
		     "program 'p': function 'p': all its instructions were deleted");
	/* It would arrive in the next function. */
	prog = PROGRAM(INSN_GOTO(0), INSN_EXIT(), INSN_EXIT());
	vec_push(&prog->funcs)->insn = 2;
	refuse_apply(prog, 1, ERROR_USAGE, "program 'p': instruction 0: everything from its "
		     "target, 1, on was deleted");
	prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), INSN_EXIT());
	vec_push(&prog->funcs)->insn = 2;
	refuse_apply(prog, 2, ERROR_USAGE, "program 'p': instruction 0: the function at 2, which "
		     "it needs, was deleted");
	prog = PROGRAM(INSN_WIDE(1, 0), INSN_EXIT(), INSN_EXIT());
	vec_push(&prog->funcs)->insn = 3;
	*vec_push(&prog->refs) = (struct ref){ .kind = REF_FUNC, .target = 3 };
	refuse_apply(prog, 3, ERROR_USAGE, "program 'p': instruction 0: the function at 3, which "
		     "it needs, was deleted");
	prog = PROGRAM(INSN_EXIT());
	vec_push(&prog->funcs)->insn = 9;
	prog->funcs.at[1].name = "f";
	refuse_apply(prog, -1, ERROR_FORMAT,
		     "program 'p': function 'p': got instructions 0 to 9 of 1");
	prog = PROGRAM(NOP, INSN_EXIT());
	*vec_push(&prog->refs) = (struct ref){ .insn = 1, .kind = REF_MAP };
	refuse_apply(prog, -1, ERROR_FORMAT,
		     "program 'p': reference 0: got instruction 1, expected a BPF_LD_IMM64");
	prog = PROGRAM(INSN_EXIT());
	vec_push(&prog->relos)->insn = 1;
	refuse_apply(prog, -1, ERROR_FORMAT,
		     "program 'p': relocation 0: got instruction 1 of 1");
	prog = PROGRAM(INSN_EXIT());
	add_line(prog, 1, 1);
	refuse_apply(prog, -1, ERROR_FORMAT, "program 'p': line 0: got instruction 1 of 1");
}
END_TEST

START_TEST(a_program_that_ends_inside_a_wide_instruction_is_refused)
{
	struct program *prog = PROGRAM(NOP, INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0));
	struct edit e;

	ck_assert_int_eq(edit_init(&e, prog, &err), -1);
	expect_error(ERROR_FORMAT,
		     "program 'p': instruction 1: BPF_LD_IMM64 without its second slot");
	edit_fini(&e);
	prog->insns.len = 0;
	ck_assert_int_eq(edit_init(&e, prog, &err), -1);
	expect_error(ERROR_FORMAT, "program 'p': got 0 instructions, expected 1 to 16777216");
	edit_fini(&e);
	release(prog);
}
END_TEST

/*
 * Random programs under random edits that must not change what they do. A program has up to
 * three functions, jumps and loops, refs, relocations and lines; it tells what it does by
 * helper calls. Every edit is neutral; probes count how often each place is passed.
 */

#define INSNS 512
#define FUNCS 3
#define TRACE 4096

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

/* What a run did. */
struct story {
	enum run_end end;
	uint64_t result;
	uint64_t trace[TRACE];
	size_t len;
	uint32_t steps[INSNS * 4];  /* by instruction */
	uint32_t probes[INSNS * 4]; /* by instruction of the program as it was */
	uint32_t entries[FUNCS];
};

#define PROBE(insn) INSN_CALL(RUN_PROBE | (insn))
#define PROBE_ENTRY 0x8000
/* Words of the stack that no random program uses: one a round, as the pieces nest. */
#define PUT_BY(round) (-504 + 8 * (round))

static uint64_t tell(struct run *run, int32_t id, const uint64_t args[5])
{
	struct story *story = run->ctx;
	uint64_t what = id * 0x9e3779b97f4a7c15u ^ args[0] * 31 ^ args[1] * 37 ^ args[2] * 41 ^
			args[3] * 43 ^ args[4] * 47;

	if (id & RUN_PROBE) {
		if (id & PROBE_ENTRY)
			story->entries[id & 0xff]++;
		else
			story->probes[id & 0x7fff]++;
		return 0;
	}
	if (story->len < TRACE)
		story->trace[story->len++] = what;
	return what;
}

/* The same wherever the function is. */
static uint64_t stand_for(struct run *run, const struct ref *ref)
{
	for (size_t i = 0; ref->kind == REF_FUNC && i < run->prog->funcs.len; i++)
		if (run->prog->funcs.at[i].insn == ref->target)
			return 0xf000 + i;
	return ref->kind == REF_FUNC ? 0xbad : ref->target * 1000 + ref->offset;
}

static void count_step(struct run *run, uint32_t insn)
{
	struct story *story = run->ctx;

	story->steps[insn]++;
}

static void tell_story(struct story *story, const struct program *prog, uint64_t input)
{
	struct run run = { .prog = prog, .ctx = story, .helper = tell, .value = stand_for,
			   .step = count_step, .budget = 100000 };

	memset(story, 0, sizeof(*story));
	story->end = run_program(&run, input);
	story->result = run.result;
}

static struct bpf_insn random_alu(void)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR, BPF_AND, BPF_XOR,
				       BPF_LSH, BPF_RSH, BPF_ARSH, BPF_MOV, BPF_DIV, BPF_MOD };
	uint8_t class = any(2) ? BPF_ALU64 : BPF_ALU;
	uint8_t op = ops[any(COUNT(ops))];

	if (any(2))
		return INSN(class | op | BPF_X, any(9), any(9), 0, 0);
	return INSN(class | op | BPF_K, any(9), 0, 0, any(31) + 1);
}

static struct bpf_insn random_jump(void)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				       BPF_JSET, BPF_JSGT, BPF_JSLT };
	uint8_t class = any(2) ? BPF_JMP : BPF_JMP32;

	switch (any(6)) {
	case 0: return INSN_GOTO(0);
	case 1: return GOTOL(0);
	case 2: return INSN(class | ops[any(COUNT(ops))] | BPF_X, any(9), any(9), 0, 0);
	}
	return INSN(class | ops[any(COUNT(ops))] | BPF_K, any(9), 0, 0, any(16));
}

/* A jump in the making: which way it is to go. */
struct open_jump {
	uint32_t insn;
	bool back;
};

struct maker {
	struct program *prog;
	struct open_jump jumps[INSNS];
	size_t jumps_len;
	struct { uint32_t insn, func; } calls[INSNS]; /* func: that is called */
	size_t calls_len;
	uint32_t func, funcs;
};

static void emit(struct maker *m, struct bpf_insn insn)
{
	*vec_push(&m->prog->insns) = insn;
}

static void emit_wide(struct maker *m)
{
	struct bpf_insn wide[] = { INSN_WIDE(any(9), 0x100000002) };
	enum ref_kind kinds[] = { REF_MAP, REF_VALUE, REF_FUNC };
	uint32_t at = m->prog->insns.len, kind = any(4);

	if (kind < 3)
		*vec_push(&m->prog->refs) = (struct ref){ .insn = at, .kind = kinds[kind],
							  .target = any(9), .offset = any(9) };
	if (kind == 2) {
		m->calls[m->calls_len].insn = at;
		m->calls[m->calls_len++].func = any(m->funcs);
	}
	emit(m, wide[0]);
	emit(m, wide[1]);
}

static void emit_jump(struct maker *m, bool back)
{
	if (back) /* register 9 is fuel, so that every loop ends */
		emit(m, INSN_ADD_IMM(BPF_REG_9, -1));
	m->jumps[m->jumps_len++] = (struct open_jump){ m->prog->insns.len, back };
	emit(m, back ? INSN_JUMP_IMM(BPF_JSGT, BPF_REG_9, 0, 0) : random_jump());
}

static void emit_call(struct maker *m)
{
	uint32_t later = m->funcs - 1 - m->func;

	if (!later) {
		emit(m, INSN_CALL(1 + any(5)));
		return;
	}
	m->calls[m->calls_len].insn = m->prog->insns.len;
	m->calls[m->calls_len++].func = m->func + 1 + any(later);
	emit(m, CALL_FUNC(0));
}

static void emit_any(struct maker *m)
{
	uint32_t at = m->prog->insns.len;

	switch (any(10)) {
	case 0: emit(m, NOP); break;
	case 1: emit(m, INSN_CALL(1 + any(5))); break;
	case 2: emit_wide(m); break;
	case 3: emit(m, INSN_STORE(BPF_DW, BPF_REG_10, -8 - 8 * (int)any(8), any(9))); break;
	case 4: emit(m, INSN_LOAD(BPF_DW, any(9), BPF_REG_10, -8 - 8 * (int)any(8))); break;
	case 5: emit_jump(m, false); break;
	case 6: emit_jump(m, any(2)); break;
	case 7: emit_call(m); break;
	case 8:
		*vec_push(&m->prog->relos) = (struct core_relo){ .insn = at, .type_id = at };
		emit(m, INSN_ADD_IMM(any(9), any(100)));
		break;
	default: emit(m, random_alu());
	}
	if (any(2))
		add_line(m->prog, at, at + 1);
}

static bool is_second(const struct program *prog, uint32_t at)
{
	return at && !prog->insns.at[at].code && insn_is_wide(&prog->insns.at[at - 1]);
}

/* A loop's jump must not be reached but through the use of fuel before it. */
static bool may_jump_to(const struct program *prog, uint32_t at)
{
	const struct bpf_insn *insn = &prog->insns.at[at];

	return !is_second(prog, at) && !(insn_is_jump(insn) && insn->dst_reg == BPF_REG_9);
}

static void close_jumps(struct maker *m, uint32_t body)
{
	struct program *prog = m->prog;

	for (size_t i = 0; i < m->jumps_len; i++) {
		uint32_t at = m->jumps[i].insn, to;
		bool back = m->jumps[i].back;

		do
			to = back ? body + any(at - body) :
				    at + 1 + any(prog->insns.len - at - 1);
		while (!may_jump_to(prog, to));
		if (insn_is_gotol(&prog->insns.at[at]))
			prog->insns.at[at].imm = to - at - 1;
		else
			prog->insns.at[at].off = (int)to - (int)at - 1;
	}
	m->jumps_len = 0;
}

static void make_func(struct maker *m)
{
	struct func *func = vec_push(&m->prog->funcs);
	uint32_t begin = m->prog->insns.len, body;

	func->insn = begin;
	func->name = "f";
	add_line(m->prog, begin, begin + 1);
	for (int reg = 2; reg <= 8; reg++)
		emit(m, INSN_MOV_IMM(reg, any(1000)));
	emit(m, INSN_MOV(BPF_REG_0, BPF_REG_1));
	emit(m, INSN_MOV_IMM(BPF_REG_9, 3));
	for (int i = 1; i <= 8; i++)
		emit(m, INSN_STORE(BPF_DW, BPF_REG_10, -8 * i, BPF_REG_0));
	body = m->prog->insns.len;
	for (uint32_t n = 5 + any(40); n; n--)
		emit_any(m);
	emit(m, INSN(BPF_ALU64 | BPF_XOR | BPF_X, BPF_REG_0, BPF_REG_6, 0, 0));
	emit(m, INSN_EXIT());
	close_jumps(m, body);
}

static struct program *make_program(void)
{
	struct program *prog = calloc(1, sizeof(*prog));
	struct maker m = { .prog = prog, .funcs = 1 + any(FUNCS) };

	prog->name = "p";
	for (m.func = 0; m.func < m.funcs; m.func++)
		make_func(&m);
	for (size_t i = 0; i < m.calls_len; i++) {
		uint32_t at = m.calls[i].insn, to = prog->funcs.at[m.calls[i].func].insn;

		if (insn_is_call(&prog->insns.at[at]))
			prog->insns.at[at].imm = (int)to - (int)at - 1;
		for (size_t r = 0; r < prog->refs.len; r++)
			if (prog->refs.at[r].insn == at)
				prog->refs.at[r].target = to;
	}
	return prog;
}

/* The edits of one round, and the lengths from which the test works out where all must be. */
struct changes {
	uint32_t before[INSNS * 4], instead[INSNS * 4];
	bool probed[INSNS * 4], gone[INSNS * 4], entered[FUNCS];
	int round;
};

static void insert_neutral(struct edit *e, struct changes *c, uint32_t at)
{
	struct ref ref = { .insn = 1, .kind = REF_MAP, .target = 5 };
	struct edit_code with_ref = CODE(INSN_STORE(BPF_DW, BPF_REG_10, PUT_BY(c->round),
							    BPF_REG_5),
					 INSN_WIDE(BPF_REG_5, 0),
					 INSN_LOAD(BPF_DW, BPF_REG_5, BPF_REG_10,
						   PUT_BY(c->round)));

	with_ref.refs = &ref;
	with_ref.refs_len = 1;
	switch (any(4)) {
	case 0:
		ck_assert_int_eq(edit_insert(e, at, with_ref, &err), 0);
		c->before[at] += 4;
		break;
	case 1:
		ck_assert_int_eq(edit_insert(e, at, CODE(INSN_JUMP_IMM(BPF_JGT, BPF_REG_3, 7, 1),
							 NOP), &err), 0);
		c->before[at] += 2;
		break;
	case 2:
		ck_assert_int_eq(edit_insert(e, at, CODE(GOTOL(1), INSN_EXIT()), &err), 0);
		c->before[at] += 2;
		break;
	}
	ck_assert_int_eq(edit_insert(e, at, CODE(PROBE(at)), &err), 0);
	c->before[at]++;
	c->probed[at] = true;
}

static const struct ref *ref_of(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].insn == insn)
			return &prog->refs.at[i];
	return NULL;
}

static void replace(struct edit *e, struct changes *c, uint32_t at, struct edit_code code)
{
	ck_assert_int_eq(edit_replace(e, at, code, &err), 0);
	c->instead[at] = code.len;
	c->gone[at] = true;
	if (insn_is_wide(&e->prog->insns.at[at]))
		c->instead[at + 1] = 0;
}

/* The same wide instruction with the same ref, behind something else. */
static void replace_wide(struct edit *e, struct changes *c, uint32_t at)
{
	const struct bpf_insn *insn = &e->prog->insns.at[at];
	const struct ref *old = ref_of(e->prog, at);
	struct ref ref = old ? *old : (struct ref){ 0 };
	struct edit_code code = CODE(INSN_GOTO(0), insn[0], insn[1]);

	ref.insn = 1;
	code.refs = &ref;
	code.refs_len = old ? 1 : 0;
	replace(e, c, at, code);
}

/* Something of the same effect, where this test knows one. */
static void replace_neutral(struct edit *e, struct changes *c, uint32_t at)
{
	struct bpf_insn insn = e->prog->insns.at[at], nop = NOP;

	if (!memcmp(&insn, &nop, sizeof(nop))) {
		replace(e, c, at, (struct edit_code){ 0 });
	} else if (insn_is_wide(&insn)) {
		replace_wide(e, c, at);
	} else if (insn.code == (BPF_ALU64 | BPF_ADD | BPF_K)) {
		replace(e, c, at, CODE(INSN_ADD_IMM(insn.dst_reg, 3),
				       INSN_ADD_IMM(insn.dst_reg, insn.imm - 3)));
	} else if (insn.code == (BPF_ALU64 | BPF_MOV | BPF_K)) {
		replace(e, c, at, CODE(INSN_WIDE(insn.dst_reg, (int64_t)insn.imm)));
	} else if (insn_is_helper_call(&insn)) {
		replace(e, c, at, CODE(INSN_GOTO(1), INSN_EXIT(), insn, INSN_GOTO(0)));
	}
}

static void change_at_random(struct edit *e, struct changes *c, int round)
{
	const struct program *prog = e->prog;

	memset(c, 0, sizeof(*c));
	c->round = round;
	for (uint32_t i = 0; i < prog->insns.len; i++)
		c->instead[i] = 1;
	for (uint32_t i = 0; i < prog->funcs.len; i++) {
		if (!any(2))
			continue;
		c->entered[i] = true;
		c->before[prog->funcs.at[i].insn]++;
		ck_assert_int_eq(edit_enter(e, prog->funcs.at[i].insn,
					    CODE(PROBE(PROBE_ENTRY | i)), &err), 0);
	}
	for (uint32_t i = 0; i < prog->insns.len; i++) {
		if (is_second(prog, i))
			continue;
		if (!any(3))
			insert_neutral(e, c, i);
		if (!any(3))
			replace_neutral(e, c, i);
	}
}

static uint32_t line_at(const struct program *prog, uint32_t insn)
{
	uint32_t line = 0;

	for (size_t i = 0; i < prog->lines.len && prog->lines.at[i].insn <= insn; i++)
		line = prog->lines.at[i].line_col;
	return line;
}

static void expect_tables(const struct program *old, const struct program *new,
			  const struct changes *c)
{
	uint32_t at = 0;
	size_t func = 0, relo = 0;

	for (uint32_t i = 0; i < old->insns.len; i++) {
		uint32_t start = at, self = at + c->before[i], end = self + c->instead[i];

		if (func < old->funcs.len && old->funcs.at[func].insn == i)
			ck_assert_uint_eq(new->funcs.at[func++].insn, start);
		for (; at < end; at++)
			ck_assert_uint_eq(line_at(new, at), line_at(old, i));
		for (size_t r = 0; r < old->relos.len; r++)
			if (old->relos.at[r].insn == i && !c->gone[i]) {
				ck_assert_uint_eq(new->relos.at[relo].insn, self);
				ck_assert_uint_eq(new->relos.at[relo++].type_id,
						  old->relos.at[r].type_id);
			}
	}
	ck_assert_uint_eq(new->insns.len, at);
	ck_assert_uint_eq(new->funcs.len, func);
	ck_assert_uint_eq(new->relos.len, relo);
	for (size_t i = 1; i < new->lines.len; i++)
		ck_assert_uint_gt(new->lines.at[i].insn, new->lines.at[i - 1].insn);
	for (size_t i = 1; i < new->refs.len; i++)
		ck_assert_uint_gt(new->refs.at[i].insn, new->refs.at[i - 1].insn);
}

static void expect_same_story(const struct program *old, const struct story *a,
			      const struct story *b, const struct changes *c)
{
	ck_assert_int_eq(a->end, RUN_EXIT);
	ck_assert_int_eq(b->end, RUN_EXIT);
	ck_assert_uint_eq(a->result, b->result);
	ck_assert_uint_eq(a->len, b->len);
	for (size_t i = 0; i < a->len; i++)
		ck_assert_uint_eq(a->trace[i], b->trace[i]);
	for (uint32_t i = 0; i < old->insns.len; i++)
		if (c->probed[i])
			ck_assert_uint_eq(a->steps[i], b->probes[i]);
	for (size_t i = 0; i < old->funcs.len; i++)
		if (c->entered[i]) /* nothing but a call leads to its first instruction */
			ck_assert_uint_eq(a->steps[old->funcs.at[i].insn], b->entries[i]);
}

static struct program *clone(const struct program *prog)
{
	struct program *new = program(prog->insns.at, prog->insns.len);

	new->funcs.len = 0;
	for (size_t i = 0; i < prog->funcs.len; i++)
		*vec_push(&new->funcs) = prog->funcs.at[i];
	for (size_t i = 0; i < prog->refs.len; i++)
		*vec_push(&new->refs) = prog->refs.at[i];
	for (size_t i = 0; i < prog->lines.len; i++)
		*vec_push(&new->lines) = prog->lines.at[i];
	for (size_t i = 0; i < prog->relos.len; i++)
		*vec_push(&new->relos) = prog->relos.at[i];
	return new;
}

/* Probes of an earlier round would count in this one's. */
static void silence_probes(struct program *prog)
{
	for (size_t i = 0; i < prog->insns.len; i++)
		if (insn_is_helper_call(&prog->insns.at[i]) && prog->insns.at[i].imm & RUN_PROBE)
			prog->insns.at[i] = NOP;
}

static void edit_at_random(struct program *prog, int round)
{
	static struct story before, after;
	struct program *old;
	static struct changes c;
	struct edit e;

	silence_probes(prog);
	old = clone(prog);
	ck_assert_int_eq(edit_init(&e, prog, &err), 0);
	change_at_random(&e, &c, round);
	ck_assert_msg(edit_apply(&e, &err) == 0, "%s", err.message);
	edit_fini(&e);
	expect_tables(old, prog, &c);
	for (uint64_t input = 0; input < 6; input++) {
		tell_story(&before, old, input * input * 77);
		tell_story(&after, prog, input * input * 77);
		expect_same_story(old, &before, &after, &c);
	}
	release(old);
}

START_TEST(random_edits_do_not_change_what_random_programs_do)
{
	struct program *prog;

	state = _i * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 25; i++) {
		prog = make_program();
		ck_assert_uint_lt(prog->insns.len, INSNS);
		for (int round = 0; round < 2 && prog->insns.len < INSNS; round++)
			edit_at_random(prog, round);
		release(prog);
	}
}
END_TEST

Suite *edit_suite(void);
Suite *edit_suite(void)
{
	Suite *suite = suite_create("edit");
	TCase *tc = tcase_create("edit");

	tcase_add_test(tc, jumps_both_ways_follow_their_targets);
	tcase_add_test(tc, what_is_said_of_a_program_stays);
	tcase_add_test(tc, jumps_of_every_kind_are_fixed);
	tcase_add_test(tc, inserts_at_one_place_stand_in_order_and_jumps_arrive_at_the_first);
	tcase_add_test(tc, entry_code_is_run_by_calls_and_skipped_by_jumps);
	tcase_add_test(tc, calls_and_function_addresses_follow_their_function);
	tcase_add_test(tc, calls_of_what_is_outside_the_object_move_as_other_instructions);
	tcase_add_test(tc, refs_of_put_in_code_stand_among_the_others_in_order);
	tcase_add_test(tc, a_replaced_instruction_loses_its_ref_and_relocation);
	tcase_add_test(tc, jumps_to_a_deleted_instruction_arrive_at_what_follows);
	tcase_add_test(tc, the_line_of_a_deleted_instruction_moves_on_or_gives_way);
	tcase_add_test(tc, code_put_in_at_the_start_of_a_function_has_its_line);
	tcase_add_test(tc, a_function_deleted_with_its_call_is_gone_with_its_lines);
	tcase_add_test(tc, the_last_function_can_go_as_well);
	tcase_add_test(tc, a_line_does_not_leave_its_function);
	tcase_add_test(tc, every_function_keeps_its_line_whatever_happens_to_its_start);
	tcase_add_test(tc, the_second_half_of_a_wide_instruction_cannot_be_edited);
	tcase_add_test(tc, an_instruction_is_replaced_only_once);
	tcase_add_test(tc, unsound_code_is_not_put_in);
	tcase_add_test(tc, code_may_jump_to_its_own_end);
	tcase_add_test(tc, exits_of_a_piece_lead_to_instructions_of_the_program_as_it_was);
	tcase_add_test(tc, an_exit_needs_a_target_that_is_there);
	tcase_add_test(tc, the_program_keeps_what_it_is);
	tcase_add_test(tc, a_jump_that_gets_too_long_is_refused_and_nothing_changed);
	tcase_add_test(tc, a_far_jump_may_get_longer_than_16_bits);
	tcase_add_test(tc, a_function_goes_with_the_last_of_its_instructions);
	tcase_add_test(tc, programs_that_make_no_sense_are_refused);
	tcase_add_test(tc, a_program_that_ends_inside_a_wide_instruction_is_refused);
	tcase_add_loop_test(tc, random_edits_do_not_change_what_random_programs_do, 0, 12);
	suite_add_tcase(suite, tc);
	return suite;
}
