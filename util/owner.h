/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_OWNER_H
#define UTIL_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whose something is that outlives its process: a process by its id, when it started, as the id
 * may be another's by then, and the pid namespace in which the id means it. As text, for names:
 *
 *	1234_56789_4026531836
 */
struct owner {
	uint32_t pid;
	uint64_t start; /* clock ticks since boot, as in /proc/PID/stat */
	uint32_t pidns; /* inode of /proc/PID/ns/pid */
};

#define OWNER_TEXT 48 /* bytes */

/* This process. Where there is no /proc, what is not known is 0. */
struct owner owner_self(void);
void owner_text(const struct owner *owner, char text[OWNER_TEXT]);
/* Returns what is behind it, or NULL where the text begins with no owner. */
const char *owner_parse(const char *text, struct owner *owner);
/* Also where it cannot be told: of a container that has processes, seen from elsewhere. */
bool owner_lives(const struct owner *owner);

#endif
