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
#include "compat/fold_internal.h"

#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "compat/arith.h"
#include "compat/edit.h"
#include "compat/insn.h"
#include "compat/memory.h"

/* ---- where ways meet ---- */

/* The state now is one more with which that block is entered. */
static void enter_block(struct fold *f, uint32_t number)
{
	struct value *entry = f->entry + (size_t)number * f->width;
	bool changed = false;

	for (uint32_t i = 0; i < f->width; i++) {
		struct value both = fold_join(&entry[i], &f->now[i], i >= REGS);

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
	struct value *result = &f->result[f->func], r0 = fold_seen_from_outside(f->now[BPF_REG_0]);
	struct value both = fold_join(result, &r0, false);

	if (!memcmp(&both, result, sizeof(both)))
		return;
	*result = both;
	requeue_callers(f, f->func);
}

/* ---- calls ---- */

/* Whether an argument leads into the frame; *from: the lowest byte that it leads to. */
static bool gives_frame(const struct fold *f, int64_t *from)
{
	bool any = false;

	*from = f->slots * 8;
	for (int i = BPF_REG_1; i <= BPF_REG_5; i++) {
		const struct value *v = &f->now[i];
		int64_t at = v->kind == VALUE_FRAME ? fold_stack_byte(f, v, 0) : 0;

		if (!fold_may_be_frame(v))
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

/* What the call at that instruction has returned before is not what it returns now. */
static struct value new_result(struct fold *f, uint32_t at)
{
	struct value result = { .kind = VALUE_RESULT, .map = at };

	for (uint32_t i = 0; i < f->width; i++)
		if (f->now[i].kind == VALUE_RESULT && f->now[i].map == at)
			f->now[i] = OTHER;
	return result;
}

/* What a helper has written is no address: the verifier sees to that. */
static void walk_memory(struct fold *f, const struct memory *memory)
{
	const struct value *to = &f->now[memory->reg], *size = &f->now[memory->size_reg];

	if (!(memory->use & MEMORY_WRITES) || !fold_may_be_frame(to))
		return;
	if (to->kind != VALUE_FRAME)
		fold_forget_stack(f, 0);
	else if (size->kind != VALUE_CONST || size->n > STACK_MAX)
		fold_forget_stack(f, fold_stack_byte(f, to, 0));
	else
		fold_overwrite_stack(f, fold_stack_byte(f, to, 0), size->n);
}

/* A helper, or a function of the kernel, which may well return what it was given. */
static void walk_kernel_call(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	bool helper = insn_is_helper_call(insn);
	size_t len = 0;
	const struct memory *memory = helper ? helper_memory(insn->imm, &len) : NULL;
	int64_t from;
	bool given = gives_frame(f, &from);

	for (size_t i = 0; i < len; i++)
		walk_memory(f, &memory[i]);
	if (given && !memory)
		fold_forget_stack(f, !helper || f->callbacks ? 0 : from);
	return_from_call(f, helper ? new_result(f, at) : given ? ANY : OTHER);
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
		args[i] = fold_seen_from_outside(f->now[BPF_REG_1 + i]);
	enter_func(f, callee, args);
	if (result->kind == VALUE_NONE)
		return false;
	if (given)
		fold_forget_stack(f, 0);
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
		walk_kernel_call(f, insn, at);
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
		fold_set_reg(f, insn->dst_reg, CONST(b->n));
}

/* False: it does not go on behind the jump. */
static bool walk_jump(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	struct value a = fold_reg(f, insn->dst_reg), before = a;
	struct value b = BPF_SRC(insn->code) == BPF_X ? fold_reg(f, insn->src_reg) :
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
		fold_set_reg(f, insn->dst_reg, before);
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
	else if (ref && ref->kind == REF_MAP)
		v = (struct value){ VALUE_MAP, 0, ref->target, 0 };
	else if (ref && ref->kind == REF_VALUE && ref->target < f->obj->maps.len)
		v = (struct value){ VALUE_GLOBAL, 0, ref->target, ref->offset };
	else if (!ref && !insn->src_reg && at + 1 < f->prog->insns.len)
		v = CONST((uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm);
	fold_set_reg(f, insn->dst_reg, v);
}

/* False: it does not go on with the next one. */
static bool walk_insn(struct fold *f, const struct bpf_insn *insn, uint32_t at)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		fold_alu(f, insn);
		return true;
	case BPF_LDX:
		fold_load(f, insn);
		return true;
	case BPF_ST:
	case BPF_STX:
		fold_store(f, insn);
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
static int walk_block(struct fold *f, uint32_t number)
{
	uint32_t at = f->start[number], end;
	int ret;

	f->func = func_at(f->prog, at);
	end = program_func_end(f->prog, f->func);
	memcpy(f->now, f->entry + (size_t)number * f->width, f->width * sizeof(*f->now));
	for (;;) {
		const struct bpf_insn *insn = &f->prog->insns.at[at];

		f->marks[at] |= MARK_REACHED;
		ret = f->visit ? f->visit(f, at, f->visit_ctx) : 0;
		if (ret || !walk_insn(f, insn, at))
			return ret;
		at += insn_is_wide(insn) ? 2 : 1;
		if (at >= end)
			return 0;
		if (f->block[at]) {
			enter_at(f, at);
			return 0;
		}
	}
}

static void walk_all(struct fold *f)
{
	enter_func(f, 0, NULL);
	for (size_t i = 1; i < f->prog->funcs.len; i++)
		if (f->prog->funcs.at[i].is_callback)
			enter_func(f, f->prog->funcs.at[i].insn, NULL);
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
			 "expected an instruction of the same function, or the first of another "
			 "one for a call", f->prog->name, insn, (long long)target);
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
	if (target < f->prog->funcs.at[func].insn || target >= program_func_end(f->prog, func) ||
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
		if (i == program_func_end(prog, func))
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
	return error_set(f->err, ERROR_FORMAT, "program '%s': functions: expected at least one, "
			 "the first at instruction 0, and no two at one place", prog->name);
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
	for (uint32_t i = f->prog->insns.len; i-- > 0;) {
		bool second = f->marks[i] & MARK_SECOND;

		if (second ? !(f->marks[i - 1] & MARK_REACHED) : is_needless(f, i))
			f->marks[i] |= MARK_GONE;
	}
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

int fold_visit(const struct object *obj, struct program *prog,
	       int (*visit)(const struct fold *f, uint32_t insn, void *ctx), void *ctx,
	       struct error *err)
{
	struct fold f = { .obj = obj, .prog = prog, .err = err };
	int ret = prepare(&f);

	if (!ret)
		walk_all(&f);
	f.visit = visit;
	f.visit_ctx = ctx;
	for (uint32_t i = 0; !ret && i < f.blocks; i++)
		if (f.marks[f.start[i]] & MARK_REACHED)
			ret = walk_block(&f, i);
	finish(&f);
	return ret;
}

int fold_program(const struct object *obj, struct program *prog, struct error *err)
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
