/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ATTACH_NET_H
#define LOADER_ATTACH_NET_H

#include <net/if.h>

#include "loader/attach_internal.h"
#include "loader/ledger.h"
#include "util/netlink.h"

/* What attachers of networking programs have in common. */

/* "eth0:egress": an interface, that of --iface where it is not said, and a word. */
struct net_place {
	char iface[IF_NAMESIZE];
	uint32_t ifindex;
	const char *word; /* what is behind the colon, "" */
};

/* `expected`: "IFACE or IFACE:egress", for messages. 0, or -1. */
int net_place(const struct attach_request *request, const char *expected, struct net_place *place,
	      struct error *err);
/*
 * BPF_LINK_CREATE on what has that number, an interface or a descriptor; `rest` is what the kind of
 * link adds behind the flags. A descriptor, or -errno.
 */
int net_link(const struct attach_request *request, uint32_t target, uint32_t flags,
	     const void *rest, size_t len);
/* Whether the errno of net_link() may mean that this kernel has no such links. */
bool net_link_lacks(int ret);
/* Takes what net_link() returned, with words for what failed. 0, or -1. */
int net_linked(struct link *link, int ret, const char *since, struct error *err);
/* Opens it to that namespace. -ENOENT: there is none of that number any longer. */
int net_open(struct netlink *nl, uint32_t netns);

/* Removes the clsact that one of us made, if nothing is on it. 0; UNDO_GONE: it is not there any
 * longer, or in use; or -1. */
int tc_drop_qdisc(uint32_t netns, uint32_t ifindex, struct error *err);

/* ---- parts of ledger_sweep(): what carries a name of ours in this thread's namespace ---- */

void tc_sweep(const struct ledger_watch *watch);
void route_sweep(const struct ledger_watch *watch);

#endif
