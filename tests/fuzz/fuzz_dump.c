// SPDX-License-Identifier: GPL-2.0
/* Any BTF written as C and as lists; no text may be endless. */
#include "tests/fuzz/fuzz.h"

#include "btf/dump_c.h"

/* What 64 KiB of BTF can come to: each type in full wherever it is nested. */
#define MOST (1u << 30)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static int count(void *to, const char *piece, size_t len)
{
	*(size_t *)to += len;
	if (*(size_t *)to > MOST)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t written = 0;
	struct text out = { .write = count, .to = &written };
	struct error err;
	struct btf btf;

	if (btf_init(&btf, data, size, &err))
		return 0;
	btf_dump_c(&btf, NULL, 0, &out, &err);
	text_flush(&out);
	text_fini(&out);
	btf_fini(&btf);
	return 0;
}
