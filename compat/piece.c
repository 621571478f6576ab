// SPDX-License-Identifier: GPL-2.0
#include "compat/piece.h"

#include <stdlib.h>
#include <string.h>

#include "compat/insn.h"

size_t piece_put(struct piece *p, struct bpf_insn insn)
{
	struct bpf_insn *to = vec_push(&p->insns);

	if (!to) {
		p->failed = true;
		return 0;
	}
	*to = insn;
	return p->insns.len - 1;
}

static void put_address(struct piece *p, uint8_t reg, struct ref ref)
{
	struct bpf_insn wide[] = { INSN_WIDE(reg, 0) };
	struct ref *place = vec_push(&p->refs);

	ref.insn = p->insns.len;
	if (place)
		*place = ref;
	else
		p->failed = true;
	piece_put(p, wide[0]);
	piece_put(p, wide[1]);
}

void piece_put_map(struct piece *p, uint8_t reg, uint32_t map)
{
	put_address(p, reg, (struct ref){ .kind = REF_MAP, .target = map });
}

void piece_put_value(struct piece *p, uint8_t reg, uint32_t map, uint32_t offset)
{
	put_address(p, reg, (struct ref){ .kind = REF_VALUE, .target = map, .offset = offset });
}

void piece_put_number(struct piece *p, uint8_t reg, uint64_t number)
{
	struct bpf_insn wide[] = { INSN_WIDE(reg, number) };

	if ((int64_t)number == (int32_t)number) {
		piece_put(p, INSN_MOV_IMM(reg, (int32_t)number));
		return;
	}
	piece_put(p, wide[0]);
	piece_put(p, wide[1]);
}

void piece_put_lookup(struct piece *p, uint32_t map, uint32_t number, int16_t key)
{
	piece_put(p, INSN_STORE_IMM(BPF_W, BPF_REG_10, key, number));
	piece_put(p, INSN_MOV(BPF_REG_2, BPF_REG_10));
	piece_put(p, INSN_ADD_IMM(BPF_REG_2, key));
	piece_put_map(p, BPF_REG_1, map);
	piece_put(p, INSN_CALL(BPF_FUNC_map_lookup_elem));
}

void piece_land(struct piece *p, size_t jump)
{
	if (!p->failed)
		p->insns.at[jump].off = p->insns.len - jump - 1;
}

void piece_fini(struct piece *p)
{
	vec_fini(&p->insns);
	vec_fini(&p->refs);
	memset(p, 0, sizeof(*p));
}

static int put_in(struct piece *p, struct edit *edit, uint32_t insn, struct error *err,
		  int (*how)(struct edit *, uint32_t, struct edit_code, struct error *))
{
	struct edit_code code = { p->insns.at, p->insns.len, p->refs.at, p->refs.len };
	int ret = p->failed ? error_memory(err) : how(edit, insn, code, err);

	piece_fini(p);
	return ret;
}

int piece_enter(struct piece *p, struct edit *edit, uint32_t insn, struct error *err)
{
	return put_in(p, edit, insn, err, edit_enter);
}

int piece_insert(struct piece *p, struct edit *edit, uint32_t insn, struct error *err)
{
	return put_in(p, edit, insn, err, edit_insert);
}

int piece_replace(struct piece *p, struct edit *edit, uint32_t insn, struct error *err)
{
	return put_in(p, edit, insn, err, edit_replace);
}
