/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_PIDS_H
#define CLI_PIDS_H

#include "bpf/pids.h"
#include "cli/options.h"
#include "loader/types.h"

/*
 * Process ids in a pid namespace of our own, as containers have: the kernel side knows those of the
 * machine only, the initial namespace's, and /proc those of ours only. Who has which is asked of
 * an iterator over threads (bpf/pids.bpf.c), which takes Linux 5.8 and the kernel's types.
 */
struct pids;

/* NULL and err where it cannot be asked: ERROR_UNSUPPORTED or ERROR_PERMISSION say that. */
struct pids *pids_new(const struct types_request *request, struct error *err);
void pids_free(struct pids *pids);
/* Calls fn for each thread that there is now in our namespace. */
int pids_each(struct pids *pids, void (*fn)(void *ctx, const struct pids_record *thread), void *ctx,
	      struct error *err);
/*
 * Makes those in options->watch the machine's. *pids is NULL where no process is named or they are
 * that already; else it can tell of threads later on, and is for pids_free().
 */
int pids_translate(struct options *options, struct pids **pids, struct error *err);

#endif
