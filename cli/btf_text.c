// SPDX-License-Identifier: GPL-2.0
#include "cli/btf_text.h"

#include "cli/escape.h"

struct listing {
	const struct btf *btf;
	struct text *out;
	bool json;
};

/* ---- one field, in either form ---- */

static void put_key(struct listing *l, const char *key)
{
	text_string(l->out, l->json ? ",\"" : " ");
	text_string(l->out, key);
	text_string(l->out, l->json ? "\":" : "=");
}

static void number(struct listing *l, const char *key, uint64_t value)
{
	put_key(l, key);
	text_number(l->out, value);
}

static void signed_number(struct listing *l, const char *key, int64_t value)
{
	put_key(l, key);
	text_signed(l->out, value);
}

/* A word of ours. */
static void word(struct listing *l, const char *key, const char *value)
{
	put_key(l, key);
	text_string(l->out, l->json ? "\"" : "");
	text_string(l->out, value);
	text_string(l->out, l->json ? "\"" : "");
}

static void put_name(struct listing *l, uint32_t name_off)
{
	const char *name = name_off ? btf_string(l->btf, name_off) : "(anon)";
	size_t len = strlen(name), hidden = 0;
	char *to, *end;

	text_string(l->out, l->json ? "\"" : "'");
	if (text_room(l->out, ESCAPE_ROOM(len))) {
		to = l->out->at + l->out->len;
		end = l->json ? escape_json(to, name, len) : escape_terminal(to, name, len, &hidden);
		l->out->len += end - to;
	}
	text_string(l->out, l->json ? "\"" : "'");
}

/* ---- what belongs to a type: members, values ... ---- */

static void begin_list(struct listing *l, const char *key)
{
	if (!l->json)
		return;
	put_key(l, key);
	TEXT(l->out, "[");
}

static void end_list(struct listing *l)
{
	if (l->json)
		TEXT(l->out, "]");
}

/* An element that begins with its name. */
static void begin_named(struct listing *l, uint32_t index, uint32_t name_off)
{
	if (l->json)
		text_string(l->out, index ? ",{\"name\":" : "{\"name\":");
	else
		TEXT(l->out, "\n\t");
	put_name(l, name_off);
}

static void end_element(struct listing *l)
{
	if (l->json)
		TEXT(l->out, "}");
}

static void put_members(struct listing *l, const struct btf_type *t)
{
	const struct btf_member *m = btf_extra(t);
	uint32_t i;

	number(l, "size", t->size);
	number(l, "vlen", btf_vlen(t));
	begin_list(l, "members");
	for (i = 0; i < btf_vlen(t); i++) {
		begin_named(l, i, m[i].name_off);
		number(l, "type_id", m[i].type);
		number(l, "bits_offset", btf_member_bit_offset(t, &m[i]));
		if (btf_member_bits(t, &m[i]))
			number(l, "bitfield_size", btf_member_bits(t, &m[i]));
		end_element(l);
	}
	end_list(l);
}

static void begin_enum(struct listing *l, const struct btf_type *t)
{
	word(l, "encoding", BTF_INFO_KFLAG(t->info) ? "SIGNED" : "UNSIGNED");
	number(l, "size", t->size);
	number(l, "vlen", btf_vlen(t));
	begin_list(l, "values");
}

static void put_enum(struct listing *l, const struct btf_type *t)
{
	const struct btf_enum *e = btf_extra(t);
	uint32_t i;

	begin_enum(l, t);
	for (i = 0; i < btf_vlen(t); i++) {
		begin_named(l, i, e[i].name_off);
		if (BTF_INFO_KFLAG(t->info))
			signed_number(l, "val", e[i].val);
		else
			number(l, "val", (uint32_t)e[i].val);
		end_element(l);
	}
	end_list(l);
}

static void put_enum64(struct listing *l, const struct btf_type *t)
{
	const struct btf_enum64 *e = btf_extra(t);
	bool sign = BTF_INFO_KFLAG(t->info);
	uint32_t i;

	begin_enum(l, t);
	for (i = 0; i < btf_vlen(t); i++) {
		uint64_t value = btf_enum64_value(&e[i]);

		begin_named(l, i, e[i].name_off);
		if (sign)
			signed_number(l, "val", value);
		else
			number(l, "val", value);
		if (!l->json)
			text_string(l->out, sign ? "LL" : "ULL");
		end_element(l);
	}
	end_list(l);
}

static void put_params(struct listing *l, const struct btf_type *t)
{
	const struct btf_param *p = btf_extra(t);
	uint32_t i;

	number(l, "ret_type_id", t->type);
	number(l, "vlen", btf_vlen(t));
	begin_list(l, "params");
	for (i = 0; i < btf_vlen(t); i++) {
		begin_named(l, i, p[i].name_off);
		number(l, "type_id", p[i].type);
		end_element(l);
	}
	end_list(l);
}

/* The text form names the variable as well, for the reader. */
static void put_section(struct listing *l, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = btf_extra(t);
	uint32_t i;

	number(l, "size", t->size);
	number(l, "vlen", btf_vlen(t));
	begin_list(l, "vars");
	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *var = btf_type(l->btf, v[i].type);

		if (l->json)
			text_string(l->out, i ? ",{\"type_id\":" : "{\"type_id\":");
		else
			TEXT(l->out, "\n\ttype_id=");
		text_number(l->out, v[i].type);
		number(l, "offset", v[i].offset);
		number(l, "size", v[i].size);
		if (!l->json && var && btf_kind(var) == BTF_KIND_VAR) {
			TEXT(l->out, " (VAR ");
			put_name(l, var->name_off);
			TEXT(l->out, ")");
		}
		end_element(l);
	}
	end_list(l);
}

/* ---- types ---- */

static const char *const kinds[] = {
	"UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE",
	"CONST", "RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG",
	"TYPE_TAG", "ENUM64",
};

static void put_int(struct listing *l, const struct btf_type *t)
{
	uint32_t info = *(const uint32_t *)btf_extra(t);
	uint32_t encoding = BTF_INT_ENCODING(info);

	number(l, "size", t->size);
	number(l, "bits_offset", BTF_INT_OFFSET(info));
	number(l, "nr_bits", BTF_INT_BITS(info));
	word(l, "encoding", !encoding ? "(none)" : encoding == BTF_INT_SIGNED ? "SIGNED" :
	     encoding == BTF_INT_CHAR ? "CHAR" : encoding == BTF_INT_BOOL ? "BOOL" : "UNKN");
}

static void put_array(struct listing *l, const struct btf_type *t)
{
	const struct btf_array *array = btf_extra(t);

	number(l, "type_id", array->type);
	number(l, "index_type_id", array->index_type);
	number(l, "nr_elems", array->nelems);
}

static void put_linkage(struct listing *l, uint32_t linkage)
{
	word(l, "linkage", linkage == BTF_FUNC_STATIC ? "static" : linkage == BTF_FUNC_GLOBAL ?
	     "global" : linkage == BTF_FUNC_EXTERN ? "extern" : "(unknown)");
}

static void put_var(struct listing *l, const struct btf_type *t)
{
	number(l, "type_id", t->type);
	if (!l->json)
		TEXT(l->out, ",");
	put_linkage(l, ((const struct btf_var *)btf_extra(t))->linkage);
}

static void put_rest(struct listing *l, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		put_int(l, t);
		break;
	case BTF_KIND_ARRAY:
		put_array(l, t);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		put_members(l, t);
		break;
	case BTF_KIND_ENUM:
		put_enum(l, t);
		break;
	case BTF_KIND_ENUM64:
		put_enum64(l, t);
		break;
	case BTF_KIND_FWD:
		word(l, "fwd_kind", BTF_INFO_KFLAG(t->info) ? "union" : "struct");
		break;
	case BTF_KIND_FUNC:
		number(l, "type_id", t->type);
		put_linkage(l, btf_vlen(t));
		break;
	case BTF_KIND_FUNC_PROTO:
		put_params(l, t);
		break;
	case BTF_KIND_VAR:
		put_var(l, t);
		break;
	case BTF_KIND_DATASEC:
		put_section(l, t);
		break;
	case BTF_KIND_FLOAT:
		number(l, "size", t->size);
		break;
	case BTF_KIND_DECL_TAG:
		number(l, "type_id", t->type);
		signed_number(l, "component_idx",
			      ((const struct btf_decl_tag *)btf_extra(t))->component_idx);
		break;
	default:
		number(l, "type_id", t->type);
	}
}

static void put_type(struct listing *l, uint32_t id, const struct btf_type *t)
{
	uint32_t kind = btf_kind(t) < sizeof(kinds) / sizeof(kinds[0]) ? btf_kind(t) : 0;

	text_string(l->out, l->json ? "{\"id\":" : "[");
	text_number(l->out, id);
	text_string(l->out, l->json ? ",\"kind\":\"" : "] ");
	text_string(l->out, kinds[kind]);
	text_string(l->out, l->json ? "\",\"name\":" : " ");
	put_name(l, t->name_off);
	put_rest(l, t);
	text_string(l->out, l->json ? "}" : "\n");
}

static void put_all(struct listing *l)
{
	const uint8_t *at = l->btf->types;
	uint32_t id;

	for (id = l->btf->first; id < l->btf->count && !l->out->failed; id++) {
		const struct btf_type *t = (const struct btf_type *)at;

		if (l->json && id > l->btf->first)
			TEXT(l->out, ",");
		put_type(l, id, t);
		at += btf_length(l->btf, t);
	}
}

void btf_text(const struct btf *btf, const uint32_t *ids, size_t count, bool json,
	      struct text *out)
{
	struct listing l = { btf, out, json };
	size_t i;

	if (json)
		TEXT(out, "{\"types\":[");
	if (!ids)
		put_all(&l);
	for (i = 0; ids && i < count; i++) {
		if (json && i)
			TEXT(out, ",");
		put_type(&l, ids[i], btf_type(btf, ids[i]));
	}
	if (json)
		TEXT(out, "]}\n");
}
