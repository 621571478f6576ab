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
