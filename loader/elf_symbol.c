// SPDX-License-Identifier: GPL-2.0
/*
 * The way from a name to an offset:
 *
 *	section headers ─▶ SHT_SYMTAB, SHT_DYNSYM ─▶ symbol: address
 *	                      └ sh_link: its string table ─▶ name
 *	program headers ─▶ PT_LOAD that holds the address: p_offset + address - p_vaddr
 *
 * and to the version of a name, which is a part of it in SHT_SYMTAB ("memcpy@@GLIBC_2.14"), and for
 * SHT_DYNSYM in
 *
 *	SHT_GNU_versym   a number for each symbol; with bit 15, programs are not linked with it now
 *	SHT_GNU_verdef   Verdef: vd_ndx, the number ─▶ vd_aux, Verdaux: vda_name
 *	                   └ vd_next
 */
#include "loader/elf_symbol.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/elf_file.h"

#define VERSION_HIDDEN 0x8000

/* A table of symbols. */
struct symbols {
	const struct elf_file *elf;
	const uint8_t *table;          /* its section */
	struct cursor names;
	const uint8_t *versions, *definitions; /* sections; NULL: it has none */
};

/* What is known of one. */
struct symbol {
	const char *name;
	size_t name_len;     /* without the version */
	const char *version; /* NULL: none */
	bool hidden;
	uint64_t address;
};

static const uint8_t *section_of(const struct elf_file *elf, uint64_t type, uint64_t link)
{
	const uint8_t *section;

	for (uint64_t i = 1; (section = elf_section(elf, i)); i++)
		if (ELF_FIELD(elf, section, Shdr, sh_type) == type &&
		    (!link || ELF_FIELD(elf, section, Shdr, sh_link) == link))
			return section;
	return NULL;
}

/* False where section `i` is no table of symbols. */
static bool symbols_of(const struct elf_file *elf, uint64_t i, struct symbols *symbols)
{
	const uint8_t *table = elf_section(elf, i), *strings;
	uint64_t type = ELF_FIELD(elf, table, Shdr, sh_type);

	if (type != SHT_SYMTAB && type != SHT_DYNSYM)
		return false;
	strings = elf_section(elf, ELF_FIELD(elf, table, Shdr, sh_link));
	if (!strings)
		return false;
	*symbols = (struct symbols){ elf, table, elf_contents(elf, strings), NULL, NULL };
	if (type == SHT_DYNSYM) {
		symbols->versions = section_of(elf, SHT_GNU_versym, i);
		symbols->definitions = section_of(elf, SHT_GNU_verdef, 0);
	}
	return true;
}

static const char *version_named(const struct symbols *symbols, uint16_t number)
{
	struct cursor c = elf_contents(symbols->elf, symbols->definitions);
	uint64_t at = 0;

	/* A chain that does not lead on ends; each link of it leads forward. */
	for (;;) {
		const Elf64_Verdef *def = cursor_at(&c, at, sizeof(*def));
		const Elf64_Verdaux *aux;
		Elf64_Verdef d;

		if (!def)
			return NULL;
		memcpy(&d, def, sizeof(d));
		if (d.vd_ndx == number) {
			aux = cursor_at(&c, at + d.vd_aux, sizeof(*aux));
			return aux ? cursor_string(&symbols->names,
						   elf_number((const uint8_t *)aux, 4)) : NULL;
		}
		if (!d.vd_next)
			return NULL;
		at += d.vd_next;
	}
}

static void read_version(const struct symbols *symbols, uint64_t i, struct symbol *symbol)
{
	const char *at = memchr(symbol->name, '@', symbol->name_len);
	const uint8_t *number;
	uint16_t version;

	if (at) {
		symbol->hidden = at[1] != '@';
		symbol->version = at + 1 + !symbol->hidden;
		symbol->name_len = at - symbol->name;
		return;
	}
	if (!symbols->versions || !symbols->definitions)
		return;
	number = elf_entry(symbols->elf, ELF_FIELD(symbols->elf, symbols->versions, Shdr, sh_offset), i,
			   sizeof(version));
	version = number ? elf_number(number, 2) : 0;
	symbol->hidden = version & VERSION_HIDDEN;
	version &= ~VERSION_HIDDEN;
	if (version > 1)
		symbol->version = version_named(symbols, version);
}

/* False where it is not a function that is in this file. */
static bool read_symbol(const struct symbols *symbols, uint64_t i, struct symbol *symbol)
{
	const struct elf_file *elf = symbols->elf;
	const uint8_t *sym = elf_entry(elf, ELF_FIELD(elf, symbols->table, Shdr, sh_offset), i,
				       ELF_SIZE(elf, Sym));

	if (!sym || (ELF_FIELD(elf, sym, Sym, st_info) & 0xf) != STT_FUNC ||
	    ELF_FIELD(elf, sym, Sym, st_shndx) == SHN_UNDEF)
		return false;
	*symbol = (struct symbol){ .name = cursor_string(&symbols->names,
							 ELF_FIELD(elf, sym, Sym, st_name)) };
	if (!symbol->name)
		return false;
	symbol->name_len = strlen(symbol->name);
	symbol->address = ELF_FIELD(elf, sym, Sym, st_value);
	return true;
}

static uint64_t count_of(const struct symbols *symbols)
{
	return elf_contents(symbols->elf, symbols->table).size / ELF_SIZE(symbols->elf, Sym);
}

/* "memcpy@GLIBC_2.14" or, as in a table of symbols, "memcpy@@GLIBC_2.14". */
struct wanted {
	const char *name, *version;
	size_t len;
};

static struct wanted wanted_of(const char *name)
{
	const char *at = strchr(name, '@');

	if (!at)
		return (struct wanted){ name, NULL, strlen(name) };
	return (struct wanted){ name, at + 1 + (at[1] == '@'), at - name };
}

static bool find_in_table(const struct symbols *symbols, const struct wanted *wanted,
			  uint64_t *address)
{
	uint64_t count = count_of(symbols);
	struct symbol symbol;
	bool found = false;

	for (uint64_t i = 0; i < count; i++) {
		if (!read_symbol(symbols, i, &symbol) || symbol.name_len < wanted->len ||
		    memcmp(symbol.name, wanted->name, wanted->len))
			continue;
		read_version(symbols, i, &symbol);
		if (symbol.name_len != wanted->len ||
		    (wanted->version && (!symbol.version || strcmp(symbol.version, wanted->version))))
			continue;
		if (!found || !symbol.hidden)
			*address = symbol.address;
		found = true;
		if (wanted->version || !symbol.hidden)
			break;
	}
	return found;
}

static bool find_address(const struct elf_file *elf, const char *name, uint64_t *address)
{
	struct wanted wanted = wanted_of(name);
	struct symbols symbols;

	for (uint64_t i = 1; elf_section(elf, i); i++)
		if (symbols_of(elf, i, &symbols) && find_in_table(&symbols, &wanted, address))
			return true;
	return false;
}

int elf_symbol_offset(const char *path, const char *symbol, uint64_t *offset, struct error *err)
{
	struct elf_file elf;
	uint64_t address = 0;
	int ret = 1;

	if (elf_file_open(&elf, path, err))
		return -1;
	if (find_address(&elf, symbol, &address) && elf_offset_of(&elf, address, offset))
		ret = 0;
	elf_file_close(&elf);
	return ret;
}

/* ---- several ---- */

static int add_function(struct elf_functions *functions, const struct symbols *symbols,
			const struct symbol *symbol, const char *name, struct error *err)
{
	struct elf_function *function;
	uint64_t offset;

	if (!elf_offset_of(symbols->elf, symbol->address, &offset))
		return 0;
	function = vec_push(&functions->list);
	if (!function)
		return error_memory(err);
	function->offset = offset;
	snprintf(function->name, sizeof(function->name), "%.63s", name);
	return 0;
}

static int match_table(struct elf_functions *functions, const struct symbols *symbols,
		       const char *pattern, struct error *err)
{
	uint64_t count = count_of(symbols);
	struct symbol symbol;
	char name[512];

	for (uint64_t i = 0; i < count; i++) {
		if (!read_symbol(symbols, i, &symbol))
			continue;
		read_version(symbols, i, &symbol);
		snprintf(name, sizeof(name), "%.*s", (int)symbol.name_len, symbol.name);
		if (!fnmatch(pattern, name, 0) && add_function(functions, symbols, &symbol, name, err))
			return -1;
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct elf_function *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The kernel takes no place twice. */
static void drop_repeated(struct elf_functions *functions)
{
	size_t kept = 0;

	if (functions->list.len)
		qsort(functions->list.at, functions->list.len, sizeof(*functions->list.at), by_offset);
	for (size_t i = 0; i < functions->list.len; i++)
		if (!kept || functions->list.at[kept - 1].offset != functions->list.at[i].offset)
			functions->list.at[kept++] = functions->list.at[i];
	functions->list.len = kept;
}

int elf_functions_find(struct elf_functions *functions, const char *path, const char *pattern,
		       struct error *err)
{
	struct symbols symbols;
	struct elf_file elf;
	int ret = 0;

	memset(functions, 0, sizeof(*functions));
	if (elf_file_open(&elf, path, err))
		return -1;
	for (uint64_t i = 1; !ret && elf_section(&elf, i); i++)
		if (symbols_of(&elf, i, &symbols))
			ret = match_table(functions, &symbols, pattern, err);
	elf_file_close(&elf);
	drop_repeated(functions);
	return ret ? ret : !functions->list.len;
}

void elf_functions_fini(struct elf_functions *functions)
{
	vec_fini(&functions->list);
}
