// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic control: IFACE, IFACE:ingress or IFACE:egress; without a word ingress, or what the
 * section's name says. Several programs on one interface run one after the other, as long as they
 * say so: TC_ACT_UNSPEC, TCX_NEXT.
 *
 *	tc, classifier, action     filters of the qdisc clsact (tc.c)
 *	tc/ingress, tc/egress      a link (tcx, Linux 6.6), or as before
 *	tcx/ingress, tcx/egress    a link
 *	netkit/primary, .../peer   a link (6.7) on a netkit interface, the primary one of a pair
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/attach_net.h"

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
	return tc_attach(link, request, &place, egress, action, err);
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
		return tc_attach(link, request, &place, !strcmp(side(request), "egress"), false, err);
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
	if (net_link_lacks(ret))
		error_hint(err, "the interface has to be of type netkit (Linux 6.7), the primary one of its pair");
	return ret < 0 ? -1 : 0;
}

const struct attach_kind attach_kind_tc = { .needs = NEED_IFACE, .attach = attach_tc };
const struct attach_kind attach_kind_action = { .needs = NEED_IFACE, .attach = attach_action };
const struct attach_kind attach_kind_tcx = { .needs = NEED_IFACE, .attach = attach_tcx };
const struct attach_kind attach_kind_netkit = { .needs = NEED_IFACE, .attach = attach_netkit };
