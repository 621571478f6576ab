/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

#include <stddef.h>

/*
 * A whole file in memory, to be read only: mapped where the file system can, else copied (sysfs
 * cannot, and says how large a file is). Returns 0 or -errno; -EINVAL: it is no regular file, or
 * an empty one.
 */
struct map_file {
	void *data;
	size_t size;
};

int map_file(struct map_file *map, const char *path);
void unmap_file(struct map_file *map);

#endif
