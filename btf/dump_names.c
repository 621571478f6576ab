// SPDX-License-Identifier: GPL-2.0
/*
 * C has two spaces of names at file scope: tags (struct, union and enum together), and the
 * ordinary ones: typedefs, enumerators, functions. A kernel is many files, each with its own
 * idea of what a name stands for. Who comes first keeps the name, the second is name___2, e.g.
 *
 *	struct ring { ... };    struct ring___2 { ... };    enum { ring };
 *
 * CO-RE takes what is before ___ for the name. The keywords have been there before all others.
 *
 * The table is open addressing over the text of names. These stay where they are, in the BTF, or
 * were made up and are in `made`, told by the top bit.
 */
#include <stdio.h>
#include <string.h>

#include "btf/dump_internal.h"

#define MADE (1u << 31)
#define IS_ORDINARY 1 /* in dump_name.number */
#define KEYWORD UINT32_MAX

static const char *const keywords[] = {
	"asm", "auto", "break", "case", "char", "const", "continue", "default", "do", "double",
	"else", "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long",
	"register", "restrict", "return", "short", "signed", "sizeof", "static", "struct",
	"switch", "typedef", "typeof", "union", "unsigned", "void", "volatile", "while",
	"_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Float128", "_Float16",
	"_Float32", "_Float32x", "_Float64", "_Float64x", "_Generic", "_Imaginary", "_Noreturn",
	"_Static_assert", "_Thread_local", "__attribute__", "__bf16", "__builtin_va_list",
	"__extension__", "__float128", "__fp16", "__int128", "__thread",
};

static bool is_keyword(const char *name)
{
	size_t low = 0, high = sizeof(keywords) / sizeof(keywords[0]);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(name, keywords[mid]);

		if (!order)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static bool is_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool is_identifier(const char *name)
{
	const char *p = name;

	while (is_word(*p))
		p++;
	return p > name && !*p && !(*name >= '0' && *name <= '9');
}

static const char *text_of(const struct dump *d, uint32_t text)
{
	return text & MADE ? d->names.made.at + (text & ~MADE) : btf_string(d->btf, text);
}

/* ---- made up names ---- */

/* 0, or a new text; only the last may be dropped, by drop(). */
static uint32_t make(struct dump *d, const char *name, const char *suffix)
{
	size_t at = d->names.made.len, len = strlen(name), i;
	char *to = vec_add(&d->names.made, len + strlen(suffix) + 2);

	if (!to || at >= MADE) {
		error_memory(d->err);
		return 0;
	}
	if (!is_word(*name) || (*name >= '0' && *name <= '9'))
		*to++ = '_';
	else
		d->names.made.len--;
	for (i = 0; i < len; i++)
		*to++ = is_word(name[i]) ? name[i] : '_';
	strcpy(to, suffix);
	return MADE | at;
}

static void drop(struct dump *d, uint32_t text)
{
	d->names.made.len = text & ~MADE;
}

/* ---- the table ---- */

static uint32_t hash(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	while (*name)
		h = (h ^ (uint8_t)*name++) * 16777619u;
	return h ^ h >> 15;
}

/* Where the name is, or the free slot where it would be. */
static struct dump_name *slot_of(const struct dump *d, const struct dump_names *names,
				 uint32_t text)
{
	const char *name = text_of(d, text);
	uint32_t at = hash(name) & (names->cap - 1);

	while (names->slots[at].text && names->slots[at].text != text &&
	       strcmp(text_of(d, names->slots[at].text), name))
		at = (at + 1) & (names->cap - 1);
	return &names->slots[at];
}

static int grow(struct dump *d)
{
	struct dump_names bigger = { .cap = d->names.cap ? d->names.cap * 2 : 1024 };
	uint32_t i;

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return error_memory(d->err);
	for (i = 0; i < d->names.cap; i++)
		if (d->names.slots[i].text)
			*slot_of(d, &bigger, d->names.slots[i].text) = d->names.slots[i];
	free(d->names.slots);
	d->names.slots = bigger.slots;
	d->names.cap = bigger.cap;
	return 0;
}

/* The name's entry, made if it is new. NULL: no memory. */
static struct dump_name *enter(struct dump *d, uint32_t text)
{
	struct dump_name *slot;

	if (d->names.len + 1 > d->names.cap / 4 * 3 && grow(d))
		return NULL;
	slot = slot_of(d, &d->names, text);
	d->names.len += !slot->text;
	if (!slot->text)
		slot->text = text;
	return slot;
}

int dump_names_init(struct dump *d)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		uint32_t text = make(d, keywords[i], "");
		struct dump_name *slot = text ? enter(d, text) : NULL;

		if (!slot)
			return -1;
		slot->tag = KEYWORD;
		slot->number = IS_ORDINARY;
	}
	return 0;
}

void dump_names_fini(struct dump *d)
{
	free(d->names.slots);
	vec_fini(&d->names.made);
	table_fini(&d->renamed);
}

/* ---- taking names ---- */

static bool is_tag(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_enum(t) || btf_kind(t) == BTF_KIND_FWD;
}

static bool is_union(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_UNION ||
	       (btf_kind(t) == BTF_KIND_FWD && BTF_INFO_KFLAG(t->info));
}

/* "struct x;" is the same as "struct x { ... };", whichever comes first. */
static bool is_same_tag(struct dump *d, uint32_t owner, uint32_t id)
{
	const struct btf_type *a = dump_type(d, owner), *b = dump_type(d, id);

	return (btf_kind(a) == BTF_KIND_FWD || btf_kind(b) == BTF_KIND_FWD) && !btf_is_enum(a) &&
	       !btf_is_enum(b) && is_union(a) == is_union(b);
}

static bool take_tag(struct dump *d, struct dump_name *slot, uint32_t id)
{
	uint32_t owner = slot->tag;

	if (!owner) {
		slot->tag = id;
		return true;
	}
	if (owner == KEYWORD || !is_same_tag(d, owner, id))
		return false;
	if (btf_kind(dump_type(d, owner)) == BTF_KIND_FWD)
		slot->tag = id;
	if (d->state[owner] & (STATE_DECLARED | STATE_COMPLETE))
		d->state[id] |= STATE_DECLARED;
	return true;
}

/* id: of what gets the tag; 0: an ordinary name is wanted. */
static bool take(struct dump *d, struct dump_name *slot, uint32_t id)
{
	if (id)
		return take_tag(d, slot, id);
	if (slot->number & IS_ORDINARY)
		return false;
	slot->number |= IS_ORDINARY;
	return true;
}

/* The first of name___2, name___3 ... that is free. */
static uint32_t take_numbered(struct dump *d, uint32_t text, uint32_t id)
{
	uint32_t number = enter(d, text)->number >> 1, made = 0;
	struct dump_name *slot = NULL;
	char suffix[16];

	/* Room at once, as a name that is in `made` itself must not move under its copying. */
	if (!vec_add(&d->names.made, strlen(text_of(d, text)) + 2 * sizeof(suffix)))
		return 0;
	d->names.made.len -= strlen(text_of(d, text)) + 2 * sizeof(suffix);
	number = number < 2 ? 2 : number;
	do {
		if (slot)
			drop(d, made);
		snprintf(suffix, sizeof(suffix), "___%u", number++);
		made = make(d, text_of(d, text), suffix);
		slot = made ? enter(d, made) : NULL;
	} while (slot && !take(d, slot, id));
	if (!slot)
		return 0;
	slot = enter(d, text);
	slot->number = number << 1 | (slot->number & IS_ORDINARY);
	return made;
}

/* 0: no memory. */
static uint32_t take_name(struct dump *d, uint32_t name_off, uint32_t id)
{
	const char *name = btf_string(d->btf, name_off);
	uint32_t text = is_identifier(name) ? name_off : make(d, name, "");
	struct dump_name *slot = text ? enter(d, text) : NULL;

	if (!slot)
		return 0;
	return take(d, slot, id) ? text : take_numbered(d, text, id);
}

int dump_name_type(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	uint32_t text = take_name(d, t->name_off, is_tag(t) ? id : 0);

	if (!text)
		return error_memory(d->err);
	d->state[id] |= STATE_NAMED;
	if (text == t->name_off)
		return 0;
	d->state[id] |= STATE_RENAMED;
	if (table_put(&d->renamed, id, (void *)(uintptr_t)text))
		return error_memory(d->err);
	return 0;
}

const char *dump_type_name(struct dump *d, uint32_t id)
{
	if (d->state[id] & STATE_RENAMED)
		return text_of(d, (uintptr_t)table_get(&d->renamed, id));
	return btf_string(d->btf, dump_type(d, id)->name_off);
}

const char *dump_name_ordinary(struct dump *d, uint32_t name_off)
{
	uint32_t text = take_name(d, name_off, 0);

	return text ? text_of(d, text) : NULL;
}

const char *dump_name_member(struct dump *d, uint32_t name_off)
{
	const char *name = btf_string(d->btf, name_off);
	uint32_t text;

	if (is_identifier(name) && !is_keyword(name))
		return name;
	text = make(d, name, is_keyword(name) ? "_" : "");
	if (!text)
		return NULL;
	drop(d, text);
	return text_of(d, text);
}
