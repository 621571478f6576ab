// SPDX-License-Identifier: GPL-2.0
/*
 * A relocation names a place by the object's own types, and that place is sought in the
 * target's types by its names:
 *
 *	struct task_struct { struct { int pid; }; struct list_head children[2]; }   local
 *	relocation: root type task_struct, access string "0:1:1:0", byte offset
 *
 *	0   the first of what the pointer points at
 *	1   member 1 of struct task_struct     -> step "children"
 *	1   element 1 of an array              -> step [1]
 *	0   member 0 of struct list_head       -> step "next"
 *
 * Local value: 8 + 16 + 0. Target value: of each type of the target that is called
 * task_struct (a suffix "___v2" of the local name does not count), the offset of children,
 * however deep in anonymous members it is, plus one element, plus the offset of next.
 * Types of that name that lack a step do not count; those that have it must agree.
 *
 * The instruction must hold the local value; then it gets the target's.
 */
#include "btf/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/object.h"

#define MAX_STEPS 64
#define MAX_NESTING 16    /* of anonymous members, far more than any C that people write */
#define MAX_VISITS 200000 /* members looked at in one search: the target's BTF may be hostile */

struct step {
	const char *name; /* of a member, or NULL: an element of an array */
	uint32_t index;   /* of that element; or of the local member or enumerator */
	uint32_t type;    /* where the step leads */
};

/* The access string, read over the local types. */
struct path {
	uint32_t root;
	uint32_t first; /* index before the first step: pointer arithmetic on the root */
	unsigned int len;
	struct step steps[MAX_STEPS];
};

/* A place inside a type, local or target. */
struct place {
	uint32_t type;
	uint64_t bit_offset;
	uint32_t bits; /* of a bit field, else 0 */
};

struct answer {
	uint64_t value;
	bool unchecked;     /* the instruction's present value says nothing, see place_answer */
	bool missing;       /* no answer: poison */
	uint32_t load_size; /* of the memory access at this offset, 0: stays as it is */
	uint32_t load_type;
};

/* Types of the target that one local root type may stand for; found once per call. */
struct candidates {
	uint32_t root;
	VEC(uint32_t) ids;
};

struct core {
	const struct btf *local, *target;
	VEC(struct candidates) known;
	const struct program *prog; /* at work on */
	const struct core_relo *relo;
	struct error *err;
};

/* ---- words ---- */

struct text {
	char *at;
	size_t size, len;
};

static void say(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->at + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static const char *relo_word(uint32_t kind)
{
	static const char *const words[] = {
		[BPF_CORE_FIELD_BYTE_OFFSET] = "byte offset of",
		[BPF_CORE_FIELD_BYTE_SIZE] = "byte size of",
		[BPF_CORE_FIELD_EXISTS] = "existence of",
		[BPF_CORE_FIELD_SIGNED] = "signedness of",
		[BPF_CORE_FIELD_LSHIFT_U64] = "left shift of",
		[BPF_CORE_FIELD_RSHIFT_U64] = "right shift of",
		[BPF_CORE_TYPE_ID_LOCAL] = "local type id of",
		[BPF_CORE_TYPE_ID_TARGET] = "target type id of",
		[BPF_CORE_TYPE_EXISTS] = "existence of",
		[BPF_CORE_TYPE_SIZE] = "size of",
		[BPF_CORE_ENUMVAL_EXISTS] = "existence of",
		[BPF_CORE_ENUMVAL_VALUE] = "value of",
		[BPF_CORE_TYPE_MATCHES] = "match of",
	};

	return kind < sizeof(words) / sizeof(words[0]) ? words[kind] : "unknown question about";
}

static bool is_enum_relo(uint32_t kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_ENUMVAL_VALUE;
}

static bool is_field_relo(uint32_t kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

static void say_type(struct text *out, const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = t ? btf_string(btf, t->name_off) : "";
	const char *tag = "";

	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_STRUCT:
		tag = "struct ";
		break;
	case BTF_KIND_UNION:
		tag = "union ";
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		tag = "enum ";
		break;
	case BTF_KIND_FWD:
		tag = BTF_INFO_KFLAG(t->info) ? "union " : "struct ";
		break;
	}
	if (*name)
		say(out, "%s%s", tag, name);
	else
		say(out, "%s(type %u)", tag, id);
}

static void say_path(struct text *out, const struct btf *btf, const struct path *path)
{
	unsigned int i;

	say_type(out, btf, path->root);
	if (path->first)
		say(out, "[%u]", path->first);
	for (i = 0; i < path->len; i++) {
		if (path->steps[i].name)
			say(out, ".%s", path->steps[i].name);
		else
			say(out, "[%u]", path->steps[i].index);
	}
}

/* ---- local side: access string to path and place ---- */

/* "12:3" -> 12, and *s behind the colon; -1 where it is no number, or too big a one. */
static int64_t next_index(const char **s)
{
	uint64_t value = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > UINT32_MAX)
			return -1;
	}
	if (*p == ':' && p[1])
		p++;
	else if (*p)
		return -1;
	*s = p;
	return value;
}

/* [0] and [1] at the end of a struct are flexible arrays, so those may be overstepped. */
static bool element_exists(const struct btf_array *array, uint32_t index)
{
	return array->nelems <= 1 || index < array->nelems;
}

static bool add_element(const struct btf *btf, struct place *place, uint32_t type, uint64_t index)
{
	int64_t size = btf_size(btf, type);

	/* No element at index 0 has an offset, whether its size is known or not. */
	if (index && size < 0)
		return false;
	place->type = type;
	place->bits = 0;
	return !index || !(__builtin_mul_overflow(index * 8, (uint64_t)size, &index) ||
			   __builtin_add_overflow(place->bit_offset, index, &place->bit_offset));
}

static void add_member(struct place *place, const struct btf_type *t, const struct btf_member *m)
{
	place->type = m->type;
	place->bit_offset += btf_member_bit_offset(t, m);
	place->bits = btf_member_bits(t, m);
}

/* One step down the local type by index. False where there is no such member or element. */
static bool local_step(const struct btf *btf, struct path *path, struct place *place,
		       uint32_t index)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, place->type));
	const struct btf_array *array;
	const struct btf_member *m;
	const char *name = NULL;

	if (t && btf_is_composite(t) && index < btf_vlen(t)) {
		m = (const struct btf_member *)btf_extra(t) + index;
		add_member(place, t, m);
		name = btf_string(btf, m->name_off);
		/* Anonymous: the target may have it elsewhere, or not at all. */
		if (!*name)
			return true;
	} else if (t && btf_kind(t) == BTF_KIND_ARRAY) {
		array = btf_extra(t);
		if (!element_exists(array, index) ||
		    !add_element(btf, place, array->type, index))
			return false;
	} else {
		return false;
	}
	path->steps[path->len++] = (struct step){ name, index, place->type };
	return true;
}

static int read_field_path(const struct btf *btf, const char *access, struct path *path,
			   struct place *place)
{
	int64_t index = next_index(&access);
	bool named = true;

	if (index < 0 || !add_element(btf, place, path->root, index))
		return -1;
	path->first = index;
	while (*access) {
		unsigned int before = path->len;

		index = next_index(&access);
		if (index < 0 || path->len == MAX_STEPS || !local_step(btf, path, place, index))
			return -1;
		named = path->len > before;
	}
	/* A path that ends at an anonymous member cannot be sought by name. */
	return named ? 0 : -1;
}

static int read_enum_path(const struct btf *btf, const char *access, struct path *path)
{
	uint32_t id = btf_resolve(btf, path->root);
	const struct btf_type *t = btf_type(btf, id);
	int64_t index = next_index(&access);
	const char *name;

	if (!t || !btf_is_enum(t) || index < 0 || *access || index >= btf_vlen(t))
		return -1;
	if (btf_kind(t) == BTF_KIND_ENUM)
		name = btf_string(btf, ((const struct btf_enum *)btf_extra(t))[index].name_off);
	else
		name = btf_string(btf, ((const struct btf_enum64 *)btf_extra(t))[index].name_off);
	path->steps[path->len++] = (struct step){ name, index, id };
	return 0;
}

static int read_path(const struct btf *btf, const struct core_relo *relo, struct path *path,
		     struct place *place)
{
	const char *access = btf_string(btf, relo->access_str_off);

	memset(path, 0, sizeof(*path));
	memset(place, 0, sizeof(*place));
	path->root = place->type = relo->type_id;
	if (!btf_type(btf, relo->type_id))
		return -1;
	if (is_enum_relo(relo->kind))
		return read_enum_path(btf, access, path);
	if (is_field_relo(relo->kind))
		return read_field_path(btf, access, path, place);
	return strcmp(access, "0") ? -1 : 0;
}

const char *core_describe(const struct btf *local, const struct core_relo *relo, char *buf,
			  size_t size)
{
	struct text out = { buf, size, 0 };
	struct path path;
	struct place place;

	if (size)
		buf[0] = 0;
	say(&out, "%s ", relo_word(relo->kind));
	if (read_path(local, relo, &path, &place)) {
		say_type(&out, local, relo->type_id);
		say(&out, " at \"%s\"", btf_string(local, relo->access_str_off));
	} else if (is_enum_relo(relo->kind)) {
		say(&out, "%s of ", path.steps[0].name);
		say_type(&out, local, path.root);
	} else {
		say_path(&out, local, &path);
	}
	return buf;
}

/* "program 'p': instruction 12: byte offset of struct s.a[2]: ..." */
static int fail(const struct core *core, enum error_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct core *core, enum error_code code, const char *fmt, ...)
{
	char what[400], why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	core_describe(core->local, core->relo, what, sizeof(what));
	return error_set(core->err, code, "program '%s': instruction %u: %s: %s", core->prog->name,
			 core->relo->insn, what, why);
}

/* ---- target side: the same steps, by name ---- */

static bool same_kind(const struct btf_type *a, const struct btf_type *b)
{
	return btf_kind(a) == btf_kind(b) || (btf_is_enum(a) && btf_is_enum(b));
}

/* "task_struct___v2" stands for task_struct: the length without the last "___...". */
static size_t plain_length(const char *name)
{
	size_t len = strlen(name), i;

	for (i = len; i >= 5; i--)
		if (!strncmp(name + i - 4, "___", 3) && name[i - 5] != '_')
			return i - 4;
	return len;
}

static bool same_plain_name(const char *a, const char *b)
{
	size_t len = plain_length(a);

	return len == plain_length(b) && !strncmp(a, b, len);
}

/* Unnamed ones may stand for any. */
static bool names_agree(const char *a, const char *b)
{
	return !*a || !*b || same_plain_name(a, b);
}

/*
 * Whether a field of the one type can be what a field of the other is. Loose on purpose: sizes
 * and signs may differ, that is what the relocation is there for.
 */
static bool fields_agree(const struct core *core, uint32_t local_id, uint32_t target_id)
{
	int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		const struct btf_type *l = btf_type(core->local, btf_resolve(core->local, local_id));
		const struct btf_type *t = btf_type(core->target,
						    btf_resolve(core->target, target_id));

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
		add_member(place, t, m);
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
	return element_exists(array, step->index) &&
	       add_element(core->target, place, array->type, step->index);
}

static bool find_place(const struct core *core, const struct path *path, uint32_t candidate,
		       struct place *place)
{
	unsigned int i;

	*place = (struct place){ .type = candidate };
	if (!add_element(core->target, place, candidate, path->first))
		return false;
	for (i = 0; i < path->len; i++)
		if (!target_step(core, &path->steps[i], place))
			return false;
	return true;
}

/* Whether the types can stand for each other as wholes: of one kind, through pointers. */
static bool types_agree(const struct core *core, uint32_t local_id, uint32_t target_id)
{
	int steps;

	for (steps = 0; steps < MAX_STEPS; steps++) {
		const struct btf_type *l = btf_type(core->local, btf_resolve(core->local, local_id));
		const struct btf_type *t = btf_type(core->target,
						    btf_resolve(core->target, target_id));

		if (!l || !t)
			return !l && !t;
		if (!same_kind(l, t))
			return false;
		if (btf_kind(l) == BTF_KIND_PTR) {
			local_id = l->type;
			target_id = t->type;
		} else if (btf_kind(l) == BTF_KIND_ARRAY) {
			local_id = ((const struct btf_array *)btf_extra(l))->type;
			target_id = ((const struct btf_array *)btf_extra(t))->type;
		} else {
			return btf_kind(l) != BTF_KIND_FUNC_PROTO || btf_vlen(l) == btf_vlen(t);
		}
	}
	return false;
}

/* Index of the enumerator of that name, or -1. */
static int64_t find_enumerator(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	uint32_t i;

	if (!t || !btf_is_enum(t))
		return -1;
	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = btf_extra(t);
		const struct btf_enum64 *e64 = btf_extra(t);
		uint32_t off = btf_kind(t) == BTF_KIND_ENUM ? e[i].name_off : e64[i].name_off;

		if (same_plain_name(btf_string(btf, off), name))
			return i;
	}
	return -1;
}

/* ---- from a place to a value ---- */

static uint64_t enum_value(const struct btf *btf, uint32_t id, uint32_t index)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	const struct btf_enum64 *e64;
	int32_t value;

	if (btf_kind(t) == BTF_KIND_ENUM64) {
		e64 = (const struct btf_enum64 *)btf_extra(t) + index;
		return (uint64_t)e64->val_hi32 << 32 | e64->val_lo32;
	}
	value = ((const struct btf_enum *)btf_extra(t))[index].val;
	/* The kind flag says "signed" since Linux 6.0; before, nothing did. */
	return BTF_INFO_KFLAG(t->info) || value >= 0 ? (uint64_t)(int64_t)value : (uint32_t)value;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_kind(t) == BTF_KIND_INT)
		return BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t)) & BTF_INT_SIGNED;
	return btf_is_enum(t) && BTF_INFO_KFLAG(t->info);
}

/*
 * The bytes that a program loads to get at a bit field: as many as its type has, aligned to
 * that; doubled while the field sticks out. E.g. 6 bits at bit offset 29 of type int (4 bytes):
 * bytes 0..3 end at bit 32, the field at 35, so bytes 0..7 it is.
 */
static bool bit_field_window(const struct place *place, uint32_t size, uint64_t *byte,
			     uint32_t *bytes)
{
	if (!size || size > 8 || size & (size - 1) || place->bits > 64)
		return false;
	for (*bytes = size; *bytes <= 8; *bytes *= 2) {
		*byte = place->bit_offset / 8 / *bytes * *bytes;
		if (place->bit_offset + place->bits <= (*byte + *bytes) * 8)
			return true;
	}
	return false;
}

static struct answer place_answer(const struct btf *btf, const struct place *place, uint32_t kind)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, place->type));
	struct answer answer = { 0 };
	uint64_t byte = place->bit_offset / 8;
	int64_t size = btf_size(btf, place->type);
	uint32_t bytes = size < 0 ? 0 : size, bits, shift;

	/*
	 * Compilers differ in which bytes they load for a bit field, and they did in what they call
	 * signed, so there the instruction may well hold another value than ours.
	 */
	answer.unchecked = place->bits || kind == BPF_CORE_FIELD_SIGNED;
	if (!t || (place->bits && (size < 0 || !bit_field_window(place, size, &byte, &bytes)))) {
		answer.missing = true;
		return answer;
	}
	bits = place->bits ? place->bits : bytes * 8;
	shift = place->bit_offset - byte * 8;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		answer.value = byte;
		answer.load_size = place->bits ? 0 : bytes;
		answer.load_type = place->type;
		break;
	case BPF_CORE_FIELD_BYTE_SIZE:
		answer.value = bytes;
		answer.missing = size < 0;
		break;
	case BPF_CORE_FIELD_SIGNED:
		answer.value = is_signed(t);
		break;
	case BPF_CORE_FIELD_LSHIFT_U64:
		answer.missing = !bytes || bytes > 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		answer.value = 64 - (shift + bits);
#else
		answer.value = (8 - bytes) * 8 + shift;
#endif
		break;
	case BPF_CORE_FIELD_RSHIFT_U64:
		answer.missing = !bytes || bytes > 8;
		answer.value = 64 - bits;
		break;
	}
	return answer;
}

static struct answer type_answer(const struct btf *btf, uint32_t id, uint32_t kind)
{
	int64_t size = btf_size(btf, id);

	switch (kind) {
	case BPF_CORE_TYPE_SIZE:
		return (struct answer){ .value = size, .missing = size < 0 };
	case BPF_CORE_TYPE_EXISTS:
		return (struct answer){ .value = 1 };
	default: /* ids change when objects are linked, so the present value says nothing */
		return (struct answer){ .value = id, .unchecked = true };
	}
}

/* What the instruction must hold now. */
static struct answer local_answer(const struct core *core, const struct path *path,
				  const struct place *place)
{
	uint32_t kind = core->relo->kind;

	if (kind == BPF_CORE_FIELD_EXISTS || kind == BPF_CORE_ENUMVAL_EXISTS)
		return (struct answer){ .value = 1 };
	if (is_field_relo(kind))
		return place_answer(core->local, place, kind);
	if (is_enum_relo(kind))
		return (struct answer){ .value = enum_value(core->local, path->steps[0].type,
							    path->steps[0].index) };
	return type_answer(core->local, path->root, kind);
}

/* What one candidate says. False where it has no such thing. */
static bool candidate_answer(const struct core *core, const struct path *path, uint32_t candidate,
			     struct answer *answer)
{
	uint32_t kind = core->relo->kind;
	struct place place;
	int64_t index;

	if (is_field_relo(kind)) {
		if (!find_place(core, path, candidate, &place))
			return false;
		*answer = kind == BPF_CORE_FIELD_EXISTS ?
				  (struct answer){ .value = 1 } :
				  place_answer(core->target, &place, kind);
		return true;
	}
	if (is_enum_relo(kind)) {
		index = find_enumerator(core->target, candidate, path->steps[0].name);
		if (index < 0)
			return false;
		*answer = (struct answer){ .value = 1 };
		if (kind == BPF_CORE_ENUMVAL_VALUE)
			answer->value = enum_value(core->target, candidate, index);
		return true;
	}
	if (!types_agree(core, path->root, candidate))
		return false;
	*answer = type_answer(core->target, candidate, kind);
	return true;
}

static int find_candidates(struct core *core, struct candidates *found, const char *name,
			   uint32_t kind)
{
	uint32_t id = 0;

	while ((id = btf_find_next(core->target, name, kind, id))) {
		uint32_t *at = vec_push(&found->ids);

		if (!at)
			return error_memory(core->err);
		*at = id;
	}
	return 0;
}

/* All types of the target that may be the local root type, from the cache or searched now. */
static int candidates_of(struct core *core, uint32_t root, struct candidates **found)
{
	const struct btf_type *t = btf_type(core->local, root);
	const char *full = btf_string(core->local, t->name_off);
	char name[256];
	size_t i, len = plain_length(full);

	for (i = 0; i < core->known.len; i++) {
		*found = &core->known.at[i];
		if ((*found)->root == root)
			return 0;
	}
	if (!len || len >= sizeof(name))
		return fail(core, ERROR_UNSUPPORTED, "type: got a name of %zu characters, expected "
			    "1 to %zu", len, sizeof(name) - 1);
	memcpy(name, full, len);
	name[len] = 0;
	*found = vec_push(&core->known);
	if (!*found)
		return error_memory(core->err);
	(*found)->root = root;
	if (find_candidates(core, *found, name, btf_kind(t)))
		return -1;
	if (!btf_is_enum(t))
		return 0;
	return find_candidates(core, *found, name, btf_kind(t) == BTF_KIND_ENUM ?
						   BTF_KIND_ENUM64 : BTF_KIND_ENUM);
}

static bool same_answer(const struct answer *a, const struct answer *b)
{
	return a->value == b->value && a->missing == b->missing && a->load_size == b->load_size;
}

/* What no type of the target answers: "no" to questions of existence, else nothing. */
static struct answer no_answer(uint32_t kind)
{
	switch (kind) {
	case BPF_CORE_FIELD_EXISTS:
	case BPF_CORE_ENUMVAL_EXISTS:
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_SIZE: /* clang's builtins promise 0 for a type that is not there */
	case BPF_CORE_TYPE_ID_TARGET:
		return (struct answer){ .value = 0 };
	default:
		return (struct answer){ .missing = true };
	}
}

static int target_answer(struct core *core, const struct path *path, struct answer *answer)
{
	struct candidates *found = NULL;
	struct answer other;
	bool any = false;
	size_t i;

	*answer = no_answer(core->relo->kind);
	if (candidates_of(core, path->root, &found))
		return -1;
	for (i = 0; i < found->ids.len; i++) {
		if (!candidate_answer(core, path, found->ids.at[i], &other))
			continue;
		/* Kernels whose BTF was not deduplicated have one type many times: no harm in that. */
		if (any && !same_answer(&other, answer) && core->relo->kind != BPF_CORE_TYPE_ID_TARGET)
			return fail(core, ERROR_UNSUPPORTED, "the target has two such types that "
				    "differ: got %lld and %lld, expected one answer",
				    (long long)answer->value, (long long)other.value);
		if (!any)
			*answer = other;
		any = true;
	}
	return 0;
}

/* ---- patching ---- */

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static void poison(struct program *prog, uint32_t at)
{
	static const struct bpf_insn call = {
		.code = BPF_JMP | BPF_CALL,
		.imm = CORE_POISON,
	};
	bool wide = is_wide(&prog->insns.at[at]);

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
	return fail(core, ERROR_FORMAT, "value in the instruction: got %lld, expected %lld",
		    (long long)(int64_t)got, (long long)local->value);
}

static int patch_imm(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		     const struct answer *target)
{
	if (BPF_SRC(insn->code) != BPF_K)
		return fail(core, ERROR_FORMAT, "opcode: got 0x%02x, expected one with a constant",
			    insn->code);
	if (expect(core, local, (int64_t)insn->imm))
		return -1;
	if ((int64_t)target->value != (int32_t)target->value && target->value > UINT32_MAX)
		return fail(core, ERROR_UNSUPPORTED, "value: got %lld, expected one of 32 bits",
			    (long long)target->value);
	insn->imm = target->value;
	return 0;
}

static int patch_wide(const struct core *core, struct bpf_insn *insn, const struct answer *local,
		      const struct answer *target)
{
	uint64_t value = target->value;
	bool is_negative = insn[1].imm == -1;

	if (insn->src_reg)
		return fail(core, ERROR_FORMAT, "source register: got %u, expected 0",
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
	return btf_kind(l) == BTF_KIND_INT && btf_kind(t) == BTF_KIND_INT && !is_signed(l) &&
	       !is_signed(t);
}

/* 0 done, 1 the instruction must be poisoned, -1 error. */
static int patch_access(const struct core *core, struct bpf_insn *insn, const struct answer *local,
			const struct answer *target)
{
	if (expect(core, local, (int64_t)insn->off))
		return -1;
	if (target->value > INT16_MAX)
		return fail(core, ERROR_UNSUPPORTED, "offset: got %llu, expected at most %d",
			    (unsigned long long)target->value, INT16_MAX);
	if (local->load_size && target->load_size && local->load_size != target->load_size) {
		int code = size_code(target->load_size);

		if (!size_may_change(core, local, target))
			return 1;
		if (access_size(insn) != local->load_size)
			return fail(core, ERROR_FORMAT, "memory access: got %u bytes, expected %u",
				    access_size(insn), local->load_size);
		if (code < 0)
			return fail(core, ERROR_UNSUPPORTED, "memory access: got %u bytes, expected "
				    "1, 2, 4 or 8", target->load_size);
		insn->code = BPF_MODE(insn->code) | code | BPF_CLASS(insn->code);
	}
	insn->off = target->value;
	return 0;
}

static int patch(const struct core *core, struct program *prog, const struct answer *local,
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
		if (is_wide(insn))
			return patch_wide(core, insn, local, target);
	}
	return fail(core, ERROR_FORMAT, "opcode: got 0x%02x, expected arithmetic, a memory access "
		    "or a 64-bit constant", insn->code);
}

static int check_relo(const struct core *core, const struct program *prog)
{
	const struct core_relo *relo = core->relo;

	if (relo->insn >= prog->insns.len ||
	    (is_wide(&prog->insns.at[relo->insn]) && relo->insn + 1 >= prog->insns.len))
		return fail(core, ERROR_FORMAT, "instruction: got %u, expected one of %zu",
			    relo->insn, prog->insns.len);
	if (relo->kind >= BPF_CORE_TYPE_MATCHES) {
		fail(core, ERROR_UNSUPPORTED, "kind: got %u, expected 0 to %u", relo->kind,
		     BPF_CORE_ENUMVAL_VALUE);
		return error_hint(core->err, "use bpf_core_type_exists() and bpf_core_field_exists() "
				  "instead of bpf_core_type_matches()");
	}
	return 0;
}

static bool is_poisoned(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->imm == CORE_POISON;
}

/* As patch(). */
static int relocate_one(struct core *core, struct program *prog)
{
	struct answer local, target;
	struct path path;
	struct place place;

	if (check_relo(core, prog))
		return -1;
	if (is_poisoned(&prog->insns.at[core->relo->insn]))
		return 1;
	if (read_path(core->local, core->relo, &path, &place))
		return fail(core, ERROR_FORMAT, "access string: got one that leads nowhere, expected "
			    "indexes that fit the type");
	local = local_answer(core, &path, &place);
	if (local.missing)
		return fail(core, ERROR_FORMAT, "local type: got one that has no such answer");
	if (core->relo->kind == BPF_CORE_TYPE_ID_LOCAL)
		target = local;
	else if (target_answer(core, &path, &target))
		return -1;
	return target.missing ? 1 : patch(core, prog, &local, &target);
}

static int relocate_program(struct core *core, struct program *prog)
{
	size_t i, kept = 0;
	int ret;

	core->prog = prog;
	for (i = 0; i < prog->relos.len; i++) {
		core->relo = &prog->relos.at[i];
		ret = relocate_one(core, prog);
		if (ret < 0)
			return -1;
		if (ret) {
			poison(prog, core->relo->insn);
			prog->relos.at[kept++] = *core->relo;
		}
	}
	prog->relos.len = kept;
	return 0;
}

int core_relocate(struct program *programs, size_t count, const struct btf *local,
		  const struct btf *target, struct error *err)
{
	struct core core = { .local = local, .target = target, .err = err };
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < count; i++)
		if (programs[i].autoload)
			ret = relocate_program(&core, &programs[i]);
	for (i = 0; i < core.known.len; i++)
		vec_fini(&core.known.at[i].ids);
	vec_fini(&core.known);
	return ret;
}
