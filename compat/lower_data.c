// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compat/fold_internal.h"
#include "compat/insn.h"
#include "compat/live.h"
#include "compat/piece.h"
#include "compat/stack.h"

/*
 * Global variables (Linux 5.2) without the address of a map's value in the program. What is read
 * from .rodata at a place that is known becomes the number that is there; all else goes through
 * the map like any other, found once, at the entry of each function. Example, with `limit` at byte
 * 4 of .rodata, which is 1000, and `count` at byte 8 of .bss:
 *
 *					*(u32 *)(r10 - 8) = 0	key
 *					r6 = r1			arguments stay
 *					r2 = r10
 *					r2 += -8
 *					r1 = .bss ll
 *					call bpf_map_lookup_elem
 *					if r0 != 0 goto +2
 *					r0 = 0			never: it has the one value
 *					exit
 *					*(u64 *)(r10 - 8) = r0
 *					r1 = r6
 *	r2 = .rodata + 4 ll
 *	r2 = *(u32 *)(r2 + 0)		r2 = 1000
 *	...				...
 *	r3 = .bss + 8 ll		r3 = *(u64 *)(r10 - 8)
 *					r3 += 8
 *	lock *(u64 *)(r3 + 0) += r2	lock *(u64 *)(r3 + 0) += r2
 *
 * A function may use r6 to r9 at its entry: nobody has put anything there that it could read. Only
 * a fifth argument has to go by the stack.
 *
 * Before Linux 4.11 the verifier forgets how far an address has been moved, even if not at all, when
 * it comes back from the stack. Where one is moved by what is no constant, the map is looked up
 * anew, the number being in one of r6 to r9, which calls do not touch (compat/lower_memory.c has the
 * accesses at constant distances). E.g. with r4 read later on:
 *
 *	r1 = .bss + 40 ll		r1 = .bss + 40 ll	(nobody reads it now)
 *	r1 += r2			r6 = r2
 *					r7 = r4			if nothing is in it: else
 *					r0 = the value of .bss, as above
 *					r0 += 40
 *					r0 += r6
 *					r1 = r0
 *					r4 = r7			by way of the stack
 */

#define LOWERING "data"
#define SAVED 4 /* r6 to r9 */

struct data {
	struct object *obj;
	struct program *prog;
	struct error *err;
	struct edit edit;
	uint16_t *live;
	uint32_t func, end; /* the function being worked on: index in prog->funcs, last insn + 1 */
	int32_t depth;      /* bytes of its stack in use */
	uint32_t numbers, references; /* how many there were, for the plan */
};

static bool is_global(const struct data *d, const struct ref *ref)
{
	return ref->kind == REF_VALUE && ref->target < d->obj->maps.len;
}

static int no_room(const struct data *d, uint32_t func, uint32_t depth, int32_t need)
{
	const char *name = d->prog->funcs.at[func].name;

	error_set(d->err, ERROR_UNSUPPORTED, "program '%s': function '%s': stack: got %u bytes in "
		  "use, expected at most %d, which leaves room for the addresses of global "
		  "variables", d->prog->name, name ? name : d->prog->name, depth,
		  STACK_MAX - need);
	return error_hint(d->err, "put large variables into a per-CPU map; as it is, it needs the "
			  "global variables of Linux 5.2");
}

/* ---- reads of .rodata ---- */

static int make_number(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct piece p = { 0 };
	struct data *d = ctx;
	struct value v;

	if (BPF_CLASS(insn->code) != BPF_LDX ||
	    fold_reg(f, insn->src_reg).kind != VALUE_GLOBAL)
		return 0;
	v = fold_loaded(f, insn);
	if (v.kind != VALUE_CONST)
		return 0;
	d->numbers++;
	piece_put_number(&p, insn->dst_reg, v.n);
	return piece_replace(&p, &d->edit, at, d->err);
}

static int make_numbers(struct data *d)
{
	int ret = edit_init(&d->edit, d->prog, d->err);

	if (!ret)
		ret = fold_visit(d->obj, d->prog, make_number, d, d->err);
	if (!ret)
		ret = edit_apply(&d->edit, d->err);
	edit_fini(&d->edit);
	return ret;
}

/* ---- addresses that nothing reads any more ---- */

static int drop_unread(struct data *d)
{
	int ret = edit_init(&d->edit, d->prog, d->err);

	for (size_t i = 0; !ret && i < d->prog->refs.len; i++) {
		const struct ref *ref = &d->prog->refs.at[i];
		const struct bpf_insn *insn = &d->prog->insns.at[ref->insn];

		if (is_global(d, ref) && !(d->live[ref->insn + 2] & 1 << insn->dst_reg))
			ret = edit_delete(&d->edit, ref->insn, d->err);
	}
	if (!ret)
		ret = edit_apply(&d->edit, d->err);
	edit_fini(&d->edit);
	return ret;
}

/* ---- a look-up where one is moved ---- */

/* Stack of its own: a key, words for what calls lose (r0 to r5), one for a register that makes way. */
#define WORDS 8

struct move {
	uint8_t to, index, holder; /* registers: of the sum, of the number, and where that is kept */
	bool evicts;               /* holder has something that is read later on */
	uint8_t kept[BPF_REG_6];   /* where r0 to r5 are meanwhile: a register, or 0: on the stack */
	uint16_t live;             /* behind it */
	int16_t key;
	struct value address;
};

static int16_t word_of(const struct move *m, int word)
{
	return m->key - 8 * word;
}

static bool outlives_call(uint8_t reg)
{
	return reg >= BPF_REG_6 && reg <= BPF_REG_9;
}

/* Where the number is while the helper is called. */
static void choose_holder(struct move *m)
{
	m->holder = outlives_call(m->index) ? m->index : m->to;
	for (int reg = BPF_REG_6; !outlives_call(m->holder) && reg <= BPF_REG_9; reg++)
		if (!(m->live & 1 << reg))
			m->holder = reg;
	m->evicts = !outlives_call(m->holder);
	if (m->evicts)
		m->holder = BPF_REG_9;
}

/* The number itself comes back from where it was kept: of what was on the stack verifiers do not
 * know any more how large it may be. */
static bool comes_back(const struct move *m, uint8_t reg)
{
	return reg == m->index && reg != BPF_REG_0 && reg != m->holder;
}

static bool has_to_be_saved(const struct move *m, uint8_t reg)
{
	return reg != m->to && m->live & 1 << reg && !comes_back(m, reg);
}

/* An address that has been moved is none any more when it comes back from the stack. */
static void choose_kept(struct move *m)
{
	uint8_t spare = BPF_REG_6;

	for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++) {
		if (!has_to_be_saved(m, reg))
			continue;
		while (spare <= BPF_REG_9 && (m->live & 1 << spare || spare == m->holder ||
					      spare == m->to || spare == m->index))
			spare++;
		if (spare <= BPF_REG_9)
			m->kept[reg] = spare++;
	}
}

static void put_saved(struct piece *p, const struct move *m, bool back)
{
	for (int reg = BPF_REG_0; reg <= BPF_REG_5; reg++) {
		uint8_t kept = m->kept[reg];

		if (!has_to_be_saved(m, reg))
			continue;
		if (kept)
			piece_put(p, back ? INSN_MOV(reg, kept) : INSN_MOV(kept, reg));
		else
			piece_put(p, back ? INSN_LOAD(BPF_DW, reg, BPF_REG_10, word_of(m, 1 + reg)) :
					    INSN_STORE(BPF_DW, BPF_REG_10, word_of(m, 1 + reg), reg));
	}
}

/* r0 = the address of the map's value, kept nowhere; without it, the function ends. */
static void put_value(struct piece *p, uint32_t map, int16_t key)
{
	size_t found;

	piece_put_lookup(p, map, 0, key);
	found = piece_put(p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0));
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(p, INSN_EXIT());
	piece_land(p, found);
}

static void put_move(struct piece *p, const struct move *m)
{
	if (m->evicts)
		piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, word_of(m, 7), m->holder));
	put_saved(p, m, false);
	if (m->holder != m->index)
		piece_put(p, INSN_MOV(m->holder, m->index));
	put_value(p, m->address.map, m->key);
	if (m->address.n)
		piece_put(p, INSN_ADD_IMM(BPF_REG_0, m->address.n));
	piece_put(p, INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_0, m->holder, 0, 0));
	if (comes_back(m, m->index) && m->index != m->to && m->live & 1 << m->index)
		piece_put(p, INSN_MOV(m->index, m->holder));
	if (m->to != BPF_REG_0)
		piece_put(p, INSN_MOV(m->to, BPF_REG_0));
	put_saved(p, m, true);
	if (m->evicts)
		piece_put(p, INSN_LOAD(BPF_DW, m->holder, BPF_REG_10, word_of(m, 7)));
}

static int move_anew(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct value to = fold_reg(f, insn->dst_reg), by = fold_reg(f, insn->src_reg);
	bool is_first = to.kind == VALUE_GLOBAL;
	struct data *d = ctx;
	struct piece p = { 0 };
	struct move m = { .to = insn->dst_reg, .index = is_first ? insn->src_reg : insn->dst_reg,
			  .live = d->live[at + 1], .address = is_first ? to : by };
	uint32_t depth;

	if (insn->code != (BPF_ALU64 | BPF_ADD | BPF_X) ||
	    is_first == (by.kind == VALUE_GLOBAL) || (is_first ? &by : &to)->kind == VALUE_CONST)
		return 0;
	if (program_stack_depth(f->prog, f->func, &depth, d->err))
		return -1;
	if (depth + 8 * (WORDS + 1) > STACK_MAX)
		return no_room(d, f->func, depth, 8 * WORDS);
	m.key = -(int)((depth + 7) / 8 * 8) - 8;
	choose_holder(&m);
	choose_kept(&m);
	put_move(&p, &m);
	d->references++;
	return piece_replace(&p, &d->edit, at, d->err);
}

static int make_moves(struct data *d)
{
	int ret = edit_init(&d->edit, d->prog, d->err);

	if (!ret)
		ret = fold_visit(d->obj, d->prog, move_anew, d, d->err);
	if (!ret)
		ret = edit_apply(&d->edit, d->err);
	edit_fini(&d->edit);
	return ret;
}

/* ---- the others ---- */

/* The one of its refs that names that map, or NULL. */
static const struct ref *ref_in_func(const struct data *d, uint32_t map)
{
	for (size_t i = 0; i < d->prog->refs.len; i++) {
		const struct ref *ref = &d->prog->refs.at[i];

		if (is_global(d, ref) && ref->target == map && ref->insn < d->end &&
		    ref->insn >= d->prog->funcs.at[d->func].insn)
			return ref;
	}
	return NULL;
}

/* The function's maps in their order: how many come before that one, or altogether. */
static int32_t maps_before(const struct data *d, uint32_t map)
{
	int32_t count = 0;

	for (uint32_t i = 0; i < map; i++)
		count += ref_in_func(d, i) != NULL;
	return count;
}

/* Where the address of its value is kept, below what the function uses itself. */
static int16_t slot_of(const struct data *d, uint32_t map)
{
	return -d->depth - 8 * (maps_before(d, map) + 1);
}

/* Puts argument `reg`, the one of that number to be kept, by while maps are looked up, or back. */
static struct bpf_insn keep(const struct data *d, int reg, int number, bool back)
{
	int16_t off = slot_of(d, d->obj->maps.len);
	uint8_t kept = BPF_REG_6 + number;

	if (number < SAVED)
		return back ? INSN_MOV(reg, kept) : INSN_MOV(kept, reg);
	return back ? INSN_LOAD(BPF_DW, reg, BPF_REG_10, off) :
		      INSN_STORE(BPF_DW, BPF_REG_10, off, reg);
}

/* Those that it will read: a bit for each register. */
static uint16_t arguments(const struct data *d)
{
	return d->live[d->prog->funcs.at[d->func].insn] & 0x3e;
}

/* Puts them by, or fetches them back. */
static void keep_arguments(const struct data *d, struct piece *p, bool back)
{
	int number = 0;

	for (int reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		if (arguments(d) & 1 << reg)
			piece_put(p, keep(d, reg, number++, back));
}

static int enter_func(struct data *d)
{
	struct piece p = { 0 };

	keep_arguments(d, &p, false);
	for (uint32_t map = 0; map < d->obj->maps.len; map++) {
		if (!ref_in_func(d, map))
			continue;
		put_value(&p, map, slot_of(d, map));
		piece_put(&p, INSN_STORE(BPF_DW, BPF_REG_10, slot_of(d, map), BPF_REG_0));
	}
	keep_arguments(d, &p, true);
	return piece_enter(&p, &d->edit, d->prog->funcs.at[d->func].insn, d->err);
}

static int make_reference(struct data *d, const struct ref *ref)
{
	uint8_t reg = d->prog->insns.at[ref->insn].dst_reg;
	struct piece p = { 0 };

	d->references++;
	piece_put(&p, INSN_LOAD(BPF_DW, reg, BPF_REG_10, slot_of(d, ref->target)));
	if (ref->offset)
		piece_put(&p, INSN_ADD_IMM(reg, ref->offset));
	return piece_replace(&p, &d->edit, ref->insn, d->err);
}

static int lower_func(struct data *d, uint32_t func)
{
	const struct program *prog = d->prog;
	uint32_t depth;
	int32_t need;
	int ret;

	d->func = func;
	d->end = program_func_end(prog, func);
	if (!maps_before(d, d->obj->maps.len))
		return 0;
	if (program_stack_depth(prog, func, &depth, d->err))
		return -1;
	d->depth = (depth + 7) / 8 * 8;
	need = 8 * (maps_before(d, d->obj->maps.len) + (arguments(d) == 0x3e));
	if (d->depth + need > STACK_MAX)
		return no_room(d, func, d->depth, need);
	ret = enter_func(d);
	for (size_t i = 0; !ret && i < prog->refs.len; i++)
		if (is_global(d, &prog->refs.at[i]) && prog->refs.at[i].insn < d->end &&
		    prog->refs.at[i].insn >= prog->funcs.at[func].insn)
			ret = make_reference(d, &prog->refs.at[i]);
	return ret;
}

static int make_references(struct data *d)
{
	int ret = edit_init(&d->edit, d->prog, d->err);

	for (uint32_t i = 0; !ret && i < d->prog->funcs.len; i++)
		ret = lower_func(d, i);
	if (!ret)
		ret = edit_apply(&d->edit, d->err);
	edit_fini(&d->edit);
	return ret;
}

static int with_live(struct data *d, int (*step)(struct data *d))
{
	int ret;

	d->live = live_registers(d->prog, d->err);
	ret = d->live ? step(d) : -1;
	free(d->live);
	d->live = NULL;
	return ret;
}

static bool has_references(const struct data *d)
{
	for (size_t i = 0; i < d->prog->refs.len; i++)
		if (is_global(d, &d->prog->refs.at[i]))
			return true;
	return false;
}

static int lower_program(struct object *obj, struct caps *caps, struct program *prog,
			 struct plan *plan, struct error *err)
{
	struct plan_why why = plan_why(caps, CAP_GLOBAL_DATA);
	struct data d = { .obj = obj, .prog = prog, .err = err };
	int ret = make_numbers(&d) || with_live(&d, drop_unread) ? -1 : 0;

	if (!ret && has_references(&d) && caps_ask(caps, CAP_FILL_RANGE) == CAP_NO)
		ret = with_live(&d, make_moves) || with_live(&d, drop_unread) ? -1 : 0;
	if (ret || with_live(&d, make_references))
		return error_wrap(err, "%s", obj->name);
	if (d.numbers && plan_add(plan, LOWERING, prog, why.text, err, "%u read%s of .rodata become%s",
				  d.numbers, d.numbers > 1 ? "s" : "",
				  d.numbers > 1 ? " constants" : "s a constant"))
		return -1;
	if (!d.references)
		return 0;
	return plan_add(plan, LOWERING, prog, why.text, err, "%u address%s of global variables through a "
			"lookup in their map", d.references, d.references > 1 ? "es" : "");
}

/* ---- the maps ---- */

static int clear_flag(struct object *obj, struct caps *caps, enum cap cap, uint32_t flag,
		      const char *name, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->maps.len; i++) {
		struct map *map = &obj->maps.at[i];

		if (!(map->flags & flag))
			continue;
		if (caps_ask(caps, cap) != CAP_NO)
			return 0;
		map->flags &= ~flag;
		if (plan_add(plan, LOWERING, NULL, plan_why(caps, cap).text, err,
			     "map '%s' is made without %s", map->name, name))
			return -1;
	}
	return 0;
}

static bool has_data(const struct object *obj)
{
	for (size_t i = 0; i < obj->maps.len; i++)
		if (obj->maps.at[i].role != MAP_PLAIN)
			return true;
	return false;
}

int lower_data(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	if (!has_data(obj))
		return 0;
	if (clear_flag(obj, caps, CAP_MMAPABLE, BPF_F_MMAPABLE, "BPF_F_MMAPABLE", plan, err))
		return -1;
	if (caps_ask(caps, CAP_GLOBAL_DATA) != CAP_NO)
		return clear_flag(obj, caps, CAP_FREEZE, BPF_F_RDONLY_PROG, "BPF_F_RDONLY_PROG", plan,
				  err);
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload &&
		    lower_program(obj, caps, &obj->programs.at[i], plan, err))
			return -1;
	return clear_flag(obj, caps, CAP_GLOBAL_DATA, BPF_F_RDONLY_PROG, "BPF_F_RDONLY_PROG", plan,
			  err);
}
