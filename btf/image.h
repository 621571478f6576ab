/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_IMAGE_H
#define BTF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/*
 * The BTF in a file that has some: bare BTF, an ELF file of any machine with a section .BTF (a
 * kernel with its symbols or without, a module), or a kernel as it is booted, packed or not.
 * Images are hostile: how much is unpacked, and how often that is tried, is bounded.
 */
struct image_btf {
	uint8_t *data; /* malloc'ed; for btf_init_owned() */
	size_t size;
	bool split;          /* goes on from the BTF of the kernel that it belongs to, as a module's */
	const char *packing; /* "zstd", what it was packed with; NULL: it was not */
};

/*
 * release: the kernel must be that one, by what it says of itself ("Linux version 6.1.0 ..."); NULL:
 * any will do. ERROR_NOT_FOUND: there is no BTF; ERROR_UNSUPPORTED: it is another kernel's, or a
 * program to unpack it is not installed, the hint says which; ERROR_FORMAT: the image is damaged.
 * Messages begin with what is wrong, for the caller to put the file's name before.
 */
int image_find_btf(const void *data, size_t size, const char *release, struct image_btf *found,
		   struct error *err);
/* The file is BTF and nothing else: btf_open() can map it. *split is as in struct image_btf. */
bool image_is_btf(const void *data, size_t size, bool *split);

#endif
