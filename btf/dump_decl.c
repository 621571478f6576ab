// SPDX-License-Identifier: GPL-2.0
/*
 * A declaration in C is read from the name outwards, BTF leads from there to the innermost type:
 *
 *	PTR -> ARRAY 3 -> CONST -> PTR -> FUNC_PROTO (int) -> int     "name is a pointer to ..."
 *
 *	int (*const (*name)[3])(int)
 *
 * So the chain is written twice: from its end to the front what stands left of the name (base
 * type, stars, qualifiers, opening brackets where a star meets an array or a function), and from
 * front to end what stands right of it.
 *
 * A qualifier of an array is one of its elements, as C has it: CONST -> ARRAY -> int becomes
 * ARRAY -> CONST -> int. One of a function means nothing.
 */
#include <string.h>

#include "btf/dump_internal.h"

#define MAX_CHAIN 128

struct chain {
	uint32_t ids[MAX_CHAIN];
	uint32_t len;
	uint32_t base; /* what is behind them all */
};

static bool is_qualifier(uint32_t kind)
{
	return kind == BTF_KIND_CONST || kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
	       kind == BTF_KIND_TYPE_TAG;
}

static uint32_t kind_at(const struct dump *d, const struct chain *c, uint32_t at)
{
	return btf_kind(dump_type(d, c->ids[at]));
}

/* Where the qualifiers begin that are the last of the chain so far. */
static uint32_t qualifiers_at(const struct dump *d, const struct chain *c)
{
	uint32_t at = c->len;

	while (at && is_qualifier(kind_at(d, c, at - 1)))
		at--;
	return at;
}

static bool is_twice(const struct dump *d, const struct chain *c, uint32_t kind)
{
	uint32_t at;

	for (at = qualifiers_at(d, c); at < c->len; at++)
		if (kind == kind_at(d, c, at) && kind != BTF_KIND_TYPE_TAG)
			return true;
	return false;
}

/* Attribute text that is nothing else: words, numbers, matching brackets. */
static bool is_attribute(const char *s)
{
	int open = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		open += (*s == '(') - (*s == ')');
		if (open < 0 || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_(), ", *s))
			return false;
	}
	return !open;
}

/*
 * The kind flag says that the text is a whole attribute (Linux 6.15, "bpf: Add BTF decl_tag
 * type_tag with kind_flag"), such as address_space(1).
 */
static bool is_writable(const struct dump *d, uint32_t id)
{
	const struct btf_type *t = dump_type(d, id);

	return !BTF_INFO_KFLAG(t->info) || is_attribute(btf_string(d->btf, t->name_off));
}

static void chain_add(struct dump *d, struct chain *c, uint32_t id, uint32_t kind)
{
	uint32_t at = qualifiers_at(d, c);

	if (is_qualifier(kind) && is_twice(d, c, kind))
		return;
	if (kind == BTF_KIND_TYPE_TAG && !is_writable(d, id))
		return;
	if (kind == BTF_KIND_FUNC_PROTO)
		c->len = at;
	if (kind != BTF_KIND_ARRAY)
		at = c->len;
	memmove(&c->ids[at + 1], &c->ids[at], (c->len - at) * sizeof(c->ids[0]));
	c->ids[at] = id;
	c->len++;
}

/* What a pointer points to, an array is made of, a function returns. */
static uint32_t next_of(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_ARRAY ? ((const struct btf_array *)btf_extra(t))->type :
					       t->type;
}

static bool is_link(uint32_t kind)
{
	return kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_FUNC_PROTO ||
	       is_qualifier(kind);
}

static int chain_read(struct dump *d, struct chain *c, uint32_t id)
{
	uint32_t start = id, steps = 0;

	c->len = 0;
	for (; id && is_link(btf_kind(dump_type(d, id))); id = next_of(dump_type(d, id))) {
		if (steps++ == MAX_CHAIN)
			return error_set(d->err, ERROR_FORMAT, "BTF: type %u: got more than %d types "
					 "between a name and its type", start, MAX_CHAIN);
		chain_add(d, c, id, btf_kind(dump_type(d, id)));
	}
	c->base = id;
	return 0;
}

/* ---- attributes ---- */

/* Text for a string literal: whatever it is, it stays inside the quotes. */
static void put_literal(struct dump *d, const char *s)
{
	static const char hex[] = "0123456789abcdef";

	for (; *s; s++) {
		unsigned char c = *s;
		const char octal[] = { '\\', '0' + (c >> 6), hex[c >> 3 & 7], hex[c & 7] };

		if (c == '"' || c == '\\' || c == '?' || c < ' ' || c >= 0x7f)
			text_put(d->out, octal, sizeof(octal));
		else
			text_put(d->out, s, 1);
	}
}

static void put_tag(struct dump *d, uint32_t id, const char *attribute)
{
	const struct btf_type *t = dump_type(d, id);
	const char *name = btf_string(d->btf, t->name_off);

	if (BTF_INFO_KFLAG(t->info)) {
		TEXT(d->out, "__attribute__((");
		text_string(d->out, name);
		TEXT(d->out, "))");
		return;
	}
	TEXT(d->out, "__attribute__((");
	text_string(d->out, attribute);
	TEXT(d->out, "(\"");
	put_literal(d, name);
	TEXT(d->out, "\")))");
}

void dump_decl_tags(struct dump *d, uint32_t id, int32_t component)
{
	size_t low = 0, high = d->tags.len;

	if (!(d->state[id] & STATE_TAGGED))
		return;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->tags.at[mid].type < id)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < d->tags.len && d->tags.at[low].type == id; low++)
		if (d->tags.at[low].component == component && is_writable(d, d->tags.at[low].id)) {
			TEXT(d->out, " ");
			put_tag(d, d->tags.at[low].id, "btf_decl_tag");
		}
}

/* ---- left of the name ---- */

static int put_named(struct dump *d, const char *keyword, uint32_t id)
{
	text_string(d->out, keyword);
	text_string(d->out, dump_type_name(d, id));
	return 0;
}

static int put_base(struct dump *d, uint32_t id, unsigned int indent)
{
	const struct btf_type *t;
	bool named;

	if (!id) {
		TEXT(d->out, "void");
		return 0;
	}
	t = dump_type(d, id);
	named = t->name_off;
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return named ? put_named(d, "struct ", id) : dump_composite_body(d, id, indent);
	case BTF_KIND_UNION:
		return named ? put_named(d, "union ", id) : dump_composite_body(d, id, indent);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return named ? put_named(d, "enum ", id) : dump_enum_body(d, id, indent);
	case BTF_KIND_FWD:
		return put_named(d, BTF_INFO_KFLAG(t->info) ? "union " : "struct ", id);
	default: /* typedef, integer, float: the walk before let nothing else through */
		return put_named(d, "", id);
	}
}

static void put_qualifier(struct dump *d, uint32_t id)
{
	switch (btf_kind(dump_type(d, id))) {
	case BTF_KIND_CONST:
		TEXT(d->out, "const");
		break;
	case BTF_KIND_VOLATILE:
		TEXT(d->out, "volatile");
		break;
	case BTF_KIND_RESTRICT:
		TEXT(d->out, "restrict");
		break;
	default:
		put_tag(d, id, "btf_type_tag");
	}
}

/* Those of the base type, if they stand in front of it; tags behind it are not the variable's. */
static void put_base_qualifiers(struct dump *d, const struct chain *c, bool front)
{
	bool pointer = c->base && dump_resolve(d, c->base) &&
		       btf_kind(dump_type(d, dump_resolve(d, c->base))) == BTF_KIND_PTR;
	uint32_t at;

	for (at = qualifiers_at(d, c); at < c->len; at++) {
		uint32_t kind = kind_at(d, c, at);
		bool in_front = kind == BTF_KIND_CONST || kind == BTF_KIND_VOLATILE;

		if (in_front != front || (kind == BTF_KIND_RESTRICT && !pointer))
			continue;
		if (!front)
			TEXT(d->out, " ");
		put_qualifier(d, c->ids[at]);
		if (front)
			TEXT(d->out, " ");
	}
}

static int put_left(struct dump *d, const struct chain *c, const char *name, unsigned int indent)
{
	uint32_t at = qualifiers_at(d, c), inner = BTF_KIND_UNKN;
	bool space = true; /* wanted before a word */

	put_base_qualifiers(d, c, true);
	if (put_base(d, c->base, indent))
		return -1;
	put_base_qualifiers(d, c, false);
	while (at-- > 0) {
		uint32_t kind = kind_at(d, c, at);

		if (kind == BTF_KIND_PTR) {
			if (space)
				TEXT(d->out, " ");
			if (inner == BTF_KIND_ARRAY || inner == BTF_KIND_FUNC_PROTO)
				TEXT(d->out, "(");
			TEXT(d->out, "*");
			space = false;
		} else if (is_qualifier(kind)) {
			if (space)
				TEXT(d->out, " ");
			put_qualifier(d, c->ids[at]);
			space = true;
		}
		if (!is_qualifier(kind))
			inner = kind;
	}
	if (*name && space)
		TEXT(d->out, " ");
	text_string(d->out, name);
	return 0;
}

/* ---- right of the name ---- */

static int put_params(struct dump *d, uint32_t id, unsigned int indent)
{
	const struct btf_type *t = dump_type(d, id);
	const struct btf_param *params = btf_extra(t);
	uint32_t i, n = btf_vlen(t);

	if (dump_nest(d, id))
		return -1;
	TEXT(d->out, "(");
	for (i = 0; i < n; i++) {
		const char *name = params[i].name_off ? dump_name_member(d, params[i].name_off) : "";

		if (i)
			TEXT(d->out, ", ");
		if (!name)
			return -1;
		if (!params[i].type && !params[i].name_off && i == n - 1 && i)
			TEXT(d->out, "...");
		else if (dump_declare(d, params[i].type, name, indent))
			return -1;
	}
	if (!n)
		TEXT(d->out, "void");
	TEXT(d->out, ")");
	return 0;
}

static int put_right(struct dump *d, const struct chain *c, unsigned int indent)
{
	bool pointer = false; /* the last but qualifiers was one */
	uint32_t at;

	for (at = 0; at < c->len; at++) {
		uint32_t kind = kind_at(d, c, at);

		if (is_qualifier(kind))
			continue;
		if (pointer && kind != BTF_KIND_PTR)
			TEXT(d->out, ")");
		pointer = kind == BTF_KIND_PTR;
		if (kind == BTF_KIND_ARRAY) {
			const struct btf_array *array = btf_extra(dump_type(d, c->ids[at]));

			TEXT(d->out, "[");
			text_number(d->out, array->nelems);
			TEXT(d->out, "]");
		}
		if (kind == BTF_KIND_FUNC_PROTO && put_params(d, c->ids[at], indent))
			return -1;
	}
	return 0;
}

int dump_declare(struct dump *d, uint32_t id, const char *name, unsigned int indent)
{
	struct chain c;
	int ret;

	if (dump_enter(d, id))
		return -1;
	ret = chain_read(d, &c, id);
	if (!ret)
		ret = put_left(d, &c, name, indent);
	if (!ret)
		ret = put_right(d, &c, indent);
	dump_leave(d);
	return ret;
}
