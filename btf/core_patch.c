// SPDX-License-Identifier: GPL-2.0
/* Puts an answer into an instruction. */
#include "btf/core_internal.h"

/* Since Linux 6.6; newer than the headers of some distributions. */
#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif
#ifndef BPF_ATOMIC
#define BPF_ATOMIC 0xc0
#endif

bool core_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* A load or store, which has an offset. */
bool core_is_access(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code);

	return class == BPF_LDX || class == BPF_ST || class == BPF_STX;
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

/*
 * 32-bit arithmetic takes any 32 bits; to 64 bits they are filled up with their sign. A negative
 * enumerator in BTF that cannot say so (see patch_wide) stays one.
 */
static bool fits_imm(const struct bpf_insn *insn, const struct answer *local, uint64_t value)
{
	if ((int64_t)value == (int32_t)value)
		return true;
	return value <= UINT32_MAX && (BPF_CLASS(insn->code) == BPF_ALU ||
				       (insn->imm < 0 && (int64_t)local->value >= 0));
}

static int patch_imm(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		     const struct answer *target)
{
	if (BPF_SRC(insn->code) != BPF_K)
		return core_fail(core, ERROR_FORMAT, "opcode: got 0x%02x, expected one with a "
				 "constant", insn->code);
	if (expect(core, local, (int64_t)insn->imm))
		return -1;
	if (!fits_imm(insn, local, target->value))
		return CORE_TOO_BIG;
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

static bool is_sign_extending(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEMSX;
}

/*
 * Pointers and unsigned integers may be accessed in their new size: the rest is zero. Signed
 * ones, where the load fills it with the sign.
 */
static bool size_may_change(const struct core *core, const struct bpf_insn *insn,
			    const struct answer *local, const struct answer *target)
{
	const struct btf_type *l = btf_type(core->local,
					    btf_resolve(core->local, local->load_type));
	const struct btf_type *t = btf_type(core->target,
					    btf_resolve(core->target, target->load_type));

	if (!l || !t)
		return false;
	if (btf_kind(l) == BTF_KIND_PTR && btf_kind(t) == BTF_KIND_PTR)
		return true;
	return btf_kind(l) == BTF_KIND_INT && btf_kind(t) == BTF_KIND_INT &&
	       core_is_signed(l) == is_sign_extending(insn) &&
	       core_is_signed(t) == is_sign_extending(insn);
}

/* A constant that is stored has 32 bits, filled up with their sign; atomics have two sizes. */
static bool size_fits(const struct bpf_insn *insn, uint32_t size)
{
	if (BPF_CLASS(insn->code) == BPF_ST && insn->imm < 0)
		return size <= access_size(insn);
	if (BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC)
		return size >= 4;
	return true;
}

static int resize(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		  const struct answer *target)
{
	int code = size_code(target->load_size), mode = BPF_MODE(insn->code);

	if (code < 0 || !size_may_change(core, insn, local, target) ||
	    !size_fits(insn, target->load_size))
		return CORE_RESIZED;
	if (access_size(insn) != local->load_size)
		return core_fail(core, ERROR_FORMAT, "memory access: got %u bytes, expected %u",
				 access_size(insn), local->load_size);
	/* There is nothing to fill up in a whole register. */
	if (is_sign_extending(insn) && code == BPF_DW)
		mode = BPF_MEM;
	insn->code = mode | code | BPF_CLASS(insn->code);
	return 0;
}

static int patch_access(const struct core *core, struct bpf_insn *insn, const struct answer *local,
			const struct answer *target)
{
	int ret = 0;

	if (expect(core, local, (int64_t)insn->off))
		return -1;
	if (target->value > INT16_MAX)
		return CORE_TOO_BIG;
	/* The shifts and masks behind the load of a bit field are compiled in. */
	if (local->bits != target->bits || local->shift != target->shift)
		return CORE_RESIZED;
	if (local->load_size && target->load_size && local->load_size != target->load_size)
		ret = resize(core, insn, local, target);
	if (!ret)
		insn->off = target->value;
	return ret;
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
