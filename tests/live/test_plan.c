// SPDX-License-Identifier: GPL-2.0
/* What `portrace plan` says, of the running kernel and of others. */
#include "tests/live/harness.h"

#include <glob.h>
#include <json-c/json.h>

Suite *plan_suite(void);

struct planned {
	int status;
	char *text; /* all output */
};

static void forget(struct planned *got)
{
	free(got->text);
}

static void become_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(98);
}

/* Runs it in a child that prepare(), if there is one, has changed before. */
static struct planned plan(void (*prepare)(void), char *const args[])
{
	struct planned got = { .status = -1 };
	size_t len = 0;
	int out[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		if (prepare)
			prepare();
		execv(PORTRACE, args);
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
	return got;
}

#define PLAN(prepare, ...) \
	plan(prepare, (char *const[]){ "portrace", "plan", ##__VA_ARGS__, NULL })

/* As it runs there, so what it leaves to user space on that kernel is left out here as well. */
START_TEST(the_tracer_fits_every_kernel_whose_answers_are_stored)
{
	glob_t stored;

	ck_assert_int_eq(glob(SOURCE "/tests/fixtures/caps/*.caps", 0, NULL, &stored), 0);
	for (size_t i = 0; i < stored.gl_pathc; i++) {
		struct planned got = PLAN(NULL, "--caps", stored.gl_pathv[i]);

		ck_assert_msg(got.status == 0, "%s: status %d: %s", stored.gl_pathv[i], got.status,
			      got.text);
		ck_assert_msg(strstr(got.text, "signal_generate") != NULL, "%s", got.text);
		if (strstr(stored.gl_pathv[i], "/4.9"))
			ck_assert_msg(strstr(got.text, "ring buffer 'events' becomes a perf buffer") != NULL,
				      "%s", got.text);
		forget(&got);
	}
	globfree(&stored);
}
END_TEST

START_TEST(what_the_tracer_would_not_load_is_not_planned)
{
	struct planned got = PLAN(NULL, "--caps", SOURCE "/tests/fixtures/caps/debian-6.1-x86_64.caps");

	if (access("/sys/kernel/btf/vmlinux", F_OK))
		skip("types of the kernel (needs 5.4 and CONFIG_DEBUG_INFO_BTF)");
	ck_assert_msg(!strstr(got.text, "new_thread"), "%s", got.text);
	forget(&got);
}
END_TEST

START_TEST(who_may_not_ask_is_told_that_answers_are_unknown)
{
	struct json_object *json;
	struct planned got;

	need_bpf();
	if (geteuid())
		skip("needs root, to become another");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip("types that others may read (needs CONFIG_DEBUG_INFO_BTF): tracefs is for root");
	got = PLAN(become_nobody);
	ck_assert_msg(got.status == 3, "status %d: %s", got.status, got.text);
	ck_assert_msg(strstr(got.text, "unknown: ") != NULL, "%s", got.text);
	ck_assert_msg(strstr(got.text, "hint: ") != NULL, "%s", got.text);
	ck_assert_msg(!strstr(got.text, "takes it as it is"), "%s", got.text);
	forget(&got);
	got = PLAN(NULL, "--json");
	json = json_tokener_parse(got.text);
	ck_assert_msg(got.status == 0 && json, "status %d: %s", got.status, got.text);
	ck_assert_int_eq(json_object_get_int(json_object_object_get(json, "unknown")), 0);
	json_object_put(json);
	forget(&got);
}
END_TEST

Suite *plan_suite(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = live_case(suite, "plan");

	tcase_add_test(tc, the_tracer_fits_every_kernel_whose_answers_are_stored);
	tcase_add_test(tc, what_the_tracer_would_not_load_is_not_planned);
	tcase_add_test(tc, who_may_not_ask_is_told_that_answers_are_unknown);
	return suite;
}
