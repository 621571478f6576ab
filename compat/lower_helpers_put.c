// SPDX-License-Identifier: GPL-2.0
/* Code in place of a call, see helpers_internal.h. r1 to r5 are lost with the call, so free. */
#include "compat/helpers_internal.h"

#include <string.h>

#include "compat/insn.h"
#include "compat/registers.h"
#include "compat/stack.h"

int16_t helpers_word(const struct fold *f, uint32_t n)
{
	uint32_t depth;

	/* All that can fail is the function's bounds, which the fold has been through. */
	if (program_stack_depth(f->prog, f->func, &depth, f->err))
		return 0;
	depth = (depth + 7) / 8 * 8 + 8 * n;
	return depth > STACK_MAX ? 0 : -(int)depth;
}

bool helpers_put_cookie(const struct helpers *h, const struct fold *f, uint32_t at,
			struct piece *p, const char **what)
{
	piece_put_number(p, BPF_REG_0, h->prog->cookie);
	return true;
}

/*
 * The number of the initial pid namespace's file is the same on every kernel (PROC_PID_INIT_INO), and
 * no other file system answers to it: the device need not be compared.
 */
#define INITIAL_NAMESPACE 0xeffffffc

/* struct bpf_pidns_info: the thread's number, then the process's. */
bool helpers_put_ns(const struct helpers *h, const struct fold *f, uint32_t at, struct piece *p,
		    const char **what)
{
	struct value file = fold_reg(f, BPF_REG_2), size = fold_reg(f, BPF_REG_4);
	struct value to = fold_reg(f, BPF_REG_3);
	uint8_t address = BPF_REG_10;
	int16_t off = to.n;

	*what = "the initial pid namespace, 0xeffffffc, as a constant";
	if (file.kind != VALUE_CONST || file.n != INITIAL_NAMESPACE || size.kind != VALUE_CONST ||
	    size.n != 8)
		return false;
	if (to.kind != VALUE_FRAME) {
		int16_t word = helpers_word(f, 1);

		*what = "8 more bytes of stack";
		if (!word)
			return false;
		piece_put(p, INSN_STORE(BPF_DW, BPF_REG_10, word, BPF_REG_3));
		piece_put(p, INSN_CALL(FUNC_get_current_pid_tgid));
		address = BPF_REG_1;
		piece_put(p, INSN_LOAD(BPF_DW, address, BPF_REG_10, word));
		off = 0;
	} else {
		piece_put(p, INSN_CALL(FUNC_get_current_pid_tgid));
	}
	piece_put(p, INSN_STORE(BPF_W, address, off, BPF_REG_0));
	piece_put(p, INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 32));
	piece_put(p, INSN_STORE(BPF_W, address, off + 4, BPF_REG_0));
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	return true;
}

/* At a function's entry, that is where the program counter is, or was a moment ago. */
bool helpers_put_ip(const struct helpers *h, const struct fold *f, uint32_t at, struct piece *p,
		    const char **what)
{
	const struct registers *registers = registers_of(caps_machine(h->caps));
	bool entry = !strcmp(h->prog->kind->name, "kprobe/") && !strchr(h->prog->target, '+');

	*what = "a kprobe on a function's entry, on a machine whose breakpoints are known";
	if (!entry || !registers || registers->ip_behind < 0)
		return false;
	piece_put(p, INSN_LOAD(registers->size == 8 ? BPF_DW : BPF_W, BPF_REG_0, BPF_REG_1,
			       registers->ip));
	if (registers->ip_behind)
		piece_put(p, INSN_ADD_IMM(BPF_REG_0, -registers->ip_behind));
	return true;
}

/* A string of the object that nobody can change, or NULL. */
static const uint8_t *find_string(const struct fold *f, const struct value *v, size_t *len)
{
	const struct map *map = v->kind == VALUE_GLOBAL ? &f->obj->maps.at[v->map] : NULL;
	const uint8_t *end;

	if (!map || !map_is_constant(map) || v->n >= map->value_size)
		return NULL;
	end = memchr(map->data + v->n, 0, map->value_size - v->n);
	if (!end)
		return NULL;
	*len = end - (map->data + v->n);
	return map->data + v->n;
}

#define STRNCMP_MAX 256

/* Three instructions a byte, up to the NUL, behind which nothing is compared. */
bool helpers_put_strncmp(const struct helpers *h, const struct fold *f, uint32_t at,
			 struct piece *p, const char **what)
{
	struct value size = fold_reg(f, BPF_REG_2), other = fold_reg(f, BPF_REG_3);
	size_t differ[STRNCMP_MAX], len, i;
	const uint8_t *string = find_string(f, &other, &len);

	*what = "a constant string, and a constant size of at most 256";
	if (!string || size.kind != VALUE_CONST || size.n > STRNCMP_MAX)
		return false;
	if (len + 1 < size.n)
		size.n = len + 1;
	piece_put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	for (i = 0; i < size.n; i++) {
		piece_put(p, INSN_LOAD(BPF_B, BPF_REG_0, BPF_REG_1, i));
		piece_put(p, INSN_ADD_IMM(BPF_REG_0, -(int)string[i]));
		differ[i] = piece_put(p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0));
	}
	while (i--)
		piece_land(p, differ[i]);
	return true;
}
