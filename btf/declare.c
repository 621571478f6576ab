// SPDX-License-Identifier: GPL-2.0
/*
 * C writes a declaration around the name, from the inside out: what binds closest stands next to
 * it. So a declarator grows while one follows the types, and the base type is put before it:
 *
 *	pointer to array of 8 const char, called p
 *	p -> *p -> (*p)[8] -> const char (*p)[8]
 */
#include "btf/declare.h"

#include <stdio.h>
#include <string.h>

#define MAX_CHAIN 64
#define MAX_DEPTH 4 /* of functions in the parameters of functions */

struct declarator {
	char text[400];
	bool is_pointer; /* begins with '*', so that [] and () need parentheses around it */
};

static void declare(struct strbuf *out, const struct btf *btf, uint32_t id, const char *name,
		    unsigned int depth);

static void set(struct declarator *d, const char *before, const char *after)
{
	char old[sizeof(d->text)];

	memcpy(old, d->text, sizeof(old));
	snprintf(d->text, sizeof(d->text), "%s%s%s", before, old, after);
}

static void put_star(struct declarator *d)
{
	set(d, "*", "");
	d->is_pointer = true;
}

/* Of a pointer: it stands between the star and what there is so far. */
static void put_qualifier(struct declarator *d, const char *word)
{
	if (*d->text)
		set(d, " ", "");
	set(d, word, "");
}

static void put_behind(struct declarator *d, const char *behind)
{
	if (d->is_pointer)
		set(d, "(", ")");
	set(d, "", behind);
	d->is_pointer = false;
}

static void put_parameters(struct declarator *d, const struct btf *btf, const struct btf_type *t,
			   unsigned int depth)
{
	const struct btf_param *p = btf_extra(t);
	char buf[sizeof(d->text)];
	struct strbuf list = STRBUF(buf);
	uint32_t i;

	strbuf_add(&list, "(");
	for (i = 0; i < btf_vlen(t) && depth < MAX_DEPTH && !list.cut; i++) {
		strbuf_add(&list, i ? ", " : "");
		/* A last parameter of no type and no name stands for any more of them. */
		if (!p[i].type && !p[i].name_off)
			strbuf_add(&list, "...");
		else
			declare(&list, btf, p[i].type, "", depth + 1);
	}
	strbuf_add(&list, btf_vlen(t) ? ")" : "void)");
	put_behind(d, buf);
}

static const char *qualifier(uint32_t kind)
{
	switch (kind) {
	case BTF_KIND_CONST:
		return "const";
	case BTF_KIND_VOLATILE:
		return "volatile";
	default:
		return "restrict";
	}
}

static const char *keyword(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return "struct ";
	case BTF_KIND_UNION:
		return "union ";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum ";
	case BTF_KIND_FWD:
		return BTF_INFO_KFLAG(t->info) ? "union " : "struct ";
	default:
		return "";
	}
}

static void put_base(struct strbuf *out, const struct btf *btf, uint32_t id, const char *qualifiers,
		     const struct declarator *d)
{
	const struct btf_type *t = btf_type(btf, id);
	const char *name = t ? btf_string(btf, t->name_off) : "void";

	strbuf_add(out, "%s%s%s", qualifiers, t ? keyword(t) : "", *name ? name : "{...}");
	if (*d->text)
		strbuf_add(out, "%s%s", *d->text == '[' ? "" : " ", d->text);
}

/* Through typedefs a pointer is not seen: "const handle_t" qualifies what the name stands for. */
static bool qualifies_pointer(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, id);
	int steps;

	for (steps = 0; t && steps < MAX_CHAIN; steps++) {
		switch (btf_kind(t)) {
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			t = btf_type(btf, t->type);
			break;
		default:
			return btf_kind(t) == BTF_KIND_PTR;
		}
	}
	return false;
}

/* One type further in. False where it is the base, which stands in front. */
static bool step_in(struct declarator *d, struct strbuf *qualifiers, const struct btf *btf,
		    uint32_t *id, unsigned int depth)
{
	const struct btf_type *t = btf_type(btf, *id);
	const struct btf_array *array;
	char size[16];

	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_PTR:
		put_star(d);
		break;
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
		if (qualifies_pointer(btf, t->type))
			put_qualifier(d, qualifier(btf_kind(t)));
		else
			strbuf_add(qualifiers, "%s ", qualifier(btf_kind(t)));
		break;
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
	case BTF_KIND_FUNC:
		break;
	case BTF_KIND_ARRAY:
		array = btf_extra(t);
		snprintf(size, sizeof(size), array->nelems ? "[%u]" : "[]", array->nelems);
		put_behind(d, size);
		*id = array->type;
		return true;
	case BTF_KIND_FUNC_PROTO:
		put_parameters(d, btf, t, depth);
		break;
	default:
		return false;
	}
	*id = t->type;
	return true;
}

static void declare(struct strbuf *out, const struct btf *btf, uint32_t id, const char *name,
		    unsigned int depth)
{
	struct declarator d = { .is_pointer = false };
	char buf[64];
	struct strbuf qualifiers = STRBUF(buf);
	int steps;

	snprintf(d.text, sizeof(d.text), "%s", name);
	for (steps = 0; steps < MAX_CHAIN && step_in(&d, &qualifiers, btf, &id, depth); steps++)
		;
	put_base(out, btf, steps < MAX_CHAIN ? id : 0, buf, &d);
}

void btf_declare(struct strbuf *out, const struct btf *btf, uint32_t id, const char *name)
{
	declare(out, btf, id, name, 0);
}
