// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on many functions, for kernels that have no links to many: attached to each function by
 * itself, as programs of an own kind, which the kernel is told no attach type of. That matters: by
 * the type the verifier chooses what bpf_get_attach_cookie() and bpf_get_func_ip() do.
 *
 *	kprobe.multi/vfs_*	kprobe.each/vfs_*
 *
 * Sessions, whose programs run on entry and return, cannot be had of two probes.
 */
#include <stdio.h>
#include <string.h>

#include "compat/lower.h"
#include "compat/refuse.h"

static const struct {
	const char *kind, *instead; /* NULL: nothing */
	enum cap cap;
} kinds[] = {
	{ "kprobe.multi/", "kprobe.each/", CAP_KPROBE_MULTI },
	{ "kretprobe.multi/", "kretprobe.each/", CAP_KPROBE_MULTI },
	{ "kprobe.session/", NULL, CAP_KPROBE_MULTI },
	{ "uprobe.multi/", "uprobe.each/", CAP_UPROBE_MULTI },
	{ "uretprobe.multi/", "uretprobe.each/", CAP_UPROBE_MULTI },
	{ "uprobe.multi.s/", "uprobe.each.s/", CAP_UPROBE_MULTI },
	{ "uretprobe.multi.s/", "uretprobe.each.s/", CAP_UPROBE_MULTI },
	{ "uprobe.session/", NULL, CAP_UPROBE_MULTI },
	{ "uprobe.session.s/", NULL, CAP_UPROBE_MULTI },
};

static int refuse_session(const struct object *obj, const struct program *prog, const char *why,
			  struct error *err)
{
	char letter = prog->kind->name[0];

	refuse(obj, prog, 0, "a program on both ends of functions", why, err);
	return error_hint(err, "write one for %cprobe.multi/ and one for %cretprobe.multi/", letter,
			  letter);
}

static int lower_program(struct object *obj, struct program *prog, struct caps *caps,
			 struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct plan_why why;

		if (strcmp(prog->kind->name, kinds[i].kind) || caps_ask(caps, kinds[i].cap) != CAP_NO)
			continue;
		why = plan_why(caps, kinds[i].cap);
		if (!kinds[i].instead)
			return refuse_session(obj, prog, why.text, err);
		prog->kind = section_kind(kinds[i].instead);
		return plan_add(plan, "multi", prog, why.text, err,
				"is attached to each function by itself, as %s%.64s", kinds[i].instead,
				prog->target);
	}
	return 0;
}

int lower_multi(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct program *prog = &obj->programs.at[i];

		if (prog->autoload && prog->kind && lower_program(obj, prog, caps, plan, err))
			return -1;
	}
	return 0;
}
