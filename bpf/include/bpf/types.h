/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_TYPES_H
#define PORTRACE_BPF_TYPES_H

/*
 * The kernel's integer names for BPF programs, the same on every architecture. vmlinux.h and
 * <linux/types.h> have them too; whichever comes after this one declares the same once more,
 * which C allows.
 */
#if !defined(__VMLINUX_H__) && !defined(_LINUX_TYPES_H)
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;

typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum; /* an Internet checksum that is not folded yet */
#endif

#endif
