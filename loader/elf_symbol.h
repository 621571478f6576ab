/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ELF_SYMBOL_H
#define LOADER_ELF_SYMBOL_H

#include <stdint.h>

#include "util/error.h"

/*
 * Where in a program or library the code of a function is, as an offset in the file: by its
 * symbols, or where those were stripped by the ones that it exports. 0, 1 where there is none of
 * that name, or -1 and err.
 */
int elf_symbol_offset(const char *path, const char *symbol, uint64_t *offset, struct error *err);

#endif
