// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a kernel under test: mounts what a small system has, loads modules, runs the commands of
 * /commands one after the other, a line each, words apart by spaces, VARIABLE=VALUE before the first,
 * says what the kernel complained of, and switches the machine off. It begins with a line "init: on
 * RELEASE", each command ends with "init: exit N: COMMAND (SECONDS s)", each complaint is "init:
 * kernel: ...", all of them end with "init: off".
 *
 * Called by the name of kill it is that: kill -TERM PID.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
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

/* Those of run.sh's VM_MODULES, in their order. */
static void load_modules(void)
{
	FILE *list = fopen("/modules/list", "re");
	char path[256];
	int fd;

	while (list && fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = 0;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if ((fd < 0 || syscall(SYS_finit_module, fd, "", 0)) && errno != EEXIST)
			printf("init: %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	if (list)
		fclose(list);
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
		char **command = argv;

		setsid();
		while (*command && strchr(*command, '='))
			putenv(*command++);
		if (*command)
			execv(*command, command);
		printf("init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the kernel's log says when something is wrong in there. */
static bool is_complaint(const char *line)
{
	static const char *const words[] = {
		"WARNING:", "BUG:", "Oops", "Kernel panic", "refcount_t:", "UBSAN:", "detected stall",
		"soft lockup", "hard LOCKUP", "blocked for more than", "general protection fault",
		"nable to handle kernel", "INFO: possible", "INFO: suspicious", "scheduling while",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

/*
 * The kernel's log, a record a read: "6,339,5140900,-;what it says\n" and lines that begin with a
 * space. EPIPE: the oldest are lost. After a complaint come its circumstances, which are of use too.
 */
static void tell_complaints(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), more = 0;
	char record[8192], *text;
	ssize_t n;

	while (fd >= 0 && ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE)) {
		if (n < 0) {
			printf("init: kernel: the beginning of its log is lost\n");
			errno = 0;
			continue;
		}
		record[n] = 0;
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		text[strcspn(text, "\n")] = 0;
		if (is_complaint(text)) {
			printf("init: kernel: %s\n", text);
			more = 40;
		} else if (more) {
			printf("  %s\n", text);
			more--;
		}
	}
	if (fd < 0)
		printf("init: kernel: /dev/kmsg: %s\n", strerror(errno));
}

static int kill_by_name(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[1], "-TERM"))
		return 2;
	return kill(atoi(argv[2]), SIGTERM) ? 1 : 0;
}

int main(int argc, char **argv)
{
	char line[4096], copy[4096];
	struct utsname uts;
	FILE *commands;
	time_t began;
	int status;

	if (getpid() != 1)
		return kill_by_name(argc, argv);
	mount_at("devtmpfs", "/dev");
	use_console();
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("tmpfs", "/tmp");
	mount_at("tmpfs", "/dev/shm");
	mount_at("tracefs", "/sys/kernel/tracing");
	uname(&uts);
	printf("init: on %s\n", uts.release);
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/", 1);
	load_modules();
	commands = fopen("/commands", "re");
	while (commands && fgets(line, sizeof(line), commands)) {
		line[strcspn(line, "\n")] = 0;
		strcpy(copy, line);
		began = time(NULL);
		status = run(copy);
		printf("init: exit %d: %s (%ld s)\n", status, line, (long)(time(NULL) - began));
	}
	tell_complaints();
	printf("init: off\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
