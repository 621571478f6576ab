/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LIVENESS_H
#define COMPAT_LIVENESS_H

#include "loader/object.h"

/*
 * Which registers hold something at a place that is still wanted: one bit a register, r0 lowest.
 * A register is live where some way leads from there to an instruction that reads it, with none
 * before that writes it; its upper half apart, as much of what compilers make of `int` reads
 * only the lower one. r10 is left out.
 */
struct live {
	uint16_t any;   /* either half */
	uint16_t upper; /* bits 32 to 63; part of any */
};

struct liveness {
	const struct program *prog;
	bool (*widened)(const struct bpf_insn *insn);
	struct live *before; /* by instruction */
};

/*
 * liveness_fini is due after a success; prog must not change before that. Instructions of which
 * `widened` (or NULL) is true count as readers of whole registers: they may be made such.
 */
int liveness_init(struct liveness *liveness, const struct program *prog,
		  bool (*widened)(const struct bpf_insn *insn), struct error *err);
void liveness_fini(struct liveness *liveness);

struct live live_before(const struct liveness *liveness, uint32_t insn);
struct live live_behind(const struct liveness *liveness, uint32_t insn);

/* What one instruction reads; of a call, all that it may. */
struct live insn_reads(const struct bpf_insn *insn);
/* The registers that it writes, whole as it always is; of a call, those that are lost with it. */
uint16_t insn_writes(const struct bpf_insn *insn);

#endif
