// SPDX-License-Identifier: GPL-2.0
/*
 * Functions of a program where the kernel has none (before Linux 4.16): each in place of its calls,
 * as compat/inline.c does it. What constants passed as arguments then decide is folded away.
 */
#include "compat/lower.h"

#include "compat/inline.h"
#include "compat/insn.h"
#include "compat/refuse.h"

#define FEW_INSTRUCTIONS 4096

static uint32_t count_calls(const struct program *prog)
{
	uint32_t calls = 0;

	for (size_t i = 0; i < prog->insns.len; i++)
		calls += insn_is_func_call(&prog->insns.at[i]);
	return calls;
}

static int too_large(const struct object *obj, const struct program *prog, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': got %zu instructions with all calls "
		  "inlined, expected at most %u", obj->name, prog->name, prog->insns.len,
		  FEW_INSTRUCTIONS);
	return error_hint(err, "more is possible since Linux 5.2, calls since 4.16; call large "
			  "functions from fewer places");
}

static int lower_program(struct object *obj, struct program *prog, struct caps *caps,
			 struct plan *plan, struct error *err)
{
	uint32_t calls = count_calls(prog);
	struct plan_why why;

	if (!calls || caps_ask(caps, CAP_CALLS) != CAP_NO)
		return 0;
	why = plan_why(caps, CAP_CALLS);
	if (inline_calls(obj, prog, why.text, err) || fold_program(obj, prog, err))
		return -1;
	if (prog->insns.len > FEW_INSTRUCTIONS && caps_ask(caps, CAP_LARGE) == CAP_NO)
		return too_large(obj, prog, err);
	return plan_add(plan, "calls", prog, why.text, err, "%u call%s of functions inlined", calls,
			calls == 1 ? "" : "s");
}

int lower_calls(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload &&
		    lower_program(obj, &obj->programs.at[i], caps, plan, err))
			return -1;
	return 0;
}
