// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_random.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(section, ...) add_program(section, INSNS(__VA_ARGS__))

enum { map_lookup_elem = 1, map_update_elem = 2, map_delete_elem = 3, probe_read_kernel = 113,
       get_current_pid_tgid = 14, get_current_task = 35 };

static void lacks(enum cap cap)
{
	caps.at[cap] = (struct cap_answer){ CAP_NO, EINVAL };
}

static void has(enum cap cap)
{
	caps.at[cap] = (struct cap_answer){ CAP_YES, 0 };
}

/* A kernel of x86-64 that attaches nothing by type, until told otherwise. */
static void setup(void)
{
	lowering_setup(lower_tracing, "tracing");
	strcpy(caps.machine, "x86_64");
	lacks(CAP_TRACING);
	lacks(CAP_TRAMPOLINE);
	has(CAP_RAW_TRACEPOINT);
}

static void expect_kind(const struct program *prog, const char *kind, const char *target)
{
	ck_assert_str_eq(prog->kind->name, kind);
	ck_assert_str_eq(prog->target, target);
}

#define NO_TYPES "this kernel has no tracepoints with types (tp_btf) (EINVAL; since Linux 5.5)"
#define NO_FUNCTIONS "this kernel has no fentry and fexit (EINVAL; since Linux 5.5)"
#define NO_RAW "this kernel has no raw tracepoints (EINVAL; since Linux 4.17)"

/* ---- what stays ---- */

START_TEST(what_the_kernel_has_or_may_have_stays)
{
	static const char *const sections[] = { "tp_btf/x", "fentry/f", "fexit/f", "fmod_ret/f",
						"iter/task", "raw_tp/x" };

	for (int i = 0; i < 2; i++) {
		caps.at[CAP_TRACING].answer = caps.at[CAP_TRAMPOLINE].answer =
			caps.at[CAP_RAW_TRACEPOINT].answer = i ? CAP_YES : CAP_UNKNOWN;
		for (size_t n = 0; n < COUNT(sections); n++) {
			struct program *prog = PROGRAM(sections[n], INSN_LOAD(BPF_DW, 1, 1, 0),
						       INSN_LOAD(BPF_DW, 1, 1, 0), INSN_EXIT());

			lower_it();
			EXPECT(prog, INSN_LOAD(BPF_DW, 1, 1, 0), INSN_LOAD(BPF_DW, 1, 1, 0),
			       INSN_EXIT());
			ck_assert_ptr_eq(prog->kind, section_kind(sections[n]));
		}
	}
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

START_TEST(programs_that_are_not_loaded_stay)
{
	struct program *prog = PROGRAM("fmod_ret/f", INSN_EXIT());

	prog->autoload = false;
	lower_it();
	expect_kind(prog, "fmod_ret/", "f");
}
END_TEST

/* Trampolines are the architecture's business, tp_btf needs none. */
START_TEST(without_trampolines_typed_tracepoints_stay)
{
	struct program *point, *iter, *function;

	has(CAP_TRACING);
	point = PROGRAM("tp_btf/x", INSN_EXIT());
	iter = PROGRAM("iter/task", INSN_EXIT());
	function = PROGRAM("fentry.s/f", INSN_EXIT());
	point = &obj.programs.at[0], iter = &obj.programs.at[1];
	lower_it();
	expect_kind(point, "tp_btf/", "x");
	expect_kind(iter, "iter/", "task");
	expect_kind(function, "kprobe/", "f");
	ck_assert_uint_eq(plan.steps.len, 1);
	expect_step(0, "becomes a program on kprobe/f, the arguments from the registers",
		    NO_FUNCTIONS);
}
END_TEST

/* ---- tracepoints ---- */

START_TEST(typed_tracepoints_become_raw_ones_with_the_same_context)
{
	struct program *prog = PROGRAM("tp_btf/sched_switch", INSN_LOAD(BPF_DW, 3, 1, 8),
				       INSN_LOAD(BPF_W, 0, 3, 16), INSN_EXIT());

	lower_it();
	expect_kind(prog, "raw_tp/", "sched_switch");
	EXPECT(prog, INSN_LOAD(BPF_DW, 3, 1, 8), INSN_ADD_IMM(3, 16),
	       INSN_STORE_IMM(BPF_DW, 10, -8, 0), INSN_MOV(1, 10), INSN_ADD_IMM(1, -8),
	       INSN_MOV_IMM(2, 4), INSN_CALL(probe_read_kernel), INSN_LOAD(BPF_W, 0, 10, -8),
	       INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 2);
	expect_step(0, "1 read through pointers into the kernel: instead bpf_probe_read_kernel()",
		    NO_TYPES);
	expect_step(1, "becomes a program on raw_tp/sched_switch", NO_TYPES);
}
END_TEST

START_TEST(without_raw_tracepoints_the_record_is_read)
{
	struct program *prog = PROGRAM("tp_btf/signal_generate", INSN_LOAD(BPF_DW, 2, 1, 0),
				       INSN_LOAD(BPF_W, 3, 1, 32), INSN_LOAD(BPF_H, 4, 1, 24),
				       INSN_LOAD(BPF_W, 5, 1, 36), INSN_EXIT());

	lacks(CAP_RAW_TRACEPOINT);
	lower_it();
	expect_kind(prog, "tracepoint/", "signal/signal_generate");
	EXPECT(prog, INSN_LOAD(BPF_W, 2, 1, 8), INSN_LOAD(BPF_W, 3, 1, 44),
	       INSN_LOAD(BPF_H, 4, 1, 40), INSN_MOV_IMM(5, 0), INSN_EXIT());
	expect_step(0, "becomes a program on tracepoint/signal/signal_generate, the arguments from its "
		    "record", NO_RAW);
}
END_TEST

START_TEST(raw_tracepoints_become_tracepoints_too)
{
	struct program *prog = PROGRAM("raw_tracepoint/sys_exit", INSN_LOAD(BPF_DW, 2, 1, 8),
				       INSN_EXIT());

	lacks(CAP_RAW_TRACEPOINT);
	lower_it();
	expect_kind(prog, "tracepoint/", "raw_syscalls/sys_exit");
	EXPECT(prog, INSN_LOAD(BPF_DW, 2, 1, 16), INSN_EXIT());
}
END_TEST

/* A long of a machine of 32 bits is behind another one of 4 bytes. */
START_TEST(fields_are_as_wide_as_the_machine_has_them)
{
	struct program *prog = PROGRAM("raw_tp/sys_exit", INSN_LOAD(BPF_DW, 2, 1, 8), INSN_EXIT());

	strcpy(caps.machine, "armv7l");
	lacks(CAP_RAW_TRACEPOINT);
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 2, 1, 12), INSN_EXIT());
}
END_TEST

START_TEST(the_task_that_runs_need_not_be_in_the_record)
{
	struct program *prog = PROGRAM("raw_tp/sched_process_exec", INSN_LOAD(BPF_DW, 6, 1, 0),
				       INSN_LOAD(BPF_DW, 7, 1, 8), INSN_EXIT());

	lacks(CAP_RAW_TRACEPOINT);
	lower_it();
	EXPECT(prog, INSN_STORE(BPF_DW, 10, -8, 1), INSN_CALL(get_current_task),
	       INSN_STORE(BPF_DW, 10, -16, 0), INSN_LOAD(BPF_DW, 1, 10, -8),
	       INSN_LOAD(BPF_DW, 6, 10, -16), INSN_LOAD(BPF_W, 7, 1, 16), INSN_EXIT());
}
END_TEST

START_TEST(an_argument_that_no_record_has_is_refused)
{
	PROGRAM("tp_btf/signal_generate", INSN_LOAD(BPF_DW, 2, 1, 16), INSN_EXIT());
	lacks(CAP_RAW_TRACEPOINT);
	expect_refused("o: program 'p': instruction 0: argument 3 of signal_generate, which is not in the "
		       "tracepoint's record: " NO_RAW,
		       "write a program for SEC(\"tracepoint/CATEGORY/EVENT\"), which reads the record");
}
END_TEST

START_TEST(a_tracepoint_that_is_not_known_is_refused)
{
	PROGRAM("raw_tp/writeback_start", INSN_EXIT());
	lacks(CAP_RAW_TRACEPOINT);
	expect_refused("o: program 'p': instruction 0: raw tracepoint 'writeback_start': " NO_RAW,
		       "write a program for SEC(\"tracepoint/CATEGORY/writeback_start\"), which reads the "
		       "record");
}
END_TEST

/* ---- functions ---- */

/* The example in the head of compat/lower_tracing.c. */
START_TEST(arguments_come_from_the_registers)
{
	struct program *prog = PROGRAM("fentry/security_file_open", INSN_LOAD(BPF_DW, 1, 1, 0),
				       INSN_LOAD(BPF_W, 1, 1, 20), INSN_MOV(0, 1), INSN_EXIT());

	lower_it();
	expect_kind(prog, "kprobe/", "security_file_open");
	EXPECT(prog, INSN_LOAD(BPF_DW, 1, 1, 112), INSN_MOV(3, 1), INSN_ADD_IMM(3, 20),
	       INSN_STORE_IMM(BPF_DW, 10, -8, 0), INSN_MOV(1, 10), INSN_ADD_IMM(1, -8),
	       INSN_MOV_IMM(2, 4), INSN_CALL(probe_read_kernel), INSN_LOAD(BPF_W, 1, 10, -8),
	       INSN_MOV(0, 1), INSN_EXIT());
	expect_step(1, "becomes a program on kprobe/security_file_open, the arguments from the registers",
		    NO_FUNCTIONS);
}
END_TEST

/* Of the context where it was put by, and of parts of words. */
START_TEST(the_context_is_followed)
{
	struct program *prog = PROGRAM("fentry/f", INSN_STORE(BPF_DW, 10, -8, 1), INSN_MOV(6, 1),
				       INSN_LOAD(BPF_DW, 7, 10, -8), INSN_LOAD(BPF_W, 0, 7, 12),
				       INSN_LOAD(BPF_B, 2, 6, 17), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_STORE(BPF_DW, 10, -8, 1), INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 7, 10, -8),
	       INSN_LOAD(BPF_W, 0, 7, 108), INSN_LOAD(BPF_B, 2, 6, 97), INSN_EXIT());
}
END_TEST

START_TEST(registers_of_32_bits_are_the_lower_half)
{
	struct program *prog = PROGRAM("fentry/f", INSN_LOAD(BPF_DW, 2, 1, 8),
				       INSN_LOAD(BPF_W, 3, 1, 12), INSN_LOAD(BPF_W, 4, 2, 4),
				       INSN_EXIT());

	strcpy(caps.machine, "armv6l");
	lower_it();
	ck_assert(!memcmp(&prog->insns.at[0], &INSN_LOAD(BPF_W, 2, 1, 4), 8));
	ck_assert(!memcmp(&prog->insns.at[1], &INSN_MOV_IMM(3, 0), 8));
	ck_assert_str_eq(plan.steps.at[0].what,
			 "1 read through pointers into the kernel: instead bpf_probe_read_kernel()");
}
END_TEST

START_TEST(an_argument_in_no_register_is_refused)
{
	PROGRAM("fentry/f", INSN_LOAD(BPF_DW, 2, 1, 48), INSN_EXIT());
	expect_refused("o: program 'p': instruction 0: argument 7 of f, which is in no register: "
		       NO_FUNCTIONS,
		       "a kprobe tells the first arguments alone; take them from a function that it "
		       "calls");
}
END_TEST

START_TEST(on_a_machine_that_is_not_known_no_argument_is_in_a_register)
{
	strcpy(caps.machine, "alpha");
	PROGRAM("fentry/f", INSN_LOAD(BPF_DW, 2, 1, 0), INSN_EXIT());
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 0: argument 1 of f, which is in no "
			 "register: " NO_FUNCTIONS);
}
END_TEST

START_TEST(a_context_that_was_moved_is_refused)
{
	PROGRAM("fentry/f", INSN_ADD_IMM(1, 8), INSN_LOAD(BPF_DW, 2, 1, 0), INSN_EXIT());
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 1: read of the context through a "
			 "pointer that was added to: " NO_FUNCTIONS);
}
END_TEST

START_TEST(a_result_comes_from_its_register)
{
	struct program *prog = PROGRAM("fexit/f", INSN_LOAD(BPF_DW, 0, 1, 16), INSN_EXIT());

	prog->arguments = 1 + 2;
	lower_it();
	expect_kind(prog, "kretprobe/", "f");
	EXPECT(prog, INSN_LOAD(BPF_DW, 0, 1, 80), INSN_EXIT());
	ck_assert_uint_eq(obj.programs.len, 1);
	ck_assert_uint_eq(plan.steps.len, 1);
	expect_step(0, "becomes a program on kretprobe/f, the result from its register", NO_FUNCTIONS);
}
END_TEST

START_TEST(behind_the_result_there_is_nothing)
{
	struct program *prog = PROGRAM("fexit/f", INSN_LOAD(BPF_DW, 0, 1, 24), INSN_EXIT());

	prog->arguments = 1 + 2;
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 0: read of an argument that is not "
			 "there: " NO_FUNCTIONS);
}
END_TEST

/* The example in the head of compat/lower_tracing.c. */
START_TEST(arguments_at_the_end_are_put_by_at_the_start)
{
	struct program *entry, *prog = PROGRAM("fexit/f", INSN_LOAD(BPF_DW, 2, 1, 0),
					       INSN_LOAD(BPF_W, 0, 1, 8), INSN_EXIT());

	prog->arguments = 1 + 1;
	lower_it();
	ck_assert_uint_eq(obj.programs.len, 2);
	ck_assert_uint_eq(obj.maps.len, 1);
	prog = &obj.programs.at[0];
	entry = &obj.programs.at[1];
	expect_kind(prog, "kretprobe/", "f");
	expect_kind(entry, "kprobe/", "f");
	ck_assert(entry->autoload);
	ck_assert_str_eq(obj.maps.at[0].name, ".arguments.p");
	ck_assert_uint_eq(obj.maps.at[0].type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(obj.maps.at[0].value_size, 8);
	EXPECT(entry, INSN_LOAD(BPF_DW, 2, 1, 112), INSN_STORE(BPF_DW, 10, -16, 2),
	       INSN_CALL(get_current_pid_tgid), INSN_STORE(BPF_DW, 10, -8, 0), INSN_WIDE(1, 0),
	       INSN_MOV(2, 10), INSN_ADD_IMM(2, -8), INSN_MOV(3, 10), INSN_ADD_IMM(3, -16),
	       INSN_MOV_IMM(4, 0), INSN_CALL(map_update_elem), INSN_MOV_IMM(0, 0), INSN_EXIT());
	EXPECT(prog, INSN_STORE(BPF_DW, 10, -8, 1), INSN_CALL(get_current_pid_tgid),
	       INSN_STORE(BPF_DW, 10, -16, 0), INSN_WIDE(1, 0), INSN_MOV(2, 10),
	       INSN_ADD_IMM(2, -16), INSN_CALL(map_lookup_elem), INSN_JUMP_IMM(BPF_JNE, 0, 0, 2),
	       INSN_MOV_IMM(0, 0), INSN_EXIT(), INSN_LOAD(BPF_DW, 1, 0, 0),
	       INSN_STORE(BPF_DW, 10, -24, 1), INSN_WIDE(1, 0), INSN_MOV(2, 10),
	       INSN_ADD_IMM(2, -16), INSN_CALL(map_delete_elem), INSN_LOAD(BPF_DW, 1, 10, -8),
	       INSN_LOAD(BPF_DW, 2, 10, -24), INSN_LOAD(BPF_W, 0, 1, 80), INSN_EXIT());
	expect_step(0, "one more program on kprobe/f puts the arguments by; of calls within calls in one "
		    "thread only the innermost is told of", NO_FUNCTIONS);
}
END_TEST

START_TEST(inlining_does_not_forget_how_many_arguments_there_are)
{
	struct program *prog = PROGRAM("fexit/f", INSN_LOAD(BPF_DW, 1, 1, 8),
				       INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1),
				       INSN_EXIT(), INSN_MOV(0, 1), INSN_EXIT());

	*vec_push(&prog->funcs) = (struct func){ 3, 0, "leaf" };
	prog->arguments = 1 + 1;
	lower_it();
	expect_kind(prog, "kretprobe/", "f");
	ck_assert(!memcmp(&prog->insns.at[0], &INSN_LOAD(BPF_DW, 1, 1, 80), 8));
}
END_TEST

START_TEST(without_the_functions_type_a_result_is_not_known)
{
	PROGRAM("fexit/f", INSN_LOAD(BPF_DW, 2, 1, 0), INSN_EXIT());
	expect_refused("o: program 'p': instruction 0: of a function's context, which of it is the result "
		       "cannot be told without the function's type: " NO_FUNCTIONS,
		       "give the kernel's types (--btf FILE), or write a program for "
		       "SEC(\"kretprobe/f\")");
}
END_TEST

START_TEST(tracepoints_of_system_calls_are_refused_where_no_program_can_be_on_them)
{
	PROGRAM("tracepoint/syscalls/sys_enter_kill", INSN_EXIT());
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), 0);
	lacks(CAP_SYSCALL_EVENTS);
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 0: a program on one system call's "
			 "tracepoint: this kernel has no programs on tracepoints of system calls (EINVAL; "
			 "since Linux 4.14)");
	ck_assert_str_eq(err.hint, "raw_syscalls/sys_enter and sys_exit take one, for all calls: compare the "
			 "id in their context");
}
END_TEST

START_TEST(security_programs_need_trampolines_too)
{
	PROGRAM("lsm/task_kill", INSN_EXIT());
	expect_refused("o: program 'p': instruction 0: a program that decides in place of a security "
		       "module: " NO_FUNCTIONS,
		       "a kprobe program on the function security_NAME() sees what is asked for, and cannot "
		       "forbid it");
	caps.programs[BPF_PROG_TYPE_LSM] = (struct cap_answer){ CAP_NO, EINVAL };
	ck_assert_int_eq(lower_tracing(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 0: a program that decides in place of a "
			 "security module: this kernel has no programs of type lsm (EINVAL; since Linux "
			 "5.7)");
}
END_TEST

START_TEST(what_only_trampolines_do_is_refused)
{
	static const struct {
		const char *section, *what, *hint;
	} cases[] = {
		{ "fmod_ret/f", "a program that changes what a function returns",
		  "bpf_override_return() in a kprobe program does it since Linux 4.16, where the kernel is "
		  "built with CONFIG_BPF_KPROBE_OVERRIDE and the function lets it" },
		{ "fsession/f", "a program on both ends of a function",
		  "write one for fentry/ and one for fexit/" },
		{ "fentry.multi/f", "a program on several functions",
		  "write one for fentry/ of each function" },
		{ "iter/task", "a program that goes over what the kernel has",
		  "read /proc in user space instead" },
	};
	char message[256];

	PROGRAM(cases[_i].section, INSN_EXIT());
	snprintf(message, sizeof(message), "o: program 'p': instruction 0: %s: %s", cases[_i].what,
		 strcmp(cases[_i].section, "iter/task") ? NO_FUNCTIONS : NO_TYPES);
	expect_refused(message, cases[_i].hint);
}
END_TEST

/* ---- what it does ---- */

struct world {
	uint8_t memory[64];
	uint64_t seen;
};

static uint64_t help(struct run *run, int32_t id, const uint64_t args[5])
{
	struct world *w = run->ctx;
	uint64_t start = (uintptr_t)w->memory;

	if (id == probe_read_kernel) {
		memset((void *)(uintptr_t)args[0], 0, args[1]);
		if (args[2] < start || args[2] + args[1] > start + sizeof(w->memory))
			return -EFAULT;
		memcpy((void *)(uintptr_t)args[0], (void *)(uintptr_t)args[2], args[1]);
		return 0;
	}
	ck_assert_int_eq(id, get_current_pid_tgid);
	w->seen = w->seen * 31 + args[0];
	return args[0] + 1;
}

/* The memory may be read by loads before it was lowered, and by the helper alone behind. */
static uint64_t run(const struct program *prog, struct world *w, uint64_t context[4], bool lowered)
{
	struct run r = { .prog = prog, .ctx = w, .helper = help, .budget = 100000 };

	run_allow(&r, context, 32);
	if (!lowered)
		run_allow(&r, w->memory, sizeof(w->memory));
	ck_assert_int_eq(run_program(&r, (uintptr_t)context), RUN_EXIT);
	return r.result;
}

static void put(struct program *prog, struct bpf_insn insn)
{
	*vec_push(&prog->insns) = insn;
}

/*
 * Random code on r0 and r2 to r5, all set, with r6 the memory and r7 the context, among it reads
 * through r6, copies of it and sums, and calls that tell what they are given.
 */
static struct program *random_reads(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	struct program *prog = PROGRAM("tp_btf/x", INSN_MOV(7, 1), INSN_LOAD(BPF_DW, 6, 1, 0));

	for (int reg = 0; reg <= 5; reg++)
		put(prog, INSN_MOV_IMM(reg, random_constant()));
	for (int i = 0; i < 60; i++) {
		uint8_t reg = random_below(6), other = random_below(6);
		uint8_t size = random_below(4), off = 8 * random_below(4);

		switch (random_below(7)) {
		case 0:
			put(prog, INSN_LOAD(sizes[size], reg, 6, off));
			break;
		case 1:
			put(prog, INSN_MOV(reg, 6));
			put(prog, INSN_ADD_IMM(reg, off));
			put(prog, INSN_LOAD(sizes[size], other, reg, off));
			put(prog, INSN_MOV_IMM(reg, off));
			break;
		case 2:
			put(prog, INSN_STORE(BPF_DW, 10, -8, 6));
			put(prog, INSN_LOAD(BPF_DW, reg, 10, -8));
			put(prog, INSN_LOAD(sizes[size], reg, reg, 8));
			break;
		case 3:
			put(prog, INSN(BPF_ALU64 | BPF_XOR | BPF_X, reg, other, 0, 0));
			break;
		case 4:
			put(prog, INSN_JUMP_IMM(BPF_JGT, reg, random_constant(), 1));
			put(prog, INSN(BPF_ALU64 | BPF_ADD | BPF_K, other, 0, 0, random_constant()));
			break;
		case 5:
			put(prog, INSN_MOV(1, reg));
			put(prog, INSN_CALL(get_current_pid_tgid));
			for (int r = 1; r <= 5; r++)
				put(prog, INSN_MOV_IMM(r, random_constant()));
			break;
		case 6:
			put(prog, INSN_LOAD(sizes[size], reg, 7, off));
			break;
		}
	}
	for (int reg = 1; reg <= 5; reg++)
		put(prog, INSN(BPF_ALU64 | BPF_XOR | BPF_X, 0, reg, 0, 0));
	put(prog, INSN_EXIT());
	return prog;
}

START_TEST(random_programs_read_the_same)
{
	struct world a, b;
	uint64_t context[4];

	random_seed(_i);
	for (int round = 0; round < 20; round++) {
		size_t at = obj.programs.len;

		random_reads();
		random_copy(&obj, at);
		lower_it();
		obj.programs.at[at].autoload = false;
		for (int input = 0; input < 5; input++) {
			memset(&a, 0, sizeof(a));
			for (size_t i = 0; i < sizeof(a.memory); i++)
				a.memory[i] = random_word();
			for (int i = 1; i < 4; i++)
				context[i] = random_word();
			b = a;
			context[0] = (uintptr_t)b.memory;
			ck_assert_int_eq(obj.programs.at[at].kind->type,
					 BPF_PROG_TYPE_RAW_TRACEPOINT);
			uint64_t lowered = run(&obj.programs.at[at], &b, context, true);

			/* The same addresses for both, as they may be in the result. */
			struct world saved = b;

			b = a;
			ck_assert_uint_eq(run(&obj.programs.at[at + 1], &b, context, false), lowered);
			ck_assert_uint_eq(b.seen, saved.seen);
		}
	}
}
END_TEST

START_TEST(a_read_that_fails_gives_0)
{
	struct world w = { 0 };
	uint64_t context[4] = { 0x10 };
	struct program *prog = PROGRAM("tp_btf/x", INSN_LOAD(BPF_DW, 2, 1, 0),
				       INSN_LOAD(BPF_DW, 0, 2, 0), INSN_EXIT());

	lower_it();
	ck_assert_uint_eq(run(prog, &w, context, true), 0);
}
END_TEST

START_TEST(functions_are_inlined_to_follow_pointers_into_them)
{
	struct program *prog = PROGRAM("tp_btf/x", INSN_LOAD(BPF_DW, 1, 1, 0),
				       INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1),
				       INSN_EXIT(), INSN_LOAD(BPF_W, 0, 1, 4), INSN_EXIT());
	struct world w = { .memory = { [4] = 9 } };
	uint64_t context[4] = { (uintptr_t)w.memory };

	*vec_push(&prog->funcs) = (struct func){ 3, 0, "leaf" };
	lower_it();
	ck_assert_uint_eq(prog->funcs.len, 1);
	ck_assert_uint_eq(run(prog, &w, context, true), 9);
}
END_TEST

START_TEST(a_full_stack_is_refused)
{
	PROGRAM("tp_btf/x", INSN_STORE_IMM(BPF_DW, 10, -512, 0), INSN_LOAD(BPF_DW, 1, 1, 0),
		INSN_LOAD(BPF_DW, 0, 1, 0), INSN_EXIT());
	expect_refused("o: program 'p': instruction 2: no room is left on the stack to read what a pointer "
		       "leads to: " NO_TYPES,
		       "the program uses 512 of 512 bytes of stack; put large variables into a per-CPU "
		       "map");
}
END_TEST

Suite *lower_tracing_suite(void);
Suite *lower_tracing_suite(void)
{
	Suite *s = suite_create("lower_tracing");
	TCase *c = tcase_create("lower_tracing");

	tcase_add_checked_fixture(c, setup, lowering_teardown);
	tcase_add_test(c, what_the_kernel_has_or_may_have_stays);
	tcase_add_test(c, programs_that_are_not_loaded_stay);
	tcase_add_test(c, without_trampolines_typed_tracepoints_stay);
	tcase_add_test(c, typed_tracepoints_become_raw_ones_with_the_same_context);
	tcase_add_test(c, without_raw_tracepoints_the_record_is_read);
	tcase_add_test(c, raw_tracepoints_become_tracepoints_too);
	tcase_add_test(c, fields_are_as_wide_as_the_machine_has_them);
	tcase_add_test(c, the_task_that_runs_need_not_be_in_the_record);
	tcase_add_test(c, an_argument_that_no_record_has_is_refused);
	tcase_add_test(c, a_tracepoint_that_is_not_known_is_refused);
	tcase_add_test(c, arguments_come_from_the_registers);
	tcase_add_test(c, the_context_is_followed);
	tcase_add_test(c, registers_of_32_bits_are_the_lower_half);
	tcase_add_test(c, an_argument_in_no_register_is_refused);
	tcase_add_test(c, on_a_machine_that_is_not_known_no_argument_is_in_a_register);
	tcase_add_test(c, a_context_that_was_moved_is_refused);
	tcase_add_test(c, a_result_comes_from_its_register);
	tcase_add_test(c, behind_the_result_there_is_nothing);
	tcase_add_test(c, arguments_at_the_end_are_put_by_at_the_start);
	tcase_add_test(c, inlining_does_not_forget_how_many_arguments_there_are);
	tcase_add_test(c, without_the_functions_type_a_result_is_not_known);
	tcase_add_test(c, tracepoints_of_system_calls_are_refused_where_no_program_can_be_on_them);
	tcase_add_test(c, security_programs_need_trampolines_too);
	tcase_add_loop_test(c, what_only_trampolines_do_is_refused, 0, 4);
	tcase_add_loop_test(c, random_programs_read_the_same, 0, 20);
	tcase_add_test(c, a_read_that_fails_gives_0);
	tcase_add_test(c, functions_are_inlined_to_follow_pointers_into_them);
	tcase_add_test(c, a_full_stack_is_refused);
	suite_add_tcase(s, c);
	return s;
}
