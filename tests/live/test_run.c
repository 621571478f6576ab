// SPDX-License-Identifier: GPL-2.0
/* `portrace run` on objects of ours: what it shows, counts, loses, refuses, and leaves behind. */
#include "tests/live/harness.h"

#include <json-c/json.h>

Suite *run_suite(void);

#define OBJECT FIXTURES "/run.bpf.o"
#define ROOM (1 << 20)
/* The SIGTERM that ends it is one of our signals, too. */
#define THE_END 1

/* A portrace that runs beside the test. */
static struct {
	pid_t pid;
	int out, err;
	char output[ROOM], errors[ROOM];
	size_t out_len, err_len;
	int status;
} r;

static void start(void (*prepare)(void), const char *const args[])
{
	const char *argv[32] = { "portrace", "run" };
	int out[2], err[2], n = 2;

	for (int i = 0; args[i]; i++)
		argv[n++] = args[i];
	memset(&r, 0, sizeof(r));
	ck_assert(!pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC));
	r.pid = fork();
	if (!r.pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		if (prepare)
			prepare();
		execv(PORTRACE, (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	close(err[1]);
	r.out = out[0];
	r.err = err[0];
}

#define START(prepare, ...) start(prepare, (const char *const[]){ __VA_ARGS__, NULL })

static void take(int fd, char *to, size_t *len)
{
	ssize_t n;

	while ((n = read(fd, to + *len, ROOM - 1 - *len)) > 0)
		*len += n;
}

/* Its last words. Standard error is short: it is read at the end. */
static int finish(int sig)
{
	if (sig)
		kill(r.pid, sig);
	take(r.out, r.output, &r.out_len);
	take(r.err, r.errors, &r.err_len);
	close(r.out);
	close(r.err);
	r.status = wait_status(r.pid);
	ck_assert_msg(WIFEXITED(r.status), "status %#x: %s", r.status, r.errors);
	return WEXITSTATUS(r.status);
}

/* Waits for a line that says so on standard error. */
static void wait_for(const char *word)
{
	while (!strstr(r.errors, word)) {
		ssize_t n = read(r.err, r.errors + r.err_len, ROOM - 1 - r.err_len);

		ck_assert_msg(n > 0, "it ended without '%s': %s", word, r.errors);
		r.err_len += n;
	}
}

static void expect_error(int status, const char *message)
{
	ck_assert_msg(finish(0) == status, "status %#x: %s", r.status, r.errors);
	ck_assert_msg(strstr(r.errors, message), "got: %s\nexpected: %s", r.errors, message);
	ck_assert_str_eq(r.output, "");
}

/* "only_pid=4711": our own. */
static const char *own_pid(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "only_pid=%d", getpid());
	return text;
}

static void send_signals(int count)
{
	for (int i = 0; i < count; i++)
		kill(getpid(), SIGCONT);
}

static json_object *member(json_object *o, const char *name)
{
	json_object *got = json_object_object_get(o, name);

	ck_assert_msg(got, "no '%s' in %s", name, json_object_to_json_string(o));
	return got;
}

static const char *string(json_object *o, const char *name)
{
	return json_object_get_string(member(o, name));
}

/* The element of the list that is called so. */
static json_object *named(json_object *end, const char *list, const char *name)
{
	json_object *all = member(end, list);

	for (size_t i = 0; i < json_object_array_length(all); i++)
		if (!strcmp(string(json_object_array_get_idx(all, i), "name"), name))
			return json_object_array_get_idx(all, i);
	ck_abort_msg("no %s in %s", name, json_object_to_json_string(all));
}

static int64_t number(json_object *o, const char *name)
{
	return json_object_get_int64(member(o, name));
}

/* Every line is one object; hands each to fn, returns the last. */
static json_object *each_line(void (*fn)(json_object *o))
{
	json_object *last = NULL;

	for (char *line = r.output, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		ck_assert_msg(end, "a line without its end: %s", line);
		*end = 0;
		if (last)
			json_object_put(last);
		last = json_tokener_parse(line);
		ck_assert_msg(last, "no JSON: %s", line);
		if (fn)
			fn(last);
	}
	ck_assert_msg(last, "no output; %s", r.errors);
	ck_assert_str_eq(string(last, "type"), "end");
	return last;
}

static int next_number;

static void expect_next(json_object *o)
{
	uint8_t bytes[64];
	const char *hex;

	if (strcmp(string(o, "type"), "record"))
		return;
	hex = string(o, "data");
	ck_assert_int_ge(number(o, "size"), 64);
	ck_assert_uint_eq(strlen(hex), 2 * number(o, "size"));
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &bytes[i]), 1);
	ck_assert_int_eq(*(uint32_t *)bytes, next_number++);
	if (!strcmp(string(o, "map"), "ring"))
		ck_assert_uint_eq(bytes[4], 7);
}

/* One way of sending, known signals: each shown once, in order, and counted at the end. */
static void expect_all(const char *program, const char *map, const char *option)
{
	json_object *end;

	need_bpf();
	allow_locked_memory();
	START(NULL, OBJECT, "--program", program, "-s", own_pid(), "-s", "fill=7", "--json", option);
	while (!memchr(r.output, '\n', r.out_len)) { /* "attached" comes when all is */
		ssize_t n = read(r.out, r.output + r.out_len, ROOM - 1 - r.out_len);

		ck_assert_msg(n > 0 || (r.errors[0] = 0, take(r.err, r.errors, &r.err_len), 0),
			      "it ended: %s", r.errors);
		r.out_len += n;
	}
	next_number = 0;
	send_signals(1000);
	ck_assert_int_eq(finish(SIGTERM), 0);
	ck_assert_str_eq(r.errors, "");
	end = each_line(expect_next);
	ck_assert_int_eq(next_number, 1000 + THE_END);
	ck_assert_int_eq(number(named(end, "maps", map), "records"), 1000 + THE_END);
	ck_assert_int_eq(number(named(end, "maps", map), "lost"), 0);
	json_object_put(end);
}

START_TEST(records_of_a_ring_buffer)
{
	need_bpf();
	expect_all("to_ring", "ring", NULL);
}
END_TEST

START_TEST(records_of_a_ring_made_a_perf_buffer)
{
	need_bpf();
	expect_all("to_ring", "ring", "--perf");
}
END_TEST

START_TEST(records_of_a_perf_buffer)
{
	need_bpf();
	expect_all("to_perf", "perf", NULL);
}
END_TEST

/* The ring takes 56 of 72 bytes each, and nobody is woken: what came and what not is all. */
START_TEST(what_a_ring_has_no_room_for_is_counted)
{
	json_object *end, *map;

	need_bpf();
	if (!kernel_has_rings())
		skip("ring buffers came with Linux 5.8");
	START(NULL, OBJECT, "--program", "to_small", "-s", own_pid(), "--json");
	while (!memchr(r.output, '\n', r.out_len))
		r.out_len += read(r.out, r.output + r.out_len, 1);
	send_signals(5000);
	ck_assert_int_eq(finish(SIGTERM), 0);
	end = each_line(NULL);
	map = named(end, "maps", "small");
	ck_assert_int_gt(number(map, "lost"), 0);
	ck_assert_int_eq(number(map, "records") + number(map, "lost"), 5000 + THE_END);
	json_object_put(end);
}
END_TEST

static uint8_t settings[4096];
static int settings_seen;

static void note_settings(json_object *o)
{
	const char *hex;

	if (strcmp(string(o, "type"), "record"))
		return;
	hex = string(o, "data");
	for (size_t i = 0; hex[2 * i] && i < sizeof(settings); i++)
		sscanf(hex + 2 * i, "%2hhx", &settings[i]);
	settings_seen++;
}

START_TEST(globals_are_set_before_the_program_runs)
{
	int64_t numbers[4];
	int32_t words[3];

	need_bpf();
	allow_locked_memory();
	settings_seen = 0;
	START(NULL, OBJECT, "--program", "to_settings", "-s", own_pid(), "-s", "enabled=false", "-s",
	      "colour=BLUE", "-s", "name=nginx", "-s", "numbers[2]=-9", "--json", "-n", "1");
	while (!memchr(r.output, '\n', r.out_len))
		r.out_len += read(r.out, r.output + r.out_len, 1);
	send_signals(3);
	ck_assert_msg(finish(0) == 0, "%s", r.errors);
	json_object_put(each_line(note_settings));
	ck_assert_int_eq(settings_seen, 1);
	memcpy(words, settings, sizeof(words));
	ck_assert_int_eq(words[0], 0);
	ck_assert_int_eq(words[1], false);
	ck_assert_int_eq(words[2], -2);
	ck_assert_str_eq((char *)settings + 12, "nginx");
	memcpy(numbers, settings + 64, sizeof(numbers));
	ck_assert_int_eq(numbers[1], 2);
	ck_assert_int_eq(numbers[2], -9);
}
END_TEST

START_TEST(what_is_missing_is_said_before_anything_is_loaded)
{
	START(NULL, OBJECT);
	expect_error(2, "got no program to load, expected at least one");
	START(NULL, OBJECT, "--program", "to_rong");
	expect_error(2, "got no program 'to_rong'\nportrace: hint: did you mean 'to_ring'?");
	START(NULL, OBJECT, "-s", "fill=300", "--program", "to_ring");
	expect_error(2, "--set: variable 'fill': got '300', expected a number that fits 8 bits");
	START(NULL, OBJECT, "--map", "rong=4096", "--program", "to_ring");
	expect_error(2, "got no map 'rong'\nportrace: hint: did you mean 'ring'?");
	START(NULL, OBJECT, "--attach", "to_ring=signal/signal_none", "--program", "to_ring");
	expect_error(4, "tracepoint 'signal/signal_none': got none of that name");
	START(NULL, OBJECT, "--netns", "/dev/null", "--program", "to_ring");
	expect_error(1, "--netns: /dev/null: enter it: Invalid argument");
	START(NULL, "/dev/null");
	expect_error(1, "/dev/null: ");
	START(NULL, "-d", "1");
	expect_error(2, "run: got no object, expected one");
}
END_TEST

static int printed;

static void expect_line(json_object *o)
{
	char expected[32];

	if (strcmp(string(o, "type"), "print"))
		return;
	snprintf(expected, sizeof(expected), "plain %d", printed++);
	ck_assert_str_eq(string(o, "text"), expected);
	ck_assert_int_eq(number(o, "tid"), getpid());
}

/* Each line once, in order, of this object alone: another prints beside it. */
START_TEST(what_programs_print_is_shown)
{
	need_bpf();
	allow_locked_memory();
	START(NULL, FIXTURES "/printk.bpf.o", "--program", "plain", "-s", own_pid(), "--json");
	while (!memchr(r.output, '\n', r.out_len))
		r.out_len += read(r.out, r.output + r.out_len, 1);
	printed = 0;
	send_signals(200);
	ck_assert_msg(finish(SIGTERM) == 0, "%s", r.errors);
	json_object_put(each_line(expect_line));
	ck_assert_int_eq(printed, 200 + THE_END);
}
END_TEST

/* In a mount namespace of the test's own, which takes what is pinned there with it. */
static void own_bpffs(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		skip("no bpffs of its own: %s", strerror(errno));
}

START_TEST(what_is_pinned_stays_and_is_used_again)
{
	need_bpf();
	allow_locked_memory();
	own_bpffs();
	START(NULL, OBJECT, "--program", "to_ring", "-s", own_pid(), "--pin", "/sys/fs/bpf/kept", "-d",
	      "100ms", "-q");
	take(r.out, r.output, &r.out_len);
	take(r.err, r.errors, &r.err_len);
	close(r.out);
	close(r.err);
	r.status = wait_status(r.pid);
	if (WEXITSTATUS(r.status) && strstr(r.errors, "cannot be pinned"))
		skip("perf events take links since Linux 5.15");
	ck_assert_msg(r.status == 0, "%s", r.errors);
	ck_assert(!access("/sys/fs/bpf/kept/links/to_ring", F_OK));
	ck_assert(!access("/sys/fs/bpf/kept/programs/to_ring", F_OK));
	START(NULL, OBJECT, "--program", "to_ring", "--map", "ring=/sys/fs/bpf/kept/maps/small");
	ck_assert_int_ne(finish(0), 0);
	ck_assert_msg(strstr(r.errors, "map 'ring': the one given: got type 27 ringbuf"), "%s", r.errors);
	/* The program that stayed sends into the ring that this one reads. */
	START(NULL, OBJECT, "--program", "pass", "--load-only", "--map",
	      "ring=/sys/fs/bpf/kept/maps/ring");
	ck_assert_msg(finish(0) == 0, "%s", r.errors);
	umount2("/sys/fs/bpf", MNT_DETACH);
}
END_TEST

static void become_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(98);
}

START_TEST(without_privilege_it_says_what_it_takes)
{
	need_bpf();
	if (geteuid())
		skip("not root");
	START(become_nobody, OBJECT, "--program", "to_ring");
	expect_error(3, "portrace: hint: ");
}
END_TEST

/* The reader leaves, as `head` does: an end like any other. */
START_TEST(ends_when_its_reader_leaves)
{
	need_bpf();
	allow_locked_memory();
	START(NULL, OBJECT, "--program", "to_ring", "-s", own_pid());
	wait_for("attached to_ring");
	close(r.out);
	r.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_signals(1);
	ck_assert_msg(finish(0) == 0, "%s", r.errors);
}
END_TEST

START_TEST(ends_after_its_time_and_its_count)
{
	int64_t began = now_ns(CLOCK_MONOTONIC);

	need_bpf();
	allow_locked_memory();
	START(NULL, OBJECT, "--program", "to_ring", "-s", own_pid(), "-d", "300ms", "-q");
	ck_assert_msg(finish(0) == 0, "%s", r.errors);
	ck_assert_int_ge(now_ns(CLOCK_MONOTONIC) - began, 300000000);
	ck_assert_str_eq(r.errors, "");
	START(NULL, OBJECT, "--program", "to_ring", "-s", own_pid(), "-n", "2");
	wait_for("attached to_ring");
	send_signals(10);
	ck_assert_msg(finish(0) == 0, "%s", r.errors);
	ck_assert_ptr_eq(strchr(strchr(r.output, '\n') + 1, '\n') + 1, r.output + r.out_len);
}
END_TEST

Suite *run_suite(void)
{
	Suite *s = suite_create("run");
	TCase *tc = live_case(s, "objects run");

	tcase_add_test(tc, records_of_a_ring_buffer);
	tcase_add_test(tc, records_of_a_ring_made_a_perf_buffer);
	tcase_add_test(tc, records_of_a_perf_buffer);
	tcase_add_test(tc, what_a_ring_has_no_room_for_is_counted);
	tcase_add_test(tc, globals_are_set_before_the_program_runs);
	tcase_add_test(tc, what_programs_print_is_shown);
	tcase_add_test(tc, what_is_pinned_stays_and_is_used_again);
	tcase_add_test(tc, what_is_missing_is_said_before_anything_is_loaded);
	tcase_add_test(tc, without_privilege_it_says_what_it_takes);
	tcase_add_test(tc, ends_when_its_reader_leaves);
	tcase_add_test(tc, ends_after_its_time_and_its_count);
	return s;
}
