// SPDX-License-Identifier: GPL-2.0
#include "loader/load_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/load_types.h"
#include "loader/reuse.h"
#include "loader/struct_ops.h"
#include "util/cpus.h"
#include "util/sys.h"

/* Newer than the headers of some distributions. */
#define MAP_TYPE_USER_RINGBUF 31
#define MAP_TYPE_ARENA 33

void load_copy_name(char dst[BPF_OBJ_NAME_LEN], const char *src)
{
	size_t len = 0;

	/* The kernel takes letters, digits and '_', and '.' only since Linux 5.2. */
	for (; *src && len < BPF_OBJ_NAME_LEN - 1; src++)
		dst[len++] = *src == '.' ? '_' : *src;
}

/* ---- attributes ---- */

/* A power of two, and of whole pages: what the author asked for, or the next above. */
static uint32_t ring_size(uint32_t wanted)
{
	uint64_t size = sysconf(_SC_PAGESIZE);

	while (size < wanted)
		size *= 2;
	return size > UINT32_MAX ? wanted : size;
}

int load_map_attr(const struct map *map, union bpf_attr *attr, struct error *err)
{
	int cpus;

	memset(attr, 0, sizeof(*attr));
	attr->map_type = map->type;
	attr->key_size = map->key_size;
	attr->value_size = map->value_size;
	attr->max_entries = map->max_entries;
	attr->map_flags = map->flags;
	attr->map_extra = map->extra;
	if (map->flags & BPF_F_NUMA_NODE)
		attr->numa_node = map->numa_node;
	if (map->type == BPF_MAP_TYPE_RINGBUF || map->type == MAP_TYPE_USER_RINGBUF)
		attr->max_entries = ring_size(map->max_entries);
	if (map->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY || map->max_entries)
		return 0;
	cpus = cpus_possible();
	if (cpus < 0)
		return error_system(err, -cpus, "map '%s': number of CPUs", map->name);
	attr->max_entries = cpus;
	return 0;
}

/* ---- one map ---- */

/* Bytes that a kernel does not know and that are not 0 it refuses with this errno. */
static int explain_unknown(const struct map *map, const union bpf_attr *attr, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED, "map '%s': %s: got %llu, expected 0 on this kernel", map->name,
		  attr->map_extra ? "map_extra" : "numa_node", (unsigned long long)
		  (attr->map_extra ? attr->map_extra : attr->numa_node));
	return error_hint(err, "kernels know it since Linux %s", attr->map_extra ? "5.16" : "4.14");
}

static int explain(const struct loaded *loaded, const struct map *map, const union bpf_attr *attr,
		   int ret, struct error *err)
{
	if (ret == -E2BIG && (attr->map_extra || attr->numa_node))
		return explain_unknown(map, attr, err);
	if ((ret == -EINVAL || ret == -E2BIG || ret == -EOPNOTSUPP || ret == -EBADF) &&
	    map_fault(map, attr, loaded->btf_fd >= 0 && map->value_type_id, err))
		return -1;
	error_system(err, -ret, "map '%s': create (type %u %s, key %u, value %u, entries %u, flags 0x%x)",
		     map->name, map->type, map_type_name(map->type), map->key_size, map->value_size,
		     attr->max_entries, map->flags);
	if (ret == -EPERM) {
		err->code = ERROR_PERMISSION;
		error_hint(err, "creating BPF maps takes root, or CAP_BPF (CAP_SYS_ADMIN before "
				"Linux 5.8), and before 5.11 enough RLIMIT_MEMLOCK (ulimit -l)");
	}
	return -1;
}

/* A descriptor, or -1. inner: that of a map like those that it is to hold, or -1. */
static int create(struct loaded *loaded, size_t index, int inner, const struct load_options *options,
		  struct error *err)
{
	const struct map *map = &loaded->object->maps.at[index];
	union bpf_attr attr;
	int fd;

	if (load_map_attr(map, &attr, err))
		return -1;
	if (inner >= 0)
		attr.inner_map_fd = inner;
	if (options->names)
		load_copy_name(attr.map_name, map->name);
	fd = map->type == MAP_TYPE_STRUCT_OPS ? struct_ops_create(loaded, index, &attr) :
						load_map_typed(loaded, options->types, index, &attr);
	return fd >= 0 ? fd : explain(loaded, map, &attr, fd, err);
}

static int create_with_inner(struct loaded *loaded, size_t index, const struct load_options *options,
			     struct error *err)
{
	uint32_t template = loaded->object->maps.at[index].inner;
	int inner = -1, fd;

	if (template) {
		inner = create(loaded, template - 1, -1, options, err);
		if (inner < 0)
			return -1;
	}
	fd = create(loaded, index, inner, options, err);
	sys_close(inner);
	return fd;
}

/* ---- what is in it ---- */

static int freeze(int fd, const struct map *map, struct error *err)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	ret = sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	return ret < 0 ? error_system(err, -ret, "map '%s': freeze", map->name) : 0;
}

static int fill_value(int fd, const struct map *map, struct error *err)
{
	__u32 zero = 0;
	int ret = sys_map_update(fd, &zero, map->data);

	if (ret < 0)
		return error_system(err, -ret, "map '%s': set its value", map->name);
	/* Only a frozen map's values are constants to the verifier. */
	return map->flags & BPF_F_RDONLY_PROG ? freeze(fd, map, err) : 0;
}

static size_t arena_size(const struct map *map)
{
	return (size_t)map->max_entries * sysconf(_SC_PAGESIZE);
}

/*
 * The kernel wants to know where in the process an arena is before it takes a program that uses
 * it: where map_extra says, or else where it is mapped first. The globals are at its beginning.
 */
static int map_arena(struct loaded *loaded, size_t index, bool is_new, struct error *err)
{
	const struct map *map = &loaded->object->maps.at[index];
	size_t size = arena_size(map);
	int fixed = map->extra ? MAP_FIXED_NOREPLACE : 0;
	void *at = mmap((void *)(uintptr_t)map->extra, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | fixed, loaded->map_fds[index], 0);

	if (at == MAP_FAILED)
		return error_system(err, errno, "map '%s': map %zu bytes of arena", map->name, size);
	loaded->arenas[index] = at;
	if (map->data_size > size)
		return error_set(err, ERROR_FORMAT, "map '%s': max_entries: got %u pages, expected "
				 "enough for %u bytes of globals", map->name, map->max_entries,
				 map->data_size);
	if (map->data && is_new)
		memcpy(at, map->data, map->data_size);
	return 0;
}

void load_unmap_arenas(struct loaded *loaded)
{
	for (size_t i = 0; loaded->arenas && i < loaded->object->maps.len; i++)
		if (loaded->arenas[i])
			munmap(loaded->arenas[i], arena_size(&loaded->object->maps.at[i]));
}

static int fill(struct loaded *loaded, size_t index, bool is_new, struct error *err)
{
	const struct map *map = &loaded->object->maps.at[index];

	if (map->type == MAP_TYPE_ARENA)
		return map_arena(loaded, index, is_new, err);
	/* What others have in theirs is what the programs are to see. */
	return map->data && is_new ? fill_value(loaded->map_fds[index], map, err) : 0;
}

/* ---- all of them ---- */

static int load_map(struct loaded *loaded, size_t index, const struct load_options *options,
		    struct error *err)
{
	int *fd = &loaded->map_fds[index];
	int ret = reuse_find(loaded, index, options, fd, err);

	if (ret)
		return ret < 0 ? -1 : fill(loaded, index, false, err);
	*fd = create_with_inner(loaded, index, options, err);
	if (*fd < 0 || fill(loaded, index, true, err))
		return -1;
	return reuse_pin(loaded, index, options, err);
}

static int fill_slot(const struct map *map, int fd, const struct map_slot *slot, int target,
		     struct error *err)
{
	int ret = sys_map_update(fd, &slot->index, &target);

	if (ret < 0)
		return error_system(err, -ret, "map '%s': value %u", map->name, slot->index);
	return 0;
}

static int fill_slots(struct loaded *loaded, bool programs, struct error *err)
{
	const struct object *obj = loaded->object;
	const int *targets = programs ? loaded->prog_fds : loaded->map_fds;

	for (size_t i = 0; i < obj->maps.len; i++) {
		const struct map *map = &obj->maps.at[i];

		if ((map->type == BPF_MAP_TYPE_PROG_ARRAY) != programs)
			continue;
		for (size_t n = 0; n < map->slots.len; n++) {
			const struct map_slot *slot = &map->slots.at[n];

			/* A program that was left out of the load leaves its slot empty. */
			if (targets[slot->target] >= 0 &&
			    fill_slot(map, loaded->map_fds[i], slot, targets[slot->target], err))
				return -1;
		}
	}
	return 0;
}

int load_maps(struct loaded *loaded, const struct load_options *options, struct error *err)
{
	const struct object *obj = loaded->object;

	for (size_t i = 0; i < obj->maps.len; i++)
		if (!obj->maps.at[i].is_template && load_map(loaded, i, options, err))
			return -1;
	return fill_slots(loaded, false, err);
}

int load_program_slots(struct loaded *loaded, struct error *err)
{
	return fill_slots(loaded, true, err);
}
