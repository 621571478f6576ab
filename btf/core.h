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
 * always have an answer. An error is only what the object itself has wrong.
 *
 * Afterwards program.relos holds only the relocations that were not resolved. Those in code
 * that cannot be reached go with it (compat's fold); what core_check still finds then is what the
 * programs would need and the target does not have.
 */
#define CORE_POISON 0xbad2310

int core_relocate(struct program *programs, size_t count, const struct btf *local,
		  const struct btf *target, struct error *err);

/*
 * The types of a kernel and of its modules. Modules are only asked for types of which the
 * kernel itself has none of that name: `module` puts the i-th one's BTF, which goes on from the
 * kernel's, into *module, NULL behind the last; it stays valid as long as this is in use. The id
 * of a type is asked of the kernel alone: it would mean nothing without its module, and what
 * takes ids (bpf_snprintf_btf, bpf_rdonly_cast) looks them up in the kernel's.
 */
struct core_targets {
	const struct btf *kernel;
	/* or NULL */
	int (*module)(void *ctx, size_t i, const struct btf **module, struct error *err);
	void *ctx;
};

int core_relocate_all(struct program *programs, size_t count, const struct btf *local,
		      const struct core_targets *targets, struct error *err);

/*
 * An error of the first relocation that is still unresolved, in programs that are to be loaded:
 * where in the source, what of which type, what the target has instead, and what to do.
 */
int core_check(const struct program *programs, size_t count, const struct btf *local,
	       const struct core_targets *targets, struct error *err);

/*
 * Whether a function's prototype, or a variable's type, can be what the object has in mind: the
 * same kinds all the way down, whatever things are called.
 */
bool core_types_fit(const struct btf *local, uint32_t local_id, const struct btf *target,
		    uint32_t target_id);

/* Why a relocation has no answer. */
enum core_fault {
	CORE_RESOLVED,
	CORE_NOT_FOUND, /* no type of that name, or none that has what is asked for */
	CORE_AMBIGUOUS, /* several types that have it and differ */
	CORE_UNSIZED,   /* the type has no size, or no single load gets at the bit field */
	CORE_TOO_BIG,   /* the answer does not fit the instruction */
	CORE_RESIZED,   /* the field has another size, and the access cannot be fitted to it */
};

/* What a relocation is about, as "byte offset of struct task_struct.signal"; returns buf. */
const char *core_describe(const struct btf *local, const struct core_relo *relo, char *buf,
			  size_t size);

#endif
