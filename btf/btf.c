// SPDX-License-Identifier: GPL-2.0
/*
 *   blob:  +--------------------------------------+
 *          | magic 0xeb9f, version 1, flags       |
 *          | hdr_len            24, or more later |
 *          | type_off, type_len   \ counted from  |
 *          | str_off,  str_len    / hdr_len       |
 *          | layout_off, layout_len (newer only)  |
 *          +--------------------------------------+
 *   types: | name_off, info, size or type | extra |  id 1
 *          | name_off, info, size or type |       |  id 2
 *          | ...                                  |
 *          +--------------------------------------+
 *   str:   | \0 i n t \0 t a s k _ s t r u c t \0 |
 *          +--------------------------------------+
 * layout:  | info_sz:8, elem_sz:8, flags:16       |  kind 0
 *          | info_sz:8, elem_sz:8, flags:16       |  kind 1, ...
 *          +--------------------------------------+
 *
 * info is kind_flag << 31 | kind << 24 | vlen. How long `extra` is follows from kind and vlen,
 * so the types can only be found by walking over all before them. The layout section says it of
 * kinds that the reader does not know: info_sz bytes, and elem_sz times vlen.
 *
 * All of it but the strings are words of 32 bits, so one byte order becomes the other by
 * turning each word round (and the header's 16 bits of magic, and those of flags).
 */
#include "btf/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cursor.h"

#define MAX_CHAIN 64 /* of typedefs, qualifiers and arrays; the kernel's own limit is 32 */

/*
 * What a walk has to know of a kind, in one word, so that it is one load: bytes behind the 12
 * of struct btf_type, which are `fixed` and `each` times vlen; can it be found through
 * btf.named; does note_type() want to see it. Unknown kinds are 0. No type is longer than
 * 12 + 255 + 255 * 0xffffff bytes, which is less than 2^32.
 */
#define LAYOUT(fixed, each, named, noted) \
	((fixed) | (each) << 8 | (named) << 16 | (noted) << 17 | 1u << 31)
#define LAYOUT_FIXED(l) ((l) & 0xff)
#define LAYOUT_EACH(l) ((l) >> 8 & 0xff)
#define LAYOUT_NAMED(l) ((l) >> 16 & 1)
#define LAYOUT_NOTED(l) ((l) >> 17 & 1)

static const uint32_t known_layout[BTF_KINDS] = {
	[BTF_KIND_INT] = LAYOUT(sizeof(uint32_t), 0, 0, 1),
	[BTF_KIND_PTR] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_ARRAY] = LAYOUT(sizeof(struct btf_array), 0, 0, 0),
	[BTF_KIND_STRUCT] = LAYOUT(0, sizeof(struct btf_member), 1, 1),
	[BTF_KIND_UNION] = LAYOUT(0, sizeof(struct btf_member), 1, 1),
	[BTF_KIND_ENUM] = LAYOUT(0, sizeof(struct btf_enum), 1, 1),
	[BTF_KIND_FWD] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_TYPEDEF] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_VOLATILE] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_CONST] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_RESTRICT] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_FUNC] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_FUNC_PROTO] = LAYOUT(0, sizeof(struct btf_param), 0, 0),
	[BTF_KIND_VAR] = LAYOUT(sizeof(struct btf_var), 0, 0, 0),
	[BTF_KIND_DATASEC] = LAYOUT(0, sizeof(struct btf_var_secinfo), 0, 0),
	[BTF_KIND_FLOAT] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_DECL_TAG] = LAYOUT(sizeof(struct btf_decl_tag), 0, 0, 0),
	[BTF_KIND_TYPE_TAG] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_ENUM64] = LAYOUT(0, sizeof(struct btf_enum64), 1, 1),
};

static const struct btf_type *type_at(const struct btf *btf, uint32_t off)
{
	return (const struct btf_type *)(btf->types + off);
}

uint32_t btf_length(const struct btf *btf, const struct btf_type *t)
{
	uint32_t l = btf->layout[btf_kind(t)];

	return sizeof(*t) + LAYOUT_FIXED(l) + LAYOUT_EACH(l) * btf_vlen(t);
}

/* struct btf_header with what newer kernels add to it. */
struct header {
	struct btf_header old;
	uint32_t layout_off, layout_len;
};

/* The header in native byte order, what the blob lacks of it 0. */
static int read_header(struct btf *btf, struct header *h, struct error *err)
{
	size_t len = btf->size < sizeof(*h) ? btf->size : sizeof(*h);
	uint32_t *word = (uint32_t *)h;
	size_t i;

	memset(h, 0, sizeof(*h));
	if (btf->size < sizeof(h->old))
		return error_set(err, ERROR_FORMAT, "BTF: header: got %zu bytes, expected at "
				 "least %zu", btf->size, sizeof(h->old));
	memcpy(h, btf->data, len);
	if (h->old.magic == __builtin_bswap16(BTF_MAGIC)) {
		btf->foreign = true;
		h->old.magic = BTF_MAGIC;
		for (i = 1; i < sizeof(*h) / sizeof(*word); i++)
			word[i] = __builtin_bswap32(word[i]);
	}
	if (h->old.magic != BTF_MAGIC)
		return error_set(err, ERROR_FORMAT, "BTF: magic: got 0x%04x, expected 0x%04x",
				 h->old.magic, BTF_MAGIC);
	if (h->old.version != BTF_VERSION)
		return error_set(err, ERROR_UNSUPPORTED, "BTF: version: got %u, expected %u",
				 h->old.version, BTF_VERSION);
	if (h->old.hdr_len < sizeof(h->old) || h->old.hdr_len > btf->size || h->old.hdr_len & 3)
		return error_set(err, ERROR_FORMAT, "BTF: header length: got %u, expected a "
				 "multiple of 4 from %zu to %zu", h->old.hdr_len, sizeof(h->old),
				 btf->size);
	/* What stands there where the header ends earlier is no part of it. */
	if (h->old.hdr_len < sizeof(*h))
		h->layout_off = h->layout_len = 0;
	return 0;
}

static int check_sections(const struct btf *btf, const struct header *h, struct error *err)
{
	struct cursor body = { btf->data + h->old.hdr_len, btf->size - h->old.hdr_len };

	if (h->old.type_off & 3 || !cursor_at(&body, h->old.type_off, h->old.type_len))
		return error_set(err, ERROR_FORMAT, "BTF: types: got %u bytes at %u, expected them "
				 "aligned within %zu", h->old.type_len, h->old.type_off, body.size);
	if (h->layout_off & 3 || h->layout_len & 3 ||
	    !cursor_at(&body, h->layout_off, h->layout_len))
		return error_set(err, ERROR_FORMAT, "BTF: layout: got %u bytes at %u, expected them "
				 "aligned within %zu", h->layout_len, h->layout_off, body.size);
	if (!cursor_at(&body, h->old.str_off, h->old.str_len))
		return error_set(err, ERROR_FORMAT, "BTF: strings: got %u bytes at %u, expected "
				 "them within %zu", h->old.str_len, h->old.str_off, body.size);
	return 0;
}

/* Split BTF may have no strings of its own, and the empty one is its base's. */
static int check_strings(const struct btf *btf, struct error *err)
{
	uint32_t len = btf->strings_len;

	if (!len && btf->base)
		return 0;
	if (len && !btf->strings[len - 1] && (btf->base || !btf->strings[0]))
		return 0;
	return error_set(err, ERROR_FORMAT, "BTF: strings: got a section of %u bytes that "
			 "does not begin and end with NUL", len);
}

static void swap_words(uint8_t *at, uint32_t len)
{
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		word = __builtin_bswap32(word);
		memcpy(at, &word, sizeof(word));
	}
}

/* Makes btf->data aligned and native. */
static int make_native(struct btf *btf, const struct header *h, struct error *err)
{
	uint8_t *copy, *body;

	if (!btf->foreign && !((uintptr_t)btf->data & 3))
		return 0;
	copy = malloc(btf->size);
	if (!copy)
		return error_memory(err);
	memcpy(copy, btf->data, btf->size);
	if (btf->foreign) {
		body = copy + h->old.hdr_len;
		memcpy(copy, h, h->old.hdr_len < sizeof(*h) ? h->old.hdr_len : sizeof(*h));
		swap_words(body + h->old.type_off, h->old.type_len);
		/* Of a layout's word only the flags have two bytes, and nobody reads those. */
	}
	btf->data = btf->copy = copy;
	return 0;
}

/* Kinds that are not known are stepped over where the blob says how long they are. */
static int take_layout(struct btf *btf, const struct header *h, struct error *err)
{
	const uint8_t *at = btf->data + h->old.hdr_len + h->layout_off;
	uint32_t kind, kinds = h->layout_len / 4;

	btf->layout = known_layout;
	if (kinds <= BTF_KIND_ENUM64 + 1)
		return 0;
	btf->own_layout = malloc(sizeof(known_layout));
	if (!btf->own_layout)
		return error_memory(err);
	memcpy(btf->own_layout, known_layout, sizeof(known_layout));
	for (kind = BTF_KIND_ENUM64 + 1; kind < kinds && kind < BTF_KINDS; kind++)
		btf->own_layout[kind] = LAYOUT((uint32_t)at[4 * kind], (uint32_t)at[4 * kind + 1],
					       0, 0);
	btf->layout = btf->own_layout;
	return 0;
}

/* The strings are looked at last: what turned words round may have changed them. */
static int open_sections(struct btf *btf, struct error *err)
{
	struct header h;
	const uint8_t *body;

	if (read_header(btf, &h, err) || check_sections(btf, &h, err) ||
	    make_native(btf, &h, err) || take_layout(btf, &h, err))
		return -1;
	body = btf->data + h.old.hdr_len;
	btf->types = body + h.old.type_off;
	btf->types_len = h.old.type_len;
	btf->strings = (const char *)body + h.old.str_off;
	btf->strings_len = h.old.str_len;
	return check_strings(btf, err);
}

/* A pointer is as wide as a long on every machine that Linux runs on. */
static bool is_long(const char *name)
{
	return !strcmp(name, "long unsigned int") || !strcmp(name, "unsigned long") ||
	       !strcmp(name, "long int") || !strcmp(name, "long");
}

size_t btf_plain_length(const char *name, size_t left)
{
	size_t len = strnlen(name, left), i;

	for (i = len; i >= 5; i--)
		if (name[i - 1] != '_' && !memcmp(name + i - 4, "___", 3) && name[i - 5] != '_')
			return i - 4;
	return len;
}

/* Eight characters of a name, those behind its end zero; the same on every machine. */
static uint64_t name_word(const char *name, size_t left, bool *last)
{
	uint64_t word = 0, zeros;

	if (left >= sizeof(word))
		memcpy(&word, name, sizeof(word));
	else
		memcpy(&word, name, left);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	/* The lowest bit that is set is the top bit of the first byte that is zero. */
	zeros = (word - 0x0101010101010101) & ~word & 0x8080808080808080;
	*last = zeros;
	return zeros ? word & (zeros ^ (zeros - 1)) >> 8 : word;
}

/* Whether three '_' in a row end in this word; *before has a bit for each '_' of the one before. */
static bool has_separator(uint64_t word, uint64_t *before)
{
	uint64_t differs = word ^ 0x5f5f5f5f5f5f5f5f;
	uint64_t here = (differs - 0x0101010101010101) & ~differs & 0x8080808080808080;
	bool has = here & (here << 8 | *before >> 56) & (here << 16 | *before >> 48);

	*before = here;
	return has;
}

/*
 * One byte that sorts out 255 of 256 names, so that a search by name reads 12,000 bytes in a
 * row instead of 12,000 strings all over the place. `left` bytes may be read, with the NUL. A
 * flavour is left out, so that one search finds all that are called the same but for that.
 */
static uint8_t name_tag(const char *name, size_t left)
{
	uint64_t hash = 0, word, before = 0;
	bool last, separated = false;
	const char *at = name;
	size_t plain, rest = left;

	do {
		word = name_word(at, rest, &last);
		separated |= has_separator(word, &before);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
		at += sizeof(hash);
		rest -= rest < sizeof(hash) ? rest : sizeof(hash);
	} while (!last);
	if (separated) {
		plain = btf_plain_length(name, left);
		if (plain < left && name[plain])
			return name_tag(name, plain);
	}
	return hash >> 24;
}

/* The string and the bytes that may be read from it on, its NUL among them; NULL: not there. */
static const char *find_string(const struct btf *btf, uint32_t off, size_t *left)
{
	while (off < btf->strings_start)
		btf = btf->base;
	off -= btf->strings_start;
	if (off >= btf->strings_len)
		return NULL;
	*left = btf->strings_len - off;
	return btf->strings + off;
}

static int note_named(struct btf *btf, uint32_t off, uint32_t name_off)
{
	size_t left;
	const char *name = find_string(btf, name_off, &left);
	uint32_t *at;
	uint8_t *tag;

	if (!name)
		return 0;
	/* Both grow in step; calls for each of 12,000 would show in the time of a start. */
	if (btf->named.len == btf->named.cap || btf->tags.len == btf->tags.cap) {
		at = vec_push(&btf->named);
		tag = vec_push(&btf->tags);
		if (!at || !tag)
			return -1;
	} else {
		at = &btf->named.at[btf->named.len++];
		tag = &btf->tags.at[btf->tags.len++];
	}
	*at = off;
	*tag = name_tag(name, left);
	return 0;
}

static int note_mark(struct btf *btf, uint32_t off)
{
	uint32_t *at = vec_push(&btf->marks);

	if (!at)
		return -1;
	*at = off;
	return 0;
}

static int bad_type(const struct btf *btf, uint32_t id, uint32_t off, struct error *err)
{
	uint32_t left = btf->types_len - off;

	if (left >= sizeof(struct btf_type) && !btf->layout[btf_kind(type_at(btf, off))]) {
		error_set(err, ERROR_UNSUPPORTED, "BTF: type %u: kind: got %u, expected 1 to %u, at "
			  "offset %u of the types", id, btf_kind(type_at(btf, off)), BTF_KIND_ENUM64, off);
		return error_hint(err, "either the file is damaged, or it is for a newer kernel "
				  "than this program knows of");
	}
	return error_set(err, ERROR_FORMAT, "BTF: type %u: got only %u bytes to the end of the "
			 "section, expected all of it, at offset %u of the types", id, left, off);
}

/* What the indexes keep of a type. */
static int note_type(struct btf *btf, uint32_t off)
{
	const struct btf_type *t = type_at(btf, off);
	uint32_t kind = btf_kind(t);

	if (LAYOUT_NAMED(btf->layout[kind]) && t->name_off && note_named(btf, off, t->name_off))
		return -1;
	if (kind == BTF_KIND_INT && is_long(btf_string(btf, t->name_off)))
		btf->pointer_size = t->size == 4 ? 4 : 8;
	return 0;
}

/*
 * One stretch of BTF_STRIDE types from off on: where it ends, or 0 and err. This is most of
 * what opening a kernel's BTF takes, so nothing in it depends on what is hard to foresee: where
 * the next type begins is worked out from a table, and each offset is put down, but kept only
 * for types that are noted. Their names, all over the place, are looked at in a loop of their
 * own, where the processor can fetch several at once.
 */
static uint32_t walk_stretch(struct btf *btf, uint32_t off, uint32_t id, uint32_t *count,
			     struct error *err)
{
	uint32_t len = btf->types_len, noted[BTF_STRIDE], n = 0, i;

	for (i = 0; i < BTF_STRIDE && len - off >= sizeof(struct btf_type); i++) {
		const struct btf_type *t = type_at(btf, off);
		uint32_t l = btf->layout[btf_kind(t)], size = btf_length(btf, t);

		__builtin_prefetch(btf->types + off + 2048);
		if (!l || size > len - off)
			break;
		noted[n] = off;
		n += LAYOUT_NOTED(l);
		off += size;
	}
	if (i < BTF_STRIDE && off < len) {
		bad_type(btf, id + i, off, err);
		return 0;
	}
	*count = i;
	for (i = 0; i < n; i++)
		if (note_type(btf, noted[i])) {
			error_memory(err);
			return 0;
		}
	return off;
}

/* The one walk over all types: checks that each lies inside, and builds the indexes. */
static int walk(struct btf *btf, struct error *err)
{
	uint32_t off = 0, id = btf->first, count;

	while (off < btf->types_len) {
		if (note_mark(btf, off))
			return error_memory(err);
		off = walk_stretch(btf, off, id, &count, err);
		if (!off)
			return -1;
		id += count;
	}
	btf->count = id;
	return 0;
}

int btf_init_split(struct btf *btf, const struct btf *base, const void *data, size_t size,
		   struct error *err)
{
	memset(btf, 0, sizeof(*btf));
	btf->data = data;
	btf->size = size;
	btf->base = base;
	btf->first = base ? btf_count(base) : 1;
	btf->strings_start = base ? base->strings_start + base->strings_len : 0;
	btf->pointer_size = base ? base->pointer_size : 8;
	if (open_sections(btf, err) || walk(btf, err)) {
		btf_fini(btf);
		return -1;
	}
	return 0;
}

int btf_init(struct btf *btf, const void *data, size_t size, struct error *err)
{
	return btf_init_split(btf, NULL, data, size, err);
}

int btf_init_owned(struct btf *btf, const struct btf *base, void *blob, size_t size,
		   struct error *err)
{
	int ret = btf_init_split(btf, base, blob, size, err);

	if (ret || btf->copy)
		free(blob);
	else
		btf->copy = blob;
	return ret;
}

static int open_failed(const char *path, int sys, struct error *err)
{
	if (sys == EINVAL)
		return error_set(err, ERROR_FORMAT, "%s: got an empty file or no regular one, expected BTF",
				 path);
	return error_file(err, sys, path);
}

/*
 * The kernel lets its BTF be mapped since Linux 6.16 ("btf: allow mmap of vmlinux btf"), as
 * private memory only. That costs no memory of ours; before, it has to be copied.
 */
int btf_open(struct btf *btf, const struct btf *base, const char *path, struct error *err)
{
	struct map_file file;
	int ret = map_file(&file, path);

	memset(btf, 0, sizeof(*btf));
	if (ret)
		return open_failed(path, -ret, err);
	if (btf_init_split(btf, base, file.data, file.size, err)) {
		unmap_file(&file);
		return error_wrap(err, "%s", path);
	}
	btf->file = file;
	return 0;
}

void btf_fini(struct btf *btf)
{
	vec_fini(&btf->marks);
	vec_fini(&btf->named);
	vec_fini(&btf->tags);
	free(btf->copy);
	free(btf->own_layout);
	unmap_file(&btf->file);
	memset(btf, 0, sizeof(*btf));
}

uint32_t btf_count(const struct btf *btf)
{
	return btf->count;
}

/*
 * Offset of one of its own types, that is known to be there, e.g. id 35 of BTF without a base:
 * the mark (35 - 1) / 16 = 2 is that of id 33; two steps from there.
 */
static uint32_t type_offset(const struct btf *btf, uint32_t id)
{
	uint32_t off = btf->marks.at[(id - btf->first) / BTF_STRIDE];
	uint32_t steps = (id - btf->first) % BTF_STRIDE;

	while (steps--)
		off += btf_length(btf, type_at(btf, off));
	return off;
}

/* The other way round: from the last mark at or before the offset. */
static uint32_t type_id(const struct btf *btf, uint32_t off)
{
	size_t low = 0, high = btf->marks.len;
	uint32_t at, id;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (btf->marks.at[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	id = btf->first + low * BTF_STRIDE;
	for (at = btf->marks.at[low]; at < off; id++)
		at += btf_length(btf, type_at(btf, at));
	return id;
}

const struct btf_type *btf_type(const struct btf *btf, uint32_t id)
{
	while (btf->base && id < btf->first)
		btf = btf->base;
	if (!id || id >= btf->count)
		return NULL;
	return type_at(btf, type_offset(btf, id));
}

const char *btf_string(const struct btf *btf, uint32_t off)
{
	size_t left;
	const char *s = find_string(btf, off, &left);

	return s ? s : "";
}

uint32_t btf_resolve(const struct btf *btf, uint32_t id)
{
	int steps;

	for (steps = 0; steps < MAX_CHAIN; steps++) {
		const struct btf_type *t = btf_type(btf, id);

		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

/* Arrays of arrays multiply: int a[2][3] is 2 * 3 * 4. */
int64_t btf_size(const struct btf *btf, uint32_t id)
{
	uint64_t factor = 1, size;
	int steps;

	for (steps = 0; steps < MAX_CHAIN; steps++) {
		const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
		const struct btf_array *array;

		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			size = factor * t->size;
			return size > UINT32_MAX ? -1 : (int64_t)size;
		case BTF_KIND_PTR:
			size = factor * btf->pointer_size;
			return size > UINT32_MAX ? -1 : (int64_t)size;
		case BTF_KIND_VAR:
			id = t->type;
			break;
		case BTF_KIND_ARRAY:
			array = btf_extra(t);
			factor *= array->nelems;
			if (factor > UINT32_MAX)
				return -1;
			id = array->type;
			break;
		default:
			return -1;
		}
	}
	return -1;
}

struct wanted {
	const char *name;
	uint32_t kind;
	bool flavoured; /* called `name` but for a flavour, which it has */
};

static bool is_wanted(const struct btf *btf, const struct btf_type *t, const struct wanted *wanted)
{
	const char *name = btf_string(btf, t->name_off);
	size_t len;

	if (btf_kind(t) != wanted->kind)
		return false;
	if (!wanted->flavoured)
		return !strcmp(name, wanted->name);
	len = strlen(wanted->name);
	return !strncmp(name, wanted->name, len) && name[len] &&
	       btf_plain_length(name, SIZE_MAX) == len;
}

/* Both look among its own types only, from id on. */
static uint32_t find_listed(const struct btf *btf, const struct wanted *wanted, uint32_t id)
{
	const uint8_t *tag = btf->tags.at, *end = tag + btf->tags.len;
	uint32_t start = type_offset(btf, id);
	uint8_t wanted_tag = name_tag(wanted->name, strlen(wanted->name) + 1);

	for (; tag < end && (tag = memchr(tag, wanted_tag, end - tag)); tag++) {
		uint32_t off = btf->named.at[tag - btf->tags.at];

		if (off >= start && is_wanted(btf, type_at(btf, off), wanted))
			return type_id(btf, off);
	}
	return 0;
}

static uint32_t find_walking(const struct btf *btf, const struct wanted *wanted, uint32_t id)
{
	uint32_t off;

	for (off = type_offset(btf, id); id < btf->count; id++) {
		const struct btf_type *t = type_at(btf, off);

		if (is_wanted(btf, t, wanted))
			return id;
		off += btf_length(btf, t);
	}
	return 0;
}

static uint32_t find(const struct btf *btf, const struct wanted *wanted, uint32_t after)
{
	uint32_t id = after + 1, found = 0;

	if (wanted->kind >= BTF_KINDS || !id)
		return 0;
	if (btf->base && id < btf->first) {
		found = find(btf->base, wanted, after);
		id = btf->first;
	}
	if (found || id >= btf->count)
		return found;
	if (LAYOUT_NAMED(btf->layout[wanted->kind]) && wanted->name[0])
		return btf->tags.len ? find_listed(btf, wanted, id) : 0;
	return find_walking(btf, wanted, id);
}

uint32_t btf_find_next(const struct btf *btf, const char *name, uint32_t kind, uint32_t after)
{
	return find(btf, &(struct wanted){ name, kind, false }, after);
}

uint32_t btf_find_flavour(const struct btf *btf, const char *name, uint32_t kind, uint32_t after)
{
	return find(btf, &(struct wanted){ name, kind, true }, after);
}

uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind)
{
	return btf_find_next(btf, name, kind, 0);
}
