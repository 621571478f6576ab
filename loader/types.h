/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_TYPES_H
#define LOADER_TYPES_H

#include <stdbool.h>

#include "btf/btf.h"
#include "loader/object.h"

/*
 * The types of the kernel that programs are to run on, from the first of these that has them:
 *
 *	a file that the user names      bare BTF, an ELF file with a section .BTF, a kernel image
 *	/sys/kernel/btf/vmlinux         what the running kernel itself gives, since Linux 5.4
 *	an image of that kernel         as installed for debugging, or to boot, packed or not
 *	tracefs                         the formats of the tracepoints that the object's programs
 *	                                are on: no more than the records that they get
 *
 * Wherever they come from they end as BTF: one, or from tracefs one for each program.
 */
enum types_from { TYPES_AUTO, TYPES_KERNEL, TYPES_IMAGE, TYPES_TRACEFS };

struct types_request {
	const char *btf_file;     /* NULL: none named; else nothing else is looked at */
	enum types_from from;     /* the one source to take, or TYPES_AUTO */
	const struct object *obj; /* whose tracepoints tracefs is asked for; NULL: no tracefs */
	const char *root;         /* what all paths but btf_file begin with; NULL: "" */
};

/* What is told of it; a plain value. */
struct types_account {
	char source[512]; /* where they came from: "/boot/vmlinuz-6.1.0 (packed with zstd)" */
	char tried[2048]; /* what was looked at before, and why in vain; a line each */
};

struct types_module {
	char name[64];
	struct btf btf;
	bool open;
};

struct types {
	struct btf btf;
	struct btf base; /* what btf goes on from, where btf_file is of a module; else empty */
	struct types_account account;
	const char *root;
	bool has_modules;  /* the kernel's own modules go with btf */
	bool listed;       /* modules are, by name: all that are loaded */
	VEC(struct types_module) modules;
	VEC(struct btf) records; /* from tracefs: by program; btf has nothing then */
};

/*
 * ERROR_PERMISSION or ERROR_UNSUPPORTED: found nowhere, err's detail is what was tried. On
 * failure nothing is held.
 */
int types_open(struct types *types, const struct types_request *request, struct error *err);
void types_fini(struct types *types);
/* What the object's program of that index is relocated to; valid until types_fini. */
const struct btf *types_of(const struct types *types, size_t program);
/*
 * The types that the i-th loaded module adds, opened when first asked for, valid until
 * types_fini. *module is NULL behind the last; where types are not the running kernel's own
 * there is none.
 */
int types_module(struct types *types, size_t i, const struct btf **module, struct error *err);
/* The BTF in a file, as that of a module, which goes on from base; for btf_fini(). */
int types_open_split(struct btf *btf, const struct btf *base, const char *path, struct error *err);

#endif
