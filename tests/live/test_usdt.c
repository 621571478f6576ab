// SPDX-License-Identifier: GPL-2.0
/* USDT probes of this very program: programs with either's headers see their arguments. */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "tests/live/sdt.h"
#include "util/sys.h"

Suite *usdt_suite(void);

static struct error err;
static struct object obj;
static struct types types;
static struct plan plan;
static struct loaded loaded;
static struct load_types told;
static struct link links[3];
static struct caps caps;
static struct attach_options attach;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	error_clear(&err);
	memset(&obj, 0, sizeof(obj));
	memset(&types, 0, sizeof(types));
	memset(&plan, 0, sizeof(plan));
	memset(&loaded, 0, sizeof(loaded));
	memset(&told, 0, sizeof(told));
	memset(&caps, 0, sizeof(caps));
	memset(&attach, 0, sizeof(attach));
	for (int i = 0; i < 3; i++)
		links[i] = (struct link){ .fd = -1 };
}

static void end(void)
{
	for (int i = 0; i < 3; i++)
		link_detach(&links[i]);
	if (loaded.object) {
		acts_note(&loaded);
		loaded_fini(&loaded);
	}
	load_types_fini(&told);
	plan_fini(&plan);
	if (obj.name) {
		types_fini(&types);
		object_fini(&obj);
	}
	caps_fini(&caps);
}

#define OK(call) ck_assert_msg(!(call), "%s\n%.1500s\n%s", err.message, err.detail, err.hint)

/* The two builds of the same programs. */
static const char *const builds[] = { "usdt", "libbpf/usdt" };

static void open_object(int build)
{
	struct types_request request = { .obj = &obj };
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, builds[build]);
	data = read_whole(path, &len);
	if (!data && build)
		skip("objects with libbpf's headers: libbpf-dev");
	ck_assert_ptr_nonnull(data);
	OK(object_init(&obj, builds[build], data, len, &err));
	free(data);
	*(uint32_t *)object_global(&obj, "only_pid", NULL) = getpid();
	OK(types_open(&types, &request, &err));
	prepare_attach(&caps, &attach);
}

static void load_object(void)
{
	struct lower_options how = { .transport = TRANSPORT_AUTO };
	struct load_options options = { 0 };

	OK(prepare(&obj, &types, &caps, &how, &plan, &err));
	OK(lower_types(&obj, &caps, &told, &err));
	options.types = &told;
	prepare_load(&obj, &caps, &options);
	OK(load(&loaded, &obj, &options, &err));
}

static int try_attach(int number, const char *program, const char *target)
{
	struct program *prog = object_program(&obj, program);

	prog->target = target;
	return link_attach(&links[number], &loaded, prog - obj.programs.at, &attach, &err);
}

static void get(const char *name, void *value, size_t size)
{
	uint32_t map, offset, bytes, zero = 0;
	char data[4096];

	ck_assert_int_eq(object_global_find(&obj, name, &map, &offset, &bytes), 0);
	ck_assert_uint_ge(bytes, size);
	ck_assert_int_eq(sys_map_lookup(loaded.map_fds[map], &zero, data), 0);
	memcpy(value, data + offset, size);
}

static int number_of(const char *name)
{
	int value;

	get(name, &value, sizeof(value));
	return value;
}

/* ---- probes ---- */

SDT_BASE;

int usdt_place(int number, const char *text, unsigned long wide);

/* Two places of one probe, whose arguments are elsewhere. */
__attribute__((noinline, noclone, used))
int usdt_place(int number, const char *text, unsigned long wide)
{
	SDT("portrace_test", "three", "0",
	    SDT_ARG(-4, a) " " SDT_ARG_LONG(b) " " SDT_ARG_LONG(c), [a] "r"(number), [b] "r"(text),
	    [c] "r"(wide));
	if (number > 1000)
		SDT("portrace_test", "three", "0",
		    SDT_ARG(-4, a) " " SDT_ARG_LONG(b) " " SDT_ARG_LONG(c), [a] "n"(-77), [b] "r"(text),
		    [c] "m"(wide));
	SDT("portrace_test", "none", "0", "", [a] "r"(number));
	return number;
}

static int8_t byte = -5;
static uint16_t half = 60000;

__attribute__((noinline, noclone, used)) static void probe_sizes(void)
{
	int8_t b = byte;
	uint8_t ub = byte;
	int16_t h = half;
	uint16_t uh = half;
	int32_t w = -100000;
	uint32_t uw = -100000;
	int64_t d = -5000000000;

	__asm__ volatile("" : "+r"(w), "+r"(uw), "+m"(b), "+m"(ub), "+m"(h), "+m"(uh), "+m"(d));
	SDT("portrace_test", "sizes", "0",
	    SDT_ARG(-1, b) " " SDT_ARG(1, ub) " " SDT_ARG(-2, h) " " SDT_ARG(2, uh) " "
	    SDT_ARG(-4, w) " " SDT_ARG(4, uw) " " SDT_ARG(-8, d) " " SDT_ARG(4, n) " "
	    SDT_ARG(-8, m), [b] "m"(b), [ub] "m"(ub), [h] "m"(h), [uh] "m"(uh), [w] "r"(w),
	    [uw] "r"(uw), [d] "m"(d), [n] "n"(1234567), [m] "n"(-9));
}

/* A counter of those who listen: what is in front of the probe can be left out without. */
__attribute__((section(".probes"), used)) volatile unsigned short usdt_semaphore;

__attribute__((noinline, noclone, used)) static void probe_with_semaphore(int number)
{
	if (!usdt_semaphore)
		return;
	SDT("portrace_test", "counted", "usdt_semaphore",
	    SDT_ARG(-4, a) " " SDT_ARG_LONG(b) " " SDT_ARG_LONG(b), [a] "r"(number), [b] "r"((long)number));
}

/* ---- */

#define SELF_FILE "/proc/self/exe"

static void expect_got(int i, int64_t value)
{
	int64_t got[12];

	get("got", got, sizeof(got));
	ck_assert_msg(got[i] == value, "argument %d: got %lld, expected %lld", i, (long long)got[i],
		      (long long)value);
}

START_TEST(program_sees_a_probe_and_its_arguments)
{
	static const char text[] = "text";

	open_object(_i);
	load_object();
	attach.cookie = 0xfeed;
	attach.place.pid = getpid();
	OK(try_attach(0, "on_three", SELF_FILE ":portrace_test:three"));
	ck_assert_str_eq(links[0].where, SELF_FILE ":portrace_test:three (2 sites)");
	for (int i = 1; i <= 4; i++)
		usdt_place(i, text, 0x55667788);
	ck_assert_int_eq(number_of("hits"), 4);
	ck_assert_int_eq(number_of("count"), 3);
	ck_assert_int_eq(number_of("cookie"), 0xfeed);
	expect_got(0, 4);
	expect_got(1, (long)text);
	expect_got(2, 0x55667788);
	/* The other place has other arguments. */
	usdt_place(1001, text, 5);
	ck_assert_int_eq(number_of("hits"), 6);
	expect_got(0, -77);
	expect_got(1, (long)text);
	expect_got(2, 5);
	link_detach(&links[0]);
	usdt_place(1001, text, 5);
	ck_assert_int_eq(number_of("hits"), 6);
}
END_TEST

START_TEST(arguments_have_their_size_and_sign)
{
	open_object(_i);
	load_object();
	attach.place.pid = getpid();
	OK(try_attach(0, "on_sizes", SELF_FILE ":portrace_test:sizes"));
	probe_sizes();
	ck_assert_int_eq(number_of("hits"), 1);
	ck_assert_int_eq(number_of("count"), 9);
	expect_got(0, -5);
	expect_got(1, 251);
	expect_got(2, 60000 - 65536);
	expect_got(3, 60000);
	expect_got(4, -100000);
	expect_got(5, 4294867296);
	expect_got(6, -5000000000);
	expect_got(7, 1234567);
	expect_got(8, -9);
	expect_got(9, 0);
}
END_TEST

/* Programs of one object share the map: each has entries of its own. */
START_TEST(programs_beside_each_other_see_their_own_arguments)
{
	open_object(_i);
	load_object();
	attach.place.pid = getpid();
	OK(try_attach(0, "on_sizes", SELF_FILE ":portrace_test:sizes"));
	OK(try_attach(1, "on_three", SELF_FILE ":portrace_test:three"));
	OK(try_attach(2, "on_none", SELF_FILE ":portrace_test:none"));
	usdt_place(7, "x", 8);
	ck_assert_int_eq(number_of("hits"), 2);
	ck_assert_int_eq(number_of("count"), 0);
	expect_got(0, -ENOENT);
	expect_got(1, 0);
	expect_got(2, 8);
	probe_sizes();
	ck_assert_int_eq(number_of("hits"), 3);
	ck_assert_int_eq(number_of("count"), 9);
	expect_got(6, -5000000000);
}
END_TEST

START_TEST(counter_of_listeners_is_raised_while_attached)
{
	open_object(_i);
	load_object();
	attach.place.pid = getpid();
	probe_with_semaphore(1);
	ck_assert_uint_eq(usdt_semaphore, 0);
	OK(try_attach(0, "on_three", SELF_FILE ":portrace_test:counted"));
	ck_assert_uint_eq(usdt_semaphore, 1);
	for (int i = 0; i < 3; i++)
		probe_with_semaphore(40 + i);
	ck_assert_int_eq(number_of("hits"), 3);
	expect_got(0, 42);
	link_detach(&links[0]);
	ck_assert_uint_eq(usdt_semaphore, 0);
}
END_TEST

/* As before Linux 5.15: which place it is, is found by address. */
START_TEST(kernel_without_cookies_finds_arguments_by_address)
{
	caps.at[CAP_PERF_LINK] = (struct cap_answer){ CAP_NO, EINVAL };
	open_object(_i);
	load_object();
	ck_assert(!attach.perf_links);
	attach.place.pid = getpid();
	OK(try_attach(0, "on_three", SELF_FILE ":portrace_test:three"));
	usdt_place(6, "x", 9);
	ck_assert_int_eq(number_of("hits"), 1);
	expect_got(0, 6);
	usdt_place(1006, "x", 9);
	ck_assert_int_eq(number_of("hits"), 3);
	expect_got(0, -77);
}
END_TEST

START_TEST(probe_that_is_not_there_is_told)
{
	open_object(0);
	load_object();
	ck_assert_int_eq(try_attach(0, "on_three", SELF_FILE ":portrace_test:four"), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "usdt: program 'on_three': USDT probe '/proc/self/exe:portrace_test:four'"
			 ": got none of that name, expected one that this kernel has");
	ck_assert_int_eq(try_attach(0, "on_three", "portrace_test"), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message, "usdt: program 'on_three': section 'usdt/SELF:portrace_test:three': got "
			 "'portrace_test', expected PATH:PROVIDER:NAME");
}
END_TEST

/* Entries are marked as taken: after several attachments the same two serve. */
START_TEST(entries_are_used_again)
{
	uint8_t entry[256];
	int taken = 0;

	open_object(0);
	load_object();
	attach.place.pid = getpid();
	for (int i = 0; i < 4; i++) {
		OK(try_attach(0, "on_three", SELF_FILE ":portrace_test:three"));
		link_detach(&links[0]);
	}
	for (uint32_t id = 0; id < 256; id++) {
		ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "__bpf_usdt_specs"), &id, entry), 0);
		taken += entry[202] || entry[203]; /* behind arg_cnt */
	}
	ck_assert_int_eq(taken, 2);
}
END_TEST

Suite *usdt_suite(void)
{
	Suite *suite = suite_create("usdt");
	TCase *tc = live_case(suite, "usdt");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, program_sees_a_probe_and_its_arguments, 0, 2);
	tcase_add_loop_test(tc, arguments_have_their_size_and_sign, 0, 2);
	tcase_add_loop_test(tc, programs_beside_each_other_see_their_own_arguments, 0, 2);
	tcase_add_loop_test(tc, counter_of_listeners_is_raised_while_attached, 0, 2);
	tcase_add_loop_test(tc, kernel_without_cookies_finds_arguments_by_address, 0, 2);
	tcase_add_test(tc, probe_that_is_not_there_is_told);
	tcase_add_test(tc, entries_are_used_again);
	return suite;
}
