// SPDX-License-Identifier: GPL-2.0
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/reader.h"
#include "util/sys.h"

#define SECOND 1000000000ull

static const char *name_of(const struct sink *sink)
{
	return sink->path ? sink->path : "standard output";
}

/*
 * Waits until the output takes a piece; false where it does not and we are to end. Whoever
 * wants us to end must not have to wait for a reader that is stuck: after the signal there is
 * one second for what is left.
 */
static bool wait_for_room(struct sink *sink)
{
	struct pollfd fds[2] = {
		{ .fd = sink->fd, .events = POLLOUT },
		{ .fd = sink->signal_fd, .events = POLLIN },
	};
	uint64_t end = 0;

	for (;;) {
		uint64_t now = reader_now();

		if (end && now >= end)
			return false;
		if (poll(fds, end ? 1 : 2, end ? (int)((end - now) / 1000000) + 1 : -1) < 0)
			return errno == EINTR;
		if (fds[0].revents)
			return true;
		if (fds[1].revents)
			end = now + SECOND;
	}
}

/*
 * To a file in one piece; to what has a reader in pieces that a pipe with any room at all
 * takes without blocking. Returns 0 or -errno; ETIME: told to end while nobody reads.
 */
static int write_out(struct sink *sink, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t piece = len - done;
		ssize_t n;

		if (!sink->is_file && !wait_for_room(sink))
			return -ETIME;
		if (!sink->is_file && piece > PIPE_BUF)
			piece = PIPE_BUF;
		n = write(sink->fd, bytes + done, piece);
		if (n >= 0)
			done += n;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

int sink_write(struct sink *sink, const char *bytes, size_t len, struct error *err)
{
	int ret = sink->unread ? 0 : write_out(sink, bytes, len);

	if (!ret)
		return 0;
	if (ret == -EPIPE) {
		sink->unread = true;
		return 0;
	}
	if (ret == -ETIME)
		return error_set(err, ERROR_SYSTEM, "%s: nobody reads it: the last lines are not written",
				 name_of(sink));
	error_system(err, -ret, "%s: write", name_of(sink));
	if (ret == -ENOSPC || ret == -EDQUOT)
		error_hint(err, "no room is left there; tracing has ended");
	return -1;
}

bool sink_ended(struct sink *sink)
{
	struct signalfd_siginfo info;
	struct pollfd out = { .fd = sink->fd };

	sink->unread |= poll(&out, 1, 0) == 1 && out.revents & (POLLERR | POLLHUP);
	return sink->unread || read(sink->signal_fd, &info, sizeof(info)) == sizeof(info);
}

static int open_file(struct sink *sink, struct error *err)
{
	struct stat st;

	if (sink->path)
		sink->fd = open(sink->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (sink->fd < 0)
		return error_system(err, errno, "%s: open for writing", sink->path);
	sink->is_file = !fstat(sink->fd, &st) && S_ISREG(st.st_mode);
	return 0;
}

static int open_signals(struct sink *sink, struct error *err)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!sigaction(ends[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sink->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return sink->signal_fd < 0 ? error_system(err, errno, "signalfd") : 0;
}

int sink_open(struct sink *sink, const char *path, struct error *err)
{
	struct error ignored;

	*sink = (struct sink){ .fd = STDOUT_FILENO, .signal_fd = -1 };
	sink->path = path && strcmp(path, "-") ? path : NULL;
	if (!open_file(sink, err) && !open_signals(sink, err))
		return 0;
	sink_close(sink, &ignored);
	return -1;
}

int sink_close(struct sink *sink, struct error *err)
{
	bool own = sink->fd > STDERR_FILENO;
	int fd = sink->fd;

	sys_close(sink->signal_fd);
	sink->fd = sink->signal_fd = -1;
	return own && close(fd) ? error_system(err, errno, "%s: close", name_of(sink)) : 0;
}

bool sink_wants_colour(const struct sink *sink)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	return isatty(sink->fd) && term && strcmp(term, "dumb") && !(none && *none);
}
