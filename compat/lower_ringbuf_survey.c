// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_ringbuf_internal.h"

#include "compat/fold_internal.h"
#include "compat/insn.h"
#include "compat/refuse.h"

/* "" where it is none of the ring buffer's. */
const char *ring_helper_name(int32_t id)
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

int32_t ring_helper(const struct bpf_insn *insn)
{
	return insn_is_helper_call(insn) && *ring_helper_name(insn->imm) ? insn->imm : 0;
}

bool ring_has_helper(const struct program *prog, int32_t first, int32_t last)
{
	for (size_t i = 0; i < prog->insns.len; i++) {
		int32_t id = ring_helper(&prog->insns.at[i]);

		if (id && id >= first && id <= last)
			return true;
	}
	return false;
}

static int refuse_dynptr(const struct ring_plan *plan, const struct program *prog, uint32_t insn)
{
	int32_t id = prog->insns.at[insn].imm;
	bool user = id == FUNC_user_ringbuf_drain;

	error_set(plan->err, ERROR_UNSUPPORTED, "%s: program '%s': %s: %s cannot be turned into perf "
		  "buffer output", plan->obj->name, prog->name,
		  refuse_place(plan->obj, prog, insn).text, ring_helper_name(id));
	return error_hint(plan->err, user ? "it needs Linux 6.1" :
			  "it needs Linux 5.19; for older kernels use bpf_ringbuf_reserve with a "
			  "constant size, or bpf_ringbuf_output");
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

int64_t ring_call_at(const struct ring_plan *plan, uint32_t insn)
{
	for (size_t i = plan->first; i < plan->calls.len; i++)
		if (plan->calls.at[i].program == plan->program && plan->calls.at[i].insn == insn)
			return i;
	return -1;
}

/* Of the record that a value is the address of: the call that reserved it, or -1. */
static int64_t reserved_by(const struct ring_plan *plan, const struct value *v)
{
	int64_t call = v->kind == VALUE_RESULT ? ring_call_at(plan, v->map) : -1;

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
		  ring_helper_name(call->id));
	return error_hint(plan->err, "reserve and submit each record in one place; as it is, it "
			  "needs Linux 4.11, whose bpf_perf_event_output takes map memory");
}

/* Below all records that are open where this one is reserved. */
static int place_record(const struct fold *f, uint32_t insn, void *ctx)
{
	struct ring_plan *plan = ctx;
	int64_t at = ring_call_at(plan, insn);
	struct call *call = at < 0 ? NULL : &plan->calls.at[at];

	if (!call || call->id != FUNC_ringbuf_reserve)
		return 0;
	for (uint32_t i = BPF_REG_6; i < f->width; i++) {
		int64_t open = reserved_by(plan, &f->now[i]);
		const struct call *other = open < 0 ? call : &plan->calls.at[open];
		int32_t below = other->above + ring_rounded(other->size);

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
int ring_survey(struct ring_plan *plan)
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
