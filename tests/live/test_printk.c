// SPDX-License-Identifier: GPL-2.0
/* What programs print is seen by whoever loaded them, all of it, and nothing else. */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include <dirent.h>
#include <poll.h>

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "loader/printk.h"

Suite *printk_suite(void);

/* An object that prints, loaded. */
struct party {
	struct object obj;
	struct types types;
	struct plan plan;
	struct load_types told;
	struct loaded loaded;
	struct link link;
	struct printk_tagging tagging;
	char tag[PRINTK_TAG_SIZE];
	struct printk *printk;
	char **lines;
	size_t count;
};

static struct error err;
static struct caps caps;
static struct party parties[2];

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	error_clear(&err);
	memset(&caps, 0, sizeof(caps));
	memset(parties, 0, sizeof(parties));
	signal(SIGURG, SIG_IGN);
}

static void party_end(struct party *p)
{
	if (!p->obj.name)
		return;
	link_detach(&p->link);
	acts_note(&p->loaded);
	loaded_fini(&p->loaded);
	printk_close(p->printk);
	load_types_fini(&p->told);
	plan_fini(&p->plan);
	types_fini(&p->types);
	object_fini(&p->obj);
	for (size_t i = 0; i < p->count; i++)
		free(p->lines[i]);
	free(p->lines);
	memset(p, 0, sizeof(*p));
}

static void end(void)
{
	party_end(&parties[0]);
	party_end(&parties[1]);
	caps_fini(&caps);
}

#define OK(call) ck_assert_msg(!(call), "%s\n%.1500s\n%s", err.message, err.detail, err.hint)

/* From the file to the kernel, attached; tagged unless `tag` says no. */
static void party_start(struct party *p, const char *program, bool tag)
{
	struct lower_options how = { .printk = tag ? &p->tagging : NULL };
	struct attach_options attach = { 0 };
	struct load_options options = { 0 };
	struct types_request request = { .obj = &p->obj };
	struct program *prog;
	size_t len;
	char *data = read_whole(FIXTURES "/printk.bpf.o", &len);

	ck_assert_ptr_nonnull(data);
	OK(object_init(&p->obj, "printk", data, len, &err));
	free(data);
	for (size_t i = 0; i < p->obj.programs.len; i++)
		p->obj.programs.at[i].autoload = false;
	prog = object_program(&p->obj, program);
	prog->autoload = true;
	*(uint32_t *)object_global(&p->obj, "only_pid", NULL) = getpid();
	printk_make_tag(p->tag);
	p->tagging.tag = p->tag;
	OK(types_open(&p->types, &request, &err));
	OK(prepare(&p->obj, &p->types, &caps, &how, &p->plan, &err));
	OK(lower_types(&p->obj, &caps, &p->told, &err));
	options.types = &p->told;
	prepare_load(&p->obj, &caps, &options);
	prepare_attach(&caps, &attach);
	p->printk = printk_open(tag ? p->tag : NULL, NULL, &err);
	ck_assert_msg(p->printk != NULL, "%s\n%s", err.message, err.hint);
	OK(load(&p->loaded, &p->obj, &options, &err));
	OK(link_attach(&p->link, &p->loaded, prog - p->obj.programs.at, &attach, &err));
}

/* Reads what is there. */
static void party_read(struct party *p)
{
	struct printk_line line;
	int ret;

	while ((ret = printk_read(p->printk, &line, &err)) > 0) {
		ck_assert_uint_eq(line.tid, gettid_());
		p->lines = realloc(p->lines, (p->count + 1) * sizeof(*p->lines));
		p->lines[p->count++] = strndup(line.text, line.len);
	}
	ck_assert_msg(!ret, "%s", err.message);
}

static void send_signals(int n)
{
	for (int i = 0; i < n; i++)
		raise(SIGURG);
}

/* n lines, numbered from 0 where the format has a number. */
static void expect_lines(struct party *p, size_t n, const char *format)
{
	char expected[2000];

	party_read(p);
	ck_assert_msg(p->count == n, "got %zu lines, expected %zu; first: %s", p->count, n,
		      p->count ? p->lines[0] : "");
	for (size_t i = 0; i < n; i++) {
		snprintf(expected, sizeof(expected), format, (int)i, (int)i + 1, (int)i + 2, (int)i + 3,
			 (int)i + 4);
		ck_assert_str_eq(p->lines[i], expected);
	}
	ck_assert_uint_eq(printk_lost(p->printk), 0);
}

#define LONG_100                                                                             \
	"this is a long text this is a long text this is a long text this is a long text "   \
	"this is a long text "
#define LONG_400 LONG_100 LONG_100 LONG_100 LONG_100

enum { SNPRINTF = 165, VPRINTK = 177 };

static const struct {
	const char *program, *format;
	uint32_t calls;
	uint32_t helper; /* without which this kernel prints no such format */
} prints[] = {
	{ "plain", "plain %d", 1 },
	{ "escaped", "100%% of %d, 5%% of %%d", 1, SNPRINTF },
	{ "on_stack", "on the stack %d", 1 },
	{ "many_arguments", "%d %d %d %d %d", 1, VPRINTK },
	{ "long_line", LONG_400 LONG_400 "%d", 1 },
	{ "two_lines", "one %d\ntwo", 1 },
	{ "from_a_function", "from a function %d", 1 },
};
#define PRINTS ((int)(sizeof(prints) / sizeof(*prints)))

/* "%%" came with the helper that shares the code, 5.13; more than three arguments in 5.16. */
static void need_format(int i)
{
	if (prints[i].helper &&
	    caps_helper(&caps, BPF_PROG_TYPE_TRACEPOINT, prints[i].helper) == CAP_NO)
		skip("formats like those of '%s' (helper %u)", prints[i].program, prints[i].helper);
}

START_TEST(each_sees_its_own_lines_and_all_of_them)
{
	struct party *a = &parties[0], *b = &parties[1];

	need_format(_i);
	party_start(a, prints[_i].program, true);
	party_start(b, "plain", true);
	ck_assert_uint_eq(a->tagging.calls, prints[_i].calls);
	ck_assert_uint_eq(a->tagging.untagged, 0);
	if (printk_consumes(a->printk))
		skip("a place of its own for what is printed (5.9)");
	send_signals(10);
	link_detach(&b->link);
	send_signals(10);
	expect_lines(a, 20, prints[_i].format);
	expect_lines(b, 10, "plain %d");
}
END_TEST

START_TEST(one_of_several_formats_is_tagged)
{
	static const char *const formats[] = { "first %d of three", "second %d", "and the third, %d" };
	struct party *p = &parties[0];
	char expected[64];

	party_start(p, "one_of_several", true);
	ck_assert_uint_eq(p->tagging.untagged, 0);
	send_signals(12);
	party_read(p);
	ck_assert_uint_eq(p->count, 12);
	for (int i = 0; i < 12; i++) {
		snprintf(expected, sizeof(expected), formats[i % 3], i);
		ck_assert_str_eq(p->lines[i], expected);
	}
}
END_TEST

START_TEST(format_that_is_made_when_run_is_seen_by_sharing)
{
	struct party *p = &parties[0];
	char expected[64];

	party_start(p, "made_when_run", true);
	ck_assert_uint_eq(p->tagging.calls, 1);
	ck_assert_uint_eq(p->tagging.untagged, 1);
	printk_share(p->printk);
	send_signals(5);
	party_read(p);
	/* Other programs of the machine may have printed in between. */
	for (size_t i = 0, n = 0; n < 5; i++) {
		ck_assert_uint_lt(i, p->count);
		snprintf(expected, sizeof(expected), "made %c when run %zu", (int)('a' + n), n);
		n += !strcmp(p->lines[i], expected);
	}
}
END_TEST

#define FLOOD 3000

START_TEST(none_is_lost_of_thousands)
{
	party_start(&parties[0], "plain", true);
	party_start(&parties[1], "two_lines", true);
	for (int i = 0; i < FLOOD / 100; i++) {
		send_signals(100);
		party_read(&parties[0]);
		party_read(&parties[1]);
	}
	expect_lines(&parties[0], FLOOD, "plain %d");
	expect_lines(&parties[1], FLOOD, "one %d\ntwo");
}
END_TEST

START_TEST(reader_is_woken_by_the_first_line)
{
	struct party *p = &parties[0];
	struct pollfd fd;

	party_start(p, "plain", true);
	fd = (struct pollfd){ .fd = printk_fd(p->printk), .events = POLLIN };
	ck_assert_int_eq(poll(&fd, 1, 50), 0);
	send_signals(1);
	ck_assert_int_eq(poll(&fd, 1, PATIENCE_MS), 1);
	expect_lines(p, 1, "plain %d");
}
END_TEST

START_TEST(line_says_who_and_when)
{
	struct party *p = &parties[0];
	uint64_t before = now_ns(CLOCK_MONOTONIC);
	struct printk_line line;

	prctl(PR_SET_NAME, "a name-12 [1] x");
	party_start(p, "plain", true);
	send_signals(1);
	ck_assert_int_eq(printk_read(p->printk, &line, &err), 1);
	ck_assert_int_eq(line.tid, gettid_());
	ck_assert_str_eq(line.comm, "a name-12 [1] x");
	ck_assert(line.tagged);
	if (!printk_consumes(p->printk)) {
		ck_assert_uint_ge(line.time / 1000, before / 1000);
		ck_assert_uint_le(line.time, (uint64_t)now_ns(CLOCK_MONOTONIC));
	}
	ck_assert_uint_lt(line.cpu, sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

/* ---- what is left behind ---- */

static bool has_instance(pid_t pid)
{
	struct tracefs tracefs;
	char path[64];
	bool has;

	OK(tracefs_open(&tracefs, &err));
	snprintf(path, sizeof(path), "instances/portrace_%d_0", pid);
	has = !faccessat(tracefs.fd, path, F_OK, 0);
	tracefs_close(&tracefs);
	return has;
}

static struct printk *open_own(void)
{
	struct printk *p = printk_open(NULL, NULL, &err);

	ck_assert_msg(p != NULL, "%s\n%s", err.message, err.hint);
	if (printk_consumes(p)) {
		printk_close(p);
		skip("a place of its own for what is printed (5.9)");
	}
	return p;
}

START_TEST(instance_is_gone_afterwards)
{
	struct printk *p = open_own(), *second = open_own();

	ck_assert(has_instance(getpid()));
	printk_close(second);
	ck_assert(has_instance(getpid()));
	printk_close(p);
	ck_assert(!has_instance(getpid()));
}
END_TEST

static int removed_pid;

static void note_removed(void *ctx, const char *name, int pid)
{
	removed_pid = pid == *(pid_t *)ctx ? pid : removed_pid;
}

/* A process that is killed cannot remove its own: the next that comes does, or who sweeps. */
START_TEST(instance_of_the_dead_is_removed)
{
	struct tracefs tracefs;
	struct printk *p;
	pid_t pid;

	printk_close(open_own());
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(printk_open(NULL, NULL, &err) ? 0 : 1);
	ck_assert_int_eq(wait_status(pid), 0);
	ck_assert(has_instance(pid));
	if (_i) {
		OK(tracefs_open(&tracefs, &err));
		printk_sweep(&tracefs, note_removed, &pid);
		tracefs_close(&tracefs);
		ck_assert_int_eq(removed_pid, pid);
	} else {
		p = open_own();
		printk_close(p);
	}
	ck_assert(!has_instance(pid));
}
END_TEST

Suite *printk_suite(void)
{
	Suite *suite = suite_create("printk");
	TCase *tc = live_case(suite, "printk");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, each_sees_its_own_lines_and_all_of_them, 0, PRINTS);
	tcase_add_test(tc, one_of_several_formats_is_tagged);
	tcase_add_test(tc, format_that_is_made_when_run_is_seen_by_sharing);
	tcase_add_test(tc, none_is_lost_of_thousands);
	tcase_add_test(tc, reader_is_woken_by_the_first_line);
	tcase_add_test(tc, line_says_who_and_when);
	tcase_add_test(tc, instance_is_gone_afterwards);
	tcase_add_loop_test(tc, instance_of_the_dead_is_removed, 0, 2);
	return suite;
}
