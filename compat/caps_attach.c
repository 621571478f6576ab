// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to attach. Nearly all is asked by a call that lacks something which the kernel looks at
 * last, so that nothing is attached: EBADF for a descriptor that is none says that the command is
 * known. Where only attaching tells, it is to what hardly ever happens, for an instant, and the
 * program returns 1: one that returns 0 takes the event away from others who trace it.
 */
#include "compat/caps_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/attach.h"
#include "util/sys.h"

/* By number, as the headers of most distributions lack some of the names. */
enum { PERF_EVENT = 41, KPROBE_MULTI = 42, UPROBE_MULTI = 48, RAW_TP = 23, FENTRY = 24 };

static const struct bpf_insn return_1[] = { INSN_MOV_IMM(BPF_REG_0, 1), INSN_EXIT() };

/* A program that returns r0, 0 or 1: a descriptor or -errno. */
static int load_simple(uint32_t type, uint32_t attach_type, uint32_t btf_id,
		       const struct bpf_insn insns[2])
{
	struct trial trial = { .type = type, .attach_type = attach_type, .btf_id = btf_id,
			       .insns = insns, .count = 2 };

	return load_trial(&trial, NULL);
}

/* ---- commands ---- */

enum answer ask_command(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	switch (cap) {
	case CAP_FREEZE:
		attr.map_fd = -1;
		ret = sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
		break;
	case CAP_PROG_RUN:
		attr.test.prog_fd = -1;
		ret = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
		break;
	default:
		attr.link_create.prog_fd = -1;
		ret = sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	}
	*sys = -ret;
	if (*sys == EBADF)
		return CAP_YES;
	return *sys == EINVAL || *sys == E2BIG ? CAP_NO : CAP_UNKNOWN;
}

/* A link of that kind by a program of that type, for which `good` is said of what is missing. */
static enum answer ask_link(union bpf_attr *attr, uint32_t type, int good, int *sys)
{
	int prog_fd = load_simple(type, type == BPF_PROG_TYPE_KPROBE ?
					attr->link_create.attach_type : 0, 0, return_1);
	enum answer answer;
	int ret;

	if (prog_fd < 0) {
		*sys = -prog_fd;
		return CAP_UNKNOWN;
	}
	attr->link_create.prog_fd = prog_fd;
	ret = sys_bpf(BPF_LINK_CREATE, attr, sizeof(*attr));
	sys_close(ret);
	sys_close(prog_fd);
	answer = answer_of(ret, sys);
	return *sys == good ? CAP_YES : answer;
}

enum answer ask_perf_link(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.target_fd = -1;
	attr.link_create.attach_type = PERF_EVENT;
	return ask_link(&attr, BPF_PROG_TYPE_TRACEPOINT, EBADF, sys);
}

/* Of what 6.6 brought, which the headers of most distributions lack. */
struct uprobe_multi {
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, flags, pid;
};

#define NOWHERE 1 /* an address that is never mapped */

/* EFAULT: the kernel went to read the names of what to probe. */
enum answer ask_multi(struct caps *caps, enum cap cap, int *sys)
{
	const struct uprobe_multi uprobes = { .path = NOWHERE, .offsets = NOWHERE, .count = 1 };
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (cap == CAP_KPROBE_MULTI) {
		attr.link_create.attach_type = KPROBE_MULTI;
		attr.link_create.kprobe_multi.cnt = 1;
		attr.link_create.kprobe_multi.syms = NOWHERE;
	} else {
		attr.link_create.attach_type = UPROBE_MULTI;
		memcpy(&attr.link_create.kprobe_multi, &uprobes, sizeof(uprobes));
	}
	return ask_link(&attr, BPF_PROG_TYPE_KPROBE, EFAULT, sys);
}

/* ---- raw tracepoints and what is named by types ---- */

static int open_raw(int prog_fd, const char *name)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uintptr_t)name;
	attr.raw_tracepoint.prog_fd = prog_fd;
	return sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

/* ENOENT: it looked for the tracepoint. */
enum answer ask_raw_tracepoint(struct caps *caps, enum cap cap, int *sys)
{
	enum answer answer = caps_program(caps, BPF_PROG_TYPE_RAW_TRACEPOINT);
	int prog_fd, ret;

	*sys = caps->programs[BPF_PROG_TYPE_RAW_TRACEPOINT].sys;
	if (answer != CAP_YES)
		return answer;
	prog_fd = load_simple(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, return_0);
	ret = prog_fd < 0 ? prog_fd : open_raw(prog_fd, "portrace_has_no_such");
	sys_close(prog_fd);
	answer = answer_of(ret, sys);
	return *sys == ENOENT ? CAP_YES : answer;
}

/* A program for the type of that id, loaded: CAP_YES and a descriptor. */
static enum answer load_for(struct caps *caps, uint32_t attach_type, enum caps_id which, int *fd,
			    int *sys)
{
	uint32_t id;
	enum answer answer = caps_id(caps, which, &id, sys);

	if (answer != CAP_YES)
		return answer;
	if (!id) {
		*sys = ENODATA;
		return CAP_UNKNOWN;
	}
	*fd = load_simple(BPF_PROG_TYPE_TRACING, attach_type, id, return_0);
	return answer_of(*fd, sys);
}

enum answer ask_tracing(struct caps *caps, enum cap cap, int *sys)
{
	int fd = -1;
	enum answer answer = load_for(caps, RAW_TP, ID_RAW_TRACEPOINT, &fd, sys);

	sys_close(fd);
	return answer;
}

/* Architectures without trampolines load the program and refuse to attach it. */
enum answer ask_trampoline(struct caps *caps, enum cap cap, int *sys)
{
	int fd = -1;
	enum answer answer = load_for(caps, FENTRY, ID_FUNCTION, &fd, sys);

	if (answer != CAP_YES)
		return answer;
	answer = answer_of(close_trial(open_raw(fd, NULL)), sys);
	sys_close(fd);
	return answer;
}

/* ---- tracepoints ---- */

/* Events that are seldom: the first that is there is taken. */
static const char *const seldom[] = { "sched/sched_pi_setprio", "sched/sched_process_hang",
				      "sched/sched_move_numa", "signal/signal_generate", NULL };
static const char *const seldom_calls[] = { "syscalls/sys_enter_sethostname",
					    "syscalls/sys_enter_settimeofday",
					    "syscalls/sys_enter_getpgid", NULL };

static int event_id(const struct tracefs *tracefs, const char *const *names, struct error *err)
{
	char category[32];
	int id = -1;

	for (; id < 0 && *names; names++) {
		size_t len = strcspn(*names, "/");

		snprintf(category, sizeof(category), "%.*s", (int)len, *names);
		id = tracefs_event_id(tracefs, category, *names + len + 1, err);
	}
	return id;
}

/*
 * Attaches so many programs for an instant, the same one being refused by every kernel. 0, or the
 * errno that says why not.
 */
static int attach_programs(int id, int count)
{
	int prog_fd = load_simple(BPF_PROG_TYPE_TRACEPOINT, 0, 0, return_1), fd, ret = 0;
	struct error err;

	if (prog_fd < 0)
		return -prog_fd;
	fd = attach_tracepoint(prog_fd, id, "", &err);
	if (fd < 0)
		ret = err.sys;
	else if (count > 1)
		ret = attach_programs(id, count - 1);
	sys_close(fd);
	sys_close(prog_fd);
	return ret;
}

/* EEXIST: one is there already, be it this one or somebody else's. */
static enum answer ask_shared(const struct tracefs *tracefs, enum cap cap, int *sys)
{
	struct error err;
	int id = event_id(tracefs, seldom, &err);

	*sys = id < 0 ? err.sys : attach_programs(id, 2);
	if (!*sys)
		return CAP_YES;
	return *sys == EEXIST ? CAP_NO : CAP_UNKNOWN;
}

static enum answer ask_calls_event(const struct tracefs *tracefs, enum cap cap, int *sys)
{
	struct error err;
	int id = event_id(tracefs, seldom_calls, &err), plain;

	if (id < 0) {
		*sys = err.sys;
		return *sys == ENOENT ? CAP_NO : CAP_UNKNOWN;
	}
	*sys = attach_programs(id, 1);
	if (!*sys || *sys == EEXIST)
		return CAP_YES;
	if (*sys != EINVAL)
		return CAP_UNKNOWN;
	id = event_id(tracefs, seldom, &err);
	plain = id < 0 ? err.sys : attach_programs(id, 1);
	if (!plain || plain == EEXIST)
		return CAP_NO;
	*sys = plain;
	return CAP_UNKNOWN;
}

typedef enum answer question_in(const struct tracefs *tracefs, enum cap cap, int *sys);

static enum answer ask_in_tracefs(question_in *ask, enum cap cap, int *sys)
{
	struct tracefs tracefs;
	enum answer answer;
	struct error err;

	if (tracefs_open(&tracefs, &err)) {
		*sys = err.sys;
		return err.code == ERROR_UNSUPPORTED ? CAP_NO : CAP_UNKNOWN;
	}
	answer = ask(&tracefs, cap, sys);
	tracefs_close(&tracefs);
	return answer;
}

/* Without tracepoint programs there are none to share one, none on system calls. */
static enum answer ask_on_tracepoint(struct caps *caps, question_in *ask, enum cap cap, int *sys)
{
	enum answer answer = caps_program(caps, BPF_PROG_TYPE_TRACEPOINT);

	*sys = caps->programs[BPF_PROG_TYPE_TRACEPOINT].sys;
	return answer == CAP_YES ? ask_in_tracefs(ask, cap, sys) : answer;
}

enum answer ask_event_shared(struct caps *caps, enum cap cap, int *sys)
{
	return ask_on_tracepoint(caps, ask_shared, cap, sys);
}

enum answer ask_syscall_events(struct caps *caps, enum cap cap, int *sys)
{
	return ask_on_tracepoint(caps, ask_calls_event, cap, sys);
}

/* ---- kprobes and uprobes ---- */

/*
 * Opened for writing, as adding one would: lockdown and permissions speak up there. Never with
 * O_TRUNC, which removes everybody's.
 */
static enum answer ask_file(const struct tracefs *tracefs, enum cap cap, int *sys)
{
	const char *name = cap == CAP_KPROBE_EVENTS ? "kprobe_events" : "uprobe_events";
	int fd = openat(tracefs->fd, name, O_WRONLY | O_APPEND | O_CLOEXEC);

	*sys = fd < 0 ? errno : 0;
	sys_close(fd);
	if (fd >= 0)
		return CAP_YES;
	return *sys == ENOENT ? CAP_NO : CAP_UNKNOWN;
}

enum answer ask_probe_events(struct caps *caps, enum cap cap, int *sys)
{
	return ask_in_tracefs(ask_file, cap, sys);
}

#define SOURCES "/sys/bus/event_source/devices"

enum answer ask_probe_pmu(struct caps *caps, enum cap cap, int *sys)
{
	const char *path = cap == CAP_KPROBE_PMU ? SOURCES "/kprobe/type" : SOURCES "/uprobe/type";

	*sys = access(path, R_OK) ? errno : 0;
	if (!*sys)
		return CAP_YES;
	return *sys == ENOENT && !access(SOURCES, F_OK) ? CAP_NO : CAP_UNKNOWN;
}
