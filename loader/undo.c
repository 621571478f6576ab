// SPDX-License-Identifier: GPL-2.0
#include "loader/undo.h"

#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

static const struct undo_kind *const kinds[] = {
	&undo_tc,
	&undo_xdp,
	&undo_map_entry,
	&undo_route,
	&undo_flow_dissector,
	&undo_cgroup,
	&undo_reuseport,
	&undo_sockmap,
	&undo_lirc,
	&undo_struct_ops,
};

const struct undo_kind *undo_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

/* 0, or -errno: before Linux 4.13 programs have no number. */
static int about(int prog_fd, uint32_t *id, uint64_t *loaded)
{
	struct bpf_prog_info info;
	int ret;

	memset(&info, 0, sizeof(info));
	ret = sys_bpf_info(prog_fd, &info, sizeof(info));
	*id = ret < 0 ? 0 : info.id;
	*loaded = ret < 0 ? 0 : info.load_time;
	return ret;
}

void undo_about(struct undo *undo, int prog_fd)
{
	about(prog_fd, &undo->prog_id, &undo->prog_loaded);
}

bool undo_is_ours(const struct undo *undo, uint32_t prog_id)
{
	union bpf_attr attr;
	uint64_t loaded;
	uint32_t id;
	int fd;

	if (prog_id != undo->prog_id || !undo->prog_loaded)
		return prog_id == undo->prog_id;
	memset(&attr, 0, sizeof(attr));
	attr.prog_id = prog_id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return false;
	about(fd, &id, &loaded);
	sys_close(fd);
	return loaded == undo->prog_loaded;
}
