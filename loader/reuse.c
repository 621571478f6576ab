// SPDX-License-Identifier: GPL-2.0
#include "loader/reuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/load_maps.h"
#include "util/sys.h"

/* What has to be the same of a map. */
struct shape {
	uint32_t type, key_size, value_size, max_entries, flags;
	uint64_t extra;
};

/* ---- what a map is like ---- */

static int ask_info(int fd, struct shape *shape)
{
	struct bpf_map_info info;
	int ret;

	memset(&info, 0, sizeof(info));
	ret = sys_bpf_info(fd, &info, sizeof(info));
	if (ret < 0)
		return ret;
	*shape = (struct shape){ info.type, info.key_size, info.value_size, info.max_entries,
				 info.map_flags, info.map_extra };
	return 0;
}

static uint64_t fdinfo_number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 0) : 0;
}

/* Before Linux 4.13. */
static int read_fdinfo(int fd, struct shape *shape)
{
	char path[64], text[2048];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	len = sys_read_file(AT_FDCWD, path, text, sizeof(text));
	if (len < 0)
		return len;
	*shape = (struct shape){
		fdinfo_number(text, "map_type:"), fdinfo_number(text, "key_size:"),
		fdinfo_number(text, "value_size:"), fdinfo_number(text, "max_entries:"),
		fdinfo_number(text, "map_flags:"), fdinfo_number(text, "map_extra:"),
	};
	return shape->type ? 0 : -EINVAL;
}

static int shape_of(int fd, struct shape *shape)
{
	int ret = ask_info(fd, shape);

	return ret == -EINVAL ? read_fdinfo(fd, shape) : ret;
}

static int shape_wanted(const struct map *map, struct shape *shape, struct error *err)
{
	union bpf_attr attr;

	if (load_map_attr(map, &attr, err))
		return -1;
	*shape = (struct shape){ attr.map_type, attr.key_size, attr.value_size, attr.max_entries,
				 attr.map_flags, attr.map_extra };
	return 0;
}

/* The kernel sets a flag of these by itself. */
static bool same_shape(const struct shape *got, const struct shape *wanted)
{
	uint32_t own = wanted->type == BPF_MAP_TYPE_DEVMAP ||
		       wanted->type == BPF_MAP_TYPE_DEVMAP_HASH ? BPF_F_RDONLY_PROG : 0;

	return got->type == wanted->type && got->key_size == wanted->key_size &&
	       got->value_size == wanted->value_size && got->max_entries == wanted->max_entries &&
	       got->extra == wanted->extra && (got->flags | own) == (wanted->flags | own);
}

static void describe(const struct shape *s, char buf[200])
{
	snprintf(buf, 200, "type %u %s, key %u, value %u, entries %u, flags 0x%x, extra %llu", s->type,
		 map_type_name(s->type), s->key_size, s->value_size, s->max_entries, s->flags,
		 (unsigned long long)s->extra);
}

static int check(const struct map *map, int fd, const char *from, struct error *err)
{
	struct shape got, wanted;
	char is[200], is_to_be[200];
	int ret = shape_of(fd, &got);

	if (ret < 0)
		return error_system(err, -ret, "map '%s': %s: what it is like", map->name, from);
	if (shape_wanted(map, &wanted, err))
		return -1;
	if (same_shape(&got, &wanted))
		return 0;
	describe(&got, is);
	describe(&wanted, is_to_be);
	return error_set(err, ERROR_UNSUPPORTED, "map '%s': %s: got %s, expected %s", map->name, from,
			 is, is_to_be);
}

/* ---- finding one ---- */

static const char *root_of(const struct load_options *options)
{
	return options->pin_root ? options->pin_root : BPFFS_ROOT;
}

static int find_given(const struct map *map, const struct load_options *options, int *fd,
		      struct error *err)
{
	for (size_t i = 0; i < options->reuse_len; i++) {
		const struct load_reuse *given = &options->reuse[i];

		if (strcmp(given->map, map->name))
			continue;
		if (check(map, given->fd, "the one given", err))
			return -1;
		*fd = fcntl(given->fd, F_DUPFD_CLOEXEC, 3);
		return *fd < 0 ? error_system(err, errno, "map '%s'", map->name) : 1;
	}
	return 0;
}

static int find_pinned(const struct map *map, const struct load_options *options, int *fd,
		       struct error *err)
{
	char *path = bpffs_path(root_of(options), map->name);
	int ret;

	if (!path)
		return error_memory(err);
	*fd = bpffs_get(path);
	if (*fd == -ENOENT || *fd == -ENOTDIR || *fd == -EACCES) {
		/* EACCES: not of bpffs; that is found when pinning. */
		ret = 0;
	} else if (*fd < 0) {
		ret = error_system(err, -*fd, "map '%s': open the one pinned at %s", map->name, path);
	} else {
		char from[300];

		snprintf(from, sizeof(from), "pinned at %.256s", path);
		ret = check(map, *fd, from, err) ? -1 : 1;
		if (ret < 0)
			error_hint(err, "if nothing needs it any more, remove it: rm %s; or pin elsewhere: "
					"--pin-root DIR", path);
	}
	if (ret < 0)
		sys_close(*fd);
	if (ret <= 0)
		*fd = -1;
	free(path);
	return ret;
}

int reuse_find(struct loaded *loaded, size_t index, const struct load_options *options, int *fd,
	       struct error *err)
{
	const struct map *map = &loaded->object->maps.at[index];
	int ret = find_given(map, options, fd, err);

	return ret || !map->pinning ? ret : find_pinned(map, options, fd, err);
}

/* ---- pinning one ---- */

int reuse_pin(struct loaded *loaded, size_t index, const struct load_options *options,
	      struct error *err)
{
	const struct map *map = &loaded->object->maps.at[index];
	char *path;
	int ret;

	if (!map->pinning)
		return 0;
	if (!loaded->pinning && bpffs_make(&loaded->bpffs, root_of(options), err))
		return error_wrap(err, "map '%s': pin by its name", map->name);
	loaded->pinning = true;
	path = bpffs_path(root_of(options), map->name);
	if (!path)
		return error_memory(err);
	ret = bpffs_pin(loaded->map_fds[index], path);
	if (!ret) {
		loaded->pins[index] = path;
		return 0;
	}
	error_system(err, -ret, "map '%s': pin at %s", map->name, path);
	free(path);
	return -1;
}

void reuse_undo(struct loaded *loaded)
{
	for (size_t i = 0; loaded->pins && i < loaded->object->maps.len; i++)
		if (loaded->pins[i])
			unlink(loaded->pins[i]);
	bpffs_undo(&loaded->bpffs);
	reuse_fini(loaded);
}

void reuse_fini(struct loaded *loaded)
{
	for (size_t i = 0; loaded->pins && i < loaded->object->maps.len; i++)
		free(loaded->pins[i]);
	free(loaded->pins);
	loaded->pins = NULL;
	bpffs_fini(&loaded->bpffs);
}
