// SPDX-License-Identifier: GPL-2.0
#include "tests/live/cgroups.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/live/harness.h"

char cgroup_path[64];
static char mount_path[40];

/* In a mount namespace of this process's own, so that nobody else sees it and nothing stays. */
void cgroup_make(void)
{
	snprintf(mount_path, sizeof(mount_path), "/tmp/portrace-cgroup-%d", getpid());
	snprintf(cgroup_path, sizeof(cgroup_path), "%s/portrace-%d", mount_path, getpid());
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mkdir(mount_path, 0700), 0);
	if (mount("none", mount_path, "cgroup2", 0, NULL)) {
		rmdir(mount_path);
		skip("cgroups of version 2 (%s)", strerror(errno));
	}
	ck_assert_msg(!mkdir(cgroup_path, 0700), "%s: %s", cgroup_path, strerror(errno));
}

static bool is_removed(void *unused)
{
	return !rmdir(cgroup_path) || errno == ENOENT;
}

void cgroup_remove(void)
{
	wait_until(is_removed, NULL, PATIENCE_MS); /* the last process may not be quite gone */
	umount2(mount_path, MNT_DETACH);
	rmdir(mount_path);
}

/* What it takes of sockets before it is in the cgroup concerns no program. */
static int enter(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char path[80];
	int fd;

	fd = unshare(CLONE_NEWNET) ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		return -1;
	close(fd);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return -1;
	close(fd);
	return 0;
}

int cgroup_act(int (*act)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(enter() ? 200 : act());
	status = wait_status(pid);
	ck_assert_msg(WIFEXITED(status), "status 0x%x", status);
	ck_assert_int_ne(WEXITSTATUS(status), 200);
	return WEXITSTATUS(status);
}
