// SPDX-License-Identifier: GPL-2.0
/*
 * Routes that have a program, found again and removed. The kernel tells of such programs by a name
 * alone (all but those of seg6local), so that is what they are known by.
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
#include "util/netns.h"

/* In undo.numbers: TO and three behind it are the network. The program's name is undo.path. */
enum { NETNS, FAMILY_BITS, TO };

#define FAMILY_OF(number) ((number) & 0xff)
#define BITS_OF(number) ((number) >> 8)

size_t route_width(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

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
	struct rtmsg body = { .rtm_family = family, .rtm_protocol = ROUTE_PROTOCOL };
	struct netlink_request r;

	netlink_strict(nl);
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
	netlink_put(&r, RTA_DST, f->to, route_width(body.rtm_family));
	netlink_put_u32(&r, RTA_OIF, f->oif);
	if (f->priority)
		netlink_put_u32(&r, RTA_PRIORITY, f->priority);
	return netlink_call(nl, &r, NULL, NULL);
}

void route_about(struct undo *undo, uint8_t family, uint8_t bits, const uint8_t to[16])
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
	route_about(&undo, f->body.rtm_family, f->body.rtm_dst_len, f->to);
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
