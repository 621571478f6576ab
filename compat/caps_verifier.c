// SPDX-License-Identifier: GPL-2.0
/* What the verifier puts up with: how programs are made, and what they hand to helpers. */
#include "compat/caps_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/sys.h"

#define COUNT(insns) (sizeof(insns) / sizeof(*(insns)))
#define PAIR(asked, control) (asked), COUNT(asked), (control), COUNT(control)

/* Newer than the headers of some distributions that are still in use. */
#define PSEUDO_MAP_VALUE 2  /* BPF_PSEUDO_MAP_VALUE */
#define PSEUDO_KFUNC_CALL 2 /* BPF_PSEUDO_KFUNC_CALL */
#define SLEEPABLE (1u << 4) /* BPF_F_SLEEPABLE */
#define RDONLY_PROG (1u << 7) /* BPF_F_RDONLY_PROG */

/* A BPF_LD_IMM64 of what is not a plain number. */
#define INSN_PSEUDO(dst, src, value, more)                                                         \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, value), INSN(0, 0, 0, 0, more)
#define INSN_MAP(dst, fd) INSN_PSEUDO(dst, BPF_PSEUDO_MAP_FD, fd, 0)

/* ---- how programs are made ---- */

#define MANY 4200 /* more than the 4096 of old kernels */

enum answer ask_large(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn *insns = calloc(MANY, sizeof(*insns));
	enum answer answer;

	if (!insns) {
		*sys = ENOMEM;
		return CAP_UNKNOWN;
	}
	for (size_t i = 0; i < MANY - 1; i++)
		insns[i] = INSN_MOV_IMM(BPF_REG_0, 0);
	insns[MANY - 1] = INSN_EXIT();
	answer = ask_plain_pair(caps, insns, MANY, return_0, 2, sys);
	free(insns);
	return answer;
}

enum answer ask_calls(struct caps *caps, enum cap cap, int *sys)
{
	const struct bpf_insn asked[] = {
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1), INSN_EXIT(),
		INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};

	return ask_plain_pair(caps, PAIR(asked, return_0), sys);
}

enum answer ask_loops(struct caps *caps, enum cap cap, int *sys)
{
	const struct bpf_insn asked[] = {
		INSN_MOV_IMM(BPF_REG_0, 4), INSN_ADD_IMM(BPF_REG_0, -1),
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, -2), INSN_EXIT(),
	};
	const struct bpf_insn control[] = {
		INSN_MOV_IMM(BPF_REG_0, 4), INSN_ADD_IMM(BPF_REG_0, -1),
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0), INSN_EXIT(),
	};

	return ask_plain_pair(caps, PAIR(asked, control), sys);
}

/* The flag for what is read-only, then the value's address. */
enum answer ask_global_data(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr plain = small_array(), attr = plain;
	enum answer answer;
	int fd;

	attr.map_flags = RDONLY_PROG;
	answer = ask_map_pair(&attr, &plain, sys);
	if (answer != CAP_YES)
		return answer;
	fd = sys_bpf(BPF_MAP_CREATE, &plain, sizeof(plain));
	if (fd < 0) {
		*sys = -fd;
		return CAP_UNKNOWN;
	}
	{
		const struct bpf_insn asked[] = {
			INSN_PSEUDO(BPF_REG_1, PSEUDO_MAP_VALUE, fd, 0),
			INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_1, 0), INSN_EXIT(),
		};
		const struct bpf_insn control[] = {
			INSN_MAP(BPF_REG_1, fd), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
		};

		answer = ask_plain_pair(caps, PAIR(asked, control), sys);
	}
	sys_close(fd);
	return answer;
}

/*
 * By the id of a function that no program may call: EACCES says so, and everything else is said
 * before the verifier has come as far as that.
 */
enum answer ask_kfuncs(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn asked[] = {
		INSN(BPF_JMP | BPF_CALL, 0, PSEUDO_KFUNC_CALL, 0, 0), INSN_MOV_IMM(BPF_REG_0, 0),
		INSN_EXIT(),
	};
	uint32_t id;
	enum answer answer = caps_id(caps, ID_FUNCTION, &id, sys);

	if (answer != CAP_YES)
		return answer;
	asked[0].imm = id;
	answer = ask_plain_pair(caps, PAIR(asked, return_0), sys);
	return *sys == EACCES && answer == CAP_NO ? CAP_YES : answer;
}

/* Which programs may is up to the verifier: where it says a word, the flag is known. */
enum answer ask_sleepable(struct caps *caps, enum cap cap, int *sys)
{
	struct trial trial = {
		.type = BPF_PROG_TYPE_TRACEPOINT, .flags = SLEEPABLE, .insns = return_0, .count = 2,
	};
	struct trial_log log;
	enum answer answer = answer_of(close_trial(load_trial(&trial, &log)), sys);

	if (answer != CAP_NO)
		return answer;
	if (*log.text)
		return CAP_YES;
	return caps_program(caps, BPF_PROG_TYPE_TRACEPOINT) == CAP_YES ? CAP_NO : CAP_UNKNOWN;
}

/* ---- what helpers take ---- */

static union bpf_attr event_array(void)
{
	union bpf_attr attr = small_array();

	attr.map_type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	attr.value_size = 4;
	return attr;
}

/* A pair of programs that differ in one instruction, both with the map in hand. */
struct map_pair {
	union bpf_attr map;
	struct bpf_insn *insns; /* each that is wide and empty becomes the map */
	uint32_t count, at;     /* where they differ, */
	struct bpf_insn control; /* and what stands there in the second */
};

static enum answer ask_with_map(struct caps *caps, struct map_pair *pair, int *sys)
{
	struct bpf_insn control[24];
	enum answer answer;
	int fd = sys_bpf(BPF_MAP_CREATE, &pair->map, sizeof(pair->map));

	if (fd < 0) {
		*sys = -fd;
		return CAP_UNKNOWN;
	}
	for (uint32_t i = 0; i < pair->count; i++)
		if (insn_is_wide(&pair->insns[i]))
			pair->insns[i].imm = fd;
	memcpy(control, pair->insns, pair->count * sizeof(*control));
	control[pair->at] = pair->control;
	answer = ask_plain_pair(caps, pair->insns, pair->count, control, pair->count, sys);
	sys_close(fd);
	return answer;
}

/* r0 = the map's only value; the key is on the stack, and r6 its address. */
#define LOOK_UP                                                                                    \
	INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_MOV(BPF_REG_6, BPF_REG_10),                \
		INSN_ADD_IMM(BPF_REG_6, -8), INSN_MOV(BPF_REG_2, BPF_REG_6),                       \
		INSN_MAP(BPF_REG_1, 0), INSN_CALL(BPF_FUNC_map_lookup_elem),                       \
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 1), INSN_EXIT()
#define AFTER_LOOK_UP 9

enum answer ask_memory_map(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn insns[] = {
		LOOK_UP,
		INSN_MOV(BPF_REG_1, BPF_REG_0), INSN_MOV_IMM(BPF_REG_2, 8),
		INSN_CALL(BPF_FUNC_get_current_comm), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	struct map_pair pair = { small_array(), insns, COUNT(insns), AFTER_LOOK_UP,
				 INSN_MOV(BPF_REG_1, BPF_REG_6) };

	return ask_with_map(caps, &pair, sys);
}

enum answer ask_key_map(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn insns[] = {
		LOOK_UP,
		INSN_MOV(BPF_REG_2, BPF_REG_0), INSN_MAP(BPF_REG_1, 0),
		INSN_CALL(BPF_FUNC_map_lookup_elem), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	struct map_pair pair = { small_array(), insns, COUNT(insns), AFTER_LOOK_UP,
				 INSN_MOV(BPF_REG_2, BPF_REG_6) };

	return ask_with_map(caps, &pair, sys);
}

/* A copy of a lookup's result is read, which was checked by its other name. */
enum answer ask_null_copies(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn insns[] = {
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_MOV(BPF_REG_2, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_2, -8), INSN_MAP(BPF_REG_1, 0),
		INSN_CALL(BPF_FUNC_map_lookup_elem), INSN_MOV(BPF_REG_7, BPF_REG_0),
		INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 1), INSN_EXIT(),
		INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_7, 0), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	struct map_pair pair = { small_array(), insns, COUNT(insns), 9,
				 INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, 0) };

	return ask_with_map(caps, &pair, sys);
}

/*
 * Not by trying: from 4.14 to 4.19 the verifier takes what the number left behind for the address of
 * the map and crashes in the kernel ("bpf: fix partial copy of map_ptr when dst is scalar",
 * 0962590e5533, 4.20 and later updates of older ones; seen on 4.14.67). So it is asked by what
 * came soon after, 32 bit comparisons; what is lowered in vain in between does the same.
 */
enum answer ask_add_address(struct caps *caps, enum cap cap, int *sys)
{
	enum answer answer = caps_ask(caps, CAP_JMP32);

	*sys = caps->at[CAP_JMP32].sys;
	return answer;
}

/* The address goes by way of the stack before it is moved and read through; by way of a register. */
enum answer ask_fill_range(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn insns[] = {
		LOOK_UP,
		INSN_STORE(BPF_DW, BPF_REG_10, -16, BPF_REG_0), INSN_MOV(BPF_REG_7, BPF_REG_0),
		INSN_LOAD(BPF_DW, BPF_REG_7, BPF_REG_10, -16), INSN_ADD_IMM(BPF_REG_7, 4),
		INSN_LOAD(BPF_B, BPF_REG_1, BPF_REG_7, 0), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	struct map_pair pair = { small_array(), insns, COUNT(insns), AFTER_LOOK_UP + 2,
				 INSN_MOV(BPF_REG_1, BPF_REG_0) };

	return ask_with_map(caps, &pair, sys);
}

/* bpf_perf_event_output(ctx, map, 0, stack, size): of 0 bytes, of 8 */
enum answer ask_memory_zero(struct caps *caps, enum cap cap, int *sys)
{
	struct bpf_insn insns[] = {
		INSN_MOV_IMM(BPF_REG_5, 0),
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_MOV(BPF_REG_4, BPF_REG_10),
		INSN_ADD_IMM(BPF_REG_4, -8), INSN_MOV_IMM(BPF_REG_3, 0), INSN_MAP(BPF_REG_2, 0),
		INSN_CALL(BPF_FUNC_perf_event_output), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	struct map_pair pair = { event_array(), insns, COUNT(insns), 0, INSN_MOV_IMM(BPF_REG_5, 8) };

	return ask_with_map(caps, &pair, sys);
}

/* bpf_get_current_comm(stack, size): of 1 to 8 bytes, as chance will have it; of 8 */
enum answer ask_memory_size(struct caps *caps, enum cap cap, int *sys)
{
	const struct bpf_insn asked[] = {
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_CALL(BPF_FUNC_get_prandom_u32),
		INSN_MOV(BPF_REG_2, BPF_REG_0),
		INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 7), INSN_ADD_IMM(BPF_REG_2, 1),
		INSN_MOV(BPF_REG_1, BPF_REG_10), INSN_ADD_IMM(BPF_REG_1, -8),
		INSN_CALL(BPF_FUNC_get_current_comm), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	const struct bpf_insn control[] = {
		INSN_STORE_IMM(BPF_DW, BPF_REG_10, -8, 0), INSN_MOV_IMM(BPF_REG_2, 8),
		INSN_MOV(BPF_REG_1, BPF_REG_10), INSN_ADD_IMM(BPF_REG_1, -8),
		INSN_CALL(BPF_FUNC_get_current_comm), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};

	return ask_plain_pair(caps, PAIR(asked, control), sys);
}

/*
 * Only a run could tell, and there is none without something to attach to. It came with the same
 * release as tracepoint programs (1e33759c788c, "bpf, trace: add BPF_F_CURRENT_CPU flag for
 * bpf_perf_event_output", 4.7), in the same file of the kernel, so these answer for it.
 */
enum answer ask_current_cpu(struct caps *caps, enum cap cap, int *sys)
{
	enum answer answer = caps_program(caps, BPF_PROG_TYPE_TRACEPOINT);

	*sys = caps->programs[BPF_PROG_TYPE_TRACEPOINT].sys;
	return answer;
}
