// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers are given out in order, so each table is the kernel's list of names cut where a
 * release ends: map type 1 is "hash", 2 "array", both of 3.19, and 3 is the first of 4.2.
 *
 * Which release, the dates tell on which the kernel's header got each: helper 119 came on
 * 2020-02-17, after the merges for 5.6 (released 2020-03-29) had ended, so it is of 5.7.
 */
#include "compat/since.h"

#include <stdio.h>
#include <string.h>

struct release {
	uint16_t release, first; /* `first` is the number of the first name */
	const char *names;	 /* separated by spaces */
};

static const struct release helpers[] = {
	{ LINUX(3, 19), 1, "map_lookup_elem map_update_elem map_delete_elem" },
	{ LINUX(4, 1), 4, "probe_read ktime_get_ns trace_printk get_prandom_u32 get_smp_processor_id "
	  "skb_store_bytes l3_csum_replace l4_csum_replace" },
	{ LINUX(4, 2), 12, "tail_call clone_redirect get_current_pid_tgid get_current_uid_gid "
	  "get_current_comm" },
	{ LINUX(4, 3), 17, "get_cgroup_classid skb_vlan_push skb_vlan_pop skb_get_tunnel_key "
	  "skb_set_tunnel_key perf_event_read" },
	{ LINUX(4, 4), 23, "redirect get_route_realm perf_event_output" },
	{ LINUX(4, 5), 26, "skb_load_bytes" },
	{ LINUX(4, 6), 27, "get_stackid csum_diff skb_get_tunnel_opt skb_set_tunnel_opt" },
	{ LINUX(4, 8), 31, "skb_change_proto skb_change_type skb_under_cgroup get_hash_recalc "
	  "get_current_task probe_write_user" },
	{ LINUX(4, 9), 37, "current_task_under_cgroup skb_change_tail skb_pull_data csum_update "
	  "set_hash_invalid" },
	{ LINUX(4, 10), 42, "get_numa_node_id skb_change_head xdp_adjust_head" },
	{ LINUX(4, 11), 45, "probe_read_str" },
	{ LINUX(4, 12), 46, "get_socket_cookie get_socket_uid" },
	{ LINUX(4, 13), 48, "set_hash setsockopt skb_adjust_room" },
	{ LINUX(4, 14), 51, "redirect_map sk_redirect_map sock_map_update" },
	{ LINUX(4, 15), 54, "xdp_adjust_meta perf_event_read_value perf_prog_read_value getsockopt" },
	{ LINUX(4, 16), 58, "override_return sock_ops_cb_flags_set" },
	{ LINUX(4, 17), 60, "msg_redirect_map msg_apply_bytes msg_cork_bytes msg_pull_data bind" },
	{ LINUX(4, 18), 65, "xdp_adjust_tail skb_get_xfrm_state get_stack skb_load_bytes_relative "
	  "fib_lookup sock_hash_update msg_redirect_hash sk_redirect_hash "
	  "lwt_push_encap lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action "
	  "rc_repeat rc_keydown skb_cgroup_id get_current_cgroup_id" },
	{ LINUX(4, 19), 81, "get_local_storage sk_select_reuseport skb_ancestor_cgroup_id" },
	{ LINUX(4, 20), 84, "sk_lookup_tcp sk_lookup_udp sk_release map_push_elem map_pop_elem "
	  "map_peek_elem msg_push_data" },
	{ LINUX(5, 0), 91, "msg_pop_data rc_pointer_rel" },
	{ LINUX(5, 1), 93, "spin_lock spin_unlock sk_fullsock tcp_sock skb_ecn_set_ce "
	  "get_listener_sock" },
	{ LINUX(5, 2), 99, "skc_lookup_tcp tcp_check_syncookie sysctl_get_name "
	  "sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value strtol "
	  "strtoul sk_storage_get sk_storage_delete" },
	{ LINUX(5, 3), 109, "send_signal tcp_gen_syncookie" },
	{ LINUX(5, 5), 111, "skb_output probe_read_user probe_read_kernel probe_read_user_str "
	  "probe_read_kernel_str" },
	{ LINUX(5, 6), 116, "tcp_send_ack send_signal_thread jiffies64" },
	{ LINUX(5, 7), 119, "read_branch_records get_ns_current_pid_tgid xdp_output get_netns_cookie "
	  "get_current_ancestor_cgroup_id sk_assign" },
	{ LINUX(5, 8), 125, "ktime_get_boot_ns seq_printf seq_write sk_cgroup_id sk_ancestor_cgroup_id "
	  "ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard "
	  "ringbuf_query csum_level" },
	{ LINUX(5, 9), 136, "skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock "
	  "skc_to_tcp_request_sock skc_to_udp6_sock get_task_stack" },
	{ LINUX(5, 10), 142, "load_hdr_opt store_hdr_opt reserve_hdr_opt inode_storage_get "
	  "inode_storage_delete d_path copy_from_user snprintf_btf seq_printf_btf "
	  "skb_cgroup_classid redirect_neigh per_cpu_ptr this_cpu_ptr redirect_peer" },
	{ LINUX(5, 11), 156, "task_storage_get task_storage_delete get_current_task_btf bprm_opts_set "
	  "ktime_get_coarse_ns ima_inode_hash sock_from_file" },
	{ LINUX(5, 12), 163, "check_mtu" },
	{ LINUX(5, 13), 164, "for_each_map_elem snprintf" },
	{ LINUX(5, 14), 166, "sys_bpf btf_find_by_name_kind sys_close" },
	{ LINUX(5, 15), 169, "timer_init timer_set_callback timer_start timer_cancel get_func_ip "
	  "get_attach_cookie task_pt_regs" },
	{ LINUX(5, 16), 176, "get_branch_snapshot trace_vprintk skc_to_unix_sock kallsyms_lookup_name" },
	{ LINUX(5, 17), 180, "find_vma loop strncmp get_func_arg get_func_ret get_func_arg_cnt" },
	{ LINUX(5, 18), 186, "get_retval set_retval xdp_get_buff_len xdp_load_bytes xdp_store_bytes "
	  "copy_from_user_task skb_set_tstamp ima_file_hash" },
	{ LINUX(5, 19), 194, "kptr_xchg map_lookup_percpu_elem skc_to_mptcp_sock dynptr_from_mem "
	  "ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr "
	  "dynptr_read dynptr_write dynptr_data" },
	{ LINUX(6, 0), 204, "tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 "
	  "tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6" },
	{ LINUX(6, 1), 208, "ktime_get_tai_ns user_ringbuf_drain" },
	{ LINUX(6, 2), 210, "cgrp_storage_get cgrp_storage_delete" },
};

static const struct release map_types[] = {
	{ LINUX(3, 19), 1, "hash array" },
	{ LINUX(4, 2), 3, "prog_array" },
	{ LINUX(4, 3), 4, "perf_event_array" },
	{ LINUX(4, 6), 5, "percpu_hash percpu_array stack_trace" },
	{ LINUX(4, 8), 8, "cgroup_array" },
	{ LINUX(4, 10), 9, "lru_hash lru_percpu_hash" },
	{ LINUX(4, 11), 11, "lpm_trie" },
	{ LINUX(4, 12), 12, "array_of_maps hash_of_maps" },
	{ LINUX(4, 14), 14, "devmap sockmap" },
	{ LINUX(4, 15), 16, "cpumap" },
	{ LINUX(4, 18), 17, "xskmap sockhash" },
	{ LINUX(4, 19), 19, "cgroup_storage reuseport_sockarray" },
	{ LINUX(4, 20), 21, "percpu_cgroup_storage queue stack" },
	{ LINUX(5, 2), 24, "sk_storage" },
	{ LINUX(5, 4), 25, "devmap_hash" },
	{ LINUX(5, 6), 26, "struct_ops" },
	{ LINUX(5, 8), 27, "ringbuf" },
	{ LINUX(5, 10), 28, "inode_storage" },
	{ LINUX(5, 11), 29, "task_storage" },
	{ LINUX(5, 16), 30, "bloom_filter" },
	{ LINUX(6, 1), 31, "user_ringbuf" },
	{ LINUX(6, 2), 32, "cgrp_storage" },
	{ LINUX(6, 9), 33, "arena" },
	{ LINUX(6, 19), 34, "insn_array" },
	{ LINUX(7, 2), 35, "rhash" },
};

static const struct release program_types[] = {
	{ LINUX(3, 19), 1, "socket_filter" },
	{ LINUX(4, 1), 2, "kprobe sched_cls sched_act" },
	{ LINUX(4, 7), 5, "tracepoint" },
	{ LINUX(4, 8), 6, "xdp" },
	{ LINUX(4, 9), 7, "perf_event" },
	{ LINUX(4, 10), 8, "cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit" },
	{ LINUX(4, 13), 13, "sock_ops" },
	{ LINUX(4, 14), 14, "sk_skb" },
	{ LINUX(4, 15), 15, "cgroup_device" },
	{ LINUX(4, 17), 16, "sk_msg raw_tracepoint cgroup_sock_addr" },
	{ LINUX(4, 18), 19, "lwt_seg6local lirc_mode2" },
	{ LINUX(4, 19), 21, "sk_reuseport" },
	{ LINUX(4, 20), 22, "flow_dissector" },
	{ LINUX(5, 2), 23, "cgroup_sysctl raw_tracepoint_writable" },
	{ LINUX(5, 3), 25, "cgroup_sockopt" },
	{ LINUX(5, 5), 26, "tracing" },
	{ LINUX(5, 6), 27, "struct_ops ext" },
	{ LINUX(5, 7), 29, "lsm" },
	{ LINUX(5, 9), 30, "sk_lookup" },
	{ LINUX(5, 14), 31, "syscall" },
	{ LINUX(6, 4), 32, "netfilter" },
};

/* The name at or behind `at`, its length in *len; NULL at the end. */
static const char *next_name(const char *at, size_t *len)
{
	at += strspn(at, " ");
	*len = strcspn(at, " ");
	return *len ? at : NULL;
}

static struct since find(const struct release *table, size_t count, uint32_t number)
{
	struct since found = { .release = 0 };
	const char *name;
	size_t i, len;

	for (i = count; i && table[i - 1].first > number; i--)
		;
	name = i ? table[i - 1].names : "";
	for (uint32_t at = i ? table[i - 1].first : 0; (name = next_name(name, &len)); name += len)
		if (at++ == number) {
			snprintf(found.name, sizeof(found.name), "%.*s", (int)len, name);
			found.release = table[i - 1].release;
			return found;
		}
	snprintf(found.name, sizeof(found.name), "%u", number);
	return found;
}

/* The number that a name has in the table; 0: it is not there. */
static uint32_t find_name(const struct release *table, size_t count, const char *wanted)
{
	size_t i, len, wanted_len = strlen(wanted);
	uint32_t number = 0;
	const char *name;

	for (i = 0; i < count; i++)
		for (name = table[i].names; (name = next_name(name, &len)); name += len) {
			number++;
			if (len == wanted_len && !memcmp(name, wanted, len))
				return number;
		}
	return 0;
}

#define FIND_NAME(table, name) find_name(table, sizeof(table) / sizeof((table)[0]), name)
#define FIND(table, number) find(table, sizeof(table) / sizeof((table)[0]), number)

struct since since_helper(uint32_t id)
{
	return FIND(helpers, id);
}

struct since since_map_type(uint32_t type)
{
	return FIND(map_types, type);
}

struct since since_program_type(uint32_t type)
{
	return FIND(program_types, type);
}

uint32_t since_helper_id(const char *name)
{
	return FIND_NAME(helpers, name);
}

uint32_t since_map_type_id(const char *name)
{
	return FIND_NAME(map_types, name);
}

uint32_t since_program_type_id(const char *name)
{
	return FIND_NAME(program_types, name);
}
