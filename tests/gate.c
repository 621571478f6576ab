// SPDX-License-Identifier: GPL-2.0
#include "tests/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/sys.h"

/*
 *	behind the gate                    its keeper
 *	bpf(BPF_PROG_LOAD, ...)  ──────▶  reads attr and instructions from the caller's memory,
 *	                                  asks gate_answer()
 *	-EINVAL, with a log      ◀──────  or: goes on to the kernel
 *
 * A caller that changes attr between the two could pass; ours do not.
 */

#define INSNS_MAX 1000000u
#define BTF_MAX (16u << 20)

/* ---- the caller's memory ---- */

static bool copy_from(pid_t pid, unsigned long long from, void *to, size_t len)
{
	struct iovec here = { to, len }, there = { (void *)(uintptr_t)from, len };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

static void *copy_new(pid_t pid, unsigned long long from, size_t len)
{
	void *to = malloc(len ? len : 1);

	if (to && copy_from(pid, from, to, len))
		return to;
	free(to);
	return NULL;
}

static void give_log(pid_t pid, const union bpf_attr *attr, const struct strbuf *log)
{
	size_t len = log->len + 1;
	struct iovec here = { log->at, len }, there = { (void *)(uintptr_t)attr->log_buf, len };

	if (attr->log_level && attr->log_size >= len)
		process_vm_writev(pid, &here, 1, &there, 1, 0);
}

/* ---- answers ---- */

static int answer_call(struct caps *caps, pid_t pid, struct gate_call *call)
{
	char text[512];
	struct strbuf log = STRBUF(text);
	int ret = gate_answer(caps, call, &log);

	if (ret && call->cmd == BPF_PROG_LOAD)
		give_log(pid, &call->attr, &log);
	return ret;
}

static int answer_bpf(struct caps *caps, const struct seccomp_notif *n)
{
	struct gate_call call = { .cmd = n->data.args[0] };
	size_t size = n->data.args[2];
	void *points = NULL;
	struct rlimit limit;
	int ret;

	if (size > sizeof(call.attr) || !copy_from(n->pid, n->data.args[1], &call.attr, size))
		return 0; /* the kernel says what is wrong with it */
	call.memlock = prlimit(n->pid, RLIMIT_MEMLOCK, NULL, &limit) ? RLIM_INFINITY : limit.rlim_cur;
	if (call.cmd == BPF_PROG_LOAD && call.attr.insn_cnt <= INSNS_MAX) {
		call.insns_len = call.attr.insn_cnt;
		call.insns = points = copy_new(n->pid, call.attr.insns, call.insns_len * 8);
	} else if (call.cmd == BPF_BTF_LOAD && call.attr.btf_size <= BTF_MAX) {
		call.btf_len = call.attr.btf_size;
		call.btf = points = copy_new(n->pid, call.attr.btf, call.btf_len);
	}
	ret = (call.insns_len && !call.insns) || (call.btf_len && !call.btf) ?
		      -EFAULT : answer_call(caps, n->pid, &call);
	free(points);
	return ret;
}

/* Where a libc still calls open(2), its path comes first; openat(2) has a directory before it. */
#ifdef __NR_open
#define NR_OPEN __NR_open
#else
#define NR_OPEN __NR_openat
#endif

static int answer_open(struct caps *caps, const struct seccomp_notif *n)
{
	unsigned long long from = n->data.args[n->data.nr == __NR_openat];
	char path[64] = "";

	/* A path that ends before a page that is not there is read up to it. */
	for (size_t i = 0; i + 1 < sizeof(path); i++)
		if (!copy_from(n->pid, from + i, path + i, 1) || !path[i])
			break;
	return gate_hides(caps, path) ? -ENOENT : 0;
}

static void answer(struct caps *caps, int listener, struct seccomp_notif *n,
		   struct seccomp_notif_resp *resp)
{
	int ret = n->data.nr == __NR_bpf ? answer_bpf(caps, n) : answer_open(caps, n);

	memset(resp, 0, sizeof(*resp));
	resp->id = n->id;
	resp->error = ret;
	resp->flags = ret ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp);
}

/* Until nobody is behind the gate any more (POLLHUP: Linux 5.9). */
static void keep(struct caps *caps, int listener)
{
	static union {
		struct seccomp_notif n;
		char room[512]; /* a newer kernel's may be longer than the headers know */
	} in;
	static union {
		struct seccomp_notif_resp resp;
		char room[512];
	} out;
	struct pollfd at = { .fd = listener, .events = POLLIN };

	while (poll(&at, 1, -1) > 0 && !(at.revents & (POLLHUP | POLLERR))) {
		memset(&in, 0, sizeof(in));
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in.n))
			answer(caps, listener, &in.n, &out.resp);
	}
}

/* ---- its making ---- */

static int listen_to_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NR_OPEN, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(filter) / sizeof(*filter), filter };
	int fd = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);

	return fd < 0 ? -errno : fd;
}

/* One descriptor through a socket, the way of unix(7). */
union ancillary {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static int pass_fd(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union ancillary with = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &with,
			      .msg_controllen = sizeof(with) };

	memcpy(CMSG_DATA(&with.head), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -errno;
}

static int take_fd(int socket)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union ancillary with;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &with,
			      .msg_controllen = sizeof(with) };
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* The keeper holds nothing open of whom it was made by, and is nobody's child that would miss it. */
static void start_keeper(struct caps *caps, int socket)
{
	int listener, end = sysconf(_SC_OPEN_MAX);

	if (fork())
		_exit(0);
	setsid();
	if (dup2(socket, 0) < 0)
		_exit(1);
	for (int fd = 1; fd < end && fd < 65536; fd++)
		close(fd);
	listener = take_fd(0);
	if (listener >= 0 && write(0, "", 1) == 1) {
		close(0);
		keep(caps, listener);
	}
	_exit(0);
}

int gate_read(struct caps *caps, const char *path, struct error *err)
{
	static char text[256u << 10];
	ssize_t len = sys_read_file(AT_FDCWD, path, text, sizeof(text));

	if (len < 0)
		return error_file(err, -len, path);
	return caps_read(caps, path, text, len, err);
}

int gate_enter(const char *caps_file, struct error *err)
{
	static struct caps caps;
	int pair[2], listener, ret;
	char byte;
	pid_t pid;

	if (gate_read(&caps, caps_file, err))
		return -EINVAL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid)
		start_keeper(&caps, pair[1]);
	close(pair[1]);
	if (pid < 0 || waitpid(pid, &ret, 0) != pid)
		return -errno;
	listener = listen_to_calls();
	if (listener < 0) {
		close(pair[0]);
		return listener;
	}
	ret = pass_fd(pair[0], listener);
	if (!ret && read(pair[0], &byte, 1) != 1)
		ret = -EPIPE;
	close(listener);
	close(pair[0]);
	caps_fini(&caps);
	return ret;
}
