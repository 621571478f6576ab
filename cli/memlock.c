// SPDX-License-Identifier: GPL-2.0
#include "cli/memlock.h"

#include <stddef.h>
#include <sys/resource.h>

bool memlock_raise(struct caps *caps)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit now;

	return caps_ask(caps, CAP_MEMCG) != CAP_YES && !getrlimit(RLIMIT_MEMLOCK, &now) &&
	       now.rlim_cur != RLIM_INFINITY && !prlimit(0, RLIMIT_MEMLOCK, &all, NULL);
}
