// SPDX-License-Identifier: GPL-2.0
#include "loader/attach_net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/netns.h"
#include "util/sys.h"

int net_place(const struct attach_request *request, const char *expected, struct net_place *place,
	      struct error *err)
{
	const char *target = request->target, *iface = request->options->place.iface;
	size_t len = strcspn(target, ":");

	place->word = target[len] ? target + len + 1 : "";
	if (len || !iface) {
		iface = target;
	} else {
		len = strlen(iface);
	}
	if (!len || len >= sizeof(place->iface))
		return error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected %s",
				 request->prog->section, target, expected);
	snprintf(place->iface, sizeof(place->iface), "%.*s", (int)len, iface);
	place->ifindex = if_nametoindex(place->iface);
	if (place->ifindex)
		return 0;
	error_set(err, ERROR_NOT_FOUND, "interface '%s': got none of that name, expected one of this "
		  "network namespace", place->iface);
	return error_hint(err, "`ip link` lists them, `ip netns exec NAME portrace ...` is about those of "
			  "another namespace");
}

int net_link(const struct attach_request *request, uint32_t target, uint32_t flags,
	     const void *rest, size_t len)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.target_fd = target; /* or target_ifindex: they share their place */
	attr.link_create.attach_type = request->prog->kind->attach;
	attr.link_create.flags = flags;
	if (len)
		memcpy(&attr.link_create.flags + 1, rest, len);
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

bool net_link_lacks(int ret)
{
	return ret == -EINVAL || ret == -E2BIG || ret == -EOPNOTSUPP || ret == -ENOSYS;
}

int net_linked(struct link *link, int ret, const char *since, struct error *err)
{
	if (ret >= 0) {
		link->fd = ret;
		return 0;
	}
	error_system(err, -ret, "%s: BPF_LINK_CREATE", link->where);
	if (ret == -EPERM || ret == -EACCES) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "attaching takes root, or CAP_BPF and CAP_NET_ADMIN");
	}
	if (net_link_lacks(ret)) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "such links are known since Linux %s", since);
	}
	if (ret == -EBUSY || ret == -EEXIST)
		error_hint(err, "another program is attached there already: `bpftool net` and `bpftool link` "
				"list them");
	return -1;
}

int net_open(struct netlink *nl, uint32_t netns)
{
	int back, ret;

	if (netns == netns_self())
		return netlink_open(nl);
	back = netns_enter(netns);
	if (back < 0)
		return back;
	ret = netlink_open(nl);
	netns_leave(back);
	return ret;
}
