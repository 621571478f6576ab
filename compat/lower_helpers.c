// SPDX-License-Identifier: GPL-2.0
/*
 * Helpers that the kernel has not: each call by one that it has, as far as that does the same. E.g.
 * for Linux 4.9, of a tracepoint program (the cookie being 0):
 *
 *	call bpf_probe_read_kernel	call bpf_probe_read
 *	call bpf_ktime_get_boot_ns	call bpf_ktime_get_ns
 *	call bpf_get_attach_cookie	r0 = 0
 *	call bpf_get_current_task_btf	call bpf_get_current_task
 *	r1 = *(u32 *)(r0 + 1400)	a call of bpf_probe_read, see pointers_read.c
 *	call bpf_d_path			(an error: which, where, since when, what to do instead)
 *
 * No helper is left for the verifier to refuse, other than those that it is not sure of.
 */
#include "compat/helpers_internal.h"

#include <stdio.h>
#include <string.h>

#include "compat/insn.h"
#include "compat/pointers.h"
#include "compat/refuse.h"
#include "compat/registers.h"
#include "compat/since.h"

#define LOWERING "helpers"

/* The first of those for a helper whose own (`by`) the kernel has, or may have, is taken. */
static const struct replacement {
	int32_t helper, by;
	helpers_put *put; /* NULL: the other helper, which takes the same arguments */
	const char *what; /* is there instead */
} replacements[] = {
	{ FUNC_probe_read, FUNC_probe_read_kernel, NULL, "bpf_probe_read_kernel()" },
	{ FUNC_probe_read_kernel, FUNC_probe_read, NULL, "bpf_probe_read()" },
	{ FUNC_probe_read_user, FUNC_probe_read, NULL, "bpf_probe_read()" },
	{ FUNC_probe_read_str, FUNC_probe_read_kernel_str, NULL, "bpf_probe_read_kernel_str()" },
	{ FUNC_probe_read_str, FUNC_probe_read, helpers_put_read_str,
	  "bpf_probe_read() of each byte" },
	{ FUNC_probe_read_kernel_str, FUNC_probe_read_str, NULL, "bpf_probe_read_str()" },
	{ FUNC_probe_read_kernel_str, FUNC_probe_read, helpers_put_read_str,
	  "bpf_probe_read() of each byte" },
	{ FUNC_probe_read_user_str, FUNC_probe_read_str, NULL, "bpf_probe_read_str()" },
	{ FUNC_probe_read_user_str, FUNC_probe_read, helpers_put_read_str,
	  "bpf_probe_read() of each byte" },
	{ FUNC_ktime_get_boot_ns, FUNC_ktime_get_ns, NULL,
	  "bpf_ktime_get_ns(), which does not count the time that the machine slept" },
	{ FUNC_ktime_get_coarse_ns, FUNC_ktime_get_ns, NULL,
	  "bpf_ktime_get_ns(), which is finer" },
	{ FUNC_get_current_task_btf, FUNC_get_current_task, NULL, "bpf_get_current_task()" },
	{ FUNC_get_attach_cookie, 0, helpers_put_cookie,
	  "the number that the program is attached with" },
	{ FUNC_get_ns_current_pid_tgid, FUNC_get_current_pid_tgid, helpers_put_ns,
	  "bpf_get_current_pid_tgid(), which also numbers tasks of other pid namespaces" },
	{ FUNC_get_func_ip, 0, helpers_put_ip, "the program counter" },
	{ FUNC_strncmp, 0, helpers_put_strncmp, "comparisons of each byte" },
};

#define REPLACEMENTS (sizeof(replacements) / sizeof(replacements[0]))

/* What to do about those that cannot be replaced, where there is more to say than in no_helper(). */
static const struct {
	int32_t helper;
	const char *hint;
} hints[] = {
	{ 27, "count by key in a hash map instead, without the stack" }, /* get_stackid */
	{ 55, "bpf_perf_event_read() tells the count alone, since Linux 4.3" }, /* perf_event_read_value */
	{ 67, "bpf_get_stackid() with a BPF_MAP_TYPE_STACK_TRACE does it since Linux 4.6" }, /* get_stack */
	{ 80, "a BPF_MAP_TYPE_CGROUP_ARRAY and bpf_current_task_under_cgroup() tell one cgroup from "
	  "others since Linux 4.9; or read /proc/PID/cgroup in user space" }, /* get_current_cgroup_id */
	{ 87, "use an array map, and count its places in another" }, /* map_push_elem */
	{ 88, "use an array map, and count its places in another" }, /* map_pop_elem */
	{ 89, "use an array map, and count its places in another" }, /* map_peek_elem */
	{ 109, "tell user space by an event, and send the signal from there" }, /* send_signal */
	{ FUNC_probe_read_user, "bpf_probe_read() reads the kernel's memory alone on this machine" },
	{ FUNC_probe_read_user_str, "bpf_probe_read_str() reads the kernel's memory alone on this "
	  "machine" },
	{ 117, "tell user space by an event, and send the signal from there with tgkill(2)" },
	{ 118, "bpf_ktime_get_ns() tells the time on every kernel" }, /* jiffies64 */
	{ FUNC_get_ns_current_pid_tgid, "bpf_get_current_pid_tgid() gives the numbers of the initial pid "
	  "namespace; user space finds those of others in /proc/PID/status" },
	{ 123, "a BPF_MAP_TYPE_CGROUP_ARRAY and bpf_current_task_under_cgroup() ask for one cgroup since "
	  "Linux 4.9" }, /* get_current_ancestor_cgroup_id */
	{ 141, "bpf_get_stackid() with a BPF_MAP_TYPE_STACK_TRACE tells the current task's" },
	{ 147, "follow d_parent and read d_name in a loop with a constant bound, or read /proc/PID/fd in "
	  "user space" }, /* d_path */
	{ 148, "bpf_probe_read_user() reads what is in memory" }, /* copy_from_user */
	{ 149, "give user space the bytes, and format them there" }, /* snprintf_btf */
	{ 156, "use a hash map by thread id, bpf_get_current_pid_tgid()" }, /* task_storage_get */
	{ 157, "use a hash map by thread id, bpf_get_current_pid_tgid()" }, /* task_storage_delete */
	{ 164, "look keys up in a loop with a constant bound, or go over the map in user space" },
	{ 165, "give user space the numbers, and format them there" }, /* snprintf */
	{ 169, "write times into a map, and look at them in user space" }, /* timer_init */
	{ 177, "bpf_trace_printk() takes three numbers on every kernel" }, /* trace_vprintk */
	{ 181, "write a loop with a constant bound" }, /* loop */
	{ 183, "name the arguments, as BPF_PROG() and BPF_KPROBE() do" }, /* get_func_arg */
	{ 184, "name the arguments and the result, as BPF_PROG() does" }, /* get_func_ret */
	{ 191, "bpf_probe_read_user() reads what is in the current task's memory" },
	{ 194, "keep what is to be found again in a map, by value" }, /* kptr_xchg */
	{ 195, "bpf_map_lookup_elem() gives the value of the CPU that the program runs on" },
	{ 198, "use bpf_ringbuf_reserve() or bpf_ringbuf_output() of a constant size" },
	{ 208, "call bpf_ktime_get_ns(), and add in user space how far CLOCK_TAI is ahead of "
	  "CLOCK_MONOTONIC" }, /* ktime_get_tai_ns */
};

static bool lacks(const struct helpers *h, int32_t helper)
{
	return caps_helper(h->caps, h->prog->kind->type, helper) == CAP_NO;
}

/*
 * Whether it came no later than the kind of program, so that there is no need to ask. But not
 * bpf_probe_read(): kernels whose user space has addresses of its own have it no more.
 */
static bool is_as_old(const struct helpers *h, int32_t helper)
{
	struct since since = since_helper(helper);

	return since.release && since.release <= h->prog->kind->since && helper != FUNC_probe_read;
}

static bool has_to_go(const struct helpers *h, const struct bpf_insn *insn)
{
	return insn_is_helper_call(insn) && insn->imm > 0 && !is_as_old(h, insn->imm) &&
	       lacks(h, insn->imm);
}

/* Of user space, where an address does not say whether it is the kernel's or a process's. */
static bool reads_elsewhere(struct caps *caps, int32_t helper)
{
	static const char *const machines[] = { "s390", "sparc64", "parisc" };

	if (helper != FUNC_probe_read_user && helper != FUNC_probe_read_user_str)
		return false;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++)
		if (!strncmp(caps_machine(caps), machines[i], strlen(machines[i])))
			return true;
	return false;
}

static const struct replacement *find_replacement(const struct helpers *h, int32_t helper)
{
	if (reads_elsewhere(h->caps, helper))
		return NULL;
	for (size_t i = 0; i < REPLACEMENTS; i++)
		if (replacements[i].helper == helper &&
		    !(replacements[i].by && lacks(h, replacements[i].by)))
			return &replacements[i];
	return NULL;
}

/* The last that is older than the helper itself: they are listed from new to old. */
const char *lower_helpers_instead(int32_t helper, uint16_t *since)
{
	uint16_t own = since_helper(helper).release;
	const char *what = NULL;

	for (size_t i = 0; i < REPLACEMENTS; i++) {
		const struct replacement *r = &replacements[i];
		uint16_t release = r->by ? since_helper(r->by).release : 0;

		if (r->helper != helper || release >= own)
			continue;
		what = r->what;
		*since = release;
	}
	return what;
}

/* ---- what is told ---- */

static struct plan_why why(const struct helpers *h, int32_t helper)
{
	return plan_why_helper(h->caps, h->prog->kind->type, helper);
}

/* want: what its replacement would need, or "" where there is none. */
static int no_helper(const struct helpers *h, uint32_t at, int32_t helper, const char *want)
{
	char what[192];
	struct since since = since_helper(helper);

	snprintf(what, sizeof(what), "bpf_%s()%s%s", since.name,
		 *want ? " can only be replaced given " : "", want);
	refuse(h->obj, h->prog, at, what, why(h, helper).text, h->err);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].helper == helper)
			return error_hint(h->err, "%s", hints[i].hint);
	return error_hint(h->err, "call it only where bpf_core_enum_value_exists(enum bpf_func_id, "
			  "BPF_FUNC_%s) says that it is there, and do without elsewhere", since.name);
}

static int tell(const struct helpers *h)
{
	for (size_t i = 0; i < REPLACEMENTS; i++) {
		int32_t helper = replacements[i].helper;
		uint32_t n = h->counts[i];

		if (n && plan_add(h->plan, LOWERING, h->prog, why(h, helper).text, h->err,
				  "%u call%s of bpf_%s(): instead %s", n, n > 1 ? "s" : "",
				  since_helper(helper).name, replacements[i].what))
			return -1;
	}
	return 0;
}

/* ---- the program ---- */

static int replace_call(const struct fold *f, uint32_t at, void *ctx)
{
	const struct bpf_insn *insn = &f->prog->insns.at[at];
	const struct replacement *r;
	struct helpers *h = ctx;
	struct piece p = { 0 };
	const char *want = "";

	if (!has_to_go(h, insn))
		return 0;
	r = find_replacement(h, insn->imm);
	if (!r)
		return no_helper(h, at, insn->imm, "");
	if (!r->put) {
		piece_put(&p, INSN_CALL(r->by));
	} else if (!r->put(h, f, at, &p, &want)) {
		piece_fini(&p);
		return no_helper(h, at, insn->imm, want);
	}
	h->counts[r - replacements]++;
	return piece_replace(&p, &h->edit, at, h->err);
}

static bool calls(const struct helpers *h, int32_t helper)
{
	for (size_t i = 0; i < h->prog->insns.len; i++)
		if (insn_is_helper_call(&h->prog->insns.at[i]) &&
		    h->prog->insns.at[i].imm == helper)
			return true;
	return false;
}

/* Pointers that no longer have a type cannot be read through. */
static int untype_task(const struct helpers *h)
{
	const struct registers *registers = registers_of(caps_machine(h->caps));
	struct pointers_source source = { .helper = FUNC_get_current_task_btf,
					  .size = registers ? registers->size : 8 };
	struct plan_why reason;
	uint32_t n;

	if (!calls(h, source.helper) || !lacks(h, source.helper))
		return 0;
	reason = why(h, source.helper);
	if (pointers_to_reads(h->obj, h->prog, source, reason.text, &n, h->err))
		return -1;
	return !n ? 0 :
		    plan_add(h->plan, LOWERING, h->prog, reason.text, h->err,
			     "%u read%s of what it points to: instead bpf_probe_read_kernel()", n,
			     n > 1 ? "s" : "");
}

static bool has_any(const struct helpers *h)
{
	for (size_t i = 0; i < h->prog->insns.len; i++)
		if (has_to_go(h, &h->prog->insns.at[i]))
			return true;
	return false;
}

static int lower_program(struct helpers *h)
{
	uint32_t counts[REPLACEMENTS] = { 0 };
	int ret;

	if (!h->prog->kind || !has_any(h))
		return 0;
	if (untype_task(h))
		return -1;
	h->counts = counts;
	ret = edit_init(&h->edit, h->prog, h->err);
	if (!ret)
		ret = fold_visit(h->obj, h->prog, replace_call, h, h->err);
	if (!ret)
		ret = edit_apply(&h->edit, h->err);
	edit_fini(&h->edit);
	return ret ? -1 : tell(h);
}

int lower_helpers(struct object *obj, struct caps *caps, struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct helpers h = { .obj = obj, .caps = caps, .prog = &obj->programs.at[i],
				     .plan = plan, .err = err };

		if (h.prog->autoload && lower_program(&h))
			return -1;
	}
	return 0;
}
