// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_probe_read_str() where the kernel has only bpf_probe_read(): byte by byte up to the NUL, as the
 * helper itself does it. Of three bytes to r10 - 8, from an address in r3:
 *
 *	*(u64 *)(r10 - 16) = r3		the address
 *	*(u8 *)(r10 - 8) = 0		and the other two: see below
 *	*(u64 *)(r10 - 24) = 1		what is returned if it ends here
 *	r1 = r10
 *	r1 += -8
 *	r2 = 1
 *	r3 = *(u64 *)(r10 - 16)
 *	call bpf_probe_read
 *	if r0 != 0 goto fault
 *	r1 = *(u8 *)(r10 - 8)
 *	if r1 == 0 goto done
 *	*(u64 *)(r10 - 24) = 2		and so on, with r1 += -7 and r3 += 1
 *	...
 *	*(u8 *)(r10 - 6) = 0		three bytes and no NUL: the last one becomes it
 *   done:
 *	r0 = *(u64 *)(r10 - 24)
 *	goto out
 *   fault:
 *	*(u8 *)(r10 - 8) = 0		and the other two
 *	r0 = -14
 *   out:
 *
 * The length goes by way of the stack because these verifiers know nothing of numbers there: in a
 * register it would be another constant on each way out, and all that follows be gone through once for
 * each. What is not on the stack gets its bytes by way of it, as helpers of old kernels write nowhere
 * else. What is on the stack is zeroed first, as all of it has to be written on every way; the
 * helper would have left alone what is behind the NUL.
 */
#include "compat/helpers_internal.h"

#include <errno.h>

#include "compat/insn.h"

#define SIZE_MAX_STR 256 /* about 2500 instructions */

struct str {
	struct piece *p;
	uint32_t size;
	bool framed;  /* where it goes is on the stack, */
	int16_t at;   /* here; else by way of this byte */
	int16_t from, to, len; /* places of the two addresses and of the length */
};

static void put_zeros(const struct str *s)
{
	if (!s->framed)
		piece_put(s->p, INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_10, s->to));
	for (uint32_t i = 0; i < s->size;) {
		bool word = s->framed && (s->at + i) % 8 == 0 && s->size - i >= 8;
		uint8_t size = word ? BPF_DW : BPF_B;

		piece_put(s->p, s->framed ? INSN_STORE_IMM(size, BPF_REG_10, s->at + i, 0) :
					    INSN_STORE_IMM(size, BPF_REG_2, i, 0));
		i += word ? 8 : 1;
	}
}

/* Reads byte i, into r1 and where it belongs. Returns the jump that is taken where it cannot. */
static size_t put_byte(const struct str *s, uint32_t i)
{
	int16_t at = s->framed ? s->at + (int)i : s->at;
	size_t fault;

	piece_put(s->p, INSN_STORE_IMM(BPF_DW, BPF_REG_10, s->len, i + 1));
	piece_put(s->p, INSN_MOV(BPF_REG_1, BPF_REG_10));
	piece_put(s->p, INSN_ADD_IMM(BPF_REG_1, at));
	piece_put(s->p, INSN_MOV_IMM(BPF_REG_2, 1));
	piece_put(s->p, INSN_LOAD(BPF_DW, BPF_REG_3, BPF_REG_10, s->from));
	if (i)
		piece_put(s->p, INSN_ADD_IMM(BPF_REG_3, i));
	piece_put(s->p, INSN_CALL(FUNC_probe_read));
	fault = piece_put(s->p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0));
	piece_put(s->p, INSN_LOAD(BPF_B, BPF_REG_1, BPF_REG_10, at));
	if (!s->framed) {
		piece_put(s->p, INSN_LOAD(BPF_DW, BPF_REG_2, BPF_REG_10, s->to));
		piece_put(s->p, INSN_STORE(BPF_B, BPF_REG_2, i, BPF_REG_1));
	}
	return fault;
}

static void put_start(const struct str *s)
{
	piece_put(s->p, INSN_STORE(BPF_DW, BPF_REG_10, s->from, BPF_REG_3));
	if (s->framed) {
		put_zeros(s);
		return;
	}
	piece_put(s->p, INSN_STORE(BPF_DW, BPF_REG_10, s->to, BPF_REG_1));
	piece_put(s->p, INSN_STORE_IMM(BPF_B, BPF_REG_10, s->at, 0));
}

static void put_last(const struct str *s)
{
	uint32_t i = s->size - 1;

	piece_put(s->p, s->framed ? INSN_STORE_IMM(BPF_B, BPF_REG_10, s->at + i, 0) :
				    INSN_STORE_IMM(BPF_B, BPF_REG_2, i, 0));
}

static void put_str(const struct str *s)
{
	size_t fault[SIZE_MAX_STR], done[SIZE_MAX_STR], out;

	put_start(s);
	for (uint32_t i = 0; i < s->size; i++) {
		fault[i] = put_byte(s, i);
		done[i] = piece_put(s->p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_1, 0, 0));
	}
	put_last(s);
	for (uint32_t i = 0; i < s->size; i++)
		piece_land(s->p, done[i]);
	piece_put(s->p, INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_10, s->len));
	out = piece_put(s->p, INSN_GOTO(0));
	for (uint32_t i = 0; i < s->size; i++)
		piece_land(s->p, fault[i]);
	put_zeros(s);
	piece_put(s->p, INSN_MOV_IMM(BPF_REG_0, -EFAULT));
	piece_land(s->p, out);
}

bool helpers_put_read_str(const struct helpers *h, const struct fold *f, uint32_t at,
			  struct piece *p, const char **what)
{
	struct value to = fold_reg(f, BPF_REG_1), size = fold_reg(f, BPF_REG_2);
	struct str s = { .p = p, .size = size.n, .framed = to.kind == VALUE_FRAME };

	*what = "a constant size from 1 to 256";
	if (size.kind != VALUE_CONST || !size.n || size.n > SIZE_MAX_STR)
		return false;
	s.from = helpers_word(f, 1);
	s.len = helpers_word(f, 2);
	s.to = helpers_word(f, 3);
	s.at = s.framed ? (int16_t)to.n : helpers_word(f, 4);
	*what = "32 more bytes of stack";
	if (!s.len || (!s.framed && !s.at))
		return false;
	put_str(&s);
	return true;
}
