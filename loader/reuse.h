/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_REUSE_H
#define LOADER_REUSE_H

#include "loader/load.h"

/*
 * Maps that are there already: given by the caller (load_options.reuse), or pinned by the name of
 * one that is to be (__uint(pinning, LIBBPF_PIN_BY_NAME)). They have to be what the object wants.
 */

/* 1: *fd is one to take; 0: there is none; -1 and err: there is one that does not fit. */
int reuse_find(struct loaded *loaded, size_t map, const struct load_options *options, int *fd,
	       struct error *err);
/* Pins a new map that is to be pinned by its name; loaded->pins. */
int reuse_pin(struct loaded *loaded, size_t map, const struct load_options *options,
	      struct error *err);
/* Takes such pins away again. */
void reuse_undo(struct loaded *loaded);
/* Keeps them. */
void reuse_fini(struct loaded *loaded);

#endif
