// SPDX-License-Identifier: GPL-2.0
/*
 * From the TRACE_EVENT() macros of Linux 4.4 to 4.16 (include/trace/events/), which are the same in all
 * of them: the arguments in TP_PROTO, and the fields that TP_fast_assign makes of them. Each record
 * begins with 8 bytes that all have in common. Fields of type long are as wide as the machine's.
 */
#include "compat/tracepoints.h"

#include <stddef.h>
#include <string.h>

#define NOT_THERE { TRACEPOINT_NOWHERE, 0 }
#define CURRENT { TRACEPOINT_CURRENT, 0 }
#define INT(at) { TRACEPOINT_INT, at }
#define LONG(at) { TRACEPOINT_LONG, at }

static const struct tracepoint tracepoints[] = {
	/* int sig, struct siginfo *info, struct task_struct *task, int group, int result */
	{ "signal/signal_generate", 5,
	  { INT(8), NOT_THERE, NOT_THERE, INT(40), INT(44) } },
	/* int sig, struct siginfo *info, struct k_sigaction *ka */
	{ "signal/signal_deliver", 3, { INT(8), NOT_THERE, NOT_THERE } },
	/* struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm */
	{ "sched/sched_process_exec", 3, { CURRENT, INT(16), NOT_THERE } },
	/* struct task_struct *p */
	{ "sched/sched_process_exit", 1, { CURRENT } },
	/* struct task_struct *parent, struct task_struct *child */
	{ "sched/sched_process_fork", 2, { CURRENT, NOT_THERE } },
	/* bool preempt, struct task_struct *prev, struct task_struct *next */
	{ "sched/sched_switch", 3, { NOT_THERE, CURRENT, NOT_THERE } },
	/* struct pt_regs *regs, long id */
	{ "raw_syscalls/sys_enter", 2, { NOT_THERE, LONG(0) } },
	/* struct pt_regs *regs, long ret */
	{ "raw_syscalls/sys_exit", 2, { NOT_THERE, LONG(1) } },
};

const struct tracepoint *tracepoint_find(const char *name)
{
	for (size_t i = 0; i < sizeof(tracepoints) / sizeof(*tracepoints); i++)
		if (!strcmp(strchr(tracepoints[i].name, '/') + 1, name))
			return &tracepoints[i];
	return NULL;
}
