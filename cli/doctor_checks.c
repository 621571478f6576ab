// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/memlock.h"
#include "cli/pids.h"
#include "cli/proc.h"
#include "cli/tracer.h"
#include "loader/attach.h"
#include "loader/types.h"
#include "util/cpus.h"
#include "util/privilege.h"
#include "util/sys.h"

#define PUT(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

/* An error is what is found: its message, and its hint as what mends it. */
static void put_error(struct finding *f, enum verdict verdict, const struct error *err)
{
	f->verdict = verdict;
	PUT(f->what, "%.255s", err->message);
	PUT(f->why, "%.511s", err->hint);
}

/* ---- the kernel, and who runs this ---- */

static void check_kernel(struct doctor *d, struct finding *f)
{
	bool narrow = sizeof(void *) == 4;
	struct utsname u;

	if (uname(&u)) {
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "uname: %s", strerror(errno));
		return;
	}
	PUT(f->what, "%.64s %.64s on %.64s", u.sysname, u.release, u.machine);
	if (narrow && (strstr(u.machine, "64") || !strcmp(u.machine, "s390x")))
		PUT(f->why, "this is a 32 bit program on a 64 bit kernel: that works, BPF is 64 bit "
		    "either way");
}

static void check_user(struct doctor *d, struct finding *f)
{
	bool admin = privilege_has(PRIVILEGE_SYS_ADMIN);
	bool fine = privilege_has(PRIVILEGE_BPF) && privilege_has(PRIVILEGE_PERFMON);

	if (privilege_namespaced()) {
		f->verdict = VERDICT_FAILS;
		PUT(f->what, "user %u of a user namespace", geteuid());
		PUT(f->why, "bpf(2) and perf_event_open(2) want capabilities of the machine, which nobody "
		    "in this namespace has");
		PUT(f->mend, "run it outside of the container, or the container with --privileged "
		    "and without a user namespace");
	} else if (admin || fine) {
		PUT(f->what, "user %u with %s", geteuid(),
		    admin ? "CAP_SYS_ADMIN" : "CAP_BPF and CAP_PERFMON");
		if (!admin)
			PUT(f->why, "enough from Linux 5.8 on; Debian's kernels may want more, see "
			    "perf_event_paranoid");
	} else {
		f->verdict = VERDICT_FAILS;
		PUT(f->what, "user %u without the capabilities that tracing takes", geteuid());
		PUT(f->why, "needed: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN (before Linux 5.8 only "
		    "that), and CAP_DAC_READ_SEARCH to read tracefs");
		PUT(f->mend, "sudo portrace doctor");
	}
}

static void check_lockdown(struct doctor *d, struct finding *f)
{
	switch (privilege_lockdown()) {
	case LOCKDOWN_NONE:
		PUT(f->what, "the kernel is not locked down");
		break;
	case LOCKDOWN_INTEGRITY:
		PUT(f->what, "locked down for integrity");
		PUT(f->why, "tracing is allowed; programs may not write to user memory");
		break;
	case LOCKDOWN_CONFIDENTIALITY:
		f->verdict = VERDICT_FAILS;
		PUT(f->what, "locked down for confidentiality");
		PUT(f->why, "the kernel lets nobody trace, root neither");
		PUT(f->mend, "boot with lockdown=integrity, or switch Secure Boot off");
		break;
	}
}

/* Where they are not the machine's, -p and the like have to be translated. */
static void check_pids(struct doctor *d, struct finding *f)
{
	struct types_request request = { .btf_file = NULL };
	struct error err;
	struct pids *pids;

	if (proc_machine()) {
		PUT(f->what, "process ids here are those of the machine");
		return;
	}
	error_clear(&err);
	pids = pids_new(&request, &err);
	f->verdict = VERDICT_LIMITED;
	PUT(f->what, proc_initial() ? "/proc is another pid namespace's" :
				      "process ids here are not those of the machine");
	PUT(f->why, "this is a pid namespace, as containers have, or /proc is not mounted or another "
	    "one's: ids are shown as the machine has them, and arguments come from the kernel side "
	    "only; -p, --from and --to take ids of here%s%.160s",
	    pids ? ", and are translated" : proc_initial() ? "" : ", but cannot be used: ",
	    pids || proc_initial() ? "" : err.message);
	PUT(f->mend, "run it outside of the container, or the container with --pid=host");
	pids_free(pids);
}

/* ---- BPF ---- */

static void check_bpf(struct doctor *d, struct finding *f)
{
	int sys;

	d->memlock = memlock_raise(&d->caps);
	d->bpf = caps_program(&d->caps, BPF_PROG_TYPE_TRACEPOINT) == CAP_YES;
	if (d->bpf) {
		PUT(f->what, "programs on tracepoints can be loaded");
		return;
	}
	f->verdict = VERDICT_LIMITED;
	sys = caps_ask(&d->caps, CAP_BPF) == CAP_YES ?
		      d->caps.programs[BPF_PROG_TYPE_TRACEPOINT].sys :
		      d->caps.at[CAP_BPF].sys;
	if (caps_ask(&d->caps, CAP_BPF) == CAP_NO) {
		PUT(f->what, "this kernel has no bpf(2)");
		PUT(f->why, "it was built without CONFIG_BPF_SYSCALL, or is older than Linux 3.18; signals "
		    "are traced by plain perf events, other programs cannot be run");
	} else if (caps_program(&d->caps, BPF_PROG_TYPE_TRACEPOINT) == CAP_NO) {
		PUT(f->what, "this kernel takes no programs on tracepoints (%s)", strerror(sys));
		PUT(f->why, "they came with Linux 4.7, with CONFIG_BPF_EVENTS; signals are traced by "
		    "plain perf events");
	} else {
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "bpf(2) refuses: %s", strerror(sys));
		PUT(f->why, "it is not allowed here%s: see permission and lockdown; where both are fine it is "
		    "a seccomp filter, as containers have, or a security module",
		    privilege_sysctl("unprivileged_bpf_disabled", 0) ?
			    ", and others than root may not at all (kernel.unprivileged_bpf_disabled)" : "");
	}
}

static void check_memory(struct doctor *d, struct finding *f)
{
	struct rlimit now = { 0 };

	if (caps_ask(&d->caps, CAP_BPF) == CAP_NO) {
		PUT(f->what, "without bpf(2) there are no maps to be charged to anybody");
		return;
	}
	switch (caps_ask(&d->caps, CAP_MEMCG)) {
	case CAP_YES:
		PUT(f->what, "maps are charged to the cgroup, RLIMIT_MEMLOCK does not matter");
		return;
	case CAP_NO:
		getrlimit(RLIMIT_MEMLOCK, &now);
		if (now.rlim_cur == RLIM_INFINITY) {
			PUT(f->what, "maps are charged to RLIMIT_MEMLOCK, which %s",
			    d->memlock ? "can be raised" : "is unlimited");
			return;
		}
		f->verdict = VERDICT_FAILS;
		PUT(f->what, "maps are charged to RLIMIT_MEMLOCK, which is too low and cannot be raised");
		PUT(f->mend, "ulimit -l unlimited, as root (CAP_SYS_RESOURCE)");
		return;
	default:
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "whether maps count for RLIMIT_MEMLOCK cannot be told without bpf(2)");
	}
}

static void check_transport(struct doctor *d, struct finding *f)
{
	enum answer ring = caps_map(&d->caps, BPF_MAP_TYPE_RINGBUF);

	if (ring == CAP_YES) {
		PUT(f->what, "ring buffer");
		return;
	}
	if (ring == CAP_UNKNOWN) {
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "whether there is a ring buffer cannot be asked: %s",
		    strerror(d->caps.maps[BPF_MAP_TYPE_RINGBUF].sys));
		return;
	}
	if (caps_map(&d->caps, BPF_MAP_TYPE_PERF_EVENT_ARRAY) == CAP_YES) {
		PUT(f->what, "perf buffers, one for each of %d CPUs", cpus_possible());
		PUT(f->why, "this kernel has no BPF ring buffer, which came with Linux 5.8; programs are "
		    "changed accordingly, which costs some speed");
		return;
	}
	f->verdict = d->bpf ? VERDICT_FAILS : VERDICT_LIMITED;
	PUT(f->what, "no BPF buffer: %s", strerror(d->caps.maps[BPF_MAP_TYPE_RINGBUF].sys));
}

static void check_types(struct doctor *d, struct finding *f)
{
	struct types_request request = { .btf_file = NULL };
	struct types types;
	struct error err;

	error_clear(&err);
	if (!types_open(&types, &request, &err)) {
		PUT(f->what, "from %.240s", types.account.source);
		types_fini(&types);
		return;
	}
	f->verdict = VERDICT_LIMITED;
	PUT(f->what, "this kernel's types are not known, only its tracepoints");
	PUT(f->why, "arguments come from /proc, where a process that has ended has none; programs that "
	    "read the kernel's own structs cannot be run");
	PUT(f->mend, "--btf FILE with this kernel's BTF; or a kernel with CONFIG_DEBUG_INFO_BTF");
}

/* ---- events ---- */

static void check_perf(struct doctor *d, struct finding *f)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = PERF_ATTR_SIZE_VER1,
		.config = PERF_COUNT_SW_DUMMY, .disabled = 1,
	};
	int fd = sys_perf_event_open(&attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	int paranoid = privilege_sysctl("perf_event_paranoid", -9);

	if (fd >= 0) {
		sys_close(fd);
		PUT(f->what, "perf events of a whole CPU can be opened");
		return;
	}
	f->verdict = VERDICT_FAILS;
	PUT(f->what, "perf_event_open(2): %s", strerror(-fd));
	if (fd == -ENOSYS) {
		PUT(f->why, "this kernel was built without CONFIG_PERF_EVENTS: tracepoints cannot be attached to");
	} else if (paranoid > 2 && !privilege_has(PRIVILEGE_SYS_ADMIN)) {
		PUT(f->why, "kernel.perf_event_paranoid is %d: Debian's kernels then let CAP_SYS_ADMIN trace only",
		    paranoid);
		PUT(f->mend, "sysctl kernel.perf_event_paranoid=2");
	} else {
		PUT(f->why, "it takes root or CAP_PERFMON; a seccomp filter, as containers have, may "
		    "forbid it, too");
	}
}

static void check_tracefs(struct doctor *d, struct finding *f)
{
	struct tracefs tracefs;
	struct error err;

	error_clear(&err);
	if (tracefs_open(&tracefs, &err)) {
		put_error(f, VERDICT_FAILS, &err);
		if (err.code != ERROR_PERMISSION)
			PUT(f->mend, "mount -t tracefs nodev /sys/kernel/tracing");
		return;
	}
	PUT(f->what, "tracefs: %.120s", tracefs.where);
	if (tracefs.where[0] != '/')
		PUT(f->why, "it is mounted nowhere, which does no harm");
	tracefs_close(&tracefs);
}

static void check_tracepoints(struct doctor *d, struct finding *f)
{
	static const char *const events[][2] = {
		{ "signal", "signal_generate" }, { "signal", "signal_deliver" },
		{ "sched", "sched_process_exit" }, { "sched", "sched_process_exec" },
		{ "task", "task_newtask" },
	};
	struct tracefs tracefs;
	struct error err;

	error_clear(&err);
	if (tracefs_open(&tracefs, &err)) {
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "cannot be looked at without tracefs");
		return;
	}
	PUT(f->what, "signal_generate, signal_deliver, and those of processes are there");
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (tracefs_event_id(&tracefs, events[i][0], events[i][1], &err) < 0) {
			put_error(f, VERDICT_FAILS, &err);
			break;
		}
	tracefs_close(&tracefs);
}

static void check_sharing(struct doctor *d, struct finding *f)
{
	if (!d->bpf) {
		PUT(f->what, "perf events can be shared");
		return;
	}
	switch (caps_ask(&d->caps, CAP_EVENT_SHARED)) {
	case CAP_YES:
		PUT(f->what, "a tracepoint takes several programs");
		return;
	case CAP_NO:
		f->verdict = VERDICT_LIMITED;
		PUT(f->what, "a tracepoint takes one program only");
		PUT(f->why, "so up to Linux 4.14: while perf, bcc or another portrace traces signals by programs, "
		    "this one does by plain perf events");
		return;
	default:
		f->verdict = VERDICT_UNKNOWN;
		PUT(f->what, "not known: %s", strerror(d->caps.at[CAP_EVENT_SHARED].sys));
	}
}

/* What other programs than the signal tracer may want; none of it is a fault. */
static void check_probes(struct doctor *d, struct finding *f)
{
	static const struct {
		enum cap cap;
		const char *name;
	} ways[] = {
		{ CAP_KPROBE_PMU, "kprobes" }, { CAP_KPROBE_EVENTS, "kprobes through tracefs" },
		{ CAP_UPROBE_PMU, "uprobes" }, { CAP_RAW_TRACEPOINT, "raw tracepoints" },
		{ CAP_TRACING, "tracepoints with types" }, { CAP_TRAMPOLINE, "fentry, fexit" },
	};
	char lists[CAP_UNKNOWN + 1][128] = { "" }; /* by answer */

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		char *to = lists[caps_ask(&d->caps, ways[i].cap)];
		size_t len = strlen(to);

		snprintf(to + len, sizeof(lists[0]) - len, "%s%s", len ? ", " : "", ways[i].name);
	}
	PUT(f->what, "%s", lists[CAP_YES][0] ? lists[CAP_YES] : "none that is known");
	PUT(f->why, "%s%s%s%s%s", lists[CAP_NO][0] ? "not here: " : "", lists[CAP_NO],
	    lists[CAP_NO][0] && lists[CAP_UNKNOWN][0] ? "; " : "",
	    lists[CAP_UNKNOWN][0] ? "cannot be asked: " : "", lists[CAP_UNKNOWN]);
}

/* ---- the trial: trace this very process sending itself a signal ---- */

#define TRIAL_SIGNAL SIGUSR2
#define TRIAL_NS 3000000000ull

struct trial {
	bool sent, delivered;
};

static void on_record(void *ctx, const void *data, size_t size)
{
	const struct record *record = data;
	struct trial *trial = ctx;

	if (record->sig != TRIAL_SIGNAL)
		return;
	trial->sent |= record->type == RECORD_GENERATE;
	trial->delivered |= record->type == RECORD_DELIVER;
}

static void nothing(int sig)
{
}

static int watch_trial(struct tracer *tracer, struct trial *trial, struct error *err)
{
	uint64_t deadline = reader_now() + TRIAL_NS;
	struct sigaction action = { .sa_handler = nothing }, before;
	int ret = 0;

	sigaction(TRIAL_SIGNAL, &action, &before);
	raise(TRIAL_SIGNAL);
	while (!ret && !(trial->sent && trial->delivered) && reader_now() < deadline) {
		ret = reader_wait(tracer->reader, deadline, err);
		tracer_drain(tracer, true, on_record, trial);
	}
	sigaction(TRIAL_SIGNAL, &before, NULL);
	return ret;
}

static void check_trial(struct doctor *d, struct finding *f)
{
	struct options options = { .signals = 1ull << (TRIAL_SIGNAL - 1) };
	uint64_t began = reader_now(), attached;
	struct trial trial = { false };
	struct tracer tracer;
	struct error err;

	error_clear(&err);
	if (tracer_init(&tracer, &options, NULL, &err)) {
		put_error(f, VERDICT_FAILS, &err);
		d->code = err.code;
		return;
	}
	attached = reader_now();
	if (watch_trial(&tracer, &trial, &err)) {
		put_error(f, VERDICT_FAILS, &err);
		d->code = err.code;
	} else if (trial.sent && trial.delivered) {
		PUT(f->what, "a signal to this process itself was seen, sent and delivered (tracing began "
		    "within %llu ms)", (unsigned long long)(attached - began) / 1000000);
	} else {
		f->verdict = VERDICT_FAILS;
		d->code = ERROR_SYSTEM;
		PUT(f->what, "a signal to this process itself was not seen %s", trial.sent ? "delivered" :
		    trial.delivered ? "sent" : "at all");
		PUT(f->why, "the programs are attached but nothing came within 3 seconds: please report it, "
		    "with what `portrace signal -vv` says");
	}
	tracer_fini(&tracer);
}

const struct check doctor_checks[] = {
	{ "kernel", check_kernel },
	{ "permission", check_user },
	{ "lockdown", check_lockdown },
	{ "process ids", check_pids },
	{ "BPF", check_bpf },
	{ "memory", check_memory },
	{ "buffers", check_transport },
	{ "types", check_types },
	{ "perf events", check_perf },
	{ "tracefs", check_tracefs },
	{ "tracepoints", check_tracepoints },
	{ "sharing", check_sharing },
	{ "other probes", check_probes },
	{ "trial", check_trial },
	{ NULL, NULL },
};
