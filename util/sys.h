/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_SYS_H
#define UTIL_SYS_H

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Every raw system call the project makes that libc has no wrapper for, or whose wrapper
 * hides the errno. All return the call's result, or -errno, made once, here.
 */
int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size);
/* One value of a map; key and value are as wide as the map says (per-CPU: all CPUs' values). */
int sys_map_lookup(int map_fd, const void *key, void *value);
int sys_map_update(int map_fd, const void *key, const void *value);
/* What the kernel tells of a program, map, link or BTF (Linux 4.13): struct bpf_prog_info and the like,
 * zeroed, or with what it asks for. What the kernel does not know stays as it is. */
int sys_bpf_info(int fd, void *info, size_t size);
int sys_perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group_fd,
			unsigned long flags);
int sys_ioctl(int fd, unsigned long request, unsigned long arg);
int sys_open(const char *path, int flags);
ssize_t sys_read(int fd, void *buf, size_t len);
/* close(2) that keeps errno out of the way; fd < 0 is fine. */
void sys_close(int fd);
/*
 * The whole of a small file (procfs, sysfs: no size known before) as a NUL-terminated
 * string into buf; longer files are cut. Returns the length, or -errno.
 */
ssize_t sys_read_file(int dirfd, const char *path, char *buf, size_t size);

#endif
