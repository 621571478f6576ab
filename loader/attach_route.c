// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of a route: PREFIX, PREFIX@IFACE or PREFIX@IFACE@GATEWAY; without an interface that of
 * --iface. E.g. --attach count=10.1.2.0/24@eth0. The route is made for the program, in the main
 * table, and goes with it; one that is there is not touched.
 *
 *	lwt_in          what arrives by it, lwt_out what is sent, lwt_xmit just before the link layer
 *	lwt_seg6local   IPv6 only: a segment, End.BPF
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/route.h"

struct route {
	uint8_t family, bits, to[16], via[16];
	bool has_via;
	uint32_t ifindex;
	char prefix[INET6_ADDRSTRLEN + 4]; /* "10.1.2.0/24" */
};

/* ---- what the target says ---- */

static int wrong_target(const struct attach_request *request, struct error *err)
{
	error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected PREFIX@IFACE or "
		  "PREFIX@IFACE@GATEWAY", request->prog->section, request->target);
	return error_hint(err, "such as 10.1.2.0/24@eth0, or fd00:1::/64@eth0@fe80::1");
}

static bool parse_prefix(char *text, struct route *route)
{
	char *slash = strchr(text, '/'), *end = "";
	unsigned long bits;

	if (slash)
		*slash = 0;
	route->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	bits = slash ? strtoul(slash + 1, &end, 10) : route_width(route->family) * 8;
	route->bits = bits;
	if (*end || (slash && end == slash + 1) || bits > route_width(route->family) * 8 ||
	    inet_pton(route->family, text, route->to) != 1)
		return false;
	/* What is not of the network would be refused. */
	for (size_t i = bits; i < route_width(route->family) * 8; i++)
		route->to[i / 8] &= ~(0x80 >> i % 8);
	return true;
}

static int parse(const struct attach_request *request, struct route *route, struct error *err)
{
	char text[160], *iface, *via = NULL;

	memset(route, 0, sizeof(*route));
	snprintf(text, sizeof(text), "%s", request->target);
	iface = strchr(text, '@');
	if (iface) {
		*iface++ = 0;
		via = strchr(iface, '@');
	}
	if (via)
		*via++ = 0;
	if (strlen(text) >= sizeof(route->prefix))
		return wrong_target(request, err);
	strcpy(route->prefix, text);
	if (!parse_prefix(text, route))
		return wrong_target(request, err);
	route->has_via = via;
	if (via && inet_pton(route->family, via, route->via) != 1)
		return wrong_target(request, err);
	if (!iface || !*iface)
		iface = (char *)request->options->place.iface;
	if (!iface)
		return wrong_target(request, err);
	route->ifindex = if_nametoindex(iface);
	if (!route->ifindex)
		return error_set(err, ERROR_NOT_FOUND, "interface '%s': got none of that name, expected one "
				 "of this network namespace", iface);
	return 0;
}

/* ---- the route ---- */

/* By the kind of section: an attribute of LWT_BPF_*, or 0 for seg6local. */
static uint16_t hook(const struct attach_request *request)
{
	switch (request->prog->kind->type) {
	case BPF_PROG_TYPE_LWT_IN:
		return LWT_BPF_IN;
	case BPF_PROG_TYPE_LWT_OUT:
		return LWT_BPF_OUT;
	case BPF_PROG_TYPE_LWT_XMIT:
		return LWT_BPF_XMIT;
	default:
		return 0;
	}
}

static void put_program(struct netlink_request *r, uint16_t hook_, int prog_fd, const char *name)
{
	uint16_t type = hook_ ? LWTUNNEL_ENCAP_BPF : LWTUNNEL_ENCAP_SEG6_LOCAL;
	size_t encap, program;

	netlink_put(r, RTA_ENCAP_TYPE, &type, sizeof(type));
	encap = netlink_nest(r, RTA_ENCAP);
	if (!hook_)
		netlink_put_u32(r, SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_BPF);
	program = netlink_nest(r, hook_ ? hook_ : SEG6_LOCAL_BPF);
	netlink_put_u32(r, hook_ ? LWT_BPF_PROG_FD : SEG6_LOCAL_BPF_PROG, prog_fd);
	netlink_put_string(r, hook_ ? LWT_BPF_PROG_NAME : SEG6_LOCAL_BPF_PROG_NAME, name);
	netlink_unnest(r, program);
	netlink_unnest(r, encap);
}

static int add_route(struct netlink *nl, const struct route *route, uint16_t hook_, int prog_fd,
		     const char *name)
{
	struct rtmsg body = {
		.rtm_family = route->family,
		.rtm_dst_len = route->bits,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = ROUTE_PROTOCOL,
		.rtm_type = RTN_UNICAST,
		.rtm_scope = route->has_via || route->family == AF_INET6 ? RT_SCOPE_UNIVERSE :
									    RT_SCOPE_LINK,
	};
	struct netlink_request r;

	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	netlink_put(&r, RTA_DST, route->to, route_width(route->family));
	if (route->has_via)
		netlink_put(&r, RTA_GATEWAY, route->via, route_width(route->family));
	netlink_put_u32(&r, RTA_OIF, route->ifindex);
	put_program(&r, hook_, prog_fd, name);
	return netlink_call(nl, &r, NULL, NULL);
}

/* ---- attaching ---- */

static int explain(const struct netlink *nl, int ret, const char *where, struct error *err)
{
	char what[256];

	snprintf(what, sizeof(what), "%s: add the route", where);
	netlink_error(nl, ret, what, err);
	if (ret == -EEXIST)
		return error_hint(err, "there is such a route already: a longer prefix goes before it");
	if (ret == -EOPNOTSUPP || ret == -EINVAL || ret == -EAFNOSUPPORT) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "lwt programs came with Linux 4.10 and take CONFIG_LWTUNNEL_BPF, "
				  "lwt_seg6local with 4.18 and CONFIG_IPV6_SEG6_BPF, for IPv6");
	}
	return -1;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	char iface[IF_NAMESIZE] = "";
	struct route route;
	struct netlink nl;
	int ret;

	link->way = "route";
	if (parse(request, &route, err))
		return -1;
	if_indextoname(route.ifindex, iface);
	snprintf(link->where, sizeof(link->where), "%s dev %s", route.prefix, iface);
	ret = netlink_open(&nl);
	if (ret)
		return error_system(err, -ret, "netlink");
	route_about(&link->undo, route.family, route.bits, route.to);
	undo_about(&link->undo, request->prog_fd);
	ledger_mark(link->undo.path, link->undo.prog_id);
	attach_note(link, request);
	ret = add_route(&nl, &route, hook(request), request->prog_fd, link->undo.path);
	if (ret) {
		attach_nothing(link); /* what is there is another's, perhaps of the same program */
		ret = explain(&nl, ret, link->where, err);
	}
	netlink_close(&nl);
	return ret;
}

const struct attach_kind attach_kind_route = {
	.needs = NEED_TARGET,
	.attach = attach,
};
