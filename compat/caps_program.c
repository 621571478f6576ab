// SPDX-License-Identifier: GPL-2.0
/*
 * Program types: for each a program that does nothing, in the shapes in which the type comes. A
 * kernel that does not know the type says EINVAL before its verifier has seen the program, so a
 * word of the verifier's tells that the type is known.
 */
#include "compat/caps_internal.h"

#include <errno.h>

#include "util/kernel_version.h"
#include "util/sys.h"

#define SLEEPABLE (1u << 4) /* BPF_F_SLEEPABLE */
#define NO_ID -1

/* By number, as the headers of most distributions lack some of the names. */
enum {
	KPROBE = 2, TRACEPOINT = 5, CGROUP_SOCK = 9, CGROUP_DEVICE = 15, CGROUP_SOCK_ADDR = 18,
	CGROUP_SYSCTL = 23, CGROUP_SOCKOPT = 25,
	TRACING, STRUCT_OPS, EXT, LSM, SK_LOOKUP, SYSCALL, NETFILTER, PROGRAM_TYPES,
};

struct shape {
	uint32_t type, attach_type, flags;
	int id; /* enum caps_id, or NO_ID */
};

/*
 * The first of a type is the one by which the type itself is asked; the others have helpers of
 * their own. Types that are not here come in one shape, of which there is nothing to say.
 */
static const struct shape shapes[] = {
	{ KPROBE, 0, 0, NO_ID },
	{ KPROBE, 0, SLEEPABLE, NO_ID },
	{ TRACEPOINT, 0, 0, NO_ID },
	{ TRACEPOINT, 0, SLEEPABLE, NO_ID },
	{ CGROUP_SOCK, 0, 0, NO_ID },
	{ CGROUP_SOCK, 12 /* BPF_CGROUP_INET4_POST_BIND */, 0, NO_ID },
	/* Attach type 0, which is that of packets, has not what all others of cgroups have. */
	{ CGROUP_DEVICE, 0, 0, NO_ID },
	{ CGROUP_DEVICE, 6 /* BPF_CGROUP_DEVICE */, 0, NO_ID },
	{ CGROUP_SYSCTL, 0, 0, NO_ID },
	{ CGROUP_SYSCTL, 18 /* BPF_CGROUP_SYSCTL */, 0, NO_ID },
	{ CGROUP_SOCK_ADDR, 10 /* BPF_CGROUP_INET4_CONNECT */, 0, NO_ID },
	{ CGROUP_SOCK_ADDR, 8 /* BPF_CGROUP_INET4_BIND */, 0, NO_ID },
	{ CGROUP_SOCKOPT, 22 /* BPF_CGROUP_SETSOCKOPT */, 0, NO_ID },
	{ CGROUP_SOCKOPT, 21 /* BPF_CGROUP_GETSOCKOPT */, 0, NO_ID },
	{ TRACING, 23 /* BPF_TRACE_RAW_TP */, 0, ID_RAW_TRACEPOINT },
	{ TRACING, 24 /* BPF_TRACE_FENTRY */, 0, ID_FUNCTION },
	{ TRACING, 25 /* BPF_TRACE_FEXIT */, 0, ID_FUNCTION },
	{ TRACING, 28 /* BPF_TRACE_ITER */, 0, ID_ITERATOR },
	{ TRACING, 24 /* BPF_TRACE_FENTRY */, SLEEPABLE, ID_SYSCALL },
	{ STRUCT_OPS, 0, 0, ID_STRUCT_OPS },
	{ EXT, 0, 0, NO_ID },
	{ LSM, 27 /* BPF_LSM_MAC */, 0, ID_LSM },
	{ LSM, 27 /* BPF_LSM_MAC */, SLEEPABLE, ID_LSM_SLEEPS },
	{ LSM, 43 /* BPF_LSM_CGROUP */, 0, ID_LSM },
	{ SK_LOOKUP, 36 /* BPF_SK_LOOKUP */, 0, NO_ID },
	{ SYSCALL, 0, SLEEPABLE, NO_ID },
	{ NETFILTER, 45 /* BPF_NETFILTER */, 0, NO_ID },
};

/* The n-th shape of a type; false: there are no more. */
static bool nth_shape(uint32_t type, size_t n, struct shape *shape)
{
	size_t seen = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (shapes[i].type == type && seen++ == n) {
			*shape = shapes[i];
			return true;
		}
	*shape = (struct shape){ .type = type, .id = NO_ID };
	return !seen && !n;
}

/*
 * What it is for need not be there: then any id will do, as the verifier says something about it.
 */
enum answer load_shape(struct caps *caps, uint32_t type, size_t n, const struct bpf_insn *insns,
		       uint32_t count, struct trial_log *log, int *ret)
{
	struct trial trial = { .type = type, .insns = insns, .count = count };
	struct shape shape;
	enum answer types;

	if (!nth_shape(type, n, &shape))
		return CAP_NO;
	trial.attach_type = shape.attach_type;
	trial.flags = shape.flags;
	if (type == KPROBE)
		trial.version = kernel_version();
	if (type == EXT)
		trial.btf_id = 1;
	if (shape.id != NO_ID) {
		types = caps_id(caps, shape.id, &trial.btf_id, ret);
		*ret = -*ret;
		if (types != CAP_YES)
			return types;
		if (!trial.btf_id)
			trial.btf_id = 1;
		if (shape.id == ID_STRUCT_OPS)
			caps_id(caps, ID_STRUCT_OPS_MEMBER, &trial.attach_type, ret);
	}
	*ret = load_trial(&trial, log);
	return CAP_YES;
}

/* Both are there, or both are not (CONFIG_BPF_EVENTS): then it is the version that is wrong. */
static bool is_wrong_version(struct caps *caps, uint32_t type)
{
	return type == KPROBE && caps_program(caps, TRACEPOINT) == CAP_YES;
}

enum answer ask_program(struct caps *caps, uint32_t type, int *sys)
{
	struct trial_log log;
	int ret = 0;
	enum answer answer = load_shape(caps, type, 0, return_0, 2, &log, &ret);

	*sys = ret < 0 ? -ret : 0;
	if (answer != CAP_YES)
		return answer;
	answer = answer_of(close_trial(ret), sys);
	if (answer != CAP_NO)
		return answer;
	if (*log.text)
		return CAP_YES;
	return is_wrong_version(caps, type) ? CAP_UNKNOWN : CAP_NO;
}

/* A kprobe program of that version, or one of another type: is it taken? */
static int try_trial(const struct trial *trial)
{
	return close_trial(load_trial(trial, NULL));
}

static enum answer ask_trial_pair(const struct trial *asked, const struct trial *control, int *sys)
{
	enum answer answer = answer_of(try_trial(asked), sys);

	return answer == CAP_NO ? answer_by_control(try_trial(control), sys) : answer;
}

enum answer ask_any_version(struct caps *caps, enum cap cap, int *sys)
{
	struct trial asked = { .type = KPROBE, .insns = return_0, .count = 2 }, control = asked;

	control.version = kernel_version();
	return ask_trial_pair(&asked, &control, sys);
}

/* Tracepoint programs are attached in one way only, and no kernel looks at what they say of it. */
enum answer ask_attach_type(struct caps *caps, enum cap cap, int *sys)
{
	struct trial control = { .type = TRACEPOINT, .insns = return_0, .count = 2 };
	struct trial asked = control;

	asked.attach_type = 1;
	return ask_trial_pair(&asked, &control, sys);
}
