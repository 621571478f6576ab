/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_OBJECT_SET_H
#define LOADER_OBJECT_SET_H

#include "loader/object.h"

/*
 * Sets a global by its C name and type, before loading: "limit=5", "limits.max[2]=7",
 * "name=nginx" (btf/assign.h has what can stand behind the "="). ERROR_USAGE: there is no such
 * variable, with the nearest, or the value does not fit; then nothing has changed.
 */
int object_set(struct object *obj, const char *assignment, struct error *err);

#endif
