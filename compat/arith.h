/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_ARITH_H
#define COMPAT_ARITH_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What one instruction computes from known operands, exactly as the kernel defines it: a is the
 * destination's value, b the source register's, or the constant with its sign extended.
 */

/* False where the result is not defined, or the instruction is not arithmetic on values. */
bool arith_alu(const struct bpf_insn *insn, uint64_t a, uint64_t b, uint64_t *result);
/* Whether a conditional jump is taken. False for *known: not one that depends on a and b. */
bool arith_jump(const struct bpf_insn *insn, uint64_t a, uint64_t b, bool *known);
/* The lowest `bits` (8, 16, 32 or 64) of a value, the rest filled with their sign. */
uint64_t arith_extend(uint64_t value, unsigned int bits);

#endif
