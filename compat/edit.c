// SPDX-License-Identifier: GPL-2.0
#include "compat/edit.h"

#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"

/*
 * How a change of length is carried through, by example. As it was, with line info on the
 * right; instruction 2 is replaced by three (x, y, z) and one (p) is inserted before 4:
 *
 *	0: if r1 == 0 goto +3	(to 4)		line 10
 *	1: r2 = 5				line 11
 *	2: call helper				line 12
 *	3: r2 += 1				line 13
 *	4: goto -4		(to 1)		line 14
 *
 * Writing it out in order gives every old instruction three places in the new program:
 * `start`, where all that belongs to it begins; `land`, where jumps to it arrive (behind
 * what edit_enter put there, else the same); `self`, where it or its replacement is:
 *
 *	old	start	land	self		0: if r1 == 0 goto +5	line 10
 *	 0	 0	 0	 0		1: r2 = 5		line 11
 *	 1	 1	 1	 1		2: x			line 12
 *	 2	 2	 2	 2		3: y
 *	 3	 5	 5	 5		4: z
 *	 4	 6	 6	 7		5: r2 += 1		line 13
 *	 5	 8	 8	 (end)		6: p			line 14
 *						7: goto -7
 *
 * Then each instruction that came from the old program and has a target gets its distance
 * anew: the first is at 0 and led to old 4, so now to land[4] = 6: 6 - (0 + 1) = +5; the
 * last is at 7 and led to old 1: 1 - (7 + 1) = -7. Code that was put in is contiguous, so its
 * own jumps stay as they are. Calls and function addresses go to `start`, refs and relocations
 * to `self`, line and func info to `start`: the kernel wants a line at the first instruction
 * of each function. Had 2 been deleted, lines 12 and 13 would meet at one instruction,
 * which the kernel refuses (insn_off must increase): the later, which belongs to the
 * instruction that is still there, wins. A function of which nothing is left goes. A line
 * never leaves its function: that of an instruction deleted with all behind it there goes too.
 */

enum { MARK_SECOND = 1, MARK_GONE = 2 };

/* The kernel takes a million; this only keeps sums of indexes inside 32 bits. */
#define INSNS_MAX (1u << 24)

struct layout {
	uint32_t *start, *land, *self; /* by old index; one more for the end */
	VEC(uint32_t) origin;          /* by new index: the old one, or PUT_IN */
	VEC(struct edit_exit) exits;   /* of put-in code, insn by new index, target by old */
	struct program out;
};

#define PUT_IN UINT32_MAX

int edit_init(struct edit *edit, struct program *prog, struct error *err)
{
	size_t len = prog->insns.len;

	memset(edit, 0, sizeof(*edit));
	edit->prog = prog;
	if (!len || len > INSNS_MAX)
		return error_set(err, ERROR_FORMAT,
				 "program '%s': got %zu instructions, expected 1 to %u",
				 prog->name, len, INSNS_MAX);
	edit->marks = calloc(len, 1);
	if (!edit->marks)
		return error_memory(err);
	for (size_t i = 0; i < len; i++) {
		if (!insn_is_wide(&prog->insns.at[i]))
			continue;
		if (++i == len || prog->insns.at[i].code)
			return error_set(err, ERROR_FORMAT, "program '%s': instruction %zu: "
					 "BPF_LD_IMM64 without its second slot",
					 prog->name, i - 1);
		edit->marks[i] = MARK_SECOND;
	}
	return 0;
}

static void change_fini(struct edit_change *change)
{
	free(change->insns);
	free(change->refs);
	free(change->exits);
}

void edit_fini(struct edit *edit)
{
	for (size_t i = 0; i < edit->changes.len; i++)
		change_fini(&edit->changes.at[i]);
	vec_fini(&edit->changes);
	free(edit->marks);
	edit->marks = NULL;
}

/* NULL where the piece is sound, else what is wrong with it. */
static const char *code_fault(const struct edit_code *code, const uint8_t *second)
{
	for (size_t i = 0; i < code->len; i++) {
		const struct bpf_insn *insn = &code->insns[i];
		int64_t target;

		if (second[i])
			continue;
		if (insn_is_wide(insn) && (i + 1 == code->len || code->insns[i + 1].code))
			return "a BPF_LD_IMM64 without its second slot";
		if (insn_is_func_call(insn))
			return "a call of a function of the program";
		if (!insn_is_jump(insn))
			continue;
		target = insn_target(insn, i);
		if (target < 0 || target > (int64_t)code->len)
			return "a jump that leads out of it";
		if (target < (int64_t)code->len && second[target])
			return "a jump into a BPF_LD_IMM64";
	}
	for (size_t i = 0; i < code->refs_len; i++) {
		uint32_t at = code->refs[i].insn;

		if (at >= code->len || second[at] || !insn_is_wide(&code->insns[at]))
			return "a reference that is not at a BPF_LD_IMM64";
	}
	return NULL;
}

static int check_code(const struct edit *edit, uint32_t insn, const struct edit_code *code,
		      struct error *err)
{
	uint8_t *second;
	const char *fault;

	if (!code->len && !code->refs_len)
		return 0;
	if (code->len > INSNS_MAX)
		return error_memory(err);
	second = calloc(code->len + 1, 1);
	if (!second)
		return error_memory(err);
	for (size_t i = 0; i + 1 < code->len; i++)
		if (!second[i] && insn_is_wide(&code->insns[i]))
			second[i + 1] = 1;
	fault = code_fault(code, second);
	free(second);
	if (fault)
		return error_set(err, ERROR_USAGE,
				 "program '%s': instruction %u: the code to put in has %s",
				 edit->prog->name, insn, fault);
	return 0;
}

static int check_place(const struct edit *edit, uint32_t insn, struct error *err)
{
	const struct program *prog = edit->prog;

	if (insn >= prog->insns.len)
		return error_set(err, ERROR_USAGE, "program '%s': change of instruction %u: "
				 "the program has %zu", prog->name, insn, prog->insns.len);
	if (edit->marks[insn] & MARK_SECOND)
		return error_set(err, ERROR_USAGE, "program '%s': change of instruction %u: "
				 "it is the second half of the BPF_LD_IMM64 before it",
				 prog->name, insn);
	return 0;
}

/* A copy of len elements, or NULL: also for none, which is no failure. */
static void *copy(const void *from, size_t len, size_t size, bool *failed)
{
	void *to = len ? calloc(len, size) : NULL;

	if (to)
		memcpy(to, from, len * size);
	else if (len)
		*failed = true;
	return to;
}

static int add(struct edit *edit, enum edit_kind kind, uint32_t insn, struct edit_code code,
	       struct error *err)
{
	struct edit_change *change;
	bool failed = false;

	if (check_place(edit, insn, err) || check_code(edit, insn, &code, err))
		return -1;
	change = vec_push(&edit->changes);
	if (!change)
		return error_memory(err);
	change->insn = insn;
	change->order = edit->changes.len;
	change->kind = kind;
	change->insns = copy(code.insns, code.len, sizeof(*code.insns), &failed);
	change->refs = copy(code.refs, code.refs_len, sizeof(*code.refs), &failed);
	change->len = code.len;
	change->refs_len = code.refs_len;
	if (!failed)
		return 0;
	change_fini(change);
	edit->changes.len--;
	return error_memory(err);
}

int edit_enter(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err)
{
	return add(edit, EDIT_ENTER, insn, code, err);
}

int edit_insert(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err)
{
	return add(edit, EDIT_INSERT, insn, code, err);
}

int edit_replace(struct edit *edit, uint32_t insn, struct edit_code code, struct error *err)
{
	if (check_place(edit, insn, err))
		return -1;
	if (edit->marks[insn] & MARK_GONE)
		return error_set(err, ERROR_USAGE, "program '%s': change of instruction %u: "
				 "it is replaced or deleted already", edit->prog->name, insn);
	if (add(edit, EDIT_REPLACE, insn, code, err))
		return -1;
	edit->marks[insn] |= MARK_GONE;
	if (insn_is_wide(&edit->prog->insns.at[insn]))
		edit->marks[insn + 1] |= MARK_GONE;
	return 0;
}

int edit_delete(struct edit *edit, uint32_t insn, struct error *err)
{
	return edit_replace(edit, insn, (struct edit_code){ 0 }, err);
}

int edit_exits(struct edit *edit, const struct edit_exit *exits, size_t len, struct error *err)
{
	struct edit_change *change = edit->changes.len ? &edit->changes.at[edit->changes.len - 1] :
							 NULL;
	bool failed = false;

	for (size_t i = 0; i < len; i++)
		if (!change || change->exits || exits[i].insn >= change->len ||
		    !insn_is_jump(&change->insns[exits[i].insn]))
			return error_set(err, ERROR_USAGE, "program '%s': exit %zu of a piece: got "
					 "instruction %u, expected a jump of the piece put in last",
					 edit->prog->name, i, exits[i].insn);
	if (!len)
		return 0;
	change->exits = copy(exits, len, sizeof(*exits), &failed);
	change->exits_len = failed ? 0 : len;
	return failed ? error_memory(err) : 0;
}

/* By place, then by what stands first there, then as they were asked for. */
static int compare_changes(const void *a, const void *b)
{
	const struct edit_change *x = a, *y = b;

	if (x->insn != y->insn)
		return x->insn < y->insn ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int put_insn(struct layout *l, struct bpf_insn insn, uint32_t origin)
{
	struct bpf_insn *to = vec_push(&l->out.insns);
	uint32_t *from = vec_push(&l->origin);

	if (!to || !from)
		return -1;
	*to = insn;
	*from = origin;
	return 0;
}

static int put_ref(struct layout *l, struct ref ref, uint32_t insn)
{
	struct ref *to = vec_push(&l->out.refs);

	if (!to)
		return -1;
	*to = ref;
	to->insn = insn;
	return 0;
}

static int put_exit(struct layout *l, struct edit_exit exit, uint32_t insn)
{
	struct edit_exit *to = vec_push(&l->exits);

	if (!to)
		return -1;
	to->insn = insn;
	to->target = exit.target;
	return 0;
}

/* Puts in all changes of one kind at instruction insn; *next walks through the changes. */
static int put_changes(struct layout *l, const struct edit *edit, uint32_t insn,
		       enum edit_kind kind, size_t *next)
{
	for (; *next < edit->changes.len; ++*next) {
		const struct edit_change *change = &edit->changes.at[*next];
		uint32_t base = l->out.insns.len;

		if (change->insn != insn || change->kind != kind)
			break;
		for (size_t i = 0; i < change->len; i++)
			if (put_insn(l, change->insns[i], PUT_IN))
				return -1;
		for (size_t i = 0; i < change->refs_len; i++)
			if (put_ref(l, change->refs[i], base + change->refs[i].insn))
				return -1;
		for (size_t i = 0; i < change->exits_len; i++)
			if (put_exit(l, change->exits[i], base + change->exits[i].insn))
				return -1;
	}
	return 0;
}

/* Writes the instructions in their new order, and where each old one is now. */
static int lay_out(struct layout *l, const struct edit *edit)
{
	uint32_t len = edit->prog->insns.len;
	size_t next = 0;

	for (uint32_t i = 0; i < len; i++) {
		l->start[i] = l->out.insns.len;
		if (put_changes(l, edit, i, EDIT_ENTER, &next))
			return -1;
		l->land[i] = l->out.insns.len;
		if (put_changes(l, edit, i, EDIT_INSERT, &next))
			return -1;
		l->self[i] = l->out.insns.len;
		if (put_changes(l, edit, i, EDIT_REPLACE, &next))
			return -1;
		if (!(edit->marks[i] & MARK_GONE) && put_insn(l, edit->prog->insns.at[i], i))
			return -1;
	}
	l->start[len] = l->land[len] = l->self[len] = l->out.insns.len;
	return 0;
}

static int no_such_target(const struct edit *edit, uint32_t insn, int64_t target,
			  struct error *err)
{
	return error_set(err, ERROR_FORMAT, "program '%s': instruction %u: target: got %lld, "
			 "expected an instruction of 0 to %zu", edit->prog->name, insn,
			 (long long)target, edit->prog->insns.len - 1);
}

/* Whether nothing is left of the instruction and of what follows it in its function. */
static bool is_cut_off(const struct layout *l, const struct program *prog, uint32_t insn)
{
	uint32_t end = prog->insns.len;

	for (size_t i = prog->funcs.len; i-- > 0 && prog->funcs.at[i].insn > insn;)
		if (prog->funcs.at[i].insn < end)
			end = prog->funcs.at[i].insn;
	return l->start[insn] == l->start[end];
}

/* Whether nothing is left of the function that starts there. */
static bool func_is_gone(const struct layout *l, const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->funcs.len; i++) {
		uint32_t end = program_func_end(prog, i);

		if (prog->funcs.at[i].insn == insn && end > insn && end <= prog->insns.len)
			return l->start[insn] == l->start[end];
	}
	return false;
}

static int func_was_deleted(const struct edit *edit, uint32_t insn, uint32_t func,
			    struct error *err)
{
	return error_set(err, ERROR_USAGE, "program '%s': instruction %u: the function at %u, "
			 "which it needs, was deleted", edit->prog->name, insn, func);
}

/*
 * The distance from new instruction `at`, a jump or call, to what was instruction `target`; for
 * messages: `insn` is where it was, or is put in.
 */
static int new_distance(const struct layout *l, const struct edit *edit, uint32_t insn,
			int64_t target, uint32_t at, int64_t *distance, struct error *err)
{
	bool call = insn_is_call(&l->out.insns.at[at]);

	if (target < 0 || target >= (int64_t)edit->prog->insns.len ||
	    edit->marks[target] & MARK_SECOND)
		return no_such_target(edit, insn, target, err);
	if (call && func_is_gone(l, edit->prog, target))
		return func_was_deleted(edit, insn, target, err);
	if (is_cut_off(l, edit->prog, target))
		return error_set(err, ERROR_USAGE, "program '%s': instruction %u: everything "
				 "from its target, %lld, on was deleted", edit->prog->name, insn,
				 (long long)target);
	*distance = (int64_t)(call ? l->start[target] : l->land[target]) - at - 1;
	return 0;
}

static int lead_to(struct layout *l, const struct edit *edit, uint32_t old, int64_t target,
		   uint32_t at, struct error *err)
{
	struct bpf_insn *insn = &l->out.insns.at[at];
	int64_t distance = 0;

	if (new_distance(l, edit, old, target, at, &distance, err))
		return -1;
	if (insn_is_gotol(insn) || insn_is_func_call(insn)) {
		insn->imm = distance;
		return 0;
	}
	if (distance < INT16_MIN || distance > INT16_MAX) {
		error_set(err, ERROR_UNSUPPORTED, "program '%s': instruction %u: jump: got a "
			  "distance of %lld after rewriting, expected %d to %d",
			  edit->prog->name, old, (long long)distance, INT16_MIN, INT16_MAX);
		return error_hint(err, "a BPF jump has 16 bits for its distance; make the "
				  "function shorter");
	}
	insn->off = distance;
	return 0;
}

static int fix_jump(struct layout *l, const struct edit *edit, uint32_t at, struct error *err)
{
	const struct bpf_insn *insn = &l->out.insns.at[at];
	uint32_t old = l->origin.at[at];

	if (old == PUT_IN || edit->marks[old] & MARK_SECOND ||
	    !(insn_is_jump(insn) || insn_is_func_call(insn)))
		return 0;
	return lead_to(l, edit, old, insn_target(insn, old), at, err);
}

/* Of the first old instruction that stands at or behind a new one. */
static uint32_t old_place(const struct layout *l, const struct edit *edit, uint32_t at)
{
	while (at < l->origin.len && l->origin.at[at] == PUT_IN)
		at++;
	return at < l->origin.len ? l->origin.at[at] : edit->prog->insns.len;
}

static int fix_exits(struct layout *l, const struct edit *edit, struct error *err)
{
	for (size_t i = 0; i < l->exits.len; i++) {
		const struct edit_exit *exit = &l->exits.at[i];

		if (lead_to(l, edit, old_place(l, edit, exit->insn), exit->target, exit->insn, err))
			return -1;
	}
	return 0;
}

static int compare_refs(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	return x->insn < y->insn ? -1 : x->insn > y->insn;
}

/* Those of put-in code are in out.refs already; all name functions by old index so far. */
static int fix_refs(struct layout *l, const struct edit *edit, struct error *err)
{
	const struct program *prog = edit->prog;

	for (size_t i = 0; i < prog->refs.len; i++) {
		struct ref ref = prog->refs.at[i];

		if (ref.insn >= prog->insns.len ||
		    (!insn_is_wide(&prog->insns.at[ref.insn]) &&
		     !(ref.kind == REF_EXTERNAL && insn_is_call(&prog->insns.at[ref.insn]))))
			return error_set(err, ERROR_FORMAT, "program '%s': reference %zu: got "
					 "instruction %u, expected a BPF_LD_IMM64", prog->name, i,
					 ref.insn);
		if (!(edit->marks[ref.insn] & MARK_GONE) && put_ref(l, ref, l->self[ref.insn]))
			return error_memory(err);
	}
	for (size_t i = 0; i < l->out.refs.len; i++) {
		struct ref *ref = &l->out.refs.at[i];

		if (ref->kind != REF_FUNC)
			continue;
		if (ref->target >= prog->insns.len)
			return no_such_target(edit, ref->insn, ref->target, err);
		if (func_is_gone(l, prog, ref->target))
			return func_was_deleted(edit, ref->insn, ref->target, err);
		ref->target = l->start[ref->target];
	}
	if (l->out.refs.len)
		qsort(l->out.refs.at, l->out.refs.len, sizeof(struct ref), compare_refs);
	return 0;
}

static int fix_relos(struct layout *l, const struct edit *edit, struct error *err)
{
	const struct program *prog = edit->prog;

	for (size_t i = 0; i < prog->relos.len; i++) {
		struct core_relo relo = prog->relos.at[i], *to;

		if (relo.insn >= prog->insns.len)
			return error_set(err, ERROR_FORMAT, "program '%s': relocation %zu: got "
					 "instruction %u of %zu", prog->name, i, relo.insn,
					 prog->insns.len);
		if (edit->marks[relo.insn] & MARK_GONE)
			continue;
		relo.insn = l->self[relo.insn];
		to = vec_push(&l->out.relos);
		if (!to)
			return error_memory(err);
		*to = relo;
	}
	return 0;
}

static int fix_funcs(struct layout *l, const struct edit *edit, struct error *err)
{
	const struct program *prog = edit->prog;

	for (size_t i = 0; i < prog->funcs.len; i++) {
		struct func func = prog->funcs.at[i], *to;
		uint32_t end = program_func_end(prog, i);

		if (func.insn >= end || end > prog->insns.len)
			return error_set(err, ERROR_FORMAT, "program '%s': function '%s': got "
					 "instructions %u to %u of %zu", prog->name, func.name,
					 func.insn, end, prog->insns.len);
		func.insn = l->start[func.insn];
		if (func.insn == l->start[end] && i)
			continue;
		if (func.insn == l->start[end])
			return error_set(err, ERROR_USAGE, "program '%s': function '%s': all its "
					 "instructions were deleted", prog->name, func.name);
		to = vec_push(&l->out.funcs);
		if (!to)
			return error_memory(err);
		*to = func;
	}
	return 0;
}

static int fix_lines(struct layout *l, const struct edit *edit, struct error *err)
{
	const struct program *prog = edit->prog;

	for (size_t i = 0; i < prog->lines.len; i++) {
		struct line line = prog->lines.at[i], *to;
		size_t len = l->out.lines.len;

		if (line.insn >= prog->insns.len)
			return error_set(err, ERROR_FORMAT, "program '%s': line %zu: got "
					 "instruction %u of %zu", prog->name, i, line.insn,
					 prog->insns.len);
		if (is_cut_off(l, prog, line.insn))
			continue;
		line.insn = l->start[line.insn];
		if (len && l->out.lines.at[len - 1].insn == line.insn)
			to = &l->out.lines.at[len - 1];
		else
			to = vec_push(&l->out.lines);
		if (!to)
			return error_memory(err);
		*to = line;
	}
	return 0;
}

static int fix_all(struct layout *l, const struct edit *edit, struct error *err)
{
	for (size_t i = 0; i < l->out.insns.len; i++)
		if (fix_jump(l, edit, i, err))
			return -1;
	if (fix_exits(l, edit, err))
		return -1;
	if (fix_refs(l, edit, err) || fix_relos(l, edit, err))
		return -1;
	return fix_funcs(l, edit, err) || fix_lines(l, edit, err) ? -1 : 0;
}

static void free_tables(struct program *prog)
{
	vec_fini(&prog->insns);
	vec_fini(&prog->refs);
	vec_fini(&prog->funcs);
	vec_fini(&prog->lines);
	vec_fini(&prog->relos);
}

static size_t length_after(const struct edit *edit)
{
	size_t len = edit->prog->insns.len;

	for (size_t i = 0; i < edit->changes.len; i++)
		len += edit->changes.at[i].len;
	return len;
}

int edit_apply(struct edit *edit, struct error *err)
{
	struct program *prog = edit->prog;
	size_t places = prog->insns.len + 1;
	struct layout l = { .out = program_without_code(prog) };
	int ret = -1;

	if (length_after(edit) > INSNS_MAX)
		return error_set(err, ERROR_UNSUPPORTED, "program '%s': got more than %u "
				 "instructions after rewriting", prog->name, INSNS_MAX);
	if (edit->changes.len)
		qsort(edit->changes.at, edit->changes.len, sizeof(struct edit_change),
		      compare_changes);
	l.start = calloc(places, 3 * sizeof(uint32_t));
	if (!l.start) {
		error_memory(err);
		goto out;
	}
	l.land = l.start + places;
	l.self = l.land + places;
	if (lay_out(&l, edit)) {
		error_memory(err);
		goto out;
	}
	if (fix_all(&l, edit, err))
		goto out;
	free_tables(prog);
	*prog = l.out;
	memset(&l.out, 0, sizeof(l.out));
	ret = 0;
out:
	free_tables(&l.out);
	vec_fini(&l.origin);
	vec_fini(&l.exits);
	free(l.start);
	return ret;
}
