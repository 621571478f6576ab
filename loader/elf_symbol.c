// SPDX-License-Identifier: GPL-2.0
/*
 * The way from a name to an offset:
 *
 *	section headers ─▶ SHT_SYMTAB, SHT_DYNSYM ─▶ symbol: address
 *	                      └ sh_link: its string table ─▶ name
 *	program headers ─▶ PT_LOAD that holds the address: p_offset + address - p_vaddr
 *
 * Of either class, in this machine's byte order: what is of the other cannot run here. The file is
 * anybody's, so that each look goes through the cursor.
 */
#include "loader/elf_symbol.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util/cursor.h"
#include "util/map.h"

struct elf {
	struct cursor file;
	bool wide;
};

/* A field of what is at `at`, in the class's layout. */
#define FIELD(elf, at, type, field)                                                          \
	((elf)->wide ? number((at) + offsetof(Elf64_##type, field),                          \
			      sizeof(((Elf64_##type *)0)->field))                            \
		     : number((at) + offsetof(Elf32_##type, field),                          \
			      sizeof(((Elf32_##type *)0)->field)))
#define SIZE(elf, type) ((elf)->wide ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

static uint64_t number(const uint8_t *at, size_t size)
{
	uint64_t n8;
	uint32_t n4;
	uint16_t n2;

	switch (size) {
	case 8:
		return memcpy(&n8, at, 8), n8;
	case 4:
		return memcpy(&n4, at, 4), n4;
	case 2:
		return memcpy(&n2, at, 2), n2;
	default:
		return *at;
	}
}

/* Entry of a table at `offset`, each entry `each` bytes long; NULL: outside the file. */
static const uint8_t *entry(const struct elf *elf, uint64_t offset, uint64_t i, uint64_t each)
{
	uint64_t at;

	if (__builtin_mul_overflow(i, each, &at) || __builtin_add_overflow(at, offset, &at))
		return NULL;
	return cursor_at(&elf->file, at, each);
}

static const uint8_t *section(const struct elf *elf, uint64_t i)
{
	const uint8_t *header = elf->file.data;

	if (i >= FIELD(elf, header, Ehdr, e_shnum))
		return NULL;
	return entry(elf, FIELD(elf, header, Ehdr, e_shoff), i, SIZE(elf, Shdr));
}

static bool is_named(const struct elf *elf, const uint8_t *strings, uint64_t name, const char *wanted)
{
	size_t len = strlen(wanted) + 1;
	const uint8_t *at;
	uint64_t offset;

	if (__builtin_add_overflow(FIELD(elf, strings, Shdr, sh_offset), name, &offset))
		return false;
	at = cursor_at(&elf->file, offset, len);
	return at && !memcmp(at, wanted, len);
}

/* The address of a function in a table of symbols. */
static bool find_in_table(const struct elf *elf, const uint8_t *table, const char *wanted,
			  uint64_t *address)
{
	const uint8_t *strings = section(elf, FIELD(elf, table, Shdr, sh_link)), *sym;
	uint64_t count = FIELD(elf, table, Shdr, sh_size) / SIZE(elf, Sym);

	for (uint64_t i = 0; strings && i < count; i++) {
		sym = entry(elf, FIELD(elf, table, Shdr, sh_offset), i, SIZE(elf, Sym));
		if (!sym)
			return false;
		if ((FIELD(elf, sym, Sym, st_info) & 0xf) == STT_FUNC &&
		    FIELD(elf, sym, Sym, st_shndx) != SHN_UNDEF &&
		    is_named(elf, strings, FIELD(elf, sym, Sym, st_name), wanted)) {
			*address = FIELD(elf, sym, Sym, st_value);
			return true;
		}
	}
	return false;
}

static bool find_address(const struct elf *elf, const char *wanted, uint64_t *address)
{
	const uint8_t *table;

	for (uint64_t i = 1; (table = section(elf, i)); i++) {
		uint64_t type = FIELD(elf, table, Shdr, sh_type);

		if ((type == SHT_SYMTAB || type == SHT_DYNSYM) &&
		    find_in_table(elf, table, wanted, address))
			return true;
	}
	return false;
}

static bool to_offset(const struct elf *elf, uint64_t address, uint64_t *offset)
{
	const uint8_t *header = elf->file.data, *load;

	for (uint64_t i = 0; i < FIELD(elf, header, Ehdr, e_phnum); i++) {
		uint64_t start;

		load = entry(elf, FIELD(elf, header, Ehdr, e_phoff), i, SIZE(elf, Phdr));
		if (!load)
			return false;
		start = FIELD(elf, load, Phdr, p_vaddr);
		if (FIELD(elf, load, Phdr, p_type) != PT_LOAD || address < start ||
		    address - start >= FIELD(elf, load, Phdr, p_filesz))
			continue;
		*offset = address - start + FIELD(elf, load, Phdr, p_offset);
		return true;
	}
	return false;
}

#define OWN_ORDER (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB)

static int find(struct elf *elf, const char *symbol, uint64_t *offset, struct error *err)
{
	const uint8_t *ident = cursor_at(&elf->file, 0, EI_NIDENT);
	uint64_t address;

	if (!ident || memcmp(ident, ELFMAG, SELFMAG) || ident[EI_DATA] != OWN_ORDER)
		return error_set(err, ERROR_FORMAT, "got no program or library of this machine's, expected "
				 "an ELF file");
	elf->wide = ident[EI_CLASS] == ELFCLASS64;
	if (!cursor_at(&elf->file, 0, SIZE(elf, Ehdr)))
		return error_set(err, ERROR_FORMAT, "header: got %zu bytes, expected %zu", elf->file.size,
				 SIZE(elf, Ehdr));
	return find_address(elf, symbol, &address) && to_offset(elf, address, offset) ? 0 : 1;
}

int elf_symbol_offset(const char *path, const char *symbol, uint64_t *offset, struct error *err)
{
	struct map_file map;
	struct elf elf = { .wide = false };
	int ret = map_file(&map, path);

	if (ret)
		return error_file(err, -ret, path);
	elf.file = (struct cursor){ map.data, map.size };
	ret = find(&elf, symbol, offset, err);
	unmap_file(&map);
	return ret < 0 ? error_wrap(err, "%s", path) : ret;
}
