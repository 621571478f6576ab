/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_KALLSYMS_H
#define LOADER_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Addresses of the kernel's symbols and its modules', from /proc/kallsyms. */
struct kallsym {
	const char *name; /* borrowed */
	uint64_t address;
	bool found;
};

/*
 * Looks all of them up in one reading of the file, tens of milliseconds of it. A symbol that the
 * compiler gave a suffix, "name.llvm.123", goes by its name. ERROR_PERMISSION: this user is not
 * told addresses; ERROR_FORMAT: one has two addresses; ERROR_NOT_FOUND: there is no such file.
 */
int kallsyms_find(struct kallsym *symbols, size_t len, const char *path, struct error *err);

#endif
