// SPDX-License-Identifier: GPL-2.0
/*
 * BTF: alone, and as split BTF on a sound base; all accessors; and, in the kernel's place, as
 * the target of a real object's relocations.
 */
#include "tests/fuzz/fuzz.h"

#include "btf/core.h"
#include "compat/lower.h"
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

/* Older compilers do not ask whether types match. */
static void ask_for_matches(struct object *obj)
{
	size_t i, n;

	for (i = 0; i < obj->programs.len; i++)
		for (n = 0; n < obj->programs.at[i].relos.len; n++)
			if (obj->programs.at[i].relos.at[n].kind == BPF_CORE_TYPE_EXISTS)
				obj->programs.at[i].relos.at[n].kind = BPF_CORE_TYPE_MATCHES;
}

static void relocate_against(const struct btf *target, bool matches)
{
	struct core_targets targets = { .kernel = target };
	struct object obj;
	struct error err;

	if (object_init(&obj, "object", file, file_size, &err)) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	if (matches)
		ask_for_matches(&obj);
	if (!core_relocate(obj.programs.at, obj.programs.len, &obj.btf, target, &err) &&
	    !fold(&obj, &err))
		core_check(obj.programs.at, obj.programs.len, &obj.btf, &targets, &err);
	object_fini(&obj);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object obj;
	struct error err;
	struct btf btf;

	if (!btf_init(&btf, data, size, &err)) {
		look_at(&btf);
		relocate_against(&btf, false);
		relocate_against(&btf, true);
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
