// SPDX-License-Identifier: GPL-2.0
/*
 * The program that tutorials begin with: it prints the path of each file that is removed, on every
 * kernel that has kprobes, however the function is called there.
 */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "loader/printk.h"

Suite *tutorial_suite(void);

static struct error err;
static struct object obj;
static struct types types;
static struct plan plan;
static struct load_types told;
static struct loaded loaded;
static struct link links[2];
static struct caps caps;
static struct printk *printk;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	error_clear(&err);
	memset(&obj, 0, sizeof(obj));
	memset(&types, 0, sizeof(types));
	memset(&plan, 0, sizeof(plan));
	memset(&told, 0, sizeof(told));
	memset(&loaded, 0, sizeof(loaded));
	memset(&caps, 0, sizeof(caps));
	links[0] = links[1] = (struct link){ .fd = -1 };
	printk = NULL;
}

static void end(void)
{
	link_detach(&links[0]);
	link_detach(&links[1]);
	if (loaded.object) {
		acts_note(&loaded);
		loaded_fini(&loaded);
	}
	printk_close(printk);
	load_types_fini(&told);
	plan_fini(&plan);
	if (obj.name) {
		types_fini(&types);
		object_fini(&obj);
	}
	caps_fini(&caps);
}

#define OK(call) ck_assert_msg(!(call), "%s\n%.1500s\n%s", err.message, err.detail, err.hint)

static void need_kprobes(void)
{
	struct tracefs tracefs;
	bool has;

	OK(tracefs_open(&tracefs, &err));
	has = !faccessat(tracefs.fd, "kprobe_events", F_OK, 0);
	tracefs_close(&tracefs);
	if (!has)
		skip("kprobes: built with CONFIG_KPROBE_EVENTS");
}

/* Its own headers know less, and so does a kernel without types. */
static void open_object(const char *name)
{
	struct types_request request = { .obj = &obj };
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	data = read_whole(path, &len);
	if (!data && strchr(name, '/'))
		skip("objects with libbpf's headers: libbpf-dev");
	ck_assert_ptr_nonnull(data);
	OK(object_init(&obj, name, data, len, &err));
	free(data);
	if (types_open(&types, &request, &err)) {
		types = (struct types){ .root = NULL };
		skip("types of the kernel: it has no BTF");
	}
}

static void run_object(const char *name)
{
	static char tag[PRINTK_TAG_SIZE];
	static struct printk_tagging tagging;
	struct lower_options how = { .printk = &tagging };
	struct attach_options attach = { 0 };
	struct load_options options = { 0 };

	printk_make_tag(tag);
	tagging.tag = tag;
	open_object(name);
	OK(prepare(&obj, &types, &caps, &how, &plan, &err));
	ck_assert_uint_eq(tagging.calls, 2);
	ck_assert_uint_eq(tagging.untagged, 0);
	OK(lower_types(&obj, &caps, &told, &err));
	options.types = &told;
	prepare_load(&obj, &caps, &options);
	prepare_attach(&caps, &attach);
	printk = printk_open(tag, NULL, &err);
	ck_assert_msg(printk != NULL, "%s", err.message);
	OK(load(&loaded, &obj, &options, &err));
	for (size_t i = 0; i < obj.programs.len; i++)
		OK(link_attach(&links[i], &loaded, i, &attach, &err));
}

static const char *const builds[] = { "tutorial", "libbpf/tutorial" };

#define FILES 3

/* How often the line is among those printed. */
static int count_lines(const char lines[][256], int n, const char *wanted)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += !strcmp(lines[i], wanted);
	return count;
}

START_TEST(removed_files_are_printed)
{
	static char lines[200][256];
	struct printk_line line;
	char path[FILES][64], wanted[256];
	int n = 0, mine = 0, returns = 0;

	need_kprobes();
	run_object(builds[_i]);
	for (int i = 0; i < FILES; i++) {
		snprintf(path[i], sizeof(path[i]), "/tmp/portrace-tutorial-%d-%d", (int)getpid(), i);
		close(open(path[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		ck_assert_int_eq(unlink(path[i]), 0);
	}
	ck_assert_int_eq(unlink("/tmp/portrace-tutorial-not-there"), -1);
	while (n < 200 && printk_read(printk, &line, &err) > 0) {
		mine += line.tid == gettid_();
		snprintf(lines[n++], sizeof(lines[0]), "%.*s", (int)line.len, line.text);
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(wanted, sizeof(wanted), "KPROBE ENTRY pid = %d, filename = %s", (int)getpid(), path[i]);
		ck_assert_msg(count_lines(lines, n, wanted) == 1, "%d lines; the first: %s", n, lines[0]);
	}
	snprintf(wanted, sizeof(wanted), "KPROBE EXIT: pid = %d, ret = 0", (int)getpid());
	returns += count_lines(lines, n, wanted);
	ck_assert_int_eq(returns, FILES);
	/* As the function returns an int, and the program says long. */
	snprintf(wanted, sizeof(wanted), "KPROBE EXIT: pid = %d, ret = -2", (int)getpid());
	returns += count_lines(lines, n, wanted);
	snprintf(wanted, sizeof(wanted), "KPROBE EXIT: pid = %d, ret = 4294967294", (int)getpid());
	returns += count_lines(lines, n, wanted);
	ck_assert_int_eq(returns, FILES + 1);
	ck_assert_int_eq(mine, 2 * (FILES + 1));
}
END_TEST

Suite *tutorial_suite(void)
{
	Suite *suite = suite_create("tutorial");
	TCase *tc = live_case(suite, "tutorial");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, removed_files_are_printed, 0, 2);
	return suite;
}
