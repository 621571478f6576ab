/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

/*
 * The few kernel types that the programs name, each with only the members they use: CO-RE
 * finds where the running kernel keeps them.
 */
#define __kernel __attribute__((preserve_access_index))

struct trace_event_raw_signal_generate {
	int sig;
	int code;
	char comm[16];
	int pid; /* a thread id */
	int group;
	int result;
} __kernel;

struct trace_event_raw_signal_deliver {
	int sig;
	int code;
	unsigned long sa_handler;
} __kernel;

struct trace_event_raw_sched_process_exec {
	int pid; /* thread ids */
	int old_pid;
} __kernel;

struct trace_event_raw_sched_process_exit {
	_Bool group_dead; /* since Linux 6.16 */
} __kernel;

struct trace_event_raw_task_newtask {
	int pid;
	unsigned long clone_flags;
} __kernel;

struct list_head {
	struct list_head *next;
} __kernel;

struct kernel_siginfo {
	int si_signo;
} __kernel;

struct sigqueue {
	struct list_head list;
	struct kernel_siginfo info;
} __kernel;

struct sigpending {
	struct list_head list;
} __kernel;

typedef struct {
	int counter;
} __kernel atomic_t;

struct signal_struct {
	atomic_t live;
	unsigned int flags;
	int group_exit_code;
	struct sigpending shared_pending;
} __kernel;

struct mm_struct {
	unsigned long arg_start, arg_end;
} __kernel;

struct upid {
	int nr;
} __kernel;

struct pid {
	unsigned int level; /* of the pid namespace that the thread is in itself */
	struct upid numbers[1]; /* and more: one for each level */
} __kernel;

struct task_struct {
	int pid;  /* of the thread */
	int tgid; /* of the process */
	struct pid *thread_pid; /* NULL: it has ended */
	int exit_code;
	unsigned int flags;
	struct task_struct *parent, *real_parent;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct sigpending pending;
} __kernel;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __kernel;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task; /* NULL: there are no more */
} __kernel;

#endif
