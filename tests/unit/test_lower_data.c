// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program("tracepoint/a/b", INSNS(__VA_ARGS__))
#define ATOMIC_ADD(dst, off, src) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off, BPF_ADD)
#define ALU(op, dst, src) INSN(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)

enum { LOOKUP = 1, TELL = 500 };
enum { RODATA, DATA, BSS, SECTIONS };
#define SECTION_SIZE 64
#define MAP_HANDLE 0x1000

static void add_section(const char *name, enum map_role role)
{
	struct map *map = object_add_map(&obj, name);

	map->role = role;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = 4;
	map->value_size = SECTION_SIZE;
	map->max_entries = 1;
	map->flags = BPF_F_MMAPABLE | (role == MAP_RODATA ? BPF_F_RDONLY_PROG : 0);
	map->data = calloc(1, SECTION_SIZE);
	for (int i = 0; role != MAP_BSS && i < SECTION_SIZE; i++)
		map->data[i] = i * 37 + role * 101;
}

static void setup(void)
{
	lowering_setup(lower_data, "data");
	caps.at[CAP_GLOBAL_DATA] = (struct cap_answer){ CAP_NO, EINVAL };
	caps.at[CAP_MMAPABLE] = (struct cap_answer){ CAP_NO, EINVAL };
	caps.at[CAP_FILL_RANGE].answer = CAP_YES;
	add_section(".rodata", MAP_RODATA);
	add_section(".data", MAP_DATA);
	add_section(".bss", MAP_BSS);
}

static void add_ref(struct program *prog, uint32_t insn, uint32_t map, uint32_t offset)
{
	*vec_push(&prog->refs) = (struct ref){ insn, REF_VALUE, map, offset };
}

/* The example in the head of compat/lower_data.c. */
START_TEST(constants_become_numbers_and_addresses_come_from_a_lookup)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), INSN_WIDE(BPF_REG_2, 0),
		INSN_LOAD(BPF_W, BPF_REG_2, BPF_REG_2, 0), INSN_WIDE(BPF_REG_3, 0),
		ATOMIC_ADD(BPF_REG_3, 0, BPF_REG_2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());

	memcpy(obj.maps.at[RODATA].data + 4, &(uint32_t){ 1000 }, 4);
	add_ref(prog, 1, RODATA, 4);
	add_ref(prog, 4, BSS, 8);
	lower_it();
	EXPECT(prog,
	       INSN_MOV(BPF_REG_6, BPF_REG_1), INSN_STORE_IMM(BPF_W, BPF_REG_10, -8, 0),
	       INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -8),
	       INSN_WIDE(BPF_REG_1, 0), INSN_CALL(LOOKUP), INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
	       INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	       INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_0), INSN_MOV(BPF_REG_1, BPF_REG_6),
	       INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_2, 1000),
	       INSN_LOAD(BPF_DW, BPF_REG_3, BPF_REG_10, -8), INSN_ADD_IMM(BPF_REG_3, 8),
	       ATOMIC_ADD(BPF_REG_3, 0, BPF_REG_2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());
	ck_assert_uint_eq(prog->refs.len, 1);
	ck_assert_int_eq(prog->refs.at[0].kind, REF_MAP);
	ck_assert_uint_eq(prog->refs.at[0].target, BSS);
	ck_assert_uint_eq(prog->refs.at[0].insn, 4);
}
END_TEST

/* The second one. */
START_TEST(the_map_is_looked_up_anew_where_an_address_is_moved)
{
	struct program *prog = PROGRAM(
		INSN_MOV_IMM(BPF_REG_4, 3), INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_1, 0),
		INSN_WIDE(BPF_REG_1, 0), INSN(BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0),
		INSN_STORE(BPF_B, BPF_REG_1, 0, BPF_REG_4), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT());

	add_ref(prog, 2, BSS, 40);
	caps.at[CAP_FILL_RANGE].answer = CAP_NO;
	lower_it();
	EXPECT(prog,
	       INSN_MOV_IMM(BPF_REG_4, 3), INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_1, 0),
	       INSN_MOV(BPF_REG_7, BPF_REG_4), INSN_MOV(BPF_REG_6, BPF_REG_2),
	       INSN_STORE_IMM(BPF_W, BPF_REG_10, -8, 0), INSN_MOV(BPF_REG_2, BPF_REG_10),
	       INSN_ADD_IMM(BPF_REG_2, -8), INSN_WIDE(BPF_REG_1, 0), INSN_CALL(LOOKUP),
	       INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	       INSN_ADD_IMM(BPF_REG_0, 40), INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6, 0, 0),
	       INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_MOV(BPF_REG_4, BPF_REG_7),
	       INSN_STORE(BPF_B, BPF_REG_1, 0, BPF_REG_4), INSN_MOV_IMM(BPF_REG_0, 0),
	       INSN_EXIT());
}
END_TEST

START_TEST(every_size_and_sign_of_a_constant_is_read)
{
	struct program *prog = PROGRAM(
		INSN_WIDE(BPF_REG_2, 0), INSN_LOAD(BPF_B, BPF_REG_3, BPF_REG_2, 0),
		INSN_LOAD(BPF_DW, BPF_REG_4, BPF_REG_2, 0),
		INSN(BPF_LDX | BPF_MEMSX | BPF_B, BPF_REG_5, BPF_REG_2, 7, 0),
		INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_2, 8), INSN_EXIT());

	memcpy(obj.maps.at[RODATA].data, &(uint64_t){ 0x8000000000000001 }, 8);
	memcpy(obj.maps.at[RODATA].data + 7, &(uint8_t){ 0x80 }, 1);
	memcpy(obj.maps.at[RODATA].data, &(uint8_t){ 1 }, 1);
	memset(obj.maps.at[RODATA].data + 8, 0xff, 8);
	add_ref(prog, 0, RODATA, 0);
	lower_it();
	EXPECT(prog, INSN_MOV_IMM(BPF_REG_3, 1), INSN_WIDE(BPF_REG_4, 0x8000000000000001),
	       INSN_MOV_IMM(BPF_REG_5, -128), INSN_MOV_IMM(BPF_REG_0, -1), INSN_EXIT());
	ck_assert_uint_eq(prog->refs.len, 0);
}
END_TEST

START_TEST(a_kernel_that_has_globals_or_cannot_tell_changes_nothing)
{
	static const enum answer answers[] = { CAP_YES, CAP_UNKNOWN };

	for (size_t i = 0; i < COUNT(answers); i++) {
		struct program *prog = PROGRAM(INSN_WIDE(BPF_REG_2, 0), INSN_EXIT());

		add_ref(prog, 0, RODATA, 0);
		caps.at[CAP_GLOBAL_DATA].answer = caps.at[CAP_MMAPABLE].answer = answers[i];
		lower_it();
		EXPECT(prog, INSN_WIDE(BPF_REG_2, 0), INSN_EXIT());
		ck_assert_uint_eq(prog->refs.len, 1);
		ck_assert_uint_eq(obj.maps.at[RODATA].flags, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
		ck_assert_uint_eq(plan.steps.len, 0);
	}
}
END_TEST

START_TEST(flags_that_the_kernel_does_not_know_go)
{
	lower_it();
	for (int i = 0; i < SECTIONS; i++)
		ck_assert_uint_eq(obj.maps.at[i].flags, 0);
	ck_assert_uint_eq(plan.steps.len, 4);
	ck_assert_str_eq(plan.steps.at[0].what, "map '.rodata' is made without BPF_F_MMAPABLE");
	ck_assert_str_eq(plan.steps.at[0].why, plan_why(&caps, CAP_MMAPABLE).text);
	ck_assert_str_eq(plan.steps.at[3].what, "map '.rodata' is made without BPF_F_RDONLY_PROG");
	ck_assert_str_eq(plan.steps.at[3].why, plan_why(&caps, CAP_GLOBAL_DATA).text);
	lowering_teardown();
	setup();
	caps.at[CAP_GLOBAL_DATA].answer = CAP_YES;
	caps.at[CAP_FREEZE].answer = CAP_NO;
	lower_it();
	ck_assert_uint_eq(obj.maps.at[RODATA].flags, 0);
}
END_TEST

START_TEST(the_plan_says_how_many_and_why)
{
	struct program *prog = PROGRAM(
		INSN_WIDE(BPF_REG_2, 0), INSN_LOAD(BPF_W, BPF_REG_0, BPF_REG_2, 0),
		INSN_WIDE(BPF_REG_2, 0), INSN_LOAD(BPF_W, BPF_REG_3, BPF_REG_2, 0), INSN_EXIT());

	caps.at[CAP_MMAPABLE].answer = CAP_YES;
	add_ref(prog, 0, RODATA, 0);
	add_ref(prog, 3, BSS, 0);
	lower_it();
	ck_assert_uint_eq(plan.steps.len, 3);
	ck_assert_str_eq(plan.steps.at[0].lowering, "data");
	ck_assert_str_eq(plan.steps.at[0].program, "p");
	ck_assert_str_eq(plan.steps.at[0].what, "1 read of .rodata becomes a constant");
	ck_assert_str_eq(plan.steps.at[1].what,
			 "1 address of global variables through a lookup in their map");
	ck_assert_str_eq(plan.steps.at[1].why, plan_why(&caps, CAP_GLOBAL_DATA).text);
}
END_TEST

START_TEST(a_stack_without_room_is_refused)
{
	struct program *prog = PROGRAM(INSN_STORE_IMM(BPF_B, BPF_REG_10, -505, 0),
				       INSN_WIDE(BPF_REG_2, 0),
				       INSN_STORE_IMM(BPF_W, BPF_REG_2, 0, 1), INSN_EXIT());

	add_ref(prog, 1, DATA, 0);
	ck_assert_int_eq(lower_data(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "o: program 'p': function 'p': stack: got 512 bytes in use, "
				      "expected at most 504, which leaves room for the addresses of "
				      "global variables");
	ck_assert_str_eq(err.hint, "put large variables into a per-CPU map; as it is, it needs the "
				   "global variables of Linux 5.2");
}
END_TEST

/* What a program does to the world: globals, what it tells, what it returns. */
struct world {
	uint8_t sections[SECTIONS][SECTION_SIZE];
	uint64_t context[4];
	uint64_t told;
	bool lowered, broken;
};

static uint64_t value_of(struct run *run, const struct ref *ref)
{
	struct world *w = run->ctx;

	ck_assert_int_eq(ref->kind, w->lowered ? REF_MAP : REF_VALUE);
	return w->lowered ? MAP_HANDLE + ref->target :
			    (uintptr_t)w->sections[ref->target] + ref->offset;
}

static uint64_t help(struct run *run, int32_t id, const uint64_t args[5])
{
	struct world *w = run->ctx;

	if (id == TELL) {
		for (int i = 0; i < 5; i++)
			w->told = w->told * 31 + args[i];
		return w->told;
	}
	ck_assert(w->lowered);
	ck_assert_int_eq(id, LOOKUP);
	ck_assert_uint_eq(*(uint32_t *)(uintptr_t)args[1], 0);
	ck_assert_uint_lt(args[0] - MAP_HANDLE, SECTIONS);
	return w->broken ? 0 : (uintptr_t)w->sections[args[0] - MAP_HANDLE];
}

static uint64_t run_in(struct world *w, const struct program *prog, bool lowered, bool broken)
{
	struct run run = { .prog = prog, .ctx = w, .helper = help, .value = value_of,
			   .budget = 20000 };

	memset(w, 0, sizeof(*w));
	w->lowered = lowered;
	w->broken = broken;
	for (int i = 0; i < SECTIONS; i++)
		memcpy(w->sections[i], obj.maps.at[i].data, SECTION_SIZE);
	for (int i = 0; i < 4; i++)
		w->context[i] = (i + 1) * 0x9e3779b97f4a7c15u;
	run_allow(&run, w->context, sizeof(w->context));
	run_allow(&run, w->sections, sizeof(w->sections));
	ck_assert_int_eq(run_program(&run, (uintptr_t)w->context), RUN_EXIT);
	return run.result;
}

START_TEST(a_lookup_that_finds_nothing_ends_the_program_with_0)
{
	struct program *prog = PROGRAM(INSN_WIDE(BPF_REG_2, 0), INSN_MOV_IMM(BPF_REG_0, 7),
				       INSN_STORE_IMM(BPF_W, BPF_REG_2, 0, 1), INSN_EXIT());
	struct world w;

	add_ref(prog, 0, DATA, 0);
	lower_it();
	ck_assert_uint_eq(run_in(&w, prog, true, true), 0);
	ck_assert_uint_eq(run_in(&w, prog, true, false), 7);
}
END_TEST

/* Random programs of a few functions, of 1 to 5 arguments, that use globals in every way. */

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static void put(struct program *prog, struct bpf_insn insn)
{
	*vec_push(&prog->insns) = insn;
}

static void put_address(struct program *prog, uint8_t reg, uint32_t section, uint32_t offset)
{
	struct bpf_insn wide[] = { INSN_WIDE(reg, 0) };

	add_ref(prog, prog->insns.len, section, offset);
	put(prog, wide[0]);
	put(prog, wide[1]);
}

static uint8_t any_size(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return sizes[any(4)];
}

/* r8 is the function's own number, all along. */
static void put_use(struct program *prog)
{
	uint8_t reg = 1 + any(5), size = any_size();
	uint32_t offset = any(32);

	switch (any(7)) {
	case 6: /* the number is what the address is added to; others are read later */
		put_address(prog, reg, any(SECTIONS), offset);
		put(prog, INSN_MOV_IMM(1 + reg % 5, any(1000)));
		put(prog, INSN_MOV(BPF_REG_9, BPF_REG_8));
		put(prog, INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_9, 0, 0, 15));
		put(prog, ALU(BPF_ADD, BPF_REG_9, reg));
		put(prog, INSN_LOAD(size, BPF_REG_9, BPF_REG_9, 4));
		put(prog, ALU(BPF_XOR, BPF_REG_8, 1 + reg % 5));
		put(prog, ALU(BPF_ADD, BPF_REG_8, BPF_REG_9));
		break;
	case 0: /* at a known place */
		put_address(prog, reg, any(SECTIONS), offset);
		put(prog, INSN_LOAD(size, reg, reg, any(24)));
		put(prog, ALU(BPF_ADD, BPF_REG_8, reg));
		break;
	case 1: /* at one that depends */
		put_address(prog, reg, any(SECTIONS), offset);
		put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
		put(prog, INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 15));
		put(prog, ALU(BPF_ADD, reg, BPF_REG_0));
		put(prog, INSN_LOAD(size, reg, reg, 4));
		put(prog, ALU(BPF_XOR, BPF_REG_8, reg));
		break;
	case 2:
		put_address(prog, reg, DATA + any(2), offset);
		put(prog, INSN_STORE(size, reg, any(24), BPF_REG_8));
		break;
	case 3:
		put_address(prog, reg, DATA + any(2), offset);
		put(prog, ATOMIC_ADD(reg, 0, BPF_REG_8));
		break;
	case 4: /* by way of the stack, over a call */
		put_address(prog, reg, any(SECTIONS), offset);
		put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -16, reg));
		for (int i = 1; i <= 5; i++)
			put(prog, INSN_MOV_IMM(i, any(100)));
		put(prog, INSN_CALL(TELL));
		put(prog, INSN_LOAD(BPF_DW, BPF_REG_3, BPF_REG_10, -16));
		put(prog, INSN_LOAD(BPF_B, BPF_REG_3, BPF_REG_3, any(32)));
		put(prog, ALU(BPF_ADD, BPF_REG_8, BPF_REG_3));
		break;
	case 5: /* two places, one read */
		put_address(prog, reg, RODATA, offset);
		put(prog, INSN_JUMP_IMM(BPF_JSET, BPF_REG_8, 1 << any(6), 2));
		put_address(prog, reg, any(SECTIONS), any(32));
		put(prog, INSN_LOAD(size, reg, reg, 1));
		put(prog, ALU(BPF_SUB, BPF_REG_8, reg));
		break;
	}
}

static void put_uses(struct program *prog)
{
	for (int uses = any(6); uses; uses--)
		put_use(prog);
}

static void random_program(void)
{
	struct program *prog = add_program("tracepoint/a/b", NULL, 0);
	uint32_t funcs = any(3), calls[2], args[2];

	put(prog, INSN_LOAD(BPF_DW, BPF_REG_8, BPF_REG_1, 8 * any(4)));
	put_uses(prog);
	for (uint32_t i = 0; i < funcs; i++) {
		args[i] = 1 + any(5);
		for (uint32_t arg = 1; arg <= args[i]; arg++) {
			put(prog, INSN_MOV(arg, BPF_REG_8));
			put(prog, INSN(BPF_ALU64 | BPF_MUL | BPF_K, arg, 0, 0, 3 + any(1000)));
		}
		calls[i] = prog->insns.len;
		put(prog, CALL_FUNC(0));
		put(prog, ALU(BPF_ADD, BPF_REG_8, BPF_REG_0));
	}
	put_uses(prog);
	put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
	put(prog, INSN_EXIT());
	for (uint32_t i = 0; i < funcs; i++) {
		prog->insns.at[calls[i]].imm = prog->insns.len - calls[i] - 1;
		add_func(prog, prog->insns.len);
		put(prog, INSN_MOV(BPF_REG_8, BPF_REG_1));
		for (uint32_t arg = 2; arg <= args[i]; arg++)
			put(prog, ALU(BPF_XOR, BPF_REG_8, arg));
		put_uses(prog);
		put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
		put(prog, INSN_EXIT());
	}
}

START_TEST(random_programs_do_the_same_without_globals)
{
	size_t references = 0, numbers = 0;

	state = _i * 0x9e3779b97f4a7c15u + 11;
	for (int i = 0; i < 100; i++) {
		static struct world before, after;
		uint64_t result;

		caps.at[CAP_FILL_RANGE].answer = _i & 1 ? CAP_NO : CAP_YES;
		random_program();
		result = run_in(&before, &obj.programs.at[0], false, false);
		lower_it();
		for (size_t j = 0; j < obj.programs.at[0].refs.len; j++)
			ck_assert_int_eq(obj.programs.at[0].refs.at[j].kind, REF_MAP);
		ck_assert_uint_eq(run_in(&after, &obj.programs.at[0], true, false), result);
		ck_assert(!memcmp(before.sections, after.sections, sizeof(before.sections)));
		ck_assert_uint_eq(before.told, after.told);
		for (size_t j = 0; j < plan.steps.len; j++) {
			references += strstr(plan.steps.at[j].what, "address") != NULL;
			numbers += strstr(plan.steps.at[j].what, "constant") != NULL;
		}
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(references, 30);
	ck_assert_uint_gt(numbers, 10);
}
END_TEST

Suite *lower_data_suite(void);
Suite *lower_data_suite(void)
{
	Suite *suite = suite_create("lower_data");
	TCase *tc = tcase_create("lower_data");

	tcase_set_tags(tc, "random");
	tcase_set_timeout(tc, 60);

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_add_test(tc, constants_become_numbers_and_addresses_come_from_a_lookup);
	tcase_add_test(tc, the_map_is_looked_up_anew_where_an_address_is_moved);
	tcase_add_test(tc, every_size_and_sign_of_a_constant_is_read);
	tcase_add_test(tc, a_kernel_that_has_globals_or_cannot_tell_changes_nothing);
	tcase_add_test(tc, flags_that_the_kernel_does_not_know_go);
	tcase_add_test(tc, the_plan_says_how_many_and_why);
	tcase_add_test(tc, a_stack_without_room_is_refused);
	tcase_add_test(tc, a_lookup_that_finds_nothing_ends_the_program_with_0);
	tcase_add_loop_test(tc, random_programs_do_the_same_without_globals, 0, 8);
	suite_add_tcase(suite, tc);
	return suite;
}
