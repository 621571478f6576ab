// SPDX-License-Identifier: GPL-2.0
/*
 * The signal tracer's kernel side: says what the kernel did, joins nothing. Which delivery
 * belongs to which sending takes knowledge of both queues of a process (its own and each
 * thread's) and of what leaves them unseen; user space can have that knowledge, and two small
 * records cost less than one map entry put and taken (docs/ARCHITECTURE.md has the figures).
 *
 * generate and deliver run with the target's siglock held and interrupts off, so that for
 * one process their records stand in the ring in the order in which things happened.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/kernel.h"
#include "bpf/signal.h"

#define SI_TIMER (-2)
#define CLD_EXITED 1
#define CLD_DUMPED 3
#define CLD_CONTINUED 6
#define SIGRTMIN 32 /* the first that queues */
#define CLONE_THREAD 0x00010000
#define SIGNAL_GROUP_EXIT 0x4

char _license[] SEC("license") = "GPL";

/*
 * What all programs return: with 0 the kernel ends the event there, and perf's users of the same
 * tracepoint, perf_event_open(2)'s counters and records, would never have it.
 */
#define GO_ON 1

/*
 * What a kernel without BTF leaves: the records of tracepoints. Both are constants after
 * relocation, so of each branch on them only one is loaded.
 */
#define HAS_TASKS bpf_core_type_exists(struct task_struct)
#define TELLS_LAST                                                                           \
	bpf_core_field_exists(((struct trace_event_raw_sched_process_exit *)0)->group_dead)

/* Settings, made constants of the program before it is loaded. */
const volatile __u64 want_signals = ~0ULL; /* bit sig - 1 */
const volatile __u64 fatal_signals;        /* whose default action ends the process */
const volatile __s32 child_signal;         /* SIGCHLD, which machines number differently */
const volatile __u8 by_from, by_to, by_either, by_uid;
const volatile __u32 want_uid;
const volatile __u32 comm_count;
const volatile char want_comms[FILTER_COMMS][COMM_LEN]; /* NUL padded */
const volatile __u8 no_arguments; /* leave command lines to user space: they are large */
const volatile __u64 wake_step = 1 << 18; /* wake the reader each time so many bytes wait */

struct losses losses;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* How user space ends it in order: detaching takes the kernel tens of milliseconds each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} phase SEC(".maps");

/*
 * Threads that -p, --from or --to name: WATCH_* by thread id. Preallocated, as kernels before
 * 6.1 warn of tracing programs that allocate.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_MAX);
	__type(key, __u32);
	__type(value, __u32);
} watched SEC(".maps");

/*
 * Processes whose command line user space has: two places for each pid modulo the buckets. One
 * that finds both taken only means that a command line is sent once more.
 */
#define BUCKETS 1024
struct bucket {
	__u32 pids[2];
} known[BUCKETS];

struct cmdline_room {
	struct cmdline_record head;
	char text[CMDLINE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cmdline_room);
} cmdline_rooms SEC(".maps");

static __always_inline int phase_is_past(__u32 last)
{
	__u32 zero = 0, *now = bpf_map_lookup_elem(&phase, &zero);

	return !now || *now > last;
}

static __always_inline void lose(__u64 *count)
{
	__sync_fetch_and_add(count, 1);
}

/*
 * The reader is woken by the first record it has not caught up with (the kernel's own rule,
 * which is exact) and lets more gather; when much has gathered it is woken out of turn.
 */
static __always_inline __u64 wake_flags(__u64 size)
{
	__u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	return (waiting & (wake_step - 1)) < size + 8 ? BPF_RB_FORCE_WAKEUP : 0;
}

static __always_inline int is_known(__u32 pid)
{
	const struct bucket *bucket = &known[pid % BUCKETS];

	return bucket->pids[0] == pid || bucket->pids[1] == pid;
}

static __always_inline void make_known(__u32 pid)
{
	struct bucket *bucket = &known[pid % BUCKETS];

	bucket->pids[1] = bucket->pids[0];
	bucket->pids[0] = pid;
}

/* The process image has ended. Says whether user space had its command line. */
static __always_inline int forget(__u32 pid)
{
	struct bucket *bucket = &known[pid % BUCKETS];

	if (bucket->pids[0] == pid)
		bucket->pids[0] = 0;
	else if (bucket->pids[1] == pid)
		bucket->pids[1] = 0;
	else
		return 0;
	return 1;
}

static __always_inline int watch_bits(__u32 tid)
{
	__u32 *bits = bpf_map_lookup_elem(&watched, &tid);

	return bits ? *bits : 0;
}

/* Is this 16 byte name, as eight-byte words, one of those asked for? */
static __always_inline int comm_wanted(const __u64 *comm)
{
	int found = 0;

#pragma unroll
	for (__u32 i = 0; i < FILTER_COMMS; i++) {
		const volatile __u64 *want = (const volatile __u64 *)want_comms[i];

		if (i < comm_count && comm[0] == want[0] && comm[1] == want[1])
			found = 1;
	}
	return found;
}

static __always_inline int want_signal(int sig)
{
	return sig > 0 && sig <= 64 && want_signals >> (sig - 1) & 1;
}

static __always_inline int is_fatal(int sig)
{
	return sig > 0 && sig <= 64 && fatal_signals >> (sig - 1) & 1;
}

/* The kernel sends these on its own account: the current task is not who sent them. */
static __always_inline int from_kernel(int code)
{
	return code > 0 || code == SI_TIMER;
}

static __always_inline int want_parties(int code, __u32 pid, __u32 tid, __u32 target)
{
	__u32 to = watch_bits(target), from = 0;

	if (!from_kernel(code))
		from = watch_bits(pid) | watch_bits(tid);
	if (by_from && !(from & WATCH_FROM))
		return 0;
	if (by_to && !(to & WATCH_TO))
		return 0;
	return !by_either || (from | to) & WATCH_EITHER;
}

#define PF_FORKNOEXEC 0x40 /* include/linux/sched.h: forked, and has not been through exec */

/* Tells user space the current process's arguments, once for each process image. */
static __always_inline void send_cmdline(__u64 time, __u32 pid)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct cmdline_room *room;
	__u64 start, len;
	__u32 zero = 0;

	/* A kernel thread, or a process that sends while it exits: it has no arguments any more. */
	if (!mm)
		return;
	room = bpf_map_lookup_elem(&cmdline_rooms, &zero);
	if (!room)
		return;
	start = BPF_CORE_READ(mm, arg_start);
	len = BPF_CORE_READ(mm, arg_end) - start;
	room->head.time = time;
	room->head.type = RECORD_CMDLINE;
	room->head.truncated = len > CMDLINE_MAX - 1;
	room->head.pid = pid;
	if (len > CMDLINE_MAX - 1)
		len = CMDLINE_MAX - 1;
	room->head.start = start;
	room->head.parent = 0;
	/*
	 * A page that is not in memory cannot be read from here; user space then asks /proc. Nor can one
	 * that the child of a fork has not touched yet, where software notes that it was (s390, and ARM
	 * before 8.1); it has what its parent has.
	 */
	if (len && bpf_probe_read_user(room->text, len & (CMDLINE_MAX - 1), (void *)start)) {
		len = 0;
		if (BPF_CORE_READ(task, flags) & PF_FORKNOEXEC)
			room->head.parent = BPF_CORE_READ(task, real_parent, tgid);
	}
	len &= CMDLINE_MAX - 1;
	room->head.len = len;
	len += sizeof(room->head);
	if (bpf_ringbuf_output(&events, room, len, wake_flags(len)))
		lose(&losses.cmdline);
	else
		make_known(pid);
}

/*
 * The process that a thread belongs to, as far as it is at hand. A child's end is told to the
 * thread that forked, which may itself have ended before user space can ask whose it was.
 */
static __always_inline __u32 process_of(__u32 target, __u32 tid, __u32 pid, int code)
{
	struct task_struct *parent;

	if (target == tid)
		return pid;
	if (!HAS_TASKS || code < CLD_EXITED || code > CLD_CONTINUED)
		return 0;
	parent = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), parent);
	return (__u32)BPF_CORE_READ(parent, pid) == target ? BPF_CORE_READ(parent, tgid) : 0;
}

/* Sent for what it says of signals that are asked for: it may be what ends their target. */
static __always_inline int want_unasked(int sig, __u32 target)
{
	return !HAS_TASKS && is_fatal(sig) && !(by_to && !(watch_bits(target) & WATCH_TO));
}

/* Reserves, fills and submits what exit and its like share; code and flags say what happened. */
static __always_inline void send_exit(__u8 type, __u32 tid, __u32 pid, __u32 code, __u8 flags)
{
	struct exit_record *rec;

	if (phase_is_past(PHASE_NO_SENDINGS))
		return;
	rec = bpf_ringbuf_reserve(&events, sizeof(*rec), 0);
	if (!rec) {
		lose(&losses.exit);
		return;
	}
	rec->time = bpf_ktime_get_ns();
	rec->type = type;
	rec->sig = code & 0x7f;
	rec->flags = flags | (code & 0x80 ? EXIT_CORE : 0);
	rec->unused = 0;
	rec->tid = tid;
	rec->pid = pid;
	rec->code = code;
	bpf_ringbuf_submit(rec, wake_flags(sizeof(*rec)));
}

/* The target's name stands unaligned in the context, which takes only aligned loads. */
#define context_comm(ctx, words)                                                             \
	do {                                                                                 \
		__u32 *half_ = (__u32 *)(words);                                             \
		half_[0] = *(__u32 *)&(ctx)->comm[0];                                        \
		half_[1] = *(__u32 *)&(ctx)->comm[4];                                        \
		half_[2] = *(__u32 *)&(ctx)->comm[8];                                        \
		half_[3] = *(__u32 *)&(ctx)->comm[12];                                       \
	} while (0)

SEC("tracepoint/signal/signal_generate")
int signal_generate(struct trace_event_raw_signal_generate *ctx)
{
	__u64 both = bpf_get_current_pid_tgid(), time;
	__u32 pid = both >> 32, tid = both, uid = bpf_get_current_uid_gid();
	__u64 sender_comm[2] = {}, target_comm[2];
	int sig = ctx->sig, code = plain_code(ctx->code), asked;
	__u32 target = ctx->pid;
	struct generate_record *rec;

	if (!HAS_TASKS && sig == child_signal && code >= CLD_EXITED && code <= CLD_DUMPED)
		send_exit(RECORD_END, tid, pid, code, 0);
	asked = want_signal(sig) && !(by_uid && (uid != want_uid || from_kernel(code))) &&
		(!(by_from || by_to || by_either) || want_parties(code, pid, tid, target));
	if ((!asked && !want_unasked(sig, target)) || phase_is_past(PHASE_ALL))
		return GO_ON;
	bpf_get_current_comm(sender_comm, sizeof(sender_comm));
	context_comm(ctx, target_comm);
	if (comm_count && !comm_wanted(target_comm) &&
	    (from_kernel(code) || !comm_wanted(sender_comm))) {
		if (!want_unasked(sig, target))
			return GO_ON;
		asked = 0;
	}

	time = bpf_ktime_get_ns();
	if (asked && !is_known(pid) && !from_kernel(code)) {
		/* Without its types user space asks /proc, and wants to hear of the image's end. */
		if (HAS_TASKS && !no_arguments)
			send_cmdline(time, pid);
		else
			make_known(pid);
	}
	rec = bpf_ringbuf_reserve(&events, sizeof(*rec), 0);
	if (!rec) {
		lose(&losses.generate);
		return GO_ON;
	}
	rec->time = time;
	rec->type = RECORD_GENERATE;
	rec->sig = sig;
	rec->result = ctx->result;
	rec->group = ctx->group;
	rec->code = code;
	rec->target = target;
	rec->sender_tid = tid;
	rec->sender_pid = pid;
	rec->sender_uid = uid;
	rec->target_pid = process_of(target, tid, pid, code);
	rec->unasked = !asked;
	__builtin_memcpy(rec->sender_comm, sender_comm, COMM_LEN);
	__builtin_memcpy(rec->target_comm, target_comm, COMM_LEN);
	bpf_ringbuf_submit(rec, wake_flags(sizeof(*rec)));
	return GO_ON;
}

/* Signals of this number in a queue of pending ones; LEFT_MAX where it is too long to tell. */
static __always_inline int count_left(struct sigpending *pending, int sig)
{
	struct list_head *head = __builtin_preserve_access_index(&pending->list);
	struct list_head *node = BPF_CORE_READ(pending, list.next);
	int left = 0;

#pragma unroll
	for (int i = 0; i < LEFT_MAX; i++) {
		struct sigqueue *queued = (struct sigqueue *)node;

		if (node == head)
			return left;
		if (BPF_CORE_READ(queued, info.si_signo) == sig)
			left++;
		node = BPF_CORE_READ(queued, list.next);
	}
	return node == head ? left : LEFT_MAX;
}

SEC("tracepoint/signal/signal_deliver")
int signal_deliver(struct trace_event_raw_signal_deliver *ctx)
{
	__u64 both = bpf_get_current_pid_tgid();
	int sig = ctx->sig, code = plain_code(ctx->code);
	int left = LEFT_NOT_COUNTED | LEFT_NOT_COUNTED << 4;
	unsigned long handler = ctx->sa_handler;
	struct deliver_record *rec;

	if (!want_signal(sig) && (HAS_TASKS || !is_fatal(sig)))
		return GO_ON;
	if (phase_is_past(PHASE_NO_SENDINGS))
		return GO_ON;
	if (by_to && !((watch_bits(both >> 32) | watch_bits(both)) & WATCH_TO))
		return GO_ON;
	/* Several of these can wait at once, and sigwait may have taken some of them unseen. */
	if (HAS_TASKS && (sig >= SIGRTMIN || code == SI_TIMER)) {
		struct task_struct *task = (void *)bpf_get_current_task();
		struct signal_struct *signal = BPF_CORE_READ(task, signal);

		left = count_left(&task->pending, sig) |
		       count_left(&signal->shared_pending, sig) << 4;
	}
	rec = bpf_ringbuf_reserve(&events, sizeof(*rec), 0);
	if (!rec) {
		lose(&losses.deliver);
		return GO_ON;
	}
	rec->time = bpf_ktime_get_ns();
	rec->type = RECORD_DELIVER;
	rec->sig = sig;
	/* SIG_DFL is 0, SIG_IGN 1, anything else a function. */
	rec->action = handler < 2 ? handler : ACTION_HANDLER;
	rec->left = left;
	rec->tid = both;
	rec->pid = both >> 32;
	rec->code = code;
	bpf_ringbuf_submit(rec, wake_flags(sizeof(*rec)));
	return GO_ON;
}

/*
 * As wait(2) will tell it. A thread's own code lacks the core flag where it waited for another
 * thread to write the core.
 */
static __always_inline __u32 exit_code(struct task_struct *task, struct signal_struct *signal)
{
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, exit_code);
}

/* How the current thread ends, as a code of wait(2) and EXIT_*. */
static __always_inline __u8 exit_flags(const struct trace_event_raw_sched_process_exit *ctx,
				       __u32 *code)
{
	struct task_struct *task;
	struct signal_struct *signal;

	if (!HAS_TASKS)
		return EXIT_NO_CODE |
		       (!TELLS_LAST ? EXIT_NO_LAST : ctx->group_dead ? EXIT_LAST : 0);
	task = (void *)bpf_get_current_task();
	signal = BPF_CORE_READ(task, signal);
	*code = exit_code(task, signal);
	/* do_exit() has counted this thread out before it comes here. */
	return BPF_CORE_READ(signal, live.counter) == 0 ? EXIT_LAST : 0;
}

SEC("tracepoint/sched/sched_process_exit")
int process_exit(struct trace_event_raw_sched_process_exit *ctx)
{
	__u64 both = bpf_get_current_pid_tgid();
	__u32 pid = both >> 32, tid = both, code = 0;
	__u8 flags = exit_flags(ctx, &code);
	int wanted = 1;

	if (by_to)
		wanted = (watch_bits(pid) | watch_bits(tid)) & WATCH_TO;
	/* The first thread's id stands for the process for as long as any thread is left. */
	if (tid != pid)
		bpf_map_delete_elem(&watched, &tid);
	if (flags & EXIT_LAST) {
		bpf_map_delete_elem(&watched, &pid);
		wanted |= forget(pid);
	}
	if (flags & EXIT_NO_LAST)
		wanted |= is_known(pid);
	if (wanted)
		send_exit(RECORD_EXIT, tid, pid, code, flags);
	return GO_ON;
}

SEC("tracepoint/sched/sched_process_exec")
int process_exec(struct trace_event_raw_sched_process_exec *ctx)
{
	__u32 pid = ctx->pid, old = ctx->old_pid;

	forget(pid);
	/* The thread takes the process's id over; its own goes to somebody else one day. */
	if (old != pid)
		bpf_map_delete_elem(&watched, &old);
	send_exit(RECORD_EXEC, old, pid, 0, 0);
	return GO_ON;
}

/*
 * A new thread of a watched process is watched. Loaded only where pids are asked for, and where
 * what has ended cannot be asked whose thread it was, or what its arguments were.
 */
SEC("tracepoint/task/task_newtask")
int new_thread(struct trace_event_raw_task_newtask *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, tid = ctx->pid, bits;
	int is_thread = (ctx->clone_flags & CLONE_THREAD) != 0;

	if (!HAS_TASKS)
		send_exit(is_thread ? RECORD_THREAD : RECORD_FORK, tid, pid, 0, 0);
	if (!is_thread)
		return GO_ON;
	bits = watch_bits(pid);
	if (bits && bpf_map_update_elem(&watched, &tid, &bits, BPF_ANY))
		lose(&losses.thread);
	return GO_ON;
}
