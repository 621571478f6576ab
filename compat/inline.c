// SPDX-License-Identifier: GPL-2.0
/*
 * A function in place of its call, by example. The caller uses 16 bytes of its stack, and r6 and r7
 * beyond the call:
 *
 *	r6 = r1					r6 = r1
 *	r7 = *(u64 *)(r6 + 8)			r7 = *(u64 *)(r6 + 8)
 *	r1 = r10				r1 = r10
 *	r1 += -16				r1 += -16
 *	call f					r8 = r1
 *	r0 += r7				*(u64 *)(r10 - 24) = r8
 *	exit					r2 = r10
 *						r2 += -24
 *    f: r6 = r1				if r8 == 0 goto +2
 *	*(u64 *)(r10 - 8) = r6			call 5
 *	r2 = r10				goto +1
 *	r2 += -8				r0 = 0
 *	if r6 == 0 goto +2			r0 += r7
 *	call 5					exit
 *	exit
 *	r0 = 0
 *	exit
 *
 * The callee's frame lies below the caller's, so what it says of r10 is moved down by 16; calls that
 * do not nest share that room. Arguments and result are where they are to be. What is left of r1 to
 * r5 afterwards nobody may read. Of r6 to r9 those that the callee writes get other names where
 * the caller does not need them beyond the call; else they are put by on the stack: that is the
 * worse way, as verifiers before Linux 5.16 forget what they know of a number there.
 *
 * A distance from r10 is changed where it is, also in "r2 = r10, r2 += -8": before Linux 4.12
 * (332270fdc8b6, "bpf: enhance verifier to understand stack pointer arithmetic", in later updates of
 * 4.9) a verifier allows one constant only on the way from r10 to an address.
 */
#include "compat/inline.h"

#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/liveness.h"
#include "compat/rebuild.h"
#include "compat/refuse.h"
#include "compat/stack.h"

#define DEPTH_MAX 8         /* MAX_CALL_FRAMES, of kernels that have calls */
#define LENGTH_MAX 1000000u /* no kernel takes more */
#define SAVED 0x3c0         /* r6 to r9 */
#define TAIL_CALL 12        /* BPF_FUNC_tail_call */

struct callee {
	uint32_t begin, end;
	uint32_t depth;    /* of its stack, a multiple of 8 */
	uint64_t length;   /* with all that it calls, roughly */
	uint16_t clobbers; /* of r6 to r9, with all that it calls */
	enum { NEW, ON_THE_WAY, DONE } state;
};

struct inliner {
	const struct object *obj;
	const struct program *prog;
	const char *why;
	struct error *err;
	struct callee *funcs;
	struct liveness liveness;
	uint8_t *targets; /* by instruction: whether a jump leads there */
	struct rebuild new;
};

/* A jump of the copy, whose target is known by its place in the original. */
struct open_jump {
	uint32_t at;
	uint32_t target;
};

/* One copy of a function. */
struct copy {
	const struct callee *func;
	uint32_t below;           /* where its frame begins, in bytes below r10 */
	uint8_t name[MAX_BPF_REG]; /* of each of its registers, here */
	uint32_t *start;          /* by instruction of the function, one more for the end */
	int32_t *adjust;          /* likewise: what its constant is more */
	VEC(struct open_jump) jumps;
};

static int refuse_call(struct inliner *in, uint32_t insn, const char *what, const char *hint)
{
	refuse(in->obj, in->prog, insn, what, in->why, in->err);
	return error_hint(in->err, "%s", hint);
}

/* ---- the functions: what they call and clobber ---- */

static uint32_t func_that_starts(const struct program *prog, int64_t insn)
{
	for (size_t i = 0; i < prog->funcs.len; i++)
		if (prog->funcs.at[i].insn == insn)
			return i;
	return UINT32_MAX;
}

/*
 * What the registers of the callee are called in the caller: of those that both want, the callee's
 * get the name of one that is free. Returns those for which there is none.
 */
static uint16_t name_registers(uint16_t clobbers, uint16_t live, uint8_t name[MAX_BPF_REG])
{
	uint16_t used = clobbers & ~live, save = 0;

	for (int reg = 0; reg < MAX_BPF_REG; reg++) {
		uint16_t free = SAVED & ~live & ~used;

		name[reg] = reg;
		if (!(clobbers & live & 1 << reg))
			continue;
		if (free)
			name[reg] = __builtin_ctz(free);
		else
			save |= 1 << reg;
		used |= 1 << name[reg];
	}
	return save;
}

static uint16_t renamed(uint16_t regs, const uint8_t name[MAX_BPF_REG])
{
	uint16_t to = 0;

	for (int reg = 0; reg < MAX_BPF_REG; reg++)
		if (regs & 1 << reg)
			to |= 1 << name[reg];
	return to;
}

static int examine(struct inliner *in, uint32_t func, uint32_t depth);

static int examine_call(struct inliner *in, struct callee *caller, uint32_t insn, uint32_t depth)
{
	uint32_t func = func_that_starts(in->prog, insn_target(&in->prog->insns.at[insn], insn));
	uint8_t name[MAX_BPF_REG];
	uint16_t save;

	if (func == UINT32_MAX)
		return error_set(in->err, ERROR_FORMAT, "program '%s': instruction %u: call: got "
				 "a target that is no function", in->prog->name, insn);
	if (in->funcs[func].state == ON_THE_WAY)
		return refuse_call(in, insn, "a function that comes to call itself",
				   "write it as a loop with a constant bound");
	if (depth + 1 == DEPTH_MAX)
		return refuse_call(in, insn, "calls within calls, more than 8 deep",
				   "no kernel allows more");
	if (examine(in, func, depth + 1))
		return -1;
	save = name_registers(in->funcs[func].clobbers,
			      live_behind(&in->liveness, insn).any & SAVED, name);
	caller->clobbers |= renamed(in->funcs[func].clobbers & ~save, name);
	caller->length += in->funcs[func].length;
	if (caller->length > LENGTH_MAX)
		return refuse_call(in, insn, "more than 1000000 instructions with all calls inlined",
				   "call large functions from fewer places");
	return 0;
}

/* What is only right in a function of its own. */
static int check_insn(struct inliner *in, uint32_t insn, bool entry)
{
	const struct bpf_insn *i = &in->prog->insns.at[insn];

	if (entry)
		return 0;
	if (insn_is_helper_call(i) && i->imm == TAIL_CALL)
		return refuse_call(in, insn, "bpf_tail_call() in a function, which would end the "
				   "program", "call it in the program itself");
	if (BPF_CLASS(i->code) == BPF_LD && !insn_is_wide(i))
		return refuse_call(in, insn, "a load of a packet's byte in a function",
				   "mark the function __always_inline");
	return 0;
}

static int examine(struct inliner *in, uint32_t func, uint32_t depth)
{
	struct callee *f = &in->funcs[func];

	if (f->state == DONE)
		return 0;
	f->state = ON_THE_WAY;
	if (program_stack_depth(in->prog, func, &f->depth, in->err))
		return -1;
	f->depth = (f->depth + 7) / 8 * 8;
	f->length = f->end - f->begin;
	for (uint32_t i = f->begin; i < f->end; i++) {
		const struct bpf_insn *insn = &in->prog->insns.at[i];

		if (check_insn(in, i, !func) ||
		    (insn_is_func_call(insn) && examine_call(in, f, i, depth)))
			return -1;
		f->clobbers |= insn_writes(insn) & SAVED;
		i += insn_is_wide(insn);
	}
	f->state = DONE;
	return 0;
}

/* ---- the copies ---- */

static int put(struct inliner *in, struct bpf_insn insn)
{
	return rebuild_put(&in->new, insn);
}

static int put_jump(struct inliner *in, struct copy *c, struct bpf_insn insn, uint32_t target)
{
	struct open_jump *jump = vec_push(&c->jumps);

	if (!jump)
		return error_memory(in->err);
	*jump = (struct open_jump){ in->new.out.insns.len, target };
	return put(in, insn);
}

static int copy_func(struct inliner *in, const struct callee *func, uint32_t below,
		     const uint8_t name[MAX_BPF_REG]);

static int save_registers(struct inliner *in, const struct copy *c, uint16_t save, bool restore)
{
	int off = -(int)(c->below + c->func->depth);

	for (int reg = BPF_REG_6; reg <= BPF_REG_9; reg++) {
		uint8_t here = c->name[reg];

		if (!(save & 1 << reg))
			continue;
		off -= 8;
		if (put(in, restore ? INSN_LOAD(BPF_DW, here, BPF_REG_10, off) :
				      INSN_STORE(BPF_DW, BPF_REG_10, off, here)))
			return -1;
	}
	return 0;
}

static int copy_call(struct inliner *in, const struct copy *c, uint32_t insn)
{
	int64_t target = insn_target(&in->prog->insns.at[insn], insn);
	const struct callee *callee = &in->funcs[func_that_starts(in->prog, target)];
	uint16_t live = live_behind(&in->liveness, insn).any & SAVED;
	uint8_t name[MAX_BPF_REG];
	uint16_t save = name_registers(callee->clobbers, live, name);
	uint32_t below = c->below + c->func->depth + 8 * __builtin_popcount(save);

	if (below + callee->depth > STACK_MAX) {
		refuse_call(in, insn, "more than 512 bytes of stack with all calls inlined", "");
		return error_hint(in->err, "%u bytes are in use here, and the function takes %u; put "
				  "large variables into a per-CPU map", below, callee->depth);
	}
	for (int reg = 0; reg < MAX_BPF_REG; reg++)
		name[reg] = c->name[name[reg]];
	if (save_registers(in, c, save, false) || copy_func(in, callee, below, name) ||
	    rebuild_line(&in->new, insn))
		return -1;
	return save_registers(in, c, save, true);
}

/*
 * The next instruction that has to do with reg is an addition of a constant to it, on the only way
 * there is: where that is; else 0.
 */
static uint32_t added_to(const struct inliner *in, const struct copy *c, uint32_t insn, uint8_t reg)
{
	while (++insn < c->func->end && !in->targets[insn]) {
		const struct bpf_insn *i = &in->prog->insns.at[insn];

		if (i->code == (BPF_ALU64 | BPF_ADD | BPF_K) && i->dst_reg == reg)
			return insn;
		if (insn_is_jump(i) || insn_is_call(i) || insn_ends_flow(i) ||
		    (insn_reads(i).any | insn_writes(i)) & 1 << reg)
			return 0;
		insn += insn_is_wide(i);
	}
	return 0;
}

/* r2 = r10, r2 += r10 or r2 -= r10, where that is not at the callee's own frame's end. */
static int copy_frame_pointer(struct inliner *in, struct copy *c, uint32_t insn)
{
	struct bpf_insn i = in->prog->insns.at[insn];
	bool plain = BPF_OP(i.code) == BPF_MOV;
	uint32_t later = plain ? added_to(in, c, insn, i.dst_reg) : 0;
	int32_t by = BPF_OP(i.code) == BPF_SUB ? (int32_t)c->below : -(int32_t)c->below;

	i.dst_reg = c->name[i.dst_reg];
	if (put(in, i))
		return -1;
	if (!later)
		return put(in, INSN_ADD_IMM(i.dst_reg, by));
	c->adjust[later - c->func->begin] += by;
	return 0;
}

static bool is_frame_arithmetic(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	return BPF_CLASS(insn->code) == BPF_ALU64 && BPF_SRC(insn->code) == BPF_X &&
	       insn->src_reg == BPF_REG_10 && !insn->off &&
	       (op == BPF_MOV || op == BPF_ADD || op == BPF_SUB);
}

/* Whether it has r10 as a register: not as one that is only part of the code of a call. */
static bool names_frame(const struct bpf_insn *insn)
{
	return insn->dst_reg == BPF_REG_10 || insn->src_reg == BPF_REG_10;
}

static int copy_plain(struct inliner *in, struct copy *c, uint32_t insn)
{
	struct bpf_insn i = in->prog->insns.at[insn];
	uint8_t class = BPF_CLASS(i.code);
	bool store = class == BPF_ST || class == BPF_STX;

	i.imm += c->adjust[insn - c->func->begin];
	if (c->below && is_frame_arithmetic(&i))
		return copy_frame_pointer(in, c, insn);
	if (c->below && names_frame(&i)) {
		if ((store ? i.dst_reg : i.src_reg) != BPF_REG_10 ||
		    (store && i.src_reg == BPF_REG_10 && class == BPF_STX) ||
		    (!store && class != BPF_LDX))
			return refuse_call(in, insn, "the frame pointer as a number in a function",
					   "mark the function __always_inline");
		i.off -= c->below;
	}
	i.dst_reg = c->name[i.dst_reg % MAX_BPF_REG];
	if (!insn_is_wide(&i) && !insn_is_call(&i))
		i.src_reg = c->name[i.src_reg % MAX_BPF_REG];
	return put(in, i);
}

static int copy_insn(struct inliner *in, struct copy *c, uint32_t insn)
{
	struct bpf_insn i = in->prog->insns.at[insn];

	if (insn_is_func_call(&i))
		return copy_call(in, c, insn);
	if (insn_is_jump(&i)) {
		if (c->below && names_frame(&i))
			return refuse_call(in, insn, "the frame pointer as a number in a function",
					   "mark the function __always_inline");
		i.dst_reg = c->name[i.dst_reg % MAX_BPF_REG];
		i.src_reg = c->name[i.src_reg % MAX_BPF_REG];
		return put_jump(in, c, i, insn_target(&in->prog->insns.at[insn], insn));
	}
	if (i.code == (BPF_JMP | BPF_EXIT) && c->func->begin)
		/* Behind the last one is where the call was. */
		return insn + 1 == c->func->end ? 0 :
			put_jump(in, c, INSN_GOTO(0), c->func->end);
	if (copy_plain(in, c, insn))
		return -1;
	return insn_is_wide(&i) ? put(in, in->prog->insns.at[insn + 1]) : 0;
}

static int close_jumps(struct inliner *in, const struct copy *c)
{
	for (size_t i = 0; i < c->jumps.len; i++) {
		const struct open_jump *jump = &c->jumps.at[i];
		struct bpf_insn *insn = &in->new.out.insns.at[jump->at];
		int64_t distance;

		if (jump->target < c->func->begin || jump->target > c->func->end)
			return error_set(in->err, ERROR_FORMAT, "program '%s': jump: got instruction "
					 "%u, expected %u to %u", in->prog->name, jump->target,
					 c->func->begin, c->func->end);
		distance = (int64_t)c->start[jump->target - c->func->begin] - jump->at - 1;
		if (insn_is_gotol(insn))
			insn->imm = distance;
		else if (distance >= INT16_MIN && distance <= INT16_MAX)
			insn->off = distance;
		else
			return refuse_call(in, c->func->begin, "a jump over more than 32767 "
					   "instructions with all calls inlined",
					   "call large functions from fewer places");
	}
	return 0;
}

static int copy_all(struct inliner *in, struct copy *c)
{
	uint32_t begin = c->func->begin, end = c->func->end;

	for (uint32_t i = begin; i < end; i++) {
		c->start[i - begin] = in->new.out.insns.len;
		if (rebuild_tables(&in->new, i) || copy_insn(in, c, i))
			return -1;
		i += insn_is_wide(&in->prog->insns.at[i]);
	}
	c->start[end - begin] = in->new.out.insns.len;
	return close_jumps(in, c);
}

static int copy_func(struct inliner *in, const struct callee *func, uint32_t below,
		     const uint8_t name[MAX_BPF_REG])
{
	struct copy c = { .func = func, .below = below };
	size_t places = func->end - func->begin + 1;
	int ret;

	memcpy(c.name, name, sizeof(c.name));
	c.start = calloc(places, sizeof(*c.start) + sizeof(*c.adjust));
	if (!c.start)
		return error_memory(in->err);
	c.adjust = (int32_t *)(c.start + places);
	ret = copy_all(in, &c);
	free(c.start);
	vec_fini(&c.jumps);
	return ret;
}

/* ---- the program ---- */

static int mark_targets(struct inliner *in)
{
	const struct program *prog = in->prog;

	for (uint32_t i = 0; i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];
		int64_t to = insn_is_jump(insn) ? insn_target(insn, i) : -1;

		if (to >= 0 && to < (int64_t)prog->insns.len)
			in->targets[to] = 1;
		i += insn_is_wide(insn);
	}
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].kind == REF_FUNC)
			return refuse_call(in, prog->refs.at[i].insn, "address of a function, which is "
					   "called by a helper",
					   "write a loop with a constant bound instead of bpf_loop() "
					   "or bpf_for_each_map_elem()");
	return 0;
}

static int prepare_funcs(struct inliner *in)
{
	const struct program *prog = in->prog;

	for (size_t i = 0; i < prog->funcs.len; i++) {
		in->funcs[i].begin = prog->funcs.at[i].insn;
		in->funcs[i].end = program_func_end(prog, i);
		if (in->funcs[i].begin >= in->funcs[i].end ||
		    in->funcs[i].end > prog->insns.len || (i == 0) != !in->funcs[i].begin)
			return error_set(in->err, ERROR_FORMAT, "program '%s': function '%s': got "
					 "instructions %u to %u of %zu", prog->name,
					 prog->funcs.at[i].name, in->funcs[i].begin,
					 in->funcs[i].end, prog->insns.len);
	}
	return mark_targets(in) || examine(in, 0, 0) ? -1 : 0;
}

static int copy_program(struct inliner *in)
{
	uint8_t name[MAX_BPF_REG];
	struct func *entry;

	name_registers(0, 0, name);
	if (prepare_funcs(in) || copy_func(in, &in->funcs[0], 0, name))
		return -1;
	entry = vec_push(&in->new.out.funcs);
	if (!entry)
		return error_memory(in->err);
	*entry = in->prog->funcs.at[0];
	return 0;
}

int inline_calls(const struct object *obj, struct program *prog, const char *why,
		 struct error *err)
{
	struct inliner in = { .obj = obj, .prog = prog, .why = why, .err = err };
	int ret = -1;

	rebuild_init(&in.new, prog, err);
	if (liveness_init(&in.liveness, prog, NULL, err))
		return -1;
	in.funcs = calloc(prog->funcs.len + 1, sizeof(*in.funcs));
	in.targets = calloc(prog->insns.len + 1, 1);
	if (!in.funcs || !in.targets)
		error_memory(err);
	else
		ret = copy_program(&in);
	if (!ret)
		rebuild_finish(&in.new, prog);
	rebuild_fini(&in.new);
	free(in.funcs);
	free(in.targets);
	liveness_fini(&in.liveness);
	return ret;
}
