// SPDX-License-Identifier: GPL-2.0
#include "btf/value.h"

#include <string.h>

#include "util/cursor.h"

#define MAX_DEPTH 6
#define MAX_ELEMENTS 16

struct value {
	const struct btf *btf;
	struct strbuf *out;
	struct cursor data;
};

static void put_value(struct value *v, uint32_t id, uint64_t at, unsigned int depth);

/* Up to 8 bytes as a number, its sign filled in. */
static bool read_number(const struct value *v, uint64_t at, uint32_t size, bool is_signed,
			uint64_t *number)
{
	const uint8_t *bytes = size <= 8 ? cursor_at(&v->data, at, size) : NULL;
	unsigned int unused = 64 - 8 * size;

	if (!bytes || !size)
		return false;
	*number = 0;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy((uint8_t *)number + 8 - size, bytes, size);
#else
	memcpy(number, bytes, size);
#endif
	if (is_signed)
		*number = (uint64_t)((int64_t)(*number << unused) >> unused);
	return true;
}

static void put_bytes(struct value *v, uint64_t at, uint32_t size)
{
	const uint8_t *bytes = cursor_at(&v->data, at, size);
	uint32_t i;

	if (!bytes) {
		strbuf_add(v->out, "?");
		return;
	}
	strbuf_add(v->out, "0x");
	for (i = 0; i < size && i < MAX_ELEMENTS; i++)
		strbuf_add(v->out, "%02x", bytes[i]);
}

static uint32_t int_encoding(const struct btf_type *t)
{
	return BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t));
}

static void put_number(struct value *v, const struct btf_type *t, uint64_t number)
{
	uint32_t encoding = int_encoding(t);

	if (encoding & BTF_INT_BOOL)
		strbuf_add(v->out, number ? "true" : "false");
	else if (encoding & BTF_INT_SIGNED)
		strbuf_add(v->out, "%lld", (long long)number);
	else if (number > 0xffffffff)
		strbuf_add(v->out, "0x%llx", (unsigned long long)number);
	else
		strbuf_add(v->out, "%llu", (unsigned long long)number);
}

static void put_int(struct value *v, const struct btf_type *t, uint64_t at)
{
	uint64_t number;

	if (read_number(v, at, t->size, int_encoding(t) & BTF_INT_SIGNED, &number))
		put_number(v, t, number);
	else
		put_bytes(v, at, t->size);
}

static void put_float(struct value *v, const struct btf_type *t, uint64_t at)
{
	const void *bytes = cursor_at(&v->data, at, t->size);
	float f;
	double d;

	if (bytes && t->size == sizeof(f)) {
		memcpy(&f, bytes, sizeof(f));
		strbuf_add(v->out, "%g", f);
	} else if (bytes && t->size == sizeof(d)) {
		memcpy(&d, bytes, sizeof(d));
		strbuf_add(v->out, "%g", d);
	} else {
		put_bytes(v, at, t->size);
	}
}

/* The name of an enumerator of that value, NULL where there is none. */
static const char *enumerator(const struct btf *btf, const struct btf_type *t, uint64_t number)
{
	const struct btf_enum *e = btf_extra(t);
	const struct btf_enum64 *e64 = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		if (btf_kind(t) == BTF_KIND_ENUM && (uint32_t)e[i].val == (uint32_t)number)
			return btf_string(btf, e[i].name_off);
		if (btf_kind(t) == BTF_KIND_ENUM64 &&
		    btf_enum64_value(&e64[i]) == number)
			return btf_string(btf, e64[i].name_off);
	}
	return NULL;
}

static void put_enum(struct value *v, const struct btf_type *t, uint64_t at)
{
	const char *name;
	uint64_t number;

	if (!read_number(v, at, t->size, BTF_INFO_KFLAG(t->info), &number)) {
		put_bytes(v, at, t->size);
		return;
	}
	name = enumerator(v->btf, t, number);
	if (name)
		strbuf_add(v->out, "%s", name);
	else
		strbuf_add(v->out, "%lld", (long long)number);
}

static void put_char(struct strbuf *out, uint8_t c)
{
	if (c == '"' || c == '\\')
		strbuf_add(out, "\\%c", c);
	else if (c >= ' ' && c < 0x7f)
		strbuf_add(out, "%c", c);
	else if (c == '\n')
		strbuf_add(out, "\\n");
	else
		strbuf_add(out, "\\%03o", c);
}

/* Text: printable up to a NUL, after which there is nothing else. */
static bool is_text(const uint8_t *bytes, uint32_t len)
{
	uint32_t end = 0, i;

	while (end < len && bytes[end])
		end++;
	for (i = 0; i < end; i++)
		if (bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\t')
			return false;
	for (i = end; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* C compilers call it "char"; BTF_INT_CHAR is set by none of them. */
static bool is_char(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));

	return t && btf_kind(t) == BTF_KIND_INT && t->size == 1 &&
	       (int_encoding(t) & BTF_INT_CHAR || !strcmp(btf_string(btf, t->name_off), "char"));
}

static bool put_text(struct value *v, const struct btf_array *array, uint64_t at)
{
	const uint8_t *bytes = cursor_at(&v->data, at, array->nelems);
	uint32_t i;

	if (!bytes || !is_char(v->btf, array->type) || !is_text(bytes, array->nelems))
		return false;
	strbuf_add(v->out, "\"");
	for (i = 0; i < array->nelems && bytes[i] && !v->out->cut; i++)
		put_char(v->out, bytes[i]);
	strbuf_add(v->out, "\"");
	return true;
}

static bool all_zero(const struct value *v, uint64_t at, uint64_t size)
{
	const uint8_t *bytes = cursor_at(&v->data, at, size);

	return bytes && size && !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

static void put_array(struct value *v, const struct btf_array *array, uint64_t at,
		      unsigned int depth)
{
	int64_t size = btf_size(v->btf, array->type);
	uint32_t i;

	if (put_text(v, array, at))
		return;
	if (size <= 0 || !array->nelems || all_zero(v, at, (uint64_t)size * array->nelems)) {
		strbuf_add(v->out, "{}");
		return;
	}
	strbuf_add(v->out, "{ ");
	for (i = 0; i < array->nelems && i < MAX_ELEMENTS && !v->out->cut; i++) {
		strbuf_add(v->out, i ? ", " : "");
		put_value(v, array->type, at + (uint64_t)i * size, depth + 1);
	}
	strbuf_add(v->out, i < array->nelems ? ", ... }" : " }");
}

/* A bit field: read the bytes that it lies in, then shift it out of them. */
static void put_bits(struct value *v, const struct btf_type *t, const struct btf_member *m,
		     uint64_t at)
{
	const struct btf_type *type = btf_type(v->btf, btf_resolve(v->btf, m->type));
	uint32_t offset = btf_member_bit_offset(t, m), bits = btf_member_bits(t, m);
	uint32_t first = offset / 8, size = (offset % 8 + bits + 7) / 8;
	uint32_t above = 64 - bits;
	uint64_t number;

	if (bits > 64 || !type || !read_number(v, at + first, size, false, &number)) {
		strbuf_add(v->out, "?");
		return;
	}
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	number >>= 8 * size - offset % 8 - bits;
#else
	number >>= offset % 8;
#endif
	number <<= above;
	if (btf_kind(type) == BTF_KIND_INT && int_encoding(type) & BTF_INT_SIGNED)
		number = (uint64_t)((int64_t)number >> above);
	else
		number >>= above;
	if (btf_kind(type) == BTF_KIND_INT)
		put_number(v, type, number);
	else
		strbuf_add(v->out, "%lld", (long long)number);
}

static void put_composite(struct value *v, const struct btf_type *t, uint64_t at,
			  unsigned int depth)
{
	const struct btf_member *m = btf_extra(t);
	uint32_t i, len = btf_vlen(t);

	if (!len || all_zero(v, at, t->size)) {
		strbuf_add(v->out, "{}");
		return;
	}
	/* The first member is all of a union: the others are the same bytes again. */
	if (btf_kind(t) == BTF_KIND_UNION)
		len = 1;
	strbuf_add(v->out, "{ ");
	for (i = 0; i < len && !v->out->cut; i++) {
		const char *name = btf_string(v->btf, m[i].name_off);

		strbuf_add(v->out, i ? ", " : "");
		if (*name)
			strbuf_add(v->out, ".%s = ", name);
		if (btf_member_bits(t, &m[i]))
			put_bits(v, t, &m[i], at);
		else
			put_value(v, m[i].type, at + btf_member_bit_offset(t, &m[i]) / 8,
				  depth + 1);
	}
	strbuf_add(v->out, " }");
}

static void put_value(struct value *v, uint32_t id, uint64_t at, unsigned int depth)
{
	const struct btf_type *t = btf_type(v->btf, btf_resolve(v->btf, id));
	uint64_t number;

	if (depth > MAX_DEPTH) {
		strbuf_add(v->out, "...");
		return;
	}
	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		put_int(v, t, at);
		break;
	case BTF_KIND_FLOAT:
		put_float(v, t, at);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		put_enum(v, t, at);
		break;
	case BTF_KIND_PTR:
		if (!read_number(v, at, v->btf->pointer_size, false, &number))
			strbuf_add(v->out, "?");
		else if (number)
			strbuf_add(v->out, "0x%llx", (unsigned long long)number);
		else
			strbuf_add(v->out, "NULL");
		break;
	case BTF_KIND_ARRAY:
		put_array(v, btf_extra(t), at, depth);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		put_composite(v, t, at, depth);
		break;
	case BTF_KIND_VAR:
		put_value(v, t->type, at, depth + 1);
		break;
	default:
		strbuf_add(v->out, "?");
	}
}

void btf_value(struct strbuf *out, const struct btf *btf, uint32_t id, const void *data,
	       size_t size)
{
	struct value v = { btf, out, { data, size } };

	put_value(&v, id, 0, 0);
}
