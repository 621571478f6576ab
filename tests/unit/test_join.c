// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/join.h"

Suite *join_suite(void);

#define MS 1000000ull
#define SECOND 1000000000ull
#define RT 40
#define KERNEL_CODE 0x80
#define WORKER 812
#define KILLER 4711

static struct join join;
static struct outcome out[64];
static char cmdlines[64][64];
static size_t outs;
static uint64_t now;
static struct proc_status status;
static int status_ret, asked, looks;

static void collect(void *ctx, const struct outcome *outcome)
{
	ck_assert_uint_lt(outs, 64);
	if (outcome->sender.cmdline) {
		ck_assert_uint_lt(outcome->sender.cmdline_len, 64);
		memcpy(cmdlines[outs], outcome->sender.cmdline, outcome->sender.cmdline_len);
	}
	out[outs++] = *outcome;
}

static int fake_process_of(uint32_t tid)
{
	return tid == 813 ? WORKER : tid == 999 ? -ENOENT : (int)tid;
}

static ssize_t fake_cmdline(uint32_t pid, char *text, size_t size)
{
	asked++;
	if (pid != 5000)
		return -ENOENT;
	memcpy(text, "from\0proc", 10);
	return 10;
}

static uint64_t fake_arg_start(uint32_t pid)
{
	return pid == 5000 ? 0x7ffd1000 : 0;
}

static ssize_t fake_comm(uint32_t tid, char *text, size_t size)
{
	return -ESRCH;
}

static int fake_status(uint32_t tid, struct proc_status *st)
{
	looks++;
	*st = status;
	return status_ret;
}

static const struct join_machine machine = {
	.process_of = fake_process_of, .cmdline = fake_cmdline,
	.arg_start = fake_arg_start, .comm = fake_comm,
	.status = fake_status,
};

static void begin(void)
{
	join_init(&join);
	join.machine = &machine;
	join.emit = collect;
	join.unsent = true;
	outs = 0;
	now = SECOND;
	memset(&status, 0, sizeof(status));
	memset(cmdlines, 0, sizeof(cmdlines));
	status_ret = asked = looks = 0;
	status.threads = 1;
	status.queued = 100;
}

static void end(void)
{
	join_fini(&join);
}

/* Records, a millisecond apart. */
static void sent(int sig, uint32_t target, bool group, int result, uint32_t sender, int code)
{
	struct generate_record rec = {
		.time = now += MS, .type = RECORD_GENERATE, .sig = sig, .result = result,
		.group = group, .code = code, .target = target, .sender_tid = sender,
		.sender_pid = sender, .sender_uid = 33, .sender_comm = "kill",
		.target_comm = "worker", .target_pid = target == sender ? sender : 0,
	};

	join_record(&join, &rec, sizeof(rec));
}

static void kill_from(int sig, uint32_t sender)
{
	sent(sig, WORKER, true, RESULT_DELIVERED, sender, SI_USER);
}

static void delivered_left(int sig, uint32_t tid, int action, int code, int own, int shared)
{
	struct deliver_record rec = {
		.time = now += MS, .type = RECORD_DELIVER, .sig = sig, .action = action,
		.left = own | shared << 4, .tid = tid, .pid = WORKER, .code = code,
	};

	join_record(&join, &rec, sizeof(rec));
}

static void delivered(int sig, uint32_t tid, int action)
{
	delivered_left(sig, tid, action, SI_USER, LEFT_NOT_COUNTED, LEFT_NOT_COUNTED);
}

static void ended(uint32_t tid, int sig, int flags)
{
	struct exit_record rec = {
		.time = now += MS, .type = RECORD_EXIT, .sig = sig, .flags = flags, .tid = tid,
		.pid = WORKER, .code = sig,
	};

	join_record(&join, &rec, sizeof(rec));
}

static void cmdline(uint32_t pid, const char *text, size_t len)
{
	struct { struct cmdline_record head; char text[64]; } rec = {
		.head = { .time = now += MS, .type = RECORD_CMDLINE, .len = len, .pid = pid },
	};

	memcpy(rec.text, text, len);
	join_record(&join, &rec, sizeof(rec.head) + len);
}

START_TEST(handled_signal_is_joined_to_its_sender)
{
	cmdline(KILLER, "kill\0-USR1\000812", 15);
	kill_from(SIGUSR1, KILLER);
	ck_assert_uint_eq(outs, 0);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_int_eq(out[0].action, ACTION_HANDLER);
	ck_assert_int_eq(out[0].ending, ENDING_NONE);
	ck_assert_uint_eq(out[0].latency, MS);
	ck_assert_uint_eq(out[0].sender.pid, KILLER);
	ck_assert_uint_eq(out[0].sender.uid, 33);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
	ck_assert_str_eq(out[0].target.comm, "worker");
	ck_assert_uint_eq(out[0].sender.cmdline_len, 15);
	ck_assert_mem_eq(cmdlines[0], "kill\0-USR1\000812", 15);
	ck_assert_uint_eq(join.pending_now, 0);
	ck_assert_uint_eq(join.seen, 1);
}
END_TEST

START_TEST(process_signal_may_be_taken_by_any_thread)
{
	kill_from(SIGUSR1, KILLER);
	delivered(SIGUSR1, 813, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(out[0].target.tid, 813);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
	ck_assert_uint_eq(out[0].sender.pid, KILLER);
}
END_TEST

START_TEST(thread_signal_goes_before_process_signal)
{
	kill_from(SIGUSR1, 1001);
	sent(SIGUSR1, 813, false, RESULT_DELIVERED, 1002, SI_TKILL);
	delivered_left(SIGUSR1, 813, ACTION_HANDLER, SI_TKILL, 15, 15);
	delivered(SIGUSR1, 813, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 2);
	ck_assert_uint_eq(out[0].sender.pid, 1002);
	ck_assert_uint_eq(out[1].sender.pid, 1001);
}
END_TEST

/* The thread's own was taken by sigwait: the code of what is delivered is the other's. */
START_TEST(code_tells_which_queue_a_standard_signal_came_from)
{
	sent(SIGUSR1, WORKER, false, RESULT_DELIVERED, 1002, SI_TKILL);
	kill_from(SIGUSR1, 1001);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(out[0].sender.pid, 1001);
}
END_TEST

START_TEST(process_named_by_another_thread_is_found)
{
	sent(SIGCHLD, 813, true, RESULT_DELIVERED, 77, 1);
	delivered_left(SIGCHLD, WORKER, ACTION_HANDLER, 1, 15, 15);
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
	ck_assert(out[0].kernel);
	ck_assert_uint_eq(out[0].sender.pid, 77);
}
END_TEST

/* The thread that forked has gone before /proc could be asked: the kernel side knew its process. */
START_TEST(process_told_by_the_kernel_side_is_believed)
{
	struct generate_record rec = {
		.time = now += MS, .type = RECORD_GENERATE, .sig = SIGCHLD, .group = 1, .code = 1,
		.target = 999, .target_pid = WORKER, .sender_tid = 77, .sender_pid = 77,
	};

	join_record(&join, &rec, sizeof(rec));
	delivered_left(SIGCHLD, WORKER, ACTION_HANDLER, 1, 15, 15);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[0].sender.pid, 77);
}
END_TEST

/* /proc no longer knows thread 999; the records tell later whose it was. */
START_TEST(process_learnt_late_is_found)
{
	sent(SIGUSR1, 999, true, RESULT_DELIVERED, KILLER, SI_USER);
	delivered(SIGUSR2, 999, ACTION_HANDLER);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 2);
	ck_assert(!out[0].sender_known);
	ck_assert_uint_eq(out[1].sender.pid, KILLER);
	ck_assert_uint_eq(out[1].target.pid, WORKER);
}
END_TEST

START_TEST(fatal_signal_is_one_line_when_the_process_ends)
{
	kill_from(SIGTERM, KILLER);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	ended(813, SIGTERM, 0);
	ck_assert_uint_eq(outs, 0);
	ended(WORKER, SIGTERM, EXIT_LAST);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].sig, SIGTERM);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_int_eq(out[0].ending, ENDING_TERMINATED);
	ck_assert_uint_eq(out[0].latency, 4 * MS);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(fatal_signal_to_a_thread_ends_the_process)
{
	sent(SIGTERM, 813, false, RESULT_DELIVERED, KILLER, SI_TKILL);
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	ended(813, SIGTERM, 0);
	ended(WORKER, SIGTERM, EXIT_LAST);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].ending, ENDING_TERMINATED);
	ck_assert_uint_eq(out[0].sender.pid, KILLER);
	ck_assert_uint_eq(out[0].target.tid, 813);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
}
END_TEST

START_TEST(core_dump_is_told)
{
	kill_from(SIGQUIT, KILLER);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	ck_assert_uint_eq(outs, 0);
	ended(WORKER, SIGQUIT, EXIT_LAST | EXIT_CORE);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].ending, ENDING_CORE);
}
END_TEST

START_TEST(sigkill_is_joined_by_the_end)
{
	kill_from(SIGKILL, KILLER);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	ended(WORKER, SIGKILL, EXIT_LAST);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].sig, SIGKILL);
	ck_assert_int_eq(out[0].ending, ENDING_TERMINATED);
}
END_TEST

/* exit_group() of one thread gives all others a SIGKILL that nobody sent. */
START_TEST(sigkill_that_nobody_sent_is_not_shown)
{
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	ended(813, 0, 0);
	ended(WORKER, 0, EXIT_LAST);
	ck_assert_uint_eq(outs, 0);
}
END_TEST

START_TEST(ended_otherwise_leaves_the_rest_undelivered)
{
	kill_from(SIGUSR1, 1);
	kill_from(SIGKILL, 2);
	ended(WORKER, SIGKILL, EXIT_LAST);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[0].sender.pid, 2);
	ck_assert_int_eq(out[1].fate, FATE_GONE);
	ck_assert_uint_eq(out[1].sender.pid, 1);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(refusals_are_told_at_once)
{
	static const struct { int result; enum fate fate; } cases[] = {
		{ RESULT_IGNORED, FATE_IGNORED }, { RESULT_PENDING, FATE_COALESCED },
		{ RESULT_OVERFLOW, FATE_OVERFLOW },
	};

	sent(SIGUSR1, WORKER, true, cases[_i].result, KILLER, SI_USER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, cases[_i].fate);
	ck_assert(!out[0].has_latency);
	ck_assert(!out[0].target_ending);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(ignored_because_it_is_already_ending)
{
	kill_from(SIGQUIT, 1);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	sent(SIGTERM, WORKER, true, RESULT_IGNORED, 2, SI_USER);
	ck_assert_uint_eq(outs, 1);
	ck_assert(out[0].target_ending);
}
END_TEST

START_TEST(queued_signals_join_their_senders_in_order)
{
	for (int i = 0; i < 5; i++)
		kill_from(RT, 100 + i);
	for (int i = 0; i < 5; i++)
		delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, 4 - i);
	ck_assert_uint_eq(outs, 5);
	for (int i = 0; i < 5; i++) {
		ck_assert_uint_eq(out[i].sender.pid, 100 + i);
		ck_assert_int_eq(out[i].fate, FATE_DELIVERED);
	}
}
END_TEST

/* A B C D sent, A and B taken by sigwait: one left after the first delivery says it was C. */
START_TEST(queued_signals_taken_unseen_are_skipped)
{
	for (int i = 0; i < 4; i++)
		kill_from(RT, 100 + i);
	delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, 1);
	delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, 0);
	ck_assert_uint_eq(outs, 4);
	ck_assert_int_eq(out[0].fate, FATE_ACCEPTED);
	ck_assert_int_eq(out[1].fate, FATE_ACCEPTED);
	ck_assert_uint_eq(out[2].sender.pid, 102);
	ck_assert_int_eq(out[2].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[3].sender.pid, 103);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(long_queue_is_first_in_first_out)
{
	for (int i = 0; i < 20; i++)
		kill_from(RT, 100 + i);
	for (int i = 0; i < 20; i++) {
		int left = 19 - i;

		delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0,
			       left > LEFT_MAX ? LEFT_MAX : left);
	}
	ck_assert_uint_eq(outs, 20);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(out[i].sender.pid, 100 + i);
}
END_TEST

START_TEST(one_delivery_takes_all_whose_info_was_lost)
{
	for (int i = 0; i < 3; i++)
		sent(RT, WORKER, true, RESULT_LOST_INFO, 100 + i, SI_USER);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_COALESCED);
	ck_assert_uint_eq(out[0].sender.pid, 101);
	delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, 0);
	ck_assert_uint_eq(outs, 3);
	ck_assert_int_eq(out[2].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[2].sender.pid, 100);
	ck_assert_int_eq(out[2].result, RESULT_LOST_INFO);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(standard_signal_sent_anew_proves_the_old_one_taken)
{
	kill_from(SIGUSR1, 1);
	kill_from(SIGUSR1, 2);
	ck_assert_uint_eq(outs, 0);
	kill_from(SIGUSR1, 3);
	ck_assert_uint_eq(outs, 1);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 3);
	ck_assert_int_eq(out[0].fate, FATE_ACCEPTED);
	ck_assert_uint_eq(out[0].sender.pid, 1);
	ck_assert_int_eq(out[1].fate, FATE_ACCEPTED);
	ck_assert_uint_eq(out[1].sender.pid, 2);
	ck_assert_int_eq(out[2].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[2].sender.pid, 3);
}
END_TEST

/* The kernel takes it out of the queue, and shows it to the debugger before it delivers it. */
START_TEST(standard_signal_held_by_a_debugger_is_delivered_first)
{
	kill_from(SIGUSR1, 1);
	kill_from(SIGUSR1, 2);
	status.traced = true;
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(out[i].fate, FATE_DELIVERED);
		ck_assert_uint_eq(out[i].sender.pid, i + 1);
	}
}
END_TEST

START_TEST(no_verdict_while_its_delivery_may_be_lost)
{
	kill_from(SIGUSR1, 1);
	join.lost = 3;
	if (_i) {
		kill_from(SIGUSR1, 2);
		delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	} else {
		ended(WORKER, 0, EXIT_LAST);
	}
	ck_assert_int_eq(out[0].fate, FATE_UNCERTAIN);
	ck_assert_uint_eq(out[0].sender.pid, 1);
}
END_TEST

/* The loss was seen before the drain that brings the sending, and may be of its delivery. */
START_TEST(loss_within_the_same_drain_counts)
{
	join.lost = 3;
	kill_from(SIGUSR1, 1);
	join.lost_earlier = 3;
	kill_from(SIGUSR2, 1);
	ended(WORKER, 0, EXIT_LAST);
	ck_assert_uint_eq(outs, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(out[i].fate, out[i].sig == SIGUSR1 ? FATE_UNCERTAIN : FATE_GONE);
}
END_TEST

/* After kill -TERM, kill -KILL comes too late: nobody ignores that one. */
START_TEST(sigkill_is_never_ignored_but_too_late)
{
	kill_from(SIGTERM, 1);
	if (_i)
		status_ret = -ENOENT;
	else
		status.thread_pending = 1 << (SIGKILL - 1);
	sent(SIGKILL, WORKER, true, RESULT_IGNORED, 2, SI_USER);
	sent(SIGUSR1, WORKER, true, RESULT_IGNORED, 3, SI_USER);
	ck_assert_uint_eq(outs, 2);
	ck_assert(out[0].target_ending);
	ck_assert(out[1].target_ending);
	status_ret = 0;
	status.thread_pending = 0;
	sent(SIGUSR1, WORKER, true, RESULT_IGNORED, 3, SI_USER);
	ck_assert(!out[2].target_ending);
}
END_TEST

/* A thread's own SIGTERM was blocked; the one to the process, sent later, ended it. */
START_TEST(fatal_is_the_last_one_sent)
{
	sent(SIGTERM, 813, false, RESULT_DELIVERED, 1001, SI_TKILL);
	sent(SIGTERM, WORKER, true, RESULT_DELIVERED, 1002, SI_USER);
	ended(813, SIGTERM, 0);
	ended(WORKER, SIGTERM, EXIT_LAST);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[0].sender.pid, 1002);
	ck_assert_int_eq(out[1].fate, FATE_GONE);
	ck_assert_uint_eq(out[1].sender.pid, 1001);
}
END_TEST

START_TEST(sigkill_that_cuts_a_core_dump_short_is_the_end)
{
	kill_from(SIGSEGV, 1);
	delivered(SIGSEGV, WORKER, ACTION_DEFAULT);
	kill_from(SIGKILL, 2);
	ended(WORKER, SIGKILL, EXIT_LAST);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].sig, SIGSEGV);
	ck_assert_int_eq(out[0].ending, ENDING_NONE);
	ck_assert_int_eq(out[1].sig, SIGKILL);
	ck_assert_int_eq(out[1].ending, ENDING_TERMINATED);
}
END_TEST

START_TEST(sigcont_cancels_stop_signals)
{
	kill_from(SIGTSTP, 1);
	sent(SIGCONT, WORKER, true, RESULT_IGNORED, 2, SI_USER);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_CANCELLED);
	ck_assert_int_eq(out[0].sig, SIGTSTP);
	ck_assert_int_eq(out[1].fate, FATE_IGNORED);
}
END_TEST

START_TEST(sigcont_cancels_in_other_threads_too)
{
	sent(SIGTSTP, 813, false, RESULT_DELIVERED, 1, SI_TKILL);
	sent(SIGTSTP, 900, false, RESULT_DELIVERED, 1, SI_TKILL);
	sent(SIGCONT, WORKER, true, RESULT_IGNORED, 2, SI_USER);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_CANCELLED);
	ck_assert_uint_eq(out[0].target.tid, 813);
}
END_TEST

START_TEST(stop_signal_cancels_sigcont)
{
	kill_from(SIGCONT, 1);
	kill_from(SIGSTOP, 2);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_CANCELLED);
	ck_assert_int_eq(out[0].sig, SIGCONT);
}
END_TEST

START_TEST(timer_is_from_the_kernel_and_from_no_task)
{
	sent(SIGALRM, WORKER, true, RESULT_DELIVERED, 1234, _i ? SI_TIMER : KERNEL_CODE);
	delivered_left(SIGALRM, WORKER, ACTION_HANDLER, _i ? SI_TIMER : KERNEL_CODE,
		       _i ? 0 : 15, _i ? 0 : 15);
	ck_assert_uint_eq(outs, 1);
	ck_assert(out[0].kernel);
	ck_assert_uint_eq(out[0].sender.pid, 0);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(fault_is_the_targets_own)
{
	sent(SIGSEGV, WORKER, false, RESULT_DELIVERED, WORKER, 1);
	delivered_left(SIGSEGV, WORKER, ACTION_HANDLER, 1, 15, 15);
	ck_assert_uint_eq(outs, 1);
	ck_assert(out[0].kernel);
	ck_assert_uint_eq(out[0].sender.pid, WORKER);
}
END_TEST

/* As a write to a pipe that nobody reads does: SI_USER, but to the thread. */
START_TEST(signal_without_info_is_from_the_kernel)
{
	sent(SIGPIPE, WORKER, false, RESULT_DELIVERED, WORKER, SI_USER);
	delivered(SIGPIPE, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert(out[0].kernel);
	ck_assert_uint_eq(out[0].sender.pid, WORKER);
}
END_TEST

START_TEST(unseen_sending_is_said_to_be_unknown)
{
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert(!out[0].sender_known);
	ck_assert(!out[0].has_latency);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
	ck_assert_uint_eq(join.seen, 0);
}
END_TEST

/* The kernel skips a program now and then; the code of the delivery still says it was a timer. */
START_TEST(unseen_sending_of_the_kernel_is_told_by_its_code)
{
	delivered_left(SIGALRM, WORKER, ACTION_HANDLER, _i ? SI_TIMER : KERNEL_CODE, 0, 0);
	ck_assert_uint_eq(outs, 1);
	ck_assert(out[0].sender_known);
	ck_assert(out[0].kernel);
	ck_assert_uint_eq(out[0].sender.pid, 0);
	ck_assert(!out[0].has_latency);
}
END_TEST

START_TEST(unseen_sending_is_not_shown_under_a_sender_filter_or_outside_the_trace)
{
	join.unsent = _i;
	join.began = _i == 1 ? UINT64_MAX : 0;
	join.ended = _i == 2 ? 0 : UINT64_MAX;
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 0);
}
END_TEST

START_TEST(cmdline_from_proc_where_the_kernel_side_had_none)
{
	for (int i = 0; i < 3; i++)
		sent(SIGUSR1, WORKER, true, RESULT_IGNORED, 5000, SI_USER);
	ck_assert_mem_eq(cmdlines[0], "from\0proc", 10);
	ck_assert_mem_eq(cmdlines[2], "from\0proc", 10);
	ck_assert_int_eq(asked, 1);
}
END_TEST

START_TEST(absent_cmdline_is_asked_for_once)
{
	for (int i = 0; i < 3; i++)
		sent(SIGUSR1, WORKER, true, RESULT_IGNORED, 5001, SI_USER);
	ck_assert_ptr_null(out[2].sender.cmdline);
	ck_assert_str_eq(out[2].sender.comm, "kill");
	ck_assert_int_eq(asked, 1);
}
END_TEST

/* Whether the image at hand now is the one that sent, the place of its arguments tells. */
START_TEST(unread_cmdline_is_the_processs_or_its_parents_if_of_the_same_image)
{
	static const struct {
		uint32_t pid, parent;
		uint64_t start;
		bool found;
	} cases[] = {
		{ 5000, 0, 0x7ffd1000, true },  { 5000, 0, 0x7ffd2000, false },
		{ 5001, 5000, 0x7ffd1000, true }, { 5001, 5000, 0x7ffd2000, false },
		{ 5001, 0, 0x7ffd1000, false },
	};
	struct cmdline_record rec = { .type = RECORD_CMDLINE, .pid = cases[_i].pid,
				      .parent = cases[_i].parent, .start = cases[_i].start };

	join_record(&join, &rec, sizeof(rec));
	sent(SIGUSR1, WORKER, true, RESULT_IGNORED, cases[_i].pid, SI_USER);
	ck_assert_uint_eq(outs, 1);
	if (cases[_i].found)
		ck_assert_mem_eq(cmdlines[0], "from\0proc", 10);
	else
		ck_assert_ptr_null(out[0].sender.cmdline);
}
END_TEST

START_TEST(exec_ends_a_cmdline)
{
	struct exit_record exec = { .type = RECORD_EXEC, .tid = KILLER, .pid = KILLER };

	cmdline(KILLER, "old", 4);
	join_record(&join, &exec, sizeof(exec));
	cmdline(KILLER, "new", 4);
	sent(SIGUSR1, WORKER, true, RESULT_IGNORED, KILLER, SI_USER);
	ck_assert_str_eq(cmdlines[0], "new");
}
END_TEST

/* A thread other than the first execs: it takes the process's id, its signals go along. */
START_TEST(exec_moves_a_threads_signals)
{
	struct exit_record exec = { .type = RECORD_EXEC, .tid = 813, .pid = WORKER };

	sent(SIGUSR1, 813, false, RESULT_DELIVERED, KILLER, SI_TKILL);
	join_record(&join, &exec, sizeof(exec));
	delivered_left(SIGUSR1, WORKER, ACTION_DEFAULT, SI_TKILL, 15, 15);
	ended(WORKER, SIGUSR1, EXIT_LAST);
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(out[0].sender.pid, KILLER);
	ck_assert_int_eq(out[0].ending, ENDING_TERMINATED);
}
END_TEST

START_TEST(sweep_waits_for_a_second_opinion)
{
	kill_from(SIGUSR1, KILLER);
	join_sweep(&join, now + SECOND / 2);
	join_sweep(&join, now + SECOND);
	ck_assert_uint_eq(outs, 0);
	join_sweep(&join, now + 2 * SECOND);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_ACCEPTED);
}
END_TEST

START_TEST(sweep_keeps_what_is_pending)
{
	kill_from(SIGUSR1, KILLER);
	status.process_pending = 1 << (SIGUSR1 - 1);
	for (int i = 1; i < 10; i++)
		join_sweep(&join, now + i * SECOND);
	ck_assert_uint_eq(outs, 0);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
}
END_TEST

START_TEST(sweep_finds_targets_gone)
{
	kill_from(SIGUSR1, KILLER);
	status.zombie = _i;
	status_ret = _i ? 0 : -ENOENT;
	join_sweep(&join, now + SECOND);
	join_sweep(&join, now + 2 * SECOND);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_GONE);
}
END_TEST

/* The first thread has ended, others go on: its zombie still shows the process's queue. */
START_TEST(sweep_knows_a_process_that_lives_on_in_other_threads)
{
	kill_from(SIGUSR1, KILLER);
	status.zombie = true;
	status.threads = 3;
	status.process_pending = 1 << (SIGUSR1 - 1);
	for (int i = 1; i < 10; i++)
		join_sweep(&join, now + i * SECOND);
	ck_assert_uint_eq(outs, 0);
}
END_TEST

/* sigwait in a loop, and always one waiting: all but as many as can still wait have gone. */
START_TEST(sweep_settles_queued_signals_taken_unseen)
{
	for (int i = 0; i < 30; i++)
		kill_from(RT, 100 + i);
	status.process_pending = 1ull << (RT - 1);
	status.queued = 5;
	join_sweep(&join, now + SECOND);
	join_sweep(&join, now + 2 * SECOND);
	ck_assert_uint_eq(outs, 25);
	for (int i = 0; i < 25; i++) {
		ck_assert_int_eq(out[i].fate, FATE_ACCEPTED);
		ck_assert_uint_eq(out[i].sender.pid, 100 + i);
	}
	ck_assert_uint_eq(join.pending_now, 5);
}
END_TEST

START_TEST(sweep_asks_once_a_target_and_in_parts)
{
	int parts = 1;

	for (int i = 0; i < 300; i++)
		sent(RT, 2000 + i % 100, true, RESULT_DELIVERED, KILLER, SI_USER);
	status.process_pending = 1ull << (RT - 1);
	while (!join_sweep(&join, now + SECOND))
		parts++;
	ck_assert_int_eq(looks, 100);
	ck_assert_int_eq(parts, 2);
	ck_assert_uint_eq(outs, 0);
	while (!join_closing(&join))
		;
	ck_assert_int_eq(looks, 200);
}
END_TEST

/* The record of its exit was lost; the process is not there any more. */
START_TEST(sweep_ends_what_was_dying)
{
	kill_from(SIGQUIT, KILLER);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	status_ret = -ENOENT;
	join_sweep(&join, now + SECOND);
	join_sweep(&join, now + 2 * SECOND);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
	ck_assert_int_eq(out[0].ending, ENDING_NONE);
}
END_TEST

START_TEST(targets_that_nothing_waits_for_are_dropped)
{
	for (int i = 0; i < 50; i++)
		sent(SIGUSR1, 2000 + i, true, RESULT_DELIVERED, KILLER, SI_USER);
	ck_assert_uint_eq(join.targets.len, 50);
	for (int i = 0; i < 5; i++)
		ck_assert(join_sweep(&join, now += SECOND));
	ck_assert_uint_eq(outs, 50);
	ck_assert_uint_eq(join.targets.len, 0);
}
END_TEST

START_TEST(caches_stay_within_bounds)
{
	for (uint32_t i = 1; i < 100000; i++) {
		cmdline(i, "x", 2);
		sent(SIGUSR1, 200000 + i, true, RESULT_IGNORED, 1, SI_USER);
		outs = 0;
	}
	ck_assert_uint_lt(join.images.len, 10000);
	ck_assert_uint_lt(join.threads.len, 70000);
}
END_TEST

START_TEST(closing_tells_blocked_from_pending_from_taken)
{
	static const enum fate fates[] = { FATE_ACCEPTED, FATE_PENDING, FATE_BLOCKED, FATE_GONE,
					   FATE_PENDING };

	kill_from(SIGUSR1, KILLER);
	if (_i >= 1)
		status.process_pending = 1 << (SIGUSR1 - 1);
	if (_i >= 2)
		status.blocked = 1 << (SIGUSR1 - 1);
	if (_i >= 3)
		status_ret = _i == 3 ? -ENOENT : -EACCES;
	ck_assert(join_closing(&join));
	join_close(&join);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, fates[_i]);
}
END_TEST

START_TEST(closing_lets_a_late_delivery_win)
{
	kill_from(SIGUSR1, KILLER);
	join_closing(&join);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	join_close(&join);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_DELIVERED);
}
END_TEST

START_TEST(closing_tells_of_a_process_that_has_not_ended)
{
	kill_from(SIGQUIT, KILLER);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	join_close(&join);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].ending, ENDING_UNFINISHED);
}
END_TEST

START_TEST(full_table_forgets_the_oldest_and_says_so)
{
	join.most = 3;
	for (int i = 0; i < 5; i++)
		kill_from(RT, 100 + i);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_FORGOTTEN);
	ck_assert_uint_eq(out[0].sender.pid, 100);
	ck_assert_uint_eq(out[1].sender.pid, 101);
	ck_assert_uint_eq(join.pending_now, 3);
}
END_TEST

START_TEST(memory_of_a_flood_is_given_back)
{
	for (int i = 0; i < 10000; i++)
		kill_from(RT, 100);
	for (int i = 0; i < 9990; i++) {
		delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, LEFT_MAX);
		outs = 0;
	}
	ck_assert_uint_gt(join.spare_now, 9000);
	status.process_pending = 1ull << (RT - 1);
	join_sweep(&join, now);
	ck_assert_uint_lt(join.spare_now, 1000);
	ck_assert_uint_eq(join.pending_now, 10);
	for (int i = 0; i < 10; i++)
		delivered_left(RT, WORKER, ACTION_HANDLER, SI_USER, 0, 9 - i < LEFT_MAX ? 9 - i : LEFT_MAX);
	ck_assert_uint_eq(outs, 10);
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

/* A thread whose process was not known when the signal was queued may end before it is forgotten. */
START_TEST(forgetting_survives_the_end_of_the_thread_that_was_named)
{
	join.most = 1;
	sent(SIGUSR1, 999, true, RESULT_DELIVERED, KILLER, SI_USER);
	ended(999, 0, 0);
	kill_from(SIGUSR2, KILLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_FORGOTTEN);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
	ended(WORKER, 0, EXIT_LAST);
	ck_assert_uint_eq(outs, 2);
}
END_TEST

START_TEST(anything_that_is_no_record_is_dropped)
{
	struct generate_record rec = { .type = RECORD_GENERATE, .sig = SIGUSR1 };
	struct cmdline_record cut = { .type = RECORD_CMDLINE, .len = 100, .pid = 1 };

	join_record(&join, &rec, 3);
	join_record(&join, &rec, sizeof(rec) - 1);
	rec.sig = 0;
	join_record(&join, &rec, sizeof(rec));
	rec.sig = 65;
	join_record(&join, &rec, sizeof(rec));
	rec.type = 99;
	join_record(&join, &rec, sizeof(rec));
	join_record(&join, &cut, sizeof(cut));
	ck_assert_uint_eq(outs, 0);
	ck_assert_uint_eq(join.seen, 0);
	ck_assert_uint_eq(join.images.len, 0);
}
END_TEST

/* Any order of records whatever: nothing is lost or shown twice, nothing stays behind. */
START_TEST(every_sending_has_one_outcome)
{
	static const int sigs[] = { SIGUSR1, SIGTERM, SIGKILL, SIGCONT, SIGTSTP, RT, RT + 1 };
	uint64_t settled = 0;

	srand(_i);
	join.unsent = false;
	join.most = 50;
	for (int i = 0; i < 5000; i++) {
		int sig = sigs[rand() % 7], tid = WORKER + rand() % 4;

		switch (rand() % 8) {
		case 0: case 1: case 2:
			sent(sig, tid, rand() % 2, rand() % 5, 100 + rand() % 5,
			     rand() % 4 ? SI_USER : SI_TIMER);
			break;
		case 3: case 4:
			delivered_left(sig, tid, rand() % 3, SI_USER,
				       sig >= 32 ? rand() % 9 : 15, sig >= 32 ? rand() % 9 : 15);
			break;
		case 5:
			if (rand() % 10 == 0)
				ended(tid, rand() % 2 ? sig : 0, rand() % 2 ? EXIT_LAST : 0);
			break;
		case 6:
			status.process_pending = rand();
			join_sweep(&join, now += SECOND / 4);
			break;
		case 7:
			cmdline(100 + rand() % 5, "text", 5);
			break;
		}
		settled += outs;
		outs = 0;
		ck_assert_uint_le(join.pending_now, 50);
		ck_assert_uint_eq(join.seen, settled + join.pending_now);
	}
	while (join.pending_now) {
		join.most = join.pending_now > 20 ? 20 : 0;
		join_close(&join);
	}
	settled += outs;
	ck_assert_uint_eq(join.seen, settled);
}
END_TEST

/* ---- without the kernel's types ---- */

static void untold(uint32_t tid, int flags)
{
	ended(tid, 0, EXIT_NO_CODE | flags);
}

static void told_parent(int how)
{
	struct exit_record rec = {
		.time = now += MS, .type = RECORD_END, .tid = WORKER, .pid = WORKER, .code = how,
	};

	join_record(&join, &rec, sizeof(rec));
}

static void expect_ended_by(size_t i, uint32_t sender, enum ending ending)
{
	ck_assert_int_eq(out[i].fate, FATE_DELIVERED);
	ck_assert_uint_eq(out[i].sender.pid, sender);
	ck_assert_int_eq(out[i].ending, ending);
}

/* Of its last thread the record says so (0), or nothing does, and /proc is asked. */
static int last_of(int i)
{
	status.zombie = true;
	return i ? EXIT_NO_LAST : EXIT_LAST;
}

START_TEST(untold_end_of_a_killed_process_is_by_what_was_sent_last)
{
	kill_from(SIGTERM, KILLER);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	ck_assert_uint_eq(outs, 0);
	told_parent(CLD_KILLED);
	ck_assert_uint_eq(outs, 1);
	expect_ended_by(0, KILLER, ENDING_TERMINATED);
	ck_assert_uint_eq(out[0].latency, 2 * MS); /* until the record of the exit */
	ck_assert_uint_eq(join.pending_now, 0);
}
END_TEST

START_TEST(untold_end_that_dumped_a_core)
{
	kill_from(SIGQUIT, KILLER);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	told_parent(CLD_DUMPED);
	ck_assert_uint_eq(outs, 1);
	expect_ended_by(0, KILLER, ENDING_CORE);
}
END_TEST

START_TEST(untold_end_by_sigkill_that_cuts_a_core_dump_short)
{
	kill_from(SIGQUIT, 1001);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	kill_from(SIGKILL, 1002);
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	told_parent(CLD_KILLED);
	ck_assert_uint_eq(outs, 2);
	expect_ended_by(0, 1001, ENDING_NONE);
	expect_ended_by(1, 1002, ENDING_TERMINATED);
}
END_TEST

START_TEST(untold_end_by_exit_leaves_what_is_pending_undelivered)
{
	kill_from(SIGTERM, KILLER);
	delivered(SIGKILL, 813, ACTION_DEFAULT); /* the other threads get it */
	untold(813, _i ? EXIT_NO_LAST : 0);
	untold(WORKER, last_of(_i));
	told_parent(CLD_EXITED);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_GONE);
}
END_TEST

START_TEST(untold_end_by_a_signal_to_a_thread)
{
	sent(SIGTERM, 813, false, RESULT_DELIVERED, KILLER, SI_TKILL);
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	untold(813, _i ? EXIT_NO_LAST : 0);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	told_parent(CLD_KILLED);
	ck_assert_uint_eq(outs, 1);
	expect_ended_by(0, KILLER, ENDING_TERMINATED);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
}
END_TEST

/* Its parent ignores SIGCHLD: then only SIGKILLs and ends can be counted, a while later. */
START_TEST(untold_end_of_which_no_parent_hears)
{
	kill_from(SIGTERM, KILLER);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	if (_i % 2)
		untold(813, _i / 2 ? EXIT_NO_LAST : 0); /* called exit: it did not get one */
	untold(WORKER, last_of(_i / 2));
	status_ret = -ENOENT;
	join_settle_leaving(&join, now, false);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(outs, 0);
		ck_assert_uint_le(join_next_look(&join), now + 20 * MS);
		join_settle_leaving(&join, now += 50 * MS, false);
	}
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(join_next_look(&join), UINT64_MAX);
	if (_i % 2)
		ck_assert_int_eq(out[0].fate, FATE_GONE);
	else
		expect_ended_by(0, KILLER, ENDING_TERMINATED);
}
END_TEST

/* On a slow machine the process is gone long before the record of how it ended is read. */
START_TEST(untold_end_waits_for_what_was_told_the_parent_to_be_read)
{
	kill_from(SIGQUIT, KILLER);
	delivered(SIGQUIT, WORKER, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	status_ret = -ENOENT;
	join_settle_leaving(&join, now += 50 * MS, false);
	join_settle_leaving(&join, now += 50 * MS, false);
	told_parent(CLD_DUMPED);
	ck_assert_uint_eq(outs, 1);
	expect_ended_by(0, KILLER, ENDING_CORE);
}
END_TEST

START_TEST(untold_end_of_one_thread_is_not_the_end)
{
	kill_from(SIGUSR1, KILLER);
	untold(813, EXIT_NO_LAST);
	told_parent(CLD_EXITED); /* to its tracer, as each thread does */
	join_settle_leaving(&join, now += 50 * MS, false);
	ck_assert_uint_eq(outs, 0);
	ck_assert_uint_eq(join.leaving.len, 0);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 1);
	ck_assert_uint_eq(out[0].sender.pid, KILLER);
}
END_TEST

START_TEST(untold_end_that_no_record_tells_is_found_by_the_sweep)
{
	kill_from(SIGTERM, KILLER);
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	untold(WORKER, EXIT_NO_LAST);
	join_settle_leaving(&join, now += 50 * MS, false); /* it takes its time */
	status_ret = -ENOENT;
	for (int i = 0; i < 3; i++)
		join_sweep(&join, now += 2 * SECOND);
	ck_assert_uint_eq(outs, 1);
	expect_ended_by(0, KILLER, ENDING_TERMINATED);
}
END_TEST

START_TEST(untold_exec_forgets_that_the_other_threads_were_killed)
{
	struct exit_record exec = { .time = now, .type = RECORD_EXEC, .tid = WORKER, .pid = WORKER };

	kill_from(SIGTERM, KILLER); /* blocked */
	delivered(SIGKILL, 813, ACTION_DEFAULT);
	untold(813, EXIT_NO_LAST);
	join_record(&join, &exec, sizeof(exec));
	untold(WORKER, last_of(_i));
	told_parent(CLD_KILLED); /* by what was not seen */
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_GONE);
}
END_TEST

/* How many more wait is not told; one whose code differs must have been taken. */
START_TEST(untold_queue_is_first_in_first_out)
{
	sent(RT, WORKER, true, RESULT_DELIVERED, 1001, SI_QUEUE);
	sent(RT, WORKER, true, RESULT_DELIVERED, 1002, SI_USER);
	sent(RT, WORKER, true, RESULT_DELIVERED, 1003, SI_USER);
	delivered(RT, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(outs, 2);
	ck_assert_int_eq(out[0].fate, FATE_ACCEPTED);
	ck_assert_uint_eq(out[0].sender.pid, 1001);
	ck_assert_uint_eq(out[1].sender.pid, 1002);
	delivered(RT, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(out[2].sender.pid, 1003);
}
END_TEST

START_TEST(what_was_not_asked_for_is_followed_but_not_shown)
{
	struct generate_record rec = {
		.type = RECORD_GENERATE, .sig = SIGKILL, .group = 1, .target = WORKER,
		.target_pid = WORKER, .sender_pid = 1002, .unasked = 1,
	};

	kill_from(SIGTERM, 1001); /* blocked */
	rec.time = now += MS;
	join_record(&join, &rec, sizeof(rec));
	delivered(SIGKILL, WORKER, ACTION_DEFAULT);
	untold(WORKER, last_of(_i));
	told_parent(CLD_KILLED);
	ck_assert_uint_eq(outs, 1);
	ck_assert_int_eq(out[0].fate, FATE_GONE);
	ck_assert_uint_eq(out[0].sender.pid, 1001);
	ck_assert_uint_eq(join.seen, 1);
	ck_assert_uint_eq(join.pending_now, 0);
	join.signals = 1ull << (SIGTERM - 1);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER); /* nor is its delivery */
	ck_assert_uint_eq(outs, 1);
}
END_TEST

static void forked(uint32_t child, uint32_t parent)
{
	struct exit_record rec = {
		.time = now += MS, .type = RECORD_FORK, .tid = child, .pid = parent,
	};

	join_record(&join, &rec, sizeof(rec));
}

START_TEST(child_has_its_parents_arguments_also_when_it_is_gone)
{
	join.early = true;
	forked(6000, 5000);
	sent(SIGUSR1, WORKER, true, RESULT_DELIVERED, 6000, SI_USER);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_uint_eq(out[0].sender.cmdline_len, 10);
	ck_assert_mem_eq(cmdlines[0], "from\0proc", 10);
	ck_assert_int_eq(asked, 1);
}
END_TEST

/* What /proc says now is of another image than the one that sent. */
START_TEST(arguments_of_a_later_image_are_not_taken)
{
	join.early = true;
	sent(SIGUSR1, WORKER, true, RESULT_DELIVERED, 5000, SI_USER);
	delivered(SIGUSR1, WORKER, ACTION_HANDLER);
	ck_assert_ptr_null(out[0].sender.cmdline);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(thread_told_of_is_known_when_it_is_gone)
{
	struct exit_record rec = { .time = now, .type = RECORD_THREAD, .tid = 999, .pid = WORKER };

	join_record(&join, &rec, sizeof(rec));
	sent(SIGCHLD, 999, true, RESULT_IGNORED, 5000, 1);
	ck_assert_uint_eq(out[0].target.pid, WORKER);
}
END_TEST

Suite *join_suite(void)
{
	Suite *s = suite_create("join");
	TCase *c = tcase_create("join");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, handled_signal_is_joined_to_its_sender);
	tcase_add_test(c, process_signal_may_be_taken_by_any_thread);
	tcase_add_test(c, thread_signal_goes_before_process_signal);
	tcase_add_test(c, code_tells_which_queue_a_standard_signal_came_from);
	tcase_add_test(c, process_named_by_another_thread_is_found);
	tcase_add_test(c, process_told_by_the_kernel_side_is_believed);
	tcase_add_test(c, process_learnt_late_is_found);
	tcase_add_test(c, fatal_signal_is_one_line_when_the_process_ends);
	tcase_add_test(c, fatal_signal_to_a_thread_ends_the_process);
	tcase_add_test(c, core_dump_is_told);
	tcase_add_test(c, sigkill_is_joined_by_the_end);
	tcase_add_test(c, sigkill_that_nobody_sent_is_not_shown);
	tcase_add_test(c, ended_otherwise_leaves_the_rest_undelivered);
	tcase_add_loop_test(c, refusals_are_told_at_once, 0, 3);
	tcase_add_test(c, ignored_because_it_is_already_ending);
	tcase_add_test(c, queued_signals_join_their_senders_in_order);
	tcase_add_test(c, queued_signals_taken_unseen_are_skipped);
	tcase_add_test(c, long_queue_is_first_in_first_out);
	tcase_add_test(c, one_delivery_takes_all_whose_info_was_lost);
	tcase_add_test(c, standard_signal_sent_anew_proves_the_old_one_taken);
	tcase_add_test(c, standard_signal_held_by_a_debugger_is_delivered_first);
	tcase_add_loop_test(c, no_verdict_while_its_delivery_may_be_lost, 0, 2);
	tcase_add_test(c, loss_within_the_same_drain_counts);
	tcase_add_loop_test(c, sigkill_is_never_ignored_but_too_late, 0, 2);
	tcase_add_test(c, fatal_is_the_last_one_sent);
	tcase_add_test(c, sigkill_that_cuts_a_core_dump_short_is_the_end);
	tcase_add_test(c, sigcont_cancels_stop_signals);
	tcase_add_test(c, sigcont_cancels_in_other_threads_too);
	tcase_add_test(c, stop_signal_cancels_sigcont);
	tcase_add_loop_test(c, timer_is_from_the_kernel_and_from_no_task, 0, 2);
	tcase_add_test(c, fault_is_the_targets_own);
	tcase_add_test(c, signal_without_info_is_from_the_kernel);
	tcase_add_test(c, unseen_sending_is_said_to_be_unknown);
	tcase_add_loop_test(c, unseen_sending_of_the_kernel_is_told_by_its_code, 0, 2);
	tcase_add_loop_test(c, unseen_sending_is_not_shown_under_a_sender_filter_or_outside_the_trace,
			    0, 3);
	tcase_add_test(c, cmdline_from_proc_where_the_kernel_side_had_none);
	tcase_add_test(c, absent_cmdline_is_asked_for_once);
	tcase_add_loop_test(c, unread_cmdline_is_the_processs_or_its_parents_if_of_the_same_image, 0, 5);
	tcase_add_test(c, exec_ends_a_cmdline);
	tcase_add_test(c, exec_moves_a_threads_signals);
	tcase_add_test(c, sweep_waits_for_a_second_opinion);
	tcase_add_test(c, sweep_keeps_what_is_pending);
	tcase_add_loop_test(c, sweep_finds_targets_gone, 0, 2);
	tcase_add_test(c, sweep_knows_a_process_that_lives_on_in_other_threads);
	tcase_add_test(c, sweep_settles_queued_signals_taken_unseen);
	tcase_add_test(c, sweep_asks_once_a_target_and_in_parts);
	tcase_add_test(c, sweep_ends_what_was_dying);
	tcase_add_test(c, targets_that_nothing_waits_for_are_dropped);
	tcase_add_test(c, caches_stay_within_bounds);
	tcase_add_loop_test(c, closing_tells_blocked_from_pending_from_taken, 0, 5);
	tcase_add_test(c, closing_lets_a_late_delivery_win);
	tcase_add_test(c, closing_tells_of_a_process_that_has_not_ended);
	tcase_add_test(c, full_table_forgets_the_oldest_and_says_so);
	tcase_add_test(c, memory_of_a_flood_is_given_back);
	tcase_add_test(c, forgetting_survives_the_end_of_the_thread_that_was_named);
	tcase_add_test(c, anything_that_is_no_record_is_dropped);
	tcase_add_loop_test(c, every_sending_has_one_outcome, 1, 9);
	suite_add_tcase(s, c);

	c = tcase_create("untold");
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, untold_end_of_a_killed_process_is_by_what_was_sent_last, 0, 2);
	tcase_add_loop_test(c, untold_end_that_dumped_a_core, 0, 2);
	tcase_add_loop_test(c, untold_end_by_sigkill_that_cuts_a_core_dump_short, 0, 2);
	tcase_add_loop_test(c, untold_end_by_exit_leaves_what_is_pending_undelivered, 0, 2);
	tcase_add_loop_test(c, untold_end_by_a_signal_to_a_thread, 0, 2);
	tcase_add_loop_test(c, untold_end_of_which_no_parent_hears, 0, 4);
	tcase_add_loop_test(c, untold_end_waits_for_what_was_told_the_parent_to_be_read, 0, 2);
	tcase_add_test(c, untold_end_of_one_thread_is_not_the_end);
	tcase_add_test(c, untold_end_that_no_record_tells_is_found_by_the_sweep);
	tcase_add_loop_test(c, untold_exec_forgets_that_the_other_threads_were_killed, 0, 2);
	tcase_add_test(c, untold_queue_is_first_in_first_out);
	tcase_add_loop_test(c, what_was_not_asked_for_is_followed_but_not_shown, 0, 2);
	tcase_add_test(c, child_has_its_parents_arguments_also_when_it_is_gone);
	tcase_add_test(c, arguments_of_a_later_image_are_not_taken);
	tcase_add_test(c, thread_told_of_is_known_when_it_is_gone);
	suite_add_tcase(s, c);
	return s;
}
