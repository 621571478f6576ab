/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_ERRNO_NAME_H
#define UTIL_ERRNO_NAME_H

/*
 * Names of those errors that bpf(2) and perf_event_open(2) give, the same on every architecture,
 * where the numbers are not. Both ways; NULL and 0 for what is none of them.
 */
const char *errno_name(int sys);
int errno_of_name(const char *name);

#endif
