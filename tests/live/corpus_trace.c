// SPDX-License-Identifier: GPL-2.0
/* Trials of the tracing objects: the process does something, the program has seen it. */
#include "tests/live/corpus.h"

#include <linux/perf_event.h>

#include "util/sys.h"

#define TIMES 5
#define NOT_THERE "no-such-file"
#define NO_DIR 77 /* no descriptor: unlinkat says EBADF, after it has looked at the name */

static void watch_self(void)
{
	corpus_set("only_pid", getpid());
	corpus_start();
}

static void send_signals(void)
{
	signal(SIGURG, SIG_IGN);
	for (int i = 0; i < TIMES; i++)
		raise(SIGURG);
}

static void remove_nothing(void)
{
	for (int i = 0; i < TIMES; i++)
		ck_assert_int_eq(syscall(SYS_unlinkat, NO_DIR, NOT_THERE, 0), -1);
}

static void need_kprobes(void)
{
	struct tracefs tracefs;
	bool has;

	ck_assert_msg(!tracefs_open(&tracefs, &corpus.err), "%s", corpus.err.message);
	has = !faccessat(tracefs.fd, "kprobe_events", F_OK, 0);
	tracefs_close(&tracefs);
	if (!has)
		skip("kprobes: built with CONFIG_KPROBE_EVENTS");
}

static void try_counts(void)
{
	uint32_t sig = SIGURG;
	uint64_t n = 0;

	watch_self();
	send_signals();
	ck_assert_int_eq(sys_map_lookup(corpus_map("by_signal"), &sig, &n), 0);
	ck_assert_uint_eq(n, TIMES);
	ck_assert_uint_eq(corpus_get("total"), TIMES);
	ck_assert_uint_eq(corpus_get("weighed"), TIMES * 1000 * 7); /* SIGURG & 3 is 3 */
}

struct record {
	uint64_t time;
	uint32_t sig, number;
	uint64_t pid_tgid;
	char comm[16];
};

static void try_records(void)
{
	struct record got[64];
	uint64_t before = now_ns(CLOCK_MONOTONIC);

	prctl(PR_SET_NAME, "corpus-sender");
	watch_self();
	corpus_open_reader("events");
	send_signals();
	ck_assert_uint_eq(corpus_records(got, sizeof(*got), 64), TIMES);
	for (uint32_t i = 0; i < TIMES; i++) {
		ck_assert_uint_eq(got[i].number, i);
		ck_assert_uint_eq(got[i].sig, SIGURG);
		ck_assert_uint_eq(got[i].pid_tgid, (uint64_t)getpid() << 32 | gettid_());
		ck_assert_str_eq(got[i].comm, "corpus-sender");
		ck_assert_uint_ge(got[i].time, i ? got[i - 1].time : before);
	}
	ck_assert_uint_ge(now_ns(CLOCK_MONOTONIC), got[TIMES - 1].time);
}

static void try_raw_tp(void)
{
	watch_self();
	send_signals();
	ck_assert_uint_eq(corpus_get("hits"), TIMES);
	ck_assert_uint_eq(corpus_get("sig"), SIGURG);
	ck_assert_uint_eq(corpus_get("target"), getpid());
	ck_assert_uint_eq(corpus_get("parent"), getppid());
}

static void try_tp_btf(void)
{
	prctl(PR_SET_NAME, "zebra");
	watch_self();
	send_signals();
	ck_assert_uint_eq(corpus_get("hits"), TIMES);
	ck_assert_uint_eq(corpus_get("sig_seen"), SIGURG);
	ck_assert_uint_eq(corpus_get("target"), getpid());
	ck_assert_uint_eq(corpus_get("parent"), getppid());
	ck_assert_uint_eq(corpus_get("name"), 'z');
}

static void expect_name(void)
{
	char name[32];

	corpus_get_bytes("name", name, sizeof(name));
	ck_assert_str_eq(name, NOT_THERE);
	ck_assert_int_eq((int32_t)corpus_get("dir"), NO_DIR);
	ck_assert_int_eq((int32_t)corpus_get("result"), -EBADF);
}

static void try_kprobe(void)
{
	need_kprobes();
	watch_self();
	remove_nothing();
	ck_assert_uint_eq(corpus_get("pairs"), TIMES);
	expect_name();
}

static void try_fentry(void)
{
	watch_self();
	remove_nothing();
	ck_assert_uint_eq(corpus_get("entries"), TIMES);
	ck_assert_uint_eq(corpus_get("exits"), TIMES);
	expect_name();
}

static void try_ksyscall(void)
{
	need_kprobes();
	watch_self();
	remove_nothing();
	ck_assert_uint_eq(corpus_get("entries"), TIMES);
	ck_assert_uint_eq(corpus_get("returns"), TIMES);
	ck_assert_int_eq((int32_t)corpus_get("result"), -EBADF);
}

static void try_syscall_event(void)
{
	char path[32];

	watch_self();
	remove_nothing();
	ck_assert_uint_eq(corpus_get("hits"), TIMES);
	ck_assert_int_eq((int32_t)corpus_get("dir"), NO_DIR);
	ck_assert_uint_eq(corpus_get("length"), sizeof(NOT_THERE));
	corpus_get_bytes("path", path, sizeof(path));
	ck_assert_str_eq(path, NOT_THERE);
}

int work_for_probes(int x);

static void try_uprobe(void)
{
	int64_t gave = 0;

	watch_self();
	for (int i = 0; i < TIMES; i++)
		gave += work_for_probes(i * 10);
	ck_assert_int_eq((int64_t)corpus_get("got"), 0 + 10 + 20 + 30 + 40);
	ck_assert_int_eq((int64_t)corpus_get("gave"), gave);
}

static bool was_sampled(void *unused)
{
	for (volatile int i = 0; i < 1000000; i++)
		;
	return corpus_get("samples") > 2;
}

static void try_perf_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = PERF_ATTR_SIZE_VER1,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};
	int fd;

	watch_self();
	fd = sys_perf_event_open(&attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s", strerror(-fd));
	ck_assert_int_eq(sys_ioctl(fd, PERF_EVENT_IOC_SET_BPF, corpus_program("on_tick")), 0);
	ck_assert(wait_until(was_sampled, NULL, PATIENCE_MS));
	close(fd);
}

static void try_identity(void)
{
	uint64_t mono = now_ns(CLOCK_MONOTONIC), boot = now_ns(CLOCK_BOOTTIME);
	uint32_t inside[2];
	struct stat ns;
	char comm[16];

	ck_assert_int_eq(stat("/proc/self/ns/pid", &ns), 0);
	corpus_set("ns_dev", ns.st_dev);
	corpus_set("ns_ino", ns.st_ino);
	prctl(PR_SET_NAME, "somebody");
	watch_self();
	raise(SIGURG);
	ck_assert_uint_eq(corpus_get("pid_tgid"), (uint64_t)getpid() << 32 | gettid_());
	ck_assert_uint_eq(corpus_get("uid_gid"), (uint64_t)getgid() << 32 | getuid());
	corpus_get_bytes("comm", comm, sizeof(comm));
	ck_assert_str_eq(comm, "somebody");
	ck_assert_uint_lt(corpus_get("cpu"), sysconf(_SC_NPROCESSORS_CONF));
	ck_assert_uint_ge(corpus_get("mono"), mono);
	ck_assert_uint_le(corpus_get("mono"), now_ns(CLOCK_MONOTONIC));
	ck_assert_uint_ge(corpus_get("boot"), boot);
	ck_assert_uint_le(corpus_get("boot"), now_ns(CLOCK_BOOTTIME));
	ck_assert_int_eq((int64_t)corpus_get("inside_ret"), 0);
	corpus_get_bytes("inside", inside, sizeof(inside));
	ck_assert_uint_eq(inside[0], gettid_());
	ck_assert_uint_eq(inside[1], getpid());
}

static void try_task(void)
{
	const struct btf *types;
	uint32_t id;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	watch_self();
	raise(SIGURG);
	types = &corpus.types.btf;
	ck_assert_uint_eq(corpus_get("leader"), getpid());
	ck_assert_uint_eq(corpus_get("parent"), getppid());
	ck_assert_uint_eq(corpus_get("threads"), 1);
	ck_assert_uint_eq(corpus_get("subreaper"), 1);
	ck_assert_uint_eq(corpus_get("reset_on_fork"), 0);
	ck_assert_uint_eq(corpus_get("has_comm"), 1);
	ck_assert_uint_eq(corpus_get("has_none"), 0);
	ck_assert_uint_eq(corpus_get("comm_size"), 16);
	id = btf_find(types, "task_struct", BTF_KIND_STRUCT);
	ck_assert_int_eq(corpus_get("task_size"), btf_size(types, id));
	ck_assert_uint_eq(corpus_get("session_type"), 3);
}

static void try_current_task(void)
{
	watch_self();
	send_signals();
	ck_assert_uint_eq(corpus_get("hits"), TIMES);
	ck_assert_uint_eq(corpus_get("tgid"), getpid());
	ck_assert_uint_eq(corpus_get("parent"), getppid());
}

static void try_cookie(void)
{
	/* Where the kernel cannot keep it, it is in the program. */
	corpus.attach.cookie = corpus.obj.programs.at[0].cookie = 0x1020304050607080;
	watch_self();
	send_signals();
	ck_assert_uint_eq(corpus_get("hits"), TIMES);
	ck_assert_uint_eq(corpus_get("cookie"), corpus.attach.cookie);
}

static void try_stacks(void)
{
	uint64_t frames[32] = { 0 };
	uint32_t id;

	watch_self();
	raise(SIGURG);
	ck_assert_int_ge((int64_t)corpus_get("id"), 0);
	id = corpus_get("id");
	ck_assert_int_eq(sys_map_lookup(corpus_map("stacks"), &id, frames), 0);
	ck_assert_uint_ne(frames[0], 0);
}

static void try_iter(void)
{
	uint32_t ids[2];
	bool found = false;
	int fd;

	corpus_start();
	fd = link_run_iter(&corpus.links[0], &corpus.err);
	ck_assert_msg(fd >= 0, "%s", corpus.err.message);
	while (sys_read(fd, ids, sizeof(ids)) == sizeof(ids))
		found |= ids[0] == (uint32_t)getpid() && ids[1] == (uint32_t)gettid_();
	close(fd);
	ck_assert(found);
}

/* Hooks are only called where "bpf" is among the security modules that the kernel was booted with. */
static bool lsm_is_on(void)
{
	char list[512] = "";

	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	sys_read_file(AT_FDCWD, "/sys/kernel/security/lsm", list, sizeof(list));
	return strstr(list, "bpf");
}

static void try_lsm(void)
{
	watch_self();
	if (!lsm_is_on())
		skip("security hooks: booted with lsm=...,bpf");
	ck_assert_int_eq(kill(getpid(), SIGURG), 0);
	ck_assert_uint_eq(corpus_get("hits"), 1);
	ck_assert_uint_eq(corpus_get("sig_seen"), SIGURG);
}

#define HELPER(name, type) { NEED_A_HELPER, BPF_FUNC_##name, BPF_PROG_TYPE_##type, 0 }
#define PROGRAM(type) { NEED_A_PROGRAM, BPF_PROG_TYPE_##type, 0, 0 }
#define CAP(name) { NEED_CAP, CAP_##name, 0, 0 }
#define TYPES { NEED_TYPES, 0, 0, 0 }

TRIAL(counts, try_counts, PROGRAM(TRACEPOINT))
TRIAL(ring, try_records, PROGRAM(TRACEPOINT))
TRIAL(perf, try_records, PROGRAM(TRACEPOINT))
TRIAL(raw_tp, try_raw_tp, TYPES, CAP(RAW_TRACEPOINT))
TRIAL(tp_btf, try_tp_btf, TYPES, CAP(RAW_TRACEPOINT))
TRIAL(kprobe, try_kprobe, TYPES)
TRIAL(fentry, try_fentry, TYPES)
TRIAL(ksyscall, try_ksyscall)
TRIAL(syscall_event, try_syscall_event, CAP(SYSCALL_EVENTS))
TRIAL(uprobe, try_uprobe, CAP(UPROBE_EVENTS))
TRIAL(perf_event, try_perf_event, PROGRAM(PERF_EVENT))
TRIAL(identity, try_identity, PROGRAM(TRACEPOINT))
TRIAL(task, try_task, TYPES)
TRIAL(current_task, try_current_task, TYPES, CAP(RAW_TRACEPOINT))
TRIAL(cookie, try_cookie, PROGRAM(TRACEPOINT))
TRIAL(stacks, try_stacks, { NEED_A_MAP, BPF_MAP_TYPE_STACK_TRACE, 0, 0 })
TRIAL(iter, try_iter, TYPES, CAP(TRACING), HELPER(seq_write, TRACING))
TRIAL(lsm, try_lsm, TYPES, PROGRAM(LSM), CAP(TRAMPOLINE))

void add_trace_trials(TCase *c)
{
	add_trial(c, counts);
	add_trial(c, ring);
	add_trial(c, perf);
	add_trial(c, raw_tp);
	add_trial(c, tp_btf);
	add_trial(c, kprobe);
	add_trial(c, fentry);
	add_trial(c, ksyscall);
	add_trial(c, syscall_event);
	add_trial(c, uprobe);
	add_trial(c, perf_event);
	add_trial(c, identity);
	add_trial(c, task);
	add_trial(c, current_task);
	add_trial(c, cookie);
	add_trial(c, stacks);
	add_trial(c, iter);
	add_trial(c, lsm);
}
