// SPDX-License-Identifier: GPL-2.0
/* Relocations in words, and their access strings read over the object's own types. */
#include "btf/core_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---- */

static const char *relo_word(uint32_t kind)
{
	static const char *const words[] = {
		[BPF_CORE_FIELD_BYTE_OFFSET] = "byte offset of",
		[BPF_CORE_FIELD_BYTE_SIZE] = "byte size of",
		[BPF_CORE_FIELD_EXISTS] = "existence of",
		[BPF_CORE_FIELD_SIGNED] = "signedness of",
		[BPF_CORE_FIELD_LSHIFT_U64] = "left shift of",
		[BPF_CORE_FIELD_RSHIFT_U64] = "right shift of",
		[BPF_CORE_TYPE_ID_LOCAL] = "local type id of",
		[BPF_CORE_TYPE_ID_TARGET] = "target type id of",
		[BPF_CORE_TYPE_EXISTS] = "existence of",
		[BPF_CORE_TYPE_SIZE] = "size of",
		[BPF_CORE_ENUMVAL_EXISTS] = "existence of",
		[BPF_CORE_ENUMVAL_VALUE] = "value of",
		[BPF_CORE_TYPE_MATCHES] = "match of",
	};

	return kind < sizeof(words) / sizeof(words[0]) ? words[kind] : "unknown question about";
}

bool core_is_enum_relo(uint32_t kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_ENUMVAL_VALUE;
}

bool core_is_field_relo(uint32_t kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

void core_say_type(struct strbuf *out, const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = t ? btf_string(btf, t->name_off) : "";
	const char *tag = "";

	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_STRUCT:
		tag = "struct ";
		break;
	case BTF_KIND_UNION:
		tag = "union ";
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		tag = "enum ";
		break;
	case BTF_KIND_FWD:
		tag = BTF_INFO_KFLAG(t->info) ? "union " : "struct ";
		break;
	}
	if (*name)
		strbuf_add(out, "%s%s", tag, name);
	else
		strbuf_add(out, "%s(type %u)", tag, id);
}

static void say_path(struct strbuf *out, const struct btf *btf, const struct path *path)
{
	unsigned int i;

	core_say_type(out, btf, path->root);
	if (path->first)
		strbuf_add(out, "[%u]", path->first);
	for (i = 0; i < path->len; i++) {
		if (path->steps[i].name)
			strbuf_add(out, ".%s", path->steps[i].name);
		else
			strbuf_add(out, "[%u]", path->steps[i].index);
	}
}

/* ---- local side: access string to path and place ---- */

/* "12:3" -> 12, and *s behind the colon; -1 where it is no number, or too big a one. */
static int64_t next_index(const char **s)
{
	uint64_t value = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > UINT32_MAX)
			return -1;
	}
	if (*p == ':' && p[1])
		p++;
	else if (*p)
		return -1;
	*s = p;
	return value;
}

/* [0] and [1] at the end of a struct are flexible arrays, so those may be overstepped. */
bool core_element_exists(const struct place *place, const struct btf_array *array, uint32_t index)
{
	return index < array->nelems || (place->is_tail && array->nelems <= 1);
}

bool core_add_element(const struct btf *btf, struct place *place, uint32_t type, uint64_t index)
{
	int64_t size = btf_size(btf, type);

	/* No element at index 0 has an offset, whether its size is known or not. */
	if (index && size < 0)
		return false;
	place->type = type;
	place->bits = 0;
	place->is_tail = false;
	return !index || !(__builtin_mul_overflow(index * 8, (uint64_t)size, &index) ||
			   __builtin_add_overflow(place->bit_offset, index, &place->bit_offset));
}

void core_add_member(struct place *place, const struct btf_type *t, const struct btf_member *m)
{
	place->type = m->type;
	place->bit_offset += btf_member_bit_offset(t, m);
	place->bits = btf_member_bits(t, m);
	place->is_tail = btf_kind(t) == BTF_KIND_UNION ||
			 m + 1 == (const struct btf_member *)btf_extra(t) + btf_vlen(t);
}

/* One step down the local type by index. False where there is no such member or element. */
static bool local_step(const struct btf *btf, struct path *path, struct place *place,
		       uint32_t index)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, place->type));
	const struct btf_array *array;
	const struct btf_member *m;
	const char *name = NULL;

	if (t && btf_is_composite(t) && index < btf_vlen(t)) {
		m = (const struct btf_member *)btf_extra(t) + index;
		core_add_member(place, t, m);
		name = btf_string(btf, m->name_off);
		/* Anonymous: the target may have it elsewhere, or not at all. */
		if (!*name)
			return true;
	} else if (t && btf_kind(t) == BTF_KIND_ARRAY) {
		array = btf_extra(t);
		if (!core_element_exists(place, array, index) ||
		    !core_add_element(btf, place, array->type, index))
			return false;
	} else {
		return false;
	}
	path->steps[path->len++] = (struct step){ name, index, place->type };
	return true;
}

static int read_field_path(const struct btf *btf, const char *access, struct path *path,
			   struct place *place)
{
	int64_t index = next_index(&access);
	bool named = true;

	if (index < 0 || !core_add_element(btf, place, path->root, index))
		return -1;
	path->first = index;
	while (*access) {
		unsigned int before = path->len;

		index = next_index(&access);
		if (index < 0 || path->len == MAX_STEPS || !local_step(btf, path, place, index))
			return -1;
		named = path->len > before;
	}
	/* A path that ends at an anonymous member cannot be sought by name. */
	return named ? 0 : -1;
}

static int read_enum_path(const struct btf *btf, const char *access, struct path *path)
{
	uint32_t id = btf_resolve(btf, path->root);
	const struct btf_type *t = btf_type(btf, id);
	int64_t index = next_index(&access);

	if (!t || !btf_is_enum(t) || index < 0 || *access || index >= btf_vlen(t))
		return -1;
	path->steps[path->len++] =
		(struct step){ btf_string(btf, btf_enumerator_name(t, index)), index, id };
	return 0;
}

int core_read_path(const struct btf *btf, const struct core_relo *relo, struct path *path,
		     struct place *place)
{
	const char *access = btf_string(btf, relo->access_str_off);

	memset(path, 0, sizeof(*path));
	memset(place, 0, sizeof(*place));
	path->root = place->type = relo->type_id;
	if (!btf_type(btf, relo->type_id))
		return -1;
	if (core_is_enum_relo(relo->kind))
		return read_enum_path(btf, access, path);
	if (core_is_field_relo(relo->kind))
		return read_field_path(btf, access, path, place);
	return strcmp(access, "0") ? -1 : 0;
}

const char *core_describe(const struct btf *local, const struct core_relo *relo, char *buf,
			  size_t size)
{
	struct strbuf out = { buf, size, 0, false };
	struct path path;
	struct place place;

	if (size)
		buf[0] = 0;
	strbuf_add(&out, "%s ", relo_word(relo->kind));
	if (core_read_path(local, relo, &path, &place)) {
		core_say_type(&out, local, relo->type_id);
		strbuf_add(&out, " at \"%s\"", btf_string(local, relo->access_str_off));
	} else if (core_is_enum_relo(relo->kind)) {
		strbuf_add(&out, "%s of ", path.steps[0].name);
		core_say_type(&out, local, path.root);
	} else {
		say_path(&out, local, &path);
	}
	return buf;
}
