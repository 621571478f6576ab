// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic control: IFACE, IFACE:ingress or IFACE:egress; without a word ingress, or what the
 * section's name says. Several programs on one interface run one after the other, as long as they
 * say so (TC_ACT_UNSPEC, TCX_NEXT): by links in the order they were attached, as filters the other
 * way round.
 *
 *	tc, classifier, action     filters of the qdisc clsact (tc.h)
 *	tc/ingress, tc/egress      a link (tcx, Linux 6.6), or as before
 *	tcx/ingress, tcx/egress    a link
 *	netkit/primary, .../peer   a link (6.7) on a netkit interface, the primary one of a pair
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_bpf.h>
#include <stdio.h>
#include <string.h>

#include "loader/tc.h"
#include "util/netns.h"
#include "util/sys.h"

/* ---- filters ---- */

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

/* The kernel chooses its place: behind all with a priority of below 32768, before the rest. */
static int add_filter(struct netlink *nl, const struct undo *undo, bool action, int prog_fd)
{
	struct tcmsg body = { .tcm_ifindex = undo->numbers[TC_IFINDEX],
			      .tcm_parent = undo->numbers[TC_PARENT],
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
	int ret = tc_need_qdisc(nl, undo->numbers[TC_NETNS], undo->numbers[TC_IFINDEX],
			     &undo->numbers[TC_MADE]);

	if (ret)
		return ret;
	undo->kind = &undo_tc;
	undo_about(undo, request->prog_fd);
	ledger_mark(undo->path, undo->prog_id);
	if (undo->numbers[TC_MADE])
		strcat(undo->path, TC_MADE_IT);
	attach_note(link, request);
	return add_filter(nl, undo, action, request->prog_fd);
}

static void give_up(struct netlink *nl, struct link *link)
{
	attach_nothing(link);
	if (link->undo.numbers[TC_MADE])
		tc_drop_empty(nl, link->undo.numbers[TC_NETNS], link->undo.numbers[TC_IFINDEX]);
}

static int attach_filter_to(struct link *link, const struct attach_request *request,
	      const struct net_place *place, bool egress, bool action, struct error *err)
{
	uint32_t parent = egress ? TC_EGRESS : TC_INGRESS;
	int lock = ledger_lock(), ret;
	struct netlink nl;

	link->way = action ? "clsact, act_bpf" : "clsact";
	snprintf(link->where, sizeof(link->where), "%s, %s", place->iface,
		 tc_direction(parent));
	link->undo = (struct undo){ .numbers = { netns_self(), place->ifindex, parent } };
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

/* ---- targets ---- */

static int wrong_target(const struct attach_request *request, const char *expected,
			struct error *err)
{
	return error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected %s",
			 request->prog->section, request->target, expected);
}

static int attach_filter(struct link *link, const struct attach_request *request, bool action,
			 struct error *err)
{
	const char *expected = "IFACE, IFACE:ingress or IFACE:egress";
	struct net_place place;
	bool egress;

	if (net_place(request, expected, &place, err))
		return -1;
	egress = !strcmp(place.word, "egress");
	if (*place.word && !egress && strcmp(place.word, "ingress"))
		return wrong_target(request, expected, err);
	return attach_filter_to(link, request, &place, egress, action, err);
}

static int attach_tc(struct link *link, const struct attach_request *request, struct error *err)
{
	return attach_filter(link, request, false, err);
}

static int attach_action(struct link *link, const struct attach_request *request,
			 struct error *err)
{
	return attach_filter(link, request, true, err);
}

/* "ingress": what the section's name has behind its slash. */
static const char *side(const struct attach_request *request)
{
	return strchr(request->prog->kind->name, '/') + 1;
}

static int find_place(const struct attach_request *request, struct net_place *place,
		      struct error *err)
{
	if (net_place(request, "IFACE", place, err))
		return -1;
	if (*place->word && strcmp(place->word, side(request)))
		return wrong_target(request, "IFACE", err);
	return 0;
}

static int attach_tcx(struct link *link, const struct attach_request *request, struct error *err)
{
	bool old_name = !strncmp(request->prog->kind->name, "tc/", 3);
	struct net_place place;
	int ret;

	if (find_place(request, &place, err))
		return -1;
	link->way = "tcx link";
	snprintf(link->where, sizeof(link->where), "%s, %s", place.iface, side(request));
	ret = net_link(request, place.ifindex, 0, NULL, 0);
	if (net_link_lacks(ret) && old_name)
		return attach_filter_to(link, request, &place, !strcmp(side(request), "egress"), false, err);
	net_linked(link, ret, "6.6", err);
	if (net_link_lacks(ret))
		error_hint(err, "tcx came with Linux 6.6; in a section tc/%s the program goes to clsact "
				"before", side(request));
	return ret < 0 ? -1 : 0;
}

static int attach_netkit(struct link *link, const struct attach_request *request,
			 struct error *err)
{
	struct net_place place;
	int ret;

	if (find_place(request, &place, err))
		return -1;
	link->way = "netkit link";
	snprintf(link->where, sizeof(link->where), "%s, %s", place.iface, side(request));
	ret = net_link(request, place.ifindex, 0, NULL, 0);
	net_linked(link, ret, "6.7", err);
	if (ret == -ENXIO || ret == -EACCES) /* another type; the peer */
		err->code = ERROR_USAGE;
	if (net_link_lacks(ret) || ret == -ENXIO || ret == -EACCES)
		error_hint(err, "the interface has to be of type netkit (Linux 6.7), the primary one of its pair");
	return ret < 0 ? -1 : 0;
}

const struct attach_kind attach_kind_tc = { .needs = NEED_IFACE, .attach = attach_tc };
const struct attach_kind attach_kind_action = { .needs = NEED_IFACE, .attach = attach_action };
const struct attach_kind attach_kind_tcx = { .needs = NEED_IFACE, .attach = attach_tcx };
const struct attach_kind attach_kind_netkit = { .needs = NEED_IFACE, .attach = attach_netkit };
