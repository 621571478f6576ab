/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_CAPS_H
#define CLI_CAPS_H

#include <stdio.h>

#include "cli/command.h"
#include "compat/caps.h"

/* Reads stored answers, for caps_fini(). */
int caps_open(struct caps *caps, const char *path, struct error *err);

/* What has been asked, for people (docs/caps.md) and as one JSON object (docs/json.md). */
void caps_print(struct caps *caps, FILE *to);
void caps_json(struct caps *caps, FILE *to);

/* How many of the answers that were wanted are unknown. */
uint32_t caps_unknown(const struct caps *caps);
/* Says so where it is for lack of permission: then STATUS_PERMISSION, else STATUS_DONE. */
enum exit_status caps_warn(const char *command, const struct caps *caps);

/* Which capabilities are shown together, up to one with a NULL title: from `first` on. */
struct caps_group {
	enum cap first;
	const char *title;
};

extern const struct caps_group caps_groups[];

#endif
