// SPDX-License-Identifier: GPL-2.0
/*
 * BTF: alone, and as split BTF on a sound base; all accessors; and, in the kernel's place, as
 * the target of a real object's relocations.
 */
#include "tests/fuzz/fuzz.h"

#include "btf/core.h"
#include "loader/object.h"

static uint8_t *file;
static size_t file_size;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	file = fuzz_file(FIXTURES "/core.bpf.o", &file_size);
	return 0;
}

static void look_at(const struct btf *btf)
{
	struct error err;
	uint32_t id;

	for (id = 0; id < btf_count(btf) + 2; id++) {
		const struct btf_type *t = btf_type(btf, id);

		btf_size(btf, id);
		btf_resolve(btf, id);
		if (t)
			btf_find_next(btf, btf_string(btf, t->name_off), btf_kind(t), id);
		if (id > 3000) /* each may look at all others */
			break;
	}
	btf_check(btf, &err);
}

static void relocate_against(const struct btf *target)
{
	struct object obj;
	struct error err;

	if (object_init(&obj, "object", file, file_size, &err)) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	core_relocate(obj.programs.at, obj.programs.len, &obj.btf, target, &err);
	object_fini(&obj);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object obj;
	struct error err;
	struct btf btf;

	if (!btf_init(&btf, data, size, &err)) {
		look_at(&btf);
		relocate_against(&btf);
		btf_fini(&btf);
	}
	if (object_init(&obj, "object", file, file_size, &err))
		abort();
	if (!btf_init_split(&btf, &obj.btf, data, size, &err)) {
		look_at(&btf);
		btf_fini(&btf);
	}
	object_fini(&obj);
	return 0;
}
