/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_STRUCT_OPS_H
#define LOADER_STRUCT_OPS_H

#include <linux/bpf.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vec.h"

#define MAP_TYPE_STRUCT_OPS 26 /* BPF_MAP_TYPE_STRUCT_OPS, Linux 5.6 */

struct loaded;
struct load_target;

/*
 * A struct_ops is a struct of function pointers by which some part of the kernel (congestion
 * control of TCP, a scheduler) is told what to call. The kernel takes its functions from programs
 * and the rest from the value of a map, whose type is a struct around it in the kernel's BTF:
 *
 *	struct tcp_congestion_ops { ssthresh; cong_avoid; ... name; owner; }
 *	struct bpf_struct_ops_tcp_congestion_ops { common; struct tcp_congestion_ops data; }
 *
 * The object has a version of its own of the former, maybe an older kernel's: members are matched by
 * name, as CO-RE does with what programs read. One is only missed where it is set to something.
 */
struct ops_slot {
	uint32_t offset;  /* in the value: where the descriptor of the program goes */
	uint32_t member;  /* number of the struct's member, by which the program is verified */
	uint32_t program; /* index in object.programs */
};

/* One map's value, laid out for the running kernel. */
struct ops_value {
	uint32_t map;        /* index in object.maps */
	uint32_t value_type; /* the kernel's, of the value and of the struct in it */
	uint32_t type;
	int btf_fd;          /* of the module that has these types; -1: the kernel itself */
	uint32_t pointer_size;
	uint32_t size;
	uint8_t *data;       /* owned */
	VEC(struct ops_slot) slots;
};

struct ops_values {
	VEC(struct ops_value) values;
};

/* Those of loaded->object, before its maps are created. */
int struct_ops_find(struct loaded *loaded, struct error *err);
void struct_ops_fini(struct ops_values *ops);
/*
 * Creates such a map; a descriptor, or -errno. It is made for a link, where the kernel has one
 * (6.4), whatever the object says, so that nothing is left when the process is killed.
 */
int struct_ops_create(const struct loaded *loaded, size_t map, union bpf_attr *attr);
/* What a program is loaded for. 0, or -1 where it is of none. */
int struct_ops_target(const struct loaded *loaded, size_t program, struct load_target *target,
		      struct error *err);

#endif
