// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/cpus.h"
#include "util/sys.h"

#define BPF_PERF_EVENT_TYPE 41 /* BPF_PERF_EVENT: not in the headers of all distributions */

/*
 * A program on an event runs on every CPU whichever its event names. A CPU that is offline
 * cannot be named (ENODEV), so the first that can be is taken.
 */
int perf_open(struct perf_event_attr *attr)
{
	int fd = sys_perf_event_open(attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	/* How many there are is only asked where it matters: nearly always the first will do. */
	for (int cpu = 1, cpus = 0; fd == -ENODEV; cpu++) {
		if (!cpus)
			cpus = cpus_possible();
		if (cpu >= cpus)
			break;
		fd = sys_perf_event_open(attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd;
}

int perf_open_process(struct perf_event_attr *attr, pid_t pid)
{
	return pid ? sys_perf_event_open(attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC) : perf_open(attr);
}

static int open_tracepoint(int id, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = PERF_ATTR_SIZE_VER1, /* old kernels refuse a longer one if not zero */
		.config = id,
		.sample_period = 1,
		.disabled = 1,
	};

	return perf_open_process(&attr, pid);
}

int perf_open_tracepoint(int id)
{
	return open_tracepoint(id, 0);
}

int perf_explain(int ret, struct error *err)
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
		error_hint(err, "BPF programs on tracepoints are known since Linux 4.7, on kprobes since 4.1, "
				"with CONFIG_PERF_EVENTS and CONFIG_BPF_EVENTS");
		break;
	}
	return -1;
}

static int create_link(int event_fd, const struct attach_request *request)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.target_fd = event_fd;
	attr.link_create.attach_type = BPF_PERF_EVENT_TYPE;
	/* link_create.perf_event.bpf_cookie, which is not in all headers either. */
	memcpy(&attr.link_create.flags + 1, &request->options->cookie, 8);
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

int perf_attach(struct link *link, int event_fd, const struct attach_request *request,
		struct error *err)
{
	const struct attach_options *options = request->options;
	int ret;

	link->fd = event_fd;
	link->way = options->perf_links ? "perf event and link" : "perf event";
	/* Lowering has told the program already where it is the one that was announced. */
	if (options->cookie != request->prog->cookie && options->cookie && !options->perf_links) {
		error_set(err, ERROR_UNSUPPORTED, "%s: got a cookie, expected none on this kernel",
			  request->target);
		return error_hint(err, "perf events take a cookie since Linux 5.15");
	}
	if (options->perf_links) {
		ret = create_link(event_fd, request);
		/* The link holds its event. */
		if (ret >= 0) {
			sys_close(event_fd);
			link->fd = ret;
		}
	} else {
		ret = sys_ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, request->prog_fd);
	}
	if (ret >= 0)
		return 0;
	error_system(err, -ret, "%s: attach the program", request->target);
	return perf_explain(ret, err);
}

int perf_attach_tracepoint(struct link *link, int id, pid_t pid,
			   const struct attach_request *request, struct error *err)
{
	int fd = open_tracepoint(id, pid);

	if (fd >= 0)
		return perf_attach(link, fd, request, err);
	error_system(err, -fd, "%s: perf_event_open", request->target);
	return perf_explain(fd, err);
}
