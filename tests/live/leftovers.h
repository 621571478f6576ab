/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_LEFTOVERS_H
#define TESTS_LIVE_LEFTOVERS_H

/*
 * What tests must not leave behind: BPF programs, maps and links, probes and instances in tracefs,
 * mounts, pinned files, cgroups, network devices, notes of ours in /run. Looked at before and after
 * each test case, once its processes are gone. Others on the machine may have programs come and go,
 * so what is new has to be gone within a while, and only what is new is looked at.
 */
void leftovers_note(void);
/* Says what is left of that test case. */
void leftovers_check(const char *name);
/* In how many test cases there was anything. */
unsigned int leftovers_found(void);

#endif
