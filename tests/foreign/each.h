/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FOREIGN_EACH_H
#define TESTS_FOREIGN_EACH_H

#include <stddef.h>

/*
 * What two loaders are given to do, each in a process of its own for every object and program, so
 * that a crash is one line of the report: main() is in each.c.
 */
#define EACH_MAX 512
#define EACH_NAME 128
#define EACH_BROKEN ((size_t)-1)

/* Where it may pin maps: a directory of its own, which run.sh removes. */
const char *each_pin_root(void);

/* The names of the object's programs; EACH_BROKEN: it cannot be parsed, for that reason. */
size_t each_open(const char *path, char names[][EACH_NAME], char *why, size_t size);
/* Loads it and lets it go; of its programs just one, or (NULL) those that load by themselves. */
int each_load(const char *path, const char *only, char *why, size_t size);

#endif
