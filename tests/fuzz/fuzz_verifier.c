// SPDX-License-Identifier: GPL-2.0
/* Verifier logs: what a kernel writes is not trusted either. Read for each of bad.bpf.c's programs. */
#include "tests/fuzz/fuzz.h"

#include "loader/object.h"
#include "loader/verifier_report.h"

static struct object obj;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t size;
	uint8_t *file = fuzz_file(FIXTURES "/bad.bpf.o", &size);
	struct error err;

	if (object_init(&obj, "bad", file, size, &err))
		abort();
	free(file);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;

	for (size_t i = 0; i < obj.programs.len; i += 7) {
		const struct program *prog = &obj.programs.at[i];

		verifier_report(&err, (const char *)data, size, 13, prog, &obj.btf);
		verifier_log_knows_registers((const char *)data, size, prog);
	}
	return 0;
}
