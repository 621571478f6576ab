// SPDX-License-Identifier: GPL-2.0
/*
 * Why a kernel that has a type of map would not create one. It says no more than EINVAL, so what
 * each type takes is here.
 */
#include "loader/load_maps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a number has to be: that; anything but 0; one of these two. */
#define SOME -1
#define FOUR_OR_EIGHT -2

#define NO_PREALLOC 1 /* BPF_F_NO_PREALLOC */
#define MMAPABLE (1u << 10)

static const struct rule {
	const char *name;
	int key, value, entries;
	uint32_t flags; /* which have to be set */
	bool typed;     /* key and value need types */
} rules[] = {
	[1] = { "hash", SOME, SOME, SOME },
	[2] = { "array", 4, SOME, SOME },
	[3] = { "prog_array", 4, 4, SOME },
	[4] = { "perf_event_array", 4, 4, SOME },
	[5] = { "percpu_hash", SOME, SOME, SOME },
	[6] = { "percpu_array", 4, SOME, SOME },
	[7] = { "stack_trace", 4, SOME, SOME },
	[8] = { "cgroup_array", 4, 4, SOME },
	[9] = { "lru_hash", SOME, SOME, SOME },
	[10] = { "lru_percpu_hash", SOME, SOME, SOME },
	[11] = { "lpm_trie", SOME, SOME, SOME, NO_PREALLOC },
	[12] = { "array_of_maps", 4, 4, SOME },
	[13] = { "hash_of_maps", SOME, 4, SOME },
	[14] = { "devmap", 4, FOUR_OR_EIGHT, SOME },
	[15] = { "sockmap", 4, FOUR_OR_EIGHT, SOME },
	[16] = { "cpumap", 4, FOUR_OR_EIGHT, SOME },
	[17] = { "xskmap", 4, 4, SOME },
	[18] = { "sockhash", SOME, FOUR_OR_EIGHT, SOME },
	[19] = { "cgroup_storage", SOME, SOME, 0 },
	[20] = { "reuseport_sockarray", 4, FOUR_OR_EIGHT, SOME },
	[21] = { "percpu_cgroup_storage", SOME, SOME, 0 },
	[22] = { "queue", 0, SOME, SOME },
	[23] = { "stack", 0, SOME, SOME },
	[24] = { "sk_storage", 4, SOME, 0, NO_PREALLOC, true },
	[25] = { "devmap_hash", 4, FOUR_OR_EIGHT, SOME },
	[26] = { "struct_ops", 4, SOME, 1 },
	[27] = { "ringbuf", 0, 0, SOME },
	[28] = { "inode_storage", 4, SOME, 0, NO_PREALLOC, true },
	[29] = { "task_storage", 4, SOME, 0, NO_PREALLOC, true },
	[30] = { "bloom_filter", 0, SOME, SOME },
	[31] = { "user_ringbuf", 0, 0, SOME },
	[32] = { "cgrp_storage", 4, SOME, 0, NO_PREALLOC, true },
	[33] = { "arena", 0, 0, SOME, MMAPABLE },
	[34] = { "insn_array", 4, SOME, SOME },
};

static const struct rule *rule_of(uint32_t type)
{
	return type && type < sizeof(rules) / sizeof(rules[0]) ? &rules[type] : NULL;
}

const char *map_type_name(uint32_t type)
{
	const struct rule *rule = rule_of(type);

	return rule ? rule->name : "";
}

static int fault(const struct map *map, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fault(const struct map *map, struct error *err, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	error_set(err, ERROR_FORMAT, "map '%s': %s for one of type %s", map->name, text,
		  map_type_name(map->type));
	err->sys = EINVAL;
	return -1;
}

static bool fits(uint32_t got, int wanted)
{
	switch (wanted) {
	case SOME:
		return got;
	case FOUR_OR_EIGHT:
		return got == 4 || got == 8;
	default:
		return got == (uint32_t)wanted;
	}
}

static int check(const struct map *map, const char *attribute, uint32_t got, int wanted,
		 struct error *err)
{
	if (fits(got, wanted))
		return 0;
	if (wanted >= 0)
		return fault(map, err, "%s: got %u, expected %d", attribute, got, wanted);
	return fault(map, err, "%s: got %u, expected %s", attribute, got,
		     wanted == SOME ? "more" : "4 or 8");
}

/* What no number of the table says. */
static int check_own(const struct map *map, const union bpf_attr *attr, struct error *err)
{
	uint32_t page = sysconf(_SC_PAGESIZE);

	switch (map->type) {
	case BPF_MAP_TYPE_STACK_TRACE:
		if (attr->value_size % 8)
			return fault(map, err, "value_size: got %u, expected a multiple of 8",
				     attr->value_size);
		break;
	case BPF_MAP_TYPE_LPM_TRIE: /* the length, and 1 to 256 bytes of what it is of */
		if (attr->key_size < 5 || attr->key_size > 260)
			return fault(map, err, "key_size: got %u, expected 5 to 260", attr->key_size);
		break;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		if (!attr->inner_map_fd)
			return fault(map, err, "values: got none, expected __array(values, struct { "
				     "... }), which says what the maps in it are like,");
		break;
	case BPF_MAP_TYPE_RINGBUF:
		if (attr->max_entries < page || attr->max_entries & (attr->max_entries - 1))
			return fault(map, err, "max_entries: got %u, expected a power of two from %u",
				     attr->max_entries, page);
		break;
	}
	return 0;
}

int map_fault(const struct map *map, const union bpf_attr *attr, bool typed, struct error *err)
{
	const struct rule *rule = rule_of(map->type);

	if (!rule)
		return 0;
	if (check(map, "key_size", attr->key_size, rule->key, err) ||
	    check(map, "value_size", attr->value_size, rule->value, err) ||
	    check(map, "max_entries", attr->max_entries, rule->entries, err))
		return -1;
	if (rule->flags & ~attr->map_flags)
		return fault(map, err, "map_flags: got 0x%x, expected 0x%x among them (%s)",
			     attr->map_flags, rule->flags,
			     rule->flags == MMAPABLE ? "BPF_F_MMAPABLE" : "BPF_F_NO_PREALLOC");
	if (rule->typed && !typed)
		return fault(map, err, "types of key and value: got none, expected __type(key, int) "
			     "and __type(value, ...), and a kernel that takes them,");
	return check_own(map, attr, err);
}
