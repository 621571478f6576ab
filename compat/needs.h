/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_NEEDS_H
#define COMPAT_NEEDS_H

#include "loader/object.h"
#include "util/strbuf.h"

/*
 * What an object needs of a kernel, read off the object alone, and since which release kernels
 * have it. Words for people: whether the kernel at hand can is asked of it (compat/caps.h). The
 * releases are those of the kernel's own history.
 */
enum need_kind {
	NEED_PROGRAM,     /* type of program, with the place where it attaches */
	NEED_MAP,         /* type of map */
	NEED_MAP_FLAG,
	NEED_HELPER,
	NEED_INSTRUCTION, /* of the instruction set, or what the verifier has to put up with */
	NEED_DATA,        /* global variables, externs */
	NEED_TYPE,        /* BTF */
};

struct need {
	enum need_kind kind;
	uint16_t release;   /* LINUX(5, 8); 0: not known, or not a matter of the release */
	uint32_t count;     /* of programs, maps, calls, instructions, ... as `unit` says */
	const char *unit;   /* "call" */
	const char *instead; /* what portrace does where a kernel lacks it; NULL: nothing */
	uint16_t instead_release; /* since when kernels have what that takes; 0: all do */
	char what[96];      /* "helper bpf_ringbuf_reserve" */
	char where[96];     /* names of maps, programs, ..., the first few; "" */
};

struct needs {
	VEC(struct need) at;
	uint16_t release;       /* the greatest of all, */
	uint16_t least_release; /* and with what portrace does instead */
	uint32_t isa;           /* instruction set, 1 to 4 as clang's -mcpu=v1 to v4 */
};

/* The newest first. Whatever it returns, needs_fini is due. */
int needs_init(struct needs *needs, const struct object *obj, struct error *err);
void needs_fini(struct needs *needs);
const char *need_kind_name(enum need_kind kind);

/* "no_prealloc|mmapable" of a map's flags, "0x80000000" for bits without a name. */
void needs_map_flags(struct strbuf *out, uint32_t flags);

#endif
