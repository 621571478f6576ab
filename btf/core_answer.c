// SPDX-License-Identifier: GPL-2.0
/* From a place in a type to the number that the instruction is to hold. */
#include "btf/core_internal.h"

uint64_t core_enum_value(const struct btf *btf, uint32_t id, uint32_t index)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	const struct btf_enum64 *e64;
	int32_t value;

	if (btf_kind(t) == BTF_KIND_ENUM64) {
		e64 = (const struct btf_enum64 *)btf_extra(t) + index;
		return btf_enum64_value(e64);
	}
	value = ((const struct btf_enum *)btf_extra(t))[index].val;
	/* The kind flag says "signed" since Linux 6.0; before, nothing did. */
	return BTF_INFO_KFLAG(t->info) || value >= 0 ? (uint64_t)(int64_t)value : (uint32_t)value;
}

bool core_is_signed(const struct btf_type *t)
{
	if (btf_kind(t) == BTF_KIND_INT)
		return BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t)) & BTF_INT_SIGNED;
	return btf_is_enum(t) && BTF_INFO_KFLAG(t->info);
}

/*
 * The bytes that a program loads to get at a bit field: as many as its type has, aligned to
 * that; doubled while the field sticks out. E.g. 6 bits at bit offset 29 of type int (4 bytes):
 * bytes 0..3 end at bit 32, the field at 35, so bytes 0..7 it is.
 */
static bool bit_field_window(const struct place *place, uint32_t size, uint64_t *byte,
			     uint32_t *bytes)
{
	if (!size || size > 8 || size & (size - 1) || place->bits > 64)
		return false;
	for (*bytes = size; *bytes <= 8; *bytes *= 2) {
		*byte = place->bit_offset / 8 / *bytes * *bytes;
		if (place->bit_offset + place->bits <= (*byte + *bytes) * 8)
			return true;
	}
	return false;
}

/* The machine described, which need not be this one. */
static bool is_big(const struct btf *btf)
{
	return (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) != btf->foreign;
}

/* What a load there takes: of an array, one element. */
static void note_access(const struct btf *btf, uint32_t id, struct answer *answer)
{
	int64_t size;
	int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));

		if (!t || btf_kind(t) != BTF_KIND_ARRAY)
			break;
		id = ((const struct btf_array *)btf_extra(t))->type;
	}
	size = btf_size(btf, id);
	answer->load_size = size < 0 ? 0 : size;
	answer->load_type = id;
}

/*
 * Two bit fields are in the same bits of what a load gets where the number of bits and this
 * agree. On machines that count bits from the top it takes loads of one size for that.
 */
static void note_bits(const struct btf *btf, const struct place *place, uint32_t bytes,
		      uint32_t shift, struct answer *answer)
{
	answer->bits = place->bits;
	answer->shift = is_big(btf) ? bytes * 64 + shift : shift;
	answer->load_type = place->type;
}

struct answer core_place_answer(const struct btf *btf, const struct place *place, uint32_t kind)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, place->type));
	struct answer answer = { 0 };
	uint64_t byte = place->bit_offset / 8;
	int64_t size = btf_size(btf, place->type);
	uint32_t bytes = size < 0 ? 0 : size, bits, shift;

	/*
	 * Compilers differ in which bytes they load for a bit field, and they did in what they call
	 * signed, so there the instruction may well hold another value than ours.
	 */
	answer.unchecked = place->bits || kind == BPF_CORE_FIELD_SIGNED;
	if (!t || (place->bits && (size < 0 || !bit_field_window(place, size, &byte, &bytes)))) {
		answer.fault = CORE_UNSIZED;
		return answer;
	}
	bits = place->bits ? place->bits : bytes * 8;
	shift = place->bit_offset - byte * 8;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		answer.value = byte;
		if (place->bits)
			note_bits(btf, place, bytes, shift, &answer);
		else
			note_access(btf, place->type, &answer);
		break;
	case BPF_CORE_FIELD_BYTE_SIZE:
		answer.value = bytes;
		answer.fault = size < 0 ? CORE_UNSIZED : CORE_RESOLVED;
		break;
	case BPF_CORE_FIELD_SIGNED:
		answer.value = core_is_signed(t);
		break;
	case BPF_CORE_FIELD_LSHIFT_U64:
		answer.fault = !bytes || bytes > 8 ? CORE_UNSIZED : CORE_RESOLVED;
		answer.value = is_big(btf) ? (8 - bytes) * 8 + shift : 64 - (shift + bits);
		break;
	case BPF_CORE_FIELD_RSHIFT_U64:
		answer.fault = !bytes || bytes > 8 ? CORE_UNSIZED : CORE_RESOLVED;
		answer.value = 64 - bits;
		break;
	}
	return answer;
}

struct answer core_type_answer(const struct btf *btf, uint32_t id, uint32_t kind)
{
	int64_t size = btf_size(btf, id);

	switch (kind) {
	case BPF_CORE_TYPE_SIZE:
		if (size < 0)
			return (struct answer){ .fault = CORE_UNSIZED };
		return (struct answer){ .value = size };
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_MATCHES:
		return (struct answer){ .value = 1 };
	default: /* ids change when objects are linked, so the present value says nothing */
		return (struct answer){ .value = id, .unchecked = true };
	}
}

/* What the instruction must hold now. */
struct answer core_local_answer(const struct core *core, const struct path *path,
				  const struct place *place)
{
	uint32_t kind = core->relo->kind;

	if (kind == BPF_CORE_FIELD_EXISTS || kind == BPF_CORE_ENUMVAL_EXISTS)
		return (struct answer){ .value = 1 };
	if (core_is_field_relo(kind))
		return core_place_answer(core->local, place, kind);
	if (core_is_enum_relo(kind))
		return (struct answer){ .value = core_enum_value(core->local, path->steps[0].type,
							    path->steps[0].index) };
	return core_type_answer(core->local, path->root, kind);
}
