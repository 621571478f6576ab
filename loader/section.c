// SPDX-License-Identifier: GPL-2.0
#include "loader/section.h"

#include <stdio.h>
#include <string.h>

#include "util/release.h"

/* Newer than the headers of some distributions that are still in use. */
#define PROG_TYPE_SYSCALL 31
#define PROG_TYPE_NETFILTER 32
#define SLEEPABLE (1u << 4) /* BPF_F_SLEEPABLE */
#define FRAGS (1u << 5)     /* BPF_F_XDP_HAS_FRAGS */

#define TYPE(name) BPF_PROG_TYPE_##name
#define AT(number, name) number, name
#define NOWHERE 0, NULL

/* Attach types by number, too: the headers of most distributions lack some of the names. */
static const struct section_kind kinds[] = {
	{ "socket", TYPE(SOCKET_FILTER), NOWHERE, 0, LINUX(3, 19) },
	{ "sk_reuseport/migrate", TYPE(SK_REUSEPORT), AT(40, "sk_reuseport_select_or_migrate"),
	  0, LINUX(5, 14) },
	{ "sk_reuseport", TYPE(SK_REUSEPORT), AT(39, "sk_reuseport_select"), 0, LINUX(4, 19) },
	{ "kprobe/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "kretprobe/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "ksyscall/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "kretsyscall/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "kprobe.multi/", TYPE(KPROBE), AT(42, "trace_kprobe_multi"), 0, LINUX(5, 18) },
	{ "kretprobe.multi/", TYPE(KPROBE), AT(42, "trace_kprobe_multi"), 0, LINUX(5, 18) },
	{ "kprobe.session/", TYPE(KPROBE), AT(56, "trace_kprobe_session"), 0, LINUX(6, 10) },
	{ "uprobe/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 3) },
	{ "uretprobe/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 3) },
	{ "uprobe.s/", TYPE(KPROBE), NOWHERE, SLEEPABLE, LINUX(6, 0) },
	{ "uretprobe.s/", TYPE(KPROBE), NOWHERE, SLEEPABLE, LINUX(6, 0) },
	/* What lower_multi() makes of programs for .multi, where the kernel does not know that. */
	{ "kprobe.each/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "kretprobe.each/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 1) },
	{ "uprobe.each/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 3) },
	{ "uretprobe.each/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 3) },
	{ "uprobe.each.s/", TYPE(KPROBE), NOWHERE, SLEEPABLE, LINUX(6, 0) },
	{ "uretprobe.each.s/", TYPE(KPROBE), NOWHERE, SLEEPABLE, LINUX(6, 0) },
	{ "usdt/", TYPE(KPROBE), NOWHERE, 0, LINUX(4, 3) },
	{ "usdt.s/", TYPE(KPROBE), NOWHERE, SLEEPABLE, LINUX(6, 0) },
	{ "uprobe.multi/", TYPE(KPROBE), AT(48, "trace_uprobe_multi"), 0, LINUX(6, 6) },
	{ "uretprobe.multi/", TYPE(KPROBE), AT(48, "trace_uprobe_multi"), 0, LINUX(6, 6) },
	{ "uprobe.multi.s/", TYPE(KPROBE), AT(48, "trace_uprobe_multi"), SLEEPABLE, LINUX(6, 6) },
	{ "uretprobe.multi.s/", TYPE(KPROBE), AT(48, "trace_uprobe_multi"),
	  SLEEPABLE, LINUX(6, 6) },
	{ "uprobe.session/", TYPE(KPROBE), AT(57, "trace_uprobe_session"), 0, LINUX(6, 13) },
	{ "uprobe.session.s/", TYPE(KPROBE), AT(57, "trace_uprobe_session"),
	  SLEEPABLE, LINUX(6, 13) },
	{ "tc", TYPE(SCHED_CLS), NOWHERE, 0, LINUX(4, 1) },
	{ "classifier", TYPE(SCHED_CLS), NOWHERE, 0, LINUX(4, 1) },
	{ "action", TYPE(SCHED_ACT), NOWHERE, 0, LINUX(4, 1) },
	{ "tc/ingress", TYPE(SCHED_CLS), AT(46, "tcx_ingress"), 0, LINUX(6, 6) },
	{ "tc/egress", TYPE(SCHED_CLS), AT(47, "tcx_egress"), 0, LINUX(6, 6) },
	{ "tcx/ingress", TYPE(SCHED_CLS), AT(46, "tcx_ingress"), 0, LINUX(6, 6) },
	{ "tcx/egress", TYPE(SCHED_CLS), AT(47, "tcx_egress"), 0, LINUX(6, 6) },
	{ "netkit/primary", TYPE(SCHED_CLS), AT(54, "netkit_primary"), 0, LINUX(6, 7) },
	{ "netkit/peer", TYPE(SCHED_CLS), AT(55, "netkit_peer"), 0, LINUX(6, 7) },
	{ "tracepoint/", TYPE(TRACEPOINT), NOWHERE, 0, LINUX(4, 7) },
	{ "tp/", TYPE(TRACEPOINT), NOWHERE, 0, LINUX(4, 7) },
	{ "raw_tracepoint/", TYPE(RAW_TRACEPOINT), NOWHERE, 0, LINUX(4, 17) },
	{ "raw_tp/", TYPE(RAW_TRACEPOINT), NOWHERE, 0, LINUX(4, 17) },
	{ "raw_tracepoint.w/", TYPE(RAW_TRACEPOINT_WRITABLE), NOWHERE, 0, LINUX(5, 2) },
	{ "raw_tp.w/", TYPE(RAW_TRACEPOINT_WRITABLE), NOWHERE, 0, LINUX(5, 2) },
	{ "tp_btf/", TYPE(TRACING), AT(23, "trace_raw_tp"), 0, LINUX(5, 5) },
	{ "fentry/", TYPE(TRACING), AT(24, "trace_fentry"), 0, LINUX(5, 5) },
	{ "fexit/", TYPE(TRACING), AT(25, "trace_fexit"), 0, LINUX(5, 5) },
	{ "fmod_ret/", TYPE(TRACING), AT(26, "modify_return"), 0, LINUX(5, 7) },
	{ "fentry.s/", TYPE(TRACING), AT(24, "trace_fentry"), SLEEPABLE, LINUX(5, 10) },
	{ "fexit.s/", TYPE(TRACING), AT(25, "trace_fexit"), SLEEPABLE, LINUX(5, 10) },
	{ "fmod_ret.s/", TYPE(TRACING), AT(26, "modify_return"), SLEEPABLE, LINUX(5, 10) },
	{ "fsession/", TYPE(TRACING), AT(58, "trace_fsession"), 0, LINUX(7, 0) },
	{ "fsession.s/", TYPE(TRACING), AT(58, "trace_fsession"), SLEEPABLE, LINUX(7, 0) },
	{ "fentry.multi/", TYPE(TRACING), AT(59, "trace_fentry_multi"), 0, LINUX(7, 2) },
	{ "fexit.multi/", TYPE(TRACING), AT(60, "trace_fexit_multi"), 0, LINUX(7, 2) },
	{ "fsession.multi/", TYPE(TRACING), AT(61, "trace_fsession_multi"), 0, LINUX(7, 2) },
	{ "fentry.multi.s/", TYPE(TRACING), AT(59, "trace_fentry_multi"), SLEEPABLE, LINUX(7, 2) },
	{ "fexit.multi.s/", TYPE(TRACING), AT(60, "trace_fexit_multi"), SLEEPABLE, LINUX(7, 2) },
	{ "fsession.multi.s/", TYPE(TRACING), AT(61, "trace_fsession_multi"),
	  SLEEPABLE, LINUX(7, 2) },
	{ "iter/", TYPE(TRACING), AT(28, "trace_iter"), 0, LINUX(5, 8) },
	{ "iter.s/", TYPE(TRACING), AT(28, "trace_iter"), SLEEPABLE, LINUX(5, 18) },
	{ "freplace/", TYPE(EXT), NOWHERE, 0, LINUX(5, 6) },
	{ "lsm/", TYPE(LSM), AT(27, "lsm_mac"), 0, LINUX(5, 7) },
	{ "lsm.s/", TYPE(LSM), AT(27, "lsm_mac"), SLEEPABLE, LINUX(5, 10) },
	{ "lsm_cgroup/", TYPE(LSM), AT(43, "lsm_cgroup"), 0, LINUX(6, 0) },
	{ "syscall", PROG_TYPE_SYSCALL, NOWHERE, SLEEPABLE, LINUX(5, 14) },
	{ "xdp", TYPE(XDP), AT(37, "xdp"), 0, LINUX(4, 8) },
	{ "xdp/devmap", TYPE(XDP), AT(33, "xdp_devmap"), 0, LINUX(5, 8) },
	{ "xdp/cpumap", TYPE(XDP), AT(35, "xdp_cpumap"), 0, LINUX(5, 9) },
	{ "xdp.frags", TYPE(XDP), AT(37, "xdp"), FRAGS, LINUX(5, 18) },
	{ "xdp.frags/devmap", TYPE(XDP), AT(33, "xdp_devmap"), FRAGS, LINUX(5, 18) },
	{ "xdp.frags/cpumap", TYPE(XDP), AT(35, "xdp_cpumap"), FRAGS, LINUX(5, 18) },
	{ "perf_event", TYPE(PERF_EVENT), NOWHERE, 0, LINUX(4, 9) },
	{ "lwt_in", TYPE(LWT_IN), NOWHERE, 0, LINUX(4, 10) },
	{ "lwt_out", TYPE(LWT_OUT), NOWHERE, 0, LINUX(4, 10) },
	{ "lwt_xmit", TYPE(LWT_XMIT), NOWHERE, 0, LINUX(4, 10) },
	{ "lwt_seg6local", TYPE(LWT_SEG6LOCAL), NOWHERE, 0, LINUX(4, 18) },
	{ "sockops", TYPE(SOCK_OPS), AT(3, "cgroup_sock_ops"), 0, LINUX(4, 13) },
	{ "sk_skb", TYPE(SK_SKB), NOWHERE, 0, LINUX(4, 14) },
	{ "sk_skb/stream_parser", TYPE(SK_SKB), AT(4, "sk_skb_stream_parser"), 0, LINUX(4, 14) },
	{ "sk_skb/stream_verdict", TYPE(SK_SKB), AT(5, "sk_skb_stream_verdict"), 0, LINUX(4, 14) },
	{ "sk_skb/verdict", TYPE(SK_SKB), AT(38, "sk_skb_verdict"), 0, LINUX(5, 13) },
	{ "sk_msg", TYPE(SK_MSG), AT(7, "sk_msg_verdict"), 0, LINUX(4, 17) },
	{ "lirc_mode2", TYPE(LIRC_MODE2), AT(16, "lirc_mode2"), 0, LINUX(4, 18) },
	{ "flow_dissector", TYPE(FLOW_DISSECTOR), AT(17, "flow_dissector"), 0, LINUX(4, 20) },
	{ "cgroup_skb/ingress", TYPE(CGROUP_SKB), AT(0, "cgroup_inet_ingress"), 0, LINUX(4, 10) },
	{ "cgroup_skb/egress", TYPE(CGROUP_SKB), AT(1, "cgroup_inet_egress"), 0, LINUX(4, 10) },
	{ "cgroup/skb", TYPE(CGROUP_SKB), NOWHERE, 0, LINUX(4, 10) },
	{ "cgroup/sock", TYPE(CGROUP_SOCK), AT(2, "cgroup_inet_sock_create"), 0, LINUX(4, 10) },
	{ "cgroup/sock_create", TYPE(CGROUP_SOCK), AT(2, "cgroup_inet_sock_create"),
	  0, LINUX(4, 10) },
	{ "cgroup/sock_release", TYPE(CGROUP_SOCK), AT(34, "cgroup_inet_sock_release"),
	  0, LINUX(5, 9) },
	{ "cgroup/post_bind4", TYPE(CGROUP_SOCK), AT(12, "cgroup_inet4_post_bind"),
	  0, LINUX(4, 17) },
	{ "cgroup/post_bind6", TYPE(CGROUP_SOCK), AT(13, "cgroup_inet6_post_bind"),
	  0, LINUX(4, 17) },
	{ "cgroup/bind4", TYPE(CGROUP_SOCK_ADDR), AT(8, "cgroup_inet4_bind"), 0, LINUX(4, 17) },
	{ "cgroup/bind6", TYPE(CGROUP_SOCK_ADDR), AT(9, "cgroup_inet6_bind"), 0, LINUX(4, 17) },
	{ "cgroup/connect4", TYPE(CGROUP_SOCK_ADDR), AT(10, "cgroup_inet4_connect"),
	  0, LINUX(4, 17) },
	{ "cgroup/connect6", TYPE(CGROUP_SOCK_ADDR), AT(11, "cgroup_inet6_connect"),
	  0, LINUX(4, 17) },
	{ "cgroup/connect_unix", TYPE(CGROUP_SOCK_ADDR), AT(49, "cgroup_unix_connect"),
	  0, LINUX(6, 7) },
	{ "cgroup/sendmsg4", TYPE(CGROUP_SOCK_ADDR), AT(14, "cgroup_udp4_sendmsg"),
	  0, LINUX(4, 18) },
	{ "cgroup/sendmsg6", TYPE(CGROUP_SOCK_ADDR), AT(15, "cgroup_udp6_sendmsg"),
	  0, LINUX(4, 18) },
	{ "cgroup/sendmsg_unix", TYPE(CGROUP_SOCK_ADDR), AT(50, "cgroup_unix_sendmsg"),
	  0, LINUX(6, 7) },
	{ "cgroup/recvmsg4", TYPE(CGROUP_SOCK_ADDR), AT(19, "cgroup_udp4_recvmsg"),
	  0, LINUX(5, 2) },
	{ "cgroup/recvmsg6", TYPE(CGROUP_SOCK_ADDR), AT(20, "cgroup_udp6_recvmsg"),
	  0, LINUX(5, 2) },
	{ "cgroup/recvmsg_unix", TYPE(CGROUP_SOCK_ADDR), AT(51, "cgroup_unix_recvmsg"),
	  0, LINUX(6, 7) },
	{ "cgroup/getpeername4", TYPE(CGROUP_SOCK_ADDR), AT(29, "cgroup_inet4_getpeername"),
	  0, LINUX(5, 8) },
	{ "cgroup/getpeername6", TYPE(CGROUP_SOCK_ADDR), AT(30, "cgroup_inet6_getpeername"),
	  0, LINUX(5, 8) },
	{ "cgroup/getpeername_unix", TYPE(CGROUP_SOCK_ADDR), AT(52, "cgroup_unix_getpeername"),
	  0, LINUX(6, 7) },
	{ "cgroup/getsockname4", TYPE(CGROUP_SOCK_ADDR), AT(31, "cgroup_inet4_getsockname"),
	  0, LINUX(5, 8) },
	{ "cgroup/getsockname6", TYPE(CGROUP_SOCK_ADDR), AT(32, "cgroup_inet6_getsockname"),
	  0, LINUX(5, 8) },
	{ "cgroup/getsockname_unix", TYPE(CGROUP_SOCK_ADDR), AT(53, "cgroup_unix_getsockname"),
	  0, LINUX(6, 7) },
	{ "cgroup/sysctl", TYPE(CGROUP_SYSCTL), AT(18, "cgroup_sysctl"), 0, LINUX(5, 2) },
	{ "cgroup/getsockopt", TYPE(CGROUP_SOCKOPT), AT(21, "cgroup_getsockopt"), 0, LINUX(5, 3) },
	{ "cgroup/setsockopt", TYPE(CGROUP_SOCKOPT), AT(22, "cgroup_setsockopt"), 0, LINUX(5, 3) },
	{ "cgroup/dev", TYPE(CGROUP_DEVICE), AT(6, "cgroup_device"), 0, LINUX(4, 15) },
	{ "struct_ops/", TYPE(STRUCT_OPS), AT(44, "struct_ops"), 0, LINUX(5, 6) },
	{ "struct_ops.s/", TYPE(STRUCT_OPS), AT(44, "struct_ops"), SLEEPABLE, LINUX(6, 0) },
	{ "sk_lookup", TYPE(SK_LOOKUP), AT(36, "sk_lookup"), 0, LINUX(5, 9) },
	{ "netfilter", PROG_TYPE_NETFILTER, AT(45, "netfilter"), 0, LINUX(6, 4) },
};

/* Bytes of the section's name that are the kind's, 0 where it is of another. */
static size_t match(const char *section, const char *kind)
{
	size_t len = strlen(kind);

	if (kind[len - 1] != '/')
		return strcmp(section, kind) ? 0 : len;
	if (strncmp(section, kind, len - 1) || (section[len - 1] && section[len - 1] != '/'))
		return 0;
	return section[len - 1] ? len : len - 1;
}

/* "?tc" is a program of kind "tc" that is not loaded unless asked for. */
static const struct section_kind *find(const char *section, const char **target)
{
	size_t i, len;

	section += *section == '?';
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		len = match(section, kinds[i].name);
		*target = section + len;
		if (len)
			return &kinds[i];
	}
	return NULL;
}

const struct section_kind *section_kind(const char *section)
{
	const char *target;

	return find(section, &target);
}

const struct section_kind *section_kind_at(size_t i)
{
	return i < sizeof(kinds) / sizeof(*kinds) ? &kinds[i] : NULL;
}

const char *section_target(const char *section)
{
	const char *target;

	return find(section, &target) ? target : "";
}

int section_loadable(const struct section_kind *kind, const char *section, struct error *err)
{
	if (!kind) {
		error_set(err, ERROR_UNSUPPORTED, "section '%s': got a kind of program that is not "
			  "known, expected one like tracepoint/CATEGORY/EVENT", section);
		return error_hint(err, "others are kprobe/FUNCTION, fentry/FUNCTION, raw_tp/EVENT, xdp, tc, "
				  "socket, cgroup_skb/egress: those that libbpf knows");
	}
	return 0;
}

const char *section_next(const char *list, struct section_name *name)
{
	size_t len = strcspn(list, "|");

	if (!*list)
		return NULL;
	snprintf(name->text, sizeof(name->text), "%.*s", (int)len, list);
	return list + len + (list[len] == '|');
}

int section_tracepoint(const char *section, char *category, char *event, unsigned int size,
		       struct error *err)
{
	const char *slash = strchr(section, '/');
	const char *second = slash ? strchr(slash + 1, '/') : NULL;

	if (!second || second == slash + 1 || !second[1] || strchr(second + 1, '/') ||
	    (size_t)(second - slash) > size || strlen(second + 1) >= size)
		return error_set(err, ERROR_FORMAT,
				 "section '%s': got no tracepoint, expected tracepoint/CATEGORY/EVENT",
				 section);
	memcpy(category, slash + 1, second - slash - 1);
	category[second - slash - 1] = 0;
	strcpy(event, second + 1);
	return 0;
}
