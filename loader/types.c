// SPDX-License-Identifier: GPL-2.0
#include "loader/types_internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "btf/image.h"
#include "util/map.h"

#define SYSFS "/sys/kernel/btf"

/*
 * Where images of a kernel are, %s being its release, those that need no unpacking first. Where
 * modules are in /usr/lib, /lib is a link to it.
 */
static const char *const images[] = {
	"/boot/vmlinux-%s",
	"/lib/modules/%s/vmlinux",
	"/lib/modules/%s/vmlinux-%s",
	"/lib/modules/%s/build/vmlinux",
	"/lib/modules/%s/kernel/vmlinux",
	"/usr/lib/debug/boot/vmlinux-%s",
	"/usr/lib/debug/boot/vmlinux-%s.debug",
	"/usr/lib/debug/lib/modules/%s/vmlinux",
	"/boot/vmlinuz-%s",
	"/lib/modules/%s/vmlinuz",
	"/boot/kernel-%s",
	"/boot/Image-%s",
	"/boot/Image.gz-%s",
	"/boot/image-%s",
	"/boot/vmlinux-%s.gz",
};

void types_pass_over(struct search *s, const struct error *why)
{
	char *tried = s->types->account.tried;
	size_t len = strlen(tried);

	snprintf(tried + len, sizeof(s->types->account.tried) - len, "%s%s", len ? "\n" : "",
		 why->message);
	s->forbidden |= why->code == ERROR_PERMISSION;
	/* A right is sooner had than another kernel. */
	if (why->hint[0] && (why->code == ERROR_PERMISSION ||
			     (why->code == ERROR_UNSUPPORTED && !s->hint[0])))
		strcpy(s->hint, why->hint);
}

/* ---- files ---- */

static int open_failed(const char *path, int sys, struct error *err)
{
	if (sys == EINVAL)
		return error_set(err, ERROR_FORMAT, "%s: got an empty file or no regular one, expected one "
				 "with BTF", path);
	error_system(err, sys, "%s", path);
	if (sys == ENOENT)
		err->code = ERROR_NOT_FOUND;
	else if (sys == EACCES || sys == EPERM)
		err->code = ERROR_PERMISSION;
	return -1;
}

static int find_in_file(const char *path, struct image_btf *found, struct error *err)
{
	struct map_file map;
	int ret = map_file(&map, path);

	if (ret)
		return open_failed(path, -ret, err);
	ret = image_find_btf(map.data, map.size, found, err);
	unmap_file(&map);
	return ret ? error_wrap(err, "%s", path) : 0;
}

static void set_source(struct types *types, const char *path, const struct image_btf *found)
{
	snprintf(types->account.source, sizeof(types->account.source), "%.400s%s%s%s", path,
		 found->packing ? " (packed with " : "", found->packing ? found->packing : "",
		 found->packing ? ")" : "");
}

/* ---- the kernel's own ---- */

static int open_own(const struct types *types, struct btf *btf, struct error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" SYSFS "/vmlinux", types->root);
	return btf_open(btf, NULL, path, err);
}

static int from_kernel(struct search *s, struct error *err)
{
	struct types *types = s->types;

	if (open_own(types, &types->btf, err)) {
		types_pass_over(s, err);
		return -1;
	}
	snprintf(types->account.source, sizeof(types->account.source), "%.400s" SYSFS "/vmlinux",
		 types->root);
	types->has_modules = true;
	return 0;
}

/* ---- a file that the user names ---- */

static int from_file(struct types *types, const char *path, struct error *err)
{
	struct image_btf found;

	if (find_in_file(path, &found, err))
		return -1;
	set_source(types, path, &found);
	if (found.split && open_own(types, &types->base, err)) {
		free(found.data);
		return error_wrap(err, "%s: goes on from the kernel's types", path);
	}
	if (btf_init_owned(&types->btf, found.split ? &types->base : NULL, found.data, found.size,
			   err) ||
	    btf_check(&types->btf, err))
		return error_wrap(err, "%s", path);
	return 0;
}

/* ---- images of it ---- */

static int from_image(struct types *types, const char *path, struct error *err)
{
	struct image_btf found;

	if (find_in_file(path, &found, err))
		return -1;
	set_source(types, path, &found);
	return btf_init_owned(&types->btf, NULL, found.data, found.size, err)
		       ? error_wrap(err, "%s", path) : 0;
}

static int from_images(struct search *s, struct error *err)
{
	bool there = false;
	char path[PATH_MAX];
	struct utsname uts;

	uname(&uts);
	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
		size_t len = snprintf(path, sizeof(path), "%s", s->types->root);

		snprintf(path + len, sizeof(path) - len, images[i], uts.release, uts.release);
		if (!from_image(s->types, path, err))
			return 0;
		if (err->sys == ENOENT)
			continue;
		there = true;
		types_pass_over(s, err);
	}
	if (!there) {
		error_set(err, ERROR_NOT_FOUND, "kernel image: got none of %s in /boot, "
			  "/lib/modules/%s or /usr/lib/debug", uts.release, uts.release);
		types_pass_over(s, err);
	}
	return -1;
}

/* ---- all of them ---- */

static int found_none(const struct search *s, struct error *err)
{
	error_set(err, s->forbidden ? ERROR_PERMISSION : ERROR_UNSUPPORTED,
		  "types of the running kernel: got none, expected them in one of these");
	snprintf(err->detail, sizeof(err->detail), "%s", s->types->account.tried);
	if (s->hint[0])
		return error_hint(err, "%s", s->hint);
	return error_hint(err, "a kernel brings its types along from Linux 5.4 on, where it was built "
			  "with CONFIG_DEBUG_INFO_BTF=y and sysfs is mounted on /sys; --btf FILE takes "
			  "them from elsewhere");
}

int types_open(struct types *types, const struct types_request *request, struct error *err)
{
	static int (*const sources[])(struct search *, struct error *) = {
		[TYPES_KERNEL] = from_kernel,
		[TYPES_IMAGE] = from_images,
		[TYPES_TRACEFS] = types_from_tracefs,
	};
	struct search search = { .types = types, .request = request };
	int ret = -1;

	memset(types, 0, sizeof(*types));
	types->root = request->root ? request->root : "";
	if (request->btf_file) {
		ret = from_file(types, request->btf_file, err);
	} else {
		error_clear(err);
		for (enum types_from from = TYPES_KERNEL; ret && from <= TYPES_TRACEFS; from++)
			if ((request->from == TYPES_AUTO || request->from == from) &&
			    err->code != ERROR_MEMORY)
				ret = sources[from](&search, err);
		if (ret && err->code != ERROR_MEMORY)
			found_none(&search, err);
	}
	if (ret)
		types_fini(types);
	return ret;
}

void types_fini(struct types *types)
{
	for (size_t i = 0; i < types->modules.len; i++)
		btf_fini(&types->modules.at[i].btf);
	vec_fini(&types->modules);
	btf_fini(&types->btf);
	btf_fini(&types->base);
	memset(types, 0, sizeof(*types));
}

/* ---- modules ---- */

static int by_name(const void *a, const void *b)
{
	const struct types_module *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int list_modules(struct types *types, struct error *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" SYSFS, types->root);
	dir = opendir(path);
	if (!dir)
		return error_system(err, errno, "%s", path);
	while ((entry = readdir(dir))) {
		struct types_module *module;

		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		module = vec_push(&types->modules);
		if (!module) {
			closedir(dir);
			return error_memory(err);
		}
		snprintf(module->name, sizeof(module->name), "%.63s", entry->d_name);
	}
	closedir(dir);
	if (types->modules.len)
		qsort(types->modules.at, types->modules.len, sizeof(*types->modules.at), by_name);
	types->listed = true;
	return 0;
}

int types_module(struct types *types, size_t i, const struct btf **module, struct error *err)
{
	struct types_module *m;
	char path[PATH_MAX];

	*module = NULL;
	if (types->has_modules && !types->listed && list_modules(types, err))
		return -1;
	if (i >= types->modules.len)
		return 0;
	m = &types->modules.at[i];
	snprintf(path, sizeof(path), "%s" SYSFS "/%s", types->root, m->name);
	/* One that was unloaded since it was listed adds nothing. */
	if (!m->open && btf_open(&m->btf, &types->btf, path, err) && err->code != ERROR_NOT_FOUND)
		return -1;
	m->open = true;
	*module = &m->btf;
	return 0;
}
