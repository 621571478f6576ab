/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_BPF_RUN_H
#define TESTS_UNIT_BPF_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/object.h"

/*
 * Runs a program as the kernel would, to see what a rewritten one does: the whole
 * instruction set but packet access and atomics other than the plain add. Pointers are real
 * ones; memory is only touched inside the stack and the regions the test has named. Helpers
 * and what a ref stands for are the test's. A helper call clobbers r1 to r5.
 */
enum run_end {
	RUN_EXIT,
	RUN_BUDGET,  /* too many steps */
	RUN_ACCESS,  /* memory outside of every region */
	RUN_ILLEGAL, /* no such instruction, or out of the program */
};

#define RUN_REGIONS 64
#define RUN_FRAMES 8

/* Helpers with this bit in their number keep r0 to r5: probes that leave no trace. */
#define RUN_PROBE 0x10000

struct run {
	const struct program *prog;
	void *ctx; /* the test's */
	uint64_t (*helper)(struct run *run, int32_t id, const uint64_t args[5]);
	uint64_t (*value)(struct run *run, const struct ref *ref); /* of a BPF_LD_IMM64 */
	void (*step)(struct run *run, uint32_t insn); /* before each instruction, or NULL */
	uint64_t budget;
	struct { uint64_t start, size; } regions[RUN_REGIONS];
	size_t regions_len;
	uint64_t result; /* r0 at exit */
	uint32_t at;     /* where it ended */
};

void run_allow(struct run *run, const void *memory, size_t size);
enum run_end run_program(struct run *run, uint64_t r1);

#endif
