// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/bpf_random.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GOTOL(imm) INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, imm)
#define CALL_FUNC(imm) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, imm)
#define LOAD_SIGNED(size, dst, src, off) INSN(BPF_LDX | BPF_MEMSX | (size), dst, src, off, 0)

#define INSNS 400
#define FUNCS 3
#define FRAME (RANDOM_DEPTH - 8) /* bytes of the stack in use as such, of each function */

static uint64_t state;

void random_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t random_below(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

struct maker {
	struct program *prog;
	uint32_t func, funcs;
	uint32_t places[INSNS]; /* where jumps may lead: between groups of instructions */
	size_t places_len;
	struct { uint32_t insn; bool back; } jumps[INSNS];
	size_t jumps_len;
	struct { uint32_t insn, func; } calls[INSNS];
	size_t calls_len;
};

static void emit(struct maker *m, struct bpf_insn insn)
{
	*vec_push(&m->prog->insns) = insn;
}

/* A register that holds a number: r1 is for addresses, r9 for the fuel of loops. */
static uint8_t number(void)
{
	static const uint8_t regs[] = { 0, 2, 3, 4, 5, 6, 7, 8 };

	return regs[random_below(COUNT(regs))];
}

int32_t random_constant(void)
{
	static const int32_t often[] = { 0, 1, -1, 2, 8, 64, 255, INT32_MIN, INT32_MAX };

	return random_below(4) ? often[random_below(COUNT(often))] : (int32_t)random_below(1 << 30);
}

struct bpf_insn random_alu(void)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR, BPF_AND, BPF_XOR, BPF_NEG,
				       BPF_MOV, BPF_MOV, BPF_DIV, BPF_MOD };
	static const uint8_t shifts[] = { BPF_LSH, BPF_RSH, BPF_ARSH };
	static const int16_t moves[] = { 8, 16, 32 };
	uint8_t class = random_below(2) ? BPF_ALU64 : BPF_ALU, op = ops[random_below(COUNT(ops))];
	bool division = op == BPF_DIV || op == BPF_MOD;

	switch (random_below(8)) {
	case 0: return INSN(class | shifts[random_below(3)] | BPF_K, number(), 0, 0, random_below(32));
	case 1: return INSN(BPF_ALU | BPF_END | (random_below(2) ? BPF_X : 0), number(), 0, 0, 16 << random_below(3));
	case 2: return INSN(BPF_ALU64 | BPF_END, number(), 0, 0, 16 << random_below(3));
	case 3: return INSN(class | BPF_MOV | BPF_X, number(), number(),
			    moves[random_below(class == BPF_ALU ? 2 : 3)], 0);
	case 4: return INSN(class | op | BPF_X, number(), op == BPF_NEG ? 0 : number(),
			    division ? random_below(2) : 0, 0);
	}
	return INSN(class | op | BPF_K, number(), 0, division ? random_below(2) : 0, random_constant());
}

struct bpf_insn random_jump(void)
{
	static const uint8_t ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE, BPF_JSET,
				       BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE };
	uint8_t class = random_below(3) ? BPF_JMP : BPF_JMP32, op = ops[random_below(COUNT(ops))];

	switch (random_below(8)) {
	case 0: return INSN_GOTO(0);
	case 1: return GOTOL(0);
	case 2: return INSN(class | op | BPF_X, number(), number(), 0, 0);
	}
	return INSN(class | op | BPF_K, number(), 0, 0, random_constant());
}

static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW, BPF_DW, BPF_DW };

static int16_t stack_offset(uint8_t size)
{
	int bytes = size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;

	if (!random_below(10))
		return -FRAME + random_below(FRAME - bytes + 1);
	return -FRAME + bytes * random_below(FRAME / bytes);
}

/* r1 becomes an address on the stack with eight bytes behind it. */
static void emit_address(struct maker *m)
{
	emit(m, INSN_MOV(1, 10));
	emit(m, INSN_ADD_IMM(1, -8 - 8 * (int)random_below(FRAME / 8)));
	if (random_below(3))
		return;
	/* At a distance that only the run tells. */
	emit(m, INSN_MOV(1, 10));
	emit(m, INSN_ADD_IMM(1, -FRAME));
	emit(m, INSN(BPF_ALU64 | BPF_AND | BPF_K, 7, 0, 0, FRAME - 8));
	emit(m, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 1, 7, 0, 0));
}

static void emit_stack(struct maker *m)
{
	uint8_t size = sizes[random_below(COUNT(sizes))];
	int16_t off = stack_offset(size);

	switch (random_below(8)) {
	case 0:
		emit_address(m);
		emit(m, INSN_STORE(BPF_DW, 1, 0, number()));
		break;
	case 1:
		emit_address(m);
		emit(m, INSN_LOAD(BPF_DW, number(), 1, 0));
		break;
	case 2: emit(m, INSN_STORE(size, 10, off, number())); break;
	case 3: emit(m, INSN_STORE_IMM(size, 10, off, random_constant())); break;
	case 4: /* an address put by and fetched again */
		emit_address(m);
		emit(m, INSN_STORE(BPF_DW, 10, -FRAME - 8, 1));
		emit(m, INSN_STORE_IMM(BPF_DW, 1, 0, random_constant()));
		emit(m, INSN_LOAD(BPF_DW, 1, 10, -FRAME - 8));
		emit(m, INSN_STORE_IMM(size, 1, 0, random_constant()));
		break;
	case 5: emit(m, LOAD_SIGNED(size == BPF_DW ? BPF_W : size, number(), 10, off)); break;
	default: emit(m, INSN_LOAD(size, number(), 10, off));
	}
}

/* Helper 1 looks, helper 4 writes what it is given, 5 to 7 take only numbers. */
static void emit_helper(struct maker *m)
{
	uint32_t which = random_below(5);

	emit_address(m);
	if (which > 1)
		emit(m, INSN_MOV(1, number()));
	emit(m, INSN_CALL(which == 0 ? 1 : which == 1 ? 4 : 3 + which));
}

static void emit_global(struct maker *m)
{
	*vec_push(&m->prog->refs) = (struct ref){ m->prog->insns.len, REF_VALUE, 0, 8 * random_below(4) };
	emit(m, INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0));
	emit(m, INSN(0, 0, 0, 0, 0));
	emit(m, INSN_LOAD(sizes[random_below(COUNT(sizes))], number(), 1, 0));
}

/* r1 of each function is an address in the frame of who calls it, r2 a number. */
static void emit_call(struct maker *m)
{
	uint32_t later = m->funcs - 1 - m->func;

	if (!later)
		return;
	emit_address(m);
	if (random_below(2))
		emit(m, INSN_MOV_IMM(2, random_below(2)));
	m->calls[m->calls_len].insn = m->prog->insns.len;
	m->calls[m->calls_len++].func = m->func + 1 + random_below(later);
	emit(m, CALL_FUNC(0));
	/* Which nobody may read before they are written. */
	for (int reg = 2; reg <= 5; reg++)
		emit(m, INSN_MOV_IMM(reg, random_constant()));
}

static void emit_jump(struct maker *m, bool back)
{
	if (back)
		emit(m, INSN_ADD_IMM(9, -1));
	m->jumps[m->jumps_len].insn = m->prog->insns.len;
	m->jumps[m->jumps_len++].back = back;
	emit(m, back ? INSN_JUMP_IMM(BPF_JSGT, 9, 0, 0) : random_jump());
}

static void emit_any(struct maker *m)
{
	m->places[m->places_len++] = m->prog->insns.len;
	switch (random_below(16)) {
	case 0: case 1: case 2: emit_stack(m); break;
	case 3: emit_helper(m); break;
	case 4: emit_global(m); break;
	case 5: emit_call(m); break;
	case 6: emit_jump(m, true); break;
	case 7: case 8: case 9: emit_jump(m, false); break;
	case 10: emit(m, INSN_MOV_IMM(number(), random_constant())); break;
	default: emit(m, random_alu());
	}
}

static void close_jumps(struct maker *m)
{
	for (size_t i = 0; i < m->jumps_len; i++) {
		uint32_t at = m->jumps[i].insn, to;
		struct bpf_insn *insn = &m->prog->insns.at[at];

		do
			to = m->places[random_below(m->places_len)];
		while (m->jumps[i].back ? to > at : to <= at);
		if (insn_is_gotol(insn))
			insn->imm = to - at - 1;
		else
			insn->off = (int)to - (int)at - 1;
	}
}

static void make_func(struct maker *m)
{
	m->jumps_len = m->places_len = 0;
	*vec_push(&m->prog->funcs) = (struct func){ .insn = m->prog->insns.len, .name = "f" };
	for (int reg = 3; reg <= 8; reg++)
		emit(m, INSN_MOV_IMM(reg, random_constant()));
	for (int off = 8; off <= RANDOM_DEPTH; off += 8)
		emit(m, INSN_STORE_IMM(BPF_DW, 10, -off, random_constant()));
	emit(m, INSN_MOV_IMM(9, 3));
	emit(m, INSN_MOV_IMM(0, random_constant()));
	if (m->func) {
		emit(m, random_below(2) ? INSN_STORE(BPF_DW, 1, 0, 2) : INSN_LOAD(BPF_DW, 3, 1, 0));
	} else {
		emit(m, INSN_MOV(6, 1)); /* the input */
		emit(m, INSN_MOV_IMM(2, 0));
	}
	for (uint32_t n = 5 + random_below(30); n; n--)
		emit_any(m);
	m->places[m->places_len++] = m->prog->insns.len;
	if (random_below(2))
		emit(m, INSN_MOV_IMM(0, random_below(3)));
	emit(m, INSN_EXIT());
	close_jumps(m);
}

struct program *random_program(struct object *obj)
{
	struct program *prog = vec_push(&obj->programs);
	struct maker m = { .prog = prog, .funcs = 1 + random_below(FUNCS) };

	prog->name = "p";
	prog->autoload = true;
	for (m.func = 0; m.func < m.funcs; m.func++)
		make_func(&m);
	ck_assert_uint_lt(prog->insns.len, INSNS);
	for (size_t i = 0; i < m.calls_len; i++)
		prog->insns.at[m.calls[i].insn].imm =
			prog->funcs.at[m.calls[i].func].insn - m.calls[i].insn - 1;
	return prog;
}

uint64_t random_word(void)
{
	uint64_t word = (uint64_t)random_below(1u << 31) << 33 ^ (uint64_t)random_below(1u << 31) << 11 ^ random_below(1u << 31);

	return random_below(3) ? word >> random_below(64) : (uint64_t)(int64_t)random_constant();
}

void random_map(struct object *obj)
{
	static const uint8_t data[32] = { [8] = 1, [12] = 2, [16] = 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc,
					  0xde, 0xf0 };
	struct map *map = object_add_map(obj, "m");

	map->role = MAP_RODATA;
	map->value_size = sizeof(data);
	map->data = malloc(sizeof(data));
	memcpy(map->data, data, sizeof(data));
}

struct program *random_copy(struct object *obj, size_t number)
{
	struct program *new = vec_push(&obj->programs);
	const struct program *prog = &obj->programs.at[number];

	new->name = "before";
	for (size_t i = 0; i < prog->insns.len; i++)
		*vec_push(&new->insns) = prog->insns.at[i];
	for (size_t i = 0; i < prog->refs.len; i++)
		*vec_push(&new->refs) = prog->refs.at[i];
	return new;
}

static uint64_t tell(struct run *run, int32_t id, const uint64_t args[5])
{
	struct story *story = run->ctx;
	uint64_t what = id * 0x9e3779b97f4a7c15u + story->len;

	if (id == 1)
		what += *(uint64_t *)args[0];
	else if (id != 4)
		what += args[0];
	if (id == 4)
		memcpy((void *)args[0], &what, 8);
	if (story->len < STORY_TRACE)
		story->trace[story->len++] = what;
	return story->len % 3 ? what : 0;
}

static uint64_t stand_for(struct run *run, const struct ref *ref)
{
	const struct object *obj = ((struct story *)run->ctx)->obj;

	return (uintptr_t)obj->maps.at[ref->target].data + ref->offset;
}

void story_tell(struct story *story, const struct object *obj, const struct program *prog,
		uint64_t input)
{
	struct run run = { .prog = prog, .ctx = story, .helper = tell, .value = stand_for,
			   .budget = 100000 };

	memset(story, 0, sizeof(*story));
	story->obj = obj;
	run_allow(&run, obj->maps.at[0].data, obj->maps.at[0].value_size);
	story->end = run_program(&run, input);
	story->result = run.result;
}

void story_compare(const struct object *obj, const struct program *before,
		   const struct program *after)
{
	static struct story a, b;

	for (uint64_t input = 0; input < 8; input++) {
		story_tell(&a, obj, before, input * input * 77 - 77);
		story_tell(&b, obj, after, input * input * 77 - 77);
		ck_assert_int_eq(a.end, RUN_EXIT);
		ck_assert_int_eq(b.end, RUN_EXIT);
		ck_assert_uint_eq(a.result, b.result);
		ck_assert_uint_eq(a.len, b.len);
		ck_assert_mem_eq(a.trace, b.trace, a.len * 8);
	}
}
