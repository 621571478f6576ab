// SPDX-License-Identifier: GPL-2.0
/* Finding filters and removing them, and the qdisc with the last. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/tc.h"
#include "util/netns.h"
#include "util/sys.h"

static const uint32_t parents[] = { TC_INGRESS, TC_EGRESS };

const char *tc_direction(uint32_t parent)
{
	return parent == TC_INGRESS ? "ingress" : "egress";
}

/* ---- finding filters ---- */

struct filter {
	uint32_t handle, info; /* as in struct tcmsg */
	uint32_t prog_id;      /* 0: not told, before 4.13 */
	char kind[16], name[LEDGER_MARK];
};

struct filters {
	VEC(struct filter) found;
	size_t others; /* of kinds or names that cannot be ours */
};

/* The attributes of the first action, if it is act_bpf. */
static struct cursor action_of(struct cursor options)
{
	struct cursor first = netlink_attr(netlink_attr(options, TCA_MATCHALL_ACT), 1);

	if (strcmp(netlink_string(first, TCA_ACT_KIND), "bpf"))
		return (struct cursor){ NULL, 0 };
	return netlink_attr(first, TCA_ACT_OPTIONS);
}

static void note_filter(void *ctx, const struct nlmsghdr *message)
{
	const struct tcmsg *body = NLMSG_DATA(message);
	struct cursor attrs = netlink_attrs(message, sizeof(*body));
	struct cursor options = netlink_attr(attrs, TCA_OPTIONS);
	const char *kind = netlink_string(attrs, TCA_KIND), *name = "";
	struct filters *all = ctx;
	struct filter *f;
	uint32_t id = 0;

	if (!strcmp(kind, "bpf")) {
		name = netlink_string(options, TCA_BPF_NAME);
		id = netlink_u32(options, TCA_BPF_ID);
	} else if (!strcmp(kind, "matchall")) {
		options = action_of(options);
		name = netlink_string(options, TCA_ACT_BPF_NAME);
		id = netlink_u32(options, TCA_ACT_BPF_ID);
	}
	f = *name && strlen(name) < sizeof(f->name) ? vec_push(&all->found) : NULL;
	if (!f) {
		all->others++;
		return;
	}
	f->handle = body->tcm_handle;
	f->info = body->tcm_info;
	f->prog_id = id;
	snprintf(f->kind, sizeof(f->kind), "%s", kind);
	snprintf(f->name, sizeof(f->name), "%s", name);
}

static int find_filters(struct netlink *nl, uint32_t ifindex, uint32_t parent, struct filters *all)
{
	struct tcmsg body = { .tcm_ifindex = ifindex, .tcm_parent = parent };
	struct netlink_request r;

	netlink_begin(&r, RTM_GETTFILTER, NLM_F_DUMP, &body, sizeof(body));
	return netlink_call(nl, &r, note_filter, all);
}

static int delete_filter(struct netlink *nl, uint32_t ifindex, uint32_t parent,
			 const struct filter *f)
{
	struct tcmsg body = { .tcm_ifindex = ifindex, .tcm_parent = parent,
			      .tcm_handle = f->handle, .tcm_info = f->info };
	struct netlink_request r;

	netlink_begin(&r, RTM_DELTFILTER, 0, &body, sizeof(body));
	netlink_put_string(&r, TCA_KIND, f->kind);
	return netlink_call(nl, &r, NULL, NULL);
}

/* 0, UNDO_GONE or -errno. */
static int delete_ours(struct netlink *nl, const struct undo *undo)
{
	struct filters all = { .others = 0 };
	int ret = find_filters(nl, undo->numbers[TC_IFINDEX], undo->numbers[TC_PARENT], &all);
	size_t i = 0;

	while (i < all.found.len && (strcmp(all.found.at[i].name, undo->path) ||
				     !undo_is_ours(undo, all.found.at[i].prog_id)))
		i++;
	if (!ret)
		ret = i == all.found.len ? UNDO_GONE :
					   delete_filter(nl, undo->numbers[TC_IFINDEX],
							 undo->numbers[TC_PARENT], &all.found.at[i]);
	vec_fini(&all.found);
	return ret == -ENOENT || ret == -ENODEV || ret == -EINVAL ? UNDO_GONE : ret;
}

/* ---- the qdisc ---- */

static int change_qdisc(struct netlink *nl, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct tcmsg body = { .tcm_ifindex = ifindex, .tcm_parent = TC_H_CLSACT,
			      .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct netlink_request r;

	netlink_begin(&r, type, flags, &body, sizeof(body));
	netlink_put_string(&r, TCA_KIND, "clsact");
	return netlink_call(nl, &r, NULL, NULL);
}

int tc_need_qdisc(struct netlink *nl, uint32_t netns, uint32_t ifindex, uint32_t *made)
{
	int ret = change_qdisc(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);

	*made = !ret;
	if (!ret)
		ledger_note_qdisc(netns, ifindex);
	return ret == -EEXIST ? 0 : ret;
}

static bool is_empty(struct netlink *nl, uint32_t ifindex)
{
	struct filters all = { .others = 0 };
	int ret = 0;
	bool empty;

	for (size_t i = 0; !ret && i < 2; i++)
		ret = find_filters(nl, ifindex, parents[i], &all);
	empty = !ret && !all.found.len && !all.others;
	vec_fini(&all.found);
	return empty;
}

int tc_drop_empty(struct netlink *nl, uint32_t netns, uint32_t ifindex)
{
	int ret;

	if (!is_empty(nl, ifindex))
		return UNDO_GONE;
	ret = change_qdisc(nl, RTM_DELQDISC, 0, ifindex);
	if (ret == -ENOENT || ret == -ENODEV || ret == -EINVAL)
		ret = UNDO_GONE;
	if (ret >= 0)
		ledger_forget_qdisc(netns, ifindex);
	return ret;
}

int tc_drop_qdisc(uint32_t netns, uint32_t ifindex, struct error *err)
{
	int lock = ledger_lock();
	struct netlink nl;
	int ret = net_open(&nl, netns);

	if (!ret) {
		ret = tc_drop_empty(&nl, netns, ifindex);
		if (ret < 0)
			netlink_error(&nl, ret, "remove a clsact qdisc", err);
		netlink_close(&nl);
	} else if (ret == -ENOENT) {
		ledger_forget_qdisc(netns, ifindex);
		ret = UNDO_GONE;
	} else {
		error_system(err, -ret, "netlink");
	}
	sys_close(lock);
	return ret < 0 ? -1 : ret;
}

/* ---- undo ---- */

static int undo_filter(struct netlink *nl, const struct undo *undo, struct error *err)
{
	uint32_t netns = undo->numbers[TC_NETNS], ifindex = undo->numbers[TC_IFINDEX];
	int ret = delete_ours(nl, undo), qdisc = 0;

	if (ret < 0)
		return netlink_error(nl, ret, "remove a tc filter", err);
	if (undo->numbers[TC_MADE] || ledger_has_qdisc(netns, ifindex))
		qdisc = tc_drop_empty(nl, netns, ifindex);
	return qdisc < 0 ? netlink_error(nl, qdisc, "remove a clsact qdisc", err) : ret;
}

static int run(const struct undo *undo, struct error *err)
{
	int lock = ledger_lock();
	struct netlink nl;
	int ret = net_open(&nl, undo->numbers[TC_NETNS]);

	if (!ret) {
		ret = undo_filter(&nl, undo, err);
		netlink_close(&nl);
	} else {
		ret = ret == -ENOENT ? UNDO_GONE : error_system(err, -ret, "netlink");
	}
	sys_close(lock);
	return ret;
}

const struct undo_kind undo_tc = {
	.name = "tc",
	.what = "tc filter",
	.run = run,
	.by_name = true,
};

/* ---- leftovers, found by their names ---- */

struct interfaces {
	VEC(uint32_t) with_clsact;
};

static void note_qdisc(void *ctx, const struct nlmsghdr *message)
{
	const struct tcmsg *body = NLMSG_DATA(message);
	struct cursor attrs = netlink_attrs(message, sizeof(*body));
	struct interfaces *all = ctx;
	uint32_t *at;

	if (strcmp(netlink_string(attrs, TCA_KIND), "clsact") &&
	    strcmp(netlink_string(attrs, TCA_KIND), "ingress"))
		return;
	at = vec_push(&all->with_clsact);
	if (at)
		*at = body->tcm_ifindex;
}

static void sweep_filter(uint32_t ifindex, uint32_t parent, const struct filter *f,
			 const struct ledger_watch *watch)
{
	struct undo undo = { .kind = &undo_tc, .prog_id = f->prog_id,
			     .numbers = { netns_self(), ifindex, parent } };
	char iface[IF_NAMESIZE] = "?", where[64];
	size_t len = strlen(f->name);
	struct owner owner;
	struct error err;
	int ret;

	if (!ledger_mark_of_dead(f->name, &owner))
		return;
	error_clear(&err);
	snprintf(undo.path, sizeof(undo.path), "%s", f->name);
	undo.numbers[TC_MADE] = len > 2 && !strcmp(f->name + len - 2, TC_MADE_IT);
	if_indextoname(ifindex, iface);
	snprintf(where, sizeof(where), "%s, %s", iface, tc_direction(parent));
	ret = run(&undo, &err);
	if (!ret)
		ledger_removed(watch, undo_tc.what, where, owner.pid);
	if (ret < 0)
		ledger_failed(watch, &err);
}

static void sweep_point(struct netlink *nl, uint32_t ifindex, uint32_t parent,
			const struct ledger_watch *watch)
{
	struct filters all = { .others = 0 };

	if (!find_filters(nl, ifindex, parent, &all))
		for (size_t i = 0; i < all.found.len; i++)
			sweep_filter(ifindex, parent, &all.found.at[i], watch);
	vec_fini(&all.found);
}

void tc_sweep(const struct ledger_watch *watch)
{
	struct tcmsg body = { .tcm_family = 0 };
	struct interfaces all = { .with_clsact = { NULL } };
	struct netlink_request r;
	struct netlink nl;

	if (netlink_open(&nl))
		return;
	netlink_begin(&r, RTM_GETQDISC, NLM_F_DUMP, &body, sizeof(body));
	if (!netlink_call(&nl, &r, note_qdisc, &all))
		for (size_t i = 0; i < all.with_clsact.len; i++)
			for (size_t k = 0; k < 2; k++)
				sweep_point(&nl, all.with_clsact.at[i], parents[k], watch);
	vec_fini(&all.with_clsact);
	netlink_close(&nl);
}
