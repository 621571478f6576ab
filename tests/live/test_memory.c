// SPDX-License-Identifier: GPL-2.0
/*
 * One program whose memory is that of maps and globals, loaded as this kernel takes it, and as
 * kernels take it that lack one thing more each: it must do the same.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "compat/lower.h"
#include "loader/attach.h"
#include "tests/live/harness.h"
#include "util/sys.h"

#define SIGNALS 10

struct entry {
	uint64_t count;
	char comm[16];
	uint32_t numbers[6];
	uint32_t key;
};

static struct object obj;
static struct loaded loaded;
static struct plan plan;
static struct error err;
static int link_fd;

static void begin(void)
{
	memset(&obj, 0, sizeof(obj));
	memset(&loaded, 0, sizeof(loaded));
	memset(&plan, 0, sizeof(plan));
	link_fd = -1;
	need_bpf();
	need_initial_pids();
}

static void end(void)
{
	sys_close(link_fd);
	if (loaded.object)
		loaded_fini(&loaded);
	plan_fini(&plan);
	object_fini(&obj);
}

static void open_memory(void)
{
	static uint8_t data[1 << 16];
	uint32_t pid = getpid();
	int fd = open(FIXTURES "/memory.bpf.o", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, data, sizeof(data));
	void *only_pid;

	close(fd);
	ck_assert_int_gt(size, 0);
	ck_assert_msg(!object_init(&obj, "memory", data, size, &err), "%s", err.message);
	only_pid = object_global(&obj, "only_pid", NULL);
	ck_assert_ptr_nonnull(only_pid);
	memcpy(only_pid, &pid, sizeof(pid));
}

/* As the kernel at hand takes it, less the first `lacking` of these. */
static const enum cap lacks[] = { CAP_GLOBAL_DATA, CAP_KEY_MAP,	    CAP_ADD_ADDRESS,
				  CAP_MEMORY_MAP,  CAP_NULL_COPIES, CAP_FILL_RANGE };
#define LACKS ((int)(sizeof(lacks) / sizeof(lacks[0])))

static void load_memory(int lacking)
{
	struct lower_options options = { .transport = TRANSPORT_AUTO };
	struct load_options load_options = { 0 };
	struct caps caps = { 0 };

	for (int i = 0; i < lacking; i++)
		caps.at[lacks[i]] = (struct cap_answer){ CAP_NO, EACCES };
	ck_assert_msg(!fold(&obj, &err) && !lower(&obj, &caps, &options, &plan, &err), "%s",
		      err.message);
	load_options.names = caps_ask(&caps, CAP_NAMES) == CAP_YES;
	ck_assert_msg(!load(&loaded, &obj, &load_options, &err), "%s\n%.1500s", err.message,
		      err.detail);
	caps_fini(&caps);
}

static void attach_memory(void)
{
	struct tracefs tracefs;
	int id;

	ck_assert_msg(!tracefs_open(&tracefs, &err), "%s", err.message);
	id = tracefs_event_id(&tracefs, "signal", "signal_generate", &err);
	tracefs_close(&tracefs);
	ck_assert_msg(id > 0, "%s", err.message);
	link_fd = attach_tracepoint(loaded_prog_fd(&loaded, "remember"), id, "signal_generate", &err);
	ck_assert_msg(link_fd >= 0, "%s", err.message);
}

static void look_up(const char *map, uint32_t key, void *value)
{
	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, map), &key, value), 0);
}

static void read_global(const char *name, void *to)
{
	uint32_t map, offset, size;
	uint8_t value[4096];

	ck_assert_int_eq(object_global_find(&obj, name, &map, &offset, &size), 0);
	ck_assert_uint_le(obj.maps.at[map].value_size, sizeof(value));
	look_up(obj.maps.at[map].name, 0, value);
	memcpy(to, value + offset, size);
}

static void expect_entry(const struct entry *entry, uint64_t count, const char *comm)
{
	ck_assert_uint_eq(entry->count, count);
	ck_assert_str_eq(entry->comm, comm);
	ck_assert_uint_eq(entry->numbers[0], 0);
	ck_assert(!memcmp(&entry->numbers[1], comm + 4, 12));
	ck_assert_uint_eq(entry->numbers[4], 0);
	ck_assert_uint_eq(entry->key, (count - 1) & 3);
}

START_TEST(memory_of_maps_is_the_same_however_it_is_reached)
{
	static const uint32_t steps[4] = { 1, 10, 100, 1000 };
	uint32_t table[16], total;
	char comm[16] = "";
	struct entry entry;
	uint64_t found;

	open_memory();
	load_memory(_i);
	attach_memory();
	memcpy(comm, "memory-of-maps", sizeof("memory-of-maps"));
	ck_assert_int_eq(prctl(PR_SET_NAME, comm), 0);
	signal(SIGURG, SIG_IGN);
	for (int i = 0; i < SIGNALS; i++)
		raise(SIGURG);
	look_up("entries", 0, &entry);
	expect_entry(&entry, SIGNALS, comm);
	for (uint32_t key = 0; key < 4; key++) {
		look_up("copies", key, &entry);
		expect_entry(&entry, key < SIGNALS % 4 ? SIGNALS / 4 * 4 + key + 1 :
							 SIGNALS / 4 * 4 - 3 + key, comm);
	}
	read_global("table", table);
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(table[i], i < SIGNALS ? steps[i % 4] : 0);
	read_global("total", &total);
	ck_assert_uint_eq(total, 7 + SIGNALS * 100);
	read_global("found", &found);
	ck_assert_uint_eq(found, SIGNALS * (SIGNALS + 1) / 2);
}
END_TEST

Suite *memory_suite(void);
Suite *memory_suite(void)
{
	Suite *suite = suite_create("memory");
	TCase *tc = tcase_create("memory");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, memory_of_maps_is_the_same_however_it_is_reached, 0, LACKS + 1);
	suite_add_tcase(suite, tc);
	return suite;
}
