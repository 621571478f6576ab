// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "compat/arith.h"
#include "compat/insn.h"
#include "compat/lower.h"
#include "tests/unit/bpf_random.h"
#include "tests/unit/bpf_run.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define GOTOL(imm) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, imm)
#define CALL_FUNC(imm) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)
#define LOAD_SIGNED(size, dst, src, off) INSN(BPF_LDX | BPF_MEMSX | (size), dst, src, off, 0)
#define POISON INSN_CALL(CORE_POISON)

static struct object obj;
static struct error err;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	error_clear(&err);
	obj.name = "o";
}

static void teardown(void)
{
	object_fini(&obj);
}

/* One program of these instructions, which are one function until more are added. */
static struct program *program(const struct bpf_insn *insns, size_t len)
{
	struct program *prog = vec_push(&obj.programs);

	prog->name = "p";
	prog->autoload = true;
	for (size_t i = 0; i < len; i++)
		*vec_push(&prog->insns) = insns[i];
	vec_push(&prog->funcs)->name = "p";
	return prog;
}

#define PROGRAM(...)                                                                               \
	program((struct bpf_insn[]){ __VA_ARGS__ },                                                \
		COUNT(((struct bpf_insn[]){ __VA_ARGS__ })))

static void add_func(struct program *prog, uint32_t insn)
{
	struct func *func = vec_push(&prog->funcs);

	func->insn = insn;
	func->name = "f";
}

static void add_relo(struct program *prog, uint32_t insn)
{
	vec_push(&prog->relos)->insn = insn;
}

static void add_map(enum map_role role, const char *data, size_t size)
{
	struct map *map = object_add_map(&obj, "m");

	map->role = role;
	map->value_size = size;
	map->data = malloc(size);
	memcpy(map->data, data, size);
}

static void expect_insns(const struct program *prog, const struct bpf_insn *want, size_t len)
{
	for (size_t i = 0; i < len && i < prog->insns.len; i++) {
		const struct bpf_insn *got = &prog->insns.at[i];

		ck_assert_msg(!memcmp(got, &want[i], sizeof(*got)),
			      "instruction %zu: got code %#x dst %u off %d imm %d, expected %#x %u %d %d",
			      i, got->code, got->dst_reg, got->off, got->imm, want[i].code,
			      want[i].dst_reg, want[i].off, want[i].imm);
	}
	ck_assert_uint_eq(prog->insns.len, len);
}

#define EXPECT(prog, ...)                                                                          \
	expect_insns(prog, (struct bpf_insn[]){ __VA_ARGS__ },                                     \
		     COUNT(((struct bpf_insn[]){ __VA_ARGS__ })))

static void fold_it(void)
{
	ck_assert_msg(!fold(&obj, &err), "%s", err.message);
}

/* The example in the head of compat/fold.c. */
START_TEST(code_behind_a_question_with_a_no_goes_with_its_relocation)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(6, 0), INSN_STORE(BPF_DW, 10, -8, 6),
				       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_MOV_IMM(2, 7),
				       INSN_LOAD(BPF_DW, 3, 10, -8), INSN_JUMP_IMM(BPF_JEQ, 3, 0, 2),
				       POISON, INSN_MOV_IMM(0, 1), INSN_EXIT());

	add_relo(prog, 6);
	for (uint32_t i = 0; i < 9; i++)
		*vec_push(&prog->lines) = (struct line){ .insn = i, .line_col = (10 + i) << 10 };
	fold_it();
	EXPECT(prog, INSN_MOV_IMM(6, 0), INSN_STORE(BPF_DW, 10, -8, 6),
	       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_MOV_IMM(2, 7), INSN_LOAD(BPF_DW, 3, 10, -8),
	       INSN_EXIT());
	ck_assert_uint_eq(prog->relos.len, 0);
	ck_assert_uint_eq(prog->lines.len, 6);
	ck_assert_uint_eq(prog->lines.at[5].insn, 5);
	ck_assert_uint_eq(prog->lines.at[5].line_col >> 10, 18);
}
END_TEST

START_TEST(code_that_can_be_reached_stays_with_its_relocation)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), POISON, INSN_MOV_IMM(0, 0),
				       INSN_EXIT());

	add_relo(prog, 1);
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 4);
	ck_assert_uint_eq(prog->relos.len, 1);
	ck_assert_uint_eq(prog->relos.at[0].insn, 1);
}
END_TEST

/* A verifier's test for stores that are not aligned: the sanitizers see where it is kept. */
START_TEST(store_across_the_end_of_a_stack_of_which_nothing_is_kept)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(0, 0), INSN_MOV(1, 10), INSN_ADD_IMM(1, 5),
				       INSN_STORE(BPF_DW, 1, -8, 0), INSN_EXIT());

	fold_it();
	ck_assert_uint_eq(prog->insns.len, 5);
}
END_TEST

START_TEST(a_branch_that_is_always_taken_becomes_a_goto)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(0, 3), INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2),
				       INSN_JUMP_IMM(BPF_JGT, 0, 2, 2), INSN_CALL(9),
				       INSN_CALL(7), INSN_CALL(8), INSN_EXIT());

	fold_it();
	EXPECT(prog, INSN_MOV_IMM(0, 3), INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_GOTO(1), INSN_CALL(7),
	       INSN_CALL(8), INSN_EXIT());
}
END_TEST

START_TEST(what_all_ways_agree_on_is_known_where_they_meet)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2), INSN_MOV_IMM(2, 5),
				       INSN_GOTO(1), INSN_MOV_IMM(2, 5),
				       INSN_JUMP_IMM(BPF_JNE, 2, 5, 1), INSN_EXIT(), INSN_CALL(6),
				       INSN_EXIT());

	fold_it();
	EXPECT(prog, INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2), INSN_MOV_IMM(2, 5), INSN_GOTO(1),
	       INSN_MOV_IMM(2, 5), INSN_EXIT());
}
END_TEST

START_TEST(what_they_do_not_agree_on_is_not)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2), INSN_MOV_IMM(2, 5),
				       INSN_GOTO(1), INSN_MOV_IMM(2, 6),
				       INSN_JUMP_IMM(BPF_JNE, 2, 5, 1), INSN_EXIT(), INSN_CALL(6),
				       INSN_EXIT());

	fold_it();
	ck_assert_uint_eq(prog->insns.len, 8);
}
END_TEST

START_TEST(a_loop_is_not_taken_for_its_first_round)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(6, 0), INSN_ADD_IMM(6, 1),
				       INSN_JUMP_IMM(BPF_JLT, 6, 4, -2),
				       INSN_JUMP_IMM(BPF_JEQ, 6, 1, 1), INSN_EXIT(), INSN_CALL(6),
				       INSN_EXIT());

	fold_it();
	ck_assert_uint_eq(prog->insns.len, 7);
}
END_TEST

START_TEST(equality_tells_a_constant)
{
	struct program *prog = PROGRAM(INSN_JUMP_IMM(BPF_JNE, 1, 7, 2),
				       INSN_JUMP_IMM(BPF_JGT, 1, 6, 1), INSN_CALL(6), INSN_EXIT());

	fold_it();
	EXPECT(prog, INSN_JUMP_IMM(BPF_JNE, 1, 7, 0), INSN_EXIT());
}
END_TEST

START_TEST(nothing_and_something_is_nothing)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(2, 0),
				       INSN(BPF_ALU64 | BPF_AND | BPF_X, 1, 2, 0, 0),
				       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_CALL(6), INSN_EXIT());

	fold_it();
	ck_assert_uint_eq(prog->insns.len, 3);
}
END_TEST

/* ---- the stack ---- */

/* *(r10 - 8) = 5; then what is given; then whether it is 5 still. */
static bool survives(const struct bpf_insn *insns, size_t len)
{
	struct bpf_insn store = INSN_STORE_IMM(BPF_DW, 10, -8, 5);
	struct bpf_insn check[] = { INSN_LOAD(BPF_DW, 3, 10, -8), INSN_JUMP_IMM(BPF_JEQ, 3, 5, 1),
				    INSN_CALL(6), INSN_EXIT() };
	struct program *prog = program(&store, 1);

	for (size_t i = 0; i < len; i++)
		*vec_push(&prog->insns) = insns[i];
	for (size_t i = 0; i < COUNT(check); i++)
		*vec_push(&prog->insns) = check[i];
	fold_it();
	return prog->insns.len == 1 + len + 2;
}

#define SURVIVES(...)                                                                              \
	survives((struct bpf_insn[]){ __VA_ARGS__ },                                               \
		 COUNT(((struct bpf_insn[]){ __VA_ARGS__ })))

START_TEST(stack_is_known_until_something_may_have_written_there)
{
	ck_assert(SURVIVES(INSN_STORE(BPF_DW, 10, -16, 1)));
	ck_assert(SURVIVES(INSN_STORE(BPF_DW, 1, -8, 1))); /* not into the frame */
	ck_assert(SURVIVES(INSN_STORE(BPF_W, 10, -12, 1)));
	ck_assert(SURVIVES(INSN_CALL(5)));
	ck_assert(!SURVIVES(INSN_STORE(BPF_B, 10, -1, 1)));
	ck_assert(!SURVIVES(INSN_STORE(BPF_W, 10, -10, 1)));
	ck_assert(!SURVIVES(INSN_MOV(2, 10), INSN_ADD_IMM(2, -16), INSN_STORE(BPF_DW, 2, 8, 1)));
	ck_assert(!SURVIVES(INSN_MOV(2, 10), INSN(BPF_ALU64 | BPF_ADD | BPF_X, 2, 1, 0, 0),
			    INSN_STORE(BPF_DW, 2, -64, 1)));
	ck_assert(!SURVIVES(INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 1, -8, BPF_ADD)));
}
END_TEST

START_TEST(helpers_write_from_the_address_they_are_given_on)
{
	ck_assert(!SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, -16), INSN_CALL(4)));
	ck_assert(SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, 0), INSN_CALL(4)));
	ck_assert(SURVIVES(INSN_MOV(2, 10), INSN_ADD_IMM(2, -16),
			   INSN_CALL(BPF_FUNC_map_lookup_elem)));
	/* A function of the kernel; an address that came from memory. */
	ck_assert(!SURVIVES(INSN_MOV(1, 10), INSN(BPF_JMP | BPF_CALL, 0, 2, 0, 4)));
	ck_assert(!SURVIVES(INSN_LOAD(BPF_DW, 1, 10, -16), INSN_CALL(4)));
}
END_TEST

START_TEST(helpers_that_are_told_a_size_write_no_more)
{
	ck_assert(SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, -16), INSN_MOV_IMM(2, 8), INSN_CALL(4)));
	ck_assert(!SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, -16), INSN_MOV_IMM(2, 9),
			    INSN_CALL(4)));
	/* what they read from is not what they write to */
	ck_assert(SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, -16), INSN_MOV_IMM(2, 8),
			   INSN_MOV(3, 10), INSN_ADD_IMM(3, -8), INSN_CALL(4)));
	/* what they have written is no address in the frame, through which all could change */
	ck_assert(SURVIVES(INSN_MOV(1, 10), INSN_ADD_IMM(1, -16), INSN_MOV_IMM(2, 8), INSN_CALL(4),
			   INSN_LOAD(BPF_DW, 3, 10, -16), INSN_STORE(BPF_DW, 3, 0, 3)));
}
END_TEST

START_TEST(parts_of_words_are_known_by_the_byte)
{
	struct program *prog = PROGRAM(INSN_STORE(BPF_DW, 10, -8, 1),
				       INSN_STORE_IMM(BPF_H, 10, -4, 0xfffe),
				       LOAD_SIGNED(BPF_H, 2, 10, -4),
				       INSN_JUMP_IMM(BPF_JEQ, 2, -2, 1), INSN_CALL(6),
				       INSN_LOAD(BPF_H, 2, 10, -4),
				       INSN_JUMP_IMM(BPF_JEQ, 2, 0xfffe, 1), INSN_CALL(7),
				       INSN_LOAD(BPF_W, 2, 10, -4),
				       INSN_JUMP_IMM(BPF_JEQ, 2, 5, 1), INSN_CALL(8), INSN_EXIT());

	fold_it();
	EXPECT(prog, INSN_STORE(BPF_DW, 10, -8, 1), INSN_STORE_IMM(BPF_H, 10, -4, 0xfffe),
	       LOAD_SIGNED(BPF_H, 2, 10, -4), INSN_LOAD(BPF_H, 2, 10, -4),
	       INSN_LOAD(BPF_W, 2, 10, -4), INSN_JUMP_IMM(BPF_JEQ, 2, 5, 1), INSN_CALL(8),
	       INSN_EXIT());
}
END_TEST

START_TEST(a_word_that_ways_leave_different_is_not_known)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_DW, 10, -8, 1),
				       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1),
				       INSN_STORE_IMM(BPF_DW, 10, -8, 2),
				       INSN_LOAD(BPF_DW, 2, 10, -8), INSN_JUMP_IMM(BPF_JEQ, 2, 1, 1),
				       INSN_CALL(6), INSN_LOAD(BPF_W, 2, 10, -4),
				       INSN_JUMP_IMM(BPF_JEQ, 2, 0, 1), INSN_CALL(7), INSN_EXIT());

	fold_it();
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	ck_assert_uint_eq(prog->insns.len, 8); /* but the upper half is */
#else
	ck_assert_uint_eq(prog->insns.len, 10);
#endif
}
END_TEST

START_TEST(functions_write_to_the_stack_they_are_given)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_DW, 10, -8, 5), INSN_MOV(1, 10),
				       CALL_FUNC(4), INSN_LOAD(BPF_DW, 3, 10, -8),
				       INSN_JUMP_IMM(BPF_JEQ, 3, 5, 1), INSN_CALL(6), INSN_EXIT(),
				       INSN_STORE_IMM(BPF_DW, 1, -8, 0), INSN_EXIT());

	add_func(prog, 7);
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 9);
}
END_TEST

/* ---- globals ---- */

static struct program *ask_global(uint32_t offset)
{
	struct program *prog = PROGRAM(INSN_WIDE(1, 0), INSN_LOAD(BPF_B, 2, 1, 1),
				       INSN_JUMP_IMM(BPF_JEQ, 2, 4, 1), INSN_CALL(6), INSN_EXIT());

	*vec_push(&prog->refs) = (struct ref){ 0, REF_VALUE, 0, offset };
	return prog;
}

START_TEST(read_only_globals_are_constants)
{
	struct program *prog;

	add_map(MAP_RODATA, "\1\2\3\4", 4);
	prog = ask_global(2);
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 4);
	prog = ask_global(3); /* out of the data, for the kernel to say */
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 6);
}
END_TEST

START_TEST(other_globals_are_not)
{
	struct program *prog;

	add_map(MAP_DATA, "\1\2\3\4", 4);
	prog = ask_global(2);
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 6);
}
END_TEST

/* ---- functions ---- */

START_TEST(functions_that_nothing_calls_go)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(0, 0), INSN_JUMP_IMM(BPF_JEQ, 0, 0, 1),
				       CALL_FUNC(2), CALL_FUNC(3), INSN_EXIT(),
				       POISON, INSN_EXIT(), INSN_CALL(5), INSN_EXIT());

	add_func(prog, 5);
	add_func(prog, 7);
	add_relo(prog, 5);
	fold_it();
	EXPECT(prog, INSN_MOV_IMM(0, 0), CALL_FUNC(1), INSN_EXIT(), INSN_CALL(5), INSN_EXIT());
	ck_assert_uint_eq(prog->funcs.len, 2);
	ck_assert_uint_eq(prog->funcs.at[1].insn, 3);
	ck_assert_uint_eq(prog->relos.len, 0);
}
END_TEST

START_TEST(arguments_and_results_are_known_where_all_calls_agree)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(1, 0), CALL_FUNC(5), INSN_MOV_IMM(1, 0),
				       CALL_FUNC(3), INSN_JUMP_IMM(BPF_JEQ, 0, 3, 1), INSN_CALL(6),
				       INSN_EXIT(),
				       INSN_MOV_IMM(0, 3), INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), POISON,
				       INSN_EXIT());

	add_func(prog, 7);
	fold_it();
	EXPECT(prog, INSN_MOV_IMM(1, 0), CALL_FUNC(3), INSN_MOV_IMM(1, 0), CALL_FUNC(1), INSN_EXIT(),
	       INSN_MOV_IMM(0, 3), INSN_EXIT());
}
END_TEST

START_TEST(arguments_are_unknown_where_calls_differ)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(1, 0), CALL_FUNC(3), INSN_MOV_IMM(1, 1),
				       CALL_FUNC(1), INSN_EXIT(),
				       INSN_MOV_IMM(0, 3), INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), POISON,
				       INSN_EXIT());

	add_func(prog, 5);
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 9);
}
END_TEST

START_TEST(functions_given_by_address_stay_and_may_write_the_stack)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_DW, 10, -8, 1), INSN_WIDE(2, 0),
				       INSN_MOV(3, 10), INSN_CALL(181),
				       INSN_LOAD(BPF_DW, 2, 10, -8),
				       INSN_JUMP_IMM(BPF_JEQ, 2, 1, 1), INSN_CALL(6), INSN_EXIT(),
				       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 0), INSN_EXIT());

	add_func(prog, 9);
	*vec_push(&prog->refs) = (struct ref){ 1, REF_FUNC, 9, 0 };
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 11);
	ck_assert_uint_eq(prog->funcs.len, 2);
}
END_TEST

START_TEST(code_behind_a_function_that_never_returns_goes)
{
	struct program *prog = PROGRAM(CALL_FUNC(2), INSN_CALL(6), INSN_EXIT(), INSN_GOTO(-1));

	add_func(prog, 3);
	fold_it();
	EXPECT(prog, CALL_FUNC(0), INSN_GOTO(-1));
}
END_TEST

/* ---- what is left alone, and what is refused ---- */

START_TEST(program_not_to_be_loaded_is_left_alone)
{
	struct program *prog = PROGRAM(INSN_EXIT(), INSN_CALL(6), INSN_EXIT());

	prog->autoload = false;
	fold_it();
	ck_assert_uint_eq(prog->insns.len, 3);
}
END_TEST

static void refuse(const char *message)
{
	ck_assert_int_eq(fold(&obj, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message, message);
	object_fini(&obj);
	setup();
}

START_TEST(programs_that_make_no_sense_are_refused)
{
	struct program *prog;

	PROGRAM(INSN_GOTO(1), INSN_EXIT());
	refuse("o: program 'p': instruction 0: target: got 2, expected an instruction of the same "
	       "function, or the first of another one for a call");
	PROGRAM(INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_WIDE(1, 0), INSN_EXIT());
	refuse("o: program 'p': instruction 0: target: got 2, expected an instruction of the same "
	       "function, or the first of another one for a call");
	prog = PROGRAM(INSN_GOTO(0), INSN_EXIT());
	add_func(prog, 1);
	refuse("o: program 'p': instruction 0: target: got 1, expected an instruction of the same "
	       "function, or the first of another one for a call");
	PROGRAM(CALL_FUNC(-3), INSN_EXIT());
	refuse("o: program 'p': instruction 0: target: got -2, expected an instruction of the same "
	       "function, or the first of another one for a call");
	prog = PROGRAM(INSN_WIDE(1, 0), INSN_EXIT());
	*vec_push(&prog->refs) = (struct ref){ 0, REF_FUNC, 2, 0 };
	refuse("o: program 'p': instruction 0: target: got 2, expected an instruction of the same "
	       "function, or the first of another one for a call");
	prog = PROGRAM(INSN_EXIT());
	add_func(prog, 9);
	refuse("o: program 'p': functions: expected at least one, the first at instruction 0, and no "
	       "two at one place");
	prog = PROGRAM(INSN_EXIT());
	prog->funcs.len = 0;
	refuse("o: program 'p': functions: expected at least one, the first at instruction 0, and no "
	       "two at one place");
	PROGRAM(INSN_EXIT(), INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0));
	refuse("o: program 'p': instruction 1: BPF_LD_IMM64 without its second slot");
}
END_TEST

/* Opcodes and registers of every kind, sense or not: no crash. */
START_TEST(bytes_that_are_no_program_do_no_harm)
{
	uint64_t state = _i + 1;

	for (int round = 0; round < 3000; round++) {
		struct bpf_insn insns[12];

		for (size_t i = 0; i < sizeof(insns); i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			((uint8_t *)insns)[i] = state >> 33;
		}
		for (size_t i = 0; i < COUNT(insns); i++) {
			insns[i].off %= 8;
			insns[i].imm %= 8;
		}
		program(insns, COUNT(insns));
		if (fold(&obj, &err))
			ck_assert_int_eq(err.code, ERROR_FORMAT);
		object_fini(&obj);
		setup();
	}
}
END_TEST

/* ---- random programs do what they did ---- */

/* Nothing falls out of a function, and a second run has nothing to do. */
static void expect_stable(struct program *prog)
{
	size_t len = prog->insns.len;

	for (size_t i = 0; i < prog->funcs.len; i++) {
		uint32_t end = i + 1 < prog->funcs.len ? prog->funcs.at[i + 1].insn : len;

		ck_assert_uint_gt(end, prog->funcs.at[i].insn);
		ck_assert(insn_ends_flow(&prog->insns.at[end - 1]) ||
			  insn_is_jump(&prog->insns.at[end - 1]) ||
			  insn_is_func_call(&prog->insns.at[end - 1]));
	}
	fold_it();
	ck_assert_uint_eq(prog->insns.len, len);
}

static size_t removed; /* in all programs of one test */

static void fold_at_random(void)
{
	const struct program *old;
	struct program *prog;

	random_map(&obj);
	random_program(&obj);
	old = random_copy(&obj, 0);
	prog = &obj.programs.at[0];
	fold_it();
	removed += old->insns.len - prog->insns.len;
	story_compare(&obj, old, prog);
	expect_stable(prog);
}

START_TEST(random_programs_do_what_they_did)
{
	random_seed(_i);
	removed = 0;
	for (int i = 0; i < 500; i++) {
		fold_at_random();
		object_fini(&obj);
		setup();
	}
	ck_assert_uint_gt(removed, 2000); /* else it would prove little */
}
END_TEST

/* ---- arithmetic ---- */

/* The program that runs it: r1 points at both operands. */
static uint64_t run_alu(struct bpf_insn insn, uint64_t a, uint64_t b)
{
	uint64_t operands[2] = { a, b };
	struct program *prog;
	struct run run = { .budget = 10 };

	insn.dst_reg = 0;
	insn.src_reg = BPF_SRC(insn.code) == BPF_X && BPF_OP(insn.code) != BPF_END ? 2 : 0;
	prog = PROGRAM(INSN_LOAD(BPF_DW, 0, 1, 0), INSN_LOAD(BPF_DW, 2, 1, 8), insn, INSN_EXIT());
	run.prog = prog;
	run_allow(&run, operands, sizeof(operands));
	ck_assert_int_eq(run_program(&run, (uintptr_t)operands), RUN_EXIT);
	object_fini(&obj);
	setup();
	return run.result;
}

START_TEST(arithmetic_is_as_programs_run)
{
	random_seed(7);
	for (int i = 0; i < 50000; i++) {
		struct bpf_insn insn = random_alu();
		bool imm = BPF_SRC(insn.code) == BPF_K || BPF_OP(insn.code) == BPF_END;
		uint64_t a = random_word(), b = imm ? (uint64_t)(int64_t)insn.imm : random_word();
		uint64_t result = 0, want = run_alu(insn, a, b);

		ck_assert(arith_alu(&insn, a, b, &result));
		ck_assert_msg(result == want, "code %#x off %d imm %d on %#llx and %#llx: got %#llx, "
			      "expected %#llx", insn.code, insn.off, insn.imm, (unsigned long long)a,
			      (unsigned long long)b, (unsigned long long)result,
			      (unsigned long long)want);
	}
}
END_TEST

START_TEST(comparisons_are_as_programs_run)
{
	random_seed(8);
	for (int i = 0; i < 50000; i++) {
		struct bpf_insn insn = random_jump();
		bool imm = BPF_SRC(insn.code) == BPF_K, known;
		uint64_t a = random_word(), b = imm ? (uint64_t)(int64_t)insn.imm : random_word();
		uint64_t operands[2] = { a, b };
		struct run run = { .budget = 10 };

		if (insn_ends_flow(&insn))
			continue;
		insn.dst_reg = 3;
		insn.src_reg = imm ? 0 : 2;
		insn.off = 1;
		run.prog = PROGRAM(INSN_LOAD(BPF_DW, 3, 1, 0), INSN_LOAD(BPF_DW, 2, 1, 8),
				   INSN_MOV_IMM(0, 1), insn, INSN_MOV_IMM(0, 0), INSN_EXIT());
		run_allow(&run, operands, sizeof(operands));
		ck_assert_int_eq(run_program(&run, (uintptr_t)operands), RUN_EXIT);
		ck_assert_int_eq(arith_jump(&insn, a, b, &known), run.result);
		ck_assert(known);
		object_fini(&obj);
		setup();
	}
}
END_TEST

START_TEST(shifts_beyond_the_width_and_other_codes_are_not_known)
{
	struct bpf_insn far = INSN(BPF_ALU | BPF_LSH | BPF_K, 0, 0, 0, 32);
	struct bpf_insn cast = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 0, 1, 1);
	struct bpf_insn half = INSN(BPF_ALU | BPF_END, 0, 0, 0, 24);
	struct bpf_insn goes_on = INSN(BPF_JMP | 0xe0, 0, 0, 0, 0); /* may_goto */
	uint64_t result;
	bool known;

	ck_assert(!arith_alu(&far, 1, 32, &result));
	ck_assert(!arith_alu(&cast, 1, 1, &result));
	ck_assert(!arith_alu(&half, 1, 1, &result));
	arith_jump(&goes_on, 0, 0, &known);
	ck_assert(!known);
}
END_TEST

Suite *fold_suite(void);
Suite *fold_suite(void)
{
	Suite *suite = suite_create("fold");
	TCase *tc = tcase_create("fold");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, code_behind_a_question_with_a_no_goes_with_its_relocation);
	tcase_add_test(tc, code_that_can_be_reached_stays_with_its_relocation);
	tcase_add_test(tc, a_branch_that_is_always_taken_becomes_a_goto);
	tcase_add_test(tc, what_all_ways_agree_on_is_known_where_they_meet);
	tcase_add_test(tc, what_they_do_not_agree_on_is_not);
	tcase_add_test(tc, a_loop_is_not_taken_for_its_first_round);
	tcase_add_test(tc, equality_tells_a_constant);
	tcase_add_test(tc, nothing_and_something_is_nothing);
	tcase_add_test(tc, stack_is_known_until_something_may_have_written_there);
	tcase_add_test(tc, helpers_write_from_the_address_they_are_given_on);
	tcase_add_test(tc, helpers_that_are_told_a_size_write_no_more);
	tcase_add_test(tc, parts_of_words_are_known_by_the_byte);
	tcase_add_test(tc, a_word_that_ways_leave_different_is_not_known);
	tcase_add_test(tc, functions_write_to_the_stack_they_are_given);
	tcase_add_test(tc, read_only_globals_are_constants);
	tcase_add_test(tc, other_globals_are_not);
	tcase_add_test(tc, functions_that_nothing_calls_go);
	tcase_add_test(tc, arguments_and_results_are_known_where_all_calls_agree);
	tcase_add_test(tc, arguments_are_unknown_where_calls_differ);
	tcase_add_test(tc, functions_given_by_address_stay_and_may_write_the_stack);
	tcase_add_test(tc, code_behind_a_function_that_never_returns_goes);
	tcase_add_test(tc, program_not_to_be_loaded_is_left_alone);
	tcase_add_test(tc, programs_that_make_no_sense_are_refused);
	tcase_add_loop_test(tc, bytes_that_are_no_program_do_no_harm, 0, 2);
	tcase_add_loop_test(tc, random_programs_do_what_they_did, 0, 8);
	tcase_add_test(tc, store_across_the_end_of_a_stack_of_which_nothing_is_kept);
	tcase_add_test(tc, arithmetic_is_as_programs_run);
	tcase_add_test(tc, comparisons_are_as_programs_run);
	tcase_add_test(tc, shifts_beyond_the_width_and_other_codes_are_not_known);
	suite_add_tcase(suite, tc);
	return suite;
}
