// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the suites of all tests/unit/test_*.c; the Makefile makes suites.h from their names.
 * Ends with a line of totals for tests/totals.sh. CK_RUN_SUITE=btf runs one suite, CK_FORK=no
 * all of them in one process, for debuggers and valgrind.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define SUITE(name) Suite *name##_suite(void);
#include "suites.h"
#undef SUITE

int main(void)
{
	SRunner *runner = srunner_create(NULL);
	int run, failed;

#define SUITE(name) srunner_add_suite(runner, name##_suite());
#include "suites.h"
#undef SUITE
	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	printf("unit: %d passed, %d failed, 0 skipped\n", run - failed, failed);
	return failed || !run;
}
