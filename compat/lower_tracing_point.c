// SPDX-License-Identifier: GPL-2.0
/*
 * Typed tracepoints to raw ones, and those to records. E.g. of the fifth and the first argument of
 * signal_generate, which are ints:
 *
 *	r2 = *(u64 *)(r1 + 32)		r2 = *(u32 *)(r1 + 44)		result
 *	r3 = *(u64 *)(r1 + 0)		r3 = *(u32 *)(r1 + 8)		sig
 *
 * The task that runs is asked for instead, once at the start.
 */
#include "compat/tracing_internal.h"

#include <stdio.h>

#include "compat/insn.h"
#include "compat/refuse.h"
#include "compat/tracepoints.h"

#define FUNC_get_current_task 35

static struct context_word field(const struct tracing *t, const struct tracepoint_argument *a)
{
	uint8_t size = t->registers->size;

	if (a->where == TRACEPOINT_LONG)
		return (struct context_word){ CONTEXT_THERE, size, 8 + size * a->at };
	return (struct context_word){ CONTEXT_THERE, 4, a->at };
}

/* The task that runs, asked for at the start. */
static int read_task(struct tracing *t, uint32_t word)
{
	struct tracing_start s = { 0 };
	int16_t off;

	if (tracing_start_open(t, &s))
		return -1;
	off = tracing_start_word(&s);
	t->context.words[word] = (struct context_word){ CONTEXT_STACK, 8, off };
	piece_put(&s.piece, INSN_CALL(FUNC_get_current_task));
	piece_put(&s.piece, INSN_STORE(BPF_DW, BPF_REG_10, off, BPF_REG_0));
	if (!context_move(&t->context, t->err))
		return tracing_start_close(t, &s);
	piece_fini(&s.piece);
	return -1;
}

static int read_record(struct tracing *t, const struct tracepoint *point)
{
	int task = -1;

	for (uint32_t n = 0; n < CONTEXT_WORDS; n++) {
		const struct tracepoint_argument *a =
			n < point->arguments_len ? &point->arguments[n] : NULL;

		if (!tracing_uses(t, n))
			continue;
		if (!a || a->where == TRACEPOINT_NOWHERE)
			return tracing_no_argument(t, n, "not in the tracepoint's record",
					   "write a program for SEC(\"tracepoint/CATEGORY/EVENT\"), which "
					   "reads the record");
		if (a->where == TRACEPOINT_CURRENT)
			task = n;
		else
			t->context.words[n] = field(t, a);
	}
	return task >= 0 ? read_task(t, task) : context_move(&t->context, t->err);
}

static int to_tracepoint(struct tracing *t)
{
	const struct tracepoint *point = tracepoint_find(t->prog->target);
	char what[96];

	t->why = plan_why(t->caps, CAP_RAW_TRACEPOINT);
	t->context.why = t->why.text;
	if (!point) {
		snprintf(what, sizeof(what), "raw tracepoint '%.48s'", t->prog->target);
		refuse(t->obj, t->prog, 0, what, t->why.text, t->err);
		return error_hint(t->err, "write a program for SEC(\"tracepoint/CATEGORY/%.48s\"), which reads "
				  "the record", t->prog->target);
	}
	if (read_record(t, point))
		return -1;
	return tracing_become(t, "tracepoint/", point->name, ", the arguments from its record");
}

int tracing_raw(struct tracing *t, bool typed)
{
	if (typed && caps_ask(t->caps, CAP_TRACING) != CAP_NO)
		return 0;
	if (!typed && caps_ask(t->caps, CAP_RAW_TRACEPOINT) != CAP_NO)
		return 0;
	t->why = plan_why(t->caps, typed ? CAP_TRACING : CAP_RAW_TRACEPOINT);
	if (typed && tracing_untype(t))
		return -1;
	if (caps_ask(t->caps, CAP_RAW_TRACEPOINT) == CAP_NO)
		return !typed && tracing_untype(t) ? -1 : to_tracepoint(t);
	return tracing_become(t, "raw_tp/", t->prog->target, "");
}
