// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the suites of all tests/kernels/test_*.c on the kernels that tests/kernels/fetch.sh has
 * brought; `make kernels` does both.
 */
#include "tests/kernels/kernels.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUITE(name) Suite *name##_suite(void);
#include "suites.h"
#undef SUITE

struct kernels kernels;

bool kernel_configured(const struct kernel *kernel, const char *wanted)
{
	char path[1040], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/config", kernel->dir);
	file = fopen(path, "r");
	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		found = !strcmp(line, wanted);
	}
	if (file)
		fclose(file);
	return found;
}

static int by_contents(const void *a, const void *b)
{
	const struct kernel *x = a, *y = b;

	return y->has_types + y->has_modules - x->has_types - x->has_modules;
}

static void add_kernel(const char *dir)
{
	struct kernel *k = &kernels.at[kernels.count++];
	char path[1040];

	snprintf(k->dir, sizeof(k->dir), "%s", dir);
	snprintf(k->image, sizeof(k->image), "%s/vmlinuz", dir);
	snprintf(path, sizeof(path), "%s/lib/modules", dir);
	k->has_types = kernel_configured(k, "CONFIG_DEBUG_INFO_BTF=y");
	k->has_modules = k->has_types && !access(path, F_OK);
	kernels.with_types += k->has_types;
	kernels.with_modules += k->has_modules;
}

static void list_kernels(void)
{
	FILE *file = fopen(KERNELS "/fetched", "r");
	char dir[1024];

	while (file && kernels.count < 64 && fgets(dir, sizeof(dir), file)) {
		dir[strcspn(dir, "\n")] = 0;
		add_kernel(dir);
	}
	if (file)
		fclose(file);
	qsort(kernels.at, kernels.count, sizeof(*kernels.at), by_contents);
}

/* Those that fetch.sh could not have: an archive that is being updated must not fail the tests. */
static int tell_missing(void)
{
	FILE *file = fopen(KERNELS "/missing", "r");
	char line[256];
	int count = 0;

	while (file && fgets(line, sizeof(line), file)) {
		printf("skip: %.*s (could not be fetched)\n", (int)strcspn(line, "\n"), line);
		count++;
	}
	if (file)
		fclose(file);
	return count;
}

int main(void)
{
	SRunner *runner;
	int run, failed, missing;

	list_kernels();
	if (!kernels.count) {
		fprintf(stderr, "kernels: none in " KERNELS "; `make kernels` fetches them\n");
		return 1;
	}
	runner = srunner_create(NULL);
#define SUITE(name) srunner_add_suite(runner, name##_suite());
#include "suites.h"
#undef SUITE
	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	missing = tell_missing();
	printf("kernels: %d passed, %d failed, %d skipped\n", run - failed, failed, missing);
	return failed || !run;
}
