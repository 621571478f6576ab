// SPDX-License-Identifier: GPL-2.0
#include "util/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/sys.h"

#define FIRST_ROOM (1u << 20)

/*
 * The input is a file in memory rather than a pipe: nobody has to write while somebody reads,
 * and a program that ends early raises no SIGPIPE here.
 */
static int memory_file(const void *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (done < size) {
		n = pwrite(fd, (const char *)data + done, size - done, done);
		if (n < 0 && errno != EINTR) {
			int ret = -errno;

			sys_close(fd);
			return ret;
		}
		done += n > 0 ? n : 0;
	}
	return fd;
}

static int start(const char *const argv[], int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
						       0);
	if (!ret)
		ret = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static int gather(int fd, size_t max, uint8_t **output, size_t *len)
{
	size_t room = 0;

	for (;;) {
		ssize_t n;

		if (*len == room) {
			uint8_t *grown;

			room = room ? room * 2 : FIRST_ROOM;
			grown = realloc(*output, room);
			if (!grown)
				return -ENOMEM;
			*output = grown;
		}
		n = sys_read(fd, *output + *len, room - *len);
		if (n <= 0)
			return n;
		*len += n;
		if (*len > max)
			return -EFBIG;
	}
}

int spawn_filter(const char *const argv[], const void *input, size_t size, size_t max,
		 uint8_t **output, size_t *len)
{
	int in = memory_file(input, size), pipe_fds[2] = { -1, -1 }, ret = in;
	pid_t pid = -1;
	int status = 0;

	*output = NULL;
	*len = 0;
	if (in < 0)
		return in;
	ret = pipe2(pipe_fds, O_CLOEXEC) ? -errno : start(argv, in, pipe_fds[1], &pid);
	sys_close(in);
	sys_close(pipe_fds[1]);
	if (!ret)
		ret = gather(pipe_fds[0], max, output, len);
	sys_close(pipe_fds[0]);
	if (pid > 0) {
		/* Where it has ended already, it waits to be waited for: nobody else is hit. */
		if (ret)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		/* How posix_spawn says it where parent and child share no memory: in emulators. */
		if (!ret && !*len && WIFEXITED(status) && WEXITSTATUS(status) == 127)
			ret = -ENOENT;
	}
	if (ret) {
		free(*output);
		*output = NULL;
		*len = 0;
	}
	return ret;
}
