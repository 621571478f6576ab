// SPDX-License-Identifier: GPL-2.0
/* The same with libbpf, whose last words are the reason. */
#include "tests/foreign/each.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

static char last[1024];

static int keep(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !*last)
		vsnprintf(last, sizeof(last), fmt, ap);
	return 0;
}

static struct bpf_object *open_object(const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = each_pin_root());

	*last = 0;
	libbpf_set_print(keep);
	return bpf_object__open_file(path, &options);
}

size_t each_open(const char *path, char names[][EACH_NAME], char *why, size_t size)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *prog;
	size_t len = 0;

	if (!obj) {
		snprintf(why, size, "%s", last);
		return EACH_BROKEN;
	}
	bpf_object__for_each_program(prog, obj)
		if (len < EACH_MAX)
			snprintf(names[len++], EACH_NAME, "%s", bpf_program__name(prog));
	bpf_object__close(obj);
	return len;
}

int each_load(const char *path, const char *only, char *why, size_t size)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *prog;
	int ret = obj ? 0 : -1;

	if (only && obj)
		bpf_object__for_each_program(prog, obj)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), only));
	if (!ret)
		ret = bpf_object__load(obj);
	snprintf(why, size, "%s", ret ? last : "");
	if (obj)
		bpf_object__close(obj);
	return ret;
}
