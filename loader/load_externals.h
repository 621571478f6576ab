/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_EXTERNALS_H
#define LOADER_LOAD_EXTERNALS_H

#include "loader/load_target.h"

/*
 * What programs name of the kernel's by a type: its functions (kfuncs) and its variables, by ids in
 * its BTF or in a module's. What is no more than an address, and whether there is any, prepare()
 * has settled.
 */
struct load_external {
	uint32_t type_id; /* 0: not there */
	int fd;           /* of the module's BTF; 0: the kernel's own */
	uint32_t number;  /* and that in load_externals.fds */
};

struct load_externals {
	struct load_external *at; /* by index in object.externals */
	VEC(int) fds;             /* of modules; the first is none, as 0 is the kernel */
};

/* Instead of a call of what is not there, which only matters where the code is reached. */
#define EXTERNAL_POISON 2002000000

/* Those that programs to be loaded refer to. On failure, too, load_externals_fini is due. */
int load_externals_find(struct load_externals *externals, const struct object *obj,
			struct load_targets *targets, struct error *err);
void load_externals_fini(struct load_externals *externals);
/* Puts into the copied instruction what the reference stands for. */
void load_external_put(const struct load_externals *externals, const struct object *obj,
		       const struct ref *ref, struct bpf_insn *insn);
/*
 * Of a refusal: whether the log says that a call of something weak that is not there was reached;
 * err says so then.
 */
bool load_external_explain(const struct object *obj, const struct program *prog, const char *log,
			   struct error *err);

#endif
