/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_PLACE_H
#define COMPAT_PLACE_H

#include "loader/object.h"

/* For messages: "program 'p': instruction 12 (p.bpf.c:34)", without the line where none is known. */
struct place {
	char text[256];
};

struct place place_of(const struct object *obj, const struct program *prog, uint32_t insn);

#endif
