// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels that refuse, played on this one: a seccomp filter answers a system call with an
 * errno, a mount namespace of the tracer's own hides or makes a file.
 */
#include "tests/live/harness.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/mount.h>

Suite *absence_suite(void);

struct answer {
	int call, number;
};

static void answer_with(void *arg)
{
	const struct answer *answer = arg;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, answer->call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer->number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(99);
}

/* An empty file system over a directory, seen by this process and its children only. */
static void cover(const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, NULL))
		_exit(99);
}

static void hide_proc(void *arg)
{
	cover("/proc");
}

static void lock_down(void *arg)
{
	struct answer answer = { SYS_perf_event_open, EPERM };
	int fd;

	cover("/sys/kernel/security");
	fd = open("/sys/kernel/security/lockdown", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "none integrity [confidentiality]\n", 33) != 33)
		_exit(99);
	answer_with(&answer);
}

/* As Debian's kernels are: without CAP_SYS_ADMIN, perf_event_paranoid 3 lets nobody trace. */
static void be_paranoid(void *arg)
{
	struct answer answer = { SYS_perf_event_open, EACCES };
	char path[] = "/tmp/test_absence.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "3\n", 2) != 2 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(path, "/proc/sys/kernel/perf_event_paranoid", NULL, MS_BIND, NULL) ||
	    !mount_tracefs() ||
	    unlink(path) || close(fd))
		_exit(99);
	answer_with(&answer);
	if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0))
		_exit(99);
}

static struct tracer tracer;

static void begin(void)
{
	need_bpf();
	need_initial_pids();
	memset(shared, 0, sizeof(*shared));
}

/* Starts it under those conditions, expects it to give up with that code and these words. */
static void refused(const char *transport_name, void (*prepare)(void *), void *arg, int code,
		    const char *message, const char *hint)
{
	struct tracer_setup setup = {
		.transport = transport_name, .prepare = prepare, .arg = arg, .no_wait = true,
	};

	tracer_start_with(&tracer, &setup, NULL);
	tracer_finish(&tracer);
	ck_assert_int_eq(tracer_exit_code(&tracer), code);
	ck_assert_msg(strstr(tracer.errors, message), "%.800s", tracer.errors);
	ck_assert_msg(strstr(tracer.errors, hint), "%.800s", tracer.errors);
	ck_assert_uint_eq(tracer.count, 0);
}

START_TEST(kernel_without_bpf)
{
	struct answer answer = { SYS_bpf, ENOSYS };

	refused(transport(_i), answer_with, &answer, 4, "bpf(2): Function not implemented",
		"CONFIG_BPF_SYSCALL");
}
END_TEST

START_TEST(bpf_forbidden_by_more_than_capabilities)
{
	struct answer answer = { SYS_bpf, EPERM };

	refused(transport(_i), answer_with, &answer, 3, "Operation not permitted",
		"no capability is missing");
}
END_TEST

START_TEST(kernel_without_perf_events)
{
	struct answer answer = { SYS_perf_event_open, ENOSYS };

	refused("ring", answer_with, &answer, 4, "perf_event_open: Function not implemented",
		"CONFIG_PERF_EVENTS");
}
END_TEST

START_TEST(locked_down_kernel)
{
	refused("ring", lock_down, NULL, 3, "perf_event_open: Operation not permitted",
		"locked down");
}
END_TEST

START_TEST(paranoid_kernel)
{
	refused("ring", be_paranoid, NULL, 3, "perf_event_open: Permission denied",
		"sysctl kernel.perf_event_paranoid=2");
}
END_TEST

/* ---- without BPF, by perf events ---- */

/* It shows one signal to a handler, and says what it does without, and why. */
static void traces_without_bpf(void (*prepare)(void *), void *arg, const char *why)
{
	struct tracer_setup setup = { .prepare = prepare, .arg = arg, .no_bpf = true };
	int usr1[] = { SIGUSR1, 0 };
	const struct event *e;
	struct actor a;

	actor_start(&a, actor_handles, usr1);
	tracer_start_with(&tracer, &setup, "-v", NULL);
	ck_assert_int_eq(kill(a.pid, SIGUSR1), 0);
	wait_handled(1);
	tracer_stop(&tracer, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&tracer), 0);
	e = tracer_only(&tracer, a.pid, SIGUSR1);
	expect_delivered(e, "handler");
	expect_sender(e, getpid());
	ck_assert_int_eq(e->sender.uid, getuid());
	ck_assert_msg(strstr(tracer.errors, why), "%.800s", tracer.errors);
	ck_assert_msg(strstr(tracer.errors, ": plain perf events instead\n"), "%.800s", tracer.errors);
	ck_assert_msg(strstr(tracer.errors, "transport: perf events without BPF"), "%.800s",
		      tracer.errors);
	actor_end(&a);
}

START_TEST(kernel_without_bpf_is_traced_by_perf_events)
{
	struct answer answer = { SYS_bpf, ENOSYS };

	traces_without_bpf(answer_with, &answer, "no BPF: bpf(2): Function not implemented");
}
END_TEST

START_TEST(forbidden_bpf_is_done_without)
{
	struct answer answer = { SYS_bpf, EPERM };

	traces_without_bpf(answer_with, &answer, "Operation not permitted");
}
END_TEST

/* ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog), as up to Linux 4.14 where another has its program. */
static void take_tracepoint(void *arg)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) +
						   (__BYTE_ORDER == __BIG_ENDIAN ? 4 : 0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PERF_EVENT_IOC_SET_BPF, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EEXIST),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 6, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(99);
}

START_TEST(tracepoint_that_another_program_holds_is_traced_by_perf_events)
{
	traces_without_bpf(take_tracepoint, NULL, "attach the program: File exists");
}
END_TEST

static void drop_cap_bpf(void *arg)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mount_tracefs() || prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) ||
	    prctl(PR_CAPBSET_DROP, CAP_BPF, 0, 0, 0))
		_exit(99);
}

START_TEST(cap_perfmon_alone_does_for_perf_events)
{
	char *text = read_whole("/proc/sys/kernel/perf_event_paranoid", NULL);
	int paranoid = text ? atoi(text) : 0;

	free(text);
	if (paranoid > 2)
		skip("perf_event_paranoid is %d: above 2 this may take CAP_SYS_ADMIN", paranoid);
	traces_without_bpf(drop_cap_bpf, NULL, "Operation not permitted");
}
END_TEST

static void lower_memlock(void *arg)
{
	struct rlimit none = { 4096, 4096 };

	if (setrlimit(RLIMIT_MEMLOCK, &none))
		_exit(99);
}

/* From Linux 5.11 on maps are charged to the cgroup, and a limit of a page does not matter. */
static bool maps_count_as_locked(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 1 << 16,
				.max_entries = 1 };
	pid_t pid = fork();

	if (!pid) {
		lower_memlock(NULL);
		_exit(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0);
	}
	return WEXITSTATUS(wait_status(pid));
}

static void lock_no_memory(void *arg)
{
	struct rlimit none = { 0, 0 };

	if (prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0) || setrlimit(RLIMIT_MEMLOCK, &none))
		_exit(99);
}

START_TEST(buffers_that_may_not_be_locked)
{
	struct tracer_setup setup = { .transport = transport(_i), .prepare = lock_no_memory,
				      .no_wait = true };
	char *text = read_whole("/proc/sys/kernel/perf_event_paranoid", NULL);
	int paranoid = text ? atoi(text) : 0;

	free(text);
	if (paranoid < 0)
		skip("perf_event_paranoid is %d: below 0 nothing is limited", paranoid);
	if (strcmp(setup.transport, "events") && maps_count_as_locked())
		skip("needs 5.11: before, the limit is raised for maps, and buffers have room, too");
	tracer_start_with(&tracer, &setup, "--buffer", "64M", NULL);
	tracer_finish(&tracer);
	ck_assert_int_eq(tracer_exit_code(&tracer), 1);
	ck_assert_msg(strstr(tracer.errors, "map 67108864 bytes: Operation not permitted") &&
		      strstr(tracer.errors, "kernel.perf_event_mlock_kb"), "%.800s", tracer.errors);
}
END_TEST

static void lack_both(void *arg)
{
	answer_with(&(struct answer){ SYS_bpf, ENOSYS });
	answer_with(&(struct answer){ SYS_perf_event_open, ENOSYS });
}

START_TEST(kernel_with_neither_bpf_nor_perf_events)
{
	refused(NULL, lack_both, NULL, 4, "bpf(2): Function not implemented; without BPF: ",
		"CONFIG_BPF_SYSCALL");
	ck_assert_msg(strstr(tracer.errors, "perf_event_open: Function not implemented"), "%.800s",
		      tracer.errors);
	ck_assert_msg(strstr(tracer.errors, "CONFIG_PERF_EVENTS"), "%.800s", tracer.errors);
}
END_TEST

static void lack_bpf_and_rights(void *arg)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(99);
	answer_with(&(struct answer){ SYS_bpf, ENOSYS });
}

START_TEST(kernel_without_bpf_takes_rights_all_the_same)
{
	refused(NULL, lack_bpf_and_rights, NULL, 3, "bpf(2): Function not implemented; without BPF: ",
		"Run it as root");
}
END_TEST

START_TEST(traces_without_proc)
{
	struct tracer_setup setup = { .transport = transport(_i), .prepare = hide_proc };
	const struct event *e;

	signal(SIGUSR1, SIG_IGN);
	tracer_start_with(&tracer, &setup, NULL);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	tracer_stop(&tracer, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&tracer), 0);
	e = tracer_only(&tracer, getpid(), SIGUSR1);
	expect_undelivered(e, "ignored", "ignored");
	expect_sender(e, getpid());
}
END_TEST

/* "Max locked memory         8388608              8388608              bytes" */
static void locked_memory(pid_t pid, char *line, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	do
		ck_assert_ptr_nonnull(fgets(line, size, file));
	while (strncmp(line, "Max locked memory", 17));
	fclose(file);
}

START_TEST(locked_memory_is_raised_only_where_it_counts)
{
	struct tracer_setup setup = { .transport = transport(_i), .prepare = lower_memlock };
	char line[256];

	tracer_start_with(&tracer, &setup, NULL);
	locked_memory(tracer.pid, line, sizeof(line));
	ck_assert_msg(strstr(line, maps_count_as_locked() ? " unlimited " : " 4096 "), "%s", line);
	tracer_stop(&tracer, SIGTERM);
	ck_assert_int_eq(tracer_exit_code(&tracer), 0);
}
END_TEST

Suite *absence_suite(void)
{
	Suite *s = suite_create("absence");
	TCase *c = tcase_create("absence");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, NULL);
	tcase_add_loop_test(c, kernel_without_bpf, 0, TRANSPORTS);
	tcase_add_loop_test(c, bpf_forbidden_by_more_than_capabilities, 0, TRANSPORTS);
	tcase_add_test(c, kernel_without_perf_events);
	tcase_add_test(c, locked_down_kernel);
	tcase_add_test(c, paranoid_kernel);
	tcase_add_loop_test(c, traces_without_proc, 0, WAYS);
	tcase_add_loop_test(c, locked_memory_is_raised_only_where_it_counts, 0, TRANSPORTS);
	tcase_add_test(c, kernel_without_bpf_is_traced_by_perf_events);
	tcase_add_test(c, forbidden_bpf_is_done_without);
	tcase_add_test(c, tracepoint_that_another_program_holds_is_traced_by_perf_events);
	tcase_add_test(c, cap_perfmon_alone_does_for_perf_events);
	tcase_add_loop_test(c, buffers_that_may_not_be_locked, 1, 2); /* perf */
	tcase_add_loop_test(c, buffers_that_may_not_be_locked, WAYS - 1, WAYS);
	tcase_add_test(c, kernel_with_neither_bpf_nor_perf_events);
	tcase_add_test(c, kernel_without_bpf_takes_rights_all_the_same);
	suite_add_tcase(s, c);
	return s;
}
