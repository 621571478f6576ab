// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program("tracepoint/a/b", INSNS(__VA_ARGS__))
#define ADD(dst, src) INSN(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0)

enum { LOOKUP = 1, UPDATE, DELETE, READ, COMM = 16, OUTPUT = 25, READ_STR = 45, TELL = 500 };
enum { HASH, KEY_SIZE = 12, VALUE_SIZE = 64 };
#define MAP_HANDLE 0x1000

/* A kernel of before 4.10: nothing but the stack. */
static void setup(void)
{
	static const enum cap lacking[] = { CAP_MEMORY_MAP, CAP_MEMORY_ZERO, CAP_KEY_MAP,
					    CAP_NULL_COPIES, CAP_ADD_ADDRESS, CAP_FILL_RANGE };
	struct map *map;

	lowering_setup(lower_memory, "memory");
	for (size_t i = 0; i < COUNT(lacking); i++)
		caps.at[lacking[i]] = (struct cap_answer){ CAP_NO, EACCES };
	map = object_add_map(&obj, "hash");
	map->type = BPF_MAP_TYPE_HASH;
	map->key_size = KEY_SIZE;
	map->value_size = VALUE_SIZE;
	map->max_entries = 8;
}

static void add_ref(struct program *prog, uint32_t insn)
{
	*vec_push(&prog->refs) = (struct ref){ .insn = insn, .kind = REF_MAP, .target = HASH };
}

static void expect_lacking(size_t number, const char *what, enum cap cap)
{
	expect_step(number, what, plan_why(&caps, cap).text);
}

/* r6 = the hash's value for the 12 bytes of 0 at r10 - 16. */
#define FIND                                                                                       \
	INSN_STORE_IMM(BPF_DW, BPF_REG_10, -16, 0), INSN_STORE_IMM(BPF_W, BPF_REG_10, -8, 0),      \
		INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -16),                     \
		INSN_WIDE(BPF_REG_1, 0), INSN_CALL(LOOKUP),                                        \
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 1), INSN_EXIT(),                              \
		INSN_MOV(BPF_REG_6, BPF_REG_0)
#define FIND_LEN 10
#define FIND_REF 4

/* The first example in the head of compat/lower_memory.c. */
START_TEST(what_a_helper_writes_goes_by_way_of_the_stack)
{
	struct program *prog = PROGRAM(
		FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_ADD_IMM(BPF_REG_1, 8),
		INSN_MOV_IMM(BPF_REG_2, 16), INSN_CALL(COMM), INSN_MOV(BPF_REG_0, BPF_REG_6),
		INSN_EXIT());

	add_ref(prog, FIND_REF);
	lower_it();
	EXPECT(prog, FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_ADD_IMM(BPF_REG_1, 8),
	       INSN_MOV_IMM(BPF_REG_2, 16), INSN_MOV(BPF_REG_1, BPF_REG_10),
	       INSN_ADD_IMM(BPF_REG_1, -32), INSN_CALL(COMM), INSN_MOV(BPF_REG_1, BPF_REG_6),
	       INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_10, -32),
	       INSN_STORE(BPF_DW, BPF_REG_1, 8, BPF_REG_2),
	       INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_10, -24),
	       INSN_STORE(BPF_DW, BPF_REG_1, 16, BPF_REG_2), INSN_MOV(BPF_REG_0, BPF_REG_6),
	       INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 1);
	expect_lacking(0, "1 argument of helpers by way of the stack", CAP_MEMORY_MAP);
}
END_TEST

START_TEST(keys_and_values_go_by_way_of_the_stack_in_the_size_of_the_map)
{
	struct program *prog = PROGRAM(
		FIND, INSN_MOV(BPF_REG_2, BPF_REG_6), INSN_WIDE(BPF_REG_1, 0), INSN_CALL(DELETE),
		INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());

	add_ref(prog, FIND_REF);
	add_ref(prog, FIND_LEN + 1);
	caps.at[CAP_MEMORY_MAP].answer = CAP_YES;
	lower_it();
	EXPECT(prog, FIND, INSN_MOV(BPF_REG_2, BPF_REG_6), INSN_WIDE(BPF_REG_1, 0),
	       INSN_MOV(BPF_REG_2, BPF_REG_6), INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_2, 0),
	       INSN_STORE(BPF_DW, BPF_REG_10, -32, BPF_REG_0),
	       INSN_LOAD(BPF_W, BPF_REG_0, BPF_REG_2, 8),
	       INSN_STORE(BPF_W, BPF_REG_10, -24, BPF_REG_0), INSN_MOV(BPF_REG_2, BPF_REG_10),
	       INSN_ADD_IMM(BPF_REG_2, -32), INSN_CALL(DELETE), INSN_MOV_IMM(BPF_REG_0, 0),
	       INSN_EXIT());
	expect_lacking(0, "1 argument of helpers by way of the stack", CAP_KEY_MAP);
}
END_TEST

/* The second example. */
START_TEST(copies_of_a_result_are_made_again_behind_the_check)
{
	struct program *prog = PROGRAM(
		INSN_CALL(LOOKUP), INSN_MOV(BPF_REG_6, BPF_REG_0),
		INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_0), INSN_MOV(BPF_REG_7, BPF_REG_0),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2), INSN_LOAD(BPF_W, BPF_REG_0, BPF_REG_6, 0),
		INSN_EXIT(), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());

	caps.at[CAP_KEY_MAP].answer = CAP_YES;
	lower_it();
	EXPECT(prog, INSN_CALL(LOOKUP), INSN_MOV(BPF_REG_6, BPF_REG_0),
	       INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_0), INSN_MOV(BPF_REG_7, BPF_REG_0),
	       INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_GOTO(2),
	       INSN_MOV(BPF_REG_6, BPF_REG_0), INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_0),
	       INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2), INSN_LOAD(BPF_W, BPF_REG_0, BPF_REG_6, 0),
	       INSN_EXIT(), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());
	expect_lacking(0, "2 copies of lookups' results made again behind the check",
		       CAP_NULL_COPIES);
}
END_TEST

/* The third. */
START_TEST(numbers_are_added_to_addresses)
{
	struct program *prog = PROGRAM(
		INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), FIND, ADD(BPF_REG_7, BPF_REG_6),
		INSN_LOAD(BPF_B, BPF_REG_0, BPF_REG_7, 0), INSN_EXIT());

	add_ref(prog, 1 + FIND_REF);
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), FIND, ADD(BPF_REG_6, BPF_REG_7),
	       INSN_MOV(BPF_REG_7, BPF_REG_6), INSN_LOAD(BPF_B, BPF_REG_0, BPF_REG_7, 0),
	       INSN_EXIT());
	lowering_teardown();
	setup();
	prog = PROGRAM(INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), FIND,
		       ADD(BPF_REG_7, BPF_REG_6), INSN_LOAD(BPF_B, BPF_REG_0, BPF_REG_7, 0),
		       INSN_STORE(BPF_B, BPF_REG_6, 0, BPF_REG_0), INSN_EXIT());
	add_ref(prog, 1 + FIND_REF);
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_1, 0), FIND,
	       INSN_MOV(BPF_REG_0, BPF_REG_6), ADD(BPF_REG_0, BPF_REG_7),
	       INSN_MOV(BPF_REG_7, BPF_REG_0), INSN_LOAD(BPF_B, BPF_REG_0, BPF_REG_7, 0),
	       INSN_STORE(BPF_B, BPF_REG_6, 0, BPF_REG_0), INSN_EXIT());
	expect_lacking(0, "1 addition the other way round", CAP_ADD_ADDRESS);
}
END_TEST

/* The fourth. */
START_TEST(accesses_go_out_from_the_address_on_the_stack)
{
	struct program *prog = PROGRAM(
		FIND, INSN_STORE(BPF_DW, BPF_REG_10, -24, BPF_REG_6),
		INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -24), INSN_ADD_IMM(BPF_REG_1, 16),
		INSN_LOAD(BPF_W, BPF_REG_2, BPF_REG_1, 4), INSN_STORE(BPF_W, BPF_REG_1, 8, BPF_REG_2),
		INSN_STORE_IMM(BPF_W, BPF_REG_1, 12, 7), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());

	add_ref(prog, FIND_REF);
	lower_it();
	EXPECT(prog, FIND, INSN_STORE(BPF_DW, BPF_REG_10, -24, BPF_REG_6),
	       INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -24), INSN_ADD_IMM(BPF_REG_1, 16),
	       INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_10, -24),
	       INSN_LOAD(BPF_W, BPF_REG_2, BPF_REG_2, 20),
	       INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -24),
	       INSN_STORE(BPF_W, BPF_REG_1, 24, BPF_REG_2), INSN_ADD_IMM(BPF_REG_1, 16),
	       INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -24),
	       INSN_STORE_IMM(BPF_W, BPF_REG_1, 28, 7), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT());
	expect_lacking(0, "3 accesses from an address on the stack on", CAP_FILL_RANGE);
}
END_TEST

START_TEST(an_output_of_nothing_is_left_out)
{
	struct program *prog = PROGRAM(INSN_MOV(BPF_REG_4, BPF_REG_10), INSN_ADD_IMM(BPF_REG_4, -8),
				       INSN_LOAD(BPF_B, BPF_REG_5, BPF_REG_1, 0), INSN_CALL(OUTPUT),
				       INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_MOV(BPF_REG_4, BPF_REG_10), INSN_ADD_IMM(BPF_REG_4, -8),
	       INSN_LOAD(BPF_B, BPF_REG_5, BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_0, 0),
	       INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1), INSN_GOTO(1), INSN_CALL(OUTPUT),
	       INSN_EXIT());
	expect_lacking(0, "1 output of what may be 0 bytes left out then", CAP_MEMORY_ZERO);
	lower_it();
	ck_assert_uint_eq(plan.steps.len, 1);
}
END_TEST

START_TEST(a_kernel_that_takes_it_or_cannot_tell_changes_nothing)
{
	for (int answer = CAP_YES; answer <= CAP_UNKNOWN; answer++) {
		struct program *prog = PROGRAM(
			FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_MOV_IMM(BPF_REG_2, 16),
			INSN_CALL(COMM), ADD(BPF_REG_0, BPF_REG_6), INSN_EXIT());

		add_ref(prog, FIND_REF);
		for (int i = 0; i < CAP_COUNT; i++)
			caps.at[i].answer = answer;
		lower_it();
		EXPECT(prog, FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_MOV_IMM(BPF_REG_2, 16),
		       INSN_CALL(COMM), ADD(BPF_REG_0, BPF_REG_6), INSN_EXIT());
		ck_assert_uint_eq(plan.steps.len, 0);
	}
}
END_TEST

static void refuse(const char *message, const char *hint)
{
	expect_refused(message, hint);
	lowering_teardown();
	setup();
}

START_TEST(what_cannot_go_by_the_stack_is_refused)
{
	struct program *prog;

	prog = PROGRAM(FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_LOAD(BPF_B, BPF_REG_2, 6, 0),
		       INSN_CALL(COMM), INSN_EXIT());
	add_ref(prog, FIND_REF);
	refuse("o: program 'p': instruction 12: bpf_get_current_comm: argument 1, which has to go by "
	       "way of the stack: got a size that is not the same each time, expected a constant; "
	       "this kernel has no map values as memory of helpers (EACCES; since Linux 4.11)",
	       "give the helper a constant size, or memory that is on the stack");
	prog = PROGRAM(FIND, INSN_MOV(BPF_REG_2, BPF_REG_6), INSN_LOAD(BPF_DW, BPF_REG_1, 6, 0),
		       INSN_CALL(DELETE), INSN_EXIT());
	add_ref(prog, FIND_REF);
	refuse("o: program 'p': instruction 12: bpf_map_delete_elem: argument 2, which has to go by "
	       "way of the stack: got a map that is not the same each time, expected one of the "
	       "object's; this kernel has no map values as keys of maps (EACCES; since Linux 4.18)",
	       "name the map in the call, or put key and value on the stack");
	prog = PROGRAM(FIND, INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_MOV_IMM(BPF_REG_2, 489),
		       INSN_CALL(COMM), INSN_EXIT());
	add_ref(prog, FIND_REF);
	refuse("o: program 'p': instruction 12: bpf_get_current_comm: argument 1, which has to go by "
	       "way of the stack: got 489 bytes, expected at most the 488 that are left there; this "
	       "kernel has no map values as memory of helpers (EACCES; since Linux 4.11)",
	       "make it smaller, or what is on the stack");
}
END_TEST

/* What a program does to the world. */
struct world {
	uint8_t elements[2][VALUE_SIZE], key[KEY_SIZE];
	uint64_t context[4];
	uint64_t told;
	bool lowered;
};

static uint64_t value_of(struct run *run, const struct ref *ref)
{
	return MAP_HANDLE + ref->target;
}

static void tell(struct world *w, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		w->told = w->told * 31 + ((const uint8_t *)bytes)[i];
}

/* Memory that a helper is given: once lowered, none of a map. */
static void *given(struct world *w, uint64_t address)
{
	if (w->lowered)
		ck_assert_uint_ge(address - (uintptr_t)w->elements, sizeof(w->elements));
	return (void *)(uintptr_t)address;
}

static uint64_t help(struct run *run, int32_t id, const uint64_t args[5])
{
	struct world *w = run->ctx;
	uint8_t *to;

	switch (id) {
	case LOOKUP:
		tell(w, given(w, args[1]), KEY_SIZE);
		return w->told % 3 ? (uintptr_t)w->elements[w->told % 2] : 0;
	case UPDATE:
		tell(w, given(w, args[1]), KEY_SIZE);
		tell(w, given(w, args[2]), VALUE_SIZE);
		return w->told % 5;
	case DELETE:
		tell(w, given(w, args[1]), KEY_SIZE);
		return w->told % 5;
	case READ:
	case COMM:
		to = given(w, args[0]);
		for (uint64_t i = 0; i < args[1]; i++)
			to[i] = w->told + i * 7;
		w->told++;
		return w->told % 7;
	case READ_STR:
		strcpy(given(w, args[0]), "s");
		return 2;
	case OUTPUT:
		ck_assert(!w->lowered || args[4]);
		tell(w, given(w, args[3]), args[4]);
		return 0;
	}
	tell(w, args, 5 * sizeof(*args));
	return w->told;
}

static uint64_t run_in(struct world *w, const struct program *prog, bool lowered)
{
	struct run run = { .prog = prog, .ctx = w, .helper = help, .value = value_of,
			   .budget = 20000 };

	memset(w, 0, sizeof(*w));
	w->lowered = lowered;
	for (int i = 0; i < VALUE_SIZE; i++) {
		w->elements[0][i] = i * 3 + 1;
		w->elements[1][i] = i * 5 + 2;
	}
	for (int i = 0; i < 4; i++)
		w->context[i] = (i + 1) * 0x9e3779b97f4a7c15u;
	run_allow(&run, w->context, sizeof(w->context));
	run_allow(&run, w->elements, sizeof(w->elements));
	ck_assert_int_eq(run_program(&run, (uintptr_t)w->context), RUN_EXIT);
	return run.result;
}

static uint64_t state;

static uint32_t any(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

static uint32_t put(struct program *prog, struct bpf_insn insn)
{
	*vec_push(&prog->insns) = insn;
	return prog->insns.len - 1;
}

static void put_map(struct program *prog)
{
	struct bpf_insn wide[] = { INSN_WIDE(BPF_REG_1, 0) };

	add_ref(prog, prog->insns.len);
	put(prog, wide[0]);
	put(prog, wide[1]);
}

static void land_here(struct program *prog, uint32_t jump)
{
	prog->insns.at[jump].off = prog->insns.len - jump - 1;
}

/* reg = memory of that many bytes: of an element, at r6, or 80 bytes of the stack. */
static void put_memory(struct program *prog, uint8_t reg, uint32_t size)
{
	bool stack = !any(3);

	put(prog, INSN_MOV(reg, stack ? BPF_REG_10 : BPF_REG_6));
	put(prog, INSN_ADD_IMM(reg, stack ? -80 + (int)any(80 - size + 1) :
					     (int)any(VALUE_SIZE - size + 1)));
	if (!stack && size < 32 && any(2)) { /* somewhere in it */
		put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
		put(prog, INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_0, 0, 0, 7));
		put(prog, INSN_MOV(reg, BPF_REG_6));
		put(prog, ADD(BPF_REG_0, reg));
		put(prog, INSN_MOV(reg, BPF_REG_0));
	}
}

static void put_call(struct program *prog)
{
	uint32_t size = 1 + any(60);

	if (any(2)) { /* through an address that was on the stack */
		put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -96, BPF_REG_6));
		put(prog, INSN_LOAD(BPF_DW, BPF_REG_9, BPF_REG_10, -96));
		put(prog, INSN_ADD_IMM(BPF_REG_9, any(30)));
		put(prog, INSN_LOAD(BPF_B, BPF_REG_1, BPF_REG_9, any(30)));
		put(prog, INSN_STORE(BPF_H, BPF_REG_9, any(30), BPF_REG_1));
		put(prog, INSN_STORE(BPF_B, BPF_REG_9, any(30), BPF_REG_8));
	}
	switch (any(6)) {
	case 0:
		put_memory(prog, BPF_REG_2, KEY_SIZE);
		put_map(prog);
		put(prog, INSN_CALL(DELETE));
		break;
	case 1:
		put_memory(prog, BPF_REG_2, KEY_SIZE);
		put_memory(prog, BPF_REG_3, VALUE_SIZE);
		put_map(prog);
		put(prog, INSN_CALL(UPDATE));
		break;
	case 2:
	case 3:
		put_memory(prog, BPF_REG_1, size);
		put(prog, INSN_MOV_IMM(BPF_REG_2, size));
		put(prog, INSN_CALL(any(2) ? READ : COMM));
		break;
	case 4:
		put_memory(prog, BPF_REG_1, size + 1);
		put(prog, INSN_MOV_IMM(BPF_REG_2, size + 1));
		put(prog, INSN_CALL(READ_STR));
		break;
	case 5:
		put_memory(prog, BPF_REG_4, size);
		put(prog, INSN_MOV_IMM(BPF_REG_5, size));
		put(prog, INSN_CALL(OUTPUT));
		break;
	}
	put(prog, ADD(BPF_REG_8, BPF_REG_0));
}

/* r6 = another element, by way of a copy or of the stack. */
static void put_lookup(struct program *prog)
{
	uint32_t none;
	bool stack = any(2);

	put(prog, INSN_MOV(BPF_REG_2, BPF_REG_10));
	put(prog, INSN_ADD_IMM(BPF_REG_2, -80));
	put_map(prog);
	put(prog, INSN_CALL(LOOKUP));
	put(prog, INSN_MOV(BPF_REG_7, BPF_REG_0));
	if (stack)
		put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -88, BPF_REG_0));
	none = put(prog, INSN_JUMP_IMM(BPF_JEQ, any(2) ? BPF_REG_0 : BPF_REG_7, 0, 0));
	put(prog, stack ? INSN_LOAD(BPF_DW, BPF_REG_6, BPF_REG_10, -88) :
			  INSN_MOV(BPF_REG_6, BPF_REG_7));
	land_here(prog, none);
}

static void random_program(void)
{
	struct program *prog = add_program("tracepoint/a/b", NULL, 0);
	uint32_t none;

	put(prog, INSN_LOAD(BPF_DW, BPF_REG_8, BPF_REG_1, 8 * any(4)));
	for (int i = 0; i < 11; i++)
		put(prog, INSN_STORE_IMM(BPF_DW, BPF_REG_10, -88 + 8 * i, any(1000)));
	put(prog, INSN_MOV(BPF_REG_2, BPF_REG_10));
	put(prog, INSN_ADD_IMM(BPF_REG_2, -80));
	put_map(prog);
	put(prog, INSN_CALL(LOOKUP));
	put(prog, INSN_MOV(BPF_REG_6, BPF_REG_0));
	none = put(prog, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	for (int calls = 1 + any(8); calls; calls--) {
		if (!any(4))
			put_lookup(prog);
		put_call(prog);
	}
	put(prog, INSN_MOV(BPF_REG_1, BPF_REG_8));
	for (int i = 2; i <= 5; i++)
		put(prog, INSN_MOV_IMM(i, i));
	put(prog, INSN_CALL(TELL));
	land_here(prog, none);
	put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
	put(prog, INSN_EXIT());
}

START_TEST(random_programs_do_the_same_by_way_of_the_stack)
{
	size_t steps = 0;

	state = _i * 0x9e3779b97f4a7c15u + 13;
	for (int i = 0; i < 100; i++) {
		static struct world before, after;
		uint64_t result;

		random_program();
		result = run_in(&before, &obj.programs.at[0], false);
		lower_it();
		ck_assert_uint_eq(run_in(&after, &obj.programs.at[0], true), result);
		ck_assert(!memcmp(before.elements, after.elements, sizeof(before.elements)));
		ck_assert_uint_eq(before.told, after.told);
		steps += plan.steps.len;
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(steps, 100);
}
END_TEST

Suite *lower_memory_suite(void);
Suite *lower_memory_suite(void)
{
	Suite *suite = suite_create("lower_memory");
	TCase *tc = tcase_create("lower_memory");

	tcase_set_tags(tc, "random");
	tcase_set_timeout(tc, 60);

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_add_test(tc, what_a_helper_writes_goes_by_way_of_the_stack);
	tcase_add_test(tc, keys_and_values_go_by_way_of_the_stack_in_the_size_of_the_map);
	tcase_add_test(tc, copies_of_a_result_are_made_again_behind_the_check);
	tcase_add_test(tc, numbers_are_added_to_addresses);
	tcase_add_test(tc, accesses_go_out_from_the_address_on_the_stack);
	tcase_add_test(tc, an_output_of_nothing_is_left_out);
	tcase_add_test(tc, a_kernel_that_takes_it_or_cannot_tell_changes_nothing);
	tcase_add_test(tc, what_cannot_go_by_the_stack_is_refused);
	tcase_add_loop_test(tc, random_programs_do_the_same_by_way_of_the_stack, 0, 8);
	suite_add_tcase(suite, tc);
	return suite;
}
