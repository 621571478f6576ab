/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPF_PIDS_H
#define BPF_PIDS_H

/* What bpf/pids.bpf.c tells of each thread that there is in its reader's pid namespace. */

#ifdef __bpf__
#include "bpf/types.h"
#else
#include <linux/types.h>
#endif

struct pids_record {
	__u32 tid, pid; /* of the thread and its process, in the initial pid namespace */
	__u32 here;     /* of the thread, in the reader's */
	__u32 level;    /* of the reader's: 0 is the initial one */
};

#endif
