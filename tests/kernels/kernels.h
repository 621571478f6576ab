/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_KERNELS_KERNELS_H
#define TESTS_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The kernels that were fetched, those first that have most for loop tests to look at: types,
 * as their configuration says, and modules as well.
 */
struct kernel {
	char dir[1024]; /* .../SUITE-ARCH */
	char image[1040];
	bool has_types, has_modules;
};

struct kernels {
	struct kernel at[64];
	int count, with_types, with_modules;
};

extern struct kernels kernels;

/* Is that line in its configuration? */
bool kernel_configured(const struct kernel *kernel, const char *line);

#endif
