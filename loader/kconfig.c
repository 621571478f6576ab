// SPDX-License-Identifier: GPL-2.0
#include "loader/kconfig.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "btf/unpack.h"
#include "util/map.h"

#define CONFIG_MAX (16u << 20) /* of text: a configuration comes to some 300 KiB */

static int take_text(struct kconfig *config, uint8_t *bytes, size_t len, struct error *err)
{
	char *text = realloc(bytes, len + 1);

	if (!text) {
		free(bytes);
		return error_memory(err);
	}
	text[len] = 0;
	config->text = text;
	config->len = len;
	return 0;
}

static int copy_text(struct kconfig *config, const struct map_file *file, struct error *err)
{
	uint8_t *bytes = malloc(file->size + 1);

	if (!bytes)
		return error_memory(err);
	memcpy(bytes, file->data, file->size);
	return take_text(config, bytes, file->size, err);
}

/* 0: taken, or it is not there. */
static int open_file(struct kconfig *config, const char *path, struct error *err)
{
	struct cursor bytes;
	const struct packing *packing;
	struct map_file file;
	uint8_t *output;
	size_t len;
	int ret = map_file(&file, path);

	if (ret)
		return ret == -ENOENT || ret == -ENOTDIR ? 0 : error_file(err, -ret, path);
	bytes = (struct cursor){ file.data, file.size };
	packing = packing_at(&bytes, 0);
	if (!packing)
		ret = copy_text(config, &file, err);
	else if (unpack(packing, file.data, file.size, CONFIG_MAX, &output, &len, err))
		ret = -1;
	else
		ret = take_text(config, output, len, err);
	unmap_file(&file);
	if (ret)
		return error_wrap(err, "%s", path);
	snprintf(config->source, sizeof(config->source), "%s", path);
	return 0;
}

int kconfig_open(struct kconfig *config, const char *root, struct error *err)
{
	static const char *const places[] = {
		"/proc/config.gz",
		"/boot/config-%s",
		"/usr/lib/modules/%s/config",
		"/lib/modules/%s/config",
	};
	char path[sizeof(config->source)];
	struct utsname names;

	memset(config, 0, sizeof(*config));
	uname(&names);
	for (size_t i = 0; !config->text && i < sizeof(places) / sizeof(places[0]); i++) {
		size_t len = snprintf(path, sizeof(path), "%.160s", root);

		snprintf(path + len, sizeof(path) - len, places[i], names.release);
		if (open_file(config, path, err))
			return -1;
	}
	return 0;
}

void kconfig_fini(struct kconfig *config)
{
	free(config->text);
	memset(config, 0, sizeof(*config));
}

/* Behind "PREFIX NAME SUFFIX" at the beginning of a line, or NULL. */
static const char *find_line(const struct kconfig *config, const char *prefix, const char *name,
			     const char *suffix)
{
	char line[200];
	size_t len = snprintf(line, sizeof(line), "\n%s%s%s", prefix, name, suffix);
	const char *at;

	if (!config->text || len >= sizeof(line))
		return NULL;
	if (len - 1 <= config->len && !memcmp(config->text, line + 1, len - 1))
		return config->text + len - 1;
	at = memmem(config->text, config->len, line, len);
	return at ? at + len : NULL;
}

const char *kconfig_find(const struct kconfig *config, const char *name, size_t *len)
{
	const char *at = find_line(config, "", name, "=");

	if (at) {
		*len = strcspn(at, "\r\n");
		return at;
	}
	*len = 1;
	return find_line(config, "# ", name, " is not set") ? "n" : NULL;
}
