// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that choose which of several sockets on one port (SO_REUSEPORT) gets a connection or
 * datagram. They hang on the group that the sockets form, of which one is named, as descriptor FD
 * of process PID: "1234:5". It is not kept open, as it would go on listening when its process has
 * closed it; to take the program off again it is got once more, and known by its cookie.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif
#ifndef SYS_pidfd_open /* the same on every architecture but one that has no BPF */
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* The other process's socket, as a descriptor of this one; or -errno. */
static int get_socket(pid_t pid, int number)
{
	int process = syscall(SYS_pidfd_open, pid, 0), fd, sys;

	if (process < 0)
		return -errno;
	fd = syscall(SYS_pidfd_getfd, process, number, 0);
	sys = errno;
	sys_close(process);
	return fd < 0 ? -sys : fd;
}

static int get_cookie(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) ? -errno : 0;
}

static bool parse(const char *text, pid_t *pid, int *number)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (value <= 0 || value > INT32_MAX || *end != ':' || !end[1])
		return false;
	*pid = value;
	value = strtol(end + 1, &end, 10);
	*number = value;
	return !*end && value >= 0 && value <= INT32_MAX;
}

/* numbers: process, descriptor, and the socket's cookie in two halves. */
static int run_undo(const struct undo *undo, struct error *err)
{
	uint64_t cookie, ours = (uint64_t)undo->numbers[3] << 32 | undo->numbers[2];
	int fd = get_socket(undo->numbers[0], undo->numbers[1]), none = 0, sys = 0;

	if (fd < 0) /* the process is gone, or the descriptor: the group is as well, or other sockets' */
		return UNDO_GONE;
	if (get_cookie(fd, &cookie) || cookie != ours)
		sys = ENOENT;
	else if (setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof(none)))
		sys = errno;
	sys_close(fd);
	if (!sys || sys == ENOENT)
		return sys ? UNDO_GONE : 0;
	error_system(err, sys, "process %u: socket %u: SO_DETACH_REUSEPORT_BPF", undo->numbers[0],
		     undo->numbers[1]);
	return sys == ENOPROTOOPT ? error_hint(err, "before Linux 5.3 the program stays as long as the "
					       "sockets do") : -1;
}

const struct undo_kind undo_reuseport = {
	.name = "reuseport",
	.what = "program on a group of sockets",
	.run = run_undo,
};

static int explain(int sys, const struct attach_request *request, struct error *err)
{
	error_system(err, sys, "%s: SO_ATTACH_REUSEPORT_EBPF", request->target);
	if (sys == ENOPROTOOPT)
		return error_hint(err, "it is known since Linux 4.19");
	if (sys == EINVAL)
		return error_hint(err, "the socket has to have SO_REUSEPORT set before it is bound");
	return -1;
}

static int attach_to_socket(struct link *link, int fd, const struct attach_request *request,
			    struct error *err)
{
	int prog_fd = request->prog_fd, ret;
	uint64_t cookie;

	ret = get_cookie(fd, &cookie);
	if (ret)
		return error_system(err, -ret, "%s: SO_COOKIE", request->target);
	link->undo.numbers[2] = cookie;
	link->undo.numbers[3] = cookie >> 32;
	link->undo.kind = &undo_reuseport;
	attach_note(link, request);
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &prog_fd, sizeof(prog_fd)))
		return 0;
	ret = errno;
	attach_nothing(link);
	return explain(ret, request, err);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	int number, fd, ret;
	pid_t pid;

	link->way = "socket option";
	if (!parse(request->target, &pid, &number)) {
		error_set(err, ERROR_USAGE, "section '%s': got %s%s%s, expected PID:FD of a socket",
			  request->prog->section, *request->target ? "'" : "no socket", request->target,
			  *request->target ? "'" : "");
		return error_hint(err, "say which by --attach %s=PID:FD; ss -ltnp lists those that listen",
				  request->prog->name);
	}
	fd = get_socket(pid, number);
	if (fd < 0) {
		error_system(err, -fd, "%s: get the socket", request->target);
		return fd == -ENOSYS ? error_hint(err, "it takes Linux 5.6") : -1;
	}
	link->undo.numbers[0] = pid;
	link->undo.numbers[1] = number;
	snprintf(link->where, sizeof(link->where), "process %d, socket %d", (int)pid, number);
	ret = attach_to_socket(link, fd, request, err);
	sys_close(fd);
	return ret;
}

const struct attach_kind attach_kind_reuseport = {
	.needs = NEED_TARGET,
	.attach = attach,
};
