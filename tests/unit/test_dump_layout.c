// SPDX-License-Identifier: GPL-2.0
/* C headers of the running kernel, and of a fixture of nasty types, laid out by compilers. */
#include "tests/layout.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *dump_layout_suite(void);

static struct btf btf;
static struct error err;

static void setup(void)
{
	memset(&btf, 0, sizeof(btf));
	layout_setup();
}

static void teardown(void)
{
	btf_fini(&btf);
	layout_teardown();
}

START_TEST(nasty_types_come_back_the_same)
{
	bool *unique;

	layout_open_object(&btf, FIXTURES "/types.bpf.o");
	unique = layout_unique(&btf);
	layout_compare_compiled(&btf, unique);
	free(unique);
}
END_TEST

/* Each standard, machine and compiler lays them out alike. */
START_TEST(nasty_types_mean_the_same_to_every_compiler)
{
	static const char *const as[][2] = {
		{ NULL, "-std=gnu11" }, { NULL, "-std=c11 -target x86_64" },
		{ NULL, "-std=gnu2x" }, { NULL, "-target s390x" }, { NULL, "-target aarch64" },
		{ "gcc", "-std=gnu11" },
	};
	size_t i;

	layout_open_object(&btf, FIXTURES "/types.bpf.o");
	for (i = 0; i < sizeof(as) / sizeof(as[0]); i++)
		layout_assert_all(&btf, as[i][0], as[i][1]);
}
END_TEST

static bool open_kernel(void)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		printf("skip: dump_layout: this kernel has no BTF (needs CONFIG_DEBUG_INFO_BTF)\n");
		return false;
	}
	ck_assert_msg(!btf_open(&btf, NULL, KERNEL_BTF, &err), "%s", err.message);
	return true;
}

START_TEST(every_assertion_from_the_kernels_types_holds)
{
	if (open_kernel())
		layout_assert_all(&btf, NULL, "-target bpf -fsyntax-only");
}
END_TEST

START_TEST(every_bit_field_of_the_kernel_is_where_it_was)
{
	if (open_kernel())
		layout_compare_bits(&btf);
}
END_TEST

START_TEST(structs_of_one_name_have_their_own_layouts)
{
	if (open_kernel())
		layout_assert_shared(&btf);
}
END_TEST

Suite *dump_layout_suite(void)
{
	Suite *s = suite_create("dump_layout");
	TCase *c = tcase_create("dump_layout");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, nasty_types_come_back_the_same);
	tcase_add_test(c, nasty_types_mean_the_same_to_every_compiler);
	tcase_add_test(c, every_assertion_from_the_kernels_types_holds);
	tcase_add_test(c, every_bit_field_of_the_kernel_is_where_it_was);
	tcase_add_test(c, structs_of_one_name_have_their_own_layouts);
	suite_add_tcase(s, c);
	return s;
}
