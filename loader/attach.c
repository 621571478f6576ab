// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/ledger.h"
#include "loader/target.h"
#include "util/sys.h"

#define TYPE(name) BPF_PROG_TYPE_##name
#define TYPE_NETFILTER 32 /* newer than the headers of some distributions */
#define TYPE_SYSCALL 31
#define ANY UINT32_MAX

/* By type of program, and where that says it by attach type: the first that fits. */
static const struct {
	uint32_t type, attach;
	const struct attach_kind *kind;
} by_type[] = {
	{ TYPE(TRACEPOINT), ANY, &attach_kind_tracepoint },
	{ TYPE(RAW_TRACEPOINT), ANY, &attach_kind_raw_tracepoint },
	{ TYPE(RAW_TRACEPOINT_WRITABLE), ANY, &attach_kind_raw_tracepoint },
	{ TYPE(TRACING), 28, &attach_kind_iter },
	{ TYPE(TRACING), 59, &attach_kind_tracing_multi }, /* fentry.multi */
	{ TYPE(TRACING), 60, &attach_kind_tracing_multi }, /* fexit.multi */
	{ TYPE(TRACING), 61, &attach_kind_tracing_multi }, /* fsession.multi */
	{ TYPE(TRACING), ANY, &attach_kind_type },
	{ TYPE(EXT), ANY, &attach_kind_type },
	{ TYPE(LSM), 43, &attach_kind_lsm_cgroup },
	{ TYPE(LSM), ANY, &attach_kind_lsm },
	{ TYPE(STRUCT_OPS), ANY, &attach_kind_struct_ops },
	{ TYPE(PERF_EVENT), ANY, &attach_kind_perf_event },
	{ TYPE_SYSCALL, ANY, &attach_kind_syscall },
	{ TYPE(LIRC_MODE2), ANY, &attach_kind_lirc },
	{ TYPE(XDP), 37, &attach_kind_xdp },
	{ TYPE(XDP), ANY, &attach_kind_xdp_map },
	{ TYPE(SCHED_CLS), 0, &attach_kind_tc },
	{ TYPE(SCHED_CLS), 46, &attach_kind_tcx },
	{ TYPE(SCHED_CLS), 47, &attach_kind_tcx },
	{ TYPE(SCHED_CLS), ANY, &attach_kind_netkit },
	{ TYPE(SCHED_ACT), ANY, &attach_kind_action },
	{ TYPE(LWT_IN), ANY, &attach_kind_route },
	{ TYPE(LWT_OUT), ANY, &attach_kind_route },
	{ TYPE(LWT_XMIT), ANY, &attach_kind_route },
	{ TYPE(LWT_SEG6LOCAL), ANY, &attach_kind_route },
	{ TYPE(SK_LOOKUP), ANY, &attach_kind_sk_lookup },
	{ TYPE(FLOW_DISSECTOR), ANY, &attach_kind_flow_dissector },
	{ TYPE_NETFILTER, ANY, &attach_kind_netfilter },
	{ TYPE(SOCKET_FILTER), ANY, &attach_kind_socket },
	{ TYPE(SK_REUSEPORT), ANY, &attach_kind_reuseport },
	{ TYPE(SK_SKB), ANY, &attach_kind_sockmap },
	{ TYPE(SK_MSG), ANY, &attach_kind_sockmap },
	{ TYPE(SOCK_OPS), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_SKB), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_SOCK), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_SOCK_ADDR), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_SYSCTL), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_SOCKOPT), ANY, &attach_kind_cgroup },
	{ TYPE(CGROUP_DEVICE), ANY, &attach_kind_cgroup },
};

/* Probes are all of one type: by how the name of the section's kind begins. */
static const struct {
	const char *name;
	const struct attach_kind *kind;
} probes[] = {
	{ "kprobe/", &attach_kind_kprobe },      { "kretprobe/", &attach_kind_kprobe },
	{ "ksyscall/", &attach_kind_ksyscall },  { "kretsyscall/", &attach_kind_ksyscall },
	{ "kprobe.", &attach_kind_kprobe_multi }, { "kretprobe.", &attach_kind_kprobe_multi },
	{ "uprobe/", &attach_kind_uprobe },      { "uretprobe/", &attach_kind_uprobe },
	{ "uprobe.s/", &attach_kind_uprobe },    { "uretprobe.s/", &attach_kind_uprobe },
	{ "uprobe.", &attach_kind_uprobe_multi }, { "uretprobe.", &attach_kind_uprobe_multi },
	{ "usdt", &attach_kind_usdt },
};

static const struct attach_kind *kind_of(const struct section_kind *kind)
{
	if (!kind)
		return NULL;
	for (size_t i = 0; kind->type == TYPE(KPROBE) && i < sizeof(probes) / sizeof(*probes); i++)
		if (!strncmp(probes[i].name, kind->name, strlen(probes[i].name)))
			return probes[i].kind;
	for (size_t i = 0; i < sizeof(by_type) / sizeof(*by_type); i++)
		if (by_type[i].type == kind->type &&
		    (by_type[i].attach == ANY || by_type[i].attach == kind->attach))
			return by_type[i].kind;
	return NULL;
}

bool attach_knows(const struct section_kind *kind)
{
	return kind_of(kind);
}

/* Without names of its own a target is a place; with them it leaves the place open. */
static bool is_placed(const struct attach_kind *kind, const struct program *prog)
{
	return *prog->target && !kind->targets && !kind->by_type;
}

uint32_t attach_lacks(const struct program *prog, const struct attach_place *place)
{
	const struct attach_kind *kind = kind_of(prog->kind);
	uint32_t said = (place->cgroup ? NEED_CGROUP : 0) | (place->iface ? NEED_IFACE : 0), lacks;

	if (!kind || is_placed(kind, prog))
		return 0;
	lacks = kind->needs & ~said;
	return !*prog->target && (kind->targets || kind->by_type) ? lacks | NEED_TARGET : lacks;
}

uint32_t attach_takes(const struct program *prog)
{
	const struct attach_kind *kind = kind_of(prog->kind);

	return !kind || is_placed(kind, prog) ? 0 : kind->needs | kind->takes;
}

static int attach_to(struct link *link, const struct attach_kind *kind,
		     struct attach_request *request, const struct section_name *target,
		     struct error *err)
{
	int ret;

	link->target = *target;
	request->target = link->target.text;
	snprintf(link->where, sizeof(link->where), "%.*s", (int)sizeof(link->where) - 1, request->target);
	ret = kind->attach(link, request, err);
	if (ret)
		link_detach(link);
	return ret;
}

/* Kinds without names of their own: a target says to what, else the options' place does. */
static int attach_to_place(struct link *link, const struct attach_kind *kind,
			   struct attach_request *request, struct error *err)
{
	const char *text = request->prog->target;
	struct section_name target;

	if (strlen(text) >= sizeof(target.text))
		return error_set(err, ERROR_USAGE, "target '%.40s...': got %zu bytes, expected at most "
				 "%zu", text, strlen(text), sizeof(target.text) - 1);
	snprintf(target.text, sizeof(target.text), "%s", text);
	return attach_to(link, kind, request, &target, err);
}

static int none_there(const struct attach_kind *kind, const char *list, struct error *err)
{
	int sys = err->sys;

	error_set(err, ERROR_UNSUPPORTED, "%s '%s': got none of that name, expected one that this "
		  "kernel has", kind->targets, list);
	err->sys = sys;
	return error_hint(err, "%s", kind->absent);
}

/* One name after the other, as long as the kernel knows none of them. */
static int attach_to_one(struct link *link, const struct attach_kind *kind,
			 struct attach_request *request, struct error *err)
{
	struct targets targets = { .list = request->prog->target, .functions = kind->functions };
	int ret = ATTACH_ABSENT;

	if (!*targets.list)
		return error_set(err, ERROR_USAGE, "section '%s': got no target, expected %sNAME",
				 request->prog->section, request->prog->kind->name);
	while (ret == ATTACH_ABSENT && targets_next(&targets))
		ret = attach_to(link, kind, request, &targets.name, err);
	return ret == ATTACH_ABSENT ? none_there(kind, targets.list, err) : ret;
}

void attach_note(struct link *link, const struct attach_request *request)
{
	undo_about(&link->undo, request->prog_fd);
	ledger_note(&link->undo, link->where);
}

void attach_nothing(struct link *link)
{
	ledger_forget(&link->undo);
	link->undo.kind = NULL;
}

const struct tracefs *attach_tracefs(const struct attach_request *request, struct tracefs *own,
				     struct error *err)
{
	own->fd = -1;
	if (request->options->tracefs)
		return request->options->tracefs;
	return tracefs_open(own, err) ? NULL : own;
}

int link_attach(struct link *link, const struct loaded *loaded, size_t program,
		const struct attach_options *options, struct error *err)
{
	const struct program *prog = &loaded->object->programs.at[program];
	const struct attach_kind *kind = kind_of(prog->kind);
	struct attach_request request = { prog, loaded, loaded->prog_fds[program], NULL, options };
	int ret;

	memset(link, 0, sizeof(*link));
	link->fd = -1;
	link->way = "link";
	if (!kind) {
		error_set(err, ERROR_UNSUPPORTED, "section '%s': got a kind of program that is not "
			  "attached by its name, expected a tracing one", prog->section);
		ret = -1;
	} else if (!kind->targets && !kind->by_type) {
		ret = attach_to_place(link, kind, &request, err);
	} else if (kind->by_type) {
		ret = attach_to(link, kind, &request, &loaded->targets[program], err);
	} else {
		ret = attach_to_one(link, kind, &request, err);
	}
	return ret ? error_wrap(err, "%s: program '%s'", loaded->object->name, prog->name) : 0;
}

void link_detach(struct link *link)
{
	struct error ignored; /* there is nobody left who could do better */

	for (size_t i = 0; i < link->others.len; i++)
		sys_close(link->others.at[i]);
	vec_fini(&link->others);
	sys_close(link->fd);
	link->fd = -1;
	/* What cannot be undone now is still in the ledger for those who come later. */
	if (link->undo.kind && link->undo.kind->run(&link->undo, &ignored) >= 0)
		ledger_forget(&link->undo);
	link->undo.kind = NULL;
	probe_event_remove(&link->probe);
	for (size_t i = 0; i < link->more_probes.len; i++)
		probe_event_remove(&link->more_probes.at[i]);
	vec_fini(&link->more_probes);
}
