/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_NETNS_H
#define UTIL_NETNS_H

#include <stdint.h>

/*
 * Network namespaces, by the number that the kernel gives each: the inode of /proc/PID/ns/net. 0
 * is none.
 */
uint32_t netns_self(void); /* of this thread */
/* A descriptor of this thread's, or -errno. */
int netns_open_self(void);
/*
 * A descriptor of the one of that number, by which it can be entered: this thread's, a process's,
 * or one of those that `ip netns` names. -ENOENT: there is no such, as far as can be seen.
 */
int netns_open(uint32_t number);
/*
 * This thread goes there, and back: what netns_enter() returned leads there, if it is none of
 * -errno. Sockets made meanwhile stay there.
 */
int netns_enter(uint32_t number);
void netns_leave(int back);

#endif
