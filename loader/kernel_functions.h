/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_KERNEL_FUNCTIONS_H
#define LOADER_KERNEL_FUNCTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/tracefs.h"
#include "util/vec.h"

/* A function of the kernel or of one of its modules that can be traced. */
struct kernel_function {
	char *name; /* owned */
	uint64_t address;
};

struct kernel_functions {
	VEC(struct kernel_function) list; /* by name */
};

/* What their addresses are for. */
enum kernel_addresses {
	ADDRESS_ANY,   /* good enough to say which are meant; may be some bytes into the function */
	ADDRESS_ENTRY, /* of the function's first byte, by which the kernel finds their cookies */
};

/*
 * Those whose names match a pattern of the shell's, "vfs_*": where each is, as the kernel is told
 * of many at once. Functions that can be traced and cannot be told from others of the same name
 * that cannot are left out. 0, also where there is none, or -1 and err; kernel_functions_fini is
 * due in any case.
 */
int kernel_functions_find(struct kernel_functions *functions, const struct tracefs *tracefs,
			  const char *pattern, enum kernel_addresses addresses, struct error *err);
/* The one of that name; NULL where there is none, or several. */
const struct kernel_function *kernel_functions_get(const struct kernel_functions *functions,
						   const char *name);
void kernel_functions_fini(struct kernel_functions *functions);

#endif
