// SPDX-License-Identifier: GPL-2.0
#include "compat/place.h"

#include <stdio.h>
#include <string.h>

#include "loader/source.h"

struct place place_of(const struct object *obj, const struct program *prog, uint32_t insn)
{
	struct source_place source;
	char line[96] = "";
	struct place place;

	if (source_find(&source, prog, &obj->btf, insn)) {
		const char *slash = strrchr(source.file, '/');

		snprintf(line, sizeof(line), " (%.64s:%u)", slash ? slash + 1 : source.file,
			 source.line);
	}
	snprintf(place.text, sizeof(place.text), "program '%.64s': instruction %u%s", prog->name,
		 insn, line);
	return place;
}
