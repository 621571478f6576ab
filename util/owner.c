// SPDX-License-Identifier: GPL-2.0
#include "util/owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/sys.h"

#define INITIAL_PIDNS 0xeffffffcu /* PROC_PID_INIT_INO, the same since Linux 3.8 */

static uint32_t pidns_of(const char *process)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/pid", process);
	return stat(path, &st) ? 0 : st.st_ino;
}

/*
 * When it started, the 22nd field; the second, a name in brackets, may have anything in it. 0: it
 * is not there, or ended and nobody has asked for its status so far.
 */
static uint64_t start_of(const char *process)
{
	char path[64], text[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%s/stat", process);
	if (sys_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 0;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
		return 0;
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

struct owner owner_self(void)
{
	return (struct owner){ getpid(), start_of("self"), pidns_of("self") };
}

void owner_text(const struct owner *owner, char text[OWNER_TEXT])
{
	snprintf(text, OWNER_TEXT, "%u_%llu_%u", owner->pid, (unsigned long long)owner->start,
		 owner->pidns);
}

const char *owner_parse(const char *text, struct owner *owner)
{
	unsigned long long start;
	int len = 0;

	/* No signs or spaces, which scanf takes too. */
	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%10u_%20llu_%10u%n", &owner->pid, &start, &owner->pidns, &len) != 3 ||
	    strspn(text, "0123456789_") < (size_t)len)
		return NULL;
	owner->start = start;
	return text + len;
}

static bool has_processes(uint32_t pidns)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool has = !dir;

	while (!has && (entry = readdir(dir)))
		has = isdigit((unsigned char)entry->d_name[0]) && pidns_of(entry->d_name) == pidns;
	if (dir)
		closedir(dir);
	return has;
}

bool owner_lives(const struct owner *owner)
{
	uint32_t here = pidns_of("self");
	char pid[16];

	/* What lives in all other namespaces is seen from the initial one alone. */
	if (owner->pidns != here)
		return here != INITIAL_PIDNS || has_processes(owner->pidns);
	snprintf(pid, sizeof(pid), "%u", owner->pid);
	return start_of(pid) == owner->start;
}
