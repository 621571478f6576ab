// SPDX-License-Identifier: GPL-2.0
#include "tests/live/cgroups.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/live/harness.h"

char cgroup_path[64];
static pid_t keeper;
static int keeper_pipe = -1;

static bool is_removed(void *unused)
{
	return !rmdir(cgroup_path) || errno == ENOENT;
}

/* Tests may end anywhere: a process of its own sees that, and removes the cgroup after it. */
static void start_keeper(void)
{
	int ends[2];
	char c;

	ck_assert_int_eq(pipe(ends), 0);
	keeper = fork();
	ck_assert_int_ge(keeper, 0);
	if (!keeper) {
		setsid(); /* not to be ended with the test */
		close(ends[1]);
		while (read(ends[0], &c, 1) < 0 && errno == EINTR)
			;
		_exit(!wait_until(is_removed, NULL, PATIENCE_MS));
	}
	close(ends[0]);
	keeper_pipe = ends[1];
}

/* In a mount namespace of this process's own, so that nobody else sees it. */
void cgroup_make(void)
{
	snprintf(cgroup_path, sizeof(cgroup_path), "/sys/fs/cgroup/portrace-%d", getpid());
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	if (mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL))
		skip("cgroups of version 2 (%s)", strerror(errno));
	ck_assert_msg(!mkdir(cgroup_path, 0700), "%s: %s", cgroup_path, strerror(errno));
	start_keeper();
}

void cgroup_remove(void)
{
	close(keeper_pipe);
	ck_assert_int_eq(wait_status(keeper), 0);
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
