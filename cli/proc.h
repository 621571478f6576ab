/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_PROC_H
#define CLI_PROC_H

#include <stdbool.h>

#include "cli/join.h"

/*
 * What /proc knows of other processes. Its pids are those of the pid namespace it was mounted
 * for, the kernel side's those of the initial one: NULL where the two are not the same (or
 * there is no /proc), for then the numbers would name other processes.
 */
const struct join_machine *proc_machine(void);
/* Whether we are known to be in the initial pid namespace; without a /proc nothing is known. */
bool proc_initial(void);
/* Calls fn for each thread of the process; -errno where there is no such process. */
int proc_threads(uint32_t pid, void (*fn)(void *ctx, uint32_t tid), void *ctx);
/* Calls fn for each process that there is. */
int proc_processes(void (*fn)(void *ctx, uint32_t pid), void *ctx);

#endif
