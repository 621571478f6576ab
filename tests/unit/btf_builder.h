/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_BTF_BUILDER_H
#define TESTS_UNIT_BTF_BUILDER_H

#include <linux/btf.h>
#include <stdint.h>
#include <string.h>

/*
 * Makes BTF by hand. Each call adds one type and returns its id; members, values and the like
 * go to the type that was added last.
 *
 *	struct builder b = { 0 };
 *	uint32_t u32 = build_int(&b, "unsigned int", 4, 0);
 *	uint32_t s = build_struct(&b, BTF_KIND_STRUCT, "point", 8);
 *	build_member(&b, "x", u32, 0);
 *	size_t size = build_blob(&b);       b.blob
 */
struct builder {
	uint32_t types[4096], types_len; /* in words */
	char strings[4096];
	uint32_t strings_len;
	uint32_t strings_start; /* of split BTF: where the base's strings end; count goes on from its */
	uint32_t last;  /* word where the last type begins */
	uint32_t count; /* types so far */
	uint32_t blob[8192];
};

static inline uint32_t build_string(struct builder *b, const char *s)
{
	uint32_t off;

	if (!b->strings_len)
		b->strings_len = 1;
	if (!s || !*s)
		return 0;
	off = b->strings_len;
	strcpy(b->strings + off, s);
	b->strings_len += strlen(s) + 1;
	return b->strings_start + off;
}

static inline void build_word(struct builder *b, uint32_t word)
{
	b->types[b->types_len++] = word;
}

static inline uint32_t build_type(struct builder *b, uint32_t kind, const char *name,
				  uint32_t value)
{
	b->last = b->types_len;
	build_word(b, build_string(b, name));
	build_word(b, kind << 24);
	build_word(b, value);
	return ++b->count;
}

static inline void build_more(struct builder *b)
{
	b->types[b->last + 1]++;
}

static inline void build_kflag(struct builder *b)
{
	b->types[b->last + 1] |= 1u << 31;
}

static inline uint32_t build_int(struct builder *b, const char *name, uint32_t size,
				 uint32_t encoding)
{
	uint32_t id = build_type(b, BTF_KIND_INT, name, size);

	build_word(b, encoding << 24 | size * 8);
	return id;
}

static inline uint32_t build_array(struct builder *b, uint32_t type, uint32_t index,
				   uint32_t nelems)
{
	uint32_t id = build_type(b, BTF_KIND_ARRAY, NULL, 0);

	build_word(b, type);
	build_word(b, index);
	build_word(b, nelems);
	return id;
}

/* offset as the kind flag has it: bits << 24 | bit offset after build_kflag(). */
static inline void build_member(struct builder *b, const char *name, uint32_t type, uint32_t offset)
{
	build_word(b, build_string(b, name));
	build_word(b, type);
	build_word(b, offset);
	build_more(b);
}

static inline void build_value(struct builder *b, const char *name, int32_t value)
{
	build_word(b, build_string(b, name));
	build_word(b, value);
	build_more(b);
}

static inline void build_value64(struct builder *b, const char *name, uint64_t value)
{
	build_word(b, build_string(b, name));
	build_word(b, value);
	build_word(b, value >> 32);
	build_more(b);
}

/* The whole, in b->blob; returns its size in bytes. */
static inline size_t build_blob(struct builder *b)
{
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = b->types_len * 4,
		.str_off = b->types_len * 4,
	};

	build_string(b, NULL);
	h.str_len = b->strings_len;
	memcpy(b->blob, &h, sizeof(h));
	memcpy((char *)b->blob + sizeof(h), b->types, h.type_len);
	memcpy((char *)b->blob + sizeof(h) + h.type_len, b->strings, h.str_len);
	return sizeof(h) + h.type_len + h.str_len;
}

#endif
