/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ELF_FILE_H
#define LOADER_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cursor.h"
#include "util/error.h"
#include "util/map.h"

/*
 * A program or library of this machine's, as probes need it: what its sections hold, and where in
 * the file an address is. Of either class, in this machine's byte order: what is of the other
 * cannot run here. The file is anybody's, so that each look goes through the cursor.
 */
struct elf_file {
	struct map_file map;
	struct cursor file;
	bool wide; /* 64 bits */
};

/* 0, or -1 with the path in err's message. */
int elf_file_open(struct elf_file *elf, const char *path, struct error *err);
void elf_file_close(struct elf_file *elf);

/* A field of what is at `at`, in the class's layout. */
#define ELF_FIELD(elf, at, type, field)                                                      \
	((elf)->wide ? elf_number((at) + offsetof(Elf64_##type, field),                      \
				  sizeof(((Elf64_##type *)0)->field))                        \
		     : elf_number((at) + offsetof(Elf32_##type, field),                      \
				  sizeof(((Elf32_##type *)0)->field)))
#define ELF_SIZE(elf, type) ((elf)->wide ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

uint64_t elf_number(const uint8_t *at, size_t size);
/* Entry of a table at `offset`, each entry `each` bytes long; NULL: outside the file. */
const uint8_t *elf_entry(const struct elf_file *elf, uint64_t offset, uint64_t i, uint64_t each);
/* A section's header; NULL: there is none. */
const uint8_t *elf_section(const struct elf_file *elf, uint64_t i);
const uint8_t *elf_section_named(const struct elf_file *elf, const char *name);
/* What a section holds; of no bytes where that is not all in the file. */
struct cursor elf_contents(const struct elf_file *elf, const uint8_t *section);
/* Where in the file what will be at an address is. */
bool elf_offset_of(const struct elf_file *elf, uint64_t address, uint64_t *offset);

#endif
