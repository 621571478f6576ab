/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOSSES_H
#define COMPAT_LOSSES_H

#include "compat/caps.h"
#include "loader/object.h"

/*
 * Records for which a buffer has no room. The kernel tells a program, most of which do not look, and
 * nobody else; so every place that sends one is made to count it:
 *
 *	call bpf_ringbuf_output		call bpf_ringbuf_output
 *					if r0 s>= 0 goto +4
 *					r1 = &.losses[site]
 *					r2 = 1
 *					lock *(u64 *)(r1 + 0) += r2
 *
 * r1 and r2 mean nothing behind a call, so programs do the same as before, in the same stack.
 */
#define LOSSES_MAP ".losses"

/* The sends of one program through one map; its count is the u64 of that number in LOSSES_MAP. */
struct losses_site {
	size_t program;
	size_t map; /* or LOSSES_ANY: which is only known when it runs */
};

#define LOSSES_ANY SIZE_MAX

struct losses_sites {
	VEC(struct losses_site) sites;
};

/*
 * Changes the programs of an object that prepare() has made fit, and adds the map where there is
 * anything to count. Where the kernel has no global data (Linux 5.2), and so no ring buffer, nothing
 * is changed: perf buffers, which are what is left, tell of their losses.
 */
int count_losses(struct object *obj, struct caps *caps, struct losses_sites *sites,
		 struct error *err);

#endif
