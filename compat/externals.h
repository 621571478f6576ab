/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_EXTERNALS_H
#define COMPAT_EXTERNALS_H

#include "compat/caps.h"
#include "loader/object.h"
#include "loader/types.h"

/*
 * What the object takes from the kernel, before fold() decides branches by it:
 *
 *	.kconfig    settings of the kernel's configuration, and what the kernel is asked for:
 *	            LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER. Their
 *	            values go into the map, by their types.
 *	.ksyms      addresses, of which constants in the programs come to be; and functions and
 *	            variables by their types: whether the kernel has one such. What is weak and not
 *	            there is 0, so that the code that would use it goes.
 *
 * external.state says what was found. What is missed is no failure: load() says it, of programs
 * that are to be loaded. root: what paths of the running kernel's files begin with; "".
 */
int externals_find(struct object *obj, struct types *types, struct caps *caps, const char *root,
		   struct error *err);

#endif
