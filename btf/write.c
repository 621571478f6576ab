// SPDX-License-Identifier: GPL-2.0
/* The layout is drawn in btf.c. */
#include "btf/write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void btf_write_fini(struct btf_writer *w)
{
	vec_fini(&w->types);
	vec_fini(&w->strings);
	vec_fini(&w->slots);
}

/* The first failure is the one that counts. */
static uint32_t fail(struct btf_writer *w, enum error_code why)
{
	if (!w->failed)
		w->failed = why;
	return 0;
}

/* FNV-1a */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

/* Where the string is, or the free slot where it would be. Needs a free slot. */
static uint32_t *find_slot(const struct btf_writer *w, const char *s)
{
	size_t at = hash(s) & (w->slots.len - 1);

	while (w->slots.at[at] && strcmp(w->strings.at + w->slots.at[at], s))
		at = (at + 1) & (w->slots.len - 1);
	return &w->slots.at[at];
}

/* At most half of the slots are taken. */
static bool grow_slots(struct btf_writer *w)
{
	struct btf_writer bigger = *w;
	size_t i;

	if (2 * (w->strings_held + 1) <= w->slots.len)
		return true;
	memset(&bigger.slots, 0, sizeof(bigger.slots));
	if (!vec_add(&bigger.slots, w->slots.len ? w->slots.len * 2 : 64))
		return false;
	for (i = 0; i < w->slots.len; i++)
		if (w->slots.at[i])
			*find_slot(&bigger, w->strings.at + w->slots.at[i]) = w->slots.at[i];
	free(w->slots.at);
	w->slots.at = bigger.slots.at;
	w->slots.len = bigger.slots.len;
	w->slots.cap = bigger.slots.cap;
	return true;
}

uint32_t btf_write_string(struct btf_writer *w, const char *s)
{
	uint32_t *slot;
	char *copy;

	if (!s || !*s || w->failed)
		return 0;
	/* The section begins with the empty string, which is the name of what has none. */
	if ((!w->strings.len && !vec_push(&w->strings)) || !grow_slots(w))
		return fail(w, ERROR_MEMORY);
	slot = find_slot(w, s);
	if (*slot)
		return *slot;
	copy = vec_add(&w->strings, strlen(s) + 1);
	if (!copy)
		return fail(w, ERROR_MEMORY);
	if (w->strings.len > BTF_MAX_NAME_OFFSET)
		return fail(w, ERROR_UNSUPPORTED);
	strcpy(copy, s);
	w->strings_held++;
	return *slot = copy - w->strings.at;
}

void btf_write_word(struct btf_writer *w, uint32_t word)
{
	uint32_t *at = w->failed ? NULL : vec_push(&w->types);

	if (at)
		*at = word;
	else
		fail(w, ERROR_MEMORY);
}

uint32_t btf_write_type(struct btf_writer *w, uint32_t kind, const char *name, uint32_t value)
{
	uint32_t name_off = btf_write_string(w, name);

	w->last = w->types.len;
	btf_write_word(w, name_off);
	btf_write_word(w, kind << 24);
	btf_write_word(w, value);
	return w->failed ? 0 : ++w->count;
}

void btf_write_more(struct btf_writer *w)
{
	if (w->failed)
		return;
	if (BTF_INFO_VLEN(w->types.at[w->last + 1]) == BTF_MAX_VLEN)
		fail(w, ERROR_UNSUPPORTED);
	else
		w->types.at[w->last + 1]++;
}

void btf_write_kflag(struct btf_writer *w)
{
	if (!w->failed)
		w->types.at[w->last + 1] |= 1u << 31;
}

uint32_t btf_write_int(struct btf_writer *w, const char *name, uint32_t size, uint32_t encoding)
{
	uint32_t id = btf_write_type(w, BTF_KIND_INT, name, size);

	btf_write_word(w, encoding << 24 | size * 8);
	return id;
}

uint32_t btf_write_array(struct btf_writer *w, uint32_t type, uint32_t index, uint32_t nelems)
{
	uint32_t id = btf_write_type(w, BTF_KIND_ARRAY, NULL, 0);

	btf_write_word(w, type);
	btf_write_word(w, index);
	btf_write_word(w, nelems);
	return id;
}

void btf_write_member(struct btf_writer *w, const char *name, uint32_t type, uint32_t offset)
{
	btf_write_word(w, btf_write_string(w, name));
	btf_write_word(w, type);
	btf_write_word(w, offset);
	btf_write_more(w);
}

void btf_write_enumerator(struct btf_writer *w, const char *name, uint32_t value)
{
	btf_write_word(w, btf_write_string(w, name));
	btf_write_word(w, value);
	btf_write_more(w);
}

void btf_write_enumerator64(struct btf_writer *w, const char *name, uint64_t value)
{
	btf_write_word(w, btf_write_string(w, name));
	btf_write_word(w, value);
	btf_write_word(w, value >> 32);
	btf_write_more(w);
}

int btf_write_finish(struct btf_writer *w, void **blob, size_t *size, struct error *err)
{
	size_t types_len = w->types.len * sizeof(uint32_t);
	size_t strings_len = w->strings.len ? w->strings.len : 1;
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = types_len,
		.str_off = types_len,
		.str_len = strings_len,
	};
	uint8_t *at;

	if (w->failed == ERROR_UNSUPPORTED || types_len > INT32_MAX)
		return error_set(err, ERROR_UNSUPPORTED, "BTF: got more than its format can hold, expected "
				 "at most %u bytes of names and %u members a type",
				 BTF_MAX_NAME_OFFSET, BTF_MAX_VLEN);
	if (w->failed)
		return error_memory(err);
	at = calloc(1, sizeof(h) + types_len + strings_len);
	if (!at)
		return error_memory(err);
	memcpy(at, &h, sizeof(h));
	if (types_len)
		memcpy(at + sizeof(h), w->types.at, types_len);
	if (w->strings.len)
		memcpy(at + sizeof(h) + types_len, w->strings.at, w->strings.len);
	*blob = at;
	*size = sizeof(h) + types_len + strings_len;
	return 0;
}
