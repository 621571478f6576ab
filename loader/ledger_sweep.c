// SPDX-License-Identifier: GPL-2.0
/* Reads the notes of processes that are dead, and does what they say. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/attach_net.h"
#include "loader/printk.h"
#include "loader/probe_event.h"
#include "util/sys.h"

/* ---- one note ---- */

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
	       (int)sizeof(note->undo.path);
}

void ledger_removed(const struct ledger_watch *watch, const char *what, const char *where,
		    uint32_t pid)
{
	char text[320];

	snprintf(text, sizeof(text), "%s%s%s, of process %u", what, *where ? " on " : "", where, pid);
	if (watch && watch->removed)
		watch->removed(watch->ctx, text);
}

void ledger_failed(const struct ledger_watch *watch, const struct error *err)
{
	if (watch && watch->failed)
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

/* What cannot be read is left for those who can. */
static void tell_unknown(const char *name, const char *got, const struct ledger_watch *watch)
{
	struct error err;

	error_set(&err, ERROR_FORMAT, LEDGER "/%s: got another release's note (%.40s), expected one of this "
		  "one's", name, got);
	ledger_failed(watch, &err);
}

static void settle_file(int dir, const char *name, const struct ledger_watch *watch)
{
	struct note note = { .undo.kind = NULL };
	const char *rest = owner_parse(name, &note.owner);
	char text[LEDGER_NOTE];

	if (!rest || *rest != '.' || owner_lives(&note.owner) ||
	    sys_read_file(dir, name, text, sizeof(text)) < 0)
		return;
	if (strchr(text, '\n') && strncmp(text, "portrace 1\n", 11))
		tell_unknown(name, "another format", watch);
	else if (!parse_note(text, &note)) /* cut: of a process that had not attached yet */
		unlinkat(dir, name, 0);
	else if (!note.undo.kind)
		tell_unknown(name, "another kind", watch);
	else if (settle(&note, watch))
		unlinkat(dir, name, 0);
}

/* Whoever made it was killed before there was a filter on it, or with all that was. */
static void settle_qdisc(const char *name, const struct ledger_watch *watch)
{
	uint32_t netns, ifindex;
	struct error err;
	char what[64];
	int ret;

	if (sscanf(name, LEDGER_QDISC "%u.%u", &netns, &ifindex) != 2)
		return;
	error_clear(&err);
	ret = tc_drop_qdisc(netns, ifindex, &err);
	snprintf(what, sizeof(what), "qdisc clsact of interface %u, without filters", ifindex);
	if (!ret && watch && watch->removed)
		watch->removed(watch->ctx, what);
	if (ret < 0)
		ledger_failed(watch, &err);
}

/* First what processes attached, then what that was attached to. */
static void sweep_notes(const struct ledger_watch *watch)
{
	int fd = ledger_open(false);
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
		if (!strncmp(entry->d_name, LEDGER_QDISC, strlen(LEDGER_QDISC)))
			settle_qdisc(entry->d_name, watch);
	if (dir)
		closedir(dir);
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
