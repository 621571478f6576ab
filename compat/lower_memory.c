// SPDX-License-Identifier: GPL-2.0
#include "compat/lower_memory_internal.h"

#include <stdlib.h>

#include "compat/live.h"

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

static int run_pass(struct pass *pass, int (*visit)(const struct fold *f, uint32_t insn, void *ctx))
{
	int ret = edit_init(&pass->edit, pass->prog, pass->err);

	pass->count = pass->zeros = 0;
	pass->live = live_registers(pass->prog, pass->err);
	if (!ret && !pass->live)
		ret = -1;
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

	if (run_pass(pass, memory_renew_copies))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_NULL_COPIES).text, pass->err,
			  "%u cop%s of lookups' results made again behind the check", n,
			  n > 1 ? "ies" : "y"))
		return -1;
	if (run_pass(pass, memory_swap_operands))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_ADD_ADDRESS).text, pass->err,
			  "%u addition%s the other way round", n, n > 1 ? "s" : ""))
		return -1;
	if (run_pass(pass, memory_go_out_from_stack))
		return -1;
	n = pass->count;
	if (n && plan_add(plan, LOWERING, prog, plan_why(caps, CAP_FILL_RANGE).text, pass->err,
			  "%u access%s from an address on the stack on", n, n > 1 ? "es" : ""))
		return -1;
	if (run_pass(pass, memory_change_call))
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
