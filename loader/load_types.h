/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_TYPES_H
#define LOADER_LOAD_TYPES_H

#include <linux/bpf.h>

#include "loader/load.h"

/*
 * How load.c tells the kernel of types. None of it is needed for a program to run, so what the
 * kernel will not take is left out and noted in loaded->types_refused.
 */

/* BPF_BTF_LOAD; loaded->btf_fd. */
void load_btf(struct loaded *loaded, const struct load_types *types);
/* BPF_MAP_CREATE with the map's types, or else without: a descriptor, or -errno. */
int load_map_typed(struct loaded *loaded, const struct load_types *types, size_t map,
		   union bpf_attr *attr);
/* Adds func and line info to what BPF_PROG_LOAD gets. *funcs is to be freed after the call. */
int load_prog_types(const struct loaded *loaded, const struct load_types *types, size_t prog,
		    union bpf_attr *attr, struct bpf_func_info **funcs, struct error *err);
/*
 * BPF_PROG_LOAD through `prog_load`. With types the kernel verifies functions that are not
 * static each by itself, whoever calls it, and before Linux 5.12 it cannot do that for ones
 * that take pointers: so what it refuses with EINVAL is tried without. After a failure attr
 * is the attempt to explain.
 */
int load_prog_typed(struct loaded *loaded, size_t prog, union bpf_attr *attr,
		    int (*prog_load)(union bpf_attr *attr));

#endif
