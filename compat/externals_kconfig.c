// SPDX-License-Identifier: GPL-2.0
#include "compat/externals_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/kernel_version.h"

#define FUNC_GET_ATTACH_COOKIE 174 /* BPF_FUNC_get_attach_cookie */

/* What a value may be: the type of the variable tells. */
enum value_type { VALUE_BOOL, VALUE_TRISTATE, VALUE_CHAR, VALUE_NUMBER, VALUE_TEXT, VALUE_UNKNOWN };

struct setting {
	const struct external *e;
	enum value_type type;
	bool is_signed;
	uint32_t size;
	uint8_t *to;
	struct error *err;
};

/* ---- types ---- */

static enum value_type int_type(const struct btf_type *t, struct setting *s)
{
	uint32_t encoding = BTF_INT_ENCODING(*(const uint32_t *)btf_extra(t));

	s->is_signed = encoding & BTF_INT_SIGNED;
	if (encoding & BTF_INT_BOOL)
		return s->size == 1 ? VALUE_BOOL : VALUE_UNKNOWN;
	if (s->size == 1 && encoding & BTF_INT_CHAR)
		return VALUE_CHAR;
	return s->size <= 8 && !(s->size & (s->size - 1)) ? VALUE_NUMBER : VALUE_UNKNOWN;
}

/* clang says of no type that it is for characters, but calls char by its name. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return t && btf_kind(t) == BTF_KIND_INT && t->size == 1 &&
	       !strcmp(btf_string(btf, t->name_off), "char");
}

static enum value_type value_type(const struct btf *btf, struct setting *s)
{
	const struct btf_type *var = btf_type(btf, s->e->type_id);
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, var->type));
	const struct btf_array *array;

	if (!t)
		return VALUE_UNKNOWN;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return is_char(btf, t) ? VALUE_CHAR : int_type(t, s);
	case BTF_KIND_ENUM:
		return s->size == 4 && !strcmp(btf_string(btf, t->name_off), "libbpf_tristate") ?
			       VALUE_TRISTATE : VALUE_UNKNOWN;
	case BTF_KIND_ARRAY:
		array = btf_extra(t);
		return is_char(btf, btf_type(btf, btf_resolve(btf, array->type))) ? VALUE_TEXT :
										    VALUE_UNKNOWN;
	}
	return VALUE_UNKNOWN;
}

/* ---- values ---- */

static int unfit(const struct setting *s, const char *value, size_t len, const char *why)
{
	static const char *const names[] = {
		[VALUE_BOOL] = "bool (y or n)", [VALUE_TRISTATE] = "tristate (y, m or n)",
		[VALUE_CHAR] = "char", [VALUE_NUMBER] = "number", [VALUE_TEXT] = "array of char",
		[VALUE_UNKNOWN] = "type that is none for settings",
	};

	error_set(s->err, ERROR_UNSUPPORTED, "extern '%s': got a %s of %u bytes, expected a type that "
		  "takes %.*s%s", s->e->name, names[s->type], s->size, (int)(len < 60 ? len : 60),
		  value, why);
	return error_hint(s->err, "bool, enum libbpf_tristate, char, integers and arrays of char are "
			  "types of settings");
}

static void put_number(const struct setting *s, uint64_t value)
{
	uint8_t bytes[8];

	memcpy(bytes, &value, 8);
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(s->to, bytes, s->size);
	else
		memcpy(s->to, bytes + 8 - s->size, s->size);
}

static int set_letter(const struct setting *s, const char *value)
{
	switch (s->type) {
	case VALUE_BOOL:
		if (*value == 'm')
			return unfit(s, value, 1, "");
		*s->to = *value == 'y';
		return 0;
	case VALUE_TRISTATE: /* no, yes, module */
		put_number(s, *value == 'y' ? 1 : *value == 'm' ? 2 : 0);
		return 0;
	case VALUE_CHAR:
		*s->to = *value;
		return 0;
	default:
		return unfit(s, value, 1, "");
	}
}

/* Quotes are left out, what does not fit as well. */
static int set_text(const struct setting *s, const char *value, size_t len)
{
	size_t n = 0;

	if (s->type != VALUE_TEXT || len < 2 || value[len - 1] != '"')
		return unfit(s, value, len, "");
	for (size_t i = 1; i + 1 < len && n + 1 < s->size; i++) {
		i += value[i] == '\\' && i + 2 < len;
		s->to[n++] = value[i];
	}
	memset(s->to + n, 0, s->size - n);
	return 0;
}

static bool fits(const struct setting *s, uint64_t value, bool negative)
{
	uint32_t bits = s->size * 8;
	int64_t number = value;

	if (bits == 64)
		return true;
	if (s->type == VALUE_BOOL || s->type == VALUE_TRISTATE)
		return value <= 1;
	if (!s->is_signed && s->type != VALUE_CHAR)
		return !negative && !(value >> bits);
	if (number < 0 && !negative)
		return false;
	return number >= -(1ll << (bits - 1)) && number < 1ll << (bits - 1);
}

static int set_number(const struct setting *s, const char *value, size_t len)
{
	bool negative = *value == '-';
	uint64_t number;
	char *end;

	errno = 0;
	number = negative ? (uint64_t)strtoll(value, &end, 0) : strtoull(value, &end, 0);
	if (errno || end != value + len || s->type == VALUE_TEXT || s->type == VALUE_UNKNOWN)
		return unfit(s, value, len, "");
	if (!fits(s, number, negative))
		return unfit(s, value, len, ", which is out of its range");
	put_number(s, number);
	return 0;
}

static int set_value(const struct setting *s, const char *value, size_t len)
{
	if (*value == '"')
		return set_text(s, value, len);
	if (len == 1 && strchr("ymn", *value))
		return set_letter(s, value);
	return set_number(s, value, len);
}

/* ---- what the kernel is asked for ---- */

static uint32_t version_of(struct caps *caps)
{
	return caps->stored && *caps->release ? kernel_version_of_words(caps->release, "", "") :
						kernel_version();
}

/* 1: it has a value; 0: it is none that is known. */
static int ask_kernel(const struct externals *x, const char *name, uint64_t *value)
{
	if (!strcmp(name, "LINUX_KERNEL_VERSION"))
		*value = version_of(x->caps);
	else if (!strcmp(name, "LINUX_HAS_BPF_COOKIE"))
		/* Which is of use to those who can be given one: see prepare_attach(). */
		*value = caps_ask(x->caps, CAP_PERF_LINK) == CAP_YES &&
			 caps_helper(x->caps, BPF_PROG_TYPE_TRACEPOINT, FUNC_GET_ATTACH_COOKIE) ==
				 CAP_YES;
	else if (!strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER"))
		*value = externals_has_wrapper(x);
	else
		return 0;
	return 1;
}

/* ---- all of them ---- */

static int find_setting(struct externals *x, struct external *e, struct error *err)
{
	struct setting s = { .e = e, .err = err };
	char digits[24];
	const char *value;
	uint64_t number;
	size_t len;

	s.size = btf_size(&x->obj->btf, btf_type(&x->obj->btf, e->type_id)->type);
	s.to = x->obj->maps.at[e->map - 1].data + e->offset;
	s.type = value_type(&x->obj->btf, &s);
	if (ask_kernel(x, e->name, &number)) {
		len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
		value = digits;
	} else {
		if (!x->config_open && kconfig_open(&x->config, x->root, err))
			return -1;
		x->config_open = true;
		value = kconfig_find(&x->config, e->name, &len);
	}
	e->state = value ? EXTERNAL_FOUND : EXTERNAL_MISSING;
	return value ? set_value(&s, value, len) : 0;
}

int externals_find_settings(struct externals *x, struct error *err)
{
	struct object *obj = x->obj;

	for (size_t i = 0; i < obj->externals.len; i++) {
		struct external *e = &obj->externals.at[i];

		/* One that is found already was set by whoever loads the object. */
		if (e->map && e->is_used && e->state != EXTERNAL_FOUND && find_setting(x, e, err))
			return -1;
	}
	return 0;
}
