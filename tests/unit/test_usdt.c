// SPDX-License-Identifier: GPL-2.0
/* Where assemblers say that arguments of USDT probes are, of every machine; notes, whole and broken. */
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/usdt_args.h"
#include "loader/usdt_notes.h"
#include "tests/live/sdt.h"
#include "util/map.h"

Suite *usdt_suite(void);

static struct error err;
static struct usdt_arg args[USDT_ARGS_MAX];

static void setup(void)
{
	error_clear(&err);
}

static void expect_count(const char *machine, const char *text, int count)
{
	int got = usdt_args(machine, text, args, &err);

	ck_assert_msg(got == count, "%s: '%s': got %d, expected %d: %s", machine, text, got, count,
		      err.message);
}

static void expect_arg(int i, enum usdt_arg_kind kind, int size, int64_t value, int reg, int index,
		       int shift)
{
	ck_assert_int_eq(args[i].kind, kind);
	ck_assert_int_eq(args[i].size, size < 0 ? -size : size);
	ck_assert_int_eq(args[i].has_sign, size < 0);
	ck_assert_int_eq(args[i].value, value);
	ck_assert_int_eq(args[i].reg, reg);
	ck_assert_int_eq(args[i].index, index);
	ck_assert_int_eq(args[i].shift, shift);
}

START_TEST(x86_64_operands)
{
	expect_count("x86_64", "-4@$5 8@%rdi -4@-20(%rbp) 1@-96(%rbp,%rax,8) 2@(%rsp) -1@%sil "
		     "8@$-9 4@%r11d -2@%cx 8@%r15 4@(%rbx,%rcx) 8@0x10(%rip)", 12);
	expect_arg(0, USDT_CONSTANT, -4, 5, 0, 0, 0);
	expect_arg(1, USDT_REGISTER, 8, 0, 112, 0, 0);
	expect_arg(2, USDT_MEMORY, -4, -20, 32, 0, 0);
	expect_arg(3, USDT_ELEMENT, 1, -96, 32, 80, 3);
	expect_arg(4, USDT_MEMORY, 2, 0, 152, 0, 0);
	expect_arg(5, USDT_REGISTER, -1, 0, 104, 0, 0);
	expect_arg(6, USDT_CONSTANT, 8, -9, 0, 0, 0);
	expect_arg(7, USDT_REGISTER, 4, 0, 48, 0, 0);
	expect_arg(8, USDT_REGISTER, -2, 0, 88, 0, 0);
	expect_arg(9, USDT_REGISTER, 8, 0, 0, 0, 0);
	expect_arg(10, USDT_ELEMENT, 4, 0, 40, 88, 0);
	expect_arg(11, USDT_MEMORY, 8, 16, 128, 0, 0);
}
END_TEST

START_TEST(i386_operands)
{
	expect_count("i686", "4@%eax -4@8(%esp) -4@$3 1@%bl 4@(%edx,%ecx,4)", 5);
	expect_arg(0, USDT_REGISTER, 4, 0, 24, 0, 0);
	expect_arg(1, USDT_MEMORY, -4, 8, 60, 0, 0);
	expect_arg(2, USDT_CONSTANT, -4, 3, 0, 0, 0);
	expect_arg(3, USDT_REGISTER, 1, 0, 0, 0, 0);
	expect_arg(4, USDT_ELEMENT, 4, 0, 8, 4, 2);
}
END_TEST

START_TEST(arm64_operands)
{
	expect_count("aarch64", "-4@5 8@x4 -4@[sp, 96] -4@[sp] 4@w0 -8@[x29, -16] 8@[x1, x2, lsl 3] "
		     "8@[x1, x30] 4@-7", 9);
	expect_arg(0, USDT_CONSTANT, -4, 5, 0, 0, 0);
	expect_arg(1, USDT_REGISTER, 8, 0, 32, 0, 0);
	expect_arg(2, USDT_MEMORY, -4, 96, 248, 0, 0);
	expect_arg(3, USDT_MEMORY, -4, 0, 248, 0, 0);
	expect_arg(4, USDT_REGISTER, 4, 0, 0, 0, 0);
	expect_arg(5, USDT_MEMORY, -8, -16, 232, 0, 0);
	expect_arg(6, USDT_ELEMENT, 8, 0, 8, 16, 3);
	expect_arg(7, USDT_ELEMENT, 8, 0, 8, 240, 0);
	expect_arg(8, USDT_CONSTANT, 4, -7, 0, 0, 0);
}
END_TEST

START_TEST(arm_operands)
{
	expect_count("armv7l", "-4@#5 4@r4 -4@[fp, #-96] -4@[sp] 4@lr 4@[r3, r2, lsl #2]", 6);
	expect_arg(0, USDT_CONSTANT, -4, 5, 0, 0, 0);
	expect_arg(1, USDT_REGISTER, 4, 0, 16, 0, 0);
	expect_arg(2, USDT_MEMORY, -4, -96, 44, 0, 0);
	expect_arg(3, USDT_MEMORY, -4, 0, 52, 0, 0);
	expect_arg(4, USDT_REGISTER, 4, 0, 56, 0, 0);
	expect_arg(5, USDT_ELEMENT, 4, 0, 12, 8, 2);
}
END_TEST

START_TEST(s390x_operands)
{
	expect_count("s390x", "-8@%r0 -2@-28(%r15) 4@71 8@(%r2,%r3)", 4);
	expect_arg(0, USDT_REGISTER, -8, 0, 24, 0, 0);
	expect_arg(1, USDT_MEMORY, -2, -28, 24 + 15 * 8, 0, 0);
	expect_arg(2, USDT_CONSTANT, 4, 71, 0, 0, 0);
	expect_arg(3, USDT_ELEMENT, 8, 0, 24 + 16, 24 + 24, 0);
}
END_TEST

START_TEST(riscv64_operands)
{
	expect_count("riscv64", "-8@a1 -8@-88(s0) 4@5 8@s11 8@t0 8@t6 8@ra 8@s1", 8);
	expect_arg(0, USDT_REGISTER, -8, 0, 88, 0, 0);
	expect_arg(1, USDT_MEMORY, -8, -88, 64, 0, 0);
	expect_arg(2, USDT_CONSTANT, 4, 5, 0, 0, 0);
	expect_arg(3, USDT_REGISTER, 8, 0, 216, 0, 0);
	expect_arg(4, USDT_REGISTER, 8, 0, 40, 0, 0);
	expect_arg(5, USDT_REGISTER, 8, 0, 248, 0, 0);
	expect_arg(6, USDT_REGISTER, 8, 0, 8, 0, 0);
	expect_arg(7, USDT_REGISTER, 8, 0, 72, 0, 0);
}
END_TEST

START_TEST(powerpc_operands)
{
	expect_count("ppc64le", "-4@i5 8@9 -4@124(31) 8@%r3 4@i-1 8@0(1)", 6);
	expect_arg(0, USDT_CONSTANT, -4, 5, 0, 0, 0);
	expect_arg(1, USDT_REGISTER, 8, 0, 72, 0, 0);
	expect_arg(2, USDT_MEMORY, -4, 124, 248, 0, 0);
	expect_arg(3, USDT_REGISTER, 8, 0, 24, 0, 0);
	expect_arg(4, USDT_CONSTANT, 4, -1, 0, 0, 0);
	expect_arg(5, USDT_MEMORY, 8, 0, 8, 0, 0);
}
END_TEST

START_TEST(no_arguments_at_all)
{
	expect_count("x86_64", "", 0);
	expect_count("x86_64", "  ", 0);
}
END_TEST

static const struct {
	const char *machine, *text, *message;
} refused[] = {
	{ "x86_64", "8@%rdi 8f@%xmm0", "argument 2, '8f@%xmm0': got something else, expected a constant, a "
	  "register, or memory that registers point to" },
	{ "x86_64", "-4@counter(%rip)", "argument 1, '-4@counter(%rip)': got something else, expected a "
	  "constant, a register, or memory that registers point to" },
	{ "x86_64", "3@%rax", "argument 1, '3@%rax': got something else, expected a constant, a register, or "
	  "memory that registers point to" },
	{ "x86_64", "4@(%rax,%rbx,3)", "argument 1, '4@(%rax,%rbx,3)': got something else, expected a "
	  "constant, a register, or memory that registers point to" },
	{ "x86_64", "4@%ah", "argument 1, '4@%ah': got something else, expected a constant, a register, or "
	  "memory that registers point to" },
	{ "x86_64", "4@-20(%rbp", "argument 1, '4@-20(%rbp': got something else, expected a constant, a "
	  "register, or memory that registers point to" },
	{ "aarch64", "4@x31", "argument 1, '4@x31': got something else, expected a constant, a register, or "
	  "memory that registers point to" },
	{ "vax", "4@r0", "arguments '4@r0': got a machine 'vax', expected one whose registers are known here" },
	{ "x86_64", "1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1",
	  "arguments '1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1': got more than 12, "
	  "expected no more" },
};

START_TEST(what_cannot_be_got_at_is_told)
{
	expect_count(refused[_i].machine, refused[_i].text, -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, refused[_i].message);
}
END_TEST

/* ---- notes ---- */

SDT_BASE;

__attribute__((noinline, noclone, used)) static void probes(int x)
{
	SDT("portrace_unit", "here", "0", SDT_ARG(-4, a), [a] "r"(x));
	SDT("portrace_unit", "here", "0", SDT_ARG(-4, a), [a] "n"(5));
	SDT("portrace_unit", "elsewhere", "0", "", [a] "n"(5));
}

START_TEST(all_sites_of_a_probe_are_found)
{
	struct usdt_sites sites;

	probes(1);
	ck_assert_msg(!usdt_sites_find(&sites, "/proc/self/exe", "portrace_unit", "here", &err), "%s",
		      err.message);
	ck_assert_uint_eq(sites.list.len, 2);
	ck_assert_uint_lt(sites.list.at[0].offset, sites.list.at[1].offset);
	ck_assert_uint_eq(sites.list.at[0].semaphore, 0);
	usdt_sites_fini(&sites);
	ck_assert_int_eq(usdt_sites_find(&sites, "/proc/self/exe", "portrace_unit", "nowhere", &err), 1);
	usdt_sites_fini(&sites);
}
END_TEST

static char path[] = "/tmp/portrace-usdt-XXXXXX";

/* Every byte of the notes' surroundings may be anything: no look leaves the file. */
START_TEST(broken_notes_lead_nowhere)
{
	struct usdt_sites sites;
	struct map_file map;
	uint8_t *copy, *note;
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_eq(map_file(&map, "/proc/self/exe"), 0);
	copy = malloc(map.size);
	memcpy(copy, map.data, map.size);
	note = memmem(copy, map.size, "stapsdt\0", 9);
	srandom(_i);
	for (int i = 0; note && i < 20; i++)
		note[random() % 200 - 12] = random();
	ck_assert_int_eq(write(fd, copy, map.size), map.size);
	close(fd);
	usdt_sites_find(&sites, path, "portrace_unit", "here", &err);
	usdt_sites_fini(&sites);
	unlink(path);
	free(copy);
	unmap_file(&map);
}
END_TEST

Suite *usdt_suite(void)
{
	Suite *s = suite_create("usdt");
	TCase *tc = tcase_create("usdt");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, x86_64_operands);
	tcase_add_test(tc, i386_operands);
	tcase_add_test(tc, arm64_operands);
	tcase_add_test(tc, arm_operands);
	tcase_add_test(tc, s390x_operands);
	tcase_add_test(tc, riscv64_operands);
	tcase_add_test(tc, powerpc_operands);
	tcase_add_test(tc, no_arguments_at_all);
	tcase_add_loop_test(tc, what_cannot_be_got_at_is_told, 0, sizeof(refused) / sizeof(*refused));
	tcase_add_test(tc, all_sites_of_a_probe_are_found);
	tcase_add_loop_test(tc, broken_notes_lead_nowhere, 0, 50);
	suite_add_tcase(s, tc);
	return s;
}
