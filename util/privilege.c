// SPDX-License-Identifier: GPL-2.0
#include "util/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/sys.h"

/* In the kernel since 5.8; older headers have no name for the first two. */
static const struct {
	int number;
	const char *name, *what;
} wanted[] = {
	{ 39, "CAP_BPF", "to load BPF programs" },
	{ 38, "CAP_PERFMON", "to trace and to read kernel memory" },
	{ 2, "CAP_DAC_READ_SEARCH", "to read tracefs" },
};

#define SYS_ADMIN 21

static uint64_t effective(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

bool privilege_has(int capability)
{
	return effective() >> capability & 1;
}

static bool locked_down(void)
{
	char text[128];

	return sys_read_file(AT_FDCWD, "/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       strstr(text, "[confidentiality]");
}

/*
 * Upstream, 2 is all there is. Debian's kernels are patched to come with 3, and then ask for
 * CAP_SYS_ADMIN whatever is to be traced ("security,perf: Allow further restriction of
 * perf_event_open").
 */
static bool is_paranoid(void)
{
	char text[32];

	return sys_read_file(AT_FDCWD, "/proc/sys/kernel/perf_event_paranoid", text,
			     sizeof(text)) > 0 && atoi(text) > 2;
}

void privilege_explain(struct error *err)
{
	uint64_t have = effective();
	char missing[256] = "";

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t len = strlen(missing);

		/* CAP_SYS_ADMIN stands for the first two, as it did before Linux 5.8. */
		if (have >> wanted[i].number & 1 || (i < 2 && have >> SYS_ADMIN & 1))
			continue;
		snprintf(missing + len, sizeof(missing) - len, "%s%s (%s)", len ? ", " : "",
			 wanted[i].name, wanted[i].what);
	}
	if (missing[0])
		error_hint(err, "missing: %s. Run it as root (sudo portrace), or give the binary what it "
				"needs: setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep portrace "
				"(before Linux 5.8: cap_sys_admin)", missing);
	else if (locked_down())
		error_hint(err, "this kernel is locked down (confidentiality): it lets nobody trace; see "
				"/sys/kernel/security/lockdown and the lockdown= boot parameter");
	else if (err->sys == EACCES && !(have >> SYS_ADMIN & 1) && is_paranoid())
		error_hint(err, "where kernel.perf_event_paranoid is above 2, Debian's kernels let only "
				"CAP_SYS_ADMIN trace: run it as root (sudo portrace), or "
				"sysctl kernel.perf_event_paranoid=2");
	/* Without CAP_SYS_ADMIN it may be that after all, as the hint then says already. */
	else if (!err->hint[0] || have >> SYS_ADMIN & 1)
		error_hint(err, "no capability is missing: a seccomp filter, as containers have, or a "
				"security module forbids it, or (before Linux 5.11) RLIMIT_MEMLOCK is too "
				"low (ulimit -l) and may not be raised");
}
