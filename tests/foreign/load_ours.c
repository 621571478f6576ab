// SPDX-License-Identifier: GPL-2.0
/*
 * load_ours OBJECT...: loads each object as `portrace run` does, and then each of its programs by
 * itself. A line each, in columns with tabs between:
 *
 *	OBJECT	PROGRAM, or - for all that load by themselves	broken|loaded|refused|crashed	why not
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/memlock.h"
#include "cli/object_file.h"
#include "compat/prepare.h"
#include "tests/foreign/each.h"

static int suit_and_load(struct object *obj, struct error *err)
{
	struct types_request request = { .obj = obj };
	struct lower_options lower_options = { .transport = TRANSPORT_AUTO };
	struct load_types told = { 0 };
	struct load_options options = { .types = &told, .pin_root = each_pin_root() };
	struct caps caps = { 0 };
	struct plan plan = { 0 };
	struct loaded loaded;
	struct types types;
	int ret;

	memlock_raise(&caps);
	if (types_open(&types, &request, err))
		return -1;
	ret = prepare(obj, &types, &caps, &lower_options, &plan, err);
	prepare_load(obj, &caps, &options);
	if (!ret)
		ret = lower_types(obj, &caps, &told, err);
	if (!ret)
		ret = load(&loaded, obj, &options, err);
	if (!ret)
		loaded_fini(&loaded);
	load_types_fini(&told);
	plan_fini(&plan);
	caps_fini(&caps);
	types_fini(&types);
	return ret;
}

size_t each_open(const char *path, char names[][EACH_NAME], char *why, size_t size)
{
	struct object obj;
	struct error err;
	size_t len;

	error_clear(&err);
	if (object_file_open(&obj, path, &err)) {
		snprintf(why, size, "%s", err.message);
		return EACH_BROKEN;
	}
	for (len = 0; len < obj.programs.len && len < EACH_MAX; len++)
		snprintf(names[len], EACH_NAME, "%s", obj.programs.at[len].name);
	object_fini(&obj);
	return len;
}

int each_load(const char *path, const char *only, char *why, size_t size)
{
	struct object obj;
	struct error err;
	int ret;

	error_clear(&err);
	ret = object_file_open(&obj, path, &err);
	if (!ret) {
		for (size_t i = 0; only && i < obj.programs.len; i++)
			obj.programs.at[i].autoload = !strcmp(obj.programs.at[i].name, only);
		ret = suit_and_load(&obj, &err);
		object_fini(&obj);
	}
	snprintf(why, size, "%s", ret ? err.message : "");
	return ret;
}
