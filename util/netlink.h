/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_NETLINK_H
#define UTIL_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/cursor.h"
#include "util/error.h"

/*
 * A small client of rtnetlink: one request after the other, each of them answered.
 *
 *	struct netlink_request r;
 *	netlink_begin(&r, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
 *	netlink_put_string(&r, TCA_KIND, "bpf");
 *	at = netlink_nest(&r, TCA_OPTIONS);
 *	netlink_put_u32(&r, TCA_BPF_FD, fd);
 *	netlink_unnest(&r, at);
 *	ret = netlink_call(&nl, &r, NULL, NULL);
 *
 * Numbers are in the machine's byte order, lengths include their header, and all is aligned to 4.
 */
struct netlink {
	int fd;
	uint32_t seq;
	char said[160]; /* why the last request was refused, in the kernel's words (4.12); or "" */
};

struct netlink_request {
	union {
		struct nlmsghdr header;
		char bytes[1024];
	};
	bool full; /* something had no room: it will not be sent */
};

/* To the network namespace that this thread is in, and later on wherever it goes. 0, or -errno. */
int netlink_open(struct netlink *nl);
void netlink_close(struct netlink *nl);
/* From now on dumps of routes are only of those that the body describes; before 4.20 of all. */
void netlink_strict(struct netlink *nl);

/* `flags` besides NLM_F_REQUEST; the body is what the type's header is called: struct tcmsg. */
void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *body,
		   size_t len);
void netlink_put(struct netlink_request *request, uint16_t type, const void *data, size_t len);
void netlink_put_u32(struct netlink_request *request, uint16_t type, uint32_t value);
void netlink_put_string(struct netlink_request *request, uint16_t type, const char *string);
/* Attributes put between these two are within one of that type. */
size_t netlink_nest(struct netlink_request *request, uint16_t type);
void netlink_unnest(struct netlink_request *request, size_t at);

/*
 * Sends it and waits until it is done. 0, or what the kernel or a system call says: -errno. Each
 * message of the answer, all objects of NLM_F_DUMP, is given to `each`. A dump during which
 * something changed is asked for again, and then some are given twice.
 */
int netlink_call(struct netlink *nl, struct netlink_request *request,
		 void (*each)(void *ctx, const struct nlmsghdr *message), void *ctx);
/* "what: strerror (kernel's words)", with ERROR_PERMISSION for what is not allowed. -1. */
int netlink_error(const struct netlink *nl, int ret, const char *what, struct error *err);

/* What is behind a message's body of that length. */
struct cursor netlink_attrs(const struct nlmsghdr *message, size_t body);
/* The first attribute of that type; data is NULL where there is none. */
struct cursor netlink_attr(struct cursor attrs, uint16_t type);
uint32_t netlink_u32(struct cursor attrs, uint16_t type); /* 0 where there is none */
const char *netlink_string(struct cursor attrs, uint16_t type); /* likewise "" */

#endif
