/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_PRIVILEGE_H
#define UTIL_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* By number, as older headers lack the names of the first two, which came with Linux 5.8. */
enum privilege {
	PRIVILEGE_PERFMON = 38,
	PRIVILEGE_BPF = 39,
	PRIVILEGE_DAC_READ_SEARCH = 2,
	PRIVILEGE_SYS_ADMIN = 21,
	PRIVILEGE_SYS_RESOURCE = 24,
};

/* In the effective set. Kernels before 5.8 do not know the newer two: CAP_SYS_ADMIN is both. */
bool privilege_has(enum privilege privilege);
/*
 * Capabilities of a user namespace other than the initial one, which bpf(2) and
 * perf_event_open(2) do not go by. False where it cannot be told.
 */
bool privilege_namespaced(void);

/* What the kernel keeps even from root: the word in brackets of /sys/kernel/security/lockdown. */
enum lockdown { LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };
enum lockdown privilege_lockdown(void);
/* kernel.perf_event_paranoid, kernel.unprivileged_bpf_disabled; fallback where there is no such. */
int privilege_sysctl(const char *name, int fallback);

/*
 * Says which of the capabilities that tracing takes this process lacks, as a hint to an
 * ERROR_PERMISSION, and whether lockdown forbids it to everybody or the kernel asks for more.
 */
void privilege_explain(struct error *err);

#endif
