// SPDX-License-Identifier: GPL-2.0
/*
 * Runs every suite of tests/live. A skipped test says why; the totals end the run.
 * PORTRACE_SUITE chooses suites (a,b,c), PORTRACE_CASE one test case.
 */
#include "tests/live/acts.h"
#include "tests/live/harness.h"
#include "tests/live/leftovers.h"

#define SUITE(name) Suite *name##_suite(void);
#include "suites.h" /* made by the Makefile: SUITE(X) for each test_X.c */
#undef SUITE

static void *share(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static bool is_wanted(const char *suite)
{
	const char *at = getenv("PORTRACE_SUITE");
	size_t len = strlen(suite);

	for (; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (!strncmp(at, suite, len) && (!at[len] || at[len] == ','))
			return true;
	return !at;
}

static void print_totals(SRunner *runner)
{
	int failed = srunner_ntests_failed(runner), left = leftovers_found();
	int skipped = skips->count;

	if (ways_left_out())
		printf("left out: %s\n", ways_left_out());
	for (unsigned int i = 0; i < skips->count && i < sizeof(skips->at) / sizeof(*skips->at);
	     i++)
		printf("skip: %s\n", skips->at[i]);
	printf("%d passed, %d failed, %d skipped\n",
	       srunner_ntests_run(runner) - failed - skipped, failed + left, skipped);
}

int main(int argc, char **argv)
{
	int helped = helper_main(argc, argv), failed;
	SRunner *runner;

	if (helped >= 0)
		return helped;
	skips = share(sizeof(*skips));
	shared = share(sizeof(*shared));
	if (!skips || !shared)
		return 1;
	acts_begin();
	runner = srunner_create(NULL);
#define SUITE(name) if (is_wanted(#name)) srunner_add_suite(runner, name##_suite());
#include "suites.h"
#undef SUITE
	srunner_run(runner, NULL, getenv("PORTRACE_CASE"), CK_NORMAL);
	acts_print();
	print_totals(runner);
	failed = srunner_ntests_failed(runner) + leftovers_found();
	srunner_free(runner);
	return failed ? 1 : 0;
}
