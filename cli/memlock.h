/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_MEMLOCK_H
#define CLI_MEMLOCK_H

#include <stdbool.h>

#include "compat/caps.h"

/*
 * Before Linux 5.11 maps and programs count as locked memory, of which 64 KiB are allowed, for all
 * processes of a user together and for a while after they have ended. Raises the limit where it
 * counts, or where it may be what keeps that from being told; nowhere else. True: it was raised, so
 * that asking again, or trying again, makes sense.
 */
bool memlock_raise(struct caps *caps);

#endif
