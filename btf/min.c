// SPDX-License-Identifier: GPL-2.0
/*
 * Marks what relocations reach, then writes what is marked. For task->mm->arg_start, that is two
 * relocations, "task_struct.mm" and "mm_struct.arg_start":
 *
 *	struct task_struct           name and size kept, and of its members
 *	  mm                         this one, offset kept
 *	    -> pointer               kept; pointers are all alike, so it may point at nothing:
 *	         struct mm_struct    kept because of the second relocation
 *	           (anonymous)       kept as the way to
 *	             arg_start       this one
 *	               -> unsigned long
 *
 * Ids count up in the order of the original, so equal marks give equal bytes.
 */
#include "btf/min.h"

#include <stdlib.h>
#include <string.h>

#include "btf/core_internal.h"
#include "btf/write.h"

#define MAX_NESTING 16 /* of anonymous members, as core_find_place() has it */

/* How much of a type is looked at; each holds what those before it do. */
enum level {
	LEVEL_NONE,
	LEVEL_FIELD,   /* as what a field is: kind, name and size */
	LEVEL_NAME,    /* by its name, and what it points at by that of its own */
	LEVEL_POINTED, /* matched behind a pointer: the same, and all enumerators */
	LEVEL_WHOLE,   /* matched: all members, too */
};

static const struct {
	enum level pointee, parameter, member;
} rules[] = {
	[LEVEL_FIELD] = { LEVEL_NONE, LEVEL_NONE, LEVEL_NONE },
	[LEVEL_NAME] = { LEVEL_NAME, LEVEL_NAME, LEVEL_NONE },
	[LEVEL_POINTED] = { LEVEL_POINTED, LEVEL_POINTED, LEVEL_NONE },
	[LEVEL_WHOLE] = { LEVEL_POINTED, LEVEL_WHOLE, LEVEL_WHOLE },
};

int btf_min_init(struct btf_min *min, const struct btf *target, struct error *err)
{
	memset(min, 0, sizeof(*min));
	min->target = target;
	min->levels = calloc(btf_count(target) + 1, 1);
	return min->levels ? 0 : error_memory(err);
}

void btf_min_fini(struct btf_min *min)
{
	free(min->levels);
	vec_fini(&min->todo);
	vec_fini(&min->parts);
}

/* ---- marking ---- */

/* Ids that are not there, void among them, and kinds of the future are nobody's. */
static int raise(struct btf_min *min, uint32_t id, enum level level)
{
	const struct btf_type *t = btf_type(min->target, id);
	uint32_t *todo;

	if (!t || btf_kind(t) > BTF_KIND_ENUM64 || min->levels[id] >= level)
		return 0;
	min->levels[id] = level;
	todo = vec_push(&min->todo);
	if (!todo)
		return -1;
	*todo = id;
	return 0;
}

static int raise_members(struct btf_min *min, const struct btf_type *t, enum level level)
{
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++)
		if (raise(min, m[i].type, level))
			return -1;
	return 0;
}

static int raise_parameters(struct btf_min *min, const struct btf_type *t, enum level level)
{
	const struct btf_param *p = btf_extra(t);
	uint32_t i;

	if (raise(min, t->type, level))
		return -1;
	for (i = 0; i < btf_vlen(t); i++)
		if (raise(min, p[i].type, level))
			return -1;
	return 0;
}

/* One step on from a type to those that it is made of. */
static int spread(struct btf_min *min, uint32_t id)
{
	const struct btf_type *t = btf_type(min->target, id);
	enum level level = min->levels[id];
	const struct btf_array *array = btf_extra(t);

	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
		return raise(min, t->type, level);
	case BTF_KIND_ARRAY:
		return raise(min, array->type, level) || raise(min, array->index_type, LEVEL_FIELD);
	case BTF_KIND_PTR:
		return raise(min, t->type, rules[level].pointee);
	case BTF_KIND_FUNC_PROTO:
		return raise_parameters(min, t, rules[level].parameter);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return raise_members(min, t, rules[level].member);
	default:
		return 0;
	}
}

/* A worklist instead of recursion, whose depth would be up to whoever wrote the file. */
static int keep_type(struct btf_min *min, uint32_t id, enum level level)
{
	int ret = raise(min, id, level);

	while (!ret && min->todo.len)
		ret = spread(min, min->todo.at[--min->todo.len]);
	return ret;
}

static int keep_part(struct btf_min *min, uint32_t type, uint32_t index)
{
	struct btf_part *part = vec_push(&min->parts);

	if (!part)
		return -1;
	*part = (struct btf_part){ type, index };
	return 0;
}

/*
 * The way to a member of that name, through anonymous ones: how many parts it has, 0 where there
 * is none. It takes the same turns as core_find_place(), which has bounded what it can cost.
 */
static unsigned int find_way(const struct btf *btf, uint32_t type, const char *name,
			     struct btf_part way[MAX_NESTING], unsigned int depth)
{
	uint32_t id = btf_resolve(btf, type), i;
	const struct btf_type *t = btf_type(btf, id);
	const struct btf_member *m;
	unsigned int len;

	if (!t || !btf_is_composite(t) || depth == MAX_NESTING)
		return 0;
	m = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++) {
		const char *own = btf_string(btf, m[i].name_off);

		way[depth] = (struct btf_part){ id, i };
		if (!strcmp(own, name))
			return depth + 1;
		len = *own ? 0 : find_way(btf, m[i].type, name, way, depth + 1);
		if (len)
			return len;
	}
	return 0;
}

/* *type is the struct, and afterwards the member's type. */
static int keep_member(struct btf_min *min, uint32_t *type, const char *name)
{
	struct btf_part way[MAX_NESTING];
	unsigned int len = find_way(min->target, *type, name, way, 0), i;

	for (i = 0; i < len; i++) {
		const struct btf_type *t = btf_type(min->target, way[i].type);
		const struct btf_member *m = btf_extra(t);

		*type = m[way[i].index].type;
		if (keep_part(min, way[i].type, way[i].index) ||
		    keep_type(min, *type, LEVEL_FIELD))
			return -1;
	}
	return 0;
}

static int keep_path(struct btf_min *min, const struct path *path, uint32_t candidate)
{
	uint32_t type = candidate;
	unsigned int i;

	if (keep_type(min, candidate, LEVEL_FIELD))
		return -1;
	for (i = 0; i < path->len; i++) {
		const struct btf_type *t = btf_type(min->target, btf_resolve(min->target, type));

		if (!path->steps[i].name)
			type = ((const struct btf_array *)btf_extra(t))->type;
		else if (keep_member(min, &type, path->steps[i].name))
			return -1;
	}
	return 0;
}

/* What lacks what the relocation asks for gives no answer, whether it is there or not. */
static int keep_candidate(struct btf_min *min, const struct core *core, const struct path *path,
			  uint32_t candidate)
{
	uint32_t kind = core->relo->kind;
	struct place place;
	int64_t index;

	if (core_is_field_relo(kind))
		return core_find_place(core, path, candidate, &place) ?
			       keep_path(min, path, candidate) : 0;
	if (core_is_enum_relo(kind)) {
		index = core_find_enumerator(core->target, candidate, path->steps[0].name);
		return index < 0 ? 0 : keep_part(min, candidate, index) ||
				       keep_type(min, candidate, LEVEL_FIELD);
	}
	if (kind == BPF_CORE_TYPE_MATCHES)
		return core_types_match(core, path->root, candidate) ?
			       keep_type(min, candidate, LEVEL_WHOLE) : 0;
	return core_types_agree(core, path->root, candidate) ?
		       keep_type(min, candidate, LEVEL_NAME) : 0;
}

static int keep_for_relo(struct btf_min *min, struct core *core)
{
	struct candidates *found;
	struct path path;
	struct place place;
	size_t i;

	if (core->relo->kind == BPF_CORE_TYPE_ID_LOCAL)
		return 0;
	min->kernel_ids += core->relo->kind == BPF_CORE_TYPE_ID_TARGET;
	if (core_read_path(core->local, core->relo, &path, &place))
		return core_fail(core, ERROR_FORMAT, "access string: got one that leads nowhere, "
				 "expected indexes that fit the type");
	if (core_candidates(core, path.root, &found))
		return -1;
	for (i = 0; i < found->ids.len; i++)
		if (keep_candidate(min, core, &path, found->ids.at[i]))
			return error_memory(core->err);
	return 0;
}

int btf_min_add(struct btf_min *min, const struct program *programs, size_t count,
		const struct btf *local, struct error *err)
{
	struct core core = { .local = local, .target = min->target, .err = err };
	size_t i, n;
	int ret = 0;

	for (i = 0; i < count; i++) {
		core.prog = &programs[i];
		for (n = 0; !ret && n < programs[i].relos.len; n++) {
			core.relo = &programs[i].relos.at[n];
			ret = keep_for_relo(min, &core);
		}
	}
	core_fini(&core);
	return ret;
}

/* ---- writing ---- */

struct output {
	const struct btf *btf;
	const struct btf_min *min;
	struct btf_writer w;
	uint32_t *ids;   /* old id -> new one; 0: not kept */
	size_t part;     /* the next of min->parts */
	uint32_t type;   /* at work on: its old id */
};

static int compare_parts(const void *a, const void *b)
{
	const struct btf_part *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static uint32_t new_id(const struct output *out, uint32_t id)
{
	return id < btf_count(out->btf) ? out->ids[id] : 0;
}

/* Whether part `index` of the type at work on is kept, as all are from level `all` on. */
static bool is_kept(struct output *out, uint32_t index, enum level all)
{
	struct btf_part asked = { out->type, index };
	const struct btf_min *min = out->min;

	while (out->part < min->parts.len && compare_parts(&min->parts.at[out->part], &asked) < 0)
		out->part++;
	return min->levels[out->type] >= all ||
	       (out->part < min->parts.len && !compare_parts(&min->parts.at[out->part], &asked));
}

static void write_members(struct output *out, const struct btf_type *t)
{
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++)
		if (is_kept(out, i, LEVEL_WHOLE))
			btf_write_member(&out->w, btf_string(out->btf, m[i].name_off),
					 new_id(out, m[i].type), m[i].offset);
}

static void write_enumerators(struct output *out, const struct btf_type *t)
{
	const struct btf_enum *e = btf_extra(t);
	const struct btf_enum64 *e64 = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		if (!is_kept(out, i, LEVEL_POINTED))
			continue;
		if (btf_kind(t) == BTF_KIND_ENUM)
			btf_write_enumerator(&out->w, btf_string(out->btf, e[i].name_off),
					     e[i].val);
		else
			btf_write_enumerator64(&out->w, btf_string(out->btf, e64[i].name_off),
					       btf_enum64_value(&e64[i]));
	}
}

/* Without the parameters' names, which nothing compares. */
static void write_parameters(struct output *out, const struct btf_type *t)
{
	const struct btf_param *p = btf_extra(t);
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		btf_write_word(&out->w, 0);
		btf_write_word(&out->w, new_id(out, p[i].type));
		btf_write_more(&out->w);
	}
}

static void write_type(struct output *out, const struct btf_type *t)
{
	const struct btf_array *array = btf_extra(t);
	uint32_t kind = btf_kind(t), value = t->size;

	switch (kind) {
	case BTF_KIND_ARRAY:
		btf_write_array(&out->w, new_id(out, array->type), new_id(out, array->index_type),
				array->nelems);
		return;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		break;
	default:
		value = new_id(out, t->type);
	}
	btf_write_type(&out->w, kind, btf_string(out->btf, t->name_off), value);
	if (BTF_INFO_KFLAG(t->info))
		btf_write_kflag(&out->w);
	if (kind == BTF_KIND_INT || kind == BTF_KIND_VAR)
		btf_write_word(&out->w, *(const uint32_t *)btf_extra(t));
	else if (btf_is_composite(t))
		write_members(out, t);
	else if (btf_is_enum(t))
		write_enumerators(out, t);
	else if (kind == BTF_KIND_FUNC_PROTO)
		write_parameters(out, t);
}

static void number_types(struct output *out)
{
	uint32_t id, next = 1;

	for (id = 1; id < btf_count(out->btf); id++)
		if (out->min->levels[id])
			out->ids[id] = next++;
}

int btf_min_finish(struct btf_min *min, void **blob, size_t *size, struct error *err)
{
	struct output out = { .btf = min->target, .min = min };
	int ret;

	if (min->parts.len)
		qsort(min->parts.at, min->parts.len, sizeof(*min->parts.at), compare_parts);
	out.ids = calloc(btf_count(min->target) + 1, sizeof(*out.ids));
	if (!out.ids)
		return error_memory(err);
	number_types(&out);
	for (out.type = 1; out.type < btf_count(out.btf); out.type++)
		if (out.ids[out.type])
			write_type(&out, btf_type(out.btf, out.type));
	/* Readers tell by a long how wide pointers are, and take them for 64 bits without one. */
	if (min->target->pointer_size != 8)
		btf_write_int(&out.w, "long unsigned int", min->target->pointer_size, 0);
	ret = btf_write_finish(&out.w, blob, size, err);
	btf_write_fini(&out.w);
	free(out.ids);
	return ret;
}
