// SPDX-License-Identifier: GPL-2.0
#include "loader/source.h"

#include <string.h>

/* Index of the function that an instruction is in, or -1. */
static int64_t func_at(const struct program *prog, int64_t insn)
{
	int64_t found = -1;

	for (size_t i = 0; i < prog->funcs.len && prog->funcs.at[i].insn <= insn; i++)
		found = i;
	return found;
}

static struct source_place place_of(const struct program *prog, const struct btf *btf,
				    const struct line *line)
{
	int64_t func = func_at(prog, line->insn);

	return (struct source_place){
		.file = btf_string(btf, line->file_off),
		.text = btf_string(btf, line->line_off),
		.function = func >= 0 ? prog->funcs.at[func].name : "",
		.line = BPF_LINE_INFO_LINE_NUM(line->line_col),
		.column = BPF_LINE_INFO_LINE_COL(line->line_col),
	};
}

/* The compiler says line 0 of what it made up. */
static bool is_real(const struct btf *btf, const struct line *line)
{
	return BPF_LINE_INFO_LINE_NUM(line->line_col) && *btf_string(btf, line->file_off);
}

static const struct line *line_at(const struct program *prog, const struct btf *btf, int64_t insn)
{
	int64_t func = func_at(prog, insn);
	uint32_t start = func >= 0 ? prog->funcs.at[func].insn : 0;
	const struct line *found = NULL;

	if ((uint64_t)insn >= prog->insns.len)
		return NULL;
	for (size_t i = 0; i < prog->lines.len && prog->lines.at[i].insn <= insn; i++)
		if (prog->lines.at[i].insn >= start && is_real(btf, &prog->lines.at[i]))
			found = &prog->lines.at[i];
	return found;
}

bool source_find(struct source_place *place, const struct program *prog, const struct btf *btf,
		 int64_t insn)
{
	const struct line *line = line_at(prog, btf, insn);

	if (line)
		*place = place_of(prog, btf, line);
	return line;
}

/* The line next to `from` in the same file and function, before (step -1) or behind (1) it. */
static const struct line *neighbour(const struct program *prog, const struct btf *btf,
				    const struct line *from, int step)
{
	int64_t func = func_at(prog, from->insn);
	const char *file = btf_string(btf, from->file_off);
	int64_t number = BPF_LINE_INFO_LINE_NUM(from->line_col), best = 0;
	const struct line *found = NULL;

	for (size_t i = 0; i < prog->lines.len; i++) {
		const struct line *line = &prog->lines.at[i];
		int64_t away = (BPF_LINE_INFO_LINE_NUM(line->line_col) - number) * step;

		if (away <= 0 || (found && away >= best) || !is_real(btf, line) ||
		    func_at(prog, line->insn) != func || strcmp(btf_string(btf, line->file_off), file))
			continue;
		found = line;
		best = away;
	}
	return found;
}

size_t source_around(struct source_place places[SOURCE_MAX], size_t *at,
		     const struct program *prog, const struct btf *btf, int64_t insn)
{
	const struct line *lines[SOURCE_MAX], *own = line_at(prog, btf, insn), *line = own;
	size_t first = SOURCE_AROUND, end = SOURCE_AROUND + 1;

	if (!own)
		return 0;
	lines[SOURCE_AROUND] = own;
	while (first && (line = neighbour(prog, btf, line, -1)))
		lines[--first] = line;
	line = own;
	while (end < SOURCE_MAX && (line = neighbour(prog, btf, line, 1)))
		lines[end++] = line;
	for (size_t i = first; i < end; i++)
		places[i - first] = place_of(prog, btf, lines[i]);
	*at = SOURCE_AROUND - first;
	return end - first;
}
