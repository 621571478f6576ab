// SPDX-License-Identifier: GPL-2.0
/*
 * Programs as filters of the qdisc clsact (Linux 4.5), by netlink: a classifier that decides
 * itself (cls_bpf, direct-action), or a filter that matches all and has an action (matchall and
 * act_bpf). Both bear a name of ours, by which, and by the program's id, they are found again.
 *
 * The qdisc is there once an interface. Who finds it missing makes it, and notes that in the ledger,
 * so that the last of us takes it away again; unless there is no ledger, then only who made it does,
 * which its filter's name says: "portrace_1234_56789_4026531836_77_q".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/netns.h"
#include "util/sys.h"

enum { NETNS, IFINDEX, PARENT, MADE }; /* in undo.numbers; the name is undo.path */

#define MADE_IT "_q"

static const uint32_t parents[] = {
	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
};

static const char *direction(uint32_t parent)
{
	return parent == parents[0] ? "ingress" : "egress";
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
	int ret = find_filters(nl, undo->numbers[IFINDEX], undo->numbers[PARENT], &all);
	size_t i = 0;

	while (i < all.found.len && (strcmp(all.found.at[i].name, undo->path) ||
				     !undo_is_ours(undo, all.found.at[i].prog_id)))
		i++;
	if (!ret)
		ret = i == all.found.len ? UNDO_GONE :
					   delete_filter(nl, undo->numbers[IFINDEX],
							 undo->numbers[PARENT], &all.found.at[i]);
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

/* 0: it is there; *made says whether it was not before. */
static int need_qdisc(struct netlink *nl, uint32_t netns, uint32_t ifindex, uint32_t *made)
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

static int drop_qdisc(struct netlink *nl, uint32_t netns, uint32_t ifindex)
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
		ret = drop_qdisc(&nl, netns, ifindex);
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
	uint32_t netns = undo->numbers[NETNS], ifindex = undo->numbers[IFINDEX];
	int ret = delete_ours(nl, undo), qdisc = 0;

	if (ret < 0)
		return netlink_error(nl, ret, "remove a tc filter", err);
	if (undo->numbers[MADE] || ledger_has_qdisc(netns, ifindex))
		qdisc = drop_qdisc(nl, netns, ifindex);
	return qdisc < 0 ? netlink_error(nl, qdisc, "remove a clsact qdisc", err) : ret;
}

static int run(const struct undo *undo, struct error *err)
{
	int lock = ledger_lock();
	struct netlink nl;
	int ret = net_open(&nl, undo->numbers[NETNS]);

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

/* ---- attaching ---- */

static void put_classifier(struct netlink_request *r, int prog_fd, const char *name)
{
	size_t options = netlink_nest(r, TCA_OPTIONS);

	netlink_put_u32(r, TCA_BPF_FD, prog_fd);
	netlink_put_string(r, TCA_BPF_NAME, name);
	netlink_put_u32(r, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	netlink_unnest(r, options);
}

/* What a program returns is what is done, but -1: to go on with the next filter. */
static void put_action(struct netlink_request *r, int prog_fd, const char *name)
{
	size_t options = netlink_nest(r, TCA_OPTIONS);
	size_t actions = netlink_nest(r, TCA_MATCHALL_ACT), first = netlink_nest(r, 1), of_it;
	struct tc_act_bpf parms = { .action = TC_ACT_PIPE };

	netlink_put_string(r, TCA_ACT_KIND, "bpf");
	of_it = netlink_nest(r, TCA_ACT_OPTIONS);
	netlink_put(r, TCA_ACT_BPF_PARMS, &parms, sizeof(parms));
	netlink_put_u32(r, TCA_ACT_BPF_FD, prog_fd);
	netlink_put_string(r, TCA_ACT_BPF_NAME, name);
	netlink_unnest(r, of_it);
	netlink_unnest(r, first);
	netlink_unnest(r, actions);
	netlink_unnest(r, options);
}

/* The kernel chooses a place behind those of all that chose one themselves. */
static int add_filter(struct netlink *nl, const struct undo *undo, bool action, int prog_fd)
{
	struct tcmsg body = { .tcm_ifindex = undo->numbers[IFINDEX],
			      .tcm_parent = undo->numbers[PARENT],
			      .tcm_info = TC_H_MAKE(0, htons(ETH_P_ALL)) };
	struct netlink_request r;

	netlink_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	netlink_put_string(&r, TCA_KIND, action ? "matchall" : "bpf");
	(action ? put_action : put_classifier)(&r, prog_fd, undo->path);
	return netlink_call(nl, &r, NULL, NULL);
}

static int explain(const struct netlink *nl, int ret, const char *where, bool action,
		   struct error *err)
{
	char what[256];

	snprintf(what, sizeof(what), "%s: add a filter of tc", where);
	netlink_error(nl, ret, what, err);
	if (ret == -ENOENT || ret == -EOPNOTSUPP || ret == -EINVAL) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "it takes Linux 4.5 with CONFIG_NET_SCH_INGRESS and %s",
			   action ? "CONFIG_NET_CLS_MATCHALL (4.8) and CONFIG_NET_ACT_BPF" :
				    "CONFIG_NET_CLS_BPF");
	}
	return -1;
}

static int attach_locked(struct netlink *nl, struct link *link,
			 const struct attach_request *request, bool action)
{
	struct undo *undo = &link->undo;
	int ret = need_qdisc(nl, undo->numbers[NETNS], undo->numbers[IFINDEX],
			     &undo->numbers[MADE]);

	if (ret)
		return ret;
	undo->kind = &undo_tc;
	undo_about(undo, request->prog_fd);
	ledger_mark(undo->path, undo->prog_id);
	if (undo->numbers[MADE])
		strcat(undo->path, MADE_IT);
	attach_note(link, request);
	return add_filter(nl, undo, action, request->prog_fd);
}

static void give_up(struct netlink *nl, struct link *link)
{
	attach_nothing(link);
	if (link->undo.numbers[MADE])
		drop_qdisc(nl, link->undo.numbers[NETNS], link->undo.numbers[IFINDEX]);
}

int tc_attach(struct link *link, const struct attach_request *request,
	      const struct net_place *place, bool egress, bool action, struct error *err)
{
	int lock = ledger_lock(), ret;
	struct netlink nl;

	link->way = action ? "clsact, act_bpf" : "clsact";
	snprintf(link->where, sizeof(link->where), "%s, %s", place->iface,
		 direction(parents[egress]));
	link->undo = (struct undo){ .numbers = { netns_self(), place->ifindex, parents[egress] } };
	ret = netlink_open(&nl);
	if (ret) {
		error_system(err, -ret, "netlink");
	} else {
		ret = attach_locked(&nl, link, request, action);
		if (ret) {
			explain(&nl, ret, link->where, action, err);
			give_up(&nl, link);
		}
		netlink_close(&nl);
	}
	sys_close(lock);
	return ret ? -1 : 0;
}

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
	undo.numbers[MADE] = len > 2 && !strcmp(f->name + len - 2, MADE_IT);
	if_indextoname(ifindex, iface);
	snprintf(where, sizeof(where), "%s, %s", iface, direction(parent));
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
