/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_VERIFIER_FETCH_H
#define LOADER_VERIFIER_FETCH_H

#include "loader/object.h"

/*
 * Loads a program that was refused once more, for the reasons: *log receives them, malloc'ed,
 * NULL or "" where the kernel gives none. Returns what the kernel returned: a descriptor where it
 * takes the program after all, or a negative errno. attr is as it was when refused; whole: else
 * of a very long log only the end is sought, which takes half the time.
 */
int verifier_fetch(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr),
		   const struct program *prog, bool whole, char **log);

#endif
