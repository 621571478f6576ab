// SPDX-License-Identifier: GPL-2.0
/* Programs on many functions at once, and what else names of functions in files can be. */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "util/sys.h"

Suite *many_suite(void);

enum { PID, HITS, SUM, COOKIES }; /* as in many.bpf.c */

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct link link_;
static struct caps caps;
static struct program *prog;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	error_clear(&err);
	memset(&caps, 0, sizeof(caps));
	memset(&loaded, 0, sizeof(loaded));
	memset(&link_, 0, sizeof(link_));
	link_.fd = -1;
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
}

static void open_program(const char *name, const char *target)
{
	char *data;
	size_t len;

	data = read_whole(FIXTURES "/many.bpf.o", &len);
	ck_assert_ptr_nonnull(data);
	ck_assert_msg(!object_init(&obj, "many", data, len, &err), "%s", err.message);
	free(data);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = false;
	prog = object_program(&obj, name);
	ck_assert_msg(prog != NULL, "%s", name);
	prog->autoload = true;
	if (target)
		prog->target = target;
}

/* What the loader asks of the kernel beforehand, as far as it is about attaching to many. */
static int try_load(void)
{
	struct load_options options = { 0 };
	struct plan plan = { .steps = { 0 } };
	int ret = lower_multi(&obj, &caps, &plan, &err);

	plan_fini(&plan);
	if (ret)
		return ret;
	prepare_load(&obj, &caps, &options);
	return load(&loaded, &obj, &options, &err);
}

static void load_program(const char *name, const char *target)
{
	open_program(name, target);
	ck_assert_msg(!try_load(), "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
}

static int try_attach(const struct attach_options *options)
{
	return link_attach(&link_, &loaded, prog - obj.programs.at, options, &err);
}

static uint64_t value_of(uint32_t key)
{
	uint64_t value = 0;

	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "seen"), &key, &value), 0);
	return value;
}

static void watch(pid_t pid)
{
	uint64_t value = pid;
	uint32_t key = PID;

	ck_assert_int_eq(sys_map_update(loaded_map_fd(&loaded, "seen"), &key, &value), 0);
}

static bool need(enum cap cap)
{
	if (caps_ask(&caps, cap) == CAP_NO)
		skip("%s", caps_about(cap));
	return true;
}

/* ---- what they see ---- */

int many_one(int x);
int many_two(int x);
int many_three(int x);

#define FUNCTION(name, add)                                                                  \
	__attribute__((noinline, noclone, used)) int name(int x)                             \
	{                                                                                    \
		__asm__ volatile("" : "+r"(x));                                              \
		return x + (add);                                                            \
	}
FUNCTION(many_one, 1)
FUNCTION(many_two, 2)
FUNCTION(many_three, 3)

/* Of those that match many_t*: 5 calls, with 10, 10, 20, 20, 20. */
enum { CALLS = 5, GIVEN = 80, RETURNED = 10 + 10 + 2 * 2 + 20 * 3 + 3 * 3 };

static void call_all(void)
{
	many_one(1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(many_two(10), 12);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(many_three(20), 23);
}

#define UNLINKS 7

static void unlink_nothing(void)
{
	for (int i = 0; i < UNLINKS; i++)
		syscall(SYS_unlinkat, 77, "no-such-file", 0);
}

/* Attaches, acts, and expects so many runs with that sum; no more after detaching. */
static void expect_seen(const struct attach_options *options, void (*act)(void), uint64_t hits,
			uint64_t sum)
{
	ck_assert_msg(!try_attach(options), "%s\n%s", err.message, err.hint);
	watch(getpid());
	act();
	ck_assert_uint_eq(value_of(HITS), hits);
	ck_assert_uint_eq(value_of(SUM), sum);
	link_detach(&link_);
	act();
	ck_assert_uint_eq(value_of(HITS), hits);
}

static const struct attach_options plain;

/* ---- programs and libraries ---- */

#define MANY "/proc/self/exe:many_t*"

static void expect_link(const char *where)
{
	if (caps_ask(&caps, CAP_UPROBE_MULTI) == CAP_YES)
		ck_assert_str_eq(link_.way, "link");
	else
		ck_assert_str_eq(link_.way, "perf events");
	ck_assert_str_eq(link_.where, where);
}

START_TEST(user_functions_that_match)
{
	load_program("user_entries", MANY);
	expect_seen(&plain, call_all, CALLS, GIVEN);
	expect_link(MANY " (2 functions)");
}
END_TEST

START_TEST(returns_of_user_functions_that_match)
{
	load_program("user_returns", MANY);
	expect_seen(&plain, call_all, CALLS, RETURNED);
	expect_link(MANY " (2 functions)");
}
END_TEST

START_TEST(sleepable_program_on_user_functions_that_match)
{
	need(CAP_UPROBE_MULTI);
	load_program("user_entries_sleepable", MANY);
	expect_seen(&plain, call_all, CALLS, GIVEN);
}
END_TEST

START_TEST(user_functions_that_match_have_a_cookie)
{
	struct attach_options options = { .cookie = 1000, .perf_links = true };

	need(CAP_PERF_LINK);
	load_program("user_entries_with_cookie", MANY);
	expect_seen(&options, call_all, CALLS, GIVEN);
	ck_assert_uint_eq(value_of(COOKIES), CALLS * 1000);
}
END_TEST

/* As on a kernel that knows no links to many, and is not told of their attach type. */
START_TEST(user_functions_are_attached_to_one_by_one_where_there_is_no_link)
{
	struct attach_options options = { .probes = _i ? PROBE_EVENT : PROBE_EITHER };

	open_program("user_entries", MANY);
	prog->kind = section_kind("uprobe.each/x");
	ck_assert_msg(!try_load(), "%s\n%.1500s", err.message, err.detail);
	expect_seen(&options, call_all, CALLS, GIVEN);
	ck_assert_str_eq(link_.way, "perf events");
	ck_assert_str_eq(link_.where, MANY " (2 functions)");
}
END_TEST

START_TEST(more_user_functions_than_go_one_by_one_are_refused)
{
	open_program("user_entries", "/proc/self/exe:*");
	prog->kind = section_kind("uprobe.each/x");
	ck_assert_int_eq(try_load(), 0);
	ck_assert_int_eq(try_attach(&plain), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "expected at most 64 where each is attached to by itself"), "%s",
		      err.message);
}
END_TEST

/* Loop index: sleepable. */
START_TEST(session_runs_on_entry_and_return)
{
	open_program(_i ? "user_session_sleepable" : "user_session", MANY);
	if (try_load() || try_attach(&plain)) {
		ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
		ck_assert_msg(strstr(err.hint, "for uprobe.multi/ and one for uretprobe.multi/"), "%s", err.hint);
		skip("sessions of uprobes (6.13)");
	}
	link_detach(&link_);
	expect_seen(&plain, call_all, CALLS * 2, 0);
}
END_TEST

START_TEST(session_that_says_so_runs_on_entry_alone)
{
	open_program("user_session_entries", MANY);
	if (try_load() || try_attach(&plain))
		skip("sessions of uprobes (6.13)");
	link_detach(&link_);
	expect_seen(&plain, call_all, CALLS, 0);
}
END_TEST

static int call_when_told(void *arg)
{
	say();
	while (hear()) {
		for (int i = 0; i < 2; i++)
			many_one(100), many_two(100);
		say();
	}
	return 0;
}

/* Loop index: by a link to many, by a perf event alone, by an event of tracefs. */
START_TEST(only_the_process_that_was_named_is_seen)
{
	struct attach_options options = { .probes = _i == 2 ? PROBE_EVENT : PROBE_EITHER };
	struct actor a;

	actor_start(&a, call_when_told, NULL);
	load_program(_i ? "user_one" : "user_entries", _i ? "/proc/self/exe:many_one" : MANY);
	options.place.pid = a.pid;
	ck_assert_msg(!try_attach(&options), "%s\n%s", err.message, err.hint);
	watch(0);
	call_all();
	ck_assert_uint_eq(value_of(HITS), 0);
	actor_step(&a);
	ck_assert_uint_eq(value_of(HITS), 2);
	ck_assert_uint_eq(value_of(SUM), 200);
	actor_end(&a);
}
END_TEST

/* Loop index: the target. */
static const char *const in_libc[] = {
	"libc.so.6:getppid", "libc.so.6:getppid@NO_SUCH_VERSION|libc.so.6:getppid",
#ifdef __x86_64__
	"libc.so.6:getppid@GLIBC_2.2.5", "libc.so.6:getppid@@GLIBC_2.2.5",
#endif
};

START_TEST(library_is_found_by_its_name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool has = false;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		has |= strstr(line, "/libc.so.6") != NULL;
	fclose(maps);
	if (!has)
		skip("a libc that is a library: it is linked statically here");
	load_program("user_one", in_libc[_i]);
	ck_assert_msg(!try_attach(&plain), "%s\n%s", err.message, err.hint);
	watch(getpid());
	for (int i = 0; i < 3; i++)
		getppid();
	ck_assert_uint_eq(value_of(HITS), 3);
}
END_TEST

static void expect_refused(enum error_code code, const char *message, const char *hint)
{
	ck_assert_int_eq(err.code, code);
	ck_assert_str_eq(err.message, message);
	ck_assert_msg(strstr(err.hint, hint), "%s", err.hint);
	ck_assert_int_eq(link_.fd, -1);
	ck_assert_uint_eq(link_.others.len, 0);
}

START_TEST(pattern_that_matches_nothing_is_told)
{
	load_program("user_entries", "/proc/self/exe:no_such_*");
	ck_assert_int_eq(try_attach(&plain), -1);
	expect_refused(ERROR_UNSUPPORTED, "many: program 'user_entries': functions of a program or library "
		       "'/proc/self/exe:no_such_*': got none of that name, expected one that this kernel has",
		       "it may be stripped of its symbols");
}
END_TEST

START_TEST(library_that_is_not_there_is_told)
{
	load_program("user_one", "libportrace-no-such.so.1:f");
	ck_assert_int_eq(try_attach(&plain), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
}
END_TEST

/* ---- the kernel ---- */

#define UNLINKAT "do_unlinka?|filename_unlinka?"

static void need_kernel_functions(void)
{
	struct tracefs tracefs;
	bool kprobes, list;

	ck_assert_msg(!tracefs_open(&tracefs, &err), "%s", err.message);
	kprobes = !faccessat(tracefs.fd, "kprobe_events", F_OK, 0);
	list = !faccessat(tracefs.fd, "available_filter_functions", F_OK, 0);
	tracefs_close(&tracefs);
	if (!kprobes)
		skip("kprobes: built with CONFIG_KPROBE_EVENTS");
	if (!list)
		skip("a list of functions: built with CONFIG_DYNAMIC_FTRACE");
}

START_TEST(kernel_functions_that_match)
{
	need_kernel_functions();
	load_program("kernel_entries", UNLINKAT);
	expect_seen(&plain, unlink_nothing, UNLINKS, UNLINKS * 77);
	ck_assert_str_eq(link_.way, caps_ask(&caps, CAP_KPROBE_MULTI) == CAP_YES ? "link" : "perf events");
	ck_assert_msg(strstr(link_.where, "_unlinka? (1 function)"), "%s", link_.where);
}
END_TEST

START_TEST(returns_of_kernel_functions_that_match)
{
	need_kernel_functions();
	load_program("kernel_returns", UNLINKAT);
	expect_seen(&plain, unlink_nothing, UNLINKS, UNLINKS * EBADF);
}
END_TEST

START_TEST(kernel_functions_that_match_have_a_cookie)
{
	struct attach_options options = { .cookie = 1000, .perf_links = true };

	need_kernel_functions();
	need(CAP_PERF_LINK);
	load_program("kernel_entries_with_cookie", UNLINKAT);
	expect_seen(&options, unlink_nothing, UNLINKS, UNLINKS * 77);
	ck_assert_uint_eq(value_of(COOKIES), UNLINKS * 1000);
}
END_TEST

START_TEST(kernel_session_runs_on_entry_and_return)
{
	need_kernel_functions();
	open_program("kernel_session", UNLINKAT);
	if (try_load() || try_attach(&plain)) {
		ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
		ck_assert_msg(strstr(err.hint, "for kprobe.multi/ and one for kretprobe.multi/"), "%s", err.hint);
		skip("sessions of kprobes (6.10)");
	}
	link_detach(&link_);
	expect_seen(&plain, unlink_nothing, UNLINKS * 2, 0);
}
END_TEST

/* More than are attached one by one. */
START_TEST(hundreds_of_kernel_functions)
{
	unsigned int count;

	need_kernel_functions();
	load_program("kernel_entries", "vfs_*");
	if (try_attach(&plain)) {
		ck_assert_int_eq(caps_ask(&caps, CAP_KPROBE_MULTI), CAP_NO);
		ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
		ck_assert_msg(strstr(err.message, "expected at most 64 where"), "%s", err.message);
		return;
	}
	ck_assert_str_eq(link_.way, "link");
	ck_assert_msg(sscanf(link_.where, "vfs_* (%u functions)", &count) == 1 && count > 64, "%s",
		      link_.where);
	watch(getpid());
	ck_assert_int_eq(access("/no-such-file", F_OK), -1);
	close(open("/proc/self/stat", O_RDONLY | O_CLOEXEC)); /* vfs_open */
	ck_assert_uint_ge(value_of(HITS), 1);
}
END_TEST

static const struct {
	const char *program, *target;
	unsigned int times;
} typed[] = {
	{ "typed_entries", UNLINKAT, 1 },
	{ "typed_exits", UNLINKAT, 1 },
	{ "typed_sessions", UNLINKAT, 2 },
	/* Few functions let a program sleep: those of system calls do. */
	{ "typed_entries_sleepable", "__x64_sys_unlinka?|__arm64_sys_unlinka?|__s390x_sys_unlinka?", 1 },
};

START_TEST(typed_functions_that_match)
{
	open_program(typed[_i].program, typed[_i].target);
	if (try_load() || try_attach(&plain)) {
		ck_assert_msg(err.code == ERROR_UNSUPPORTED || err.code == ERROR_PERMISSION ||
			      err.code == ERROR_VERIFIER, "%s", err.message);
		skip("%s: programs on many functions by their types (7.2): %.200s", typed[_i].program,
		     err.message);
	}
	link_detach(&link_);
	expect_seen(&plain, unlink_nothing, UNLINKS * typed[_i].times, 0);
	ck_assert_str_eq(link_.way, "link");
}
END_TEST

START_TEST(typed_session_runs_on_entry_and_exit)
{
	open_program("typed_session", NULL);
	if (try_load() || try_attach(&plain)) {
		ck_assert_msg(err.code == ERROR_UNSUPPORTED || err.code == ERROR_PERMISSION ||
			      err.code == ERROR_VERIFIER, "%s", err.message);
		skip("fsession (7.0): %.200s", err.message);
	}
	link_detach(&link_);
	expect_seen(&plain, unlink_nothing, UNLINKS * 2, 0);
}
END_TEST

Suite *many_suite(void)
{
	Suite *suite = suite_create("many");
	TCase *user = live_case(suite, "user"), *kernel = live_case(suite, "kernel");

	tcase_add_checked_fixture(user, begin, end);
	tcase_add_checked_fixture(kernel, begin, end);
	tcase_add_test(user, user_functions_that_match);
	tcase_add_test(user, returns_of_user_functions_that_match);
	tcase_add_test(user, sleepable_program_on_user_functions_that_match);
	tcase_add_test(user, user_functions_that_match_have_a_cookie);
	tcase_add_loop_test(user, user_functions_are_attached_to_one_by_one_where_there_is_no_link, 0, 2);
	tcase_add_test(user, more_user_functions_than_go_one_by_one_are_refused);
	tcase_add_loop_test(user, session_runs_on_entry_and_return, 0, 2);
	tcase_add_test(user, session_that_says_so_runs_on_entry_alone);
	tcase_add_loop_test(user, only_the_process_that_was_named_is_seen, 0, 3);
	tcase_add_loop_test(user, library_is_found_by_its_name, 0,
			    sizeof(in_libc) / sizeof(*in_libc));
	tcase_add_test(user, pattern_that_matches_nothing_is_told);
	tcase_add_test(user, library_that_is_not_there_is_told);
	tcase_add_test(kernel, kernel_functions_that_match);
	tcase_add_test(kernel, returns_of_kernel_functions_that_match);
	tcase_add_test(kernel, kernel_functions_that_match_have_a_cookie);
	tcase_add_test(kernel, kernel_session_runs_on_entry_and_return);
	tcase_add_test(kernel, hundreds_of_kernel_functions);
	tcase_add_loop_test(kernel, typed_functions_that_match, 0, 4);
	tcase_add_test(kernel, typed_session_runs_on_entry_and_exit);
	return suite;
}
