// SPDX-License-Identifier: GPL-2.0
/* Puts an answer into an instruction. */
#include "btf/core_internal.h"

bool core_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

void core_poison(struct program *prog, uint32_t at)
{
	static const struct bpf_insn call = {
		.code = BPF_JMP | BPF_CALL,
		.imm = CORE_POISON,
	};
	bool wide = core_is_wide(&prog->insns.at[at]);

	prog->insns.at[at] = call;
	if (wide)
		prog->insns.at[at + 1] = call;
}

static int expect(const struct core *core, const struct answer *local, uint64_t got)
{
	/*
	 * 32 bits are what all of these instructions have in common; whether the upper half of an
	 * enumerator is filled with its sign, BTF tells only since Linux 6.0.
	 */
	if (local->unchecked || (uint32_t)got == (uint32_t)local->value)
		return 0;
	return core_fail(core, ERROR_FORMAT, "value in the instruction: got %lld, expected %lld",
			 (long long)(int64_t)got, (long long)local->value);
}

static int patch_imm(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		     const struct answer *target)
{
	if (BPF_SRC(insn->code) != BPF_K)
		return core_fail(core, ERROR_FORMAT, "opcode: got 0x%02x, expected one with a "
				 "constant", insn->code);
	if (expect(core, local, (int64_t)insn->imm))
		return -1;
	if ((int64_t)target->value != (int32_t)target->value && target->value > UINT32_MAX)
		return core_fail(core, ERROR_UNSUPPORTED, "value: got %lld, expected one of 32 "
				 "bits", (long long)target->value);
	insn->imm = target->value;
	return 0;
}

static int patch_wide(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		      const struct answer *target)
{
	uint64_t value = target->value;
	bool is_negative = insn[1].imm == -1;

	if (insn->src_reg)
		return core_fail(core, ERROR_FORMAT, "source register: got %u, expected 0",
				 insn->src_reg);
	if (expect(core, local, (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm))
		return -1;
	/* A negative enumerator in BTF that cannot say so: keep the sign the compiler saw. */
	if (is_negative && (int64_t)local->value >= 0 && value == (uint32_t)value)
		value = (int64_t)(int32_t)value;
	insn[0].imm = value;
	insn[1].imm = value >> 32;
	return 0;
}

static int size_code(uint32_t size)
{
	switch (size) {
	case 1:
		return BPF_B;
	case 2:
		return BPF_H;
	case 4:
		return BPF_W;
	case 8:
		return BPF_DW;
	default:
		return -1;
	}
}

static uint32_t access_size(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

/* Unsigned integers and pointers may be loaded in their new size: the rest becomes zero. */
static bool size_may_change(const struct core *core, const struct answer *local,
			    const struct answer *target)
{
	const struct btf_type *l = btf_type(core->local,
					    btf_resolve(core->local, local->load_type));
	const struct btf_type *t = btf_type(core->target,
					    btf_resolve(core->target, target->load_type));

	if (!l || !t)
		return false;
	if (btf_kind(l) == BTF_KIND_PTR && btf_kind(t) == BTF_KIND_PTR)
		return true;
	return btf_kind(l) == BTF_KIND_INT && btf_kind(t) == BTF_KIND_INT && !core_is_signed(l) &&
	       !core_is_signed(t);
}

/* 0 done, 1 the instruction must be poisoned, -1 error. */
static int patch_access(const struct core *core, struct bpf_insn *insn, const struct answer *local,
			const struct answer *target)
{
	if (expect(core, local, (int64_t)insn->off))
		return -1;
	if (target->value > INT16_MAX)
		return core_fail(core, ERROR_UNSUPPORTED, "offset: got %llu, expected at most %d",
				 (unsigned long long)target->value, INT16_MAX);
	if (local->load_size && target->load_size && local->load_size != target->load_size) {
		int code = size_code(target->load_size);

		if (!size_may_change(core, local, target))
			return 1;
		if (access_size(insn) != local->load_size)
			return core_fail(core, ERROR_FORMAT, "memory access: got %u bytes, "
					 "expected %u", access_size(insn), local->load_size);
		if (code < 0)
			return core_fail(core, ERROR_UNSUPPORTED, "memory access: got %u bytes, "
					 "expected 1, 2, 4 or 8", target->load_size);
		insn->code = BPF_MODE(insn->code) | code | BPF_CLASS(insn->code);
	}
	insn->off = target->value;
	return 0;
}

int core_patch(const struct core *core, struct program *prog, const struct answer *local,
		 const struct answer *target)
{
	struct bpf_insn *insn = &prog->insns.at[core->relo->insn];

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return patch_imm(core, insn, local, target);
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_access(core, insn, local, target);
	case BPF_LD:
		if (core_is_wide(insn))
			return patch_wide(core, insn, local, target);
	}
	return core_fail(core, ERROR_FORMAT, "opcode: got 0x%02x, expected arithmetic, a memory "
			 "access or a 64-bit constant", insn->code);
}

bool core_is_poisoned(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->imm == CORE_POISON;
}
