// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on cgroups: they see what the processes in one, and in those below it, do. A link since
 * Linux 5.7; before, BPF_PROG_ATTACH, which leaves those of others where they are since 4.15.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "loader/attach_internal.h"
#include "util/release.h"
#include "util/sys.h"

#define CGROUP2_MAGIC 0x63677270

struct types {
	uint32_t count, at[2];
};

/* A section "cgroup/skb" says no direction, and means either. */
static struct types types_of(const struct section_kind *kind)
{
	if (kind->type == BPF_PROG_TYPE_CGROUP_SKB && !kind->attach_name)
		return (struct types){ 2, { BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS } };
	return (struct types){ 1, { kind->attach } };
}

static int open_cgroup(const char *path, struct error *err)
{
	int fd = sys_open(path, O_RDONLY | O_DIRECTORY);
	struct statfs fs;

	if (fd < 0)
		return error_file(err, -fd, path);
	if (!fstatfs(fd, &fs) && fs.f_type == CGROUP2_MAGIC)
		return fd;
	sys_close(fd);
	error_set(err, ERROR_USAGE, "%s: got no cgroup of version 2, expected the directory of one", path);
	return error_hint(err, "they are in /sys/fs/cgroup or /sys/fs/cgroup/unified, or else: "
			  "mkdir DIR && mount -t cgroup2 none DIR");
}

static int by_link(struct link *link, int cgroup, const struct types *types, int prog_fd,
		   struct error *err)
{
	for (uint32_t i = 0; i < types->count; i++) {
		int fd = prog_link(cgroup, types->at[i], prog_fd), *other;

		if (fd < 0)
			return fd;
		if (!i) {
			link->fd = fd;
			continue;
		}
		other = vec_push(&link->others);
		if (!other) {
			sys_close(fd);
			return error_memory(err);
		}
		*other = fd;
	}
	link->way = "link";
	return 0;
}

static int run_undo(const struct undo *undo, struct error *err)
{
	return prog_undo(undo, O_RDONLY | O_DIRECTORY, err);
}

const struct undo_kind undo_cgroup = {
	.name = "cgroup",
	.what = "program on a cgroup",
	.run = run_undo,
};

/*
 * Without flags the cgroup has this program alone, and one that was there is replaced: before Linux
 * 4.15 there is no other way, and no way to see whether one is there.
 */
static int by_attach(struct link *link, int cgroup, const struct types *types,
		     const struct attach_request *request, uint32_t flags)
{
	uint32_t count = types->count;
	int ret;

	link->way = flags ? "PROG_ATTACH" : "PROG_ATTACH, alone";
	link->undo.kind = &undo_cgroup;
	link->undo.numbers[0] = count;
	memcpy(&link->undo.numbers[1], types->at, sizeof(types->at));
	attach_note(link, request);
	for (uint32_t i = 0; i < count; i++) {
		ret = prog_attach(cgroup, types->at[i], request->prog_fd, flags);
		if (!ret)
			continue;
		link->undo.numbers[0] = i;
		undo_cgroup.run(&link->undo, &(struct error){ .code = ERROR_NONE });
		attach_nothing(link);
		return ret;
	}
	return 0;
}

static int explain(int ret, const struct attach_request *request, const char *path,
		   struct error *err)
{
	const struct section_kind *kind = request->prog->kind;

	error_system(err, -ret, "%s: attach the program", path);
	switch (ret) {
	case -EPERM:
	case -EACCES:
		err->code = ERROR_PERMISSION;
		error_hint(err, "it takes root, or CAP_NET_ADMIN and CAP_BPF; and that no program is there, "
				"or on a cgroup above, that allows no other");
		break;
	case -EINVAL:
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "%s programs are known since Linux %u.%u, with CONFIG_CGROUP_BPF", kind->name,
			   LINUX_MAJOR(kind->since), LINUX_MINOR(kind->since));
		break;
	case -E2BIG:
		error_hint(err, "a cgroup takes 64 programs of a kind");
		break;
	}
	return -1;
}

static int attach_to_fd(struct link *link, int cgroup, const char *path,
			const struct attach_request *request, struct error *err)
{
	const struct types types = types_of(request->prog->kind);
	int ret = by_link(link, cgroup, &types, request->prog_fd, err);

	if (ret == -EINVAL)
		ret = by_attach(link, cgroup, &types, request, BPF_F_ALLOW_MULTI);
	if (ret == -EINVAL)
		ret = by_attach(link, cgroup, &types, request, 0);
	if (!ret)
		return 0;
	return err->code == ERROR_MEMORY ? -1 : explain(ret, request, path, err);
}

/* A name behind lsm_cgroup/ is the hook's; behind the others nothing is, but what --attach says. */
static const char *path_of(const struct attach_request *request)
{
	const char *place = request->options->place.cgroup;

	return request->prog->kind->type != BPF_PROG_TYPE_LSM && *request->target ? request->target :
										     place;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const struct section_kind *kind = request->prog->kind;
	const char *path = path_of(request);
	int cgroup, ret;

	if (!path) {
		error_set(err, ERROR_USAGE, "section '%s': got no cgroup, expected the directory of one",
			  request->prog->section);
		return error_hint(err, "say which by --cgroup PATH; /sys/fs/cgroup is all processes");
	}
	if (kind->type == BPF_PROG_TYPE_LSM && need_bpf_security(request, err))
		return -1;
	cgroup = open_cgroup(path, err);
	if (cgroup < 0)
		return -1;
	snprintf(link->where, sizeof(link->where), "%.120s, %.60s", path,
		 kind->type == BPF_PROG_TYPE_LSM ? request->target :
		 kind->attach_name ? kind->attach_name : "cgroup_inet_ingress and egress");
	ret = undo_path(&link->undo, path, err);
	if (!ret)
		ret = attach_to_fd(link, cgroup, path, request, err);
	sys_close(cgroup);
	return ret;
}

const struct attach_kind attach_kind_cgroup = {
	.needs = NEED_CGROUP,
	.attach = attach,
};

const struct attach_kind attach_kind_lsm_cgroup = {
	.needs = NEED_CGROUP,
	.by_type = true,
	.attach = attach,
};
