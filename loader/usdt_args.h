/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_USDT_ARGS_H
#define LOADER_USDT_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/*
 * Where the arguments of a USDT probe are, as the assembler of the machine writes it. On x86-64
 *
 *	-4@$5 8@%rdi -4@-20(%rbp) 1@-96(%rbp,%rax,8)
 *
 * is a constant of 4 bytes with a sign, 8 bytes in a register, 4 in memory that a register points
 * to, 1 in an element of an array.
 */
enum usdt_arg_kind { USDT_CONSTANT, USDT_REGISTER, USDT_MEMORY, USDT_ELEMENT };

struct usdt_arg {
	enum usdt_arg_kind kind;
	int64_t value;       /* the constant, or how far from the address that registers give */
	uint16_t reg, index; /* bytes into the kernel's struct pt_regs */
	uint8_t shift;       /* of the index: 3 where elements are of 8 bytes */
	uint8_t size;        /* 1, 2, 4 or 8 */
	bool has_sign;
};

#define USDT_ARGS_MAX 12

/*
 * `machine` as uname(2) has it, the kernel's: "x86_64". How many there are, or -1 and err, also
 * where one is where no program can get at it.
 */
int usdt_args(const char *machine, const char *text, struct usdt_arg args[USDT_ARGS_MAX],
	      struct error *err);

#endif
