/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_RELEASE_H
#define UTIL_RELEASE_H

/*
 * A release of the kernel as a number that can be compared, for words only: distributions carry
 * things back, so what a kernel can do is asked of it (compat/caps.h).
 */
#define LINUX(major, minor) ((major) << 8 | (minor))
#define LINUX_MAJOR(release) ((release) >> 8)
#define LINUX_MINOR(release) ((release) & 0xff)

#endif
