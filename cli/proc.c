// SPDX-License-Identifier: GPL-2.0
#include "cli/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/sys.h"

/* The inode of the initial pid namespace: PROC_PID_INIT_INO, fixed since Linux 3.8. */
#define INITIAL_PID_NS "pid:[4026531836]"

static ssize_t read_proc(uint32_t pid, const char *file, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return sys_read_file(AT_FDCWD, path, text, size);
}

/* The text behind "\nNAME:" of a status file, or NULL. */
static const char *status_field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? at + strlen(name) : NULL;
}

static int proc_process_of(uint32_t tid)
{
	char text[16384]; /* "Groups:" can be long */
	ssize_t len = read_proc(tid, "status", text, sizeof(text));
	const char *field = len > 0 ? status_field(text, "\nTgid:") : NULL;

	return len < 0 ? (int)len : field ? atoi(field) : -EINVAL;
}

static ssize_t proc_cmdline(uint32_t pid, char *text, size_t size)
{
	return read_proc(pid, "cmdline", text, size);
}

/* "1 (name, even with ") in it) S 0 ...": arg_start is the 48th field, the state the third. */
static uint64_t proc_arg_start(uint32_t pid)
{
	char text[4096];
	const char *at = read_proc(pid, "stat", text, sizeof(text)) > 0 ? strrchr(text, ')') : NULL;

	for (int field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static ssize_t proc_comm(uint32_t tid, char *text, size_t size)
{
	char line[64];
	ssize_t len = read_proc(tid, "comm", line, sizeof(line));

	if (len <= 0)
		return len;
	snprintf(text, size, "%.*s", (int)len - 1, line); /* without its newline */
	return len;
}

static int proc_status(uint32_t tid, struct proc_status *status)
{
	char text[16384]; /* "Groups:" can be long */
	ssize_t len = read_proc(tid, "status", text, sizeof(text));
	const char *state = NULL, *threads, *traced, *queued, *own, *shared, *blocked;

	if (len < 0)
		return len;
	state = status_field(text, "\nState:\t");
	traced = status_field(text, "\nTracerPid:\t");
	threads = status_field(text, "\nThreads:\t");
	queued = status_field(text, "\nSigQ:\t");
	own = status_field(text, "\nSigPnd:\t");
	shared = status_field(text, "\nShdPnd:\t");
	blocked = status_field(text, "\nSigBlk:\t");
	if (!state || !traced || !threads || !queued || !own || !shared || !blocked)
		return -EINVAL;
	status->zombie = *state == 'Z' || *state == 'X';
	status->traced = atoi(traced) > 0;
	status->threads = atoi(threads);
	status->queued = strtoul(queued, NULL, 10);
	status->thread_pending = strtoull(own, NULL, 16);
	status->process_pending = strtoull(shared, NULL, 16);
	status->blocked = strtoull(blocked, NULL, 16);
	return 0;
}

/* "Uid:	real	effective	saved	of the file system" */
static int64_t proc_uid(uint32_t tid)
{
	char text[16384]; /* "Groups:" can be long */
	ssize_t len = read_proc(tid, "status", text, sizeof(text));
	const char *field = len > 0 ? status_field(text, "\nUid:\t") : NULL;

	return len < 0 ? len : field ? (int64_t)strtoul(field, NULL, 10) : -EINVAL;
}

bool proc_initial(void)
{
	char link[64];
	ssize_t len = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	link[len > 0 ? len : 0] = 0;
	return !strcmp(link, INITIAL_PID_NS);
}

const struct join_machine *proc_machine(void)
{
	static const struct join_machine machine = {
		.process_of = proc_process_of,
		.cmdline = proc_cmdline,
		.arg_start = proc_arg_start,
		.comm = proc_comm,
		.status = proc_status,
		.uid = proc_uid,
	};
	char self[32];
	ssize_t len;

	if (!proc_initial())
		return NULL;
	/* A /proc of another namespace calls us by another number. */
	len = readlink("/proc/self", self, sizeof(self) - 1);
	if (len < 0)
		return NULL;
	self[len] = 0;
	return atoi(self) == getpid() ? &machine : NULL;
}

/* Calls fn for each entry of the directory that is a number. */
static int each_number(const char *path, void (*fn)(void *ctx, uint32_t id), void *ctx)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			fn(ctx, atoi(entry->d_name));
	closedir(dir);
	return 0;
}

int proc_threads(uint32_t pid, void (*fn)(void *ctx, uint32_t tid), void *ctx)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	return each_number(path, fn, ctx);
}

int proc_processes(void (*fn)(void *ctx, uint32_t pid), void *ctx)
{
	return each_number("/proc", fn, ctx);
}
