/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_CAPS_H
#define COMPAT_CAPS_H

#include <stdbool.h>

#include "util/error.h"

/*
 * What the kernel at hand can do: questions put to it by trying, each asked once and only
 * when somebody needs the answer. A question that could not be put (no permission, no
 * memory) is CAP_UNKNOWN with the reason, never a "no", and is asked again next time.
 */
enum cap {
	CAP_BPF,          /* the bpf(2) call at all */
	CAP_RINGBUF,      /* BPF_MAP_TYPE_RINGBUF, Linux 5.8 */
	CAP_NAMES,        /* map and program names, 4.15 */
	CAP_MEMCG,        /* memory charged to the cgroup, not to RLIMIT_MEMLOCK, 5.11 */
	/* What the BTF of a program may hold. */
	CAP_BTF,              /* BPF_BTF_LOAD at all, 4.18 */
	CAP_BTF_KFLAG,        /* bit fields with their width, forward declared unions, 5.0 */
	CAP_BTF_FUNC,         /* functions and their prototypes, 5.0 */
	CAP_BTF_DATASEC,      /* variables and their sections, 5.2 */
	CAP_BTF_FUNC_GLOBAL,  /* functions that are not static, 5.6 */
	CAP_BTF_FLOAT,        /* 5.13 */
	CAP_BTF_DECL_TAG,     /* 5.16 */
	CAP_BTF_TYPE_TAG,     /* 5.17 */
	CAP_BTF_ENUM64,       /* 6.0 */
	CAP_BTF_ENUM_SIGN,    /* enums of signed values, 6.0 */
	CAP_BTF_SECTION_NAME, /* sections whose name is more than letters, digits, '_', '.', 6.9 */
	/* And what may come with it. */
	CAP_MAP_BTF,          /* types of a map's key and value, 4.18 */
	CAP_PROG_BTF,         /* functions and lines of a program, 5.0 */
	CAP_COUNT,
};

enum answer { CAP_NOT_ASKED, CAP_NO, CAP_YES, CAP_UNKNOWN };

struct caps {
	struct {
		enum answer answer;
		int sys; /* errno that answered, or kept the question from being put */
	} at[CAP_COUNT];
};

/* CAP_YES, CAP_NO or CAP_UNKNOWN; the evidence is in caps->at[cap].sys. */
enum answer caps_ask(struct caps *caps, enum cap cap);
const char *caps_name(enum cap cap);

#endif
