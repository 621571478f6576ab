// SPDX-License-Identifier: GPL-2.0
/*
 * A load through a pointer into the kernel, as a call. All of r0 to r5 are lost with a call, so what
 * of them is wanted later goes to the stack meanwhile, below all that the program uses:
 *
 *	r1 = *(u32 *)(r3 + 64)		*(u64 *)(r10 - 32) = r2		still wanted
 *					r3 += 64
 *					*(u64 *)(r10 - 24) = 0
 *					r1 = r10
 *					r1 += -24
 *					r2 = 4
 *					call bpf_probe_read_kernel
 *					r1 = *(u32 *)(r10 - 24)
 *					r2 = *(u64 *)(r10 - 32)
 */
#include "compat/pointers.h"

#include <stdlib.h>

#include "compat/edit.h"
#include "compat/inline.h"
#include "compat/insn.h"
#include "compat/liveness.h"
#include "compat/lower.h"
#include "compat/piece.h"
#include "compat/refuse.h"
#include "compat/stack.h"
#include "compat/width.h"

#define FUNC_probe_read_kernel 113

struct reads {
	const struct object *obj;
	struct program *prog;
	const char *why;
	struct error *err;
	struct pointers pointers;
	struct liveness liveness;
	struct widths widths;
	struct edit edit;
	uint32_t depth; /* of the stack, in whole words */
	uint32_t count;
};

/* Those of r0 to r5 that a call at `at` must not lose. What may hold nothing cannot be read. */
static uint16_t to_be_kept(const struct reads *r, uint32_t at)
{
	uint16_t kept = live_behind(&r->liveness, at).any & ~insn_writes(&r->prog->insns.at[at]);

	kept &= (1 << (BPF_REG_5 + 1)) - 1;
	for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++)
		if (r->widths.before[at].of[reg] == WIDTH_UNSET)
			kept &= ~(1 << reg);
	return kept;
}

static int no_room(struct reads *r, uint32_t at)
{
	refuse(r->obj, r->prog, at, "no room is left on the stack to read what a pointer leads to",
	       r->why, r->err);
	return error_hint(r->err, "the program uses %u of %u bytes of stack; put large variables "
			  "into a per-CPU map", r->depth, STACK_MAX);
}

static int read_by_call(struct reads *r, uint32_t at)
{
	struct bpf_insn insn = r->prog->insns.at[at];
	int slot = -(int)r->depth - 8, below = slot;
	uint16_t kept = to_be_kept(r, at);
	struct piece p = { 0 };

	if (r->depth + 8 * (1 + __builtin_popcount(kept)) > STACK_MAX)
		return no_room(r, at);
	for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++)
		if (kept & 1 << reg)
			piece_put(&p, INSN_STORE(BPF_DW, BPF_REG_10, below -= 8, reg));
	if (insn.src_reg != BPF_REG_3)
		piece_put(&p, INSN_MOV(BPF_REG_3, insn.src_reg));
	if (insn.off)
		piece_put(&p, INSN_ADD_IMM(BPF_REG_3, insn.off));
	piece_put(&p, INSN_STORE_IMM(BPF_DW, BPF_REG_10, slot, 0));
	piece_put(&p, INSN_MOV(BPF_REG_1, BPF_REG_10));
	piece_put(&p, INSN_ADD_IMM(BPF_REG_1, slot));
	piece_put(&p, INSN_MOV_IMM(BPF_REG_2, insn_bytes(&insn)));
	piece_put(&p, INSN_CALL(FUNC_probe_read_kernel));
	piece_put(&p, INSN(insn.code, insn.dst_reg, BPF_REG_10, slot, 0));
	for (int reg = BPF_REG_5; reg >= BPF_REG_0; reg--)
		if (kept & 1 << reg) {
			piece_put(&p, INSN_LOAD(BPF_DW, reg, BPF_REG_10, below));
			below += 8;
		}
	r->count++;
	return piece_replace(&p, &r->edit, at, r->err);
}

static bool is_kernel_read(const struct reads *r, uint32_t at)
{
	const struct bpf_insn *insn = &r->prog->insns.at[at];

	return BPF_CLASS(insn->code) == BPF_LDX &&
	       pointers_at(&r->pointers, at, insn->src_reg) & POINTER_KERNEL;
}

static int read_all(struct reads *r)
{
	for (uint32_t i = 0; i < r->prog->insns.len; i++) {
		if (is_kernel_read(r, i) && read_by_call(r, i))
			return -1;
		i += insn_is_wide(&r->prog->insns.at[i]);
	}
	return r->count ? edit_apply(&r->edit, r->err) : 0;
}

static int find_and_read(struct reads *r, struct pointers_source source)
{
	int ret = -1;

	if (program_stack_depth(r->prog, 0, &r->depth, r->err) ||
	    pointers_init(&r->pointers, r->prog, source, r->err))
		return -1;
	r->depth = (r->depth + 7) / 8 * 8;
	if (liveness_init(&r->liveness, r->prog, NULL, r->err))
		goto no_liveness;
	if (widths_init(&r->widths, r->prog, r->err))
		goto no_widths;
	if (edit_init(&r->edit, r->prog, r->err) == 0)
		ret = read_all(r);
	edit_fini(&r->edit);
	widths_fini(&r->widths);
no_widths:
	liveness_fini(&r->liveness);
no_liveness:
	pointers_fini(&r->pointers);
	return ret;
}

int pointers_to_reads(const struct object *obj, struct program *prog,
		      struct pointers_source source, const char *why, uint32_t *count,
		      struct error *err)
{
	struct reads reads = { .obj = obj, .prog = prog, .why = why, .err = err };
	int ret = 0;

	if (prog->funcs.len > 1)
		ret = inline_calls(obj, prog, why, err) || fold_program(obj, prog, err) ? -1 : 0;
	if (!ret)
		ret = find_and_read(&reads, source);
	*count = reads.count;
	return ret;
}
