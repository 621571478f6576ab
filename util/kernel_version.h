/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_KERNEL_VERSION_H
#define UTIL_KERNEL_VERSION_H

#include <stddef.h>
#include <stdint.h>

/*
 * LINUX_VERSION_CODE of the running kernel, e.g. 0x040983 of 4.9.131. Before Linux 5.0 it is
 * handed to the kernel with every kprobe program, and has to be exact: data, as the kernel
 * asks for it, never something to decide by. 0 where it cannot be had.
 */
uint32_t kernel_version(void);

/*
 * From what the kernel says of itself in words: release and version as of uname(2), and
 * /proc/version_signature of Ubuntu ("" where there is none). Distributions' releases are not
 * the kernel's:
 *
 *	release             version                          signature                     code
 *	4.9.0-13-amd64      #1 SMP Debian 4.9.228-1 (...)                                  4.9.228
 *	4.15.0-20-generic   #21-Ubuntu SMP ...               Ubuntu 4.15.0-20.21-generic 4.15.17
 *	                                                                                   4.15.17
 *	4.14.67             #1 SMP ...                                                     4.14.67
 */
uint32_t kernel_version_of_words(const char *release, const char *version, const char *signature);

/*
 * From a vDSO, an ELF image of this machine's that the kernel maps into every process: its note
 * "Linux" holds the code as it was compiled in. 0 where it has none.
 */
uint32_t kernel_version_of_vdso(const void *image, size_t size);

#endif
