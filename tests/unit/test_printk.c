// SPDX-License-Identifier: GPL-2.0
/* Tags before formats, and lines as tracefs has them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/printk.h"
#include "loader/printk_parse.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

Suite *printk_suite(void);

enum { PRINTK = 6, VPRINTK = 177 };
static const char rodata[] = "pid %d\n\0second\0not a string: \x01";

static struct printk_tagging tagging;

static void setup(void)
{
	struct map *map;

	lowering_setup(NULL, "printk");
	tagging = (struct printk_tagging){ .tag = "TAG" };
	map = object_add_map(&obj, ".rodata");
	map->role = MAP_RODATA;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->value_size = sizeof(rodata);
	map->data = malloc(sizeof(rodata));
	memcpy(map->data, rodata, sizeof(rodata));
}

static void add_ref(struct program *prog, uint32_t insn, uint32_t offset)
{
	*vec_push(&prog->refs) = (struct ref){ insn, REF_VALUE, 0, offset };
}

static void tag_it(uint32_t calls, uint32_t untagged)
{
	ck_assert_msg(!printk_tag(&obj, &tagging, &err), "%s", err.message);
	ck_assert_uint_eq(tagging.calls, calls);
	ck_assert_uint_eq(tagging.untagged, untagged);
}

/* ---- what a program prints, run ---- */

static char printed[10][64];
static int printed_len;

static uint64_t value_of(struct run *run, const struct ref *ref)
{
	return (uintptr_t)obj.maps.at[ref->target].data + ref->offset;
}

static uint64_t helper(struct run *run, int32_t id, const uint64_t a[5])
{
	const char *format = (const char *)(uintptr_t)a[0];

	if (id != PRINTK && id != VPRINTK)
		return 0;
	ck_assert_uint_lt(a[1], sizeof(printed[0]));
	ck_assert_int_eq(format[a[1] - 1], 0);
	memcpy(printed[printed_len++], format, a[1]);
	ck_assert_uint_eq(a[2], 42);
	return 0;
}

static void run_with(struct program *prog, uint64_t r1)
{
	struct run run = { .prog = prog, .helper = helper, .value = value_of, .budget = 1000 };

	printed_len = 0;
	for (size_t i = 0; i < obj.maps.len; i++)
		run_allow(&run, obj.maps.at[i].data, obj.maps.at[i].value_size);
	ck_assert_int_eq(run_program(&run, r1), RUN_EXIT);
}

START_TEST(constant_format_gets_a_tag)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_WIDE(BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_2, 8), INSN_MOV_IMM(BPF_REG_3, 42),
		INSN_CALL(PRINTK), INSN_EXIT()));

	add_ref(prog, 0, 0);
	tag_it(1, 0);
	run_with(prog, 0);
	ck_assert_int_eq(printed_len, 1);
	ck_assert_str_eq(printed[0], "TAG|pid %d\n");
	ck_assert_str_eq(obj.maps.at[1].name, PRINTK_MAP);
	ck_assert_uint_eq(obj.maps.at[1].value_size, 12);
	ck_assert_uint_eq(obj.maps.at[1].flags, BPF_F_RDONLY_PROG);
}
END_TEST

START_TEST(format_on_the_stack_gets_a_tag)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_STORE_IMM(BPF_W, BPF_REG_10, -8, 0x64257830), /* "0x%d" */
		INSN_STORE_IMM(BPF_W, BPF_REG_10, -4, 0), INSN_MOV(BPF_REG_1, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_1, -8), INSN_MOV_IMM(BPF_REG_2, 5), INSN_MOV_IMM(BPF_REG_3, 42),
		INSN_CALL(VPRINTK), INSN_EXIT()));

	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		return;
	tag_it(1, 0);
	run_with(prog, 0);
	ck_assert_str_eq(printed[0], "TAG|0x%d");
}
END_TEST

/* if (r1) r1 = "second" else r1 = "pid %d\n", in several ways: one call for both. */
START_TEST(one_of_several_formats_gets_its_tag)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 4), INSN_WIDE(BPF_REG_6, 0),
		INSN_MOV_IMM(BPF_REG_2, 7), INSN_GOTO(3), INSN_WIDE(BPF_REG_6, 0),
		INSN_MOV_IMM(BPF_REG_2, 8), INSN_MOV(BPF_REG_1, BPF_REG_6),
		INSN_MOV_IMM(BPF_REG_3, 42), INSN_CALL(PRINTK), INSN_EXIT()));

	add_ref(prog, 1, 8);
	add_ref(prog, 5, 0);
	tag_it(1, 0);
	run_with(prog, 1);
	ck_assert_str_eq(printed[0], "TAG|second");
	run_with(prog, 0);
	ck_assert_str_eq(printed[0], "TAG|pid %d\n");
}
END_TEST

/* As a compiler makes it of a loop around. */
START_TEST(format_that_is_set_before_a_loop_is_found)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_MOV_IMM(BPF_REG_7, 2), INSN_WIDE(BPF_REG_6, 0),
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 2), INSN_WIDE(BPF_REG_6, 0),
		INSN_MOV(BPF_REG_1, BPF_REG_6), INSN_MOV_IMM(BPF_REG_2, 7),
		INSN_MOV_IMM(BPF_REG_3, 42), INSN_CALL(PRINTK), INSN_ADD_IMM(BPF_REG_7, -1),
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_7, 0, -6), INSN_EXIT()));

	add_ref(prog, 1, 0);
	add_ref(prog, 4, 8);
	tag_it(1, 0);
	run_with(prog, 1);
	ck_assert_int_eq(printed_len, 2);
	ck_assert_str_eq(printed[1], "TAG|second");
	run_with(prog, 0);
	ck_assert_str_eq(printed[1], "TAG|pid %d\n");
}
END_TEST

START_TEST(unknown_format_stays)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 2), INSN_WIDE(BPF_REG_1, 0),
		INSN_MOV_IMM(BPF_REG_2, 7), INSN_CALL(PRINTK), INSN_EXIT()));

	add_ref(prog, 1, 8);
	tag_it(1, 1);
	ck_assert_uint_eq(prog->insns.len, 6);
	ck_assert_uint_eq(obj.maps.len, 1);
}
END_TEST

START_TEST(programs_that_are_not_loaded_stay)
{
	struct program *prog = add_program("tracepoint/a/b", INSNS(
		INSN_WIDE(BPF_REG_1, 0), INSN_MOV_IMM(BPF_REG_2, 7), INSN_CALL(PRINTK), INSN_EXIT()));

	add_ref(prog, 0, 8);
	prog->autoload = false;
	tag_it(0, 0);
	ck_assert_uint_eq(prog->insns.len, 5);
}
END_TEST

/* ---- lines ---- */

static struct printk_parser parser;
static struct printk_line line;

static void parse(const char *text, const char *tag)
{
	parser = (struct printk_parser){ .at = text, .end = text + strlen(text), .tag = tag };
}

static void expect_line(const char *text)
{
	ck_assert(printk_parse(&parser, &line));
	ck_assert_uint_eq(line.len, strlen(text));
	ck_assert_mem_eq(line.text, text, line.len);
}

START_TEST(heads_of_all_kinds)
{
	parse("           <...>-1234    [001] ...21  100.123456: bpf_trace_printk: first\n"
	      " a name-12 [1] x-77      (     33) [015] d..31 7.000001: bpf_trace_printk: second: x\n"
	      "          cat-5    [000] d...   3.5: bpf_trace_printk: no time\n"
	      "          old-8    [002] d... 1.000000: : 0: other\n"
	      "          old-8    [002] d... 2.000000: 0: of 5.8\n"
	      "          old-8    [002] d... 2.000000: 0x00000001: of 4.9\n", NULL);
	expect_line("first");
	ck_assert_str_eq(line.comm, "<...>");
	ck_assert_int_eq(line.tid, 1234);
	ck_assert_uint_eq(line.cpu, 1);
	ck_assert_uint_eq(line.time, 100123456000);
	/* What has no head goes on. */
	expect_line("second: x\n          cat-5    [000] d...   3.5: bpf_trace_printk: no time");
	ck_assert_str_eq(line.comm, "a name-12 [1] x");
	ck_assert_int_eq(line.tid, 77);
	ck_assert_uint_eq(line.cpu, 15);
	expect_line("of 5.8");
	expect_line("of 4.9");
	ck_assert_int_eq(line.tid, 8);
	ck_assert(!printk_parse(&parser, &line));
}
END_TEST

#define HEAD "  x-1  [000] d.... 1.000001: bpf_trace_printk: "

START_TEST(lines_of_others_are_left_out)
{
	parse(HEAD "other\nmore of it\n" HEAD "TAG|mine\n\n" HEAD "TAX|x\n" HEAD "TAG|a\nb\n"
	      HEAD "TAG|\n" HEAD "TAG\n", "TAG");
	expect_line("mine");
	ck_assert(line.tagged);
	expect_line("a\nb");
	expect_line("");
	ck_assert(!printk_parse(&parser, &line));
}
END_TEST

START_TEST(shared_lines_are_all_given)
{
	parse(HEAD "other\n" HEAD "TAG|mine\n", "TAG");
	parser.shared = true;
	expect_line("other");
	ck_assert(!line.tagged);
	expect_line("mine");
	ck_assert(line.tagged);
}
END_TEST

START_TEST(lost_lines_are_counted)
{
	parse("CPU:1 [LOST 17 EVENTS]\n" HEAD "TAG|a\nCPU:0 [LOST 3 EVENTS]\nCPU:0 [LOST EVENTS]\n", "TAG");
	expect_line("a");
	ck_assert(!printk_parse(&parser, &line));
	ck_assert_uint_eq(parser.lost, 21);
}
END_TEST

START_TEST(tags_are_all_different)
{
	char a[PRINTK_TAG_SIZE], b[PRINTK_TAG_SIZE];

	printk_make_tag(a);
	printk_make_tag(b);
	ck_assert_uint_eq(strlen(a), PRINTK_TAG_SIZE - 1);
	ck_assert_uint_eq(strspn(a, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
			  PRINTK_TAG_SIZE - 1);
	ck_assert_str_ne(a, b);
}
END_TEST

Suite *printk_suite(void)
{
	Suite *s = suite_create("printk");
	TCase *tc = tcase_create("printk");

	tcase_add_checked_fixture(tc, setup, lowering_teardown);
	tcase_add_test(tc, constant_format_gets_a_tag);
	tcase_add_test(tc, format_on_the_stack_gets_a_tag);
	tcase_add_test(tc, one_of_several_formats_gets_its_tag);
	tcase_add_test(tc, format_that_is_set_before_a_loop_is_found);
	tcase_add_test(tc, unknown_format_stays);
	tcase_add_test(tc, programs_that_are_not_loaded_stay);
	tcase_add_test(tc, heads_of_all_kinds);
	tcase_add_test(tc, lines_of_others_are_left_out);
	tcase_add_test(tc, shared_lines_are_all_given);
	tcase_add_test(tc, lost_lines_are_counted);
	tcase_add_test(tc, tags_are_all_different);
	suite_add_tcase(s, tc);
	return s;
}
