// SPDX-License-Identifier: GPL-2.0
/*
 * Where tracefs is. In this order, so that the machine stays as it is:
 *
 *	mounted already          in the usual place, or where /proc/self/mountinfo says
 *	fsopen, fsmount          a mount that has no place and ends with its descriptor (5.2)
 *	debugfs/tracing          what kernels before 4.1 have; touching it mounts tracefs there
 *	a private namespace      mount(2) in a mount namespace of this process alone
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader/tracefs.h"
#include "util/sys.h"

#ifndef FSCONFIG_CMD_CREATE
#define FSCONFIG_CMD_CREATE 6
#endif

#define FORMAT_MAX (64u << 10) /* the longest are of a few pages */

static int open_dir(struct tracefs *tracefs, const char *where)
{
	int fd = sys_open(where, O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (fd < 0)
		return fd;
	/*
	 * An empty directory of that name is no tracefs. Not access(2), which asks for the real user and
	 * without capabilities.
	 */
	if (fstatat(fd, "events", &st, 0)) {
		int saved = errno;

		sys_close(fd);
		return -saved;
	}
	tracefs->fd = fd;
	snprintf(tracefs->where, sizeof(tracefs->where), "%s", where);
	return 0;
}

/* NULL: the line ends before. */
static const char *word_at(const char *line, int index)
{
	while (line && index--) {
		line = strchr(line, ' ');
		line = line ? line + 1 : NULL;
	}
	return line;
}

/*
 * A line of mountinfo:  36 25 0:7 / /sys/kernel/tracing rw,relatime shared:1 - tracefs none rw
 * The fifth word is where, the one behind the lone "-" what.
 */
static int open_mounted(struct tracefs *tracefs, const char *type, const char *below)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], path[1100];
	int ret = -ENOENT;

	while (file && ret && fgets(line, sizeof(line), file)) {
		const char *what = strstr(line, " - "), *where = word_at(line, 4);

		if (!what || !where)
			continue;
		what += 3;
		if (strncmp(what, type, strlen(type)) || what[strlen(type)] != ' ')
			continue;
		snprintf(path, sizeof(path), "%.*s%s", (int)strcspn(where, " "), where, below);
		ret = open_dir(tracefs, path);
	}
	if (file)
		fclose(file);
	return ret;
}

static int open_detached(struct tracefs *tracefs)
{
	int fs = syscall(SYS_fsopen, "tracefs", 1 /* FSOPEN_CLOEXEC */), ret = 0;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		ret = -errno;
	tracefs->fd = ret ? -1 : syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, 0);
	if (!ret && tracefs->fd < 0)
		ret = -errno;
	sys_close(fs);
	if (!ret)
		strcpy(tracefs->where, "a mount of its own");
	return ret;
}

static int open_private(struct tracefs *tracefs)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug", "/mnt",
					      "/tmp" };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!mount("tracefs", places[i], "tracefs", 0, NULL))
			return open_dir(tracefs, places[i]);
	return -errno;
}

int tracefs_open(struct tracefs *tracefs, struct error *err)
{
	int ret, detached;

	tracefs->fd = -1;
	ret = open_dir(tracefs, "/sys/kernel/tracing");
	if (ret && ret != -EACCES)
		ret = open_mounted(tracefs, "tracefs", "");
	if (!ret || ret == -EACCES)
		goto out;
	detached = open_detached(tracefs);
	if (!detached)
		return 0;
	ret = open_mounted(tracefs, "debugfs", "/tracing");
	if (ret)
		ret = open_private(tracefs);
	if (ret && detached != -ENOSYS)
		ret = detached;
out:
	if (!ret)
		return 0;
	error_system(err, -ret, "tracefs: open");
	if (ret == -EPERM || ret == -EACCES) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "reading or mounting tracefs takes root, or CAP_DAC_READ_SEARCH "
				       "where it is mounted and CAP_SYS_ADMIN where it is not");
	}
	if (ret == -ENODEV) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "this kernel has no tracefs: it was built without "
				       "CONFIG_TRACING (CONFIG_FTRACE, CONFIG_EVENT_TRACING)");
	}
	return error_hint(err, "mount it: mount -t tracefs nodev /sys/kernel/tracing");
}

void tracefs_close(struct tracefs *tracefs)
{
	sys_close(tracefs->fd);
	tracefs->fd = -1;
}

/* What reading a file of an event's failed of. */
static int event_failed(const struct tracefs *tracefs, const char *category, const char *event,
			const char *path, int sys, struct error *err)
{
	error_system(err, sys, "tracepoint %s:%s: read %s in %s", category, event, path,
		     tracefs->where);
	if (sys == ENOENT) {
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "this kernel has no such tracepoint: it was renamed, is in a module "
				       "that is not loaded, or the kernel was built without "
				       "CONFIG_EVENT_TRACING");
	}
	if (sys == EACCES || sys == EPERM) {
		err->code = ERROR_PERMISSION;
		return error_hint(err, "run as root");
	}
	return -1;
}

int tracefs_event_id(const struct tracefs *tracefs, const char *category, const char *event,
		     struct error *err)
{
	char path[256], text[32];
	ssize_t len;

	snprintf(path, sizeof(path), "events/%s/%s/id", category, event);
	len = sys_read_file(tracefs->fd, path, text, sizeof(text));
	if (len > 0)
		return atoi(text);
	return event_failed(tracefs, category, event, path, len < 0 ? -len : EINVAL, err);
}

int tracefs_format(const struct tracefs *tracefs, const char *category, const char *event,
		   char **text, size_t *len, struct error *err)
{
	char path[256];
	ssize_t n;

	*text = malloc(FORMAT_MAX);
	if (!*text)
		return error_memory(err);
	snprintf(path, sizeof(path), "events/%s/%s/format", category, event);
	n = sys_read_file(tracefs->fd, path, *text, FORMAT_MAX);
	if (n > 0) {
		*len = n;
		return 0;
	}
	free(*text);
	*text = NULL;
	return event_failed(tracefs, category, event, path, n < 0 ? -n : EINVAL, err);
}
