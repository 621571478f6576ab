// SPDX-License-Identifier: GPL-2.0
#include "tests/live/network.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/netlink.h"
#include "util/sys.h"

#define TYPE 0x88b5 /* as in net.bpf.c */

static struct netlink nl;

static void ok(int ret, const char *what)
{
	ck_assert_msg(!ret, "%s: %s %s", what, strerror(-ret), nl.said);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) > 0, "%s: %s", path, strerror(errno));
	close(fd);
}

/* ---- interfaces ---- */

/* What describes the other end: a whole message's body and a name. */
struct peer {
	struct ifinfomsg body;
	struct nlattr head;
	char name[IFNAMSIZ];
};

static int make_pair(const char *kind, uint16_t peer_type, const char *a, const char *b)
{
	struct peer peer = { .head = { NLA_HDRLEN + IFNAMSIZ, IFLA_IFNAME } };
	struct ifinfomsg body = { 0 };
	struct netlink_request r;
	size_t info, data;

	snprintf(peer.name, sizeof(peer.name), "%s", b);
	netlink_begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	netlink_put_string(&r, IFLA_IFNAME, a);
	info = netlink_nest(&r, IFLA_LINKINFO);
	netlink_put_string(&r, IFLA_INFO_KIND, kind);
	data = netlink_nest(&r, IFLA_INFO_DATA);
	netlink_put(&r, peer_type, &peer, sizeof(peer));
	netlink_unnest(&r, data);
	netlink_unnest(&r, info);
	return netlink_call(&nl, &r, NULL, NULL);
}

static void up(const char *iface)
{
	struct ifinfomsg body = { .ifi_index = if_nametoindex(iface), .ifi_flags = IFF_UP,
				  .ifi_change = IFF_UP };
	struct netlink_request r;

	netlink_begin(&r, RTM_NEWLINK, 0, &body, sizeof(body));
	ok(netlink_call(&nl, &r, NULL, NULL), "interface up");
}

static void address(const char *iface, const char *text)
{
	struct ifaddrmsg body = { .ifa_family = AF_INET, .ifa_prefixlen = 24,
				  .ifa_index = if_nametoindex(iface) };
	struct netlink_request r;
	struct in_addr addr;

	inet_pton(AF_INET, text, &addr);
	netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE, &body, sizeof(body));
	netlink_put(&r, IFA_LOCAL, &addr, sizeof(addr));
	netlink_put(&r, IFA_ADDRESS, &addr, sizeof(addr));
	ok(netlink_call(&nl, &r, NULL, NULL), "address");
}

static void own_run(void)
{
	ck_assert(!mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("/run", 0755);
	ck_assert(!mount("tmpfs", "/run", "tmpfs", 0, "mode=755"));
}

/* IPv6 has much to say of itself: without an address of its own an interface is silent. */
static void silence(const char *iface)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", iface);
	if (!access(path, F_OK))
		write_file(path, "1");
}

/* Being up takes a moment, and then routes come. */
static bool is_running(void *iface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", (const char *)iface);
	ck_assert(!ioctl(fd, SIOCGIFFLAGS, &request));
	close(fd);
	return request.ifr_flags & IFF_RUNNING;
}

static unsigned int count_routes(uint8_t family);

static bool has_routes(void *count)
{
	return count_routes(AF_INET6) >= *(unsigned int *)count;
}

/* An interface gets one for multicasts of IPv6 a moment after it is up, and lo has one, too. */
static void wait_for_routes(unsigned int count)
{
	if (!access("/proc/sys/net/ipv6", F_OK))
		wait_until(has_routes, &count, 2000);
}

static void both_up(char *a, char *b)
{
	silence(a);
	silence(b);
	up(a);
	up(b);
	ck_assert(wait_until(is_running, a, PATIENCE_MS));
	ck_assert(wait_until(is_running, b, PATIENCE_MS));
}

int make_netkit(char *primary, char *peer)
{
	int ret = make_pair("netkit", 1 /* IFLA_NETKIT_PEER_INFO */, primary, peer);

	if (ret)
		return ret;
	both_up(primary, peer);
	wait_for_routes(5);
	return 0;
}

void network_begin(void)
{
	int ret;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		skip("network namespaces: %s", strerror(errno));
	own_run();
	ok(netlink_open(&nl), "netlink");
	ret = make_pair("veth", VETH_INFO_PEER, "pt0", "pt1");
	if (ret == -EOPNOTSUPP)
		skip("interfaces of type veth");
	ok(ret, "veth");
	up("lo");
	both_up("pt0", "pt1");
	address("pt0", "10.77.1.1");
	wait_for_routes(3);
	write_file("/proc/sys/net/ipv4/ip_forward", "1");
	write_file("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	write_file("/proc/sys/net/ipv4/conf/pt0/rp_filter", "0");
}

#define LINK_CREATE 28

void refuse_links(void)
{
	size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + low),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LINK_CREATE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	ck_assert(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		skip("seccomp filters: %s", strerror(errno));
}

/* ---- things to send ---- */

static void hardware_address(const char *iface, uint8_t to[6])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	ck_assert(!ioctl(fd, SIOCGIFHWADDR, &request));
	close(fd);
	memcpy(to, request.ifr_hwaddr.sa_data, 6);
}

/* To the other end's address, as a whole frame but for its first 14 bytes. */
static void send_frames(const char *from, const char *to, uint16_t type, const void *bytes,
			size_t len)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(type),
				  .sll_ifindex = if_nametoindex(from), .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t frame[256] = { 0 };

	ck_assert_msg(fd >= 0, "AF_PACKET: %s", strerror(errno));
	hardware_address(to, frame);
	hardware_address(from, frame + 6);
	memcpy(at.sll_addr, frame, 6);
	type = htons(type);
	memcpy(frame + 12, &type, 2);
	memcpy(frame + 14, bytes, len);
	len = len < 50 ? 64 : len + 14;
	for (int i = 0; i < TIMES; i++)
		ck_assert_int_eq(sendto(fd, frame, len, 0, (struct sockaddr *)&at, sizeof(at)), len);
	close(fd);
}

void frames_in(void)
{
	send_frames("pt1", "pt0", TYPE, "", 1);
}

void frames_out(void)
{
	send_frames("pt0", "pt1", TYPE, "", 1);
}

void packets_from(const char *iface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE),
				  .sll_ifindex = if_nametoindex(iface) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char bytes[64] = "";

	for (int i = 0; i < TIMES; i++)
		ck_assert_msg(sendto(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&at, sizeof(at)) ==
			      sizeof(bytes), "%s: %s", iface, strerror(errno));
	close(fd);
}

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

void packets_by(void)
{
	uint8_t packet[32] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 77, 1, 2,
			       10, 77, 1, 3, 0x30, 0x39, PORT >> 8, PORT & 0xff, 0, 12 };

	send_frames("pt1", "pt1", ETH_P_IP, packet, sizeof(packet));
}

void packets_through(void)
{
	uint8_t packet[32] = { 0x45, 0, 0, 32, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, 77, 1, 2,
			       10, 77, 2, 5, 0x30, 0x39, PORT >> 8, PORT & 0xff, 0, 12 };
	uint16_t sum = checksum(packet, 20);

	packet[10] = sum >> 8;
	packet[11] = sum & 0xff;
	send_frames("pt1", "pt0", ETH_P_IP, packet, sizeof(packet));
}

static void send_udp(const char *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, to, &at.sin_addr);
	for (int i = 0; i < TIMES; i++)
		/* Without the program its route is not there, either. */
		ck_assert_msg(sendto(fd, "word", 4, 0, (struct sockaddr *)&at, sizeof(at)) == 4 ||
			      errno == ENETUNREACH, "sendto %s: %s", to, strerror(errno));
	close(fd);
}

void packets_out(void)
{
	send_udp("10.77.2.5");
}

void packets_to_self(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Somebody to get them, so that no answers come. */
	inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
	ck_assert(!bind(fd, (struct sockaddr *)&at, sizeof(at)));
	send_udp("127.0.0.1");
	close(fd);
}

void segments_in(void)
{
	uint8_t packet[40 + 8 + 32] = { 0x60, 0, 0, 0, 0, 40, 43 /* routing header */, 64 };
	uint8_t *routing = packet + 40;

	inet_pton(AF_INET6, "fd77:1::2", packet + 8);
	inet_pton(AF_INET6, "fd77:2::1", packet + 24);
	memcpy(routing, (uint8_t[8]){ 59 /* nothing follows */, 4, 4 /* segments */, 1, 1 }, 8);
	inet_pton(AF_INET6, "fd77:3::1", routing + 8);
	inet_pton(AF_INET6, "fd77:2::1", routing + 24);
	send_frames("pt1", "pt0", ETH_P_IPV6, packet, sizeof(packet));
}

/* ---- what there is ---- */

static void count(void *ctx, const struct nlmsghdr *message)
{
	++*(unsigned int *)ctx;
}

static unsigned int count_all(uint16_t type, const void *body, size_t len)
{
	struct netlink_request r;
	unsigned int n = 0;

	netlink_begin(&r, type, NLM_F_DUMP, body, len);
	ok(netlink_call(&nl, &r, count, &n), "dump");
	return n;
}

static unsigned int count_filters(const char *iface)
{
	struct tcmsg body = { .tcm_ifindex = if_nametoindex(iface) };
	unsigned int n;

	body.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	n = count_all(RTM_GETTFILTER, &body, sizeof(body));
	body.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	return n + count_all(RTM_GETTFILTER, &body, sizeof(body));
}

static unsigned int count_routes(uint8_t family)
{
	return count_all(RTM_GETROUTE, &(struct rtmsg){ .rtm_family = family },
			 sizeof(struct rtmsg));
}

static void note_xdp(void *ctx, const struct nlmsghdr *message)
{
	struct cursor attrs = netlink_attrs(message, sizeof(struct ifinfomsg));

	*(uint32_t *)ctx = netlink_u32(netlink_attr(attrs, IFLA_XDP), IFLA_XDP_PROG_ID);
}

static uint32_t xdp_of(const char *iface)
{
	struct ifinfomsg body = { .ifi_index = if_nametoindex(iface) };
	struct netlink_request r;
	uint32_t id = 0;

	netlink_begin(&r, RTM_GETLINK, 0, &body, sizeof(body));
	ok(netlink_call(&nl, &r, note_xdp, &id), "RTM_GETLINK");
	return id;
}

struct inventory take_inventory(void)
{
	return (struct inventory){
		.qdiscs = count_all(RTM_GETQDISC, &(struct tcmsg){ 0 }, sizeof(struct tcmsg)),
		.filters = count_filters("pt0") + count_filters("pt1"),
		.routes4 = count_routes(AF_INET),
		.routes6 = count_routes(AF_INET6),
		.links = count_all(RTM_GETLINK, &(struct ifinfomsg){ 0 }, sizeof(struct ifinfomsg)),
		.xdp = { xdp_of("pt0"), xdp_of("pt1") },
	};
}

void expect_same(const struct inventory *before)
{
	struct inventory now = take_inventory();

	ck_assert_uint_eq(now.qdiscs, before->qdiscs);
	ck_assert_uint_eq(now.filters, before->filters);
	ck_assert_uint_eq(now.routes4, before->routes4);
	ck_assert_uint_eq(now.routes6, before->routes6);
	ck_assert_uint_eq(now.links, before->links);
	ck_assert_uint_eq(now.xdp[0], before->xdp[0]);
	ck_assert_uint_eq(now.xdp[1], before->xdp[1]);
}

static int change_clsact(const char *iface, uint16_t type, uint16_t flags)
{
	struct tcmsg body = { .tcm_ifindex = if_nametoindex(iface), .tcm_parent = TC_H_CLSACT,
			      .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct netlink_request r;

	netlink_begin(&r, type, flags, &body, sizeof(body));
	netlink_put_string(&r, TCA_KIND, "clsact");
	return netlink_call(&nl, &r, NULL, NULL);
}

int make_clsact(const char *iface)
{
	return change_clsact(iface, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
}

int remove_clsact(const char *iface)
{
	return change_clsact(iface, RTM_DELQDISC, 0);
}

void remove_xdp(const char *iface)
{
	struct ifinfomsg body = { .ifi_index = if_nametoindex(iface) };
	struct netlink_request r;
	size_t at;

	netlink_begin(&r, RTM_SETLINK, 0, &body, sizeof(body));
	at = netlink_nest(&r, IFLA_XDP);
	netlink_put_u32(&r, IFLA_XDP_FD, -1);
	netlink_unnest(&r, at);
	ok(netlink_call(&nl, &r, NULL, NULL), "remove XDP");
}

static bool is_gone(void *id)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = *(uint32_t *)id;
	fd = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	sys_close(fd);
	return fd < 0;
}

void expect_program_gone(uint32_t id)
{
	ck_assert_msg(wait_until(is_gone, &id, PATIENCE_MS), "program %u is still there", id);
}
