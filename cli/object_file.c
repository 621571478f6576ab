// SPDX-License-Identifier: GPL-2.0
#include "cli/object_file.h"

#include <fcntl.h>
#include <stdlib.h>

#include "util/sys.h"

/* No BPF object comes near; what is larger is another kind of file. */
#define MAX_FILE (64u << 20)
#define CHUNK (256u << 10)

/* All of it, whatever its size is said to be: it may be a pipe. */
static int read_all(int fd, const char *path, uint8_t **data, size_t *len, struct error *err)
{
	size_t room = 0;
	ssize_t n = 1;

	while (n > 0) {
		if (*len == room) {
			uint8_t *grown = realloc(*data, room + CHUNK);

			if (!grown)
				return error_memory(err);
			*data = grown;
			room += CHUNK;
		}
		n = sys_read(fd, *data + *len, room - *len);
		if (n < 0)
			return error_file(err, -n, path);
		*len += n;
		if (*len > MAX_FILE)
			return error_set(err, ERROR_FORMAT, "%s: got more than %u MiB, expected a "
					 "BPF object", path, MAX_FILE >> 20);
	}
	return 0;
}

int object_file_open(struct object *obj, const char *path, struct error *err)
{
	int fd = sys_open(path, O_RDONLY), ret;
	uint8_t *data = NULL;
	size_t len = 0;

	if (fd < 0)
		return error_file(err, -fd, path);
	ret = read_all(fd, path, &data, &len, err);
	sys_close(fd);
	if (!ret)
		ret = object_init(obj, path, data, len, err);
	free(data);
	return ret;
}
