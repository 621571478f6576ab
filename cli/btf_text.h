/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_BTF_TEXT_H
#define CLI_BTF_TEXT_H

#include "btf/btf.h"
#include "util/text.h"

/*
 * Types one by one, with the words and keys that users of bpftool know:
 *
 *	[2] STRUCT 'point' size=8 vlen=2
 *		'x' type_id=1 bits_offset=0
 *
 * or, as JSON, {"types":[{"id":2,"kind":"STRUCT","name":"point","size":8,"vlen":2,"members":[...
 * Names are made safe to show (cli/escape.h).
 *
 * ids: which; NULL: all that are the BTF's own. Failures are out's.
 */
void btf_text(const struct btf *btf, const uint32_t *ids, size_t count, bool json,
	      struct text *out);

#endif
