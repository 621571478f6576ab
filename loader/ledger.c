// SPDX-License-Identifier: GPL-2.0
#include "loader/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/strbuf.h"
#include "util/sys.h"


/* What is in it is done as root: it has to be ours alone. */
int ledger_open(bool create)
{
	struct stat st;
	int fd;

	if (create)
		mkdir(LEDGER, 0700);
	fd = sys_open(LEDGER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	sys_close(fd);
	return -EPERM;
}

int ledger_lock(void)
{
	int fd = ledger_open(true);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

/* ---- one note ---- */

static void note_name(char *name, size_t size, const struct owner *owner, uint32_t number)
{
	char text[OWNER_TEXT];

	owner_text(owner, text);
	snprintf(name, size, "%s.%u", text, number);
}

/* The first number that is free. A descriptor, or -errno. */
static int create_note(int dir, struct undo *undo)
{
	struct owner self = owner_self();
	char name[OWNER_TEXT + 16];
	int fd = -EEXIST;

	for (undo->note = 1; fd == -EEXIST && undo->note < 10000; undo->note++) {
		note_name(name, sizeof(name), &self, undo->note);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		fd = -errno;
	}
	undo->note = 0;
	return fd;
}

static void write_note(struct strbuf *to, const struct undo *undo, const char *where)
{
	strbuf_add(to, "portrace 1\nkind %s\nwhere %s\nprogram %u %llu\nnumbers", undo->kind->name,
		   where, undo->prog_id, (unsigned long long)undo->prog_loaded);
	for (size_t i = 0; i < sizeof(undo->numbers) / sizeof(*undo->numbers); i++)
		strbuf_add(to, " %u", undo->numbers[i]);
	strbuf_add(to, "\npath %s\n", undo->path);
}

void ledger_note(struct undo *undo, const char *where)
{
	char text[LEDGER_NOTE];
	struct strbuf to = STRBUF(text);
	int dir, fd;

	undo->note = 0;
	write_note(&to, undo, where);
	if (to.cut || strchr(undo->path, '\n') || strchr(where, '\n'))
		return;
	dir = ledger_open(true);
	fd = dir < 0 ? dir : create_note(dir, undo);
	sys_close(dir);
	if (fd >= 0 && write(fd, text, to.len) != (ssize_t)to.len)
		ledger_forget(undo);
	sys_close(fd);
}

static void remove_file(const char *name)
{
	int dir = ledger_open(false);

	if (dir < 0)
		return;
	unlinkat(dir, name, 0);
	sys_close(dir);
}

void ledger_forget(struct undo *undo)
{
	struct owner self = owner_self();
	char name[OWNER_TEXT + 16];

	if (!undo->note)
		return;
	note_name(name, sizeof(name), &self, undo->note);
	remove_file(name);
	undo->note = 0;
}

/* ---- names ---- */

#define MARK "portrace_"

void ledger_mark(char mark[LEDGER_MARK], uint32_t prog_id)
{
	struct owner self = owner_self();
	char text[OWNER_TEXT];

	owner_text(&self, text);
	snprintf(mark, LEDGER_MARK, MARK "%s_%u", text, prog_id);
}

bool ledger_mark_of_dead(const char *mark, struct owner *owner)
{
	const char *rest;

	if (strncmp(mark, MARK, strlen(MARK)))
		return false;
	rest = owner_parse(mark + strlen(MARK), owner);
	return rest && *rest == '_' && !owner_lives(owner);
}

/* ---- qdiscs ---- */

static void qdisc_name(char name[64], uint32_t netns, uint32_t ifindex)
{
	snprintf(name, 64, LEDGER_QDISC "%u.%u", netns, ifindex);
}

void ledger_note_qdisc(uint32_t netns, uint32_t ifindex)
{
	int dir = ledger_open(true);
	char name[64];

	if (dir < 0)
		return;
	qdisc_name(name, netns, ifindex);
	sys_close(openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	sys_close(dir);
}

bool ledger_has_qdisc(uint32_t netns, uint32_t ifindex)
{
	int dir = ledger_open(false);
	struct stat st;
	char name[64];
	bool has;

	if (dir < 0)
		return false;
	qdisc_name(name, netns, ifindex);
	has = !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
	sys_close(dir);
	return has;
}

void ledger_forget_qdisc(uint32_t netns, uint32_t ifindex)
{
	char name[64];

	qdisc_name(name, netns, ifindex);
	remove_file(name);
}
