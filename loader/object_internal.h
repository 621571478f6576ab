/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_OBJECT_INTERNAL_H
#define LOADER_OBJECT_INTERNAL_H

#include <elf.h>

#include "loader/object.h"

/*
 * What the files that make up object_init share. One parse goes through them in this order:
 *
 *	object_elf.c    the file: header, sections, symbols; all bounds are checked here
 *	object_link.c   the sections of code, cut into functions
 *	object_btf.c    .BTF, copied and completed; .BTF.ext, taken apart by section
 *	object_maps.c   .maps, object_slots.c what is in them; object_old_maps.c the form before
 *	object_data.c   the data sections
 *	object_link.c   relocations, and each program put together
 *	object_struct_ops.c   .struct_ops, which refers to programs
 */

struct section {
	const char *name;    /* in object.strings */
	uint32_t name_off;   /* the same in the file's string table */
	uint32_t type;       /* SHT_... */
	uint64_t flags;      /* SHF_... */
	const uint8_t *data; /* in the file, any alignment; NULL for SHT_NOBITS */
	uint64_t size;
	uint64_t offset;     /* in the file */
	uint32_t link, info;
	uint32_t map;        /* index in object.maps + 1 of a data section's map, else 0 */
	bool defines_maps;
};

struct symbol {
	const char *name; /* in object.strings */
	uint64_t value, size;
	uint32_t section; /* below parse.sections.len; 0: undefined */
	uint8_t type, bind;
	bool hidden;         /* not to be seen by other objects */
};

struct relocation {
	uint64_t offset; /* in the section that it changes */
	uint32_t symbol; /* below parse.symbols.len */
	uint32_t type;   /* R_BPF_... */
};

/* A map of a section that defines maps. */
struct map_place {
	uint32_t section;
	uint32_t offset, size;
	uint32_t map;
	uint32_t values; /* where in it the first of its slots is; 0: it has none */
};

/* A piece of an executable section. All counts are of instructions. */
struct function {
	const char *name;
	uint32_t section, start, len;
	bool is_program;
	uint32_t program;            /* then its index in object.programs, once that is made */
	uint32_t number;             /* of programs: in object.programs */
	uint32_t relocs, relocs_len; /* range in parse.relocs that lies inside */
	uint32_t linked;             /* number of the program that it was last linked into */
	uint32_t at;                 /* and its first instruction there */
};

/* .BTF.ext, taken apart; insn is counted from the start of the section. */
struct ext_func {
	uint32_t section;
	struct func func;
};

struct ext_line {
	uint32_t section;
	struct line line;
};

struct ext_relo {
	uint32_t section;
	struct core_relo relo;
};

struct code_reloc {
	uint32_t section, insn, symbol, type;
};

struct parse {
	struct object *obj;
	struct error *err;
	VEC(struct section) sections;
	VEC(struct symbol) symbols;
	VEC(struct map_place) map_places;
	VEC(struct function) functions;  /* sorted by section and start */
	VEC(struct code_reloc) relocs;   /* sorted by section and insn */
	VEC(struct ext_func) ext_funcs;  /* all three sorted by section and insn */
	VEC(struct ext_line) ext_lines;
	VEC(struct ext_relo) ext_relos;
	bool has_callbacks;              /* BTF has a tag that names one */
	uint64_t linked;                 /* instructions in all programs so far */
};

/* "object: ...", so that a caller says only what and where. Returns -1. */
int parse_fail(struct parse *p, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What parsing took for itself; not the object. */
void parse_fini(struct parse *p);
/*
 * After parse_fail(), where what it says only stands in the way of loading: makes an obstacle of
 * it and lets the parser go on. 0, or -1 without memory.
 */
int parse_postpone(struct parse *p);
/* Index in object.externals of that name, added where it is new; -1 without memory. */
int64_t parse_external(struct parse *p, const char *name, bool *is_new);

/* How a tag of a function begins that names what is called where it throws (Linux 6.7). */
#define EXCEPTION_CALLBACK "exception_callback:"
#define KIND_DECL_TAG 17 /* BTF_KIND_DECL_TAG, Linux 5.16 */

#define KCONFIG_MAX 65536 /* bytes of values of the kernel's configuration; of one, too */

int parse_elf(struct parse *p, const void *data, size_t size);
/* Index of the one section of that name, 0 where there is none. */
uint32_t section_find(const struct parse *p, const char *name);
bool section_is_code(const struct section *s);
bool section_is_relocations(const struct section *s);
size_t relocation_count(const struct section *s);
/* Entry i of a relocation section, checked but for what it changes. */
int relocation_at(struct parse *p, uint32_t section, size_t i, struct relocation *r);

/* Index in parse.functions of the one that starts at that instruction of the section, or -1. */
int64_t function_at(const struct parse *p, uint32_t section, int64_t start);
/* The map that is defined at that byte of the section, or NULL. */
const struct map_place *map_place_at(const struct parse *p, uint32_t section, int64_t offset);

int parse_functions(struct parse *p);
int parse_btf(struct parse *p);
int parse_btf_ext(struct parse *p);
int parse_maps(struct parse *p);
/* What maps hold from the start; section: .maps, or 0. From here on there is map_place_at(). */
int parse_slots(struct parse *p, uint32_t section);
int parse_old_maps(struct parse *p, uint32_t section);
int parse_data(struct parse *p);
int parse_programs(struct parse *p);
int parse_struct_ops(struct parse *p);

#endif
