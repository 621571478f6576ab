/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_GATE_H
#define TESTS_GATE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "compat/caps.h"
#include "util/strbuf.h"

/*
 * A gate before the kernel that answers like an older one, by that one's stored capabilities: what
 * it would have refused is refused with its errno, and of programs with a word of its verifier; all
 * else goes on to the kernel at hand. So what lowering makes for old kernels runs on this one.
 *
 * It knows map types and flags, program types, bytes of bpf_attr, instructions, helpers, functions,
 * loops, what helpers may be given, sizes, types, and RLIMIT_MEMLOCK. It is no verifier: what old
 * ones cannot follow, only old kernels show.
 */

/* ---- the rules: no system calls, nothing kept but answers in caps ---- */

/* A call of bpf(2) as it was made. For BPF_PROG_LOAD and BPF_BTF_LOAD with what attr points to. */
struct gate_call {
	int cmd;
	union bpf_attr attr; /* zeroed beyond what the caller gave */
	const struct bpf_insn *insns;
	size_t insns_len;
	const void *btf;
	size_t btf_len;
	unsigned long long memlock; /* the caller's soft limit, in bytes */
};

/* 0: goes on to the kernel; else -errno, and in `log` what the verifier says of a program. */
int gate_answer(struct caps *caps, const struct gate_call *call, struct strbuf *log);
/* Whether a path is one that the older kernel does not have. */
bool gate_hides(struct caps *caps, const char *path);

/* The stored capabilities in that file, for caps_fini. */
int gate_read(struct caps *caps, const char *path, struct error *err);

/* ---- the gate itself: seccomp's user notification, Linux 5.5 ---- */

/*
 * From now on this process and all that it makes stand behind the gate of the capabilities in
 * that file. Returns in the caller, with another process keeping the gate as long as anybody is
 * behind it. -errno where it cannot be; *error is what the file lacks, then with -EINVAL.
 */
int gate_enter(const char *caps_file, struct error *err);

#endif
