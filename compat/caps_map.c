// SPDX-License-Identifier: GPL-2.0
/*
 * Map types: for each the smallest map that a kernel with it cannot refuse. So EINVAL says that
 * it is the type that it does not know.
 */
#include "compat/caps_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/sys.h"

/* By number, as the headers of most distributions lack some of the names. */
enum {
	HASH = 1, PERCPU_HASH = 5, STACK_TRACE = 7, LRU_HASH = 9, LRU_PERCPU_HASH, LPM_TRIE,
	ARRAY_OF_MAPS, HASH_OF_MAPS, CGROUP_STORAGE = 19, REUSEPORT_SOCKARRAY, PERCPU_CGROUP_STORAGE,
	QUEUE, STACK, SK_STORAGE, STRUCT_OPS = 26, RINGBUF, INODE_STORAGE, TASK_STORAGE, BLOOM_FILTER,
	USER_RINGBUF, CGRP_STORAGE, ARENA, INSN_ARRAY, RHASH, MAP_TYPES,
};

#define NO_PREALLOC 1u
#define MMAPABLE (1u << 10) /* BPF_F_MMAPABLE */
#define PAGE UINT32_MAX     /* of entries: as many as a page has bytes */

enum extra { NOTHING, INNER_MAP, BTF };

static const struct {
	uint32_t key, value, entries, flags;
	enum extra extra;
} shapes[MAP_TYPES] = {
	[STACK_TRACE] = { 4, 8, 1, 0 },
	[LPM_TRIE] = { 8, 8, 1, NO_PREALLOC },
	[ARRAY_OF_MAPS] = { 4, 4, 1, 0, INNER_MAP },
	[HASH_OF_MAPS] = { 4, 4, 1, 0, INNER_MAP },
	/* The key is a cgroup's inode and the kind of attachment. */
	[CGROUP_STORAGE] = { 16, 8, 0, 0 },
	[PERCPU_CGROUP_STORAGE] = { 16, 8, 0, 0 },
	[REUSEPORT_SOCKARRAY] = { 4, 8, 1, 0 },
	[QUEUE] = { 0, 8, 1, 0 },
	[STACK] = { 0, 8, 1, 0 },
	[SK_STORAGE] = { 4, 4, 0, NO_PREALLOC, BTF },
	[RINGBUF] = { 0, 0, PAGE, 0 },
	[INODE_STORAGE] = { 4, 4, 0, NO_PREALLOC, BTF },
	[TASK_STORAGE] = { 4, 4, 0, NO_PREALLOC, BTF },
	[BLOOM_FILTER] = { 0, 8, 1, 0 },
	[USER_RINGBUF] = { 0, 0, PAGE, 0 },
	[CGRP_STORAGE] = { 4, 4, 0, NO_PREALLOC, BTF },
	[ARENA] = { 0, 0, 1, MMAPABLE },
	[INSN_ARRAY] = { 4, 16, 1, 0 },
	[RHASH] = { 4, 8, 1, NO_PREALLOC },
};

/* Maps of maps name one as the pattern of all in them. */
static enum answer ask_outer(union bpf_attr *attr, int *sys)
{
	union bpf_attr inner = small_array();
	int fd = sys_bpf(BPF_MAP_CREATE, &inner, sizeof(inner));
	enum answer answer;

	if (fd < 0) {
		*sys = -fd;
		return CAP_UNKNOWN;
	}
	attr->inner_map_fd = fd;
	answer = answer_of(try_map(attr), sys);
	sys_close(fd);
	return answer;
}

/* Storages want the types of key and value, of which each kernel that has storages knows an int. */
static enum answer ask_storage(struct caps *caps, union bpf_attr *attr, int *sys)
{
	enum answer answer = caps_ask(caps, CAP_BTF);
	int fd;

	*sys = caps->at[CAP_BTF].sys;
	if (answer != CAP_YES)
		return answer;
	fd = load_int_btf();
	if (fd < 0) {
		*sys = -fd;
		return CAP_UNKNOWN;
	}
	attr->btf_fd = fd;
	attr->btf_key_type_id = attr->btf_value_type_id = 1;
	answer = answer_of(try_map(attr), sys);
	sys_close(fd);
	return answer;
}

/*
 * Its value is a struct of the kernel's that modules, too, may bring; of an id that is none it says
 * ENOTSUPP, which a kernel without the type does not come to.
 */
static enum answer ask_struct_ops(struct caps *caps, int *sys)
{
	union bpf_attr attr = small_array();
	uint32_t none;
	enum answer types = caps_id(caps, ID_STRUCT_OPS, &none, sys);

	if (types != CAP_YES)
		return types;
	attr.map_type = STRUCT_OPS;
	attr.btf_vmlinux_value_type_id = 1;
	*sys = -try_map(&attr);
	if (!*sys || *sys == CAPS_ENOTSUPP)
		return CAP_YES;
	return *sys == EINVAL || *sys == E2BIG ? CAP_NO : CAP_UNKNOWN;
}

/* Of a type that is newer than this table a "no" cannot be told from the wrong shape. */
static enum answer ask_newer(union bpf_attr *attr, int *sys)
{
	*sys = -try_map(attr);
	return *sys ? CAP_UNKNOWN : CAP_YES;
}

enum answer ask_map(struct caps *caps, uint32_t type, int *sys)
{
	union bpf_attr attr;

	if (type == STRUCT_OPS)
		return ask_struct_ops(caps, sys);
	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	/* Most take what a hash takes, or an array of descriptors. */
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	if (type >= MAP_TYPES)
		return ask_newer(&attr, sys);
	if (shapes[type].value || shapes[type].entries) {
		attr.key_size = shapes[type].key;
		attr.value_size = shapes[type].value;
		attr.max_entries = shapes[type].entries;
		attr.map_flags = shapes[type].flags;
	}
	if (attr.max_entries == PAGE)
		attr.max_entries = sysconf(_SC_PAGESIZE);
	if (shapes[type].extra == INNER_MAP)
		return ask_outer(&attr, sys);
	if (shapes[type].extra == BTF)
		return ask_storage(caps, &attr, sys);
	return answer_of(try_map(&attr), sys);
}

static enum answer ask_flag(uint32_t type, uint32_t flag, int *sys)
{
	union bpf_attr attr = small_array(), flagged;

	attr.map_type = type;
	flagged = attr;
	flagged.map_flags = flag;
	return ask_map_pair(&flagged, &attr, sys);
}

enum answer ask_no_prealloc(struct caps *caps, enum cap cap, int *sys)
{
	return ask_flag(BPF_MAP_TYPE_HASH, NO_PREALLOC, sys);
}

enum answer ask_mmapable(struct caps *caps, enum cap cap, int *sys)
{
	return ask_flag(BPF_MAP_TYPE_ARRAY, MMAPABLE, sys);
}
