// SPDX-License-Identifier: GPL-2.0
#include "compat/rebuild.h"

#include <stdlib.h>
#include <string.h>

/* The first of len elements of a side table, each beginning with its instruction, from insn on. */
static size_t first_from(const void *table, size_t len, size_t size, uint32_t insn)
{
	size_t low = 0, high = len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint32_t at;

		memcpy(&at, (const char *)table + mid * size, sizeof(at));
		if (at < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

_Static_assert(offsetof(struct ref, insn) == 0 && offsetof(struct line, insn) == 0 &&
	       offsetof(struct core_relo, insn) == 0, "first_from() reads the first member");

#define FIRST_FROM(vec, insn) first_from((vec)->at, (vec)->len, sizeof(*(vec)->at), insn)

static void free_tables(struct program *prog)
{
	vec_fini(&prog->insns);
	vec_fini(&prog->refs);
	vec_fini(&prog->funcs);
	vec_fini(&prog->lines);
	vec_fini(&prog->relos);
}

void rebuild_init(struct rebuild *rebuild, const struct program *prog, struct error *err)
{
	*rebuild = (struct rebuild){ .old = prog, .err = err };
	rebuild->out = program_without_code(prog);
}

void rebuild_fini(struct rebuild *rebuild)
{
	free_tables(&rebuild->out);
}

int rebuild_put(struct rebuild *rebuild, struct bpf_insn insn)
{
	struct bpf_insn *to = vec_push(&rebuild->out.insns);

	if (!to)
		return error_memory(rebuild->err);
	*to = insn;
	return 0;
}

static int put_line(struct rebuild *rebuild, const struct line *line)
{
	struct program *out = &rebuild->out;
	struct line *to = out->lines.len ? &out->lines.at[out->lines.len - 1] : NULL;

	/* No two lines at one instruction: the kernel refuses that. */
	if (!to || to->insn != out->insns.len)
		to = vec_push(&out->lines);
	if (!to)
		return error_memory(rebuild->err);
	*to = *line;
	to->insn = out->insns.len;
	return 0;
}

static int put_refs(struct rebuild *rebuild, uint32_t insn)
{
	const struct program *old = rebuild->old;

	for (size_t i = FIRST_FROM(&old->refs, insn);
	     i < old->refs.len && old->refs.at[i].insn == insn; i++) {
		struct ref *to = vec_push(&rebuild->out.refs);

		if (!to)
			return error_memory(rebuild->err);
		*to = old->refs.at[i];
		to->insn = rebuild->out.insns.len;
	}
	return 0;
}

static int put_relos(struct rebuild *rebuild, uint32_t insn)
{
	const struct program *old = rebuild->old;

	for (size_t i = FIRST_FROM(&old->relos, insn);
	     i < old->relos.len && old->relos.at[i].insn == insn; i++) {
		struct core_relo *to = vec_push(&rebuild->out.relos);

		if (!to)
			return error_memory(rebuild->err);
		*to = old->relos.at[i];
		to->insn = rebuild->out.insns.len;
	}
	return 0;
}

int rebuild_tables(struct rebuild *rebuild, uint32_t insn)
{
	const struct program *old = rebuild->old;
	size_t line = FIRST_FROM(&old->lines, insn);

	if (line < old->lines.len && old->lines.at[line].insn == insn &&
	    put_line(rebuild, &old->lines.at[line]))
		return -1;
	return put_refs(rebuild, insn) || put_relos(rebuild, insn) ? -1 : 0;
}

static bool same_line(const struct line *a, const struct line *b)
{
	return a->file_off == b->file_off && a->line_off == b->line_off && a->line_col == b->line_col;
}

/* A line reaches up to the next one, but not into another function. */
int rebuild_line(struct rebuild *rebuild, uint32_t insn)
{
	const struct program *old = rebuild->old;
	size_t line = FIRST_FROM(&old->lines, insn + 1);
	uint32_t start = 0;

	for (size_t i = 0; i < old->funcs.len && old->funcs.at[i].insn <= insn; i++)
		start = old->funcs.at[i].insn;
	if (!line || old->lines.at[line - 1].insn < start)
		return 0;
	/* It goes on. */
	if (rebuild->out.lines.len && same_line(&rebuild->out.lines.at[rebuild->out.lines.len - 1],
						&old->lines.at[line - 1]))
		return 0;
	return put_line(rebuild, &old->lines.at[line - 1]);
}

void rebuild_finish(struct rebuild *rebuild, struct program *prog)
{
	free_tables(prog);
	*prog = rebuild->out;
	memset(&rebuild->out, 0, sizeof(rebuild->out));
}
