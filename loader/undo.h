/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_UNDO_H
#define LOADER_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/*
 * Attachments that no descriptor holds, so that they stay when their process ends: filters of tc,
 * XDP and cgroups before they took links, lirc devices. What has to be asked of the kernel to have
 * it forget one is a plain value: it is written down before the program is attached (ledger.h), and
 * done by another process later on, should this one be killed.
 */
struct undo {
	const struct undo_kind *kind; /* NULL: there is nothing to undo */
	uint32_t prog_id;             /* what it must find there: another's program is left alone. 0:
				       * the kernel numbers none (before 4.13) */
	uint64_t prog_loaded;         /* and when that was loaded, ns since boot; 0: not known */
	uint32_t numbers[6];          /* whatever the kind takes them for */
	char path[256];               /* e.g. of a cgroup's directory; "" */
	uint32_t note;                /* of the ledger, 0: none */
};

/* What undo_kind.run() returns besides 0 and -1. */
#define UNDO_GONE 1

struct undo_kind {
	const char *name; /* a word */
	const char *what; /* "tc filter", for people */
	/* 0; UNDO_GONE where it is gone already, or somebody else's, which is fine, too. */
	int (*run)(const struct undo *undo, struct error *err);
	bool by_name; /* finds it by a name in it, also where programs have no numbers */
};

/* The kind of that name, NULL where there is none. */
const struct undo_kind *undo_kind(const char *name);
/* Says which program it is about. */
void undo_about(struct undo *undo, int prog_fd);
/* Whether the program of that id, found where ours was attached, is ours. */
bool undo_is_ours(const struct undo *undo, uint32_t prog_id);

#endif
