/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_VERIFIER_REPORT_H
#define LOADER_VERIFIER_REPORT_H

#include "loader/object.h"

/*
 * Makes an error of a verifier log that somebody can read who wrote the program, in C, and does
 * not know the verifier: message: one sentence of what is wrong; detail: the source lines around
 * it, the instruction, its registers, the kernel's own words; hint: what to do.
 *
 *	program 'unchecked' (tracepoint/...): the kernel refuses it: r0 comes from a map lookup ...
 *	  in unchecked(), refused.bpf.c:19:
 *	      17 |         __u32 key = 1, *value = bpf_map_lookup_elem(&numbers, &key);
 *	  >   19 |         return *value;
 *	  instruction 7: r0 = *(u32 *)(r0 +0)
 *	      r0: a pointer to a map's value of 4 bytes, or NULL (from line 17)
 *	  last decision on the way there, line 18: if (sig == 9 && !value)
 *	  the kernel: R0 invalid mem access 'map_value_or_null'
 *
 * Returns -1. btf is the object's own, sys the positive errno of the refusal.
 */
int verifier_report(struct error *err, const char *log, size_t len, int sys,
		    const struct program *prog, const struct btf *btf);
/* Whether the log says what is in the registers that the refused instruction uses. Up to Linux
 * 5.17 it takes level 2 for that. */
bool verifier_log_knows_registers(const char *log, size_t len, const struct program *prog);

#endif
