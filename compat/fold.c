// SPDX-License-Identifier: GPL-2.0
/*
 * Conditional constant propagation: one walk over what can be reached, with what is known of
 * each register and of each word of the stack; where two ways meet only what both agree on is
 * kept. What has not been reached does not take part, so that code which only dead code leads to
 * is dead as well. E.g. where the target has no struct signal_struct:
 *
 *	0: r6 = 0		relocated: bpf_core_type_exists(struct signal_struct)
 *	1: *(r10 - 8) = r6
 *	2: if r1 == 0 goto 4	r1 is not known: both ways
 *	3: r2 = 7
 *	4: r3 = *(r10 - 8)	both ways agree: 0
 *	5: if r3 == 0 goto 8	always: what follows is reached by nothing
 *	6: call 0xbad2310	not relocated: byte offset of struct signal_struct.live
 *	7: r0 = 1
 *	8: exit
 *
 * 5 becomes nothing, as all between it and where it leads goes; 6 and 7 go, and with 6 the
 * relocation that had no answer. A branch that stays out becomes nothing, one that is always taken
 * a plain goto.
 *
 * What may be in a register or on the stack only ever becomes less known: first a constant, then
 * anything but an address in this function's frame, then anything at all. So it ends, and a
 * second run finds nothing more to do. A function is analysed once, for the arguments of all calls
 * of it together, and so is what it returns.
 *
 * The stack is the only memory whose content is known (that of .rodata aside), so a store matters
 * where it may hit this function's frame: through the frame pointer, a copy of it, or what may
 * be one. That relies on what the verifier guarantees: no pointer into a frame survives in
 * memory other than that frame, and none leads back into a frame by arithmetic from a number.
 */
#include "compat/lower.h"

#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "compat/arith.h"
#include "compat/edit.h"
#include "compat/insn.h"

#define STACK_MAX 512

/* BPF_STX | BPF_ATOMIC, in imm, since Linux 6.15: loads and stores that order others. */
#define ATOMIC_LOAD_ACQUIRE 0x100

/* The later, the less is known. */
enum value_kind {
	VALUE_NONE,   /* not reached */
	VALUE_CONST,  /* n */
	VALUE_FRAME,  /* address: the frame pointer and n */
	VALUE_GLOBAL, /* address: byte n of the one value of map `map` */
	VALUE_OTHER,  /* anything but an address in this function's frame */
	VALUE_ANY,
};

struct value {
	uint16_t kind;
	uint16_t known; /* of a constant on the stack: which of its bytes, lowest address first */
	uint32_t map;
	uint64_t n;
};

#define ALL_BYTES 0xff
#define IS_NUMBER 0x100 /* in `known`: the other bytes are no part of an address in the frame */
#define CONST(v) ((struct value){ VALUE_CONST, IS_NUMBER | ALL_BYTES, 0, (v) })
#define OTHER ((struct value){ .kind = VALUE_OTHER })
#define ANY ((struct value){ .kind = VALUE_ANY })

/* A state is the registers r0 to r9, then the words of the stack, lowest address first. */
enum { REGS = 10 };

enum {
	MARK_SECOND = 1, /* slot of a BPF_LD_IMM64 */
	MARK_REACHED = 2,
	MARK_JUMPED = 4, /* a conditional jump: taken, on some way */
	MARK_PASSED = 8, /* not taken, on some way */
	MARK_GONE = 16,
};

struct fold {
	const struct object *obj;
	struct program *prog;
	struct error *err;
	uint32_t slots, width;   /* words of the stack; of a state */
	bool callbacks;          /* helpers may call functions of the program */
	uint8_t *marks;          /* by instruction */
	uint32_t *block;         /* by instruction: number of the block that begins there + 1, or 0 */
	uint32_t *start;         /* by block: its first instruction */
	struct value *entry;     /* by block: width values */
	bool *queued;            /* by block */
	uint32_t blocks, lowest; /* no block below `lowest` is queued */
	struct value *result;    /* by function */
	struct value *now;       /* at the instruction being walked over */
	uint32_t func;           /* and its function */
};

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

static bool may_be_frame(const struct value *v)
{
	return v->kind == VALUE_FRAME || v->kind == VALUE_ANY ||
	       (v->kind == VALUE_CONST && !(v->known & IS_NUMBER));
}

/* What is known of either a or b. */
static struct value join(const struct value *a, const struct value *b, bool on_stack)
{
	if (a->kind == VALUE_NONE)
		return *b;
	if (b->kind == VALUE_NONE)
		return *a;
	if (a->kind == VALUE_CONST && b->kind == VALUE_CONST && on_stack)
		return with_known(*a, known_in_both(a, b));
	if (a->kind == b->kind && a->n == b->n && a->map == b->map)
		return *a;
	return may_be_frame(a) || may_be_frame(b) ? ANY : OTHER;
}

/* As another function sees it. */
static struct value seen_from_outside(struct value v)
{
	return may_be_frame(&v) ? OTHER : v;
}

static struct value reg(const struct fold *f, uint8_t number)
{
	if (number == BPF_REG_10)
		return (struct value){ .kind = VALUE_FRAME };
	return number < REGS ? f->now[number] : ANY;
}

static void set_reg(struct fold *f, uint8_t number, struct value v)
{
	if (number < REGS)
		f->now[number] = v;
}

/* ---- the stack ---- */

/* Bytes from the lowest word that is kept, of an address in the frame; may be outside. */
static int64_t stack_byte(const struct fold *f, const struct value *address, int16_t off)
{
	return (int64_t)(address->n + off + f->slots * 8);
}

/* Everything on the stack from that byte on may have changed. */
static void forget_stack(struct fold *f, int64_t from)
{
	uint32_t i = from < 0 ? 0 : from / 8 < f->slots ? from / 8 : f->slots;

	for (; i < f->slots; i++)
		f->now[REGS + i] = ANY;
}

static uint32_t access_size(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	}
	return 8;
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
		known = may_be_frame(slot) ? 0 : IS_NUMBER;
		slot->n = 0;
		slot->map = 0;
	}
	slot->kind = VALUE_CONST;
	if (v->kind != VALUE_CONST) {
		known &= may_be_frame(v) ? ~(mask | IS_NUMBER) : ~mask;
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

	if (at <= -8 || at >= f->slots * 8)
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
		return may_be_frame(slot) ? ANY : OTHER;
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

	if (map->role != MAP_RODATA || !map->data || at > map->value_size ||
	    size > map->value_size - at)
		return OTHER;
	return CONST(get(map->data + at, size));
}

static void walk_load(struct fold *f, const struct bpf_insn *insn)
{
	struct value address = reg(f, insn->src_reg), v;
	uint32_t size = access_size(insn);

	if (address.kind == VALUE_FRAME)
		v = load_stack(f, stack_byte(f, &address, insn->off), size);
	else if (address.kind == VALUE_GLOBAL)
		v = load_global(f, &address, insn->off, size);
	else
		v = address.kind == VALUE_ANY ? ANY : OTHER;
	if (v.kind == VALUE_CONST && BPF_MODE(insn->code) == BPF_MEMSX)
		v.n = arith_extend(v.n, size * 8);
	set_reg(f, insn->dst_reg, v);
}

static void store(struct fold *f, const struct bpf_insn *insn, const struct value *v)
{
	struct value address = reg(f, insn->dst_reg);

	if (address.kind == VALUE_FRAME)
		store_stack(f, stack_byte(f, &address, insn->off), access_size(insn), v);
	else if (address.kind == VALUE_ANY)
		forget_stack(f, 0);
}

static void walk_atomic(struct fold *f, const struct bpf_insn *insn)
{
	if (insn->imm == ATOMIC_LOAD_ACQUIRE) {
		set_reg(f, insn->dst_reg, ANY);
		return;
	}
	store(f, insn, &ANY);
	if (!(insn->imm & BPF_FETCH))
		return;
	/* The old value goes to the source, of a compare-and-exchange to r0. */
	set_reg(f, insn->src_reg, ANY);
	set_reg(f, BPF_REG_0, ANY);
}

static void walk_store(struct fold *f, const struct bpf_insn *insn)
{
	struct value v = BPF_CLASS(insn->code) == BPF_ST ? CONST((int64_t)insn->imm) :
							   reg(f, insn->src_reg);

	if (BPF_MODE(insn->code) == BPF_ATOMIC)
		walk_atomic(f, insn);
	else
		store(f, insn, &v);
}

static bool is_zero(const struct value *v, bool wide)
{
	return v->kind == VALUE_CONST && !(wide ? v->n : (uint32_t)v->n);
}

/* Of an address and a constant; NONE where it is none. */
static struct value move_address(uint8_t op, const struct value *a, const struct value *b)
{
	struct value v = { 0 };

	if ((a->kind == VALUE_FRAME || a->kind == VALUE_GLOBAL) && b->kind == VALUE_CONST) {
		v = *a;
		v.n = op == BPF_ADD ? a->n + b->n : a->n - b->n;
	} else if (op == BPF_ADD && a->kind == VALUE_CONST &&
		   (b->kind == VALUE_FRAME || b->kind == VALUE_GLOBAL)) {
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
	return may_be_frame(a) || may_be_frame(b) ? ANY : OTHER;
}

static void walk_alu(struct fold *f, const struct bpf_insn *insn)
{
	struct value a = reg(f, insn->dst_reg);
	struct value b = BPF_SRC(insn->code) == BPF_X && BPF_OP(insn->code) != BPF_END ?
				 reg(f, insn->src_reg) :
				 CONST((int64_t)insn->imm);

	set_reg(f, insn->dst_reg, compute(insn, &a, &b));
}

/* ---- where ways meet ---- */

/* The state now is one more with which that block is entered. */
static void enter_block(struct fold *f, uint32_t number)
{
	struct value *entry = f->entry + (size_t)number * f->width;
	bool changed = false;

	for (uint32_t i = 0; i < f->width; i++) {
		struct value both = join(&entry[i], &f->now[i], i >= REGS);

		if (memcmp(&both, &entry[i], sizeof(both))) {
			entry[i] = both;
			changed = true;
		}
	}
	if (!changed)
		return;
	f->queued[number] = true;
	if (number < f->lowest)
		f->lowest = number;
}

static void enter_at(struct fold *f, uint32_t insn)
{
	enter_block(f, f->block[insn] - 1);
}

/* One more way to begin the function that starts there. NULL: by the kernel, with whatever. */
static void enter_func(struct fold *f, uint32_t insn, const struct value *args)
{
	struct value *caller = f->now;
	struct value callee[REGS + STACK_MAX / 8];

	for (uint32_t i = 0; i < f->width; i++)
		callee[i] = i < REGS ? OTHER : ANY;
	if (args)
		memcpy(callee + BPF_REG_1, args, 5 * sizeof(*args));
	f->now = callee;
	enter_at(f, insn);
	f->now = caller;
}

/* Index of the function that the instruction is in. */
static uint32_t func_at(const struct program *prog, uint32_t insn)
{
	uint32_t low = 0, high = prog->funcs.len;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (prog->funcs.at[mid].insn <= insn)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static uint32_t func_end(const struct program *prog, uint32_t func)
{
	return func + 1 < prog->funcs.len ? prog->funcs.at[func + 1].insn : prog->insns.len;
}

/* What it returns has become known, or less known: those who call it have to look again. */
static void requeue_callers(struct fold *f, uint32_t func)
{
	uint32_t callee = f->prog->funcs.at[func].insn, block = 0;

	for (uint32_t i = 0; i < f->prog->insns.len; i++) {
		const struct bpf_insn *insn = &f->prog->insns.at[i];

		if (f->block[i])
			block = f->block[i] - 1;
		if (!insn_is_func_call(insn) || !(f->marks[i] & MARK_REACHED) ||
		    insn_target(insn, i) != callee)
			continue;
		f->queued[block] = true;
		if (block < f->lowest)
			f->lowest = block;
	}
}

static void walk_exit(struct fold *f)
{
	struct value *result = &f->result[f->func], r0 = seen_from_outside(f->now[BPF_REG_0]);
	struct value both = join(result, &r0, false);

	if (!memcmp(&both, result, sizeof(both)))
		return;
	*result = both;
	requeue_callers(f, f->func);
}

/* ---- calls ---- */

/* Those of the usual helpers that read what they are given and write nothing. */
static bool helper_only_reads(int32_t id)
{
	return id == BPF_FUNC_map_lookup_elem || id == BPF_FUNC_map_update_elem ||
	       id == BPF_FUNC_map_delete_elem || id == BPF_FUNC_perf_event_output ||
	       id == BPF_FUNC_ringbuf_output;
}

/* Whether an argument leads into the frame; *from: the lowest byte that it leads to. */
static bool gives_frame(const struct fold *f, int64_t *from)
{
	bool any = false;

	*from = f->slots * 8;
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++) {
		const struct value *v = &f->now[i];
		int64_t at = v->kind == VALUE_FRAME ? stack_byte(f, v, 0) : 0;

		if (!may_be_frame(v))
			continue;
		any = true;
		if (at < *from)
			*from = at;
	}
	return any;
}

static void return_from_call(struct fold *f, struct value result)
{
	f->now[BPF_REG_0] = result;
	/* Nobody may read these before they are written. */
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		f->now[i] = OTHER;
}

/* A helper, or a function of the kernel, which may well return what it was given. */
static void walk_kernel_call(struct fold *f, const struct bpf_insn *insn)
{
	bool helper = insn_is_helper_call(insn);
	int64_t from;
	bool given = gives_frame(f, &from);

	if (given && (!helper || f->callbacks))
		forget_stack(f, 0);
	else if (given && !helper_only_reads(insn->imm))
		forget_stack(f, from);
	return_from_call(f, given && !helper ? ANY : OTHER);
}

/* False: it is not known to return, so far. */
static bool walk_func_call(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	uint32_t callee = insn_target(insn, at);
	const struct value *result = &f->result[func_at(f->prog, callee)];
	struct value args[5];
	int64_t from;
	bool given = gives_frame(f, &from);

	for (int i = 0; i < 5; i++)
		args[i] = seen_from_outside(f->now[BPF_REG_1 + i]);
	enter_func(f, callee, args);
	if (result->kind == VALUE_NONE)
		return false;
	if (given)
		forget_stack(f, 0);
	return_from_call(f, given && result->kind != VALUE_CONST ? ANY : *result);
	return true;
}

static void forget_all(struct fold *f)
{
	for (uint32_t i = 0; i < f->width; i++)
		f->now[i] = ANY;
}

static bool walk_call(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	if (insn_is_func_call(insn))
		return walk_func_call(f, insn, at);
	if (insn_is_helper_call(insn) && insn->imm == (int32_t)CORE_POISON)
		forget_all(f); /* whatever stood here */
	else
		walk_kernel_call(f, insn);
	return true;
}

/* ---- jumps ---- */

/* The edge on which both sides are equal tells a constant. */
static bool edge_is_equality(const struct bpf_insn *insn, bool jumped)
{
	return BPF_CLASS(insn->code) == BPF_JMP &&
	       BPF_OP(insn->code) == (jumped ? BPF_JEQ : BPF_JNE);
}

static void learn(struct fold *f, const struct bpf_insn *insn, bool jumped, const struct value *b)
{
	if (edge_is_equality(insn, jumped) && b->kind == VALUE_CONST)
		set_reg(f, insn->dst_reg, CONST(b->n));
}

/* False: it does not go on behind the jump. */
static bool walk_jump(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	struct value a = reg(f, insn->dst_reg), before = a;
	struct value b = BPF_SRC(insn->code) == BPF_X ? reg(f, insn->src_reg) :
							CONST((int64_t)insn->imm);
	bool known = false, taken = false;

	if (insn_ends_flow(insn)) {
		enter_at(f, insn_target(insn, at));
		return false;
	}
	if (a.kind == VALUE_CONST && b.kind == VALUE_CONST)
		taken = arith_jump(insn, a.n, b.n, &known);
	if (!known || taken) {
		f->marks[at] |= MARK_JUMPED;
		learn(f, insn, true, &b);
		enter_at(f, insn_target(insn, at));
		set_reg(f, insn->dst_reg, before);
	}
	if (known && taken)
		return false;
	f->marks[at] |= MARK_PASSED;
	learn(f, insn, false, &b);
	return true;
}

/* ---- the walk ---- */

static const struct ref *find_ref(const struct program *prog, uint32_t insn)
{
	size_t low = 0, high = prog->refs.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (prog->refs.at[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < prog->refs.len && prog->refs.at[low].insn == insn ? &prog->refs.at[low] : NULL;
}

static void walk_wide(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	const struct ref *ref = find_ref(f->prog, at);
	struct value v = OTHER;

	if (ref && ref->kind == REF_FUNC)
		enter_func(f, ref->target, NULL);
	else if (ref && ref->kind == REF_VALUE && ref->target < f->obj->maps.len)
		v = (struct value){ VALUE_GLOBAL, 0, ref->target, ref->offset };
	else if (!ref && !insn->src_reg && at + 1 < f->prog->insns.len)
		v = CONST((uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm);
	set_reg(f, insn->dst_reg, v);
}

/* False: it does not go on with the next one. */
static bool walk_insn(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		walk_alu(f, insn);
		return true;
	case BPF_LDX:
		walk_load(f, insn);
		return true;
	case BPF_ST:
	case BPF_STX:
		walk_store(f, insn);
		return true;
	case BPF_LD:
		if (insn_is_wide(insn))
			walk_wide(f, insn, at);
		else /* of a packet */
			return_from_call(f, OTHER);
		return true;
	}
	if (insn_is_call(insn))
		return walk_call(f, insn, at);
	if (insn_is_jump(insn))
		return walk_jump(f, insn, at);
	if (insn->code == (BPF_JMP | BPF_EXIT))
		walk_exit(f);
	return false;
}

/* From the beginning of a block to where the next begins, or where nothing goes on. */
static void walk_block(struct fold *f, uint32_t number)
{
	uint32_t at = f->start[number], end;

	f->func = func_at(f->prog, at);
	end = func_end(f->prog, f->func);
	memcpy(f->now, f->entry + (size_t)number * f->width, f->width * sizeof(*f->now));
	for (;;) {
		const struct bpf_insn *insn = &f->prog->insns.at[at];

		f->marks[at] |= MARK_REACHED;
		if (!walk_insn(f, insn, at))
			return;
		at += insn_is_wide(insn) ? 2 : 1;
		if (at >= end)
			return;
		if (f->block[at]) {
			enter_at(f, at);
			return;
		}
	}
}

static void walk_all(struct fold *f)
{
	enter_func(f, 0, NULL);
	while (f->lowest < f->blocks) {
		uint32_t number = f->lowest++;

		if (!f->queued[number])
			continue;
		f->queued[number] = false;
		walk_block(f, number);
	}
}

/* ---- before the walk: blocks, and that no jump leads astray ---- */

static int bad_target(const struct fold *f, uint32_t insn, int64_t target)
{
	return error_set(f->err, ERROR_FORMAT, "program '%s': instruction %u: target: got %lld, "
			 "expected an instruction of the same function, or the first of another one "
			 "for a call", f->prog->name, insn, (long long)target);
}

static bool is_func_start(const struct program *prog, int64_t insn)
{
	return insn >= 0 && insn < (int64_t)prog->insns.len &&
	       prog->funcs.at[func_at(prog, insn)].insn == insn;
}

static int mark_target(struct fold *f, uint32_t at, uint32_t func)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	int64_t target = insn_target(insn, at);

	if (insn_is_func_call(insn))
		return is_func_start(f->prog, target) ? 0 : bad_target(f, at, target);
	if (!insn_is_jump(insn))
		return 0;
	if (target < f->prog->funcs.at[func].insn || target >= func_end(f->prog, func) ||
	    f->marks[target] & MARK_SECOND)
		return bad_target(f, at, target);
	f->block[target] = 1;
	return 0;
}

static int mark_blocks(struct fold *f)
{
	const struct program *prog = f->prog;
	uint32_t func = 0;

	for (uint32_t i = 0; i + 1 < prog->insns.len; i++)
		if (insn_is_wide(&prog->insns.at[i]) && !(f->marks[i] & MARK_SECOND))
			f->marks[i + 1] = MARK_SECOND;
	for (uint32_t i = 0; i < prog->insns.len; i++) {
		if (i == func_end(prog, func))
			func++;
		if (i == prog->funcs.at[func].insn)
			f->block[i] = 1;
		if (!(f->marks[i] & MARK_SECOND) && mark_target(f, i, func))
			return -1;
	}
	for (size_t i = 0; i < prog->refs.len; i++) {
		const struct ref *ref = &prog->refs.at[i];

		if (ref->kind == REF_FUNC && !is_func_start(prog, ref->target))
			return bad_target(f, ref->insn, ref->target);
		f->callbacks |= ref->kind == REF_FUNC;
	}
	for (uint32_t i = 0; i < prog->insns.len; i++)
		if (f->block[i])
			f->block[i] = ++f->blocks;
	return 0;
}

/* How much of the stack the program names, so that no more of it is carried along. */
static uint32_t count_slots(const struct program *prog)
{
	int32_t lowest = 0;

	for (uint32_t i = 0; i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];
		uint8_t class = BPF_CLASS(insn->code);
		int32_t off = 0;

		if ((class == BPF_LDX && insn->src_reg == BPF_REG_10) ||
		    ((class == BPF_STX || class == BPF_ST) && insn->dst_reg == BPF_REG_10))
			off = insn->off;
		else if (insn->code == (BPF_ALU64 | BPF_ADD | BPF_K))
			off = insn->imm;
		if (off < lowest && off >= -STACK_MAX)
			lowest = off;
	}
	return (7 - lowest) / 8;
}

static int check_funcs(const struct fold *f)
{
	const struct program *prog = f->prog;
	uint32_t next = 0;

	for (size_t i = 0; i < prog->funcs.len; i++) {
		if ((i == 0) != (prog->funcs.at[i].insn == 0) || prog->funcs.at[i].insn < next)
			break;
		next = prog->funcs.at[i].insn + 1;
		if (i + 1 == prog->funcs.len && next <= prog->insns.len)
			return 0;
	}
	return error_set(f->err, ERROR_FORMAT, "program '%s': functions: expected at least one, the "
			 "first at instruction 0, and no two at one place", prog->name);
}

static int prepare(struct fold *f)
{
	const struct program *prog = f->prog;

	if (check_funcs(f))
		return -1;
	f->marks = calloc(prog->insns.len, 1);
	f->block = calloc(prog->insns.len, sizeof(*f->block));
	f->result = calloc(prog->funcs.len, sizeof(*f->result));
	if (!f->marks || !f->block || !f->result)
		return error_memory(f->err);
	if (mark_blocks(f))
		return -1;
	f->slots = count_slots(prog);
	f->width = REGS + f->slots;
	f->lowest = f->blocks;
	f->start = calloc(f->blocks, sizeof(*f->start));
	f->queued = calloc(f->blocks, sizeof(*f->queued));
	f->entry = calloc((size_t)f->blocks * f->width, sizeof(*f->entry));
	f->now = calloc(f->width, sizeof(*f->now));
	if (!f->start || !f->queued || !f->entry || !f->now)
		return error_memory(f->err);
	for (uint32_t i = 0; i < prog->insns.len; i++)
		if (f->block[i])
			f->start[f->block[i] - 1] = i;
	return 0;
}

static void finish(struct fold *f)
{
	free(f->marks);
	free(f->block);
	free(f->result);
	free(f->start);
	free(f->queued);
	free(f->entry);
	free(f->now);
}

/* ---- after it: what goes ---- */

/* Whether nothing that stays is between a jump and where it leads. */
static bool leads_to_next(const struct fold *f, uint32_t at, int64_t target)
{
	if (target <= at)
		return false;
	while (++at < target)
		if (!(f->marks[at] & MARK_GONE))
			return false;
	return true;
}

/* A conditional jump that is always taken becomes a plain one, on the spot. */
static void settle_jump(struct fold *f, uint32_t at)
{
	struct bpf_insn *insn = &f->prog->insns.at[at];

	if (insn_is_jump(insn) && !insn_ends_flow(insn) && f->marks[at] & MARK_JUMPED &&
	    !(f->marks[at] & MARK_PASSED))
		*insn = INSN_GOTO(insn->off);
}

static bool is_needless(const struct fold *f, uint32_t at)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];

	if (!(f->marks[at] & MARK_REACHED))
		return true;
	if (!insn_is_jump(insn))
		return false;
	return insn_ends_flow(insn) ? leads_to_next(f, at, insn_target(insn, at)) :
				      !(f->marks[at] & MARK_JUMPED);
}

/* From the end on: a jump over what goes is needless as well. */
static void mark_gone(struct fold *f)
{
	for (uint32_t i = f->prog->insns.len; i-- > 0;)
		if (f->marks[i] & MARK_SECOND ? !(f->marks[i - 1] & MARK_REACHED) : is_needless(f, i))
			f->marks[i] |= MARK_GONE;
}

static int remove_dead(struct fold *f)
{
	struct edit edit;
	int ret = edit_init(&edit, f->prog, f->err);

	for (uint32_t i = 0; !ret && i < f->prog->insns.len; i++)
		if (f->marks[i] & MARK_GONE && !(f->marks[i] & MARK_SECOND))
			ret = edit_delete(&edit, i, f->err);
	if (!ret && edit.changes.len)
		ret = edit_apply(&edit, f->err);
	edit_fini(&edit);
	return ret;
}

static int fold_program(const struct object *obj, struct program *prog, struct error *err)
{
	struct fold f = { .obj = obj, .prog = prog, .err = err };
	int ret = prepare(&f);

	if (!ret) {
		walk_all(&f);
		for (uint32_t i = 0; i < prog->insns.len; i++)
			settle_jump(&f, i);
		mark_gone(&f);
		ret = remove_dead(&f);
	}
	finish(&f);
	return ret;
}

int fold(struct object *obj, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload && fold_program(obj, &obj->programs.at[i], err))
			return error_wrap(err, "%s", obj->name);
	return 0;
}
