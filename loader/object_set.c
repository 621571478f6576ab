// SPDX-License-Identifier: GPL-2.0
#include "loader/object_set.h"

#include <stdio.h>
#include <string.h>

#include "btf/assign.h"
#include "util/suggest.h"

struct global {
	const struct btf_var_secinfo *info;
	const struct btf_type *var;
	struct map *map;
};

/* Calls fn for every variable of the data sections, until it returns true. */
static bool each_global(struct object *obj, bool (*fn)(void *ctx, const struct global *global),
			void *ctx)
{
	for (size_t i = 0; i < obj->maps.len; i++) {
		struct global global = { .map = &obj->maps.at[i] };
		const struct btf_type *t = btf_type(&obj->btf, global.map->value_type_id);

		if (!global.map->data || !t || btf_kind(t) != BTF_KIND_DATASEC)
			continue;
		for (uint32_t k = 0; k < btf_vlen(t); k++) {
			global.info = (const struct btf_var_secinfo *)btf_extra(t) + k;
			global.var = btf_type(&obj->btf, global.info->type);
			if (global.var && fn(ctx, &global))
				return true;
		}
	}
	return false;
}

struct wanted {
	const struct object *obj;
	char name[128];
	struct global found;
	struct suggest suggest;
};

static bool is_wanted(void *ctx, const struct global *global)
{
	struct wanted *w = ctx;
	const char *name = btf_string(&w->obj->btf, global->var->name_off);

	suggest_offer(&w->suggest, name);
	w->found = *global;
	return !strcmp(name, w->name);
}

static int no_global(const struct wanted *w, struct error *err)
{
	error_set(err, ERROR_USAGE, "%s: got no variable '%s', expected one of its globals",
		  w->obj->name, w->name);
	if (w->suggest.best)
		return error_hint(err, "did you mean '%s'?", w->suggest.best);
	return error_hint(err, w->obj->maps.len ? "portrace inspect shows them" :
						  "the object has none, or was compiled without -g");
}

int object_set(struct object *obj, const char *assignment, struct error *err)
{
	size_t len = strcspn(assignment, ".[="), end = strcspn(assignment, "=");
	struct wanted w = { .obj = obj };
	char path[256];
	struct map *map;

	if (!len || !assignment[end] || len >= sizeof(w.name) || end - len >= sizeof(path)) {
		error_set(err, ERROR_USAGE, "got '%.80s', expected NAME=VALUE", assignment);
		return error_hint(err, "a part of a variable: NAME.MEMBER=VALUE, NAME[INDEX]=VALUE");
	}
	snprintf(w.name, sizeof(w.name), "%.*s", (int)len, assignment);
	snprintf(path, sizeof(path), "%.*s", (int)(end - len), assignment + len);
	suggest_init(&w.suggest, w.name);
	if (!each_global(obj, is_wanted, &w))
		return no_global(&w, err);
	map = w.found.map;
	if (w.found.info->offset > map->value_size ||
	    w.found.info->size > map->value_size - w.found.info->offset)
		return error_set(err, ERROR_FORMAT, "variable '%s': got no place in its section", w.name);
	if (btf_assign(&obj->btf, w.found.var->type, path, assignment + end + 1,
		       map->data + w.found.info->offset, w.found.info->size, err))
		return error_wrap(err, "variable '%s%s'", w.name, path);
	return 0;
}
