// SPDX-License-Identifier: GPL-2.0
/* What is known of registers and of the stack, and what instructions make of that. */
#include "compat/fold_internal.h"

#include <string.h>

#include "compat/arith.h"
#include "compat/insn.h"

/* BPF_STX | BPF_ATOMIC, in imm, since Linux 6.15: loads and stores that order others. */
#define ATOMIC_LOAD_ACQUIRE 0x100

/* ---- values ---- */

static uint16_t known_in_both(const struct value *a, const struct value *b)
{
	uint16_t known = a->known & b->known;
	uint8_t x[8], y[8];

	memcpy(x, &a->n, 8);
	memcpy(y, &b->n, 8);
	for (int i = 0; i < 8; i++)
		if (x[i] != y[i])
			known &= ~(1 << i);
	return known;
}

/* What is left of a constant, of which perhaps no byte is known any more. */
static struct value with_known(struct value v, uint16_t known)
{
	v.known = known;
	if (known & ALL_BYTES)
		return v;
	return known & IS_NUMBER ? OTHER : ANY;
}

bool fold_may_be_frame(const struct value *v)
{
	return v->kind == VALUE_FRAME || v->kind == VALUE_ANY ||
	       (v->kind == VALUE_CONST && !(v->known & IS_NUMBER));
}

struct value fold_join(const struct value *a, const struct value *b, bool on_stack)
{
	if (a->kind == VALUE_NONE)
		return *b;
	if (b->kind == VALUE_NONE)
		return *a;
	if (a->kind == VALUE_CONST && b->kind == VALUE_CONST && on_stack)
		return with_known(*a, known_in_both(a, b));
	if (a->kind == b->kind && a->n == b->n && a->map == b->map)
		return *a;
	return fold_may_be_frame(a) || fold_may_be_frame(b) ? ANY : OTHER;
}

struct value fold_seen_from_outside(struct value v)
{
	return fold_may_be_frame(&v) || v.kind == VALUE_RESULT ? OTHER : v;
}

struct value fold_reg(const struct fold *f, uint8_t number)
{
	if (number == BPF_REG_10)
		return (struct value){ .kind = VALUE_FRAME };
	return number < REGS ? f->now[number] : ANY;
}

void fold_set_reg(struct fold *f, uint8_t number, struct value v)
{
	if (number < REGS)
		f->now[number] = v;
}

/* ---- the stack ---- */

int64_t fold_stack_byte(const struct fold *f, const struct value *address, int16_t off)
{
	return (int64_t)(address->n + off + f->slots * 8);
}

void fold_forget_stack(struct fold *f, int64_t from)
{
	uint32_t i = from < 0 ? 0 : from / 8 < f->slots ? from / 8 : f->slots;

	for (; i < f->slots; i++)
		f->now[REGS + i] = ANY;
}

void fold_overwrite_stack(struct fold *f, int64_t from, uint32_t size)
{
	for (uint32_t i = 0; i < f->slots; i++) {
		struct value *slot = &f->now[REGS + i];
		int64_t begin = 8 * (int64_t)i, end = begin + 8;

		if (begin >= from && end <= from + size)
			*slot = OTHER;
		else if (begin < from + size && end > from)
			*slot = fold_may_be_frame(slot) ? ANY : OTHER;
	}
}

static uint64_t get(const uint8_t *from, uint32_t size)
{
	uint16_t h;
	uint32_t w;
	uint64_t d;

	switch (size) {
	case 1: return *from;
	case 2: memcpy(&h, from, 2); return h;
	case 4: memcpy(&w, from, 4); return w;
	}
	memcpy(&d, from, 8);
	return d;
}

static void put(uint8_t *to, uint32_t size, uint64_t value)
{
	uint8_t b = value;
	uint16_t h = value;
	uint32_t w = value;

	switch (size) {
	case 1: memcpy(to, &b, 1); break;
	case 2: memcpy(to, &h, 2); break;
	case 4: memcpy(to, &w, 4); break;
	default: memcpy(to, &value, 8);
	}
}

static void store_part(struct value *slot, uint32_t at, uint32_t size, const struct value *v)
{
	uint16_t mask = ((1 << size) - 1) << at, known = slot->known;
	uint8_t bytes[8];

	if (slot->kind != VALUE_CONST) {
		known = fold_may_be_frame(slot) ? 0 : IS_NUMBER;
		slot->n = 0;
		slot->map = 0;
	}
	slot->kind = VALUE_CONST;
	if (v->kind != VALUE_CONST) {
		known &= fold_may_be_frame(v) ? ~(mask | IS_NUMBER) : ~mask;
	} else {
		memcpy(bytes, &slot->n, 8);
		put(bytes + at, size, v->n);
		memcpy(&slot->n, bytes, 8);
		known |= mask;
	}
	*slot = with_known(*slot, known);
}

static void store_stack(struct fold *f, int64_t at, uint32_t size, const struct value *v)
{
	struct value *slot;

	if (!f->slots || at <= -8 || at >= f->slots * 8)
		return; /* none of the words that are kept */
	slot = &f->now[REGS + at / 8];
	if (at >= 0 && at % 8 + size <= 8 && size < 8) {
		store_part(slot, at % 8, size, v);
	} else if (at >= 0 && at % 8 == 0) {
		*slot = *v;
	} else {
		/* Across two words, which no compiler does. */
		*slot = ANY;
		if (at > 0 && at / 8 + 1 < f->slots)
			slot[1] = ANY;
	}
}

static struct value load_stack(const struct fold *f, int64_t at, uint32_t size)
{
	const struct value *slot;
	uint8_t mask, bytes[8];

	if (at < 0 || at + size > f->slots * 8 || at % 8 + size > 8)
		return ANY;
	slot = &f->now[REGS + at / 8];
	mask = ((1 << size) - 1) << at % 8;
	if (slot->kind != VALUE_CONST && size == 8)
		return *slot;
	if (slot->kind != VALUE_CONST || (slot->known & mask) != mask)
		return fold_may_be_frame(slot) ? ANY : OTHER;
	memcpy(bytes, &slot->n, 8);
	return CONST(get(bytes + at % 8, size));
}

/* ---- instructions ---- */

/* Only read-only data is still what it is in the object when the program runs. */
static struct value load_global(const struct fold *f, const struct value *address, int16_t off,
				uint32_t size)
{
	const struct map *map = &f->obj->maps.at[address->map];
	uint64_t at = address->n + off;

	if (!map_is_constant(map) || at > map->value_size ||
	    size > map->value_size - at)
		return OTHER;
	return CONST(get(map->data + at, size));
}

struct value fold_loaded(const struct fold *f, const struct bpf_insn *insn)
{
	struct value address = fold_reg(f, insn->src_reg), v;
	uint32_t size = insn_bytes(insn);

	if (address.kind == VALUE_FRAME)
		v = load_stack(f, fold_stack_byte(f, &address, insn->off), size);
	else if (address.kind == VALUE_GLOBAL)
		v = load_global(f, &address, insn->off, size);
	else
		v = address.kind == VALUE_ANY ? ANY : OTHER;
	if (v.kind == VALUE_CONST && BPF_MODE(insn->code) == BPF_MEMSX)
		v.n = arith_extend(v.n, size * 8);
	return v;
}

void fold_load(struct fold *f, const struct bpf_insn *insn)
{
	fold_set_reg(f, insn->dst_reg, fold_loaded(f, insn));
}

static void store(struct fold *f, const struct bpf_insn *insn, const struct value *v)
{
	struct value address = fold_reg(f, insn->dst_reg);

	if (address.kind == VALUE_FRAME)
		store_stack(f, fold_stack_byte(f, &address, insn->off), insn_bytes(insn), v);
	else if (address.kind == VALUE_ANY)
		fold_forget_stack(f, 0);
}

static void walk_atomic(struct fold *f, const struct bpf_insn *insn)
{
	if (insn->imm == ATOMIC_LOAD_ACQUIRE) {
		fold_set_reg(f, insn->dst_reg, ANY);
		return;
	}
	store(f, insn, &ANY);
	if (!(insn->imm & BPF_FETCH))
		return;
	/* The old value goes to the source, of a compare-and-exchange to r0. */
	fold_set_reg(f, insn->src_reg, ANY);
	fold_set_reg(f, BPF_REG_0, ANY);
}

void fold_store(struct fold *f, const struct bpf_insn *insn)
{
	struct value v = BPF_CLASS(insn->code) == BPF_ST ? CONST((int64_t)insn->imm) :
							   fold_reg(f, insn->src_reg);

	if (BPF_MODE(insn->code) == BPF_ATOMIC)
		walk_atomic(f, insn);
	else
		store(f, insn, &v);
}

static bool is_zero(const struct value *v, bool wide)
{
	return v->kind == VALUE_CONST && !(wide ? v->n : (uint32_t)v->n);
}

static bool is_address(const struct value *v)
{
	return v->kind == VALUE_FRAME || v->kind == VALUE_GLOBAL || v->kind == VALUE_RESULT;
}

/* Of an address and a constant; NONE where it is none. */
static struct value move_address(uint8_t op, const struct value *a, const struct value *b)
{
	struct value v = { 0 };

	if (is_address(a) && b->kind == VALUE_CONST) {
		v = *a;
		v.n = op == BPF_ADD ? a->n + b->n : a->n - b->n;
	} else if (op == BPF_ADD && a->kind == VALUE_CONST && is_address(b)) {
		v = *b;
		v.n += a->n;
	}
	return v;
}

static struct value compute(const struct bpf_insn *insn, const struct value *a,
			    const struct value *b)
{
	uint8_t op = BPF_OP(insn->code);
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64, unary = op == BPF_NEG || op == BPF_END;
	struct value v = { 0 };
	uint64_t n;

	if (op == BPF_MOV) {
		if (wide && !insn->off)
			return *b;
		a = b;
	}
	if (unary)
		b = a;
	if (wide && (op == BPF_ADD || op == BPF_SUB))
		v = move_address(op, a, b);
	if (v.kind)
		return v;
	if (a->kind == VALUE_CONST && b->kind == VALUE_CONST && arith_alu(insn, a->n, b->n, &n))
		return CONST(n);
	if ((op == BPF_AND || op == BPF_MUL) && (is_zero(a, wide) || is_zero(b, wide)))
		return CONST(0);
	return fold_may_be_frame(a) || fold_may_be_frame(b) ? ANY : OTHER;
}

void fold_alu(struct fold *f, const struct bpf_insn *insn)
{
	struct value a = fold_reg(f, insn->dst_reg);
	struct value b = BPF_SRC(insn->code) == BPF_X && BPF_OP(insn->code) != BPF_END ?
				 fold_reg(f, insn->src_reg) :
				 CONST((int64_t)insn->imm);

	fold_set_reg(f, insn->dst_reg, compute(insn, &a, &b));
}
