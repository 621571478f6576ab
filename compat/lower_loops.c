// SPDX-License-Identifier: GPL-2.0
/*
 * Loops where the kernel takes none (before Linux 5.3): rounds are taken off in front until
 * nothing is left of the loop. E.g.
 *
 *	1: r6 = 0		r6 = 0				r6 = 0
 *	2: r1 = r6		r1 = r6		first round	r1 = r6
 *	3: call 5		call 5				call 5
 *	4: r6 += 1		r6 += 1		r6: 1		r6 += 1
 *	5: if r6 < 2 goto 2	if r6 >= 2 goto 6		r1 = r6
 *	6: exit			r1 = r6		the others	call 5
 *				call 5				r6 += 1
 *				r6 += 1				exit
 *				if r6 < 2 goto -4
 *				exit
 *
 * After each step fold() decides what has become constant: the second round's comparison (fold.c knows
 * that r6 is 2 there), so nothing leads back any more. Of the same loop twice as many rounds are
 * taken off with each step; those too many are reached by nothing. Where a loop is in another, the
 * outer one goes first, by one round: so a bound that depends on the outer one's counter is a
 * constant, too.
 *
 * A round is a copy of all instructions from which the loop's beginning can be reached again.
 * Jumps inside it stay in the copy; those to the beginning lead to that of the next copy, from the
 * last one to that of the loop itself.
 */
#include "compat/lower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/loops.h"
#include "compat/rebuild.h"
#include "compat/refuse.h"
#include "loader/source.h"

#define FEW_INSTRUCTIONS 4096
/* Before folding; so that jumps of 16 bits reach. */
#define LENGTH_MAX 30000u
/* In all steps together: what an endless loop comes to that folds to nothing. */
#define STEPS_MAX 8192
#define COPIED_MAX (1u << 22)

/* The loop of the program that comes first. */
struct loop {
	uint32_t func, from, end; /* the function it is in */
	uint32_t header;
	int64_t loops;   /* in the whole program */
	uint8_t *inside; /* by instruction of the program */
	uint32_t *body;  /* those inside, as they are copied */
	uint32_t *index; /* by instruction: where in body */
	size_t len;
	bool nested;     /* there are others in it */
};

struct unroller {
	const struct object *obj;
	struct program *prog;
	struct plan_why why;
	struct error *err;
	uint32_t limit; /* instructions that the kernel takes */
	uint32_t steps, copied;
};

/* ---- the loop ---- */

static void loop_fini(struct loop *loop)
{
	free(loop->inside);
	free(loop->body);
	free(loop->index);
}

/* Where it goes on, at most two; -1: nowhere. */
static void successors(const struct program *prog, uint32_t insn, int64_t to[2])
{
	const struct bpf_insn *i = &prog->insns.at[insn];

	to[0] = insn_ends_flow(i) ? -1 : (int64_t)insn + 1 + insn_is_wide(i);
	to[1] = insn_is_jump(i) ? insn_target(i, insn) : -1;
}

static bool is_marked(const struct loop *loop, const uint8_t *marks, int64_t insn)
{
	return insn >= loop->from && insn < loop->end && marks[insn];
}

/* Marks what can be reached from the header; REACHED. */
enum { REACHED = 1, INSIDE = 2 };

static bool spread(const struct program *prog, const struct loop *loop)
{
	bool changed = false;

	for (uint32_t i = loop->from; i < loop->end; i++) {
		int64_t to[2];

		if (!loop->inside[i])
			continue;
		successors(prog, i, to);
		for (int n = 0; n < 2; n++) {
			if (to[n] < loop->from || to[n] >= loop->end || loop->inside[to[n]])
				continue;
			loop->inside[to[n]] = REACHED;
			changed = true;
		}
	}
	return changed;
}

/* Marks what of it leads back to the header. */
static bool spread_back(const struct program *prog, const struct loop *loop)
{
	bool changed = false;

	for (uint32_t i = loop->end; i-- > loop->from;) {
		int64_t to[2];

		if (loop->inside[i] != REACHED)
			continue;
		successors(prog, i, to);
		for (int n = 0; n < 2; n++) {
			if (!is_marked(loop, loop->inside, to[n]) || loop->inside[to[n]] != INSIDE)
				continue;
			loop->inside[i] = INSIDE;
			changed = true;
		}
	}
	return changed;
}

/* From the header on, then from the function's beginning. */
static void list_body(const struct program *prog, struct loop *loop, const uint8_t *headers)
{
	uint32_t len = loop->end - loop->from;

	for (uint32_t n = 0; n < len; n++) {
		uint32_t i = loop->from + (loop->header - loop->from + n) % len;

		if (loop->inside[i] != INSIDE)
			continue;
		loop->index[i] = loop->len;
		loop->body[loop->len++] = i;
		loop->nested |= i != loop->header && headers[i];
	}
}

static int find_body(const struct program *prog, struct loop *loop, const uint8_t *headers,
		     struct error *err)
{
	loop->inside = calloc(prog->insns.len, 1);
	loop->body = calloc(prog->insns.len, sizeof(*loop->body));
	loop->index = calloc(prog->insns.len, sizeof(*loop->index));
	if (!loop->inside || !loop->body || !loop->index)
		return error_memory(err);
	loop->inside[loop->header] = INSIDE;
	while (spread(prog, loop))
		;
	while (spread_back(prog, loop))
		;
	for (uint32_t i = loop->from; i < loop->end; i++)
		loop->inside[i] = loop->inside[i] == INSIDE ? INSIDE : 0;
	list_body(prog, loop, headers);
	return 0;
}

/* loop_fini is due; loops 0: there is none. */
static int find_loop(const struct program *prog, struct loop *loop, struct error *err)
{
	uint8_t *headers = calloc(prog->insns.len, 1);
	int ret = headers ? 0 : error_memory(err);

	memset(loop, 0, sizeof(*loop));
	for (size_t i = prog->funcs.len; !ret && i-- > 0;) {
		uint32_t from = prog->funcs.at[i].insn, end = program_func_end(prog, i);
		int64_t loops = function_loop_headers(prog, from, end, headers + from,
						      &loop->header);

		if (loops < 0)
			ret = error_memory(err);
		if (loops <= 0)
			continue;
		loop->loops += loops;
		loop->func = i;
		loop->from = from;
		loop->end = end;
	}
	if (!ret && loop->loops)
		ret = find_body(prog, loop, headers, err);
	free(headers);
	return ret;
}

/* ---- copies of it ---- */

/* A jump or call of the new program. round 0: of the loop itself, or of what is around it. */
struct open_jump {
	uint32_t at, round;
	uint32_t source, target; /* in the old one */
};

struct peel {
	const struct program *prog;
	const struct loop *loop;
	uint32_t rounds;
	struct rebuild new;
	uint32_t *original; /* by old instruction: where it is now */
	uint32_t *copies;   /* by round, from the first on, then place in the loop's body: likewise */
	VEC(struct open_jump) jumps;
};

static uint32_t *place(const struct peel *p, uint32_t round, uint32_t insn)
{
	const struct loop *loop = p->loop;

	return round ? &p->copies[(round - 1) * loop->len + loop->index[insn]] : &p->original[insn];
}

static int open_jump(struct peel *p, uint32_t round, uint32_t source, uint32_t target)
{
	struct open_jump *jump = vec_push(&p->jumps);

	if (!jump)
		return error_memory(p->new.err);
	*jump = (struct open_jump){ p->new.out.insns.len, round, source, target };
	return 0;
}

static int put_goto(struct peel *p, uint32_t round, uint32_t source, uint32_t target)
{
	return open_jump(p, round, source, target) || rebuild_put(&p->new, INSN_GOTO(0)) ? -1 : 0;
}

static int put_insn(struct peel *p, uint32_t round, uint32_t insn)
{
	const struct bpf_insn *i = &p->prog->insns.at[insn];

	if (rebuild_tables(&p->new, insn))
		return -1;
	if ((insn_is_jump(i) || insn_is_func_call(i)) &&
	    open_jump(p, round, insn, insn_target(i, insn)))
		return -1;
	*place(p, round, insn) = p->new.out.insns.len;
	if (rebuild_put(&p->new, *i))
		return -1;
	return insn_is_wide(i) ? rebuild_put(&p->new, i[1]) : 0;
}

static int put_round(struct peel *p, uint32_t round)
{
	const struct loop *loop = p->loop;

	for (size_t n = 0; n < loop->len; n++) {
		uint32_t insn = loop->body[n];
		int64_t next[2];

		/* What comes before it here may be of another line than what came before. */
		if (rebuild_line(&p->new, insn) || put_insn(p, round, insn))
			return -1;
		successors(p->prog, insn, next);
		if (next[0] < 0 || (n + 1 < loop->len && loop->body[n + 1] == next[0]))
			continue;
		if (put_goto(p, round, insn, next[0]))
			return -1;
	}
	return 0;
}

/* All rounds, before the header; what falls from the loop into it goes round them. */
static int put_rounds(struct peel *p, int64_t before)
{
	const struct loop *loop = p->loop;

	if (before >= loop->from && loop->inside[before] &&
	    !insn_ends_flow(&p->prog->insns.at[before]) &&
	    put_goto(p, 0, before, loop->header))
		return -1;
	for (uint32_t round = 1; round <= p->rounds; round++)
		if (put_round(p, round))
			return -1;
	return rebuild_line(&p->new, loop->header);
}

static int put_all(struct peel *p)
{
	const struct program *prog = p->prog;
	int64_t before = -1;
	size_t func = 0;

	for (uint32_t i = 0; i < prog->insns.len; i++) {
		if (func < prog->funcs.len && prog->funcs.at[func].insn == i) {
			struct func *to = vec_push(&p->new.out.funcs);

			if (!to)
				return error_memory(p->new.err);
			*to = prog->funcs.at[func++];
			to->insn = p->new.out.insns.len;
		}
		if (i == p->loop->header && put_rounds(p, before))
			return -1;
		if (put_insn(p, 0, i))
			return -1;
		before = i;
		i += insn_is_wide(&prog->insns.at[i]);
	}
	return 0;
}

/* Where a jump that is no call leads now. */
static uint32_t new_target(const struct peel *p, const struct open_jump *jump)
{
	const struct loop *loop = p->loop;
	bool inside = loop->inside[jump->target];

	if (jump->target == loop->header && (jump->round || !loop->inside[jump->source]))
		return *place(p, jump->round < p->rounds ? jump->round + 1 : 0, jump->target);
	return *place(p, inside ? jump->round : 0, jump->target);
}

static const struct func *func_that_starts(const struct peel *p, uint32_t insn)
{
	for (size_t i = 0; i < p->prog->funcs.len; i++)
		if (p->prog->funcs.at[i].insn == insn)
			return &p->new.out.funcs.at[i];
	return NULL;
}

static int close_jump(struct peel *p, const struct open_jump *jump)
{
	struct bpf_insn *insn = &p->new.out.insns.at[jump->at];
	const struct func *func = insn_is_call(insn) ? func_that_starts(p, jump->target) : NULL;
	int64_t distance;

	if (jump->target >= p->prog->insns.len || (insn_is_call(insn) && !func))
		return error_set(p->new.err, ERROR_FORMAT, "program '%s': instruction %u: target: got "
				 "%u, expected an instruction of 0 to %zu", p->prog->name, jump->source,
				 jump->target, p->prog->insns.len - 1);
	distance = (int64_t)(func ? func->insn : new_target(p, jump)) - jump->at - 1;
	if (insn_is_call(insn) || insn_is_gotol(insn))
		insn->imm = distance;
	else if (distance >= INT16_MIN && distance <= INT16_MAX)
		insn->off = distance;
	else
		return error_set(p->new.err, ERROR_UNSUPPORTED, "program '%s': instruction %u: jump: "
				 "got a distance of %lld after unrolling, expected %d to %d",
				 p->prog->name, jump->source, (long long)distance, INT16_MIN,
				 INT16_MAX);
	return 0;
}

static int close_all(struct peel *p)
{
	for (size_t i = 0; i < p->jumps.len; i++)
		if (close_jump(p, &p->jumps.at[i]))
			return -1;
	for (size_t i = 0; i < p->new.out.refs.len; i++) {
		struct ref *ref = &p->new.out.refs.at[i];
		const struct func *func = ref->kind == REF_FUNC ? func_that_starts(p, ref->target) :
								  NULL;

		if (func)
			ref->target = func->insn;
	}
	return 0;
}

static int peel(struct program *prog, const struct loop *loop, uint32_t rounds, struct error *err)
{
	struct peel p = { .prog = prog, .loop = loop, .rounds = rounds };
	int ret = -1;

	rebuild_init(&p.new, prog, err);
	p.original = calloc(prog->insns.len, sizeof(*p.original));
	p.copies = calloc(rounds * loop->len, sizeof(*p.copies));
	if (!p.original || !p.copies)
		error_memory(err);
	else if (!put_all(&p) && !close_all(&p))
		ret = 0;
	if (!ret)
		rebuild_finish(&p.new, prog);
	rebuild_fini(&p.new);
	free(p.original);
	free(p.copies);
	vec_fini(&p.jumps);
	return ret;
}

/* ---- until none is left ---- */

static int too_large(struct unroller *u, const struct loop *loop)
{
	struct source_place place;
	char where[136] = "";

	/* The instruction's number is of no use: it is not that of the object any more. */
	if (source_find(&place, u->prog, &u->obj->btf, loop->header))
		snprintf(where, sizeof(where), "%s: ",
			 refuse_place(u->obj, u->prog, loop->header).text);
	error_set(u->err, ERROR_UNSUPPORTED, "%s: program '%s': %sloop: got more than %u instructions "
		  "when unrolled, or no end that constants tell: %s", u->obj->name, u->prog->name, where,
		  u->limit, u->why.text);
	return error_hint(u->err, "give the loop a constant bound, or a smaller one");
}

/* How many rounds to take off next: twice as many as last time, of a loop that is still there. */
static uint32_t next_rounds(const struct unroller *u, const struct loop *loop, int64_t loops_before,
			    uint32_t rounds)
{
	uint32_t length = u->prog->insns.len, room;

	if (length > u->limit)
		return 0;
	room = (LENGTH_MAX - length) / (2 * loop->len); /* a goto behind each, at most */
	rounds = loop->nested || loop->loops != loops_before ? 1 : 2 * rounds;
	return rounds < room ? rounds : room;
}

/* 1: there was one; 0: none. */
static int step(struct unroller *u, int64_t *loops, uint32_t *rounds)
{
	struct loop loop;
	int ret = find_loop(u->prog, &loop, u->err);

	if (ret || !loop.loops)
		goto out;
	*rounds = next_rounds(u, &loop, *loops, *rounds);
	*loops = loop.loops;
	u->copied += *rounds * loop.len;
	if (!*rounds || ++u->steps > STEPS_MAX || u->copied > COPIED_MAX)
		ret = too_large(u, &loop);
	else
		ret = peel(u->prog, &loop, *rounds, u->err);
	if (!ret)
		ret = fold_program(u->obj, u->prog, u->err) ? -1 : 1;
out:
	loop_fini(&loop);
	return ret;
}

static int64_t count_loops(const struct program *prog)
{
	int64_t loops = 0;

	for (size_t i = 0; i < prog->funcs.len; i++) {
		int64_t n = function_loops(prog, prog->funcs.at[i].insn, program_func_end(prog, i));

		if (n < 0)
			return -1;
		loops += n;
	}
	return loops;
}

static int unroll(struct unroller *u)
{
	int64_t loops = 0;
	uint32_t rounds = 0;
	int more;

	do
		more = step(u, &loops, &rounds);
	while (more > 0);
	return more;
}

static int lower_program(const struct object *obj, struct program *prog, struct caps *caps,
			 struct plan *plan, struct error *err)
{
	struct unroller u = { .obj = obj, .prog = prog, .err = err, .limit = LENGTH_MAX };
	size_t before = prog->insns.len;
	int64_t loops = count_loops(prog);

	if (loops < 0)
		return error_memory(err);
	if (!loops || caps_ask(caps, CAP_LOOPS) != CAP_NO)
		return 0;
	u.why = plan_why(caps, CAP_LOOPS);
	if (caps_ask(caps, CAP_LARGE) == CAP_NO)
		u.limit = FEW_INSTRUCTIONS;
	if (unroll(&u))
		return -1;
	return plan_add(plan, "loops", prog, u.why.text, err,
			"%lld loop%s unrolled: %zu instructions become %zu", (long long)loops,
			loops == 1 ? "" : "s", before, prog->insns.len);
}

int lower_loops(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload &&
		    lower_program(obj, &obj->programs.at[i], caps, plan, err))
			return -1;
	return 0;
}
