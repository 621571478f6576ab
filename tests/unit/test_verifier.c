// SPDX-License-Identifier: GPL-2.0
/*
 * Verifier logs as kernels wrote them (tests/fixtures/verifier/), of the programs in bad.bpf.c; and
 * logs as nobody should write them.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "loader/object.h"
#include "loader/source.h"
#include "loader/verifier_log.h"
#include "loader/verifier_report.h"
#include "loader/verifier_words.h"

Suite *verifier_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FIXTURE_SOURCES SOURCE "/tests/fixtures"

static struct object obj;
static struct error err;
static char *source, *logs;

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, f), 0);
	ck_assert_msg(feof(f), "%s is larger than this test thinks", path);
	fclose(f);
	return text;
}

static void setup(void)
{
	FILE *f = fopen(FIXTURES "/bad.bpf.o", "rb");
	static char data[1 << 17];
	size_t size;

	ck_assert_ptr_nonnull(f);
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	ck_assert_msg(!object_init(&obj, "bad", data, size, &err), "%s", err.message);
	source = read_file(FIXTURE_SOURCES "/bad.bpf.c");
	logs = NULL;
	error_clear(&err);
}

static void teardown(void)
{
	object_fini(&obj);
	free(source);
	free(logs);
}

static const struct program *program(const char *name)
{
	const struct program *prog = object_program(&obj, name);

	ck_assert_msg(prog != NULL, "no program %s", name);
	return prog;
}

static void report(const char *name, const char *log, size_t len)
{
	ck_assert_int_eq(verifier_report(&err, log, len, 13, program(name), &obj.btf), -1);
	ck_assert_int_eq(err.code, ERROR_VERIFIER);
	ck_assert_int_eq(err.sys, 13);
}

static void report_text(const char *name, const char *log)
{
	report(name, log, strlen(log));
}

static void ck_has(const char *where, const char *what)
{
	ck_assert_msg(strstr(where, what) != NULL, "'%s' not in:\n%s\n%s", what, err.message, where);
}

/* ---- what kernels wrote ---- */

static const char *const kernels[] = {
	"5.10", "5.10-level2", "6.1", "6.12", "6.18", "7.2-level2", "7.3",
};

/* What must be said of each program; of the marked line the code, "": nothing is marked. */
static const struct refusal {
	const char *program, *line, *meaning, *state;
	int insn;
} refusals[] = {
	{ "null_value", "r0 = *(u32 *)(r0 + 0)", "r0 comes from a map lookup and is NULL",
	  "r0: a pointer to a map's value of 4 bytes, or NULL (from line 48)", 7 },
	{ "beyond_value", "r0 = *(u64 *)(r0 + 4096)",
	  "8 bytes at offset 4096 of a map's value, and a value is 4 bytes",
	  "r0: a pointer to a map's value of 4 bytes (from line 60)", 8 },
	{ "unbounded_index", "r0 = *(u8 *)(r0 + 0)", "an index that has no upper bound",
	  "r0: a pointer to a map's value of 4 bytes, moved on by up to ", 10 },
	{ "negative_index", "r0 += r6", "a number that may be negative, or anything at all, is added",
	  "r6: a number, any at all (from line 83)", 9 },
	{ "unset_register", "r0 = r3", "r3 holds nothing here", NULL, 0 },
	{ "unset_result", "exit", "the program ends here without a result", NULL, 1 },
	{ "lost_register", "r0 = r2", "a call took it away", NULL, 2 },
	{ "unset_stack", "r0 = *(u64 *)(r10 - 8)", "nothing has written there", NULL, 0 },
	{ "unset_key", "call %[map_lookup_elem]", "such as a key with padding",
	  "r2: a pointer to the stack, fp-4 (from line 125)", 4 },
	{ "written_context", "*(u64 *)(r1 + 8) = r0", "writes 8 bytes at offset 8 of the context",
	  "r1: the program's context", 1 },
	{ "number_as_pointer", "r0 = *(u32 *)(r1 + 16)", "r1 is a number here, not a pointer",
	  "r1: a number, any at all (from line 147)", 1 },
	{ "beyond_packet", "r0 = *(u8 *)(r2 + 12)", "reads 1 byte at offset 12 of the packet",
	  "r2: a pointer into the packet (from line 154)", 1 },
	{ "unknown_helper", "call 9999", "helper number 9999", NULL, 0 },
	{ "forbidden_helper", "call %[skb_load_bytes]", "may not call helper bpf_skb_load_bytes", NULL,
	  4 },
	{ "gpl_helper", "call %[probe_read]", "bpf_probe_read() is for programs under a licence", NULL,
	  5 },
	{ "poisoned", "call 195896080", "what this kernel's types do not have", NULL, 1 },
	{ "endless_loop", "if r6 == 5 goto +1", "this loop comes round with nothing changed", NULL, 2 },
	{ "long_loop", "if r0 > r6 goto +1", "8193 jumps with both ways open",
	  "r0: the number 8193 (from line 208)", 3 },
	{ "million_steps", "", "for 1000001 steps and gave up", NULL, -1 },
	{ "kept_reference", "exit", "still holds what it got at instruction 4 (./tests/fixtures/bad.bpf.c:",
	  NULL, 6 },
	{ "misaligned_stack", "*(u64 *)(r10 - 12) = r0",
	  "8 bytes of the stack at an address that is not a multiple of 8", NULL, 1 },
	{ "result_out_of_range", "exit", "the program's result (R0 has ", "r0: the number 7", 1 },
	{ "beyond_stack", "*(u64 *)(r10 - 520) = r0", "writes 8 bytes at fp-520, and not all of them",
	  NULL, 1 },
	{ "stack_too_deep", "", "call one another, 2 deep, together take 8", NULL, -1 },
	{ "leaked_pointer", "exit", "r0 is an address of the kernel", "r0: a pointer to the stack, fp0", 1 },
	{ "written_constant", "*(u32 *)(r1 + 0) = r0", "it writes to a map that the program may only read",
	  "r1: a pointer to a map's value of 4 bytes", 3 },
	{ "unreachable", "r0 = 1", "no path leads to this instruction", NULL, 2 },
	{ "no_exit", "", "last instruction is not its end", NULL, -1 },
	{ "number_as_map", "call %[map_lookup_elem]",
	  "argument 1 of bpf_map_lookup_elem() is of the wrong kind: got a number, expected map_ptr",
	  "r1: the number 5", 3 },
	{ "number_as_key", "call %[map_lookup_elem]", "argument 2 of bpf_map_lookup_elem()",
	  "r2: the number 5", 3 },
	{ "negative_size", "call %[probe_read]",
	  "r2, a size handed to bpf_probe_read(), may be negative here", "r2: a number, any at all", 4 },
	{ "unbounded_size", "call %[probe_read]",
	  "r2, a size handed to bpf_probe_read(), has no upper bound", "r2: a number from 0 to ", 4 },
	{ "large_size", "call %[probe_read]", " 16 bytes ", "r2: the number 16", 4 },
	{ "sleeping_helper", "call %[copy_from_user]", "bpf_copy_from_user", NULL, 4 },
	{ "unknown_opcode", ".8byte 0xff", "does not know an instruction of the program (opcode 0xff)",
	  NULL, 1 },
	{ "division_by_zero", "r0 /= 0", "divides by the constant 0", "r0: the number 1", 1 },
	{ "wide_shift", "r0 <<= 64", "shifts by 64", NULL, 1 },
	{ "multiplied_pointer", "r1 *= 8", "r1 is a pointer, and to pointers numbers may only be added",
	  "r1: the program's context", 0 },
	{ "moved_context", "r1 += r2", "is added to a pointer (ctx)", "r2: a number, any at all", 1 },
	{ "written_frame_pointer", "r10 = 0", "it sets r10", NULL, 0 },
	{ "stack_by_variable", "r3 += r2", "is added to a pointer (fp)",
	  "r3: a pointer to the stack, fp0", 2 },
	{ "no_target", "", "the function to attach to", NULL, -1 },
};

static const struct refusal *refusal_of(const char *name)
{
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (!strcmp(refusals[i].program, name))
			return &refusals[i];
	ck_abort_msg("%s: not in the table", name);
	return NULL;
}

/* The line of bad.bpf.c with that number, into buf. */
static const char *source_line(unsigned int number, char buf[256])
{
	const char *at = source;

	while (--number)
		at = strchr(at, '\n') + 1;
	snprintf(buf, 256, "%.*s", (int)strcspn(at, "\n"), at);
	return buf;
}

/* The one line marked in the report is what stands in the source under its number. */
static void check_marked_line(const struct refusal *refusal)
{
	const char *mark = strstr(err.detail, "  > ");
	char line[256], shown[300], place[64];
	unsigned int number;

	if (!*refusal->line) {
		ck_assert_msg(!mark, "%s", err.detail);
		return;
	}
	ck_assert_msg(mark && !strstr(mark + 1, "\n  > "), "%s", err.detail);
	ck_assert_int_eq(sscanf(mark, "  > %u |", &number), 1);
	source_line(number, line);
	ck_has(line, refusal->line);
	snprintf(shown, sizeof(shown), "  > %5u | %s\n", number, line);
	ck_assert_msg(!strncmp(mark, shown, strlen(shown)), "%s\n%s", shown, mark);
	snprintf(place, sizeof(place), "bad.bpf.c:%u, in %s():\n", number, refusal->program);
	ck_has(err.detail, place);
}

static void check_refusal(const struct refusal *refusal, const char *log, size_t len, bool states)
{
	char insn[40];

	report(refusal->program, log, len);
	ck_has(err.message, ": the kernel refuses it: ");
	ck_has(err.message, refusal->meaning);
	check_marked_line(refusal);
	if (refusal->insn >= 0) {
		snprintf(insn, sizeof(insn), "  instruction %d", refusal->insn);
		ck_has(err.detail, insn);
	}
	if (refusal->state && states)
		ck_has(err.detail, refusal->state);
	ck_has(err.detail, "  the kernel: ");
	ck_assert_uint_gt(strlen(err.hint), 10);
}

/* "== NAME: result", the log, the next. */
static unsigned int check_logs(const char *kernel)
{
	bool states = strcmp(kernel, "5.10") != 0; /* level 1 says them only now and then */
	unsigned int refused = 0;
	char path[256], name[64];
	const char *at, *end;

	snprintf(path, sizeof(path), FIXTURE_SOURCES "/verifier/linux-%s.log", kernel);
	at = logs = read_file(path);
	for (; *at; at = end) {
		ck_assert_int_eq(sscanf(at, "== %63[^:]:", name), 1);
		at = strchr(at, '\n') + 1;
		end = strncmp(at, "== ", 3) ? strstr(at, "\n== ") : at - 1;
		end = end ? end + 1 : at + strlen(at);
		if (end == at)
			continue;
		check_refusal(refusal_of(name), at, end - at, states);
		refused++;
	}
	return refused;
}

START_TEST(every_refusal_of_every_kernel_is_explained)
{
	/* Newer kernels accept some; one has no log where a kernel is built without tracing. */
	ck_assert_uint_ge(check_logs(kernels[_i]), COUNT(refusals) - 4);
}
END_TEST

/* The end is lost before Linux 6.4, the beginning since. Wherever: nothing is read outside. */
START_TEST(logs_cut_off_anywhere_are_read)
{
	const char *names[] = { "unbounded_index", "kept_reference", "stack_too_deep" };
	char path[256], head[80];

	snprintf(path, sizeof(path), FIXTURE_SOURCES "/verifier/linux-%s.log", kernels[_i]);
	logs = read_file(path);
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *at, *end;
		size_t len;

		snprintf(head, sizeof(head), "== %s: ", names[i]);
		at = strstr(logs, head);
		ck_assert_ptr_nonnull(at);
		at = strchr(at, '\n') + 1;
		end = strstr(at, "\n== ");
		ck_assert_ptr_nonnull(end);
		len = end - at;
		for (size_t cut = 0; cut <= len; cut += 13) {
			char *copy = malloc(cut + 1);

			memcpy(copy, at, cut);
			report(names[i], copy, cut);
			memcpy(copy, at + len - cut, cut);
			report(names[i], copy, cut);
			free(copy);
		}
		report(names[i], at, len);
		ck_has(err.message, refusal_of(names[i])->meaning);
	}
}
END_TEST

/* ---- older and other dialects ---- */

START_TEST(logs_of_linux_4_9_are_read)
{
	report_text("null_value",
		    "0: (b7) r2 = 1\n"
		    "1: (63) *(u32 *)(r10 -4) = r2\n"
		    "2: (bf) r2 = r10\n"
		    "3: (07) r2 += -4\n"
		    "4: (18) r1 = 0x0\n"
		    "6: (85) call bpf_map_lookup_elem#1\n"
		    "7: R0=map_value_or_null(ks=4,vs=4,id=0) R10=fp fp-8=imm1\n"
		    "7: (61) r0 = *(u32 *)(r0 +0)\n"
		    "R0 invalid mem access 'map_value_or_null'\n");
	ck_has(err.message, "r0 comes from a map lookup");
	ck_has(err.detail, "r0: a pointer to a map's value of 4 bytes, or NULL (from line 48)");
	report_text("number_as_pointer",
		    "0: (79) r1 = *(u64 *)(r1 +8)\n"
		    "1: (61) r0 = *(u32 *)(r1 +16)\n"
		    "R1 invalid mem access 'inv'\n");
	ck_has(err.message, "r1 is a number here");
}
END_TEST

/* As 7.2 writes for RISC-V, where the compiler is off by default. */
START_TEST(what_the_machine_lacks_is_not_the_programs_fault)
{
	static const char log[] =
		"program requires BPF JIT compiler but it is not available\n"
		"processed 420 insns (limit 1000000) max_states_per_insn 1 total_states 26 peak_states 26 "
		"mark_read 0\n";

	ck_assert_int_eq(verifier_report(&err, log, strlen(log), EINVAL, program("null_value"), &obj.btf),
			 -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_has(err.message, "it takes the kernel's compiler of BPF programs (JIT), which is off");
	ck_assert_str_eq(err.hint, "switch it on: sysctl net.core.bpf_jit_enable=1");
	ck_assert_ptr_null(strstr(err.detail, "  > "));
}
END_TEST

START_TEST(another_path_takes_nothing_over)
{
	report_text("unbounded_index",
		    "0: (61) r6 = *(u32 *)(r1 +8)          ; R6_w=scalar(umax=7)\n"
		    "9: (0f) r0 += r6                      ; R0_w=map_value(ks=4,vs=4) R6_w=scalar(umax=7)\n"
		    "\n"
		    "from 8 to 10: R0=scalar(umin=3,umax=9) R10=fp0\n"
		    "10: (71) r0 = *(u8 *)(r0 +0)\n"
		    "R0 invalid mem access 'scalar'\n");
	ck_has(err.detail, "      r0: a number from 3 to 9\n");
	ck_assert(!strstr(err.detail, "from line"));
}
END_TEST

START_TEST(registers_before_a_gap_are_not_those_behind_it)
{
	report_text("million_steps", "1: (07) r0 += 1 ; R0_w=7\n2: (a5) if r0 < 0x989680 goto pc-2\n"
				     VERIFIER_LOG_CUT "\n"
				     "BPF program is too large. Processed 1000001 insn\n");
	ck_has(err.detail, "  instruction 2: if r0 < 0x989680 goto pc-2\n");
	ck_assert_msg(!strstr(err.detail, "r0: "), "%s", err.detail);
}
END_TEST

START_TEST(what_a_kernel_explains_itself_is_taken_where_we_know_nothing)
{
	report_text("unset_register",
		    "0: (bf) r0 = r3\n"
		    "some words that nobody foresaw\n"
		    "\n"
		    "Verification failed: Policy: Some words\n"
		    "\n"
		    "Reason:\n"
		    "  The kernel's reason, which it\n"
		    "  breaks into lines.\n"
		    "\n"
		    "At:\n"
		    "  unset_register @ bad.bpf.c:98:2\n"
		    "  Source context:\n"
		    "  >>> 98 |         ASM(\"r0 = r3\");\n"
		    "  Instruction context:\n"
		    "  >>> 1 | (95) exit\n"
		    "\n"
		    "Causal path:\n"
		    "  Instruction context:\n"
		    "  >>> 0 | (bf) r0 = r3\n"
		    "\n"
		    "Suggestion:\n"
		    "  Do it in\n"
		    "  another way.\n"
		    "\n"
		    "processed 1 insns (limit 1000000)\n");
	ck_has(err.message, "the kernel refuses it: The kernel's reason, which it breaks into lines");
	ck_assert_str_eq(err.hint, "Do it in another way");
	ck_has(err.detail, "  instruction 1: exit\n");
	ck_has(err.detail, "  the kernel: some words that nobody foresaw");
}
END_TEST

START_TEST(unforeseen_words_are_shown_as_they_are)
{
	report_text("unset_register", "0: (bf) r0 = r3\nsome words that nobody foresaw\n");
	ck_has(err.message, "program 'unset_register' (tracepoint/signal/signal_generate): the kernel "
			    "refuses it: Permission denied");
	ck_has(err.detail, "  the kernel: some words that nobody foresaw");
	ck_assert_str_eq(err.hint, "");
}
END_TEST

/* A field that the kernel at hand does not have, and code that reads it nevertheless. */
START_TEST(unresolved_relocation_is_named)
{
	struct program *prog = object_program(&obj, "poisoned");
	struct core_relo *relo = vec_push(&prog->relos);
	char what[256], words[320];

	relo->insn = 1;
	relo->type_id = prog->funcs.at[0].type_id;
	relo->kind = 8;
	core_describe(&obj.btf, relo, what, sizeof(what));
	snprintf(words, sizeof(words), "what this kernel's types do not have: %s", what);
	report_text("poisoned", "1: (85) call unknown#195896080\ninvalid func unknown#195896080\n");
	ck_has(err.message, words);
	ck_has(err.hint, "bpf_core_field_exists");
}
END_TEST

START_TEST(an_access_that_leaves_the_stack_is_told_from_one_of_unset_bytes)
{
	report_text("unset_stack", "0: (79) r0 = *(u64 *)(r10 -8)\n"
				   "invalid read from stack R10 off=-516 size=8\n");
	ck_has(err.message, "reads 8 bytes at fp-516, and not all of them lie on the stack");
	report_text("unset_stack", "0: (79) r0 = *(u64 *)(r10 -8)\n"
				   "invalid read from stack R10 off=-4 size=8\n");
	ck_has(err.message, "reads 8 bytes at fp-4, and not all of them lie on the stack");
	report_text("unset_stack", "0: (79) r0 = *(u64 *)(r10 -8)\n"
				   "invalid read from stack R10 off=-8 size=8\n");
	ck_has(err.message, "nothing has written there");
}
END_TEST

/* Only the way to it says which of the returns it is about. */
START_TEST(last_decision_on_the_path_is_shown)
{
	const char *decision = "  last decision on the way there, line 61: ASM(\"if r0 == 0 goto +1\");\n";

	report_text("beyond_value", "7: (15) if r0 == 0x0 goto pc+1 ; R0_w=map_value(ks=4,vs=4)\n"
				    "9: (95) exit\nR0 !read_ok\n");
	ck_has(err.detail, decision);
	report_text("beyond_value", "6: (85) call bpf_map_lookup_elem#1\n"
				    "from 7 to 9: R0_w=inv0 R10=fp0\n9: (95) exit\nR0 !read_ok\n");
	ck_has(err.detail, decision);
	report_text("beyond_value", "6: (85) call bpf_map_lookup_elem#1\n9: (95) exit\nR0 !read_ok\n");
	ck_assert(!strstr(err.detail, "decision"));
}
END_TEST

START_TEST(registers_are_put_into_words)
{
	static const struct {
		const char *state, *words;
	} cases[] = {
		{ "5", "the number 5" },
		{ "inv-7", "the number -7" },
		{ "invP0", "the number 0" },
		{ "P42", "the number 42" },
		{ "imm3", "the number 3" },
		{ "0xffffffff", "the number 0xffffffff" },
		{ "inv(id=0)", "a number, any at all" },
		{ "scalar()", "a number, any at all" },
		{ "Pscalar(umax=5)", "a number from 0 to 5" },
		{ "inv,min_value=0,max_value=3", "a number, any at all" },
		{ "inv(id=3,umin_value=2,umax_value=9,var_off=(0x0; 0xf))", "a number from 2 to 9" },
		{ "scalar(smin=smin32=0,smax=umax=umax32=7,var_off=(0x0; 0x7))", "a number from 0 to 7" },
		{ "scalar(id=1,smin=-5,smax=3)", "a number from -5 to 3" },
		{ "scalar(umin=1)", "a number, at least 1" },
		{ "scalar(smin=0x8000000000000000,smax=0x7ffffffffffffffc,umax=0xfffffffffffffffc)",
		  "a number, perhaps negative" },
		{ "scalar(smax=0x7ffffffffffffffc,umax=0xfffffffffffffffc)", "a number, perhaps negative" },
		{ "inv(id=0,smax_value=7)", "a number, perhaps negative, at most 7" },
		{ "inv(id=0,smin_value=-9223372036854775808,smax_value=9223372036854775804)",
		  "a number, perhaps negative" },
		{ "scalar(smin=-1,smax=30,umax=0xffffffffffffffff)", "a number from -1 to 30" },
		{ "ctx(id=0,off=0,imm=0)", "the program's context" },
		{ "ctx(off=8)", "the program's context, at offset 8" },
		{ "fp-16", "a pointer to the stack, fp-16" },
		{ "fp(off=-400,smin=smin32=0,smax=umax=504)",
		  "a pointer to the stack, fp, at offset -400, moved on by up to 504" },
		{ "map_ptr(ks=4,vs=8)", "a map" },
		{ "map_value(map=numbers,ks=4,vs=8,off=4)", "a pointer to a map's value of 8 bytes, at offset 4" },
		{ "map_value_or_null(id=1,off=0,ks=4,vs=4,imm=0)",
		  "a pointer to a map's value of 4 bytes, or NULL" },
		{ "ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=8)",
		  "a pointer to a record in the ring buffer of 8 bytes, or NULL" },
		{ "pkt(r=14)", "a pointer into the packet" },
		{ "trusted_ptr_task_struct()", "a trusted pointer to the kernel's struct task_struct" },
		{ "ptr_or_null_mm_struct(id=1)", "a pointer to the kernel's struct mm_struct, or NULL" },
		{ "untrusted_ptr_file()", "an untrusted pointer to the kernel's struct file" },
		{ "sock_common_or_null(id=1)", "a pointer of kind sock_common, or NULL" },
		{ "", "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char words[256];

		verifier_describe((struct piece){ cases[i].state, strlen(cases[i].state) }, words,
				  sizeof(words));
		ck_assert_str_eq(words, cases[i].words);
	}
}
END_TEST

/* ---- nobody should write such ---- */

START_TEST(hostile_logs_do_no_harm)
{
	static const char *const texts[] = {
		"", "\n", "\n\n\n", ":", "R", "R=", "R10", "R99999999999=1", "frame", "frame1", "frame1:",
		"from ", "from 1", "from 1 to 2", "0:", "0: ", "0: (", "0: ()", ">>> ", "At:\n", "At:\n  >>>",
		"At:\n  >>> 99999999999999999999 | (95) exit\n", "At:\n  >>> 7777 | (95) exit\n",
		"99999999999999999999: (95) exit\nunreachable insn 99999999999999999999\n",
		"7777777: (95) exit\nR0 !read_ok\n", "unreachable insn -1\n", "unreachable insn \n",
		"back-edge from insn 999999999 to 999999999\n", "0: R0=((((((((((\nR0 !read_ok\n",
		"0: R0=)))))(\n0: (95) exit\nR0 !read_ok\n", "0: R0=scalar(umax\n0: (95) exit\nR0 !read_ok\n",
		"0: R0=scalar(umax=\n0: (95) exit\nR0 !read_ok\n", "0: R0=umax=umax=umax=\nR0 !read_ok\n",
		"0: R0=scalar(=umax=====)\n0: (95) exit\nR0 !read_ok\n", "unknown opcode zzzzzzzzzz\n",
		"unknown opcode \n", "R0 type= expected=\n", "invalid func #\n", "invalid func unknown#\n",
		"invalid read from stack R10 off=-99999999999999 size=99999999999999999\n",
		"Verification failed:\nReason:\nAt:\nSuggestion:\n", "Reason:\n  \n  \n", "Suggestion:\n  ....\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		/* Of just its size, so that sanitizers see what is read behind it. */
		size_t len = strlen(texts[i]);
		char *copy = malloc(len + !len);

		memcpy(copy, texts[i], len);
		report("unset_result", copy, len);
		free(copy);
	}
}
END_TEST

START_TEST(lines_of_megabytes_are_cut)
{
	size_t len = 8 << 20;
	char *log = malloc(len);

	memset(log, 'x', len);
	report("unset_result", log, len);
	ck_has(err.detail, "xxx...");
	ck_assert_uint_lt(strlen(err.detail), 400);
	memset(log, '(', len);
	memcpy(log, "0: R0=", 6);
	report("unset_result", log, len);
	/* What a pattern with many holes would take long for. */
	memset(log, ' ', len);
	for (size_t i = 0; i + 30 < len; i += 30)
		memcpy(log + i, i ? ", off= size= , R*( off= size= " : "invalid access to packet, off=", 30);
	report("unset_result", log, len);
	ck_has(err.message, "of the packet");
	free(log);
}
END_TEST

START_TEST(control_characters_reach_no_terminal)
{
	static const char log[] = "0: (95) \033[2Jexit\nR0 \033]0;x\007 type=\033[1m expected=\0\n"
				  "R1 invalid mem access '\033[31m'\n";

	report("unset_result", log, sizeof(log) - 1);
	for (const char *texts[] = { err.message, err.detail, err.hint }, **t = texts; t < texts + 3; t++)
		for (const char *c = *t; *c; c++)
			ck_assert_msg((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t', "%s", *t);
	ck_has(err.message, "r1 is of a kind");
}
END_TEST

/* ---- source lines ---- */

START_TEST(source_is_found_by_instruction)
{
	struct source_place place, around[SOURCE_MAX];
	size_t at, n;

	ck_assert(source_find(&place, program("null_value"), &obj.btf, 5));
	ck_has(place.text, "r1 = %[numbers] ll"); /* the second half of instruction 4 */
	ck_assert_str_eq(place.function, "null_value");
	ck_assert(source_find(&place, program("stack_too_deep"), &obj.btf, 5));
	ck_assert_str_eq(place.function, "deep");
	n = source_around(around, &at, program("stack_too_deep"), &obj.btf, 3);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(at, 2);
	ck_assert_str_eq(around[at].function, "stack_too_deep");
	ck_has(around[0].text, "r10 - 400");
	ck_assert(!source_find(&place, program("null_value"), &obj.btf, -1));
	ck_assert(!source_find(&place, program("null_value"), &obj.btf, 9));
	ck_assert_uint_eq(source_around(around, &at, program("null_value"), &obj.btf, 1000000), 0);
}
END_TEST

START_TEST(object_without_lines_is_reported_without_source)
{
	object_program(&obj, "null_value")->lines.len = 0;
	report_text("null_value", "6: (85) call bpf_map_lookup_elem#1 ; R0=map_value_or_null(id=1)\n"
				  "7: (61) r0 = *(u32 *)(r0 +0)\n"
				  "R0 invalid mem access 'map_value_or_null'\n");
	ck_assert_str_eq(err.detail, "  instruction 7: r0 = *(u32 *)(r0 +0)\n"
				     "      r0: a pointer to a map's value, or NULL (from instruction 6)\n"
				     "  the kernel: R0 invalid mem access 'map_value_or_null'");
}
END_TEST

Suite *verifier_suite(void)
{
	Suite *s = suite_create("verifier");
	TCase *c = tcase_create("verifier");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, every_refusal_of_every_kernel_is_explained, 0, COUNT(kernels));
	tcase_add_loop_test(c, logs_cut_off_anywhere_are_read, 0, COUNT(kernels));
	tcase_add_test(c, logs_of_linux_4_9_are_read);
	tcase_add_test(c, another_path_takes_nothing_over);
	tcase_add_test(c, what_the_machine_lacks_is_not_the_programs_fault);
	tcase_add_test(c, registers_before_a_gap_are_not_those_behind_it);
	tcase_add_test(c, what_a_kernel_explains_itself_is_taken_where_we_know_nothing);
	tcase_add_test(c, unforeseen_words_are_shown_as_they_are);
	tcase_add_test(c, unresolved_relocation_is_named);
	tcase_add_test(c, an_access_that_leaves_the_stack_is_told_from_one_of_unset_bytes);
	tcase_add_test(c, last_decision_on_the_path_is_shown);
	tcase_add_test(c, registers_are_put_into_words);
	tcase_add_test(c, hostile_logs_do_no_harm);
	tcase_add_test(c, lines_of_megabytes_are_cut);
	tcase_add_test(c, control_characters_reach_no_terminal);
	tcase_add_test(c, source_is_found_by_instruction);
	tcase_add_test(c, object_without_lines_is_reported_without_source);
	suite_add_tcase(s, c);
	return s;
}
