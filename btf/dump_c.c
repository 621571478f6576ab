// SPDX-License-Identifier: GPL-2.0
/*
 * The order. C wants a type's definition before one that holds it, and at least its name before
 * one that points to it. So each type can be needed in two ways:
 *
 *	complete     its definition must be out: a member, an element of an array
 *	mentioned    whatever its name in a declaration takes: what a pointer points to
 *
 * For a struct to be mentioned "struct x;" is enough, at which every cycle ends; a typedef's
 * line must be out in either case, an enum's definition, too. A struct without a name is written
 * where it is mentioned, so all that it holds must be complete by then. E.g.
 *
 *	struct list { node_t *first; }; typedef struct node node_t; struct node { struct list l; };
 *
 *	complete list: mention node_t: mention node      -> struct node;
 *	                                                 -> typedef struct node node_t;
 *	                                                 -> struct list { ... };
 *	complete node: list is                           -> struct node { ... };
 *
 * The walk goes as deep as the definitions depend on one another, and not beyond DUMP_DEPTH.
 */
#include "btf/dump_c.h"

#include <string.h>

#include "btf/dump_internal.h"

static int need(struct dump *d, uint32_t id, bool complete);

int dump_enter(struct dump *d, uint32_t id)
{
	if (d->depth == DUMP_DEPTH)
		return error_set(d->err, ERROR_FORMAT, "BTF: type %u: got more than %d levels of types "
				 "in types", id, DUMP_DEPTH);
	d->depth++;
	return 0;
}

int dump_nest(struct dump *d, uint32_t id)
{
	if (++d->nested > DUMP_NESTED)
		return error_set(d->err, ERROR_FORMAT, "BTF: type %u: got more than %d types within "
				 "one definition", id, DUMP_NESTED);
	return 0;
}

uint32_t dump_resolve(struct dump *d, uint32_t id)
{
	int steps;

	for (steps = 0; id && steps < DUMP_DEPTH; steps++) {
		switch (btf_kind(dump_type(d, id))) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = dump_type(d, id)->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

static int bad_cycle(struct dump *d, uint32_t id)
{
	return error_set(d->err, ERROR_FORMAT, "BTF: type %u ('%s'): got a type that cannot be "
			 "declared without itself, expected one that C can say", id,
			 btf_string(d->btf, dump_type(d, id)->name_off));
}

/* ---- integers and floats ---- */

/* The types that are words of C; whether they have that size here, too. */
static bool is_word_of_c(const struct dump *d, const struct btf_type *t)
{
	static const struct {
		const char *name;
		uint8_t size; /* 0: a long's */
	} words[] = {
		{ "char", 1 }, { "signed char", 1 }, { "unsigned char", 1 }, { "_Bool", 1 },
		{ "short", 2 }, { "short int", 2 }, { "unsigned short", 2 },
		{ "short unsigned int", 2 }, { "int", 4 }, { "unsigned int", 4 },
		{ "unsigned", 4 }, { "long", 0 }, { "long int", 0 }, { "unsigned long", 0 },
		{ "long unsigned int", 0 }, { "long long", 8 }, { "long long int", 8 },
		{ "unsigned long long", 8 }, { "long long unsigned int", 8 },
		{ "__int128", 16 }, { "unsigned __int128", 16 }, { "__int128 unsigned", 16 },
		{ "float", 4 }, { "double", 8 },
	};
	const char *name = btf_string(d->btf, t->name_off);
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(name, words[i].name))
			return t->size == (words[i].size ? words[i].size : d->btf->pointer_size);
	return false;
}

/* An integer of that size, or NULL. */
static const char *word_of_size(const struct btf_type *t)
{
	uint32_t encoding = 0;

	if (btf_kind(t) == BTF_KIND_FLOAT)
		return t->size == 4 ? "float" : t->size == 8 ? "double" : NULL;
	encoding = BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t));
	if (encoding & BTF_INT_BOOL && t->size == 1)
		return "_Bool";
	switch (t->size) {
	case 1:
		return encoding & BTF_INT_SIGNED ? "signed char" : "unsigned char";
	case 2:
		return encoding & BTF_INT_SIGNED ? "short" : "unsigned short";
	case 4:
		return encoding & BTF_INT_SIGNED ? "int" : "unsigned int";
	case 8:
		return encoding & BTF_INT_SIGNED ? "long long" : "unsigned long long";
	case 16:
		return encoding & BTF_INT_SIGNED ? "__int128" : "unsigned __int128";
	default:
		return NULL;
	}
}

/*
 * What is no word of C, or not with that size (a long double is 8 bytes in BPF), becomes a
 * typedef of what has the size, in the worst case just bytes.
 */
static int define_number(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	const char *word = word_of_size(t);

	if (is_word_of_c(d, t))
		return 0;
	if (dump_name_type(d, id))
		return -1;
	TEXT(d->out, "typedef ");
	if (word) {
		text_string(d->out, word);
	} else {
		TEXT(d->out, "struct {\n\tunsigned char bytes[");
		text_number(d->out, t->size);
		TEXT(d->out, "];\n}");
		if (t->size) {
			TEXT(d->out, " __attribute__((aligned(");
			text_number(d->out, t->size & 15 ? t->size & -t->size : 16);
			TEXT(d->out, ")))");
		}
	}
	TEXT(d->out, " ");
	text_string(d->out, dump_type_name(d, id));
	TEXT(d->out, ";\n\n");
	return 0;
}

/* ---- structs, unions, enums ---- */

static int name_once(struct dump *d, uint32_t id)
{
	return d->state[id] & STATE_NAMED ? 0 : dump_name_type(d, id);
}

static int declare_tag(struct dump *d, uint32_t id, bool is_union)
{
	if (name_once(d, id))
		return -1;
	if (d->state[id] & STATE_DECLARED)
		return 0;
	d->state[id] |= STATE_DECLARED;
	text_string(d->out, is_union ? "union " : "struct ");
	text_string(d->out, dump_type_name(d, id));
	TEXT(d->out, ";\n\n");
	return 0;
}

/* A struct may point to itself without more: by then its name has been said. */
static bool is_pointer_to(const struct dump *d, uint32_t type, uint32_t id)
{
	return type && type < d->count && btf_kind(dump_type(d, type)) == BTF_KIND_PTR &&
	       dump_type(d, type)->type == id;
}

static int need_members(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	if (d->state[id] & STATE_BUSY)
		return bad_cycle(d, id);
	d->state[id] |= STATE_BUSY;
	for (i = 0; i < btf_vlen(t); i++)
		if (!is_pointer_to(d, m[i].type, id) && need(d, m[i].type, true))
			return -1;
	d->state[id] &= ~STATE_BUSY;
	return 0;
}

static int need_composite(struct dump *d, uint32_t id, bool complete)
{
	const struct btf_type *t = dump_type(d, id);
	int ret;

	if (!t->name_off)
		return need_members(d, id);
	if (!complete)
		return declare_tag(d, id, btf_kind(t) == BTF_KIND_UNION);
	if (need_members(d, id) || name_once(d, id))
		return -1;
	d->nested = 0;
	ret = dump_composite_body(d, id, 0);
	TEXT(d->out, ";\n\n");
	return ret;
}

/*
 * bool, true and false are keywords since C23. Tells whether it has opened an #if, to be closed
 * by end_before_c23().
 */
static bool begin_before_c23(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	const struct btf_enum *e = btf_extra(t);
	const char *name;

	if (btf_kind(t) == BTF_KIND_TYPEDEF)
		name = btf_string(d->btf, t->name_off);
	else
		name = !t->name_off && btf_vlen(t) ? btf_string(d->btf, e->name_off) : "";
	if (strcmp(name, "bool") && strcmp(name, "true") && strcmp(name, "false"))
		return false;
	TEXT(d->out, "#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n");
	return true;
}

static void end_before_c23(struct dump *d, bool begun)
{
	if (begun)
		TEXT(d->out, "#endif\n");
	TEXT(d->out, "\n");
}

static int define_enum(struct dump *d, uint32_t id)
{
	bool begun;

	if (dump_type(d, id)->name_off && name_once(d, id))
		return -1;
	begun = begin_before_c23(d, id);
	if (dump_enum_body(d, id, 0))
		return -1;
	TEXT(d->out, ";\n");
	end_before_c23(d, begun);
	return 0;
}

/* ---- the rest ---- */

static int need_typedef(struct dump *d, uint32_t id, bool complete)
{
	uint32_t type = dump_type(d, id)->type;
	bool begun;

	if (!(d->state[id] & STATE_MENTIONED)) {
		if (d->state[id] & STATE_BUSY)
			return bad_cycle(d, id);
		d->state[id] |= STATE_BUSY;
		if (need(d, type, false) || name_once(d, id))
			return -1;
		begun = begin_before_c23(d, id);
		TEXT(d->out, "typedef ");
		d->nested = 0;
		if (dump_declare(d, type, dump_type_name(d, id), 0))
			return -1;
		dump_decl_tags(d, id, -1);
		TEXT(d->out, ";\n");
		end_before_c23(d, begun);
		d->state[id] = (d->state[id] & ~STATE_BUSY) | STATE_MENTIONED;
	}
	return complete ? need(d, type, true) : 0;
}

static int need_params(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	const struct btf_param *p = btf_extra(t);
	uint32_t i;

	if (need(d, t->type, false))
		return -1;
	for (i = 0; i < btf_vlen(t); i++)
		if (need(d, p[i].type, false))
			return -1;
	return 0;
}

static int need_kind(struct dump *d, uint32_t id, bool complete)
{
	const struct btf_type *t = dump_type(d, id);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return define_number(d, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return need_composite(d, id, complete);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return t->name_off ? define_enum(d, id) : 0;
	case BTF_KIND_FWD:
		return declare_tag(d, id, BTF_INFO_KFLAG(t->info));
	case BTF_KIND_TYPEDEF:
		return need_typedef(d, id, complete);
	case BTF_KIND_PTR:
		return need(d, t->type, false);
	case BTF_KIND_ARRAY:
		return need(d, ((const struct btf_array *)btf_extra(t))->type, true);
	case BTF_KIND_FUNC_PROTO:
		return need_params(d, id);
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return need(d, t->type, complete);
	default:
		return error_set(d->err, ERROR_FORMAT, "BTF: type %u: got kind %u, expected one that "
				 "things can have as their type", id, btf_kind(t));
	}
}

/* Where one is done for both ways at once, it is noted for both. */
static uint8_t done_by(const struct btf_type *t, bool complete)
{
	uint32_t kind = btf_kind(t);

	if (complete || btf_is_enum(t) || kind == BTF_KIND_INT || kind == BTF_KIND_FLOAT ||
	    kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_FUNC_PROTO ||
	    kind == BTF_KIND_FWD || (btf_is_composite(t) && !t->name_off))
		return STATE_MENTIONED | STATE_COMPLETE;
	return STATE_MENTIONED;
}

static int need(struct dump *d, uint32_t id, bool complete)
{
	if (id >= d->count)
		return error_set(d->err, ERROR_FORMAT, "BTF: type %u: got an id that is not there, "
				 "expected less than %u", id, d->count);
	if (!id || d->state[id] & (complete ? STATE_COMPLETE : STATE_MENTIONED))
		return 0;
	if (dump_enter(d, id) || need_kind(d, id, complete))
		return -1;
	dump_leave(d);
	d->state[id] |= done_by(dump_type(d, id), complete);
	return 0;
}

/* ---- functions and variables ---- */

static bool is_kfunc(const struct dump *d, uint32_t id)
{
	size_t i;

	if (!(d->state[id] & STATE_TAGGED))
		return false;
	for (i = 0; i < d->tags.len; i++)
		if (d->tags.at[i].type == id && d->tags.at[i].component == -1 &&
		    !strcmp(btf_string(d->btf, dump_type(d, d->tags.at[i].id)->name_off), "bpf_kfunc"))
			return true;
	return false;
}

static int declare_extern(struct dump *d, uint32_t id, bool kfunc)
{
	const struct btf_type *t = dump_type(d, id);
	const char *name;

	if (need(d, t->type, false))
		return -1;
	name = dump_name_ordinary(d, t->name_off);
	if (!name)
		return error_memory(d->err);
	TEXT(d->out, "extern ");
	d->nested = 0;
	if (dump_declare(d, t->type, name, 0))
		return -1;
	if (kfunc)
		TEXT(d->out, " __weak __ksym");
	TEXT(d->out, ";\n");
	return 0;
}

/*
 * Kernel functions that BPF programs may call, known by their tag since Linux 6.10. Their types
 * first, so that nothing but functions is left out where a program declares its own.
 */
static int declare_kfuncs(struct dump *d)
{
	uint32_t id;
	bool any = false;

	for (id = d->btf->first; id < d->count; id++)
		if (btf_kind(dump_type(d, id)) == BTF_KIND_FUNC && is_kfunc(d, id)) {
			any = true;
			if (need(d, dump_type(d, id)->type, false))
				return -1;
		}
	if (!any)
		return 0;
	TEXT(d->out, "#ifndef BPF_NO_KFUNC_PROTOTYPES\n"
	     "#ifndef __ksym\n#define __ksym __attribute__((section(\".ksyms\")))\n#endif\n"
	     "#ifndef __weak\n#define __weak __attribute__((weak))\n#endif\n\n");
	for (id = d->btf->first; id < d->count; id++)
		if (btf_kind(dump_type(d, id)) == BTF_KIND_FUNC && is_kfunc(d, id) &&
		    declare_extern(d, id, true))
			return -1;
	TEXT(d->out, "#endif /* BPF_NO_KFUNC_PROTOTYPES */\n\n");
	return 0;
}

/* ---- all of it ---- */

static int define(struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);
	uint32_t kind = btf_kind(t);

	if (kind == BTF_KIND_FUNC || kind == BTF_KIND_VAR)
		return declare_extern(d, id, is_kfunc(d, id));
	if (btf_is_enum(t) && !t->name_off)
		return d->state[id] & STATE_DECLARED ? 0 : define_enum(d, id);
	return need(d, id, true);
}

static int define_ids(struct dump *d, const uint32_t *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (define(d, ids[i]))
			return -1;
	return 0;
}

/*
 * Everything that has a name of its own. Enums without one are left for the end: those that
 * are part of something have been written there by then.
 */
static int define_all(struct dump *d)
{
	uint32_t id;

	for (id = d->btf->first; id < d->count && !d->out->failed; id++) {
		const struct btf_type *t = dump_type(d, id);
		uint32_t kind = btf_kind(t);

		if (t->name_off && (btf_is_composite(t) || btf_is_enum(t) ||
				    kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_FWD) &&
		    need(d, id, true))
			return -1;
	}
	for (id = d->btf->first; id < d->count && !d->out->failed; id++)
		if (btf_is_enum(dump_type(d, id)) && define(d, id))
			return -1;
	return declare_kfuncs(d);
}

static int compare_tags(const void *a, const void *b)
{
	const struct dump_tag *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int note_tag(struct dump *d, uint32_t id, const struct btf_type *t)
{
	struct dump_tag *tag = vec_push(&d->tags);

	if (!tag)
		return error_memory(d->err);
	tag->type = t->type;
	tag->component = ((const struct btf_decl_tag *)btf_extra(t))->component_idx;
	tag->id = id;
	if (tag->type < d->count)
		d->state[tag->type] |= STATE_TAGGED;
	return 0;
}

/* What has to be known of all types before the first is written. */
static int note_type(struct dump *d, uint32_t id, const struct btf_type *t)
{
	uint32_t kind = btf_kind(t);

	d->signs |= kind == BTF_KIND_ENUM64 || (kind == BTF_KIND_ENUM && BTF_INFO_KFLAG(t->info));
	return kind == BTF_KIND_DECL_TAG ? note_tag(d, id, t) : 0;
}

static int index_types(struct dump *d, const struct btf *holder)
{
	const uint8_t *at = holder->types;
	uint32_t id;

	for (id = holder->first; id < holder->count; id++) {
		const struct btf_type *t = (const struct btf_type *)at;

		d->offsets[id] = at - holder->types;
		if (note_type(d, id, t))
			return -1;
		at += btf_length(holder, t);
	}
	return 0;
}

static int init(struct dump *d)
{
	if (d->btf->base && d->btf->base->base)
		return error_set(d->err, ERROR_UNSUPPORTED, "BTF: base: got one that is split itself, "
				 "expected a whole one");
	d->count = btf_count(d->btf) ? btf_count(d->btf) : 1;
	d->offsets = calloc(d->count, sizeof(*d->offsets));
	d->state = calloc(d->count, 1);
	d->shapes = calloc(d->count, 1);
	if (!d->offsets || !d->state || !d->shapes)
		return error_memory(d->err);
	if ((d->btf->base && index_types(d, d->btf->base)) || index_types(d, d->btf))
		return -1;
	if (d->tags.len)
		qsort(d->tags.at, d->tags.len, sizeof(*d->tags.at), compare_tags);
	return dump_names_init(d);
}

static void fini(struct dump *d)
{
	free(d->offsets);
	free(d->state);
	free(d->shapes);
	vec_fini(&d->tags);
	dump_names_fini(d);
}

/* BPF authors know these guards; only compilers for BPF know the attribute. */
static int put_header(struct dump *d, const uint32_t *ids, size_t count)
{
	TEXT(d->out, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
	     "#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n"
	     "#pragma clang attribute push (__attribute__((preserve_access_index)), "
	     "apply_to = record)\n#endif\n\n");
	if (ids ? define_ids(d, ids, count) : define_all(d))
		return -1;
	TEXT(d->out, "#if defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)\n"
	     "#pragma clang attribute pop\n#endif\n\n#endif /* __VMLINUX_H__ */\n");
	return 0;
}

int btf_dump_c(const struct btf *btf, const uint32_t *ids, size_t count, struct text *out,
	       struct error *err)
{
	struct dump d = { .btf = btf, .out = out, .err = err };
	int ret = init(&d);

	if (!ret)
		ret = put_header(&d, ids, count);
	if (!ret && out->failed)
		ret = error_system(err, -out->failed, "C header");
	fini(&d);
	return ret;
}
