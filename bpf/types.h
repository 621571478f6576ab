/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPF_TYPES_H
#define BPF_TYPES_H

/* The kernel's integer names for BPF programs, the same on every architecture. */
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;

#endif
