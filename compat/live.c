// SPDX-License-Identifier: GPL-2.0
#include "compat/live.h"

#include <stdlib.h>

#include "compat/insn.h"
#include "compat/liveness.h"

/*
 * What is read later on (compat/liveness.h), and of that only what has been set, found from the
 * beginning to the end, again until nothing changes. E.g.
 *
 *				before it
 *	r6 = r1			r1
 *	r2 = 5			r6
 *	call 5			r1, r2, r6	(r3 to r5 have not been set)
 *	r0 += r6		r0, r6
 *	exit			r0
 */

#define BIT(reg) (1u << (reg))
#define ARGUMENTS (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5))

/* A call sets r0 alone of all that is lost with it, and so does a load of a packet. */
static uint16_t set_behind(const struct bpf_insn *insn, uint16_t set)
{
	uint16_t writes = insn_writes(insn);

	return (writes & ARGUMENTS) == ARGUMENTS ? (set & ~ARGUMENTS) | BIT(0) : set | writes;
}

/* What is set where several ways meet is set on all of them. */
static bool meet(const struct program *prog, uint16_t *set, int64_t at, uint16_t on_this_way)
{
	uint16_t before;

	if (at < 0 || at >= (int64_t)prog->insns.len)
		return false;
	before = set[at];
	set[at] &= on_this_way;
	return set[at] != before;
}

/* The kernel gives a program one argument; functions have those of five that all calls set. */
static void find_set(const struct program *prog, uint16_t *set)
{
	for (size_t i = 0; i < prog->insns.len; i++)
		set[i] = UINT16_MAX;
	for (size_t i = 0; i < prog->funcs.len; i++)
		meet(prog, set, prog->funcs.at[i].insn, i ? ARGUMENTS | BIT(10) : BIT(1) | BIT(10));
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < prog->insns.len; i++) {
			const struct bpf_insn *insn = &prog->insns.at[i];
			uint16_t behind = set_behind(insn, set[i]);
			bool wide = insn_is_wide(insn);

			if (insn_is_jump(insn))
				changed |= meet(prog, set, insn_target(insn, i), behind);
			if (insn_is_func_call(insn))
				changed |= meet(prog, set, insn_target(insn, i), set[i]);
			if (!insn_ends_flow(insn))
				changed |= meet(prog, set, (int64_t)i + 1 + wide, behind);
			i += wide;
		}
	}
}

/* That of the second slot of a BPF_LD_IMM64 means nothing. */
uint16_t *live_registers(const struct program *prog, struct error *err)
{
	struct liveness read;
	uint16_t *live;

	if (liveness_init(&read, prog, NULL, err))
		return NULL;
	live = calloc(prog->insns.len + 1, sizeof(*live));
	if (live) {
		find_set(prog, live);
		for (size_t i = 0; i < prog->insns.len; i++)
			live[i] &= read.before[i].any;
	} else {
		error_memory(err);
	}
	liveness_fini(&read);
	return live;
}
