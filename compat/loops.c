// SPDX-License-Identifier: GPL-2.0
/*
 * Depth first over the instructions, as the kernel does it: before Linux 5.3 it refuses every
 * program in which an edge leads to an instruction that is on the way to where it starts.
 */
#include "compat/loops.h"

#include <stdlib.h>

#include "compat/insn.h"

enum mark { NEW, ON_THE_WAY, DONE };

/* An instruction on the way, and which of its successors comes next. */
struct stop {
	uint32_t insn;
	uint32_t next;
};

struct walk {
	const struct program *prog;
	uint32_t from, end;
	uint8_t *marks;
	VEC(struct stop) way;
	int64_t loops;
	uint8_t *headers; /* as the caller wants them, or NULL */
	uint32_t *first;
};

/* Successor 0 or 1, or -1: there is none. */
static int64_t successor(const struct walk *w, const struct stop *stop)
{
	const struct bpf_insn *insn = &w->prog->insns.at[stop->insn];

	if (stop->next == 0 && !insn_ends_flow(insn))
		return (int64_t)stop->insn + 1 + insn_is_wide(insn);
	if (stop->next == 1 && insn_is_jump(insn))
		return insn_target(insn, stop->insn);
	return -1;
}

static int visit(struct walk *w, int64_t insn)
{
	struct stop *stop;

	/* The parser lets no jump leave its function; running off the end is the verifier's. */
	if (insn < w->from || insn >= w->end || w->marks[insn - w->from] == DONE)
		return 0;
	if (w->marks[insn - w->from] == ON_THE_WAY) {
		w->loops++;
		if (w->headers)
			w->headers[insn - w->from] = 1;
		return 0;
	}
	w->marks[insn - w->from] = ON_THE_WAY;
	stop = vec_push(&w->way);
	if (!stop)
		return -1;
	stop->insn = insn;
	return 0;
}

static int walk(struct walk *w)
{
	if (visit(w, w->from))
		return -1;
	while (w->way.len) {
		struct stop *stop = &w->way.at[w->way.len - 1];
		int64_t to;

		if (stop->next == 2) {
			w->marks[stop->insn - w->from] = DONE;
			/* What is around others is done after them, what comes later before. */
			if (w->headers && w->headers[stop->insn - w->from])
				*w->first = stop->insn;
			w->way.len--;
			continue;
		}
		to = successor(w, stop);
		stop->next++;
		if (to >= 0 && visit(w, to))
			return -1;
	}
	return 0;
}

static int64_t count_loops(struct walk *w)
{
	int ret = -1;

	w->marks = calloc(w->end - w->from + 1, 1);
	if (w->marks)
		ret = walk(w);
	vec_fini(&w->way);
	free(w->marks);
	return ret ? -1 : w->loops;
}

int64_t function_loops(const struct program *prog, uint32_t from, uint32_t end)
{
	struct walk w = { .prog = prog, .from = from, .end = end };

	return count_loops(&w);
}

int64_t function_loop_headers(const struct program *prog, uint32_t from, uint32_t end,
			      uint8_t *headers, uint32_t *first)
{
	struct walk w = { .prog = prog, .from = from, .end = end, .headers = headers,
			  .first = first };

	return count_loops(&w);
}
