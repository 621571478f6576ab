// SPDX-License-Identifier: GPL-2.0
/* Which map of the object a program is attached to, where it is to one. */
#include <string.h>

#include "loader/attach_internal.h"

static const struct map *by_name(const struct object *obj, const char *name)
{
	for (size_t i = 0; i < obj->maps.len; i++)
		if (!strcmp(obj->maps.at[i].name, name))
			return &obj->maps.at[i];
	return NULL;
}

/* The only one that fits; NULL where there is none or several, *count says how many. */
static const struct map *only_one(const struct object *obj, bool (*fits)(const struct map *),
				  size_t *count)
{
	const struct map *found = NULL;

	*count = 0;
	for (size_t i = 0; i < obj->maps.len; i++)
		if (obj->maps.at[i].role == MAP_PLAIN && fits(&obj->maps.at[i])) {
			found = &obj->maps.at[i];
			++*count;
		}
	return *count == 1 ? found : NULL;
}

int attach_map(const struct attach_request *request, const char *name,
	       bool (*fits)(const struct map *), const char *expected, size_t *index,
	       struct error *err)
{
	const struct object *obj = request->loaded->object;
	const struct map *map = *name ? by_name(obj, name) : NULL;
	size_t count;

	if (*name && !map)
		return error_set(err, ERROR_NOT_FOUND, "map '%s': got none of that name, expected %s of the "
				 "object", name, expected);
	if (*name && !fits(map))
		return error_set(err, ERROR_USAGE, "map '%s': got one of type %u, expected %s", name, map->type,
				 expected);
	if (!*name)
		map = only_one(obj, fits, &count);
	if (!map) {
		error_set(err, ERROR_USAGE, "section '%s': got no name of a map and %zu to choose from, expected "
			  "%s", request->prog->section, count, expected);
		return -1;
	}
	*index = map - obj->maps.at;
	return request->loaded->map_fds[*index];
}
