/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_TYPES_INTERNAL_H
#define LOADER_TYPES_INTERNAL_H

#include "loader/types.h"

/* A look for types, source by source. */
struct search {
	struct types *types;
	const struct types_request *request;
	bool has_images; /* there are some, but none that serves */
	bool forbidden;  /* something may not be read: types may be there after all */
	char hint[768];  /* what would make one of the sources work */
};

/* Puts down why something was passed over. */
void types_pass_over(struct search *s, const struct error *why);
/* From the formats of the object's tracepoints. -1: has been passed over, err says why. */
int types_from_tracefs(struct search *s, struct error *err);

#endif
