/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_VALUE_H
#define BTF_VALUE_H

#include "btf/btf.h"
#include "util/strbuf.h"

/*
 * Bytes read by their type, as a C initialiser on one line: 7, true, "text", BLUE, { 1, 2 },
 * { .pid = 1, .flags = 0x3 }. At most size bytes are read. It is for reading, and bounded: of a
 * long array the first elements stand for it, what is nested deep is "...", and out may cut it.
 */
void btf_value(struct strbuf *out, const struct btf *btf, uint32_t id, const void *data,
	       size_t size);

#endif
