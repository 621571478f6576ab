// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/needs.h"
#include "util/release.h"

Suite *needs_suite(void);

static struct object obj;
static struct needs needs;
static struct error err;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	memset(&needs, 0, sizeof(needs));
	error_clear(&err);
	obj.name = "obj";
}

static void teardown(void)
{
	needs_fini(&needs);
	object_fini(&obj);
}

static struct program *add_program(const char *name, const char *section,
				   const struct bpf_insn *insns, size_t len)
{
	struct program *prog = vec_push(&obj.programs);
	struct func *func = vec_push(&prog->funcs);

	*func = (struct func){ .name = name };
	prog->name = name;
	prog->section = section;
	prog->autoload = true;
	memcpy(vec_add(&prog->insns, len), insns, len * sizeof(*insns));
	return prog;
}

static void survey(void)
{
	ck_assert_msg(!needs_init(&needs, &obj, &err), "%s", err.message);
}

static const struct need *find(const char *what)
{
	for (size_t i = 0; i < needs.at.len; i++)
		if (!strcmp(needs.at.at[i].what, what))
			return &needs.at.at[i];
	return NULL;
}

static void expect(const char *what, unsigned int release, uint32_t count)
{
	const struct need *n = find(what);

	ck_assert_msg(n != NULL, "no '%s'", what);
	ck_assert_uint_eq(n->release, release);
	ck_assert_uint_eq(n->count, count);
}

/* ---- instructions ---- */

#define V4 "instruction set v4: movsx, ldsx, sdiv, bswap, gotol"

static const struct {
	struct bpf_insn insn;
	const char *what; /* NULL: nothing but what the least program needs */
	uint16_t release;
	uint32_t isa;
} instructions[] = {
	{ INSN(BPF_ALU | BPF_ADD | BPF_K, 0, 0, 0, 1), NULL, 0, 1 },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0), NULL, 0, 1 },
	{ INSN(BPF_ALU | BPF_END | BPF_X, 0, 0, 0, 16), NULL, 0, 1 },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, BPF_ADD), NULL, 0, 1 },
	{ INSN(BPF_JMP | BPF_JSGT | BPF_K, 0, 0, 0, 0), NULL, 0, 1 },
	{ INSN(BPF_JMP | BPF_JLT | BPF_K, 0, 0, 0, 0), "instruction set v2: jumps on less-than",
	  LINUX(4, 14), 2 },
	{ INSN(BPF_JMP | BPF_JSLE | BPF_X, 0, 0, 0, 0), "instruction set v2: jumps on less-than",
	  LINUX(4, 14), 2 },
	{ INSN(BPF_JMP32 | BPF_JLT | BPF_K, 0, 0, 0, 0), "instruction set v3: 32-bit jumps",
	  LINUX(5, 1), 3 },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, BPF_ADD | BPF_FETCH),
	  "atomic operations that return a value", LINUX(5, 12), 3 },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 8, 0), V4, LINUX(6, 6), 4 },
	{ INSN(BPF_ALU | BPF_DIV | BPF_K, 0, 0, 1, 3), V4, LINUX(6, 6), 4 },
	{ INSN(BPF_ALU64 | BPF_END, 0, 0, 0, 64), V4, LINUX(6, 6), 4 },
	{ INSN(BPF_LDX | 0x80 | BPF_W, 0, 1, 0, 0), V4, LINUX(6, 6), 4 },
	{ INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 0), V4, LINUX(6, 6), 4 },
	{ INSN(BPF_JMP | 0xe0, 0, 0, 0, 0), "may_goto", LINUX(6, 9), 4 },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 1, 1), "arena address casts", LINUX(6, 9), 4 },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, 0x100), "load-acquire, store-release",
	  LINUX(6, 15), 4 },
};

START_TEST(instruction_tells_the_instruction_set)
{
	const struct bpf_insn code[] = { instructions[_i].insn, INSN_EXIT() };

	add_program("p", "tp/a/b", code, 2);
	survey();
	expect("program type tracepoint", LINUX(4, 7), 1);
	ck_assert_uint_eq(needs.isa, instructions[_i].isa);
	ck_assert_uint_eq(needs.at.len, instructions[_i].what ? 2 : 1);
	if (instructions[_i].what)
		expect(instructions[_i].what, instructions[_i].release, 1);
}
END_TEST

START_TEST(second_half_of_a_constant_is_no_instruction)
{
	const struct bpf_insn code[] = { INSN_WIDE(1, 0x123456789), INSN_EXIT() };
	struct program *prog = add_program("p", "tp/a/b", code, 3);

	prog->insns.at[1].code = BPF_JMP32 | BPF_JA;
	survey();
	ck_assert_uint_eq(needs.isa, 1);
}
END_TEST

START_TEST(jump_back_to_another_branch_is_no_loop)
{
	const struct bpf_insn code[] = {
		INSN_JUMP_IMM(BPF_JEQ, 1, 0, 2),
		INSN_MOV_IMM(0, 1),
		INSN_EXIT(),
		INSN_GOTO(-3),
	};

	add_program("p", "tp/a/b", code, 4);
	survey();
	ck_assert_ptr_null(find("loops"));
}
END_TEST

START_TEST(jump_back_to_where_it_came_from_is_a_loop)
{
	const struct bpf_insn code[] = {
		INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1),
		INSN_GOTO(-2),
		INSN_EXIT(),
	};

	add_program("p", "tp/a/b", code, 3);
	survey();
	expect("loops", LINUX(5, 3), 1);
	ck_assert_str_eq(find("loops")->unit, "backward jump");
}
END_TEST

START_TEST(long_program_needs_a_kernel_that_takes_it)
{
	struct bpf_insn *code = calloc(4097, sizeof(*code));

	for (int i = 0; i < 4097; i++)
		code[i] = INSN_EXIT();
	add_program("short", "tp/a/b", code, 4096);
	add_program("long", "tp/a/b", code, 4097);
	free(code);
	survey();
	expect("programs of more than 4096 instructions", LINUX(5, 2), 1);
	ck_assert_str_eq(find("programs of more than 4096 instructions")->where, "long");
}
END_TEST

/* ---- calls ---- */

START_TEST(calls_are_counted_by_helper)
{
	const struct bpf_insn code[] = {
		INSN_CALL(BPF_FUNC_ktime_get_ns),
		INSN_CALL(BPF_FUNC_ktime_get_ns),
		INSN_CALL(211),
		INSN_CALL(212),
		INSN_CALL(5000),
		INSN_CALL(-1),
		INSN_EXIT(),
	};

	add_program("p", "tp/a/b", code, 7);
	survey();
	expect("helper bpf_ktime_get_ns", LINUX(4, 1), 2);
	expect("helper bpf_cgrp_storage_delete", LINUX(6, 2), 1);
	expect("helper 212: not known", 0, 1);
	expect("helpers that no kernel has", 0, 2);
	ck_assert_uint_eq(needs.release, LINUX(6, 2));
}
END_TEST

START_TEST(calls_of_functions_are_told_apart)
{
	const struct bpf_insn code[] = {
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0),
		INSN_EXIT(),
	};

	add_program("p", "tp/a/b", code, 3);
	survey();
	expect("subprograms", LINUX(4, 16), 1);
	expect("calls of kernel functions", LINUX(5, 13), 1);
}
END_TEST

/* Two programs that call one function hold a copy each. */
START_TEST(function_counts_once_however_often_it_is_copied)
{
	static const char shared[] = "shared";
	const struct bpf_insn code[] = {
		INSN_EXIT(),
		INSN_CALL(BPF_FUNC_ktime_get_ns),
		INSN_EXIT(),
	};
	const char *const names[] = { "a", "b" };

	for (int i = 0; i < 2; i++) {
		struct program *prog = add_program(names[i], "tp/a/b", code, 3);

		*vec_push(&prog->funcs) = (struct func){ .insn = 1, .name = shared };
	}
	survey();
	expect("helper bpf_ktime_get_ns", LINUX(4, 1), 1);
	expect("program type tracepoint", LINUX(4, 7), 2);
}
END_TEST

START_TEST(ring_buffer_has_something_instead)
{
	const struct bpf_insn code[] = { INSN_CALL(BPF_FUNC_ringbuf_output), INSN_EXIT() };
	struct map *map = object_add_map(&obj, "events");

	map->type = BPF_MAP_TYPE_RINGBUF;
	add_program("p", "tp/a/b", code, 2);
	survey();
	expect("map type ringbuf", LINUX(5, 8), 1);
	expect("helper bpf_ringbuf_output", LINUX(5, 8), 1);
	ck_assert_str_eq(find("map type ringbuf")->instead, "a perf buffer (4.4)");
	ck_assert_str_eq(find("helper bpf_ringbuf_output")->instead, "a perf buffer (4.4)");
	ck_assert_ptr_null(find("program type tracepoint")->instead);
	ck_assert_uint_eq(needs.release, LINUX(5, 8));
	ck_assert_uint_eq(needs.least_release, LINUX(4, 7)); /* the type of program */
}
END_TEST

static void expect_instead(const char *what, const char *instead, unsigned int release)
{
	const struct need *n = find(what);

	ck_assert_msg(n != NULL, "no '%s'", what);
	if (instead)
		ck_assert_str_eq(n->instead, instead);
	else
		ck_assert_msg(!n->instead, "%s: %s", what, n->instead);
	ck_assert_uint_eq(n->instead_release, release);
}

/* As compat/lower_*.c do it, on the oldest kernels. */
START_TEST(what_is_lowered_has_something_instead)
{
	const struct bpf_insn code[] = {
		INSN_CALL(112), /* probe_read_user */
		INSN_CALL(115), /* probe_read_kernel_str */
		INSN_CALL(4),   /* probe_read: another is there instead only on newer kernels */
		INSN_CALL(174), /* get_attach_cookie */
		INSN_CALL(147), /* d_path */
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, -1),
		INSN(BPF_JMP | BPF_JLT | BPF_K, 1, 0, -1, 0),
		INSN(BPF_JMP32 | BPF_JEQ | BPF_K, 1, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 1, 8, 0),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, 0xe1 /* BPF_XCHG */),
		INSN_EXIT(),
	};

	object_add_map(&obj, ".bss")->role = MAP_DATA;
	add_program("p", "tp/a/b", code, 11);
	survey();
	expect_instead("helper bpf_probe_read_user", "bpf_probe_read()", LINUX(4, 1));
	expect_instead("helper bpf_probe_read_kernel_str", "bpf_probe_read() of each byte", LINUX(4, 1));
	expect_instead("helper bpf_probe_read", NULL, 0);
	expect_instead("helper bpf_get_attach_cookie", "the number that the program is attached with", 0);
	expect_instead("helper bpf_d_path", NULL, 0);
	expect_instead("subprograms", "copies of them in place of calls", 0);
	expect_instead("loops", "unrolled, where constants tell their end", 0);
	expect_instead("instruction set v2: jumps on less-than", "jumps on greater-than", 0);
	expect_instead("instruction set v3: 32-bit jumps", "64-bit jumps", 0);
	expect_instead(V4, "older instructions", 0);
	expect_instead("atomic operations that return a value", NULL, 0);
	expect_instead("global variables", "lookups in a map", 0);
}
END_TEST

START_TEST(programs_attached_by_type_have_others_instead)
{
	const struct bpf_insn code[] = { INSN_EXIT() };

	add_program("a", "fentry/x", code, 1);
	add_program("b", "fexit.s/x", code, 1);
	add_program("c", "tp_btf/x", code, 1);
	add_program("d", "raw_tp/x", code, 1);
	add_program("e", "fmod_ret/x", code, 1);
	survey();
	expect_instead("program type tracing, attach type trace_fentry", "a kprobe", LINUX(4, 1));
	expect_instead("program type tracing, attach type trace_fexit, sleepable", "a kretprobe",
		       LINUX(4, 1));
	expect_instead("program type tracing, attach type trace_raw_tp", "a raw tracepoint", LINUX(4, 17));
	expect_instead("program type raw_tracepoint", "a tracepoint, where its record has what is read",
		       LINUX(4, 7));
	expect_instead("program type tracing, attach type modify_return", NULL, 0);
}
END_TEST

/* ---- programs and maps ---- */

START_TEST(programs_are_told_by_type_and_place)
{
	const struct bpf_insn code[] = { INSN_EXIT() };

	add_program("a", "fentry.s/x", code, 1);
	add_program("b", "fentry/x", code, 1);
	add_program("c", "fentry/y", code, 1);
	add_program("d", "xdp", code, 1);
	add_program("e", "unheard/of", code, 1);
	survey();
	expect("program type tracing, attach type trace_fentry, sleepable", LINUX(5, 10), 1);
	expect("program type tracing, attach type trace_fentry", LINUX(5, 5), 2);
	ck_assert_str_eq(find("program type tracing, attach type trace_fentry")->where, "b, c");
	expect("program type xdp", LINUX(4, 8), 1);
	expect("programs of a kind that is not known", 0, 1);
	ck_assert_str_eq(find("programs of a kind that is not known")->where, "unheard/of");
}
END_TEST

START_TEST(maps_need_their_type_and_flags)
{
	struct map *map = object_add_map(&obj, "counts");

	map->type = BPF_MAP_TYPE_PERCPU_HASH;
	map->flags = BPF_F_NO_PREALLOC | BPF_F_MMAPABLE;
	map = object_add_map(&obj, "new");
	map->type = 99;
	survey();
	expect("map type percpu_hash", LINUX(4, 6), 1);
	expect("map flag no_prealloc", LINUX(4, 6), 1);
	expect("map flag mmapable", LINUX(5, 5), 1);
	expect("map type 99: not known", 0, 1);
}
END_TEST

START_TEST(data_sections_are_global_variables)
{
	object_add_map(&obj, ".rodata")->role = MAP_RODATA;
	object_add_map(&obj, ".bss")->role = MAP_BSS;
	survey();
	ck_assert_uint_eq(needs.at.len, 1);
	expect("global variables", LINUX(5, 2), 2);
	ck_assert_str_eq(needs.at.at[0].where, ".rodata, .bss");
}
END_TEST

START_TEST(newest_comes_first)
{
	const struct bpf_insn code[] = {
		INSN_CALL(BPF_FUNC_map_lookup_elem),
		INSN_CALL(BPF_FUNC_probe_read_kernel),
		INSN_EXIT(),
	};

	add_program("p", "tp/a/b", code, 3);
	survey();
	ck_assert_uint_eq(needs.at.len, 3);
	for (size_t i = 1; i < needs.at.len; i++)
		ck_assert_uint_ge(needs.at.at[i - 1].release, needs.at.at[i].release);
}
END_TEST

START_TEST(long_lists_of_names_end_in_dots)
{
	static const char name[] = "a_program_of_a_rather_long_name";
	const struct bpf_insn code[] = { INSN_EXIT() };
	const char *where;

	for (int i = 0; i < 10; i++)
		add_program(name, "tp/a/b", code, 1);
	survey();
	where = find("program type tracepoint")->where;
	ck_assert_str_eq(where + strlen(where) - 5, ", ...");
	ck_assert_uint_eq(find("program type tracepoint")->count, 10);
}
END_TEST

START_TEST(map_flags_have_names)
{
	char buf[64];
	struct strbuf all = STRBUF(buf);

	needs_map_flags(&all, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG | 1u << 31);
	ck_assert_str_eq(buf, "no_prealloc|rdonly_prog|0x80000000");
}
END_TEST

Suite *needs_suite(void)
{
	Suite *s = suite_create("needs");
	TCase *tc = tcase_create("needs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, instruction_tells_the_instruction_set, 0,
			    sizeof(instructions) / sizeof(instructions[0]));
	tcase_add_test(tc, second_half_of_a_constant_is_no_instruction);
	tcase_add_test(tc, jump_back_to_another_branch_is_no_loop);
	tcase_add_test(tc, jump_back_to_where_it_came_from_is_a_loop);
	tcase_add_test(tc, long_program_needs_a_kernel_that_takes_it);
	tcase_add_test(tc, calls_are_counted_by_helper);
	tcase_add_test(tc, calls_of_functions_are_told_apart);
	tcase_add_test(tc, function_counts_once_however_often_it_is_copied);
	tcase_add_test(tc, ring_buffer_has_something_instead);
	tcase_add_test(tc, what_is_lowered_has_something_instead);
	tcase_add_test(tc, programs_attached_by_type_have_others_instead);
	tcase_add_test(tc, programs_are_told_by_type_and_place);
	tcase_add_test(tc, maps_need_their_type_and_flags);
	tcase_add_test(tc, data_sections_are_global_variables);
	tcase_add_test(tc, newest_comes_first);
	tcase_add_test(tc, long_lists_of_names_end_in_dots);
	tcase_add_test(tc, map_flags_have_names);
	suite_add_tcase(s, tc);
	return s;
}
