// SPDX-License-Identifier: GPL-2.0
/*
 * Lowered programs do what unlowered ones do: random programs, each as it is and lowered for a
 * kernel that lacks something, both run by the kernel at hand on the same random packets. What
 * they return, what they make of the packet and what they leave in their map must be equal.
 *
 *	r6 = packet; exit where it is shorter than 64 bytes
 *	r0 to r5, r7 to r9 = from the packet; 8 slots of the stack likewise
 *	... random instructions, jumps forward only, a call of a function, a loop, globals ...
 *	packet[0..] = r0 to r5, r7 to r9 and the stack
 *	return r0's low half
 */
#include "tests/live/harness.h"

#include "compat/insn.h"
#include "compat/lower.h"
#include "loader/load.h"
#include "util/sys.h"

Suite *differ_suite(void);

#define PACKET 192
#define LOADED 128 /* bytes of it that registers and slots come from */
#define SLOTS 8
#define INPUTS 16
#define GLOBALS 64 /* bytes, in .bss and .rodata each */

/* What the kernel at hand can run unlowered decides what programs are made of. */
static struct caps real;
static uint64_t seed, left_out; /* bit CAP_X: not used in this program, be it there */

static uint32_t rnd(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % below;
}

static bool can(enum cap cap)
{
	return !(left_out >> cap & 1) && caps_ask(&real, cap) == CAP_YES;
}

/* ---- making programs ---- */

static struct object obj;
static struct error err;

static struct program *prog(void)
{
	return &obj.programs.at[0];
}

static uint32_t here(void)
{
	return prog()->insns.len;
}

static void put(struct bpf_insn insn)
{
	struct bpf_insn *at = vec_push(&prog()->insns);

	ck_assert_ptr_nonnull(at);
	*at = insn;
}

static void put_value(uint8_t reg, uint32_t map, uint32_t offset)
{
	struct ref *ref = vec_push(&prog()->refs);

	*ref = (struct ref){ .insn = here(), .kind = REF_VALUE, .target = map, .offset = offset };
	put(INSN(BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, 0));
	put(INSN(0, 0, 0, 0, 0));
}

/* Never r6 (the packet), and of registers that a function may not keep none where it matters. */
static uint8_t any_reg(void)
{
	static const uint8_t regs[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9 };

	return regs[rnd(sizeof(regs))];
}

static int32_t any_imm(void)
{
	switch (rnd(5)) {
	case 0: return rnd(3) - 1;
	case 1: return rnd(256);
	case 2: return INT32_MIN + (int32_t)rnd(2);
	case 3: return INT32_MAX;
	default: return (int32_t)(rnd(65536) << 16 | rnd(65536));
	}
}

static void put_alu(void)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH,
				       BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH };
	uint8_t class = rnd(2) ? BPF_ALU64 : BPF_ALU, op = ops[rnd(sizeof(ops))];
	bool x = rnd(2) && op != BPF_NEG;
	int32_t imm = x || op == BPF_NEG ? 0 : any_imm();
	int16_t off = 0;

	if (op == BPF_ARSH && !can(CAP_ALU32))
		class = BPF_ALU64;
	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm = x ? 0 : (int32_t)rnd(class == BPF_ALU64 ? 64 : 32);
	if (op == BPF_DIV || op == BPF_MOD) {
		imm = x || imm ? imm : 7;
		off = can(CAP_SDIV) && rnd(2);
	}
	if (op == BPF_MOV && x && can(CAP_MOVSX) && rnd(2))
		off = 8 << rnd(class == BPF_ALU64 ? 3 : 2);
	put(INSN(class | op | (x ? BPF_X : BPF_K), any_reg(), x ? any_reg() : 0, off, imm));
}

static void put_swap(void)
{
	static const int32_t widths[] = { 16, 32, 64 };
	uint8_t class = can(CAP_BSWAP) && rnd(2) ? BPF_ALU64 : BPF_ALU;
	uint8_t source = class == BPF_ALU && rnd(2) ? BPF_TO_BE : BPF_TO_LE;

	put(INSN(class | BPF_END | source, any_reg(), 0, 0, widths[rnd(3)]));
}

static uint8_t any_size(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return sizes[rnd(4)];
}

static uint32_t bytes_of(uint8_t size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

/* Only whole slots are stored to, so that old verifiers know each byte to be written. */
static void put_stack(void)
{
	uint8_t size = any_size();
	int32_t slot = -8 * (1 + (int32_t)rnd(SLOTS)), within;

	within = slot + bytes_of(size) * rnd(8 / bytes_of(size));
	switch (rnd(3)) {
	case 0:
		put(INSN_STORE(size, BPF_REG_10, within, any_reg()));
		break;
	case 1:
		put(INSN_STORE_IMM(size, BPF_REG_10, within, any_imm()));
		break;
	default:
		if (size != BPF_DW && can(CAP_LDSX) && rnd(2))
			put(INSN(BPF_LDX | BPF_MEMSX | size, any_reg(), BPF_REG_10, within, 0));
		else
			put(INSN_LOAD(size, any_reg(), BPF_REG_10, within));
	}
}

/* A load from .rodata or .bss, or a store to .bss; the address takes a register of its own. */
static void put_global(void)
{
	uint8_t size = any_size(), at = any_reg(), value = any_reg();
	uint32_t map = rnd(2), offset = 8 * rnd(GLOBALS / 8), off;

	off = bytes_of(size) * rnd(8 / bytes_of(size));
	put_value(at, map, offset);
	if (map == 1 && value != at && rnd(2))
		put(INSN_STORE(size, at, off, value));
	else
		put(INSN_LOAD(size, value, at, off));
	if (value != at)
		put(INSN_MOV_IMM(at, any_imm()));
}

static uint8_t any_jump(bool narrow)
{
	static const uint8_t old[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE,
				       BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE };

	return old[rnd(can(CAP_JLT) ? 11 : 7)] | (narrow ? BPF_JMP32 : BPF_JMP);
}

static void put_some(int count, bool inside);

/* How far a jump at `at` has to go to arrive here. */
static int32_t distance(uint32_t at)
{
	return here() - at - 1;
}

/*
 *	if ... goto else		and without the jump at its end, so that both parts are run
 *	some; gotol end
 *	else: some
 *	end:
 */
static void put_branch(void)
{
	bool x = rnd(2), wide = can(CAP_GOTOL) && rnd(2);
	uint32_t at = here(), over;

	put(INSN(any_jump(can(CAP_JMP32) && rnd(2)) | (x ? BPF_X : BPF_K), any_reg(), x ? any_reg() : 0,
		 0, x ? 0 : any_imm()));
	put_some(1 + rnd(4), true);
	if (!wide) {
		prog()->insns.at[at].off = distance(at);
		return;
	}
	over = here();
	put(INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, 0));
	prog()->insns.at[at].off = distance(at);
	put_some(1 + rnd(3), true);
	prog()->insns.at[over].imm = distance(over);
}

/* r9 counts; what is done in between may not touch it, so it is only added up in others. */
static void put_loop(void)
{
	uint32_t begin;
	uint8_t reg = rnd(6);

	put(INSN_MOV_IMM(BPF_REG_9, 0));
	begin = here();
	put(INSN(BPF_ALU64 | BPF_ADD | BPF_X, reg, BPF_REG_9, 0, 0));
	put(INSN(BPF_ALU64 | BPF_XOR | BPF_K, reg, 0, 0, any_imm()));
	put(INSN_ADD_IMM(BPF_REG_9, 1));
	put(INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_9, 0, (int16_t)(begin - here() - 1), 2 + rnd(9)));
}

static void put_some(int count, bool inside)
{
	while (count-- > 0) {
		uint32_t what = rnd(16);

		if (what < 8)
			put_alu();
		else if (what < 9)
			put_swap();
		else if (what < 12)
			put_stack();
		else if (what < 13 && can(CAP_GLOBAL_DATA))
			put_global();
		else if (what < 14 && !inside && can(CAP_LOOPS))
			put_loop();
		else if (!inside)
			put_branch();
		else
			put_alu();
	}
}

/* The call of a function of its own, put behind the program; it gives back r0. */
static uint32_t put_call(void)
{
	uint32_t at = here();

	put(INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0));
	for (uint8_t reg = 1; reg <= 5; reg++)
		put(INSN_MOV(reg, BPF_REG_0));
	return at;
}

static void put_function(uint32_t call)
{
	struct func *func = vec_push(&prog()->funcs);

	*func = (struct func){ .insn = here(), .name = "function" };
	prog()->insns.at[call].imm = here() - call - 1;
	put(INSN_MOV_IMM(BPF_REG_0, 1));
	for (uint8_t reg = 7; reg <= 9; reg++)
		put(INSN_MOV(reg, reg - 5));
	for (int slot = 1; slot <= SLOTS; slot++)
		put(INSN_STORE(BPF_DW, BPF_REG_10, -8 * slot, BPF_REG_1 + slot % 5));
	put_some(6, false);
	put(INSN_EXIT());
}

static const uint8_t kept[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9 };

static void put_entry(void)
{
	put(INSN_LOAD(BPF_W, BPF_REG_6, BPF_REG_1, 0)); /* data */
	put(INSN_LOAD(BPF_W, BPF_REG_2, BPF_REG_1, 4)); /* data_end */
	put(INSN_MOV(BPF_REG_3, BPF_REG_6));
	put(INSN_ADD_IMM(BPF_REG_3, PACKET));
	put(INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_3, 2, 0));
	put(INSN_MOV_IMM(BPF_REG_0, 0));
	put(INSN_EXIT());
	for (int slot = 1; slot <= SLOTS; slot++) {
		put(INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_6, 64 + 8 * (slot - 1)));
		put(INSN_STORE(BPF_DW, BPF_REG_10, -8 * slot, BPF_REG_0));
	}
	for (size_t i = 0; i < sizeof(kept); i++)
		put(INSN_LOAD(rnd(3) ? BPF_DW : any_size(), kept[i], BPF_REG_6, 8 * (i % 8)));
}

static void put_end(void)
{
	for (size_t i = 0; i < sizeof(kept); i++)
		put(INSN_STORE(BPF_DW, BPF_REG_6, 8 * i, kept[i]));
	for (int slot = 1; slot <= SLOTS; slot++) {
		put(INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, -8 * slot));
		put(INSN_STORE(BPF_DW, BPF_REG_6, 72 + 8 * slot, BPF_REG_1));
	}
	put(INSN(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_0, 0, 0));
	put(INSN_EXIT());
}

static void add_global_map(const char *name, enum map_role role, uint32_t flags)
{
	struct map *map = object_add_map(&obj, name);

	ck_assert_ptr_nonnull(map);
	map->role = role;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = 4;
	map->value_size = GLOBALS;
	map->max_entries = 1;
	map->flags = flags;
	map->data = calloc(1, GLOBALS);
	for (int i = 0; role == MAP_RODATA && i < GLOBALS; i++)
		map->data[i] = rnd(256);
}

#define RDONLY_PROG (1u << 7) /* BPF_F_RDONLY_PROG */

static void make_object(uint64_t from)
{
	struct program *p;
	uint32_t call = 0;

	seed = from;
	memset(&obj, 0, sizeof(obj));
	obj.name = "random";
	obj.license = "GPL";
	p = vec_push(&obj.programs);
	p->name = "random";
	p->section = "xdp";
	p->kind = section_kind("xdp");
	p->target = "";
	p->autoload = true;
	*vec_push(&p->funcs) = (struct func){ .insn = 0, .name = "random" };
	if (can(CAP_GLOBAL_DATA)) {
		add_global_map(".rodata", MAP_RODATA, RDONLY_PROG);
		add_global_map(".bss", MAP_BSS, 0);
	}
	put_entry();
	put_some(6 + rnd(12), false);
	if (can(CAP_CALLS) && rnd(2)) {
		call = put_call();
		put_some(rnd(8), false);
	}
	put_end();
	if (call)
		put_function(call);
}

/* ---- running them ---- */

struct outcome {
	int ret;
	uint32_t retval, size;
	uint8_t packet[PACKET + 64], globals[GLOBALS];
};

static void run(const struct loaded *loaded, const uint8_t *packet, struct outcome *out)
{
	union bpf_attr attr = {
		.test = {
			.prog_fd = loaded->prog_fds[0],
			.data_in = (uintptr_t)packet, .data_size_in = PACKET + 16,
			.data_out = (uintptr_t)out->packet, .data_size_out = sizeof(out->packet),
			.repeat = 1,
		},
	};
	uint8_t zeros[GLOBALS] = { 0 };
	uint32_t zero = 0;
	int bss = loaded_map_fd(loaded, ".bss");

	if (bss >= 0)
		ck_assert_int_eq(sys_map_update(bss, &zero, zeros), 0);
	memset(out, 0, sizeof(*out));
	out->ret = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	out->retval = attr.test.retval;
	out->size = attr.test.data_size_out;
	if (bss >= 0)
		ck_assert_int_eq(sys_map_lookup(bss, &zero, out->globals), 0);
}

static void make_inputs(uint8_t inputs[INPUTS][PACKET + 16])
{
	for (int i = 0; i < INPUTS; i++)
		for (int b = 0; b < PACKET + 16; b++) {
			/* Small numbers, too, and those at the ends of what a width can hold. */
			bool small = i % 4 == 1 && b % 8, full = i % 4 == 2 && rnd(2);

			inputs[i][b] = small ? 0 : full ? 255 : rnd(256);
		}
}

static const char *last_log(const char *log)
{
	const char *at = log + strlen(log), *from = at;

	while (from > log && at - from < 600)
		from--;
	return from;
}

static void print_refusal(const char *program, const char *log)
{
	fprintf(stderr, "%s: ...%s\n", program, last_log(log));
}

/* Loads what obj is now and runs it on all inputs. False where the verifier gives up on it. */
static bool run_all(uint8_t inputs[INPUTS][PACKET + 16], struct outcome *outs, bool lowered)
{
	struct load_options options = { .refused = lowered ? print_refusal : NULL };
	struct loaded loaded;

	error_clear(&err);
	if (load(&loaded, &obj, &options, &err)) {
		ck_assert_msg(!lowered, "lowered: %s\n%s", err.message, err.detail);
		/* A program of random parts may be more than it can follow; never because of what it is. */
		ck_assert_msg(strstr(err.message, "too") || strstr(err.detail, "too"), "%s\n%s",
			      err.message, err.detail);
		return false;
	}
	for (int i = 0; i < INPUTS; i++) {
		run(&loaded, inputs[i], &outs[i]);
		ck_assert_int_eq(outs[i].ret, 0);
	}
	loaded_fini(&loaded);
	return true;
}

/* ---- kernels that lack something ---- */

static const enum cap lackable[] = {
	CAP_JLT, CAP_JMP32, CAP_ALU32, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV, CAP_GOTOL, CAP_CALLS,
	CAP_LOOPS, CAP_GLOBAL_DATA,
};
enum { LACKABLE = sizeof(lackable) / sizeof(*lackable) };

/* Everything but the one at `which`; LACKABLE: none of them. */
static struct caps lacking(int which)
{
	struct caps caps = { .stored = true };

	for (int i = 0; i < CAP_COUNT; i++)
		caps.at[i].answer = CAP_YES;
	for (int i = 0; i < CAPS_TYPES; i++)
		caps.maps[i].answer = caps.programs[i].answer = CAP_YES;
	for (int i = 0; i < LACKABLE; i++)
		if (which == LACKABLE || which == i)
			caps.at[lackable[i]] = (struct cap_answer){ CAP_NO, EINVAL };
	return caps;
}

static void compare(uint64_t from, int which, const struct outcome *a, const struct outcome *b)
{
	for (int i = 0; i < INPUTS; i++)
		ck_assert_msg(a[i].retval == b[i].retval && a[i].size == b[i].size &&
				      !memcmp(a[i].packet, b[i].packet, sizeof(a[i].packet)) &&
				      !memcmp(a[i].globals, b[i].globals, GLOBALS),
			      "program %llu, input %d, lowered for want of %s: returns %u and %u, "
			      "packet %s, globals %s", (unsigned long long)from, i,
			      which == LACKABLE ? "all" : caps_name(lackable[which]), a[i].retval,
			      b[i].retval,
			      memcmp(a[i].packet, b[i].packet, sizeof(a[i].packet)) ? "differs" : "equal",
			      memcmp(a[i].globals, b[i].globals, GLOBALS) ? "differ" : "equal");
}

/*
 * One program: is it changed for a kernel that lacks `which`, and are the results the same? Every
 * other one is made of some of what this kernel has, like programs for older ones.
 */
static bool differ(uint64_t from, bool of_some, int which)
{
	static uint8_t inputs[INPUTS][PACKET + 16];
	static struct outcome plain[INPUTS], lowered[INPUTS];
	struct lower_options options = { .transport = TRANSPORT_AUTO };
	struct caps caps = lacking(which);
	struct plan plan = { .steps = { NULL } };
	bool changed = false;

	left_out = of_some ? from * 0x2545f4914f6cdd1dull : 0;
	make_object(from);
	make_inputs(inputs);
	if (run_all(inputs, plain, false)) {
		ck_assert_msg(!fold(&obj, &err) && !lower(&obj, &caps, &options, &plan, &err),
			      "program %llu: %s", (unsigned long long)from, err.message);
		changed = plan.steps.len > 0;
		run_all(inputs, lowered, true);
		compare(from, which, plain, lowered);
	}
	plan_fini(&plan);
	caps_fini(&caps);
	object_fini(&obj);
	return changed;
}

#define PROGRAMS 120

START_TEST(lowered_programs_do_what_unlowered_ones_do)
{
	int changed = 0;

	need_bpf();
	allow_locked_memory();
	if (!can(CAP_PROG_RUN))
		skip("test runs (needs 4.12)");
	for (int n = 0; n < PROGRAMS; n++)
		changed += differ(0x9e3779b97f4a7c15ull * (n + 1) ^ _i << 8, n % 2, _i);
	left_out = 0;
	/* Nothing is compared where nothing is lowered. */
	if (_i == LACKABLE || can(lackable[_i]))
		ck_assert_int_gt(changed, 5);
	caps_fini(&real);
}
END_TEST

Suite *differ_suite(void)
{
	Suite *suite = suite_create("differ");
	TCase *tc = live_case(suite, "differ");

	tcase_add_loop_test(tc, lowered_programs_do_what_unlowered_ones_do, 0, LACKABLE + 1);
	return suite;
}
