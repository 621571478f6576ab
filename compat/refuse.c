// SPDX-License-Identifier: GPL-2.0
#include "compat/refuse.h"

#include <stdio.h>
#include <string.h>

#include "loader/source.h"

struct refuse_place refuse_place(const struct object *obj, const struct program *prog, uint32_t insn)
{
	struct refuse_place place;
	struct source_place source;
	const char *slash;

	if (!source_find(&source, prog, &obj->btf, insn)) {
		snprintf(place.text, sizeof(place.text), "instruction %u", insn);
		return place;
	}
	slash = strrchr(source.file, '/');
	snprintf(place.text, sizeof(place.text), "%s:%u", slash ? slash + 1 : source.file,
		 source.line);
	return place;
}

int refuse(const struct object *obj, const struct program *prog, uint32_t insn, const char *what,
	   const char *why, struct error *err)
{
	struct refuse_place place = refuse_place(obj, prog, insn);

	return error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': %s: %s: %s", obj->name,
			 prog->name, place.text, what, why);
}
