// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers: a program that calls the one asked about, with nothing but the context as argument. A
 * verifier that knows it for programs of this type takes offence at the arguments, unless there
 * is nothing to; one that does not says so before it has looked at them.
 *
 * The call is one that can be reached: Linux 4.12 looks up the helpers of calls that cannot, too,
 * after the verifier, and dereferences what it has not found (the fixes, "bpf: fix branch pruning
 * logic" and "bpf: fix and simplify sanitizing of dead code", came with 4.15 and stable releases).
 */
#include "compat/caps_internal.h"

#include <errno.h>
#include <string.h>

#include "util/privilege.h"
#include "util/sys.h"

/* linux/capability.h; the last two since Linux 5.8 */
enum { SYS_ADMIN = 21, PERFMON = 38, BPF = 39 };

#define PROBE_WRITE_USER 36

/*
 * How kernels say no to a helper:
 *
 *	invalid func 212              its number is past the last, up to 4.9
 *	invalid func unknown#212      the same, since 4.10
 *	unknown func 82               none for this type of program, up to 4.9
 *	unknown func bpf_bind#64      the same, since 4.10
 *	program of this type cannot use helper bpf_bind#64       since 6.8
 *	helper call might sleep in a non-sleepable prog          since 6.2
 *	helper call is not allowed in probe                      since 5.8
 *	func bpf_get_func_ip#173 not supported for program type 26
 *	func bpf_get_func_ip#173 supported only for fentry/fexit/fmod_ret programs
 */
static const char *const refusals[] = {
	"invalid func ", "unknown func ", "cannot use helper", "might sleep", "not allowed in probe",
	" not supported for program type ", " supported only for ",
};

static enum answer judge(int ret, const char *log)
{
	if (ret >= 0 || (ret == -EACCES && *log))
		return CAP_YES;
	if (!*log || !is_refusal(-ret))
		return CAP_UNKNOWN;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strstr(log, refusals[i]))
			return CAP_NO;
	return CAP_UNKNOWN;
}

static enum answer ask_shape(struct caps *caps, uint32_t type, size_t n, uint32_t helper, int *sys,
			     bool *more)
{
	const struct bpf_insn insns[] = { INSN_CALL(helper), INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT() };
	struct trial_log log;
	int ret = 0;
	enum answer answer = load_shape(caps, type, n, insns, 3, &log, &ret);

	*more = answer == CAP_YES;
	*sys = ret < 0 ? -ret : 0;
	if (answer != CAP_YES)
		return answer;
	sys_close(ret);
	return judge(ret, log.text);
}

/* The kernel hides helpers from who may not use them, in the same words. */
static bool may_use(uint32_t helper)
{
	return privilege_has(SYS_ADMIN) ||
	       (privilege_has(BPF) && privilege_has(PERFMON) && helper != PROBE_WRITE_USER);
}

/*
 * What the first shape of the type says counts, unless another knows the helper, or could not be
 * tried. One that this kernel does not have at all says nothing.
 */
enum answer ask_helper(struct caps *caps, uint32_t program_type, uint32_t helper, int *sys)
{
	int other_sys;
	bool more;
	enum answer answer = ask_shape(caps, program_type, 0, helper, sys, &more), other;

	for (size_t n = 1; more && answer == CAP_NO; n++) {
		other = ask_shape(caps, program_type, n, helper, &other_sys, &more);
		if (other == CAP_YES || (other == CAP_UNKNOWN && !is_refusal(other_sys))) {
			answer = other;
			*sys = other_sys;
		}
	}
	if (answer == CAP_NO && !may_use(helper)) {
		*sys = EPERM;
		return CAP_UNKNOWN;
	}
	return answer;
}
