// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compat/fold_internal.h"
#include "compat/inline.h"
#include "compat/insn.h"
#include "compat/piece.h"
#include "compat/refuse.h"
#include "compat/stack.h"

/*
 * The ring buffer (Linux 5.8) as perf buffers (4.4; 4.11 for data in map memory), example:
 *
 *	r1 = ring ll			r1 = ring ll		(harmless)
 *	r2 = 64				r2 = 64			(harmless)
 *	r3 = 0				r3 = 0			(harmless)
 *	call bpf_ringbuf_reserve	*(u32 *)(r10 - 16) = 3	number of this call
 *					r2 = r10
 *					r2 += -16
 *					r1 = .scratch ll
 *					call bpf_map_lookup_elem
 *					if r0 != 0 goto +2
 *					r0 = 0			see below
 *					goto +2
 *					*(u32 *)(r0 + 8) = 64	slot->size
 *					r0 += 16		slot->data
 *	if r0 == 0 goto out		if r0 == 0 goto out
 *	...				...
 *	call bpf_ringbuf_submit		r4 = r1
 *					r5 = *(u32 *)(r4 - 8)	slot->size
 *					r5 += -1
 *					if r5 > 63 goto +9	largest size of all, less one
 *					r5 += 1
 *					r1 = *(u64 *)(r4 - 16)	slot->sent
 *					r1 += 1
 *					*(u64 *)(r4 - 16) = r1
 *					r1 = *(u64 *)(r10 - 8)	context
 *					r2 = ring ll
 *					w3 = -1			BPF_F_CURRENT_CPU
 *					call bpf_perf_event_output
 *
 * and at entry *(u64 *)(r10 - 8) = r1. What the code owes to old verifiers:
 * - "r0 = 0" where the lookup found nothing: before 4.14 the verifier knows of r0 there only
 *   that it is no pointer, so it would follow the program's own check both ways.
 * - the size goes down by one, is compared, and goes up again: that bounds it on both sides
 *   with one comparison. Before 4.19 bpf_perf_event_output refuses a size that may be 0.
 * - an output must not put its size by on the stack, since a number's bounds are lost there
 *   before 5.16; so the count is looked up after it, when the size is no longer needed.
 * - old verifiers know BPF_JGT, but no BPF_JLT and the like (4.14).
 *
 * A slot belongs to one call in one program, so two reservations may be open at once, and
 * no other program writes to it. The program itself cannot come in between on the same CPU:
 * the kernel does not run a program of a tracepoint, kprobe or perf event in the middle of
 * another (bpf_prog_active).
 *
 * Before 4.11 bpf_perf_event_output takes from the stack only. There the record is on the stack,
 * and the slot just counts; of the record it gets the beginning, which tells what was sent:
 *
 *	call bpf_ringbuf_reserve	*(u64 *)(r10 - 80) = 0	all of it: old verifiers have no
 *					...			bytes sent that nobody has set
 *					r0 = r10
 *					r0 += -80
 *	...				...
 *	call bpf_ringbuf_submit		r0 = slot 3, as above
 *					if r0 == 0 goto +7
 *					one more in slot->sent, as above
 *					r1 = *(u64 *)(r10 - 80)
 *					*(u64 *)(r0 + 16) = r1
 *					...
 *					r1 = *(u64 *)(r10 - 8)
 *					r2 = ring ll
 *					w3 = -1
 *					r4 = r10
 *					r4 += -80
 *					r5 = 64
 *					call bpf_perf_event_output
 *
 * So it must be known which reserve a submit belongs to. Records that are never open at one time
 * share their place. Before 4.7 there is no BPF_F_CURRENT_CPU; bpf_get_smp_processor_id, which then
 * comes first, gives the number.
 */

#define LOWERING "ringbuf"

enum {
	FUNC_map_lookup_elem = 1,
	FUNC_get_smp_processor_id = 8,
	FUNC_perf_event_output = 25,
	FUNC_ringbuf_output = 130,
	FUNC_ringbuf_reserve,
	FUNC_ringbuf_submit,
	FUNC_ringbuf_discard,
	FUNC_ringbuf_query,
	FUNC_ringbuf_reserve_dynptr = 198,
	FUNC_ringbuf_submit_dynptr,
	FUNC_ringbuf_discard_dynptr,
	FUNC_user_ringbuf_drain = 209,
};

/* BPF_MAP_TYPE_USER_RINGBUF and a program's flag; of headers that may be older than they. */
#define MAP_TYPE_USER_RINGBUF 31
#define SLEEPABLE (1u << 4)

/* A per-CPU value is at most PCPU_MIN_UNIT_SIZE, 32 KiB, on every kernel and architecture. */
#define SLOT_MAX 32768u
#define SLOT_HEADER ((int)offsetof(struct perf_slot, data))
#define SLOT_OFF(member) ((int)offsetof(struct perf_slot, member))
#define SLOT_HEAD 16u /* of a record on the stack: what its slot gets */
#define RINGS_MAX 16

/* A call that can be reached, of a helper of the ring buffer. */
struct call {
	uint32_t program, insn;
	int32_t id;
	uint32_t slot;    /* reserve and output: its number */
	uint32_t size;    /* reserve; output: 0 where it is not known */
	bool empty;       /* output: known to be of no bytes */
	uint32_t ring;    /* reserve: index in object.maps */
	uint32_t reserve; /* submit and discard of a record on the stack: index of that call */
	int32_t above;    /* reserve on the stack: bytes between the record and the program's own */
};

struct ring_plan {
	struct object *obj;
	struct error *err;
	uint32_t rings[RINGS_MAX]; /* indexes in object.maps */
	size_t rings_len;
	uint32_t scratch; /* likewise */
	uint32_t max_size, slots;
	bool on_stack;      /* records are */
	bool by_number;     /* the CPU has to be named */
	uint32_t program;   /* the one being looked at or rewritten, its first call, */
	size_t first;
	bool moved;         /* a record to another place */
	VEC(struct call) calls; /* by program, then instruction */
};

/* What one program's stack has for it. Offsets from the frame pointer. */
struct frame {
	int ctx, key, result;
	int map, data, size; /* arguments of an output while the CPU is asked for */
	int used;            /* by the program itself */
};

/* "" where it is none of the ring buffer's. */
static const char *helper_name(int32_t id)
{
	switch (id) {
	case FUNC_ringbuf_output: return "bpf_ringbuf_output";
	case FUNC_ringbuf_reserve: return "bpf_ringbuf_reserve";
	case FUNC_ringbuf_submit: return "bpf_ringbuf_submit";
	case FUNC_ringbuf_discard: return "bpf_ringbuf_discard";
	case FUNC_ringbuf_query: return "bpf_ringbuf_query";
	case FUNC_ringbuf_reserve_dynptr: return "bpf_ringbuf_reserve_dynptr";
	case FUNC_ringbuf_submit_dynptr: return "bpf_ringbuf_submit_dynptr";
	case FUNC_ringbuf_discard_dynptr: return "bpf_ringbuf_discard_dynptr";
	case FUNC_user_ringbuf_drain: return "bpf_user_ringbuf_drain";
	}
	return "";
}

/* Which helper of the ring buffer is called there, or 0. */
static int32_t ring_helper(const struct bpf_insn *insn)
{
	return insn_is_helper_call(insn) && *helper_name(insn->imm) ? insn->imm : 0;
}

/* --- what is there: the maps, the calls, their sizes ------------------------------------ */

static int find_rings(struct ring_plan *plan)
{
	struct object *obj = plan->obj;

	for (size_t i = 0; i < obj->maps.len; i++) {
		if (obj->maps.at[i].type != BPF_MAP_TYPE_RINGBUF)
			continue;
		if (plan->rings_len == RINGS_MAX)
			return error_set(plan->err, ERROR_UNSUPPORTED, "%s: ring buffers: got more "
					 "than %d, which is as many as can be turned into perf "
					 "buffers", obj->name, RINGS_MAX);
		plan->rings[plan->rings_len++] = i;
	}
	return 0;
}

static int refuse_user_rings(const struct object *obj, struct error *err)
{
	for (size_t i = 0; i < obj->maps.len; i++) {
		if (obj->maps.at[i].type != MAP_TYPE_USER_RINGBUF)
			continue;
		error_set(err, ERROR_UNSUPPORTED, "%s: map '%s': a BPF_MAP_TYPE_USER_RINGBUF "
			  "cannot be turned into perf buffers", obj->name, obj->maps.at[i].name);
		return error_hint(err, "it needs Linux 6.1; for older kernels send settings "
				  "through an array map");
	}
	return 0;
}

static int refuse_dynptr(const struct ring_plan *plan, const struct program *prog, uint32_t insn)
{
	int32_t id = prog->insns.at[insn].imm;
	bool user = id == FUNC_user_ringbuf_drain;

	error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: %s cannot be turned into perf "
		  "buffer output", plan->obj->name, prog->name,
		  refuse_place(plan->obj, prog, insn).text, helper_name(id));
	return error_hint(plan->err, user ? "it needs Linux 6.1" :
			  "it needs Linux 5.19; for older kernels use bpf_ringbuf_reserve with a "
			  "constant size, or bpf_ringbuf_output");
}

/* --- the calls: what is known of their arguments ---------------------------------------- */

static uint32_t rounded(uint32_t size)
{
	return (size + 7) / 8 * 8;
}

static int reserve_size(struct ring_plan *plan, const struct program *prog, struct call *call,
			const struct value *size)
{
	struct refuse_place place = refuse_place(plan->obj, prog, call->insn);

	if (size->kind != VALUE_CONST || size->n > UINT32_MAX) {
		error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: bpf_ringbuf_reserve: "
			  "size: got one that is not the same each time, expected a constant",
			  plan->obj->name, prog->name, place.text);
		return error_hint(plan->err, "write the size as a constant in the call, or use "
				  "bpf_ringbuf_output; as it is, it needs the ring buffer of "
				  "Linux 5.8");
	}
	if (!size->n || size->n > SLOT_MAX - SLOT_HEADER) {
		error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: bpf_ringbuf_reserve: "
			  "size: got %llu, expected 1 to %u for perf buffers", plan->obj->name,
			  prog->name, place.text, (unsigned long long)size->n, SLOT_MAX - SLOT_HEADER);
		return error_hint(plan->err, "send the record in smaller parts; as it is, it needs "
				  "the ring buffer of Linux 5.8");
	}
	call->size = size->n;
	if (size->n > plan->max_size)
		plan->max_size = size->n;
	return 0;
}

static bool is_ring(const struct object *obj, const struct value *v)
{
	return v->kind == VALUE_MAP && v->map < obj->maps.len &&
	       obj->maps.at[v->map].type == BPF_MAP_TYPE_RINGBUF;
}

/* Which ring: a question only where there are several. */
static int reserve_ring(const struct ring_plan *plan, const struct program *prog,
			struct call *call, const struct value *map)
{
	call->ring = plan->rings[0];
	if (plan->rings_len == 1)
		return 0;
	if (!is_ring(plan->obj, map)) {
		error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: bpf_ringbuf_reserve: "
			  "map: got one that is not the same each time, expected one of the "
			  "object's %zu ring buffers", plan->obj->name, prog->name,
			  refuse_place(plan->obj, prog, call->insn).text, plan->rings_len);
		return error_hint(plan->err, "name the map in the call; as it is, it needs the ring "
				  "buffer of Linux 5.8");
	}
	call->ring = map->map;
	return 0;
}

/* Index in plan->calls of a call of the program that is being looked at, or -1. */
static int64_t call_at(const struct ring_plan *plan, uint32_t insn)
{
	for (size_t i = plan->first; i < plan->calls.len; i++)
		if (plan->calls.at[i].program == plan->program && plan->calls.at[i].insn == insn)
			return i;
	return -1;
}

/* Of the record that a value is the address of: the call that reserved it, or -1. */
static int64_t reserved_by(const struct ring_plan *plan, const struct value *v)
{
	int64_t call = v->kind == VALUE_RESULT ? call_at(plan, v->map) : -1;

	return call >= 0 && plan->calls.at[call].id == FUNC_ringbuf_reserve ? call : -1;
}

static int which_record(const struct ring_plan *plan, const struct program *prog,
			struct call *call, const struct value *record)
{
	int64_t reserve = reserved_by(plan, record);

	if (reserve >= 0 && !record->n) {
		call->reserve = reserve;
		return 0;
	}
	error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: %s: record: got one that is "
		  "not of the same bpf_ringbuf_reserve each time, expected that of one",
		  plan->obj->name, prog->name, refuse_place(plan->obj, prog, call->insn).text,
		  helper_name(call->id));
	return error_hint(plan->err, "reserve and submit each record in one place; as it is, it "
			  "needs Linux 4.11, whose bpf_perf_event_output takes map memory");
}

/* Below all records that are open where this one is reserved. */
static int place_record(const struct fold *f, uint32_t insn, void *ctx)
{
	struct ring_plan *plan = ctx;
	int64_t at = call_at(plan, insn);
	struct call *call = at < 0 ? NULL : &plan->calls.at[at];

	if (!call || call->id != FUNC_ringbuf_reserve)
		return 0;
	for (uint32_t i = BPF_REG_6; i < f->width; i++) {
		int64_t open = reserved_by(plan, &f->now[i]);
		const struct call *other = open < 0 ? call : &plan->calls.at[open];
		int32_t below = other->above + rounded(other->size);

		if (other == call || below <= call->above)
			continue;
		call->above = below;
		plan->moved = true;
	}
	return 0;
}

static int survey_reserve(const struct fold *f, struct ring_plan *plan, struct call *call)
{
	struct value map = fold_reg(f, BPF_REG_1), size = fold_reg(f, BPF_REG_2);

	call->slot = plan->slots++;
	if (reserve_size(plan, f->prog, call, &size))
		return -1;
	return reserve_ring(plan, f->prog, call, &map);
}

static void survey_output(const struct fold *f, struct ring_plan *plan, struct call *call)
{
	struct value size = fold_reg(f, BPF_REG_3);

	call->slot = plan->slots++;
	if (size.kind != VALUE_CONST)
		return;
	call->empty = !size.n;
	call->size = size.n <= INT32_MAX ? size.n : 0;
}

static int survey_call(const struct fold *f, uint32_t insn, void *ctx)
{
	struct ring_plan *plan = ctx;
	int32_t id = ring_helper(&f->prog->insns.at[insn]);
	struct value record = fold_reg(f, BPF_REG_1);
	struct call *call;

	if (!id)
		return 0;
	if (id > FUNC_ringbuf_query)
		return refuse_dynptr(plan, f->prog, insn);
	call = vec_push(&plan->calls);
	if (!call)
		return error_memory(plan->err);
	*call = (struct call){ .program = plan->program, .insn = insn, .id = id };
	switch (id) {
	case FUNC_ringbuf_reserve: return survey_reserve(f, plan, call);
	case FUNC_ringbuf_output: survey_output(f, plan, call); return 0;
	case FUNC_ringbuf_query: return 0;
	}
	return plan->on_stack ? which_record(plan, f->prog, call, &record) : 0;
}

/* Those that cannot be reached are not among the calls. */
static int survey(struct ring_plan *plan)
{
	struct program *prog = &plan->obj->programs.at[plan->program];
	int ret;

	plan->first = plan->calls.len;
	ret = fold_visit(plan->obj, prog, survey_call, plan, plan->err);
	/* Until each is clear of the others; in a loop two may have to be below one another. */
	plan->moved = plan->on_stack;
	for (int round = 0; !ret && plan->moved && round < STACK_MAX / 8; round++) {
		plan->moved = false;
		ret = fold_visit(plan->obj, prog, place_record, plan, plan->err);
	}
	return ret;
}

/* --- what takes their place ------------------------------------------------------------ */

/* r0 = the slot of that number, or NULL. */
static void put_lookup(struct piece *p, const struct ring_plan *plan, const struct frame *f,
		       uint32_t number)
{
	piece_put(p, INSN_STORE_IMM(BPF_W, BPF_REG_10, f->key, number));
	piece_put(p, INSN_MOV(BPF_REG_2, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(BPF_REG_2, f->key));
	piece_put_map(p, BPF_REG_1, plan->scratch);
	piece_put(p, INSN_CALL(FUNC_map_lookup_elem));
}

/* One more sent through the slot that reg points at, `off` bytes away; r1 is lost. */
static void put_count(struct piece *p, uint8_t reg, int off)
{
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, reg, off + SLOT_OFF(sent)));
	piece_put(p, INSN_ADD_IMM(BPF_REG_1, 1));
	piece_put(p, INSN_STORE(BPF_DW, reg, off + SLOT_OFF(sent), BPF_REG_1));
}

/* r2 = the map of the ring that the record at r4 was reserved in; r0 is lost. */
static void put_ring(struct piece *p, const struct ring_plan *plan)
{
	if (plan->rings_len > 1)
		piece_put(p, INSN_LOAD(BPF_W, BPF_REG_0, BPF_REG_4, SLOT_OFF(ring) - SLOT_HEADER));
	for (size_t i = 0; i < plan->rings_len; i++) {
		size_t after = plan->rings_len - 1 - i;

		piece_put_map(p, BPF_REG_2, plan->rings[i]);
		if (after) /* over the other rings: three each, but two for the last */
			piece_put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, plan->rings[i],
						   (after - 1) * 3 + 2));
	}
}

/* Where the CPU has to be named: r3 = its number; r0 to r5 are lost. */
static void put_number(struct piece *p, const struct ring_plan *plan)
{
	if (!plan->by_number)
		return;
	piece_put(p, INSN_CALL(FUNC_get_smp_processor_id));
	piece_put(p, INSN_MOV(BPF_REG_3, BPF_REG_0));
}

static void put_send(struct piece *p, const struct ring_plan *plan, const struct frame *f)
{
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, f->ctx));
	if (!plan->by_number)
		piece_put(p, INSN_MOV32_IMM(BPF_REG_3, -1)); /* BPF_F_CURRENT_CPU, 0xffffffff */
	piece_put(p, INSN_CALL(FUNC_perf_event_output));
}

static void reserve_code(struct piece *p, const struct ring_plan *plan, const struct frame *f,
			 const struct call *call)
{
	bool several = plan->rings_len > 1;

	put_lookup(p, plan, f, call->slot);
	piece_put(p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2));
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	piece_put(p, INSN_GOTO(several ? 3 : 2));
	piece_put(p, INSN_STORE_IMM(BPF_W, BPF_REG_0, SLOT_OFF(size), call->size));
	if (several)
		piece_put(p, INSN_STORE_IMM(BPF_W, BPF_REG_0, SLOT_OFF(ring), call->ring));
	piece_put(p, INSN_ADD_IMM(BPF_REG_0, SLOT_HEADER));
}

/* r1 record */
static void submit_code(struct piece *p, const struct ring_plan *plan, const struct frame *f)
{
	size_t check;

	if (plan->by_number) {
		piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->data, BPF_REG_1));
		put_number(p, plan);
		piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, f->data));
	}
	piece_put(p, INSN_MOV(BPF_REG_4, BPF_REG_1));
	piece_put(p, INSN_LOAD(BPF_W, BPF_REG_5, BPF_REG_4, SLOT_OFF(size) - SLOT_HEADER));
	piece_put(p, INSN_ADD_IMM(BPF_REG_5, -1));
	check = piece_put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, plan->max_size - 1, 0));
	piece_put(p, INSN_ADD_IMM(BPF_REG_5, 1));
	put_count(p, BPF_REG_4, -SLOT_HEADER);
	put_ring(p, plan);
	put_send(p, plan, f);
	piece_land(p, check);
}

/* Offset of the record from the frame pointer. */
static int record_at(const struct frame *f, const struct call *reserve)
{
	return -f->used - reserve->above - (int)rounded(reserve->size);
}

static void stack_reserve_code(struct piece *p, const struct frame *f, const struct call *call)
{
	int at = record_at(f, call);

	for (int off = 0; off < (int)rounded(call->size); off += 8)
		piece_put(p, INSN_STORE_IMM(BPF_DW, BPF_REG_10, at + off, 0));
	piece_put(p, INSN_MOV(BPF_REG_0, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(BPF_REG_0, at));
}

static uint32_t head_size(uint32_t size)
{
	return rounded(size) < SLOT_HEAD ? rounded(size) : SLOT_HEAD;
}

static void stack_submit_code(struct piece *p, const struct ring_plan *plan,
			      const struct frame *f, const struct call *reserve)
{
	int at = record_at(f, reserve);
	size_t found;

	put_lookup(p, plan, f, reserve->slot);
	found = piece_put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	put_count(p, BPF_REG_0, 0);
	for (int off = 0; off < (int)head_size(reserve->size); off += 8) {
		piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, at + off));
		piece_put(p, INSN_STORE(BPF_DW, BPF_REG_0, SLOT_HEADER + off, BPF_REG_1));
	}
	piece_land(p, found);
	put_number(p, plan);
	piece_put_map(p, BPF_REG_2, reserve->ring);
	piece_put(p, INSN_MOV(BPF_REG_4, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(BPF_REG_4, at));
	piece_put(p, INSN_MOV_IMM(BPF_REG_5, reserve->size));
	put_send(p, plan, f);
}

/* r1 map, r2 data, r3 size: stay what they are, and r3 becomes the number of the CPU at last. */
static void put_number_of_output(struct piece *p, const struct ring_plan *plan,
				 const struct frame *f)
{
	if (!plan->by_number)
		return;
	piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->map, BPF_REG_1));
	piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->data, BPF_REG_4));
	piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->size, BPF_REG_5));
	put_number(p, plan);
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, f->map));
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_4, BPF_REG_10, f->data));
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_5, BPF_REG_10, f->size));
}

/* r1 map, r2 data, r3 size, r4 flags */
static void output_code(struct piece *p, const struct ring_plan *plan, const struct frame *f,
			const struct call *call)
{
	size_t skip = 0, found;

	if (call->empty) {
		piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
		return;
	}
	piece_put(p, INSN_MOV(BPF_REG_5, BPF_REG_3));
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	if (!call->size) {
		piece_put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1));
		skip = piece_put(p, INSN_GOTO(0));
	}
	piece_put(p, INSN_MOV(BPF_REG_4, BPF_REG_2));
	put_number_of_output(p, plan, f);
	if (call->size) /* known to the verifier, too, whatever came in between */
		piece_put(p, INSN_MOV_IMM(BPF_REG_5, call->size));
	piece_put(p, INSN_MOV(BPF_REG_2, BPF_REG_1));
	put_send(p, plan, f);
	piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->result, BPF_REG_0));
	put_lookup(p, plan, f, call->slot);
	found = piece_put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	put_count(p, BPF_REG_0, 0);
	piece_land(p, found);
	piece_put(p, INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_10, f->result));
	if (!call->size)
		piece_land(p, skip);
}

static void call_code(struct piece *p, const struct ring_plan *plan, const struct frame *f,
		      const struct call *call)
{
	switch (call->id) {
	case FUNC_ringbuf_reserve:
		if (plan->on_stack)
			stack_reserve_code(p, f, call);
		else
			reserve_code(p, plan, f, call);
		break;
	case FUNC_ringbuf_submit:
		if (plan->on_stack)
			stack_submit_code(p, plan, f, &plan->calls.at[call->reserve]);
		else
			submit_code(p, plan, f);
		break;
	case FUNC_ringbuf_output:
		output_code(p, plan, f, call);
		break;
	case FUNC_ringbuf_query:
		piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
		break;
	}
}

static int rewrite_call(const struct ring_plan *plan, struct edit *edit, const struct frame *f,
			uint32_t insn)
{
	int64_t call = call_at(plan, insn);
	struct piece p = { 0 };

	if (call >= 0)
		call_code(&p, plan, f, &plan->calls.at[call]);
	else /* never comes here */
		piece_put(&p, INSN_MOV_IMM(BPF_REG_0, 0));
	return piece_replace(&p, edit, insn, plan->err);
}

/* Bytes of the records on the program's stack. */
static int records_size(const struct ring_plan *plan)
{
	int size = 0;

	for (size_t i = plan->first; plan->on_stack && i < plan->calls.len; i++) {
		const struct call *call = &plan->calls.at[i];
		int end = call->above + rounded(call->size);

		if (call->program == plan->program && call->id == FUNC_ringbuf_reserve && end > size)
			size = end;
	}
	return size;
}

/* Below all that the program uses: the records, then words, for arguments if CPUs are named. */
static int make_room(struct frame *f, const struct ring_plan *plan, const struct program *prog)
{
	int records = records_size(plan), need = records + (plan->by_number ? 48 : 24), top;
	uint32_t depth;

	if (program_stack_depth(prog, 0, &depth, plan->err))
		return -1;
	f->used = rounded(depth);
	if (f->used + need > STACK_MAX) {
		error_set(plan->err, ERROR_UNSUPPORTED, "program '%s': stack: got %u bytes in use, "
			  "expected at most %d to leave room for %sperf buffer output", prog->name,
			  depth, STACK_MAX - need, records ? "records and " : "");
		return error_hint(plan->err, records ?
				  "send smaller records; as it is, it needs Linux 4.11, whose "
				  "bpf_perf_event_output takes map memory" :
				  "put large variables into a per-CPU map; as it is, it needs the ring "
				  "buffer of Linux 5.8");
	}
	top = -f->used - records;
	f->ctx = top - 8;
	f->key = top - 16;
	f->result = top - 24;
	f->map = top - 32;
	f->data = top - 40;
	f->size = top - 48;
	return 0;
}

static bool has_helper(const struct program *prog, int32_t first, int32_t last)
{
	for (size_t i = 0; i < prog->insns.len; i++) {
		int32_t id = ring_helper(&prog->insns.at[i]);

		if (id && id >= first && id <= last)
			return true;
	}
	return false;
}

static int rewrite_calls(const struct ring_plan *plan, struct edit *edit, const struct frame *f)
{
	struct bpf_insn save = INSN_STORE(BPF_DW, BPF_REG_10, f->ctx, BPF_REG_1);

	if (f->ctx && edit_enter(edit, 0, (struct edit_code){ .insns = &save, .len = 1 }, plan->err))
		return -1;
	for (size_t i = 0; i < edit->prog->insns.len; i++)
		if (ring_helper(&edit->prog->insns.at[i]) && rewrite_call(plan, edit, f, i))
			return -1;
	return edit_apply(edit, plan->err);
}

static int rewrite(struct ring_plan *plan, uint32_t program)
{
	struct program *prog = &plan->obj->programs.at[program];
	struct frame f = { 0 };
	struct edit edit;
	int ret = -1;

	plan->program = program;
	for (plan->first = 0; plan->first < plan->calls.len; plan->first++)
		if (plan->calls.at[plan->first].program == program)
			break;
	if (has_helper(prog, FUNC_ringbuf_output, FUNC_ringbuf_submit) && make_room(&f, plan, prog))
		return error_wrap(plan->err, "%s", plan->obj->name);
	if (edit_init(&edit, prog, plan->err) == 0)
		ret = rewrite_calls(plan, &edit, &f);
	edit_fini(&edit);
	return ret ? error_wrap(plan->err, "%s", plan->obj->name) : 0;
}

/* --- the maps --------------------------------------------------------------------------- */

static int add_scratch(struct ring_plan *plan)
{
	uint32_t size = plan->on_stack ? head_size(plan->max_size) : rounded(plan->max_size);
	struct map *map = object_add_map(plan->obj, SCRATCH_MAP);

	if (!map)
		return error_memory(plan->err);
	map->role = MAP_PLAIN;
	map->type = BPF_MAP_TYPE_PERCPU_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = SLOT_HEADER + size;
	map->max_entries = plan->slots;
	plan->scratch = plan->obj->maps.len - 1;
	return 0;
}

static void change_map(struct map *map)
{
	map->type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	map->key_size = map->value_size = sizeof(uint32_t);
	map->max_entries = 0;
	map->flags = 0;
	map->key_type_id = map->value_type_id = 0;
}

/* --- altogether -------------------------------------------------------------------------- */

static bool uses_rings(const struct program *prog)
{
	return prog->autoload && has_helper(prog, FUNC_ringbuf_output, FUNC_user_ringbuf_drain);
}

/* A slot is one program's at a time, on one CPU: a program that may sleep keeps to neither. */
static int check_program(const struct ring_plan *plan, struct caps *caps,
			 const struct program *prog)
{
	const struct section_kind *kind = prog->kind;

	if (kind && kind->flags & SLEEPABLE) {
		error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s' (%s): it may sleep, and "
			  "perf buffer output goes through memory of one CPU", plan->obj->name,
			  prog->name, prog->section);
		return error_hint(plan->err, "it needs the ring buffer of Linux 5.8");
	}
	if (!kind || caps_helper(caps, kind->type, FUNC_perf_event_output) != CAP_NO)
		return 0;
	error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s' (%s): %s, which takes the place of "
		  "the ring buffer", plan->obj->name, prog->name, prog->section,
		  plan_why_helper(caps, kind->type, FUNC_perf_event_output).text);
	return error_hint(plan->err, "it needs the ring buffer of Linux 5.8");
}

/* Only the entry function has the program's context, which each output takes. */
static bool outputs_in_functions(const struct program *prog)
{
	size_t end = prog->funcs.len > 1 ? prog->funcs.at[1].insn : prog->insns.len;

	for (size_t i = end; i < prog->insns.len; i++) {
		int32_t id = ring_helper(&prog->insns.at[i]);

		if (id && id <= FUNC_ringbuf_submit)
			return true;
	}
	return false;
}

static int bring_to_entry(const struct ring_plan *plan, struct program *prog, struct plan *steps)
{
	static const char why[] = "perf buffer output takes the program's context, which functions "
				  "do not have";

	if (!outputs_in_functions(prog))
		return 0;
	if (inline_calls(plan->obj, prog, why, plan->err))
		return -1;
	return plan_add(steps, LOWERING, prog, why, plan->err, "functions are inlined");
}

static int survey_program(struct ring_plan *plan, struct caps *caps, struct plan *steps)
{
	struct program *prog = &plan->obj->programs.at[plan->program];

	if (!uses_rings(prog))
		return 0;
	if (check_program(plan, caps, prog) || bring_to_entry(plan, prog, steps))
		return -1;
	return survey(plan);
}

static int lower_all(struct ring_plan *plan, struct caps *caps, struct plan *steps)
{
	struct object *obj = plan->obj;

	for (size_t i = 0; i < obj->programs.len; i++) {
		plan->program = i;
		if (survey_program(plan, caps, steps))
			return -1;
	}
	if (plan->slots && add_scratch(plan))
		return -1;
	for (size_t i = 0; i < obj->programs.len; i++)
		if (uses_rings(&obj->programs.at[i]) && rewrite(plan, i))
			return -1;
	for (size_t i = 0; i < plan->rings_len; i++)
		change_map(&obj->maps.at[plan->rings[i]]);
	return 0;
}

/* Why rings go: the kernel has none, unless the user wants it so. */
static int add_steps(const struct ring_plan *plan, const struct caps *caps, struct plan *steps)
{
	bool asked = caps->maps[BPF_MAP_TYPE_RINGBUF].answer != CAP_NO;
	struct plan_why why = plan_why_map(caps, BPF_MAP_TYPE_RINGBUF);

	for (size_t i = 0; i < plan->rings_len; i++)
		if (plan_add(steps, LOWERING, NULL, asked ? "perf buffers are asked for" : why.text,
			     plan->err, "ring buffer '%s' becomes a perf buffer for each CPU",
			     plan->obj->maps.at[plan->rings[i]].name))
			return -1;
	if (plan->slots && plan->on_stack &&
	    plan_add(steps, LOWERING, NULL, plan_why(caps, CAP_MEMORY_MAP).text, plan->err,
		     "records are made on the stack"))
		return -1;
	if (plan->slots && plan->by_number &&
	    plan_add(steps, LOWERING, NULL, plan_why(caps, CAP_CURRENT_CPU).text, plan->err,
		     "records go to the CPU by its number"))
		return -1;
	return 0;
}

int lower_ringbuf(struct object *obj, struct caps *caps, struct plan *steps, struct error *err)
{
	struct ring_plan plan = { .obj = obj, .err = err };
	int ret;

	if (refuse_user_rings(obj, err) || find_rings(&plan))
		return -1;
	if (!plan.rings_len)
		return 0;
	plan.on_stack = caps_ask(caps, CAP_MEMORY_MAP) == CAP_NO;
	plan.by_number = caps_ask(caps, CAP_CURRENT_CPU) == CAP_NO;
	ret = lower_all(&plan, caps, steps) || add_steps(&plan, caps, steps) ? -1 : 0;
	vec_fini(&plan.calls);
	return ret;
}
