/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "loader/bpffs.h"
#include "loader/object.h"
#include "loader/struct_ops.h"

/*
 * An object in the kernel: one descriptor a map and a program, in the object's order, -1
 * where left out. Everything goes away with the descriptors, but for maps that ask to be pinned
 * by their names: those stay, and are what the next load takes.
 */
struct loaded {
	const struct object *object; /* borrowed */
	int *map_fds;
	int *prog_fds;
	struct section_name *targets; /* by program: what it was loaded for, see load_target.h; else "" */
	void **arenas; /* by map: where an arena is in this process; else NULL */
	char **pins;   /* by map: where it was pinned by its name, by this load; else NULL */
	bool pinning;  /* there is where to pin: */
	struct bpffs bpffs;
	int btf_fd; /* -1: the kernel knows no types of it */
	struct ops_values ops; /* its struct_ops, for this kernel */
	/* ERROR_NONE, or the first that it would not take of what load_options.types tells: then
	 * the object is loaded without that. */
	struct error types_refused;
};

struct load_map_types {
	uint32_t key, value; /* both 0: none; only the key is: a data section */
};

struct load_prog_types {
	const char *no_funcs, *no_lines; /* why it is not told of functions, of lines; NULL: it is */
};

/* What the kernel is told of an object's types; made by compat/lower_types.c. */
struct load_types {
	void *btf; /* owned, as the rest; NULL: nothing is told, and nothing else is set */
	size_t btf_len;
	struct load_map_types *maps;      /* by index in object.maps */
	struct load_prog_types *programs; /* by index in object.programs */
};

void load_types_fini(struct load_types *types);

/* A map to take in place of a new one of that name. */
struct load_reuse {
	const char *map;
	int fd; /* stays the caller's */
};

struct load_options {
	bool names; /* the kernel takes map and program names (Linux 4.15) */
	bool attach_types; /* and expected_attach_type (4.17), without which programs load as well */
	uint32_t kern_version; /* what kprobe programs have to state (before 5.0); 0: nothing */
	int replaced; /* the loaded program whose functions freplace programs replace; 0: none */
	const struct load_types *types; /* NULL: tell it nothing */
	const char *pin_root; /* where maps are pinned by their names; NULL: BPFFS_ROOT */
	const struct load_reuse *reuse; /* reuse_len of them */
	size_t reuse_len;
	/* Is told the verifier's whole log of a program that is refused; NULL: err is enough. */
	void (*refused)(const char *program, const char *log);
};

/*
 * Creates maps, or takes those that are pinned by their names, fills data sections, freezes .rodata,
 * loads programs and puts them into the maps that hold some. All or nothing.
 */
int load(struct loaded *loaded, const struct object *obj, const struct load_options *options,
	 struct error *err);
void loaded_fini(struct loaded *loaded);
int loaded_map_fd(const struct loaded *loaded, const char *name);
int loaded_prog_fd(const struct loaded *loaded, const char *name);

#endif
