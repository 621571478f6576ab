// SPDX-License-Identifier: GPL-2.0
#include "util/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/sys.h"

/* Not /proc/thread-self, which is there since Linux 3.17 only. */
static void self(char *path, size_t size)
{
	snprintf(path, size, "/proc/self/task/%d/ns/net", (int)syscall(SYS_gettid));
}

static uint32_t number_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

uint32_t netns_self(void)
{
	char path[64];

	self(path, sizeof(path));
	return number_of(path);
}

int netns_open_self(void)
{
	char path[64];

	self(path, sizeof(path));
	return sys_open(path, O_RDONLY);
}

/* One of "DIR/NAME/ns/net" or "DIR/NAME"; a process may be gone when it is opened. */
static int find_below(const char *where, const char *behind, bool processes, uint32_t number)
{
	DIR *dir = opendir(where);
	struct dirent *entry;
	char path[300];
	int fd = -ENOENT;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		if (processes && !isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", where, entry->d_name, behind);
		if (number_of(path) == number)
			fd = sys_open(path, O_RDONLY);
	}
	if (dir)
		closedir(dir);
	return fd < 0 ? -ENOENT : fd;
}

int netns_open(uint32_t number)
{
	int fd;

	if (number == netns_self())
		return netns_open_self();
	fd = find_below("/proc", "/ns/net", true, number);
	if (fd < 0)
		fd = find_below("/run/netns", "", false, number);
	return fd;
}

int netns_enter(uint32_t number)
{
	int to, back, saved;

	back = netns_open_self();
	if (back < 0 || number == netns_self())
		return back;
	to = netns_open(number);
	saved = to < 0 ? to : setns(to, CLONE_NEWNET) ? -errno : 0;
	sys_close(to);
	if (!saved)
		return back;
	sys_close(back);
	return saved;
}

void netns_leave(int back)
{
	if (back < 0)
		return;
	setns(back, CLONE_NEWNET);
	sys_close(back);
}
