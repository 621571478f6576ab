// SPDX-License-Identifier: GPL-2.0
/* Every way of attaching, on the running kernel: the program runs, and is gone afterwards. */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "util/sys.h"

Suite *attach_suite(void);

enum { PID, HITS, VALUE, COOKIE }; /* as in attach.bpf.c */

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
	signal(SIGURG, SIG_IGN);
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

/* The fixture with that one program to be loaded. */
static void open_program(const char *name)
{
	char *data;
	size_t len;

	data = read_whole(FIXTURES "/attach.bpf.o", &len);
	ck_assert_ptr_nonnull(data);
	ck_assert_msg(!object_init(&obj, "attach", data, len, &err), "%s", err.message);
	free(data);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = false;
	prog = object_program(&obj, name);
	ck_assert_msg(prog != NULL, "%s", name);
	prog->autoload = true;
}

static int try_load(void)
{
	struct load_options options = { 0 };

	prepare_load(&obj, &caps, &options);
	return load(&loaded, &obj, &options, &err);
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

static void watch_self(void)
{
	uint64_t pid = getpid();
	uint32_t key = PID;

	ck_assert_int_eq(sys_map_update(loaded_map_fd(&loaded, "seen"), &key, &pid), 0);
}

/* What the tests do for programs to see: three times the same. */
#define TIMES 3
#define RESULT 4321

int work_for_probes(int x);

__attribute__((noinline, noclone, used)) int work_for_probes(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

static void send_signals(void)
{
	for (int i = 0; i < TIMES; i++)
		raise(SIGURG);
}

static void unlink_nothing(void)
{
	for (int i = 0; i < TIMES; i++)
		syscall(SYS_unlinkat, 77, "no-such-file", 0);
}

static void call_function(void)
{
	for (int i = 0; i < TIMES; i++)
		ck_assert_int_eq(work_for_probes(RESULT - 1), RESULT);
}

/* Attaches, acts, and expects the program to have run as often; and not after detaching. */
static void expect_seen(const struct attach_options *options, void (*act)(void))
{
	ck_assert_msg(!try_attach(options), "%s\n%s", err.message, err.hint);
	watch_self();
	act();
	ck_assert_uint_eq(value_of(HITS), TIMES);
	link_detach(&link_);
	act();
	ck_assert_uint_eq(value_of(HITS), TIMES);
}

static void load_program(const char *name)
{
	open_program(name);
	ck_assert_msg(!try_load(), "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
}

static void need(enum cap cap)
{
	if (caps_ask(&caps, cap) == CAP_NO)
		skip("%s", caps_about(cap));
}

/* Kernels before 4.17 have no event source for kprobes, and the test of that way nothing to do. */
static bool has_source(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	return !access(path, F_OK);
}

static bool has_events(const char *name)
{
	struct tracefs tracefs;
	char file[32];
	bool has;

	snprintf(file, sizeof(file), "%s_events", name);
	ck_assert_msg(!tracefs_open(&tracefs, &err), "%s", err.message);
	has = !faccessat(tracefs.fd, file, F_OK, 0);
	tracefs_close(&tracefs);
	return has;
}

static void need_probes(const char *name)
{
	if (!has_events(name))
		skip("%ss: built with CONFIG_%cPROBE_EVENTS", name, name[0] - 'a' + 'A');
}

/* Some machines forbid what they can do even to root: then there is nothing to attach. */
static void load_typed(const char *name)
{
	open_program(name);
	if (try_load() && err.code == ERROR_PERMISSION)
		skip("trampolines: root has to be allowed to use them (%s)", err.message);
	ck_assert_msg(loaded.object != NULL, "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
}

static const struct attach_options plain;

START_TEST(tracepoint)
{
	load_program("on_tracepoint");
	expect_seen(&plain, send_signals);
	ck_assert_str_eq(link_.target.text, "signal/signal_generate");
}
END_TEST

START_TEST(tracepoint_by_a_link_has_a_cookie)
{
	struct attach_options options = { .perf_links = true, .cookie = 0x1122334455667788 };

	need(CAP_PERF_LINK);
	load_program("on_tracepoint_with_cookie");
	expect_seen(&options, send_signals);
	ck_assert_uint_eq(value_of(COOKIE), options.cookie);
}
END_TEST

START_TEST(cookie_without_links_is_refused)
{
	struct attach_options options = { .cookie = 1 };

	load_program("on_tracepoint");
	ck_assert_int_eq(try_attach(&options), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "attach: program 'on_tracepoint': signal/signal_generate: got a "
			 "cookie, expected none on this kernel");
	ck_assert_str_eq(err.hint, "perf events take a cookie since Linux 5.15");
}
END_TEST

START_TEST(raw_tracepoint)
{
	need(CAP_RAW_TRACEPOINT);
	load_program("on_raw_tracepoint");
	expect_seen(&plain, send_signals);
	ck_assert_uint_eq(value_of(VALUE), SIGURG);
}
END_TEST

/* Loop index of these: the way. */
static const struct attach_options probe_options[] = {
	{ .probes = PROBE_EITHER }, { .probes = PROBE_PMU }, { .probes = PROBE_EVENT },
};

static const struct attach_options *way(int i, const char *source)
{
	need_probes(source);
	if (probe_options[i].probes == PROBE_PMU && !has_source(source))
		skip("an event source '%s'", source);
	return &probe_options[i];
}

START_TEST(kernel_function)
{
	load_program("on_function");
	expect_seen(way(_i, "kprobe"), unlink_nothing);
	ck_assert_uint_eq(value_of(VALUE), 77);
}
END_TEST

START_TEST(return_of_a_kernel_function)
{
	load_program("on_return");
	expect_seen(way(_i, "kprobe"), unlink_nothing);
	ck_assert_int_eq((int32_t)value_of(VALUE), -EBADF);
}
END_TEST

START_TEST(system_call)
{
	load_program("on_syscall");
	expect_seen(way(_i, "kprobe"), unlink_nothing);
}
END_TEST

START_TEST(return_of_a_system_call)
{
	load_program("on_syscall_return");
	expect_seen(way(_i, "kprobe"), unlink_nothing);
	ck_assert_int_eq((int32_t)value_of(VALUE), -EBADF);
}
END_TEST

START_TEST(typed_tracepoint)
{
	need(CAP_TRACING);
	load_program("on_typed_tracepoint");
	expect_seen(&plain, send_signals);
	ck_assert_uint_eq(value_of(VALUE), SIGURG);
	ck_assert_str_eq(link_.target.text, "signal_generate");
}
END_TEST

START_TEST(entry_of_a_function)
{
	need(CAP_TRAMPOLINE);
	load_typed("on_entry");
	expect_seen(&plain, unlink_nothing);
	ck_assert_uint_eq(value_of(VALUE), 77);
}
END_TEST

START_TEST(entry_of_a_function_has_a_cookie)
{
	struct attach_options options = { .cookie = 0x1122334455667788 };

	need(CAP_TRAMPOLINE);
	open_program("on_entry_with_cookie");
	if (try_load() || try_attach(&options)) {
		ck_assert_msg(err.code != ERROR_SYSTEM, "%s", err.message);
		skip("cookies of programs on functions (5.19): %.200s", err.message);
	}
	link_detach(&link_);
	expect_seen(&options, unlink_nothing);
	ck_assert_uint_eq(value_of(COOKIE), options.cookie);
}
END_TEST

START_TEST(exit_of_a_function)
{
	need(CAP_TRAMPOLINE);
	load_typed("on_exit");
	expect_seen(&plain, unlink_nothing);
	ck_assert_int_eq((int32_t)value_of(VALUE), -EBADF);
}
END_TEST

START_TEST(user_function)
{
	load_program("on_user_function");
	prog->target = "/proc/self/exe:work_for_probes";
	expect_seen(way(_i, "uprobe"), call_function);
	ck_assert_int_eq((int32_t)value_of(VALUE), RESULT - 1);
}
END_TEST

START_TEST(return_of_a_user_function)
{
	load_program("on_user_return");
	prog->target = "/no/such/file:x|/proc/self/exe:no_such_function|/proc/self/exe:work_for_probes";
	prog->target += _i ? 0 : strlen("/no/such/file:x|");
	if (_i) {
		ck_assert_int_eq(try_attach(&plain), -1);
		ck_assert_str_eq(err.message, "attach: program 'on_user_return': section "
				 "'uretprobe/SELF:work_for_probes': /no/such/file: No such file or directory");
		return;
	}
	expect_seen(&plain, call_function);
	ck_assert_int_eq((int32_t)value_of(VALUE), RESULT);
}
END_TEST

/* ---- names ---- */

static void expect_target(const char *name, const char *target)
{
	open_program(name);
	prog->target = target;
	if (try_load() && err.code == ERROR_PERMISSION)
		skip("trampolines: root has to be allowed to use them (%s)", err.message);
	ck_assert_msg(loaded.object != NULL, "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
	expect_seen(&plain, unlink_nothing);
}

START_TEST(first_function_that_is_there_is_taken)
{
	need_probes("kprobe");
	expect_target("on_function", "no_such_function|do_unlinkat|vfs_read");
	ck_assert_msg(!strcmp(link_.target.text, "do_unlinkat") ||
		      !strcmp(link_.target.text, "filename_unlinkat"), "%s", link_.target.text);
}
END_TEST

START_TEST(function_is_found_by_the_name_it_has_on_other_kernels)
{
	need_probes("kprobe");
	expect_target("on_function", _i ? "filename_unlinkat" : "do_unlinkat");
}
END_TEST

START_TEST(typed_function_is_found_by_the_name_it_has_on_other_kernels)
{
	need(CAP_TRAMPOLINE);
	expect_target("on_entry", _i ? "filename_unlinkat" : "do_unlinkat");
}
END_TEST

START_TEST(offset_into_a_function)
{
	need_probes("kprobe");
	expect_target("on_function", "do_unlinkat+0x0|filename_unlinkat+0x0");
	ck_assert_msg(strstr(link_.target.text, "+0x0"), "%s", link_.target.text);
}
END_TEST

static void expect_refused(enum error_code code, const char *message, const char *hint)
{
	ck_assert_int_eq(err.code, code);
	ck_assert_str_eq(err.message, message);
	ck_assert_msg(strstr(err.hint, hint), "%s", err.hint);
	ck_assert_int_eq(link_.fd, -1);
	ck_assert_str_eq(link_.probe.name, "");
}

START_TEST(function_that_is_not_there_is_told)
{
	load_program("on_function");
	prog->target = "no_such_function|nor_this";
	ck_assert_int_eq(try_attach(way(_i, "kprobe")), -1);
	expect_refused(ERROR_UNSUPPORTED, "attach: program 'on_function': kernel function "
		       "'no_such_function|nor_this': got none of that name, expected one that this kernel "
		       "has", "it may have another name on this kernel, be inlined");
}
END_TEST

START_TEST(tracepoint_that_is_not_there_is_told)
{
	load_program("on_tracepoint");
	prog->target = "signal/signal_sneezed";
	ck_assert_int_eq(try_attach(&plain), -1);
	expect_refused(ERROR_UNSUPPORTED, "attach: program 'on_tracepoint': tracepoint "
		       "'signal/signal_sneezed': got none of that name, expected one that this kernel has",
		       "it was renamed");
}
END_TEST

START_TEST(type_that_is_not_there_is_told_when_loading)
{
	need(CAP_TRACING);
	open_program("on_entry");
	prog->target = "no_such_function|nor_this";
	ck_assert_int_eq(try_load(), -1);
	expect_refused(ERROR_UNSUPPORTED, "attach: program 'on_entry': section 'fentry/do_unlinkat': got a "
		       "target that is not there, expected one of type 'no_such_function|nor_this' in the "
		       "kernel's types", "several names are tried in their order: fentry/ONE|OTHER");
}
END_TEST

START_TEST(program_without_a_target_is_told)
{
	load_program("on_function");
	prog->target = "";
	ck_assert_int_eq(try_attach(&plain), -1);
	expect_refused(ERROR_USAGE, "attach: program 'on_function': section 'kprobe/do_unlinkat': got no "
		       "target, expected kprobe/NAME", "");
}
END_TEST

START_TEST(kind_that_is_not_attached_by_name_is_told)
{
	static const struct section_kind none = { .name = "none" };

	load_program("on_function");
	prog->kind = &none;
	ck_assert_int_eq(try_attach(&plain), -1);
	expect_refused(ERROR_UNSUPPORTED, "attach: program 'on_function': section 'kprobe/do_unlinkat': got "
		       "a kind of program that is not attached by its name, expected a tracing one", "");
}
END_TEST

/* ---- a program in another's place ---- */

static uint32_t run(int prog_fd)
{
	static uint8_t packet[64];
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = prog_fd;
	attr.test.data_in = (uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	ck_assert_int_eq(sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}

static void load_fixture(const char *name, struct object *o, struct loaded *l, int replaced)
{
	struct load_options options = { .replaced = replaced };
	struct load_types told;
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	data = read_whole(path, &len);
	ck_assert_msg(data && !object_init(o, name, data, len, &err), "%s", err.message);
	free(data);
	ck_assert_int_eq(lower_types(o, &caps, &told, &err), 0);
	options.types = &told;
	prepare_load(o, &caps, &options);
	if (load(l, o, &options, &err) && err.code == ERROR_PERMISSION)
		skip("trampolines: root has to be allowed to use them (%s)", err.message);
	ck_assert_msg(l->object != NULL, "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
	load_types_fini(&told);
}

START_TEST(function_of_another_program_is_replaced)
{
	struct object first;
	struct loaded under;

	need(CAP_TRAMPOLINE);
	need(CAP_BTF_FUNC_GLOBAL);
	load_fixture("replaced", &first, &under, 0);
	load_fixture("replacing", &obj, &loaded, under.prog_fds[0]);
	prog = &obj.programs.at[0];
	ck_assert_uint_eq(run(under.prog_fds[0]), 65);
	ck_assert_msg(!try_attach(&plain), "%s", err.message);
	ck_assert_str_eq(link_.target.text, "decide");
	ck_assert_uint_eq(run(under.prog_fds[0]), 1064);
	link_detach(&link_);
	ck_assert_uint_eq(run(under.prog_fds[0]), 65);
	loaded_fini(&under);
	object_fini(&first);
}
END_TEST

START_TEST(program_that_would_replace_nothing_is_told)
{
	struct load_options options = { 0 };
	char *data;
	size_t len;

	data = read_whole(FIXTURES "/replacing.bpf.o", &len);
	ck_assert_int_eq(object_init(&obj, "replacing", data, len, &err), 0);
	free(data);
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_USAGE);
	ck_assert_str_eq(err.message, "replacing: program 'decide_anew': section "
			 "'freplace/no_such_function|decide': got no program whose function it would replace, "
			 "expected one");
}
END_TEST

/* ---- what is left behind ---- */

/* Whether some event that is defined as `process` would has the name. */
static bool is_defined(pid_t process)
{
	struct tracefs tracefs;
	char events[16384] = "", name[64];

	snprintf(name, sizeof(name), ":portrace/portrace_%d_", process);
	ck_assert_int_eq(tracefs_open(&tracefs, &err), 0);
	ck_assert_int_ge(sys_read_file(tracefs.fd, "uprobe_events", events, sizeof(events)), 0);
	tracefs_close(&tracefs);
	return strstr(events, name);
}

static const struct attach_options by_event = { .probes = PROBE_EVENT };

static void load_user_program(void)
{
	need_probes("uprobe");
	load_program("on_user_function");
	prog->target = "/proc/self/exe:work_for_probes";
}

START_TEST(event_is_there_while_attached_and_removed_after)
{
	load_user_program();
	ck_assert_msg(!try_attach(&by_event), "%s", err.message);
	ck_assert(is_defined(getpid()));
	link_detach(&link_);
	ck_assert(!is_defined(getpid()));
}
END_TEST

START_TEST(event_is_removed_where_attaching_fails)
{
	int *fd, saved;

	load_user_program();
	fd = &loaded.prog_fds[prog - obj.programs.at];
	saved = *fd;
	*fd = -1;
	ck_assert_int_eq(try_attach(&by_event), -1);
	*fd = saved;
	ck_assert_int_eq(err.sys, EBADF);
	ck_assert(!is_defined(getpid()));
}
END_TEST

/* A process that is killed cannot remove its own: the next that comes does. */
START_TEST(events_of_the_dead_are_removed)
{
	pid_t pid;

	load_user_program();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(try_attach(&by_event) ? 1 : 0);
	ck_assert_int_eq(wait_status(pid), 0);
	ck_assert(is_defined(pid));
	ck_assert_msg(!try_attach(&by_event), "%s", err.message);
	ck_assert(!is_defined(pid));
}
END_TEST

Suite *attach_suite(void)
{
	Suite *s = suite_create("attach");
	TCase *c = tcase_create("attach");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, tracepoint);
	tcase_add_test(c, tracepoint_by_a_link_has_a_cookie);
	tcase_add_test(c, cookie_without_links_is_refused);
	tcase_add_test(c, raw_tracepoint);
	tcase_add_loop_test(c, kernel_function, 0, 3);
	tcase_add_loop_test(c, return_of_a_kernel_function, 0, 3);
	tcase_add_loop_test(c, system_call, 0, 3);
	tcase_add_loop_test(c, return_of_a_system_call, 0, 3);
	tcase_add_test(c, typed_tracepoint);
	tcase_add_test(c, entry_of_a_function);
	tcase_add_test(c, exit_of_a_function);
	tcase_add_test(c, entry_of_a_function_has_a_cookie);
	tcase_add_loop_test(c, user_function, 0, 3);
	tcase_add_loop_test(c, return_of_a_user_function, 0, 2);
	tcase_add_test(c, first_function_that_is_there_is_taken);
	tcase_add_loop_test(c, function_is_found_by_the_name_it_has_on_other_kernels, 0, 2);
	tcase_add_loop_test(c, typed_function_is_found_by_the_name_it_has_on_other_kernels, 0, 2);
	tcase_add_test(c, offset_into_a_function);
	tcase_add_loop_test(c, function_that_is_not_there_is_told, 0, 3);
	tcase_add_test(c, tracepoint_that_is_not_there_is_told);
	tcase_add_test(c, type_that_is_not_there_is_told_when_loading);
	tcase_add_test(c, program_without_a_target_is_told);
	tcase_add_test(c, kind_that_is_not_attached_by_name_is_told);
	tcase_add_test(c, function_of_another_program_is_replaced);
	tcase_add_test(c, program_that_would_replace_nothing_is_told);
	tcase_add_test(c, event_is_there_while_attached_and_removed_after);
	tcase_add_test(c, event_is_removed_where_attaching_fails);
	tcase_add_test(c, events_of_the_dead_are_removed);
	suite_add_tcase(s, c);
	return s;
}
