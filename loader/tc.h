/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_TC_H
#define LOADER_TC_H

#include <linux/pkt_sched.h>

#include "loader/attach_net.h"

/*
 * Programs as filters of the qdisc clsact (Linux 4.5), by netlink: a classifier that decides
 * itself (cls_bpf, direct-action), or a filter that matches all and has an action (matchall and
 * act_bpf). Both bear a name of ours, by which, and by the program's id, they are found again.
 *
 * The qdisc is there once an interface. Who finds it missing makes it, and notes that in the ledger,
 * so that the last of us takes it away again; unless there is no ledger, then only who made it does,
 * which its filter's name says: "portrace_1234_56789_4026531836_77_q".
 */
enum { TC_NETNS, TC_IFINDEX, TC_PARENT, TC_MADE }; /* in undo.numbers; the name is undo.path */

#define TC_MADE_IT "_q"

/* Where filters of a clsact are, as parents. */
#define TC_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define TC_EGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

const char *tc_direction(uint32_t parent);
/* With ledger_lock(). 0: the qdisc is there, *made says whether it was not before; or -errno. */
int tc_need_qdisc(struct netlink *nl, uint32_t netns, uint32_t ifindex, uint32_t *made);
/* With ledger_lock(). 0, UNDO_GONE where it is in use or not there, or -errno. */
int tc_drop_empty(struct netlink *nl, uint32_t netns, uint32_t ifindex);

#endif
