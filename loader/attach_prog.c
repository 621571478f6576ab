// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on something that a descriptor stands for: the directory of a cgroup, a map of sockets,
 * an infrared receiver. By a link where the kernel has one for it, else by BPF_PROG_ATTACH, which
 * stays until it is undone.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

#define MOST_PROGRAMS 64 /* that hang on one thing: BPF_CGROUP_MAX_PROGS, LIRC's BPF_MAX_PROGS */

int prog_link(int target_fd, uint32_t type, int prog_fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = prog_fd;
	attr.link_create.target_fd = target_fd;
	attr.link_create.attach_type = type;
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int attach_or_detach(enum bpf_cmd cmd, int target_fd, uint32_t type, int prog_fd,
			    uint32_t flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = target_fd;
	attr.attach_bpf_fd = prog_fd;
	attr.attach_type = type;
	attr.attach_flags = flags;
	return sys_bpf(cmd, &attr, sizeof(attr));
}

int prog_attach(int target_fd, uint32_t type, int prog_fd, uint32_t flags)
{
	return attach_or_detach(BPF_PROG_ATTACH, target_fd, type, prog_fd, flags);
}

/* Whether the program hangs there: 1, 0, or -errno. */
static int is_attached(int target_fd, uint32_t type, const struct undo *undo)
{
	uint32_t ids[MOST_PROGRAMS];
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = target_fd;
	attr.query.attach_type = type;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = MOST_PROGRAMS;
	ret = sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr));
	for (uint32_t i = 0; !ret && i < attr.query.prog_cnt; i++)
		if (undo_is_ours(undo, ids[i]))
			return 1;
	return ret;
}

static int prog_fd_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
}

/*
 * A kernel that cannot be asked (EINVAL: cgroups before Linux 4.15, maps of sockets before 5.17) lets
 * cgroups have one program each, and takes none off a map of sockets but the one it is given. What
 * is there is ours if ours is still anywhere.
 */
int prog_detach(int target_fd, uint32_t type, const struct undo *undo)
{
	int ret = is_attached(target_fd, type, undo), fd;

	if (!ret || (ret == -EINVAL && !undo_is_ours(undo, undo->prog_id)))
		return UNDO_GONE;
	if (ret < 0 && ret != -EINVAL)
		return ret;
	fd = prog_fd_by_id(undo->prog_id);
	ret = attach_or_detach(BPF_PROG_DETACH, target_fd, type, fd < 0 ? 0 : fd, 0);
	sys_close(fd);
	return ret == -ENOENT ? UNDO_GONE : ret;
}

int undo_path(struct undo *undo, const char *path, struct error *err)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return error_file(err, errno, path);
	if (strlen(real) >= sizeof(undo->path))
		return error_set(err, ERROR_USAGE, "%.100s...: got a path of %zu bytes, expected at most %zu, "
				 "so that it can be written down", real, strlen(real), sizeof(undo->path) - 1);
	strcpy(undo->path, real);
	return 0;
}

/* numbers: how many attach types, and which. */
int prog_undo(const struct undo *undo, int open_flags, struct error *err)
{
	int fd = sys_open(undo->path, open_flags), done = UNDO_GONE, failed = 0, ret;

	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		return UNDO_GONE;
	if (fd < 0)
		return error_file(err, -fd, undo->path);
	for (uint32_t i = 0; i < undo->numbers[0] && i < 5; i++) {
		ret = prog_detach(fd, undo->numbers[1 + i], undo);
		if (ret < 0)
			failed = ret;
		else if (!ret)
			done = 0;
	}
	sys_close(fd);
	return failed ? error_system(err, -failed, "%s: detach program %u", undo->path, undo->prog_id) :
			done;
}
