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
 * ERROR_NOT_FOUND: there is none; ERROR_UNSUPPORTED: a program to unpack it is not installed, the
 * hint says which; ERROR_FORMAT: the image is damaged. Messages begin with what is wrong, for the
 * caller to put the file's name before.
 */
int image_find_btf(const void *data, size_t size, struct image_btf *found, struct error *err);

#endif
