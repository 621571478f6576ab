/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPF_SIGNAL_H
#define BPF_SIGNAL_H

/*
 * What bpf/signal.bpf.c tells user space: the records on the wire, native byte order, the
 * same layout on every architecture. Times are CLOCK_MONOTONIC nanoseconds, pids those of
 * the initial pid namespace. "tid" is a thread, "pid" a process (the kernel's tgid).
 */

#ifdef __bpf__
#include "bpf/types.h"
#else
#include <linux/types.h>
#endif

#define COMM_LEN 16
#define CMDLINE_MAX 4096

enum record_type {
	RECORD_GENERATE = 1,
	RECORD_DELIVER,
	RECORD_EXIT,
	RECORD_EXEC,
	RECORD_CMDLINE,
	/* Only where the kernel's own types are not known: */
	RECORD_THREAD, /* process `pid` has a new thread `tid` */
	RECORD_FORK,   /* process `pid` has forked `tid` */
	RECORD_END,    /* a process tells its parent how it ended; one traced, of each thread */
};

/* `result` of signal_generate, as the kernel numbers it (TRACE_SIGNAL_*). */
enum generate_result {
	RESULT_DELIVERED,
	RESULT_IGNORED,
	RESULT_PENDING,
	RESULT_OVERFLOW,
	RESULT_LOST_INFO,
};

/* What every record begins with. */
struct record {
	__u64 time;
	__u8 type;
	__u8 sig;
	__u8 a, b; /* by type, named below */
};

struct generate_record {
	__u64 time;
	__u8 type;
	__u8 sig;
	__u8 result; /* enum generate_result */
	__u8 group;  /* 1: to the process, 0: to the thread */
	__s32 code;  /* si_code */
	__u32 target; /* thread id that the kernel names */
	__u32 sender_tid;
	__u32 sender_pid;
	__u32 sender_uid;
	__u32 target_pid; /* its process where the kernel side can tell, else 0 */
	__u32 unasked; /* 1: sent for what it says of others, see EXIT_NO_CODE */
	char sender_comm[COMM_LEN]; /* of the current task, which is not always the sender */
	char target_comm[COMM_LEN];
};

enum deliver_action { ACTION_DEFAULT, ACTION_IGNORE, ACTION_HANDLER };
/* deliver_record.left: at most this many signals are counted, NOT_COUNTED means not looked. */
#define LEFT_MAX 8
#define LEFT_NOT_COUNTED 15

struct deliver_record {
	__u64 time;
	__u8 type;
	__u8 sig;
	__u8 action; /* enum deliver_action */
	/*
	 * Real-time signals: how many more of this number wait after this one, low nibble in the
	 * thread's own queue, high nibble in the process's. LEFT_MAX stands for that many or more.
	 */
	__u8 left;
	__u32 tid;
	__u32 pid;
	__s32 code;
};

#define EXIT_CORE 1 /* a core was dumped */
#define EXIT_LAST 2 /* the last thread: the process is gone */
/*
 * Without the kernel's types its task_struct cannot be read: which signal ended a thread, and
 * up to Linux 6.15 whether it was the last, is not told. Then all signals that might end a
 * process are recorded, whatever is asked for, so that user space can tell which did.
 */
#define EXIT_NO_CODE 4
#define EXIT_NO_LAST 8

struct exit_record {
	__u64 time;
	__u8 type;
	__u8 sig; /* that ended it, 0 = none */
	__u8 flags;
	__u8 unused;
	__u32 tid; /* RECORD_EXEC: the thread id before exec, which takes the process's over */
	__u32 pid;
	__u32 code; /* as wait(2) has it; RECORD_END: CLD_EXITED, CLD_KILLED, CLD_DUMPED */
};

/*
 * Sent once for each process image that sends signals; later records name it by pid. The text
 * follows: arguments, each ended by NUL.
 */
struct cmdline_record {
	__u64 time;
	__u8 type;
	__u8 truncated;
	__u16 len; /* bytes of text; transports may pad behind it */
	__u32 pid;
	__u64 start;  /* where the arguments are in the process: tells its image from others */
	__u32 parent; /* that it forked from and has the image of; 0: it has been through exec, or len */
	__u32 unused;
};

/* The one value of the `phase` map: what is still recorded. */
enum phase {
	PHASE_ALL,
	PHASE_NO_SENDINGS, /* deliveries and exits: of what has been sent */
	PHASE_OVER,
};

/*
 * A tracepoint's si_code as user space sees it. Before Linux 4.14 (cc731525f26a "signal: Remove kernel
 * internal si_code magic") the kernel has a mark of its own in the upper half: SEGV_MAPERR is 0x30001,
 * SI_TIMER 0x1fffe. Nobody else's code is so large, but what a process makes up for itself.
 */
static inline int plain_code(int code)
{
	return code >> 16 > 0 ? (short)code : code;
}

/* Bits in the value of the `watched` map, keyed by thread id. */
#define WATCH_FROM 1
#define WATCH_TO 2
#define WATCH_EITHER 4

#define FILTER_COMMS 8
#define WATCHED_MAX (1 << 14) /* threads */

/* Records that found no room, by what they were; `thread`: new threads of watched processes
 * that did not. */
struct losses {
	__u64 generate, deliver, exit, cmdline, thread;
};

#endif
