/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_WRITE_H
#define BTF_WRITE_H

#include <linux/btf.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vec.h"

/*
 * BTF in the making, in this machine's byte order. Each call adds to the end: a type gets the
 * next id, what belongs to it (members, values, parameters) follows it. Equal strings are kept
 * once. E.g. struct point { int x; }:
 *
 *	struct btf_writer w = { 0 };
 *	uint32_t i = btf_write_int(&w, "int", 4, BTF_INT_SIGNED);
 *	uint32_t s = btf_write_type(&w, BTF_KIND_STRUCT, "point", 4);
 *	btf_write_member(&w, "x", i, 0);
 *	if (btf_write_finish(&w, &blob, &size, err)) ...
 *	btf_write_fini(&w);
 *
 * What fails, for want of memory or of room in the format, is told of once, at the end: until
 * then calls return 0 and do nothing.
 */
struct btf_writer {
	VEC(uint32_t) types;  /* words of the type section */
	VEC(char) strings;    /* the string section; empty until the first string */
	VEC(uint32_t) slots;  /* hash table: offset of a string, 0 is a free slot */
	uint32_t strings_held; /* entries of that table */
	uint32_t last;        /* word at which the last type begins */
	uint32_t count;       /* types so far, and so the last one's id */
	enum error_code failed; /* ERROR_NONE while all is well */
};

void btf_write_fini(struct btf_writer *w);
/* Offset of the string; NULL and "" are 0. */
uint32_t btf_write_string(struct btf_writer *w, const char *s);
/* value: the size, or the id of a type, as struct btf_type has it. */
uint32_t btf_write_type(struct btf_writer *w, uint32_t kind, const char *name, uint32_t value);
/* One more word behind the last type. */
void btf_write_word(struct btf_writer *w, uint32_t word);
/* One more in the vlen of the last type; its words are the caller's to add. */
void btf_write_more(struct btf_writer *w);
/* The last type's kind flag. */
void btf_write_kflag(struct btf_writer *w);

/* encoding: BTF_INT_SIGNED and the like; size in bytes. */
uint32_t btf_write_int(struct btf_writer *w, const char *name, uint32_t size, uint32_t encoding);
uint32_t btf_write_array(struct btf_writer *w, uint32_t type, uint32_t index, uint32_t nelems);
/* offset: in bits; with the kind flag, bits of the field << 24 | bit offset. */
void btf_write_member(struct btf_writer *w, const char *name, uint32_t type, uint32_t offset);
void btf_write_enumerator(struct btf_writer *w, const char *name, uint32_t value);
void btf_write_enumerator64(struct btf_writer *w, const char *name, uint64_t value);

/* The whole blob, malloc'ed, the caller's. -1: no memory, or more than BTF can hold. */
int btf_write_finish(struct btf_writer *w, void **blob, size_t *size, struct error *err);

#endif
