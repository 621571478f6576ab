// SPDX-License-Identifier: GPL-2.0
#include "compat/memory.h"

enum { READS = MEMORY_READS, WRITES = MEMORY_WRITES };
enum { SIZE = MEMORY_SIZE, KEY = MEMORY_KEY, VALUE = MEMORY_VALUE };

/* Those of one helper stand together. */
static const struct memory memories[] = {
	{ 1, 2, READS, KEY, 0 },            /* map_lookup_elem */
	{ 2, 2, READS, KEY, 0 },            /* map_update_elem */
	{ 2, 3, READS, VALUE, 0 },
	{ 3, 2, READS, KEY, 0 },            /* map_delete_elem */
	{ 4, 1, WRITES, SIZE, 2 },          /* probe_read */
	{ 6, 1, READS, SIZE, 2 },           /* trace_printk */
	{ 9, 3, READS, SIZE, 4 },           /* skb_store_bytes */
	{ 16, 1, WRITES, SIZE, 2 },         /* get_current_comm */
	{ 20, 2, WRITES, SIZE, 3 },         /* skb_get_tunnel_key */
	{ 21, 2, READS, SIZE, 3 },          /* skb_set_tunnel_key */
	{ 25, 4, READS, SIZE, 5 },          /* perf_event_output */
	{ 26, 3, WRITES, SIZE, 4 },         /* skb_load_bytes */
	{ 28, 1, READS, SIZE, 2 },          /* csum_diff */
	{ 28, 3, READS, SIZE, 4 },
	{ 29, 2, WRITES, SIZE, 3 },         /* skb_get_tunnel_opt */
	{ 30, 2, READS, SIZE, 3 },          /* skb_set_tunnel_opt */
	{ 45, 1, READS | WRITES, SIZE, 2 }, /* probe_read_str */
	{ 112, 1, WRITES, SIZE, 2 },        /* probe_read_user, probe_read_kernel */
	{ 113, 1, WRITES, SIZE, 2 },
	{ 114, 1, READS | WRITES, SIZE, 2 }, /* probe_read_user_str, probe_read_kernel_str */
	{ 115, 1, READS | WRITES, SIZE, 2 },
	{ 130, 2, READS, SIZE, 3 },         /* ringbuf_output */
};

#define MEMORIES (sizeof(memories) / sizeof(memories[0]))

const struct memory *helper_memory(int32_t helper, size_t *len)
{
	size_t first = 0, end;

	while (first < MEMORIES && memories[first].helper != helper)
		first++;
	for (end = first; end < MEMORIES && memories[end].helper == helper; end++)
		;
	*len = end - first;
	return *len ? &memories[first] : NULL;
}
