// SPDX-License-Identifier: GPL-2.0
#include "util/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	return result(syscall(SYS_bpf, cmd, attr, size));
}

int sys_perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd,
			unsigned long flags)
{
	return result(syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, flags));
}

int sys_ioctl(int fd, unsigned long request, unsigned long arg)
{
	return result(ioctl(fd, request, arg));
}

int sys_open(const char *path, int flags)
{
	return result(open(path, flags | O_CLOEXEC));
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return result(n);
}

ssize_t sys_write_all(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += n;
	}
	return done;
}

void sys_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

ssize_t sys_read_file(int dirfd, const char *path, char *buf, size_t size)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = sys_read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	sys_close(fd);
	buf[len] = 0;
	return n < 0 ? n : (ssize_t)len;
}
