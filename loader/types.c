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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* Where distributions keep one kernel or a few by other names; they say which they are. */
static const char *const unnamed_images[] = {
	"/boot/vmlinuz-linux",
	"/boot/vmlinuz-linux-lts",
	"/boot/vmlinuz-lts",
	"/boot/vmlinuz-virt",
	"/boot/vmlinuz",
	"/boot/Image",
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
	return error_file(err, sys, path);
}

/* found->data is NULL where the file is BTF and nothing else, so that it can stay mapped. */
static int find_in_file(const char *path, const char *release, struct image_btf *found,
			struct error *err)
{
	struct map_file map;
	int ret = map_file(&map, path);

	if (ret)
		return open_failed(path, -ret, err);
	memset(found, 0, sizeof(*found));
	if (release || !image_is_btf(map.data, map.size, &found->split))
		ret = image_find_btf(map.data, map.size, release, found, err);
	unmap_file(&map);
	return ret ? error_wrap(err, "%s", path) : 0;
}

static int open_found(struct btf *btf, const struct btf *base, const char *path,
		      const struct image_btf *found, struct error *err)
{
	if (!found->data)
		return btf_open(btf, base, path, err);
	return btf_init_owned(btf, base, found->data, found->size, err) ?
		       error_wrap(err, "%s", path) : 0;
}

/* Nobody vouches for it. */
static int open_checked(struct btf *btf, const struct btf *base, const char *path,
			const struct image_btf *found, struct error *err)
{
	if (open_found(btf, base, path, found, err))
		return -1;
	return btf_check(btf, err) ? error_wrap(err, "%s", path) : 0;
}

int types_open_split(struct btf *btf, const struct btf *base, const char *path, struct error *err)
{
	struct image_btf found;

	return find_in_file(path, NULL, &found, err) || open_checked(btf, base, path, &found, err) ?
		       -1 : 0;
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

	snprintf(path, sizeof(path), "%s" KERNEL_BTF, types->root);
	return btf_open(btf, NULL, path, err);
}

static int from_kernel(struct search *s, struct error *err)
{
	struct types *types = s->types;

	if (open_own(types, &types->btf, err)) {
		types_pass_over(s, err);
		return -1;
	}
	snprintf(types->account.source, sizeof(types->account.source), "%.400s" KERNEL_BTF,
		 types->root);
	types->has_modules = true;
	return 0;
}

/* ---- a file that the user names ---- */

static int from_file(struct types *types, const char *path, struct error *err)
{
	struct image_btf found;

	if (find_in_file(path, NULL, &found, err))
		return -1;
	set_source(types, path, &found);
	if (found.split && open_own(types, &types->base, err)) {
		free(found.data);
		return error_wrap(err, "%s: goes on from the kernel's types", path);
	}
	return open_checked(&types->btf, found.split ? &types->base : NULL, path, &found, err);
}

/* ---- images of it ---- */

static int from_image(struct types *types, const char *path, const char *release, struct error *err)
{
	struct image_btf found;

	if (find_in_file(path, release, &found, err))
		return -1;
	set_source(types, path, &found);
	return open_found(&types->btf, NULL, path, &found, err);
}

/* Puts down that it was in vain, where the file is there. */
static int try_image(struct search *s, const char *path, const char *release, struct error *err)
{
	if (!from_image(s->types, path, release, err))
		return 0;
	if (err->sys != ENOENT) {
		types_pass_over(s, err);
		s->has_images = true;
	}
	return -1;
}

static int from_images(struct search *s, struct error *err)
{
	char path[PATH_MAX];
	struct utsname uts;
	size_t len = snprintf(path, sizeof(path), "%s", s->types->root), i;

	uname(&uts);
	for (i = 0; i < COUNT(images); i++) {
		snprintf(path + len, sizeof(path) - len, images[i], uts.release, uts.release);
		if (!try_image(s, path, NULL, err))
			return 0;
	}
	for (i = 0; i < COUNT(unnamed_images); i++) {
		snprintf(path + len, sizeof(path) - len, "%s", unnamed_images[i]);
		if (!try_image(s, path, uts.release, err))
			return 0;
	}
	if (!s->has_images) {
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
	for (size_t i = 0; i < types->records.len; i++)
		btf_fini(&types->records.at[i]);
	vec_fini(&types->records);
	btf_fini(&types->btf);
	btf_fini(&types->base);
	memset(types, 0, sizeof(*types));
}

const struct btf *types_of(const struct types *types, size_t program)
{
	/* One on no event, or on one that this kernel has not, finds nothing. */
	if (program < types->records.len && btf_count(&types->records.at[program]))
		return &types->records.at[program];
	return &types->btf;
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

	snprintf(path, sizeof(path), "%s" KERNEL_BTF_DIR, types->root);
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
	snprintf(path, sizeof(path), "%s" KERNEL_BTF_DIR "/%s", types->root, m->name);
	/* One that was unloaded since it was listed adds nothing. */
	if (!m->open && btf_open(&m->btf, &types->btf, path, err) && err->code != ERROR_NOT_FOUND)
		return -1;
	m->open = true;
	*module = &m->btf;
	return 0;
}
