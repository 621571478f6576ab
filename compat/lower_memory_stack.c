// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_memory_internal.h"

#include <stdio.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/memory.h"
#include "compat/piece.h"
#include "compat/refuse.h"
#include "compat/since.h"
#include "compat/stack.h"

#define FUNC_perf_event_output 25

/* One argument of a call that has to go by way of the stack. */
struct trip {
	const struct memory *memory;
	struct value address;
	uint32_t size;
	int16_t at;   /* where on the stack */
	int16_t keep; /* where the address is kept meanwhile, if need be */
};

/* How many bytes at once: so that each access is aligned, however far the address is known. */
static uint32_t chunk(const struct trip *trip, uint32_t done)
{
	uint32_t left = trip->size - done, size = 8;
	uint64_t at = memory_is_address(&trip->address) ? trip->address.n | done : 1;

	while (size > left || at % size)
		size /= 2;
	return size;
}

/* From, or to, `off` bytes behind what register `base` holds. */
static void put_copy(struct piece *p, const struct trip *trip, uint8_t base, int32_t off, uint8_t by,
		     bool in)
{
	for (uint32_t i = 0; i < trip->size; i += chunk(trip, i)) {
		uint8_t size = insn_size(chunk(trip, i));

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
static uint8_t spare_register(struct pass *pass, uint32_t at)
{
	for (int reg = BPF_REG_6; reg <= BPF_REG_9; reg++)
		if (!memory_is_live(pass, at, reg))
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
		piece_put(p, INSN_LOAD(BPF_DW, reg, BPF_REG_10, memory_offset_of(f, found)));
	return address->n - f->now[found].n;
}

/* Before the call: the address is kept, the copy takes its place. */
static void put_there(const struct fold *f, struct pass *pass, struct piece *p,
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
static void put_back(const struct fold *f, struct pass *pass, struct piece *p,
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
	return v->kind == VALUE_OTHER || memory_is_address(v);
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
static int find_trips(const struct fold *f, struct pass *pass, uint32_t at,
		      struct trip trips[2], size_t *len)
{
	size_t memories;
	const struct memory *memory = helper_memory(f->prog->insns.at[at].imm, &memories);
	uint32_t depth = 0;

	if (!memory)
		return 0;
	for (; memories; memories--, memory++) {
		struct trip trip = { memory, fold_reg(f, memory->reg), 0, 0, 0 };

		if (!is_elsewhere(&trip.address) || !memory_lacks(pass, cap_of(memory)))
			continue;
		/* Not asked before somebody has to go: it takes a walk over the program. */
		if (!depth && program_stack_depth(f->prog, f->func, &depth, pass->err))
			return -1;
		depth = (depth + 7) / 8 * 8;
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
	    (size.kind == VALUE_CONST && size.n) || !memory_lacks(pass, CAP_MEMORY_ZERO))
		return;
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1));
	*over = piece_put(p, INSN_GOTO(0));
	pass->zeros++;
}

int memory_change_call(const struct fold *f, uint32_t at, void *ctx)
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
