/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_BINARY_H
#define LOADER_BINARY_H

#include <stddef.h>

#include "util/error.h"

/*
 * The file that a target names, "libc.so.6:malloc": a path is taken as it is, a library's name is
 * looked for in LD_LIBRARY_PATH and where this machine's libraries are, any other in PATH. 0, 1
 * where there is none of that name, or -1 and err.
 */
int binary_find(const char *name, char *path, size_t size, struct error *err);

#endif
