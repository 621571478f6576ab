// SPDX-License-Identifier: GPL-2.0
#include "compat/caps_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/release.h"
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
static enum answer ask_map(uint32_t type, int *sys)
{
	union bpf_attr attr;

	if (type != BPF_MAP_TYPE_RINGBUF)
		return CAP_UNKNOWN;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
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

static enum answer ask_nothing(enum cap cap, int *sys)
{
	*sys = ENOSYS;
	return CAP_UNKNOWN;
}

/* Each question holds in itself what it needs: a "yes" to it is one to that as well, and where
 * that is a "no", so is the answer. */
static const struct {
	const char *name, *about;
	uint16_t since;
	question *ask;
	enum cap needs;
} table[CAP_COUNT] = {
	[CAP_BPF] = { "bpf", "the bpf(2) system call", LINUX(3, 18), ask_bpf, CAP_BPF },
	[CAP_NAMES] = { "names", "names of maps and programs", LINUX(4, 15), ask_names, CAP_BPF },
	[CAP_MEMCG] = { "memcg", "memory charged to the cgroup, not to RLIMIT_MEMLOCK", LINUX(5, 11), ask_memcg, CAP_BPF },
	[CAP_JLT] = { "jlt", "jumps by \"less than\" (instruction set v2)", LINUX(4, 14), ask_nothing, CAP_BPF },
	[CAP_JMP32] = { "jmp32", "32 bit comparisons (v3)", LINUX(5, 1), ask_nothing, CAP_BPF },
	[CAP_ALU32] = { "alu32", "32 bit arithmetic whose result the verifier knows", LINUX(4, 14), ask_nothing, CAP_BPF },
	[CAP_ATOMICS] = { "atomics", "atomic instructions with a result", LINUX(5, 12), ask_nothing, CAP_BPF },
	[CAP_MOVSX] = { "movsx", "moves that fill with the sign (v4)", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_LDSX] = { "ldsx", "loads that fill with the sign (v4)", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_BSWAP] = { "bswap", "unconditional byte swaps (v4)", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_SDIV] = { "sdiv", "signed division (v4)", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_GOTOL] = { "gotol", "jumps of 32 bits (v4)", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_MAY_GOTO] = { "may-goto", "may_goto", LINUX(6, 9), ask_nothing, CAP_BPF },
	[CAP_LOAD_ACQUIRE] = { "load-acquire", "loads that acquire, stores that release", LINUX(6, 15), ask_nothing, CAP_BPF },
	[CAP_LARGE] = { "large", "programs of more than 4096 instructions", LINUX(5, 2), ask_nothing, CAP_BPF },
	[CAP_CALLS] = { "calls", "functions in programs", LINUX(4, 16), ask_nothing, CAP_BPF },
	[CAP_LOOPS] = { "loops", "bounded loops", LINUX(5, 3), ask_nothing, CAP_BPF },
	[CAP_GLOBAL_DATA] = { "global-data", "global variables", LINUX(5, 2), ask_nothing, CAP_BPF },
	[CAP_FREEZE] = { "freeze", "frozen maps", LINUX(5, 2), ask_nothing, CAP_BPF },
	[CAP_FUNC_POINTER] = { "func-pointer", "addresses of functions", LINUX(5, 13), ask_nothing, CAP_CALLS },
	[CAP_KFUNCS] = { "kfuncs", "calls of kernel functions", LINUX(5, 13), ask_nothing, CAP_BPF },
	[CAP_SLEEPABLE] = { "sleepable", "programs that may sleep", LINUX(5, 10), ask_nothing, CAP_BPF },
	[CAP_MEMORY_MAP] = { "memory-map", "map values as memory of helpers", LINUX(4, 11), ask_nothing, CAP_BPF },
	[CAP_MEMORY_SIZE] = { "memory-size", "variable sizes of helpers' memory", LINUX(4, 11), ask_nothing, CAP_BPF },
	[CAP_MEMORY_ZERO] = { "memory-zero", "records of 0 bytes in bpf_perf_event_output", LINUX(4, 19), ask_nothing, CAP_BPF },
	[CAP_KEY_MAP] = { "key-map", "map values as keys of maps", LINUX(4, 18), ask_nothing, CAP_BPF },
	[CAP_CURRENT_CPU] = { "current-cpu", "BPF_F_CURRENT_CPU", LINUX(4, 7), ask_nothing, CAP_BPF },
	[CAP_NULL_COPIES] = { "null-copies", "a check of a lookup that counts for its copies", LINUX(4, 10), ask_nothing, CAP_BPF },
	[CAP_ADD_ADDRESS] = { "add-address", "addition of an address to a number", LINUX(4, 14), ask_nothing, CAP_BPF },
	[CAP_NO_PREALLOC] = { "no-prealloc", "hashes that are not allocated ahead", LINUX(4, 6), ask_nothing, CAP_BPF },
	[CAP_MMAPABLE] = { "mmapable", "arrays that can be mapped", LINUX(5, 5), ask_nothing, CAP_BPF },
	[CAP_ANY_VERSION] = { "any-version", "kprobe programs without the kernel's version", LINUX(5, 0), ask_nothing, CAP_BPF },
	[CAP_ATTACH_TYPE] = { "attach-type", "expected_attach_type", LINUX(4, 17), ask_nothing, CAP_BPF },
	[CAP_EVENT_SHARED] = { "event-shared", "several programs on one tracepoint", LINUX(4, 15), ask_nothing, CAP_BPF },
	[CAP_SYSCALL_EVENTS] = { "syscall-events", "programs on tracepoints of system calls", LINUX(4, 14), ask_nothing, CAP_BPF },
	[CAP_KPROBE_EVENTS] = { "kprobe-events", "kprobes through tracefs", LINUX(4, 1), ask_nothing, CAP_BPF },
	[CAP_UPROBE_EVENTS] = { "uprobe-events", "uprobes through tracefs", LINUX(4, 3), ask_nothing, CAP_BPF },
	[CAP_KPROBE_PMU] = { "kprobe-pmu", "kprobes through perf_event_open", LINUX(4, 17), ask_nothing, CAP_BPF },
	[CAP_UPROBE_PMU] = { "uprobe-pmu", "uprobes through perf_event_open", LINUX(4, 17), ask_nothing, CAP_BPF },
	[CAP_KPROBE_MULTI] = { "kprobe-multi", "many kprobes by one link", LINUX(5, 18), ask_nothing, CAP_BPF },
	[CAP_UPROBE_MULTI] = { "uprobe-multi", "many uprobes by one link", LINUX(6, 6), ask_nothing, CAP_BPF },
	[CAP_RAW_TRACEPOINT] = { "raw-tracepoint", "raw tracepoints", LINUX(4, 17), ask_nothing, CAP_BPF },
	[CAP_TRACING] = { "tracing", "tracepoints with types (tp_btf)", LINUX(5, 5), ask_nothing, CAP_BPF },
	[CAP_TRAMPOLINE] = { "trampoline", "fentry and fexit", LINUX(5, 5), ask_nothing, CAP_TRACING },
	[CAP_LINK] = { "link", "links", LINUX(5, 7), ask_nothing, CAP_BPF },
	[CAP_PERF_LINK] = { "perf-link", "links to perf events, with cookies", LINUX(5, 15), ask_nothing, CAP_LINK },
	[CAP_PROG_RUN] = { "prog-run", "test runs", LINUX(4, 12), ask_nothing, CAP_BPF },
	[CAP_BTF] = { "btf", "types (BTF)", LINUX(4, 18), ask_btf, CAP_BPF },
	[CAP_BTF_KFLAG] = { "btf-bitfield", "bit fields in BTF", LINUX(5, 0), ask_btf, CAP_BTF },
	[CAP_BTF_FUNC] = { "btf-func", "functions in BTF", LINUX(5, 0), ask_btf, CAP_BTF },
	[CAP_BTF_DATASEC] = { "btf-datasec", "variables in BTF", LINUX(5, 2), ask_btf, CAP_BTF },
	[CAP_BTF_FUNC_GLOBAL] = { "btf-func-global", "global functions in BTF", LINUX(5, 6), ask_btf, CAP_BTF_FUNC },
	[CAP_BTF_FLOAT] = { "btf-float", "floats in BTF", LINUX(5, 13), ask_btf, CAP_BTF },
	[CAP_BTF_DECL_TAG] = { "btf-decl-tag", "tags of declarations in BTF", LINUX(5, 16), ask_btf, CAP_BTF },
	[CAP_BTF_TYPE_TAG] = { "btf-type-tag", "tags of types in BTF", LINUX(5, 17), ask_btf, CAP_BTF },
	[CAP_BTF_ENUM64] = { "btf-enum64", "64 bit enums in BTF", LINUX(6, 0), ask_btf, CAP_BTF },
	[CAP_BTF_ENUM_SIGN] = { "btf-enum-sign", "signed enums in BTF", LINUX(6, 0), ask_btf, CAP_BTF },
	[CAP_BTF_SECTION_NAME] = { "btf-section-name", "any name of a section in BTF", LINUX(6, 9), ask_btf, CAP_BTF_DATASEC },
	[CAP_MAP_BTF] = { "map-btf", "types of maps", LINUX(4, 18), ask_map_btf, CAP_BTF },
	[CAP_PROG_BTF] = { "prog-btf", "functions and lines of programs", LINUX(5, 0), ask_prog_btf, CAP_BTF_FUNC },
};

static bool is_final(enum answer answer)
{
	return answer == CAP_YES || answer == CAP_NO;
}

static bool is_answered(const struct caps *caps, enum cap cap)
{
	return is_final(caps->at[cap].answer);
}

static void answer_needs(struct caps *caps, enum cap cap)
{
	for (cap = table[cap].needs; !is_answered(caps, cap); cap = table[cap].needs)
		caps->at[cap].answer = CAP_YES;
}

static enum answer not_stored(struct cap_answer *at)
{
	*at = (struct cap_answer){ CAP_UNKNOWN, ENODATA };
	return CAP_UNKNOWN;
}

/* The question itself comes first, so that a kernel that can do it is asked once. */
enum answer caps_ask(struct caps *caps, enum cap cap)
{
	enum cap needs = table[cap].needs;

	if (is_answered(caps, cap))
		return caps->at[cap].answer;
	if (caps->stored)
		return not_stored(&caps->at[cap]);
	if (caps->at[needs].answer != CAP_NO)
		caps->at[cap].answer = table[cap].ask(cap, &caps->at[cap].sys);
	if (caps->at[cap].answer == CAP_YES)
		answer_needs(caps, cap);
	else if (cap != needs && caps_ask(caps, needs) == CAP_NO)
		caps->at[cap] = caps->at[needs];
	return caps->at[cap].answer;
}

/* A kernel without bpf(2) has no such thing either. */
static enum answer ask_number(struct caps *caps, struct cap_answer *at,
			      enum answer (*ask)(uint32_t number, int *sys), uint32_t number)
{
	if (is_final(at->answer))
		return at->answer;
	if (caps->stored)
		return not_stored(at);
	at->answer = ask(number, &at->sys);
	if (at->answer == CAP_UNKNOWN && caps_ask(caps, CAP_BPF) == CAP_NO)
		*at = caps->at[CAP_BPF];
	return at->answer;
}

enum answer caps_map(struct caps *caps, uint32_t type)
{
	return type < CAPS_TYPES ? ask_number(caps, &caps->maps[type], ask_map, type) : CAP_UNKNOWN;
}

enum answer caps_program(struct caps *caps, uint32_t type)
{
	return CAP_UNKNOWN;
}

enum answer caps_helper(struct caps *caps, uint32_t program_type, uint32_t helper)
{
	return CAP_UNKNOWN;
}

void caps_fini(struct caps *caps)
{
	for (size_t i = 0; i < CAPS_TYPES; i++)
		free(caps->helpers[i]);
	memset(caps, 0, sizeof(*caps));
}

const char *caps_name(enum cap cap)
{
	return table[cap].name;
}

const char *caps_about(enum cap cap)
{
	return table[cap].about;
}

uint16_t caps_since(enum cap cap)
{
	return table[cap].since;
}
