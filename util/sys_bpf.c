// SPDX-License-Identifier: GPL-2.0
/* In a file of its own, so that unit tests can put a kernel of their making in its place. */
#include "util/sys.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	long ret = syscall(SYS_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}
