// SPDX-License-Identifier: GPL-2.0
#include "util/errno_name.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ERRNO(name) { name, #name }

static const struct {
	int sys;
	const char *name;
} names[] = {
	ERRNO(E2BIG), ERRNO(EACCES), ERRNO(EAGAIN), ERRNO(EBADF), ERRNO(EBUSY), ERRNO(EEXIST),
	ERRNO(EFAULT), ERRNO(EINTR), ERRNO(EINVAL), ERRNO(EIO), ERRNO(EMFILE), ERRNO(ENFILE),
	ERRNO(ENODATA), ERRNO(ENODEV), ERRNO(ENOENT), ERRNO(ENOMEM), ERRNO(ENOSPC), ERRNO(ENOSYS),
	ERRNO(ENOTDIR), ERRNO(ENXIO), ERRNO(EOPNOTSUPP), ERRNO(EPERM), ERRNO(ERANGE), ERRNO(ESRCH),
};

const char *errno_name(int sys)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].sys == sys)
			return names[i].name;
	/* ENOTSUPP: the kernel's own, which should not reach user space, and does (libc has none). */
	return sys == 524 ? "ENOTSUPP" : NULL;
}

int errno_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i].name, name))
			return names[i].sys;
	return strcmp(name, "ENOTSUPP") ? 0 : 524;
}
