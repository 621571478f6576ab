/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "loader/object.h"

/*
 * An object in the kernel: one descriptor a map and a program, in the object's order, -1
 * where left out. Everything goes away with the descriptors; nothing is pinned.
 */
struct loaded {
	const struct object *object; /* borrowed */
	int *map_fds;
	int *prog_fds;
};

struct load_options {
	bool names; /* the kernel takes map and program names (Linux 4.15) */
};

/* Creates maps, fills data sections, freezes .rodata, loads programs. All or nothing. */
int load(struct loaded *loaded, const struct object *obj, const struct load_options *options,
	 struct error *err);
void loaded_fini(struct loaded *loaded);
int loaded_map_fd(const struct loaded *loaded, const char *name);
int loaded_prog_fd(const struct loaded *loaded, const char *name);

#endif
