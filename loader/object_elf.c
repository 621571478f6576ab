// SPDX-License-Identifier: GPL-2.0
/*
 *   +--------------------+
 *   | ELF header         |  64 bytes: class, byte order, machine, e_shoff, e_shnum, e_shstrndx
 *   +--------------------+
 *   | .text, tracepoint/ |  section contents, each of its own offset and size; none overlaps
 *   | .maps, .rodata ... |  another in an honest file
 *   | .symtab, .strtab   |
 *   | .BTF, .BTF.ext     |
 *   +--------------------+
 *   | section headers    |  e_shnum of 64 bytes each: name, type, offset, size, link, info
 *   +--------------------+
 *
 * libelf finds header and sections. String tables, symbols and relocations are read from the
 * raw contents, since libelf's own readers of those bring decompression code into the binary.
 */
#include "loader/object_internal.h"

#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "util/cursor.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE ELFDATA2LSB
#define OTHER_ORDER "big endian"
#define OWN_ORDER "little endian"
#define OWN_TARGET "bpfel"
#else
#define NATIVE ELFDATA2MSB
#define OTHER_ORDER "little endian"
#define OWN_ORDER "big endian"
#define OWN_TARGET "bpfeb"
#endif

#ifndef EM_BPF
#define EM_BPF 247
#endif

static const char *machine_name(uint32_t machine)
{
	switch (machine) {
	case EM_386:
		return " (x86)";
	case EM_X86_64:
		return " (x86-64)";
	case EM_ARM:
		return " (ARM)";
	case EM_AARCH64:
		return " (ARM64)";
	default:
		return "";
	}
}

static int check_ident(struct parse *p, const uint8_t *data, size_t size)
{
	if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG)) {
		parse_fail(p, ERROR_FORMAT, "not an ELF file: got %zu bytes that do not begin with "
			   "0x7f 'ELF', expected a BPF object", size);
		return error_hint(p->err, "compile the program with clang -target bpf -g -O2 -c");
	}
	if (data[EI_CLASS] != ELFCLASS64)
		return parse_fail(p, ERROR_FORMAT, "class: got %u, expected %u (64 bit)",
				  data[EI_CLASS], ELFCLASS64);
	if (data[EI_DATA] != ELFDATA2LSB && data[EI_DATA] != ELFDATA2MSB)
		return parse_fail(p, ERROR_FORMAT, "byte order: got %u, expected 1 or 2",
				  data[EI_DATA]);
	if (data[EI_DATA] != NATIVE) {
		parse_fail(p, ERROR_UNSUPPORTED, "byte order: got %s, expected %s as this "
			   "machine's", OTHER_ORDER, OWN_ORDER);
		return error_hint(p->err, "compile the program with clang -target " OWN_TARGET);
	}
	if (size < sizeof(Elf64_Ehdr))
		return parse_fail(p, ERROR_FORMAT, "header: got %zu bytes, expected %zu: the file "
				  "is cut off", size, sizeof(Elf64_Ehdr));
	return 0;
}

static int check_header(struct parse *p, const uint8_t *data, size_t size)
{
	struct cursor c = { data, size };
	Elf64_Ehdr h;

	if (check_ident(p, data, size))
		return -1;
	memcpy(&h, data, sizeof(h));
	if (h.e_machine != EM_BPF) {
		parse_fail(p, ERROR_FORMAT, "machine: got %u%s, expected %u (BPF)", h.e_machine,
			   machine_name(h.e_machine), EM_BPF);
		return error_hint(p->err, "compile the program with clang -target bpf -g -O2 -c");
	}
	if (h.e_type != ET_REL)
		return parse_fail(p, ERROR_FORMAT, "type: got %u, expected %u (relocatable)",
				  h.e_type, ET_REL);
	if (!h.e_shoff || !h.e_shnum || h.e_shentsize != sizeof(Elf64_Shdr))
		return parse_fail(p, ERROR_FORMAT, "section headers: got %u of %u bytes at %llu, "
				  "expected some of %zu bytes", h.e_shnum, h.e_shentsize,
				  (unsigned long long)h.e_shoff, sizeof(Elf64_Shdr));
	if (!cursor_at(&c, h.e_shoff, (uint64_t)h.e_shnum * sizeof(Elf64_Shdr)))
		return parse_fail(p, ERROR_FORMAT, "section headers: got %u at %llu, expected them "
				  "within the file's %zu bytes: the file is cut off or damaged",
				  h.e_shnum, (unsigned long long)h.e_shoff, size);
	if (!h.e_shstrndx || h.e_shstrndx >= h.e_shnum)
		return parse_fail(p, ERROR_FORMAT, "section names: got section %u, expected one "
				  "of 1 to %u", h.e_shstrndx, h.e_shnum - 1);
	return 0;
}

static int add_section(struct parse *p, Elf *elf, size_t index, struct cursor file)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	const Elf64_Shdr *at = scn ? elf64_getshdr(scn) : NULL;
	struct section *s = vec_push(&p->sections);
	Elf64_Shdr h;

	if (!s)
		return error_memory(p->err);
	if (!at)
		return parse_fail(p, ERROR_FORMAT, "section %zu: got a header that libelf cannot "
				  "read", index);
	memcpy(&h, at, sizeof(h)); /* it may lie in the file at any address */
	*s = (struct section){
		.name_off = h.sh_name,
		.type = h.sh_type,
		.flags = h.sh_flags,
		.size = h.sh_size,
		.offset = h.sh_offset,
		.link = h.sh_link,
		.info = h.sh_info,
	};
	if (s->type == SHT_NOBITS || s->type == SHT_NULL)
		return 0;
	s->data = cursor_at(&file, s->offset, s->size);
	if (!s->data)
		return parse_fail(p, ERROR_FORMAT, "section %zu: got %llu bytes at %llu, expected "
				  "them within the file's %zu: the file is cut off or damaged",
				  index, (unsigned long long)s->size,
				  (unsigned long long)s->offset, file.size);
	if (s->flags & SHF_COMPRESSED)
		return parse_fail(p, ERROR_UNSUPPORTED, "section %zu: got a compressed one, "
				  "expected plain contents", index);
	return 0;
}

static int compare_offsets(const void *a, const void *b)
{
	const struct section *x = *(const struct section *const *)a;
	const struct section *y = *(const struct section *const *)b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* In a file that a compiler wrote no two sections share bytes. */
static int check_overlap(struct parse *p)
{
	const struct section **sorted = calloc(p->sections.len, sizeof(*sorted));
	size_t i, len = 0;
	int ret = 0;

	if (!sorted)
		return error_memory(p->err);
	for (i = 1; i < p->sections.len; i++)
		if (p->sections.at[i].data && p->sections.at[i].size)
			sorted[len++] = &p->sections.at[i];
	qsort(sorted, len, sizeof(*sorted), compare_offsets);
	for (i = 0; !ret && i < len; i++) {
		const struct section *s = sorted[i], *before = i ? sorted[i - 1] : NULL;

		if (s->offset < sizeof(Elf64_Ehdr))
			ret = parse_fail(p, ERROR_FORMAT, "section '%s': got offset %llu, inside "
					 "the ELF header", s->name, (unsigned long long)s->offset);
		else if (before && s->offset - before->offset < before->size)
			ret = parse_fail(p, ERROR_FORMAT, "sections '%s' and '%s': got overlapping "
					 "contents, expected each its own", before->name, s->name);
	}
	free(sorted);
	return ret;
}

/* The string table in a section, checked to end in NUL. */
static int string_table(struct parse *p, uint32_t index, struct cursor *table)
{
	const struct section *s;

	if (!index || index >= p->sections.len || p->sections.at[index].type != SHT_STRTAB)
		return parse_fail(p, ERROR_FORMAT, "string table: got section %u, expected one "
				  "that is a string table", index);
	s = &p->sections.at[index];
	*table = (struct cursor){ s->data, s->size };
	if (!s->size || s->data[s->size - 1])
		return parse_fail(p, ERROR_FORMAT, "string table: got section %u of %llu bytes, "
				  "expected one that ends in NUL", index,
				  (unsigned long long)s->size);
	return 0;
}

static int find_symtab(struct parse *p, uint32_t *index)
{
	uint32_t i;

	*index = 0;
	for (i = 1; i < p->sections.len; i++) {
		if (p->sections.at[i].type != SHT_SYMTAB)
			continue;
		if (*index)
			return parse_fail(p, ERROR_FORMAT, "symbol table: got sections %u and %u, "
					  "expected one", *index, i);
		*index = i;
	}
	if (*index)
		return 0;
	parse_fail(p, ERROR_FORMAT, "symbol table: got none, expected one");
	return error_hint(p->err, "the object was stripped; take debug information away with "
			  "llvm-strip -g, which leaves the symbols");
}

/*
 * The license section is a string as well. Everything that outlives the file is copied:
 *
 *	object.strings:  section names \0 symbol names \0 license \0
 */
static int copy_strings(struct parse *p, uint32_t names, uint32_t symtab, struct cursor *symbols)
{
	struct cursor a, b, c = { (const uint8_t *)"", 1 };
	uint32_t i;
	char *to;

	if (string_table(p, names, &a) || string_table(p, p->sections.at[symtab].link, &b))
		return -1;
	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];
		const char *name = cursor_string(&a, s->name_off);

		if (!name)
			return parse_fail(p, ERROR_FORMAT, "section %u: name: got offset %u, "
					  "expected one below %zu", i, s->name_off, a.size);
		if (strcmp(name, "license") || s->type != SHT_PROGBITS)
			continue;
		c = (struct cursor){ s->data, s->size };
		if (!s->size || s->data[s->size - 1])
			return parse_fail(p, ERROR_FORMAT, "section 'license': got %llu bytes, "
					  "expected a string that ends in NUL",
					  (unsigned long long)s->size);
	}
	p->obj->strings = to = malloc(a.size + b.size + c.size);
	if (!to)
		return error_memory(p->err);
	memcpy(to, a.data, a.size);
	memcpy(to + a.size, b.data, b.size);
	memcpy(to + a.size + b.size, c.data, c.size);
	p->obj->license = to + a.size + b.size;
	*symbols = (struct cursor){ (const uint8_t *)to + a.size, b.size };
	p->sections.at[0].name = "";
	for (i = 1; i < p->sections.len; i++)
		p->sections.at[i].name = to + p->sections.at[i].name_off;
	return 0;
}

/* A relocation section changes one section (info) by symbols of one table (link). */
static int check_links(struct parse *p, uint32_t symtab)
{
	uint32_t i;

	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];

		if (!section_is_relocations(s))
			continue;
		if (!s->info || s->info >= p->sections.len || s->link != symtab)
			return parse_fail(p, ERROR_FORMAT, "section '%s': got relocations of "
					  "section %u by symbols of section %u, expected one of 1 "
					  "to %zu and the symbol table, %u", s->name, s->info,
					  s->link, p->sections.len - 1, symtab);
	}
	return 0;
}

static int add_symbol(struct parse *p, const Elf64_Sym *sym, struct cursor names)
{
	struct symbol *s = vec_push(&p->symbols);
	size_t index = p->symbols.len - 1;
	uint64_t size;

	if (!s)
		return error_memory(p->err);
	*s = (struct symbol){
		.name = cursor_string(&names, sym->st_name),
		.value = sym->st_value,
		.size = sym->st_size,
		.section = sym->st_shndx,
		.type = ELF64_ST_TYPE(sym->st_info),
		.bind = ELF64_ST_BIND(sym->st_info),
		.hidden = ELF64_ST_VISIBILITY(sym->st_other) == STV_HIDDEN ||
			  ELF64_ST_VISIBILITY(sym->st_other) == STV_INTERNAL,
	};
	if (!s->name)
		return parse_fail(p, ERROR_FORMAT, "symbol %zu: name: got offset %u, expected one "
				  "below %zu", index, sym->st_name, names.size);
	/* The name of a source file, and the like: nothing that a program could refer to. */
	if (s->type == STT_FILE || sym->st_shndx == SHN_ABS) {
		s->section = 0;
		s->type = STT_FILE;
		return 0;
	}
	if (s->section >= p->sections.len)
		return parse_fail(p, ERROR_FORMAT, "symbol '%s': got section %u, expected one "
				  "below %zu", s->name, s->section, p->sections.len);
	size = p->sections.at[s->section].size;
	if (s->section && (s->value > size || s->size > size - s->value))
		return parse_fail(p, ERROR_FORMAT, "symbol '%s': got %llu bytes at %llu, expected "
				  "them within the %llu of section '%s'", s->name,
				  (unsigned long long)s->size, (unsigned long long)s->value,
				  (unsigned long long)size, p->sections.at[s->section].name);
	if (s->type == STT_SECTION && !*s->name)
		s->name = p->sections.at[s->section].name;
	return 0;
}

static int read_symbols(struct parse *p, uint32_t symtab, struct cursor names)
{
	const struct section *s = &p->sections.at[symtab];
	uint64_t off;

	if (s->size % sizeof(Elf64_Sym))
		return parse_fail(p, ERROR_FORMAT, "symbol table: got %llu bytes, expected a "
				  "multiple of %zu", (unsigned long long)s->size,
				  sizeof(Elf64_Sym));
	for (off = 0; off < s->size; off += sizeof(Elf64_Sym)) {
		Elf64_Sym sym;

		memcpy(&sym, s->data + off, sizeof(sym));
		if (add_symbol(p, &sym, names))
			return -1;
	}
	return 0;
}

static int read_sections(struct parse *p, Elf *elf, struct cursor file)
{
	struct cursor names = { NULL, 0 };
	size_t i, count, names_index;
	uint32_t symtab;

	if (elf_getshdrnum(elf, &count) || elf_getshdrstrndx(elf, &names_index) || !count)
		return parse_fail(p, ERROR_FORMAT, "section headers: got none that libelf can "
				  "read");
	for (i = 0; i < count; i++)
		if (add_section(p, elf, i, file))
			return -1;
	if (find_symtab(p, &symtab) || copy_strings(p, names_index, symtab, &names) ||
	    check_overlap(p) || check_links(p, symtab))
		return -1;
	return read_symbols(p, symtab, names);
}

int parse_elf(struct parse *p, const void *data, size_t size)
{
	struct cursor file = { data, size };
	Elf *elf;
	int ret;

	if (check_header(p, data, size))
		return -1;
	elf_version(EV_CURRENT);
	/* Opened for reading, so that libelf does not write to it whatever its type says. */
	elf = elf_memory((char *)data, size);
	if (!elf)
		return parse_fail(p, ERROR_FORMAT, "got a file that libelf cannot read");
	ret = read_sections(p, elf, file);
	elf_end(elf);
	return ret;
}

uint32_t section_find(const struct parse *p, const char *name)
{
	uint32_t i;

	for (i = 1; i < p->sections.len; i++)
		if (!strcmp(p->sections.at[i].name, name) &&
		    !section_is_relocations(&p->sections.at[i]))
			return i;
	return 0;
}

bool section_is_code(const struct section *s)
{
	return s->type == SHT_PROGBITS && s->flags & SHF_EXECINSTR && s->size;
}

bool section_is_relocations(const struct section *s)
{
	return s->type == SHT_REL || s->type == SHT_RELA;
}

size_t relocation_count(const struct section *s)
{
	return s->size / sizeof(Elf64_Rel);
}

int relocation_at(struct parse *p, uint32_t section, size_t i, struct relocation *r)
{
	const struct section *s = &p->sections.at[section];
	Elf64_Rel rel;

	if (s->type != SHT_REL || s->size % sizeof(rel))
		return parse_fail(p, ERROR_FORMAT, "section '%s': got relocations of another form, "
				  "expected REL entries of %zu bytes", s->name, sizeof(rel));
	memcpy(&rel, s->data + i * sizeof(rel), sizeof(rel));
	r->offset = rel.r_offset;
	r->symbol = ELF64_R_SYM(rel.r_info);
	r->type = ELF64_R_TYPE(rel.r_info);
	if (r->symbol >= p->symbols.len)
		return parse_fail(p, ERROR_FORMAT, "section '%s': relocation %zu: got symbol %u, "
				  "expected one below %zu", s->name, i, r->symbol, p->symbols.len);
	if (r->offset >= p->sections.at[s->info].size)
		return parse_fail(p, ERROR_FORMAT, "section '%s': relocation %zu: got offset %llu, "
				  "expected one within the %llu bytes of section '%s'", s->name, i,
				  (unsigned long long)r->offset,
				  (unsigned long long)p->sections.at[s->info].size,
				  p->sections.at[s->info].name);
	return 0;
}
