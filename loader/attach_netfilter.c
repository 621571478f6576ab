// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks of netfilter, in this thread's network namespace, by a link (Linux 6.4):
 *
 *	[FAMILY:]HOOK[:PRIORITY][:defrag]
 *
 * such as local_in, ipv6:post_routing:-100, ipv4:pre_routing:0:defrag. FAMILY is ipv4, ipv6 or inet,
 * which is both, HOOK pre_routing, local_in, forward, local_out or post_routing, the lower PRIORITY
 * is called first, `defrag` has the kernel put fragments together before. What is not said is
 * ipv4:pre_routing:0, which sees all that arrives.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/sys.h"

/* link_create.netfilter, which the headers of most distributions lack. */
struct netfilter {
	uint32_t pf, hooknum;
	int32_t priority;
	uint32_t flags;
};

#define DEFRAG 1 /* BPF_F_NETFILTER_IP_DEFRAG, 6.6 */

static const char *const families[] = { "ipv4", "ipv6", "inet" };
static const char *const hooks[] = {
	[NF_INET_PRE_ROUTING] = "pre_routing",
	[NF_INET_LOCAL_IN] = "local_in",
	[NF_INET_FORWARD] = "forward",
	[NF_INET_LOCAL_OUT] = "local_out",
	[NF_INET_POST_ROUTING] = "post_routing",
};

static int index_of(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(word, words[i]))
			return i;
	return -1;
}

struct place {
	int family; /* of families[] */
	struct netfilter at;
};

/* The words in their order, each of which may be missing. */
static bool parse(char *text, struct place *place)
{
	char *word = *text ? strsep(&text, ":") : NULL, *end;
	int n;

	if (word && (n = index_of(word, families, 3)) >= 0) {
		place->family = n;
		word = strsep(&text, ":");
	}
	if (word && (n = index_of(word, hooks, 5)) >= 0) {
		place->at.hooknum = n;
		word = strsep(&text, ":");
	}
	if (word) {
		place->at.priority = strtol(word, &end, 10);
		if (end != word && !*end)
			word = strsep(&text, ":");
	}
	if (word && !strcmp(word, "defrag")) {
		place->at.flags = DEFRAG;
		word = strsep(&text, ":");
	}
	return !word;
}

static int attach_to(struct link *link, const struct attach_request *request,
		     const struct place *place, uint32_t family, struct error *err)
{
	struct netfilter at = place->at;
	int ret, *other;

	at.pf = family;
	ret = net_link(request, 0, 0, &at, sizeof(at));
	if (ret < 0 || link->fd < 0)
		return net_linked(link, ret, "6.4 (with CONFIG_NETFILTER_BPF_LINK)", err);
	other = vec_push(&link->others);
	if (!other) {
		sys_close(ret);
		return error_memory(err);
	}
	*other = ret;
	return 0;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	struct place place = { .family = 0, .at.hooknum = NF_INET_PRE_ROUTING };
	char text[128];
	int ret = 0;

	snprintf(text, sizeof(text), "%s", request->target);
	if (!parse(text, &place)) {
		error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected "
			  "[FAMILY:]HOOK[:PRIORITY][:defrag]", request->prog->section, request->target);
		return error_hint(err, "FAMILY is ipv4, ipv6 or inet, HOOK pre_routing, local_in, forward, "
				  "local_out or post_routing: ipv4:pre_routing:0 where nothing is said");
	}
	snprintf(link->where, sizeof(link->where), "%s %s, priority %d", families[place.family],
		 hooks[place.at.hooknum], place.at.priority);
	if (place.family != 1)
		ret = attach_to(link, request, &place, NFPROTO_IPV4, err);
	if (!ret && place.family != 0)
		ret = attach_to(link, request, &place, NFPROTO_IPV6, err);
	return ret;
}

const struct attach_kind attach_kind_netfilter = { .attach = attach };
