/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_PREPARE_H
#define COMPAT_PREPARE_H

#include "compat/lower.h"
#include "loader/attach.h"
#include "loader/types.h"

/*
 * The way of every object from a file to what this kernel takes: CO-RE moves what programs read to
 * where `types` has it, fold() drops what can then not be reached, what is still unresolved is an
 * error, and lower() does the rest, into the plan. All settings (read-only globals, sizes of
 * maps, which programs to load) come before it, lower_types() and load() after it. On failure the
 * object is only good for object_fini.
 */
/*
 * Whether it makes any use of `types`: reading a kernel's takes longer than all else that is done to
 * most objects. Where it does not, `types` may be all zeros.
 */
bool prepare_needs_types(const struct object *obj);
int prepare(struct object *obj, struct types *types, struct caps *caps,
	    const struct lower_options *options, struct plan *plan, struct error *err);

/* Sets what load() can tell this kernel and has to, as far as the object's programs need it. */
void prepare_load(const struct object *obj, struct caps *caps, struct load_options *options);
/* Sets by which of several ways link_attach() goes. */
void prepare_attach(struct caps *caps, struct attach_options *options);

#endif
