// SPDX-License-Identifier: GPL-2.0
/* Whether there is BPF at all, and what maps and programs may come with. */
#include "compat/caps_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/*
 * No map type has the number 0, so nothing is created: EINVAL comes from bpf(2) itself.
 * EPERM may be it too, or a seccomp filter in front of a kernel without it.
 */
enum answer ask_bpf(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	*sys = -try_map(&attr);
	if (*sys == ENOSYS)
		return CAP_NO;
	return *sys == EINVAL || *sys == 0 ? CAP_YES : CAP_UNKNOWN;
}

/*
 * A kernel before 4.15 says E2BIG or EINVAL of bytes that it does not know and that are not
 * zero. Only if the same map comes to be without the name was it the name.
 */
enum answer ask_names(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr = small_array(), named = attr;

	memcpy(named.map_name, "portrace", sizeof("portrace"));
	return ask_map_pair(&named, &attr, sys);
}

/* Creates a map under a soft RLIMIT_MEMLOCK of that size, for the time of the call. */
static int try_map_with_limit(const union bpf_attr *map, rlim_t soft)
{
	struct rlimit limit, low;
	int ret;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	low = limit;
	low.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
	if (prlimit(0, RLIMIT_MEMLOCK, &low, NULL))
		return -errno;
	ret = try_map(map);
	/* Cannot fail: a soft limit may always go up to the hard one, which did not change. */
	prlimit(0, RLIMIT_MEMLOCK, &limit, NULL);
	return ret;
}

/*
 * Is RLIMIT_MEMLOCK what counts? The direct question: with a soft limit of 0, a kernel that
 * charges it refuses every map, root's too, with EPERM. Others ask by something that came
 * at the same time, the helper bpf_ktime_get_coarse_ns, but distributions port one back without
 * the other; and fdinfo shows a "memlock" on every kernel, charged or not. The limit is
 * this process's own, is never raised past what it may be, and nothing else runs meanwhile.
 *
 * A map that is refused at 0 is tried with all that the process may have: if that is refused
 * as well, it was not the limit, or the limit is used up for good.
 */
enum answer ask_memcg(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr = small_array();

	*sys = -try_map_with_limit(&attr, 0);
	if (*sys == 0)
		return CAP_YES;
	if (*sys == EPERM && try_map_with_limit(&attr, RLIM_INFINITY) == 0)
		return CAP_NO;
	return CAP_UNKNOWN;
}
