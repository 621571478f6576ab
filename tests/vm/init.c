// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a kernel under test: mounts what a small system has, runs the commands of
 * /commands one after the other, a line each, words apart by spaces, and switches the machine off.
 * Each ends with a line "init: exit N: COMMAND", all of them with "init: off".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		printf("init: mount %s: %s\n", path, strerror(errno));
}

static void use_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	for (int i = 0; fd >= 0 && i < 3; i++)
		dup2(fd, i);
}

static int run(char *line)
{
	char *argv[64], *word, *rest = line;
	int argc = 0, status;
	pid_t pid;

	while (argc < 63 && (word = strtok_r(rest, " \n", &rest)))
		argv[argc++] = word;
	argv[argc] = NULL;
	if (!argc)
		return 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setsid();
		execv(argv[0], argv);
		printf("init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	char line[4096], copy[4096];
	FILE *commands;

	mount_at("devtmpfs", "/dev");
	use_console();
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/dev/shm");
	mount_at("tracefs", "/sys/kernel/tracing");
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/", 1);
	commands = fopen("/commands", "re");
	while (commands && fgets(line, sizeof(line), commands)) {
		line[strcspn(line, "\n")] = 0;
		strcpy(copy, line);
		printf("init: exit %d: %s\n", run(copy), line);
	}
	printf("init: off\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
