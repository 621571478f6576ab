// SPDX-License-Identifier: GPL-2.0
/*
 * Where a call has one format, at a known place of a constant or made of constants on the stack,
 * the copy takes its place right before the call:
 *
 *	r1 = .rodata + 16 ll		r1 = .rodata + 16 ll	(harmless)
 *	r2 = 8				r2 = 8			(harmless)
 *	...				...
 *	call bpf_trace_printk		r1 = .rodata.printk + 0 ll
 *					r2 = 17
 *					call bpf_trace_printk
 *
 * Compilers make one call of several at the ends of branches: then the format is one of some,
 * which are found by going back from the call to where its address is set. Which it is shows when
 * it runs:
 *
 *	call bpf_trace_printk		r0 = .rodata + 16 ll
 *					if r1 != r0 goto +4
 *					r1 = .rodata.printk + 0 ll
 *					r2 = 17
 *					goto +...		the call
 *					r0 = .rodata + 24 ll
 *					...
 *					call bpf_trace_printk
 *
 * r0 is free there, as the call sets it.
 */
#include "compat/printk.h"

#include <stdlib.h>
#include <string.h>

#include "compat/fold_internal.h"
#include "compat/insn.h"
#include "compat/piece.h"

enum { TRACE_PRINTK = 6, TRACE_VPRINTK = 177 };
#define DEPTH_MAX 500 /* of jumps that are gone back */
#define SEVERAL_MAX 64

/* A format, and where its copy is. */
struct format {
	uint32_t map, offset; /* of the original, where it is in a map */
	uint32_t copy, size;
};

struct site {
	uint32_t insn;
	uint32_t first, count; /* of tagger.formats; 0: none is known */
	bool any;              /* one of several */
};

struct tagger {
	struct object *obj;
	struct program *prog;
	struct printk_tagging *tagging;
	struct error *err;
	VEC(char) text; /* of the map that is added */
	VEC(struct format) formats;
	VEC(struct site) sites;   /* of this program */
	VEC(uint32_t) jumps;      /* of this program: instructions that are one */
	uint16_t *seen;           /* by instruction: registers looked for there */
};

/* ---- formats ---- */

/* Adds its copy, unless that is there: `text` is of at most len bytes with a NUL in them. */
static int add_format(struct tagger *t, const char *text, size_t len, uint32_t map, uint32_t offset)
{
	size_t tag = strlen(t->tagging->tag), size = strnlen(text, len) + tag + 2;
	struct format *format;
	char *copy;

	if (!memchr(text, 0, len))
		return 0; /* the kernel refuses it */
	copy = vec_add(&t->text, size);
	format = vec_push(&t->formats);
	if (!copy || !format)
		return error_memory(t->err);
	memcpy(copy, t->tagging->tag, tag);
	copy[tag] = '|';
	strcpy(copy + tag + 1, text);
	*format = (struct format){ map, offset, copy - t->text.at, size };
	return 1;
}

/* 1, 0 where there is no constant text, or -1. */
static int add_constant(struct tagger *t, uint32_t map, uint64_t offset, uint64_t size)
{
	const struct map *m = &t->obj->maps.at[map];

	if (m->role != MAP_RODATA || !m->data || offset >= m->value_size)
		return 0;
	if (size > m->value_size - offset)
		size = m->value_size - offset;
	return add_format(t, (const char *)m->data + offset, size, map, offset);
}

static int add_from_stack(struct tagger *t, const struct fold *f, const struct value *address,
			  uint64_t size)
{
	int64_t from = fold_stack_byte(f, address, 0);
	char text[STACK_MAX];

	if (size > sizeof(text) || from < 0 || from + size > f->slots * 8)
		return 0;
	for (uint64_t i = 0; i < size; i++) {
		const struct value *slot = &f->now[REGS + (from + i) / 8];

		if (slot->kind != VALUE_CONST || !(slot->known & 1 << (from + i) % 8))
			return 0;
		memcpy(text + i, (const char *)&slot->n + (from + i) % 8, 1);
	}
	return add_format(t, text, size, UINT32_MAX, 0);
}

/* ---- calls ---- */

static bool is_printk(const struct bpf_insn *insn)
{
	return insn_is_helper_call(insn) && (insn->imm == TRACE_PRINTK || insn->imm == TRACE_VPRINTK);
}

static int visit(const struct fold *f, uint32_t insn, void *ctx)
{
	struct value format = fold_reg(f, BPF_REG_1), size = fold_reg(f, BPF_REG_2);
	struct tagger *t = ctx;
	struct site *site;
	uint64_t max;
	int ret = 0;

	if (!is_printk(&f->prog->insns.at[insn]))
		return 0;
	site = vec_push(&t->sites);
	if (!site)
		return error_memory(t->err);
	*site = (struct site){ .insn = insn, .first = t->formats.len };
	max = size.kind == VALUE_CONST && (size.known & ALL_BYTES) == ALL_BYTES ? size.n : UINT64_MAX;
	if (format.kind == VALUE_GLOBAL)
		ret = add_constant(t, format.map, format.n, max);
	else if (format.kind == VALUE_FRAME)
		ret = add_from_stack(t, f, &format, max);
	site->count = ret > 0;
	return ret < 0 ? -1 : 0;
}

/* ---- one of several: where the address comes from ---- */

static const struct ref *ref_at(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->refs.len && prog->refs.at[i].insn <= insn; i++)
		if (prog->refs.at[i].insn == insn)
			return &prog->refs.at[i];
	return NULL;
}

static bool sets(const struct bpf_insn *insn, uint8_t reg)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
		return insn->dst_reg == reg;
	case BPF_LD:
		return insn_is_wide(insn) ? insn->dst_reg == reg : reg <= BPF_REG_5;
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_ATOMIC &&
		       (insn->src_reg == reg || reg == BPF_REG_0);
	}
	return insn_is_call(insn) && reg <= BPF_REG_5;
}

static bool is_func_start(const struct program *prog, uint32_t insn)
{
	for (size_t i = 0; i < prog->funcs.len; i++)
		if (prog->funcs.at[i].insn == insn)
			return true;
	return false;
}

/*
 * At an instruction behind which the register is looked for: 1 where that sets it to a constant, 0
 * where it sets it to something else, 2 where one has to look before it, of *reg, or -1.
 */
static int look_at(struct tagger *t, uint32_t insn, uint8_t *reg)
{
	const struct bpf_insn *at = &t->prog->insns.at[insn];
	const struct ref *ref;

	if (!sets(at, *reg))
		return 2;
	if (at->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !at->off && at->src_reg != BPF_REG_10) {
		*reg = at->src_reg;
		return 2;
	}
	ref = insn_is_wide(at) ? ref_at(t->prog, insn) : NULL;
	return ref && ref->kind == REF_VALUE ?
		       add_constant(t, ref->target, ref->offset, UINT64_MAX) : 0;
}

static int look_before(struct tagger *t, uint32_t insn, uint8_t reg, uint32_t depth);

/* Where jumps to `insn` come from. */
static int look_at_jumps(struct tagger *t, uint32_t insn, uint8_t reg, uint32_t depth)
{
	const struct bpf_insn *insns = t->prog->insns.at;
	int ret = 1;

	for (size_t i = 0; ret > 0 && i < t->jumps.len; i++) {
		uint32_t from = t->jumps.at[i];

		if (insn_target(&insns[from], from) == insn)
			ret = look_before(t, from, reg, depth + 1);
	}
	return ret;
}

/* 1 where all ways to it lead from constants, 0 where not, or -1. */
static int look_before(struct tagger *t, uint32_t insn, uint8_t reg, uint32_t depth)
{
	const struct bpf_insn *insns = t->prog->insns.at;
	int ret = 2;

	while (ret == 2) {
		if (t->seen[insn] & 1 << reg)
			return 1;
		t->seen[insn] |= 1 << reg;
		if (is_func_start(t->prog, insn) || depth > DEPTH_MAX)
			return 0;
		ret = look_at_jumps(t, insn, reg, depth);
		if (ret <= 0)
			return ret;
		insn--;
		if (insn && insn_is_wide(&insns[insn - 1]))
			insn--;
		if (insn_ends_flow(&insns[insn]))
			return 1;
		ret = look_at(t, insn, &reg);
	}
	return ret;
}

static int find_several(struct tagger *t, struct site *site)
{
	size_t text = t->text.len;
	int ret;

	memset(t->seen, 0, t->prog->insns.len * sizeof(*t->seen));
	site->first = t->formats.len;
	ret = look_before(t, site->insn, BPF_REG_1, 0);
	if (ret > 0) {
		site->any = true;
		site->count = t->formats.len - site->first;
		return 0;
	}
	t->formats.len = site->first;
	t->text.len = text;
	return ret;
}

static int find_all_several(struct tagger *t)
{
	int ret = 0;

	for (uint32_t i = 0; i < t->prog->insns.len; i++) {
		const struct bpf_insn *insn = &t->prog->insns.at[i];
		uint32_t *jump = insn_is_jump(insn) ? vec_push(&t->jumps) : NULL;

		if (jump)
			*jump = i;
		else if (insn_is_jump(insn))
			return error_memory(t->err);
		i += insn_is_wide(insn);
	}
	t->seen = calloc(t->prog->insns.len, sizeof(*t->seen));
	if (!t->seen)
		return error_memory(t->err);
	for (size_t i = 0; !ret && i < t->sites.len; i++)
		if (!t->sites.at[i].count)
			ret = find_several(t, &t->sites.at[i]);
	return ret;
}

/* ---- the change ---- */

static void put_address(struct piece *p, uint8_t reg, uint32_t map, uint32_t offset)
{
	piece_put_map(p, reg, map);
	if (p->refs.len) {
		p->refs.at[p->refs.len - 1].kind = REF_VALUE;
		p->refs.at[p->refs.len - 1].offset = offset;
	}
}

static void put_copy(struct piece *p, uint32_t map, const struct format *format)
{
	put_address(p, BPF_REG_1, map, format->copy);
	piece_put(p, INSN_MOV_IMM(BPF_REG_2, format->size));
}

static int change_site(struct tagger *t, struct edit *edit, const struct site *site)
{
	const struct format *format = t->formats.at + site->first;
	uint32_t map = t->obj->maps.len; /* that will be added */
	struct piece p = { .failed = false };
	size_t jump, end[SEVERAL_MAX], ends = 0;

	if (!site->any) {
		put_copy(&p, map, format);
		return piece_insert(&p, edit, site->insn, t->err);
	}
	for (uint32_t i = 0; i < site->count; i++, format++) {
		put_address(&p, BPF_REG_0, format->map, format->offset);
		jump = piece_put(&p, INSN(BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_0, 0, 0));
		put_copy(&p, map, format);
		if (i + 1 < site->count)
			end[ends++] = piece_put(&p, INSN_GOTO(0));
		piece_land(&p, jump);
	}
	while (ends)
		piece_land(&p, end[--ends]);
	return piece_insert(&p, edit, site->insn, t->err);
}

static int change_program(struct tagger *t)
{
	struct edit edit;
	int ret = edit_init(&edit, t->prog, t->err);

	for (size_t i = 0; !ret && i < t->sites.len; i++) {
		const struct site *site = &t->sites.at[i];

		t->tagging->calls++;
		if (!site->count || site->count > SEVERAL_MAX)
			t->tagging->untagged++;
		else
			ret = change_site(t, &edit, site);
	}
	if (!ret && edit.changes.len)
		ret = edit_apply(&edit, t->err);
	edit_fini(&edit);
	return ret;
}

static bool has_printk(const struct program *prog)
{
	for (uint32_t i = 0; i < prog->insns.len; i += 1 + insn_is_wide(&prog->insns.at[i]))
		if (is_printk(&prog->insns.at[i]))
			return true;
	return false;
}

static int tag_program(struct tagger *t)
{
	bool several = false;
	int ret = fold_visit(t->obj, t->prog, visit, t, t->err);

	for (size_t i = 0; i < t->sites.len; i++)
		several |= !t->sites.at[i].count;
	if (!ret && several)
		ret = find_all_several(t);
	if (!ret)
		ret = change_program(t);
	free(t->seen);
	t->seen = NULL;
	vec_fini(&t->sites);
	vec_fini(&t->jumps);
	return ret;
}

static int add_map(struct tagger *t)
{
	struct map *map = object_add_map(t->obj, PRINTK_MAP);

	if (!map)
		return error_memory(t->err);
	map->role = MAP_RODATA;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = t->text.len;
	map->max_entries = 1;
	map->flags = BPF_F_RDONLY_PROG;
	map->data = (uint8_t *)t->text.at;
	memset(&t->text, 0, sizeof(t->text));
	return 0;
}

int printk_tag(struct object *obj, struct printk_tagging *tagging, struct error *err)
{
	struct tagger t = { .obj = obj, .tagging = tagging, .err = err };
	int ret = 0;

	tagging->calls = tagging->untagged = 0;
	for (size_t i = 0; !ret && i < obj->programs.len; i++) {
		t.prog = &obj->programs.at[i];
		if (t.prog->autoload && has_printk(t.prog))
			ret = tag_program(&t);
	}
	if (!ret && t.text.len)
		ret = add_map(&t);
	vec_fini(&t.text);
	vec_fini(&t.formats);
	return ret ? error_wrap(err, "%s", obj->name) : 0;
}
