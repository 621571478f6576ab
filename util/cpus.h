/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_CPUS_H
#define UTIL_CPUS_H

/*
 * One more than the highest number in a CPU list such as "0-3,8": how many slots a per-CPU
 * map has. -1 where the text is no such list.
 */
int cpus_parse_last(const char *list);
/* The kernel's possible CPUs; at least 1, -errno where sysfs does not say. */
int cpus_possible(void);

#endif
