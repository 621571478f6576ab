// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_ringbuf_internal.h"

#include <stdlib.h>

#include "compat/inline.h"
#include "compat/insn.h"

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

/* BPF_MAP_TYPE_USER_RINGBUF and a program's flag; of headers that may be older than they. */
#define MAP_TYPE_USER_RINGBUF 31
#define SLEEPABLE (1u << 4)

/* --- the maps --------------------------------------------------------------------------- */

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

static int add_scratch(struct ring_plan *plan)
{
	uint32_t size = plan->on_stack ? ring_head_size(plan->max_size) : ring_rounded(plan->max_size);
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
	return prog->autoload && ring_has_helper(prog, FUNC_ringbuf_output, FUNC_user_ringbuf_drain);
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
	for (size_t i = program_func_end(prog, 0); i < prog->insns.len; i++) {
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
	return ring_survey(plan);
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
		if (uses_rings(&obj->programs.at[i]) && ring_rewrite(plan, i))
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
