// SPDX-License-Identifier: GPL-2.0
#include "tests/foreign/each.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20

/* Filled in by the child. */
static struct shared {
	size_t len;
	int ret;
	char why[1024];
	char names[EACH_MAX][EACH_NAME];
} *shared;

const char *each_pin_root(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/sys/fs/bpf/foreign/%d", getpid());
	return path;
}

static void print(const char *path, const char *program, const char *result, const char *why)
{
	const char *slash = strrchr(path, '/');

	printf("%s\t%s\t%s\t", slash ? slash + 1 : path, program, result);
	for (; *why; why++)
		putchar(*why == '\t' || *why == '\n' ? ' ' : *why);
	putchar('\n');
	fflush(stdout);
}

/* 0, or the signal that ended it. */
static int in_child(const char *path, const char *only, int open)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(SECONDS);
		if (open)
			shared->len = each_open(path, shared->names, shared->why, sizeof(shared->why));
		else
			shared->ret = each_load(path, only, shared->why, sizeof(shared->why));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return SIGCHLD;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void load(const char *path, const char *only)
{
	int sig = in_child(path, only, 0);

	if (sig)
		print(path, only ? only : "-", "crashed", strsignal(sig));
	else
		print(path, only ? only : "-", shared->ret ? "refused" : "loaded", shared->why);
}

static void try_object(const char *path)
{
	static char names[EACH_MAX][EACH_NAME];
	int sig = in_child(path, NULL, 1);
	size_t len = shared->len;

	if (sig || len == EACH_BROKEN) {
		print(path, "-", sig ? "crashed" : "broken", sig ? strsignal(sig) : shared->why);
		return;
	}
	memcpy(names, shared->names, sizeof(names));
	load(path, NULL);
	for (size_t i = 0; i < len; i++)
		load(path, names[i]);
}

int main(int argc, char **argv)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	for (int i = 1; i < argc; i++)
		try_object(argv[i]);
	return 0;
}
