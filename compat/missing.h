/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_MISSING_H
#define COMPAT_MISSING_H

#include "compat/caps.h"
#include "loader/object.h"

/*
 * Types of maps and of programs that the object has and the kernel has not, for which there is no
 * lowering: 0 where there is none, else -1 and the first of them as ERROR_UNSUPPORTED, with the
 * release that brought it. Kernels say no more of it than EINVAL, so this explains a refusal of
 * load(): asked before, it would cost every start a question for each type.
 */
int missing_kinds(const struct object *obj, struct caps *caps, struct error *err);

#endif
