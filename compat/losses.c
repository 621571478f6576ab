// SPDX-License-Identifier: GPL-2.0
#include "compat/losses.h"

#include <stdlib.h>

#include "compat/fold_internal.h"
#include "compat/insn.h"
#include "compat/piece.h"

#define FUNC_perf_event_output 25
#define FUNC_ringbuf_output 130
#define FUNC_ringbuf_reserve 131
#define FUNC_ringbuf_reserve_dynptr 198

struct counting {
	struct losses_sites *sites;
	size_t program;
	uint32_t map; /* LOSSES_MAP, which is added at the end: its number is known before */
	struct edit edit;
	struct error *err;
};

/* The jump that is taken where the record has found room; code 0: the helper sends none. */
static struct bpf_insn when_sent(int32_t helper)
{
	switch (helper) {
	case FUNC_ringbuf_reserve:
		return INSN_JUMP_IMM(BPF_JNE, BPF_REG_0, 0, 0);
	case FUNC_perf_event_output:
	case FUNC_ringbuf_output:
	case FUNC_ringbuf_reserve_dynptr:
		return INSN_JUMP_IMM(BPF_JSGE, BPF_REG_0, 0, 0);
	default:
		return INSN(0, 0, 0, 0, 0);
	}
}

/* Its number, or -1 without memory. */
static int64_t find_site(struct counting *c, size_t map)
{
	struct losses_site *site;
	size_t i;

	for (i = 0; i < c->sites->sites.len; i++) {
		site = &c->sites->sites.at[i];
		if (site->program == c->program && site->map == map)
			return i;
	}
	site = vec_push(&c->sites->sites);
	if (!site)
		return error_memory(c->err);
	*site = (struct losses_site){ c->program, map };
	return i;
}

static int count_call(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	struct counting *c = ctx;
	struct bpf_insn sent;
	struct piece p = { 0 };
	struct value map;
	int64_t site;
	size_t jump;

	if (!insn_is_helper_call(insn) || !when_sent(insn->imm).code)
		return 0;
	sent = when_sent(insn->imm);
	map = fold_reg(f, insn->imm == FUNC_perf_event_output ? BPF_REG_2 : BPF_REG_1);
	site = find_site(c, map.kind == VALUE_MAP ? map.map : LOSSES_ANY);
	if (site < 0)
		return -1;
	piece_put(&p, *insn);
	jump = piece_put(&p, sent);
	piece_put_value(&p, BPF_REG_1, c->map, site * sizeof(uint64_t));
	piece_put(&p, INSN_MOV_IMM(BPF_REG_2, 1));
	piece_put(&p, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_1, BPF_REG_2, 0, BPF_ADD));
	piece_land(&p, jump);
	return piece_replace(&p, &c->edit, at, c->err);
}

static int count_in(struct object *obj, struct counting *c)
{
	struct program *prog = &obj->programs.at[c->program];
	int ret = edit_init(&c->edit, prog, c->err);

	if (!ret)
		ret = fold_visit(obj, prog, count_call, c, c->err);
	if (!ret && c->edit.changes.len)
		ret = edit_apply(&c->edit, c->err);
	edit_fini(&c->edit);
	return ret;
}

static int add_map(struct object *obj, size_t sites, struct error *err)
{
	struct map *map = object_add_map(obj, LOSSES_MAP);

	if (!map)
		return error_memory(err);
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = sites * sizeof(uint64_t);
	map->max_entries = 1;
	return 0;
}

static bool sends(const struct program *prog)
{
	for (size_t i = 0; prog->autoload && i < prog->insns.len; i++)
		if (insn_is_helper_call(&prog->insns.at[i]) &&
		    when_sent(prog->insns.at[i].imm).code)
			return true;
	return false;
}

int count_losses(struct object *obj, struct caps *caps, struct losses_sites *sites,
		 struct error *err)
{
	struct counting c = { .sites = sites, .map = obj->maps.len, .err = err };

	for (; c.program < obj->programs.len; c.program++) {
		if (!sends(&obj->programs.at[c.program]))
			continue;
		if (caps_ask(caps, CAP_GLOBAL_DATA) != CAP_YES)
			return 0;
		if (count_in(obj, &c))
			return -1;
	}
	return sites->sites.len ? add_map(obj, sites->sites.len, err) : 0;
}
