// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_ringbuf_internal.h"

#include "compat/insn.h"
#include "compat/piece.h"
#include "compat/stack.h"

/* What one program's stack has for it. Offsets from the frame pointer. */
struct frame {
	int ctx, key, result;
	int map, data, size; /* arguments of an output while the CPU is asked for */
	int used;            /* by the program itself */
};

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

	piece_put_lookup(p, plan->scratch, call->slot, f->key);
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
	return -f->used - reserve->above - (int)ring_rounded(reserve->size);
}

static void stack_reserve_code(struct piece *p, const struct frame *f, const struct call *call)
{
	int at = record_at(f, call);

	for (int off = 0; off < (int)ring_rounded(call->size); off += 8)
		piece_put(p, INSN_STORE_IMM(BPF_DW, BPF_REG_10, at + off, 0));
	piece_put(p, INSN_MOV(BPF_REG_0, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(BPF_REG_0, at));
}

static void stack_submit_code(struct piece *p, const struct ring_plan *plan,
			      const struct frame *f, const struct call *reserve)
{
	int at = record_at(f, reserve);
	size_t found;

	piece_put_lookup(p, plan->scratch, reserve->slot, f->key);
	found = piece_put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	put_count(p, BPF_REG_0, 0);
	for (int off = 0; off < (int)ring_head_size(reserve->size); off += 8) {
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
	piece_put_lookup(p, plan->scratch, call->slot, f->key);
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
	int64_t call = ring_call_at(plan, insn);
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
		int end = call->above + ring_rounded(call->size);

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
	f->used = ring_rounded(depth);
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

int ring_rewrite(struct ring_plan *plan, uint32_t program)
{
	struct program *prog = &plan->obj->programs.at[program];
	struct frame f = { 0 };
	struct edit edit;
	int ret = -1;

	plan->program = program;
	for (plan->first = 0; plan->first < plan->calls.len; plan->first++)
		if (plan->calls.at[plan->first].program == program)
			break;
	if (ring_has_helper(prog, FUNC_ringbuf_output, FUNC_ringbuf_submit) && make_room(&f, plan, prog))
		return error_wrap(plan->err, "%s", plan->obj->name);
	if (edit_init(&edit, prog, plan->err) == 0)
		ret = rewrite_calls(plan, &edit, &f);
	edit_fini(&edit);
	return ret ? error_wrap(plan->err, "%s", plan->obj->name) : 0;
}
