// SPDX-License-Identifier: GPL-2.0
/*
 * How streams begin (numbers as the kernel's build makes them):
 *
 *	gzip   1f 8b, 08 (deflate), flags, of which the upper three are 0
 *	xz     fd '7zXZ' 00, 00, what it is checked by (up to 0f)
 *	zstd   28 b5 2f fd, descriptor with bit 3 zero
 *	lz4    02 21 4c 18 (the old format), size of the first block, at most 8 MiB and a bit
 *	bzip2  'BZh', '1' to '9', 31 41 59 26 53 59
 *	lzma   5d, size of the dictionary, a power of two, ff * 8 (size not known)
 *	lzo    89 'LZO' 00 0d 0a 1a 0a
 */
#include "btf/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/spawn.h"

struct packing {
	const char *name;
	const char *magic;
	size_t magic_len;
	bool (*begins)(const uint8_t *head);
	const char *program; /* NULL: zlib */
	const char *package; /* Debian's, where it is not called as the program is */
};

#define HEAD 16 /* as much as begins() looks at */

static uint32_t le32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool gzip_begins(const uint8_t *head)
{
	return !(head[3] & 0xe0);
}

static bool xz_begins(const uint8_t *head)
{
	return !head[6] && head[7] <= 0x0f;
}

static bool zstd_begins(const uint8_t *head)
{
	return !(head[4] & 0x08);
}

static bool lz4_begins(const uint8_t *head)
{
	uint32_t block = le32(head + 4), most = 8u << 20;

	return block && block <= most + most / 255 + 16;
}

static bool bzip2_begins(const uint8_t *head)
{
	return head[3] >= '1' && head[3] <= '9' && !memcmp(head + 4, "\x31\x41\x59\x26\x53\x59", 6);
}

static bool lzma_begins(const uint8_t *head)
{
	uint32_t dictionary = le32(head + 1);

	return dictionary && !(dictionary & (dictionary - 1)) &&
	       !memcmp(head + 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
}

static bool lzo_begins(const uint8_t *head)
{
	return true;
}

#define MAGIC(bytes) bytes, sizeof(bytes) - 1

static const struct packing packings[] = {
	{ "gzip", MAGIC("\x1f\x8b\x08"), gzip_begins, NULL, NULL },
	{ "xz", MAGIC("\xfd" "7zXZ\0"), xz_begins, "xz", "xz-utils" },
	{ "zstd", MAGIC("\x28\xb5\x2f\xfd"), zstd_begins, "zstd", NULL },
	{ "lz4", MAGIC("\x02\x21\x4c\x18"), lz4_begins, "lz4", NULL },
	{ "bzip2", MAGIC("BZh"), bzip2_begins, "bzip2", NULL },
	{ "lzma", MAGIC("\x5d\0\0"), lzma_begins, "xz", "xz-utils" },
	{ "lzo", MAGIC("\x89LZO\0\r\n\x1a\n"), lzo_begins, "lzop", NULL },
};

const struct packing *packing_at(const struct cursor *data, size_t offset)
{
	const uint8_t *head = cursor_at(data, offset, HEAD);

	for (size_t i = 0; head && i < sizeof(packings) / sizeof(*packings); i++)
		if (head[0] == (uint8_t)packings[i].magic[0] &&
		    !memcmp(head, packings[i].magic, packings[i].magic_len) && packings[i].begins(head))
			return &packings[i];
	return NULL;
}

const char *packing_name(const struct packing *packing)
{
	return packing->name;
}

/* Until the stream ends, breaks off or is damaged, or there is more than max. */
static int inflate_all(z_stream *z, size_t max, uint8_t **output, size_t *len)
{
	size_t room = 0;
	int ret;

	do {
		size_t want = room ? room * 2 : 1u << 20;
		uint8_t *grown;

		want = want > max ? max + 1 : want;
		grown = realloc(*output, want);
		if (!grown)
			return -ENOMEM;
		*output = grown;
		z->next_out = grown + room;
		z->avail_out = want - room;
		room = want;
		ret = inflate(z, Z_NO_FLUSH);
		*len = room - z->avail_out;
	} while (ret == Z_OK && !z->avail_out && *len <= max);
	return *len > max ? -EFBIG : 0;
}

static int inflate_gzip(const void *data, size_t size, size_t max, uint8_t **output, size_t *len)
{
	z_stream z = { .next_in = (void *)data, .avail_in = size > UINT_MAX ? UINT_MAX : size };
	int ret;

	*output = NULL;
	*len = 0;
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: with gzip's header */
		return -ENOMEM;
	ret = inflate_all(&z, max, output, len);
	inflateEnd(&z);
	if (ret) {
		free(*output);
		*output = NULL;
	}
	return ret;
}

static int unpack_failed(const struct packing *packing, int ret, size_t max, struct error *err)
{
	switch (ret) {
	case -ENOMEM:
		return error_memory(err);
	case -EFBIG:
		return error_set(err, ERROR_FORMAT, "packed with %s: got more than %zu MiB, expected a "
				 "kernel", packing->name, max >> 20);
	case -ENOENT:
		error_set(err, ERROR_UNSUPPORTED, "packed with %s, and no %s is installed",
			  packing->name, packing->program);
		if (packing->package)
			return error_hint(err, "install %s (Debian's package: %s)", packing->program,
					  packing->package);
		return error_hint(err, "install %s", packing->program);
	default:
		return error_system(err, -ret, "packed with %s: run %s", packing->name,
				    packing->program);
	}
}

int unpack(const struct packing *packing, const void *data, size_t size, size_t max,
	   uint8_t **output, size_t *len, struct error *err)
{
	const char *const argv[] = { packing->program, "-dc", NULL };
	int ret = packing->program ? spawn_filter(argv, data, size, max, output, len)
				   : inflate_gzip(data, size, max, output, len);

	if (ret)
		return unpack_failed(packing, ret, max, err);
	if (*len)
		return 0;
	free(*output);
	*output = NULL;
	return error_set(err, ERROR_FORMAT, "packed with %s: got nothing out of it: it is damaged",
			 packing->name);
}
