/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_MIN_H
#define BTF_MIN_H

#include <stddef.h>
#include <stdint.h>

#include "btf/btf.h"

struct program;

struct btf_part {
	uint32_t type, index;
};

/*
 * Cuts a BTF down to what the CO-RE relocations of some objects look at. core_relocate() gives
 * the same instructions with the small one as with the whole. E.g.
 *
 *	struct btf_min min;
 *	if (btf_min_init(&min, target, err) == 0 &&
 *	    btf_min_add(&min, obj.programs.at, obj.programs.len, &obj.btf, err) == 0)
 *		ret = btf_min_finish(&min, &blob, &size, err);
 *	btf_min_fini(&min);
 *
 * The exception are relocations to a type's id in the target (bpf_core_type_id_kernel()):
 * the kernel wants its own ids, and a BTF that was cut has others.
 */
struct btf_min {
	const struct btf *target;
	uint8_t *levels;            /* for each id, enum level in min.c */
	VEC(uint32_t) todo;         /* ids whose level has gone up */
	VEC(struct btf_part) parts; /* members and enumerators to keep */
	uint32_t kernel_ids;        /* how many relocations want such an id */
};

/* target must outlive this. Whatever it returns, btf_min_fini is due. */
int btf_min_init(struct btf_min *min, const struct btf *target, struct error *err);
/* All programs, those that are not to be loaded too. What the target lacks is no error. */
int btf_min_add(struct btf_min *min, const struct program *programs, size_t count,
		const struct btf *local, struct error *err);
/* The blob is malloc'ed, the caller's. The same objects and target give the same bytes. */
int btf_min_finish(struct btf_min *min, void **blob, size_t *size, struct error *err);
void btf_min_fini(struct btf_min *min);

#endif
