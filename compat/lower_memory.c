// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_memory_internal.h"

#include <stdlib.h>


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

typedef int visit_fn(const struct fold *f, uint32_t insn, void *ctx);

static int walk(struct pass *pass, visit_fn *visit)
{
	int ret = fold_visit(pass->obj, pass->prog, visit, pass, pass->err);

	free(pass->live);
	pass->live = NULL;
	return ret || pass->failed ? -1 : 0;
}

static int look_at(const struct fold *f, uint32_t insn, void *ctx)
{
	return memory_renew_copies(f, insn, ctx) || memory_swap_operands(f, insn, ctx) ||
	       memory_go_out_from_stack(f, insn, ctx) || memory_change_call(f, insn, ctx) ? -1 : 0;
}

/* Most kernels lack nothing: one walk then, not one for each of what might be. */
static int survey(struct pass *pass, bool *lacks)
{
	*lacks = false;
	pass->survey = true;
	if (walk(pass, look_at))
		return -1;
	pass->survey = false;
	for (int cap = 0; cap < CAP_COUNT; cap++)
		*lacks |= pass->wants[cap] && caps_ask(pass->caps, cap) == CAP_NO;
	return 0;
}

static int run_pass(struct pass *pass, visit_fn *visit)
{
	int ret = edit_init(&pass->edit, pass->prog, pass->err);

	pass->count = pass->zeros = 0;
	if (!ret)
		ret = walk(pass, visit);
	if (!ret && pass->edit.changes.len)
		ret = edit_apply(&pass->edit, pass->err);
	edit_fini(&pass->edit);
	return ret;
}

/* A step of the plan: "N one" or "N many", for want of that. */
static int note(struct pass *pass, struct plan *plan, uint32_t n, enum cap cap, const char *one,
		const char *many)
{
	return !n ? 0 : plan_add(plan, LOWERING, pass->prog, plan_why(pass->caps, cap).text,
				 pass->err, "%u %s", n, n > 1 ? many : one);
}

static int lower_program(struct pass *pass, struct plan *plan)
{
	bool lacks;

	if (survey(pass, &lacks))
		return -1;
	if (!lacks)
		return 0;
	if (run_pass(pass, memory_renew_copies) ||
	    note(pass, plan, pass->count, CAP_NULL_COPIES,
		 "copy of lookups' results made again behind the check",
		 "copies of lookups' results made again behind the check") ||
	    run_pass(pass, memory_swap_operands) ||
	    note(pass, plan, pass->count, CAP_ADD_ADDRESS, "addition the other way round",
		 "additions the other way round") ||
	    run_pass(pass, memory_go_out_from_stack) ||
	    note(pass, plan, pass->count, CAP_FILL_RANGE, "access from an address on the stack on",
		 "accesses from an address on the stack on") ||
	    run_pass(pass, memory_change_call))
		return -1;
	if (note(pass, plan, pass->count,
		 pass->caps->at[CAP_MEMORY_MAP].answer == CAP_NO ? CAP_MEMORY_MAP : CAP_KEY_MAP,
		 "argument of helpers by way of the stack",
		 "arguments of helpers by way of the stack"))
		return -1;
	return note(pass, plan, pass->zeros, CAP_MEMORY_ZERO,
		    "output of what may be 0 bytes left out then",
		    "outputs of what may be 0 bytes left out then");
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
