// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "loader/attach.h"
#include "util/cpus.h"
#include "util/sys.h"

/*
 * The event itself never counts: it is what the kernel hangs the program on, and a program
 * on a tracepoint runs on every CPU whichever CPU its event names. A CPU that is offline
 * cannot be named (ENODEV), so the first that can be is taken.
 */
static int open_event(int event_id)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = PERF_ATTR_SIZE_VER1, /* old kernels refuse a longer one if not zero */
		.config = event_id,
		.sample_period = 1,
		.disabled = 1,
	};
	int fd = sys_perf_event_open(&attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	/* How many there are is only asked where it matters: nearly always the first will do. */
	for (int cpu = 1, cpus = 0; fd == -ENODEV; cpu++) {
		if (!cpus)
			cpus = cpus_possible();
		if (cpu >= cpus)
			break;
		fd = sys_perf_event_open(&attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd;
}

static void explain(int ret, struct error *err)
{
	switch (ret) {
	case -EACCES:
	case -EPERM:
		err->code = ERROR_PERMISSION;
		error_hint(err, "tracing takes root, or CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8); "
				"a locked-down kernel (confidentiality) allows it to nobody");
		break;
	case -EEXIST:
		error_hint(err, "up to Linux 4.14 a tracepoint takes one program only, and perf, bcc or "
				"another portrace holds this one");
		break;
	case -ENOENT:
	case -EINVAL:
	case -ENOSYS:
	case -EOPNOTSUPP:
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "BPF programs on tracepoints are known since Linux 4.7, with "
				"CONFIG_PERF_EVENTS and CONFIG_BPF_EVENTS");
		break;
	}
}

int attach_tracepoint(int prog_fd, int event_id, const char *name, struct error *err)
{
	int fd = open_event(event_id), ret;

	if (fd < 0) {
		error_system(err, -fd, "tracepoint %s: perf_event_open", name);
		explain(fd, err);
		return -1;
	}
	ret = sys_ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd);
	if (ret < 0) {
		sys_close(fd);
		error_system(err, -ret, "tracepoint %s: attach the program", name);
		explain(ret, err);
		return -1;
	}
	return fd;
}
