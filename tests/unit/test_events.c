// SPDX-License-Identifier: GPL-2.0
/* Tracing without BPF: from perf's records of tracepoints to those of bpf/signal.h. */
#include <check.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/events.h"
#include "cli/options.h"

Suite *events_suite(void);

#define SECOND 1000000000ull
#define WORKER 812
#define WORKER_TWO 813 /* a thread of it */
#define KILLER 4711
#define CHILD 5000
#define USER 1000

#define COMMON                                                                               \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"               \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"               \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"       \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELD(type_name, offset, size)                                                       \
	"\tfield:" type_name ";\toffset:" #offset ";\tsize:" #size ";\tsigned:0;\n"

/* As Linux 6.18 has them on a 64-bit machine. */
static const char *const formats[EVENTS_POINTS] = {
	[EVENTS_NEW_THREAD] = COMMON FIELD("pid_t pid", 8, 4) FIELD("char comm[16]", 12, 16)
			      FIELD("u64 clone_flags", 32, 8),
	[EVENTS_EXEC] = COMMON FIELD("__data_loc char[] filename", 8, 4) FIELD("pid_t pid", 12, 4)
			FIELD("pid_t old_pid", 16, 4),
	[EVENTS_EXIT] = COMMON FIELD("char comm[16]", 8, 16) FIELD("pid_t pid", 24, 4)
			FIELD("int prio", 28, 4) FIELD("bool group_dead", 32, 1),
	[EVENTS_DELIVER] = COMMON FIELD("int sig", 8, 4) FIELD("int errno", 12, 4)
			   FIELD("int code", 16, 4) FIELD("unsigned long sa_handler", 24, 8)
			   FIELD("unsigned long sa_flags", 32, 8),
	[EVENTS_GENERATE] = COMMON FIELD("int sig", 8, 4) FIELD("int errno", 12, 4)
			    FIELD("int code", 16, 4) FIELD("char comm[16]", 20, 16)
			    FIELD("pid_t pid", 36, 4) FIELD("int group", 40, 4)
			    FIELD("int result", 44, 4),
};

static struct events events;
static struct options options;
static struct error err;
static union {
	struct record head;
	struct generate_record generate;
	struct deliver_record deliver;
	struct exit_record exit;
} got[16];
static size_t gots;
static uint64_t now;
static int64_t uid_now;
static int uids_asked;
static const char *comm_now;

static void collect(void *ctx, const void *record, size_t size)
{
	ck_assert_uint_lt(gots, 16);
	ck_assert_uint_le(size, sizeof(got[0]));
	memcpy(&got[gots++], record, size);
}

static ssize_t fake_comm(uint32_t tid, char *text, size_t size)
{
	return comm_now ? snprintf(text, size, "%s", comm_now) : -ESRCH;
}

static int64_t fake_uid(uint32_t tid)
{
	uids_asked++;
	return uid_now;
}

static const struct join_machine machine = { .comm = fake_comm, .uid = fake_uid };

static void begin_with(const struct join_machine *asked)
{
	events_fini(&events);
	events_init(&events, &options, asked);
	events.fn = collect;
	for (int i = 0; i < EVENTS_POINTS; i++)
		ck_assert_msg(!events_format(&events, i, 300 + i, formats[i], strlen(formats[i]), &err),
			      "%s", err.message);
	gots = 0;
	now = 10 * SECOND;
}

static void begin(void)
{
	memset(&events, 0, sizeof(events));
	memset(&options, 0, sizeof(options));
	options.signals = ALL_SIGNALS;
	uid_now = USER;
	uids_asked = 0;
	comm_now = "killer";
	events_init(&events, &options, NULL);
	begin_with(&machine);
}

static void end(void)
{
	events_fini(&events);
}

/* ---- perf's records, as loader/reader_events.c describes them ---- */

struct sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t len;
	uint8_t raw[60];
};

static struct sample sample(enum events_point point, uint32_t pid, uint32_t tid)
{
	uint16_t type = 300 + point;
	struct sample s = {
		.header = { .type = PERF_RECORD_SAMPLE, .size = sizeof(s) },
		.pid = pid, .tid = tid, .time = now += 1000, .len = 52,
	};

	memcpy(s.raw, &type, 2);
	memcpy(s.raw + 4, &tid, 4);
	return s;
}

static void put(struct sample *s, size_t offset, uint32_t value)
{
	memcpy(s->raw + offset, &value, 4);
}

static void take(const struct sample *s)
{
	events_record(&events, s, s->header.size);
}

static void put_long(struct sample *s, size_t offset, uint64_t value)
{
	memcpy(s->raw + offset, &value, 8);
}

static struct sample generate(uint32_t pid, uint32_t tid, int sig, int code, uint32_t target)
{
	struct sample s = sample(EVENTS_GENERATE, pid, tid);

	put(&s, 8, sig);
	put(&s, 16, code);
	memcpy(s.raw + 20, "worker", 7);
	put(&s, 36, target);
	put(&s, 40, 1);
	return s;
}

static void sends(uint32_t pid, uint32_t tid, int sig, int code, uint32_t target)
{
	struct sample s = generate(pid, tid, sig, code, target);

	take(&s);
}

static void delivered(uint32_t pid, uint32_t tid, int sig, uint64_t handler)
{
	struct sample s = sample(EVENTS_DELIVER, pid, tid);

	put(&s, 8, sig);
	put_long(&s, 24, handler);
	take(&s);
}

static void clones(uint32_t pid, uint32_t tid, uint32_t child, uint64_t flags)
{
	struct sample s = sample(EVENTS_NEW_THREAD, pid, tid);

	put(&s, 8, child);
	memcpy(s.raw + 12, "parent", 7);
	put_long(&s, 32, flags);
	take(&s);
}

static void exits(uint32_t pid, uint32_t tid, bool last)
{
	struct sample s = sample(EVENTS_EXIT, pid, tid);

	s.raw[32] = last;
	take(&s);
}

static void execs(uint32_t pid, uint32_t old)
{
	struct sample s = sample(EVENTS_EXEC, pid, pid);

	put(&s, 12, pid);
	put(&s, 16, old);
	take(&s);
}

static void renamed(uint32_t pid, uint32_t tid, const char *name)
{
	struct {
		struct perf_event_header header;
		uint32_t pid, tid;
		char comm[8];
		uint32_t by_pid, by_tid;
		uint64_t time;
	} r = {
		.header = { .type = PERF_RECORD_COMM, .size = sizeof(r) },
		.pid = pid, .tid = tid, .time = now += 1000,
	};

	memcpy(r.comm, name, strlen(name));
	events_record(&events, &r, sizeof(r));
}

/* The one record there is. */
static const struct generate_record *only_generate(void)
{
	ck_assert_uint_eq(gots, 1);
	ck_assert_int_eq(got[0].head.type, RECORD_GENERATE);
	gots = 0;
	return &got[0].generate;
}

static const struct exit_record *only_exit(int type)
{
	ck_assert_uint_eq(gots, 1);
	ck_assert_int_eq(got[0].head.type, type);
	gots = 0;
	return &got[0].exit;
}

/* ---- formats ---- */

START_TEST(fields_are_found_by_name_wherever_they_stand)
{
	static const char format[] = COMMON FIELD("unsigned long sa_handler", 8, 4)
				     FIELD("int code", 12, 4) FIELD("int sig", 16, 4);
	struct sample s;

	ck_assert_msg(!events_format(&events, EVENTS_DELIVER, 77, format, strlen(format), &err), "%s",
		      err.message);
	s = sample(EVENTS_DELIVER, WORKER, WORKER_TWO);
	memcpy(s.raw, &(uint16_t){ 77 }, 2);
	put(&s, 8, 0x8048000);
	put(&s, 12, -6);
	put(&s, 16, SIGUSR2);
	take(&s);
	ck_assert_uint_eq(gots, 1);
	ck_assert_int_eq(got[0].deliver.type, RECORD_DELIVER);
	ck_assert_int_eq(got[0].deliver.sig, SIGUSR2);
	ck_assert_int_eq(got[0].deliver.code, -6);
	ck_assert_int_eq(got[0].deliver.action, ACTION_HANDLER);
	ck_assert_int_eq(got[0].deliver.left, LEFT_NOT_COUNTED | LEFT_NOT_COUNTED << 4);
	ck_assert_uint_eq(got[0].deliver.tid, WORKER_TWO);
	ck_assert_uint_eq(got[0].deliver.pid, WORKER);
	ck_assert_uint_eq(got[0].deliver.time, now);
}
END_TEST

START_TEST(missing_field_is_named)
{
	static const char format[] = COMMON FIELD("int sig", 8, 4);

	ck_assert_int_eq(events_format(&events, EVENTS_DELIVER, 77, format, strlen(format), &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "tracepoint signal:signal_deliver: format: got no field 'code', "
				      "expected one");
}
END_TEST

START_TEST(older_exits_do_not_tell_the_last_thread)
{
	static const char format[] = COMMON FIELD("char comm[16]", 8, 16) FIELD("pid_t pid", 24, 4);

	exits(WORKER, WORKER_TWO, false);
	ck_assert_int_eq(only_exit(RECORD_EXIT)->flags, EXIT_NO_CODE);
	exits(WORKER, WORKER, true);
	ck_assert_int_eq(only_exit(RECORD_EXIT)->flags, EXIT_NO_CODE | EXIT_LAST);
	ck_assert_int_eq(events_format(&events, EVENTS_EXIT, 300 + EVENTS_EXIT, format,
				       strlen(format), &err), 0);
	exits(WORKER, WORKER, true);
	ck_assert_int_eq(only_exit(RECORD_EXIT)->flags, EXIT_NO_CODE | EXIT_NO_LAST);
}
END_TEST

/* ---- what is sent ---- */

START_TEST(sending_has_all_that_the_program_would_say)
{
	const struct generate_record *rec;
	struct sample s;

	events_thread(&events, KILLER, KILLER);
	events_thread(&events, KILLER, KILLER + 1);
	events_thread(&events, WORKER, WORKER_TWO);
	s = generate(KILLER, KILLER + 1, SIGTERM, SI_TKILL, WORKER_TWO);
	put(&s, 40, 0);
	put(&s, 44, RESULT_PENDING);
	take(&s);
	rec = only_generate();
	ck_assert_uint_eq(rec->time, now);
	ck_assert_int_eq(rec->sig, SIGTERM);
	ck_assert_int_eq(rec->code, SI_TKILL);
	ck_assert_int_eq(rec->result, RESULT_PENDING);
	ck_assert_int_eq(rec->group, 0);
	ck_assert_uint_eq(rec->target, WORKER_TWO);
	ck_assert_uint_eq(rec->target_pid, WORKER);
	ck_assert_uint_eq(rec->sender_tid, KILLER + 1);
	ck_assert_uint_eq(rec->sender_pid, KILLER);
	ck_assert_uint_eq(rec->sender_uid, USER);
	ck_assert_int_eq(rec->unasked, 0);
	ck_assert_str_eq(rec->sender_comm, "killer");
	ck_assert_str_eq(rec->target_comm, "worker");
}
END_TEST

START_TEST(sender_has_the_name_it_had_when_it_sent)
{
	events_thread(&events, KILLER, KILLER);
	comm_now = "later";
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_str_eq(only_generate()->sender_comm, "killer");
	renamed(KILLER, KILLER, "slayer");
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_str_eq(only_generate()->sender_comm, "slayer");
}
END_TEST

START_TEST(child_has_its_parents_name_and_user_until_it_execs)
{
	events_thread(&events, KILLER, KILLER);
	uid_now = -ESRCH; /* it will be gone before it can be asked for */
	comm_now = NULL;
	clones(KILLER, KILLER, CHILD, SIGCHLD);
	ck_assert_uint_eq(only_exit(RECORD_FORK)->tid, CHILD);
	sends(CHILD, CHILD, SIGUSR1, 0, WORKER);
	ck_assert_str_eq(only_generate()->sender_comm, "parent");
	renamed(CHILD, CHILD, "kill");
	execs(CHILD, CHILD);
	only_exit(RECORD_EXEC);
	sends(CHILD, CHILD, SIGUSR1, 0, WORKER);
	ck_assert_str_eq(got[0].generate.sender_comm, "kill");
	ck_assert_uint_eq(only_generate()->sender_uid, USER);
}
END_TEST

START_TEST(dying_thread_still_sends)
{
	events_thread(&events, CHILD, CHILD);
	exits(CHILD, CHILD, true);
	only_exit(RECORD_EXIT);
	sends(CHILD, CHILD, SIGCHLD, CLD_KILLED, WORKER);
	ck_assert_uint_eq(gots, 2);
	ck_assert_int_eq(got[0].exit.type, RECORD_END);
	ck_assert_uint_eq(got[0].exit.code, CLD_KILLED);
	ck_assert_str_eq(got[1].generate.sender_comm, "killer");
}
END_TEST

START_TEST(id_that_is_given_again_is_another_thread)
{
	events_thread(&events, CHILD, CHILD);
	exits(CHILD, CHILD, true);
	clones(WORKER, WORKER, CHILD, CLONE_THREAD);
	now += 2 * SECOND;
	exits(KILLER, KILLER, true); /* those that ended long ago are forgotten now */
	gots = 0;
	sends(WORKER, CHILD, SIGUSR1, 0, CHILD);
	ck_assert_str_eq(got[0].generate.sender_comm, "parent");
	ck_assert_uint_eq(only_generate()->target_pid, WORKER);
}
END_TEST

START_TEST(thread_that_execs_takes_its_process_over)
{
	events_thread(&events, WORKER, WORKER);
	events_thread(&events, WORKER, WORKER_TWO);
	exits(WORKER, WORKER, false);
	gots = 0;
	renamed(WORKER, WORKER, "fresh");
	execs(WORKER, WORKER_TWO);
	ck_assert_uint_eq(got[0].exit.tid, WORKER_TWO);
	ck_assert_uint_eq(only_exit(RECORD_EXEC)->pid, WORKER);
	now += 2 * SECOND;
	exits(KILLER, KILLER, true);
	gots = 0;
	uid_now = -ESRCH;
	sends(WORKER, WORKER, SIGUSR1, 0, WORKER);
	ck_assert_str_eq(got[0].generate.sender_comm, "fresh");
	ck_assert_uint_eq(only_generate()->sender_uid, USER);
}
END_TEST

START_TEST(user_is_asked_for_once_a_round)
{
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_int_eq(uids_asked, 1);
	gots = 0;
	events_round(&events);
	uid_now = 0;
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_int_eq(uids_asked, 2);
	ck_assert_uint_eq(only_generate()->sender_uid, 0);
	/* Whom the kernel interrupted to send is of no interest. */
	events_round(&events);
	sends(KILLER, KILLER, SIGALRM, SI_KERNEL, WORKER);
	ck_assert_int_eq(uids_asked, 2);
}
END_TEST

START_TEST(user_that_nobody_knows_is_unknown)
{
	uid_now = -ENOENT;
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_uint_eq(only_generate()->sender_uid, UID_UNKNOWN);
}
END_TEST

/* ---- filters ---- */

START_TEST(filter_of_parties_follows_new_threads)
{
	options.watch[0].pid = WORKER;
	options.watch[0].how = WATCH_TO;
	options.watch_len = 1;
	options.signals = 1ull << (SIGWINCH - 1);
	begin_with(&machine);
	events_watch(&events, WORKER, WATCH_TO);
	sends(KILLER, KILLER, SIGWINCH, 0, WORKER);
	only_generate();
	sends(KILLER, KILLER, SIGWINCH, 0, WORKER_TWO);
	ck_assert_uint_eq(gots, 0);
	clones(WORKER, WORKER, WORKER_TWO, CLONE_THREAD);
	only_exit(RECORD_THREAD);
	sends(KILLER, KILLER, SIGWINCH, 0, WORKER_TWO);
	only_generate();
	exits(WORKER, WORKER_TWO, false);
	only_exit(RECORD_EXIT);
	sends(KILLER, KILLER, SIGWINCH, 0, WORKER_TWO);
	ck_assert_uint_eq(gots, 0);
	/* A child is a process of its own. */
	clones(WORKER, WORKER, CHILD, SIGCHLD);
	only_exit(RECORD_FORK);
	sends(KILLER, KILLER, SIGWINCH, 0, CHILD);
	ck_assert_uint_eq(gots, 0);
	delivered(CHILD, CHILD, SIGWINCH, 1);
	ck_assert_uint_eq(gots, 0);
	delivered(WORKER, WORKER, SIGWINCH, 1);
	ck_assert_uint_eq(gots, 1);
	ck_assert_int_eq(got[0].deliver.action, ACTION_IGNORE);
}
END_TEST

START_TEST(what_may_end_the_target_is_told_unasked)
{
	options.signals = 1ull << (SIGUSR1 - 1);
	begin_with(&machine);
	sends(KILLER, KILLER, SIGTERM, 0, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 1);
	sends(KILLER, KILLER, SIGWINCH, 0, WORKER);
	ck_assert_uint_eq(gots, 0);
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 0);
}
END_TEST

START_TEST(filter_of_names_takes_either_party)
{
	static const struct { const char *name; bool asked; } names[] = {
		{ "killer", true }, { "worker", true }, { "work", false },
	};

	for (size_t i = 0; i < 3; i++) {
		memset(options.comm, 0, sizeof(options.comm));
		strcpy(options.comm[0], names[i].name);
		options.comm_len = 1;
		begin_with(&machine);
		sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
		ck_assert_int_eq(only_generate()->unasked, !names[i].asked);
	}
	/* The kernel sent it: the current task is no sender. */
	strcpy(options.comm[0], "killer");
	begin_with(&machine);
	sends(KILLER, KILLER, SIGUSR1, SI_KERNEL, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 1);
}
END_TEST

START_TEST(filter_of_the_user_takes_no_kernel)
{
	options.has_uid = true;
	options.uid = USER;
	begin_with(&machine);
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 0);
	sends(KILLER, KILLER, SIGUSR1, SI_KERNEL, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 1);
	events_round(&events);
	uid_now = 0;
	sends(KILLER, KILLER, SIGUSR1, 0, WORKER);
	ck_assert_int_eq(only_generate()->unasked, 1);
}
END_TEST

START_TEST(the_kernel_filters_by_signal_as_far_as_it_may)
{
	char text[1024];

	ck_assert(!events_filter(&options, EVENTS_GENERATE, text, sizeof(text)));
	options.signals = 1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1);
	ck_assert(events_filter(&options, EVENTS_DELIVER, text, sizeof(text)));
	ck_assert_str_eq(text, "sig==18||sig==28");
	/* How processes end has to be known all the same. */
	ck_assert(events_filter(&options, EVENTS_GENERATE, text, sizeof(text)));
	ck_assert_str_eq(text, "sig==17||sig==18||sig==28");
	ck_assert(!events_filter(&options, EVENTS_EXIT, text, sizeof(text)));
	/* What one signal that ends a process did takes knowing of all that do. */
	options.signals = 1ull << (SIGTERM - 1);
	ck_assert(events_filter(&options, EVENTS_GENERATE, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "sig==9||"));
	ck_assert_ptr_nonnull(strstr(text, "||sig==64"));
	ck_assert_ptr_null(strstr(text, "sig==28"));
}
END_TEST

/* As Linux 4.9 has them: SI_TIMER, CLD_KILLED, and SI_TKILL, which has no mark. */
START_TEST(codes_lose_what_old_kernels_mark_them_with)
{
	sends(KILLER, KILLER, SIGUSR1, 0x1fffe, WORKER);
	ck_assert_int_eq(only_generate()->code, SI_TIMER);
	sends(KILLER, KILLER, SIGUSR1, SI_TKILL, WORKER);
	ck_assert_int_eq(only_generate()->code, SI_TKILL);
	events.sent_until = now;
	sends(CHILD, CHILD, SIGCHLD, 0x40002, WORKER);
	ck_assert_int_eq(only_exit(RECORD_END)->code, CLD_KILLED);
	ck_assert_int_eq(plain_code(0x30001), SEGV_MAPERR);
	ck_assert_int_eq(plain_code(SI_KERNEL), SI_KERNEL);
}
END_TEST

/* ---- phases, ids, what is no record ---- */

START_TEST(after_the_last_sending_only_ends_are_told)
{
	events.sent_until = now;
	sends(CHILD, CHILD, SIGCHLD, CLD_EXITED, WORKER);
	ck_assert_int_eq(only_exit(RECORD_END)->code, CLD_EXITED);
	delivered(WORKER, WORKER, SIGCHLD, 0);
	ck_assert_uint_eq(gots, 1);
	events.until = now;
	delivered(WORKER, WORKER, SIGCHLD, 0);
	ck_assert_uint_eq(gots, 1);
	/* Counted all the same, or it would pass for lost. */
	ck_assert_uint_eq(events.received[EVENTS_DELIVER], 2);
	ck_assert_uint_eq(events.received[EVENTS_GENERATE], 1);
}
END_TEST

/* In a pid namespace perf's ids are other ones than in the records. */
START_TEST(ids_are_those_of_the_kernel)
{
	struct sample s;

	begin_with(NULL);
	clones(WORKER, WORKER, WORKER_TWO, CLONE_THREAD);
	gots = 0;
	s = generate(1, 1, SIGUSR1, 0, CHILD);
	put(&s, 4, WORKER);
	events.ids = IDS_UNKNOWN;
	take(&s);
	ck_assert_uint_eq(got[0].generate.sender_tid, WORKER);
	ck_assert_uint_eq(only_generate()->sender_pid, WORKER);
	renamed(1, 1, "inside");
	s = generate(1, 1, SIGUSR1, 0, CHILD);
	put(&s, 4, WORKER);
	take(&s);
	ck_assert_str_eq(only_generate()->sender_comm, "inside");
	s = generate(1, 7, SIGUSR1, 0, CHILD);
	put(&s, 4, WORKER_TWO);
	take(&s);
	ck_assert_uint_eq(got[0].generate.sender_tid, WORKER_TWO);
	ck_assert_uint_eq(only_generate()->sender_pid, WORKER);
	/* Of one outside new names are not told: better none than an old one. */
	clones(KILLER, KILLER, CHILD, SIGCHLD);
	gots = 0;
	s = generate(UINT32_MAX, UINT32_MAX, SIGUSR1, 0, WORKER);
	put(&s, 4, CHILD);
	take(&s);
	ck_assert_uint_eq(got[0].generate.sender_pid, CHILD);
	ck_assert_str_eq(only_generate()->sender_comm, "");
}
END_TEST

/* An interrupt can send while the current task is already unhashed. */
START_TEST(dead_current_task_is_who_it_was)
{
	struct sample s = generate(UINT32_MAX, UINT32_MAX, SIGUSR1, SI_KERNEL, CHILD);

	clones(WORKER, WORKER, WORKER_TWO, CLONE_THREAD);
	gots = 0;
	put(&s, 4, WORKER_TWO);
	take(&s);
	ck_assert_uint_eq(got[0].generate.sender_tid, WORKER_TWO);
	ck_assert_uint_eq(got[0].generate.sender_pid, WORKER);
	ck_assert_str_eq(only_generate()->sender_comm, "parent");
}
END_TEST

START_TEST(idle_task_is_nobody)
{
	sends(0, 0, SIGALRM, SI_KERNEL, WORKER);
	ck_assert_uint_eq(got[0].generate.sender_tid, 0);
	ck_assert_str_eq(only_generate()->sender_comm, "");
}
END_TEST

START_TEST(pieces_of_records_are_dropped)
{
	struct sample s = generate(KILLER, KILLER, SIGUSR1, 0, WORKER);

	for (size_t size = 0; size < 28; size++)
		events_record(&events, &s, size);
	s.len = sizeof(s); /* longer than it all is */
	take(&s);
	s.len = 52;
	s.header.type = PERF_RECORD_EXIT;
	take(&s);
	s.header.type = PERF_RECORD_SAMPLE;
	memcpy(s.raw, &(uint16_t){ 999 }, 2);
	take(&s);
	ck_assert_uint_eq(gots, 0);
	ck_assert_uint_eq(events.received[EVENTS_GENERATE], 0);
}
END_TEST

Suite *events_suite(void)
{
	Suite *s = suite_create("events");
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, fields_are_found_by_name_wherever_they_stand);
	tcase_add_test(tc, codes_lose_what_old_kernels_mark_them_with);
	tcase_add_test(tc, missing_field_is_named);
	tcase_add_test(tc, older_exits_do_not_tell_the_last_thread);
	tcase_add_test(tc, sending_has_all_that_the_program_would_say);
	tcase_add_test(tc, sender_has_the_name_it_had_when_it_sent);
	tcase_add_test(tc, child_has_its_parents_name_and_user_until_it_execs);
	tcase_add_test(tc, dying_thread_still_sends);
	tcase_add_test(tc, id_that_is_given_again_is_another_thread);
	tcase_add_test(tc, thread_that_execs_takes_its_process_over);
	tcase_add_test(tc, user_is_asked_for_once_a_round);
	tcase_add_test(tc, user_that_nobody_knows_is_unknown);
	tcase_add_test(tc, filter_of_parties_follows_new_threads);
	tcase_add_test(tc, what_may_end_the_target_is_told_unasked);
	tcase_add_test(tc, filter_of_names_takes_either_party);
	tcase_add_test(tc, filter_of_the_user_takes_no_kernel);
	tcase_add_test(tc, the_kernel_filters_by_signal_as_far_as_it_may);
	tcase_add_test(tc, after_the_last_sending_only_ends_are_told);
	tcase_add_test(tc, ids_are_those_of_the_kernel);
	tcase_add_test(tc, dead_current_task_is_who_it_was);
	tcase_add_test(tc, idle_task_is_nobody);
	tcase_add_test(tc, pieces_of_records_are_dropped);
	suite_add_tcase(s, tc);
	return s;
}
