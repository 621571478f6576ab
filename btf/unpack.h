/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_UNPACK_H
#define BTF_UNPACK_H

#include <stdint.h>

#include "util/cursor.h"
#include "util/error.h"

/*
 * What kernels are packed with: gzip is unpacked here, everything else by the program of that
 * name, where the machine has it.
 */
struct packing;

/* The packing of which a stream may begin at that offset, by its first bytes; or NULL. */
const struct packing *packing_at(const struct cursor *data, size_t offset);
const char *packing_name(const struct packing *packing); /* "gzip", "xz" */

/*
 * Unpacks the stream that `data` begins with; what follows its end is not looked at. A stream
 * that is damaged or cut off gives what could be unpacked. 0, with *output malloc'ed and *len
 * not 0. ERROR_UNSUPPORTED, the hint saying what to install: the program is not there;
 * ERROR_FORMAT: nothing could be unpacked, or more than max bytes.
 */
int unpack(const struct packing *packing, const void *data, size_t size, size_t max,
	   uint8_t **output, size_t *len, struct error *err);

#endif
