/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_KCONFIG_H
#define LOADER_KCONFIG_H

#include <stddef.h>

#include "util/error.h"

/*
 * The configuration that the running kernel was built with, from the first of these that is
 * there: /proc/config.gz, its own; /boot/config-RELEASE, /usr/lib/modules/RELEASE/config and
 * /lib/modules/RELEASE/config, as distributions install it.
 */
struct kconfig {
	char *text; /* owned, len bytes and a NUL */
	size_t len;
	char source[320]; /* the file; "" where there is none */
};

/*
 * root: what the paths begin with, "" for this machine. That there is none is no failure: then
 * nothing is set.
 */
int kconfig_open(struct kconfig *config, const char *root, struct error *err);
void kconfig_fini(struct kconfig *config);
/*
 * What a setting is: "y", "250", "\"text\"", as it stands there, its length in *len; "n" where it is
 * said not to be set. NULL: there is no such setting.
 */
const char *kconfig_find(const struct kconfig *config, const char *name, size_t *len);

#endif
