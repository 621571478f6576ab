/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_WIDTH_H
#define COMPAT_WIDTH_H

#include "loader/object.h"

/*
 * How wide the number in a register is at most, in bits: 6 for one of 0 to 63, 32 for one whose
 * upper half is zero, 64 for any, which may be an address too.
 */
enum { WIDTH_ANY = 64, WIDTH_UNSET = 65 /* nothing may have been written there at all */ };

struct width {
	uint8_t of[MAX_BPF_REG];
	uint16_t sign; /* one bit a register: the upper half is filled with the sign of the lower */
};

struct widths {
	struct width *before; /* by instruction */
};

/* widths_fini is due after a success. */
int widths_init(struct widths *widths, const struct program *prog, struct error *err);
void widths_fini(struct widths *widths);

/* Of a number: 0 for 0, 7 for 64. */
uint8_t width_of(uint64_t number);

#endif
