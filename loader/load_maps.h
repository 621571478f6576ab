/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_MAPS_H
#define LOADER_LOAD_MAPS_H

#include <linux/bpf.h>

#include "loader/load.h"

/*
 * What load.c does about maps: each is created, taken from a pin or from the caller, and filled.
 */
int load_maps(struct loaded *loaded, const struct load_options *options, struct error *err);
/* Programs into the maps that are to hold them, once there are any. */
int load_program_slots(struct loaded *loaded, struct error *err);
/* What a map of the object is created with. 0, or -1 and err. */
int load_map_attr(const struct map *map, union bpf_attr *attr, struct error *err);
/* Name of a map or program as every kernel takes it. */
void load_copy_name(char dst[BPF_OBJ_NAME_LEN], const char *src);
/* Lets go of an arena's memory. */
void load_unmap_arenas(struct loaded *loaded);

/* What is wrong with a map that the kernel would not create, put into err; 0: nothing is known. */
int map_fault(const struct map *map, const union bpf_attr *attr, bool typed, struct error *err);
/* "hash", "" where the type is newer than this table: for messages. */
const char *map_type_name(uint32_t type);

#endif
