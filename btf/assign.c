// SPDX-License-Identifier: GPL-2.0
#include "btf/assign.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/suggest.h"

#define MAX_DEPTH 16

/* Where a value goes: whole bytes, or some of the bits in them. */
struct place {
	uint32_t id;
	uint8_t *at;
	size_t size;            /* bytes at `at` that are ours to write */
	uint32_t shift, bits;   /* of a bit field, from the first byte on; bits 0: it is none */
};

struct assign {
	const struct btf *btf;
	const char *text; /* what is left of it */
	unsigned int depth;
	struct error *err;
};

static int put(struct assign *a, const struct place *place);

static const struct btf_type *type_of(const struct assign *a, uint32_t id)
{
	return btf_type(a->btf, btf_resolve(a->btf, id));
}

static void skip_space(struct assign *a)
{
	while (isspace((unsigned char)*a->text))
		a->text++;
}

static int bad(struct assign *a, const char *got, const char *expected)
{
	return error_set(a->err, ERROR_USAGE, "got '%.40s', expected %s", got, expected);
}

static bool take(struct assign *a, char c)
{
	skip_space(a);
	if (*a->text != c)
		return false;
	a->text++;
	return true;
}

/* ---- where: .member and [index] ---- */

static const struct btf_member *find_member(const struct assign *a, const struct btf_type *t,
					    const char *name, size_t len)
{
	const struct btf_member *m = btf_extra(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *own = btf_string(a->btf, m[i].name_off);

		if (strlen(own) == len && !strncmp(own, name, len))
			return &m[i];
	}
	return NULL;
}

static int no_member(struct assign *a, const struct btf_type *t, const char *name, size_t len)
{
	const struct btf_member *m = btf_extra(t);
	struct suggest s;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	suggest_init(&s, text);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		suggest_offer(&s, btf_string(a->btf, m[i].name_off));
	bad(a, text, "a member of the struct");
	return s.best ? error_hint(a->err, "did you mean '%s'?", s.best) : -1;
}

static struct place place_of_member(const struct assign *a, const struct place *place,
				    const struct btf_type *t, const struct btf_member *m)
{
	uint32_t offset = btf_member_bit_offset(t, m), bits = btf_member_bits(t, m);
	int64_t size = bits ? (offset % 8 + bits + 7) / 8 : btf_size(a->btf, m->type);
	struct place in = { .id = m->type, .at = place->at + offset / 8, .bits = bits };

	in.shift = bits ? offset % 8 : 0;
	if (size > 0 && offset / 8 + (uint64_t)size <= place->size)
		in.size = size;
	return in;
}

/* Members without a name are looked into: their members are as the struct's own. */
static bool enter_named(struct assign *a, struct place *place, const char *name, size_t len,
			unsigned int depth)
{
	const struct btf_type *t = type_of(a, place->id);
	const struct btf_member *m, *all;

	if (!t || !btf_is_composite(t) || depth > MAX_DEPTH)
		return false;
	m = find_member(a, t, name, len);
	if (m) {
		*place = place_of_member(a, place, t, m);
		return true;
	}
	all = btf_extra(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		struct place in = place_of_member(a, place, t, &all[i]);

		if (!*btf_string(a->btf, all[i].name_off) &&
		    enter_named(a, &in, name, len, depth + 1)) {
			*place = in;
			return true;
		}
	}
	return false;
}

static int enter_member(struct assign *a, struct place *place, const char *name, size_t len)
{
	const struct btf_type *t = type_of(a, place->id);

	if (!t || !btf_is_composite(t))
		return bad(a, name, "nothing more: it is no struct");
	if (len && enter_named(a, place, name, len, 0))
		return 0;
	return no_member(a, t, name, len);
}

static int enter_element(struct assign *a, struct place *place, uint64_t index)
{
	const struct btf_type *t = type_of(a, place->id);
	const struct btf_array *array = t ? btf_extra(t) : NULL;
	int64_t size;
	char text[32];

	snprintf(text, sizeof(text), "[%llu]", (unsigned long long)index);
	if (!t || btf_kind(t) != BTF_KIND_ARRAY)
		return bad(a, text, "no index: it is no array");
	size = btf_size(a->btf, array->type);
	if (size <= 0 || index >= array->nelems || (index + 1) * size > place->size) {
		bad(a, text, "an index below the array's length");
		return error_hint(a->err, "it has %u elements", array->nelems);
	}
	*place = (struct place){ .id = array->type, .at = place->at + index * size, .size = size };
	return 0;
}

/* ".max.pid[2]" */
static int enter_path(struct assign *a, struct place *place, const char *path)
{
	while (*path) {
		size_t len = strcspn(path + 1, ".[");
		char *end;
		int ret;

		if (*path == '.') {
			ret = enter_member(a, place, path + 1, len);
			path += 1 + len;
		} else if (*path == '[' && isdigit((unsigned char)path[1])) {
			ret = enter_element(a, place, strtoull(path + 1, &end, 0));
			if (!ret && *end != ']')
				ret = bad(a, path, "an index in brackets");
			path = end + 1;
		} else {
			ret = bad(a, path, ".MEMBER or [INDEX]");
		}
		if (ret)
			return -1;
	}
	return 0;
}

/* ---- what ---- */

static void store(const struct place *place, uint64_t number)
{
	uint64_t mask = place->bits == 64 ? UINT64_MAX : (1ull << place->bits) - 1;
	uint8_t *at = place->at;

	if (place->bits) {
		for (uint32_t i = 0; i < place->bits; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
			uint32_t bit = place->shift + place->bits - 1 - i, in = 7 - bit % 8;
#else
			uint32_t bit = place->shift + i, in = bit % 8;
#endif
			at[bit / 8] &= ~(1u << in);
			at[bit / 8] |= ((number & mask) >> i & 1) << in;
		}
		return;
	}
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy(at, (uint8_t *)&number + 8 - place->size, place->size);
#else
	memcpy(at, &number, place->size);
#endif
}

static bool fits(uint64_t magnitude, bool negative, bool is_signed, uint32_t bits)
{
	if (!is_signed)
		return !(negative && magnitude) && (bits == 64 || magnitude >> bits == 0);
	return magnitude <= (1ull << (bits - 1)) - !negative;
}

/* 12, -0x1f, 'c'. *len: characters of it; 0: it is none. */
static uint64_t read_magnitude(const char *text, bool *negative, size_t *len)
{
	const char *digits = text + (*text == '-');
	uint64_t value;
	char *end;

	*negative = *text == '-';
	*len = 0;
	if (text[0] == '\'' && text[1] && text[1] != '\\' && text[2] == '\'') {
		*len = 3;
		return (uint8_t)text[1];
	}
	if (!isdigit((unsigned char)*digits))
		return 0;
	errno = 0;
	value = strtoull(digits, &end, 0);
	if (!errno && !isalnum((unsigned char)*end))
		*len = end - text;
	return value;
}

static int put_number(struct assign *a, const struct place *place, bool is_signed,
		      const char *expected)
{
	uint32_t bits = place->bits ? place->bits : 8 * place->size;
	uint64_t magnitude;
	bool negative;
	char range[96];
	size_t len;

	magnitude = read_magnitude(a->text, &negative, &len);
	if (!len || !bits || bits > 64)
		return bad(a, a->text, expected);
	if (!fits(magnitude, negative, is_signed, bits)) {
		snprintf(range, sizeof(range), "a number that fits %u bits, %s", bits,
			 is_signed ? "signed" : "unsigned");
		return bad(a, a->text, range);
	}
	a->text += len;
	store(place, negative ? -magnitude : magnitude);
	return 0;
}

/* Letters, digits and '_' at the beginning: how many. */
static size_t word_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

static bool take_word(struct assign *a, const char *word)
{
	size_t len = word_len(a->text);

	if (len != strlen(word) || strncmp(a->text, word, len))
		return false;
	a->text += len;
	return true;
}

static int put_int(struct assign *a, const struct place *place, const struct btf_type *t)
{
	uint32_t encoding = BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t));

	if (encoding & BTF_INT_BOOL) {
		bool yes = take_word(a, "true") || take_word(a, "1");

		if (!yes && !take_word(a, "false") && !take_word(a, "0"))
			return bad(a, a->text, "true or false");
		store(place, yes);
		return 0;
	}
	return put_number(a, place, encoding & BTF_INT_SIGNED, "a number");
}

static uint64_t enumerator_value(const struct btf_type *t, uint32_t i)
{
	const struct btf_enum *e = btf_extra(t);
	const struct btf_enum64 *e64 = btf_extra(t);

	return btf_kind(t) == BTF_KIND_ENUM64 ? (uint64_t)e64[i].val_hi32 << 32 | e64[i].val_lo32 :
	       BTF_INFO_KFLAG(t->info) ? (uint64_t)(int64_t)e[i].val : (uint32_t)e[i].val;
}

static int put_enum(struct assign *a, const struct place *place, const struct btf_type *t)
{
	struct suggest s;
	char word[64];

	if (!word_len(a->text) || isdigit((unsigned char)*a->text))
		return put_number(a, place, BTF_INFO_KFLAG(t->info), "an enumerator or a number");
	snprintf(word, sizeof(word), "%.*s", (int)word_len(a->text), a->text);
	suggest_init(&s, word);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *name = btf_string(a->btf, btf_enumerator_name(t, i));

		if (take_word(a, name)) {
			store(place, enumerator_value(t, i));
			return 0;
		}
		suggest_offer(&s, name);
	}
	bad(a, word, "one of the enum's names, or a number");
	return s.best ? error_hint(a->err, "did you mean '%s'?", s.best) : -1;
}

static int put_float(struct assign *a, const struct place *place)
{
	char *end;
	double d = strtod(a->text, &end);
	float f = d;

	if (end == a->text || (place->size != sizeof(f) && place->size != sizeof(d)))
		return bad(a, a->text, "a number");
	a->text = end;
	memcpy(place->at, place->size == sizeof(f) ? (void *)&f : (void *)&d, place->size);
	return 0;
}

static bool is_char_array(const struct assign *a, const struct btf_type *t)
{
	const struct btf_array *array = btf_extra(t);
	const struct btf_type *element = type_of(a, array->type);

	return element && btf_kind(element) == BTF_KIND_INT && element->size == 1 &&
	       !(BTF_INT_ENCODING(*(const uint32_t *)btf_extra(element)) & BTF_INT_BOOL);
}

static int too_long(struct assign *a, const struct place *place)
{
	return error_set(a->err, ERROR_USAGE, "got a longer text, expected at most %zu bytes",
			 place->size - 1);
}

/* "with \"quotes\"": up to the closing quote. */
static int put_quoted(struct assign *a, const struct place *place)
{
	size_t len = 0;

	memset(place->at, 0, place->size);
	for (a->text++; *a->text && *a->text != '"'; a->text++) {
		if (*a->text == '\\' && a->text[1])
			a->text++;
		if (len + 1 >= place->size)
			return too_long(a, place);
		place->at[len++] = *a->text;
	}
	return take(a, '"') ? 0 : bad(a, "no more", "a closing \"");
}

/* Text without quotes is all that there is: only for the whole of what is set. */
static int put_plain(struct assign *a, const struct place *place)
{
	size_t len = strlen(a->text);

	if (len >= place->size)
		return too_long(a, place);
	memset(place->at, 0, place->size);
	memcpy(place->at, a->text, len);
	a->text += len;
	return 0;
}

static int put_elements(struct assign *a, const struct place *place)
{
	uint64_t i = 0;

	if (!take(a, '{'))
		return bad(a, a->text, "{ a, b, ... }");
	memset(place->at, 0, place->size);
	while (!take(a, '}')) {
		struct place in = *place;

		if (i && !take(a, ','))
			return bad(a, a->text, "',' or '}'");
		if (i && take(a, '}'))
			break;
		if (enter_element(a, &in, i++) || put(a, &in))
			return -1;
	}
	return 0;
}

static int put_array(struct assign *a, const struct place *place, const struct btf_type *t)
{
	if (is_char_array(a, t) && *a->text == '"')
		return put_quoted(a, place);
	if (is_char_array(a, t) && *a->text != '{' && a->depth == 1)
		return put_plain(a, place);
	return put_elements(a, place);
}

static int put_member(struct assign *a, const struct place *place)
{
	struct place in = *place;
	const char *name;

	if (!take(a, '.'))
		return bad(a, a->text, ".MEMBER = VALUE");
	name = a->text;
	a->text += word_len(name);
	if (enter_member(a, &in, name, a->text - name))
		return -1;
	return take(a, '=') ? put(a, &in) : bad(a, a->text, "'='");
}

static int put_members(struct assign *a, const struct place *place)
{
	if (!take(a, '{')) {
		bad(a, a->text, "{ .MEMBER = VALUE, ... }");
		return error_hint(a->err, "or set one of its members: NAME.MEMBER=VALUE");
	}
	memset(place->at, 0, place->size);
	for (bool first = true; !take(a, '}'); first = false) {
		if (!first && !take(a, ','))
			return bad(a, a->text, "',' or '}'");
		if (!first && take(a, '}'))
			break;
		if (put_member(a, place))
			return -1;
	}
	return 0;
}

static int put_by_kind(struct assign *a, const struct place *place, const struct btf_type *t)
{
	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		return put_int(a, place, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return put_enum(a, place, t);
	case BTF_KIND_FLOAT:
		return put_float(a, place);
	case BTF_KIND_ARRAY:
		return put_array(a, place, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return put_members(a, place);
	default:
		return bad(a, a->text, "nothing: variables of its type cannot be set");
	}
}

static int put(struct assign *a, const struct place *place)
{
	int ret;

	skip_space(a);
	if (!place->size)
		return bad(a, a->text, "nothing: it has no place in the variable");
	if (++a->depth > MAX_DEPTH)
		return bad(a, a->text, "less nesting");
	ret = put_by_kind(a, place, type_of(a, place->id));
	a->depth--;
	return ret;
}

int btf_assign(const struct btf *btf, uint32_t id, const char *path, const char *text, void *data,
	       size_t size, struct error *err)
{
	struct assign a = { btf, text, 0, err };
	uint8_t *copy = malloc(size);
	struct place place = { .id = id, .at = copy, .size = size };
	int ret = -1;

	if (!copy)
		return error_memory(err);
	memcpy(copy, data, size);
	if (!enter_path(&a, &place, path) && !put(&a, &place)) {
		skip_space(&a);
		ret = *a.text ? bad(&a, a.text, "nothing more") : 0;
	}
	if (!ret)
		memcpy(data, copy, size);
	free(copy);
	return ret;
}
