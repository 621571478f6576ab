/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_CORE_INTERNAL_H
#define BTF_CORE_INTERNAL_H

#include "btf/core.h"
#include "loader/object.h"
#include "util/strbuf.h"

/*
 * What the files that make up core_relocate share:
 *
 *	core_path.c     access string to path and place, over the local types; words for messages
 *	core_match.c    the same path in a type of the target
 *	core_types.c    whether types as wholes stand for each other, or match in all they have
 *	core_answer.c   from a place to a value
 *	core_patch.c    from a value to an instruction
 *	core.c          candidates of the target, and all of it in order
 *	core_check.c    why there is no answer, in words
 */

#define MAX_STEPS 64

struct step {
	const char *name; /* of a member, or NULL: an element of an array */
	uint32_t index;   /* of that element; or of the local member or enumerator */
	uint32_t type;    /* where the step leads */
};

/* The access string, read over the local types. */
struct path {
	uint32_t root;
	uint32_t first; /* index before the first step: pointer arithmetic on the root */
	unsigned int len;
	struct step steps[MAX_STEPS];
};

/* A place inside a type, local or target. */
struct place {
	uint32_t type;
	uint64_t bit_offset;
	uint32_t bits; /* of a bit field, else 0 */
	bool is_tail;  /* the last member of a struct, or any of a union */
};

struct answer {
	uint64_t value;
	bool unchecked;     /* the instruction's present value says nothing, see place_answer */
	enum core_fault fault; /* no answer: poison */
	uint32_t load_size; /* of the memory access at this offset, 0: stays as it is */
	uint32_t load_type;
	uint32_t bits;  /* of a bit field at this offset, else 0 */
	uint32_t shift; /* where in what is loaded they are, see note_bits */
};

/* Types of the target that one local root type may stand for; found once per call. */
struct candidates {
	uint32_t root;
	VEC(uint32_t) ids;
	VEC(const struct btf *) in; /* for each of those: the kernel's BTF, or a module's */
	size_t plain; /* how many of them, the first, have no flavour */
};

struct core {
	const struct btf *local;
	const struct btf *target; /* the kernel's BTF, or a module's: where the candidate is from */
	const struct core_targets *targets; /* NULL: `target` is all there is */
	VEC(struct candidates) known;
	const struct program *prog; /* at work on */
	const struct core_relo *relo;
	struct error *err;
};

/* "program 'p': instruction 12: byte offset of struct s.a[2]: ..."; returns -1. */
int core_fail(const struct core *core, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool core_is_enum_relo(uint32_t kind);
bool core_is_field_relo(uint32_t kind);
/* False, or -1: the types have no such thing. */
bool core_element_exists(const struct place *place, const struct btf_array *array, uint32_t index);
bool core_add_element(const struct btf *btf, struct place *place, uint32_t type, uint64_t index);
void core_add_member(struct place *place, const struct btf_type *t, const struct btf_member *m);
int core_read_path(const struct btf *btf, const struct core_relo *relo, struct path *path,
		   struct place *place);

bool core_find_place(const struct core *core, const struct path *path, uint32_t candidate,
		     struct place *place);
/* Where core_find_place gives up: at that step, in that type; `found`: the member it has. */
struct dead_end {
	unsigned int step;
	uint32_t type;
	uint32_t found; /* a type, 0 where there is no such member */
	bool is_member; /* false: of an array, or there is no array */
};
bool core_find_dead_end(const struct core *core, const struct path *path, uint32_t candidate,
			struct dead_end *end);
bool core_same_plain_name(const char *a, const char *b);
bool core_types_agree(const struct core *core, uint32_t local_id, uint32_t target_id);
bool core_types_match(const struct core *core, uint32_t local_id, uint32_t target_id);
int64_t core_find_enumerator(const struct btf *btf, uint32_t id, const char *name);

bool core_is_signed(const struct btf_type *t);
uint64_t core_enum_value(const struct btf *btf, uint32_t id, uint32_t index);
struct answer core_place_answer(const struct btf *btf, const struct place *place, uint32_t kind);
struct answer core_type_answer(const struct btf *btf, uint32_t id, uint32_t kind);
struct answer core_local_answer(const struct core *core, const struct path *path,
				const struct place *place);

bool core_is_wide(const struct bpf_insn *insn);
bool core_is_access(const struct bpf_insn *insn);
bool core_is_poisoned(const struct bpf_insn *insn);
void core_poison(struct program *prog, uint32_t at);
/* 0: done; -1: error; else an enum core_fault. */
int core_patch(const struct core *core, struct program *prog, const struct answer *local,
	       const struct answer *target);

/* Types of the target that the local root type may stand for; found once, kept in core->known. */
int core_candidates(struct core *core, uint32_t root, struct candidates **found);
int core_target_answer(struct core *core, const struct path *path, struct answer *answer,
		       struct answer *other);
void core_fini(struct core *core);

/* "struct list_head", "int": a type by its own name. */
void core_say_type(struct strbuf *out, const struct btf *btf, uint32_t id);

#endif
