// SPDX-License-Identifier: GPL-2.0
/*
 * A map in C, and what BTF makes of it: every attribute is a member that is a pointer, a
 * number being the length of the array pointed at, a type the type pointed at.
 *
 *	struct {
 *		int (*type)[BPF_MAP_TYPE_HASH];      __uint(type, BPF_MAP_TYPE_HASH)
 *		int (*max_entries)[1024];            __uint(max_entries, 1024)
 *		enum { u1 = 1ull << 44 } map_extra;  __ulong(map_extra, 1ull << 44)
 *		__u32 *key;                          __type(key, __u32)
 *		struct value *value;                 __type(value, struct value)
 *	} watched SEC(".maps");
 *
 * A map of maps says what they are like by a definition of the same kind, __array(values, struct
 * inner). What is in it from the start: object_slots.c.
 */
#include "loader/object_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct map_def {
	struct parse *p;
	size_t index; /* of the map in object.maps */
	const char *name;
	bool has_key_size, has_value_size;
	const struct btf_member *values; /* its slots, or NULL */
	uint32_t *values_at;             /* where to put their offset; NULL: it can have none */
};

static struct map *map_of(const struct map_def *d)
{
	return &d->p->obj->maps.at[d->index];
}

static int map_fail(struct map_def *d, enum error_code code, const char *attribute,
		    const char *got, const char *expected)
{
	return parse_fail(d->p, code, "map '%s': %s: got %s, expected %s", d->name, attribute, got,
			  expected);
}

/* ---- attributes ---- */

static const struct btf_type *resolved(const struct btf *btf, uint32_t id)
{
	return btf_type(btf, btf_resolve(btf, id));
}

/* The type behind a member's pointer, 0 where the member is no pointer. */
static uint32_t pointee(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = resolved(btf, id);

	return t && btf_kind(t) == BTF_KIND_PTR ? t->type : 0;
}

static int read_number(struct map_def *d, const struct btf_member *m, uint32_t *value)
{
	const struct btf *btf = &d->p->obj->btf;
	const struct btf_type *t = resolved(btf, pointee(btf, m->type));

	if (!t || btf_kind(t) != BTF_KIND_ARRAY)
		return map_fail(d, ERROR_FORMAT, btf_string(btf, m->name_off), "another type",
				"__uint(), a pointer to an array");
	*value = ((const struct btf_array *)btf_extra(t))->nelems;
	return 0;
}

/* One of more than 32 bits is the only value of an enum; small ones come as the others, too. */
static int read_long(struct map_def *d, const struct btf_member *m, uint64_t *value)
{
	const struct btf *btf = &d->p->obj->btf;
	const struct btf_type *t = resolved(btf, m->type);
	uint32_t number = 0;
	int ret;

	if (!t || !btf_is_enum(t)) {
		ret = read_number(d, m, &number);
		*value = number;
		return ret;
	}
	if (btf_vlen(t) != 1)
		return map_fail(d, ERROR_FORMAT, btf_string(btf, m->name_off),
				"an enum of another number of values", "__ulong(), one of one");
	*value = btf_kind(t) == BTF_KIND_ENUM64 ?
			 btf_enum64_value(btf_extra(t)) :
			 (uint32_t)((const struct btf_enum *)btf_extra(t))->val;
	return 0;
}

/* key_size and key say the same; where both are given they must agree. */
static int set_size(struct map_def *d, const char *attribute, uint32_t *size, bool *has,
		    uint32_t value)
{
	if (*has && *size != value)
		return parse_fail(d->p, ERROR_FORMAT, "map '%s': %s: got %u bytes, expected %u as "
				  "given before", d->name, attribute, value, *size);
	*size = value;
	*has = true;
	return 0;
}

static int read_size(struct map_def *d, const struct btf_member *m, uint32_t *size, bool *has)
{
	uint32_t value;

	if (read_number(d, m, &value))
		return -1;
	return set_size(d, btf_string(&d->p->obj->btf, m->name_off), size, has, value);
}

static int read_type(struct map_def *d, const struct btf_member *m, uint32_t *size, bool *has,
		     uint32_t *type_id)
{
	const struct btf *btf = &d->p->obj->btf;
	const char *attribute = btf_string(btf, m->name_off);
	int64_t value;

	*type_id = pointee(btf, m->type);
	value = btf_size(btf, *type_id);
	if (value < 0)
		return map_fail(d, ERROR_FORMAT, attribute, "a type without a size",
				"__type(), a pointer to a complete type");
	return set_size(d, attribute, size, has, value);
}

static int read_pinning(struct map_def *d, const struct btf_member *m)
{
	uint32_t pinning;

	if (read_number(d, m, &pinning))
		return -1;
	if (pinning > 1)
		return parse_fail(d->p, ERROR_UNSUPPORTED, "map '%s': pinning: got %u, expected 0 "
				  "(none) or 1 (by name)", d->name, pinning);
	if (pinning && map_of(d)->is_template)
		return map_fail(d, ERROR_FORMAT, "pinning", "that of a map in another", "none");
	map_of(d)->pinning = pinning;
	return 0;
}

static int read_values(struct map_def *d, const struct btf_member *m)
{
	const struct btf *btf = &d->p->obj->btf;
	const struct btf_type *t = resolved(btf, m->type);

	if (!t || btf_kind(t) != BTF_KIND_ARRAY ||
	    !pointee(btf, ((const struct btf_array *)btf_extra(t))->type))
		return map_fail(d, ERROR_FORMAT, "values", "another type",
				"__array(), an array of pointers");
	if (map_of(d)->is_template)
		return map_fail(d, ERROR_FORMAT, "values", "those of a map in another", "none");
	d->values = m;
	return set_size(d, "values", &map_of(d)->value_size, &d->has_value_size, sizeof(uint32_t));
}

static int read_attribute(struct map_def *d, const struct btf_member *m)
{
	const char *name = btf_string(&d->p->obj->btf, m->name_off);
	struct map *map = map_of(d);

	if (!strcmp(name, "type"))
		return read_number(d, m, &map->type);
	if (!strcmp(name, "max_entries"))
		return read_number(d, m, &map->max_entries);
	if (!strcmp(name, "map_flags"))
		return read_number(d, m, &map->flags);
	if (!strcmp(name, "numa_node"))
		return read_number(d, m, &map->numa_node);
	if (!strcmp(name, "map_extra"))
		return read_long(d, m, &map->extra);
	if (!strcmp(name, "key_size"))
		return read_size(d, m, &map->key_size, &d->has_key_size);
	if (!strcmp(name, "value_size"))
		return read_size(d, m, &map->value_size, &d->has_value_size);
	if (!strcmp(name, "key"))
		return read_type(d, m, &map->key_size, &d->has_key_size, &map->key_type_id);
	if (!strcmp(name, "value"))
		return read_type(d, m, &map->value_size, &d->has_value_size,
				 &map->value_type_id);
	if (!strcmp(name, "pinning"))
		return read_pinning(d, m);
	if (!strcmp(name, "values"))
		return read_values(d, m);
	map_fail(d, ERROR_UNSUPPORTED, *name ? name : "a member without a name",
		 "an attribute that is not known", "type, key, value, values, key_size, value_size, "
		 "max_entries, map_flags, map_extra, numa_node or pinning");
	return parse_postpone(d->p);
}

static int read_attributes(struct map_def *d, uint32_t type_id)
{
	const struct btf_type *t = resolved(&d->p->obj->btf, type_id);
	const struct btf_member *members;
	uint32_t i;

	if (!t || btf_kind(t) != BTF_KIND_STRUCT)
		return map_fail(d, ERROR_FORMAT, "definition", "another type", "a struct");
	members = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (read_attribute(d, &members[i]))
			return -1;
	if (!map_of(d)->type)
		return map_fail(d, ERROR_FORMAT, "type", "none", "__uint(type, BPF_MAP_TYPE_...)");
	if (!d->values)
		return 0;
	for (i = 0; &members[i] != d->values; i++)
		;
	*d->values_at = btf_member_bit_offset(t, d->values) / 8;
	return 0;
}

/* ---- maps of maps, and of programs ---- */

/* What the maps in it are like becomes a map of its own, "outer.inner". */
static int read_inner(struct map_def *outer, uint32_t type_id)
{
	struct map_def d = { .p = outer->p, .index = outer->p->obj->maps.len };
	char name[256];

	snprintf(name, sizeof(name), "%.240s.inner", outer->name);
	if (!object_add_map(outer->p->obj, name))
		return error_memory(outer->p->err);
	d.name = map_of(&d)->name;
	map_of(&d)->is_template = true;
	map_of(outer)->inner = d.index + 1;
	return read_attributes(&d, type_id);
}

static int read_elements(struct map_def *d)
{
	const struct btf *btf = &d->p->obj->btf;
	const struct btf_array *array = btf_extra(resolved(btf, d->values->type));
	uint32_t type_id = pointee(btf, array->type);
	const struct btf_type *t = resolved(btf, type_id);

	if (map_holds_maps(map_of(d)))
		return read_inner(d, type_id);
	if (map_of(d)->type != BPF_MAP_TYPE_PROG_ARRAY)
		return map_fail(d, ERROR_FORMAT, "values", "those of a map of another type",
				"them in a PROG_ARRAY, ARRAY_OF_MAPS or HASH_OF_MAPS");
	if (!t || btf_kind(t) != BTF_KIND_FUNC_PROTO)
		return map_fail(d, ERROR_FORMAT, "values", "pointers to something else",
				"__array(values, int (void *)), pointers to programs");
	return 0;
}

static int read_map(struct parse *p, uint32_t section, const struct btf_var_secinfo *info)
{
	const struct btf *btf = &p->obj->btf;
	const struct btf_type *var = btf_type(btf, info->type);
	const char *name = btf_string(btf, var->name_off);
	struct map_place *place;
	struct map_def d = { .p = p, .index = p->obj->maps.len, .name = name };

	if (btf_kind(var) != BTF_KIND_VAR ||
	    ((const struct btf_var *)btf_extra(var))->linkage == BTF_VAR_GLOBAL_EXTERN) {
		parse_fail(p, ERROR_UNSUPPORTED, "map '%s': got an extern one, expected it to be "
			   "defined in the object", name);
		error_hint(p->err, "link it with the object that defines it: bpftool gen object");
		return parse_postpone(p);
	}
	place = vec_push(&p->map_places);
	if (!place || !object_add_map(p->obj, name))
		return error_memory(p->err);
	*place = (struct map_place){ section, info->offset, info->size, d.index, 0 };
	d.values_at = &place->values;
	return read_attributes(&d, var->type) || (d.values && read_elements(&d)) ? -1 : 0;
}

static int read_maps(struct parse *p)
{
	const struct btf *btf = &p->obj->btf;
	uint32_t section = section_find(p, ".maps"), i;
	const struct btf_var_secinfo *vars;
	const struct btf_type *t;

	if (!section)
		return 0;
	p->sections.at[section].defines_maps = true;
	t = btf_type(btf, btf_find(btf, ".maps", BTF_KIND_DATASEC));
	if (!t) {
		parse_fail(p, ERROR_FORMAT, "section '.maps': got no BTF for it, expected "
			   "BTF-defined maps");
		return error_hint(p->err, "compile the program with -g");
	}
	vars = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (read_map(p, section, &vars[i]))
			return -1;
	return 0;
}

int parse_maps(struct parse *p)
{
	uint32_t section = section_find(p, ".maps"), old = section_find(p, "maps");

	if (read_maps(p) || (old && parse_old_maps(p, old)))
		return -1;
	return parse_slots(p, section);
}
