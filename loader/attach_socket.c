// SPDX-License-Identifier: GPL-2.0
/*
 * Socket filters, on a packet socket: they see every packet that comes in and goes out, of one
 * interface or of all in this network namespace. What they let through nobody reads: it stays in
 * the socket's small buffer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

static int explain(int sys, const char *what, struct error *err)
{
	error_system(err, sys, "%s", what);
	if (sys == EPERM || sys == EACCES) {
		err->code = ERROR_PERMISSION;
		error_hint(err, "packet sockets take root, or CAP_NET_RAW");
	} else if (sys == EAFNOSUPPORT || sys == ENOPROTOOPT) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "it takes Linux 3.19, built with CONFIG_PACKET");
	}
	return -1;
}

static int find_interface(const char *name, unsigned int *index, struct error *err)
{
	*index = name ? if_nametoindex(name) : 0;
	if (!name || *index)
		return 0;
	error_set(err, ERROR_NOT_FOUND, "%s: got no such network interface, expected one of this network "
		  "namespace", name);
	return error_hint(err, "ip link lists them");
}

/* It gets packets only once it is bound, so that there is none that the program does not see. */
static int filter(int fd, unsigned int index, int prog_fd, struct error *err)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};
	int least = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)))
		return explain(errno, "SO_ATTACH_BPF", err);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return explain(errno, "bind a packet socket", err);
	return 0;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const char *name = *request->target ? request->target : request->options->place.iface;
	unsigned int index;

	link->way = "packet socket";
	snprintf(link->where, sizeof(link->where), "%s", name ? name : "all interfaces");
	if (find_interface(name, &index, err))
		return -1;
	link->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return explain(errno, "packet socket", err);
	return filter(link->fd, index, request->prog_fd, err);
}

const struct attach_kind attach_kind_socket = {
	.takes = NEED_IFACE,
	.attach = attach,
};
