/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ATTACH_H
#define LOADER_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/load.h"
#include "loader/probe_event.h"
#include "loader/section.h"
#include "loader/tracefs.h"
#include "loader/undo.h"
#include "util/error.h"

/*
 * Loaded programs on what their sections name. There are several ways, by kind of program and by
 * kernel; each kind has a file, attach_KIND.c.
 */

/* Where kprobes and uprobes come from. */
enum probe_way {
	PROBE_EITHER, /* the first of these that the kernel has */
	PROBE_PMU,    /* perf_event_open alone, Linux 4.17 */
	PROBE_EVENT,  /* an event defined in tracefs, to be removed again */
};

/* Where to, as far as program.target does not say it. NULL and 0: nothing is said. */
struct attach_place {
	const char *cgroup; /* directory of a cgroup */
	const char *iface;  /* network interface, of the network namespace that this thread is in */
	pid_t pid;          /* only this process */
	uint64_t freq;      /* samples a second */
};

/* How to go about it: what the kernel can do has been asked before (compat/prepare.h). */
struct attach_options {
	struct attach_place place;
	bool perf_links; /* perf events take links, and with them a cookie (5.15); else an ioctl */
	enum probe_way probes;
	uint64_t cookie; /* for bpf_get_attach_cookie; 0: none */
	const struct tracefs *tracefs; /* borrowed; NULL: opened when needed */
};

/* A program that is attached. Nothing of it is left behind by link_detach(). */
struct link {
	int fd;                     /* closing it detaches; -1: it is not attached, or by undo alone */
	VEC(int) others;            /* the same, where it takes several: one a CPU */
	struct probe_event probe;   /* which the kernel was asked for and has to forget */
	VEC(struct probe_event) more_probes; /* likewise */
	struct undo undo;
	struct section_name target; /* of those in the section's name the one taken; "" where none is */
	const char *way;            /* how, in a word or two: "link", "netlink"; static */
	char where[192];            /* to what, in words: "eth0, ingress" */
};

/* What an attachment cannot do without and neither section nor place says. */
enum attach_need {
	NEED_TARGET = 1 << 0, /* behind the slash of the section's name: program.target */
	NEED_CGROUP = 1 << 1,
	NEED_IFACE = 1 << 2,
};

/* Whether link_attach() can do anything with programs of that kind. */
bool attach_knows(const struct section_kind *kind);
/* What is missing of what attaching such a program takes: bits of attach_need. */
uint32_t attach_lacks(const struct program *prog, const struct attach_place *place);
/* What attaching it makes use of, where its target does not say it: bits of attach_need. */
uint32_t attach_takes(const struct program *prog);
/*
 * Attaches the program of that index. Of several targets, "kprobe/do_unlinkat|filename_unlinkat",
 * the first that this kernel has is taken, and a function that goes by another name on other
 * kernels is looked for by that as well (loader/target.h). On failure nothing is held.
 */
int link_attach(struct link *link, const struct loaded *loaded, size_t program,
		const struct attach_options *options, struct error *err);
void link_detach(struct link *link); /* after link_attach() that failed, or twice, is fine */
/* Starts a run of an attached iter program: a descriptor to read its output from, or -1. */
int link_run_iter(const struct link *link, struct error *err);

/* The tracer's own way, as fast as can be: the link's descriptor, or -1 and err. */
int attach_tracepoint(int prog_fd, int event_id, const char *name, struct error *err);

#endif
