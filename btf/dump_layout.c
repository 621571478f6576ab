// SPDX-License-Identifier: GPL-2.0
/*
 * What a C compiler does with the members of a struct, by the rules that all machines of Linux
 * share, and what must be written so that each ends where the BTF says. In bits:
 *
 *	struct {             end   natural place   BTF says   written as
 *		char a;        0      0               0       char a;
 *		int b;         8     32              32       int b;
 *		short c;      64     64              96       int : 32; short c;
 *		long d;      112    128             120       packed, all of it
 *	};
 *
 * A bit field goes right behind the last one, unless it would then lie across a boundary of its
 * own type; so does `int f : 20` at 16, and goes to 32.
 *
 * Not every machine aligns alike: i386 puts a long long at every fourth byte, arm at every
 * eighth; s390 a __int128 at every eighth, most at every sixteenth. BTF does not say for which
 * machine it is, so both are worked out; where they differ, padding is written that leaves no
 * choice. (Where even that does not do, as on i386, the struct becomes packed.)
 */
#include "btf/dump_internal.h"

/* In dump.shapes: what is known of a struct. */
#define SHAPE_KNOWN 0x80
#define SHAPE_PACKED 0x40
#define SHAPE_BUSY 0xff
#define SHAPE(s) (SHAPE_KNOWN | ((s).packed ? SHAPE_PACKED : 0) | (s).align.high << 3 | (s).align.low)

#define MAX_ALIGN 4 /* 16 bytes */
#define MAX_BITS (1ull << 32)

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Of integers, floats, enums and pointers. */
static struct dump_align scalar_align(const struct dump *d, uint32_t size)
{
	uint8_t natural = size ? __builtin_ctz(size) : 0;
	uint8_t least = d->btf->pointer_size == 4 ? 2 : 3;

	if (natural > MAX_ALIGN)
		natural = MAX_ALIGN;
	return (struct dump_align){ natural < least ? natural : least, natural };
}

static bool set_extent(struct dump_extent *e, uint64_t factor, uint64_t size,
		       struct dump_align align)
{
	if (size && factor > MAX_BITS / 8 / size)
		return false;
	*e = (struct dump_extent){ factor * size * 8, align };
	return true;
}

/* False: it has none (void, function, incomplete, over 512 MiB). */
static bool find_extent(struct dump *d, uint32_t id, struct dump_extent *extent)
{
	uint64_t factor = 1;
	int steps;

	for (steps = 0; id && steps < DUMP_DEPTH; steps++) {
		const struct btf_type *t = dump_type(d, id);
		const struct btf_array *array;

		switch (btf_kind(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return set_extent(extent, factor, t->size, scalar_align(d, t->size));
		case BTF_KIND_PTR:
			return set_extent(extent, factor, d->btf->pointer_size,
					  scalar_align(d, d->btf->pointer_size));
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return d->shapes[id] != SHAPE_BUSY &&
			       set_extent(extent, factor, t->size, dump_shape(d, id).align);
		case BTF_KIND_ARRAY:
			array = btf_extra(t);
			factor *= array->nelems;
			if (factor > MAX_BITS)
				return false;
			id = array->type;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return false;
		}
	}
	return false;
}

/*
 * Before the kind flag (Linux 5.0, pahole 1.13) a bit field was an integer type of its own with
 * fewer bits than its size has, which may begin some bits behind the member's offset.
 */
static void old_bits(struct dump *d, struct dump_member *m)
{
	uint32_t id = dump_resolve(d, m->m->type), info;

	if (!id || btf_kind(dump_type(d, id)) != BTF_KIND_INT)
		return;
	info = *(const uint32_t *)btf_extra(dump_type(d, id));
	if (BTF_INT_BITS(info) && BTF_INT_BITS(info) < dump_type(d, id)->size * 8) {
		m->bits = BTF_INT_BITS(info);
		m->offset += BTF_INT_OFFSET(info);
	}
}

struct dump_member dump_member(struct dump *d, const struct btf_type *t, uint32_t index)
{
	struct dump_member m = { .m = (const struct btf_member *)btf_extra(t) + index };

	m.offset = btf_member_bit_offset(t, m.m);
	m.bits = btf_member_bits(t, m.m);
	if (!BTF_INFO_KFLAG(t->info))
		old_bits(d, &m);
	m.has_extent = find_extent(d, m.m->type, &m.extent);
	return m;
}

/* Where the compiler puts a member at the earliest, from bit `at` on. */
static uint64_t natural(uint64_t at, const struct dump_member *m, uint8_t align)
{
	uint64_t unit = 8ull << align;

	if (!m->bits)
		return round_up(at, unit);
	return at % unit + m->bits > m->extent.bits ? round_up(at, unit) : at;
}

static bool goes_to(const struct dump_member *m, uint64_t at, bool packed)
{
	if (packed)
		return m->offset == (m->bits ? at : round_up(at, 8));
	return m->offset == natural(at, m, m->extent.align.low) &&
	       m->offset == natural(at, m, m->extent.align.high);
}

enum dump_fit dump_fit(const struct dump_place *place, const struct dump_member *m)
{
	uint64_t at = place->is_union ? 0 : place->end;

	if (!m->has_extent || m->bits > m->extent.bits || m->offset < at ||
	    m->offset + (m->bits ? m->bits : m->extent.bits) > place->limit ||
	    (!m->bits && m->offset % 8))
		return FIT_NEVER;
	if (goes_to(m, at, place->packed))
		return FIT_PLAIN;
	if (place->is_union)
		return FIT_NEVER;
	return goes_to(m, m->offset, place->packed) ? FIT_PADDED : FIT_PACKED;
}

void dump_advance(struct dump_place *place, const struct dump_member *m)
{
	uint64_t end = m->offset + (m->bits ? m->bits : m->extent.bits);

	if (end > place->end)
		place->end = end;
}

bool dump_fits_whole(const struct dump_place *place, struct dump_align align)
{
	return round_up(place->end, 8ull << align.low) == place->limit &&
	       round_up(place->end, 8ull << align.high) == place->limit;
}

/*
 * A packed struct gets the widest alignment that neither its size nor a member's place
 * contradicts. E.g. { int a; long b; } of 12 bytes, b at 4, is aligned to 4: nothing says
 * otherwise, and compilers take a member of a struct aligned to 1 byte by byte.
 */
static struct dump_shape work_out(struct dump *d, const struct btf_type *t)
{
	struct dump_place place = { .limit = t->size * 8ull,
				    .is_union = btf_kind(t) == BTF_KIND_UNION };
	struct dump_shape s = { 0 };
	uint8_t widest = t->size ? __builtin_ctz(t->size) : MAX_ALIGN;
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		struct dump_member m = dump_member(d, t, i);
		enum dump_fit fit = dump_fit(&place, &m);

		if (fit == FIT_NEVER)
			continue;
		if (m.extent.align.low > s.align.low)
			s.align.low = m.extent.align.low;
		if (m.extent.align.high > s.align.high)
			s.align.high = m.extent.align.high;
		if (!m.bits && m.offset && __builtin_ctzll(m.offset / 8) < m.extent.align.high &&
		    __builtin_ctzll(m.offset / 8) < widest)
			widest = __builtin_ctzll(m.offset / 8);
		s.packed |= fit == FIT_PACKED;
		dump_advance(&place, &m);
	}
	s.packed |= widest < s.align.high;
	if (s.packed && widest > s.align.high)
		widest = s.align.high;
	if (s.packed)
		s.align = (struct dump_align){ widest, widest };
	return s;
}

struct dump_shape dump_shape(struct dump *d, uint32_t id)
{
	uint8_t *known = &d->shapes[id];

	if (!*known) {
		*known = SHAPE_BUSY;
		*known = SHAPE(work_out(d, dump_type(d, id)));
	}
	return (struct dump_shape){ *known & SHAPE_PACKED, { *known & 7, *known >> 3 & 7 } };
}
