/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_REBUILD_H
#define COMPAT_REBUILD_H

#include "loader/object.h"

/*
 * A program written anew from its own instructions, some of them several times, where changing it
 * place by place (edit.h) is not enough. Side tables follow; jumps, calls and what REF_FUNC names
 * are the writer's.
 */
struct rebuild {
	const struct program *old;
	struct program out; /* so far; funcs are the writer's */
	struct error *err;
};

/* rebuild_fini is due in any case. */
void rebuild_init(struct rebuild *rebuild, const struct program *prog, struct error *err);
void rebuild_fini(struct rebuild *rebuild);

/* One more instruction. All return 0, or -1 with err. */
int rebuild_put(struct rebuild *rebuild, struct bpf_insn insn);
/* The next one stands for that old one: it gets its refs, relocation and the line that starts there. */
int rebuild_tables(struct rebuild *rebuild, uint32_t insn);
/* The next one is of the line that the old one is of, though another may have come before it. */
int rebuild_line(struct rebuild *rebuild, uint32_t insn);

/* What was written is the program; the old one goes. */
void rebuild_finish(struct rebuild *rebuild, struct program *prog);

#endif
