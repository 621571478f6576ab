// SPDX-License-Identifier: GPL-2.0
/*
 * One grammar for all machines; what a constant and a register look like is each machine's:
 *
 *	arguments   [argument (" " argument)*]
 *	argument    ["-"] SIZE "@" operand
 *	operand     CONSTANT                               "$5" x86, "i5" PowerPC, "#5" ARM, else "5"
 *	            REGISTER                               "%rdi" x86, s390; "9" PowerPC; else "x0"
 *	            [OFFSET] "(" REGISTER ["," REGISTER ["," FACTOR]] ")"
 *	            "[" REGISTER ["," OFFSET | "," REGISTER ["," "lsl" "#"BITS]] "]"      ARM
 *
 * Offsets of registers are those in the kernel's struct pt_regs: arch/ARCH/include/asm/ptrace.h.
 */
#include "loader/usdt_args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registers with numbers in their names: "r8" to "r15". */
struct numbered {
	const char *before, *behind; /* "r", and of their parts "d", "w", "b" */
	uint8_t first, last;
	uint16_t offset; /* of the first */
	int8_t step;
};

struct named {
	const char *names; /* of the whole and its low parts */
	uint16_t offset;
};

struct machine {
	const char *name;     /* "armv*": whatever begins so */
	const char *constant; /* what it begins with; "" where a bare number is one */
	const char *reg;      /* what may stand before a register */
	struct numbered numbered[4];
	struct named named[16];
};

static const struct machine machines[] = {
	{ "x86_64", "$", "%",
	  { { "r", "dwb", 8, 11, 72, -8 }, { "r", "dwb", 12, 15, 24, -8 } },
	  { { "rbp ebp bp bpl", 32 }, { "rbx ebx bx bl", 40 }, { "rax eax ax al", 80 },
	    { "rcx ecx cx cl", 88 }, { "rdx edx dx dl", 96 }, { "rsi esi si sil", 104 },
	    { "rdi edi di dil", 112 }, { "rip eip", 128 }, { "rsp esp sp spl", 152 } } },
	{ "i?86", "$", "%", { { 0 } },
	  { { "ebx bx bl", 0 }, { "ecx cx cl", 4 }, { "edx dx dl", 8 }, { "esi si", 12 },
	    { "edi di", 16 }, { "ebp bp", 20 }, { "eax ax al", 24 }, { "eip", 48 },
	    { "esp sp", 60 } } },
	{ "aarch64", "", "",
	  { { "x", "", 0, 30, 0, 8 }, { "w", "", 0, 30, 0, 8 } },
	  { { "sp", 248 }, { "fp", 232 }, { "lr", 240 } } },
	{ "arm*", "#", "", { { "r", "", 0, 15, 0, 4 } },
	  { { "sl", 40 }, { "fp", 44 }, { "ip", 48 }, { "sp", 52 }, { "lr", 56 }, { "pc", 60 } } },
	{ "s390x", "", "%", { { "r", "", 0, 15, 24, 8 } }, { { 0 } } },
	{ "ppc64*", "i", "%", { { "r", "", 0, 31, 0, 8 }, { "", "", 0, 31, 0, 8 } }, { { 0 } } },
	{ "riscv64", "", "",
	  { { "a", "", 0, 7, 80, 8 }, { "s", "", 2, 11, 144, 8 }, { "t", "", 0, 2, 40, 8 },
	    { "t", "", 3, 6, 224, 8 } },
	  { { "ra", 8 }, { "sp", 16 }, { "gp", 24 }, { "tp", 32 }, { "s0 fp", 64 }, { "s1", 72 } } },
};

static const struct machine *machine_of(const char *name)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		const char *pattern = machines[i].name, *at = name;

		while (*pattern && *pattern != '*' && (*pattern == *at || (*pattern == '?' && *at)))
			pattern++, at++;
		if (*pattern == '*' || (!*pattern && !*at))
			return &machines[i];
	}
	return NULL;
}

/* ---- registers ---- */

static bool is_numbered(const struct numbered *n, const char *name, size_t len, uint16_t *offset)
{
	size_t before = strlen(n->before), at = before;
	unsigned int number = 0;

	if (len <= before || memcmp(name, n->before, before) || !isdigit((unsigned char)name[at]))
		return false;
	for (; at < len && isdigit((unsigned char)name[at]) && number < 100; at++)
		number = number * 10 + (name[at] - '0');
	if (at < len && strchr(n->behind, name[at]))
		at++;
	if (at != len || number < n->first || number > n->last)
		return false;
	*offset = n->offset + (int)(number - n->first) * n->step;
	return true;
}

static bool is_named(const struct named *n, const char *name, size_t len, uint16_t *offset)
{
	for (const char *at = n->names; at && *at; at = strchr(at, ' '), at += at && *at) {
		if (!strncmp(at, name, len) && (!at[len] || at[len] == ' ')) {
			*offset = n->offset;
			return true;
		}
	}
	return false;
}

static bool find_register(const struct machine *machine, const char *name, size_t len,
			  uint16_t *offset)
{
	for (size_t i = 0; i < 4 && machine->numbered[i].before; i++)
		if (is_numbered(&machine->numbered[i], name, len, offset))
			return true;
	for (size_t i = 0; i < 16 && machine->named[i].names; i++)
		if (is_named(&machine->named[i], name, len, offset))
			return true;
	return false;
}

/* ---- what is read, from *at on, which moves behind it ---- */

struct parser {
	const struct machine *machine;
	const char *at;
};

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t");
}

static bool take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	if (strncmp(p->at, word, len))
		return false;
	p->at += len;
	return true;
}

static bool take_number(struct parser *p, int64_t *number)
{
	char *end;

	skip_blanks(p);
	*number = strtoll(p->at, &end, 0);
	if (end == p->at)
		return false;
	p->at = end;
	return true;
}

static bool take_register(struct parser *p, uint16_t *offset)
{
	size_t len;

	skip_blanks(p);
	if (*p->machine->reg && !strncmp(p->at, p->machine->reg, strlen(p->machine->reg)))
		p->at += strlen(p->machine->reg);
	for (len = 0; isalnum((unsigned char)p->at[len]); len++)
		;
	if (!len || !find_register(p->machine, p->at, len, offset))
		return false;
	p->at += len;
	return true;
}

static bool shift_of(int64_t factor, uint8_t *shift)
{
	for (*shift = 0; *shift < 4; (*shift)++)
		if (factor == 1 << *shift)
			return true;
	return false;
}

/* "(%rbp,%rax,8)" behind its offset, if any. */
static bool take_memory(struct parser *p, struct usdt_arg *arg)
{
	int64_t factor = 1;

	arg->kind = USDT_MEMORY;
	if (!take(p, "(") || !take_register(p, &arg->reg))
		return false;
	if (take(p, ",")) {
		arg->kind = USDT_ELEMENT;
		if (!take_register(p, &arg->index) || (take(p, ",") && !take_number(p, &factor)) ||
		    !shift_of(factor, &arg->shift))
			return false;
	}
	return take(p, ")");
}

/* "[x0, 8]", "[r0, #8]", "[x0, x1, lsl 3]" */
static bool take_bracketed(struct parser *p, struct usdt_arg *arg)
{
	int64_t bits = 0;

	arg->kind = USDT_MEMORY;
	if (!take_register(p, &arg->reg))
		return false;
	if (take(p, ",") && (take(p, "#"), !take_number(p, &arg->value))) {
		arg->kind = USDT_ELEMENT;
		if (!take_register(p, &arg->index) ||
		    (take(p, ",") && (!take(p, "lsl") || (take(p, "#"), !take_number(p, &bits)))) ||
		    bits < 0 || bits > 15)
			return false;
		arg->shift = bits;
	}
	return take(p, "]");
}

static bool take_operand(struct parser *p, struct usdt_arg *arg)
{
	const char *start, *constant = p->machine->constant;

	if (take(p, "["))
		return take_bracketed(p, arg);
	if (*constant && take(p, constant)) {
		arg->kind = USDT_CONSTANT;
		return take_number(p, &arg->value);
	}
	skip_blanks(p);
	start = p->at;
	if (*start == '(')
		return take_memory(p, arg);
	if (take_number(p, &arg->value)) {
		if (*p->at == '(')
			return take_memory(p, arg);
		arg->kind = USDT_CONSTANT;
		if (!*constant && (!*p->at || *p->at == ' '))
			return true;
	}
	p->at = start;
	arg->value = 0;
	arg->kind = USDT_REGISTER;
	return take_register(p, &arg->reg);
}

static bool take_argument(struct parser *p, struct usdt_arg *arg)
{
	int64_t size;

	memset(arg, 0, sizeof(*arg));
	if (!take_number(p, &size) || !take(p, "@"))
		return false;
	arg->has_sign = size < 0;
	arg->size = size < 0 ? -size : size;
	if ((arg->size != 1 && arg->size != 2 && arg->size != 4 && arg->size != 8) ||
	    !take_operand(p, arg))
		return false;
	return !*p->at || *p->at == ' ';
}

int usdt_args(const char *machine, const char *text, struct usdt_arg args[USDT_ARGS_MAX],
	      struct error *err)
{
	struct parser p = { machine_of(machine), text };
	int n = 0;

	if (!p.machine) {
		error_set(err, ERROR_UNSUPPORTED, "arguments '%.200s': got a machine '%s', expected one whose "
			  "registers are known here", text, machine);
		return error_hint(err, "they are x86, ARM, RISC-V, PowerPC and s390");
	}
	for (skip_blanks(&p); *p.at; skip_blanks(&p), n++) {
		const char *start = p.at;

		if (n == USDT_ARGS_MAX)
			return error_set(err, ERROR_UNSUPPORTED, "arguments '%.200s': got more than %d, "
					 "expected no more", text, USDT_ARGS_MAX);
		if (!take_argument(&p, &args[n])) {
			error_set(err, ERROR_UNSUPPORTED, "argument %d, '%.*s': got something else, expected a "
				  "constant, a register, or memory that registers point to", n + 1,
				  (int)strcspn(start, " "), start);
			return error_hint(err, "floating point numbers and addresses of variables cannot be got at");
		}
	}
	return n;
}
