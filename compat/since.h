/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_SINCE_H
#define COMPAT_SINCE_H

#include <stdint.h>

#include "util/release.h"

/*
 * Names of what the kernel numbers in include/uapi/linux/bpf.h, and the release that brought
 * each.
 */
struct since {
	char name[48];    /* "ringbuf_reserve"; "240" where the number is newer than these tables */
	uint16_t release; /* LINUX(5, 8); 0 there */
};

/* By BPF_FUNC_..., without the "bpf_" that the functions' names begin with. */
struct since since_helper(uint32_t id);
/* By BPF_MAP_TYPE_... and BPF_PROG_TYPE_..., in lower case. */
struct since since_map_type(uint32_t type);
struct since since_program_type(uint32_t type);

/* The other way, by those names; 0 where it is none. */
uint32_t since_helper_id(const char *name);
uint32_t since_map_type_id(const char *name);
uint32_t since_program_type_id(const char *name);

#endif
