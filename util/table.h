/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_TABLE_H
#define UTIL_TABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A hash table from a number other than 0 to a pointer other than NULL. The pointers are the
 * owner's. Open addressing; removing closes the gap, so there are no tombstones.
 */
struct table {
	struct table_slot {
		uint64_t key;
		void *value;
	} *slots;
	size_t len, cap; /* cap: 0 or a power of two */
};

void table_fini(struct table *table); /* not what the pointers point to */
void *table_get(const struct table *table, uint64_t key);
/* Puts or replaces. 0, or -1: no memory, and nothing has changed. */
int table_put(struct table *table, uint64_t key, void *value);
/* Takes out; returns what was there, or NULL. */
void *table_remove(struct table *table, uint64_t key);

/* A key for len bytes of text: of two that differ it is the same so seldom that they need be told
 * apart only where somebody may want it so. */
uint64_t table_hash(const char *text, size_t len);

/* All entries, in no order; the body must not put or remove. */
#define table_each(table, slot)                                                              \
	for (struct table_slot *slot = (table)->slots;                                       \
	     slot && slot < (table)->slots + (table)->cap; slot++)                           \
		if (slot->key)

#endif
