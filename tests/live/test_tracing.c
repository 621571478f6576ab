// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that need the kernel's types, as they are and as they become for a kernel that has none:
 * both are on the same event at the same time, and have to see the same of it.
 */
#include "tests/live/harness.h"
#include "tests/live/acts.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "util/sys.h"

Suite *tracing_suite(void);

/* As in tests/fixtures/tracing.bpf.c. */
struct seen {
	uint64_t count, signals, pids, parents, comms, groups, results;
};

/* An object with one program to be loaded, whose kernel lacks what is in `lacks`. */
struct side {
	struct object obj;
	struct caps caps;
	struct types types;
	struct plan plan;
	struct load_types told;
	struct loaded loaded;
	struct link links[2];
	size_t links_len;
};

static struct side sides[2];
static struct error err;

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	memset(sides, 0, sizeof(sides));
	if (caps_ask(&sides[0].caps, CAP_TRACING) != CAP_YES)
		skip("%s (needs 5.5)", caps_about(CAP_TRACING));
}

static void end(void)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		while (s->links_len)
			link_detach(&s->links[--s->links_len]);
		if (s->loaded.object) {
			acts_note(&s->loaded);
			loaded_fini(&s->loaded);
		}
		load_types_fini(&s->told);
		plan_fini(&s->plan);
		types_fini(&s->types);
		caps_fini(&s->caps);
		object_fini(&s->obj);
	}
}

static void lacks(struct side *s, enum cap cap)
{
	s->caps.at[cap] = (struct cap_answer){ CAP_NO, EINVAL };
}

static void open_side(struct side *s, const char *program)
{
	struct program *prog;
	int32_t *target;
	size_t len;
	char *data = read_whole(FIXTURES "/tracing.bpf.o", &len);

	ck_assert_ptr_nonnull(data);
	ck_assert_msg(!object_init(&s->obj, "tracing", data, len, &err), "%s", err.message);
	free(data);
	prog = object_program(&s->obj, program);
	ck_assert_ptr_nonnull(prog);
	prog->autoload = true;
	target = object_global(&s->obj, "target", NULL);
	*target = getpid();
}

static void attach_side(struct side *s)
{
	struct attach_options options = { 0 };

	prepare_attach(&s->caps, &options);
	for (size_t i = 0; i < s->obj.programs.len; i++) {
		if (!s->obj.programs.at[i].autoload)
			continue;
		ck_assert_uint_lt(s->links_len, 2);
		if (link_attach(&s->links[s->links_len], &s->loaded, i, &options, &err)) {
			if (err.code == ERROR_PERMISSION)
				skip("trampolines: root has to be allowed to use them");
			ck_abort_msg("%s", err.message);
		}
		s->links_len++;
	}
}

static void start_side(struct side *s)
{
	struct types_request request = { .obj = &s->obj };
	struct lower_options lower_options = { .transport = TRANSPORT_AUTO };
	struct load_options options = { .types = &s->told };

	ck_assert_msg(!types_open(&s->types, &request, &err), "%s", err.message);
	ck_assert_msg(!prepare(&s->obj, &s->types, &s->caps, &lower_options, &s->plan, &err), "%s",
		      err.message);
	prepare_load(&s->obj, &s->caps, &options);
	ck_assert_msg(!lower_types(&s->obj, &s->caps, &s->told, &err), "%s", err.message);
	if (load(&s->loaded, &s->obj, &options, &err)) {
		if (err.code == ERROR_PERMISSION)
			skip("trampolines: root has to be allowed to use them");
		ck_abort_msg("%s\n%s", err.message, err.detail);
	}
}

static const char *kind_of(const struct side *s, const char *program)
{
	return object_program((struct object *)&s->obj, program)->kind->name;
}

static struct seen seen_by(const struct side *s)
{
	struct seen seen = { 0 };
	uint32_t zero = 0;

	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&s->loaded, "seen"), &zero, &seen), 0);
	return seen;
}

#define ROUNDS 2000

/* Delivered, ignored, pending already; to the process and to the thread. */
static void send_signals(void)
{
	static const int signals[] = { SIGUSR1, SIGWINCH, SIGUSR2, SIGCONT };
	sigset_t blocked;

	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		int sig = signals[rand() % 4];

		if (rand() % 2)
			kill(getpid(), sig);
		else
			syscall(SYS_tgkill, getpid(), gettid(), sig);
	}
}

static void expect_same(struct seen *seen)
{
	struct seen other = seen_by(&sides[1]);

	*seen = seen_by(&sides[0]);
	ck_assert_uint_ge(seen->count, ROUNDS);
	ck_assert_uint_eq(seen->count, other.count);
	ck_assert_uint_eq(seen->signals, other.signals);
	ck_assert_uint_eq(seen->pids, other.pids);
	ck_assert_uint_eq(seen->parents, other.parents);
	ck_assert_uint_eq(seen->comms, other.comms);
	ck_assert_uint_eq(seen->groups, other.groups);
	ck_assert_uint_eq(seen->results, other.results);
}

static void start_both(const char *program)
{
	for (int i = 0; i < 2; i++) {
		open_side(&sides[i], program);
		start_side(&sides[i]);
	}
	for (int i = 0; i < 2; i++)
		attach_side(&sides[i]);
}

START_TEST(a_raw_tracepoint_sees_what_a_typed_one_does)
{
	struct seen seen;

	lacks(&sides[1], CAP_TRACING);
	start_both("followed");
	ck_assert_str_eq(kind_of(&sides[0], "followed"), "tp_btf/");
	ck_assert_str_eq(kind_of(&sides[1], "followed"), "raw_tp/");
	send_signals();
	expect_same(&seen);
	ck_assert_uint_eq(seen.pids, seen.count * (uint64_t)gettid());
	ck_assert_uint_eq(seen.parents, seen.count * (uint64_t)getppid());
	ck_assert_uint_ne(seen.comms, 0);
	ck_assert_uint_ne(seen.results, 0);
}
END_TEST

START_TEST(a_tracepoint_sees_what_a_typed_one_does)
{
	struct seen seen;

	lacks(&sides[1], CAP_TRACING);
	lacks(&sides[1], CAP_RAW_TRACEPOINT);
	start_both("recorded");
	ck_assert_str_eq(kind_of(&sides[1], "recorded"), "tracepoint/");
	send_signals();
	expect_same(&seen);
	ck_assert_uint_ne(seen.groups, 0);
	ck_assert_uint_ne(seen.results, 0);
}
END_TEST

static void need_functions(void)
{
	if (caps_ask(&sides[0].caps, CAP_TRAMPOLINE) != CAP_YES)
		skip("%s (needs 5.5, on arm64 6.0)", caps_about(CAP_TRAMPOLINE));
	if (caps_ask(&sides[0].caps, CAP_KPROBE_EVENTS) != CAP_YES)
		skip("%s (needs 4.1)", caps_about(CAP_KPROBE_EVENTS));
	lacks(&sides[1], CAP_TRAMPOLINE);
}

START_TEST(a_kprobe_sees_what_a_trampoline_does)
{
	struct seen seen;

	need_functions();
	start_both("enter");
	ck_assert_str_eq(kind_of(&sides[1], "enter"), "kprobe/");
	send_signals();
	expect_same(&seen);
	ck_assert_uint_ne(seen.comms, 0);
}
END_TEST

/* The arguments, too: by another program at the entry. */
START_TEST(a_kretprobe_sees_what_a_trampoline_does)
{
	struct seen seen;

	need_functions();
	start_both("leave");
	ck_assert_str_eq(kind_of(&sides[1], "leave"), "kretprobe/");
	ck_assert_uint_eq(sides[1].links_len, 2);
	send_signals();
	expect_same(&seen);
	ck_assert_uint_ne(seen.comms, 0);
}
END_TEST

Suite *tracing_suite(void)
{
	Suite *s = suite_create("tracing");
	TCase *c = live_case(s, "tracing");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, a_raw_tracepoint_sees_what_a_typed_one_does);
	tcase_add_test(c, a_tracepoint_sees_what_a_typed_one_does);
	tcase_add_test(c, a_kprobe_sees_what_a_trampoline_does);
	tcase_add_test(c, a_kretprobe_sees_what_a_trampoline_does);
	suite_add_tcase(s, c);
	return s;
}
