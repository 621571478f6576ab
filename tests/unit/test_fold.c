// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "compat/arith.h"
#include "compat/insn.h"
#include "compat/lower.h"
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

#define INSNS 400
#define FUNCS 3
#define TRACE 4096
#define FRAME 64 /* bytes of the stack in use, of each function */

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

struct maker {
	struct program *prog;
	uint32_t func, funcs;
	uint32_t places[INSNS]; /* where jumps may lead: between groups of instructions */
	size_t places_len;
	struct { uint32_t insn; bool back; } jumps[INSNS];
	size_t jumps_len;
	struct { uint32_t insn, func; } calls[INSNS];
	size_t calls_len;
};

static void emit(struct maker *m, struct bpf_insn insn)
{
	*vec_push(&m->prog->insns) = insn;
}

/* A register that holds a number: r1 is for addresses, r9 for the fuel of loops. */
static uint8_t number(void)
{
	static const uint8_t regs[] = { 0, 2, 3, 4, 5, 6, 7, 8 };

	return regs[any(COUNT(regs))];
}

static int32_t constant(void)
{
	static const int32_t often[] = { 0, 1, -1, 2, 8, 64, 255, INT32_MIN, INT32_MAX };

	return any(4) ? often[any(COUNT(often))] : (int32_t)any(1 << 30);
}

static struct bpf_insn random_alu(void)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR, BPF_AND, BPF_XOR, BPF_NEG,
				       BPF_MOV, BPF_MOV, BPF_DIV, BPF_MOD };
	static const uint8_t shifts[] = { BPF_LSH, BPF_RSH, BPF_ARSH };
	static const int16_t moves[] = { 8, 16, 32 };
	uint8_t class = any(2) ? BPF_ALU64 : BPF_ALU, op = ops[any(COUNT(ops))];
	bool division = op == BPF_DIV || op == BPF_MOD;

	switch (any(8)) {
	case 0: return INSN(class | shifts[any(3)] | BPF_K, number(), 0, 0, any(32));
	case 1: return INSN(BPF_ALU | BPF_END | (any(2) ? BPF_X : 0), number(), 0, 0, 16 << any(3));
	case 2: return INSN(BPF_ALU64 | BPF_END, number(), 0, 0, 16 << any(3));
	case 3: return INSN(class | BPF_MOV | BPF_X, number(), number(),
			    moves[any(class == BPF_ALU ? 2 : 3)], 0);
	case 4: return INSN(class | op | BPF_X, number(), op == BPF_NEG ? 0 : number(),
			    division ? any(2) : 0, 0);
	}
	return INSN(class | op | BPF_K, number(), 0, division ? any(2) : 0, constant());
}

static struct bpf_insn random_jump(void)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSET,
				       BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE };
	uint8_t class = any(3) ? BPF_JMP : BPF_JMP32, op = ops[any(COUNT(ops))];

	switch (any(8)) {
	case 0: return INSN_GOTO(0);
	case 1: return GOTOL(0);
	case 2: return INSN(class | op | BPF_X, number(), number(), 0, 0);
	}
	return INSN(class | op | BPF_K, number(), 0, 0, constant());
}

static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW, BPF_DW, BPF_DW };

static int16_t stack_offset(uint8_t size)
{
	int bytes = size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;

	if (!any(10))
		return -FRAME + any(FRAME - bytes + 1);
	return -FRAME + bytes * any(FRAME / bytes);
}

/* r1 becomes an address on the stack with eight bytes behind it. */
static void emit_address(struct maker *m)
{
	emit(m, INSN_MOV(1, 10));
	emit(m, INSN_ADD_IMM(1, -8 - 8 * (int)any(FRAME / 8)));
	if (any(3))
		return;
	/* At a distance that only the run tells. */
	emit(m, INSN_MOV(1, 10));
	emit(m, INSN_ADD_IMM(1, -FRAME));
	emit(m, INSN(BPF_ALU64 | BPF_AND | BPF_K, 7, 0, 0, FRAME - 8));
	emit(m, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 1, 7, 0, 0));
}

static void emit_stack(struct maker *m)
{
	uint8_t size = sizes[any(COUNT(sizes))];
	int16_t off = stack_offset(size);

	switch (any(8)) {
	case 0:
		emit_address(m);
		emit(m, INSN_STORE(BPF_DW, 1, 0, number()));
		break;
	case 1:
		emit_address(m);
		emit(m, INSN_LOAD(BPF_DW, number(), 1, 0));
		break;
	case 2: emit(m, INSN_STORE(size, 10, off, number())); break;
	case 3: emit(m, INSN_STORE_IMM(size, 10, off, constant())); break;
	case 4: /* an address put by and fetched again */
		emit_address(m);
		emit(m, INSN_STORE(BPF_DW, 10, -FRAME - 8, 1));
		emit(m, INSN_STORE_IMM(BPF_DW, 1, 0, constant()));
		emit(m, INSN_LOAD(BPF_DW, 1, 10, -FRAME - 8));
		emit(m, INSN_STORE_IMM(size, 1, 0, constant()));
		break;
	case 5: emit(m, LOAD_SIGNED(size == BPF_DW ? BPF_W : size, number(), 10, off)); break;
	default: emit(m, INSN_LOAD(size, number(), 10, off));
	}
}

/* Helper 1 looks, helper 4 writes what it is given, 5 to 7 take only numbers. */
static void emit_helper(struct maker *m)
{
	uint32_t which = any(5);

	emit_address(m);
	if (which > 1)
		emit(m, INSN_MOV(1, number()));
	emit(m, INSN_CALL(which == 0 ? 1 : which == 1 ? 4 : 3 + which));
}

static void emit_global(struct maker *m)
{
	*vec_push(&m->prog->refs) = (struct ref){ m->prog->insns.len, REF_VALUE, 0, 8 * any(4) };
	emit(m, INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0));
	emit(m, INSN(0, 0, 0, 0, 0));
	emit(m, INSN_LOAD(sizes[any(COUNT(sizes))], number(), 1, 0));
}

/* r1 of each function is an address in the frame of who calls it, r2 a number. */
static void emit_call(struct maker *m)
{
	uint32_t later = m->funcs - 1 - m->func;

	if (!later)
		return;
	emit_address(m);
	if (any(2))
		emit(m, INSN_MOV_IMM(2, any(2)));
	m->calls[m->calls_len].insn = m->prog->insns.len;
	m->calls[m->calls_len++].func = m->func + 1 + any(later);
	emit(m, CALL_FUNC(0));
}

static void emit_jump(struct maker *m, bool back)
{
	if (back)
		emit(m, INSN_ADD_IMM(9, -1));
	m->jumps[m->jumps_len].insn = m->prog->insns.len;
	m->jumps[m->jumps_len++].back = back;
	emit(m, back ? INSN_JUMP_IMM(BPF_JSGT, 9, 0, 0) : random_jump());
}

static void emit_any(struct maker *m)
{
	m->places[m->places_len++] = m->prog->insns.len;
	switch (any(16)) {
	case 0: case 1: case 2: emit_stack(m); break;
	case 3: emit_helper(m); break;
	case 4: emit_global(m); break;
	case 5: emit_call(m); break;
	case 6: emit_jump(m, true); break;
	case 7: case 8: case 9: emit_jump(m, false); break;
	case 10: emit(m, INSN_MOV_IMM(number(), constant())); break;
	default: emit(m, random_alu());
	}
}

static void close_jumps(struct maker *m)
{
	for (size_t i = 0; i < m->jumps_len; i++) {
		uint32_t at = m->jumps[i].insn, to;
		struct bpf_insn *insn = &m->prog->insns.at[at];

		do
			to = m->places[any(m->places_len)];
		while (m->jumps[i].back ? to > at : to <= at);
		if (insn_is_gotol(insn))
			insn->imm = to - at - 1;
		else
			insn->off = (int)to - (int)at - 1;
	}
}

static void make_func(struct maker *m)
{
	m->jumps_len = m->places_len = 0;
	add_func(m->prog, m->prog->insns.len);
	for (int reg = 3; reg <= 8; reg++)
		emit(m, INSN_MOV_IMM(reg, constant()));
	emit(m, INSN_MOV_IMM(9, 3));
	emit(m, INSN_MOV_IMM(0, constant()));
	if (m->func) {
		emit(m, any(2) ? INSN_STORE(BPF_DW, 1, 0, 2) : INSN_LOAD(BPF_DW, 3, 1, 0));
	} else {
		emit(m, INSN_MOV(6, 1)); /* the input */
		emit(m, INSN_MOV_IMM(2, 0));
	}
	for (uint32_t n = 5 + any(30); n; n--)
		emit_any(m);
	m->places[m->places_len++] = m->prog->insns.len;
	if (any(2))
		emit(m, INSN_MOV_IMM(0, any(3)));
	emit(m, INSN_EXIT());
	close_jumps(m);
}

static struct program *make_program(void)
{
	struct program *prog = vec_push(&obj.programs);
	struct maker m = { .prog = prog, .funcs = 1 + any(FUNCS) };

	prog->name = "p";
	prog->autoload = true;
	for (m.func = 0; m.func < m.funcs; m.func++)
		make_func(&m);
	ck_assert_uint_lt(prog->insns.len, INSNS);
	for (size_t i = 0; i < m.calls_len; i++)
		prog->insns.at[m.calls[i].insn].imm =
			prog->funcs.at[m.calls[i].func].insn - m.calls[i].insn - 1;
	return prog;
}

struct story {
	enum run_end end;
	uint64_t result, trace[TRACE];
	size_t len;
};

static uint64_t tell(struct run *run, int32_t id, const uint64_t args[5])
{
	struct story *story = run->ctx;
	uint64_t what = id * 0x9e3779b97f4a7c15u + story->len;

	if (id == 1)
		what += *(uint64_t *)args[0];
	else if (id != 4)
		what += args[0];
	if (id == 4)
		memcpy((void *)args[0], &what, 8);
	if (story->len < TRACE)
		story->trace[story->len++] = what;
	return story->len % 3 ? what : 0;
}

static uint64_t stand_for(struct run *run, const struct ref *ref)
{
	return (uintptr_t)obj.maps.at[ref->target].data + ref->offset;
}

static void tell_story(struct story *story, const struct program *prog, uint64_t input)
{
	struct run run = { .prog = prog, .ctx = story, .helper = tell, .value = stand_for,
			   .budget = 100000 };

	memset(story, 0, sizeof(*story));
	run_allow(&run, obj.maps.at[0].data, obj.maps.at[0].value_size);
	story->end = run_program(&run, input);
	story->result = run.result;
}

static struct program *copy(const struct program *prog)
{
	struct program *new = vec_push(&obj.programs);

	prog = &obj.programs.at[0]; /* it may have moved */
	new->name = "before";
	for (size_t i = 0; i < prog->insns.len; i++)
		*vec_push(&new->insns) = prog->insns.at[i];
	for (size_t i = 0; i < prog->refs.len; i++)
		*vec_push(&new->refs) = prog->refs.at[i];
	return new;
}

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
	static struct story before, after;
	struct program *prog, *old;

	add_map(MAP_RODATA, "\0\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"
			    "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 32);
	make_program();
	old = copy(&obj.programs.at[0]);
	prog = &obj.programs.at[0];
	fold_it();
	removed += old->insns.len - prog->insns.len;
	for (uint64_t input = 0; input < 8; input++) {
		tell_story(&before, old, input * input * 77 - 77);
		tell_story(&after, prog, input * input * 77 - 77);
		ck_assert_int_eq(before.end, RUN_EXIT);
		ck_assert_int_eq(after.end, RUN_EXIT);
		ck_assert_uint_eq(before.result, after.result);
		ck_assert_uint_eq(before.len, after.len);
		ck_assert_mem_eq(before.trace, after.trace, before.len * 8);
	}
	expect_stable(prog);
}

START_TEST(random_programs_do_what_they_did)
{
	state = _i * 0x9e3779b97f4a7c15u + 1;
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

static uint64_t random_word(void)
{
	uint64_t word = (uint64_t)any(1u << 31) << 33 ^ (uint64_t)any(1u << 31) << 11 ^ any(1u << 31);

	return any(3) ? word >> any(64) : (uint64_t)(int64_t)constant();
}

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
	state = 7;
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
	state = 8;
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
	tcase_add_test(tc, arithmetic_is_as_programs_run);
	tcase_add_test(tc, comparisons_are_as_programs_run);
	tcase_add_test(tc, shifts_beyond_the_width_and_other_codes_are_not_known);
	suite_add_tcase(suite, tc);
	return suite;
}
