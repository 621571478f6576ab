/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_NETWORK_H
#define TESTS_LIVE_NETWORK_H

#include "tests/live/harness.h"

/*
 * A network of the test's own: a namespace that goes with it, a pair of interfaces that are one
 * another's wire, and things to send, each TIMES times. /run is its own, too.
 *
 *	pt0, 10.77.1.1/24  ----------  pt1
 */
#define TIMES 5
#define PORT 4321 /* as in net.bpf.c */

void network_begin(void); /* skips where this kernel or user cannot */
/* From now on this process is refused links, as kernels before 5.7 would. */
void refuse_links(void);

/* Frames that arrive at pt0; that leave from it. */
void frames_in(void);
void frames_out(void);
/* The same from any interface, without a header of Ethernet's. */
void packets_from(const char *iface);
/* Packets to 10.77.2.5 that are to be forwarded by pt0, or are sent from here. */
void packets_through(void);
void packets_out(void);
/* Packets that arrive at pt0 and are for another machine, which nobody answers. */
void packets_by(void);
/* IPv6 packets to fd77:2::1 with another segment to go. */
void segments_in(void);
void packets_to_self(void);

/* How much there is of what attaching adds to: in all, of this namespace. */
struct inventory {
	unsigned int qdiscs, filters, routes4, routes6, links;
	uint32_t xdp[2]; /* programs of pt0 and pt1 */
};

struct inventory take_inventory(void);
void expect_same(const struct inventory *before);
/* An interface's qdisc clsact, as somebody else makes and removes it. 0 or -errno. */
int make_clsact(const char *iface);
int remove_clsact(const char *iface);
/* Takes any XDP program off. */
void remove_xdp(const char *iface);
/* A pair of type netkit. 0 or -errno. */
int make_netkit(char *primary, char *peer);
/* No longer is there a program of that id. */
void expect_program_gone(uint32_t id);

#endif
