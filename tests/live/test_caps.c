// SPDX-License-Identifier: GPL-2.0
/* What is asked of the running kernel: confirmed by doing it, and nothing of it is left. */
#include "tests/live/harness.h"

#include "compat/caps.h"
#include "util/sys.h"

Suite *caps_suite(void);

/* ---- nothing is left ---- */

/* How many programs, maps, BTFs and links have ids; -1: this kernel gives none. */
static int count_ids(int command)
{
	union bpf_attr attr;
	int count = -1, ret;
	uint32_t id = 0;

	do {
		memset(&attr, 0, sizeof(attr));
		attr.start_id = id;
		ret = sys_bpf(command, &attr, sizeof(attr));
		id = attr.next_id;
		count++;
	} while (!ret);
	return ret == -ENOENT ? count : -1;
}

static const int commands[] = { BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID, BPF_BTF_GET_NEXT_ID,
				BPF_LINK_GET_NEXT_ID };
#define COMMANDS 4

/* The kernel frees after a while, and others on this machine load and unload as they please. */
static bool is_as_before(void *before)
{
	const int *counts = before;

	for (int i = 0; i < COMMANDS; i++)
		if (count_ids(commands[i]) > counts[i])
			return false;
	return true;
}

static char *read_or_empty(const char *path)
{
	size_t len;
	char *text = read_whole(path, &len);

	return text ? text : strdup("");
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(nothing_is_left_of_all_questions)
{
	static const char *const files[] = { "/proc/self/mountinfo",
					     "/sys/kernel/tracing/kprobe_events",
					     "/sys/kernel/tracing/uprobe_events" };
	char *texts[3];
	struct caps caps = { .stored = false };
	struct rlimit limit, after;
	int counts[COMMANDS], descriptors;

	need_bpf();
	ck_assert(mount_tracefs());
	allow_locked_memory();
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	for (int i = 0; i < COMMANDS; i++)
		counts[i] = count_ids(commands[i]);
	for (int i = 0; i < 3; i++)
		texts[i] = read_or_empty(files[i]);
	descriptors = count_descriptors();
	caps_ask_all(&caps, true);
	caps_fini(&caps);
	ck_assert_int_eq(count_descriptors(), descriptors);
	for (int i = 0; i < 3; i++) {
		char *now = read_or_empty(files[i]);

		ck_assert_msg(!strcmp(now, texts[i]), "%s: got %s, expected %s", files[i], now, texts[i]);
		free(now);
		free(texts[i]);
	}
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &after), 0);
	ck_assert(!memcmp(&limit, &after, sizeof(limit)));
	ck_assert(wait_until(is_as_before, counts, PATIENCE_MS));
}
END_TEST

/* ---- what it says is so ---- */

START_TEST(a_map_of_every_type_that_is_a_yes_can_be_had)
{
	struct caps caps = { .stored = false };
	union bpf_attr attr;

	need_bpf();
	allow_locked_memory();
	ck_assert_int_eq(caps_map(&caps, BPF_MAP_TYPE_HASH), CAP_YES);
	ck_assert_int_eq(caps_map(&caps, BPF_MAP_TYPE_ARRAY), CAP_YES);
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_RINGBUF;
	attr.max_entries = 16 * sysconf(_SC_PAGESIZE);
	ck_assert_int_eq(sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)) >= 0,
			 caps_map(&caps, BPF_MAP_TYPE_RINGBUF) == CAP_YES);
	caps_fini(&caps);
}
END_TEST

/* Each of these brought the next with it, or needs it, on every kernel there is, a stripped one, too. */
START_TEST(answers_do_not_contradict_each_other)
{
	static const enum cap implies[][2] = {
		{ CAP_JMP32, CAP_JLT }, { CAP_MOVSX, CAP_JMP32 }, { CAP_LDSX, CAP_JMP32 },
		{ CAP_LOOPS, CAP_LARGE }, { CAP_KFUNCS, CAP_CALLS },
		{ CAP_MEMORY_ZERO, CAP_MEMORY_SIZE }, { CAP_KEY_MAP, CAP_MEMORY_MAP },
		{ CAP_PERF_LINK, CAP_LINK },
		{ CAP_TRAMPOLINE, CAP_TRACING }, { CAP_UPROBE_PMU, CAP_UPROBE_EVENTS },
		{ CAP_EVENT_SHARED, CAP_SYSCALL_EVENTS },
	};
	struct caps caps = { .stored = false };

	need_bpf();
	allow_locked_memory();
	for (size_t i = 0; i < sizeof(implies) / sizeof(*implies); i++)
		if (caps_ask(&caps, implies[i][0]) == CAP_YES)
			ck_assert_msg(caps_ask(&caps, implies[i][1]) != CAP_NO, "%s without %s",
				      caps_name(implies[i][0]), caps_name(implies[i][1]));
	caps_fini(&caps);
}
END_TEST

/* As nobody, a "no" would be a lie: what it says then, root must have said. */
static int ask_as_nobody(void *root)
{
	const struct caps *known = root;
	struct caps caps = { .stored = false };

	if (setgid(NOBODY) || setuid(NOBODY))
		return 100;
	for (int cap = 0; cap < CAP_COUNT; cap++) {
		enum answer answer = caps_ask(&caps, cap);

		if (answer != CAP_UNKNOWN && answer != known->at[cap].answer)
			return 1 + cap;
	}
	return 0;
}

START_TEST(who_may_not_ask_is_told_unknown_never_something_else)
{
	struct caps caps = { .stored = false };
	pid_t pid;
	int status;

	need_bpf();
	allow_locked_memory();
	caps_ask_all(&caps, false);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(ask_as_nobody(&caps));
	status = wait_status(pid);
	ck_assert(WIFEXITED(status));
	status = WEXITSTATUS(status);
	ck_assert_msg(!status, "%s", status <= CAP_COUNT ? caps_name(status - 1) : "setuid");
	caps_fini(&caps);
}
END_TEST

Suite *caps_suite(void)
{
	Suite *suite = suite_create("caps");
	TCase *tc = live_case(suite, "caps");

	tcase_add_test(tc, nothing_is_left_of_all_questions);
	tcase_add_test(tc, a_map_of_every_type_that_is_a_yes_can_be_had);
	tcase_add_test(tc, answers_do_not_contradict_each_other);
	tcase_add_test(tc, who_may_not_ask_is_told_unknown_never_something_else);
	return suite;
}
