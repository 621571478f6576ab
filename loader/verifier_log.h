/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_VERIFIER_LOG_H
#define LOADER_VERIFIER_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/object.h"

/*
 * What the kernel's verifier wrote when it refused a program, taken apart: which instruction,
 * what it says of it, and what it knew of each register then. Nothing is judged here; words are
 * made of it in verifier_words.c, and a report in verifier_report.c. Pieces point into the text.
 */
struct piece {
	const char *at;
	size_t len;
};

/* Of one register, on the path on which the program was refused. */
struct register_state {
	struct piece state; /* as the log last said it: "map_value(ks=4,vs=4)"; empty: unknown */
	int64_t set_by;     /* the instruction it got its value from, or -1 */
};

#define VERIFIER_SENTENCES 4
#define VERIFIER_REGISTERS 11

struct verifier_log {
	int64_t insn;           /* the one last looked at, an index in prog->insns; -1: none */
	struct piece insn_text; /* it, as the kernel spells it */
	int64_t branch;         /* the last conditional jump on the way there, or -1 */
	struct piece sentences[VERIFIER_SENTENCES]; /* why, in the kernel's words */
	size_t sentence_count;
	struct piece reason, suggestion; /* several lines; Linux 7.3 and later have them */
	struct register_state registers[VERIFIER_REGISTERS];
};

/* The text may be anything: cut off, huge, not a log at all. What is not found stays empty. */
void verifier_log_read(struct verifier_log *log, const char *text, size_t len,
		       const struct program *prog);

/* A line that stands for what is missing of a log: registers are not what they were before it. */
#define VERIFIER_LOG_CUT "[...]"

/* Helpers for whoever reads pieces. */
bool piece_starts(struct piece p, const char *prefix);
/* The register that a sentence begins with ("R2 ..."), or -1. */
int piece_register(struct piece p);
/* A decimal number that fills the piece; -1 where it does not, or is absurdly large. */
int64_t piece_number(struct piece p);

#endif
