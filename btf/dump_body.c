// SPDX-License-Identifier: GPL-2.0
#include "btf/dump_internal.h"

/* Lines of padding; more become an array. */
#define PAD_LINES 64

/* DUMP_DEPTH levels at most. */
static void put_indent(struct dump *d, unsigned int indent)
{
	while (indent--)
		TEXT(d->out, "\t");
}

/* ---- padding ---- */

/*
 * From place->end to `to` by bit fields without a name. They must not move by themselves, nor
 * widen the alignment, which on ARM even they do: so not beyond a boundary of their type, and
 * none wider than the struct's alignment. E.g. from 3 to 64 in a struct aligned to 8:
 *
 *	int : 29;
 *	int : 32;
 */
static void pad_bits(struct dump *d, struct dump_place *place, uint64_t to, unsigned int widest,
		     unsigned int indent)
{
	while (place->end < to) {
		uint64_t left = to - place->end;
		unsigned int unit = widest, bits;

		if (unit > 32 && (left <= 32 || place->end % 64))
			unit = 32;
		bits = place->packed ? unit : unit - place->end % unit;
		bits = bits < left ? bits : left;
		put_indent(d, indent);
		text_string(d->out, unit == 8 ? "char" : unit == 16 ? "short" : unit == 32 ? "int" :
				    "long");
		TEXT(d->out, " : ");
		text_number(d->out, bits);
		TEXT(d->out, ";\n");
		place->end += bits;
	}
}

static void pad_bytes(struct dump *d, struct dump_place *place, uint64_t to, unsigned int indent)
{
	put_indent(d, indent);
	TEXT(d->out, "unsigned char __gap_");
	text_number(d->out, place->end / 8);
	TEXT(d->out, "[");
	text_number(d->out, (to - place->end) / 8);
	TEXT(d->out, "];\n");
	place->end = to;
}

static void pad(struct dump *d, struct dump_place *place, struct dump_align align, uint64_t to,
		unsigned int indent)
{
	unsigned int word = d->btf->pointer_size * 8, widest = 8u << align.low;

	if (place->packed || widest > word)
		widest = word;
	if (place->is_union) {
		place->end = 0;
		pad_bytes(d, place, to, indent);
	} else if (to - place->end > PAD_LINES * widest) {
		pad_bits(d, place, (place->end + 7) / 8 * 8, widest, indent);
		pad_bytes(d, place, to / 8 * 8, indent);
	}
	pad_bits(d, place, to, widest, indent);
}

/* ---- structs and unions ---- */

static int put_impossible(struct dump *d, const struct dump_member *m, unsigned int indent)
{
	const char *name = dump_name_member(d, m->m->name_off);

	if (!name)
		return -1;
	put_indent(d, indent);
	TEXT(d->out, "/* ");
	text_string(d->out, name);
	TEXT(d->out, " at bit ");
	text_number(d->out, m->offset);
	TEXT(d->out, ": C cannot put it there */\n");
	return 0;
}

/*
 * A member without a name has its members in the outer struct. That its type has one takes
 * -fms-extensions, with which Linux is built since 6.19: written out, it takes none.
 */
static int put_unnamed(struct dump *d, const struct dump_member *m, unsigned int indent)
{
	return dump_composite_body(d, dump_resolve(d, m->m->type), indent);
}

static bool is_unnamed(struct dump *d, const struct dump_member *m)
{
	uint32_t id = dump_resolve(d, m->m->type);

	return !m->m->name_off && id && btf_is_composite(dump_type(d, id));
}

static int put_member(struct dump *d, uint32_t id, uint32_t index, const struct dump_member *m,
		      unsigned int indent)
{
	const char *name = m->m->name_off ? dump_name_member(d, m->m->name_off) : "";
	int ret;

	if (!name)
		return -1;
	put_indent(d, indent);
	ret = is_unnamed(d, m) ? put_unnamed(d, m, indent) :
				 dump_declare(d, m->m->type, name, indent);
	if (m->bits) {
		text_string(d->out, m->m->name_off ? ": " : " : ");
		text_number(d->out, m->bits);
	}
	dump_decl_tags(d, id, index);
	TEXT(d->out, ";\n");
	return ret;
}

static int put_members(struct dump *d, uint32_t id, struct dump_shape shape, unsigned int indent)
{
	const struct btf_type *t = dump_type(d, id);
	struct dump_place place = { .limit = t->size * 8ull, .packed = shape.packed,
				    .is_union = btf_kind(t) == BTF_KIND_UNION };
	uint32_t i;
	int ret = 0;

	for (i = 0; i < btf_vlen(t) && !ret; i++) {
		struct dump_member m = dump_member(d, t, i);
		enum dump_fit fit = dump_fit(&place, &m);

		if (fit == FIT_NEVER || (!m.m->name_off && !m.bits && !is_unnamed(d, &m))) {
			ret = put_impossible(d, &m, indent);
			continue;
		}
		if (fit == FIT_PADDED)
			pad(d, &place, shape.align, m.offset, indent);
		ret = put_member(d, id, i, &m, indent);
		dump_advance(&place, &m);
	}
	if (!dump_fits_whole(&place, shape.align))
		pad(d, &place, shape.align, place.limit, indent);
	return ret;
}

static void put_packed(struct dump *d, struct dump_shape shape)
{
	if (!shape.packed)
		return;
	TEXT(d->out, " __attribute__((packed");
	if (shape.align.low) {
		TEXT(d->out, ", aligned(");
		text_number(d->out, 1u << shape.align.low);
		TEXT(d->out, ")");
	}
	TEXT(d->out, "))");
}

int dump_composite_body(struct dump *d, uint32_t id, unsigned int indent)
{
	const struct btf_type *t = dump_type(d, id);
	struct dump_shape shape = dump_shape(d, id);
	int ret;

	if (dump_nest(d, id) || dump_enter(d, id))
		return -1;
	text_string(d->out, btf_kind(t) == BTF_KIND_UNION ? "union" : "struct");
	/* Inside another it stands for a member without a name, see put_unnamed(). */
	if (t->name_off && !indent) {
		TEXT(d->out, " ");
		text_string(d->out, dump_type_name(d, id));
	}
	TEXT(d->out, " {\n");
	ret = put_members(d, id, shape, indent + 1);
	put_indent(d, indent);
	TEXT(d->out, "}");
	put_packed(d, shape);
	dump_decl_tags(d, id, -1);
	dump_leave(d);
	return ret;
}

/* ---- enums ---- */

/*
 * pahole says since 1.24 whether an enum has a sign. Before, an enumerator close below zero, as
 * an error number, is more likely than one close to 2^32.
 */
static bool is_signed(struct dump *d, const struct btf_type *t)
{
	const struct btf_enum *e = btf_extra(t);
	bool negative = false;
	uint32_t i;

	if (d->signs || btf_kind(t) == BTF_KIND_ENUM64)
		return BTF_INFO_KFLAG(t->info);
	for (i = 0; i < btf_vlen(t); i++) {
		if (e[i].val < -UINT16_MAX)
			return false;
		negative |= e[i].val < 0;
	}
	return negative;
}

/* The least number has no literal of its own: a minus is not part of it. */
static void put_wide(struct dump *d, uint64_t value, bool sign)
{
	if (!sign) {
		text_number(d->out, value);
		TEXT(d->out, "ULL");
	} else if (value == 1ull << 63) {
		TEXT(d->out, "-9223372036854775807LL - 1");
	} else {
		text_signed(d->out, value);
		TEXT(d->out, "LL");
	}
}

static int put_enumerator(struct dump *d, const struct btf_type *t, uint32_t index, bool sign)
{
	const struct btf_enum *e = (const struct btf_enum *)btf_extra(t) + index;
	const struct btf_enum64 *wide = (const struct btf_enum64 *)btf_extra(t) + index;
	const char *name = dump_name_ordinary(d, btf_enumerator_name(t, index));

	if (!name)
		return -1;
	text_string(d->out, name);
	TEXT(d->out, " = ");
	if (btf_kind(t) == BTF_KIND_ENUM64)
		put_wide(d, btf_enum64_value(wide), sign);
	else if (sign)
		text_signed(d->out, e->val);
	else
		text_number(d->out, (uint32_t)e->val);
	TEXT(d->out, ",\n");
	return 0;
}

/* Of any size but that of an int. The mode is what the machine modes of GCC are called. */
static void put_mode(struct dump *d, uint32_t size)
{
	if (size == 1)
		TEXT(d->out, " __attribute__((mode(QI)))");
	else if (size == 2)
		TEXT(d->out, " __attribute__((mode(HI)))");
	else if (size == 8)
		TEXT(d->out, " __attribute__((mode(DI)))");
}

/* C has no enum without enumerators; in BTF it is one that is declared and nowhere defined. */
static void put_no_enumerator(struct dump *d, uint32_t id, unsigned int indent)
{
	put_indent(d, indent);
	TEXT(d->out, "__no_value_of_enum_");
	text_number(d->out, id);
	TEXT(d->out, ",\n");
}

int dump_enum_body(struct dump *d, uint32_t id, unsigned int indent)
{
	const struct btf_type *t = dump_type(d, id);
	bool sign = is_signed(d, t);
	uint32_t i;

	d->state[id] |= STATE_DECLARED;
	TEXT(d->out, "enum ");
	if (t->name_off) {
		text_string(d->out, dump_type_name(d, id));
		TEXT(d->out, " ");
	}
	TEXT(d->out, "{\n");
	if (!btf_vlen(t))
		put_no_enumerator(d, id, indent + 1);
	for (i = 0; i < btf_vlen(t); i++) {
		put_indent(d, indent + 1);
		if (put_enumerator(d, t, i, sign))
			return -1;
	}
	put_indent(d, indent);
	TEXT(d->out, "}");
	put_mode(d, t->size);
	dump_decl_tags(d, id, -1);
	return 0;
}
