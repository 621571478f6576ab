// SPDX-License-Identifier: GPL-2.0
/* Raw tracepoints, and programs that were told when loaded by its type what they are for. */
#include <errno.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

/* A descriptor, or -errno. */
static int raw_open(int prog_fd, const char *name, uint64_t cookie)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = prog_fd;
	/* raw_tracepoint.cookie, which not all headers have; zero where there is none. */
	memcpy((char *)&attr + 16, &cookie, 8);
	return sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

static int opened(struct link *link, int fd, const struct attach_request *request,
		  struct error *err)
{
	link->way = "raw tracepoint link";
	if (fd >= 0) {
		link->fd = fd;
		return 0;
	}
	error_system(err, -fd, "%s: BPF_RAW_TRACEPOINT_OPEN", request->target);
	if (fd == -EPERM || fd == -EACCES) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "tracing takes root, or CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before "
				       "Linux 5.8)");
	}
	return -1;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	int fd = raw_open(request->prog_fd, request->target, request->options->cookie);

	opened(link, fd, request, err);
	if (fd == -ENOENT)
		return ATTACH_ABSENT;
	if (fd == -EINVAL || fd == -E2BIG) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "raw tracepoints came with Linux 4.17, their cookies with 6.10");
	}
	return fd < 0 ? -1 : 0;
}

/*
 * The architecture has to have trampolines, into which functions are led: ENOTSUPP, which is
 * not in the system's headers, says that it has not.
 */
#define ENOTSUPP 524

#define TRACE_RAW_TP 23 /* BPF_TRACE_RAW_TP */

/* Functions take their cookie by another way, since Linux 5.19, than tracepoints, since 6.10. */
static int link_with_cookie(const struct attach_request *request)
{
	uint64_t cookie = request->options->cookie;
	union bpf_attr attr;

	if (request->prog->kind->attach == TRACE_RAW_TP)
		return raw_open(request->prog_fd, NULL, cookie);
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.attach_type = request->prog->kind->attach;
	/* link_create.tracing.cookie, which not all headers have. */
	memcpy((char *)&attr + 24, &cookie, 8);
	return sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
}

/*
 * Lowering has told the program already where its cookie is the one that was announced. What else
 * than a kernel without cookies may have been wrong, the second call finds, too.
 */
static int open_by_type(const struct attach_request *request, struct error *err)
{
	uint64_t cookie = request->options->cookie;
	int fd;

	if (!cookie)
		return raw_open(request->prog_fd, NULL, 0);
	fd = link_with_cookie(request);
	if (fd != -EINVAL && fd != -E2BIG)
		return fd;
	if (request->prog->cookie == cookie)
		return raw_open(request->prog_fd, NULL, 0);
	error_set(err, ERROR_UNSUPPORTED, "%s: got a cookie, expected none on this kernel",
		  request->target);
	error_hint(err, "functions take a cookie since Linux 5.19, typed tracepoints since 6.10");
	return fd;
}

static int attach_by_type(struct link *link, const struct attach_request *request,
			  struct error *err)
{
	int fd;

	error_clear(err);
	fd = open_by_type(request, err);
	if (err->code)
		return -1;
	opened(link, fd, request, err);
	if (fd == -ENOTSUPP || fd == -EOPNOTSUPP || fd == -ENOSYS) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "this architecture has no BPF trampolines in this release (x86-64: Linux "
				       "5.5, arm64: 6.0); a kprobe does the same");
	}
	if (fd == -EBUSY)
		return error_hint(err, "another program on that function does not suffer this one");
	return fd < 0 ? -1 : 0;
}

const struct attach_kind attach_kind_raw_tracepoint = {
	.targets = "raw tracepoint",
	.absent = "it was renamed, or is in a module that is not loaded",
	.attach = attach,
};

const struct attach_kind attach_kind_type = {
	.by_type = true,
	.attach = attach_by_type,
};
