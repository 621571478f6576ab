// SPDX-License-Identifier: GPL-2.0
/* The steps of a path sought in the target's types, by name. */
#include "btf/core_internal.h"

#include <string.h>

#define MAX_NESTING 16    /* of anonymous members, far more than any C that people write */
#define MAX_VISITS 200000 /* members looked at in one search: the target's BTF may be hostile */

static const struct btf_type *resolved(const struct btf *btf, uint32_t id)
{
	return btf_type(btf, btf_resolve(btf, id));
}

static bool same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_enum(a) && btf_is_enum(b));
}

/* "task_struct___v2" stands for task_struct. */
bool core_same_plain_name(const char *a, const char *b)
{
	size_t len = btf_plain_length(a, SIZE_MAX);

	return len == btf_plain_length(b, SIZE_MAX) && !strncmp(a, b, len);
}

/* Unnamed ones may stand for any. */
static bool names_agree(const char *a, const char *b)
{
	return !*a || !*b || core_same_plain_name(a, b);
}

/*
 * Whether a field of the one type can be what a field of the other is. Loose on purpose: sizes
 * and signs may differ, that is what the relocation is there for.
 */
static bool fields_agree(const struct core *core, uint32_t local_id, uint32_t target_id)
{
	int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		const struct btf_type *l = resolved(core->local, local_id);
		const struct btf_type *t = resolved(core->target, target_id);

		if (!l || !t)
			return !l && !t;
		if (btf_is_composite(l) && btf_is_composite(t))
			return true;
		if (!same_kind(l, t))
			return false;
		if (btf_kind(l) == BTF_KIND_FWD || btf_is_enum(l))
			return names_agree(btf_string(core->local, l->name_off),
					   btf_string(core->target, t->name_off));
		if (btf_kind(l) != BTF_KIND_ARRAY)
			return btf_kind(l) == BTF_KIND_INT || btf_kind(l) == BTF_KIND_PTR ||
			       btf_kind(l) == BTF_KIND_FLOAT;
		local_id = ((const struct btf_array *)btf_extra(l))->type;
		target_id = ((const struct btf_array *)btf_extra(t))->type;
	}
	return false;
}

/*
 * The member of that name, also inside anonymous members. Depth first over a stack of our own;
 * `visits` bounds what a hostile type, anonymous members of anonymous members, can cost.
 */
static bool find_member(const struct btf *btf, const char *name, struct place *place)
{
	struct {
		const struct btf_type *t;
		uint32_t next;
		uint64_t bit_offset;
	} stack[MAX_NESTING];
	unsigned int depth = 0, visits = 0;

	stack[0].t = btf_type(btf, btf_resolve(btf, place->type));
	stack[0].next = 0;
	stack[0].bit_offset = place->bit_offset;
	if (!stack[0].t || !btf_is_composite(stack[0].t))
		return false;
	for (;;) {
		const struct btf_type *t = stack[depth].t, *inner;
		const struct btf_member *m;

		if (stack[depth].next == btf_vlen(t)) {
			if (!depth--)
				return false;
			continue;
		}
		if (++visits > MAX_VISITS)
			return false;
		m = (const struct btf_member *)btf_extra(t) + stack[depth].next++;
		place->bit_offset = stack[depth].bit_offset;
		core_add_member(place, t, m);
		if (!strcmp(btf_string(btf, m->name_off), name))
			return true;
		inner = *btf_string(btf, m->name_off) ? NULL :
							btf_type(btf, btf_resolve(btf, m->type));
		if (!inner || !btf_is_composite(inner) || depth + 1 == MAX_NESTING)
			continue;
		depth++;
		stack[depth].t = inner;
		stack[depth].next = 0;
		stack[depth].bit_offset = place->bit_offset;
	}
}

static bool target_step(const struct core *core, const struct step *step, struct place *place)
{
	const struct btf_array *array;
	const struct btf_type *t;

	if (step->name)
		return find_member(core->target, step->name, place) &&
		       fields_agree(core, step->type, place->type);
	t = btf_type(core->target, btf_resolve(core->target, place->type));
	if (!t || btf_kind(t) != BTF_KIND_ARRAY)
		return false;
	array = btf_extra(t);
	return core_element_exists(place, array, step->index) &&
	       core_add_element(core->target, place, array->type, step->index);
}

bool core_find_place(const struct core *core, const struct path *path, uint32_t candidate,
		       struct place *place)
{
	unsigned int i;

	*place = (struct place){ .type = candidate };
	if (!core_add_element(core->target, place, candidate, path->first))
		return false;
	for (i = 0; i < path->len; i++)
		if (!target_step(core, &path->steps[i], place))
			return false;
	return true;
}

bool core_find_dead_end(const struct core *core, const struct path *path, uint32_t candidate,
			struct dead_end *end)
{
	struct place place = { .type = candidate }, before;
	unsigned int i;

	for (i = 0; i < path->len; i++) {
		before = place;
		if (target_step(core, &path->steps[i], &place))
			continue;
		*end = (struct dead_end){ .step = i, .type = before.type };
		end->is_member = path->steps[i].name;
		if (end->is_member && find_member(core->target, path->steps[i].name, &before))
			end->found = before.type;
		return true;
	}
	return false;
}

/* Index of the enumerator of that name, or -1. */
int64_t core_find_enumerator(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	uint32_t i;

	if (!t || !btf_is_enum(t))
		return -1;
	for (i = 0; i < btf_vlen(t); i++)
		if (core_same_plain_name(btf_string(btf, btf_enumerator_name(t, i)), name))
			return i;
	return -1;
}
