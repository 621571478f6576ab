// SPDX-License-Identifier: GPL-2.0
/*
 * In tracefs, made by a mkdir there and gone with a rmdir; the name says whose it is, so that what
 * a process left that was killed can be removed by the next:
 *
 *	instances/portrace_1234_0/trace_clock, trace_options, buffer_percent
 *	                          events/bpf_trace/bpf_trace_printk/enable
 *	                          trace_pipe
 */
#include "loader/printk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/printk_parse.h"
#include "util/sys.h"

#define INSTANCES "instances"
#define OURS "portrace_"
#define INITIAL_PIDS 0xEFFFFFFC /* PROC_PID_INIT_INO: the namespace's inode, the same everywhere */
#define EVENT "events/bpf_trace/bpf_trace_printk/enable"

struct printk {
	struct tracefs own;
	int dir;       /* of tracefs: a descriptor of this one's own */
	char name[64]; /* of the instance; "": it is the machine's */
	char tag[PRINTK_TAG_SIZE];
	int pipe;
	bool initial_pids; /* ids of threads mean the same in /proc */
	struct printk_parser parser;
	/* A read gives whole prints, and at most a page or two. */
	char text[65536];
};

void printk_make_tag(char tag[PRINTK_TAG_SIZE])
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct timespec now;
	uint64_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		number = (uint64_t)getpid() << 40 ^ (uint64_t)now.tv_sec << 30 ^ now.tv_nsec;
	}
	for (int i = 0; i < PRINTK_TAG_SIZE - 1; i++, number /= 62)
		tag[i] = letters[number % 62];
	tag[PRINTK_TAG_SIZE - 1] = 0;
}

/* ---- the instance ---- */

/* -errno; what an older kernel does not have is not missed. */
static int write_file(int dir, const char *instance, const char *file, const char *text)
{
	char path[160];
	int fd, ret;

	snprintf(path, sizeof(path), INSTANCES "/%s/%s", instance, file);
	fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	sys_close(fd);
	return ret;
}

static int remove_instance(int dir, const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), INSTANCES "/%s", name);
	return unlinkat(dir, path, AT_REMOVEDIR) ? -errno : 0;
}

/*
 * One that lives in another pid namespace may look gone: its instance is in use then, and the kernel
 * does not remove it.
 */
void printk_sweep(const struct tracefs *tracefs,
		  void (*removed)(void *ctx, const char *name, int pid), void *ctx)
{
	int fd = openat(tracefs->fd, INSTANCES, O_RDONLY | O_DIRECTORY | O_CLOEXEC), pid, number;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		sys_close(fd);
	while (dir && (entry = readdir(dir)))
		if (sscanf(entry->d_name, OURS "%d_%d", &pid, &number) == 2 && pid > 0 &&
		    kill(pid, 0) && errno == ESRCH &&
		    !remove_instance(tracefs->fd, entry->d_name) && removed)
			removed(ctx, entry->d_name, pid);
	if (dir)
		closedir(dir);
}

static int make_instance(struct printk *p)
{
	char path[100];

	for (int i = 0; i < 1000; i++) {
		snprintf(p->name, sizeof(p->name), OURS "%d_%d", (int)getpid(), i);
		snprintf(path, sizeof(path), INSTANCES "/%s", p->name);
		if (!mkdirat(p->dir, path, 0700))
			return 0;
		if (errno != EEXIST)
			break;
	}
	p->name[0] = 0;
	return -errno;
}

/* New instances have whatever options the machine's tracing has. */
static void set_format(struct printk *p)
{
	static const char *const options[] = {
		"nobin", "nohex", "noraw", "noverbose", "noblock", "nofields", "context-info", "irq-info",
		"overwrite", "nopause-on-trace",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		write_file(p->dir, p->name, "trace_options", options[i]);
	write_file(p->dir, p->name, "trace_clock", "mono");
	/* Since Linux 5.0, whose poll() else waits for half a buffer. */
	write_file(p->dir, p->name, "buffer_percent", "0");
}

/* 0, 1 where this kernel has no such event, or -errno. */
static int begin_instance(struct printk *p)
{
	struct stat st;
	int ret;

	if (fstatat(p->dir, EVENT, &st, 0))
		return errno == ENOENT ? 1 : -errno;
	ret = make_instance(p);
	if (ret)
		return ret;
	set_format(p);
	return write_file(p->dir, p->name, EVENT, "1");
}

/* ---- */

static int open_pipe(struct printk *p)
{
	char path[100];

	snprintf(path, sizeof(path), INSTANCES "/%s/trace_pipe", p->name);
	p->pipe = openat(p->dir, p->name[0] ? path : "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return p->pipe < 0 ? -errno : 0;
}

static int open_all(struct printk *p, const struct tracefs *tracefs, struct error *err)
{
	int ret;

	p->own.fd = -1;
	if (!tracefs && tracefs_open(&p->own, err))
		return -1;
	p->dir = tracefs ? fcntl(tracefs->fd, F_DUPFD_CLOEXEC, 3) : p->own.fd;
	if (p->dir < 0)
		return error_system(err, errno, "tracefs");
	printk_sweep(&(struct tracefs){ .fd = p->dir }, NULL, NULL);
	ret = begin_instance(p);
	if (ret < 0) {
		error_system(err, -ret, "tracefs: an instance of this process's own");
		return error_hint(err, "reading what programs print takes root, and tracefs mounted for writing");
	}
	ret = open_pipe(p);
	if (ret) {
		error_system(err, -ret, "tracefs: trace_pipe");
		return ret == -EBUSY ? error_hint(err, "another process reads it already, and before Linux 5.9 "
						       "there is one for the whole machine") : -1;
	}
	return 0;
}

struct printk *printk_open(const char *tag, const struct tracefs *tracefs, struct error *err)
{
	struct printk *p = calloc(1, sizeof(*p));
	struct stat pids;

	if (!p) {
		error_memory(err);
		return NULL;
	}
	p->dir = p->pipe = -1;
	p->initial_pids = !stat("/proc/self/ns/pid", &pids) && pids.st_ino == INITIAL_PIDS;
	if (tag) {
		snprintf(p->tag, sizeof(p->tag), "%s", tag);
		p->parser.tag = p->tag;
	}
	if (!open_all(p, tracefs, err))
		return p;
	printk_close(p);
	return NULL;
}

void printk_close(struct printk *p)
{
	if (!p)
		return;
	sys_close(p->pipe);
	if (p->name[0])
		remove_instance(p->dir, p->name);
	sys_close(p->dir);
	free(p);
}

void printk_share(struct printk *p)
{
	p->parser.shared = true;
}

int printk_fd(const struct printk *p)
{
	return p->pipe;
}

bool printk_consumes(const struct printk *p)
{
	return !p->name[0];
}

uint64_t printk_lost(const struct printk *p)
{
	return p->parser.lost;
}

/*
 * The kernel remembers names when threads leave a CPU: one that it does not know runs still, or was
 * forgotten for many others.
 */
static void find_name(const struct printk *p, struct printk_line *line)
{
	char path[48], name[32];

	if (strcmp(line->comm, "<...>") || !p->initial_pids)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)line->tid);
	if (sys_read_file(AT_FDCWD, path, name, sizeof(name)) <= 0)
		return;
	name[strcspn(name, "\n")] = 0;
	snprintf(line->comm, sizeof(line->comm), "%.15s", name);
}

int printk_read(struct printk *p, struct printk_line *line, struct error *err)
{
	ssize_t n;

	while (!printk_parse(&p->parser, line)) {
		n = sys_read(p->pipe, p->text, sizeof(p->text));
		if (n == -EAGAIN || !n)
			return 0;
		if (n < 0)
			return error_system(err, -n, "trace_pipe");
		p->parser.at = p->text;
		p->parser.end = p->text + n;
	}
	find_name(p, line);
	return 1;
}
