// SPDX-License-Identifier: GPL-2.0
/*
 * Types as wholes. To agree they need little more than to be of one kind; to match, the target
 * must have all that the local type has:
 *
 *	struct page { unsigned long flags; struct { int a; } in; struct folio *of; }     local
 *	struct page { struct folio *of; u64 flags; struct { int b; long a; } in; }       target
 *
 *	flags   integers of one size and sign, whatever typedefs call them       match
 *	in      a struct, so member by member: int a is no long a                no match
 *	of      behind a pointer names and kinds are enough                      match
 *
 * A target's BTF may be hostile: of structs that hold each other the number of pairs to compare
 * can double with each level. So what was found out of a pair is kept, and depth is bounded.
 */
#include "btf/core_internal.h"

#include <string.h>

#define MAX_DEPTH 32
#define KEPT 512 /* pairs */

struct pair {
	uint32_t local, target;
	uint8_t behind_pointer, state; /* 0: not kept, 1: no match, 2: match */
};

struct matcher {
	const struct core *core;
	struct pair kept[KEPT]; /* by hash; the later pair takes the place */
	uint32_t left;          /* comparisons of types or names that may follow */
};

static const struct btf_type *resolved(const struct btf *btf, uint32_t *id)
{
	*id = btf_resolve(btf, *id);
	return btf_type(btf, *id);
}

static bool same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_enum(a) && btf_is_enum(b));
}

/* ---- agreeing ---- */

static bool agree(const struct core *core, uint32_t local_id, uint32_t target_id, int depth,
		  uint32_t *left);

static bool protos_agree(const struct core *core, const struct btf_type *l,
			 const struct btf_type *t, int depth, uint32_t *left)
{
	const struct btf_param *lp = btf_extra(l), *tp = btf_extra(t);
	uint32_t i;

	if (btf_vlen(l) != btf_vlen(t))
		return false;
	for (i = 0; i < btf_vlen(l); i++)
		if (!agree(core, lp[i].type, tp[i].type, depth - 1, left))
			return false;
	return agree(core, l->type, t->type, depth - 1, left);
}

static bool agree(const struct core *core, uint32_t local_id, uint32_t target_id, int depth,
		  uint32_t *left)
{
	for (; depth > 0 && *left; depth--, --*left) {
		const struct btf_type *l = resolved(core->local, &local_id);
		const struct btf_type *t = resolved(core->target, &target_id);

		if (!l || !t)
			return !local_id && !target_id; /* void */
		if (!same_kind(l, t))
			return false;
		if (btf_kind(l) == BTF_KIND_FUNC_PROTO)
			return protos_agree(core, l, t, depth, left);
		if (btf_kind(l) == BTF_KIND_PTR) {
			local_id = l->type;
			target_id = t->type;
		} else if (btf_kind(l) == BTF_KIND_ARRAY) {
			local_id = ((const struct btf_array *)btf_extra(l))->type;
			target_id = ((const struct btf_array *)btf_extra(t))->type;
		} else {
			return true;
		}
	}
	return false;
}

bool core_types_agree(const struct core *core, uint32_t local_id, uint32_t target_id)
{
	uint32_t left = 100000;

	/* The roots' own kinds, too: a typedef does not stand for a struct of its name. */
	return same_kind(btf_type(core->local, local_id), btf_type(core->target, target_id)) &&
	       agree(core, local_id, target_id, MAX_DEPTH, &left);
}

bool core_types_fit(const struct btf *local, uint32_t local_id, const struct btf *target,
		    uint32_t target_id)
{
	struct core core = { .local = local, .target = target };
	uint32_t left = 100000;

	return agree(&core, local_id, target_id, MAX_DEPTH, &left);
}

/* ---- matching ---- */

static bool match(struct matcher *m, uint32_t local_id, uint32_t target_id, bool behind_pointer,
		  int depth);

/* A nameless type matches only a nameless one. */
static bool names_match(const struct core *core, uint32_t local_off, uint32_t target_off)
{
	return core_same_plain_name(btf_string(core->local, local_off),
				    btf_string(core->target, target_off));
}

static bool has_member(struct matcher *m, const struct btf_member *local,
		       const struct btf_type *target, bool behind_pointer, int depth)
{
	const struct btf_member *member = btf_extra(target);
	uint32_t i;

	for (i = 0; i < btf_vlen(target) && m->left; i++, m->left--)
		if (names_match(m->core, local->name_off, member[i].name_off) &&
		    match(m, local->type, member[i].type, behind_pointer, depth - 1))
			return true;
	return false;
}

static bool composites_match(struct matcher *m, const struct btf_type *l,
			     const struct btf_type *t, int depth)
{
	const struct btf_member *member = btf_extra(l);
	uint32_t i;

	for (i = 0; i < btf_vlen(l); i++)
		if (!has_member(m, &member[i], t, false, depth))
			return false;
	return true;
}

static uint32_t enumerator_name(const struct btf_type *t, uint32_t i)
{
	return btf_kind(t) == BTF_KIND_ENUM ?
		       ((const struct btf_enum *)btf_extra(t))[i].name_off :
		       ((const struct btf_enum64 *)btf_extra(t))[i].name_off;
}

static bool has_enumerator(struct matcher *m, uint32_t name_off, const struct btf_type *target)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(target) && m->left; i++, m->left--)
		if (names_match(m->core, name_off, enumerator_name(target, i)))
			return true;
	return false;
}

/* By name; what they stand for may differ. */
static bool enums_match(struct matcher *m, const struct btf_type *l, const struct btf_type *t)
{
	uint32_t i;

	if (l->size != t->size)
		return false;
	for (i = 0; i < btf_vlen(l); i++)
		if (!has_enumerator(m, enumerator_name(l, i), t))
			return false;
	return true;
}

static bool protos_match(struct matcher *m, const struct btf_type *l, const struct btf_type *t,
			 bool behind_pointer, int depth)
{
	const struct btf_param *lp = btf_extra(l), *tp = btf_extra(t);
	uint32_t i;

	if (btf_vlen(l) != btf_vlen(t))
		return false;
	for (i = 0; i < btf_vlen(l); i++)
		if (!match(m, lp[i].type, tp[i].type, behind_pointer, depth - 1))
			return false;
	return match(m, l->type, t->type, behind_pointer, depth - 1);
}

/* A struct or union stands for a declaration of it, where no more than a pointer is wanted. */
static bool is_declaration_of(const struct btf_type *fwd, const struct btf_type *t)
{
	uint32_t kind = BTF_INFO_KFLAG(fwd->info) ? BTF_KIND_UNION : BTF_KIND_STRUCT;

	if (btf_kind(fwd) != BTF_KIND_FWD)
		return false;
	return btf_kind(t) == kind || (btf_kind(t) == BTF_KIND_FWD &&
				       BTF_INFO_KFLAG(t->info) == BTF_INFO_KFLAG(fwd->info));
}

static bool match_behind_pointer(const struct btf_type *l, const struct btf_type *t)
{
	if (btf_is_composite(l) && btf_kind(l) == btf_kind(t))
		return true;
	return is_declaration_of(l, t) || is_declaration_of(t, l);
}

static bool is_named_composite(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_kind(t) == BTF_KIND_FWD;
}

static bool arrays_match(struct matcher *m, const struct btf_type *l, const struct btf_type *t,
			 bool behind_pointer, int depth)
{
	const struct btf_array *la = btf_extra(l), *ta = btf_extra(t);

	return la->nelems == ta->nelems && match(m, la->type, ta->type, behind_pointer, depth - 1);
}

static bool match_resolved(struct matcher *m, const struct btf_type *l, const struct btf_type *t,
			   bool behind_pointer, int depth)
{
	if ((is_named_composite(l) || btf_is_enum(l)) &&
	    !names_match(m->core, l->name_off, t->name_off))
		return false;
	if (behind_pointer && is_named_composite(l))
		return match_behind_pointer(l, t);
	if (!same_kind(l, t))
		return false;
	switch (btf_kind(l)) {
	case BTF_KIND_INT:
		return l->size == t->size && core_is_signed(l) == core_is_signed(t);
	case BTF_KIND_FLOAT:
		return l->size == t->size;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return enums_match(m, l, t);
	case BTF_KIND_FWD:
		return is_declaration_of(l, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return composites_match(m, l, t, depth);
	case BTF_KIND_PTR:
		return match(m, l->type, t->type, true, depth - 1);
	case BTF_KIND_ARRAY:
		return arrays_match(m, l, t, behind_pointer, depth);
	case BTF_KIND_FUNC_PROTO:
		return protos_match(m, l, t, behind_pointer, depth);
	}
	return false;
}

static bool match(struct matcher *m, uint32_t local_id, uint32_t target_id, bool behind_pointer,
		  int depth)
{
	const struct btf_type *l = resolved(m->core->local, &local_id);
	const struct btf_type *t = resolved(m->core->target, &target_id);
	struct pair *pair = &m->kept[(local_id * 31 + target_id * 2 + behind_pointer) % KEPT];
	bool yes;

	if (!l || !t)
		return !local_id && !target_id; /* void */
	if (pair->state && pair->local == local_id && pair->target == target_id &&
	    pair->behind_pointer == behind_pointer)
		return pair->state == 2;
	if (!depth || !m->left)
		return false;
	yes = match_resolved(m, l, t, behind_pointer, depth);
	*pair = (struct pair){ local_id, target_id, behind_pointer, yes ? 2 : 1 };
	return yes;
}

bool core_types_match(const struct core *core, uint32_t local_id, uint32_t target_id)
{
	struct matcher m = { .core = core, .left = 4000000 };

	return same_kind(btf_type(core->local, local_id), btf_type(core->target, target_id)) &&
	       match(&m, local_id, target_id, false, MAX_DEPTH);
}
