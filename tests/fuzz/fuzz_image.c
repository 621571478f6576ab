// SPDX-License-Identifier: GPL-2.0
/* Kernel images, and all files with BTF; gzip is unpacked, programs that unpack are not found. */
#include "tests/fuzz/fuzz.h"

#include "btf/btf.h"
#include "btf/image.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("PATH", "/nowhere", 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_btf found;
	struct error err;
	struct btf btf;

	if (image_find_btf(data, size, NULL, &found, &err))
		return 0;
	if (!btf_init_owned(&btf, NULL, found.data, found.size, &err)) {
		btf_check(&btf, &err);
		btf_fini(&btf);
	}
	return 0;
}
