// SPDX-License-Identifier: GPL-2.0
/* Trials of the objects that get packets, sockets and cgroups; most by BPF_PROG_TEST_RUN. */
#include "tests/live/corpus.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/cpus.h"
#include "util/sys.h"

#include "tests/fixtures/corpus/arith.h"

#define MIN_PACKET 14 /* an Ethernet header: less no run takes */

/* A packet of n bytes, 1, 2, 3 and so on, wrapped at 256. */
static const uint8_t *numbered(size_t n)
{
	static uint8_t packet[512];

	for (size_t i = 0; i < n; i++)
		packet[i] = i + 1;
	return packet;
}

/* ---- whole kinds ---- */

static void try_socket(void)
{
	uint8_t packet[64] = { [20] = 33 };
	int ends[2], fd;

	corpus_start();
	fd = corpus_program("keep");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd)), 0);
	ck_assert_int_eq(send(ends[0], packet, sizeof(packet), 0), sizeof(packet));
	ck_assert_int_eq(recv(ends[1], packet, sizeof(packet), MSG_DONTWAIT), 33);
	ck_assert_int_eq(send(ends[0], packet, 20, 0), 20);
	ck_assert_int_eq(recv(ends[1], packet, sizeof(packet), MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_uint_eq(corpus_get("kept"), 33);
	close(ends[0]);
	close(ends[1]);
}

/* Ethernet, IPv4 without options to that protocol and port; lengths are nobody's business. */
static void make_packet(uint8_t packet[64], uint8_t protocol, uint16_t port)
{
	memset(packet, 0, 64);
	packet[12] = 8; /* ETH_P_IP */
	packet[14] = 0x45;
	packet[14 + 8] = 64; /* time to live */
	packet[14 + 9] = protocol;
	memcpy(packet + 14 + 16, (uint8_t[]){ 10, 1, 2, 3 }, 4);
	packet[34 + 2] = port >> 8;
	packet[34 + 3] = port;
}

static uint64_t sum_over_cpus(const char *map, uint32_t key)
{
	uint64_t values[1024] = { 0 }, sum = 0;
	int cpus = cpus_possible();

	ck_assert_int_ge(cpus, 1);
	ck_assert_int_le(cpus, 1024);
	ck_assert_int_eq(sys_map_lookup(corpus_map(map), &key, values), 0);
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

static void try_xdp(void)
{
	uint8_t packet[64];

	corpus_start();
	make_packet(packet, 17, 9);
	ck_assert_uint_eq(corpus_run("filter", packet, 64, NULL), 1 /* XDP_DROP */);
	make_packet(packet, 17, 53);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(corpus_run("filter", packet, 64, NULL), 2 /* XDP_PASS */);
	make_packet(packet, 6, 9);
	ck_assert_uint_eq(corpus_run("filter", packet, 64, NULL), 2);
	ck_assert_uint_eq(corpus_run("filter", packet, 20, NULL), 2);
	ck_assert_uint_eq(sum_over_cpus("by_protocol", 17), 3);
	ck_assert_uint_eq(sum_over_cpus("by_protocol", 6), 1);
}

static uint16_t header_sum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void try_tc(void)
{
	uint8_t packet[64], out[4096];
	uint16_t sum;

	corpus_start();
	make_packet(packet, 17, 53);
	sum = header_sum(packet + 14);
	packet[14 + 10] = sum >> 8;
	packet[14 + 11] = sum;
	ck_assert_uint_eq(corpus_run("age", packet, 64, out), 0 /* TC_ACT_OK */);
	ck_assert_uint_eq(out[14 + 8], 63);
	ck_assert_uint_eq(out[14 + 9], 17);
	ck_assert_uint_eq(header_sum(out + 14), 0);
	ck_assert_uint_eq(corpus_run("age", numbered(20), 20, out), 2 /* TC_ACT_SHOT */);
}

static void try_cgroup_skb(void)
{
	corpus_start();
	ck_assert_uint_eq(corpus_run("limit", numbered(100), 100, NULL), 1);
	ck_assert_uint_eq(corpus_run("limit", numbered(300), 300, NULL), 0);
	ck_assert_uint_eq(corpus_get("refused"), 1);
	ck_assert_uint_eq(corpus_get("bytes"), 100 + 300 - 2 * MIN_PACKET);
}

/* ---- real connections, of a process in a cgroup of its own ---- */

static char group[128];

static void leave_group(void)
{
	char procs[160];
	FILE *f;

	snprintf(procs, sizeof(procs), "%s/../cgroup.procs", group);
	f = fopen(procs, "we");
	if (f) {
		fprintf(f, "%d", getpid());
		fclose(f);
	}
	rmdir(group);
}

/* A descriptor of a new cgroup that this process is in. */
static int enter_group(void)
{
	char path[160];
	FILE *f;
	int fd;

	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	mkdir("/mnt", 0755); /* mostly there */
	if (mount("cgroup2", "/mnt", "cgroup2", 0, NULL))
		skip("cgroups v2: %s", strerror(errno));
	snprintf(group, sizeof(group), "/mnt/portrace-corpus-%d", getpid());
	ck_assert_msg(!mkdir(group, 0755), "%s: %s", group, strerror(errno));
	atexit(leave_group);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	f = fopen(path, "we");
	ck_assert_msg(f && fprintf(f, "%d", getpid()) > 0 && !fclose(f), "%s: %s", path,
		      strerror(errno));
	fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void attach_to(int target_fd, const char *program, uint32_t type)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = target_fd;
	attr.attach_bpf_fd = corpus_program(program);
	attr.attach_type = type;
	ret = sys_bpf(BPF_PROG_ATTACH, &attr, sizeof(attr));
	ck_assert_msg(!ret, "%s: attach: %s", program, strerror(-ret));
}

static struct sockaddr_in local(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return at;
}

/* The machine may just have been booted. */
static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

/* A socket that listens on a free port. */
static int listen_locally(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = local(0);
	socklen_t len = sizeof(at);

	loopback_up();
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int connect_to(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = local(port);

	ck_assert_msg(!connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect to port %u: %s", port,
		      strerror(errno));
	return fd;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void try_connect4(void)
{
	uint16_t port;
	int listener = listen_locally(&port);

	corpus_set("port", port);
	corpus_start();
	attach_to(enter_group(), "redirect", BPF_CGROUP_INET4_CONNECT);
	connect_to(4);
	accept_one(listener);
	ck_assert_uint_eq(corpus_get("hits"), 1);
}

static void try_sockops(void)
{
	uint16_t port;
	int listener;

	corpus_start();
	attach_to(enter_group(), "watch", BPF_CGROUP_SOCK_OPS);
	listener = listen_locally(&port);
	connect_to(port);
	accept_one(listener);
	ck_assert_uint_eq(corpus_get("active"), 1);
	ck_assert_uint_eq(corpus_get("passive"), 1);
}

static void try_sk_msg(void)
{
	uint16_t port;
	int listener, from, to;
	uint32_t first = 0;
	char got[16];

	corpus_start();
	attach_to(corpus_map("sockets"), "judge", BPF_SK_MSG_VERDICT);
	listener = listen_locally(&port);
	from = connect_to(port);
	to = accept_one(listener);
	ck_assert_int_eq(sys_map_update(corpus_map("sockets"), &first, &from), 0);
	ck_assert_int_eq(send(from, "hello", 5, 0), 5);
	ck_assert_int_eq(send(from, "end", 3, 0), 3);
	/* The last: that verdict stays with the socket. */
	ck_assert_int_eq(send(from, "xyz", 3, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(recv(to, got, 8, MSG_WAITALL), 8);
	ck_assert_int_eq(memcmp(got, "helloend", 8), 0);
	ck_assert_uint_eq(corpus_get("messages"), 3);
	ck_assert_uint_eq(corpus_get("bytes"), 11);
}

/* ---- constructs ---- */

static void try_globals(void)
{
	static const char digits[] = "0123456789abcdef";
	struct {
		int16_t x, y;
		uint8_t name[6];
	} middle;
	uint64_t sum = 0;

	corpus_set("factor", 3);
	corpus_start();
	for (uint32_t i = 1; i <= 5; i++) {
		sum += digits[i] + "lrfn"[(20 + i) & 3];
		ck_assert_uint_eq(corpus_run("run", numbered(20 + i), 20 + i, NULL), sum);
	}
	corpus_get_bytes("middle", &middle, sizeof(middle));
	/* 21, 22, ... 25 bytes: corners 1, 2, 3, 0, 1. */
	ck_assert_int_eq(middle.x, 7 + 3 + 500 + 7 - 1 + 3);
	ck_assert_int_eq(middle.y, -4 * 3);
	ck_assert_str_eq((char *)middle.name, "mid");
	ck_assert_uint_eq(corpus_get("sum"), sum);
	ck_assert_uint_eq(corpus_get("runs"), 5);
}

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
	return (a << 3) ^ (b >> 1) ^ c;
}

static void try_functions(void)
{
	corpus_start();
	for (uint32_t len = 20; len < 40; len++) {
		uint32_t a = len, b = 17, by[] = { 5, 11, len };

		for (int i = 0; i < 3; i++) {
			uint32_t next = mix(a, b, by[i]);

			a = b;
			b = next;
		}
		ck_assert_uint_eq(corpus_run("run", numbered(len), len, NULL), b & 0xffff);
	}
}

static void try_loops(void)
{
	corpus_start();
	for (uint32_t len = 14; len < 100; len += 7) {
		uint32_t sum = 0, bytes = 0;

		for (uint32_t i = 14; i < len && i < 78; i++, bytes++)
			sum += (uint8_t)(i + 1);
		ck_assert_uint_eq(corpus_run("run", numbered(len), len, NULL), sum);
		ck_assert_uint_eq(corpus_get("bytes"), bytes);
	}
}

static void try_unrolled(void)
{
	uint8_t packet[64] = { 0 };

	corpus_start();
	packet[20] = 200;
	packet[29] = 7;
	packet[30] = 250; /* beyond what it looks at */
	ck_assert_uint_eq(corpus_run("run", packet, 64, NULL), 200);
	ck_assert_uint_eq(corpus_run("run", packet, 29, NULL), UINT32_MAX);
}

static void try_tail_call(void)
{
	uint32_t second = 1;
	int fd;

	corpus_start();
	ck_assert_uint_eq(corpus_run("start", numbered(20), 20, NULL), 100);
	fd = corpus_program("answer");
	ck_assert_int_eq(sys_map_update(corpus_map("next"), &second, &fd), 0);
	ck_assert_uint_eq(corpus_run("start", numbered(20), 20, NULL), 220);
	ck_assert_uint_eq(corpus_get("through"), 1);
}

static void try_maps(void)
{
	uint64_t value;
	uint32_t kept = 0;

	corpus_start();
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_uint_eq(corpus_run("run", numbered(20 + i % 3), 20 + i % 3, NULL), 0);
	for (uint32_t len = 20; len < 23; len++)
		ck_assert_uint_eq(sum_over_cpus("by_length", len), 100);
	for (uint64_t key = 0; key < 300; key++) {
		kept += !sys_map_lookup(corpus_map("recent"), &key, &value);
		ck_assert_int_eq(sys_map_lookup(corpus_map("all"), &key, &value), 0);
	}
	ck_assert_uint_ge(kept, 1);
	ck_assert_uint_lt(kept, 300);
	ck_assert_uint_eq(corpus_get("runs"), 300);
}

static void try_lpm(void)
{
	struct {
		uint32_t bits;
		uint8_t address[4];
	} prefixes[] = { { 8, { 10 } }, { 24, { 10, 1, 2 } }, { 0, { 0 } } };
	uint8_t packet[64];

	corpus_start();
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t to = 100 + i;

		ck_assert_int_eq(sys_map_update(corpus_map("routes"), &prefixes[i], &to), 0);
	}
	make_packet(packet, 17, 53);
	ck_assert_uint_eq(corpus_run("route", packet, 64, NULL), 101);
	packet[30 + 2] = 9;
	ck_assert_uint_eq(corpus_run("route", packet, 64, NULL), 100);
	packet[30] = 11;
	ck_assert_uint_eq(corpus_run("route", packet, 64, NULL), 102);
}

static void try_queue(void)
{
	corpus_start();
	for (uint32_t len = 20; len < 30; len++)
		ck_assert_uint_eq(corpus_run("run", numbered(len), len, NULL), 0);
	for (uint32_t len = 20; len < 30; len++)
		ck_assert_uint_eq(corpus_run("run", numbered(200), 200, NULL), len);
	ck_assert_uint_eq(corpus_run("run", numbered(200), 200, NULL), UINT32_MAX);
}

/* Numbers near the ends of their ranges are where translations go wrong. */
static uint64_t odd_number(void)
{
	static const uint64_t ends[] = { 0, 1, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fffffff, 0x80000000,
					 0xffffffff, 0x100000000, INT64_MAX, 1ull << 63, UINT64_MAX };
	uint64_t any = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ random();

	return random() % 3 ? any >> random() % 64 : ends[random() % 13] + random() % 3 - 1;
}

static void try_arith(void)
{
	struct operands in;
	unsigned long long expected[ARITH_RESULTS];
	uint64_t got[ARITH_RESULTS];
	uint8_t packet[MIN_PACKET + sizeof(in)] = { 0 };

	corpus_start();
	srandom(4);
	for (int i = 0; i < 300; i++) {
		memset(&in, 0, sizeof(in));
		in = (struct operands){ odd_number(), odd_number(), odd_number(), odd_number(),
					odd_number(), odd_number(), odd_number() };
		arith(&in, expected);
		memcpy(packet + MIN_PACKET, &in, sizeof(in));
		ck_assert_uint_eq(corpus_run("compute", packet, sizeof(packet), NULL), 0);
		corpus_get_bytes("results", got, sizeof(got));
		if (!corpus_get("signed_division"))
			expected[22] = expected[23] = 0;
		for (int n = 0; n < ARITH_RESULTS; n++)
			ck_assert_msg(got[n] == expected[n], "result %d of a %llx b %llx c %x d %x small %d "
				      "shift %d half %d: got %llx, expected %llx", n, in.a, in.b, in.c, in.d,
				      in.small, in.shift, in.half, (unsigned long long)got[n], expected[n]);
	}
	ck_assert_uint_eq(corpus_get("signed_division"), corpus.cpu >= 4);
}

static void try_atomics(void)
{
	uint64_t n[8] = { 100, 200, 300, 1, 0xff, 0xf, 0, 0 };
	uint32_t zero = 0;

	corpus_start();
	ck_assert_int_eq(sys_map_update(corpus_map("numbers"), &zero, n), 0);
	ck_assert_uint_eq(corpus_run("run", numbered(20), 20, NULL), 0);
	ck_assert_int_eq(sys_map_lookup(corpus_map("numbers"), &zero, n), 0);
	ck_assert_uint_eq(n[0], 120);
	ck_assert_uint_eq(((uint32_t *)n)[2], (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 3 : 203));
	if (corpus.cpu < 3)
		return;
	ck_assert_uint_eq(n[2], 305);
	ck_assert_uint_eq(n[7], 300);
	ck_assert_uint_eq(n[3], 0xf1);
	ck_assert_uint_eq(n[4], 0x0f);
	ck_assert_uint_eq(n[5], 0xf0);
	ck_assert_uint_eq(n[6], 20);
}

static void try_syscall(void)
{
	struct {
		uint64_t a, b, product;
	} numbers = { 6, 7, 0 };
	union bpf_attr attr;
	int ret;

	corpus_start();
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = corpus_program("multiply");
	/* test.ctx_size_in and .ctx_in: not in the headers of all distributions. */
	memcpy((char *)&attr + 40, &(uint32_t){ sizeof(numbers) }, 4);
	memcpy((char *)&attr + 48, &(uint64_t){ (uintptr_t)&numbers }, 8);
	ret = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	ck_assert_msg(!ret, "%s", strerror(-ret));
	ck_assert_uint_eq(attr.test.retval, 7);
	ck_assert_uint_eq(numbers.product, 42);
	ck_assert_uint_eq(corpus_get("calls"), 1);
}

static bool has_fired(void *unused)
{
	uint64_t item[3] = { 0 };
	uint32_t zero = 0;

	sys_map_lookup(corpus_map("items"), &zero, item);
	return item[2] == 1;
}

static void try_timer(void)
{
	corpus_start();
	ck_assert_uint_eq(corpus_run("start", numbered(20), 20, NULL), 0);
	ck_assert(wait_until(has_fired, NULL, PATIENCE_MS));
}

#define HELPER(name, type) { NEED_A_HELPER, BPF_FUNC_##name, BPF_PROG_TYPE_##type, 0 }
#define MAP(name) { NEED_A_MAP, BPF_MAP_TYPE_##name, 0, 0 }
#define PROGRAM(type) { NEED_A_PROGRAM, BPF_PROG_TYPE_##type, 0, 0 }
#define CAP(name) { NEED_CAP, CAP_##name, 0, 0 }

TRIAL(socket, try_socket, HELPER(skb_load_bytes, SOCKET_FILTER))
TRIAL(xdp, try_xdp, PROGRAM(XDP), MAP(PERCPU_ARRAY))
TRIAL(tc, try_tc, PROGRAM(SCHED_CLS))
TRIAL(cgroup_skb, try_cgroup_skb, PROGRAM(CGROUP_SKB))
TRIAL(connect4, try_connect4, PROGRAM(CGROUP_SOCK_ADDR))
TRIAL(sockops, try_sockops, PROGRAM(SOCK_OPS))
TRIAL(sk_msg, try_sk_msg, PROGRAM(SK_MSG), MAP(SOCKMAP))
TRIAL(globals, try_globals)
TRIAL(functions, try_functions)
TRIAL(loops, try_loops, CAP(LOOPS))
TRIAL(unrolled, try_unrolled)
TRIAL(tail_call, try_tail_call, MAP(PROG_ARRAY))
TRIAL(maps, try_maps, MAP(PERCPU_HASH), MAP(LRU_HASH), CAP(NO_PREALLOC))
TRIAL(lpm, try_lpm, MAP(LPM_TRIE))
TRIAL(queue, try_queue, MAP(QUEUE))
TRIAL(arith, try_arith)
TRIAL(atomics, try_atomics, { NEED_CAP, CAP_ATOMICS, 0, 3 })
TRIAL(syscall, try_syscall, { NEED_A_PROGRAM, 31 /* BPF_PROG_TYPE_SYSCALL */, 0, 0 })
TRIAL(timer, try_timer, HELPER(timer_init, SCHED_CLS), CAP(FUNC_POINTER))

void add_net_trials(TCase *c)
{
	add_trial(c, socket);
	add_trial(c, xdp);
	add_trial(c, tc);
	add_trial(c, cgroup_skb);
	add_trial(c, connect4);
	add_trial(c, sockops);
	add_trial(c, sk_msg);
	add_trial(c, globals);
	add_trial(c, functions);
	add_trial(c, loops);
	add_trial(c, unrolled);
	add_trial(c, tail_call);
	add_trial(c, maps);
	add_trial(c, lpm);
	add_trial(c, queue);
	add_trial(c, arith);
	add_trial(c, atomics);
	add_trial(c, syscall);
	add_trial(c, timer);
}
