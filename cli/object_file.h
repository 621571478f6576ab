/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_OBJECT_FILE_H
#define CLI_OBJECT_FILE_H

#include "loader/object.h"

/* Reads and parses an object file; messages name the path, which is borrowed. */
int object_file_open(struct object *obj, const char *path, struct error *err);

#endif
