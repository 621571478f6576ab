// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that sample: they run whenever a counter has counted so far, on every CPU or in one
 * process. The target names the counter, and how far, as in perf and bpftrace:
 *
 *	cpu-clock, cycles           by name, so often a second as options.place.freq says, else 99 times
 *	sw:page-faults, hw:cycles   the same, of that kind
 *	sw:page-faults:1            at each of them; :1000 at each 1000th
 *	raw:0x1c2                   by number, as the processor's manual has it
 */
#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/cpus.h"
#include "util/sys.h"

#define USUAL_FREQUENCY 99 /* not 100: in step with what does something every 10 ms one sees only that */

static const struct {
	const char *name;
	uint32_t type;
	uint64_t config;
} counters[] = {
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "cpu", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS },
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ "bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES },
	{ "stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND },
	{ "stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND },
	{ "ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES },
};

/* ---- the target ---- */

static int bad_target(const char *target, struct error *err)
{
	error_set(err, ERROR_USAGE, "'%s': got no counter, expected NAME, sw:NAME, hw:NAME or raw:NUMBER, and "
		  "perhaps :PERIOD", target);
	return error_hint(err, "names are cpu-clock, page-faults, context-switches, cycles, instructions, "
			  "cache-misses, branch-misses and others that perf list has");
}

static int64_t type_of_prefix(const char *text, size_t len)
{
	static const struct {
		const char *name;
		uint32_t type;
	} prefixes[] = {
		{ "sw", PERF_TYPE_SOFTWARE }, { "software", PERF_TYPE_SOFTWARE },
		{ "hw", PERF_TYPE_HARDWARE }, { "hardware", PERF_TYPE_HARDWARE },
		{ "raw", PERF_TYPE_RAW },
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strlen(prefixes[i].name) == len && !strncmp(text, prefixes[i].name, len))
			return prefixes[i].type;
	return -1;
}

/* By its name, or number where the type is said; type -1: any. */
static bool find_counter(const char *text, size_t len, int64_t type, struct perf_event_attr *attr)
{
	char *end;

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
		if (strlen(counters[i].name) != len || strncmp(text, counters[i].name, len) ||
		    (type >= 0 && type != counters[i].type))
			continue;
		attr->type = counters[i].type;
		attr->config = counters[i].config;
		return true;
	}
	attr->type = type;
	attr->config = strtoull(text, &end, 0);
	return type >= 0 && len && end == text + len;
}

static int read_target(const char *target, struct perf_event_attr *attr, struct error *err)
{
	const char *at = *target ? target : "cpu-clock";
	size_t len = strcspn(at, ":");
	int64_t type = at[len] ? type_of_prefix(at, len) : -1;
	char *end;

	if (type >= 0) {
		at += len + 1;
		len = strcspn(at, ":");
	}
	if (!find_counter(at, len, type, attr))
		return bad_target(target, err);
	if (!at[len])
		return 0;
	attr->freq = 0;
	attr->sample_period = strtoull(at + len + 1, &end, 0);
	return attr->sample_period && !*end ? 0 : bad_target(target, err);
}

/* ---- opening ---- */

static int explain(int ret, const struct perf_event_attr *attr, struct error *err)
{
	error_system(err, -ret, "perf_event_open");
	switch (ret) {
	case -ENOENT:
	case -EOPNOTSUPP:
	case -ENODEV:
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "this machine has no such counter, as virtual ones often have not; "
				  "cpu-clock is one that is always there");
	case -ESRCH:
		return error_hint(err, "there is no such process, or it has ended");
	case -EINVAL:
		if (attr->freq)
			return error_hint(err, "more often than /proc/sys/kernel/perf_event_max_sample_rate says "
					  "it does not sample");
		break;
	}
	return perf_explain(ret, err);
}

/* Opens it, hangs the program on it, and adds it to the others of the link. */
static int add_event(struct link *link, struct perf_event_attr *attr, pid_t tid, int cpu,
		     const struct attach_request *request, struct error *err)
{
	int fd = sys_perf_event_open(attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC), *other;

	/* Threads that begin later belong to it, too: since 5.13 the kernel can tell them from children. */
	if (fd == -EINVAL && attr->inherit_thread) {
		attr->inherit = attr->inherit_thread = 0;
		fd = sys_perf_event_open(attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	if (fd < 0)
		return fd;
	if (perf_attach(link, fd, request, err))
		return -1;
	other = vec_push(&link->others);
	if (!other)
		return error_memory(err);
	*other = link->fd;
	link->fd = -1;
	return 0;
}

/* Those that are offline have none. */
static int on_all_cpus(struct link *link, struct perf_event_attr *attr,
		       const struct attach_request *request, struct error *err)
{
	int cpus = cpus_possible(), ret;

	if (cpus < 0)
		return error_system(err, -cpus, "number of CPUs");
	for (int cpu = 0; cpu < cpus; cpu++) {
		ret = add_event(link, attr, -1, cpu, request, err);
		if (ret && ret != -ENODEV)
			return err->code ? -1 : explain(ret, attr, err);
	}
	return link->others.len ? 0 : explain(-ENODEV, attr, err);
}

/* Each thread has its own. */
static int in_process(struct link *link, struct perf_event_attr *attr, pid_t pid,
		      const struct attach_request *request, struct error *err)
{
	char path[32];
	struct dirent *entry;
	DIR *dir;
	int ret = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return explain(errno == ENOENT ? -ESRCH : -errno, attr, err);
	attr->inherit = attr->inherit_thread = 1;
	while (!ret && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ret = add_event(link, attr, atoi(entry->d_name), -1, request, err);
		if (ret == -ESRCH) /* it ended meanwhile */
			ret = 0;
	}
	closedir(dir);
	if (ret)
		return err->code ? -1 : explain(ret, attr, err);
	return link->others.len ? 0 : explain(-ESRCH, attr, err);
}

static void say_where(struct link *link, const struct perf_event_attr *attr, const char *target,
		      pid_t pid)
{
	const char *period = attr->freq ? NULL : strrchr(target, ':');
	int len = period ? period - target : (int)strlen(target);
	char often[48], whom[32] = "every CPU";

	snprintf(often, sizeof(often), attr->freq ? "%llu times a second" : "each %llu",
		 (unsigned long long)attr->sample_freq);
	if (pid)
		snprintf(whom, sizeof(whom), "process %d", (int)pid);
	snprintf(link->where, sizeof(link->where), "%.*s, %s, %s", len ? len : 60,
		 len ? target : "cpu-clock", often, whom);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const struct attach_place *place = &request->options->place;
	struct perf_event_attr attr = {
		.size = PERF_ATTR_SIZE_VER1, /* old kernels refuse a longer one if not zero */
		.freq = 1,
		.sample_freq = place->freq ? place->freq : USUAL_FREQUENCY,
	};

	if (read_target(request->target, &attr, err))
		return -1;
	say_where(link, &attr, request->target, place->pid);
	error_clear(err);
	return place->pid ? in_process(link, &attr, place->pid, request, err) :
			    on_all_cpus(link, &attr, request, err);
}

const struct attach_kind attach_kind_perf_event = {
	.attach = attach,
};
