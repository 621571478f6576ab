/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_PRIVILEGE_H
#define UTIL_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/*
 * Says which of the capabilities that tracing takes this process lacks, as a hint to an
 * ERROR_PERMISSION, and whether lockdown forbids it to everybody or the kernel asks for more.
 */
void privilege_explain(struct error *err);

/* Is the capability, by its number in linux/capability.h, among the effective ones? */
bool privilege_has(int capability);

#endif
