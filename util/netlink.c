// SPDX-License-Identifier: GPL-2.0
#include "util/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/sys.h"

/* What a dump puts into one read at most. */
#define ANSWER_MAX 32768

int netlink_open(struct netlink *nl)
{
	int one = 1;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (nl->fd < 0)
		return -errno;
	/* Both are for words only: what older kernels answer without them does as well. */
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

void netlink_close(struct netlink *nl)
{
	sys_close(nl->fd);
	nl->fd = -1;
}

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

void netlink_strict(struct netlink *nl)
{
	int one = 1;

	setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
}

/* ---- requests ---- */

/* Room for len bytes at the end, zeroed and aligned; or NULL. */
static void *grow(struct netlink_request *r, size_t len)
{
	size_t at = NLMSG_ALIGN(r->header.nlmsg_len);

	if (r->full || len > sizeof(r->bytes) - at) {
		r->full = true;
		return NULL;
	}
	r->header.nlmsg_len = at + len;
	return r->bytes + at;
}

void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *body,
		   size_t len)
{
	void *to;

	memset(r, 0, sizeof(*r));
	r->header.nlmsg_len = NLMSG_HDRLEN;
	r->header.nlmsg_type = type;
	r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	to = grow(r, len);
	if (to)
		memcpy(to, body, len);
}

void netlink_put(struct netlink_request *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = grow(r, NLA_HDRLEN + len);

	if (!attr)
		return;
	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(attr + 1, data, len);
}

void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value)
{
	netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_string(struct netlink_request *r, uint16_t type, const char *string)
{
	netlink_put(r, type, string, strlen(string) + 1);
}

size_t netlink_nest(struct netlink_request *r, uint16_t type)
{
	size_t at = NLMSG_ALIGN(r->header.nlmsg_len);

	netlink_put(r, type, NULL, 0);
	return at;
}

void netlink_unnest(struct netlink_request *r, size_t at)
{
	struct nlattr *attr = (struct nlattr *)(r->bytes + at);

	if (!r->full)
		attr->nla_len = r->header.nlmsg_len - at;
}

/* ---- answers ---- */

struct cursor netlink_attrs(const struct nlmsghdr *message, size_t body)
{
	size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(body);

	if (message->nlmsg_len < head)
		return (struct cursor){ NULL, 0 };
	return (struct cursor){ (const uint8_t *)message + head, message->nlmsg_len - head };
}

struct cursor netlink_attr(struct cursor attrs, uint16_t type)
{
	const struct nlattr *attr;
	uint64_t at = 0;

	while ((attr = cursor_at(&attrs, at, sizeof(*attr))) && attr->nla_len >= NLA_HDRLEN) {
		size_t len = attr->nla_len - NLA_HDRLEN;
		const void *data = cursor_at(&attrs, at + NLA_HDRLEN, len);

		if (data && (attr->nla_type & NLA_TYPE_MASK) == type)
			return (struct cursor){ data, len };
		at += NLA_ALIGN(attr->nla_len);
	}
	return (struct cursor){ NULL, 0 };
}

uint32_t netlink_u32(struct cursor attrs, uint16_t type)
{
	struct cursor attr = netlink_attr(attrs, type);
	uint32_t value = 0;

	if (attr.size >= sizeof(value))
		memcpy(&value, attr.data, sizeof(value));
	return value;
}

const char *netlink_string(struct cursor attrs, uint16_t type)
{
	struct cursor attr = netlink_attr(attrs, type);
	const char *string = cursor_string(&attr, 0);

	return string ? string : "";
}

/* The message's result, and the words that go with it, which follow what was asked for. */
static int result_of(struct netlink *nl, const struct nlmsghdr *message)
{
	const struct nlmsgerr *answer = NLMSG_DATA(message);
	size_t body = sizeof(*answer);

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)))
		return -EBADMSG;
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && answer->msg.nlmsg_len > NLMSG_HDRLEN)
		body += NLMSG_ALIGN(answer->msg.nlmsg_len - NLMSG_HDRLEN);
	if (message->nlmsg_flags & NLM_F_ACK_TLVS)
		snprintf(nl->said, sizeof(nl->said), "%s",
			 netlink_string(netlink_attrs(message, body), NLMSGERR_ATTR_MSG));
	return answer->error;
}

struct listener {
	void (*each)(void *ctx, const struct nlmsghdr *message);
	void *ctx;
	bool interrupted; /* of a dump: what it was about has changed meanwhile */
	int result;
};

/* Goes through what one read brought. True: that was the end. */
static bool take(struct netlink *nl, const void *bytes, size_t len, struct listener *to)
{
	const struct nlmsghdr *m = bytes;

	for (; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
		if (m->nlmsg_seq != nl->seq)
			continue;
		to->interrupted |= m->nlmsg_flags & NLM_F_DUMP_INTR;
		if (m->nlmsg_type == NLMSG_ERROR)
			to->result = result_of(nl, m);
		if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE)
			return true;
		if (to->each)
			to->each(to->ctx, m);
	}
	return false;
}

static int ask(struct netlink *nl, struct netlink_request *r, struct listener *to)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	ssize_t n;

	nl->said[0] = 0;
	r->header.nlmsg_seq = ++nl->seq;
	to->interrupted = false;
	to->result = 0;
	if (send(nl->fd, r, r->header.nlmsg_len, 0) < 0)
		return -errno;
	do {
		n = recv(nl->fd, answer, sizeof(answer), MSG_TRUNC);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > (ssize_t)sizeof(answer))
			return -EMSGSIZE;
	} while (n < 0 || !take(nl, answer, n, to));
	return to->result;
}

int netlink_call(struct netlink *nl, struct netlink_request *r,
		 void (*each)(void *ctx, const struct nlmsghdr *message), void *ctx)
{
	struct listener to = { each, ctx, false, 0 };
	int ret;

	if (r->full)
		return -EMSGSIZE;
	for (int tries = 0; tries < 5; tries++) {
		ret = ask(nl, r, &to);
		if (!to.interrupted)
			break;
	}
	return ret;
}

int netlink_error(const struct netlink *nl, int ret, const char *what, struct error *err)
{
	size_t len;

	error_system(err, -ret, "%s", what);
	if (ret == -EPERM || ret == -EACCES) {
		err->code = ERROR_PERMISSION;
		error_hint(err, "changing network interfaces takes root, or CAP_NET_ADMIN");
	}
	len = strlen(err->message);
	if (nl->said[0])
		snprintf(err->message + len, sizeof(err->message) - len, " (%s)", nl->said);
	return -1;
}
