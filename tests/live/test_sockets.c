// SPDX-License-Identifier: GPL-2.0
/* Programs on sockets and on maps of sockets, as those who send and receive feel them. */
#include "tests/live/attached.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/sys.h"

Suite *sockets_suite(void);

enum { HITS, BYTES, PID, OTHER }; /* as in sockets.bpf.c */

#define TIMES 3
#define LENGTH 100

/* All of it in a network namespace of its own. */
static void begin(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	subject_begin();
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

static struct sockaddr_in address_of(int fd)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return address;
}

/* One more socket on that port, 0: on any. */
static int bound(int type, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type, 0), on = 1;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_datagrams(int to, int times)
{
	struct sockaddr_in address = address_of(to);
	char data[LENGTH] = "";
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < times; i++)
		ck_assert_int_eq(sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&address,
					sizeof(address)), LENGTH);
	close(fd);
}

/* Bytes that are there to be read, waiting a little for them. */
static int received(int fd)
{
	char data[1000];
	ssize_t n, sum = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	while (poll(&p, 1, sum ? 0 : 100) == 1 &&
	       (n = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

/* ---- socket ---- */

/* Each packet goes out, and comes in. */
START_TEST(packets_of_an_interface_or_all)
{
	static const char *const places[] = { "lo", NULL, "lo" };
	struct attach_options options = { .place = { .iface = _i == 2 ? NULL : places[_i] } };
	struct link *link;
	int fd = bound(SOCK_DGRAM, 0);

	subject_open("sockets");
	subject_want("on_socket")->target = _i == 2 ? "lo" : "";
	subject_load();
	link = subject_attach("on_socket", &options);
	ck_assert_str_eq(link->where, places[_i] ? places[_i] : "all interfaces");
	send_datagrams(fd, TIMES);
	ck_assert_int_eq(received(fd), TIMES * LENGTH);
	ck_assert_uint_eq(seen(HITS), 2 * TIMES);
	ck_assert_uint_eq(seen(BYTES), 2 * TIMES * (14 + 28 + LENGTH));
	link_detach(link);
	send_datagrams(fd, TIMES);
	ck_assert_uint_eq(seen(HITS), 2 * TIMES);
}
END_TEST

START_TEST(interface_that_is_not_there_is_told)
{
	struct attach_options options = { .place = { .iface = "nosuch0" } };

	subject_open("sockets");
	subject_want("on_socket");
	subject_load();
	ck_assert_int_eq(subject_try_attach("on_socket", &options), -1);
	ck_assert_int_eq(subject.err.code, ERROR_NOT_FOUND);
	ck_assert_str_eq(subject.err.message, "sockets: program 'on_socket': nosuch0: got no such network "
			 "interface, expected one of this network namespace");
}
END_TEST

/* ---- sk_reuseport ---- */

static const struct attach_options nowhere;

static void load_for_socket(const char *program, pid_t pid, int fd)
{
	static char target[32];

	snprintf(target, sizeof(target), "%d:%d", pid, fd);
	subject_open("sockets");
	subject_want(program)->target = target;
	subject_load();
}

static int own_sockets(void *fd)
{
	say();
	return idle();
}

/* The sockets are another process's; this one takes no part but looking. */
START_TEST(group_of_sockets)
{
	int a = bound(SOCK_DGRAM, 0), b = bound(SOCK_DGRAM, address_of(a).sin_port);
	struct actor owner;
	struct link *link;

	actor_start(&owner, own_sockets, NULL);
	load_for_socket("on_group", owner.pid, b);
	link = subject_attach("on_group", &nowhere);
	send_datagrams(a, TIMES);
	ck_assert_int_eq(received(a) + received(b), 0);
	ck_assert_uint_eq(seen(HITS), TIMES);
	link_detach(link);
	send_datagrams(a, TIMES);
	ck_assert_int_eq(received(a) + received(b), TIMES * LENGTH);
	ck_assert_uint_eq(seen(HITS), TIMES);
	actor_end(&owner);
}
END_TEST

/* What is undone later must not hit a socket that has the number by then. */
START_TEST(group_of_other_sockets_is_left_alone)
{
	int a = bound(SOCK_DGRAM, 0), other = bound(SOCK_DGRAM, 0);
	struct undo undo;

	load_for_socket("on_group", getpid(), a);
	undo = subject_attach("on_group", &nowhere)->undo;
	undo.numbers[1] = other;
	ck_assert_int_eq(undo.kind->run(&undo, &subject.err), UNDO_GONE);
	undo.numbers[1] = 999;
	ck_assert_int_eq(undo.kind->run(&undo, &subject.err), UNDO_GONE);
	send_datagrams(a, TIMES);
	ck_assert_int_eq(received(a), 0);
}
END_TEST

/* A connection that nobody has accepted goes to the other, when the one that has it is closed. */
START_TEST(connection_migrates)
{
	int a = bound(SOCK_STREAM, 0), b, client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = address_of(a);
	struct link *link;

	ck_assert_int_eq(listen(a, 4), 0);
	load_for_socket("on_migration", getpid(), a);
	link = subject_attach("on_migration", &nowhere);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	b = bound(SOCK_STREAM, address.sin_port);
	ck_assert_int_eq(listen(b, 4), 0);
	close(a);
	ck_assert_int_ge(accept(b, NULL, NULL), 0);
	ck_assert_uint_eq(seen(OTHER), 1);
	link_detach(link);
}
END_TEST

START_TEST(group_that_is_not_said_is_told)
{
	static const char *const targets[] = { "", "x", "12", "12:", "12:x", "0:3" };
	static const char *const got[] = { "no socket", "'x'", "'12'", "'12:'", "'12:x'", "'0:3'" };
	const struct program *prog;
	char message[200];

	subject_open("sockets");
	prog = subject_want("on_group");
	subject_want("on_group")->target = targets[_i];
	subject_load();
	ck_assert_uint_eq(attach_lacks(prog, &nowhere.place), _i ? 0 : NEED_TARGET);
	ck_assert_int_eq(subject_try_attach("on_group", &nowhere), -1);
	ck_assert_int_eq(subject.err.code, ERROR_USAGE);
	snprintf(message, sizeof(message), "sockets: program 'on_group': section 'sk_reuseport': got %s, "
		 "expected PID:FD of a socket", got[_i]);
	ck_assert_str_eq(subject.err.message, message);
}
END_TEST

/* ---- maps of sockets ---- */

struct pair {
	int in_map, other;
};

static struct pair connected(void)
{
	int listening = bound(SOCK_STREAM, 0);
	struct sockaddr_in address = address_of(listening);
	struct pair pair = { .other = socket(AF_INET, SOCK_STREAM, 0) };

	ck_assert_int_eq(listen(listening, 1), 0);
	ck_assert_int_eq(connect(pair.other, (struct sockaddr *)&address, sizeof(address)), 0);
	pair.in_map = accept(listening, NULL, NULL);
	ck_assert_int_ge(pair.in_map, 0);
	close(listening);
	return pair;
}

static void put(int fd)
{
	uint32_t key = 0, value = fd;

	ck_assert_int_eq(sys_map_update(loaded_map_fd(&subject.loaded, "sockets"), &key, &value), 0);
}

static void take(void)
{
	union bpf_attr attr = { 0 };
	uint32_t key = 0;

	attr.map_fd = loaded_map_fd(&subject.loaded, "sockets");
	attr.key = (uintptr_t)&key;
	ck_assert_int_eq(sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)), 0);
}

/* Loop index of these: 0 by link, 1 without. */
static void choose_way(int i)
{
	if (i)
		REFUSE({ BPF_LINK_CREATE });
}

static void expect_way(const struct link *link, int i)
{
	/* Links for these are of Linux 6.10. */
	if (i || link->fd < 0) {
		ck_assert_str_eq(link->way, "PROG_ATTACH");
		ck_assert_str_eq(link->undo.kind->name, "sockmap");
	} else {
		ck_assert_str_eq(link->way, "link");
		ck_assert_ptr_null(link->undo.kind);
	}
}

static const struct {
	const char *program, *parser;
	unsigned int parsed;
} verdicts[] = {
	{ "on_stream", "on_parser", 1 },
	{ "on_skb", "on_parser", 1 },
	{ "on_verdict", NULL, 0 },
};

static void try_verdict(int i)
{
	struct pair first, then;

	subject_open("sockets");
	subject_want(verdicts[i / 2].program);
	if (verdicts[i / 2].parser)
		subject_want(verdicts[i / 2].parser);
	subject_load();
	first = connected();
	then = connected();
	choose_way(i % 2);
	if (verdicts[i / 2].parser)
		expect_way(subject_attach(verdicts[i / 2].parser, &nowhere), i % 2);
	expect_way(subject_attach(verdicts[i / 2].program, &nowhere), i % 2);
	put(first.in_map);
	ck_assert_int_eq(write(first.other, "0123456789", 10), 10);
	ck_assert_int_eq(received(first.in_map), 0);
	ck_assert_uint_eq(seen(HITS), 1);
	ck_assert_uint_eq(seen(BYTES), 10);
	ck_assert_uint_eq(seen(OTHER), verdicts[i / 2].parsed);
	/* Sockets that are in the map keep the program until they are taken out. */
	while (subject.count)
		link_detach(&subject.links[--subject.count]);
	take();
	put(then.in_map);
	ck_assert_int_eq(write(then.other, "0123456789", 10), 10);
	ck_assert_int_eq(received(then.in_map), 10);
	ck_assert_uint_eq(seen(HITS), 1);
}

START_TEST(verdict_on_what_a_socket_receives)
{
	try_verdict(_i);
}
END_TEST

START_TEST(verdict_on_what_a_socket_sends)
{
	struct pair first, then;
	struct link *link;

	subject_open("sockets");
	subject_want("on_message")->target = _i ? "sockets" : "";
	subject_load();
	first = connected();
	then = connected();
	choose_way(_i);
	link = subject_attach("on_message", &nowhere);
	expect_way(link, _i);
	ck_assert_str_eq(link->where, "map sockets, sk_msg_verdict");
	put(first.in_map);
	ck_assert_int_eq(write(first.in_map, "0123456789", 10), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_uint_eq(seen(HITS), 1);
	ck_assert_uint_eq(seen(BYTES), 10);
	ck_assert_int_eq(received(first.other), 0);
	link_detach(link);
	take();
	put(then.in_map);
	ck_assert_int_eq(write(then.in_map, "0123456789", 10), 10);
	ck_assert_int_eq(received(then.other), 10);
	ck_assert_uint_eq(seen(HITS), 1);
}
END_TEST

START_TEST(map_that_holds_no_sockets_is_told)
{
	subject_open("sockets");
	subject_want("on_message")->target = _i ? "seen" : "none";
	subject_load();
	ck_assert_int_eq(subject_try_attach("on_message", &nowhere), -1);
	ck_assert_str_eq(subject.err.message,
			 _i ? "sockets: program 'on_message': map 'seen': got one of type 2, expected a SOCKMAP "
			      "or SOCKHASH" :
			      "sockets: program 'on_message': map 'none': got none of that name, expected a "
			      "SOCKMAP or SOCKHASH of the object");
	ck_assert_str_eq(subject.err.hint, "say which by --attach on_message=MAP");
}
END_TEST

/* ---- others ---- */

START_TEST(program_that_makes_system_calls_runs_once)
{
	const struct link *link;

	link = subject_start("sockets", "on_call", &nowhere);
	ck_assert_uint_eq(seen(HITS), 1);
	ck_assert_str_eq(link->way, "running it once");
	ck_assert_str_eq(link->where, "nothing: it returned 42");
	ck_assert_int_eq(link->fd, -1);
}
END_TEST

START_TEST(infrared)
{
	subject_open("sockets");
	subject_want("on_infrared")->target = _i ? "/dev/null" : "";
	if (subject_try_load())
		skip("CONFIG_BPF_LIRC_MODE2 (%s)", subject.err.message);
	ck_assert_int_eq(subject_try_attach("on_infrared", &nowhere), -1);
	ck_assert_int_eq(subject.err.code, _i ? ERROR_UNSUPPORTED : ERROR_USAGE);
}
END_TEST

Suite *sockets_suite(void)
{
	Suite *s = suite_create("sockets");
	TCase *c = tcase_create("sockets");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, subject_end);
	tcase_add_loop_test(c, packets_of_an_interface_or_all, 0, 3);
	tcase_add_test(c, interface_that_is_not_there_is_told);
	tcase_add_test(c, group_of_sockets);
	tcase_add_test(c, group_of_other_sockets_is_left_alone);
	tcase_add_test(c, connection_migrates);
	tcase_add_loop_test(c, group_that_is_not_said_is_told, 0, 6);
	tcase_add_loop_test(c, verdict_on_what_a_socket_receives, 0, 6);
	tcase_add_loop_test(c, verdict_on_what_a_socket_sends, 0, 2);
	tcase_add_loop_test(c, map_that_holds_no_sockets_is_told, 0, 2);
	tcase_add_test(c, program_that_makes_system_calls_runs_once);
	tcase_add_loop_test(c, infrared, 0, 2);
	suite_add_tcase(s, c);
	return s;
}
