// SPDX-License-Identifier: GPL-2.0
/*
 * The headers for BPF programs (bpf/include): programs written with them are compiled for every
 * machine and run, with registers whose values say where they stand.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat/registers.h"
#include "loader/object.h"
#include "tests/unit/bpf_run.h"

Suite *headers_suite(void);

/*
 * Where the kernel saves registers on entry: offsets in struct pt_regs, of registers of `width`
 * bytes. By the ABIs' names; sources: the kernel's arch/ARCH/include/asm/ptrace.h, and for what
 * holds which argument the documents of each ABI and syscall(2).
 */
struct machine {
	const char *name; /* in -D__TARGET_ARCH_ */
	const char *flags;
	int width;
	int parms;    /* arguments in registers */
	int parm[8];
	int syscalls; /* arguments of a system call in registers */
	int sys[6];
	int ret, fp, rc, sp, ip; /* fp: -1 where there is none */
	bool wrapper; /* system calls get a pointer to registers */
	bool syscall_regs_stay; /* where they do not: C functions find the caller's registers */
};

static const struct machine machines[] = {
	/* rdi rsi rdx rcx r8 r9; r10 instead of rcx */
	{ "x86", "", 8, 6, { 112, 104, 96, 88, 72, 64 }, 6, { 112, 104, 96, 56, 72, 64 },
	  .ret = 152, .fp = 32, .rc = 80, .sp = 152, .ip = 128, .wrapper = true },
	/* eax edx ecx; ebx ecx edx esi edi ebp */
	{ "x86", "-D__i386__", 4, 3, { 24, 8, 4 }, 6, { 0, 4, 8, 12, 16, 20 },
	  .ret = 60, .fp = 20, .rc = 24, .sp = 60, .ip = 48, .wrapper = true,
	  .syscall_regs_stay = true },
	{ "i386", "", 4, 3, { 24, 8, 4 }, 6, { 0, 4, 8, 12, 16, 20 },
	  .ret = 60, .fp = 20, .rc = 24, .sp = 60, .ip = 48, .wrapper = true,
	  .syscall_regs_stay = true },
	/* x0 to x7; orig_x0; x30, x29 */
	{ "arm64", "", 8, 8, { 0, 8, 16, 24, 32, 40, 48, 56 }, 6, { 272, 8, 16, 24, 32, 40 },
	  .ret = 240, .fp = 232, .rc = 0, .sp = 248, .ip = 256, .wrapper = true },
	/* r0 to r3; r0 to r5; lr = r14, fp = r11, sp = r13, pc = r15 */
	{ "arm", "", 4, 4, { 0, 4, 8, 12 }, 6, { 0, 4, 8, 12, 16, 20 },
	  .ret = 56, .fp = 44, .rc = 0, .sp = 52, .ip = 60, .syscall_regs_stay = true },
	/* a0 to a7; orig_a0 */
	{ "riscv", "", 8, 8, { 80, 88, 96, 104, 112, 120, 128, 136 }, 6,
	  { 280, 88, 96, 104, 112, 120 },
	  .ret = 8, .fp = 64, .rc = 80, .sp = 16, .ip = 0, .wrapper = true },
	/* r2 to r6; orig_gpr2, and r7; r14, r11, r15, psw.addr */
	{ "s390", "", 8, 5, { 40, 48, 56, 64, 72 }, 6, { 152, 48, 56, 64, 72, 80 },
	  .ret = 136, .fp = 112, .rc = 40, .sp = 144, .ip = 16, .wrapper = true },
	/* r3 to r10; orig_gpr3; link, r1, nip */
	{ "powerpc", "", 8, 8, { 24, 32, 40, 48, 56, 64, 72, 80 }, 6,
	  { 272, 32, 40, 48, 56, 64 },
	  .ret = 288, .fp = -1, .rc = 24, .sp = 8, .ip = 256 },
	/* n64: a0 to a7 = $4 to $11; v0 = $2, ra = $31, fp = $30, sp = $29, cp0_epc */
	{ "mips", "", 8, 8, { 32, 40, 48, 56, 64, 72, 80, 88 }, 6, { 32, 40, 48, 56, 64, 72 },
	  .ret = 248, .fp = 240, .rc = 16, .sp = 232, .ip = 296 },
	/* o32: the same registers, a0 to a3, after 32 bytes */
	{ "mips", "-D__mips__", 4, 4, { 48, 52, 56, 60 }, 4, { 48, 52, 56, 60 },
	  .ret = 156, .fp = 152, .rc = 40, .sp = 148, .ip = 180 },
	/* a0 to a7 = $4 to $11; orig_a0; ra = $1, fp = $22, sp = $3, csr_era */
	{ "loongarch", "", 8, 8, { 32, 40, 48, 56, 64, 72, 80, 88 }, 6,
	  { 256, 40, 48, 56, 64, 72 },
	  .ret = 8, .fp = 176, .rc = 32, .sp = 24, .ip = 264 },
	/* %o0 to %o5 = 8 to 13; %o7, %o6, tpc */
	{ "sparc", "", 8, 6, { 64, 72, 80, 88, 96, 104 }, 6, { 64, 72, 80, 88, 96, 104 },
	  .ret = 120, .fp = -1, .rc = 64, .sp = 112, .ip = 136 },
};

#define MACHINES ((int)(sizeof(machines) / sizeof(machines[0])))

/* ---- compiling ---- */

static struct object obj;
static struct error err;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	error_clear(&err);
}

static void teardown(void)
{
	object_fini(&obj);
}

/* What clang says of a program of tests/fixtures/headers; out receives the object. */
static const char *diagnostics(const char *out, const char *source, const char *flags)
{
	static char text[65536];
	char command[2048];
	FILE *f;

	snprintf(command, sizeof(command),
		 "%s -target bpf -g -O2 -Wall -Wextra -Werror -I%s/bpf/include %s "
		 "-c %s/tests/fixtures/headers/%s.c -o %s 2>&1",
		 CLANG, SOURCE, flags, SOURCE, source, out);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	pclose(f);
	return text;
}

static void expect_compiles(const char *source, const char *flags)
{
	ck_assert_str_eq(diagnostics("/dev/null", source, flags), "");
}

static void expect_refused(const char *source, const char *flags, const char *message)
{
	const char *text = diagnostics("/dev/null", source, flags);

	ck_assert_msg(strstr(text, message), "got '%s', expected '%s'", text, message);
}

static void compile(const char *source, const char *flags)
{
	static char file[1 << 20];
	char path[] = "/tmp/portrace-headers-XXXXXX";
	int fd = mkstemp(path);
	size_t size;
	FILE *f;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_str_eq(diagnostics(path, source, flags), "");
	f = fopen(path, "rb"); /* clang has put another file there */
	ck_assert_ptr_nonnull(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	unlink(path);
	ck_assert_msg(!object_init(&obj, source, file, size, &err), "%s", err.message);
}

static const char *flags_for(const struct machine *m)
{
	static char flags[256];

	snprintf(flags, sizeof(flags), "-D__TARGET_ARCH_%s %s -DPARMS=%d -DSYS=%d %s", m->name,
		 m->flags, m->parms, m->syscalls, m->fp < 0 ? "" : "-DFRAMES");
	return flags;
}

/* ---- running ---- */

#define CALLS 16
static struct { int32_t id; uint64_t args[5]; uint64_t values[12]; } calls[CALLS];
static int calls_len;

/* As the kernel: what cannot be read, here the first page, is cleared. */
static uint64_t read_memory(uint64_t to, uint64_t size, uint64_t from)
{
	if (from < 4096) {
		memset((void *)(uintptr_t)to, 0, size);
		return (uint64_t)-14; /* EFAULT */
	}
	memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
	return 0;
}

static void keep_values(uint64_t from, uint64_t size)
{
	ck_assert_uint_le(size, sizeof(calls[0].values));
	memcpy(calls[calls_len].values, (const void *)(uintptr_t)from, size);
}

static uint64_t helper(struct run *run, int32_t id, const uint64_t args[5])
{
	uint64_t result = 0;

	ck_assert_int_lt(calls_len, CALLS);
	calls[calls_len].id = id;
	memcpy(calls[calls_len].args, args, sizeof(calls[0].args));
	switch (id) {
	case BPF_FUNC_probe_read:
	case BPF_FUNC_probe_read_user:
	case BPF_FUNC_probe_read_kernel:
		result = read_memory(args[0], args[1], args[2]);
		break;
	case BPF_FUNC_probe_read_kernel_str:
		read_memory(args[0], args[1], args[2]);
		result = strlen((const char *)(uintptr_t)args[0]) + 1;
		break;
	case BPF_FUNC_trace_vprintk: /* format, size, values, size */
		keep_values(args[2], args[3]);
		break;
	case BPF_FUNC_snprintf: /* buffer, size, format, values, size */
	case BPF_FUNC_seq_printf: /* file, format, size, values, size */
		keep_values(args[3], args[4]);
		break;
	}
	calls_len++;
	return result;
}

static uint64_t value(struct run *run, const struct ref *ref)
{
	ck_assert_int_eq(ref->kind, REF_VALUE);
	return (uintptr_t)obj.maps.at[ref->target].data + ref->offset;
}

static uint64_t run(const char *name, const void *ctx, size_t size)
{
	struct run r = { .prog = object_program(&obj, name), .helper = helper, .value = value,
			 .budget = 10000 };

	ck_assert_msg(r.prog != NULL, "no program %s", name);
	calls_len = 0;
	run_allow(&r, ctx, size);
	for (size_t i = 0; i < obj.maps.len; i++)
		if (obj.maps.at[i].data)
			run_allow(&r, obj.maps.at[i].data, obj.maps.at[i].value_size);
	ck_assert_int_eq(run_program(&r, (uintptr_t)ctx), RUN_EXIT);
	return r.result;
}

/* ---- registers ---- */

#define REGS_SIZE 400

/* What the register at an offset holds. */
static uint64_t held(const struct machine *m, int offset)
{
	return m->width == 8 ? 0x1234567800000000 + offset : 0x12345600u + offset;
}

static const uint8_t *registers(const struct machine *m)
{
	static uint8_t regs[REGS_SIZE] __attribute__((aligned(8)));
	uint64_t v8;
	uint32_t v4;

	for (int at = 0; at < REGS_SIZE; at += m->width) {
		v8 = v4 = held(m, at);
		if (m->width == 8)
			v8 = held(m, at);
		memcpy(&regs[at], m->width == 8 ? (void *)&v8 : &v4, m->width);
	}
	return regs;
}

static void expect_register(const struct machine *m, const char *name, int offset)
{
	uint64_t got = run(name, registers(m), REGS_SIZE);

	ck_assert_msg(got == held(m, offset), "%s%s: %s reads %llx, expected %llx", m->name,
		      m->flags, name, (unsigned long long)got,
		      (unsigned long long)held(m, offset));
}

/* Directly: without CO-RE. Its _CORE form: by one read, relocated by the kernel's name. */
static void expect_both(const struct machine *m, const char *name, const char *core, int offset)
{
	struct program *prog;
	const char *type;

	expect_register(m, name, offset);
	ck_assert_int_eq(calls_len, 0);
	ck_assert_uint_eq(object_program(&obj, name)->relos.len, 0);

	expect_register(m, core, offset);
	ck_assert_int_eq(calls_len, 1);
	ck_assert_int_eq(calls[0].id, BPF_FUNC_probe_read_kernel);
	ck_assert_uint_eq(calls[0].args[1], m->width);
	prog = object_program(&obj, core);
	ck_assert_uint_eq(prog->relos.len, 1);
	type = btf_string(&obj.btf, btf_type(&obj.btf, prog->relos.at[0].type_id)->name_off);
	ck_assert_msg(!strncmp(type, "pt_regs___", 10), "%s: %s", core, type);
}

START_TEST(every_register_is_read_where_the_kernel_saves_it)
{
	const struct machine *m = &machines[_i];
	struct { const char *name; int offset; } fixed[] = {
		{ "RET", m->ret }, { "RC", m->rc }, { "SP", m->sp }, { "IP", m->ip },
		{ "FP", m->fp },
	};
	char name[32], core[32];

	compile("registers", flags_for(m));
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (fixed[i].offset < 0)
			continue;
		snprintf(core, sizeof(core), "%s_CORE", fixed[i].name);
		expect_both(m, fixed[i].name, core, fixed[i].offset);
	}
	for (int i = 0; i < m->parms; i++) {
		snprintf(name, sizeof(name), "PARM%d", i + 1);
		snprintf(core, sizeof(core), "PARM%d_CORE", i + 1);
		expect_both(m, name, core, m->parm[i]);
	}
	for (int i = 0; i < m->syscalls; i++) {
		snprintf(name, sizeof(name), "PARM%d_SYSCALL", i + 1);
		snprintf(core, sizeof(core), "PARM%d_CORE_SYSCALL", i + 1);
		expect_both(m, name, core, m->sys[i]);
	}
}
END_TEST

/* From the stack on x86, else from a register; the caller's from behind the frame pointer. */
START_TEST(return_addresses_are_found)
{
	const struct machine *m = &machines[_i];
	uint8_t regs[REGS_SIZE] __attribute__((aligned(8)));
	uint64_t stack[2] = { 0x1111, 0x2222 }, at = (uintptr_t)stack;
	bool x86 = m->ret == m->sp;

	if (m->width != 8)
		return; /* does not hold an address of this test */
	memcpy(regs, registers(m), sizeof(regs));
	memcpy(&regs[m->sp], &at, sizeof(at));
	if (m->fp >= 0)
		memcpy(&regs[m->fp], &at, sizeof(at));
	compile("registers", flags_for(m));
	ck_assert_uint_eq(run("RET_IP", regs, sizeof(regs)), x86 ? 0x1111 : held(m, m->ret));
	ck_assert_uint_eq(run("RETURNED_TO", regs, sizeof(regs)),
			  m->fp >= 0 ? 0x2222 : held(m, m->ret));
}
END_TEST

static const uint64_t *seen(void)
{
	return object_global(&obj, "seen", NULL);
}

START_TEST(a_program_gets_the_arguments_that_it_names)
{
	const struct machine *m = &machines[_i];
	const uint8_t *regs = registers(m);

	compile("registers", flags_for(m));
	ck_assert_uint_eq(run("three", regs, REGS_SIZE), (uintptr_t)regs);
	ck_assert_uint_eq(seen()[0], held(m, m->parm[0]));
	/* An int is as much of the register as an int holds. */
	ck_assert_int_eq((int64_t)seen()[1], (int32_t)held(m, m->parm[1]));
	ck_assert_uint_eq(seen()[2], held(m, m->parm[2]));
	for (int i = 0; m->parms >= 5 && i < 5; i++) {
		run("five", regs, REGS_SIZE);
		ck_assert_uint_eq(seen()[i], held(m, m->parm[i]));
	}
	expect_register(m, "result", m->rc);
	ck_assert_uint_eq(run("no_result", regs, REGS_SIZE), 1);
}
END_TEST

/* What the kernel says of itself. */
static void set_wrapper(bool has)
{
	*(bool *)object_global(&obj, "LINUX_HAS_SYSCALL_WRAPPER", NULL) = has;
}

/* The context holds the address of the registers, which 32 bits cannot. */
static void expect_wrapped_arguments(const struct machine *m)
{
	uint8_t ctx[REGS_SIZE] __attribute__((aligned(8))) = { 0 };
	uint64_t at = (uintptr_t)registers(m);

	memcpy(&ctx[m->parm[0]], &at, sizeof(at));
	set_wrapper(true);
	ck_assert_uint_eq(run("four", ctx, sizeof(ctx)), (uintptr_t)ctx);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(seen()[i], held(m, m->sys[i]));
}

START_TEST(a_system_call_is_a_function_or_has_a_pointer_to_its_callers_registers)
{
	const struct machine *m = &machines[_i];
	const int *parm = m->syscall_regs_stay ? m->sys : m->parm;
	const uint8_t *regs = registers(m);

	compile("registers", flags_for(m));
	set_wrapper(false);
	ck_assert_uint_eq(run("four", regs, REGS_SIZE), (uintptr_t)regs);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(seen()[i], held(m, parm[i]));
	if (m->width == 8)
		expect_wrapped_arguments(m);
	ck_assert_uint_eq(run("SYSCALL_REGS", regs, REGS_SIZE),
			  m->wrapper ? held(m, m->parm[0]) : (uintptr_t)regs);
}
END_TEST

/* ---- programs as others write them ---- */

START_TEST(tutorials_compile_for_every_machine)
{
	expect_compiles("tutorial", flags_for(&machines[_i]));
}
END_TEST

START_TEST(programs_compile_for_both_byte_orders)
{
	expect_compiles("tutorial", "-target bpfel -D__TARGET_ARCH_mips");
	expect_compiles("tutorial", "-target bpfeb -D__TARGET_ARCH_s390");
	expect_compiles("run", "-target bpfeb -D__TARGET_ARCH_s390");
	expect_compiles("network", "-target bpfel");
	expect_compiles("network", "-target bpfeb");
}
END_TEST

START_TEST(the_machine_may_be_one_that_the_compiler_knows)
{
	expect_compiles("tutorial", "-D__x86_64__");
	expect_compiles("tutorial", "-D__aarch64__");
	expect_compiles("tutorial", "-D__riscv -D__riscv_xlen=64");
}
END_TEST

START_TEST(older_and_stricter_c_is_fine)
{
	expect_compiles("tutorial", "-D__TARGET_ARCH_x86 -std=gnu99");
	expect_compiles("network", "-std=gnu99");
	expect_compiles("run", "-D__TARGET_ARCH_x86 -std=gnu11");
}
END_TEST

START_TEST(what_a_machine_does_not_have_the_compiler_says)
{
	expect_refused("tutorial", "", "say_which_machine_with_D__TARGET_ARCH_xxx");
	expect_refused("registers", "-DPARMS=4 -DSYS=6 -D__TARGET_ARCH_i386",
		       "no member named 'argument_not_in_a_register' in 'struct pt_regs___i386'");
	expect_refused("registers", "-DPARMS=8 -DSYS=6 -D__TARGET_ARCH_x86",
		       "no member named 'argument_not_in_a_register'");
	expect_refused("registers", "-DPARMS=4 -DSYS=6 -DFRAMES -D__TARGET_ARCH_sparc",
		       "no member named 'no_frame_pointer_on_this_machine'");
}
END_TEST

/* ---- what programs do ---- */

struct link {
	struct link *next;
	int number;
	char text[8];
};

static struct link links[12];

static void open_run(void)
{
	for (int i = 0; i < 12; i++)
		links[i] = (struct link){ i < 11 ? &links[i + 1] : NULL, 100 + i, "text" };
	links[1].text[0] = 'T';
	compile("run", "-D__TARGET_ARCH_x86");
}

START_TEST(a_chain_of_reads_follows_every_pointer)
{
	open_run();
	ck_assert_uint_eq(run("chain", &links[0], sizeof(links)), 110);
	ck_assert_int_eq(calls_len, 11);
	for (int i = 0; i < calls_len; i++)
		ck_assert_int_eq(calls[i].id, BPF_FUNC_probe_read_kernel);
	ck_assert_uint_eq(calls[10].args[1], sizeof(int));
	/* Of the member `next`, however often it is read, and of `number`. */
	ck_assert_uint_ge(object_program(&obj, "chain")->relos.len, 2);
}
END_TEST

START_TEST(each_kind_of_memory_has_its_helper)
{
	open_run();
	ck_assert_uint_eq(run("user", &links[0], sizeof(links)), 101);
	ck_assert_int_eq(calls[0].id, BPF_FUNC_probe_read_user);
	ck_assert_int_eq(calls[1].id, BPF_FUNC_probe_read_user);
	ck_assert_uint_eq(run("unrelocated", &links[0], sizeof(links)), 102);
	ck_assert_int_eq(calls[2].id, BPF_FUNC_probe_read);
	ck_assert_uint_eq(run("into", &links[0], sizeof(links)), 5 << 8 | 'T');
	ck_assert_int_eq(calls[0].id, BPF_FUNC_probe_read_kernel);
	ck_assert_int_eq(calls[1].id, BPF_FUNC_probe_read_kernel_str);
	ck_assert_uint_eq(calls[1].args[1], sizeof(links[0].text));
}
END_TEST

START_TEST(a_failed_read_is_told)
{
	open_run();
	ck_assert_int_eq((int64_t)run("fails", &links[11], sizeof(links[0])), -14);
	ck_assert_int_eq(calls_len, 2);
	ck_assert_int_eq((int64_t)run("fails", &links[10], sizeof(links[0])), 111);
}
END_TEST

struct flags {
	uint32_t before;
	uint32_t low : 3;
	int32_t negative : 4;
	uint32_t middle : 11;
	uint64_t wide : 40;
};

START_TEST(bit_fields_are_read_and_written)
{
	struct { uint64_t low, middle, wide, probed; int64_t negative, negative_probed; } *out;
	struct flags f = { 0xffffffff, 6, -7, 0x4d2, 0xfedcba9876 };

	open_run();
	run("read_bits", &f, sizeof(f));
	out = object_global(&obj, "out", NULL);
	ck_assert_uint_eq(out->low, 6);
	ck_assert_int_eq(out->negative, -7);
	ck_assert_uint_eq(out->middle, 0x4d2);
	ck_assert_uint_eq(out->wide, 0xfedcba9876);
	ck_assert_uint_eq(out->probed, 0x4d2);
	ck_assert_int_eq(out->negative_probed, -7);

	memset(&f, 0xff, sizeof(f));
	run("write_bits", &f, sizeof(f));
	ck_assert_uint_eq(f.before, 0xffffffff);
	ck_assert_uint_eq(f.low, 5);
	ck_assert_int_eq(f.negative, -3);
	ck_assert_uint_eq(f.middle, 0x5a5);
	ck_assert_uint_eq(f.wide, 0x123456789a);
	/* The bits beside the fields are as they were. */
	ck_assert_uint_eq(((uint32_t *)&f)[1] >> 18, 0x3fff);
}
END_TEST

static const char *text(uint64_t at)
{
	return (const char *)(uintptr_t)at;
}

START_TEST(printing_takes_the_helper_that_the_number_of_arguments_needs)
{
	static int numbers[2] = { -2, 77 };

	open_run();
	run("print_none", numbers, sizeof(numbers));
	ck_assert_int_eq(calls[0].id, BPF_FUNC_trace_printk);
	ck_assert_str_eq(text(calls[0].args[0]), "text");
	ck_assert_uint_eq(calls[0].args[1], sizeof("text"));

	run("print_three", numbers, sizeof(numbers));
	ck_assert_int_eq(calls[0].id, BPF_FUNC_trace_printk);
	ck_assert_int_eq((int)calls[0].args[2], -1);
	ck_assert_int_eq((int)calls[0].args[3], -2);
	ck_assert_str_eq(text(calls[0].args[4]), "x");

	run("print_four", numbers, sizeof(numbers));
	ck_assert_int_eq(calls[0].id, BPF_FUNC_trace_vprintk);
	ck_assert_str_eq(text(calls[0].args[0]), "%d %d %p %c");
	ck_assert_uint_eq(calls[0].args[3], 4 * 8);
	ck_assert_int_eq((int64_t)calls[0].values[0], -1);
	ck_assert_int_eq((int64_t)calls[0].values[1], -2);
	ck_assert_uint_eq(calls[0].values[2], (uintptr_t)numbers);
	ck_assert_uint_eq(calls[0].values[3], 'x');

	run("print_into", numbers, sizeof(numbers));
	ck_assert_int_eq(calls[0].id, BPF_FUNC_snprintf);
	ck_assert_uint_eq(calls[0].args[1], 8);
	ck_assert_uint_eq(calls[0].args[4], 8);
	ck_assert_uint_eq(calls[0].values[0], 77);
	ck_assert_int_eq(calls[1].id, BPF_FUNC_seq_printf);
	ck_assert_uint_eq(calls[1].args[4], 12 * 8);
	for (int i = 0; i < 12; i++)
		ck_assert_uint_eq(calls[1].values[i], i + 1);
}
END_TEST

START_TEST(arguments_come_from_their_slots)
{
	uint64_t slots[] = { 0xffffffff00000001, 0xff00 + 2, 4, 0x100 };
	/* int, pair in two, char, struct small in one, pointer */
	uint64_t wide[] = { 0xffffffff00000001, 0x10, 0xffffffff00000200, 0xff00 + 3,
			    0x7fff00050000 | 9, 0x1000 };

	open_run();
	ck_assert_uint_eq(run("slots", slots, sizeof(slots)), 1 + 2 + 1 + 0x100);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	ck_assert_uint_eq(run("wide_slots", wide, sizeof(wide)), 1 + 0x10 + 0x200 + 3 + 5 + 0x1000);
#else
	(void)wide;
#endif
}
END_TEST

START_TEST(network_order_is_big)
{
	uint64_t v[] = { 0x1234, 0x12345678, 0x123456789abcdef0 };

	open_run();
	ck_assert_uint_eq(run("swaps", v, sizeof(v)), 1);
	ck_assert_uint_eq(run("contains", v, sizeof(v)), 0);
}
END_TEST

START_TEST(a_static_tail_call_has_its_slot_in_the_call)
{
	const struct program *prog;
	const struct bpf_insn *end;

	compile("tail", "");
	prog = object_program(&obj, "jump");
	end = prog->insns.at + prog->insns.len;
	for (const struct bpf_insn *i = prog->insns.at; i < end; i++)
		if (i->code == (BPF_JMP | BPF_CALL) && i->imm == BPF_FUNC_tail_call &&
		    i[-1].code == (BPF_ALU64 | BPF_MOV | BPF_K) && i[-1].dst_reg == BPF_REG_3 &&
		    i[-1].imm == 7)
			return;
	ck_abort_msg("no call 12 after r3 = 7");
}
END_TEST

/* ---- the helpers' declarations ---- */

#define HELPERS(x) [BPF_FUNC_##x] = "bpf_" #x
static const char *const helpers[] = { __BPF_FUNC_MAPPER(HELPERS) };

/* Whitespace as one space, so that lines may be broken anywhere. */
static const char *read_all(FILE *f)
{
	static char text[1 << 17];
	size_t len = 0;
	int c;

	while ((c = getc(f)) != EOF && len < sizeof(text) - 1)
		if (c != '\n' && (c != '\t' || !len || text[len - 1] != ' '))
			text[len++] = c == '\t' ? ' ' : c;
	text[len] = 0;
	return text;
}

static void expect_all_helpers(const char *text)
{
	for (size_t i = 1; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		char start[64], end[32];
		const char *at, *semicolon;

		snprintf(start, sizeof(start), "(*const %s)(", helpers[i]);
		snprintf(end, sizeof(end), ") = (void *)%zu;", i);
		at = strstr(text, start);
		ck_assert_msg(at != NULL, "%s is not declared", helpers[i]);
		semicolon = strchr(at, ';');
		ck_assert_msg(semicolon && !strncmp(semicolon + 1 - strlen(end), end, strlen(end)),
			      "%s: got '%.*s', expected number %zu", helpers[i],
			      (int)(semicolon - at), at, i);
	}
}

START_TEST(every_helper_that_this_kernels_header_has_is_declared_with_its_number)
{
	FILE *f = fopen(SOURCE "/bpf/include/bpf/bpf_helper_defs.h", "r");

	ck_assert_ptr_nonnull(f);
	expect_all_helpers(read_all(f));
	fclose(f);
}
END_TEST

START_TEST(the_declarations_can_be_made_from_this_kernels_header)
{
	/* clang knows where it is. */
	FILE *f = popen("echo '#include <linux/bpf.h>' | " CLANG " -target bpf -I" SOURCE
			"/bpf/include -M -x c - | tr ' ' '\\n' | grep /linux/bpf.h |"
			"xargs awk -f " SOURCE "/bpf/helpers.awk 2>&1", "r");

	ck_assert_ptr_nonnull(f);
	expect_all_helpers(read_all(f));
	ck_assert_int_eq(pclose(f), 0);
}
END_TEST

/* ---- what lowering knows of the same ---- */

START_TEST(lowering_reads_the_same_registers)
{
	static const struct {
		const char *machine;
		const char *name, *flags; /* of the row above */
	} cases[] = {
		{ "x86_64", "x86", "" }, { "i686", "i386", "" }, { "i386", "i386", "" },
		{ "aarch64", "arm64", "" }, { "armv7l", "arm", "" }, { "riscv64", "riscv", "" },
		{ "s390x", "s390", "" }, { "ppc64le", "powerpc", "" }, { "ppc64", "powerpc", "" },
		{ "mips64", "mips", "" }, { "mips", "mips", "-D__mips__" },
		{ "loongarch64", "loongarch", "" },
	};
	const struct registers *r = registers_of(cases[_i].machine);
	const struct machine *m = machines;

	while (strcmp(m->name, cases[_i].name) || strcmp(m->flags, cases[_i].flags))
		m++;
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->size, m->width);
	ck_assert_int_eq(r->arguments_len, m->parms);
	for (int i = 0; i < m->parms; i++)
		ck_assert_int_eq(r->arguments[i], m->parm[i]);
	ck_assert_int_eq(r->result, m->rc);
	ck_assert_int_eq(r->ip, m->ip);
}
END_TEST

START_TEST(of_other_machines_no_registers_are_known)
{
	ck_assert_ptr_null(registers_of(""));
	ck_assert_ptr_null(registers_of("x86_64x"));
	ck_assert_ptr_null(registers_of("arm"));
	ck_assert_ptr_null(registers_of("m68k"));
}
END_TEST

Suite *headers_suite(void)
{
	Suite *s = suite_create("headers");
	TCase *tc = tcase_create("headers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60); /* clang takes its time on a busy machine */
	tcase_add_loop_test(tc, every_register_is_read_where_the_kernel_saves_it, 0, MACHINES);
	tcase_add_loop_test(tc, return_addresses_are_found, 0, MACHINES);
	tcase_add_loop_test(tc, a_program_gets_the_arguments_that_it_names, 0, MACHINES);
	tcase_add_loop_test(
		tc, a_system_call_is_a_function_or_has_a_pointer_to_its_callers_registers, 0,
		MACHINES);
	tcase_add_loop_test(tc, tutorials_compile_for_every_machine, 0, MACHINES);
	tcase_add_test(tc, programs_compile_for_both_byte_orders);
	tcase_add_test(tc, the_machine_may_be_one_that_the_compiler_knows);
	tcase_add_test(tc, older_and_stricter_c_is_fine);
	tcase_add_test(tc, what_a_machine_does_not_have_the_compiler_says);
	tcase_add_test(tc, a_chain_of_reads_follows_every_pointer);
	tcase_add_test(tc, each_kind_of_memory_has_its_helper);
	tcase_add_test(tc, a_failed_read_is_told);
	tcase_add_test(tc, bit_fields_are_read_and_written);
	tcase_add_test(tc, printing_takes_the_helper_that_the_number_of_arguments_needs);
	tcase_add_test(tc, arguments_come_from_their_slots);
	tcase_add_test(tc, network_order_is_big);
	tcase_add_test(tc, a_static_tail_call_has_its_slot_in_the_call);
	tcase_add_test(tc, every_helper_that_this_kernels_header_has_is_declared_with_its_number);
	tcase_add_test(tc, the_declarations_can_be_made_from_this_kernels_header);
	tcase_add_loop_test(tc, lowering_reads_the_same_registers, 0, 12);
	tcase_add_test(tc, of_other_machines_no_registers_are_known);
	suite_add_tcase(s, tc);
	return s;
}
