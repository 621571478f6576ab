/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_UNDO_H
#define LOADER_UNDO_H

#include <stdint.h>

#include "util/error.h"

/*
 * Attachments that no descriptor holds, so that they stay when their process ends: filters of tc,
 * XDP and cgroups before they took links, lirc devices. What has to be asked of the kernel to have
 * it forget one is a plain value: it can be written down before the program is attached, and done
 * by another process later on, should this one be killed.
 */
struct undo {
	const struct undo_kind *kind; /* NULL: there is nothing to undo */
	uint32_t prog_id;             /* what it must find there: another's program is left alone */
	uint32_t numbers[6];          /* whatever the kind takes them for */
	char path[256];               /* e.g. of a cgroup's directory; "" */
};

struct undo_kind {
	const char *name; /* a word */
	/* Where it is gone already, or somebody else's, that is fine: 0. */
	int (*run)(const struct undo *undo, struct error *err);
};

#endif
