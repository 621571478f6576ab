// SPDX-License-Identifier: GPL-2.0
#include "tests/gate.h"

#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compat/insn.h"
#include "compat/loops.h"
#include "compat/since.h"

#define NO(caps, cap) (caps_ask(caps, CAP_##cap) == CAP_NO)

/* Is any byte of attr from `from` up to `to` set? */
#define SET(attr, from, to)                                                                        \
	any((const unsigned char *)(attr), offsetof(union bpf_attr, from), offsetof(union bpf_attr, to))
#define SET_REST(attr, from)                                                                       \
	any((const unsigned char *)(attr), offsetof(union bpf_attr, from), sizeof(union bpf_attr))

static bool any(const unsigned char *bytes, size_t from, size_t to)
{
	for (; from < to; from++)
		if (bytes[from])
			return true;
	return false;
}

/* Bytes of bpf_attr that an older kernel does not know and that are not zero. */
static int unknown_bytes(void)
{
	return -E2BIG;
}

/* ---- maps ---- */

#define FLAG_RDONLY_PROG (1u << 7)
#define FLAG_WRONLY_PROG (1u << 8)
#define FLAG_MMAPABLE (1u << 10)

static int create_map(struct caps *caps, const struct gate_call *call)
{
	const union bpf_attr *attr = &call->attr;
	unsigned long long size;

	if (NO(caps, MAP_BTF) && SET_REST(attr, btf_fd))
		return unknown_bytes();
	if (NO(caps, NAMES) && SET(attr, map_name, map_ifindex))
		return unknown_bytes();
	if (caps_map(caps, attr->map_type) != CAP_YES)
		return -EINVAL;
	if (NO(caps, GLOBAL_DATA) && attr->map_flags & (FLAG_RDONLY_PROG | FLAG_WRONLY_PROG))
		return -EINVAL;
	if (NO(caps, MMAPABLE) && attr->map_flags & FLAG_MMAPABLE)
		return -EINVAL;
	if (NO(caps, NO_PREALLOC) && attr->map_flags & BPF_F_NO_PREALLOC)
		return -EINVAL;
	size = (unsigned long long)attr->value_size * attr->max_entries;
	return NO(caps, MEMCG) && size + 4096 > call->memlock ? -EPERM : 0;
}

/* ---- types ---- */

static int load_btf(struct caps *caps, const struct gate_call *call)
{
	const struct btf_header *h = call->btf;
	const unsigned char *at, *end;

	if (NO(caps, BTF) || call->btf_len < sizeof(*h) ||
	    (unsigned long long)h->hdr_len + h->type_off + h->type_len > call->btf_len)
		return -EINVAL;
	at = (const unsigned char *)h + h->hdr_len + h->type_off;
	for (end = at + h->type_len; at + sizeof(struct btf_type) <= end;) {
		const struct btf_type *t = (const void *)at;
		unsigned int kind = t->info >> 24 & 0x1f, vlen = t->info & 0xffff, kflag = t->info >> 31;
		size_t len = 0;

		switch (kind) {
		case BTF_KIND_INT: len = 4; break;
		case BTF_KIND_ARRAY: len = 12; break;
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			len = 12 * vlen;
			if (kflag && NO(caps, BTF_KFLAG))
				return -EINVAL;
			break;
		case BTF_KIND_ENUM:
			len = 8 * vlen;
			if (kflag && NO(caps, BTF_ENUM_SIGN))
				return -EINVAL;
			break;
		case BTF_KIND_FUNC:
			if (NO(caps, BTF_FUNC) || (vlen == BTF_FUNC_GLOBAL && NO(caps, BTF_FUNC_GLOBAL)))
				return -EINVAL;
			break;
		case BTF_KIND_FUNC_PROTO:
			len = 8 * vlen;
			if (NO(caps, BTF_FUNC))
				return -EINVAL;
			break;
		case BTF_KIND_VAR:
			len = 4;
			if (NO(caps, BTF_DATASEC))
				return -EINVAL;
			break;
		case BTF_KIND_DATASEC:
			len = 12 * vlen;
			if (NO(caps, BTF_DATASEC))
				return -EINVAL;
			break;
		case BTF_KIND_FLOAT:
			if (NO(caps, BTF_FLOAT))
				return -EINVAL;
			break;
		case 17: /* BTF_KIND_DECL_TAG */
			len = 4;
			if (NO(caps, BTF_DECL_TAG))
				return -EINVAL;
			break;
		case 18: /* BTF_KIND_TYPE_TAG */
			if (NO(caps, BTF_TYPE_TAG))
				return -EINVAL;
			break;
		case 19: /* BTF_KIND_ENUM64 */
			len = 12 * vlen;
			if (NO(caps, BTF_ENUM64))
				return -EINVAL;
			break;
		}
		at += sizeof(*t) + len;
	}
	return 0;
}

/* ---- programs: each instruction for itself ---- */

static bool is_v4_move(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && BPF_OP(insn->code) == BPF_MOV && insn->off;
}

static bool is_sdiv(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class == BPF_ALU || class == BPF_ALU64) && (op == BPF_DIV || op == BPF_MOD) &&
	       insn->off == 1;
}

static bool is_jlt(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);

	return BPF_CLASS(insn->code) == BPF_JMP &&
	       (op == BPF_JLT || op == BPF_JLE || op == BPF_JSLT || op == BPF_JSLE);
}

static bool is_new_atomic(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm;
}

/* Which capability an instruction takes that the older kernel has not; CAP_BPF: none. */
static enum cap lacking(struct caps *caps, const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);
	enum cap cap = CAP_BPF;

	if (insn_is_gotol(insn))
		cap = CAP_GOTOL;
	else if (class == BPF_JMP32)
		cap = CAP_JMP32;
	else if (is_jlt(insn))
		cap = CAP_JLT;
	else if (is_v4_move(insn))
		cap = CAP_MOVSX;
	else if (is_sdiv(insn))
		cap = CAP_SDIV;
	else if (insn->code == (BPF_ALU64 | BPF_END))
		cap = CAP_BSWAP;
	else if (class == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX)
		cap = CAP_LDSX;
	else if (is_new_atomic(insn))
		cap = CAP_ATOMICS;
	else if (insn_is_func_call(insn))
		cap = CAP_CALLS;
	else if (insn_is_wide(insn) && insn->src_reg == BPF_PSEUDO_MAP_VALUE)
		cap = CAP_GLOBAL_DATA;
	else if (insn_is_wide(insn) && insn->src_reg > BPF_PSEUDO_MAP_VALUE)
		cap = CAP_FUNC_POINTER;
	else if (insn_is_call(insn) && insn->src_reg > BPF_PSEUDO_CALL)
		cap = CAP_KFUNCS;
	return cap != CAP_BPF && caps_ask(caps, cap) == CAP_NO ? cap : CAP_BPF;
}

static int check_insns(struct caps *caps, const struct gate_call *call, struct strbuf *log)
{
	for (size_t i = 0; i < call->insns_len; i++) {
		const struct bpf_insn *insn = &call->insns[i];
		enum cap cap = lacking(caps, insn);

		if (cap != CAP_BPF) {
			strbuf_add(log, "unknown opcode %02x at %zu (gate: no %s)\n", insn->code, i,
				   caps_name(cap));
			return -EINVAL;
		}
		if (insn_is_helper_call(insn) &&
		    caps_helper(caps, call->attr.prog_type, insn->imm) == CAP_NO) {
			strbuf_add(log, "%zu: (85) call bpf_%s#%d\nunknown func bpf_%s#%d\n", i,
				   since_helper(insn->imm).name, insn->imm, since_helper(insn->imm).name,
				   insn->imm);
			return -EINVAL;
		}
		i += insn_is_wide(insn);
	}
	return 0;
}

static int check_loops(struct caps *caps, const struct gate_call *call, struct strbuf *log)
{
	struct program prog = { .insns = { (void *)call->insns, call->insns_len, call->insns_len } };

	if (!NO(caps, LOOPS) || !function_loops(&prog, 0, call->insns_len))
		return 0;
	strbuf_add(log, "back-edge in the program (gate: no loops)\n");
	return -EINVAL;
}

/* ---- programs: what helpers are given ----
 *
 * What each register and stack slot holds before each instruction, as far as it takes:
 *
 *	r1 = map ll			r1: a map
 *	call bpf_map_lookup_elem	r0: its value
 *	r4 = r0; r4 += 8		r4: its value
 *	call bpf_perf_event_output	memory is wanted in r4, of the stack before 4.11: refused
 */

enum { HOLDS_NOTHING, HOLDS_ANY, HOLDS_CONSTANT, HOLDS_VALUE, HOLDS_STACK };

#define SLOTS (512 / 8)

struct holds {
	uint8_t regs[MAX_BPF_REG], slots[SLOTS];
};

static bool join_byte(uint8_t *to, uint8_t from)
{
	uint8_t joined = *to == from || *to == HOLDS_NOTHING ? from :
			 from == HOLDS_NOTHING ? *to : HOLDS_ANY;
	bool changed = joined != *to;

	*to = joined;
	return changed;
}

static bool join_into(struct holds *to, const struct holds *from)
{
	bool changed = false;

	for (size_t i = 0; i < sizeof(*to); i++)
		changed |= join_byte((uint8_t *)to + i, ((const uint8_t *)from)[i]);
	return changed;
}

static void store(struct holds *h, const struct bpf_insn *insn)
{
	int slot = -insn->off / 8 - 1;

	if (insn->dst_reg != BPF_REG_10 || insn->off >= 0 || insn->off < -512)
		return;
	if (insn->off % 8)
		slot = (-insn->off - 1) / 8;
	h->slots[slot] = BPF_CLASS(insn->code) == BPF_STX && BPF_SIZE(insn->code) == BPF_DW ?
				 h->regs[insn->src_reg] : HOLDS_ANY;
}

static uint8_t loaded(const struct holds *h, const struct bpf_insn *insn)
{
	if (insn->src_reg != BPF_REG_10 || insn->off >= 0 || insn->off < -512 || insn->off % 8 ||
	    BPF_SIZE(insn->code) != BPF_DW)
		return HOLDS_ANY;
	return h->slots[-insn->off / 8 - 1];
}

static uint8_t computed(const struct holds *h, const struct bpf_insn *insn)
{
	uint8_t dst = h->regs[insn->dst_reg], op = BPF_OP(insn->code);

	if (op == BPF_MOV)
		return BPF_SRC(insn->code) == BPF_K ? HOLDS_CONSTANT :
		       BPF_CLASS(insn->code) == BPF_ALU64 ? h->regs[insn->src_reg] : HOLDS_ANY;
	if (BPF_CLASS(insn->code) == BPF_ALU64 && (op == BPF_ADD || op == BPF_SUB) &&
	    (dst == HOLDS_VALUE || dst == HOLDS_STACK))
		return dst;
	return dst == HOLDS_CONSTANT && BPF_SRC(insn->code) == BPF_K ? HOLDS_CONSTANT : HOLDS_ANY;
}

static void step(struct holds *h, const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		h->regs[insn->dst_reg] = !insn_is_wide(insn) ? HOLDS_ANY :
			insn->src_reg == BPF_PSEUDO_MAP_VALUE ? HOLDS_VALUE :
			insn->src_reg ? HOLDS_ANY : HOLDS_CONSTANT;
		break;
	case BPF_LDX:
		h->regs[insn->dst_reg] = loaded(h, insn);
		break;
	case BPF_ST:
	case BPF_STX:
		store(h, insn);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		h->regs[insn->dst_reg] = computed(h, insn);
		break;
	case BPF_JMP:
		if (!insn_is_call(insn))
			break;
		memset(h->regs, HOLDS_ANY, BPF_REG_6);
		if (insn_is_helper_call(insn) && insn->imm == BPF_FUNC_map_lookup_elem)
			h->regs[BPF_REG_0] = HOLDS_VALUE;
		break;
	}
}

/* Registers, as bits, in which a helper wants memory, a map's key or value, a size. */
struct wants {
	int helper;
	uint8_t memory, entry, size;
};

#define R(n) (1u << (n))

static const struct wants wants[] = {
	{ BPF_FUNC_map_lookup_elem, 0, R(2), 0 },
	{ BPF_FUNC_map_update_elem, 0, R(2) | R(3), 0 },
	{ BPF_FUNC_map_delete_elem, 0, R(2), 0 },
	{ BPF_FUNC_probe_read, R(1), 0, R(2) },
	{ BPF_FUNC_probe_read_str, R(1), 0, R(2) },
	{ BPF_FUNC_trace_printk, R(1), 0, R(2) },
	{ BPF_FUNC_get_current_comm, R(1), 0, R(2) },
	{ BPF_FUNC_perf_event_output, R(4), 0, R(5) },
	{ BPF_FUNC_skb_store_bytes, R(3), 0, R(4) },
	{ BPF_FUNC_skb_load_bytes, R(3), 0, R(4) },
};

static bool is_given(const struct holds *h, uint8_t regs, uint8_t what)
{
	for (int r = 1; r <= 5; r++)
		if (regs & R(r) && h->regs[r] == what)
			return true;
	return false;
}

static int check_call(struct caps *caps, const struct holds *h, int helper, size_t at,
		      struct strbuf *log)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++) {
		if (wants[i].helper != helper)
			continue;
		if (NO(caps, MEMORY_MAP) && is_given(h, wants[i].memory, HOLDS_VALUE))
			wrong = "type=map_value expected=fp";
		if (NO(caps, KEY_MAP) && is_given(h, wants[i].entry, HOLDS_VALUE))
			wrong = "type=map_value expected=fp";
		if (NO(caps, MEMORY_SIZE) && is_given(h, wants[i].size, HOLDS_ANY))
			wrong = "type=inv expected=imm";
	}
	if (!wrong)
		return 0;
	strbuf_add(log, "%zu: (85) call bpf_%s#%d\nR1 to R5: %s\n", at, since_helper(helper).name,
		   helper, wrong);
	return -EACCES;
}

/* Where control goes on from insn at `at`: up to two places, beyond the end for none. */
static void successors(const struct bpf_insn *insn, size_t at, size_t to[2])
{
	to[0] = to[1] = SIZE_MAX;
	if (insn_is_jump(insn))
		to[1] = insn_target(insn, at);
	if (!insn_ends_flow(insn))
		to[0] = at + 1 + insn_is_wide(insn);
}

static int check_helpers(struct caps *caps, const struct gate_call *call, struct strbuf *log)
{
	size_t len = call->insns_len, to[2];
	struct holds *at = calloc(len, sizeof(*at)), h;
	bool *due = calloc(len, sizeof(*due)), again = true;
	int ret = at && due && len ? 0 : -ENOMEM;

	if (!ret) {
		memset(&at[0], HOLDS_ANY, sizeof(at[0]));
		at[0].regs[BPF_REG_10] = HOLDS_STACK;
		due[0] = true;
	}
	while (!ret && again) {
		again = false;
		for (size_t i = 0; !ret && i < len; i++) {
			const struct bpf_insn *insn = &call->insns[i];

			if (!due[i])
				continue;
			due[i] = false;
			h = at[i];
			if (insn_is_helper_call(insn))
				ret = check_call(caps, &h, insn->imm, i, log);
			step(&h, insn);
			successors(insn, i, to);
			for (int s = 0; s < 2; s++)
				if (to[s] < len && join_into(&at[to[s]], &h))
					due[to[s]] = again = true;
		}
	}
	free(at);
	free(due);
	return ret;
}

/* ---- programs ---- */

#define MAXINSNS 4096

static int load_program(struct caps *caps, const struct gate_call *call, struct strbuf *log)
{
	const union bpf_attr *attr = &call->attr;
	int ret;

	if (NO(caps, TRACING) && SET_REST(attr, attach_btf_id))
		return unknown_bytes();
	if (NO(caps, PROG_BTF) && SET(attr, prog_btf_fd, attach_btf_id))
		return unknown_bytes();
	if (NO(caps, ATTACH_TYPE) && SET(attr, expected_attach_type, prog_btf_fd))
		return unknown_bytes();
	if (NO(caps, NAMES) && SET(attr, prog_name, prog_ifindex))
		return unknown_bytes();
	if (call->insns_len > MAXINSNS && NO(caps, LARGE))
		return -E2BIG;
	if (caps_program(caps, attr->prog_type) != CAP_YES)
		return -EINVAL;
	if (attr->prog_type == BPF_PROG_TYPE_KPROBE && NO(caps, ANY_VERSION) && !attr->kern_version)
		return -EINVAL;
	ret = check_insns(caps, call, log);
	if (!ret)
		ret = check_loops(caps, call, log);
	return ret ? ret : check_helpers(caps, call, log);
}

/* ---- all of bpf(2) ---- */

int gate_answer(struct caps *caps, const struct gate_call *call, struct strbuf *log)
{
	if (NO(caps, BPF))
		return -ENOSYS;
	switch (call->cmd) {
	case BPF_MAP_CREATE:
		return create_map(caps, call);
	case BPF_PROG_LOAD:
		return load_program(caps, call, log);
	case BPF_BTF_LOAD:
		return load_btf(caps, call);
	case BPF_MAP_FREEZE:
		return NO(caps, FREEZE) ? -EINVAL : 0;
	case BPF_RAW_TRACEPOINT_OPEN:
		return NO(caps, RAW_TRACEPOINT) ? -EINVAL : 0;
	case BPF_LINK_CREATE:
		return NO(caps, LINK) || NO(caps, PERF_LINK) ? -EINVAL : 0;
	case BPF_PROG_TEST_RUN:
		return NO(caps, PROG_RUN) ? -EINVAL : 0;
	}
	return 0;
}

bool gate_hides(struct caps *caps, const char *path)
{
	return NO(caps, TRACING) && !strncmp(path, "/sys/kernel/btf", 15);
}
