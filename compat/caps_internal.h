/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_CAPS_INTERNAL_H
#define COMPAT_CAPS_INTERNAL_H

#include "compat/caps.h"

/*
 * Each question is one function that returns CAP_YES, CAP_NO or CAP_UNKNOWN and leaves the
 * errno that says so in *sys. What it makes in the kernel is gone when it returns.
 */
typedef enum answer question(enum cap cap, int *sys);

/* compat/caps_btf.c */
question ask_btf, ask_map_btf, ask_prog_btf;

#endif
