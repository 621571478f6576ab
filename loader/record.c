// SPDX-License-Identifier: GPL-2.0
#include "loader/record.h"

#include <string.h>

#include "btf/format.h"

#define COMMON "common_"

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *t,
					    const char *name)
{
	const struct btf_member *members = btf_extra(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_string(btf, members[i].name_off), name))
			return &members[i];
	return NULL;
}

/* The types have all records' common fields in a struct of their own, which begins each. */
static struct record_field find_field(const struct btf *btf, const char *name)
{
	bool common = !strncmp(name, COMMON, strlen(COMMON));
	uint32_t id = btf_find(btf, common ? "trace_entry" : "record", BTF_KIND_STRUCT);
	const struct btf_type *t = btf_type(btf, id);
	const struct btf_member *member;
	int64_t size;

	member = t ? find_member(btf, t, common ? name + strlen(COMMON) : name) : NULL;
	size = member ? btf_size(btf, member->type) : 0;
	if (size <= 0)
		return (struct record_field){ 0, 0 };
	return (struct record_field){ btf_member_bit_offset(t, member) / 8, size };
}

int record_fields(const char *category, const char *event, const char *text, size_t len,
		  const char *const names[], struct record_field *fields, size_t count,
		  struct error *err)
{
	struct event_format format = { category, event, text, len, "record" };
	struct btf btf;

	if (btf_from_formats(&btf, &format, 1, err))
		return -1;
	for (size_t i = 0; i < count; i++)
		fields[i] = find_field(&btf, names[i]);
	btf_fini(&btf);
	return 0;
}

uint64_t record_number(const void *record, size_t len, struct record_field field)
{
	const uint8_t *at = (const uint8_t *)record + field.offset;
	uint16_t half;
	uint32_t word;
	uint64_t all;

	if (field.offset > len || field.size > len - field.offset)
		return 0;
	switch (field.size) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	case 4:
		memcpy(&word, at, sizeof(word));
		return word;
	case 8:
		memcpy(&all, at, sizeof(all));
		return all;
	default:
		return 0;
	}
}

void record_text(const void *record, size_t len, struct record_field field, char *to, size_t size)
{
	size_t left = field.offset < len ? len - field.offset : 0, n = field.size;

	n = n < left ? n : left;
	n = n < size ? n : size;
	memset(to, 0, size);
	memcpy(to, (const uint8_t *)record + (n ? field.offset : 0), n);
}
