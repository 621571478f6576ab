// SPDX-License-Identifier: GPL-2.0
/* C headers of Debian's kernels, laid out by clang for the machine of each. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "loader/types.h"
#include "tests/kernels/kernels.h"
#include "tests/layout.h"

Suite *dump_suite(void);

static struct types types;
static struct error err;

static void setup(void)
{
	memset(&types, 0, sizeof(types));
	layout_setup();
}

static void teardown(void)
{
	types_fini(&types);
	layout_teardown();
}

static void open_kernel(int i)
{
	struct types_request request = { .btf_file = kernels.at[i].image };

	printf("%s\n", kernels.at[i].image);
	ck_assert_msg(!types_open(&types, &request, &err), "%s", err.message);
}

START_TEST(every_assertion_holds)
{
	static const char *const machines[][2] = {
		{ "amd64", "x86_64" }, { "arm64", "aarch64" }, { "s390x", "s390x" },
		{ "ppc64el", "powerpc64le" }, { "riscv64", "riscv64" },
	};
	const char *machine = strrchr(kernels.at[_i].dir, '-') + 1;
	char options[64] = "-target bpf -fsyntax-only";
	size_t i;

	open_kernel(_i);
	layout_assert_all(&types.btf, NULL, options);
	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!strcmp(machine, machines[i][0])) {
			snprintf(options, sizeof(options), "-target %s -fsyntax-only", machines[i][1]);
			layout_assert_all(&types.btf, NULL, options);
		}
}
END_TEST

START_TEST(every_bit_field_is_where_it_was)
{
	open_kernel(_i);
	layout_compare_bits(&types.btf);
}
END_TEST

START_TEST(structs_of_one_name_have_their_own_layouts)
{
	open_kernel(_i);
	layout_assert_shared(&types.btf);
}
END_TEST

Suite *dump_suite(void)
{
	Suite *s = suite_create("dump");
	TCase *c = tcase_create("dump");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, every_assertion_holds, 0, kernels.with_types);
	tcase_add_loop_test(c, every_bit_field_is_where_it_was, 0, kernels.with_types);
	tcase_add_loop_test(c, structs_of_one_name_have_their_own_layouts, 0, kernels.with_types);
	suite_add_tcase(s, c);
	return s;
}
