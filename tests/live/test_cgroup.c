// SPDX-License-Identifier: GPL-2.0
/* Programs on a cgroup, as a process in it feels them: each kind, by link and without. */
#include "tests/live/attached.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/live/cgroups.h"
#include "util/sys.h"

Suite *cgroup_suite(void);

enum { HITS, BYTES }; /* as in cgroup.bpf.c */

#define PORT 12345 /* that the programs make of another */
#define CHANGED 77 /* what an act returns where they did; else errno, or 0 */
#define TIMES 3
#define LENGTH 100

/* ---- acts, in a child that is in the cgroup ---- */

static struct sockaddr_storage any_address(int family)
{
	struct sockaddr_storage address = { .ss_family = family };
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	return address;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET ? ((struct sockaddr_in *)address)->sin_port :
						     ((struct sockaddr_in6 *)address)->sin6_port);
}

/* A bound socket, and where. */
static int bound(int family, int type, struct sockaddr_storage *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(family, type, 0);

	*address = any_address(family);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, len) ||
	    getsockname(fd, (struct sockaddr *)address, &len))
		_exit(201);
	return fd;
}

static int result(int ret)
{
	return ret < 0 ? errno : 0;
}

static int make_sockets(void)
{
	int fd = -1;

	for (int i = 0; i < TIMES; i++) {
		fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (fd >= 0)
			close(fd);
	}
	return result(fd);
}

static int bind_family(int family)
{
	struct sockaddr_storage address = any_address(family);

	return result(bind(socket(family, SOCK_DGRAM, 0), (struct sockaddr *)&address,
			   sizeof(address)));
}

static int bind4(void)
{
	return bind_family(AF_INET);
}

static int bind6(void)
{
	return bind_family(AF_INET6);
}

static int connect_family(int family)
{
	struct sockaddr_storage address;
	int fd = bound(family, SOCK_STREAM, &address);

	if (listen(fd, 1))
		return 202;
	return result(connect(socket(family, SOCK_STREAM, 0), (struct sockaddr *)&address,
			      sizeof(address)));
}

static int connect4(void)
{
	return connect_family(AF_INET);
}

static int connect6(void)
{
	return connect_family(AF_INET6);
}

/* Three datagrams to itself, of which it reads one. */
static int exchange(int family, struct sockaddr_storage *from)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(*from);
	char data[LENGTH] = "";
	int fd = bound(family, SOCK_DGRAM, &address);

	for (int i = 0; i < TIMES; i++)
		if (sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&address,
			   sizeof(address)) < 0)
			return errno;
	memset(from, 0, sizeof(*from));
	return result(recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)from, &len));
}

static int send4(void)
{
	struct sockaddr_storage from;

	return exchange(AF_INET, &from);
}

static int send6(void)
{
	struct sockaddr_storage from;

	return exchange(AF_INET6, &from);
}

static int receive_family(int family)
{
	struct sockaddr_storage from;
	int ret = exchange(family, &from);

	return ret ? ret : port_of(&from) == PORT ? CHANGED : 0;
}

static int receive4(void)
{
	return receive_family(AF_INET);
}

static int receive6(void)
{
	return receive_family(AF_INET6);
}

static int name_family(int family, bool peer)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd = socket(family, SOCK_DGRAM, 0);

	address = any_address(family);
	((struct sockaddr_in *)&address)->sin_port = htons(7); /* both families have it there */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    (peer ? getpeername(fd, (struct sockaddr *)&address, &len) :
		    getsockname(fd, (struct sockaddr *)&address, &len)))
		return errno;
	return port_of(&address) == PORT ? CHANGED : 0;
}

static int peer_name4(void)
{
	return name_family(AF_INET, true);
}

static int peer_name6(void)
{
	return name_family(AF_INET6, true);
}

static int own_name4(void)
{
	return name_family(AF_INET, false);
}

static int own_name6(void)
{
	return name_family(AF_INET6, false);
}

/* An abstract address, which goes with its network namespace. */
static int unix_socket(int type, struct sockaddr_un *address, socklen_t *len)
{
	int fd = socket(AF_UNIX, type, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path + 1, "portrace");
	*len = offsetof(struct sockaddr_un, sun_path) + 9;
	if (bind(fd, (struct sockaddr *)address, *len) || (type == SOCK_STREAM && listen(fd, 1)))
		_exit(203);
	return fd;
}

static int unix_connect(void)
{
	struct sockaddr_un address;
	socklen_t len;

	unix_socket(SOCK_STREAM, &address, &len);
	return result(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, len));
}

static int unix_send(void)
{
	struct sockaddr_un address;
	char data[8];
	socklen_t len;
	int fd = unix_socket(SOCK_DGRAM, &address, &len);

	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&address, len) < 0)
		return errno;
	return result(recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&address, &len));
}

static int unix_names(void)
{
	struct sockaddr_un address;
	int fd, listening;
	socklen_t len;

	listening = unix_socket(SOCK_STREAM, &address, &len);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, len))
		return errno;
	len = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &len))
		return errno;
	len = sizeof(address);
	return result(getsockname(listening, (struct sockaddr *)&address, &len));
}

static int read_sysctl(void)
{
	char text[16];
	int fd = open("/proc/sys/net/ipv4/ip_forward", O_RDONLY);

	return fd < 0 ? errno : result(read(fd, text, sizeof(text)));
}

static int set_option(void)
{
	int on = 1;

	return result(setsockopt(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_KEEPALIVE, &on,
				 sizeof(on)));
}

static int get_option(void)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_KEEPALIVE, &value, &len))
		return errno;
	return value == 4321 ? CHANGED : value;
}

static int open_device(void)
{
	return result(open("/dev/null", O_RDONLY));
}

/* ---- each kind ---- */

static const struct {
	const char *program;
	int (*act)(void);
	int result; /* with the program there; else 0 */
	unsigned int hits, bytes;
} kinds[] = {
	{ "on_ingress", send4, 0, TIMES, TIMES * (28 + LENGTH) },
	{ "on_egress", send4, 0, TIMES, TIMES * (28 + LENGTH) },
	{ "on_packet", send4, 0, 2 * TIMES, 2 * TIMES * (28 + LENGTH) },
	{ "on_ingress", send6, 0, TIMES, TIMES * (48 + LENGTH) },
	{ "on_sock", make_sockets, EPERM, TIMES },
	{ "on_sock_create", make_sockets, EPERM, TIMES },
	{ "on_sock_release", make_sockets, 0, TIMES },
	{ "on_post_bind4", bind4, EPERM, 1 },
	{ "on_post_bind6", bind6, EPERM, 1 },
	{ "on_bind4", bind4, EPERM, 1 },
	{ "on_bind6", bind6, EPERM, 1 },
	{ "on_connect4", connect4, EPERM, 1 },
	{ "on_connect6", connect6, EPERM, 1 },
	{ "on_connect_unix", unix_connect, EPERM, 1 },
	{ "on_sendmsg4", send4, EPERM, 1 },
	{ "on_sendmsg6", send6, EPERM, 1 },
	{ "on_sendmsg_unix", unix_send, EPERM, 1 },
	{ "on_recvmsg4", receive4, CHANGED, 1 },
	{ "on_recvmsg6", receive6, CHANGED, 1 },
	{ "on_recvmsg_unix", unix_send, 0, 1 },
	{ "on_getpeername4", peer_name4, CHANGED, 1 },
	{ "on_getpeername6", peer_name6, CHANGED, 1 },
	{ "on_getpeername_unix", unix_names, 0, 1 },
	{ "on_getsockname4", own_name4, CHANGED, 1 },
	{ "on_getsockname6", own_name6, CHANGED, 1 },
	{ "on_getsockname_unix", unix_names, 0, 1 },
	{ "on_sysctl", read_sysctl, EPERM, 1 },
	{ "on_setsockopt", set_option, EPERM, 1 },
	{ "on_getsockopt", get_option, CHANGED, 1 },
	{ "on_device", open_device, EPERM, 1 },
	{ "on_sockops", connect4, 0, 1 },
	{ "on_security", bind4, EPERM, 1 },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))
/* Kernels from before 5.7, and from before 4.15, where cgroups have one program of a kind. */
#define NO_LINKS { BPF_LINK_CREATE }
#define ONE_PROGRAM NO_LINKS, { BPF_PROG_ATTACH, BPF_F_ALLOW_MULTI }, { BPF_PROG_QUERY }

static const struct attach_options here = { .place = { .cgroup = cgroup_path } };

static void begin(void)
{
	subject_begin();
	cgroup_make();
}

static void end(void)
{
	subject_end();
	cgroup_remove();
}

static void load_kind(const char *program)
{
	subject_open("cgroup");
	subject_want(program);
	subject_load();
}

static struct link *attach_kind(const char *program)
{
	load_kind(program);
	if (subject_try_attach(program, &here)) {
		if (strstr(subject.err.message, "security modules in use"))
			skip("%s", subject.err.message);
		ck_abort_msg("%s\n%s", subject.err.message, subject.err.hint);
	}
	return &subject.links[0];
}

static void expect_acts(int i)
{
	struct link *link;

	ck_assert_int_eq(cgroup_act(kinds[i].act), 0);
	link = attach_kind(kinds[i].program);
	ck_assert_int_eq(cgroup_act(kinds[i].act), kinds[i].result);
	ck_assert_uint_eq(seen(HITS), kinds[i].hits);
	ck_assert_uint_eq(seen(BYTES), kinds[i].bytes);
	link_detach(link);
	ck_assert_int_eq(cgroup_act(kinds[i].act), 0);
	ck_assert_uint_eq(seen(HITS), kinds[i].hits);
}

START_TEST(by_a_link)
{
	need(CAP_LINK);
	expect_acts(_i);
	ck_assert_str_eq(subject.links[0].way, "link");
	ck_assert_ptr_null(subject.links[0].undo.kind);
}
END_TEST

START_TEST(without_links)
{
	REFUSE(NO_LINKS);
	expect_acts(_i);
	ck_assert_str_eq(subject.links[0].way, "PROG_ATTACH");
}
END_TEST

START_TEST(without_others)
{
	REFUSE(ONE_PROGRAM);
	expect_acts(_i);
	ck_assert_str_eq(subject.links[0].way, "PROG_ATTACH, alone");
}
END_TEST

/* ---- undoing ---- */

static uint32_t attached_programs(void)
{
	union bpf_attr attr = { 0 };
	uint32_t ids[8];
	int fd = open(cgroup_path, O_RDONLY);

	attr.query.target_fd = fd;
	attr.query.attach_type = BPF_CGROUP_INET4_CONNECT;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = 8;
	ck_assert_int_eq(sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr)), 0);
	close(fd);
	return attr.query.prog_cnt;
}

START_TEST(what_stays_of_one_that_was_killed_is_undone_by_another)
{
	struct undo *undo = mmap(NULL, sizeof(*undo), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		REFUSE(NO_LINKS);
		*undo = attach_kind("on_connect4")->undo;
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(wait_status(pid), SIGKILL);
	ck_assert_ptr_nonnull(undo->kind);
	ck_assert_str_eq(undo->kind->name, "cgroup");
	ck_assert_uint_eq(attached_programs(), 1);
	ck_assert_int_eq(cgroup_act(connect4), EPERM);
	ck_assert_msg(!undo->kind->run(undo, &subject.err), "%s", subject.err.message);
	ck_assert_uint_eq(attached_programs(), 0);
	ck_assert_int_eq(cgroup_act(connect4), 0);
	ck_assert_int_eq(undo->kind->run(undo, &subject.err), UNDO_GONE);
	forget_the_dead();
}
END_TEST

START_TEST(the_program_of_another_is_left_alone)
{
	struct link *link;
	struct undo undo;

	REFUSE(NO_LINKS);
	link = attach_kind("on_connect4");
	undo = link->undo;
	undo.prog_id++;
	ck_assert_int_eq(undo.kind->run(&undo, &subject.err), UNDO_GONE);
	ck_assert_uint_eq(attached_programs(), 1);
	ck_assert_int_eq(cgroup_act(connect4), EPERM);
}
END_TEST

START_TEST(nothing_is_to_be_undone_in_a_cgroup_that_is_gone)
{
	struct undo undo;

	REFUSE(NO_LINKS);
	undo = attach_kind("on_connect4")->undo;
	ck_assert_int_eq(rmdir(cgroup_path), 0);
	ck_assert_int_eq(undo.kind->run(&undo, &subject.err), UNDO_GONE);
}
END_TEST

/* ---- where ---- */

START_TEST(cgroup_may_be_the_target)
{
	struct attach_options nowhere = { .cookie = 0 };

	load_kind("on_connect4");
	object_program(&subject.obj, "on_connect4")->target = cgroup_path;
	ck_assert_uint_eq(attach_lacks(object_program(&subject.obj, "on_connect4"), &nowhere.place), 0);
	subject_attach("on_connect4", &nowhere);
	ck_assert_int_eq(cgroup_act(connect4), EPERM);
}
END_TEST

START_TEST(program_without_a_cgroup_is_told)
{
	struct attach_options nowhere = { .cookie = 0 };

	load_kind("on_connect4");
	ck_assert_uint_eq(attach_lacks(object_program(&subject.obj, "on_connect4"), &nowhere.place),
			  NEED_CGROUP);
	ck_assert_int_eq(subject_try_attach("on_connect4", &nowhere), -1);
	ck_assert_int_eq(subject.err.code, ERROR_USAGE);
	ck_assert_str_eq(subject.err.message, "cgroup: program 'on_connect4': section 'cgroup/connect4': "
			 "got no cgroup, expected the directory of one");
}
END_TEST

START_TEST(directory_that_is_no_cgroup_is_told)
{
	struct attach_options tmp = { .place = { .cgroup = "/tmp" } };

	load_kind("on_connect4");
	ck_assert_int_eq(subject_try_attach("on_connect4", &tmp), -1);
	ck_assert_int_eq(subject.err.code, ERROR_USAGE);
	ck_assert_str_eq(subject.err.message, "cgroup: program 'on_connect4': /tmp: got no cgroup of version "
			 "2, expected the directory of one");
}
END_TEST

Suite *cgroup_suite(void)
{
	Suite *s = suite_create("cgroup");
	TCase *c = tcase_create("cgroup");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, by_a_link, 0, KINDS);
	tcase_add_loop_test(c, without_links, 0, KINDS);
	tcase_add_loop_test(c, without_others, 0, KINDS);
	tcase_add_test(c, what_stays_of_one_that_was_killed_is_undone_by_another);
	tcase_add_test(c, the_program_of_another_is_left_alone);
	tcase_add_test(c, nothing_is_to_be_undone_in_a_cgroup_that_is_gone);
	tcase_add_test(c, cgroup_may_be_the_target);
	tcase_add_test(c, program_without_a_cgroup_is_told);
	tcase_add_test(c, directory_that_is_no_cgroup_is_told);
	suite_add_tcase(s, c);
	return s;
}
