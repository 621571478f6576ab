// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/bpf_random.h"
#include "tests/unit/bpf_run.h"
#include "tests/unit/lowering.h"

#define PROGRAM(...) add_program("kprobe/f", INSNS(__VA_ARGS__))

enum {
	probe_read = 4, ktime_get_ns = 5, get_current_pid_tgid = 14, get_current_task = 35,
	probe_read_str = 45, probe_read_user = 112, probe_read_kernel = 113,
	probe_read_user_str = 114, probe_read_kernel_str = 115, get_ns_current_pid_tgid = 120,
	ktime_get_boot_ns = 125, d_path = 147, get_current_task_btf = 158,
	ktime_get_coarse_ns = 160, bprm_opts_set = 159, get_func_ip = 173, get_attach_cookie = 174,
	strncmp_ = 182, ktime_get_tai_ns = 208,
};

static void answer(int32_t helper, enum answer answer)
{
	caps.helpers[BPF_PROG_TYPE_KPROBE][helper] =
		(struct cap_answer){ answer, answer == CAP_NO ? EINVAL : 0 };
}

/* A kernel that has no helper, until told otherwise. */
static void setup(void)
{
	lowering_setup(lower_helpers, "helpers");
	strcpy(caps.machine, "x86_64");
	caps.helpers[BPF_PROG_TYPE_KPROBE] = calloc(CAPS_HELPERS, sizeof(struct cap_answer));
	for (int helper = 0; helper < CAPS_HELPERS; helper++)
		answer(helper, CAP_NO);
}

/* ---- by a helper that takes the same arguments ---- */

START_TEST(a_helper_is_replaced_by_the_first_that_the_kernel_has)
{
	static const struct {
		int32_t from, to;
		const char *what, *why;
	} cases[] = {
		{ probe_read_kernel, probe_read,
		  "1 call of bpf_probe_read_kernel(): instead bpf_probe_read()",
		  "this kernel has no helper bpf_probe_read_kernel (EINVAL; since "
		  "Linux 5.5)" },
		{ probe_read_user, probe_read,
		  "1 call of bpf_probe_read_user(): instead bpf_probe_read()",
		  "this kernel has no helper bpf_probe_read_user (EINVAL; since "
		  "Linux 5.5)" },
		{ probe_read_kernel_str, probe_read_str,
		  "1 call of bpf_probe_read_kernel_str(): instead bpf_probe_read_str()",
		  "this kernel has no helper bpf_probe_read_kernel_str (EINVAL; "
		  "since Linux 5.5)" },
		{ probe_read_user_str, probe_read_str,
		  "1 call of bpf_probe_read_user_str(): instead bpf_probe_read_str()",
		  "this kernel has no helper bpf_probe_read_user_str (EINVAL; since "
		  "Linux 5.5)" },
		{ probe_read, probe_read_kernel,
		  "1 call of bpf_probe_read(): instead bpf_probe_read_kernel()",
		  "this kernel has no helper bpf_probe_read (EINVAL; since Linux "
		  "4.1)" },
		{ probe_read_str, probe_read_kernel_str,
		  "1 call of bpf_probe_read_str(): instead bpf_probe_read_kernel_str()",
		  "this kernel has no helper bpf_probe_read_str (EINVAL; since Linux "
		  "4.11)" },
		{ ktime_get_boot_ns, ktime_get_ns,
		  "1 call of bpf_ktime_get_boot_ns(): instead bpf_ktime_get_ns(), which does not count the "
		  "time that the machine slept",
		  "this kernel has no helper bpf_ktime_get_boot_ns (EINVAL; since "
		  "Linux 5.8)" },
		{ ktime_get_coarse_ns, ktime_get_ns,
		  "1 call of bpf_ktime_get_coarse_ns(): instead bpf_ktime_get_ns(), which is finer",
		  "this kernel has no helper bpf_ktime_get_coarse_ns (EINVAL; since "
		  "Linux 5.11)" },
	};
	struct program *prog = PROGRAM(INSN_CALL(cases[_i].from), INSN_EXIT());

	answer(cases[_i].to, CAP_YES);
	lower_it();
	EXPECT(prog, INSN_CALL(cases[_i].to), INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 1);
	expect_step(0, cases[_i].what, cases[_i].why);
}
END_TEST

START_TEST(calls_of_one_helper_are_one_step)
{
	struct program *prog = PROGRAM(INSN_CALL(probe_read_kernel), INSN_CALL(probe_read_kernel),
				       INSN_EXIT());

	answer(probe_read, CAP_YES);
	lower_it();
	EXPECT(prog, INSN_CALL(probe_read), INSN_CALL(probe_read), INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 1);
	ck_assert_str_eq(plan.steps.at[0].what,
			 "2 calls of bpf_probe_read_kernel(): instead bpf_probe_read()");
}
END_TEST

START_TEST(what_the_kernel_has_or_may_have_stays)
{
	struct program *prog = PROGRAM(INSN_CALL(probe_read_kernel), INSN_CALL(d_path), INSN_EXIT());

	answer(probe_read_kernel, CAP_YES);
	answer(d_path, CAP_UNKNOWN);
	lower_it();
	EXPECT(prog, INSN_CALL(probe_read_kernel), INSN_CALL(d_path), INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

START_TEST(programs_that_are_not_loaded_stay)
{
	struct program *prog = PROGRAM(INSN_CALL(d_path), INSN_EXIT());

	prog->autoload = false;
	lower_it();
	EXPECT(prog, INSN_CALL(d_path), INSN_EXIT());
}
END_TEST

/* Kprobe programs came with Linux 4.1, the helper too: the answer is known. */
START_TEST(helpers_as_old_as_the_kind_of_program_are_not_asked_for)
{
	PROGRAM(INSN_CALL(ktime_get_ns), INSN_EXIT());
	lower_it();
	ck_assert_uint_eq(plan.steps.len, 0);
}
END_TEST

/* ---- by code ---- */

START_TEST(a_cookie_is_a_number)
{
	struct program *prog = PROGRAM(INSN_CALL(get_attach_cookie), INSN_EXIT());

	prog->cookie = 0x123456789;
	lower_it();
	EXPECT(prog, INSN_WIDE(0, 0x123456789), INSN_EXIT());
	expect_step(0, "1 call of bpf_get_attach_cookie(): instead the number that the program is "
		    "attached with",
		    "this kernel has no helper bpf_get_attach_cookie (EINVAL; since "
		    "Linux 5.15)");
}
END_TEST

START_TEST(the_entry_of_a_function_is_where_the_program_counter_is)
{
	struct program *prog = PROGRAM(INSN_CALL(get_func_ip), INSN_EXIT());

	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, 0, 1, 128), INSN_ADD_IMM(0, -1), INSN_EXIT());
	strcpy(caps.machine, "aarch64");
	prog = PROGRAM(INSN_CALL(get_func_ip), INSN_EXIT());
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_DW, 0, 1, 256), INSN_EXIT());
	strcpy(caps.machine, "armv7l");
	prog = PROGRAM(INSN_CALL(get_func_ip), INSN_EXIT());
	lower_it();
	EXPECT(prog, INSN_LOAD(BPF_W, 0, 1, 60), INSN_EXIT());
}
END_TEST

START_TEST(no_entry_is_known_inside_of_functions_and_at_their_end)
{
	static const char *const sections[] = { "kretprobe/f", "kprobe/f+8", "uprobe/f" };
	struct program *prog = PROGRAM(INSN_CALL(get_func_ip), INSN_EXIT());

	prog->kind = section_kind(sections[_i]);
	prog->target = section_target(sections[_i]);
	expect_refused("o: program 'p': instruction 0: bpf_get_func_ip() can only be replaced given a "
		       "kprobe on a function's entry, on a machine whose breakpoints are known: this "
		       "kernel has no helper bpf_get_func_ip (EINVAL; since Linux "
		       "5.15)",
		       "call it only where bpf_core_enum_value_exists(enum bpf_func_id, "
		       "BPF_FUNC_get_func_ip) says that it is there, and do without elsewhere");
}
END_TEST

/* ---- what it does ---- */

struct world {
	const uint8_t *memory; /* the kernel's, that can be read */
	size_t size;
	uint64_t task;
};

static uint64_t read_memory(const struct world *w, void *to, size_t size, uint64_t from)
{
	uint64_t start = (uintptr_t)w->memory;

	memset(to, 0, size);
	if (from < start || from + size > start + w->size)
		return -EFAULT;
	memcpy(to, (void *)(uintptr_t)from, size);
	return 0;
}

static uint64_t help(struct run *run, int32_t id, const uint64_t args[5])
{
	const struct world *w = run->ctx;

	switch (id) {
	case probe_read:
	case probe_read_kernel:
		return read_memory(w, (void *)(uintptr_t)args[0], (uint32_t)args[1], args[2]);
	case get_current_pid_tgid:
		return (uint64_t)42 << 32 | 43;
	case get_current_task:
		return w->task;
	}
	ck_abort_msg("helper %d is not there", id);
	return 0;
}

static uint64_t run(const struct program *prog, struct world *world, void *memory, size_t size)
{
	struct run r = { .prog = prog, .ctx = world, .helper = help, .budget = 100000 };

	run_allow(&r, memory, size);
	ck_assert_int_eq(run_program(&r, (uintptr_t)memory), RUN_EXIT);
	return r.result;
}

/* The example in the head of compat/lower_helpers_str.c. */
START_TEST(a_string_is_read_byte_by_byte)
{
	struct program *prog = PROGRAM(INSN_MOV_IMM(3, 0x1000), INSN_MOV_IMM(2, 3), INSN_MOV(1, 10),
				       INSN_ADD_IMM(1, -8), INSN_CALL(probe_read_kernel_str),
				       INSN_EXIT());

	answer(probe_read, CAP_YES);
	lower_it();
	EXPECT(prog, INSN_MOV_IMM(3, 0x1000), INSN_MOV_IMM(2, 3), INSN_MOV(1, 10),
	       INSN_ADD_IMM(1, -8), INSN_STORE(BPF_DW, 10, -16, 3), INSN_STORE_IMM(BPF_B, 10, -8, 0),
	       INSN_STORE_IMM(BPF_B, 10, -7, 0), INSN_STORE_IMM(BPF_B, 10, -6, 0),
	       INSN_STORE_IMM(BPF_DW, 10, -24, 1), INSN_MOV(1, 10), INSN_ADD_IMM(1, -8),
	       INSN_MOV_IMM(2, 1), INSN_LOAD(BPF_DW, 3, 10, -16), INSN_CALL(probe_read),
	       INSN_JUMP_IMM(BPF_JNE, 0, 0, 25), INSN_LOAD(BPF_B, 1, 10, -8),
	       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 21), INSN_STORE_IMM(BPF_DW, 10, -24, 2),
	       INSN_MOV(1, 10), INSN_ADD_IMM(1, -7), INSN_MOV_IMM(2, 1),
	       INSN_LOAD(BPF_DW, 3, 10, -16), INSN_ADD_IMM(3, 1), INSN_CALL(probe_read),
	       INSN_JUMP_IMM(BPF_JNE, 0, 0, 15), INSN_LOAD(BPF_B, 1, 10, -7),
	       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 11), INSN_STORE_IMM(BPF_DW, 10, -24, 3),
	       INSN_MOV(1, 10), INSN_ADD_IMM(1, -6), INSN_MOV_IMM(2, 1),
	       INSN_LOAD(BPF_DW, 3, 10, -16), INSN_ADD_IMM(3, 2), INSN_CALL(probe_read),
	       INSN_JUMP_IMM(BPF_JNE, 0, 0, 5), INSN_LOAD(BPF_B, 1, 10, -6),
	       INSN_JUMP_IMM(BPF_JEQ, 1, 0, 1), INSN_STORE_IMM(BPF_B, 10, -6, 0),
	       INSN_LOAD(BPF_DW, 0, 10, -24), INSN_GOTO(4), INSN_STORE_IMM(BPF_B, 10, -8, 0),
	       INSN_STORE_IMM(BPF_B, 10, -7, 0), INSN_STORE_IMM(BPF_B, 10, -6, 0),
	       INSN_MOV_IMM(0, -EFAULT), INSN_EXIT());
	expect_step(0, "1 call of bpf_probe_read_kernel_str(): instead bpf_probe_read() of each byte",
		    "this kernel has no helper bpf_probe_read_kernel_str (EINVAL; "
		    "since Linux 5.5)");
}
END_TEST

#define ROOM 24

/* Where it goes, and r0: as strncpy_from_unsafe() of Linux 4.11, and what called it, have it. */
static int64_t model(const struct world *w, const uint8_t *from, size_t size, uint8_t to[ROOM])
{
	for (size_t i = 0; i < size; i++) {
		if (from + i >= w->memory + w->size) {
			memset(to, 0, size);
			return -EFAULT;
		}
		to[i] = from[i];
		if (!to[i])
			return i + 1;
	}
	to[size - 1] = 0;
	return size;
}

/* r1 + 8 says where the string is; it goes to memory at r1 + 16, or to the stack and from there. */
static struct program *string_program(size_t size, bool framed)
{
	struct program *prog;

	prog = PROGRAM(INSN_MOV(6, 1), INSN_LOAD(BPF_DW, 3, 1, 8), INSN_MOV(1, framed ? 10 : 6),
		       INSN_ADD_IMM(1, framed ? -ROOM : 16), INSN_MOV_IMM(2, (int32_t)size),
		       INSN_CALL(probe_read_str), INSN_MOV(7, 0));
	for (size_t i = 0; framed && i < size; i++) {
		*vec_push(&prog->insns) = INSN_LOAD(BPF_B, 1, 10, -ROOM + (int)i);
		*vec_push(&prog->insns) = INSN_STORE(BPF_B, 6, 16 + i, 1);
	}
	*vec_push(&prog->insns) = INSN_MOV(0, 7);
	*vec_push(&prog->insns) = INSN_EXIT();
	return prog;
}

START_TEST(strings_come_out_as_the_helper_has_them)
{
	struct { uint64_t unused; const uint8_t *from; uint8_t to[ROOM]; } memory;
	uint8_t kernel[20], want[ROOM];
	struct world w = { kernel, sizeof(kernel), 0 };

	random_seed(_i);
	answer(probe_read, CAP_YES);
	for (int round = 0; round < 40; round++) {
		size_t size = 1 + random_below(ROOM);
		bool framed = random_below(2);
		struct program *prog = string_program(size, framed);

		for (size_t i = 0; i < sizeof(kernel); i++)
			kernel[i] = random_below(12);
		memory.from = kernel + random_below(sizeof(kernel));
		lower_it();
		prog->autoload = false;
		memset(memory.to, framed ? 0 : 0xaa, ROOM);
		memcpy(want, memory.to, ROOM);
		ck_assert_int_eq((int64_t)run(prog, &w, &memory, sizeof(memory)),
				 model(&w, memory.from, size, want));
		ck_assert_mem_eq(memory.to, want, ROOM);
	}
}
END_TEST

START_TEST(a_string_of_no_constant_size_is_refused)
{
	PROGRAM(INSN_LOAD(BPF_DW, 2, 1, 0), INSN_MOV_IMM(3, 0x1000), INSN_MOV(1, 10),
		INSN_ADD_IMM(1, -8), INSN_CALL(probe_read_str), INSN_EXIT());
	answer(probe_read, CAP_YES);
	expect_refused("o: program 'p': instruction 4: bpf_probe_read_str() can only be replaced given a "
		       "constant size from 1 to 256: this kernel has no helper bpf_probe_read_str"
		       " (EINVAL; since Linux 4.11)",
		       "call it only where bpf_core_enum_value_exists(enum bpf_func_id, "
		       "BPF_FUNC_probe_read_str) says that it is there, and do without elsewhere");
}
END_TEST

START_TEST(a_string_that_leaves_no_stack_is_refused)
{
	PROGRAM(INSN_MOV_IMM(2, 8), INSN_MOV(1, 10), INSN_ADD_IMM(1, -504),
		INSN_CALL(probe_read_str), INSN_EXIT());
	answer(probe_read, CAP_YES);
	ck_assert_int_eq(lower_helpers(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 3: bpf_probe_read_str() can only be "
			 "replaced given 32 more bytes of stack: this kernel has no helper "
			 "bpf_probe_read_str (EINVAL; since Linux 4.11)");
}
END_TEST

#define INITIAL INSN_WIDE(2, 0xeffffffc)

START_TEST(numbers_of_the_initial_namespace_are_those_of_the_kernel)
{
	uint32_t to[4] = { 1, 1, 1, 1 };
	struct program *framed, *other;
	struct world w = { 0 };

	answer(get_current_pid_tgid, CAP_YES);
	framed = PROGRAM(INSN_MOV(6, 1), INSN_MOV_IMM(1, 4), INITIAL, INSN_MOV(3, 10),
			 INSN_ADD_IMM(3, -8), INSN_MOV_IMM(4, 8), INSN_CALL(get_ns_current_pid_tgid),
			 INSN_LOAD(BPF_W, 1, 10, -8), INSN_STORE(BPF_W, 6, 0, 1),
			 INSN_LOAD(BPF_W, 1, 10, -4), INSN_STORE(BPF_W, 6, 4, 1), INSN_EXIT());
	lower_it();
	ck_assert_uint_eq(run(framed, &w, to, sizeof(to)), 0);
	ck_assert_uint_eq(to[0], 43);
	ck_assert_uint_eq(to[1], 42);
	expect_step(0, "1 call of bpf_get_ns_current_pid_tgid(): instead bpf_get_current_pid_tgid(), "
		    "which also numbers tasks of other pid namespaces",
		    "this kernel has no helper bpf_get_ns_current_pid_tgid (EINVAL; "
		    "since Linux 5.7)");
	other = PROGRAM(INSN_MOV(3, 1), INSN_ADD_IMM(3, 8), INSN_MOV_IMM(1, 4), INITIAL,
			INSN_MOV_IMM(4, 8), INSN_CALL(get_ns_current_pid_tgid), INSN_EXIT());
	lower_it();
	ck_assert_uint_eq(run(other, &w, to, sizeof(to)), 0);
	ck_assert_uint_eq(to[2], 43);
	ck_assert_uint_eq(to[3], 42);
}
END_TEST

START_TEST(numbers_of_other_namespaces_are_refused)
{
	PROGRAM(INSN_LOAD(BPF_DW, 2, 1, 0), INSN_MOV(3, 10), INSN_ADD_IMM(3, -8),
		INSN_MOV_IMM(1, 4), INSN_MOV_IMM(4, 8), INSN_CALL(get_ns_current_pid_tgid),
		INSN_EXIT());
	answer(get_current_pid_tgid, CAP_YES);
	expect_refused("o: program 'p': instruction 5: bpf_get_ns_current_pid_tgid() can only be replaced "
		       "given the initial pid namespace, 0xeffffffc, as a constant: this kernel has no "
		       "helper bpf_get_ns_current_pid_tgid (EINVAL; since Linux 5.7)",
		       "bpf_get_current_pid_tgid() gives the numbers of the initial pid namespace; user "
		       "space finds those of others in /proc/PID/status");
}
END_TEST

static int sign(int64_t n)
{
	return (n > 0) - (n < 0);
}

START_TEST(strings_are_compared_as_the_helper_does)
{
	static const char *const strings[] = { "bash", "", "ba", "bashful", "bZ", "b\xe4", "zsh" };
	char memory[16];
	struct world w = { 0 };
	struct map *map = object_add_map(&obj, ".rodata");

	map->role = MAP_RODATA;
	map->value_size = 16;
	map->data = calloc(1, 16);
	for (size_t i = 0; i < COUNT(strings) * COUNT(strings) * 9; i++) {
		const char *a = strings[i % COUNT(strings)];
		const char *b = strings[i / COUNT(strings) % COUNT(strings)];
		int size = i / (COUNT(strings) * COUNT(strings));
		struct program *prog = PROGRAM(INSN_MOV_IMM(2, size), INSN_WIDE(3, 0),
					       INSN_CALL(strncmp_), INSN_EXIT());

		strcpy(memory, a);
		strcpy((char *)map->data + 4, b);
		*vec_push(&prog->refs) = (struct ref){ 1, REF_VALUE, 0, 4 };
		lower_it();
		prog->autoload = false;
		/* The address is not used any more. */
		prog->insns.at[1] = INSN_MOV_IMM(3, 0);
		prog->insns.at[2] = INSN_MOV_IMM(3, 0);
		ck_assert_int_eq(sign(run(prog, &w, memory, sizeof(memory))),
				 sign(strncmp(a, b, size)));
	}
}
END_TEST

START_TEST(a_comparison_with_no_constant_string_is_refused)
{
	PROGRAM(INSN_MOV_IMM(2, 4), INSN_MOV(3, 1), INSN_CALL(strncmp_), INSN_EXIT());
	ck_assert_int_eq(lower_helpers(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.message, "o: program 'p': instruction 2: bpf_strncmp() can only be replaced "
			 "given a constant string, and a constant size of at most 256: this kernel has no "
			 "helper bpf_strncmp (EINVAL; since Linux 5.17)");
}
END_TEST

/* ---- the current task ---- */

/* The example in the head of compat/pointers_read.c. */
START_TEST(reads_of_the_task_keep_the_registers_that_are_wanted)
{
	struct program *prog = PROGRAM(INSN_CALL(get_current_task_btf), INSN_MOV(3, 0),
				       INSN_MOV_IMM(2, 7), INSN_LOAD(BPF_W, 1, 3, 64),
				       INSN_STORE(BPF_DW, 10, -16, 1), INSN_MOV(0, 2), INSN_EXIT());

	answer(get_current_task, CAP_YES);
	answer(probe_read_kernel, CAP_YES);
	lower_it();
	EXPECT(prog, INSN_CALL(get_current_task), INSN_MOV(3, 0), INSN_MOV_IMM(2, 7),
	       INSN_STORE(BPF_DW, 10, -32, 2), INSN_ADD_IMM(3, 64),
	       INSN_STORE_IMM(BPF_DW, 10, -24, 0), INSN_MOV(1, 10), INSN_ADD_IMM(1, -24),
	       INSN_MOV_IMM(2, 4), INSN_CALL(probe_read_kernel), INSN_LOAD(BPF_W, 1, 10, -24),
	       INSN_LOAD(BPF_DW, 2, 10, -32), INSN_STORE(BPF_DW, 10, -16, 1), INSN_MOV(0, 2),
	       INSN_EXIT());
	ck_assert_uint_eq(plan.steps.len, 2);
	expect_step(0, "1 read of what it points to: instead bpf_probe_read_kernel()",
		    "this kernel has no helper bpf_get_current_task_btf (EINVAL; "
		    "since Linux 5.11)");
	ck_assert_str_eq(plan.steps.at[1].what, "1 call of bpf_get_current_task_btf(): instead "
			 "bpf_get_current_task()");
}
END_TEST

START_TEST(pointers_are_followed_and_reads_that_fail_give_0)
{
	struct node { struct node *next; int32_t value; } nodes[2] = {
		{ &nodes[1], 5 }, { (void *)0x10, -3 },
	};
	struct world w = { (void *)nodes, sizeof(nodes), (uintptr_t)nodes };
	uint64_t unused;
	struct program *prog = PROGRAM(
		INSN_CALL(get_current_task_btf), INSN_STORE(BPF_DW, 10, -8, 0),
		INSN_LOAD(BPF_DW, 6, 10, -8), INSN_LOAD(BPF_DW, 7, 6, 0), /* task->next */
		INSN_LOAD(BPF_W, 4, 7, 8), INSN_LOAD(BPF_DW, 5, 7, 0),    /* its value, and next */
		INSN_ADD_IMM(5, 8), INSN_LOAD(BPF_DW, 5, 5, 0),           /* of which there is none */
		INSN_JUMP_IMM(BPF_JNE, 5, 0, 2), INSN_MOV(0, 4), INSN_EXIT(), INSN_MOV_IMM(0, 1),
		INSN_EXIT());

	answer(get_current_task, CAP_YES);
	answer(probe_read, CAP_YES);
	lower_it();
	ck_assert_uint_eq(run(prog, &w, &unused, sizeof(unused)), (uint32_t)-3);
	ck_assert_uint_eq(plan.steps.len, 3);
	ck_assert_str_eq(plan.steps.at[0].what,
			 "4 reads of what it points to: instead bpf_probe_read_kernel()");
}
END_TEST

/* ---- what there is nothing for ---- */

START_TEST(a_helper_that_nothing_replaces_is_refused_with_a_hint)
{
	PROGRAM(INSN_MOV_IMM(0, 0), INSN_CALL(d_path), INSN_EXIT());
	expect_refused("o: program 'p': instruction 1: bpf_d_path(): this kernel has no helper "
		       "bpf_d_path (EINVAL; since Linux 5.10)",
		       "follow d_parent and read d_name in a loop with a constant bound, or read "
		       "/proc/PID/fd in user space");
}
END_TEST

START_TEST(for_any_other_helper_the_hint_is_to_ask_first)
{
	PROGRAM(INSN_CALL(bprm_opts_set), INSN_EXIT());
	expect_refused("o: program 'p': instruction 0: bpf_bprm_opts_set(): this kernel has no helper "
		       "bpf_bprm_opts_set (EINVAL; since Linux 5.11)",
		       "call it only where bpf_core_enum_value_exists(enum bpf_func_id, "
		       "BPF_FUNC_bprm_opts_set) says that it is there, and do without elsewhere");
}
END_TEST

START_TEST(another_clock_is_no_replacement)
{
	PROGRAM(INSN_CALL(ktime_get_tai_ns), INSN_EXIT());
	answer(ktime_get_ns, CAP_YES);
	ck_assert_int_eq(lower_helpers(&obj, &caps, &plan, &err), -1);
	ck_assert_str_eq(err.hint, "call bpf_ktime_get_ns(), and add in user space how far CLOCK_TAI is "
			 "ahead of CLOCK_MONOTONIC");
}
END_TEST

START_TEST(memory_of_user_space_is_not_read_by_kernel_addresses)
{
	strcpy(caps.machine, "s390x");
	answer(probe_read, CAP_YES);
	PROGRAM(INSN_CALL(probe_read_kernel), INSN_EXIT());
	lower_it();
	PROGRAM(INSN_CALL(probe_read_user), INSN_EXIT());
	expect_refused("o: program 'p': instruction 0: bpf_probe_read_user(): this kernel has no helper "
		       "bpf_probe_read_user (EINVAL; since Linux 5.5)",
		       "bpf_probe_read() reads the kernel's memory alone on this machine");
}
END_TEST

Suite *lower_helpers_suite(void);
Suite *lower_helpers_suite(void)
{
	Suite *s = suite_create("lower_helpers");
	TCase *c = tcase_create("lower_helpers");

	tcase_add_checked_fixture(c, setup, lowering_teardown);
	tcase_add_loop_test(c, a_helper_is_replaced_by_the_first_that_the_kernel_has, 0, 8);
	tcase_add_test(c, calls_of_one_helper_are_one_step);
	tcase_add_test(c, what_the_kernel_has_or_may_have_stays);
	tcase_add_test(c, programs_that_are_not_loaded_stay);
	tcase_add_test(c, helpers_as_old_as_the_kind_of_program_are_not_asked_for);
	tcase_add_test(c, a_cookie_is_a_number);
	tcase_add_test(c, the_entry_of_a_function_is_where_the_program_counter_is);
	tcase_add_loop_test(c, no_entry_is_known_inside_of_functions_and_at_their_end, 0, 3);
	tcase_add_test(c, a_string_is_read_byte_by_byte);
	tcase_add_loop_test(c, strings_come_out_as_the_helper_has_them, 0, 20);
	tcase_add_test(c, a_string_of_no_constant_size_is_refused);
	tcase_add_test(c, a_string_that_leaves_no_stack_is_refused);
	tcase_add_test(c, numbers_of_the_initial_namespace_are_those_of_the_kernel);
	tcase_add_test(c, numbers_of_other_namespaces_are_refused);
	tcase_add_test(c, strings_are_compared_as_the_helper_does);
	tcase_add_test(c, a_comparison_with_no_constant_string_is_refused);
	tcase_add_test(c, reads_of_the_task_keep_the_registers_that_are_wanted);
	tcase_add_test(c, pointers_are_followed_and_reads_that_fail_give_0);
	tcase_add_test(c, a_helper_that_nothing_replaces_is_refused_with_a_hint);
	tcase_add_test(c, for_any_other_helper_the_hint_is_to_ask_first);
	tcase_add_test(c, another_clock_is_no_replacement);
	tcase_add_test(c, memory_of_user_space_is_not_read_by_kernel_addresses);
	suite_add_tcase(s, c);
	return s;
}
