// SPDX-License-Identifier: GPL-2.0
/*
 * Forwards from what is loaded and computed, gone over until nothing changes; where ways meet, the
 * wider one holds. E.g.
 *
 *	0: r1 = *(u8 *)(r6 + 8)		r1: 8
 *	1: r1 += 1			r1: 9
 *	2: r2 = *(u64 *)(r6 + 16)	r2: 64
 *	3: if r2 > 40 goto 6		r2: 6 behind it, 64 at 6
 *	4: r2 <<= 3			r2: 9
 *	5: w1 -= w2			r1: 32
 *	6: exit
 *
 * Comparisons narrow what they compare on the way on which they say so, as in the verifier.
 */
#include "compat/width.h"

#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/liveness.h"

#define UNREACHED 0xff

struct walk {
	const struct program *prog;
	struct width *before;
	bool changed;
};

uint8_t width_of(uint64_t number)
{
	return number ? 64 - __builtin_clzll(number) : 0;
}

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static uint8_t most(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* ---- arithmetic ---- */

/* Of the result, were registers without an end: up to 129. */
static unsigned int result(const struct bpf_insn *insn, uint8_t a, uint8_t b)
{
	bool constant = BPF_SRC(insn->code) == BPF_K;

	switch (BPF_OP(insn->code)) {
	case BPF_MOV: return !insn->off || b < insn->off ? b : WIDTH_ANY;
	case BPF_ADD: return most(a, b) + 1;
	case BPF_MUL: return a + b;
	case BPF_AND: return least(a, b);
	case BPF_OR:
	case BPF_XOR: return most(a, b);
	case BPF_LSH: return constant ? a + insn->imm : WIDTH_ANY;
	case BPF_RSH: return constant && insn->imm <= a ? a - insn->imm : constant ? 0 : a;
	case BPF_DIV: return insn->off ? WIDTH_ANY : a;
	case BPF_MOD: return insn->off ? WIDTH_ANY : a;
	case BPF_END: return insn->imm;
	}
	return WIDTH_ANY;
}

static uint8_t constant_width(const struct bpf_insn *insn, bool wide)
{
	return width_of(wide ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm);
}

static void step_alu(const struct bpf_insn *insn, struct width *s)
{
	uint8_t op = BPF_OP(insn->code);
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64 || op == BPF_END;
	uint8_t full = wide ? WIDTH_ANY : 32;
	uint8_t a = least(s->of[insn->dst_reg % MAX_BPF_REG], full), b;
	unsigned int w;

	b = BPF_SRC(insn->code) == BPF_X ? s->of[insn->src_reg % MAX_BPF_REG] :
					   constant_width(insn, wide);
	b = least(b, full);
	/* A shift to the right that fills with the sign, of what has none. */
	if (op == BPF_ARSH && a < full && BPF_SRC(insn->code) == BPF_K)
		w = a > insn->imm ? a - insn->imm : 0;
	else
		w = result(insn, a, b);
	s->of[insn->dst_reg % MAX_BPF_REG] = w < full ? w : full;
}

/* ---- loads and calls ---- */

static uint8_t load_width(const struct bpf_insn *insn)
{
	if (BPF_MODE(insn->code) == BPF_MEMSX)
		return WIDTH_ANY;
	return 8 * insn_bytes(insn);
}

static void step_call(struct width *s)
{
	s->of[BPF_REG_0] = WIDTH_ANY;
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++)
		s->of[i] = WIDTH_UNSET;
}

/* Whether a number is filled with the sign: one of less than 32 bits is, too. */
static bool has_sign(const struct width *s, uint8_t reg)
{
	return s->sign & 1 << reg || s->of[reg % MAX_BPF_REG] <= 31;
}

/* The same of what the instruction leaves in its destination. */
static bool leaves_sign(const struct bpf_insn *insn, const struct width *s)
{
	bool src = BPF_SRC(insn->code) == BPF_K || has_sign(s, insn->src_reg);

	if (BPF_CLASS(insn->code) == BPF_LDX)
		return BPF_MODE(insn->code) == BPF_MEMSX;
	if (BPF_CLASS(insn->code) != BPF_ALU64)
		return false;
	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		return src || insn->off >= 8;
	case BPF_AND:
	case BPF_OR:
	case BPF_XOR:
		return src && has_sign(s, insn->dst_reg);
	case BPF_ARSH:
		return has_sign(s, insn->dst_reg) ||
		       (BPF_SRC(insn->code) == BPF_K && insn->imm >= 32);
	}
	return false;
}

static void step_sign(const struct bpf_insn *insn, struct width *s)
{
	uint16_t sign = leaves_sign(insn, s) ? 1 << insn->dst_reg : 0;

	s->sign = (s->sign & ~insn_writes(insn)) | sign;
}

static void step(const struct bpf_insn *insn, struct width *s)
{
	uint8_t *dst = &s->of[insn->dst_reg % MAX_BPF_REG];

	step_sign(insn, s);
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(insn, s);
		break;
	case BPF_LDX:
		*dst = load_width(insn);
		break;
	case BPF_LD:
		if (insn_is_wide(insn))
			*dst = insn->src_reg || insn->imm < 0 || insn[1].imm ?
				       WIDTH_ANY : width_of(insn->imm);
		else
			step_call(s);
		break;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm != BPF_ADD)
			*dst = s->of[insn->src_reg % MAX_BPF_REG] = s->of[BPF_REG_0] = WIDTH_ANY;
		break;
	case BPF_JMP:
		if (insn_is_call(insn))
			step_call(s);
		break;
	}
	s->of[BPF_REG_10] = WIDTH_ANY;
}

/* ---- comparisons ---- */

static void narrow(uint8_t *w, uint8_t to)
{
	if (*w <= WIDTH_ANY)
		*w = least(*w, to);
}

/* As it holds on one of the two ways: JGT not taken is JLE taken. */
static uint8_t holds(uint8_t op, bool taken)
{
	if (taken)
		return op;
	switch (op) {
	case BPF_JEQ: return BPF_JNE;
	case BPF_JNE: return BPF_JEQ;
	case BPF_JGT: return BPF_JLE;
	case BPF_JLE: return BPF_JGT;
	case BPF_JGE: return BPF_JLT;
	case BPF_JLT: return BPF_JGE;
	case BPF_JSGT: return BPF_JSLE;
	case BPF_JSLE: return BPF_JSGT;
	case BPF_JSGE: return BPF_JSLT;
	case BPF_JSLT: return BPF_JSGE;
	}
	return BPF_JA;
}

static void narrow_by_register(struct width *s, uint8_t op, const struct bpf_insn *insn)
{
	uint8_t *a = &s->of[insn->dst_reg % MAX_BPF_REG], *b = &s->of[insn->src_reg % MAX_BPF_REG];

	switch (op) {
	case BPF_JEQ:
		narrow(a, *b);
		narrow(b, *a);
		break;
	case BPF_JLT:
	case BPF_JLE:
		narrow(a, *b);
		break;
	case BPF_JGT:
	case BPF_JGE:
		narrow(b, *a);
		break;
	}
}

/* sign: how wide a number without its sign bit is. */
static void narrow_by_constant(uint8_t *w, uint8_t op, int64_t k, uint8_t sign)
{
	uint64_t n = sign == 31 ? (uint32_t)k : (uint64_t)k;

	if ((op == BPF_JSGT && k >= -1) || (op == BPF_JSGE && k >= 0))
		narrow(w, sign);
	/* Of a number without a sign, that way of comparing is as good as the other. */
	if (op == BPF_JSLT && k > 0 && *w <= sign)
		op = BPF_JLT;
	if (op == BPF_JSLE && k >= 0 && *w <= sign)
		op = BPF_JLE;
	if (op == BPF_JEQ || op == BPF_JLE)
		narrow(w, width_of(n));
	if (op == BPF_JLT && n)
		narrow(w, width_of(n - 1));
}

static void compare(const struct bpf_insn *insn, bool taken, struct width *s)
{
	bool half = BPF_CLASS(insn->code) == BPF_JMP32, reg = BPF_SRC(insn->code) == BPF_X;
	uint8_t op = holds(BPF_OP(insn->code), taken);
	uint8_t *a = &s->of[insn->dst_reg % MAX_BPF_REG];

	/* What half a register is compared with says nothing of the other half. */
	if (half && (*a > 32 || (reg && s->of[insn->src_reg % MAX_BPF_REG] > 32)))
		return;
	if (reg)
		narrow_by_register(s, op, insn);
	else
		narrow_by_constant(a, op, insn->imm, half ? 31 : 63);
}

/* ---- the walk ---- */

static void flow(struct walk *walk, int64_t to, const struct width *s)
{
	struct width *there;

	if (to < 0 || to >= (int64_t)walk->prog->insns.len)
		return;
	there = &walk->before[to];
	walk->changed |= there->sign & ~s->sign;
	there->sign &= s->sign;
	for (int i = 0; i < MAX_BPF_REG; i++) {
		bool wider = there->of[i] == UNREACHED || s->of[i] > there->of[i];

		walk->changed |= wider;
		there->of[i] = wider ? s->of[i] : there->of[i];
	}
}

static void walk_insn(struct walk *walk, uint32_t at)
{
	const struct bpf_insn *insn = &walk->prog->insns.at[at];
	bool conditional = insn_is_jump(insn) && !insn_ends_flow(insn);
	struct width s = walk->before[at], taken = s;

	if (s.of[0] == UNREACHED)
		return;
	if (conditional) {
		compare(insn, true, &taken);
		compare(insn, false, &s);
	} else {
		step(insn, &s);
	}
	if (insn_is_jump(insn))
		flow(walk, insn_target(insn, at), &taken);
	if (!insn_ends_flow(insn))
		flow(walk, (int64_t)at + 1 + insn_is_wide(insn), &s);
}

static void start(struct walk *walk)
{
	const struct program *prog = walk->prog;

	memset(walk->before, UNREACHED, prog->insns.len * sizeof(*walk->before));
	for (size_t i = 0; i < prog->funcs.len; i++) {
		struct width s = { .sign = 0 };

		for (int reg = 0; reg < MAX_BPF_REG; reg++)
			s.of[reg] = reg == BPF_REG_10 || reg == BPF_REG_1 ? WIDTH_ANY : WIDTH_UNSET;
		flow(walk, prog->funcs.at[i].insn, &s);
	}
}

int widths_init(struct widths *widths, const struct program *prog, struct error *err)
{
	struct walk walk = { .prog = prog };

	walk.before = calloc(prog->insns.len + 1, sizeof(*walk.before));
	if (!walk.before)
		return error_memory(err);
	start(&walk);
	do {
		walk.changed = false;
		for (uint32_t i = 0; i < prog->insns.len; i++) {
			walk_insn(&walk, i);
			i += insn_is_wide(&prog->insns.at[i]);
		}
	} while (walk.changed);
	widths->before = walk.before;
	return 0;
}

void widths_fini(struct widths *widths)
{
	free(widths->before);
	widths->before = NULL;
}
