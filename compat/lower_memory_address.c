// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_memory_internal.h"

#include "compat/insn.h"
#include "compat/piece.h"

#define FUNC_map_lookup_elem 1

/* ---- copies of a result that is checked ---- */

static bool is_same(const struct value *a, const struct value *b)
{
	return a->kind == VALUE_RESULT && b->kind == VALUE_RESULT && a->map == b->map &&
	       a->n == b->n;
}

static bool is_lookup(const struct fold *f, const struct value *v)
{
	return v->kind == VALUE_RESULT && v->map < f->prog->insns.len &&
	       f->prog->insns.at[v->map].imm == FUNC_map_lookup_elem && !v->n;
}

static bool is_null_check(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	return BPF_CLASS(insn->code) == BPF_JMP && BPF_SRC(insn->code) == BPF_K && !insn->imm &&
	       (op == BPF_JEQ || op == BPF_JNE);
}

int memory_renew_copies(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct value v = fold_reg(f, insn->dst_reg);
	struct piece p = { 0 };
	struct pass *pass = ctx;
	uint32_t copies = 0;
	size_t found, null;

	if (!is_null_check(insn) || !is_lookup(f, &v))
		return 0;
	found = piece_put(&p, INSN_JUMP_IMM(BPF_JNE, insn->dst_reg, 0, 0));
	piece_put(&p, INSN_MOV_IMM(insn->dst_reg, 0));
	null = piece_put(&p, INSN_GOTO(0));
	piece_land(&p, found);
	for (uint32_t i = 0; i < f->width; i++) {
		if (i == insn->dst_reg || !is_same(&v, &f->now[i]) ||
		    (i < REGS && !memory_is_live(pass, at, i)))
			continue;
		piece_put(&p, i < REGS ? INSN_MOV(i, insn->dst_reg) :
					 INSN_STORE(BPF_DW, BPF_REG_10, memory_offset_of(f, i),
						    insn->dst_reg));
		copies++;
	}
	piece_land(&p, null);
	if (!copies || !memory_lacks(pass, CAP_NULL_COPIES)) {
		piece_fini(&p);
		return 0;
	}
	pass->count += copies;
	return piece_insert(&p, &pass->edit, at, pass->err);
}

/* ---- addresses that are added ---- */

/* A register that nobody reads from that instruction on, or -1. */
static int free_register(struct pass *pass, uint32_t insn, const struct bpf_insn *without)
{
	for (int reg = 0; reg < BPF_REG_10; reg++)
		if (!memory_is_live(pass, insn, reg) && reg != without->dst_reg &&
		    reg != without->src_reg)
			return reg;
	return -1;
}

int memory_swap_operands(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct value to = fold_reg(f, insn->dst_reg), from = fold_reg(f, insn->src_reg);
	struct pass *pass = ctx;
	struct piece p = { 0 };
	int sum = insn->src_reg;

	if (insn->code != (BPF_ALU64 | BPF_ADD | BPF_X) || !memory_is_address(&from) ||
	    memory_is_address(&to) ||
	    !memory_lacks(pass, CAP_ADD_ADDRESS))
		return 0;
	if (memory_is_live(pass, at + 1, insn->src_reg))
		sum = free_register(pass, at + 1, insn);
	if (sum < 0)
		return 0;
	if (sum != insn->src_reg)
		piece_put(&p, INSN_MOV(sum, insn->src_reg));
	piece_put(&p, INSN(insn->code, sum, insn->dst_reg, 0, 0));
	piece_put(&p, INSN_MOV(insn->dst_reg, sum));
	pass->count++;
	return piece_replace(&p, &pass->edit, at, pass->err);
}

/* ---- addresses that come back from the stack ---- */

/* The word of the stack that has the address from which that one was moved, or 0. */
static uint32_t unmoved_word(const struct fold *f, const struct value *v)
{
	struct value unmoved = *v;

	unmoved.n = 0;
	for (uint32_t i = REGS; i < f->width; i++)
		if (is_same(&unmoved, &f->now[i]))
			return i;
	return 0;
}

int memory_go_out_from_stack(const struct fold *f, uint32_t at, void *ctx)
{
	struct bpf_insn insn = f->prog->insns.at[at];
	bool load = BPF_CLASS(insn.code) == BPF_LDX;
	bool store = BPF_CLASS(insn.code) == BPF_STX || BPF_CLASS(insn.code) == BPF_ST;
	uint8_t base = load ? insn.src_reg : insn.dst_reg;
	struct value v = fold_reg(f, base);
	uint32_t word = v.kind == VALUE_RESULT && v.n ? unmoved_word(f, &v) : 0;
	int64_t off = (int64_t)v.n + insn.off;
	struct pass *pass = ctx;
	struct piece p = { 0 };

	if (!(load || store) || !word || off < 0 || off > INT16_MAX ||
	    (BPF_CLASS(insn.code) == BPF_STX && insn.src_reg == base) ||
	    !memory_lacks(pass, CAP_FILL_RANGE))
		return 0;
	insn.off = off;
	if (load)
		base = insn.src_reg = insn.dst_reg;
	piece_put(&p, INSN_LOAD(BPF_DW, base, BPF_REG_10, memory_offset_of(f, word)));
	piece_put(&p, insn);
	if (store && memory_is_live(pass, at + 1, base))
		piece_put(&p, INSN_ADD_IMM(base, v.n));
	pass->count++;
	return piece_replace(&p, &pass->edit, at, pass->err);
}
