/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <stdio.h>

#include "compat/needs.h"
#include "loader/object.h"

/* What `portrace inspect` shows of an object: the object itself, and what is made out of it. */
struct inspection {
	const struct object *obj;
	const struct needs *needs;
	bool verbose; /* text only: every relocation, values at full length */
};

void inspect_text(const struct inspection *in, FILE *to);
void inspect_json(const struct inspection *in, FILE *to);

/* "field_byte_offset" and the like; "unknown" for kinds that are not known. */
const char *inspect_relo_kind(uint32_t kind);
/* File and line of the C that an instruction was made from; false where the object has none. */
bool inspect_source(const struct inspection *in, const struct program *prog, uint32_t insn,
		    const char **file, uint32_t *line);
/*
 * What stands in the way of loading, one after the other, without the object's name; buf holds
 * those that have to be put together. NULL behind the last.
 */
const char *inspect_obstacle(const struct inspection *in, size_t i, char *buf, size_t size);
/* Whether a variable's first value has addresses in it, which are not known before loading. */
bool inspect_has_address(const struct map *map, const struct btf_var_secinfo *v);
/* The variables of a data section; NULL and 0 where the object has no types. */
const struct btf_var_secinfo *inspect_globals(const struct inspection *in, const struct map *map,
					      uint32_t *count);

#endif
