// SPDX-License-Identifier: GPL-2.0
/*
 * Global variables become maps: one array of one element for each data section. Those of an
 * arena lie at the arena's beginning. And what the object takes from the kernel's configuration
 * is in one as well, its values still to come:
 *
 *	extern int CONFIG_HZ __kconfig;		.kconfig, 16 bytes:	 0: CONFIG_HZ
 *	extern char CONFIG_LSM[12] __kconfig;				 4: CONFIG_LSM
 */
#include "loader/object_internal.h"

#include <stdlib.h>
#include <string.h>

/* What globals may come to; beyond that a .bss, which takes no room in the file, is a bomb. */
#define MAX_DATA (64u << 20)

#define ARENA_SECTION ".addr_space.1"
#define MAP_TYPE_ARENA 33

static int too_large(struct parse *p, const struct section *s)
{
	return parse_fail(p, ERROR_UNSUPPORTED, "section '%s': got %llu bytes of globals, expected "
			  "at most %u", s->name, (unsigned long long)s->size, MAX_DATA);
}

static int copy_data(struct parse *p, const struct section *s, struct map *map)
{
	map->data = calloc(1, s->size);
	if (!map->data)
		return error_memory(p->err);
	if (s->data)
		memcpy(map->data, s->data, s->size);
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

/* An array of one value of that size, of which BTF has the variables. */
static struct map *add_data_map(struct parse *p, const char *name, enum map_role role, uint32_t size)
{
	struct map *map = object_add_map(p->obj, name);

	if (!map)
		return NULL;
	map->role = role;
	map->type = BPF_MAP_TYPE_ARRAY;
	map->key_size = sizeof(uint32_t);
	map->value_size = size;
	map->max_entries = 1;
	map->flags = BPF_F_MMAPABLE;
	if (role == MAP_RODATA || role == MAP_KCONFIG)
		map->flags |= BPF_F_RDONLY_PROG;
	map->value_type_id = btf_find(&p->obj->btf, name, BTF_KIND_DATASEC);
	return map;
}

static int add_section_map(struct parse *p, uint32_t index, enum map_role role)
{
	struct section *s = &p->sections.at[index];
	struct map *map;

	if (s->size > MAX_DATA)
		return too_large(p, s);
	map = add_data_map(p, s->name, role, s->size);
	if (!map)
		return error_memory(p->err);
	s->map = p->obj->maps.len;
	map->section = index;
	/* BTF was held against the first of that name. */
	if (section_find(p, s->name) != index)
		map->value_type_id = 0;
	return copy_data(p, s, map);
}

/* ---- an arena's ---- */

static int add_arena_data(struct parse *p, uint32_t index)
{
	struct section *s = &p->sections.at[index];
	struct map *arena = NULL;
	size_t i;

	if (!s->size || section_find(p, s->name) != index)
		return 0;
	if (s->size > MAX_DATA)
		return too_large(p, s);
	for (i = 0; !arena && i < p->obj->maps.len; i++)
		if (p->obj->maps.at[i].type == MAP_TYPE_ARENA && !p->obj->maps.at[i].is_template)
			arena = &p->obj->maps.at[i];
	if (!arena)
		return parse_fail(p, ERROR_FORMAT, "section '%s': got globals of an arena and no map "
				  "of type ARENA, expected one", s->name);
	s->map = arena - p->obj->maps.at + 1;
	arena->section = index;
	arena->data_size = s->size;
	arena->value_type_id = btf_find(&p->obj->btf, s->name, BTF_KIND_DATASEC);
	return copy_data(p, s, arena);
}

/* ---- the kernel's configuration ---- */

static int add_kconfig(struct parse *p)
{
	uint32_t id = btf_find(&p->obj->btf, ".kconfig", BTF_KIND_DATASEC), i, size = 0;
	struct object *obj = p->obj;
	struct map *map;

	if (id)
		size = btf_type(&obj->btf, id)->size;
	if (!size)
		return 0;
	map = add_data_map(p, ".kconfig", MAP_KCONFIG, size);
	if (!map)
		return error_memory(p->err);
	map->data = calloc(1, size);
	if (!map->data)
		return error_memory(p->err);
	for (i = 0; i < obj->externals.len; i++)
		if (!strcmp(obj->externals.at[i].section, ".kconfig"))
			obj->externals.at[i].map = obj->maps.len;
	return 0;
}

/* ---- addresses in them ---- */

static int note_addresses(struct parse *p, uint32_t index)
{
	const struct section *s = &p->sections.at[index];
	uint32_t map = section_is_relocations(s) ? p->sections.at[s->info].map : 0;
	struct relocation r;
	uint32_t *at;
	size_t i;

	if (!map)
		return 0;
	for (i = 0; i < relocation_count(s); i++) {
		if (relocation_at(p, index, i, &r))
			return -1;
		at = vec_push(&p->obj->maps.at[map - 1].addresses);
		if (!at)
			return error_memory(p->err);
		*at = r.offset;
	}
	return 0;
}

int parse_data(struct parse *p)
{
	uint32_t i;

	for (i = 1; i < p->sections.len; i++) {
		enum map_role role = role_of(&p->sections.at[i]);
		bool is_arena = !strcmp(p->sections.at[i].name, ARENA_SECTION) &&
				!section_is_relocations(&p->sections.at[i]);

		if ((role != MAP_PLAIN && add_section_map(p, i, role)) ||
		    (is_arena && add_arena_data(p, i)))
			return -1;
	}
	for (i = 1; i < p->sections.len; i++)
		if (note_addresses(p, i))
			return -1;
	return add_kconfig(p);
}
