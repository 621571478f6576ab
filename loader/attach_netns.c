// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of a network namespace: this thread's, or one given as a target by its path or as `ip
 * netns` names it. sk_lookup by a link (Linux 5.9), of which there may be several; flow_dissector
 * by a link (5.8) or, before, by BPF_PROG_ATTACH to the own namespace: one is all it takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/netns.h"
#include "util/sys.h"

/* A descriptor of it, or -1. */
static int open_namespace(struct link *link, const struct attach_request *request,
			  struct error *err)
{
	const char *target = request->target;
	char path[256];
	int fd;

	if (!*target) {
		snprintf(link->where, sizeof(link->where), "this network namespace");
		fd = netns_open_self();
		return fd < 0 ? error_system(err, -fd, "the network namespace in /proc") : fd;
	}
	snprintf(path, sizeof(path), "%s%s", strchr(target, '/') ? "" : "/run/netns/", target);
	fd = sys_open(path, O_RDONLY);
	snprintf(link->where, sizeof(link->where), "network namespace %s", target);
	if (fd >= 0)
		return fd;
	error_file(err, -fd, path);
	return error_hint(err, "the target of such a program is a network namespace, as `ip netns` lists "
			  "them, or a path like /proc/PID/ns/net");
}

static int link_to_namespace(struct link *link, const struct attach_request *request,
			     struct error *err)
{
	int fd = open_namespace(link, request, err), ret;

	if (fd < 0)
		return fd;
	ret = net_link(request, fd, 0, NULL, 0);
	sys_close(fd);
	net_linked(link, ret, *request->prog->kind->name == 's' ? "5.9" : "5.8", err);
	return ret < 0 ? ret : 0;
}

static int attach_sk_lookup(struct link *link, const struct attach_request *request,
			    struct error *err)
{
	return link_to_namespace(link, request, err) ? -1 : 0;
}

/* ---- flow_dissector without links ---- */

enum { NETNS, TYPE }; /* in undo.numbers */

/* Of this thread's namespace. 0: there is none; -errno. Kernels before 5.3 cannot be asked. */
static int query(uint32_t type, uint32_t *id)
{
	union bpf_attr attr;
	int fd = netns_open_self(), ret;

	*id = 0;
	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = fd;
	attr.query.attach_type = type;
	attr.query.prog_ids = (uintptr_t)id;
	attr.query.prog_cnt = 1;
	ret = fd < 0 ? fd : sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr));
	sys_close(fd);
	return ret;
}

static int detach_program(const struct undo *undo)
{
	union bpf_attr attr;
	int fd, ret;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = undo->prog_id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.attach_bpf_fd = fd; /* which is looked at since 5.8 */
	attr.attach_type = undo->numbers[TYPE];
	ret = sys_bpf(BPF_PROG_DETACH, &attr, sizeof(attr));
	sys_close(fd);
	return ret;
}

static int run(const struct undo *undo, struct error *err)
{
	int back = netns_enter(undo->numbers[NETNS]), ret;
	uint32_t id;

	if (back < 0)
		return back == -ENOENT ? UNDO_GONE : error_system(err, -back, "network namespace");
	ret = query(undo->numbers[TYPE], &id);
	if (!ret && !undo_is_ours(undo, id))
		ret = UNDO_GONE;
	else
		ret = detach_program(undo);
	netns_leave(back);
	if (ret == -ENOENT)
		ret = UNDO_GONE;
	return ret < 0 ? error_system(err, -ret, "BPF_PROG_DETACH") : ret;
}

const struct undo_kind undo_flow_dissector = {
	.name = "flow_dissector",
	.what = "flow dissector",
	.run = run,
};

static int attach_program(struct link *link, const struct attach_request *request,
			  struct error *err)
{
	uint32_t type = request->prog->kind->attach;
	union bpf_attr attr;
	int ret;

	link->way = "attached";
	link->undo = (struct undo){ .kind = &undo_flow_dissector,
				    .numbers = { netns_self(), type } };
	attach_note(link, request);
	memset(&attr, 0, sizeof(attr));
	attr.attach_bpf_fd = request->prog_fd;
	attr.attach_type = type;
	ret = sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
	if (!ret)
		return 0;
	attach_nothing(link);
	error_system(err, -ret, "%s: BPF_PROG_ATTACH", link->where);
	if (ret == -EEXIST)
		return error_hint(err, "there is a flow dissector already: `bpftool net` tells which");
	if (ret == -EPERM) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "attaching takes root, or CAP_BPF and CAP_NET_ADMIN");
	}
	return -1;
}

static int attach_flow_dissector(struct link *link, const struct attach_request *request,
				 struct error *err)
{
	int ret = link_to_namespace(link, request, err);

	if (!net_link_lacks(ret))
		return ret ? -1 : 0;
	if (!*request->target)
		return attach_program(link, request, err);
	return error_hint(err, "before Linux 5.8 it can only be attached to the namespace that portrace is in: "
			  "ip netns exec NAME portrace ...");
}

const struct attach_kind attach_kind_sk_lookup = { .attach = attach_sk_lookup };
const struct attach_kind attach_kind_flow_dissector = { .attach = attach_flow_dissector };
