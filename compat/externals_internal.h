/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_EXTERNALS_INTERNAL_H
#define COMPAT_EXTERNALS_INTERNAL_H

#include <stdio.h>

#include "compat/externals.h"
#include "loader/kconfig.h"

struct externals {
	struct object *obj;
	struct types *types;
	struct caps *caps;
	const char *root;
	struct kconfig config;
	bool config_open;
};

/* compat/externals_kconfig.c: the values of .kconfig */
int externals_find_settings(struct externals *x, struct error *err);
/* compat/externals.c: whether functions of system calls have the architecture's prefix */
bool externals_has_wrapper(const struct externals *x);

#endif
