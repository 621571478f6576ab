/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_ASSIGN_H
#define BTF_ASSIGN_H

#include "btf/btf.h"

/*
 * Sets a variable, or a part of it, from text: what btf_value() prints, read back.
 *
 *	path        of the variable          text
 *	""          int                      -5  0x1f  'c'
 *	""          bool                     true  false  1  0
 *	""          enum color               BLUE  2
 *	""          char [16]                nginx  "with \"quotes\""
 *	"[2]"       int [4]                  7
 *	""          int [4]                  { 1, 2, 3 }             what is not named is 0
 *	".max.pid"  struct limits            812
 *	""          struct limits            { .pid = 812, .name = "x" }
 *
 * data: the variable's bytes, in this machine's byte order, size of them; its type is id. ERROR_USAGE:
 * got what, expected what; then nothing has changed.
 */
int btf_assign(const struct btf *btf, uint32_t id, const char *path, const char *text, void *data,
	       size_t size, struct error *err);

#endif
