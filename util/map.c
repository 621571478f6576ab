// SPDX-License-Identifier: GPL-2.0
#include "util/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util/sys.h"

static int fill(int fd, char *at, size_t size)
{
	while (size) {
		ssize_t n = sys_read(fd, at, size);

		if (n <= 0)
			return n ? n : -EIO;
		at += n;
		size -= n;
	}
	return 0;
}

static int map_fd(struct map_file *map, int fd)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX)
		return -EINVAL;
	map->size = st.st_size;
	map->data = mmap(NULL, map->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map->data != MAP_FAILED)
		return 0;
	map->data = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map->data == MAP_FAILED)
		return -errno;
	ret = fill(fd, map->data, map->size);
	if (ret)
		unmap_file(map);
	return ret;
}

int map_file(struct map_file *map, const char *path)
{
	int fd = sys_open(path, O_RDONLY), ret;

	memset(map, 0, sizeof(*map));
	if (fd < 0)
		return fd;
	ret = map_fd(map, fd);
	sys_close(fd);
	if (ret)
		memset(map, 0, sizeof(*map));
	return ret;
}

void unmap_file(struct map_file *map)
{
	if (map->data)
		munmap(map->data, map->size);
	memset(map, 0, sizeof(*map));
}
