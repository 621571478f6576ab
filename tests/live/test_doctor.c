// SPDX-License-Identifier: GPL-2.0
/* What `portrace doctor` says of this machine, and of it with something taken away. */
#include "tests/live/harness.h"

#include <json-c/json.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#include "compat/caps.h"

Suite *doctor_suite(void);

struct examined {
	int status;
	char *text; /* standard output */
	struct json_object *json;
};

static void nothing_to_prepare(void)
{
}

/* Runs it in a child that prepare() has changed before. */
static struct examined examine(void (*prepare)(void), const char *option)
{
	struct examined got = { .status = -1 };
	size_t len = 0;
	int out[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		prepare();
		execl(PORTRACE, "portrace", "doctor", option, NULL);
		_exit(99);
	}
	close(out[1]);
	got.text = calloc(1, 65536);
	for (ssize_t n = 1; n > 0 && len < 65000; len += n > 0 ? n : 0)
		n = read(out[0], got.text + len, 65000 - len);
	close(out[0]);
	got.status = wait_status(pid);
	ck_assert_msg(WIFEXITED(got.status), "status %#x: %s", got.status, got.text);
	got.status = WEXITSTATUS(got.status);
	if (got.status == 97)
		return got;
	if (option)
		got.json = json_tokener_parse(got.text);
	ck_assert_msg(!option || got.json, "no JSON: %s", got.text);
	return got;
}

static void forget(struct examined *got)
{
	json_object_put(got->json);
	free(got->text);
}

static const char *text_of(struct json_object *obj, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(obj, key));

	return text ? text : "";
}

static struct json_object *finding(const struct examined *got, const char *name)
{
	struct json_object *checks = json_object_object_get(got->json, "checks");

	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);

		if (!strcmp(text_of(check, "name"), name))
			return check;
	}
	ck_abort_msg("no '%s' in %s", name, got->text);
}

static void expect_verdict(const struct examined *got, const char *name, const char *verdict)
{
	struct json_object *check = finding(got, name);

	ck_assert_msg(!strcmp(text_of(check, "verdict"), verdict), "%s: expected %s: %s", name, verdict,
		      json_object_to_json_string(check));
}

static bool works(const struct examined *got)
{
	return json_object_get_boolean(json_object_object_get(got->json, "works"));
}

START_TEST(here_signals_can_be_traced)
{
	struct examined got;

	need_bpf();
	got = examine(nothing_to_prepare, "--json");
	ck_assert_msg(got.status <= 1, "exit status %d: %s", got.status, got.text);
	ck_assert(works(&got));
	expect_verdict(&got, "trial", "works");
	ck_assert(strstr(text_of(finding(&got, "trial"), "what"), "sent and delivered") != NULL);
	expect_verdict(&got, "permission", "works");
	expect_verdict(&got, "BPF", "works");
	forget(&got);
}
END_TEST

START_TEST(the_text_names_every_check_and_ends_with_the_answer)
{
	static const char *const names[] = { "kernel", "permission", "lockdown", "process ids", "BPF",
					     "memory", "buffers", "types", "perf events", "tracefs",
					     "tracepoints", "sharing", "other probes", "trial" };
	struct examined got;

	need_bpf();
	got = examine(nothing_to_prepare, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ck_assert_msg(strstr(got.text, names[i]) != NULL, "no %s in %s", names[i], got.text);
	ck_assert(strstr(got.text, "\nSignals can be traced here") != NULL);
	forget(&got);
}
END_TEST

static void become_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(98);
}

/* Else others may ask for some types of map and program. */
static bool bpf_is_for_root(void)
{
	FILE *file = fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "r");
	bool is = file && fgetc(file) != '0';

	if (file)
		fclose(file);
	return is;
}

START_TEST(others_than_root_are_told_what_they_lack)
{
	struct examined got;

	need_bpf();
	if (geteuid())
		skip("needs root, to become another");
	got = examine(become_nobody, "--json");
	ck_assert_int_eq(got.status, 3);
	ck_assert(!works(&got));
	expect_verdict(&got, "permission", "fails");
	ck_assert(strstr(text_of(finding(&got, "permission"), "why"), "CAP_BPF") != NULL);
	ck_assert(strstr(text_of(finding(&got, "permission"), "mend"), "sudo") != NULL);
	expect_verdict(&got, "trial", "fails");
	/* What they may not ask is no fault of the kernel's, and nothing that a mount mends. */
	if (bpf_is_for_root())
		expect_verdict(&got, "buffers", "unknown");
	ck_assert_str_eq(text_of(finding(&got, "tracefs"), "mend"), "");
	ck_assert(!strstr(text_of(finding(&got, "other probes"), "why"), "not here: raw"));
	ck_assert(strstr(text_of(finding(&got, "other probes"), "why"), "cannot be asked: ") != NULL);
	forget(&got);
}
END_TEST

static void enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		_exit(97);
}

START_TEST(root_of_a_user_namespace_is_no_root)
{
	struct examined got = examine(enter_user_namespace, "--json");

	if (got.status == 97)
		skip("user namespaces (needs 3.8 and CONFIG_USER_NS)");
	ck_assert_int_eq(got.status, 3);
	expect_verdict(&got, "permission", "fails");
	ck_assert(strstr(text_of(finding(&got, "permission"), "what"), "user namespace") != NULL);
	forget(&got);
}
END_TEST

/* Its child is process 1 of a pid namespace, and has a /proc of that. */
static void enter_pid_namespace(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(98);
	pid = fork();
	if (!pid && mount("proc", "/proc", "proc", 0, NULL))
		_exit(98);
	if (pid && waitpid(pid, &status, 0) == pid)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

START_TEST(in_a_pid_namespace_ids_are_said_to_be_others)
{
	struct caps caps = { 0 };
	struct examined got;
	const char *why;
	bool can;

	need_bpf();
	can = !access("/sys/kernel/btf/vmlinux", R_OK) &&
	      caps_ask(&caps, CAP_TRACING) == CAP_YES &&
	      caps_helper(&caps, BPF_PROG_TYPE_TRACING, BPF_FUNC_seq_write) != CAP_NO;
	caps_fini(&caps);
	got = examine(enter_pid_namespace, "--json");
	ck_assert_int_eq(got.status, 1);
	ck_assert(works(&got));
	expect_verdict(&got, "process ids", "limited");
	why = text_of(finding(&got, "process ids"), "why");
	ck_assert_msg(strstr(why, can ? "take ids of here, and are translated" :
					"take ids of here, but cannot be used: "), "%s", why);
	ck_assert(strstr(text_of(finding(&got, "process ids"), "mend"), "--pid=host") != NULL);
	forget(&got);
}
END_TEST

/* bpf(2) as where it was built without CONFIG_BPF_SYSCALL. */
static void lose_bpf(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(filter) / sizeof(*filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(98);
}

START_TEST(without_bpf_it_says_so_and_that_signals_can_be_traced_all_the_same)
{
	struct examined got;

	need_bpf();
	got = examine(lose_bpf, "--json");
	ck_assert_int_eq(got.status, 1);
	ck_assert(works(&got));
	expect_verdict(&got, "BPF", "limited");
	ck_assert(strstr(text_of(finding(&got, "BPF"), "why"), "CONFIG_BPF_SYSCALL") != NULL);
	expect_verdict(&got, "memory", "works");
	expect_verdict(&got, "sharing", "works");
	expect_verdict(&got, "trial", "works");
	forget(&got);
}
END_TEST

static void hide_tracefs(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(98);
	while (!umount2("/sys/kernel/tracing", MNT_DETACH))
		;
	while (!umount2("/sys/kernel/debug", MNT_DETACH))
		;
}

START_TEST(tracefs_that_is_not_mounted_does_no_harm)
{
	struct examined got;

	need_bpf();
	got = examine(hide_tracefs, "--json");
	ck_assert_msg(got.status <= 1, "exit status %d: %s", got.status, got.text);
	expect_verdict(&got, "tracefs", "works");
	ck_assert(works(&got));
	forget(&got);
}
END_TEST

/* A file of this process's own in the place of one of the kernel's; the directory is emptied. */
static void put_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, NULL))
		_exit(98);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(98);
	close(fd);
}

static void lock_for_integrity(void)
{
	put_file("/sys/kernel/security", "lockdown", "none [integrity] confidentiality\n");
}

static void lock_for_confidentiality(void)
{
	put_file("/sys/kernel/security", "lockdown", "none integrity [confidentiality]\n");
}

static void expect_text(const struct examined *got, const char *name, const char *key,
			const char *words)
{
	const char *text = text_of(finding(got, name), key);

	ck_assert_msg(strstr(text, words) != NULL, "%s: no '%s' in: %s", name, words, text);
}

static void need_securityfs(void)
{
	if (access("/sys/kernel/security", F_OK))
		skip("/sys/kernel/security (needs CONFIG_SECURITYFS)");
}

START_TEST(lockdown_for_integrity_lets_trace)
{
	struct examined got;

	need_bpf();
	need_securityfs();
	got = examine(lock_for_integrity, "--json");
	ck_assert_msg(got.status <= 1, "exit status %d: %s", got.status, got.text);
	expect_verdict(&got, "lockdown", "works");
	expect_text(&got, "lockdown", "what", "locked down for integrity");
	ck_assert(works(&got));
	forget(&got);
}
END_TEST

START_TEST(lockdown_for_confidentiality_lets_nobody)
{
	struct examined got;

	need_bpf();
	need_securityfs();
	got = examine(lock_for_confidentiality, "--json");
	expect_verdict(&got, "lockdown", "fails");
	expect_text(&got, "lockdown", "what", "locked down for confidentiality");
	expect_text(&got, "lockdown", "mend", "lockdown=integrity");
	forget(&got);
}
END_TEST

/* The sysctls as they may stand on another machine, seen by a user without rights. */
static void become_nobody_where(const char *sysctl, const char *value)
{
	char path[128], from[] = "/tmp/test_doctor.XXXXXX";
	int fd = mkstemp(from);

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", sysctl);
	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value) || fchmod(fd, 0644) ||
	    unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(from, path, NULL, MS_BIND, NULL) || unlink(from))
		_exit(98);
	become_nobody();
}

static void become_nobody_where_bpf_is_for_root(void)
{
	become_nobody_where("unprivileged_bpf_disabled", "2\n");
}

static void become_nobody_where_perf_is_for_root(void)
{
	become_nobody_where("perf_event_paranoid", "3\n");
}

START_TEST(others_than_root_are_told_of_unprivileged_bpf_disabled)
{
	struct examined got;

	need_bpf();
	if (access("/proc/sys/kernel/unprivileged_bpf_disabled", F_OK))
		skip("kernel.unprivileged_bpf_disabled (needs 4.4)");
	got = examine(become_nobody_where_bpf_is_for_root, "--json");
	ck_assert_int_eq(got.status, 3);
	expect_text(&got, "BPF", "why", "(kernel.unprivileged_bpf_disabled)");
	forget(&got);
}
END_TEST

START_TEST(others_than_root_are_told_of_perf_event_paranoid)
{
	struct examined got;

	need_bpf();
	got = examine(become_nobody_where_perf_is_for_root, "--json");
	ck_assert_int_eq(got.status, 3);
	expect_verdict(&got, "perf events", "fails");
	expect_text(&got, "perf events", "why", "kernel.perf_event_paranoid is 3");
	expect_text(&got, "perf events", "mend", "sysctl kernel.perf_event_paranoid=2");
	forget(&got);
}
END_TEST

/* Before Linux 4.1 tracefs is a folder of debugfs; since then that mounts it there by itself. */
static void have_debugfs_only(void)
{
	hide_tracefs();
	if (mount("none", "/sys/kernel/debug", "debugfs", 0, NULL))
		_exit(97);
}

START_TEST(debugfs_alone_will_do)
{
	struct examined got;

	need_bpf();
	got = examine(have_debugfs_only, "--json");
	if (got.status == 97)
		skip("debugfs (needs CONFIG_DEBUG_FS)");
	ck_assert_msg(got.status <= 1, "exit status %d: %s", got.status, got.text);
	expect_verdict(&got, "tracefs", "works");
	expect_verdict(&got, "trial", "works");
	ck_assert(works(&got));
	forget(&got);
}
END_TEST

Suite *doctor_suite(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tc = live_case(suite, "doctor");

	tcase_add_test(tc, here_signals_can_be_traced);
	tcase_add_test(tc, the_text_names_every_check_and_ends_with_the_answer);
	tcase_add_test(tc, others_than_root_are_told_what_they_lack);
	tcase_add_test(tc, root_of_a_user_namespace_is_no_root);
	tcase_add_test(tc, in_a_pid_namespace_ids_are_said_to_be_others);
	tcase_add_test(tc, without_bpf_it_says_so_and_that_signals_can_be_traced_all_the_same);
	tcase_add_test(tc, tracefs_that_is_not_mounted_does_no_harm);
	tcase_add_test(tc, lockdown_for_integrity_lets_trace);
	tcase_add_test(tc, lockdown_for_confidentiality_lets_nobody);
	tcase_add_test(tc, others_than_root_are_told_of_unprivileged_bpf_disabled);
	tcase_add_test(tc, others_than_root_are_told_of_perf_event_paranoid);
	tcase_add_test(tc, debugfs_alone_will_do);
	return suite;
}
