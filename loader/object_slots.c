// SPDX-License-Identifier: GPL-2.0
/*
 * What a map of maps, or one of programs, has in it from the start:
 *
 *	struct {
 *		int (*type)[BPF_MAP_TYPE_ARRAY_OF_MAPS];
 *		struct inner *values[];              __array(values, struct inner)
 *	} outer SEC(".maps") = { .values = { [2] = &one, &other } };
 *
 * Each is a relocation of .maps: that of &one lies at outer's offset + that of `values` + 2 * 8.
 */
#include "loader/object_internal.h"

#include <stdlib.h>
#include <string.h>

/* In memory of the maps section an address is 8 bytes; relocated by either of these. */
#ifndef R_BPF_64_64
#define R_BPF_64_64 1
#endif
#ifndef R_BPF_64_ABS64
#define R_BPF_64_ABS64 2
#endif

/* The last map that begins at that byte of the section or before, or NULL. */
static const struct map_place *place_before(const struct parse *p, uint32_t section, int64_t offset)
{
	size_t low = 0, high = p->map_places.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct map_place *place = &p->map_places.at[mid];

		if (place->section < section || (place->section == section && place->offset <= offset))
			low = mid + 1;
		else
			high = mid;
	}
	return low && p->map_places.at[low - 1].section == section ? &p->map_places.at[low - 1] :
								     NULL;
}

const struct map_place *map_place_at(const struct parse *p, uint32_t section, int64_t offset)
{
	const struct map_place *place = place_before(p, section, offset);

	return place && place->offset == offset ? place : NULL;
}

static int compare_places(const void *a, const void *b)
{
	const struct map_place *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int64_t slot_target(const struct parse *p, const struct map *map, const struct symbol *sym,
			   int64_t offset)
{
	int64_t function;

	if (map_holds_maps(map)) {
		const struct map_place *place = map_place_at(p, sym->section, offset);

		return place ? (int64_t)place->map : -1;
	}
	if (!sym->section || !section_is_code(&p->sections.at[sym->section]) ||
	    offset % (int64_t)sizeof(struct bpf_insn))
		return -1;
	function = function_at(p, sym->section, offset / (int64_t)sizeof(struct bpf_insn));
	return function >= 0 && p->functions.at[function].is_program ?
		       (int64_t)p->functions.at[function].number : -1;
}

/* Index of the slot at that byte of the section, or -1. */
static int64_t slot_index(const struct map_place *place, uint64_t offset)
{
	uint64_t first = place ? (uint64_t)place->offset + place->values : 0;

	if (!place || !place->values || offset < first || offset - place->offset >= place->size ||
	    (offset - first) % sizeof(uint64_t))
		return -1;
	return (offset - first) / sizeof(uint64_t);
}

static int read_slot(struct parse *p, uint32_t section, const struct relocation *r)
{
	const struct section *s = &p->sections.at[section];
	const struct symbol *sym = &p->symbols.at[r->symbol];
	const struct map_place *place = place_before(p, section, r->offset);
	int64_t index = slot_index(place, r->offset), target, added;
	struct map_slot *slot;
	struct map *map;

	if (index < 0 || s->size < sizeof(added) || r->offset > s->size - sizeof(added) || !s->data ||
	    (r->type != R_BPF_64_ABS64 && r->type != R_BPF_64_64))
		return parse_fail(p, ERROR_FORMAT, "section '%s': got an address at byte %llu, "
				  "expected one among the values of a map", s->name,
				  (unsigned long long)r->offset);
	map = &p->obj->maps.at[place->map];
	memcpy(&added, s->data + r->offset, sizeof(added));
	target = sym->value > INT64_MAX / 2 || added > INT32_MAX || added < 0 ? -1 :
		 slot_target(p, map, sym, sym->value + added);
	if (target < 0)
		return parse_fail(p, ERROR_FORMAT, "map '%s': value %lld: got symbol '%s', expected "
				  "%s of the object", map->name, (long long)index, sym->name,
				  map_holds_maps(map) ? "a map" : "a program");
	slot = vec_push(&map->slots);
	if (!slot)
		return error_memory(p->err);
	*slot = (struct map_slot){ index, target };
	return 0;
}

static int read_slots(struct parse *p, uint32_t section)
{
	struct relocation r;
	uint32_t i;
	size_t n;

	for (i = 1; i < p->sections.len; i++) {
		const struct section *s = &p->sections.at[i];

		if (!section_is_relocations(s) || s->info != section)
			continue;
		for (n = 0; n < relocation_count(s); n++)
			if (relocation_at(p, i, n, &r) || read_slot(p, section, &r))
				return -1;
	}
	return 0;
}

int parse_slots(struct parse *p, uint32_t section)
{
	if (p->map_places.len)
		qsort(p->map_places.at, p->map_places.len, sizeof(*p->map_places.at),
		      compare_places);
	return section ? read_slots(p, section) : 0;
}
