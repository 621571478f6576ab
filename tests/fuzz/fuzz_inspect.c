// SPDX-License-Identifier: GPL-2.0
/* A whole object: parsed, shown in both forms, and its own BTF cut down to what it needs. */
#include "tests/fuzz/fuzz.h"

#include "btf/min.h"
#include "cli/inspect.h"

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	nowhere = fopen("/dev/null", "w");
	return 0;
}

static void show(const struct object *obj)
{
	struct needs needs;
	struct inspection in = { obj, &needs, true };
	struct error err;

	if (!needs_init(&needs, obj, &err)) {
		inspect_text(&in, nowhere);
		inspect_json(&in, nowhere);
	}
	needs_fini(&needs);
}

static void cut(const struct object *obj)
{
	struct btf_min min;
	struct error err;
	void *blob;
	size_t size;

	if (!btf_min_init(&min, &obj->btf, &err) &&
	    !btf_min_add(&min, obj->programs.at, obj->programs.len, &obj->btf, &err) &&
	    !btf_min_finish(&min, &blob, &size, &err))
		free(blob);
	btf_min_fini(&min);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object obj;
	struct error err;

	if (object_init(&obj, "object", data, size, &err))
		return 0;
	show(&obj);
	if (btf_count(&obj.btf) > 1)
		cut(&obj);
	object_fini(&obj);
	return 0;
}
