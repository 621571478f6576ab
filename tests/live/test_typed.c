// SPDX-License-Identifier: GPL-2.0
/* Programs that are told by its type what they are for: cookies, iterators, security hooks. */
#include "tests/live/attached.h"

#include <sys/socket.h>

#include "tests/live/cgroups.h"
#include "util/kernel_version.h"
#include "util/sys.h"

Suite *typed_suite(void);

enum { HITS, SUM, PID, COOKIE }; /* as in typed_attach.bpf.c */

#define TIMES 3

static const struct attach_options plain;

static void begin(void)
{
	subject_begin();
	need_initial_pids();
	signal(SIGURG, SIG_IGN);
}

static void load_typed(const char *program, const char *target)
{
	struct program *prog;

	subject_open("typed_attach");
	prog = subject_want(program);
	if (target)
		prog->target = target;
	subject_load();
	set_seen(PID, getpid());
}

/* ---- cookies ---- */

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

static int protected;

static void protect(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < TIMES; i++)
		protected = mprotect(page, 4096, PROT_NONE) ? errno : 0;
	munmap(page, 4096);
}

static const struct {
	const char *program;
	void (*act)(void);
} with_cookie[] = {
	{ "on_tracepoint", send_signals },
	{ "on_entry", unlink_nothing },
	{ "on_exit", unlink_nothing },
	{ "on_change", protect },
};

/* Programs that ask for one are not loaded by kernels that have none for them. */
static void need_cookies(bool tracepoint)
{
	if (kernel_version() < (tracepoint ? 0x060a00 : 0x051300))
		skip("cookies of these, Linux %s", tracepoint ? "6.10" : "5.19");
}

START_TEST(cookie_is_what_the_program_gets)
{
	struct attach_options options = { .cookie = 0x1122334455667788 };
	struct link *link;

	need_cookies(with_cookie[_i].act == send_signals);
	load_typed(with_cookie[_i].program, NULL);
	if (subject_try_attach(with_cookie[_i].program, &options)) {
		ck_assert_int_eq(subject.err.code, ERROR_UNSUPPORTED);
		skip("cookies of these (%s)", subject.err.hint);
	}
	link = &subject.links[0];
	with_cookie[_i].act();
	ck_assert_uint_eq(seen(HITS), TIMES);
	ck_assert_uint_eq(seen(COOKIE), options.cookie);
	if (with_cookie[_i].act == protect)
		ck_assert_int_eq(protected, EPERM);
	link_detach(link);
	with_cookie[_i].act();
	ck_assert_uint_eq(seen(HITS), TIMES);
	ck_assert_int_eq(protected, 0);
}
END_TEST

/* On a kernel without cookies it matters whether lowering has told the program already. */
START_TEST(cookie_without_links_is_refused_or_known)
{
	struct attach_options options = { .cookie = 0x1122334455667788 };

	need_cookies(false);
	load_typed("on_entry", NULL);
	REFUSE({ BPF_LINK_CREATE });
	ck_assert_int_eq(subject_try_attach("on_entry", &options), -1);
	ck_assert_int_eq(subject.err.code, ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(subject.err.message, "got a cookie, expected none on this kernel"), "%s",
		      subject.err.message);
	object_program(&subject.obj, "on_entry")->cookie = options.cookie;
	subject_attach("on_entry", &options);
	unlink_nothing();
	ck_assert_uint_eq(seen(HITS), TIMES);
	ck_assert_uint_eq(seen(COOKIE), 0);
}
END_TEST

/* ---- iterators ---- */

/* Reads all of it once: how often it found something. */
static uint64_t run_once(const struct link *link)
{
	char text[64];
	int fd = link_run_iter(link, &subject.err);

	ck_assert_msg(fd >= 0, "%s", subject.err.message);
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
	return seen(HITS);
}

START_TEST(elements_of_a_map)
{
	load_typed("on_element", "bpf_map_elem:numbers");
	for (uint32_t i = 0; i < 10; i++) {
		uint64_t square = i * i;

		ck_assert_int_eq(sys_map_update(loaded_map_fd(&subject.loaded, "numbers"), &i, &square),
				 0);
	}
	ck_assert_uint_eq(run_once(subject_attach("on_element", &plain)), 10);
	ck_assert_uint_eq(seen(SUM), 285);
}
END_TEST

START_TEST(map_that_is_not_said_is_told)
{
	load_typed("on_element", NULL);
	ck_assert_int_eq(subject_try_attach("on_element", &plain), -1);
	ck_assert_int_eq(subject.err.code, ERROR_USAGE);
	ck_assert_str_eq(subject.err.message, "typed_attach: program 'on_element': section "
			 "'iter/bpf_map_elem': got no name of a map and 2 to choose from, expected a HASH or "
			 "ARRAY");
	ck_assert_str_eq(subject.err.hint, "say which by --attach on_element=bpf_map_elem:MAP");
}
END_TEST

static void *wait_forever(void *unused)
{
	while (pause())
		;
	return NULL;
}

static int with_threads(void *unused)
{
	pthread_t a, b;

	start_thread(&a, wait_forever, NULL);
	start_thread(&b, wait_forever, NULL);
	say();
	return idle();
}

static void skip_without_parameters(void)
{
	if (subject.err.code == ERROR_UNSUPPORTED)
		skip("%s", subject.err.hint);
	ck_abort_msg("%s\n%s", subject.err.message, subject.err.hint);
}

/* Loop index: 0 by the place, 1 by the target, 2 that in a program that may sleep. */
START_TEST(threads_of_a_process)
{
	struct attach_options options = { .cookie = 0 };
	const char *program = _i == 2 ? "on_task_sleeping" : "on_task";
	struct actor actor;
	static char target[32];

	actor_start(&actor, with_threads, NULL);
	snprintf(target, sizeof(target), "task:%d", actor.pid);
	if (!_i)
		options.place.pid = actor.pid;
	load_typed(program, _i ? target : NULL);
	if (subject_try_attach(program, &options))
		skip_without_parameters();
	ck_assert_uint_eq(run_once(&subject.links[0]), 3);
	actor_end(&actor);
}
END_TEST

START_TEST(cgroup_and_those_below)
{
	struct attach_options options = { .place = { .cgroup = cgroup_path } };
	static char target[128];
	char below[80];

	if (kernel_version() < 0x060100)
		skip("iterators over cgroups, Linux 6.1");
	cgroup_make();
	snprintf(target, sizeof(target), "cgroup:%s", cgroup_path);
	if (_i)
		options.place.cgroup = NULL;
	load_typed("on_cgroup", _i ? target : NULL);
	snprintf(below, sizeof(below), "%s/below", cgroup_path);
	ck_assert_int_eq(mkdir(below, 0700), 0);
	if (subject_try_attach("on_cgroup", &options))
		skip_without_parameters();
	ck_assert_uint_eq(run_once(&subject.links[0]), 2);
	link_detach(&subject.links[0]);
	ck_assert_int_eq(rmdir(below), 0);
	cgroup_remove();
}
END_TEST

START_TEST(parameter_of_what_takes_none_is_told)
{
	load_typed("on_task", "bpf_map:7");
	ck_assert_int_eq(subject_try_attach("on_task", &plain), -1);
	ck_assert_str_eq(subject.err.message, "typed_attach: program 'on_task': 'bpf_map:7': got a parameter, "
			 "expected none for such objects");
}
END_TEST

/* ---- security hooks ---- */

static int make_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), sys = errno;

	if (fd < 0)
		return sys;
	close(fd);
	return 0;
}

START_TEST(security_hook_denies)
{
	const char *program = _i ? "on_sleepable_hook" : "on_hook";
	struct link *link;

	if (_i && kernel_version() < 0x050b00)
		skip("programs that may sleep on this hook, Linux 5.11");
	load_typed(program, NULL);
	if (subject_try_attach(program, &plain)) {
		ck_assert_msg(strstr(subject.err.message, "got a kernel whose security modules in use do not "
				     "include bpf"), "%s", subject.err.message);
		skip("bpf among the kernel's security modules (lsm=)");
	}
	link = &subject.links[0];
	ck_assert_int_eq(make_socket(), EPERM);
	ck_assert_uint_eq(seen(HITS), 1);
	link_detach(link);
	ck_assert_int_eq(make_socket(), 0);
	ck_assert_uint_eq(seen(HITS), 1);
}
END_TEST

Suite *typed_suite(void)
{
	Suite *s = suite_create("typed");
	TCase *c = live_case(s, "typed");

	tcase_add_checked_fixture(c, begin, subject_end);
	tcase_add_loop_test(c, cookie_is_what_the_program_gets, 0, 4);
	tcase_add_test(c, cookie_without_links_is_refused_or_known);
	tcase_add_test(c, elements_of_a_map);
	tcase_add_test(c, map_that_is_not_said_is_told);
	tcase_add_loop_test(c, threads_of_a_process, 0, 3);
	tcase_add_loop_test(c, cgroup_and_those_below, 0, 2);
	tcase_add_test(c, parameter_of_what_takes_none_is_told);
	tcase_add_loop_test(c, security_hook_denies, 0, 2);
	return s;
}
