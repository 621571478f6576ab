// SPDX-License-Identifier: GPL-2.0
/* Several tracers at once see the same, and none leaves a trace of its own behind. */
#include "tests/live/harness.h"

#include <linux/perf_event.h>

#include <linux/bpf.h>

Suite *coexist_suite(void);

static int signals[] = { SIGUSR1, SIGUSR2, 0 };

/* Something of everything, at a target of its own each. */
static void scenario(pid_t targets[4])
{
	struct actor handles, ignores, blocks, dies;
	int queued[] = { SIGRTMIN + 1, SIGRTMIN + 2, SIGUSR1, 0 };

	actor_start(&handles, actor_handles, signals);
	actor_start(&ignores, actor_ignores, signals);
	actor_start(&blocks, actor_blocks, queued);
	actor_start(&dies, actor_plain, NULL);
	for (int i = 0; i < 20; i++) {
		kill(handles.pid, signals[i % 2]);
		wait_handled(i + 1);
		kill(ignores.pid, SIGUSR1);
		sigqueue(blocks.pid, queued[i % 3], (union sigval){ .sival_int = i });
	}
	actor_step(&blocks);
	kill(dies.pid, SIGTERM);
	actor_join(&dies);
	targets[0] = handles.pid;
	targets[1] = ignores.pid;
	targets[2] = blocks.pid;
	targets[3] = dies.pid;
	actor_end(&handles);
	actor_end(&ignores);
	actor_end(&blocks);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What an object says but for times, one string each, sorted. */
static char **essence(const struct tracer *t, const pid_t targets[4], size_t *count)
{
	char **lines = calloc(t->count + 1, sizeof(*lines));
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct event *e = &t->events[i];
		bool ours = false;

		for (int k = 0; k < 4; k++)
			ours |= e->target.pid == targets[k];
		if (!ours)
			continue;
		ck_assert_int_gt(asprintf(&lines[n], "%s %s %s %d %s %s %s %d %ld %s %s %ld %ld %s",
					  e->signal, e->code, e->result, e->delivered, e->action,
					  e->reason, e->ends, e->group, e->sender.pid,
					  e->sender.comm, e->sender.cmdline, e->target.pid,
					  e->target.tid, e->target.comm), 0);
		n++;
	}
	qsort(lines, n, sizeof(*lines), by_text);
	*count = n;
	return lines;
}

static void both_see_the_same(const char *one, const char *other)
{
	struct tracer t[2];
	char **lines[2];
	pid_t targets[4];
	size_t count[2];

	tracer_start(&t[0], one);
	tracer_start(&t[1], other);
	scenario(targets);
	for (int i = 0; i < 2; i++) {
		tracer_stop(&t[i], SIGTERM);
		ck_assert_int_eq(tracer_exit_code(&t[i]), 0);
		lines[i] = essence(&t[i], targets, &count[i]);
	}
	ck_assert_int_eq(count[0], 61);
	for (size_t i = 0; i < count[0] && i < count[1]; i++)
		ck_assert_str_eq(lines[0][i], lines[1][i]);
	ck_assert_int_eq(count[0], count[1]);
}

START_TEST(two_at_once_see_the_same)
{
	both_see_the_same(transport(_i), transport(_i));
}
END_TEST

START_TEST(both_transports_at_once_see_the_same)
{
	both_see_the_same("ring", "perf");
}
END_TEST

START_TEST(auto_is_one_of_the_two)
{
	struct tracer t[2];
	char **lines[2];
	pid_t targets[4];
	size_t count[2];

	tracer_start(&t[0], "auto");
	tracer_start(&t[1], NULL);
	scenario(targets);
	for (int i = 0; i < 2; i++) {
		tracer_stop(&t[i], SIGTERM);
		lines[i] = essence(&t[i], targets, &count[i]);
	}
	ck_assert_int_eq(count[0], 61);
	ck_assert_int_eq(count[1], 61);
	for (size_t i = 0; i < 61; i++)
		ck_assert_str_eq(lines[0][i], lines[1][i]);
}
END_TEST

/* ---- what is left behind ---- */

struct held {
	uint32_t progs[64], maps[64], links[64];
	int prog_count, map_count, link_count;
};

static void add_id(uint32_t *ids, int *count, const char *text, const char *key)
{
	const char *at = strstr(text, key);

	if (at && *count < 64)
		ids[(*count)++] = strtoul(at + strlen(key), NULL, 10);
}

/* The ids of everything of BPF that the process has open, from its fdinfo. */
static void list_held(pid_t pid, struct held *held)
{
	char path[64], *text;

	memset(held, 0, sizeof(*held));
	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
		text = read_whole(path, NULL);
		if (!text)
			continue;
		add_id(held->progs, &held->prog_count, text, "\nprog_id:\t");
		add_id(held->maps, &held->map_count, text, "\nmap_id:\t");
		add_id(held->links, &held->link_count, text, "\nlink_id:\t");
		free(text);
	}
}

static bool is_there(int cmd, uint32_t id)
{
	union bpf_attr attr = { .prog_id = id }; /* ids share their place */
	int fd = syscall(SYS_bpf, cmd, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool all_gone(void *arg)
{
	const struct held *held = arg;

	for (int i = 0; i < held->prog_count; i++)
		if (is_there(BPF_PROG_GET_FD_BY_ID, held->progs[i]))
			return false;
	for (int i = 0; i < held->map_count; i++)
		if (is_there(BPF_MAP_GET_FD_BY_ID, held->maps[i]))
			return false;
	for (int i = 0; i < held->link_count; i++)
		if (is_there(BPF_LINK_GET_FD_BY_ID, held->links[i]))
			return false;
	return true;
}

/* Does any file of the two signal events' tracefs folders differ from before? */
static char *event_switches(void)
{
	static const char *const files[] = {
		"/sys/kernel/tracing/events/signal/signal_generate/enable",
		"/sys/kernel/tracing/events/signal/signal_deliver/enable",
		"/sys/kernel/tracing/tracing_on", "/sys/kernel/tracing/kprobe_events",
		"/sys/kernel/tracing/set_event", "/proc/sys/kernel/perf_event_paranoid",
		"/proc/sys/kernel/core_pattern", "/proc/self/mountinfo", "/proc/self/limits",
	};
	size_t room = 1 << 20, used = 0;
	char *all = malloc(room);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *text = read_whole(files[i], NULL);

		used += snprintf(all + used, room - used, "%s:\n%s\n", files[i], text ? text : "-");
		free(text);
		ck_assert_int_lt(used, room);
	}
	return all;
}

START_TEST(nothing_is_left_behind)
{
	int how = _i / 2 ? SIGKILL : SIGTERM;
	char *before, *during, *after;
	struct held held;
	struct tracer t;

	need_bpf();
	before = event_switches();
	tracer_start(&t, transport(_i % 2));
	during = event_switches();
	list_held(t.pid, &held);
	ck_assert_int_ge(held.prog_count, 2);
	ck_assert_int_ge(held.map_count, 1);
	ck_assert_msg(!all_gone(&held), "what it holds is not found by id");
	kill(t.pid, how);
	if (how == SIGKILL)
		waitpid(t.pid, NULL, 0);
	else
		tracer_finish(&t);
	ck_assert_msg(wait_until(all_gone, &held, 5000), "programs or maps are left in the kernel");
	after = event_switches();
	ck_assert_str_eq(before, during);
	ck_assert_str_eq(before, after);
}
END_TEST

/* A counter, as of perf stat, of the signals that this process sends. */
static int open_counter(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = PERF_ATTR_SIZE_VER1 };
	char *id = read_whole("/sys/kernel/tracing/events/signal/signal_generate/id", NULL);
	int fd;

	if (!id)
		skip("no tracefs to read an event's id from");
	attr.config = atoi(id);
	free(id);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	ck_assert_msg(fd >= 0, "perf_event_open: %s", strerror(errno));
	return fd;
}

/* What a program returns decides whether others' events of its tracepoint happen at all. */
START_TEST(others_events_of_the_same_tracepoints_go_on)
{
	uint64_t count = 0;
	struct tracer t;
	struct actor a;
	int fd;

	need_bpf();
	mount_tracefs();
	actor_start(&a, actor_ignores, (int[]){ SIGUSR1, 0 });
	tracer_start(&t, transport(_i));
	fd = open_counter();
	for (int n = 0; n < 100; n++)
		kill(a.pid, SIGUSR1);
	ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 100);
	close(fd);
	tracer_stop(&t, SIGTERM);
	ck_assert_uint_eq(count_events(&t, a.pid, SIGUSR1), 100);
	actor_end(&a);
}
END_TEST

static int count_pinned(void)
{
	char *mounts = read_whole("/proc/self/mounts", NULL);
	int found = mounts && strstr(mounts, " bpf ") ? 1 : 0;

	free(mounts);
	return found;
}

START_TEST(no_bpf_filesystem_is_mounted)
{
	struct tracer t;
	int before = count_pinned();

	tracer_start(&t, transport(_i));
	ck_assert_int_eq(count_pinned(), before);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_pinned(), before);
}
END_TEST

Suite *coexist_suite(void)
{
	Suite *s = suite_create("coexist");
	TCase *tc = live_case(s, "coexist");

	loop_both(tc, two_at_once_see_the_same);
	loop_events(tc, two_at_once_see_the_same);
	tcase_add_test(tc, both_transports_at_once_see_the_same);
	tcase_add_test(tc, auto_is_one_of_the_two);
	tcase_add_loop_test(tc, nothing_is_left_behind, 0, 4);
	loop_both(tc, no_bpf_filesystem_is_mounted);
	loop_all(tc, others_events_of_the_same_tracepoints_go_on);
	return s;
}
