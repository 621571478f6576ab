// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include <ctype.h>
#include <string.h>

#include "btf/write.h"

/*
 * What becomes of the types that a kernel does not know, by example. Ids stay what they are,
 * for maps, functions and other types name types by them; so each type is replaced by one
 * that every kernel with BTF knows, and that means the least harm:
 *
 *	[2] FUNC_PROTO (x) -> [1]	5.0	ENUM, without values
 *	[3] FUNC f -> [2], global	5.0	TYPEDEF f -> [2]; before 5.6: static
 *	[4] VAR counter -> [1]		5.2	INT counter, one byte: fits in any variable's place
 *	[5] DATASEC .bss {[4] at 8}	5.2	STRUCT _bss { [4] counter; } at bit 64
 *	[6] FLOAT double		5.13	STRUCT without name and members, of that size
 *	[7] DECL_TAG "x" -> [3]		5.16	INT, one byte
 *	[8] TYPE_TAG "user" -> [1]	5.17	CONST -> [1]
 *	[9] ENUM64 big			6.0	UNION big of one-byte members
 *	ENUM of signed values		6.0	the same without the kind flag
 *	STRUCT with bit fields		5.0	one-byte members where the fields begin
 *
 * And what no kernel takes, though compilers and linkers write it: sections that are empty or
 * hold functions (.ksyms), names that are no identifiers, parameters without a name, extern
 * linkage, variables of type void. The layout section that newer BTF has (it tells the
 * length of unknown kinds) is left out always, as kernels know the kinds they take.
 *
 * The strings stay where they are, new ones go behind them: line info names them by offset.
 */
struct lowering {
	const struct btf *btf;
	struct caps *caps;
	enum answer answers[CAP_COUNT]; /* each is asked once, also where it stays unknown */
	struct btf_writer out;
	uint32_t byte; /* id of an int of one byte at the end, 0 until one is needed */
};

/* The kernel takes names up to KSYM_NAME_LEN, 128 before Linux 6.1 (512 since). */
#define NAME_MAX_LEN 127
#define BYTE_ENCODING 8 /* of an INT: 8 bits, unsigned, at bit 0 */

static bool takes(struct lowering *l, enum cap cap)
{
	if (l->answers[cap] == CAP_NOT_ASKED)
		l->answers[cap] = caps_ask(l->caps, cap);
	return l->answers[cap] == CAP_YES;
}

static uint32_t byte_type(struct lowering *l)
{
	if (!l->byte)
		l->byte = btf_count(l->btf);
	return l->byte;
}

/* ---- names ---- */

static bool is_name_char(char c, bool first)
{
	return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static bool is_identifier(const char *name)
{
	for (size_t i = 0; name[i]; i++)
		if (!is_name_char(name[i], !i) || i == NAME_MAX_LEN)
			return false;
	return *name;
}

/* "Option<u8>" becomes "Option_u8_", ".bss" "_bss". What has no name keeps none. */
static uint32_t clean_name(struct lowering *l, uint32_t name_off)
{
	const char *name = btf_string(l->btf, name_off);
	char clean[NAME_MAX_LEN + 1] = "";

	if (!*name || is_identifier(name))
		return *name ? name_off : 0;
	for (size_t i = 0; name[i] && i < NAME_MAX_LEN; i++)
		clean[i] = is_name_char(name[i], !i) ? name[i] : '_';
	return btf_write_string(&l->out, clean);
}

/* For what must have one. */
static uint32_t need_name(struct lowering *l, uint32_t name_off, const char *otherwise)
{
	uint32_t clean = clean_name(l, name_off);

	return clean ? clean : btf_write_string(&l->out, otherwise);
}

/* Sections may have '.' in their names; other characters since "bpf: allow '?' at the beginning
 * of DATASEC names", Linux 6.9. */
static uint32_t section_name(struct lowering *l, uint32_t name_off)
{
	const char *name = btf_string(l->btf, name_off), *at = name;

	while (*at == '.' || is_name_char(*at, at == name))
		at++;
	if (*name && (!*at || takes(l, CAP_BTF_SECTION_NAME)))
		return name_off;
	return need_name(l, name_off, "section");
}

/* ---- which kind each type is to be ---- */

static bool has_kflag(const struct btf_type *t)
{
	return BTF_INFO_KFLAG(t->info);
}

static bool is_var(const struct btf_type *t)
{
	return t && btf_kind(t) == BTF_KIND_VAR && t->type;
}

/* As the kernel checks it: variables, in order, each inside. */
static bool is_sound_section(const struct lowering *l, const struct btf_type *t)
{
	const struct btf_var_secinfo *vars = btf_extra(t);
	uint32_t end = 0;

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		if (!is_var(btf_type(l->btf, vars[i].type)) || !vars[i].size ||
		    vars[i].offset < end || vars[i].offset > t->size ||
		    vars[i].size > t->size - vars[i].offset)
			return false;
		end = vars[i].offset + vars[i].size;
	}
	return t->size;
}

static uint32_t new_kind(struct lowering *l, const struct btf_type *t);

/* A tag wants what it is put to as it was. The kind flag (Linux 6.15) makes it an attribute. */
static bool keeps_decl_tag(struct lowering *l, const struct btf_type *t)
{
	const struct btf_type *target = btf_type(l->btf, t->type);

	if (has_kflag(t) || !target || btf_kind(target) == BTF_KIND_DECL_TAG)
		return false;
	return takes(l, CAP_BTF_DECL_TAG) && new_kind(l, target) == btf_kind(target);
}

static uint32_t new_kind(struct lowering *l, const struct btf_type *t)
{
	uint32_t kind = btf_kind(t);

	switch (kind) {
	case BTF_KIND_FUNC:
		return takes(l, CAP_BTF_FUNC) ? kind : BTF_KIND_TYPEDEF;
	case BTF_KIND_FUNC_PROTO:
		return takes(l, CAP_BTF_FUNC) ? kind : BTF_KIND_ENUM;
	case BTF_KIND_VAR:
		return is_var(t) && takes(l, CAP_BTF_DATASEC) ? kind : BTF_KIND_INT;
	case BTF_KIND_DATASEC:
		return is_sound_section(l, t) && takes(l, CAP_BTF_DATASEC) ? kind :
									     BTF_KIND_STRUCT;
	case BTF_KIND_FLOAT:
		return takes(l, CAP_BTF_FLOAT) ? kind : BTF_KIND_STRUCT;
	case BTF_KIND_DECL_TAG:
		return keeps_decl_tag(l, t) ? kind : BTF_KIND_INT;
	case BTF_KIND_TYPE_TAG:
		return !has_kflag(t) && takes(l, CAP_BTF_TYPE_TAG) ? kind : BTF_KIND_CONST;
	case BTF_KIND_ENUM64:
		return takes(l, CAP_BTF_ENUM64) ? kind : BTF_KIND_UNION;
	}
	return kind;
}

/* ---- what is written for it ---- */

static uint32_t info(uint32_t kind, bool kflag, uint32_t vlen)
{
	return (uint32_t)kflag << 31 | kind << 24 | vlen;
}

static void put_three(struct lowering *l, uint32_t a, uint32_t b, uint32_t c)
{
	btf_write_word(&l->out, a);
	btf_write_word(&l->out, b);
	btf_write_word(&l->out, c);
}

static void put_byte(struct lowering *l, uint32_t name_off)
{
	put_three(l, name_off, info(BTF_KIND_INT, false, 0), 1);
	btf_write_word(&l->out, BYTE_ENCODING);
}

/* As it is, with the words behind it. */
static void put_same(struct lowering *l, const struct btf_type *t, uint32_t words)
{
	const uint32_t *extra = btf_extra(t);

	put_three(l, t->name_off, t->info, t->size);
	for (uint32_t i = 0; i < words; i++)
		btf_write_word(&l->out, extra[i]);
}

/* A bit field of a kernel that knows none: the byte that it begins in. */
static void put_member(struct lowering *l, const struct btf_type *t, const struct btf_member *m,
		       bool kflag)
{
	uint32_t offset = btf_member_bit_offset(t, m);
	bool field = has_kflag(t) && !kflag && btf_member_bits(t, m);

	put_three(l, clean_name(l, m->name_off), field ? byte_type(l) : m->type,
		  kflag ? m->offset : field ? offset & ~7u : offset);
}

static void put_composite(struct lowering *l, const struct btf_type *t)
{
	const struct btf_member *members = btf_extra(t);
	bool kflag = has_kflag(t) && takes(l, CAP_BTF_KFLAG);

	put_three(l, clean_name(l, t->name_off), info(btf_kind(t), kflag, btf_vlen(t)), t->size);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		put_member(l, t, &members[i], kflag);
}

static void put_enum(struct lowering *l, const struct btf_type *t)
{
	const struct btf_enum *values = btf_extra(t);
	bool kflag = has_kflag(t) && takes(l, CAP_BTF_ENUM_SIGN);

	put_three(l, clean_name(l, t->name_off), info(BTF_KIND_ENUM, kflag, btf_vlen(t)), t->size);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		btf_write_word(&l->out, need_name(l, values[i].name_off, "value"));
		btf_write_word(&l->out, values[i].val);
	}
}

static void put_enum64(struct lowering *l, const struct btf_type *t, bool keep)
{
	const struct btf_enum64 *values = btf_extra(t);

	put_three(l, clean_name(l, t->name_off),
		  keep ? t->info : info(BTF_KIND_UNION, false, btf_vlen(t)), t->size);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		put_three(l, need_name(l, values[i].name_off, "value"),
			  keep ? values[i].val_lo32 : byte_type(l), keep ? values[i].val_hi32 : 0);
}

static void put_proto(struct lowering *l, const struct btf_type *t)
{
	const struct btf_param *params = btf_extra(t);

	put_three(l, 0, info(BTF_KIND_FUNC_PROTO, false, btf_vlen(t)), t->type);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		/* A last parameter without a type is "...", which must have no name. */
		btf_write_word(&l->out, params[i].type ?
			       need_name(l, params[i].name_off, "param") : 0);
		btf_write_word(&l->out, params[i].type);
	}
}

static void put_func(struct lowering *l, const struct btf_type *t)
{
	bool is_static = btf_vlen(t) == BTF_FUNC_STATIC || !takes(l, CAP_BTF_FUNC_GLOBAL);

	put_three(l, need_name(l, t->name_off, "func"),
		  info(BTF_KIND_FUNC, false, is_static ? BTF_FUNC_STATIC : BTF_FUNC_GLOBAL),
		  t->type);
}

static void put_var(struct lowering *l, const struct btf_type *t)
{
	const struct btf_var *var = btf_extra(t);

	put_three(l, need_name(l, t->name_off, "var"), info(BTF_KIND_VAR, false, 0), t->type);
	btf_write_word(&l->out, var->linkage == BTF_VAR_STATIC ? BTF_VAR_STATIC :
								 BTF_VAR_GLOBAL_ALLOCATED);
}

static void put_section(struct lowering *l, const struct btf_type *t)
{
	const struct btf_var_secinfo *vars = btf_extra(t);

	put_three(l, section_name(l, t->name_off), info(BTF_KIND_DATASEC, false, btf_vlen(t)),
		  t->size);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		put_three(l, vars[i].type, vars[i].offset, vars[i].size);
}

static void put_section_as_struct(struct lowering *l, const struct btf_type *t)
{
	const struct btf_var_secinfo *vars = btf_extra(t);
	uint32_t vlen = is_sound_section(l, t) ? btf_vlen(t) : 0;

	put_three(l, clean_name(l, t->name_off), info(BTF_KIND_STRUCT, false, vlen), t->size);
	for (uint32_t i = 0; i < vlen; i++)
		put_three(l, clean_name(l, btf_type(l->btf, vars[i].type)->name_off), vars[i].type,
			  vars[i].offset * 8);
}

/* A type that keeps its kind. */
static void put_kept(struct lowering *l, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		put_composite(l, t);
		break;
	case BTF_KIND_ENUM:
		put_enum(l, t);
		break;
	case BTF_KIND_ENUM64:
		put_enum64(l, t, true);
		break;
	case BTF_KIND_FWD: /* the flag says union */
		put_three(l, need_name(l, t->name_off, "fwd"),
			  info(BTF_KIND_FWD, has_kflag(t) && takes(l, CAP_BTF_KFLAG), 0), 0);
		break;
	case BTF_KIND_TYPEDEF:
		put_three(l, need_name(l, t->name_off, "type"), info(BTF_KIND_TYPEDEF, false, 0),
			  t->type);
		break;
	case BTF_KIND_FUNC_PROTO:
		put_proto(l, t);
		break;
	case BTF_KIND_FUNC:
		put_func(l, t);
		break;
	case BTF_KIND_VAR:
		put_var(l, t);
		break;
	case BTF_KIND_DATASEC:
		put_section(l, t);
		break;
	case BTF_KIND_INT:
	case BTF_KIND_DECL_TAG:
		put_same(l, t, 1);
		break;
	case BTF_KIND_ARRAY:
		put_same(l, t, sizeof(struct btf_array) / sizeof(uint32_t));
		break;
	default:
		put_same(l, t, 0);
	}
}

static void put_replaced(struct lowering *l, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_FUNC:
		put_three(l, need_name(l, t->name_off, "func"), info(BTF_KIND_TYPEDEF, false, 0),
			  t->type);
		break;
	case BTF_KIND_FUNC_PROTO: /* enums of other sizes came with Linux 5.6 */
		put_three(l, 0, info(BTF_KIND_ENUM, false, 0), sizeof(uint32_t));
		break;
	case BTF_KIND_VAR:
		put_byte(l, clean_name(l, t->name_off));
		break;
	case BTF_KIND_DATASEC:
		put_section_as_struct(l, t);
		break;
	case BTF_KIND_FLOAT: /* "long double" is no name for a struct */
		put_three(l, 0, info(BTF_KIND_STRUCT, false, 0), t->size);
		break;
	case BTF_KIND_DECL_TAG:
		put_byte(l, 0);
		break;
	case BTF_KIND_TYPE_TAG:
		put_three(l, 0, info(BTF_KIND_CONST, false, 0), t->type);
		break;
	case BTF_KIND_ENUM64:
		put_enum64(l, t, false);
		break;
	}
}

static void copy_strings(struct lowering *l)
{
	char *strings = vec_add(&l->out.strings, l->btf->strings_len);

	if (strings)
		memcpy(strings, l->btf->strings, l->btf->strings_len);
	else
		l->out.failed = ERROR_MEMORY;
}

int lower_btf(const struct btf *btf, struct caps *caps, void **image, size_t *len,
	      struct error *err)
{
	struct lowering l = { .btf = btf, .caps = caps };
	int ret;

	copy_strings(&l);
	for (uint32_t id = 1; id < btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (new_kind(&l, t) == btf_kind(t))
			put_kept(&l, t);
		else
			put_replaced(&l, t);
	}
	if (l.byte)
		put_byte(&l, btf_write_string(&l.out, "byte"));
	ret = btf_write_finish(&l.out, image, len, err);
	btf_write_fini(&l.out);
	return ret;
}
