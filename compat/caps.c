// SPDX-License-Identifier: GPL-2.0
#include "compat/caps_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/sys.h"

/* Creates the map and lets it go. 0, or -errno. */
static int try_map(const union bpf_attr *map)
{
	union bpf_attr attr = *map;
	int fd = sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));

	sys_close(fd);
	return fd < 0 ? fd : 0;
}

static union bpf_attr small_array(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	return attr;
}

/*
 * No map type has the number 0, so nothing is created: EINVAL comes from bpf(2) itself.
 * EPERM may be it too, or a seccomp filter in front of a kernel without it.
 */
static enum answer ask_bpf(enum cap cap, int *sys)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	*sys = -try_map(&attr);
	if (*sys == ENOSYS)
		return CAP_NO;
	return *sys == EINVAL || *sys == 0 ? CAP_YES : CAP_UNKNOWN;
}

/* EINVAL: the size is a page, so it is the type that the kernel does not know. */
static enum answer ask_ringbuf(enum cap cap, int *sys)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_RINGBUF;
	attr.max_entries = sysconf(_SC_PAGESIZE);
	*sys = -try_map(&attr);
	if (*sys == EINVAL)
		return CAP_NO;
	return *sys ? CAP_UNKNOWN : CAP_YES;
}

/*
 * A kernel before 4.15 says E2BIG or EINVAL of bytes that it does not know and that are not
 * zero. Only if the same map comes to be without the name was it the name.
 */
static enum answer ask_names(enum cap cap, int *sys)
{
	union bpf_attr attr = small_array(), named = attr;
	int plain;

	memcpy(named.map_name, "portrace", sizeof("portrace"));
	*sys = -try_map(&named);
	if (*sys == 0)
		return CAP_YES;
	if (*sys != EINVAL && *sys != E2BIG)
		return CAP_UNKNOWN;
	plain = -try_map(&attr);
	if (plain == 0)
		return CAP_NO;
	*sys = plain;
	return CAP_UNKNOWN;
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
static enum answer ask_memcg(enum cap cap, int *sys)
{
	union bpf_attr attr = small_array();

	*sys = -try_map_with_limit(&attr, 0);
	if (*sys == 0)
		return CAP_YES;
	if (*sys == EPERM && try_map_with_limit(&attr, RLIM_INFINITY) == 0)
		return CAP_NO;
	return CAP_UNKNOWN;
}

/* Each question holds in itself what it needs: a "yes" to it is one to that as well, and where
 * that is a "no", so is the answer. */
static const struct {
	const char *name;
	question *ask;
	enum cap needs;
} table[CAP_COUNT] = {
	[CAP_BPF] = { "bpf", ask_bpf, CAP_BPF },
	[CAP_RINGBUF] = { "ringbuf", ask_ringbuf, CAP_BPF },
	[CAP_NAMES] = { "names", ask_names, CAP_BPF },
	[CAP_MEMCG] = { "memcg", ask_memcg, CAP_BPF },
	[CAP_BTF] = { "btf", ask_btf, CAP_BPF },
	[CAP_BTF_KFLAG] = { "btf-bitfield", ask_btf, CAP_BTF },
	[CAP_BTF_FUNC] = { "btf-func", ask_btf, CAP_BTF },
	[CAP_BTF_DATASEC] = { "btf-datasec", ask_btf, CAP_BTF },
	[CAP_BTF_FUNC_GLOBAL] = { "btf-func-global", ask_btf, CAP_BTF_FUNC },
	[CAP_BTF_FLOAT] = { "btf-float", ask_btf, CAP_BTF },
	[CAP_BTF_DECL_TAG] = { "btf-decl-tag", ask_btf, CAP_BTF },
	[CAP_BTF_TYPE_TAG] = { "btf-type-tag", ask_btf, CAP_BTF },
	[CAP_BTF_ENUM64] = { "btf-enum64", ask_btf, CAP_BTF },
	[CAP_BTF_ENUM_SIGN] = { "btf-enum-sign", ask_btf, CAP_BTF },
	[CAP_BTF_SECTION_NAME] = { "btf-section-name", ask_btf, CAP_BTF_DATASEC },
	[CAP_MAP_BTF] = { "map-btf", ask_map_btf, CAP_BTF },
	[CAP_PROG_BTF] = { "prog-btf", ask_prog_btf, CAP_BTF_FUNC },
};

static bool is_answered(const struct caps *caps, enum cap cap)
{
	return caps->at[cap].answer == CAP_YES || caps->at[cap].answer == CAP_NO;
}

static void answer_needs(struct caps *caps, enum cap cap)
{
	for (cap = table[cap].needs; !is_answered(caps, cap); cap = table[cap].needs)
		caps->at[cap].answer = CAP_YES;
}

/* The question itself comes first, so that a kernel that can do it is asked once. */
enum answer caps_ask(struct caps *caps, enum cap cap)
{
	enum cap needs = table[cap].needs;

	if (is_answered(caps, cap))
		return caps->at[cap].answer;
	if (caps->at[needs].answer != CAP_NO)
		caps->at[cap].answer = table[cap].ask(cap, &caps->at[cap].sys);
	if (caps->at[cap].answer == CAP_YES)
		answer_needs(caps, cap);
	else if (cap != needs && caps_ask(caps, needs) == CAP_NO)
		caps->at[cap] = caps->at[needs];
	return caps->at[cap].answer;
}

const char *caps_name(enum cap cap)
{
	return table[cap].name;
}
