// SPDX-License-Identifier: GPL-2.0
/* .BTF.ext: in the place of a real object's own, up to programs put together and relocated. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "btf/core.h"
#include "compat/lower.h"
#include "loader/object_internal.h"

static uint8_t *file;
static size_t file_size;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	file = fuzz_file(FIXTURES "/core.bpf.o", &file_size);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object obj = { .name = "object" };
	const struct core_targets targets = { .kernel = &obj.btf };
	struct error err;
	struct parse p = { .obj = &obj, .err = &err };
	uint32_t ext;

	if (parse_elf(&p, file, file_size) || parse_functions(&p) || parse_btf(&p))
		abort();
	ext = section_find(&p, ".BTF.ext");
	p.sections.at[ext].data = data;
	p.sections.at[ext].size = size;
	if (!parse_btf_ext(&p) && !parse_maps(&p) && !parse_programs(&p) &&
	    !core_relocate(obj.programs.at, obj.programs.len, &obj.btf, &obj.btf, &err) &&
	    !fold(&obj, &err))
		core_check(obj.programs.at, obj.programs.len, &obj.btf, &targets, &err);
	parse_fini(&p);
	object_fini(&obj);
	return 0;
}
