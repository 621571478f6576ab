/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LIVE_H
#define COMPAT_LIVE_H

#include "loader/object.h"

/*
 * Which registers matter: before each instruction, bit n of live[insn] says that rn holds something
 * that may still be read. Calls are taken to read all of r1 to r5 that have been set, the end of a
 * function to read r0; r10 is left out. malloc'ed, one for each instruction; NULL: no memory.
 */
uint16_t *live_registers(const struct program *prog, struct error *err);

#endif
