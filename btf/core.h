/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_CORE_H
#define BTF_CORE_H

#include "btf/btf.h"

struct program;
struct core_relo;

/*
 * CO-RE: changes every instruction that carries a relocation so that it fits the types of
 * `target`. `local` is the object's own BTF. Programs that are not to be loaded are left
 * alone. A relocation that cannot be resolved makes its instruction a call of an impossible
 * helper (CORE_POISON), which only matters where the code is reached; existence questions
 * always have an answer.
 *
 * Afterwards program.relos holds only the relocations that were not resolved, so that
 * whoever sees the verifier complain of helper CORE_POISON can say what is missing.
 */
#define CORE_POISON 0xbad2310

int core_relocate(struct program *programs, size_t count, const struct btf *local,
		  const struct btf *target, struct error *err);

/* What a relocation is about, as "byte offset of struct task_struct.signal"; returns buf. */
const char *core_describe(const struct btf *local, const struct core_relo *relo, char *buf,
			  size_t size);

#endif
