// SPDX-License-Identifier: GPL-2.0
/*
 * XDP on an interface: IFACE, IFACE:native or IFACE:generic. Native is in the driver, generic is
 * anywhere, later and slower; without a word it is the first of these that works. By a link (Linux
 * 5.9), else by netlink, after which the program stays until it is told to go. Nobody's program is
 * replaced.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/netns.h"

enum { NETNS, IFINDEX, FLAGS }; /* in undo.numbers */

/* ---- netlink ---- */

struct attached {
	bool any;
	uint32_t id, native, generic; /* programs; 0: none, or not told: the last two since 4.19 */
};

static void note_attached(void *ctx, const struct nlmsghdr *message)
{
	struct attached *a = ctx;
	struct cursor attrs = netlink_attrs(message, sizeof(struct ifinfomsg));
	struct cursor xdp = netlink_attr(attrs, IFLA_XDP);
	struct cursor mode = netlink_attr(xdp, IFLA_XDP_ATTACHED);

	a->any = mode.size && *mode.data != XDP_ATTACHED_NONE;
	a->id = netlink_u32(xdp, IFLA_XDP_PROG_ID);
	a->native = netlink_u32(xdp, IFLA_XDP_DRV_PROG_ID);
	a->generic = netlink_u32(xdp, IFLA_XDP_SKB_PROG_ID);
}

static int ask_attached(struct netlink *nl, uint32_t ifindex, struct attached *a)
{
	struct ifinfomsg body = { .ifi_index = ifindex };
	struct netlink_request r;

	memset(a, 0, sizeof(*a));
	netlink_begin(&r, RTM_GETLINK, 0, &body, sizeof(body));
	return netlink_call(nl, &r, note_attached, a);
}

/* fd -1: takes it away. */
static int set_program(struct netlink *nl, uint32_t ifindex, int fd, uint32_t flags)
{
	struct ifinfomsg body = { .ifi_index = ifindex };
	struct netlink_request r;
	size_t at;

	netlink_begin(&r, RTM_SETLINK, 0, &body, sizeof(body));
	at = netlink_nest(&r, IFLA_XDP);
	netlink_put_u32(&r, IFLA_XDP_FD, fd);
	netlink_put_u32(&r, IFLA_XDP_FLAGS, flags);
	netlink_unnest(&r, at);
	return netlink_call(nl, &r, NULL, NULL);
}

static int run(const struct undo *undo, struct error *err)
{
	uint32_t flags = undo->numbers[FLAGS], ifindex = undo->numbers[IFINDEX], id;
	struct attached a;
	struct netlink nl;
	int ret = net_open(&nl, undo->numbers[NETNS]);

	if (ret)
		return ret == -ENOENT ? UNDO_GONE : error_system(err, -ret, "netlink");
	ret = ask_attached(&nl, ifindex, &a);
	id = flags & XDP_FLAGS_SKB_MODE ? a.generic : a.native;
	if (ret == -ENODEV || (!ret && (!a.any || !undo_is_ours(undo, id ? id : a.id))))
		ret = UNDO_GONE;
	else if (!ret)
		ret = set_program(&nl, ifindex, -1, flags);
	if (ret < 0)
		ret = netlink_error(&nl, ret, "take an XDP program off", err);
	netlink_close(&nl);
	return ret;
}

const struct undo_kind undo_xdp = { .name = "xdp", .what = "XDP program", .run = run };

static int attach_by_netlink(struct link *link, const struct attach_request *request,
			     const struct net_place *place, uint32_t flags, struct netlink *nl)
{
	struct attached a;
	int ret = netlink_open(nl);

	if (ret)
		return ret;
	ret = ask_attached(nl, place->ifindex, &a);
	if (!ret && a.any)
		ret = -EBUSY; /* before 4.11 there is nobody else who would say so */
	if (!ret) {
		link->undo = (struct undo){ .kind = &undo_xdp,
					    .numbers = { netns_self(), place->ifindex, flags } };
		attach_note(link, request);
		ret = set_program(nl, place->ifindex, request->prog_fd,
				  flags | XDP_FLAGS_UPDATE_IF_NOEXIST);
		if (ret)
			attach_nothing(link);
	}
	netlink_close(nl);
	return ret;
}

/* ---- either way ---- */

static const struct mode {
	const char *name;
	uint32_t flags;
} modes[] = {
	{ "native", XDP_FLAGS_DRV_MODE },
	{ "generic", XDP_FLAGS_SKB_MODE },
};

/* 0, or -errno; nl->said is what the kernel has to say to that. */
static int attach_in(struct link *link, const struct attach_request *request,
		     const struct net_place *place, const struct mode *mode, struct netlink *nl)
{
	int ret = net_link(request, place->ifindex, mode->flags, NULL, 0);

	snprintf(link->where, sizeof(link->where), "%s, %s", place->iface, mode->name);
	nl->said[0] = 0;
	link->way = "link";
	if (ret >= 0) {
		link->fd = ret;
		return 0;
	}
	/* A driver that will not have it says EINVAL, too; netlink then says why. */
	if (!net_link_lacks(ret))
		return ret;
	link->way = "netlink";
	return attach_by_netlink(link, request, place, mode->flags, nl);
}

static int explain(const struct link *link, int ret, const struct netlink *nl, struct error *err)
{
	char what[256];

	snprintf(what, sizeof(what), "%s: attach the program", link->where);
	netlink_error(nl, ret, what, err);
	if (ret == -EBUSY || ret == -EEXIST)
		return error_hint(err, "another XDP program is on that interface: `ip link show` tells its id, "
				  "`ip link set dev IFACE xdp off` takes it off");
	if (net_link_lacks(ret)) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "XDP came with Linux 4.8 to drivers that have it, in generic mode to all "
				  "others with 4.12; some drivers want a smaller MTU, or a program in a "
				  "section xdp.frags");
	}
	return -1;
}

/* Whether another mode may do where this one failed: not where it is about who, or who else. */
static bool worth_another(int ret)
{
	return ret && ret != -EPERM && ret != -EACCES && ret != -EBUSY && ret != -EEXIST &&
	       ret != -ENODEV;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const char *expected = "IFACE, IFACE:native or IFACE:generic";
	int ret = -EINVAL, tried = 0;
	struct net_place place;
	struct netlink nl = { .fd = -1 };

	if (net_place(request, expected, &place, err))
		return -1;
	for (size_t i = 0; i < 2 && worth_another(ret); i++) {
		if (*place.word && strcmp(place.word, modes[i].name))
			continue;
		ret = attach_in(link, request, &place, &modes[i], &nl);
		tried++;
	}
	if (!tried)
		return error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected %s",
				 request->prog->section, request->target, expected);
	return ret ? explain(link, ret, &nl, err) : 0;
}

const struct attach_kind attach_kind_xdp = {
	.needs = NEED_IFACE,
	.attach = attach,
};
