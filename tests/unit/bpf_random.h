/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_BPF_RANDOM_H
#define TESTS_UNIT_BPF_RANDOM_H

#include "loader/object.h"
#include "tests/unit/bpf_run.h"

/*
 * Random programs, and what they do: to see that a rewritten one does the same. Chance is the same
 * each time, given the seed.
 */
void random_seed(uint64_t seed);
uint32_t random_below(uint32_t below);
/* A constant, a number: those at which things change more often than others. */
int32_t random_constant(void);
uint64_t random_word(void);
/* Of every kind there is up to v4; no jump has a target yet. */
struct bpf_insn random_alu(void);
struct bpf_insn random_jump(void);

/*
 * One more program of obj: up to three functions of up to 400 instructions in all, with jumps and loops
 * that end, the stack in use down to RANDOM_DEPTH, helpers 1 and 4 to 7, and map 0, in which
 * random_map() puts 32 bytes. It is to be loaded.
 */
#define RANDOM_DEPTH 72
struct program *random_program(struct object *obj);
void random_map(struct object *obj);
/* A copy, not to be loaded. Earlier struct program pointers are no longer valid. */
struct program *random_copy(struct object *obj, size_t number);

/* What a run did: how it ended, and all that helpers were told. */
#define STORY_TRACE 4096
struct story {
	enum run_end end;
	uint64_t result, trace[STORY_TRACE];
	size_t len;
	const struct object *obj;
};

void story_tell(struct story *story, const struct object *obj, const struct program *prog,
		uint64_t input);
/* Fails the test where two programs of obj do not do the same for some inputs. */
void story_compare(const struct object *obj, const struct program *before,
		   const struct program *after);

#endif
