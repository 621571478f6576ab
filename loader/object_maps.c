// SPDX-License-Identifier: GPL-2.0
/*
 * A map in C, and what BTF makes of it: every attribute is a member that is a pointer, a
 * number being the length of the array pointed at, a type the type pointed at.
 *
 *	struct {
 *		int (*type)[BPF_MAP_TYPE_HASH];      __uint(type, BPF_MAP_TYPE_HASH)
 *		int (*max_entries)[1024];            __uint(max_entries, 1024)
 *		__u32 *key;                          __type(key, __u32)
 *		struct value *value;                 __type(value, struct value)
 *	} watched SEC(".maps");
 *
 * Global variables become maps as well: one array of one element for each data section.
 */
#include "loader/object_internal.h"

#include <stdlib.h>
#include <string.h>

/* What globals may come to; beyond that a .bss, which takes no room in the file, is a bomb. */
#define MAX_DATA (64u << 20)

struct map_def {
	struct parse *p;
	struct map *map;
	const char *name;
	bool has_key_size, has_value_size;
};

static int map_fail(struct map_def *d, enum error_code code, const char *attribute,
		    const char *got, const char *expected)
{
	return parse_fail(d->p, code, "map '%s': %s: got %s, expected %s", d->name, attribute, got,
			  expected);
}

/* ---- .maps ---- */

/* The type behind a member's pointer, 0 where the member is no pointer. */
static uint32_t pointee(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));

	return t && btf_kind(t) == BTF_KIND_PTR ? t->type : 0;
}

static int read_number(struct map_def *d, const struct btf_member *m, uint32_t *value)
{
	const struct btf *btf = &d->p->obj->btf;
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, pointee(btf, m->type)));

	if (!t || btf_kind(t) != BTF_KIND_ARRAY)
		return map_fail(d, ERROR_FORMAT, btf_string(btf, m->name_off), "another type",
				"__uint(), a pointer to an array");
	*value = ((const struct btf_array *)btf_extra(t))->nelems;
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
	if (read_number(d, m, &d->map->pinning))
		return -1;
	if (!d->map->pinning)
		return 0;
	map_fail(d, ERROR_UNSUPPORTED, "pinning", "a request to pin it", "none");
	error_hint(d->p->err, "take __uint(pinning, ...) out of the map");
	return parse_postpone(d->p);
}

static int read_attribute(struct map_def *d, const struct btf_member *m)
{
	const char *name = btf_string(&d->p->obj->btf, m->name_off);
	struct map *map = d->map;

	if (!strcmp(name, "type"))
		return read_number(d, m, &map->type);
	if (!strcmp(name, "max_entries"))
		return read_number(d, m, &map->max_entries);
	if (!strcmp(name, "map_flags"))
		return read_number(d, m, &map->flags);
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
	map_fail(d, ERROR_UNSUPPORTED, *name ? name : "a member without a name",
		 "an attribute that is not known", "type, key, value, key_size, value_size, "
		 "max_entries or map_flags");
	return parse_postpone(d->p);
}

static int read_map(struct parse *p, const struct btf_var_secinfo *info)
{
	const struct btf *btf = &p->obj->btf;
	const struct btf_type *var = btf_type(btf, info->type);
	const char *name = btf_string(btf, var->name_off);
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, var->type));
	struct map *map = object_add_map(p->obj, name);
	struct map_place *place = vec_push(&p->map_places);
	struct map_def d = { .p = p, .map = map, .name = name };
	const struct btf_member *members;
	uint32_t i;

	if (!map || !place)
		return error_memory(p->err);
	*place = (struct map_place){ info->offset, info->size, p->obj->maps.len - 1 };
	if (!t || btf_kind(t) != BTF_KIND_STRUCT)
		return map_fail(&d, ERROR_FORMAT, "definition", "another type", "a struct");
	members = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (read_attribute(&d, &members[i]))
			return -1;
	if (!map->type)
		return map_fail(&d, ERROR_FORMAT, "type", "none", "__uint(type, BPF_MAP_TYPE_...)");
	return 0;
}

static int read_maps(struct parse *p)
{
	const struct btf *btf = &p->obj->btf;
	const struct btf_var_secinfo *vars;
	const struct btf_type *t;
	uint32_t i;

	if (section_find(p, "maps")) {
		parse_fail(p, ERROR_UNSUPPORTED, "section 'maps': got map definitions of the old "
			   "form, expected BTF-defined maps in section '.maps'");
		return error_hint(p->err, "define maps as struct { __uint(type, ...); ... } NAME "
				  "SEC(\".maps\")");
	}
	p->maps_section = section_find(p, ".maps");
	if (!p->maps_section)
		return 0;
	t = btf_type(btf, btf_find(btf, ".maps", BTF_KIND_DATASEC));
	if (!t) {
		parse_fail(p, ERROR_FORMAT, "section '.maps': got no BTF for it, expected "
			   "BTF-defined maps");
		return error_hint(p->err, "compile the program with -g");
	}
	vars = btf_extra(t);
	for (i = 0; i < btf_vlen(t); i++)
		if (read_map(p, &vars[i]))
			return -1;
	return 0;
}

/* ---- data sections ---- */

/* ".data" and ".data.foo", not ".database". */
static bool is_called(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && (!name[len] || name[len] == '.');
}

static enum map_role role_of(const struct section *s)
{
	if (!(s->flags & SHF_ALLOC) || !s->size)
		return MAP_PLAIN;
	if (s->type == SHT_NOBITS)
		return is_called(s->name, ".bss") ? MAP_BSS : MAP_PLAIN;
	if (s->type != SHT_PROGBITS)
		return MAP_PLAIN;
	if (is_called(s->name, ".rodata"))
		return MAP_RODATA;
	return is_called(s->name, ".data") ? MAP_DATA : MAP_PLAIN;
}

static int add_data_map(struct parse *p, uint32_t index, enum map_role role)
{
	struct section *s = &p->sections.at[index];
	struct map *map;

	if (s->size > MAX_DATA)
		return parse_fail(p, ERROR_UNSUPPORTED, "section '%s': got %llu bytes of globals, "
				  "expected at most %u", s->name, (unsigned long long)s->size,
				  MAX_DATA);
	map = object_add_map(p->obj, s->name);
	if (!map)
		return error_memory(p->err);
	s->map = p->obj->maps.len;
	map->role = role;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = s->size;
	map->max_entries = 1;
	map->flags = BPF_F_MMAPABLE | (role == MAP_RODATA ? BPF_F_RDONLY_PROG : 0);
	map->value_type_id = btf_find(&p->obj->btf, s->name, BTF_KIND_DATASEC);
	map->section = index;
	map->data = calloc(1, s->size);
	if (!map->data)
		return error_memory(p->err);
	if (s->data)
		memcpy(map->data, s->data, s->size);
	return 0;
}

static int note_addresses(struct parse *p, uint32_t index, struct map *map)
{
	const struct section *s = &p->sections.at[index];
	struct relocation r;
	uint32_t *at;
	size_t i;

	for (i = 0; i < relocation_count(s); i++) {
		if (relocation_at(p, index, i, &r))
			return -1;
		at = vec_push(&map->addresses);
		if (!at)
			return error_memory(p->err);
		*at = r.offset;
	}
	return 0;
}

/* Pointers in globals and maps have to be filled in once maps are loaded; nothing does that. */
static int read_addresses(struct parse *p, uint32_t index)
{
	const struct section *s = &p->sections.at[index];
	const struct section *target = &p->sections.at[s->info];

	if (!section_is_relocations(s) || !relocation_count(s))
		return 0;
	if (!target->map && s->info != p->maps_section)
		return 0;
	if (target->map && note_addresses(p, index, &p->obj->maps.at[target->map - 1]))
		return -1;
	parse_fail(p, ERROR_UNSUPPORTED, "section '%s': got an initial value that is the address "
		   "of a function, map or variable, expected plain numbers", target->name);
	return parse_postpone(p);
}

int parse_maps(struct parse *p)
{
	uint32_t i;

	if (read_maps(p))
		return -1;
	for (i = 1; i < p->sections.len; i++) {
		enum map_role role = role_of(&p->sections.at[i]);

		if (role != MAP_PLAIN && add_data_map(p, i, role))
			return -1;
	}
	for (i = 1; i < p->sections.len; i++)
		if (section_is_relocations(&p->sections.at[i]) && read_addresses(p, i))
			return -1;
	return 0;
}
