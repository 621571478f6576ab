// SPDX-License-Identifier: GPL-2.0
#include "util/table.h"

#include <stdlib.h>

static size_t home(const struct table *table, uint64_t key)
{
	/* Fibonacci hashing: neighbours in the key end far apart. */
	return (key * 0x9e3779b97f4a7c15ull >> 32) & (table->cap - 1);
}

/* Where the key is, or the free place where it would be. Needs a free place. */
static struct table_slot *find(const struct table *table, uint64_t key)
{
	size_t at = home(table, key);

	while (table->slots[at].key && table->slots[at].key != key)
		at = (at + 1) & (table->cap - 1);
	return &table->slots[at];
}

static int grow(struct table *table)
{
	struct table bigger = { .cap = table->cap ? table->cap * 2 : 64, .len = table->len };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	table_each(table, slot)
		*find(&bigger, slot->key) = *slot;
	free(table->slots);
	*table = bigger;
	return 0;
}

void table_fini(struct table *table)
{
	free(table->slots);
	*table = (struct table){ 0 };
}

void *table_get(const struct table *table, uint64_t key)
{
	return table->cap ? find(table, key)->value : NULL;
}

int table_put(struct table *table, uint64_t key, void *value)
{
	struct table_slot *slot;

	if (table->len + 1 > table->cap / 4 * 3 && grow(table))
		return -1;
	slot = find(table, key);
	table->len += !slot->key;
	slot->key = key;
	slot->value = value;
	return 0;
}

/*
 * The gap is closed by whatever comes later in the run and may stand there. E.g. homes in
 * brackets, removing A: [1]A [1]B [3]C [2]D becomes [1]B [2]D [3]C and a free place.
 */
void *table_remove(struct table *table, uint64_t key)
{
	size_t mask = table->cap - 1, gap, at;
	struct table_slot *slot;
	void *value;

	if (!table->cap || !(slot = find(table, key))->key)
		return NULL;
	value = slot->value;
	gap = slot - table->slots;
	for (at = (gap + 1) & mask; table->slots[at].key; at = (at + 1) & mask) {
		size_t from_home = (at - home(table, table->slots[at].key)) & mask;

		if (from_home < ((at - gap) & mask))
			continue;
		table->slots[gap] = table->slots[at];
		gap = at;
	}
	table->slots[gap] = (struct table_slot){ 0 };
	table->len--;
	return value;
}

/* FNV-1a; 0 is no key. */
uint64_t table_hash(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3;
	return hash ? hash : 1;
}
