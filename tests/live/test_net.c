// SPDX-License-Identifier: GPL-2.0
/* Networking programs: each sees exactly what is sent while it is attached, and leaves nothing. */
#include "tests/live/network.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "util/sys.h"

Suite *net_suite(void);

enum { FIRST, SECOND }; /* as in net.bpf.c */

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct link link_;
static struct caps caps;
static struct program *prog;
static struct inventory before;
static uint32_t id;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	error_clear(&err);
	memset(&caps, 0, sizeof(caps));
	memset(&loaded, 0, sizeof(loaded));
	memset(&link_, 0, sizeof(link_));
	link_.fd = -1;
	network_begin();
	before = take_inventory();
}

static void end(void)
{
	link_detach(&link_);
	if (loaded.object) {
		acts_note(&loaded);
		loaded_fini(&loaded);
	}
	object_fini(&obj);
	caps_fini(&caps);
	expect_same(&before);
	if (id)
		expect_program_gone(id);
}

static struct program *choose(const char *name)
{
	struct program *p = object_program(&obj, name);

	ck_assert_msg(p != NULL, "%s", name);
	p->autoload = true;
	return p;
}

static void open_programs(const char *name, const char *second)
{
	char *data;
	size_t len;

	data = read_whole(FIXTURES "/net.bpf.o", &len);
	ck_assert_ptr_nonnull(data);
	ck_assert_msg(!object_init(&obj, "net", data, len, &err), "%s", err.message);
	free(data);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = false;
	prog = choose(name);
	if (second)
		choose(second);
}

static uint32_t id_of(int fd)
{
	struct bpf_prog_info info = { 0 };

	return sys_bpf_info(fd, &info, sizeof(info)) < 0 ? 0 : info.id;
}

static void load_programs(const char *name, const char *second)
{
	struct load_options options = { 0 };

	open_programs(name, second);
	prepare_load(&obj, &caps, &options);
	if (load(&loaded, &obj, &options, &err) && err.code == ERROR_UNSUPPORTED)
		skip("programs like '%s': %.100s", name, err.hint);
	ck_assert_msg(loaded.object != NULL, "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
	id = id_of(loaded_prog_fd(&loaded, name));
}

static int try_attach_to(struct link *link, struct program *p, const char *target)
{
	static const struct attach_options options;

	p->target = target;
	return link_attach(link, &loaded, p - obj.programs.at, &options, &err);
}

static int try_attach(const char *target)
{
	return try_attach_to(&link_, prog, target);
}

static void attach_to(const char *target)
{
	ck_assert_msg(!try_attach(target), "%s\n%s", err.message, err.hint);
}

static uint64_t seen(uint32_t key)
{
	uint64_t value = 0;

	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "seen"), &key, &value), 0);
	return value;
}

struct expected {
	uint32_t key;
	uint64_t count;
};

static bool has_come(void *expected)
{
	const struct expected *e = expected;

	return seen(e->key) >= e->count;
}

/* Packets take their time. */
static void expect_count(uint32_t key, uint64_t count)
{
	struct expected e = { key, count };

	wait_until(has_come, &e, PATIENCE_MS);
	usleep(20000);
	ck_assert_uint_eq(seen(key), count);
}

/* It runs for each of what is sent while it is attached, and for nothing before or after. */
static void expect_acts(const char *target, void (*act)(void), const char *where)
{
	act();
	usleep(20000);
	attach_to(target);
	ck_assert_str_eq(link_.where, where);
	act();
	expect_count(FIRST, TIMES);
	link_detach(&link_);
	act();
	expect_count(FIRST, TIMES);
	expect_same(&before);
}

/* ---- XDP; loop index: with links, and as if the kernel had none ---- */

static bool with_links(int i)
{
	if (i)
		refuse_links();
	return !i && caps_ask(&caps, CAP_LINK) == CAP_YES;
}

START_TEST(xdp)
{
	const char *way = with_links(_i) ? "link" : "netlink";

	load_programs("on_xdp", NULL);
	expect_acts("pt0", frames_in, "pt0, native");
	ck_assert_str_eq(link_.way, way);
}
END_TEST

START_TEST(xdp_in_the_mode_asked_for)
{
	with_links(_i);
	load_programs("on_xdp", NULL);
	expect_acts("pt0:generic", frames_in, "pt0, generic");
	link_detach(&link_);
	ck_assert_msg(!try_attach("pt0:native"), "%s", err.message);
	ck_assert_str_eq(link_.where, "pt0, native");
}
END_TEST

START_TEST(xdp_is_generic_where_the_driver_has_none)
{
	with_links(_i);
	load_programs("on_xdp", NULL);
	attach_to("lo");
	ck_assert_str_eq(link_.where, "lo, generic");
	link_detach(&link_);
	ck_assert_int_eq(try_attach("lo:native"), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "net: program 'on_xdp': lo, native: attach the program: "
			     "Operation not supported"), "%s", err.message);
}
END_TEST

START_TEST(xdp_with_frags)
{
	load_programs("on_xdp_frags", NULL);
	expect_acts("pt0", frames_in, "pt0, native");
}
END_TEST

START_TEST(xdp_replaces_nobody)
{
	struct link second;

	with_links(_i);
	load_programs("on_xdp", "to_port");
	attach_to("pt0");
	ck_assert_int_eq(try_attach_to(&second, choose("to_port"), "pt0"), -1);
	ck_assert_msg(strstr(err.hint, "another XDP program is on that interface"), "%s", err.hint);
	frames_in();
	expect_count(FIRST, TIMES);
}
END_TEST

/*
 * Loop index of these two: with frags. What comes to pt0 is sent out of it again, through the second
 * program.
 */
START_TEST(xdp_of_a_port)
{
	struct link second = { .fd = -1 };

	load_programs(_i ? "to_port_frags" : "to_port", _i ? "on_port_frags" : "on_port");
	ck_assert_msg(!try_attach_to(&second, choose(_i ? "on_port_frags" : "on_port"), "ports:2:pt0"), "%s\n%s", err.message,
		      err.hint);
	ck_assert_str_eq(second.where, "map 'ports', entry 2");
	/* Before 5.14 generic mode is not for programs whose ports may have some. */
	if (try_attach("pt0:generic"))
		attach_to("pt0:native");
	frames_in();
	expect_count(FIRST, TIMES);
	expect_count(SECOND, TIMES);
	link_detach(&second);
	frames_in();
	expect_count(FIRST, 2 * TIMES);
	expect_count(SECOND, TIMES);
}
END_TEST

START_TEST(xdp_of_a_cpu)
{
	struct link second = { .fd = -1 };

	load_programs(_i ? "to_cpu_frags" : "to_cpu", _i ? "on_cpu_frags" : "on_cpu");
	ck_assert_msg(!try_attach_to(&second, choose(_i ? "on_cpu_frags" : "on_cpu"), "cpus:0:64"), "%s\n%s", err.message,
		      err.hint);
	attach_to("pt0:native");
	frames_in();
	expect_count(FIRST, TIMES);
	expect_count(SECOND, TIMES);
	link_detach(&second);
	frames_in();
	expect_count(FIRST, 2 * TIMES);
	expect_count(SECOND, TIMES);
}
END_TEST

/* ---- tc ---- */

START_TEST(tc)
{
	static const struct {
		const char *target, *where;
		void (*act)(void);
	} at[] = {
		{ "pt0", "pt0, ingress", frames_in },
		{ "pt0:ingress", "pt0, ingress", frames_in },
		{ "pt0:egress", "pt0, egress", frames_out },
	};

	load_programs(_i & 1 ? "on_classifier" : "on_tc", NULL);
	expect_acts(at[_i].target, at[_i].act, at[_i].where);
	ck_assert_str_eq(link_.way, "clsact");
}
END_TEST

START_TEST(action)
{
	load_programs("on_action", NULL);
	if (try_attach("pt0") && err.code == ERROR_UNSUPPORTED)
		skip("matchall and act_bpf: %s", err.message);
	link_detach(&link_);
	expect_acts("pt0:egress", frames_out, "pt0, egress");
}
END_TEST

START_TEST(tcx)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} at[] = {
		{ "on_tcx_ingress", frames_in },
		{ "on_tcx_egress", frames_out },
	};

	load_programs(at[_i].name, NULL);
	if (try_attach("pt0") && err.code == ERROR_UNSUPPORTED)
		skip("tcx: %s", err.hint);
	link_detach(&link_);
	expect_acts("pt0", at[_i].act, _i ? "pt0, egress" : "pt0, ingress");
	ck_assert_str_eq(link_.way, "tcx link");
}
END_TEST

/* By the older name it goes to clsact where the kernel has no tcx. */
START_TEST(tc_by_its_newer_names)
{
	bool egress = _i & 1;

	with_links(_i >> 1);
	load_programs(egress ? "on_tc_egress" : "on_tc_ingress", NULL);
	expect_acts("pt0", egress ? frames_out : frames_in, egress ? "pt0, egress" : "pt0, ingress");
	if (_i >> 1)
		ck_assert_str_eq(link_.way, "clsact");
}
END_TEST

START_TEST(tcx_is_not_to_be_had_without_links)
{
	refuse_links();
	load_programs("on_tcx_ingress", NULL);
	ck_assert_int_eq(try_attach("pt0"), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.hint, "tcx came with Linux 6.6; in a section tc/ingress the program goes to "
			 "clsact before");
}
END_TEST

START_TEST(two_filters_of_one_interface)
{
	struct link second = { .fd = -1 };

	load_programs("on_tc", "on_tc_second");
	attach_to("pt0");
	ck_assert_msg(!try_attach_to(&second, choose("on_tc_second"), "pt0"), "%s", err.message);
	frames_in();
	expect_count(FIRST, TIMES);
	expect_count(SECOND, TIMES);
	link_detach(&link_); /* who made the qdisc */
	frames_in();
	expect_count(FIRST, TIMES);
	expect_count(SECOND, 2 * TIMES);
	link_detach(&second);
	expect_same(&before);
}
END_TEST

START_TEST(filter_that_came_last_runs_first)
{
	struct link second = { .fd = -1 };

	load_programs("on_tc", "on_tc_last");
	attach_to("pt0");
	ck_assert_msg(!try_attach_to(&second, choose("on_tc_last"), "pt0"), "%s", err.message);
	frames_in();
	expect_count(SECOND, TIMES);
	expect_count(FIRST, 0);
	link_detach(&second);
	frames_in();
	expect_count(FIRST, TIMES);
}
END_TEST

START_TEST(qdisc_of_somebody_else_stays)
{
	struct inventory theirs;

	load_programs("on_tc", NULL);
	ck_assert_int_eq(make_clsact("pt0"), 0);
	theirs = take_inventory();
	attach_to("pt0");
	frames_in();
	expect_count(FIRST, TIMES);
	link_detach(&link_);
	expect_same(&theirs);
	ck_assert_int_eq(remove_clsact("pt0"), 0);
}
END_TEST

static void from_primary(void)
{
	packets_from("pt2");
}

static void from_peer(void)
{
	packets_from("pt3");
}

START_TEST(netkit)
{
	char primary[] = "pt2", peer[] = "pt3";
	int ret;

	load_programs(_i ? "on_netkit_peer" : "on_netkit_primary", NULL);
	ret = make_netkit(primary, peer);
	if (ret == -EOPNOTSUPP)
		skip("interfaces of type netkit");
	ck_assert_int_eq(ret, 0);
	before = take_inventory();
	expect_acts("pt2", _i ? from_peer : from_primary, _i ? "pt2, peer" : "pt2, primary");
	ck_assert_str_eq(link_.way, "netkit link");
}
END_TEST

START_TEST(netkit_is_of_netkit_interfaces)
{
	load_programs("on_netkit_primary", NULL);
	ck_assert_int_eq(try_attach("pt0"), -1);
	ck_assert(err.code == ERROR_UNSUPPORTED || err.code == ERROR_USAGE);
	ck_assert_msg(strstr(err.hint, "of type netkit (Linux 6.7)"), "%s", err.hint);
}
END_TEST

/* ---- routes ---- */

START_TEST(route)
{
	static const struct {
		const char *name;
		void (*act)(void);
	} at[] = {
		{ "on_lwt_in", packets_through },
		{ "on_lwt_out", packets_out },
		{ "on_lwt_xmit", packets_out },
	};
	struct attach_options options = { .place.iface = "pt0" };

	load_programs(at[_i].name, NULL);
	attach_to("10.77.2.0/24@pt0");
	ck_assert_str_eq(link_.way, "route");
	ck_assert_str_eq(link_.where, "10.77.2.0/24 dev pt0");
	at[_i].act();
	expect_count(FIRST, TIMES);
	link_detach(&link_);
	expect_same(&before);
	/* The interface may be said apart; through a gateway the same. */
	prog->target = "10.77.2.0/24";
	ck_assert_msg(!link_attach(&link_, &loaded, prog - obj.programs.at, &options, &err), "%s",
		      err.message);
	link_detach(&link_);
	attach_to("10.77.2.0/24@pt0@10.77.1.2");
	at[_i].act();
	expect_count(FIRST, 2 * TIMES);
}
END_TEST

START_TEST(route_of_ipv6)
{
	load_programs("on_lwt_out", NULL);
	attach_to("fd77:5::7/64@pt0");
	ck_assert_uint_eq(take_inventory().routes6, before.routes6 + 1);
	link_detach(&link_);
	expect_same(&before);
	attach_to("fd77:5::/64@pt0@fe80::5");
	link_detach(&link_);
	attach_to("fd77:5::7@pt0");
	ck_assert_str_eq(link_.where, "fd77:5::7 dev pt0");
}
END_TEST

START_TEST(route_of_a_segment)
{
	load_programs("on_segment", NULL);
	if (try_attach("fd77:2::1/128@pt0") && err.code == ERROR_UNSUPPORTED)
		skip("seg6local: %s", err.message);
	link_detach(&link_);
	expect_acts("fd77:2::1/128@pt0", segments_in, "fd77:2::1/128 dev pt0");
}
END_TEST

START_TEST(route_that_is_there_is_not_touched)
{
	struct link second;

	load_programs("on_lwt_out", NULL);
	attach_to("10.77.2.0/24@pt0");
	ck_assert_int_eq(try_attach_to(&second, prog, "10.77.2.0/24@pt0"), -1);
	ck_assert_str_eq(err.message, "net: program 'on_lwt_out': 10.77.2.0/24 dev pt0: add the route: "
			 "File exists");
	packets_out();
	expect_count(FIRST, TIMES);
}
END_TEST

/* ---- namespaces, netfilter ---- */

START_TEST(lookup_of_sockets)
{
	load_programs("on_lookup", NULL);
	expect_acts("", packets_to_self, "this network namespace");
}
END_TEST

START_TEST(lookup_of_sockets_in_a_namespace_by_its_path)
{
	load_programs("on_lookup", NULL);
	expect_acts("/proc/self/ns/net", packets_to_self, "network namespace /proc/self/ns/net");
	ck_assert_int_eq(try_attach("no-such"), -1);
	ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
	ck_assert_msg(strstr(err.message, "/run/netns/no-such: No such file"), "%s", err.message);
}
END_TEST

START_TEST(dissector_of_flows)
{
	const char *way = with_links(_i) ? "link" : "attached";

	load_programs("on_flow", NULL);
	expect_acts("", packets_by, "this network namespace");
	ck_assert_str_eq(link_.way, way);
}
END_TEST

START_TEST(hook_of_netfilter)
{
	static const struct {
		const char *target, *where;
	} at[] = {
		{ "", "ipv4 pre_routing, priority 0" },
		{ "local_in", "ipv4 local_in, priority 0" },
		{ "ipv4:local_out:-100", "ipv4 local_out, priority -100" },
		{ "inet:post_routing:7", "inet post_routing, priority 7" },
	};

	load_programs("on_netfilter", NULL);
	if (try_attach("") && err.code == ERROR_UNSUPPORTED)
		skip("netfilter links: %s", err.hint);
	link_detach(&link_);
	expect_acts(at[_i].target, packets_to_self, at[_i].where);
}
END_TEST

/* ---- targets that are none ---- */

static void expect_wrong(const char *name, const char *target, const char *message)
{
	load_programs(name, NULL);
	ck_assert_int_eq(try_attach(target), -1);
	ck_assert_str_eq(err.message, message);
	ck_assert(err.code == ERROR_USAGE || err.code == ERROR_NOT_FOUND);
	loaded_fini(&loaded);
	object_fini(&obj);
	expect_program_gone(id);
	expect_same(&before);
}

START_TEST(target_that_is_none_is_told)
{
	expect_wrong("on_xdp", "", "net: program 'on_xdp': section 'xdp': got '' as its target, expected "
		     "IFACE, IFACE:native or IFACE:generic");
	expect_wrong("on_xdp", "pt0:fast", "net: program 'on_xdp': section 'xdp': got 'pt0:fast' as its "
		     "target, expected IFACE, IFACE:native or IFACE:generic");
	expect_wrong("on_xdp", "pt9", "net: program 'on_xdp': interface 'pt9': got none of that name, "
		     "expected one of this network namespace");
	expect_wrong("on_tc", "pt0:sideways", "net: program 'on_tc': section 'tc': got 'pt0:sideways' as "
		     "its target, expected IFACE, IFACE:ingress or IFACE:egress");
	expect_wrong("on_port", "ports:x:pt0", "net: program 'on_port': section 'xdp/devmap': got "
		     "'ports:x:pt0' as its target, expected MAP:KEY or MAP:KEY:IFACE");
	expect_wrong("on_port", "seen:1:pt0", "net: program 'on_port': map 'seen': got type 2, expected a "
		     "devmap");
	expect_wrong("on_port", "no:1:pt0", "net: program 'on_port': map 'no': got none of that name, "
		     "expected one of this object's");
	expect_wrong("on_lwt_out", "10.77.2.0/33@pt0", "net: program 'on_lwt_out': section 'lwt_out': got "
		     "'10.77.2.0/33@pt0' as its target, expected PREFIX@IFACE or PREFIX@IFACE@GATEWAY");
	expect_wrong("on_lwt_out", "10.77.2.0/24", "net: program 'on_lwt_out': section 'lwt_out': got "
		     "'10.77.2.0/24' as its target, expected PREFIX@IFACE or PREFIX@IFACE@GATEWAY");
}
END_TEST

START_TEST(hook_that_is_none_is_told)
{
	expect_wrong("on_netfilter", "ipv4:somewhere", "net: program 'on_netfilter': section 'netfilter': "
		     "got 'ipv4:somewhere' as its target, expected [FAMILY:]HOOK[:PRIORITY][:defrag]");
}
END_TEST

START_TEST(what_is_missing_is_told_before)
{
	struct attach_place nowhere = { 0 }, place = { .iface = "pt0" };

	open_programs("on_xdp", NULL);
	ck_assert_uint_eq(attach_lacks(prog, &nowhere), NEED_IFACE);
	ck_assert_uint_eq(attach_lacks(prog, &place), 0);
	ck_assert_uint_eq(attach_lacks(choose("on_port"), &place), NEED_TARGET);
	ck_assert_uint_eq(attach_lacks(choose("on_lwt_in"), &place), NEED_TARGET);
	ck_assert_uint_eq(attach_lacks(choose("on_lookup"), &nowhere), 0);
	ck_assert_uint_eq(attach_lacks(choose("on_netfilter"), &nowhere), 0);
}
END_TEST

Suite *net_suite(void)
{
	Suite *s = suite_create("net");
	TCase *c = live_case(s, "net");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, xdp, 0, 2);
	tcase_add_loop_test(c, xdp_in_the_mode_asked_for, 0, 2);
	tcase_add_loop_test(c, xdp_is_generic_where_the_driver_has_none, 0, 2);
	tcase_add_test(c, xdp_with_frags);
	tcase_add_loop_test(c, xdp_replaces_nobody, 0, 2);
	tcase_add_loop_test(c, xdp_of_a_port, 0, 2);
	tcase_add_loop_test(c, xdp_of_a_cpu, 0, 2);
	tcase_add_loop_test(c, tc, 0, 3);
	tcase_add_test(c, action);
	tcase_add_loop_test(c, tcx, 0, 2);
	tcase_add_loop_test(c, tc_by_its_newer_names, 0, 4);
	tcase_add_test(c, tcx_is_not_to_be_had_without_links);
	tcase_add_test(c, two_filters_of_one_interface);
	tcase_add_test(c, filter_that_came_last_runs_first);
	tcase_add_test(c, qdisc_of_somebody_else_stays);
	tcase_add_loop_test(c, netkit, 0, 2);
	tcase_add_test(c, netkit_is_of_netkit_interfaces);
	tcase_add_loop_test(c, route, 0, 3);
	tcase_add_test(c, route_of_ipv6);
	tcase_add_test(c, route_of_a_segment);
	tcase_add_test(c, route_that_is_there_is_not_touched);
	tcase_add_test(c, lookup_of_sockets);
	tcase_add_test(c, lookup_of_sockets_in_a_namespace_by_its_path);
	tcase_add_loop_test(c, dissector_of_flows, 0, 2);
	tcase_add_loop_test(c, hook_of_netfilter, 0, 4);
	tcase_add_test(c, target_that_is_none_is_told);
	tcase_add_test(c, hook_that_is_none_is_told);
	tcase_add_test(c, what_is_missing_is_told_before);
	return s;
}
