// SPDX-License-Identifier: GPL-2.0
/*
 * Each load from the context stays one instruction. E.g. of a function's second argument, an int, that
 * is in 8 bytes at 104 of the new context on x86-64, and of its first, that is on the stack:
 *
 *	r2 = *(u64 *)(r1 + 8)		r2 = *(u64 *)(r1 + 104)
 *	r3 = *(u32 *)(r1 + 0)		r3 = *(u32 *)(r10 - 24)
 *
 * A register or field that is less than a word is its low bytes; the others, and what compilers load of
 * them, are 0.
 */
#include "compat/context.h"

#include "compat/insn.h"
#include "compat/pointers.h"
#include "compat/refuse.h"

/* Calls visit for each load from the context. */
static int each_load(const struct context *c,
		     int (*visit)(const struct context *c, uint32_t insn, void *ctx,
				  struct error *err),
		     void *ctx, struct error *err)
{
	struct pointers pointers;
	int ret = 0;

	if (pointers_init(&pointers, c->prog, (struct pointers_source){ .size = 8 }, err))
		return -1;
	for (uint32_t i = 0; !ret && i < c->prog->insns.len; i++) {
		const struct bpf_insn *insn = &c->prog->insns.at[i];
		uint8_t from = pointers_at(&pointers, i, insn->src_reg);

		if (BPF_CLASS(insn->code) == BPF_LDX && from & POINTER_MOVED)
			ret = refuse(c->obj, c->prog, i, "read of the context through a pointer that "
				     "was added to", c->why, err);
		else if (BPF_CLASS(insn->code) == BPF_LDX && from & POINTER_CONTEXT)
			ret = visit(c, i, ctx, err);
		i += insn_is_wide(insn);
	}
	pointers_fini(&pointers);
	return ret;
}

static int note_used(const struct context *c, uint32_t i, void *used, struct error *err)
{
	const struct bpf_insn *insn = &c->prog->insns.at[i];
	int bytes = insn_bytes(insn);

	if (insn->off < 0 || insn->off % bytes || insn->off / 8 >= CONTEXT_WORDS)
		return refuse(c->obj, c->prog, i, "read of the context that is of no argument", c->why,
			      err);
	*(uint32_t *)used |= 1u << insn->off / 8;
	return 0;
}

int context_used(const struct context *context, uint32_t *used, struct error *err)
{
	*used = 0;
	return each_load(context, note_used, used, err);
}

static int move_load(const struct context *c, uint32_t i, void *ctx, struct error *err)
{
	struct bpf_insn *insn = &c->prog->insns.at[i];
	const struct context_word *word = &c->words[insn->off / 8];
	int size = word->where == CONTEXT_STACK ? 8 : word->size, bytes = insn_bytes(insn);
	/* Of the word: where it is not 0, and what is loaded of it. */
	int low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 8 - size : 0, at = insn->off % 8;

	if (word->where == CONTEXT_NOWHERE)
		return refuse(c->obj, c->prog, i, "read of an argument that is not there", c->why, err);
	if (at >= low && at + bytes <= low + size) {
		insn->off = word->off + at - low;
	} else if (at <= low && at + bytes >= low + size) {
		insn->code = BPF_LDX | BPF_MEM | insn_size(size);
		insn->off = word->off;
	} else {
		*insn = INSN_MOV_IMM(insn->dst_reg, 0);
		return 0;
	}
	if (word->where == CONTEXT_STACK)
		insn->src_reg = BPF_REG_10;
	return 0;
}

int context_move(const struct context *context, struct error *err)
{
	return each_load(context, move_load, NULL, err);
}
