// SPDX-License-Identifier: GPL-2.0
#include "loader/elf_file.h"

#include <string.h>

uint64_t elf_number(const uint8_t *at, size_t size)
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

const uint8_t *elf_entry(const struct elf_file *elf, uint64_t offset, uint64_t i, uint64_t each)
{
	uint64_t at;

	if (__builtin_mul_overflow(i, each, &at) || __builtin_add_overflow(at, offset, &at))
		return NULL;
	return cursor_at(&elf->file, at, each);
}

const uint8_t *elf_section(const struct elf_file *elf, uint64_t i)
{
	const uint8_t *header = elf->file.data;

	if (i >= ELF_FIELD(elf, header, Ehdr, e_shnum))
		return NULL;
	return elf_entry(elf, ELF_FIELD(elf, header, Ehdr, e_shoff), i, ELF_SIZE(elf, Shdr));
}

struct cursor elf_contents(const struct elf_file *elf, const uint8_t *section)
{
	uint64_t size = ELF_FIELD(elf, section, Shdr, sh_size);
	const uint8_t *at = NULL;

	if (ELF_FIELD(elf, section, Shdr, sh_type) != SHT_NOBITS)
		at = cursor_at(&elf->file, ELF_FIELD(elf, section, Shdr, sh_offset), size);
	return (struct cursor){ at, at ? size : 0 };
}

const uint8_t *elf_section_named(const struct elf_file *elf, const char *name)
{
	const uint8_t *names = elf_section(elf, ELF_FIELD(elf, elf->file.data, Ehdr, e_shstrndx));
	const uint8_t *section;

	for (uint64_t i = 1; names && (section = elf_section(elf, i)); i++) {
		struct cursor strings = elf_contents(elf, names);
		const char *found = cursor_string(&strings, ELF_FIELD(elf, section, Shdr, sh_name));

		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

bool elf_offset_of(const struct elf_file *elf, uint64_t address, uint64_t *offset)
{
	const uint8_t *header = elf->file.data, *load;

	for (uint64_t i = 0; i < ELF_FIELD(elf, header, Ehdr, e_phnum); i++) {
		uint64_t start;

		load = elf_entry(elf, ELF_FIELD(elf, header, Ehdr, e_phoff), i, ELF_SIZE(elf, Phdr));
		if (!load)
			return false;
		start = ELF_FIELD(elf, load, Phdr, p_vaddr);
		if (ELF_FIELD(elf, load, Phdr, p_type) != PT_LOAD || address < start ||
		    address - start >= ELF_FIELD(elf, load, Phdr, p_filesz))
			continue;
		*offset = address - start + ELF_FIELD(elf, load, Phdr, p_offset);
		return true;
	}
	return false;
}

#define OWN_ORDER (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB)

static int check(struct elf_file *elf, struct error *err)
{
	const uint8_t *ident = cursor_at(&elf->file, 0, EI_NIDENT);

	if (!ident || memcmp(ident, ELFMAG, SELFMAG) || ident[EI_DATA] != OWN_ORDER)
		return error_set(err, ERROR_FORMAT, "got no program or library of this machine's, expected "
				 "an ELF file");
	elf->wide = ident[EI_CLASS] == ELFCLASS64;
	if (!cursor_at(&elf->file, 0, ELF_SIZE(elf, Ehdr)))
		return error_set(err, ERROR_FORMAT, "header: got %zu bytes, expected %zu", elf->file.size,
				 ELF_SIZE(elf, Ehdr));
	return 0;
}

int elf_file_open(struct elf_file *elf, const char *path, struct error *err)
{
	int ret = map_file(&elf->map, path);

	if (ret)
		return error_file(err, -ret, path);
	elf->file = (struct cursor){ elf->map.data, elf->map.size };
	if (!check(elf, err))
		return 0;
	unmap_file(&elf->map);
	return error_wrap(err, "%s", path);
}

void elf_file_close(struct elf_file *elf)
{
	unmap_file(&elf->map);
}
