/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_USDT_NOTES_H
#define LOADER_USDT_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vec.h"

/* A place in a program or library that a USDT probe is at; one may be at several. */
struct usdt_site {
	uint64_t address;   /* as the file has it, loaded where it was linked for */
	uint64_t offset;    /* in the file */
	uint64_t semaphore; /* likewise, of its counter of listeners; 0: it has none */
	char *args;         /* owned: what usdt_args() reads */
};

struct usdt_sites {
	VEC(struct usdt_site) list;
	bool moves; /* the file is loaded anywhere: a library, or a program made like one */
};

/*
 * All sites of PROVIDER:NAME. 0, 1 where there is none, or -1 and err; usdt_sites_fini is due in
 * any case.
 */
int usdt_sites_find(struct usdt_sites *sites, const char *path, const char *provider,
		    const char *name, struct error *err);
void usdt_sites_fini(struct usdt_sites *sites);

#endif
