// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of a route: PREFIX, PREFIX@IFACE or PREFIX@IFACE@GATEWAY; without an interface that of
 * --iface. E.g. --attach count=10.1.2.0/24@eth0. The route is made for the program, in the main
 * table, and goes with it; one that is there is not touched.
 *
 *	lwt_in          what arrives by it, lwt_out what is sent, lwt_xmit just before the link layer
 *	lwt_seg6local   IPv6 only: a segment, End.BPF
 *
 * The kernel tells of such programs by a name alone (before seg6local), so that is how routes are
 * found again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/netns.h"

/* In undo.numbers: TO and three behind it are the network. The program's name is undo.path. */
enum { NETNS, FAMILY_BITS, TO };

#define FAMILY_OF(number) ((number) & 0xff)
#define BITS_OF(number) ((number) >> 8)

struct route {
	uint8_t family, bits, to[16], via[16];
	bool has_via;
	uint32_t ifindex;
	char prefix[INET6_ADDRSTRLEN + 4]; /* "10.1.2.0/24" */
};

static size_t width(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

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
	bits = slash ? strtoul(slash + 1, &end, 10) : width(route->family) * 8;
	route->bits = bits;
	if (*end || (slash && end == slash + 1) || bits > width(route->family) * 8 ||
	    inet_pton(route->family, text, route->to) != 1)
		return false;
	/* What is not of the network would be refused. */
	for (size_t i = bits; i < width(route->family) * 8; i++)
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
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST,
		.rtm_scope = route->has_via || route->family == AF_INET6 ? RT_SCOPE_UNIVERSE :
									    RT_SCOPE_LINK,
	};
	struct netlink_request r;

	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	netlink_put(&r, RTA_DST, route->to, width(route->family));
	if (route->has_via)
		netlink_put(&r, RTA_GATEWAY, route->via, width(route->family));
	netlink_put_u32(&r, RTA_OIF, route->ifindex);
	put_program(&r, hook_, prog_fd, name);
	return netlink_call(nl, &r, NULL, NULL);
}

/* ---- finding it again ---- */

struct found {
	struct rtmsg body;
	uint8_t to[16];
	uint32_t oif, priority;
	char name[LEDGER_MARK];
};

struct search {
	VEC(struct found) at;
};

/* "" where the route has no program. */
static const char *name_of(struct cursor attrs)
{
	static const uint16_t hooks[] = { LWT_BPF_IN, LWT_BPF_OUT, LWT_BPF_XMIT };
	struct cursor type = netlink_attr(attrs, RTA_ENCAP_TYPE), encap = netlink_attr(attrs, RTA_ENCAP);
	uint16_t number = 0;
	const char *name = "";

	if (type.size >= sizeof(number))
		memcpy(&number, type.data, sizeof(number));
	if (number == LWTUNNEL_ENCAP_SEG6_LOCAL)
		return netlink_string(netlink_attr(encap, SEG6_LOCAL_BPF), SEG6_LOCAL_BPF_PROG_NAME);
	for (size_t i = 0; number == LWTUNNEL_ENCAP_BPF && !*name && i < 3; i++)
		name = netlink_string(netlink_attr(encap, hooks[i]), LWT_BPF_PROG_NAME);
	return name;
}

static void note_route(void *ctx, const struct nlmsghdr *message)
{
	const struct rtmsg *body = NLMSG_DATA(message);
	struct cursor attrs = netlink_attrs(message, sizeof(*body));
	struct cursor to = netlink_attr(attrs, RTA_DST);
	const char *name = name_of(attrs);
	struct search *search = ctx;
	struct found *f;

	if (!*name || strlen(name) >= sizeof(f->name) || to.size > sizeof(f->to))
		return;
	f = vec_push(&search->at);
	if (!f)
		return;
	f->body = *body;
	if (to.data)
		memcpy(f->to, to.data, to.size);
	f->oif = netlink_u32(attrs, RTA_OIF);
	f->priority = netlink_u32(attrs, RTA_PRIORITY);
	snprintf(f->name, sizeof(f->name), "%s", name);
}

static int find_routes(struct netlink *nl, uint8_t family, struct search *search)
{
	struct rtmsg body = { .rtm_family = family };
	struct netlink_request r;

	netlink_begin(&r, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof(body));
	return netlink_call(nl, &r, note_route, search);
}

static int delete_route(struct netlink *nl, const struct found *f)
{
	struct rtmsg body = {
		.rtm_family = f->body.rtm_family,
		.rtm_dst_len = f->body.rtm_dst_len,
		.rtm_table = f->body.rtm_table,
		.rtm_scope = RT_SCOPE_NOWHERE,
	};
	struct netlink_request r;

	netlink_begin(&r, RTM_DELROUTE, 0, &body, sizeof(body));
	netlink_put(&r, RTA_DST, f->to, width(body.rtm_family));
	netlink_put_u32(&r, RTA_OIF, f->oif);
	if (f->priority)
		netlink_put_u32(&r, RTA_PRIORITY, f->priority);
	return netlink_call(nl, &r, NULL, NULL);
}

static void about_route(struct undo *undo, uint8_t family, uint8_t bits, const uint8_t to[16])
{
	*undo = (struct undo){ .kind = &undo_route,
			       .numbers = { netns_self(), family | bits << 8 } };
	memcpy(&undo->numbers[TO], to, 16);
}

static bool is_it(const struct undo *undo, const struct found *f)
{
	return f->body.rtm_dst_len == BITS_OF(undo->numbers[FAMILY_BITS]) &&
	       !memcmp(f->to, &undo->numbers[TO], sizeof(f->to)) && !strcmp(f->name, undo->path);
}

static int undo_in(struct netlink *nl, const struct undo *undo)
{
	struct search search = { .at = { NULL } };
	int ret = find_routes(nl, FAMILY_OF(undo->numbers[FAMILY_BITS]), &search);
	size_t i = 0;

	while (i < search.at.len && !is_it(undo, &search.at.at[i]))
		i++;
	if (!ret)
		ret = i == search.at.len ? UNDO_GONE : delete_route(nl, &search.at.at[i]);
	vec_fini(&search.at);
	return ret == -ESRCH || ret == -ENODEV ? UNDO_GONE : ret;
}

static int run(const struct undo *undo, struct error *err)
{
	struct netlink nl;
	int ret = net_open(&nl, undo->numbers[NETNS]);

	if (ret)
		return ret == -ENOENT ? UNDO_GONE : error_system(err, -ret, "netlink");
	ret = undo_in(&nl, undo);
	if (ret < 0)
		ret = netlink_error(&nl, ret, "remove a route", err);
	netlink_close(&nl);
	return ret;
}

const struct undo_kind undo_route = {
	.name = "route",
	.what = "route",
	.run = run,
	.by_name = true,
};

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
	about_route(&link->undo, route.family, route.bits, route.to);
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

/* ---- leftovers, found by their names ---- */

static void sweep_one(const struct found *f, const struct ledger_watch *watch)
{
	struct undo undo;
	char to[INET6_ADDRSTRLEN] = "?", where[80];
	struct owner owner;
	struct error err;
	int ret;

	if (!ledger_mark_of_dead(f->name, &owner))
		return;
	error_clear(&err);
	about_route(&undo, f->body.rtm_family, f->body.rtm_dst_len, f->to);
	snprintf(undo.path, sizeof(undo.path), "%s", f->name);
	inet_ntop(f->body.rtm_family, f->to, to, sizeof(to));
	snprintf(where, sizeof(where), "%s/%u", to, f->body.rtm_dst_len);
	ret = run(&undo, &err);
	if (!ret)
		ledger_removed(watch, undo_route.what, where, owner.pid);
	if (ret < 0)
		ledger_failed(watch, &err);
}

void route_sweep(const struct ledger_watch *watch)
{
	struct search search = { .at = { NULL } };
	struct netlink nl;

	if (netlink_open(&nl))
		return;
	find_routes(&nl, AF_INET, &search);
	find_routes(&nl, AF_INET6, &search);
	netlink_close(&nl);
	for (size_t i = 0; i < search.at.len; i++)
		sweep_one(&search.at.at[i], watch);
	vec_fini(&search.at);
}
