// SPDX-License-Identifier: GPL-2.0
#include "loader/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/attach_net.h"
#include "loader/printk.h"
#include "loader/probe_event.h"
#include "util/strbuf.h"
#include "util/sys.h"

#define NOTE_MAX 1024
#define QDISC "clsact."

/* The directory, or -errno. It is only ours to read: what is in it is done as root. */
static int open_dir(bool create)
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
	int fd = open_dir(true);

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
	char text[NOTE_MAX];
	struct strbuf to = STRBUF(text);
	int dir, fd;

	undo->note = 0;
	write_note(&to, undo, where);
	if (to.cut || strchr(undo->path, '\n') || strchr(where, '\n'))
		return;
	dir = open_dir(true);
	fd = dir < 0 ? dir : create_note(dir, undo);
	sys_close(dir);
	if (fd >= 0 && write(fd, text, to.len) != (ssize_t)to.len)
		ledger_forget(undo);
	sys_close(fd);
}

static void remove_file(const char *name)
{
	int dir = open_dir(false);

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

/* ---- and read again ---- */

struct note {
	struct owner owner;
	struct undo undo;
	char where[192];
};

/* What stands behind "WORD " in its line, which ends there; NULL where there is none. */
static char *field(char **text, const char *word)
{
	char *at = *text, *end = strchr(at, '\n');
	size_t len = strlen(word);

	if (!end || strncmp(at, word, len) || at[len] != ' ')
		return NULL;
	*end = 0;
	*text = end + 1;
	return at + len + 1;
}

static bool parse_numbers(char *text, struct undo *undo)
{
	for (size_t i = 0; i < sizeof(undo->numbers) / sizeof(*undo->numbers); i++) {
		char *end;

		undo->numbers[i] = strtoul(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	return !*text;
}

static bool parse_note(char *text, struct note *note)
{
	const char *format = field(&text, "portrace");
	const char *kind = format ? field(&text, "kind") : NULL;
	const char *where = kind ? field(&text, "where") : NULL;
	const char *program = where ? field(&text, "program") : NULL;
	char *numbers = program ? field(&text, "numbers") : NULL;
	const char *path = numbers ? field(&text, "path") : NULL;
	unsigned long long loaded;

	if (!path || strcmp(format, "1") || !parse_numbers(numbers, &note->undo) ||
	    sscanf(program, "%u %llu", &note->undo.prog_id, &loaded) != 2)
		return false;
	note->undo.kind = undo_kind(kind);
	note->undo.prog_loaded = loaded;
	snprintf(note->where, sizeof(note->where), "%s", where);
	return snprintf(note->undo.path, sizeof(note->undo.path), "%s", path) <
		       (int)sizeof(note->undo.path) && note->undo.kind;
}

void ledger_removed(const struct ledger_watch *watch, const char *what, const char *where,
		    uint32_t pid)
{
	char text[320];

	snprintf(text, sizeof(text), "%s%s%s, of process %u", what, *where ? " on " : "", where, pid);
	if (watch->removed)
		watch->removed(watch->ctx, text);
}

void ledger_failed(const struct ledger_watch *watch, const struct error *err)
{
	if (watch->failed)
		watch->failed(watch->ctx, err);
}

/* Does what a note of a dead process says. True: the note has had its day. */
static bool settle(const struct note *note, const struct ledger_watch *watch)
{
	const struct undo_kind *kind = note->undo.kind;
	struct error err;
	int ret;

	error_clear(&err);
	if (!note->undo.prog_id && !kind->by_name) {
		error_set(&err, ERROR_UNSUPPORTED, "%s on %s, of process %u: got a program without a number, "
			  "expected one by which to know it again", kind->what, note->where, note->owner.pid);
		error_hint(&err, "programs have numbers since Linux 4.13: remove it by hand, and then the "
				 "note of it in " LEDGER);
		ledger_failed(watch, &err);
		return false;
	}
	ret = kind->run(&note->undo, &err);
	if (!ret)
		ledger_removed(watch, kind->what, note->where, note->owner.pid);
	if (ret < 0)
		ledger_failed(watch, &err);
	return ret >= 0;
}

static bool is_of_another_release(const char *text)
{
	return strchr(text, '\n') && strncmp(text, "portrace 1\n", 11);
}

static void settle_file(int dir, const char *name, const struct ledger_watch *watch)
{
	struct note note = { .undo.kind = NULL };
	const char *rest = owner_parse(name, &note.owner);
	char text[NOTE_MAX];
	struct error err;

	if (!rest || *rest != '.' || owner_lives(&note.owner) ||
	    sys_read_file(dir, name, text, sizeof(text)) < 0)
		return;
	if (is_of_another_release(text)) {
		error_set(&err, ERROR_FORMAT, LEDGER "/%s: got another release's note, expected format 1",
			  name);
		ledger_failed(watch, &err);
		return;
	}
	/* One that was cut is of a process that had not attached yet. */
	if (!parse_note(text, &note) || settle(&note, watch))
		unlinkat(dir, name, 0);
}

static void settle_qdisc(const char *name, const struct ledger_watch *watch)
{
	uint32_t netns, ifindex;
	struct error err;
	char where[32];
	int ret;

	if (sscanf(name, QDISC "%u.%u", &netns, &ifindex) != 2)
		return;
	error_clear(&err);
	ret = tc_drop_qdisc(netns, ifindex, &err);
	snprintf(where, sizeof(where), "interface %u", ifindex);
	if (!ret && watch->removed)
		watch->removed(watch->ctx, "clsact qdisc without filters");
	if (ret < 0)
		ledger_failed(watch, &err);
}

/* First what processes attached, then what that was attached to. */
static void sweep_notes(const struct ledger_watch *watch)
{
	int fd = open_dir(false);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct error err;

	if (fd < 0 && fd != -ENOENT) {
		error_file(&err, -fd, LEDGER);
		ledger_failed(watch, &err);
	}
	while (dir && (entry = readdir(dir)))
		settle_file(fd, entry->d_name, watch);
	if (dir)
		rewinddir(dir);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, QDISC, strlen(QDISC)))
			settle_qdisc(entry->d_name, watch);
	if (dir)
		closedir(dir);
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
	snprintf(name, 64, QDISC "%u.%u", netns, ifindex);
}

void ledger_note_qdisc(uint32_t netns, uint32_t ifindex)
{
	int dir = open_dir(true);
	char name[64];

	if (dir < 0)
		return;
	qdisc_name(name, netns, ifindex);
	sys_close(openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	sys_close(dir);
}

bool ledger_has_qdisc(uint32_t netns, uint32_t ifindex)
{
	int dir = open_dir(false);
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

/* ---- all of it ---- */

static void event_removed(void *ctx, const char *name, int pid)
{
	ledger_removed(ctx, "event in tracefs", "", pid);
}

static void instance_removed(void *ctx, const char *name, int pid)
{
	ledger_removed(ctx, "instance of tracefs", "", pid);
}

static void sweep_events(const struct ledger_watch *watch)
{
	struct tracefs tracefs;
	struct error err;

	if (tracefs_open(&tracefs, &err)) {
		if (err.code == ERROR_PERMISSION)
			ledger_failed(watch, &err);
		return;
	}
	probe_events_sweep(&tracefs, "kprobe_events", event_removed, (void *)watch);
	probe_events_sweep(&tracefs, "uprobe_events", event_removed, (void *)watch);
	printk_sweep(&tracefs, instance_removed, (void *)watch);
	tracefs_close(&tracefs);
}

void ledger_sweep(const struct ledger_watch *watch)
{
	sweep_notes(watch);
	tc_sweep(watch);
	route_sweep(watch);
	sweep_events(watch);
}
