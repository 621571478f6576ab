// SPDX-License-Identifier: GPL-2.0
#include "tests/live/leftovers.h"

#include <dirent.h>
#include <linux/bpf.h>

#include "tests/live/harness.h"
#include "util/sys.h"

#define IDS_MAX 4096
#define TEXT_MAX 65536

static const struct {
	const char *what;
	enum bpf_cmd next;
} kinds[] = {
	{ "program", BPF_PROG_GET_NEXT_ID },
	{ "map", BPF_MAP_GET_NEXT_ID },
	{ "link", BPF_LINK_GET_NEXT_ID },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* Files that say what there is, and directories whose names do. */
static const char *const files[] = {
	"/proc/self/mountinfo",
	"/sys/kernel/tracing/kprobe_events",
	"/sys/kernel/tracing/uprobe_events",
};

static const char *const dirs[] = {
	"/sys/kernel/tracing/instances", "/sys/fs/bpf", "/sys/fs/cgroup", "/sys/class/net",
	"/run/netns", "/run/portrace",
};

#define FILES (sizeof(files) / sizeof(*files))
#define DIRS (sizeof(dirs) / sizeof(*dirs))

struct ids {
	uint32_t at[IDS_MAX];
	size_t len;
};

static struct {
	struct ids ids[KINDS];
	char text[FILES + DIRS][TEXT_MAX];
} before, now;

static unsigned int found;

/* None where the kernel does not tell (before Linux 4.13; links 5.8). */
static void list_ids(struct ids *ids, enum bpf_cmd next)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	for (ids->len = 0; ids->len < IDS_MAX && !sys_bpf(next, &attr, sizeof(attr));) {
		ids->at[ids->len++] = attr.next_id;
		attr.start_id = attr.next_id;
	}
}

static void list_dir(char *text, const char *path)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, NULL, alphasort);
	size_t len = 0;

	text[0] = 0;
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.' && len < TEXT_MAX - 300)
			len += sprintf(text + len, "%s ", names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void take_texts(char text[FILES + DIRS][TEXT_MAX])
{
	for (size_t i = 0; i < FILES; i++)
		if (sys_read_file(AT_FDCWD, files[i], text[i], TEXT_MAX) < 0)
			text[i][0] = 0;
	for (size_t i = 0; i < DIRS; i++)
		list_dir(text[FILES + i], dirs[i]);
}

void leftovers_note(void)
{
	for (size_t i = 0; i < KINDS; i++)
		list_ids(&before.ids[i], kinds[i].next);
	take_texts(before.text);
}

static bool has(const struct ids *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->len; i++)
		if (ids->at[i] == id)
			return true;
	return false;
}

/* The kernel frees them a moment after their last holder is gone. */
static bool are_gone(void *ctx)
{
	const struct ids *suspects = ctx;

	for (size_t k = 0; k < KINDS; k++) {
		list_ids(&now.ids[k], kinds[k].next);
		for (size_t i = 0; i < suspects[k].len; i++)
			if (has(&now.ids[k], suspects[k].at[i]))
				return false;
	}
	return true;
}

static bool ids_are_left(const char *name)
{
	static struct ids suspects[KINDS];
	bool left = false;

	for (size_t k = 0; k < KINDS; k++) {
		list_ids(&now.ids[k], kinds[k].next);
		suspects[k].len = 0;
		for (size_t i = 0; i < now.ids[k].len; i++)
			if (!has(&before.ids[k], now.ids[k].at[i]))
				suspects[k].at[suspects[k].len++] = now.ids[k].at[i];
	}
	if (wait_until(are_gone, suspects, PATIENCE_MS))
		return false;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < suspects[k].len; i++)
			if (has(&now.ids[k], suspects[k].at[i])) {
				printf("left behind by %s: %s %u\n", name, kinds[k].what, suspects[k].at[i]);
				left = true;
			}
	return left;
}

static bool texts_are_as_before(void *ctx)
{
	size_t *i = ctx;

	take_texts(now.text);
	for (*i = 0; *i < FILES + DIRS; ++*i)
		if (strcmp(before.text[*i], now.text[*i]))
			return false;
	return true;
}

void leftovers_check(const char *name)
{
	bool left = ids_are_left(name);
	size_t i;

	if (!wait_until(texts_are_as_before, &i, 2000)) {
		printf("left behind by %s: %s was:\n%s\nis:\n%s\n", name,
		       i < FILES ? files[i] : dirs[i - FILES], before.text[i], now.text[i]);
		left = true;
	}
	found += left;
}

unsigned int leftovers_found(void)
{
	return found;
}
