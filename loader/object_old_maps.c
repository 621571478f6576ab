// SPDX-License-Identifier: GPL-2.0
/*
 * Maps as they were defined before BTF, in section "maps": a struct of numbers each. Its length
 * is the author's; what is behind the first five words must be 0, as nobody knows what it means.
 *
 *	struct bpf_map_def {
 *		unsigned int type, key_size, value_size, max_entries, map_flags;
 *	};
 *	struct bpf_map_def SEC("maps") counts = { BPF_MAP_TYPE_HASH, 4, 8, 1024 };
 *
 * Types of key and value, where the author tells, are in a struct that nothing refers to:
 * ____btf_map_counts { int key; long value; }.
 */
#include "loader/object_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_LEAST 4
#define WORDS_KNOWN 5

static bool defines_map(const struct symbol *sym, uint32_t section)
{
	return sym->section == section && (sym->type == STT_OBJECT || sym->type == STT_NOTYPE);
}

/* The bytes of a definition, up to the next one's where the symbol does not say. */
static uint64_t definition_size(const struct parse *p, const struct symbol *sym)
{
	uint64_t end = p->sections.at[sym->section].size;
	size_t i;

	if (sym->size)
		return sym->size;
	for (i = 0; i < p->symbols.len; i++) {
		const struct symbol *other = &p->symbols.at[i];

		if (defines_map(other, sym->section) && other->value > sym->value &&
		    other->value < end)
			end = other->value;
	}
	return end - sym->value;
}

static int check_rest(struct parse *p, const struct symbol *sym, const uint8_t *at, uint64_t size)
{
	uint64_t i;

	if (size < WORDS_LEAST * sizeof(uint32_t))
		return parse_fail(p, ERROR_FORMAT, "map '%s': definition: got %llu bytes, expected "
				  "struct bpf_map_def, 20 or more", sym->name,
				  (unsigned long long)size);
	for (i = WORDS_KNOWN * sizeof(uint32_t); i < size; i++)
		if (at[i]) {
			parse_fail(p, ERROR_UNSUPPORTED, "map '%s': definition: got %u in byte "
				   "%llu, expected 0 behind the flags", sym->name, at[i],
				   (unsigned long long)i);
			return error_hint(p->err, "such definitions are other loaders' own (pinning, "
					  "ids): define the map as struct { __uint(type, ...); ... } "
					  "%s SEC(\".maps\")", sym->name);
		}
	return 0;
}

static void find_types(const struct btf *btf, struct map *map)
{
	const struct btf_member *m;
	const struct btf_type *t;
	char name[300];

	snprintf(name, sizeof(name), "____btf_map_%.256s", map->name);
	t = btf_type(btf, btf_find(btf, name, BTF_KIND_STRUCT));
	if (!t || btf_vlen(t) != 2)
		return;
	m = btf_extra(t);
	if (btf_size(btf, m[0].type) != map->key_size || btf_size(btf, m[1].type) != map->value_size)
		return;
	map->key_type_id = m[0].type;
	map->value_type_id = m[1].type;
}

static int add_old_map(struct parse *p, const struct symbol *sym)
{
	const struct section *s = &p->sections.at[sym->section];
	uint32_t words[WORDS_KNOWN] = { 0 };
	uint64_t size = definition_size(p, sym);
	struct map_place *place;
	struct map *map;

	if (check_rest(p, sym, s->data + sym->value, size))
		return -1;
	memcpy(words, s->data + sym->value, size < sizeof(words) ? size : sizeof(words));
	place = vec_push(&p->map_places);
	map = object_add_map(p->obj, sym->name);
	if (!map || !place)
		return error_memory(p->err);
	*place = (struct map_place){ sym->section, sym->value, size, p->obj->maps.len - 1, 0 };
	map->type = words[0];
	map->key_size = words[1];
	map->value_size = words[2];
	map->max_entries = words[3];
	map->flags = words[4];
	find_types(&p->obj->btf, map);
	return 0;
}

int parse_old_maps(struct parse *p, uint32_t section)
{
	size_t i;

	if (!p->sections.at[section].data)
		return parse_fail(p, ERROR_FORMAT, "section 'maps': got no contents, expected "
				  "definitions of maps");
	p->sections.at[section].defines_maps = true;
	for (i = 0; i < p->symbols.len; i++)
		if (defines_map(&p->symbols.at[i], section) && add_old_map(p, &p->symbols.at[i]))
			return -1;
	return 0;
}
