/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_ACTS_H
#define TESTS_LIVE_ACTS_H

#include "loader/load.h"

/*
 * Which kinds of programs have been seen to act: loaded by a test, attached, and run by the kernel,
 * as its own statistics say. With PORTRACE_KINDS set the tests end with a line for each kind
 *
 *	kind: xdp: acts
 *	kind: netkit/peer: lacks, since Linux 6.7
 *	kind: lirc_mode2: unseen
 *
 * which tests/vm/kinds.sh makes the table in docs/kinds.md of.
 */
void acts_begin(void);
/* Of a test, before what it has loaded goes. */
void acts_note(const struct loaded *loaded);
void acts_print(void);

#endif
