// SPDX-License-Identifier: GPL-2.0
/* A whole object: parsed, its types and values put in words, its own BTF cut to what it needs. */
#include "tests/fuzz/fuzz.h"

#include "btf/declare.h"
#include "btf/min.h"
#include "btf/value.h"
#include "compat/needs.h"

static void describe(const struct object *obj)
{
	char buf[256];
	uint32_t id;
	size_t i;

	for (id = 1; id < btf_count(&obj->btf); id++) {
		struct strbuf text = STRBUF(buf);

		btf_declare(&text, &obj->btf, id, "name");
	}
	for (i = 0; i < obj->maps.len; i++) {
		const struct map *map = &obj->maps.at[i];

		for (id = 1; map->data && id < btf_count(&obj->btf); id++) {
			struct strbuf text = STRBUF(buf);

			btf_value(&text, &obj->btf, id, map->data, map_data_size(map));
		}
	}
}

static void survey(const struct object *obj)
{
	struct needs needs;
	struct error err;

	needs_init(&needs, obj, &err);
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
	describe(&obj);
	survey(&obj);
	if (btf_count(&obj.btf) > 1)
		cut(&obj);
	object_fini(&obj);
	return 0;
}
