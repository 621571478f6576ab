// SPDX-License-Identifier: GPL-2.0
/*
 * Each probe is an instruction that does nothing and a note about it, in a section .note.stapsdt:
 *
 *	n_namesz 8 │ n_descsz │ n_type 3 │ "stapsdt\0" │ what follows, n_descsz bytes, to a multiple of 4
 *
 *	address of the instruction │ of .stapsdt.base │ of a counter, or 0       of the class's width
 *	provider "\0" name "\0" arguments "\0"
 *
 * The section .stapsdt.base has one byte, which only stands for its address: where that is not the
 * note's, whoever prepared the file (prelink) moved all of it by the difference, and left notes
 * alone.
 */
#include "loader/usdt_notes.h"

#include <stdlib.h>
#include <string.h>

#include "loader/elf_file.h"

#define NOTES ".note.stapsdt"
#define BASE ".stapsdt.base"
#define OWNER "stapsdt"
#define TYPE 3

/* A note's three addresses and three strings. */
struct note {
	uint64_t address, base, semaphore;
	const char *provider, *name, *args;
};

static uint64_t align(uint64_t n)
{
	return (n + 3) & ~3ull;
}

/* False where what it describes is not whole. */
static bool read_description(const struct elf_file *elf, const uint8_t *at, uint64_t size,
			     struct note *note)
{
	struct cursor c = { at, size };
	size_t wide = elf->wide ? 8 : 4;

	if (size < 3 * wide)
		return false;
	note->address = elf_number(at, wide);
	note->base = elf_number(at + wide, wide);
	note->semaphore = elf_number(at + 2 * wide, wide);
	note->provider = cursor_string(&c, 3 * wide);
	note->name = note->provider ?
		cursor_string(&c, 3 * wide + strlen(note->provider) + 1) : NULL;
	note->args = note->name ?
		cursor_string(&c, (const uint8_t *)note->name - at + strlen(note->name) + 1) : NULL;
	return note->args;
}

/* The note at *at, which moves on; false at the end. note->args is NULL where it is another's. */
static bool next_note(const struct elf_file *elf, const struct cursor *notes, uint64_t *at,
		      struct note *note)
{
	const Elf64_Nhdr *header = cursor_at(notes, *at, sizeof(*header)); /* 32 bits: the same */
	const uint8_t *owner, *description;
	Elf64_Nhdr h;

	if (!header)
		return false;
	memcpy(&h, header, sizeof(h));
	owner = cursor_at(notes, *at + sizeof(h), h.n_namesz);
	description = cursor_at(notes, *at + sizeof(h) + align(h.n_namesz), h.n_descsz);
	*at += sizeof(h) + align(h.n_namesz) + align(h.n_descsz);
	if (!owner || !description)
		return false;
	note->args = NULL;
	if (h.n_type == TYPE && h.n_namesz == sizeof(OWNER) && !memcmp(owner, OWNER, sizeof(OWNER)) &&
	    !read_description(elf, description, h.n_descsz, note))
		note->args = NULL;
	return true;
}

static int add(struct usdt_sites *sites, const struct elf_file *elf, const struct note *note,
	       uint64_t base, struct error *err)
{
	uint64_t moved = base && note->base ? base - note->base : 0;
	struct usdt_site site = { .address = note->address + moved }, *at;

	if (!elf_offset_of(elf, site.address, &site.offset) ||
	    (note->semaphore && !elf_offset_of(elf, note->semaphore + moved, &site.semaphore)))
		return error_set(err, ERROR_FORMAT, "probe %s:%s: got an address that is not in the file, "
				 "expected one that is", note->provider, note->name);
	at = vec_push(&sites->list);
	if (!at)
		return error_memory(err);
	*at = site;
	at->args = strdup(*note->args == ':' ? "" : note->args);
	return at->args ? 0 : error_memory(err);
}

static int find(struct usdt_sites *sites, const struct elf_file *elf, const char *provider,
		const char *name, struct error *err)
{
	const uint8_t *section = elf_section_named(elf, NOTES), *base = elf_section_named(elf, BASE);
	uint64_t at = 0, based = base ? ELF_FIELD(elf, base, Shdr, sh_addr) : 0;
	struct cursor notes;
	struct note note;
	int ret = 0;

	if (!section)
		return 0;
	notes = elf_contents(elf, section);
	while (!ret && next_note(elf, &notes, &at, &note))
		if (note.args && !strcmp(note.provider, provider) && !strcmp(note.name, name))
			ret = add(sites, elf, &note, based, err);
	return ret;
}

int usdt_sites_find(struct usdt_sites *sites, const char *path, const char *provider,
		    const char *name, struct error *err)
{
	struct elf_file elf;
	int ret;

	memset(sites, 0, sizeof(*sites));
	if (elf_file_open(&elf, path, err))
		return -1;
	sites->moves = ELF_FIELD(&elf, elf.file.data, Ehdr, e_type) == ET_DYN;
	ret = find(sites, &elf, provider, name, err);
	elf_file_close(&elf);
	if (ret)
		return error_wrap(err, "%s", path);
	return !sites->list.len;
}

void usdt_sites_fini(struct usdt_sites *sites)
{
	for (size_t i = 0; i < sites->list.len; i++)
		free(sites->list.at[i].args);
	vec_fini(&sites->list);
}
