/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_DESCRIBE_H
#define CLI_DESCRIBE_H

#include "compat/plan.h"
#include "loader/types.h"

/* What -v says of an object that is loaded, on standard error. */
void describe_types(const struct types_account *types);
/* How its programs were changed for this kernel. */
void describe_plan(const struct plan *plan);

#endif
