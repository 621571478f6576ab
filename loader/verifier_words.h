/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_VERIFIER_WORDS_H
#define LOADER_VERIFIER_WORDS_H

#include "loader/verifier_log.h"

/*
 * What a verifier log means, for somebody who does not read them every day. A kind of refusal
 * that is not known has no words: then only the kernel's own remain.
 */
struct verdict {
	int64_t insn;      /* the refused instruction, or -1: the program as a whole */
	char meaning[640]; /* one sentence, what is wrong, or "" */
	char advice[384];  /* what to do, or "" */
	bool machine;      /* to the machine, not to the program */
};

/* btf is the object's own; it names what an unresolved CO-RE relocation is about. */
void verifier_explain(struct verdict *verdict, const struct verifier_log *log,
		      const struct program *prog, const struct btf *btf);
/* "map_value_or_null(id=1,ks=4,vs=4)" as "a pointer to a map's value of 4 bytes, or NULL". */
void verifier_describe(struct piece state, char *buf, size_t size);

#endif
