// SPDX-License-Identifier: GPL-2.0
/*
 * What the walk in btf.c leaves open: whether what types refer to is there and makes sense.
 *
 * Two graphs must end. One is of what a type contains, through which its size is found: a struct
 * its members, an array its elements, a typedef its type; pointers contain nothing. The other is
 * of what a type is called by, through which its declaration is written: pointers, functions,
 * arrays and qualifiers lead on, structs have a name. E.g.
 *
 *	[1] STRUCT s { p: 2, a: 3 }   contains: 1 -> 2, 1 -> 3 -> 1, a cycle: s in s
 *	[2] PTR -> 1                  is called by: 2 -> 1, the end
 *	[3] ARRAY of 1
 *
 * Each is searched depth first over a stack that is no deeper than what is allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "btf/btf.h"

#define MAX_DEPTH 64 /* the kernel's own limit is 32 */

enum graph { CONTAINS, CALLED_BY };

struct check {
	const struct btf *btf;
	struct error *err;
	uint32_t id;             /* being looked at */
	const struct btf_type *t;
};

static int fail(const struct check *c, const char *what, uint32_t got, const char *expected)
{
	const char *name = btf_string(c->btf, c->t->name_off);

	return error_set(c->err, ERROR_FORMAT, "BTF: type %u%s%.100s%s at offset %zu of the types: %s: got %u, "
			 "expected %s", c->id, *name ? " '" : "", name, *name ? "'" : "",
			 (size_t)((const uint8_t *)c->t - c->btf->types), what, got, expected);
}

/* ---- each type by itself ---- */

static bool has_string(const struct btf *btf, uint32_t off)
{
	return !off || off - btf->strings_start < btf->strings_len ||
	       (btf->base && off < btf->strings_start);
}

static int check_name(const struct check *c, uint32_t off)
{
	return has_string(c->btf, off) ? 0 : fail(c, "name", off, "an offset within the strings");
}

/* May stand where C wants a type: not a function, a variable, a section, or a tag on one. */
static bool is_type(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
	case BTF_KIND_DECL_TAG:
		return false;
	default:
		return true;
	}
}

static int check_ref(const struct check *c, const char *what, uint32_t id)
{
	const struct btf_type *t = btf_type(c->btf, id);

	return !id || (t && is_type(t)) ? 0 : fail(c, what, id, "the id of a type");
}

static int check_kind(const struct check *c, const char *what, uint32_t id, uint32_t kind,
		      const char *expected)
{
	const struct btf_type *t = btf_type(c->btf, id);

	return t && btf_kind(t) == kind ? 0 : fail(c, what, id, expected);
}

static int check_int(const struct check *c)
{
	uint32_t word = *(const uint32_t *)btf_extra(c->t);

	if (c->t->size > 16 || BTF_INT_BITS(word) + BTF_INT_OFFSET(word) > c->t->size * 8)
		return fail(c, "bits", BTF_INT_BITS(word), "no more than its size holds");
	return 0;
}

static int check_array(const struct check *c)
{
	const struct btf_array *array = btf_extra(c->t);

	if (!array->type)
		return fail(c, "element", 0, "the id of a type");
	return check_ref(c, "element", array->type) || check_ref(c, "index", array->index_type);
}

static int check_members(const struct check *c)
{
	const struct btf_member *m = btf_extra(c->t);
	uint32_t i;

	for (i = 0; i < btf_vlen(c->t); i++) {
		if (check_name(c, m[i].name_off) || check_ref(c, "member", m[i].type))
			return -1;
		if (!m[i].type)
			return fail(c, "member", 0, "the id of a type");
		if (btf_member_bit_offset(c->t, &m[i]) > (uint64_t)c->t->size * 8)
			return fail(c, "bit offset of a member",
				    btf_member_bit_offset(c->t, &m[i]), "one within its size");
	}
	return 0;
}

/* Words per value: 2 of an enum, 3 of an enum64; the name is the first. */
static int check_values(const struct check *c, uint32_t words)
{
	const uint32_t *value = btf_extra(c->t);
	uint32_t i;

	/* Of an enum that is only declared, `enum z;`, clang knows neither size nor values. */
	if (!c->t->size && !btf_vlen(c->t))
		return 0;
	if (!c->t->size || c->t->size > 8 || c->t->size & (c->t->size - 1))
		return fail(c, "size", c->t->size, "1, 2, 4 or 8");
	for (i = 0; i < btf_vlen(c->t); i++)
		if (check_name(c, value[words * i]))
			return -1;
	return 0;
}

static int check_proto(const struct check *c)
{
	const struct btf_param *param = btf_extra(c->t);
	uint32_t i;

	if (check_ref(c, "return type", c->t->type))
		return -1;
	for (i = 0; i < btf_vlen(c->t); i++)
		if (check_name(c, param[i].name_off) || check_ref(c, "parameter", param[i].type))
			return -1;
	return 0;
}

static int check_section(const struct check *c)
{
	const struct btf_var_secinfo *info = btf_extra(c->t);
	uint32_t i;

	for (i = 0; i < btf_vlen(c->t); i++) {
		const struct btf_type *t = btf_type(c->btf, info[i].type);

		if (!t || (btf_kind(t) != BTF_KIND_VAR && btf_kind(t) != BTF_KIND_FUNC))
			return fail(c, "variable", info[i].type, "the id of a variable or function");
	}
	return 0;
}

static int check_tag(const struct check *c)
{
	const struct btf_decl_tag *tag = btf_extra(c->t);
	const struct btf_type *t = btf_type(c->btf, c->t->type);

	if (!t)
		return fail(c, "what it tags", c->t->type, "an id that is there");
	if (btf_kind(t) == BTF_KIND_FUNC)
		t = btf_type(c->btf, t->type);
	if (tag->component_idx != -1 && (!t || (uint32_t)tag->component_idx >= btf_vlen(t)))
		return fail(c, "component", tag->component_idx, "a member or parameter of what it tags");
	return 0;
}

static int check_type(const struct check *c)
{
	/* A kind that is only known by its length may have anything there. */
	if (btf_kind(c->t) > BTF_KIND_ENUM64)
		return 0;
	if (check_name(c, c->t->name_off))
		return -1;
	switch (btf_kind(c->t)) {
	case BTF_KIND_INT:
		return check_int(c);
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return check_ref(c, "type", c->t->type);
	case BTF_KIND_ARRAY:
		return check_array(c);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(c);
	case BTF_KIND_ENUM:
		return check_values(c, 2);
	case BTF_KIND_ENUM64:
		return check_values(c, 3);
	case BTF_KIND_FUNC:
		return check_kind(c, "type", c->t->type, BTF_KIND_FUNC_PROTO,
				  "the id of a function prototype");
	case BTF_KIND_FUNC_PROTO:
		return check_proto(c);
	case BTF_KIND_VAR:
		return check_ref(c, "type", c->t->type);
	case BTF_KIND_DATASEC:
		return check_section(c);
	case BTF_KIND_DECL_TAG:
		return check_tag(c);
	}
	return 0;
}

/* ---- the two graphs ---- */

/* Edge i of a type, 0 where it leads to nothing. False: it has no more. */
static bool edge(const struct btf_type *t, enum graph graph, uint32_t i, uint32_t *to)
{
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		*to = t->type;
		return graph == CALLED_BY && i == 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		*to = t->type;
		return i == 0;
	case BTF_KIND_ARRAY:
		*to = ((const struct btf_array *)btf_extra(t))->type;
		return i == 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (graph != CONTAINS || i >= btf_vlen(t))
			return false;
		*to = ((const struct btf_member *)btf_extra(t))[i].type;
		return true;
	case BTF_KIND_FUNC_PROTO:
		if (graph != CALLED_BY || i > btf_vlen(t))
			return false;
		*to = i ? ((const struct btf_param *)btf_extra(t))[i - 1].type : t->type;
		return true;
	default:
		return false;
	}
}

struct frame {
	uint32_t id;
	const struct btf_type *t;
	uint32_t next;  /* edge */
	uint8_t depth;  /* of the deepest below it so far */
};

enum { UNSEEN = 0, OPEN = 255 }; /* else the depth of what is below, plus 1 */

/* Goes down from one type. seen: a byte for each of the BTF's own types. */
static int descend(struct check *c, enum graph graph, uint8_t *seen)
{
	struct frame stack[MAX_DEPTH];
	const struct btf *btf = c->btf;
	unsigned int at = 0;
	uint32_t to;

	stack[0] = (struct frame){ .id = c->id, .t = c->t };
	seen[c->id - btf->first] = OPEN;
	for (;;) {
		struct frame *f = &stack[at];
		uint8_t *below;

		if (!edge(f->t, graph, f->next, &to)) {
			seen[f->id - btf->first] = f->depth + 1;
			if (!at)
				return 0;
			if (stack[--at].depth < f->depth + 1)
				stack[at].depth = f->depth + 1;
			continue;
		}
		f->next++;
		/* What is in the base was its own to check. */
		if (to < btf->first)
			continue;
		below = &seen[to - btf->first];
		if (*below == OPEN)
			return fail(c, graph == CONTAINS ? "contents" : "chain", to,
				    graph == CONTAINS ? "none that contain themselves"
						      : "none that leads back to itself");
		if (at + (*below ? *below : 1) >= MAX_DEPTH)
			return fail(c, "depth", MAX_DEPTH + 1, "at most 64 types deep");
		if (*below && f->depth < *below)
			f->depth = *below;
		if (*below)
			continue;
		*below = OPEN;
		stack[++at] = (struct frame){ .id = to, .t = btf_type(btf, to) };
	}
}

static int check_graph(struct check *c, enum graph graph, uint8_t *seen)
{
	const struct btf *btf = c->btf;

	memset(seen, UNSEEN, btf->count - btf->first);
	for (c->id = btf->first; c->id < btf->count; c->id++) {
		c->t = btf_type(btf, c->id);
		if (seen[c->id - btf->first] == UNSEEN && descend(c, graph, seen))
			return -1;
	}
	return 0;
}

int btf_check(const struct btf *btf, struct error *err)
{
	struct check c = { .btf = btf, .err = err };
	uint8_t *seen;
	int ret;

	for (c.id = btf->first; c.id < btf->count; c.id++) {
		c.t = btf_type(btf, c.id);
		if (check_type(&c))
			return -1;
	}
	seen = malloc(btf->count - btf->first + 1);
	if (!seen)
		return error_memory(err);
	ret = check_graph(&c, CONTAINS, seen) || check_graph(&c, CALLED_BY, seen) ? -1 : 0;
	free(seen);
	return ret;
}
