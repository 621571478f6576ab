/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_HELPERS_H
#define PORTRACE_BPF_HELPERS_H

#include "bpf/types.h"

/*
 * What a BPF program needs besides C: where its parts go in the object, how a map is
 * described, and the kernel's helpers by the number that the kernel gave them.
 */

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))

/* A map is a variable in SEC(".maps") whose type says it all: numbers are array lengths. */
#define __uint(name, value) int (*name)[value]
#define __type(name, value) __typeof__(value) *name

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_ANY = 0 };

/* Flags of bpf_ringbuf_submit and _output, and what bpf_ringbuf_query can be asked. */
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };

static void *(*const bpf_map_lookup_elem)(const void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(const void *map, const void *key, const void *value,
					 __u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(const void *map, const void *key) = (void *)3;
static __u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static __u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static __u64 (*const bpf_get_current_uid_gid)(void) = (void *)15;
static long (*const bpf_get_current_comm)(void *buf, __u32 size) = (void *)16;
static __u64 (*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_probe_read_user)(void *dst, __u32 size, const void *src) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *dst, __u32 size, const void *src) = (void *)113;
static long (*const bpf_ringbuf_output)(const void *map, const void *data, __u64 size,
					__u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(const void *map, __u64 size, __u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *data, __u64 flags) = (void *)133;
static __u64 (*const bpf_ringbuf_query)(const void *map, __u64 what) = (void *)134;

/*
 * Kernel memory that CO-RE relocates: types of the kernel are declared with __kernel and only
 * with the members that are used; core_read(&task->mm) is the value of that member, wherever
 * the running kernel keeps it, or 0 where it cannot be read.
 */
#define __kernel __attribute__((preserve_access_index))

#define core_read(place)                                                                     \
	({                                                                                   \
		__typeof__(*(place)) value_ = 0;                                             \
		bpf_probe_read_kernel(&value_, sizeof(value_),                               \
				      __builtin_preserve_access_index(place));               \
		value_;                                                                      \
	})

#endif
