/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_LOAD_TARGET_H
#define LOADER_LOAD_TARGET_H

#include <linux/bpf.h>

#include "loader/load.h"
#include "loader/types.h"

/*
 * What some kinds of programs are for is told when they are loaded, as the id of a type: the
 * verifier takes from it what their arguments are.
 *
 *	tp_btf/sched_switch        typedef btf_trace_sched_switch
 *	fentry/do_exit             function do_exit, of the kernel or of a module
 *	lsm/file_open              function bpf_lsm_file_open
 *	iter/task                  function bpf_iter_task; what follows a colon is for attaching
 *	struct_ops/ssthresh        struct of the variable that has it (struct_ops.h)
 *	freplace/parse             function parse of the program load_options.replaced
 */
struct load_target {
	int fd;           /* of a module's BTF, to be closed; -1: the type is the kernel's own */
	uint32_t type_id; /* 0: programs of the kind are told none */
	uint32_t member;  /* of the struct, which a struct_ops program is a function of */
};

/* The kernel's types, opened when the first program asks. */
struct load_targets {
	struct types types;
	bool open;
};

/* A descriptor of the BTF that the kernel has of a module, by its name; or -errno. */
int load_module_fd(const char *module);

int load_targets_open(struct load_targets *targets, struct error *err);
void load_targets_fini(struct load_targets *targets);
/* The type of that name and kind, the kernel's or a loaded module's; type_id 0: there is none. */
int load_target_type(struct load_targets *targets, const char *name, uint32_t btf_kind,
		     struct load_target *target, struct error *err);
/* Finds it, of several names the first that is there, which goes into *name. */
int load_target_find(struct load_targets *targets, const struct program *prog, int replaced,
		     struct load_target *target, struct section_name *name, struct error *err);

#endif
