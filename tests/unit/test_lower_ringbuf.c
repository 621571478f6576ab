// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program("tracepoint/a/b", INSNS(__VA_ARGS__))

enum { LOOKUP = 1, CPU = 8, PERF_OUTPUT = 25, OUTPUT = 130, RESERVE, SUBMIT, DISCARD, QUERY, TELL = 500 };

static void add_map(const char *name, uint32_t type)
{
	struct map *map = object_add_map(&obj, name);

	ck_assert_ptr_nonnull(map);
	map->type = type;
	map->max_entries = 4096;
	map->key_type_id = map->value_type_id = 3;
	map->flags = 1;
}

static void add_ref(struct program *prog, uint32_t insn, uint32_t map)
{
	*vec_push(&prog->refs) = (struct ref){ .insn = insn, .kind = REF_MAP, .target = map };
}

/* A new object with one ring buffer, map 0. */
static void setup(void)
{
	lowering_setup(lower_ringbuf, "ringbuf");
	caps.maps[BPF_MAP_TYPE_RINGBUF] = (struct cap_answer){ CAP_NO, EINVAL };
	add_map("ring", BPF_MAP_TYPE_RINGBUF);
}

static void refuse(const char *message, const char *hint)
{
	expect_refused(message, hint);
	lowering_teardown();
	setup();
}

/* r0 = reserve(ring, size, 0) */
#define CALL_RESERVE(size)                                                                         \
	INSN_WIDE(BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_2, size), INSN_MOV_IMM(BPF_REG_3, 0),        \
		INSN_CALL(RESERVE)

/* The example in the head of compat/lower_ringbuf.c. */
START_TEST(reserve_and_submit_become_a_slot_and_perf_output)
{
	struct program *prog = PROGRAM(
		CALL_RESERVE(64), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),
		INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_CALL(SUBMIT), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT());

	add_ref(prog, 0, 0);
	lower_it();
	prog = &obj.programs.at[0];
	expect_insns(prog, INSNS(
		INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_1), INSN_WIDE(BPF_REG_1, 0),
		INSN_MOV_IMM(BPF_REG_2, 64), INSN_MOV_IMM(BPF_REG_3, 0),
		INSN_STORE_IMM(BPF_W, BPF_REG_10, -16, 0), INSN_MOV(BPF_REG_2, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_2, -16), INSN_WIDE(BPF_REG_1, 0), INSN_CALL(LOOKUP),
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_GOTO(2),
		INSN_STORE_IMM(BPF_W, BPF_REG_0, 8, 64), INSN_ADD_IMM(BPF_REG_0, 16),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 14), INSN_MOV(BPF_REG_1, BPF_REG_0),
		INSN_MOV(BPF_REG_4, BPF_REG_1), INSN_LOAD(BPF_W, BPF_REG_5, BPF_REG_4, -8),
		INSN_ADD_IMM(BPF_REG_5, -1), INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 63, 9),
		INSN_ADD_IMM(BPF_REG_5, 1), INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_4, -16),
		INSN_ADD_IMM(BPF_REG_1, 1), INSN_STORE(BPF_DW, BPF_REG_4, -16, BPF_REG_1),
		INSN_WIDE(BPF_REG_2, 0), INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
		INSN_MOV32_IMM(BPF_REG_3, -1), INSN_CALL(PERF_OUTPUT), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT()));
	ck_assert_uint_eq(prog->refs.len, 3);
	ck_assert_uint_eq(prog->refs.at[0].insn, 1);
	ck_assert_uint_eq(prog->refs.at[0].target, 0);
	ck_assert_uint_eq(prog->refs.at[1].insn, 8);
	ck_assert_uint_eq(prog->refs.at[1].target, 1);
	ck_assert_uint_eq(prog->refs.at[2].insn, 26);
	ck_assert_uint_eq(prog->refs.at[2].target, 0);
}
END_TEST

START_TEST(the_ring_becomes_a_perf_array_and_every_site_gets_a_slot)
{
	struct program *prog;
	const struct map *map;

	add_map("other", BPF_MAP_TYPE_HASH);
	prog = PROGRAM(CALL_RESERVE(13), CALL_RESERVE(42), INSN_EXIT());
	add_ref(prog, 0, 0);
	prog = PROGRAM(INSN_CALL(OUTPUT), CALL_RESERVE(7), INSN_EXIT());
	lower_it();
	map = &obj.maps.at[0];
	ck_assert_uint_eq(map->type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->value_size, 4);
	ck_assert_uint_eq(map->max_entries, 0);
	ck_assert_uint_eq(map->flags, 0);
	ck_assert_uint_eq(map->key_type_id, 0);
	ck_assert_uint_eq(map->value_type_id, 0);
	ck_assert_uint_eq(obj.maps.at[1].type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(obj.maps.len, 3);
	map = &obj.maps.at[2];
	ck_assert_str_eq(map->name, SCRATCH_MAP);
	ck_assert_uint_eq(map->type, BPF_MAP_TYPE_PERCPU_ARRAY);
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->value_size, 16 + 48);
	ck_assert_uint_eq(map->max_entries, 4);
}
END_TEST

START_TEST(programs_that_do_not_use_the_ring_are_not_touched)
{
	struct program *prog = PROGRAM(INSN_CALL(5), INSN_EXIT());

	prog = PROGRAM(CALL_RESERVE(8), INSN_CALL(SUBMIT), INSN_EXIT());
	prog->autoload = false;
	lower_it();
	expect_insns(&obj.programs.at[0], INSNS(INSN_CALL(5), INSN_EXIT()));
	expect_insns(&obj.programs.at[1],
		     INSNS(CALL_RESERVE(8), INSN_CALL(SUBMIT), INSN_EXIT()));
	ck_assert_uint_eq(obj.maps.len, 1);
	ck_assert_uint_eq(obj.maps.at[0].type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
}
END_TEST

START_TEST(an_object_without_a_ring_is_not_touched)
{
	obj.maps.at[0].type = BPF_MAP_TYPE_HASH;
	PROGRAM(INSN_CALL(QUERY), INSN_EXIT());
	lower_it();
	ck_assert_uint_eq(obj.maps.len, 1);
	expect_insns(&obj.programs.at[0], INSNS(INSN_CALL(QUERY), INSN_EXIT()));
}
END_TEST

START_TEST(discard_and_query_need_no_context_and_may_stand_in_functions)
{
	struct program *prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), INSN_CALL(DISCARD),
				       INSN_CALL(QUERY), INSN_EXIT());

	add_func(prog, 2);
	lower_it();
	expect_insns(&obj.programs.at[0], INSNS(CALL_FUNC(1), INSN_EXIT(),
						INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT()));
}
END_TEST

#define NEEDS_CONSTANT "write the size as a constant in the call, or use bpf_ringbuf_output; as "  \
		       "it is, it needs the ring buffer of Linux 5.8"

static void refuse_size(const struct bpf_insn *insns, size_t len, uint32_t at)
{
	char message[256];

	add_program("tracepoint/a/b", insns, len);
	snprintf(message, sizeof(message), "o: program 'p': instruction %u: bpf_ringbuf_reserve: "
		 "size: got one that is not the same each time, expected a constant", at);
	refuse(message, NEEDS_CONSTANT);
}

START_TEST(a_size_that_is_no_constant_is_refused)
{
	refuse_size(INSNS(INSN_LOAD(BPF_W, BPF_REG_2, BPF_REG_1, 8), INSN_CALL(RESERVE),
			  INSN_EXIT()), 1);
	refuse_size(INSNS(INSN_MOV_IMM(BPF_REG_2, 8), INSN_CALL(5), INSN_CALL(RESERVE),
			  INSN_EXIT()), 2);
	refuse_size(INSNS(INSN_MOV_IMM(BPF_REG_2, -8), INSN_CALL(RESERVE), INSN_EXIT()), 1);
	refuse_size(INSNS(INSN_CALL(RESERVE), INSN_EXIT()), 0);
	/* two ways to come, with two sizes */
	refuse_size(INSNS(INSN_MOV_IMM(BPF_REG_2, 8), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1),
			  INSN_MOV_IMM(BPF_REG_2, 16), INSN_CALL(RESERVE), INSN_EXIT()), 3);
	/* an atomic that returns into the register */
	refuse_size(INSNS(INSN_MOV_IMM(BPF_REG_2, 8),
			  INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 6, 2, 0, BPF_ADD | BPF_FETCH),
			  INSN_CALL(RESERVE), INSN_EXIT()), 2);
}
END_TEST

static void expect_size(const struct bpf_insn *insns, size_t len, uint32_t size)
{
	add_program("tracepoint/a/b", insns, len);
	lower_it();
	ck_assert_uint_eq(obj.maps.at[1].value_size, 16 + size);
	lowering_teardown();
	setup();
}

START_TEST(a_constant_size_is_found_in_all_its_forms)
{
	expect_size(INSNS(INSN(BPF_ALU | BPF_MOV | BPF_K, 2, 0, 0, 24), INSN_CALL(RESERVE),
			  INSN_EXIT()), 24);
	expect_size(INSNS(INSN_WIDE(BPF_REG_2, 32), INSN_WIDE(BPF_REG_1, 0), INSN_CALL(RESERVE),
			  INSN_EXIT()), 32);
	expect_size(INSNS(INSN_MOV_IMM(BPF_REG_7, 40), INSN_CALL(5),
			  INSN_MOV(BPF_REG_2, BPF_REG_7), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_6, 0, 1),
			  INSN_CALL(RESERVE), INSN_EXIT()), 40);
}
END_TEST

START_TEST(sizes_that_no_slot_can_hold_are_refused)
{
	const char *hint = "send the record in smaller parts; as it is, it needs the ring buffer "
			   "of Linux 5.8";

	expect_size(INSNS(CALL_RESERVE(32752), INSN_EXIT()), 32752);
	PROGRAM(CALL_RESERVE(32753), INSN_EXIT());
	refuse("o: program 'p': instruction 4: bpf_ringbuf_reserve: size: got 32753, expected 1 "
	       "to 32752 for perf buffers", hint);
	PROGRAM(CALL_RESERVE(0), INSN_EXIT());
	refuse("o: program 'p': instruction 4: bpf_ringbuf_reserve: size: got 0, expected 1 "
	       "to 32752 for perf buffers", hint);
}
END_TEST

START_TEST(dynamic_pointers_and_user_rings_are_refused)
{
	const char *dynptr = "it needs Linux 5.19; for older kernels use bpf_ringbuf_reserve with "
			     "a constant size, or bpf_ringbuf_output";

	PROGRAM(INSN_CALL(198), INSN_EXIT());
	refuse("o: program 'p': instruction 0: bpf_ringbuf_reserve_dynptr cannot be turned into "
	       "perf buffer output", dynptr);
	PROGRAM(INSN_CALL(199), INSN_EXIT());
	refuse("o: program 'p': instruction 0: bpf_ringbuf_submit_dynptr cannot be turned into "
	       "perf buffer output", dynptr);
	PROGRAM(INSN_CALL(200), INSN_EXIT());
	refuse("o: program 'p': instruction 0: bpf_ringbuf_discard_dynptr cannot be turned into "
	       "perf buffer output", dynptr);
	PROGRAM(INSN_CALL(209), INSN_EXIT());
	refuse("o: program 'p': instruction 0: bpf_user_ringbuf_drain cannot be turned into "
	       "perf buffer output", "it needs Linux 6.1");
	add_map("user", 31);
	refuse("o: map 'user': a BPF_MAP_TYPE_USER_RINGBUF cannot be turned into perf buffers",
	       "it needs Linux 6.1; for older kernels send settings through an array map");
}
END_TEST

START_TEST(a_stack_without_room_is_refused)
{
	PROGRAM(INSN_STORE_IMM(BPF_DW, BPF_REG_10, -488, 0), INSN_CALL(SUBMIT),
		INSN_EXIT());
	lower_it();
	ck_assert_int_eq(obj.programs.at[0].insns.at[0].off, -496);
	lowering_teardown();
	setup();
	PROGRAM(INSN_STORE_IMM(BPF_B, BPF_REG_10, -489, 0), INSN_CALL(SUBMIT),
		INSN_EXIT());
	refuse("o: program 'p': stack: got 489 bytes in use, expected at most 488 to leave room "
	       "for perf buffer output",
	       "put large variables into a per-CPU map; as it is, it needs the ring buffer of "
	       "Linux 5.8");
}
END_TEST

START_TEST(of_several_rings_the_one_meant_must_be_clear)
{
	struct program *prog;

	add_map("second", BPF_MAP_TYPE_RINGBUF);
	prog = PROGRAM(INSN_WIDE(BPF_REG_1, 0), INSN_CALL(5), INSN_MOV_IMM(BPF_REG_2, 8),
		       INSN_CALL(RESERVE), INSN_EXIT());
	add_ref(prog, 0, 1);
	refuse("o: program 'p': instruction 4: bpf_ringbuf_reserve: map: got one that is not the "
	       "same each time, expected one of the object's 2 ring buffers",
	       "name the map in the call; as it is, it needs the ring buffer of Linux 5.8");
	for (int i = 0; i < 16; i++)
		add_map("more", BPF_MAP_TYPE_RINGBUF);
	refuse("o: ring buffers: got more than 16, which is as many as can be turned into perf "
	       "buffers", "");
}
END_TEST

/*
 * Programs that are run before and after, with a ring buffer and with perf buffers of this
 * file's making behind them: what is sent, what is returned and what is kept in the
 * registers must be the same.
 */

#define RECORDS 64
#define RECORD_MAX 64
#define SITES 64

struct record {
	uint32_t map, size;
	uint8_t data[RECORD_MAX];
};

struct outcome {
	struct record records[RECORDS];
	size_t len;
	uint64_t told, result;
	enum run_end end;
};

/* The world a program runs in. */
struct world {
	struct outcome *out;
	uint64_t context[8];
	bool full; /* nothing finds room */
	bool lowered;
	struct { uint32_t map, size; uint8_t data[RECORD_MAX]; } open[SITES];
	size_t open_len;
	uint64_t slots[SITES][(sizeof(struct perf_slot) + RECORD_MAX) / 8];
	uint64_t sent;
};

#define MAP_HANDLE 0x1000
#define THIS_CPU 3

static bool on_stack(void)
{
	return caps.at[CAP_MEMORY_MAP].answer == CAP_NO;
}

static bool by_number(void)
{
	return caps.at[CAP_CURRENT_CPU].answer == CAP_NO;
}

static uint64_t map_value(struct run *run, const struct ref *ref)
{
	ck_assert_int_eq(ref->kind, REF_MAP);
	return MAP_HANDLE + ref->target;
}

static void record(struct world *w, uint64_t map, const void *data, uint64_t size)
{
	struct record *r = &w->out->records[w->out->len];

	if (!size) /* the ring takes an empty record, of which nobody can make anything */
		return;
	ck_assert_uint_lt(w->out->len, RECORDS);
	ck_assert_uint_le(size, RECORD_MAX);
	w->out->len++;
	r->map = map - MAP_HANDLE;
	r->size = size;
	memcpy(r->data, data, size);
}

static void *pointer(uint64_t value)
{
	return (void *)(uintptr_t)value;
}

static uint64_t ring_reserve(struct world *w, uint64_t map, uint64_t size)
{
	if (w->full)
		return 0;
	ck_assert_uint_lt(w->open_len, SITES);
	ck_assert_uint_le(size, RECORD_MAX);
	w->open[w->open_len].map = map;
	w->open[w->open_len].size = size;
	return (uintptr_t)w->open[w->open_len++].data;
}

static void ring_submit(struct world *w, uint64_t data)
{
	for (size_t i = 0; i < w->open_len; i++)
		if ((uintptr_t)w->open[i].data == data) {
			record(w, w->open[i].map, w->open[i].data, w->open[i].size);
			return;
		}
	ck_abort_msg("submit of what was not reserved");
}

static uint64_t output(struct world *w, uint64_t map, uint64_t data, uint64_t size)
{
	if (!size)
		return 0;
	if (w->full)
		return -EAGAIN;
	record(w, map, pointer(data), size);
	return 0;
}

static uint64_t lookup(struct world *w, uint64_t map, uint64_t key)
{
	uint32_t number = *(uint32_t *)pointer(key);

	ck_assert_uint_eq(map, MAP_HANDLE + obj.maps.len - 1);
	ck_assert_uint_lt(number, obj.maps.at[obj.maps.len - 1].max_entries);
	return w->full ? 0 : (uintptr_t)w->slots[number];
}

static uint64_t perf_output(struct world *w, const uint64_t args[5])
{
	ck_assert_uint_eq(args[0], (uintptr_t)w->context);
	ck_assert_uint_eq(args[2], by_number() ? THIS_CPU : 0xffffffff);
	if (on_stack())
		ck_assert(args[3] - (uintptr_t)w->slots >= sizeof(w->slots));
	ck_assert_uint_ne(args[4], 0);
	w->sent++;
	return output(w, args[1], args[3], args[4]);
}

static uint64_t help(struct run *run, int32_t id, const uint64_t args[5])
{
	struct world *w = run->ctx;

	if (id == TELL) {
		w->out->told = w->out->told * 31 + args[0];
		return 0;
	}
	ck_assert_int_eq(w->lowered, id == LOOKUP || id == PERF_OUTPUT || id == CPU);
	switch (id) {
	case RESERVE: return ring_reserve(w, args[0], args[1]);
	case SUBMIT: ring_submit(w, args[0]); return 0;
	case OUTPUT: return output(w, args[0], args[1], args[2]);
	case LOOKUP: return lookup(w, args[0], args[1]);
	case PERF_OUTPUT: return perf_output(w, args);
	case CPU: ck_assert(by_number()); return THIS_CPU;
	}
	return 0; /* discard, query */
}

static void run_in(struct world *w, const struct program *prog, struct outcome *out)
{
	struct run run = { .prog = prog, .ctx = w, .helper = help, .value = map_value,
			   .budget = 10000 };

	memset(out, 0, sizeof(*out));
	w->out = out;
	w->open_len = 0;
	run_allow(&run, w->context, sizeof(w->context));
	run_allow(&run, w->open, sizeof(w->open));
	run_allow(&run, w->slots, sizeof(w->slots));
	out->end = run_program(&run, (uintptr_t)w->context);
	out->result = run.result;
}

static void expect_same(const struct outcome *a, const struct outcome *b)
{
	ck_assert_int_eq(a->end, RUN_EXIT);
	ck_assert_int_eq(b->end, RUN_EXIT);
	ck_assert_uint_eq(a->len, b->len);
	for (size_t i = 0; i < a->len; i++) {
		ck_assert_uint_eq(a->records[i].map, b->records[i].map);
		ck_assert_uint_eq(a->records[i].size, b->records[i].size);
		ck_assert(!memcmp(a->records[i].data, b->records[i].data, a->records[i].size));
	}
	ck_assert_uint_eq(a->told, b->told);
	ck_assert_uint_eq(a->result, b->result);
}

#define INPUTS 40

/* Runs program 0 before and after lowering, over many contexts; returns how much was sent. */
static size_t compare(void)
{
	static struct world before, after;
	static struct outcome expected[INPUTS], got;
	size_t records = 0;
	uint64_t sent = 0;

	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	for (int pass = 0; pass < 2; pass++) {
		struct world *w = pass ? &after : &before;

		w->lowered = pass;
		if (pass)
			lower_it();
		for (int i = 0; i < INPUTS; i++) {
			w->full = i % 7 == 6 && !on_stack(); /* where there is always room */
			for (int word = 0; word < 8; word++)
				w->context[word] = (i * 8 + word + 1) * 0x9e3779b97f4a7c15u;
			run_in(w, &obj.programs.at[0], pass ? &got : &expected[i]);
			if (pass)
				expect_same(&expected[i], &got);
			records += pass ? got.len : 0;
		}
	}
	for (int i = 0; i < SITES; i++)
		sent += after.slots[i][offsetof(struct perf_slot, sent) / 8];
	if (!sent)
		ck_assert_uint_eq(records, 0);
	ck_assert_uint_le(records, sent);
	ck_assert_uint_le(sent, after.sent);
	return records;
}

START_TEST(the_context_is_saved_once_though_a_loop_goes_back_to_the_first_instruction)
{
	struct program *prog = PROGRAM(
		INSN_ADD_IMM(BPF_REG_7, 1), INSN_MOV_IMM(BPF_REG_1, 0),
		INSN_JUMP_IMM(BPF_JSET, BPF_REG_7, 8, -3), /* 8 times: it starts as ...7 */
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 9),
		INSN_WIDE(BPF_REG_1, 0), INSN_MOV(BPF_REG_2, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_2, -8), INSN_MOV_IMM(BPF_REG_3, 8), INSN_CALL(OUTPUT),
		INSN_EXIT());

	add_ref(prog, 4, 0);
	ck_assert_uint_eq(compare(), INPUTS - INPUTS / 7);
}
END_TEST

START_TEST(two_reservations_may_be_open_at_once)
{
	struct program *prog = PROGRAM(
		CALL_RESERVE(8), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 16),
		INSN_MOV(BPF_REG_6, BPF_REG_0), CALL_RESERVE(16),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 7), INSN_STORE_IMM(BPF_DW, BPF_REG_6, 0, 111),
		INSN_STORE_IMM(BPF_DW, BPF_REG_0, 0, 222),
		INSN_STORE_IMM(BPF_DW, BPF_REG_0, 8, 333), INSN_MOV(BPF_REG_1, BPF_REG_0),
		INSN_CALL(SUBMIT), INSN_MOV(BPF_REG_1, BPF_REG_6),
		INSN_CALL(SUBMIT), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
		INSN_MOV_IMM(BPF_REG_0, 1), INSN_EXIT());

	add_ref(prog, 0, 0);
	add_ref(prog, 7, 0);
	ck_assert_uint_eq(compare(), 2 * (INPUTS - INPUTS / 7));
}
END_TEST

/* r6 sends 8 bytes of what it is given, twice. */
START_TEST(functions_that_output_are_inlined)
{
	struct program *prog = PROGRAM(
		INSN_MOV_IMM(BPF_REG_1, 11), CALL_FUNC(4), INSN_MOV_IMM(BPF_REG_1, 22),
		CALL_FUNC(2), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
		INSN_MOV(BPF_REG_6, BPF_REG_1), CALL_RESERVE(8),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 3),
		INSN_STORE(BPF_DW, BPF_REG_0, 0, BPF_REG_6), INSN_MOV(BPF_REG_1, BPF_REG_0),
		INSN_CALL(SUBMIT), INSN_EXIT());

	add_func(prog, 6);
	add_ref(prog, 7, 0);
	ck_assert_uint_eq(compare(), 2 * (INPUTS - INPUTS / 7));
	ck_assert_uint_eq(obj.programs.at[0].funcs.len, 1);
	ck_assert_uint_eq(obj.maps.at[1].max_entries, 2);
	ck_assert_str_eq(plan.steps.at[0].what, "functions are inlined");
	ck_assert_str_eq(plan.steps.at[0].why, "perf buffer output takes the program's context, "
					       "which functions do not have");
}
END_TEST

START_TEST(functions_that_cannot_be_inlined_are_refused)
{
	struct program *prog = PROGRAM(CALL_FUNC(1), INSN_EXIT(), INSN_CALL(SUBMIT),
				       CALL_FUNC(-2), INSN_EXIT());

	add_func(prog, 2);
	ck_assert_int_eq(lower_ringbuf(&obj, &caps, &plan, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "o: program 'p': instruction 3: "));
	ck_assert_ptr_nonnull(strstr(err.message, "perf buffer output takes the program's context, "
						  "which functions do not have"));
}
END_TEST

static void records_on_stack(void)
{
	caps.at[CAP_MEMORY_MAP] = (struct cap_answer){ CAP_NO, EACCES };
}

/* The second example in the head of compat/lower_ringbuf.c, of 24 bytes. */
START_TEST(where_only_the_stack_can_be_sent_the_record_is_there)
{
	struct program *prog = PROGRAM(
		CALL_RESERVE(20), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 2),
		INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_CALL(SUBMIT), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT());

	add_ref(prog, 0, 0);
	records_on_stack();
	lower_it();
	prog = &obj.programs.at[0];
	expect_insns(prog, INSNS(
		INSN_STORE(BPF_DW, BPF_REG_10, -32, BPF_REG_1), INSN_WIDE(BPF_REG_1, 0),
		INSN_MOV_IMM(BPF_REG_2, 20), INSN_MOV_IMM(BPF_REG_3, 0),
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -24, 0),
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -16, 0),
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_MOV(BPF_REG_0, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_0, -24), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 23),
		INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_STORE_IMM(BPF_W, BPF_REG_10, -40, 0),
		INSN_MOV(BPF_REG_2, BPF_REG_10), INSN_ADD_IMM(BPF_REG_2, -40),
		INSN_WIDE(BPF_REG_1, 0), INSN_CALL(LOOKUP), INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 7),
		INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, 0), INSN_ADD_IMM(BPF_REG_1, 1),
		INSN_STORE(BPF_DW, BPF_REG_0, 0, BPF_REG_1),
		INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -24),
		INSN_STORE(BPF_DW, BPF_REG_0, 16, BPF_REG_1),
		INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -16),
		INSN_STORE(BPF_DW, BPF_REG_0, 24, BPF_REG_1), INSN_WIDE(BPF_REG_2, 0),
		INSN_MOV(BPF_REG_4, BPF_REG_10), INSN_ADD_IMM(BPF_REG_4, -24),
		INSN_MOV_IMM(BPF_REG_5, 20), INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -32),
		INSN_MOV32_IMM(BPF_REG_3, -1), INSN_CALL(PERF_OUTPUT), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT()));
	ck_assert_uint_eq(obj.maps.at[1].value_size, 16 + 16);
	ck_assert_uint_eq(obj.maps.at[1].max_entries, 1);
}
END_TEST

START_TEST(records_share_their_place_unless_both_are_open)
{
	records_on_stack();
	PROGRAM(CALL_RESERVE(400), INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_CALL(SUBMIT),
		CALL_RESERVE(400), INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_CALL(SUBMIT),
		INSN_EXIT());
	lower_it();
	lowering_teardown();
	setup();
	records_on_stack();
	PROGRAM(CALL_RESERVE(400), INSN_MOV(BPF_REG_6, BPF_REG_0), CALL_RESERVE(400),
		INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_CALL(SUBMIT), INSN_EXIT());
	refuse("o: program 'p': stack: got 0 bytes in use, expected at most -312 to leave room for "
	       "records and perf buffer output", "send smaller records; as it is, it needs Linux "
	       "4.11, whose bpf_perf_event_output takes map memory");
}
END_TEST

START_TEST(a_record_on_the_stack_must_be_of_one_reserve)
{
	records_on_stack();
	PROGRAM(INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 6), CALL_RESERVE(8), INSN_GOTO(5),
		CALL_RESERVE(8), INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_CALL(SUBMIT),
		INSN_EXIT());
	refuse("o: program 'p': instruction 13: bpf_ringbuf_submit: record: got one that is not of "
	       "the same bpf_ringbuf_reserve each time, expected that of one",
	       "reserve and submit each record in one place; as it is, it needs Linux 4.11, whose "
	       "bpf_perf_event_output takes map memory");
}
END_TEST

START_TEST(programs_that_may_sleep_or_cannot_output_are_refused)
{
	static struct section_kind kind = { .type = BPF_PROG_TYPE_XDP, .flags = 1u << 4 };

	PROGRAM(INSN_CALL(SUBMIT), INSN_EXIT())->kind = &kind;
	refuse("o: program 'p' (tracepoint/a/b): it may sleep, and perf buffer output goes through "
	       "memory of one CPU", "it needs the ring buffer of Linux 5.8");
	kind.flags = 0;
	PROGRAM(INSN_CALL(SUBMIT), INSN_EXIT())->kind = &kind;
	caps.helpers[BPF_PROG_TYPE_XDP] = calloc(CAPS_HELPERS, sizeof(struct cap_answer));
	caps.helpers[BPF_PROG_TYPE_XDP][PERF_OUTPUT] = (struct cap_answer){ CAP_NO, EINVAL };
	refuse("o: program 'p' (tracepoint/a/b): this kernel has no helper bpf_perf_event_output "
	       "(EINVAL; since Linux 4.4), which takes the place of the ring buffer",
	       "it needs the ring buffer of Linux 5.8");
}
END_TEST

START_TEST(the_plan_says_what_becomes_of_rings_and_why)
{
	records_on_stack();
	caps.at[CAP_CURRENT_CPU] = (struct cap_answer){ CAP_NO, EINVAL };
	PROGRAM(CALL_RESERVE(8), INSN_EXIT());
	lower_it();
	ck_assert_uint_eq(plan.steps.len, 3);
	expect_object_step(0, "ring buffer 'ring' becomes a perf buffer for each CPU",
			   "this kernel has no maps of type ringbuf (EINVAL; since Linux 5.8)");
	expect_object_step(1, "records are made on the stack", plan_why(&caps, CAP_MEMORY_MAP).text);
	expect_object_step(2, "records go to the CPU by its number",
			   plan_why(&caps, CAP_CURRENT_CPU).text);
	lowering_teardown();
	setup();
	caps.maps[BPF_MAP_TYPE_RINGBUF].answer = CAP_YES;
	lower_it();
	ck_assert_uint_eq(plan.steps.len, 1);
	expect_object_step(0, "ring buffer 'ring' becomes a perf buffer for each CPU",
			   "perf buffers are asked for");
}
END_TEST

/* Random programs of blocks, each of which sends something or does not. */

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

static void put_ring(struct program *prog, uint8_t reg)
{
	struct bpf_insn wide[] = { INSN_WIDE(reg, 0) };

	add_ref(prog, prog->insns.len, any(2) ? 0 : obj.maps.len - 1);
	put(prog, wide[0]);
	put(prog, wide[1]);
}

static void land_here(struct program *prog, uint32_t jump)
{
	prog->insns.at[jump].off = prog->insns.len - jump - 1;
}

static int put_reserve(struct program *prog)
{
	int size = 1 + any(RECORD_MAX);

	if (any(3)) {
		put_ring(prog, BPF_REG_1);
	} else {
		put_ring(prog, BPF_REG_9);
		put(prog, INSN_MOV(BPF_REG_1, BPF_REG_9));
	}
	put(prog, any(2) ? INSN_MOV_IMM(BPF_REG_2, size) : INSN_MOV32_IMM(BPF_REG_2, size));
	put(prog, INSN_MOV_IMM(BPF_REG_3, 0));
	put(prog, INSN_CALL(RESERVE));
	return size;
}

/* Fills the record at reg with what r7 and r8 hold, a byte at a time. */
static void put_fill(struct program *prog, uint8_t reg, int size)
{
	for (int i = 0; i < size; i++)
		put(prog, INSN_STORE(BPF_B, reg, i, any(2) ? BPF_REG_7 : BPF_REG_8));
}

/* Submits or discards the record at reg, as a bit of the context has it. */
static void put_close(struct program *prog, uint8_t reg)
{
	uint32_t discard, over;

	put(prog, INSN_MOV(BPF_REG_1, reg));
	put(prog, INSN_MOV_IMM(BPF_REG_2, any(3)));
	discard = put(prog, INSN_JUMP_IMM(BPF_JSET, BPF_REG_7, 1 << any(8), 0));
	put(prog, INSN_CALL(SUBMIT));
	over = put(prog, INSN_GOTO(0));
	land_here(prog, discard);
	put(prog, INSN_CALL(DISCARD));
	land_here(prog, over);
}

static void put_one_record(struct program *prog)
{
	int size = put_reserve(prog);
	uint32_t none = put(prog, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));

	put_fill(prog, BPF_REG_0, size);
	put(prog, INSN_ADD_IMM(BPF_REG_8, any(100)));
	put_close(prog, BPF_REG_0);
	land_here(prog, none);
	put(prog, INSN_ADD_IMM(BPF_REG_8, 1));
}

static void put_two_records(struct program *prog)
{
	int first = put_reserve(prog), second;
	uint32_t none = put(prog, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0)), no_second;

	put(prog, INSN_MOV(BPF_REG_6, BPF_REG_0));
	put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -40, BPF_REG_0));
	put_fill(prog, BPF_REG_6, first);
	second = put_reserve(prog);
	no_second = put(prog, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	put_fill(prog, BPF_REG_0, second);
	put_close(prog, BPF_REG_0);
	land_here(prog, no_second);
	put(prog, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -40));
	put_close(prog, BPF_REG_1);
	land_here(prog, none);
}

static void put_output(struct program *prog)
{
	put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -16, BPF_REG_7));
	put(prog, INSN_STORE(BPF_DW, BPF_REG_10, -8, BPF_REG_8));
	put_ring(prog, BPF_REG_1);
	put(prog, INSN_MOV(BPF_REG_2, BPF_REG_10));
	put(prog, INSN_ADD_IMM(BPF_REG_2, -16));
	put(prog, INSN_MOV_IMM(BPF_REG_3, 16));
	if (any(2)) { /* 0 to 15 */
		put(prog, INSN_MOV(BPF_REG_3, BPF_REG_8));
		put(prog, INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, 15));
	}
	put(prog, INSN_MOV_IMM(BPF_REG_4, 0));
	put(prog, INSN_CALL(OUTPUT));
	put(prog, INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_8, BPF_REG_0, 0, 0));
}

static void put_query(struct program *prog)
{
	put_ring(prog, BPF_REG_1);
	put(prog, INSN_MOV_IMM(BPF_REG_2, any(4)));
	put(prog, INSN_CALL(QUERY));
	put(prog, INSN(BPF_ALU64 | BPF_XOR | BPF_X, BPF_REG_8, BPF_REG_0, 0, 0));
}

static void put_tell(struct program *prog, uint8_t reg)
{
	put(prog, INSN_MOV(BPF_REG_1, reg));
	put(prog, INSN_CALL(TELL));
}

static void random_program(void)
{
	struct program *prog = add_program("tracepoint/a/b", NULL, 0);

	put(prog, INSN_MOV(BPF_REG_6, BPF_REG_1));
	put(prog, INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_6, 8));
	put(prog, INSN_LOAD(BPF_DW, BPF_REG_8, BPF_REG_6, 16));
	for (int blocks = 1 + any(6); blocks; blocks--) {
		switch (any(4)) {
		case 0: put_one_record(prog); break;
		case 1: put_two_records(prog); break;
		case 2: put_output(prog); break;
		case 3: put_query(prog); break;
		}
		put(prog, INSN_MOV_IMM(BPF_REG_9, any(1000)));
		put_tell(prog, BPF_REG_7);
		put_tell(prog, BPF_REG_8);
		put_tell(prog, BPF_REG_9);
		put(prog, INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_7, 0, 0, 3));
	}
	put(prog, INSN_MOV(BPF_REG_0, BPF_REG_8));
	put(prog, INSN_EXIT());
}

START_TEST(random_programs_send_the_same_records_through_either)
{
	size_t records = 0;

	state = _i * 0x9e3779b97f4a7c15u + 7;
	for (int i = 0; i < 30; i++) {
		if (_i & 1)
			caps.at[CAP_MEMORY_MAP].answer = CAP_NO;
		if (_i & 2)
			caps.at[CAP_CURRENT_CPU].answer = CAP_NO;
		if (i % 3 == 2)
			add_map("second", BPF_MAP_TYPE_RINGBUF);
		if (i % 5 == 4)
			add_map("third", BPF_MAP_TYPE_RINGBUF);
		random_program();
		records += compare();
		lowering_teardown();
		setup();
	}
	ck_assert_uint_gt(records, 0);
}
END_TEST

Suite *lower_ringbuf_suite(void);
Suite *lower_ringbuf_suite(void)
{
	Suite *suite = suite_create("lower_ringbuf");
	TCase *tc = tcase_create("lower_ringbuf");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_add_test(tc, reserve_and_submit_become_a_slot_and_perf_output);
	tcase_add_test(tc, the_ring_becomes_a_perf_array_and_every_site_gets_a_slot);
	tcase_add_test(tc, programs_that_do_not_use_the_ring_are_not_touched);
	tcase_add_test(tc, an_object_without_a_ring_is_not_touched);
	tcase_add_test(tc, discard_and_query_need_no_context_and_may_stand_in_functions);
	tcase_add_test(tc, a_size_that_is_no_constant_is_refused);
	tcase_add_test(tc, a_constant_size_is_found_in_all_its_forms);
	tcase_add_test(tc, sizes_that_no_slot_can_hold_are_refused);
	tcase_add_test(tc, dynamic_pointers_and_user_rings_are_refused);
	tcase_add_test(tc, a_stack_without_room_is_refused);
	tcase_add_test(tc, of_several_rings_the_one_meant_must_be_clear);
	tcase_add_test(tc,
		       the_context_is_saved_once_though_a_loop_goes_back_to_the_first_instruction);
	tcase_add_test(tc, two_reservations_may_be_open_at_once);
	tcase_add_test(tc, functions_that_output_are_inlined);
	tcase_add_test(tc, functions_that_cannot_be_inlined_are_refused);
	tcase_add_test(tc, where_only_the_stack_can_be_sent_the_record_is_there);
	tcase_add_test(tc, records_share_their_place_unless_both_are_open);
	tcase_add_test(tc, a_record_on_the_stack_must_be_of_one_reserve);
	tcase_add_test(tc, programs_that_may_sleep_or_cannot_output_are_refused);
	tcase_add_test(tc, the_plan_says_what_becomes_of_rings_and_why);
	tcase_add_loop_test(tc, random_programs_send_the_same_records_through_either, 0, 16);
	suite_add_tcase(suite, tc);
	return suite;
}
