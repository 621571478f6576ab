// SPDX-License-Identifier: GPL-2.0
#include "compat/missing.h"

#include "compat/plan.h"
#include "compat/since.h"
#include "loader/section.h"

static int missing_map(const struct object *obj, const struct map *map, struct caps *caps,
		       struct error *err)
{
	if (caps_map(caps, map->type) != CAP_NO)
		return 0;
	error_set(err, ERROR_UNSUPPORTED, "%s: map '%s': %s", obj->name, map->name,
		  plan_why_map(caps, map->type).text);
	return error_hint(err, "for this kernel use a map of a type that it has: `portrace caps` lists them");
}

static int missing_program(const struct object *obj, const struct program *prog, struct caps *caps,
			   struct error *err)
{
	if (!prog->autoload || !prog->kind || caps_program(caps, prog->kind->type) != CAP_NO)
		return 0;
	error_set(err, ERROR_UNSUPPORTED, "%s: program '%s' (%s): %s", obj->name, prog->name,
		  prog->section, plan_why_program(caps, prog->kind->type).text);
	return error_hint(err, "for this kernel write it as a program of a type that it has: `portrace caps` "
			  "lists them");
}

int missing_kinds(const struct object *obj, struct caps *caps, struct error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < obj->maps.len; i++)
		ret = missing_map(obj, &obj->maps.at[i], caps, err);
	for (size_t i = 0; !ret && i < obj->programs.len; i++)
		ret = missing_program(obj, &obj->programs.at[i], caps, err);
	return ret;
}
