// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/fold_internal.h"
#include "compat/insn.h"
#include "compat/live.h"
#include "compat/memory.h"
#include "compat/piece.h"
#include "compat/refuse.h"
#include "compat/since.h"
#include "compat/stack.h"

/*
 * What old verifiers have against memory that is not the stack, one by one, each where the kernel
 * says that it is so:
 *
 * - A helper's memory must be on the stack (before Linux 4.11; keys and values of maps before 4.18).
 *   It is copied there, and what the helper writes is copied back. E.g. of a map's value at r6:
 *
 *	r1 = r6				r1 = r6
 *	r1 += 8				r1 += 8
 *	r2 = 16				r2 = 16
 *	call bpf_get_current_comm	r1 = r10
 *					r1 += -16
 *					call bpf_get_current_comm
 *					r1 = r6			see find_address()
 *					r2 = *(u64 *)(r10 - 16)
 *					*(u64 *)(r1 + 8) = r2
 *					r2 = *(u64 *)(r10 - 8)
 *					*(u64 *)(r1 + 16) = r2
 *
 * - bpf_perf_event_output must not be given a size that may be 0 (before 4.19): it is not called
 *   then.
 * - Where a lookup's result has been copied, a check against NULL only counts for the register that
 *   it names (before 4.10). The others are copied once more behind it. The 0 is for the program's
 *   own check, which follows: of a constant such verifiers know where it leads.
 *
 *	r6 = r0				r6 = r0
 *	if r0 == 0 goto out		if r0 != 0 goto +2
 *					r0 = 0
 *					goto +1
 *					r6 = r0
 *					if r0 == 0 goto out
 *
 * - The address of a map's value must be what is added to, not what is added (before 4.14):
 *
 *	r2 += r0			r0 += r2
 *					r2 = r0
 *
 *   or by way of another register where r0 is read later on.
 *
 * - An address that comes back from the stack must not be moved (before 4.11). Where what it was
 *   moved from is still on the stack, accesses through it go out from there:
 *
 *	r1 = *(u64 *)(r10 - 8)		r1 = *(u64 *)(r10 - 8)
 *	r1 += 16			r1 += 16
 *	r2 = *(u32 *)(r1 + 4)		r2 = *(u64 *)(r10 - 8)
 *					r2 = *(u32 *)(r2 + 20)
 *	*(u32 *)(r1 + 8) = r3		r1 = *(u64 *)(r10 - 8)
 *					*(u32 *)(r1 + 24) = r3
 *					r1 += 16		if it is read later on
 */

#define LOWERING "memory"

enum { FUNC_map_lookup_elem = 1, FUNC_perf_event_output = 25 };

/* One argument of a call that has to go by way of the stack. */
struct trip {
	const struct memory *memory;
	struct value address;
	uint32_t size;
	int16_t at;   /* where on the stack */
	int16_t keep; /* where the address is kept meanwhile, if need be */
};

struct pass {
	const struct object *obj;
	struct caps *caps;
	struct program *prog;
	struct error *err;
	struct edit edit;
	uint16_t *live;
	uint32_t count, zeros; /* how many were changed, for the plan */
};

static bool lacks(const struct pass *pass, enum cap cap)
{
	return caps_ask(pass->caps, cap) == CAP_NO;
}

static bool is_live(const struct pass *pass, uint32_t insn, int reg)
{
	return pass->live[insn] & 1 << reg;
}

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

/* r10 - n of a word of the stack, by its number in the state. */
static int16_t offset_of(const struct fold *f, uint32_t word)
{
	return -8 * (int)(f->width - word);
}

static int renew_copies(const struct fold *f, uint32_t at, void *ctx)
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
		    (i < REGS && !is_live(pass, at, i)))
			continue;
		piece_put(&p, i < REGS ? INSN_MOV(i, insn->dst_reg) :
					 INSN_STORE(BPF_DW, BPF_REG_10, offset_of(f, i),
						    insn->dst_reg));
		copies++;
	}
	piece_land(&p, null);
	pass->count += copies;
	if (copies && lacks(pass, CAP_NULL_COPIES))
		return piece_insert(&p, &pass->edit, at, pass->err);
	piece_fini(&p);
	return 0;
}

/* ---- addresses that are added ---- */

static bool is_address(const struct value *v)
{
	return v->kind == VALUE_RESULT || v->kind == VALUE_GLOBAL;
}

/* A register that nobody reads from that instruction on, or -1. */
static int free_register(const struct pass *pass, uint32_t insn, const struct bpf_insn *without)
{
	for (int reg = 0; reg < BPF_REG_10; reg++)
		if (!is_live(pass, insn, reg) && reg != without->dst_reg &&
		    reg != without->src_reg)
			return reg;
	return -1;
}

static int swap_operands(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct value to = fold_reg(f, insn->dst_reg), from = fold_reg(f, insn->src_reg);
	struct pass *pass = ctx;
	struct piece p = { 0 };
	int sum = insn->src_reg;

	if (insn->code != (BPF_ALU64 | BPF_ADD | BPF_X) || !is_address(&from) || is_address(&to) ||
	    !lacks(pass, CAP_ADD_ADDRESS))
		return 0;
	if (is_live(pass, at + 1, insn->src_reg))
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

static int go_out_from_stack(const struct fold *f, uint32_t at, void *ctx)
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
	    !lacks(pass, CAP_FILL_RANGE))
		return 0;
	insn.off = off;
	if (load)
		base = insn.src_reg = insn.dst_reg;
	piece_put(&p, INSN_LOAD(BPF_DW, base, BPF_REG_10, offset_of(f, word)));
	piece_put(&p, insn);
	if (store && is_live(pass, at + 1, base))
		piece_put(&p, INSN_ADD_IMM(base, v.n));
	pass->count++;
	return piece_replace(&p, &pass->edit, at, pass->err);
}

/* ---- by way of the stack ---- */

/* How many bytes at once: so that each access is aligned, however far the address is known. */
static uint32_t chunk(const struct trip *trip, uint32_t done)
{
	uint32_t left = trip->size - done, size = 8;
	uint64_t at = is_address(&trip->address) ? trip->address.n | done : 1;

	while (size > left || at % size)
		size /= 2;
	return size;
}

static uint8_t size_code(uint32_t size)
{
	switch (size) {
	case 1: return BPF_B;
	case 2: return BPF_H;
	case 4: return BPF_W;
	}
	return BPF_DW;
}

/* From, or to, `off` bytes behind what register `base` holds. */
static void put_copy(struct piece *p, const struct trip *trip, uint8_t base, int32_t off, uint8_t by,
		     bool in)
{
	for (uint32_t i = 0; i < trip->size; i += chunk(trip, i)) {
		uint8_t size = size_code(chunk(trip, i));

		if (in) {
			piece_put(p, INSN_LOAD(size, by, base, off + i));
			piece_put(p, INSN_STORE(size, BPF_REG_10, trip->at + i, by));
		} else {
			piece_put(p, INSN_LOAD(size, by, BPF_REG_10, trip->at + i));
			piece_put(p, INSN_STORE(size, base, off + i, by));
		}
	}
}

/*
 * Where the address will still be after the call: in a register, or in a word of the stack, from
 * which it differs by a constant. A word keeps the type only of an address that was not moved. 0
 * where it is nowhere.
 */
static uint32_t find_address(const struct fold *f, const struct value *address)
{
	for (uint32_t i = BPF_REG_6; i < f->width; i++) {
		const struct value *v = &f->now[i];

		if (address->kind == VALUE_RESULT && v->kind == VALUE_RESULT &&
		    v->map == address->map && (i < REGS || !v->n))
			return i;
	}
	return 0;
}

/* r6 to r9 that nobody reads behind the call, or 0. */
static uint8_t spare_register(const struct pass *pass, uint32_t at)
{
	for (int reg = BPF_REG_6; reg <= BPF_REG_9; reg++)
		if (!is_live(pass, at, reg))
			return reg;
	return 0;
}

/* reg = what differs from the address by a constant, which is returned; where that was found. */
static int32_t put_found(const struct fold *f, struct piece *p, uint8_t reg,
			 const struct value *address, uint32_t found)
{
	if (found < REGS)
		piece_put(p, INSN_MOV(reg, found));
	else
		piece_put(p, INSN_LOAD(BPF_DW, reg, BPF_REG_10, offset_of(f, found)));
	return address->n - f->now[found].n;
}

/* Before the call: the address is kept, the copy takes its place. */
static void put_there(const struct fold *f, const struct pass *pass, struct piece *p,
		      const struct trip *trip, uint32_t at)
{
	uint8_t reg = trip->memory->reg, spare = spare_register(pass, at);
	uint32_t found = find_address(f, &trip->address);
	int32_t off = 0;

	if (trip->memory->use & MEMORY_READS) {
		if (found)
			off = put_found(f, p, reg, &trip->address, found);
		put_copy(p, trip, reg, off, BPF_REG_0, true);
	}
	if (trip->memory->use & MEMORY_WRITES && !found)
		piece_put(p, spare ? INSN_MOV(spare, reg) :
				     INSN_STORE(BPF_DW, BPF_REG_10, trip->keep, reg));
	piece_put(p, INSN_MOV(reg, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(reg, trip->at));
}

/* Behind it: what the helper has written goes where it belongs. r0 is what it has returned. */
static void put_back(const struct fold *f, const struct pass *pass, struct piece *p,
		     const struct trip *trip, uint32_t at)
{
	uint32_t found = find_address(f, &trip->address);
	uint8_t spare = spare_register(pass, at);
	int32_t off = 0;

	if (!(trip->memory->use & MEMORY_WRITES))
		return;
	if (found)
		off = put_found(f, p, BPF_REG_1, &trip->address, found);
	else if (spare)
		piece_put(p, INSN_MOV(BPF_REG_1, spare));
	else
		piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, trip->keep));
	put_copy(p, trip, BPF_REG_1, off, BPF_REG_2, false);
}

static enum cap cap_of(const struct memory *memory)
{
	return memory->of == MEMORY_SIZE ? CAP_MEMORY_MAP : CAP_KEY_MAP;
}

/* "program 'p': p.bpf.c:12: bpf_probe_read: argument 1, which has to go by way of the stack" */
struct trip_name {
	char text[320];
};

static struct trip_name name_of(const struct fold *f, const struct pass *pass,
				const struct memory *memory, uint32_t at)
{
	struct refuse_place place = refuse_place(pass->obj, f->prog, at);
	struct since since = since_helper(memory->helper);
	struct trip_name name;

	snprintf(name.text, sizeof(name.text), "program '%.64s': %s: bpf_%s: argument %d, which has "
		 "to go by way of the stack", f->prog->name, place.text, since.name, memory->reg);
	return name;
}

static int no_size(const struct fold *f, const struct pass *pass, const struct memory *memory,
		   uint32_t at)
{
	bool size = memory->of == MEMORY_SIZE;

	error_set(pass->err, ERROR_UNSUPPORTED, "%s: got %s that is not the same each time, expected "
		  "%s; %s", name_of(f, pass, memory, at).text, size ? "a size" : "a map",
		  size ? "a constant" : "one of the object's",
		  plan_why(pass->caps, cap_of(memory)).text);
	return error_hint(pass->err, size ? "give the helper a constant size, or memory that is on "
					    "the stack" :
					    "name the map in the call, or put key and value on the "
					    "stack");
}

/* The bytes that the argument leads to. */
static int size_of(const struct fold *f, const struct pass *pass, const struct memory *memory,
		   uint32_t at, uint32_t *size)
{
	struct value v = fold_reg(f, memory->of == MEMORY_SIZE ? memory->size_reg : BPF_REG_1);
	const struct map *map = v.kind == VALUE_MAP && v.map < pass->obj->maps.len ?
					&pass->obj->maps.at[v.map] : NULL;

	if (memory->of == MEMORY_SIZE && v.kind == VALUE_CONST)
		*size = v.n <= STACK_MAX ? v.n : STACK_MAX + 1;
	else if (memory->of != MEMORY_SIZE && map)
		*size = memory->of == MEMORY_KEY ? map->key_size : map->value_size;
	else
		return no_size(f, pass, memory, at);
	return 0;
}

/* Whether it is memory, and for certain not on this function's stack. */
static bool is_elsewhere(const struct value *v)
{
	return v->kind == VALUE_OTHER || is_address(v);
}

static int no_room(const struct fold *f, const struct pass *pass, const struct trip *trip,
		   uint32_t at, uint32_t room)
{
	error_set(pass->err, ERROR_UNSUPPORTED, "%s: got %u bytes, expected at most the %u that are "
		  "left there; %s", name_of(f, pass, trip->memory, at).text, trip->size, room,
		  plan_why(pass->caps, cap_of(trip->memory)).text);
	return error_hint(pass->err, "make it smaller, or what is on the stack");
}

/* The arguments of that call that have to make the trip; their places, one below the other. */
static int find_trips(const struct fold *f, const struct pass *pass, uint32_t at,
		      struct trip trips[2], size_t *len)
{
	size_t memories;
	const struct memory *memory = helper_memory(f->prog->insns.at[at].imm, &memories);
	uint32_t depth;

	if (!memory)
		return 0;
	if (program_stack_depth(f->prog, f->func, &depth, pass->err))
		return -1;
	depth = (depth + 7) / 8 * 8;
	for (; memories; memories--, memory++) {
		struct trip trip = { memory, fold_reg(f, memory->reg), 0, 0, 0 };

		if (!is_elsewhere(&trip.address) || !lacks(pass, cap_of(memory)))
			continue;
		if (size_of(f, pass, memory, at, &trip.size))
			return -1;
		if (depth + (trip.size + 7) / 8 * 8 + 8 > STACK_MAX)
			return no_room(f, pass, &trip, at,
				       depth + 8 < STACK_MAX ? STACK_MAX - 8 - depth : 0);
		depth += (trip.size + 7) / 8 * 8;
		trip.at = -(int)depth;
		depth += 8;
		trip.keep = -(int)depth;
		if (trip.size)
			trips[(*len)++] = trip;
	}
	return 0;
}

static bool is_jump_over_zero(const struct bpf_insn *insn)
{
	struct bpf_insn check = INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1);

	return !memcmp(insn, &check, sizeof(check));
}

/* Whether the size is known not to be 0: lower_ringbuf.c has seen to that, right before. */
static bool is_checked(const struct program *prog, uint32_t at)
{
	for (int back = 1; back <= 16 && at >= (uint32_t)back; back++)
		if (is_jump_over_zero(&prog->insns.at[at - back]))
			return true;
	return false;
}

/* Before a call that may be told to send nothing. *over: a jump that leads behind it, or -1. */
static void put_check(const struct fold *f, struct pass *pass, struct piece *p, uint32_t at,
		      int64_t *over)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct value size = fold_reg(f, BPF_REG_5);

	*over = -1;
	if (insn->imm != FUNC_perf_event_output || is_checked(f->prog, at) ||
	    (size.kind == VALUE_CONST && size.n) || !lacks(pass, CAP_MEMORY_ZERO))
		return;
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1));
	*over = piece_put(p, INSN_GOTO(0));
	pass->zeros++;
}

static int change_call(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct trip trips[2];
	struct pass *pass = ctx;
	struct piece p = { 0 };
	size_t len = 0;
	int64_t over;

	if (!insn_is_helper_call(insn))
		return 0;
	if (find_trips(f, pass, at, trips, &len))
		return -1;
	put_check(f, pass, &p, at, &over);
	if (!len && over < 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		put_there(f, pass, &p, &trips[i], at);
	piece_put(&p, *insn);
	for (size_t i = 0; i < len; i++)
		put_back(f, pass, &p, &trips[i], at);
	if (over >= 0)
		piece_land(&p, over);
	pass->count += len;
	return piece_replace(&p, &pass->edit, at, pass->err);
}

/* ---- altogether ---- */

static int run_pass(struct pass *pass, int (*visit)(const struct fold *f, uint32_t insn, void *ctx))
{
	int ret = edit_init(&pass->edit, pass->prog, pass->err);

	pass->count = pass->zeros = 0;
	pass->live = live_registers(pass->prog);
	if (!ret && !pass->live)
		ret = error_memory(pass->err);
	if (!ret)
		ret = fold_visit(pass->obj, pass->prog, visit, pass, pass->err);
	if (!ret && pass->edit.changes.len)
		ret = edit_apply(&pass->edit, pass->err);
	edit_fini(&pass->edit);
	free(pass->live);
	return ret;
}

static int lower_program(struct pass *pass, struct plan *plan)
{
	const struct caps *caps = pass->caps;
	struct program *prog = pass->prog;
	uint32_t n;

	if (run_pass(pass, renew_copies))
		return -1;
	n = pass->count;
	if (caps->at[CAP_NULL_COPIES].answer == CAP_NO && n &&
	    plan_add(plan, LOWERING, prog, plan_why(caps, CAP_NULL_COPIES).text, pass->err,
		     "%u cop%s of lookups' results made again behind the check", n,
		     n > 1 ? "ies" : "y"))
		return -1;
	if (run_pass(pass, swap_operands))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_ADD_ADDRESS).text, pass->err,
			  "%u addition%s the other way round", n, n > 1 ? "s" : ""))
		return -1;
	if (run_pass(pass, go_out_from_stack))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_FILL_RANGE).text, pass->err,
			  "%u access%s from an address on the stack on", n, n > 1 ? "es" : ""))
		return -1;
	if (run_pass(pass, change_call))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog,
			  plan_why(caps, caps->at[CAP_MEMORY_MAP].answer == CAP_NO ? CAP_MEMORY_MAP :
										 CAP_KEY_MAP).text,
			  pass->err, "%u argument%s of helpers by way of the stack", n,
			  n > 1 ? "s" : ""))
		return -1;
	n = pass->zeros;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_MEMORY_ZERO).text, pass->err,
			  "%u output%s of what may be 0 bytes left out then", n, n > 1 ? "s" : ""))
		return -1;
	return 0;
}

int lower_memory(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct pass pass = { .obj = obj, .caps = caps, .prog = &obj->programs.at[i],
				     .err = err };

		if (pass.prog->autoload && lower_program(&pass, plan))
			return error_wrap(err, "%s", obj->name);
	}
	return 0;
}
