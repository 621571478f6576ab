/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_DUMP_C_H
#define BTF_DUMP_C_H

#include "btf/btf.h"
#include "util/text.h"

/*
 * Types as a C header, such as BPF programs include as vmlinux.h. A compiler that lays it out
 * for a machine with the pointer size of the BTF gets every struct with the size and the member
 * offsets that the BTF has. Names that C cannot have twice get ___2, ___3 and so on behind them,
 * which CO-RE takes for the same name.
 *
 * ids: what to define, together with all that it needs. NULL: every type that is the BTF's own
 * (not its base's), and the kernel functions that BPF programs may call. Functions and variables
 * among the ids are declared.
 *
 * Hostile BTF may yield C that does not compile (two members of one name), but no endless text,
 * and no other words than types and names. Fails for want of memory, with out's failure, and for
 * what C cannot say: a type that holds itself.
 */
int btf_dump_c(const struct btf *btf, const uint32_t *ids, size_t count, struct text *out,
	       struct error *err);

#endif
