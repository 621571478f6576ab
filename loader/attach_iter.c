// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that are run for one object of the kernel after the other when somebody reads. Of some
 * kinds of objects a parameter says which, behind the name and a colon:
 *
 *	bpf_map_elem:counts       elements of that map of the object, by default of the only one
 *	bpf_sk_storage_map:map, sockmap:map
 *	task:1234                 that process's threads; task_file and task_vma the same
 *	cgroup:/sys/fs/cgroup/x   that cgroup and those below; by default all
 *
 * A process and a cgroup may also be said by options.place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

/* union bpf_iter_link_info, of which the headers of some distributions have less. */
union parameter {
	struct {
		uint32_t fd;
	} map;
	struct {
		uint32_t order, fd;
		uint64_t id;
	} cgroup;
	struct {
		uint32_t tid, pid, pid_fd;
	} task;
};

#define DESCENDANTS_FIRST_PARENT 2 /* BPF_CGROUP_ITER_DESCENDANTS_PRE */

/* One family of iterators that take a parameter. */
struct family {
	const char *name; /* "task": task_file, too */
	/* Fills it in: the number of bytes that say something, 0 where nothing is to be said, or -1.
	 * What *fd receives is closed once the link is there. */
	int (*fill)(const struct attach_request *request, const char *text, union parameter *parameter,
		    int *fd, struct error *err);
};

/* ---- elements of maps ---- */

static bool has_elements(const struct map *map)
{
	switch (map->type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return true;
	default:
		return false;
	}
}

static bool is_socket_storage(const struct map *map)
{
	return map->type == BPF_MAP_TYPE_SK_STORAGE;
}

static bool holds_sockets(const struct map *map)
{
	return map->type == BPF_MAP_TYPE_SOCKMAP || map->type == BPF_MAP_TYPE_SOCKHASH;
}

static int fill_map(const struct attach_request *request, const char *text,
		    bool (*fits)(const struct map *), const char *expected,
		    union parameter *parameter, struct error *err)
{
	size_t index;
	int fd = attach_map(request, text, fits, expected, &index, err);

	if (fd < 0)
		return error_hint(err, "say which by --attach %s=%.*s:MAP", request->prog->name,
				  (int)strcspn(request->target, ":"), request->target);
	parameter->map.fd = fd;
	return sizeof(parameter->map);
}

static int fill_elements(const struct attach_request *request, const char *text,
			 union parameter *parameter, int *fd, struct error *err)
{
	return fill_map(request, text, has_elements, "a HASH or ARRAY", parameter, err);
}

static int fill_storage(const struct attach_request *request, const char *text,
			union parameter *parameter, int *fd, struct error *err)
{
	return fill_map(request, text, is_socket_storage, "an SK_STORAGE", parameter, err);
}

static int fill_sockmap(const struct attach_request *request, const char *text,
			union parameter *parameter, int *fd, struct error *err)
{
	return fill_map(request, text, holds_sockets, "a SOCKMAP or SOCKHASH", parameter, err);
}

/* ---- others ---- */

static int fill_task(const struct attach_request *request, const char *text,
		     union parameter *parameter, int *fd, struct error *err)
{
	long pid = request->options->place.pid;
	char *end;

	if (*text) {
		pid = strtol(text, &end, 10);
		if (pid <= 0 || pid > INT32_MAX || *end)
			return error_set(err, ERROR_USAGE, "'%s': got no process, expected its number",
					 text);
	}
	parameter->task.pid = pid;
	return pid ? sizeof(parameter->task) : 0;
}

/* It always has to be told in which order. */
static int fill_cgroup(const struct attach_request *request, const char *text,
		       union parameter *parameter, int *fd, struct error *err)
{
	const char *path = *text ? text : request->options->place.cgroup;

	parameter->cgroup.order = DESCENDANTS_FIRST_PARENT;
	if (!path)
		return sizeof(parameter->cgroup);
	*fd = sys_open(path, O_RDONLY | O_DIRECTORY);
	if (*fd < 0)
		return error_file(err, -*fd, path);
	parameter->cgroup.fd = *fd;
	return sizeof(parameter->cgroup);
}

static const struct family families[] = {
	{ "bpf_map_elem", fill_elements },
	{ "bpf_sk_storage_map", fill_storage },
	{ "sockmap", fill_sockmap },
	{ "task_file", fill_task },
	{ "task_vma", fill_task },
	{ "task", fill_task },
	{ "cgroup", fill_cgroup },
};

static const struct family *family_of(const char *target, size_t len)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (strlen(families[i].name) == len && !strncmp(families[i].name, target, len))
			return &families[i];
	return NULL;
}

static int create(const struct attach_request *request, const union parameter *parameter, int size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.attach_type = request->prog->kind->attach;
	if (size) {
		attr.link_create.iter_info = (uintptr_t)parameter;
		attr.link_create.iter_info_len = size;
	}
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int explain(int ret, const char *target, int size, struct error *err)
{
	error_system(err, -ret, "%s: BPF_LINK_CREATE", target);
	if (size && (ret == -EINVAL || ret == -E2BIG)) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "iterators over a map's elements are known since Linux 5.9, over one process's "
				"or one cgroup's since 6.1");
	}
	return -1;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	size_t len = strcspn(request->target, ":");
	const char *text = request->target + len + (request->target[len] == ':');
	const struct family *family = family_of(request->target, len);
	union parameter parameter;
	int size = 0, fd = -1, ret;

	memset(&parameter, 0, sizeof(parameter));
	if (!family && *text)
		return error_set(err, ERROR_USAGE, "'%s': got a parameter, expected none for such objects",
				 request->target);
	if (family)
		size = family->fill(request, text, &parameter, &fd, err);
	ret = size < 0 ? size : create(request, &parameter, size);
	sys_close(fd);
	if (size < 0)
		return -1;
	if (ret < 0)
		return explain(ret, request->target, size, err);
	link->fd = ret;
	return 0;
}

int link_run_iter(const struct link *link, struct error *err)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = link->fd;
	fd = sys_bpf(BPF_ITER_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return error_system(err, -fd, "%s: BPF_ITER_CREATE", link->target.text);
	return fd;
}

const struct attach_kind attach_kind_iter = {
	.by_type = true,
	.attach = attach,
};
