// SPDX-License-Identifier: GPL-2.0
#include "loader/probe_event.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/sys.h"

#define OURS PROBE_EVENT_GROUP "/" PROBE_EVENT_GROUP "_"

static int write_line(int fd, const char *line)
{
	ssize_t n = write(fd, line, strlen(line));

	return n < 0 ? -errno : 0;
}

static int remove_named(int fd, const char *name)
{
	char line[80];

	snprintf(line, sizeof(line), "-:" PROBE_EVENT_GROUP "/%s\n", name);
	return write_line(fd, line);
}

/*
 * What processes left that are gone. One that lives in another pid namespace may look gone: its
 * events are in use then, and the kernel does not remove those.
 */
static void remove_orphans(int dir, const char *file, int fd,
			   void (*removed)(void *ctx, const char *name, int pid), void *ctx)
{
	char text[16384], name[40];
	const char *at = text;

	if (sys_read_file(dir, file, text, sizeof(text)) < 0)
		return;
	while ((at = strstr(at, ":" OURS))) {
		int pid, number;

		at += strlen(":" PROBE_EVENT_GROUP "/");
		if (sscanf(at, PROBE_EVENT_GROUP "_%d_%d ", &pid, &number) == 2 && pid > 0 &&
		    kill(pid, 0) && errno == ESRCH) {
			snprintf(name, sizeof(name), PROBE_EVENT_GROUP "_%d_%d", pid, number);
			if (!remove_named(fd, name) && removed)
				removed(ctx, name, pid);
		}
	}
}

void probe_events_sweep(const struct tracefs *tracefs, const char *file,
			void (*removed)(void *ctx, const char *name, int pid), void *ctx)
{
	int fd = openat(tracefs->fd, file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd >= 0)
		remove_orphans(tracefs->fd, file, fd, removed, ctx);
	sys_close(fd);
}

/*
 * Appended to: opened in another way the file would forget all events that there are. The number
 * of the descriptor, which stays open as long as the event is there, tells this process's apart.
 */
int probe_event_add(struct probe_event *probe, const struct tracefs *tracefs, const char *file,
		    bool is_return, const char *place)
{
	char line[4200];
	int ret, len;

	memset(probe, 0, sizeof(*probe));
	probe->fd = openat(tracefs->fd, file, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (probe->fd < 0)
		return -errno;
	remove_orphans(tracefs->fd, file, probe->fd, NULL, NULL);
	snprintf(probe->name, sizeof(probe->name), PROBE_EVENT_GROUP "_%d_%d", (int)getpid(),
		 probe->fd);
	len = snprintf(line, sizeof(line), "%c:" PROBE_EVENT_GROUP "/%s %s\n", is_return ? 'r' : 'p',
		       probe->name, place);
	ret = len < (int)sizeof(line) ? write_line(probe->fd, line) : -ENAMETOOLONG;
	if (ret) {
		sys_close(probe->fd);
		memset(probe, 0, sizeof(*probe));
	}
	return ret;
}

void probe_event_remove(struct probe_event *probe)
{
	if (!probe->name[0])
		return;
	remove_named(probe->fd, probe->name);
	sys_close(probe->fd);
	memset(probe, 0, sizeof(*probe));
}
