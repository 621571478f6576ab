/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOWER_RINGBUF_INTERNAL_H
#define COMPAT_LOWER_RINGBUF_INTERNAL_H

#include <stddef.h>

#include "compat/lower.h"

/*
 * What the files that make up lower_ringbuf() share:
 *
 *	lower_ringbuf_survey.c  the calls in a program, and what is known of their arguments
 *	lower_ringbuf_put.c     what takes their place
 *	lower_ringbuf.c         how it works; the maps; what cannot be changed
 */

enum {
	FUNC_get_smp_processor_id = 8,
	FUNC_perf_event_output = 25,
	FUNC_ringbuf_output = 130,
	FUNC_ringbuf_reserve,
	FUNC_ringbuf_submit,
	FUNC_ringbuf_discard,
	FUNC_ringbuf_query,
	FUNC_ringbuf_reserve_dynptr = 198,
	FUNC_ringbuf_submit_dynptr,
	FUNC_ringbuf_discard_dynptr,
	FUNC_user_ringbuf_drain = 209,
};

/* A per-CPU value is at most PCPU_MIN_UNIT_SIZE, 32 KiB, on every kernel and architecture. */
#define SLOT_MAX 32768u
#define SLOT_HEADER ((int)offsetof(struct perf_slot, data))
#define SLOT_OFF(member) ((int)offsetof(struct perf_slot, member))
#define SLOT_HEAD 16u /* of a record on the stack: what its slot gets */
#define RINGS_MAX 16

/* A call that can be reached, of a helper of the ring buffer. */
struct call {
	uint32_t program, insn;
	int32_t id;
	uint32_t slot;    /* reserve and output: its number */
	uint32_t size;    /* reserve; output: 0 where it is not known */
	bool empty;       /* output: known to be of no bytes */
	uint32_t ring;    /* reserve: index in object.maps */
	uint32_t reserve; /* submit and discard of a record on the stack: index of that call */
	int32_t above;    /* reserve on the stack: bytes between the record and the program's own */
};

struct ring_plan {
	struct object *obj;
	struct error *err;
	uint32_t rings[RINGS_MAX]; /* indexes in object.maps */
	size_t rings_len;
	uint32_t scratch; /* likewise */
	uint32_t max_size, slots;
	bool on_stack;      /* records are */
	bool by_number;     /* the CPU has to be named */
	uint32_t program;   /* the one being looked at or rewritten, its first call, */
	size_t first;
	bool moved;         /* a record to another place */
	VEC(struct call) calls; /* by program, then instruction */
};

/* Which helper of the ring buffer is called there, or 0; "bpf_ringbuf_output". */
int32_t ring_helper(const struct bpf_insn *insn);
const char *ring_helper_name(int32_t id);
/* Whether the program calls one of those, by their numbers. */
bool ring_has_helper(const struct program *prog, int32_t first, int32_t last);

static inline uint32_t ring_rounded(uint32_t size)
{
	return (size + 7) / 8 * 8;
}

/* What the slot gets of a record on the stack of that size. */
static inline uint32_t ring_head_size(uint32_t size)
{
	return ring_rounded(size) < SLOT_HEAD ? ring_rounded(size) : SLOT_HEAD;
}

/* Adds the calls of program plan->program to plan->calls, from plan->first on. */
int ring_survey(struct ring_plan *plan);
/* Index in plan->calls of the call at that instruction of that program, or -1. */
int64_t ring_call_at(const struct ring_plan *plan, uint32_t insn);
/* Once all programs have been surveyed, and the scratch map is there. */
int ring_rewrite(struct ring_plan *plan, uint32_t program);

#endif
