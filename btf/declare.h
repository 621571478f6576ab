/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_DECLARE_H
#define BTF_DECLARE_H

#include "btf/btf.h"
#include "util/strbuf.h"

/*
 * A type in C notation, on one line: "struct task_struct *tasks[8]", "long (*fn)(void *, int)".
 * Without a name it is the type alone: "char[16]". Structs, unions and enums stand by their
 * names; those that have none as "struct {...}". Void, and ids that are not there, are "void".
 */
void btf_declare(struct strbuf *out, const struct btf *btf, uint32_t id, const char *name);

#endif
