// SPDX-License-Identifier: GPL-2.0
#include "loader/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/sys.h"

#define BPF_FS_MAGIC 0xcafe4a11

char *bpffs_path(const char *dir, const char *name)
{
	char *path, *at;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	for (at = path + strlen(dir) + 1; *at; at++)
		if (*at == '.')
			*at = '_';
	return path;
}

int bpffs_pin(int fd, const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	attr.bpf_fd = fd;
	return sys_bpf(BPF_OBJ_PIN, &attr, sizeof(attr));
}

int bpffs_get(const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	return sys_bpf(BPF_OBJ_GET, &attr, sizeof(attr));
}

/* ---- directories ---- */

/* 1: it is one of that file system; 0: of another; or -errno. */
static int is_bpffs(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs))
		return -errno;
	return (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static bool is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool empty = true;

	if (!d)
		return false;
	while (empty && (entry = readdir(d)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(d);
	return empty;
}

static int refuse_mount(const char *dir, struct error *err)
{
	error_set(err, ERROR_USAGE, "%s: got a directory of another file system with files in it, "
		  "expected one of bpffs, or an empty one to mount it on", dir);
	return error_hint(err, "maps, programs and links can be pinned in " BPFFS_ROOT " and below");
}

static int mount_on(struct bpffs *made, const char *dir, struct error *err)
{
	if (!is_empty(dir))
		return refuse_mount(dir, err);
	made->mounted = strdup(dir);
	if (!made->mounted)
		return error_memory(err);
	if (!mount("bpf", dir, "bpf", 0, "mode=0700"))
		return 0;
	error_system(err, errno, "%s: mount bpffs on it", dir);
	if (err->sys == EPERM)
		err->code = ERROR_PERMISSION;
	free(made->mounted);
	made->mounted = NULL;
	return -1;
}

static int make_dir(struct bpffs *made, const char *dir, struct error *err)
{
	char **kept = vec_push(&made->dirs);

	if (!kept || !(*kept = strdup(dir)))
		return error_memory(err);
	if (!mkdir(dir, 0700))
		return 0;
	error_system(err, errno, "%s: make the directory", dir);
	if (err->sys == EPERM && strchr(strrchr(dir, '/') ? strrchr(dir, '/') : dir, '.'))
		error_hint(err, "names in bpffs cannot have a '.' in them");
	free(*kept);
	made->dirs.len--;
	return -1;
}

static int make(struct bpffs *made, const char *dir, struct error *err);

/* The directory above, which is where one of bpffs can be made; else the new one gets its own. */
static int make_below(struct bpffs *made, const char *dir, struct error *err)
{
	char *above = strdup(dir), *slash = above ? strrchr(above, '/') : NULL;
	int ret;

	if (!above)
		return error_memory(err);
	if (slash && slash != above)
		*slash = 0;
	ret = slash && slash != above && is_bpffs(above) == -ENOENT ? make(made, above, err) : 0;
	free(above);
	return ret ? -1 : make_dir(made, dir, err);
}

static int make(struct bpffs *made, const char *dir, struct error *err)
{
	int ret = is_bpffs(dir);

	if (ret == -ENOENT) {
		if (make_below(made, dir, err))
			return -1;
		ret = is_bpffs(dir);
	}
	if (ret < 0)
		return error_file(err, -ret, dir);
	return ret ? 0 : mount_on(made, dir, err);
}

int bpffs_make(struct bpffs *made, const char *dir, struct error *err)
{
	const size_t len = sizeof(BPFFS_ROOT) - 1;
	int ret = 0;

	memset(made, 0, sizeof(*made));
	if (!strncmp(dir, BPFFS_ROOT "/", len + 1) && dir[len + 1])
		ret = make(made, BPFFS_ROOT, err);
	if (!ret)
		ret = make(made, dir, err);
	if (ret)
		bpffs_undo(made);
	return ret;
}

void bpffs_undo(struct bpffs *made)
{
	/* What is in a mounted one goes with it. */
	if (made->mounted)
		umount(made->mounted);
	for (size_t i = made->dirs.len; i-- > 0;)
		rmdir(made->dirs.at[i]);
	bpffs_fini(made);
}

void bpffs_fini(struct bpffs *made)
{
	for (size_t i = 0; i < made->dirs.len; i++)
		free(made->dirs.at[i]);
	vec_fini(&made->dirs);
	free(made->mounted);
	made->mounted = NULL;
}
