// SPDX-License-Identifier: GPL-2.0
#include "loader/pin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pins {
	const struct loaded *loaded;
	const struct link *const *links;
	struct error *err;
	VEC(char *) paths; /* owned: what is pinned so far */
	struct bpffs dirs[4]; /* DIR, and those in it */
};

static void forget(struct pins *p)
{
	for (size_t i = 0; i < p->paths.len; i++)
		free(p->paths.at[i]);
	vec_fini(&p->paths);
}

static void undo(struct pins *p)
{
	for (size_t i = 0; i < p->paths.len; i++)
		unlink(p->paths.at[i]);
	for (size_t i = sizeof(p->dirs) / sizeof(p->dirs[0]); i-- > 0;)
		bpffs_undo(&p->dirs[i]);
}

static int pin_failed(struct pins *p, int ret, const char *what, const char *name, const char *path)
{
	error_system(p->err, -ret, "%s '%s': pin at %s", what, name, path);
	if (ret == -EEXIST)
		return error_hint(p->err, "if nothing needs it any more, remove it: rm %s", path);
	if (ret == -EINVAL && !strcmp(what, "link"))
		return error_hint(p->err, "this kernel attaches such programs by other means than a link: "
				  "they are detached when this process ends");
	return -1;
}

static int pin(struct pins *p, int fd, const char *what, const char *dir, const char *name)
{
	char **kept = vec_push(&p->paths);
	int ret;

	if (!kept)
		return error_memory(p->err);
	*kept = bpffs_path(dir, name);
	if (!*kept) {
		p->paths.len--;
		return error_memory(p->err);
	}
	ret = bpffs_pin(fd, *kept);
	if (!ret)
		return 0;
	pin_failed(p, ret, what, name, *kept);
	/* It is not ours to remove. */
	free(*kept);
	p->paths.len--;
	return -1;
}

static int pin_maps(struct pins *p, const char *dir)
{
	const struct object *obj = p->loaded->object;

	for (size_t i = 0; i < obj->maps.len; i++)
		if (p->loaded->map_fds[i] >= 0 && !obj->maps.at[i].pinning &&
		    pin(p, p->loaded->map_fds[i], "map", dir, obj->maps.at[i].name))
			return -1;
	return 0;
}

static int pin_programs(struct pins *p, const char *dir)
{
	const struct object *obj = p->loaded->object;

	for (size_t i = 0; i < obj->programs.len; i++)
		if (p->loaded->prog_fds[i] >= 0 &&
		    pin(p, p->loaded->prog_fds[i], "program", dir, obj->programs.at[i].name))
			return -1;
	return 0;
}

static int pin_links(struct pins *p, const char *dir)
{
	const struct object *obj = p->loaded->object;

	for (size_t i = 0; i < obj->programs.len; i++)
		if (p->links[i] && p->links[i]->fd >= 0 &&
		    pin(p, p->links[i]->fd, "link", dir, obj->programs.at[i].name))
			return -1;
	return 0;
}

static int pin_in(struct pins *p, int number, const char *dir, const char *name,
		  int (*pin_all)(struct pins *, const char *))
{
	char *path;
	int ret;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return error_memory(p->err);
	ret = bpffs_make(&p->dirs[number], path, p->err) || pin_all(p, path) ? -1 : 0;
	free(path);
	return ret;
}

int loaded_pin(const struct loaded *loaded, const struct link *const *links, const char *dir,
	       struct error *err)
{
	struct pins p = { .loaded = loaded, .links = links, .err = err };
	int ret = bpffs_make(&p.dirs[0], dir, err);

	if (!ret)
		ret = pin_in(&p, 1, dir, "maps", pin_maps) ||
		      pin_in(&p, 2, dir, "programs", pin_programs) ||
		      (links && pin_in(&p, 3, dir, "links", pin_links)) ? -1 : 0;
	if (ret) {
		undo(&p);
		error_wrap(err, "%s", loaded->object->name);
	}
	forget(&p);
	for (size_t i = 0; i < sizeof(p.dirs) / sizeof(p.dirs[0]); i++)
		bpffs_fini(&p.dirs[i]);
	return ret;
}
