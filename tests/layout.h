/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LAYOUT_H
#define TESTS_LAYOUT_H

#include <stdbool.h>

#include "btf/btf.h"

/*
 * Checks C headers against the BTF that they are made of, from the BTF's own numbers alone: a
 * compiler lays the header out, nothing here does. What does not hold fails the test.
 */

/* Around each test. */
void layout_setup(void);
void layout_teardown(void);

/*
 * All types as a header, with static assertions for the size of every struct and union that has
 * a name for itself and for the offset of each of its members but bit fields. compiler NULL: clang.
 */
void layout_assert_all(const struct btf *btf, const char *compiler, const char *options);
/* Those that share a name, each dumped alone, where it has it for itself; the first 64. */
void layout_assert_shared(const struct btf *btf);
/* Bit fields: all structs that have some, held against clang's own BTF of the header. */
void layout_compare_bits(const struct btf *btf);
/* The same for the structs chosen by id. */
void layout_compare_compiled(const struct btf *btf, const bool *chosen);

/* For each id: is it a struct or union that has a name, and that for itself? To be freed. */
bool *layout_unique(const struct btf *btf);
/* The BTF of an object file. */
void layout_open_object(struct btf *to, const char *object);

#endif
