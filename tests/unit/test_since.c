// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf.h"
#include "compat/since.h"
#include "loader/section.h"

Suite *since_suite(void);

static void expect(struct since got, const char *name, unsigned int release)
{
	ck_assert_str_eq(got.name, name);
	ck_assert_uint_eq(got.release, release);
}

START_TEST(helpers_have_names_and_releases)
{
	expect(since_helper(1), "map_lookup_elem", LINUX(3, 19));
	expect(since_helper(3), "map_delete_elem", LINUX(3, 19));
	expect(since_helper(4), "probe_read", LINUX(4, 1));
	expect(since_helper(115), "probe_read_kernel_str", LINUX(5, 5));
	expect(since_helper(119), "read_branch_records", LINUX(5, 7));
	expect(since_helper(131), "ringbuf_reserve", LINUX(5, 8));
	expect(since_helper(211), "cgrp_storage_delete", LINUX(6, 2));
}
END_TEST

START_TEST(map_and_program_types_have_names_and_releases)
{
	expect(since_map_type(1), "hash", LINUX(3, 19));
	expect(since_map_type(27), "ringbuf", LINUX(5, 8));
	expect(since_map_type(35), "rhash", LINUX(7, 2));
	expect(since_program_type(1), "socket_filter", LINUX(3, 19));
	expect(since_program_type(5), "tracepoint", LINUX(4, 7));
	expect(since_program_type(32), "netfilter", LINUX(6, 4));
}
END_TEST

START_TEST(unknown_numbers_stand_for_themselves)
{
	expect(since_helper(0), "0", 0);
	expect(since_helper(212), "212", 0);
	expect(since_helper(UINT32_MAX), "4294967295", 0);
	expect(since_map_type(36), "36", 0);
	expect(since_program_type(33), "33", 0);
}
END_TEST

/* The table says where each release begins, and its names are counted: both are the same. */
START_TEST(names_and_numbers_belong_together)
{
	uint32_t i;

	for (i = 1; since_helper(i).release; i++)
		ck_assert_uint_eq(since_helper_id(since_helper(i).name), i);
	ck_assert_uint_eq(i, 212);
	for (i = 1; since_map_type(i).release; i++)
		ck_assert_uint_eq(since_map_type_id(since_map_type(i).name), i);
	ck_assert_uint_eq(i, 36);
	for (i = 1; since_program_type(i).release; i++)
		ck_assert_uint_eq(since_program_type_id(since_program_type(i).name), i);
	ck_assert_uint_eq(i, 33);
}
END_TEST

START_TEST(releases_never_go_back)
{
	uint32_t i;

	for (i = 2; since_helper(i).release; i++)
		ck_assert_uint_ge(since_helper(i).release, since_helper(i - 1).release);
	for (i = 2; since_map_type(i).release; i++)
		ck_assert_uint_ge(since_map_type(i).release, since_map_type(i - 1).release);
	for (i = 2; since_program_type(i).release; i++)
		ck_assert_uint_ge(since_program_type(i).release,
				  since_program_type(i - 1).release);
}
END_TEST

/* ---- against the running kernel's own names ---- */

static struct btf kernel;
static struct error err;

static void open_kernel(void)
{
	ck_assert_msg(!btf_open(&kernel, NULL, KERNEL_BTF, &err), "%s", err.message);
}

static void close_kernel(void)
{
	btf_fini(&kernel);
}

/* "BPF_FUNC_map_lookup_elem" and prefix "BPF_FUNC_" -> "map_lookup_elem". */
static const char *plain(const char *name, const char *prefix)
{
	static char text[128];
	size_t i, len = strlen(prefix);

	if (strncmp(name, prefix, len))
		return NULL;
	for (i = 0; name[len + i] && i < sizeof(text) - 1; i++)
		text[i] = tolower((unsigned char)name[len + i]);
	text[i] = 0;
	return text;
}

/* Whether the kernel has that name for that number; older names stay beside newer ones. */
static bool kernel_calls(const char *type, const char *prefix, uint32_t number, const char *name,
			 bool *has_number)
{
	const struct btf_type *t = btf_type(&kernel, btf_find(&kernel, type, BTF_KIND_ENUM));
	const struct btf_enum *e;
	uint32_t i;

	ck_assert_msg(t != NULL, "the kernel has no enum %s", type);
	e = btf_extra(t);
	*has_number = false;
	for (i = 0; i < btf_vlen(t); i++) {
		const char *own = plain(btf_string(&kernel, e[i].name_off), prefix);

		if ((uint32_t)e[i].val != number || !own)
			continue;
		*has_number = true;
		if (!strcmp(own, name))
			return true;
	}
	return false;
}

static const struct {
	const char *type, *prefix;
	struct since (*since)(uint32_t number);
	uint32_t least; /* numbers that every kernel with BTF has */
} tables[] = {
	{ "bpf_func_id", "BPF_FUNC_", since_helper, 100 },
	{ "bpf_map_type", "BPF_MAP_TYPE_", since_map_type, 20 },
	{ "bpf_prog_type", "BPF_PROG_TYPE_", since_program_type, 20 },
};

START_TEST(names_are_those_of_the_kernel)
{
	bool has_number = true;
	uint32_t i;

	for (i = 1; has_number && tables[_i].since(i).release; i++) {
		struct since since = tables[_i].since(i);
		bool same = kernel_calls(tables[_i].type, tables[_i].prefix, i, since.name,
					 &has_number);

		ck_assert_msg(same || !has_number, "%s %u: got another name than %s",
			      tables[_i].type, i, since.name);
	}
	ck_assert_uint_gt(i, tables[_i].least);
}
END_TEST

static const char *const attached[] = {
	"sk_reuseport/migrate", "sk_reuseport", "kprobe.multi", "kprobe.session", "uprobe.multi",
	"uprobe.session", "tcx/ingress", "tcx/egress", "netkit/primary", "netkit/peer", "tp_btf",
	"fentry", "fexit", "fmod_ret", "fsession", "fentry.multi", "fexit.multi", "fsession.multi",
	"iter", "lsm", "lsm_cgroup", "xdp", "xdp/devmap", "xdp/cpumap", "sockops",
	"sk_skb/stream_parser", "sk_skb/stream_verdict", "sk_skb/verdict", "sk_msg", "lirc_mode2",
	"flow_dissector", "cgroup_skb/ingress", "cgroup_skb/egress", "cgroup/sock_create",
	"cgroup/sock_release", "cgroup/post_bind4", "cgroup/post_bind6", "cgroup/bind4",
	"cgroup/bind6", "cgroup/connect4", "cgroup/connect6", "cgroup/connect_unix",
	"cgroup/sendmsg4", "cgroup/sendmsg6", "cgroup/sendmsg_unix", "cgroup/recvmsg4",
	"cgroup/recvmsg6", "cgroup/recvmsg_unix", "cgroup/getpeername4", "cgroup/getpeername6",
	"cgroup/getpeername_unix", "cgroup/getsockname4", "cgroup/getsockname6",
	"cgroup/getsockname_unix", "cgroup/sysctl", "cgroup/getsockopt", "cgroup/setsockopt",
	"cgroup/dev", "struct_ops", "sk_lookup", "netfilter",
};

START_TEST(attach_types_are_those_of_the_kernel)
{
	size_t i, known = 0;

	for (i = 0; i < sizeof(attached) / sizeof(attached[0]); i++) {
		const struct section_kind *kind = section_kind(attached[i]);
		bool has_number, same;

		ck_assert_msg(kind && kind->attach_name, "%s", attached[i]);
		same = kernel_calls("bpf_attach_type", "BPF_", kind->attach, kind->attach_name,
				    &has_number);
		ck_assert_msg(same || !has_number, "%s: got attach type %u, which is not %s",
			      attached[i], kind->attach, kind->attach_name);
		known += same;
	}
	ck_assert_uint_gt(known, 30);
}
END_TEST

Suite *since_suite(void)
{
	Suite *s = suite_create("since");
	TCase *tc = tcase_create("tables"), *running = tcase_create("running kernel");

	tcase_add_test(tc, helpers_have_names_and_releases);
	tcase_add_test(tc, map_and_program_types_have_names_and_releases);
	tcase_add_test(tc, unknown_numbers_stand_for_themselves);
	tcase_add_test(tc, names_and_numbers_belong_together);
	tcase_add_test(tc, releases_never_go_back);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(running, open_kernel, close_kernel);
	if (access(KERNEL_BTF, R_OK) == 0) {
		tcase_add_loop_test(running, names_are_those_of_the_kernel, 0, 3);
		tcase_add_test(running, attach_types_are_those_of_the_kernel);
	}
	suite_add_tcase(s, running);
	return s;
}
