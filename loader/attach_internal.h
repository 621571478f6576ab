/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ATTACH_INTERNAL_H
#define LOADER_ATTACH_INTERNAL_H

#include <linux/perf_event.h>

#include "loader/attach.h"

/* What one kind of attaching is given. */
struct attach_request {
	const struct program *prog; /* prog->kind says which of the section kinds it is */
	const struct loaded *loaded;
	int prog_fd;
	const char *target; /* one name; what `needs` has no NEED_TARGET for gets "" where none is said */
	const struct attach_options *options;
};

/* What it returns besides 0 and -1 (with err set): this kernel has no such target. */
#define ATTACH_ABSENT 1

struct attach_kind {
	const char *targets; /* "kernel function": what its targets are, for messages; NULL: it has none
			      * and is attached to what `needs` says */
	const char *absent;  /* hint: why one may not be there */
	uint32_t needs;      /* bits of attach_need besides */
	uint32_t takes;      /* the same, of what it can do without */
	bool functions;      /* they are kernel functions, which have other names on other kernels */
	bool by_type;        /* was looked for when the program was loaded (load_target.h) */
	/* Sets link->fd, whatever else is to be undone, and `way`, also where it fails. `where` is the
	 * target, unless it sets it. */
	int (*attach)(struct link *link, const struct attach_request *request, struct error *err);
};

extern const struct attach_kind attach_kind_tracepoint, attach_kind_kprobe, attach_kind_ksyscall,
	attach_kind_uprobe, attach_kind_raw_tracepoint, attach_kind_type, attach_kind_iter,
	attach_kind_kprobe_multi, attach_kind_uprobe_multi, attach_kind_usdt, attach_kind_tracing_multi,
	attach_kind_xdp, attach_kind_xdp_map, attach_kind_tc, attach_kind_action, attach_kind_tcx,
	attach_kind_netkit, attach_kind_route, attach_kind_sk_lookup, attach_kind_flow_dissector,
	attach_kind_netfilter, attach_kind_cgroup, attach_kind_lsm, attach_kind_lsm_cgroup,
	attach_kind_socket, attach_kind_reuseport, attach_kind_sockmap, attach_kind_lirc,
	attach_kind_perf_event, attach_kind_syscall, attach_kind_struct_ops;
extern const struct undo_kind undo_tc, undo_xdp, undo_map_entry, undo_route, undo_flow_dissector,
	undo_cgroup, undo_reuseport, undo_sockmap, undo_lirc, undo_struct_ops;

/*
 * Of an attachment that no descriptor holds: called once link->undo has its kind, numbers and path,
 * and before it is made. Says which program it is about, and puts it into the ledger.
 */
void attach_note(struct link *link, const struct attach_request *request);
/* It came to nothing, so that there is nothing to undo. */
void attach_nothing(struct link *link);

/*
 * The options' tracefs, or `own`, opened; NULL and err where there is none. tracefs_close(own) is
 * due in any case.
 */
const struct tracefs *attach_tracefs(const struct attach_request *request, struct tracefs *own,
				     struct error *err);

/* ---- perf events (attach_perf.c) ---- */

/*
 * Opens an event that never counts: it is what the kernel hangs a program on. A descriptor, or
 * -errno.
 */
int perf_open(struct perf_event_attr *attr);
/* The same, of one process alone; 0: of all. */
int perf_open_process(struct perf_event_attr *attr, pid_t pid);
/* The same, of a tracepoint by its id in tracefs. */
int perf_open_tracepoint(int id);
/*
 * Hangs the program on it, by link or ioctl; the event becomes the link's, or is closed. 0, or -1.
 */
int perf_attach(struct link *link, int event_fd, const struct attach_request *request,
		struct error *err);
/* perf_attach() to the tracepoint of that id; pid: as with perf_open_process(). */
int perf_attach_tracepoint(struct link *link, int id, pid_t pid,
			   const struct attach_request *request, struct error *err);
/* Code and hint for a perf event that could not be opened or attached to. -1. */
int perf_explain(int ret, struct error *err);

/* ---- on what a descriptor stands for (attach_prog.c); all return -errno ---- */

/* The link's descriptor. EINVAL: there is no such link, or nothing of the kind at all. */
int prog_link(int target_fd, uint32_t type, int prog_fd);
/* flags: BPF_F_ALLOW_MULTI and the like. */
int prog_attach(int target_fd, uint32_t type, int prog_fd, uint32_t flags);
/* UNDO_GONE where the program is not there any longer. */
int prog_detach(int target_fd, uint32_t type, const struct undo *undo);
/* The path, absolute, into undo->path; 0, or -1. */
int undo_path(struct undo *undo, const char *path, struct error *err);
/* prog_detach() from what the path names; numbers: how many attach types, and these. As undo_kind.run(). */
int prog_undo(const struct undo *undo, int open_flags, struct error *err);

/* ---- on a security hook (attach_lsm.c) ---- */

/* 0, or -1 where it would be attached and never run. */
int need_bpf_security(const struct attach_request *request, struct error *err);

/* ---- on a map of the object (attach_map.c) ---- */

/*
 * The descriptor of the map of that name, or, without one, of the only one that fits; *index
 * receives which it is. -1: none of the name, or not as `expected`.
 */
int attach_map(const struct attach_request *request, const char *name,
	       bool (*fits)(const struct map *), const char *expected, size_t *index,
	       struct error *err);

/* ---- kprobes and uprobes (attach_probe.c) ---- */

struct probe {
	const char *pmu;   /* "kprobe": its name among the event sources */
	const char *file;  /* "kprobe_events": its definitions in tracefs */
	bool is_return;
	const char *where; /* name of a function, or path of a file */
	uint64_t offset;
	const char *place; /* both, as the file takes them: "do_exit+0x10" */
	uint64_t semaphore; /* uprobes: where in the file a counter of who listens is; 0: nowhere */
	pid_t pid;          /* uprobes: only this process; 0: all */
};

/* Splits "do_exit+0x10" into a name and a number, 0 if there is none. 0, or -1 if it is no such place. */
int probe_place(const char *place, struct section_name *function, uint64_t *offset);
int probe_attach(struct link *link, const struct probe *probe,
		 const struct attach_request *request, struct error *err);
/* The same where the link may have some already. */
int probe_attach_more(struct link *link, const struct probe *probe,
		      const struct attach_request *request, struct error *err);

/* ---- places in programs and libraries (attach_uprobe.c) ---- */

#define BINARY_PATH_MAX 4000

/* Splits "libc.so.6:malloc" and finds the file. 0, ATTACH_ABSENT, or -1. */
int uprobe_split(const struct attach_request *request, char path[BINARY_PATH_MAX],
		 const char **place, struct error *err);
/* A probe at an offset of a file, beside those that the link has. */
int uprobe_attach_at(struct link *link, const char *path, uint64_t offset, uint64_t semaphore,
		     const struct attach_request *request, struct error *err);

/* ---- one link to many places (attach_multi.c) ---- */

/* What bpf_attr.link_create holds behind flags, in the order of the kernel's header. */
struct multi_kprobes { /* Linux 5.18 */
	uint32_t flags, cnt;
	uint64_t syms, addrs, cookies;
};

struct multi_uprobes { /* Linux 6.6 */
	uint64_t path, offsets, semaphores, cookies;
	uint32_t cnt, flags, pid, path_fd;
};

struct multi_types { /* Linux 7.2 */
	uint64_t ids, cookies;
	uint32_t cnt;
};

#define MULTI_RETURN 1 /* BPF_F_KPROBE_MULTI_RETURN and of uprobes: in flags */
/* The most that are attached to by each. */
#define MULTI_SINGLES_MAX 64

/* BPF_LINK_CREATE with that behind link_create.flags. The descriptor, or -errno. */
int multi_link(const struct attach_request *request, const void *many, size_t size);
/* So many times options.cookie, malloc'ed; NULL where there is none. *failed: no memory. */
uint64_t *multi_cookies(const struct attach_request *request, size_t count, bool *failed);
/* Programs of the kinds that lower_multi() makes: on each function by itself. */
bool multi_by_each(const struct attach_request *request);
/* What the kernel's refusal of a link means. `sys`: errno, or 0 for too many to go by each. -1. */
int multi_refused(const struct attach_request *request, size_t count, int sys, const char *since,
		  struct error *err);
/* Sets link->way and where: "vfs_* (3 functions)". */
void multi_done(struct link *link, const struct attach_request *request, size_t count);

#endif
