// SPDX-License-Identifier: GPL-2.0
#include "util/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/sys.h"

/* One more than the highest number in a list such as "0-3,8"; -1: it is none. */
static int parse_last(const char *list)
{
	long last = -1, number = -1;

	for (; *list && *list != '\n'; list++) {
		if (isdigit((unsigned char)*list)) {
			number = (number < 0 ? 0 : number) * 10 + (*list - '0');
			if (number > 1 << 20)
				return -1;
			if (number > last)
				last = number;
		} else if ((*list == '-' || *list == ',') && number >= 0) {
			number = -1;
		} else {
			return -1;
		}
	}
	return number < 0 ? -1 : last + 1;
}

int cpus_possible(void)
{
	char list[4096];
	ssize_t len = sys_read_file(AT_FDCWD, "/sys/devices/system/cpu/possible", list,
				    sizeof(list));
	int count;
	long configured;

	if (len >= 0 && (count = parse_last(list)) > 0)
		return count;
	/* No sysfs, as in a bare chroot: the C library knows another way, or none either. */
	configured = sysconf(_SC_NPROCESSORS_CONF);
	return configured > 0 ? configured : len < 0 ? (int)len : -EINVAL;
}
