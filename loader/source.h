/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_SOURCE_H
#define LOADER_SOURCE_H

#include "loader/object.h"

/*
 * The C source of a program, as its object file remembers it (.BTF.ext): of each line that made
 * instructions, number and text. Lines that made none (comments, braces) are not there.
 */
struct source_place {
	const char *file;     /* as the compiler was given it; all point into the BTF */
	const char *text;     /* the whole line, "" where the compiler did not see it */
	const char *function; /* "" where it is not known */
	uint32_t line, column;
};

/* Where an instruction comes from. false where the object does not say. */
bool source_find(struct source_place *place, const struct program *prog, const struct btf *btf,
		 int64_t insn);

#define SOURCE_AROUND 2
#define SOURCE_MAX (2 * SOURCE_AROUND + 1)

/* The lines nearest to that of an instruction, of the same function, up to SOURCE_AROUND before
 * and behind, in order. Returns how many; *at is which of them is the instruction's own. */
size_t source_around(struct source_place places[SOURCE_MAX], size_t *at,
		     const struct program *prog, const struct btf *btf, int64_t insn);

#endif
