// SPDX-License-Identifier: GPL-2.0
/* What a user runs into: each with its exit code, its message and the remedy. */
#include "tests/live/harness.h"

#include <linux/capability.h>
#include <sys/mount.h>

Suite *refusals_suite(void);

static int usr1[] = { SIGUSR1, 0 };

static void expect_refused(struct tracer *t, int code, const char *const *words)
{
	tracer_finish(t);
	ck_assert_msg(tracer_exit_code(t) == code, "exit code %d, expected %d: %s",
		      tracer_exit_code(t), code, t->errors);
	ck_assert_msg(!strncmp(t->errors, "portrace: ", 10), "%s", t->errors);
	for (; *words; words++)
		ck_assert_msg(strstr(t->errors, *words) != NULL, "no '%s' in: %s", *words,
			      t->errors);
	ck_assert_int_eq(t->len, 0);
}

#define refused(i, prep, prep_arg, code, word_list, ...)                                     \
	do {                                                                                 \
		struct tracer t_;                                                            \
		tracer_start_with(&t_, &(struct tracer_setup){                               \
					       .transport = transport(i), .prepare = (prep), \
					       .arg = (prep_arg), .no_wait = true },         \
				  "-d", "2", ##__VA_ARGS__, NULL);                           \
		expect_refused(&t_, (code), (const char *const[])word_list);                 \
	} while (0)
#define WORDS(...) { __VA_ARGS__, NULL }

/* ---- permission ---- */

static void become_nobody(void *arg)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(99);
}

static void drop_caps(void *arg)
{
	for (int *cap = arg; *cap >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, *cap, 0, 0, 0))
			_exit(99);
}

START_TEST(not_root)
{
	if (geteuid())
		skip("needs root, to become another");
	refused(_i, become_nobody, NULL, 3, WORDS("hint: ", "root", "CAP_"));
}
END_TEST

START_TEST(without_cap_bpf)
{
	int caps[] = { CAP_SYS_ADMIN, CAP_BPF, -1 };

	need_bpf();
	refused(_i, drop_caps, caps, 3, WORDS("hint: ", "CAP_BPF"));
}
END_TEST

START_TEST(without_cap_perfmon)
{
	int caps[] = { CAP_SYS_ADMIN, CAP_PERFMON, -1 };

	need_bpf();
	refused(_i, drop_caps, caps, 3, WORDS("hint: ", "CAP_PERFMON"));
}
END_TEST

/* The tracer shows one signal to a handler, as ever. */
static void traces_one(const char *name, void (*prepare)(void *), void *arg)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_handles, usr1);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = name, .prepare = prepare,
						      .arg = arg }, NULL);
	kill(a.pid, SIGUSR1);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	e = tracer_only(&t, a.pid, SIGUSR1);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	actor_end(&a);
}

/* Mounting tracefs takes CAP_SYS_ADMIN, so it is there before that goes; for this process alone. */
static void mount_and_drop_caps(void *caps)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mount_tracefs())
		_exit(99);
	drop_caps(caps);
}

static void need_trust(void)
{
	char *text = read_whole("/proc/sys/kernel/perf_event_paranoid", NULL);
	int paranoid = text ? atoi(text) : 0;

	free(text);
	if (paranoid > 2)
		skip("perf_event_paranoid is %d: above 2 this may take CAP_SYS_ADMIN", paranoid);
}

START_TEST(cap_bpf_and_cap_perfmon_do)
{
	int caps[] = { CAP_SYS_ADMIN, CAP_SYS_RESOURCE, -1 };

	need_bpf();
	need_trust();
	traces_one(transport(_i), mount_and_drop_caps, caps);
}
END_TEST

/* As of a file with capabilities: another user, and no more than what is said to be missing. */
static void become_nobody_with_caps(void *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mount_tracefs() || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		_exit(99);
	become_nobody(NULL);
	for (int *cap = caps; *cap >= 0; cap++) {
		data[*cap / 32].permitted |= 1u << *cap % 32;
		data[*cap / 32].effective = data[*cap / 32].inheritable = data[*cap / 32].permitted;
	}
	if (syscall(SYS_capset, &header, data))
		_exit(99);
	for (int *cap = caps; *cap >= 0; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, *cap, 0, 0))
			_exit(99);
}

START_TEST(other_users_need_no_more_than_the_hint_says)
{
	int caps[] = { CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH, -1 };

	need_bpf();
	need_trust();
	if (geteuid())
		skip("needs root, to become another");
	traces_one(transport(_i), become_nobody_with_caps, caps);
}
END_TEST

START_TEST(cap_sys_admin_does)
{
	int caps[] = { CAP_BPF, CAP_PERFMON, -1 };

	traces_one(transport(_i), drop_caps, caps);
}
END_TEST

/* ---- mounts: in a namespace of an actor's, where something is missing ---- */

static int holds_namespace(void *arg)
{
	bool (*hide)(void) = (bool (*)(void))(uintptr_t)arg;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 1;
	if (!hide())
		return 2;
	/* A mount made here by a process that forgets to be private would come back to us. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL))
		return 3;
	return idle();
}

static bool hide_tracefs(void)
{
	while (!umount2("/sys/kernel/tracing", MNT_DETACH))
		;
	while (!umount2("/sys/kernel/debug/tracing", MNT_DETACH))
		;
	while (!umount2("/sys/kernel/debug", MNT_DETACH))
		;
	return true;
}

static bool hide_proc(void)
{
	while (!umount2("/proc", MNT_DETACH))
		;
	return access("/proc/self", F_OK) != 0;
}

static void enter(void *arg)
{
	if (setns(*(int *)arg, CLONE_NEWNS))
		_exit(99);
}

static int open_namespace(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static char *mounts_of(pid_t pid)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	text = read_whole(path, NULL);
	ck_assert_ptr_nonnull(text);
	return text;
}

static void traces_without(const char *name, bool (*hide)(void), const char *hidden)
{
	char *before[2], *during[2], *after[2];
	struct actor holder, a;
	struct tracer t;
	int ns;

	need_bpf();
	actor_start(&holder, holds_namespace, (void *)(uintptr_t)hide);
	ns = open_namespace(holder.pid);
	before[0] = mounts_of(getpid());
	before[1] = mounts_of(holder.pid);
	ck_assert_msg(!strstr(before[1], hidden), "%s is still there", hidden);
	actor_start(&a, actor_handles, usr1);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = name, .prepare = enter,
						      .arg = &ns }, NULL);
	during[0] = mounts_of(getpid());
	during[1] = mounts_of(holder.pid);
	kill(a.pid, SIGUSR1);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	after[0] = mounts_of(getpid());
	after[1] = mounts_of(holder.pid);
	ck_assert_int_eq(tracer_exit_code(&t), 0);
	expect_delivered(tracer_only(&t, a.pid, SIGUSR1), "handler");
	expect_sender(tracer_only(&t, a.pid, SIGUSR1), getpid());
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(before[i], during[i]);
		ck_assert_str_eq(before[i], after[i]);
	}
	actor_end(&a);
	actor_end(&holder);
}

START_TEST(without_tracefs_it_mounts_one_for_itself)
{
	traces_without(transport(_i), hide_tracefs, " - tracefs ");
}
END_TEST

START_TEST(without_proc_it_traces_all_the_same)
{
	traces_without(transport(_i), hide_proc, " - proc ");
}
END_TEST

static void enter_without_rights(void *arg)
{
	int caps[] = { CAP_SYS_ADMIN, -1 };

	enter(arg);
	drop_caps(caps);
}

START_TEST(neither_tracefs_nor_the_right_to_mount_it)
{
	struct actor holder;
	int ns;

	need_bpf();
	actor_start(&holder, holds_namespace, (void *)(uintptr_t)hide_tracefs);
	ns = open_namespace(holder.pid);
	refused(_i, enter_without_rights, &ns, 3, WORDS("tracefs", "hint: ", "CAP_SYS_ADMIN"));
	actor_end(&holder);
}
END_TEST

/* ---- the output ---- */

START_TEST(full_disk)
{
	struct tracer t;
	struct actor a;

	need_bpf();
	actor_start(&a, actor_handles, usr1);
	tracer_start_with(&t, &(struct tracer_setup){ .transport = transport(_i),
						      .no_wait = true },
			  "-o", "/dev/full", NULL);
	/* It may notice at once or with the first line. */
	for (int i = 0; i < 200; i++) {
		siginfo_t info = {};

		waitid(P_PID, t.pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == t.pid)
			break;
		kill(a.pid, SIGUSR1);
		usleep(10000);
	}
	expect_refused(&t, 1, (const char *const[])WORDS("/dev/full", "No space left", "hint: "));
	actor_end(&a);
}
END_TEST

START_TEST(output_that_cannot_be_opened)
{
	refused(_i, NULL, NULL, 1, WORDS("/nowhere/at/all", "No such file"), "-o",
		"/nowhere/at/all");
}
END_TEST

/* ---- the command line ---- */

START_TEST(misspelt_signal)
{
	refused(_i, NULL, NULL, 2, WORDS("TREM", "SIGTERM"), "-s", "TREM");
}
END_TEST

START_TEST(misspelt_option)
{
	refused(_i, NULL, NULL, 2, WORDS("--trnsport", "--transport"), "--trnsport", "ring");
}
END_TEST

START_TEST(misspelt_subcommand)
{
	refused(_i, NULL, NULL, 2, WORDS("sigal", "signal"), "sigal");
}
END_TEST

START_TEST(option_without_its_value)
{
	refused(_i, NULL, NULL, 2, WORDS("--signal"), "--signal");
}
END_TEST

START_TEST(values_that_make_no_sense)
{
	static const char *const pairs[][2] = {
		{ "-p", "0" }, { "-p", "x" }, { "-p", "99999999999" }, { "-s", "0" },
		{ "-s", "65" }, { "-s", "" }, { "-n", "-1" }, { "-d", "5x" }, { "-d", "" },
		{ "--buffer", "0" }, { "--buffer", "abc" }, { "--transport", "smoke" },
		{ "-u", "no-such-user-here" }, { "-c", "a-name-of-more-than-15-bytes" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		refused(_i, NULL, NULL, 2, WORDS("portrace: "), pairs[i][0], pairs[i][1]);
}
END_TEST

START_TEST(help_and_version_need_no_rights)
{
	static const char *const options[] = { "--help", "-h", "--version" };
	struct tracer t;

	for (int i = 0; i < 3; i++) {
		tracer_start_with(&t, &(struct tracer_setup){
					      .prepare = geteuid() ? NULL : become_nobody,
					      .text = true, .no_wait = true },
				  options[i], NULL);
		tracer_finish(&t);
		ck_assert_int_eq(tracer_exit_code(&t), 0);
		ck_assert_str_eq(t.errors, "");
		ck_assert_ptr_nonnull(strstr(t.data, i < 2 ? "Usage: portrace" : "portrace "));
	}
}
END_TEST

Suite *refusals_suite(void)
{
	Suite *s = suite_create("refusals");
	TCase *tc = live_case(s, "refusals");

	loop_both(tc, not_root);
	loop_events(tc, not_root);
	loop_both(tc, without_cap_bpf);
	loop_both(tc, without_cap_perfmon);
	loop_events(tc, without_cap_perfmon);
	loop_both(tc, cap_bpf_and_cap_perfmon_do);
	loop_events(tc, cap_bpf_and_cap_perfmon_do);
	loop_both(tc, other_users_need_no_more_than_the_hint_says);
	loop_events(tc, other_users_need_no_more_than_the_hint_says);
	loop_both(tc, cap_sys_admin_does);
	loop_events(tc, cap_sys_admin_does);
	loop_both(tc, without_tracefs_it_mounts_one_for_itself);
	loop_events(tc, without_tracefs_it_mounts_one_for_itself);
	loop_both(tc, without_proc_it_traces_all_the_same);
	loop_events(tc, without_proc_it_traces_all_the_same);
	loop_all(tc, neither_tracefs_nor_the_right_to_mount_it);
	loop_both(tc, full_disk);
	loop_events(tc, full_disk);
	loop_both(tc, output_that_cannot_be_opened);
	tcase_add_loop_test(tc, misspelt_signal, 0, 1);
	tcase_add_loop_test(tc, misspelt_option, 0, 1);
	tcase_add_loop_test(tc, misspelt_subcommand, 0, 1);
	tcase_add_loop_test(tc, option_without_its_value, 0, 1);
	tcase_add_loop_test(tc, values_that_make_no_sense, 0, 1);
	tcase_add_test(tc, help_and_version_need_no_rights);
	return s;
}
