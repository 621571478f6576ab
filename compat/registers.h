/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_REGISTERS_H
#define COMPAT_REGISTERS_H

#include <stdint.h>

/*
 * Where the machine that a kernel runs on keeps what a probe on a function wants to know: bytes from
 * the start of its struct pt_regs, which is the context of a kprobe program.
 */
struct registers {
	const char *machine; /* as uname(2) has it; "armv*": whatever begins so */
	uint8_t size;        /* of a register, in bytes */
	uint8_t arguments_len;
	uint16_t arguments[8]; /* integers and pointers that a C function is called with */
	uint16_t result;
	/* The program counter at a probe on a function's entry, which is `ip_behind` bytes ahead of it. */
	uint16_t ip;
	int8_t ip_behind; /* -1: not known */
};

/* NULL: a machine that is not known. */
const struct registers *registers_of(const char *machine);

#endif
