/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ELF_SYMBOL_H
#define LOADER_ELF_SYMBOL_H

#include <stdint.h>

#include "util/error.h"
#include "util/vec.h"

/*
 * Where in a program or library the code of a function is, as an offset in the file: by its
 * symbols, or where those were stripped by the ones that it exports. Of a library that has several
 * versions of one, "memcpy" is the one that programs are linked with now, "memcpy@GLIBC_2.2.5" that
 * version. 0, 1 where there is none of that name, or -1 and err.
 */
int elf_symbol_offset(const char *path, const char *symbol, uint64_t *offset, struct error *err);

/* A function; several names may stand for one, of which this is the first. */
struct elf_function {
	uint64_t offset;
	char name[64]; /* as much of it as fits */
};

struct elf_functions {
	VEC(struct elf_function) list; /* by offset */
};

/*
 * All functions whose names match a pattern of the shell's ("pthread_*lock"), each once. 0, 1
 * where there is none, or -1 and err; elf_functions_fini is due in any case.
 */
int elf_functions_find(struct elf_functions *functions, const char *path, const char *pattern,
		       struct error *err);
void elf_functions_fini(struct elf_functions *functions);

#endif
