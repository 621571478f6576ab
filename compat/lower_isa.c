// SPDX-License-Identifier: GPL-2.0
/*
 * The instruction set, from what current compilers write down to what the kernel takes; one pass
 * over a program for each thing that it lacks, the newest first, so that what one makes may be
 * taken further down by the next. E.g. for Linux 4.9, of code that clang writes for v4:
 *
 *	w1 = *(s8 *)(r6 + 4)		r1 = *(u8 *)(r6 + 4)	ldsx
 *					r1 <<= 56
 *					r1 s>>= 56
 *	w2 = *(u32 *)(r6 + 8)		r2 = *(u32 *)(r6 + 8)
 *	w2 &= 63			r2 &= 63		alu32: no other bits are set
 *	if w2 < 40 goto out		if r2 >= 40 goto +1	jmp32: likewise; jlt
 *					goto out
 *	if w1 s> w2 goto out		if r1 s> r2 goto out	jmp32: both are filled with their sign
 *	if w3 == w2 goto out		w0 = w3			nothing is known of r3; r0 is free here
 *					if r0 == r2 goto out
 *
 * What an old verifier knows of a number has to survive, as programs that it cannot prove safe are
 * not loaded. It knows little of 32 bit arithmetic (before 4.14 nothing, before 5.0 it forgets
 * what it knew of a register that is copied by a 32 bit move). So where the upper half of the
 * registers is known (width.h) the 64 bit instruction takes the 32 bit one's place, and comparisons
 * are made of the register itself rather than of a copy.
 *
 * A register to compute in is one that is free at that place (liveness.h); if none is, one is put by on
 * the stack below all that the function uses.
 */
#include "compat/lower_isa_internal.h"

#include <stdlib.h>
#include <string.h>

#include "compat/refuse.h"
#include "compat/stack.h"

#define ATOMIC_LOAD_ACQUIRE 0x100
#define ATOMIC_STORE_RELEASE 0x110
#define MAP_TYPE_ARENA 33 /* newer than some headers */

/* ---- one instruction ---- */

int isa_change(struct isa *isa, struct bpf_insn insn)
{
	isa->prog->insns.at[isa->at] = insn;
	isa->changed++;
	return 0;
}

void isa_put(struct isa *isa, struct bpf_insn insn)
{
	isa->insns[isa->len++] = insn;
}

void isa_put_taken(struct isa *isa, struct bpf_insn jump)
{
	isa->taken[isa->taken_len++] = isa->len;
	isa_put(isa, jump);
}

void isa_put_passed(struct isa *isa, struct bpf_insn jump)
{
	isa->passed[isa->passed_len++] = isa->len;
	isa_put(isa, jump);
}

static void put_restore(struct isa *isa)
{
	for (size_t i = 0; i < isa->spilled_len; i++)
		isa_put(isa, INSN_LOAD(BPF_DW, isa->spilled[i].reg, BPF_REG_10,
				       isa->spilled[i].off));
}

/* Jumps of the piece to its place `to`. */
static void lead(struct isa *isa, const uint32_t *jumps, size_t len, size_t to)
{
	for (size_t i = 0; i < len; i++)
		isa->insns[jumps[i]].off = to - jumps[i] - 1;
}

void isa_end_passed(struct isa *isa)
{
	lead(isa, isa->passed, isa->passed_len, isa->len);
	isa->passed_len = 0;
}

int isa_replace(struct isa *isa)
{
	const struct bpf_insn *insn = &isa->prog->insns.at[isa->at];
	struct edit_exit exits[ISA_JUMPS];

	isa_end_passed(isa);
	put_restore(isa);
	if (isa->taken_len && isa->spilled_len) {
		/* On the other way, too. */
		isa_put(isa, INSN_GOTO(isa->spilled_len + 1));
		lead(isa, isa->taken, isa->taken_len, isa->len);
		put_restore(isa);
		isa->taken_len = 0;
		isa_put_taken(isa, INSN_GOTO(0));
	}
	for (size_t i = 0; i < isa->taken_len; i++)
		exits[i] = (struct edit_exit){ isa->taken[i], insn_target(insn, isa->at) };
	isa->changed++;
	if (edit_replace(&isa->edit, isa->at,
			 (struct edit_code){ .insns = isa->insns, .len = isa->len }, isa->err))
		return -1;
	return edit_exits(&isa->edit, exits, isa->taken_len, isa->err);
}

uint8_t isa_width(const struct isa *isa, uint8_t reg)
{
	return isa->widths.before[isa->at].of[reg % MAX_BPF_REG];
}

bool isa_has_sign(const struct isa *isa, uint8_t reg)
{
	return isa->widths.before[isa->at].sign & 1 << reg || isa_width(isa, reg) <= 31;
}

bool isa_upper_dead(const struct isa *isa, uint8_t reg)
{
	return !(live_behind(&isa->liveness, isa->at).upper & 1 << reg);
}

void isa_put_sign(struct isa *isa, uint8_t reg, uint8_t bits)
{
	isa_put(isa, ISA_ALU_IMM(BPF_LSH, reg, 64 - bits));
	isa_put(isa, ISA_ALU_IMM(BPF_ARSH, reg, 64 - bits));
}

void isa_put_zero(struct isa *isa, uint8_t reg)
{
	if (!isa_upper_dead(isa, reg))
		isa_put(isa, ISA_MOV32(reg, reg));
}

/* ---- registers to compute in ---- */

static uint32_t func_of(const struct program *prog, uint32_t insn)
{
	uint32_t func = 0;

	while (func + 1 < prog->funcs.len && prog->funcs.at[func + 1].insn <= insn)
		func++;
	return func;
}

static int no_room(struct isa *isa, uint32_t depth)
{
	refuse(isa->obj, isa->prog, isa->at, "no register is free here, and no room is left on the "
	       "stack to put one by", isa->why.text, isa->err);
	return error_hint(isa->err, "the function uses %u of %u bytes of stack; put large variables "
			  "into a per-CPU map", depth, STACK_MAX);
}

static int spill(struct isa *isa, uint8_t reg)
{
	uint32_t depth, below;

	if (program_stack_depth(isa->prog, func_of(isa->prog, isa->at), &depth, isa->err))
		return -1;
	below = (depth + 7) / 8 * 8 + 8 * (isa->spilled_len + 1);
	if (below > STACK_MAX)
		return no_room(isa, depth);
	isa->spilled[isa->spilled_len].reg = reg;
	isa->spilled[isa->spilled_len++].off = -(int)below;
	isa_put(isa, INSN_STORE(BPF_DW, BPF_REG_10, -(int)below, reg));
	return 0;
}

/* The highest that surely holds something, else the verifier does not let it be read. */
static uint8_t find_set(const struct isa *isa, uint16_t taken)
{
	uint8_t reg = BPF_REG_10;

	while (reg-- > 0)
		if (!(taken & 1 << reg) && isa_width(isa, reg) != WIDTH_UNSET)
			return reg;
	return BPF_REG_10;
}

int isa_temp(struct isa *isa, uint8_t *reg)
{
	const struct bpf_insn *insn = &isa->prog->insns.at[isa->at];
	uint16_t taken = isa->temps | insn_reads(insn).any | insn_writes(insn);
	uint16_t live = live_before(&isa->liveness, isa->at).any | taken;
	uint8_t found = BPF_REG_0;

	while (found < BPF_REG_10 && live & 1 << found)
		found++;
	if (found == BPF_REG_10) {
		found = find_set(isa, taken);
		if (found == BPF_REG_10)
			return refuse(isa->obj, isa->prog, isa->at, "no register is free here",
				      isa->why.text, isa->err);
		if (spill(isa, found))
			return -1;
	}
	isa->temps |= 1 << found;
	*reg = found;
	return 0;
}

/* ---- what there is no other way to say ---- */

static int refuse_insn(struct isa *isa, const char *what, const char *hint)
{
	refuse(isa->obj, isa->prog, isa->at, what, isa->why.text, isa->err);
	return error_hint(isa->err, "%s", hint);
}

static int isa_atomic(struct isa *isa, const struct bpf_insn *insn)
{
	struct bpf_insn plain = *insn;

	plain.imm = BPF_ADD;
	if (insn->imm == (BPF_ADD | BPF_FETCH) &&
	    !(live_behind(&isa->liveness, isa->at).any & 1 << insn->src_reg))
		return isa_change(isa, plain);
	return refuse_insn(isa, "atomic operation",
			   "every kernel has __sync_fetch_and_add() whose result is not used; else "
			   "count in a per-CPU map, or use bpf_spin_lock() (Linux 5.1)");
}

static int isa_ordered(struct isa *isa, const struct bpf_insn *insn)
{
	return refuse_insn(isa, insn->imm == ATOMIC_LOAD_ACQUIRE ? "load-acquire" : "store-release",
			   "keep what belongs together in one map value, and replace it whole by "
			   "bpf_map_update_elem()");
}

static int isa_may_goto(struct isa *isa, const struct bpf_insn *insn)
{
	return refuse_insn(isa, "may_goto (can_loop, cond_break)",
			   "give the loop a constant bound instead");
}

static int isa_kfunc(struct isa *isa, const struct bpf_insn *insn)
{
	return refuse_insn(isa, "call of a kernel function", "look for a helper that does the same, "
			   "or call it only where bpf_ksym_exists() says so");
}

static int isa_callback(struct isa *isa, const struct bpf_insn *insn)
{
	return refuse_insn(isa, "address of a function, for a helper to call",
			   "write a loop with a constant bound instead of bpf_loop() or "
			   "bpf_for_each_map_elem()");
}

static int isa_arena(struct isa *isa, const struct bpf_insn *insn)
{
	return refuse_insn(isa, "pointer into an arena", "use an array map instead");
}

/* ---- the passes ---- */

static bool is_alu(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU || BPF_CLASS(insn->code) == BPF_ALU64;
}

static bool is_move(const struct bpf_insn *insn)
{
	return is_alu(insn) && BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_X;
}

static bool is_ldsx(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX;
}

static bool is_movsx(const struct bpf_insn *insn)
{
	return is_move(insn) && (insn->off == 8 || insn->off == 16 || insn->off == 32);
}

static bool is_cast(const struct bpf_insn *insn)
{
	return is_move(insn) && insn->off == 1;
}

static bool is_bswap(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64 && BPF_OP(insn->code) == BPF_END;
}

static bool is_sdiv(const struct bpf_insn *insn)
{
	return is_alu(insn) && insn->off == 1 &&
	       (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD);
}

static bool is_jmp32(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP32 && !insn_is_gotol(insn);
}

static bool is_alu32(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU && BPF_OP(insn->code) != BPF_END;
}

static bool is_extension(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_LSH | BPF_K) && insn->imm == 32;
}

static bool is_bound(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP && insn_is_jump(insn) && !insn_ends_flow(insn) &&
	       !insn_is_may_goto(insn) && BPF_SRC(insn->code) == BPF_K;
}

static bool is_jlt(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	return insn_is_jump(insn) &&
	       (op == BPF_JLT || op == BPF_JLE || op == BPF_JSLT || op == BPF_JSLE);
}

static bool is_ordered(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC &&
	       (insn->imm == ATOMIC_LOAD_ACQUIRE || insn->imm == ATOMIC_STORE_RELEASE);
}

/* To add without looking at the result is as old as BPF. */
static bool is_atomic(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC &&
	       insn->imm != BPF_ADD && !is_ordered(insn);
}

static bool is_kfunc(const struct bpf_insn *insn)
{
	return insn_is_call(insn) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL;
}

static const struct pass {
	enum cap cap;
	bool (*wants)(const struct bpf_insn *insn); /* NULL: those with a REF_FUNC */
	isa_rewrite *rewrite;
	const char *one, *many; /* what was done, behind a number */
} passes[] = {
	{ CAP_LOAD_ACQUIRE, is_ordered, isa_ordered, "", "" },
	{ CAP_MAY_GOTO, insn_is_may_goto, isa_may_goto, "", "" },
	{ CAP_KFUNCS, is_kfunc, isa_kfunc, "", "" },
	{ CAP_FUNC_POINTER, NULL, isa_callback, "", "" },
	{ CAP_ATOMICS, is_atomic, isa_atomic,
	  "atomic addition whose result is not used becomes one without",
	  "atomic additions whose result is not used become ones without" },
	{ CAP_GOTOL, insn_is_gotol, isa_gotol, "jump of 32 bits becomes one of 16",
	  "jumps of 32 bits become ones of 16" },
	{ CAP_LDSX, is_ldsx, isa_ldsx, "load that fills with the sign becomes a load and shifts",
	  "loads that fill with the sign become loads and shifts" },
	{ CAP_MOVSX, is_movsx, isa_movsx, "move that fills with the sign becomes a move and shifts",
	  "moves that fill with the sign become moves and shifts" },
	{ CAP_BSWAP, is_bswap, isa_bswap, "byte swap becomes a conversion of byte order",
	  "byte swaps become conversions of byte order" },
	{ CAP_SDIV, is_sdiv, isa_sdiv, "signed division becomes an unsigned one",
	  "signed divisions become unsigned ones" },
	{ CAP_JMP32, is_jmp32, isa_jmp32, "comparison of 32 bits becomes one of 64",
	  "comparisons of 32 bits become ones of 64" },
	{ CAP_ALU32, is_alu32, isa_alu32, "instruction of 32 bits becomes one of 64",
	  "instructions of 32 bits become ones of 64" },
	{ CAP_ALU32, is_extension, isa_extension, "extension by shifts of a number that is extended goes",
	  "extensions by shifts of numbers that are extended go" },
	{ CAP_ALU32, is_bound, isa_copied, "comparison is made of the copy that is used behind it",
	  "comparisons are made of the copies that are used behind them" },
	{ CAP_JLT, is_jlt, isa_jlt, "jump by \"less than\" becomes one by \"greater than\"",
	  "jumps by \"less than\" become ones by \"greater than\"" },
};

static bool has_ref(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].insn == insn)
			return prog->refs.at[i].kind == REF_FUNC;
	return false;
}

static bool wants(const struct pass *pass, const struct program *prog, uint32_t insn)
{
	const struct bpf_insn *i = &prog->insns.at[insn];

	return pass->wants ? pass->wants(i) : insn_is_wide(i) && has_ref(prog, insn);
}

/* The first instruction from `insn` on that the pass is for, or the end. */
static uint32_t next_wanted(const struct pass *pass, const struct program *prog, uint32_t insn)
{
	while (insn < prog->insns.len && !wants(pass, prog, insn))
		insn += 1 + insn_is_wide(&prog->insns.at[insn]);
	return insn;
}

static int rewrite_all(struct isa *isa, const struct pass *pass)
{
	struct program *prog = isa->prog;

	for (uint32_t at = next_wanted(pass, prog, 0); at < prog->insns.len;
	     at = next_wanted(pass, prog, at + 1 + insn_is_wide(&prog->insns.at[at]))) {
		const struct bpf_insn insn = prog->insns.at[at];

		isa->at = at;
		isa->len = isa->taken_len = isa->passed_len = isa->spilled_len = isa->temps = 0;
		if (pass->rewrite(isa, &insn))
			return -1;
	}
	return isa->edit.changes.len ? edit_apply(&isa->edit, isa->err) : 0;
}

static uint8_t *find_targets(const struct program *prog)
{
	uint8_t *targets = calloc(prog->insns.len + 1, 1);

	for (uint32_t i = 0; targets && i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];
		int64_t to = insn_is_jump(insn) || insn_is_func_call(insn) ? insn_target(insn, i) :
									     -1;

		if (to >= 0 && to < (int64_t)prog->insns.len)
			targets[to] = 1;
		i += insn_is_wide(insn);
	}
	return targets;
}

/*
 * What one instruction leaves in an upper half has to be right for others of the pass, too, which the
 * widths may turn into ones of 64 bits; comparisons see to that themselves.
 *
 *	w2 s>>= 8		r2 <<= 32
 *				r2 s>>= 40
 *				w2 = w2		or the division would be of another number
 *	w2 /= 7			r2 /= 7
 */
static int run_pass(struct isa *isa, const struct pass *pass)
{
	int ret = -1;

	isa->targets = find_targets(isa->prog);
	if (!isa->targets)
		return error_memory(isa->err);
	if (liveness_init(&isa->liveness, isa->prog,
			  pass->cap == CAP_JMP32 ? NULL : pass->wants, isa->err))
		goto no_liveness;
	if (widths_init(&isa->widths, isa->prog, isa->err))
		goto no_widths;
	if (edit_init(&isa->edit, isa->prog, isa->err) == 0)
		ret = rewrite_all(isa, pass);
	edit_fini(&isa->edit);
	widths_fini(&isa->widths);
no_widths:
	liveness_fini(&isa->liveness);
no_liveness:
	free(isa->targets);
	return ret;
}

static int lower_for(const struct object *obj, struct program *prog, struct caps *caps,
		     const struct pass *pass, struct plan *plan, struct error *err)
{
	struct isa isa = { .obj = obj, .prog = prog, .err = err };

	if (next_wanted(pass, prog, 0) == prog->insns.len || caps_ask(caps, pass->cap) != CAP_NO)
		return 0;
	isa.why = plan_why(caps, pass->cap);
	if (run_pass(&isa, pass))
		return -1;
	if (!isa.changed)
		return 0;
	return plan_add(plan, "isa", prog, isa.why.text, err, "%u %s", isa.changed,
			isa.changed == 1 ? pass->one : pass->many);
}

/* Casts between address spaces have no question of their own: they came with the arena. */
static int refuse_casts(const struct object *obj, struct program *prog, struct caps *caps,
			struct error *err)
{
	const struct pass pass = { .wants = is_cast };
	uint32_t at = next_wanted(&pass, prog, 0);
	struct isa isa = { .obj = obj, .prog = prog, .err = err, .at = at };

	if (at == prog->insns.len || caps_map(caps, MAP_TYPE_ARENA) != CAP_NO)
		return 0;
	isa.why = plan_why_map(caps, MAP_TYPE_ARENA);
	return isa_arena(&isa, &prog->insns.at[at]);
}

int lower_isa(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct program *prog = &obj->programs.at[i];

		if (!prog->autoload)
			continue;
		if (refuse_casts(obj, prog, caps, err))
			return -1;
		for (size_t n = 0; n < sizeof(passes) / sizeof(passes[0]); n++)
			if (lower_for(obj, prog, caps, &passes[n], plan, err))
				return -1;
	}
	return 0;
}
