// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/bpf_run.h"

#include <string.h>

#include "compat/insn.h"

struct machine {
	struct run *run;
	uint64_t r[MAX_BPF_REG];
	struct { uint32_t back; uint64_t saved[4]; } frames[RUN_FRAMES];
	int depth;
	uint8_t stack[RUN_FRAMES][512] __attribute__((aligned(8)));
};

void run_allow(struct run *run, const void *memory, size_t size)
{
	if (run->regions_len == RUN_REGIONS)
		return;
	run->regions[run->regions_len].start = (uintptr_t)memory;
	run->regions[run->regions_len++].size = size;
}

static bool inside(uint64_t addr, uint64_t size, uint64_t start, uint64_t len)
{
	return addr >= start && size <= len && addr - start <= len - size;
}

static void *memory(struct machine *m, uint64_t addr, size_t size)
{
	const struct run *run = m->run;
	bool ok = inside(addr, size, (uintptr_t)m->stack, sizeof(m->stack));

	for (size_t i = 0; !ok && i < run->regions_len; i++)
		ok = inside(addr, size, run->regions[i].start, run->regions[i].size);
	return ok ? (void *)(uintptr_t)addr : NULL;
}

static size_t width(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B: return 1;
	case BPF_H: return 2;
	case BPF_W: return 4;
	}
	return 8;
}

/* Programs may touch memory at odd addresses, so everything goes through memcpy. */
static uint64_t get(const void *from, size_t size)
{
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t d;

	switch (size) {
	case 1: return memcpy(&b, from, 1), b;
	case 2: return memcpy(&h, from, 2), h;
	case 4: return memcpy(&w, from, 4), w;
	}
	return memcpy(&d, from, 8), d;
}

static void set(void *to, size_t size, uint64_t value)
{
	uint8_t b = value;
	uint16_t h = value;
	uint32_t w = value;

	switch (size) {
	case 1: memcpy(to, &b, 1); break;
	case 2: memcpy(to, &h, 2); break;
	case 4: memcpy(to, &w, 4); break;
	default: memcpy(to, &value, 8);
	}
}

static uint64_t with_sign(uint64_t value, size_t size)
{
	switch (size) {
	case 1: return (int64_t)(int8_t)value;
	case 2: return (int64_t)(int16_t)value;
	case 4: return (int64_t)(int32_t)value;
	}
	return value;
}

static bool load(struct machine *m, const struct bpf_insn *insn)
{
	size_t size = width(insn->code);
	const void *from = memory(m, m->r[insn->src_reg] + insn->off, size);

	if (!from)
		return false;
	m->r[insn->dst_reg] = get(from, size);
	if (BPF_MODE(insn->code) == BPF_MEMSX)
		m->r[insn->dst_reg] = with_sign(m->r[insn->dst_reg], size);
	return true;
}

static bool store(struct machine *m, const struct bpf_insn *insn)
{
	bool imm = BPF_CLASS(insn->code) == BPF_ST;
	uint64_t value = imm ? (uint64_t)(int64_t)insn->imm : m->r[insn->src_reg];
	size_t size = width(insn->code);
	void *to = memory(m, m->r[insn->dst_reg] + insn->off, size);

	if (!to)
		return false;
	if (!imm && BPF_MODE(insn->code) == BPF_ATOMIC)
		value += get(to, size);
	set(to, size, value);
	return true;
}

static uint64_t swapped(uint64_t v, int bits, bool swap)
{
	if (bits == 16)
		return swap ? __builtin_bswap16(v) : (uint16_t)v;
	if (bits == 32)
		return swap ? __builtin_bswap32(v) : (uint32_t)v;
	return swap ? __builtin_bswap64(v) : v;
}

static bool byte_order(struct machine *m, const struct bpf_insn *insn)
{
	bool to_big = BPF_SRC(insn->code) == BPF_TO_BE;
	bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	bool swap = BPF_CLASS(insn->code) == BPF_ALU64 || to_big != big;

	m->r[insn->dst_reg] = swapped(m->r[insn->dst_reg], insn->imm, swap);
	return true;
}

static uint64_t arithmetic_shift(uint64_t v, uint64_t by, bool wide)
{
	return wide ? (uint64_t)((int64_t)v >> (by & 63)) :
		      (uint64_t)(uint32_t)((int32_t)(uint32_t)v >> (by & 31));
}

static uint64_t divide(uint64_t a, uint64_t b, bool remainder)
{
	if (!b)
		return remainder ? a : 0;
	return remainder ? a % b : a / b;
}

static uint64_t divide_signed(int64_t a, int64_t b, bool remainder)
{
	if (b == -1) /* also of the smallest number, which traps in C */
		return remainder ? 0 : 0 - (uint64_t)a;
	if (!b)
		return remainder ? a : 0;
	return remainder ? a % b : a / b;
}

static bool alu(struct machine *m, const struct bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? m->r[insn->src_reg] :
						    (uint64_t)(int64_t)insn->imm;
	uint64_t a = m->r[insn->dst_reg];
	uint64_t shift = b & (wide ? 63 : 31);

	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	if (insn->off == 1 && (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD)) {
		a = divide_signed(wide ? a : with_sign(a, 4), wide ? b : with_sign(b, 4),
				  BPF_OP(insn->code) == BPF_MOD);
		m->r[insn->dst_reg] = wide ? a : (uint32_t)a;
		return true;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_ADD: a += b; break;
	case BPF_SUB: a -= b; break;
	case BPF_MUL: a *= b; break;
	case BPF_DIV: a = divide(a, b, false); break;
	case BPF_MOD: a = divide(a, b, true); break;
	case BPF_OR: a |= b; break;
	case BPF_AND: a &= b; break;
	case BPF_XOR: a ^= b; break;
	case BPF_LSH: a <<= shift; break;
	case BPF_RSH: a >>= shift; break;
	case BPF_ARSH: a = arithmetic_shift(a, shift, wide); break;
	case BPF_NEG: a = -a; break;
	case BPF_MOV: a = insn->off ? with_sign(b, insn->off / 8) : b; break;
	case BPF_END: return byte_order(m, insn);
	default: return false;
	}
	m->r[insn->dst_reg] = wide ? a : (uint32_t)a;
	return true;
}

static bool holds(uint8_t op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JA: return true;
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return a & b;
	case BPF_JSGT: return sa > sb;
	case BPF_JSGE: return sa >= sb;
	case BPF_JSLT: return sa < sb;
	case BPF_JSLE: return sa <= sb;
	}
	return false;
}

static bool taken(const struct machine *m, const struct bpf_insn *insn)
{
	uint64_t a = m->r[insn->dst_reg];
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? m->r[insn->src_reg] :
						    (uint64_t)(int64_t)insn->imm;

	if (BPF_CLASS(insn->code) == BPF_JMP32)
		return holds(BPF_OP(insn->code), (uint32_t)a, (uint32_t)b, (int32_t)(uint32_t)a,
			     (int32_t)(uint32_t)b);
	return holds(BPF_OP(insn->code), a, b, a, b);
}

static const struct ref *find_ref(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].insn == insn)
			return &prog->refs.at[i];
	return NULL;
}

static bool wide_load(struct machine *m, const struct bpf_insn *insn, uint32_t at)
{
	const struct ref *ref = find_ref(m->run->prog, at);

	if (!insn_is_wide(insn) || at + 1 >= m->run->prog->insns.len)
		return false;
	m->r[insn->dst_reg] = ref ? m->run->value(m->run, ref) :
		(uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;
	return true;
}

/* The frames grow down, as one stack. */
static uint64_t frame_pointer(const struct machine *m)
{
	return (uintptr_t)m->stack[RUN_FRAMES - 1 - m->depth] + sizeof(m->stack[0]);
}

static bool enter(struct machine *m, uint32_t back)
{
	if (m->depth + 1 == RUN_FRAMES)
		return false;
	m->frames[m->depth].back = back;
	memcpy(m->frames[m->depth++].saved, &m->r[6], 4 * sizeof(uint64_t));
	m->r[10] = frame_pointer(m);
	return true;
}

static void clobber(struct machine *m)
{
	for (int i = 1; i <= 5; i++)
		m->r[i] = 0xdead0000beef0000 + i;
}

static void call_helper(struct machine *m, int32_t id)
{
	uint64_t result = m->run->helper(m->run, id, &m->r[1]);

	if (id & RUN_PROBE)
		return;
	m->r[0] = result;
	clobber(m);
}

/* Jumps, calls and exit. *pc receives where to go on; false: illegal. */
static bool branch(struct machine *m, const struct bpf_insn *insn, uint32_t *pc, bool *ended)
{
	if (insn_is_func_call(insn) || insn_is_jump(insn)) {
		if (insn_is_func_call(insn) && !enter(m, *pc + 1))
			return false;
		*pc = insn_is_func_call(insn) || taken(m, insn) ? insn_target(insn, *pc) : *pc + 1;
		return true;
	}
	if (insn_is_helper_call(insn)) {
		call_helper(m, insn->imm);
		++*pc;
		return true;
	}
	if (insn->code != (BPF_JMP | BPF_EXIT))
		return false;
	*ended = !m->depth;
	if (*ended)
		return true;
	*pc = m->frames[--m->depth].back;
	memcpy(&m->r[6], m->frames[m->depth].saved, 4 * sizeof(uint64_t));
	m->r[10] = frame_pointer(m);
	clobber(m);
	return true;
}

static enum run_end execute(struct machine *m, const struct bpf_insn *insn, uint32_t *pc,
			    bool *ended)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		return ++*pc, load(m, insn) ? RUN_EXIT : RUN_ACCESS;
	case BPF_ST:
	case BPF_STX:
		return ++*pc, store(m, insn) ? RUN_EXIT : RUN_ACCESS;
	case BPF_LD:
		*pc += 2;
		return wide_load(m, insn, *pc - 2) ? RUN_EXIT : RUN_ILLEGAL;
	case BPF_ALU:
	case BPF_ALU64:
		return ++*pc, alu(m, insn) ? RUN_EXIT : RUN_ILLEGAL;
	}
	return branch(m, insn, pc, ended) ? RUN_EXIT : RUN_ILLEGAL;
}

enum run_end run_program(struct run *run, uint64_t r1)
{
	struct machine m = { .run = run };
	enum run_end end = RUN_EXIT;
	bool ended = false;
	uint32_t pc = 0;

	memset(m.stack, 0xa5, sizeof(m.stack));
	for (int i = 0; i < MAX_BPF_REG; i++)
		m.r[i] = 0xbad00000bad00000 + i;
	m.r[1] = r1;
	m.r[10] = frame_pointer(&m);
	for (uint64_t steps = 0; end == RUN_EXIT && !ended; steps++) {
		if (steps == run->budget)
			return RUN_BUDGET;
		run->at = pc;
		if (pc >= run->prog->insns.len)
			return RUN_ILLEGAL;
		if (run->step)
			run->step(run, pc);
		end = execute(&m, &run->prog->insns.at[pc], &pc, &ended);
	}
	run->result = m.r[0];
	return end;
}
