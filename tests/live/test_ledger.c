// SPDX-License-Identifier: GPL-2.0
/* What a process that was killed left attached is found and removed, and nothing else is. */
#include "tests/live/network.h"

#include <net/if.h>

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/ledger.h"
#include "loader/load.h"
#include "util/netns.h"
#include "util/sys.h"

Suite *ledger_suite(void);

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct caps caps;
static struct inventory before;
static uint32_t id;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	error_clear(&err);
	memset(&caps, 0, sizeof(caps));
	memset(&loaded, 0, sizeof(loaded));
	network_begin();
	refuse_links();
	before = take_inventory();
}

static void end(void)
{
	if (loaded.object)
		loaded_fini(&loaded);
	object_fini(&obj);
	caps_fini(&caps);
	expect_same(&before);
	if (id)
		expect_program_gone(id);
}

static uint32_t id_of(int fd)
{
	struct bpf_prog_info info = { 0 };

	return sys_bpf_info(fd, &info, sizeof(info)) < 0 ? 0 : info.id;
}

static struct program *load_programs(const char *name, const char *second)
{
	struct load_options options = { 0 };
	size_t len;
	char *data = read_whole(FIXTURES "/net.bpf.o", &len);

	ck_assert_ptr_nonnull(data);
	ck_assert_msg(!object_init(&obj, "net", data, len, &err), "%s", err.message);
	free(data);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = !strcmp(obj.programs.at[i].name, name) ||
					      (second && !strcmp(obj.programs.at[i].name, second));
	prepare_load(&obj, &caps, &options);
	if (load(&loaded, &obj, &options, &err) && err.code == ERROR_UNSUPPORTED)
		skip("programs like '%s': %.100s", name, err.hint);
	ck_assert_msg(loaded.object != NULL, "%s\n%.1500s\n%s", err.message, err.detail, err.hint);
	id = id_of(loaded_prog_fd(&loaded, name));
	return object_program(&obj, name);
}

static int attach(struct link *link, struct program *prog, const char *target)
{
	static const struct attach_options options;

	prog->target = target;
	return link_attach(link, &loaded, prog - obj.programs.at, &options, &err);
}

static uint64_t seen(void)
{
	uint64_t value = 0;
	uint32_t key = 0;

	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&loaded, "seen"), &key, &value), 0);
	return value;
}

static bool has_come(void *count)
{
	return seen() >= *(uint64_t *)count;
}

static void expect_count(uint64_t count)
{
	wait_until(has_come, &count, PATIENCE_MS);
	usleep(20000);
	ck_assert_uint_eq(seen(), count);
}

/* ---- a process that holds an attachment, and is killed ---- */

struct holder {
	struct program *prog;
	const char *target;
};

static int hold(void *arg)
{
	const struct holder *h = arg;
	struct link link;

	if (attach(&link, h->prog, h->target)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	say();
	return idle();
}

static pid_t kill_holder(struct actor *a)
{
	kill(a->pid, SIGKILL);
	actor_join(a);
	return a->pid;
}

/* ---- sweeps ---- */

static struct swept {
	unsigned int removed, failed;
	char last[400];
} swept;

static void removed(void *ctx, const char *what)
{
	swept.removed++;
	snprintf(swept.last, sizeof(swept.last), "%s", what);
}

static void failed(void *ctx, const struct error *e)
{
	swept.failed++;
	snprintf(swept.last, sizeof(swept.last), "%.390s", e->message);
}

static void sweep(void)
{
	const struct ledger_watch watch = { removed, failed, NULL };

	memset(&swept, 0, sizeof(swept));
	ledger_sweep(&watch);
}

static void expect_swept(const char *what, pid_t pid)
{
	char expected[400];

	sweep();
	ck_assert_msg(!swept.failed, "%s", swept.last);
	snprintf(expected, sizeof(expected), "%s, of process %d", what, pid);
	ck_assert_uint_eq(swept.removed, 1);
	ck_assert_str_eq(swept.last, expected);
	sweep();
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
}

/* No ledger can be written, as where /run is read-only. */
static void without_ledger(void)
{
	ck_assert(!mount("", "/run", NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

static const struct kept {
	const char *name, *target, *what;
	void (*act)(void);
	bool by_name; /* found without the ledger, too */
} kept[] = {
	{ "on_tc", "pt0", "tc filter on pt0, ingress", frames_in, true },
	{ "on_tc", "pt0:egress", "tc filter on pt0, egress", frames_out, true },
	{ "on_lwt_out", "10.77.2.0/24@pt0", "route on 10.77.2.0/24", packets_out, true },
	{ "on_segment", "fd77:2::1/128@pt0", "route on fd77:2::1/128", segments_in, true },
	{ "on_xdp", "pt0:native", "XDP program on pt0, native", frames_in, false },
	{ "on_xdp", "pt0:generic", "XDP program on pt0, generic", frames_in, false },
	{ "on_flow", "", "flow dissector on this network namespace", packets_by, false },
};

#define KEPT (int)(sizeof(kept) / sizeof(*kept))

static void expect_left_and_swept(const struct kept *k, bool ledger)
{
	struct holder h = { load_programs(k->name, NULL), k->target };
	char what[300];
	struct actor a;
	pid_t pid;

	actor_start(&a, hold, &h);
	sweep(); /* it lives: what it holds is its own */
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
	k->act();
	expect_count(TIMES);
	pid = kill_holder(&a);
	k->act();
	expect_count(2 * TIMES);
	/* The ledger knows the words, the name alone has fewer. */
	snprintf(what, sizeof(what), "%s%s", k->what,
		 ledger && !strncmp(k->what, "route", 5) ? " dev pt0" : "");
	expect_swept(what, pid);
	k->act();
	expect_count(2 * TIMES);
	expect_same(&before);
}

START_TEST(what_the_killed_left_is_removed)
{
	expect_left_and_swept(&kept[_i], true);
}
END_TEST

START_TEST(what_bears_our_name_is_removed_without_a_ledger)
{
	if (!kept[_i].by_name)
		return;
	without_ledger();
	expect_left_and_swept(&kept[_i], false);
}
END_TEST

/* ---- and nobody else's ---- */

START_TEST(program_of_another_is_left_alone)
{
	struct holder h = { load_programs("on_xdp", "to_port"), "pt0:native" };
	struct link other;
	struct actor a;

	actor_start(&a, hold, &h);
	kill_holder(&a);
	remove_xdp("pt0");
	ck_assert_int_eq(attach(&other, object_program(&obj, "to_port"), "pt0:native"), 0);
	sweep();
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
	frames_in();
	expect_count(TIMES);
	link_detach(&other);
}
END_TEST

START_TEST(qdisc_goes_with_the_last_filter)
{
	struct holder h = { load_programs("on_tc", "on_tc_second"), "pt0" };
	struct link second;
	struct actor a;
	pid_t pid;

	actor_start(&a, hold, &h);
	ck_assert_int_eq(attach(&second, object_program(&obj, "on_tc_second"), "pt0"), 0);
	pid = kill_holder(&a);
	expect_swept("tc filter on pt0, ingress", pid);
	ck_assert_uint_eq(take_inventory().qdiscs, before.qdiscs + 1);
	link_detach(&second);
}
END_TEST

START_TEST(qdisc_of_another_stays)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	struct actor a;
	pid_t pid;

	ck_assert_int_eq(make_clsact("pt0"), 0);
	actor_start(&a, hold, &h);
	pid = kill_holder(&a);
	expect_swept("tc filter on pt0, ingress", pid);
	ck_assert_uint_eq(take_inventory().qdiscs, before.qdiscs + 1);
	ck_assert_int_eq(remove_clsact("pt0"), 0);
}
END_TEST

/* As where the kill came between the qdisc and its first filter. */
START_TEST(qdisc_without_filters_is_removed)
{
	char what[80];

	ck_assert_int_eq(make_clsact("pt0"), 0);
	ledger_note_qdisc(netns_self(), if_nametoindex("pt0"));
	sweep();
	snprintf(what, sizeof(what), "qdisc clsact of interface %u, without filters",
		 if_nametoindex("pt0"));
	ck_assert_uint_eq(swept.removed, 1);
	ck_assert_str_eq(swept.last, what);
	ck_assert_int_eq(rmdir(LEDGER), 0);
}
END_TEST

START_TEST(what_is_gone_already_is_forgotten)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	struct actor a;

	actor_start(&a, hold, &h);
	kill_holder(&a);
	ck_assert_int_eq(remove_clsact("pt0"), 0);
	sweep();
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
	ck_assert_int_eq(rmdir(LEDGER), 0); /* nothing is in it */
}
END_TEST

/* A namespace is entered for it, if it is still there. */
START_TEST(other_namespaces_are_swept)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	int theirs = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct actor a, keeper;
	pid_t pid;

	actor_start(&a, hold, &h);
	if (!_i)
		actor_start(&keeper, actor_plain, NULL); /* in that namespace */
	pid = kill_holder(&a);
	ck_assert(!unshare(CLONE_NEWNET));
	if (!_i) {
		expect_swept("tc filter on pt0, ingress", pid);
		actor_end(&keeper);
	} else {
		sweep(); /* nobody is there who could be seen */
		ck_assert_uint_eq(swept.removed + swept.failed, 0);
	}
	ck_assert(!setns(theirs, CLONE_NEWNET));
	close(theirs);
	sweep();
	ck_assert_uint_eq(swept.removed, _i);
}
END_TEST

/* Ids mean something else there: such a process is told by its pid namespace. */
START_TEST(what_containers_hold_is_theirs)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	struct actor a;

	need_initial_pids();
	ck_assert(!unshare(CLONE_NEWPID));
	actor_start(&a, hold, &h);
	sweep();
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
	kill_holder(&a);
	expect_swept("tc filter on pt0, ingress", 1);
}
END_TEST

/* ---- the notes ---- */

static void write_note(const char *name, const char *text)
{
	char path[200];
	int fd;

	mkdir(LEDGER, 0700);
	snprintf(path, sizeof(path), LEDGER "/%s", name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void dead_name(char name[80])
{
	struct owner owner = owner_self();
	char text[OWNER_TEXT];

	owner.start++; /* had this process's id, and started at another time */
	owner_text(&owner, text);
	snprintf(name, 80, "%s.1", text);
}

START_TEST(note_that_was_cut_is_forgotten)
{
	static const char *const texts[] = { "", "portr", "portrace 1\nkind tc\nwhere pt0\nprogram 7 8\nnum" };
	char name[80];

	dead_name(name);
	write_note(name, texts[_i]);
	sweep();
	ck_assert_uint_eq(swept.removed + swept.failed, 0);
	ck_assert_int_eq(rmdir(LEDGER), 0);
}
END_TEST

START_TEST(note_of_another_release_is_left)
{
	static const struct {
		const char *text, *what;
	} notes[] = {
		{ "portrace 2\nkind tc\n", "format" },
		{ "portrace 1\nkind y\nwhere x\nprogram 7 8\nnumbers 1 2 3 4 5 6\npath \n", "kind" },
	};
	char name[80], path[200];

	dead_name(name);
	write_note(name, notes[_i].text);
	for (int i = 0; i < 2; i++) {
		sweep();
		ck_assert_uint_eq(swept.failed, 1);
		snprintf(path, sizeof(path), LEDGER "/%s: got another release's note (another %s), expected "
			 "one of this one's", name, notes[_i].what);
		ck_assert_str_eq(swept.last, path);
	}
}
END_TEST

START_TEST(ledger_that_others_can_write_is_not_believed)
{
	char name[80];

	dead_name(name);
	write_note(name, "portrace 1\n");
	ck_assert(!chmod(LEDGER, 0777));
	sweep();
	ck_assert_uint_eq(swept.failed, 1);
	ck_assert_str_eq(swept.last, LEDGER ": Operation not permitted");
}
END_TEST

/* ---- the command ---- */

/* What it prints, and its exit status. */
static int run_clean(char *out, size_t size)
{
	int pipes[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	ck_assert(!pipe2(pipes, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		execl(PORTRACE, "portrace", "clean", NULL);
		_exit(127);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], out + len, size - 1 - len)) > 0)
		len += n;
	out[len] = 0;
	close(pipes[0]);
	status = wait_status(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(clean_says_what_it_removed)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	char out[1000], expected[200];
	struct actor a;
	pid_t pid;

	actor_start(&a, hold, &h);
	ck_assert_int_eq(run_clean(out, sizeof(out)), 0);
	ck_assert_str_eq(out, "");
	pid = kill_holder(&a);
	ck_assert_int_eq(run_clean(out, sizeof(out)), 0);
	snprintf(expected, sizeof(expected), "removed: tc filter on pt0, ingress, of process %d\n", pid);
	ck_assert_str_eq(out, expected);
	ck_assert_int_eq(run_clean(out, sizeof(out)), 0);
	ck_assert_str_eq(out, "");
}
END_TEST

/* `portrace run` of one program of the fixture on pt0, for that long. */
static pid_t start_run(const char *program, const char *duration)
{
	pid_t pid = fork();

	if (!pid) {
		execl(PORTRACE, "portrace", "run", "-q", "-d", duration, "--program", program, "-i", "pt0",
		      FIXTURES "/net.bpf.o", NULL);
		_exit(127);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static bool is_attached(void *unused)
{
	return take_inventory().filters != before.filters;
}

START_TEST(next_run_removes_what_the_killed_left)
{
	pid_t pid = start_run("on_tc", "1h");

	ck_assert(wait_until(is_attached, NULL, PATIENCE_MS));
	kill(pid, SIGKILL);
	wait_status(pid);
	ck_assert(is_attached(NULL));
	ck_assert_int_eq(wait_status(start_run("on_lookup", "1ms")), 4 << 8); /* it takes links */
	expect_same(&before);
	ck_assert_int_eq(wait_status(start_run("on_tc_second", "100ms")), 0);
}
END_TEST

START_TEST(nobody_has_to_watch)
{
	struct holder h = { load_programs("on_tc", NULL), "pt0" };
	struct actor a;

	actor_start(&a, hold, &h);
	kill_holder(&a);
	ledger_sweep(NULL);
	expect_same(&before);
}
END_TEST

static void become_nobody(void)
{
	ck_assert(!setresuid(NOBODY, NOBODY, NOBODY));
}

START_TEST(clean_says_who_may)
{
	char out[2000];
	pid_t pid;

	ck_assert(!mkdir(LEDGER, 0700));
	pid = fork();
	if (!pid) {
		become_nobody();
		_exit(run_clean(out, sizeof(out)) == 3 &&
		      strstr(out, "portrace: " LEDGER ": Permission denied") ? 0 : 1);
	}
	ck_assert_int_eq(wait_status(pid), 0);
}
END_TEST

Suite *ledger_suite(void)
{
	Suite *s = suite_create("ledger");
	TCase *c = live_case(s, "ledger");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, what_the_killed_left_is_removed, 0, KEPT);
	tcase_add_loop_test(c, what_bears_our_name_is_removed_without_a_ledger, 0, KEPT);
	tcase_add_test(c, program_of_another_is_left_alone);
	tcase_add_test(c, qdisc_goes_with_the_last_filter);
	tcase_add_test(c, qdisc_of_another_stays);
	tcase_add_test(c, qdisc_without_filters_is_removed);
	tcase_add_test(c, what_is_gone_already_is_forgotten);
	tcase_add_loop_test(c, other_namespaces_are_swept, 0, 2);
	tcase_add_test(c, what_containers_hold_is_theirs);
	tcase_add_loop_test(c, note_that_was_cut_is_forgotten, 0, 3);
	tcase_add_loop_test(c, note_of_another_release_is_left, 0, 2);
	tcase_add_test(c, ledger_that_others_can_write_is_not_believed);
	tcase_add_test(c, clean_says_what_it_removed);
	tcase_add_test(c, clean_says_who_may);
	tcase_add_test(c, next_run_removes_what_the_killed_left);
	tcase_add_test(c, nobody_has_to_watch);
	return s;
}
