/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_CPUS_H
#define UTIL_CPUS_H

/*
 * How many slots a per-CPU map has: one more than the highest number of the kernel's possible CPUs.
 * At least 1, -errno where sysfs does not say.
 */
int cpus_possible(void);

#endif
