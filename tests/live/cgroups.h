/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_CGROUPS_H
#define TESTS_LIVE_CGROUPS_H

/* A cgroup of the test's own, below the root of those of version 2; gone with cgroup_remove(). */
extern char cgroup_path[64];

void cgroup_make(void); /* skips where the kernel has none of version 2 */
void cgroup_remove(void);
/*
 * What act() returns in a child that is in that cgroup, in a network namespace of its own with the
 * loopback device up.
 */
int cgroup_act(int (*act)(void));

#endif
