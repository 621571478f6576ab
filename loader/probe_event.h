/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_PROBE_EVENT_H
#define LOADER_PROBE_EVENT_H

#include <stdbool.h>

#include "loader/tracefs.h"

/*
 * A kprobe or uprobe as an event that is defined in tracefs and stays until it is removed:
 *
 *	p:portrace/portrace_1234_7 do_exit+0x10
 *	r:portrace/portrace_1234_7 /bin/bash:0x1234
 *	-:portrace/portrace_1234_7
 *
 * The name tells whose it is, 1234 being the process and 7 a number in it, so that what a process
 * left that was killed can be removed by the next.
 */
#define PROBE_EVENT_GROUP "portrace"

struct probe_event {
	int fd; /* of the file that defines it, if `name` is not "" */
	char name[40];
};

/*
 * `file` is "kprobe_events" or "uprobe_events". 0, or -errno: -ENOENT, -EINVAL and -EADDRNOTAVAIL
 * may mean that there is no such place.
 */
int probe_event_add(struct probe_event *probe, const struct tracefs *tracefs, const char *file,
		    bool is_return, const char *place);
/* Removes from `file` what processes left that live no longer; `removed` may be NULL. */
void probe_events_sweep(const struct tracefs *tracefs, const char *file,
			void (*removed)(void *ctx, const char *name, int pid), void *ctx);
/* Only once no perf event is open on it any more. Zeroed is fine. */
void probe_event_remove(struct probe_event *probe);

#endif
