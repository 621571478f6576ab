// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compat/edit.h"
#include "compat/insn.h"
#include "compat/stack.h"

/*
 * The ring buffer (Linux 5.8) as perf buffers (4.4; 4.11 for data in map memory), example:
 *
 *	r1 = ring ll			r1 = ring ll		(harmless)
 *	r2 = 64				r2 = 64			(harmless)
 *	r3 = 0				r3 = 0			(harmless)
 *	call bpf_ringbuf_reserve	*(u32 *)(r10 - 16) = 3	number of this call
 *					r2 = r10
 *					r2 += -16
 *					r1 = .scratch ll
 *					call bpf_map_lookup_elem
 *					if r0 != 0 goto +2
 *					r0 = 0			see below
 *					goto +2
 *					*(u32 *)(r0 + 8) = 64	slot->size
 *					r0 += 16		slot->data
 *	if r0 == 0 goto out		if r0 == 0 goto out
 *	...				...
 *	call bpf_ringbuf_submit		r4 = r1
 *					r5 = *(u32 *)(r4 - 8)	slot->size
 *					r5 += -1
 *					if r5 > 63 goto +9	largest size of all, less one
 *					r5 += 1
 *					r1 = *(u64 *)(r4 - 16)	slot->sent
 *					r1 += 1
 *					*(u64 *)(r4 - 16) = r1
 *					r1 = *(u64 *)(r10 - 8)	context
 *					r2 = ring ll
 *					w3 = -1			BPF_F_CURRENT_CPU
 *					call bpf_perf_event_output
 *
 * and at entry *(u64 *)(r10 - 8) = r1. What the code owes to old verifiers:
 * - "r0 = 0" where the lookup found nothing: before 4.14 the verifier knows of r0 there only
 *   that it is no pointer, so it would follow the program's own check both ways.
 * - the size goes down by one, is compared, and goes up again: that bounds it on both sides
 *   with one comparison. Before 4.19 bpf_perf_event_output refuses a size that may be 0.
 * - an output must not put its size by on the stack, since a number's bounds are lost there
 *   before 5.16; so the count is looked up after it, when the size is no longer needed.
 * - old verifiers know BPF_JGT, but no BPF_JLT and the like (4.14).
 *
 * A slot belongs to one call in one program, so two reservations may be open at once, and
 * no other program writes to it. The program itself cannot come in between on the same CPU:
 * the kernel does not run a program of a tracepoint, kprobe or perf event in the middle of
 * another (bpf_prog_active).
 */

enum {
	FUNC_map_lookup_elem = 1,
	FUNC_perf_event_output = 25,
	FUNC_ringbuf_output = 130,
	FUNC_ringbuf_reserve,
	FUNC_ringbuf_submit,
	FUNC_ringbuf_discard,
	FUNC_ringbuf_query,
	FUNC_ringbuf_reserve_dynptr = 198,
	FUNC_ringbuf_submit_dynptr,
	FUNC_ringbuf_discard_dynptr,
	FUNC_user_ringbuf_drain = 209,
};

/* BPF_MAP_TYPE_USER_RINGBUF; an enum of the headers, which may be older than it. */
#define MAP_TYPE_USER_RINGBUF 31

/* A per-CPU value is at most PCPU_MIN_UNIT_SIZE, 32 KiB, on every kernel and architecture. */
#define SLOT_MAX 32768u
#define SLOT_HEADER ((int)offsetof(struct perf_slot, data))
#define SLOT_OFF(member) ((int)offsetof(struct perf_slot, member))
#define RINGS_MAX 16

/* A call of reserve or output; its place in plan.sites is its slot's number. */
struct site {
	uint32_t program, insn;
	uint32_t size; /* reserve only */
	uint32_t ring; /* reserve only: index in object.maps */
};

struct ring_plan {
	struct object *obj;
	uint32_t rings[RINGS_MAX]; /* indexes in object.maps */
	size_t rings_len;
	uint32_t scratch; /* likewise */
	uint32_t max_size;
	VEC(struct site) sites; /* by program, then instruction */
};

/* What one program needs of the plan while it is rewritten. */
struct frame {
	int ctx, key, result; /* offsets from the frame pointer */
	uint32_t site;        /* the next one to rewrite */
};

/* A growing piece of code; big enough for the longest, a submit to RINGS_MAX rings. */
struct piece {
	struct bpf_insn insns[24 + 4 * RINGS_MAX];
	struct ref refs[2 + RINGS_MAX];
	size_t len, refs_len;
};

/* "" where it is none of the ring buffer's. */
static const char *helper_name(int32_t id)
{
	switch (id) {
	case FUNC_ringbuf_output: return "bpf_ringbuf_output";
	case FUNC_ringbuf_reserve: return "bpf_ringbuf_reserve";
	case FUNC_ringbuf_submit: return "bpf_ringbuf_submit";
	case FUNC_ringbuf_discard: return "bpf_ringbuf_discard";
	case FUNC_ringbuf_query: return "bpf_ringbuf_query";
	case FUNC_ringbuf_reserve_dynptr: return "bpf_ringbuf_reserve_dynptr";
	case FUNC_ringbuf_submit_dynptr: return "bpf_ringbuf_submit_dynptr";
	case FUNC_ringbuf_discard_dynptr: return "bpf_ringbuf_discard_dynptr";
	case FUNC_user_ringbuf_drain: return "bpf_user_ringbuf_drain";
	}
	return "";
}

/* Which helper of the ring buffer is called there, or 0. */
static int32_t ring_helper(const struct bpf_insn *insn)
{
	return insn_is_helper_call(insn) && *helper_name(insn->imm) ? insn->imm : 0;
}

/* --- what is there: the maps, the calls, their sizes ------------------------------------ */

static int find_rings(struct ring_plan *plan, struct error *err)
{
	struct object *obj = plan->obj;

	for (size_t i = 0; i < obj->maps.len; i++) {
		if (obj->maps.at[i].type != BPF_MAP_TYPE_RINGBUF)
			continue;
		if (plan->rings_len == RINGS_MAX)
			return error_set(err, ERROR_UNSUPPORTED, "%s: ring buffers: got more than "
					 "%d, which is as many as can be turned into perf buffers",
					 obj->name, RINGS_MAX);
		plan->rings[plan->rings_len++] = i;
	}
	return 0;
}

static int refuse_user_rings(const struct object *obj, struct error *err)
{
	for (size_t i = 0; i < obj->maps.len; i++) {
		if (obj->maps.at[i].type != MAP_TYPE_USER_RINGBUF)
			continue;
		error_set(err, ERROR_UNSUPPORTED, "%s: map '%s': a BPF_MAP_TYPE_USER_RINGBUF "
			  "cannot be turned into perf buffers", obj->name, obj->maps.at[i].name);
		return error_hint(err, "it needs Linux 6.1; for older kernels send settings "
				  "through an array map");
	}
	return 0;
}

static const char *func_name(const struct program *prog, uint32_t func)
{
	const char *name = func < prog->funcs.len ? prog->funcs.at[func].name : NULL;

	return name ? name : prog->name;
}

/* Index in prog->funcs of the function that instruction insn is in. */
static uint32_t func_of(const struct program *prog, uint32_t insn)
{
	uint32_t func = 0;

	for (size_t i = 1; i < prog->funcs.len && prog->funcs.at[i].insn <= insn; i++)
		func = i;
	return func;
}

static int refuse_dynptr(const struct ring_plan *plan, const struct program *prog, uint32_t insn,
			 struct error *err)
{
	int32_t id = prog->insns.at[insn].imm;
	bool user = id == FUNC_user_ringbuf_drain;

	error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': instruction %u: %s cannot be turned "
		  "into perf buffer output", plan->obj->name, prog->name, insn, helper_name(id));
	return error_hint(err, user ? "it needs Linux 6.1" :
			  "it needs Linux 5.19; for older kernels use bpf_ringbuf_reserve with a "
			  "constant size, or bpf_ringbuf_output");
}

static int refuse_in_func(const struct ring_plan *plan, const struct program *prog, uint32_t insn,
			  uint32_t func, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': instruction %u: %s in function '%s', "
		  "where the program's context is not at hand: it cannot be turned into perf "
		  "buffer output", plan->obj->name, prog->name, insn,
		  helper_name(prog->insns.at[insn].imm), func_name(prog, func));
	return error_hint(err, "without this it needs the ring buffer of Linux 5.8; mark '%s' "
			  "__always_inline", func_name(prog, func));
}

/* Marks every instruction that some jump leads to. NULL = no memory. */
static uint8_t *jump_targets(const struct program *prog)
{
	uint8_t *targets = calloc(prog->insns.len, 1);

	for (size_t i = 0; targets && i < prog->insns.len; i++) {
		const struct bpf_insn *insn = &prog->insns.at[i];
		int64_t to = insn_is_jump(insn) || insn_is_func_call(insn) ? insn_target(insn, i) :
									     -1;

		if (to >= 0 && to < (int64_t)prog->insns.len)
			targets[to] = 1;
		i += insn_is_wide(insn);
	}
	return targets;
}

static bool writes(const struct bpf_insn *insn, uint8_t reg)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return insn_is_wide(insn) ? insn->dst_reg == reg : reg <= 5;
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		return insn->dst_reg == reg;
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_ATOMIC && (insn->imm & BPF_FETCH) &&
		       (insn->src_reg == reg || reg == 0);
	case BPF_JMP:
		return insn_is_call(insn) && reg <= 5;
	}
	return false;
}

static bool is_move(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !insn->off;
}

/*
 * The instruction that gave reg the value it has before instruction `at`, looked for
 * backwards as far as there is only one way to come; through moves. -1: cannot tell.
 */
static int64_t definition(const struct program *prog, const uint8_t *targets, uint32_t at,
			  uint8_t reg)
{
	while (at > 0 && !targets[at]) {
		const struct bpf_insn *insn = &prog->insns.at[--at];

		if (!insn->code) /* the second slot of a BPF_LD_IMM64 */
			insn = at ? &prog->insns.at[--at] : insn;
		if (insn_ends_flow(insn))
			return -1;
		if (!writes(insn, reg))
			continue;
		if (!is_move(insn))
			return at;
		reg = insn->src_reg;
	}
	return -1;
}

static const struct ref *ref_at(const struct program *prog, int64_t insn)
{
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].insn == insn)
			return &prog->refs.at[i];
	return NULL;
}

/* The number that instruction at puts into its register, or -1 where it is none or too big. */
static int64_t constant_at(const struct program *prog, int64_t at)
{
	const struct bpf_insn *insn = &prog->insns.at[at];

	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) ||
	    insn->code == (BPF_ALU | BPF_MOV | BPF_K))
		return insn->imm >= 0 ? insn->imm : -1;
	if (insn_is_wide(insn) && !insn->src_reg && !insn[1].imm && !ref_at(prog, at))
		return (uint32_t)insn->imm;
	return -1;
}

static int reserve_size(struct ring_plan *plan, const struct program *prog, const uint8_t *targets,
			struct site *site, struct error *err)
{
	int64_t at = definition(prog, targets, site->insn, BPF_REG_2);
	int64_t size = at < 0 ? -1 : constant_at(prog, at);

	if (size < 0) {
		error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': instruction %u: "
			  "bpf_ringbuf_reserve: size: got a value that is set elsewhere, expected "
			  "a constant set right before the call", plan->obj->name, prog->name,
			  site->insn);
		return error_hint(err, "write the size as a constant in the call, or use "
				  "bpf_ringbuf_output; as it is, it needs the ring buffer of "
				  "Linux 5.8");
	}
	if (!size || size > SLOT_MAX - SLOT_HEADER) {
		error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': instruction %u: "
			  "bpf_ringbuf_reserve: size: got %lld, expected 1 to %u for perf buffers",
			  plan->obj->name, prog->name, site->insn, (long long)size,
			  SLOT_MAX - SLOT_HEADER);
		return error_hint(err, "send the record in smaller parts; as it is, it needs the "
				  "ring buffer of Linux 5.8");
	}
	site->size = size;
	if (size > plan->max_size)
		plan->max_size = size;
	return 0;
}

/* Which ring: a question only where there are several. */
static int reserve_ring(const struct ring_plan *plan, const struct program *prog,
			const uint8_t *targets, struct site *site, struct error *err)
{
	const struct ref *ref;
	int64_t at;

	site->ring = plan->rings[0];
	if (plan->rings_len == 1)
		return 0;
	at = definition(prog, targets, site->insn, BPF_REG_1);
	ref = ref_at(prog, at);
	if (!ref || ref->kind != REF_MAP || ref->target >= plan->obj->maps.len ||
	    plan->obj->maps.at[ref->target].type != BPF_MAP_TYPE_RINGBUF) {
		error_set(err, ERROR_UNSUPPORTED, "%s: program '%s': instruction %u: "
			  "bpf_ringbuf_reserve: map: got a value that is set elsewhere, expected "
			  "one of the object's %zu ring buffers set right before the call",
			  plan->obj->name, prog->name, site->insn, plan->rings_len);
		return error_hint(err, "name the map in the call; as it is, it needs the ring "
				  "buffer of Linux 5.8");
	}
	site->ring = ref->target;
	return 0;
}

static int add_site(struct ring_plan *plan, uint32_t program, uint32_t insn, const uint8_t *targets,
		    struct error *err)
{
	const struct program *prog = &plan->obj->programs.at[program];
	struct site *site = vec_push(&plan->sites);

	if (!site)
		return error_memory(err);
	site->program = program;
	site->insn = insn;
	if (prog->insns.at[insn].imm != FUNC_ringbuf_reserve)
		return 0;
	if (reserve_size(plan, prog, targets, site, err))
		return -1;
	return reserve_ring(plan, prog, targets, site, err);
}

static int survey_call(struct ring_plan *plan, uint32_t program, uint32_t insn,
		       const uint8_t *targets, struct error *err)
{
	const struct program *prog = &plan->obj->programs.at[program];
	uint32_t func = func_of(prog, insn);

	switch (ring_helper(&prog->insns.at[insn])) {
	case 0:
	case FUNC_ringbuf_discard:
	case FUNC_ringbuf_query:
		return 0;
	case FUNC_ringbuf_output:
	case FUNC_ringbuf_reserve:
	case FUNC_ringbuf_submit:
		break;
	default:
		return refuse_dynptr(plan, prog, insn, err);
	}
	if (func)
		return refuse_in_func(plan, prog, insn, func, err);
	if (prog->insns.at[insn].imm == FUNC_ringbuf_submit)
		return 0;
	return add_site(plan, program, insn, targets, err);
}

static int survey(struct ring_plan *plan, uint32_t program, struct error *err)
{
	const struct program *prog = &plan->obj->programs.at[program];
	uint8_t *targets = jump_targets(prog);
	int ret = 0;

	if (!targets)
		return error_memory(err);
	for (size_t i = 0; !ret && i < prog->insns.len; i++)
		ret = survey_call(plan, program, i, targets, err);
	free(targets);
	return ret;
}

/* --- what takes its place ------------------------------------------------------------- */

static void put(struct piece *p, struct bpf_insn insn)
{
	p->insns[p->len++] = insn;
}

static void put_map(struct piece *p, uint8_t reg, uint32_t map)
{
	struct bpf_insn wide[] = { INSN_WIDE(reg, 0) };

	p->refs[p->refs_len++] = (struct ref){ .insn = p->len, .kind = REF_MAP, .target = map };
	put(p, wide[0]);
	put(p, wide[1]);
}

/* r0 = the slot of that number, or NULL. */
static void put_lookup(struct piece *p, const struct ring_plan *plan, const struct frame *f,
		       uint32_t number)
{
	put(p, INSN_STORE_IMM(BPF_W, BPF_REG_10, f->key, number));
	put(p, INSN_MOV(BPF_REG_2, BPF_REG_10));
	put(p, INSN_ADD_IMM(BPF_REG_2, f->key));
	put_map(p, BPF_REG_1, plan->scratch);
	put(p, INSN_CALL(FUNC_map_lookup_elem));
}

/* One more sent through the slot that reg points at, `off` bytes away; r1 is lost. */
static void put_count(struct piece *p, uint8_t reg, int off)
{
	put(p, INSN_LOAD(BPF_DW, BPF_REG_1, reg, off + SLOT_OFF(sent)));
	put(p, INSN_ADD_IMM(BPF_REG_1, 1));
	put(p, INSN_STORE(BPF_DW, reg, off + SLOT_OFF(sent), BPF_REG_1));
}

/* r2 = the map of the ring that the record at r4 was reserved in; r3 is lost. */
static void put_ring(struct piece *p, const struct ring_plan *plan)
{
	if (plan->rings_len > 1)
		put(p, INSN_LOAD(BPF_W, BPF_REG_3, BPF_REG_4, SLOT_OFF(ring) - SLOT_HEADER));
	for (size_t i = 0; i < plan->rings_len; i++) {
		size_t after = plan->rings_len - 1 - i;

		put_map(p, BPF_REG_2, plan->rings[i]);
		if (after) /* over the other rings: three each, but two for the last */
			put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_3, plan->rings[i],
					     (after - 1) * 3 + 2));
	}
}

static void put_send(struct piece *p, const struct frame *f)
{
	put(p, INSN_LOAD(BPF_DW, BPF_REG_1, BPF_REG_10, f->ctx));
	put(p, INSN_MOV32_IMM(BPF_REG_3, -1)); /* BPF_F_CURRENT_CPU, 0xffffffff */
	put(p, INSN_CALL(FUNC_perf_event_output));
}

static void reserve_code(struct piece *p, const struct ring_plan *plan, const struct frame *f)
{
	const struct site *site = &plan->sites.at[f->site];
	bool several = plan->rings_len > 1;

	put_lookup(p, plan, f, f->site);
	put(p, INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 2));
	put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	put(p, INSN_GOTO(several ? 3 : 2));
	put(p, INSN_STORE_IMM(BPF_W, BPF_REG_0, SLOT_OFF(size), site->size));
	if (several)
		put(p, INSN_STORE_IMM(BPF_W, BPF_REG_0, SLOT_OFF(ring), site->ring));
	put(p, INSN_ADD_IMM(BPF_REG_0, SLOT_HEADER));
}

static void submit_code(struct piece *p, const struct ring_plan *plan, const struct frame *f)
{
	size_t check;

	put(p, INSN_MOV(BPF_REG_4, BPF_REG_1));
	put(p, INSN_LOAD(BPF_W, BPF_REG_5, BPF_REG_4, SLOT_OFF(size) - SLOT_HEADER));
	put(p, INSN_ADD_IMM(BPF_REG_5, -1));
	check = p->len;
	put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, plan->max_size - 1, 0));
	put(p, INSN_ADD_IMM(BPF_REG_5, 1));
	put_count(p, BPF_REG_4, -SLOT_HEADER);
	put_ring(p, plan);
	put_send(p, f);
	p->insns[check].off = p->len - check - 1;
}

/* r1 map, r2 data, r3 size, r4 flags */
static void output_code(struct piece *p, const struct ring_plan *plan, const struct frame *f)
{
	size_t skip, found;

	put(p, INSN_MOV(BPF_REG_5, BPF_REG_3));
	put(p, INSN_MOV_IMM(BPF_REG_0, 0));
	put(p, INSN_JUMP_IMM(BPF_JGT, BPF_REG_5, 0, 1));
	skip = p->len;
	put(p, INSN_GOTO(0));
	put(p, INSN_MOV(BPF_REG_4, BPF_REG_2));
	put(p, INSN_MOV(BPF_REG_2, BPF_REG_1));
	put_send(p, f);
	put(p, INSN_STORE(BPF_DW, BPF_REG_10, f->result, BPF_REG_0));
	put_lookup(p, plan, f, f->site);
	found = p->len;
	put(p, INSN_JUMP_IMM(BPF_JEQ, BPF_REG_0, 0, 0));
	put_count(p, BPF_REG_0, 0);
	p->insns[found].off = p->len - found - 1;
	put(p, INSN_LOAD(BPF_DW, BPF_REG_0, BPF_REG_10, f->result));
	p->insns[skip].off = p->len - skip - 1;
}

static int rewrite_call(const struct ring_plan *plan, struct edit *edit, struct frame *f,
			uint32_t insn, struct error *err)
{
	struct piece p = { .len = 0 };

	switch (ring_helper(&edit->prog->insns.at[insn])) {
	case FUNC_ringbuf_reserve:
		reserve_code(&p, plan, f);
		f->site++;
		break;
	case FUNC_ringbuf_output:
		output_code(&p, plan, f);
		f->site++;
		break;
	case FUNC_ringbuf_submit:
		submit_code(&p, plan, f);
		break;
	case FUNC_ringbuf_query:
		put(&p, INSN_MOV_IMM(BPF_REG_0, 0));
		break;
	case FUNC_ringbuf_discard:
		break;
	}
	return edit_replace(edit, insn, (struct edit_code){ p.insns, p.len, p.refs, p.refs_len },
			    err);
}

/* Three words below all that the function uses: context, key of the lookup, result. */
static int make_room(struct frame *f, const struct program *prog, struct error *err)
{
	uint32_t depth, used;

	if (program_stack_depth(prog, 0, &depth, err))
		return -1;
	used = (depth + 7) / 8 * 8;
	if (used + 24 > STACK_MAX) {
		error_set(err, ERROR_UNSUPPORTED, "program '%s': stack: got %u bytes in use, "
			  "expected at most %d to leave room for perf buffer output", prog->name,
			  depth, STACK_MAX - 24);
		return error_hint(err, "put large variables into a per-CPU map; as it is, it "
				  "needs the ring buffer of Linux 5.8");
	}
	f->ctx = -(int)used - 8;
	f->key = -(int)used - 16;
	f->result = -(int)used - 24;
	return 0;
}

static bool has_helper(const struct program *prog, int32_t first, int32_t last)
{
	for (size_t i = 0; i < prog->insns.len; i++) {
		int32_t id = ring_helper(&prog->insns.at[i]);

		if (id && id >= first && id <= last)
			return true;
	}
	return false;
}

static int rewrite_calls(const struct ring_plan *plan, struct edit *edit, struct frame *f,
			 struct error *err)
{
	struct bpf_insn save = INSN_STORE(BPF_DW, BPF_REG_10, f->ctx, BPF_REG_1);

	if (f->ctx && edit_enter(edit, 0, (struct edit_code){ .insns = &save, .len = 1 }, err))
		return -1;
	for (size_t i = 0; i < edit->prog->insns.len; i++)
		if (ring_helper(&edit->prog->insns.at[i]) && rewrite_call(plan, edit, f, i, err))
			return -1;
	return edit_apply(edit, err);
}

/* *site: the number of the program's first reserve or output; receives the next program's. */
static int rewrite(const struct ring_plan *plan, struct program *prog, uint32_t *site,
		   struct error *err)
{
	struct frame f = { .site = *site };
	struct edit edit;
	int ret = -1;

	if (!has_helper(prog, FUNC_ringbuf_output, FUNC_ringbuf_query))
		return 0;
	if (has_helper(prog, FUNC_ringbuf_output, FUNC_ringbuf_submit) && make_room(&f, prog, err))
		return error_wrap(err, "%s", plan->obj->name);
	if (edit_init(&edit, prog, err) == 0)
		ret = rewrite_calls(plan, &edit, &f, err);
	edit_fini(&edit);
	*site = f.site;
	return ret ? error_wrap(err, "%s", plan->obj->name) : 0;
}

/* --- the maps --------------------------------------------------------------------------- */

static int add_scratch(struct ring_plan *plan, struct error *err)
{
	struct map *map = object_add_map(plan->obj, SCRATCH_MAP);

	if (!map)
		return error_memory(err);
	map->role = MAP_PLAIN;
	map->type = BPF_MAP_TYPE_PERCPU_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = SLOT_HEADER + (plan->max_size + 7) / 8 * 8;
	map->max_entries = plan->sites.len;
	plan->scratch = plan->obj->maps.len - 1;
	return 0;
}

static void change_map(struct map *map)
{
	map->type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	map->key_size = map->value_size = sizeof(uint32_t);
	map->max_entries = 0;
	map->flags = 0;
	map->key_type_id = map->value_type_id = 0;
}

static int lower_all(struct ring_plan *plan, struct error *err)
{
	struct object *obj = plan->obj;
	uint32_t site = 0;

	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload && survey(plan, i, err))
			return -1;
	if (plan->sites.len && add_scratch(plan, err))
		return -1;
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload &&
		    rewrite(plan, &obj->programs.at[i], &site, err))
			return -1;
	for (size_t i = 0; i < plan->rings_len; i++)
		change_map(&obj->maps.at[plan->rings[i]]);
	return 0;
}

int lower_ringbuf(struct object *obj, struct error *err)
{
	struct ring_plan plan = { .obj = obj };
	int ret;

	if (refuse_user_rings(obj, err) || find_rings(&plan, err))
		return -1;
	if (!plan.rings_len)
		return 0;
	ret = lower_all(&plan, err);
	vec_fini(&plan.sites);
	return ret;
}
