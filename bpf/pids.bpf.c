// SPDX-License-Identifier: GPL-2.0
/*
 * Of each thread in the reader's pid namespace its id there and its id in the initial one. The
 * kernel goes through the threads of the reader's namespace only. A thread has an id in each
 * namespace from the initial one down to its own, by level:
 *
 *	                level 0   1    2
 *	reader            310     7         so its namespace is one of level 1
 *	thread            342    16    1    here it is 16
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/kernel.h"
#include "bpf/pids.h"

char _license[] SEC("license") = "GPL";

/* How far apart they are only the kernel knows. */
static __always_inline __u32 number_at(struct pid *pid, __u32 level)
{
	void *numbers = __builtin_preserve_access_index(&pid->numbers);
	struct upid *upid = numbers + level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(upid, nr);
}

SEC("iter/task")
int tell_pids(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *reader = (void *)bpf_get_current_task();
	struct pids_record rec = {};
	struct pid *pid;

	if (!task)
		return 0;
	pid = BPF_CORE_READ(task, thread_pid);
	if (!pid)
		return 0;
	rec.tid = BPF_CORE_READ(task, pid);
	rec.pid = BPF_CORE_READ(task, tgid);
	rec.level = BPF_CORE_READ(reader, thread_pid, level);
	rec.here = number_at(pid, rec.level);
	bpf_seq_write(ctx->meta->seq, &rec, sizeof(rec));
	return 0;
}
