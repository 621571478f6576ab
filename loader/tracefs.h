/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_TRACEFS_H
#define LOADER_TRACEFS_H

#include <stddef.h>

#include "util/error.h"

/* tracefs, found where it is mounted or mounted for this process alone. */
struct tracefs {
	int fd; /* directory */
	char where[128];
};

int tracefs_open(struct tracefs *tracefs, struct error *err);
void tracefs_close(struct tracefs *tracefs);
/* The id of an event ("signal", "signal_generate"), or -1 and err: ERROR_UNSUPPORTED, ENOENT. */
int tracefs_event_id(const struct tracefs *tracefs, const char *category, const char *event,
		     struct error *err);
/* How an event's record is laid out, as text; malloc'ed. */
int tracefs_format(const struct tracefs *tracefs, const char *category, const char *event,
		   char **text, size_t *len, struct error *err);

#endif
