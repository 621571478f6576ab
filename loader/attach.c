// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/ledger.h"
#include "loader/target.h"
#include "util/sys.h"

static const struct {
	const char *section; /* name of a section kind */
	const struct attach_kind *kind;
} kinds[] = {
	{ "tracepoint/", &attach_kind_tracepoint },
	{ "tp/", &attach_kind_tracepoint },
	{ "kprobe/", &attach_kind_kprobe },
	{ "kretprobe/", &attach_kind_kprobe },
	{ "kprobe.multi/", &attach_kind_kprobe_multi },
	{ "kretprobe.multi/", &attach_kind_kprobe_multi },
	{ "kprobe.session/", &attach_kind_kprobe_multi },
	{ "kprobe.each/", &attach_kind_kprobe_multi },
	{ "kretprobe.each/", &attach_kind_kprobe_multi },
	{ "ksyscall/", &attach_kind_ksyscall },
	{ "kretsyscall/", &attach_kind_ksyscall },
	{ "uprobe/", &attach_kind_uprobe },
	{ "uretprobe/", &attach_kind_uprobe },
	{ "uprobe.s/", &attach_kind_uprobe },
	{ "uretprobe.s/", &attach_kind_uprobe },
	{ "uprobe.multi/", &attach_kind_uprobe_multi },
	{ "uretprobe.multi/", &attach_kind_uprobe_multi },
	{ "uprobe.multi.s/", &attach_kind_uprobe_multi },
	{ "uretprobe.multi.s/", &attach_kind_uprobe_multi },
	{ "uprobe.session/", &attach_kind_uprobe_multi },
	{ "uprobe.session.s/", &attach_kind_uprobe_multi },
	{ "uprobe.each/", &attach_kind_uprobe_multi },
	{ "uretprobe.each/", &attach_kind_uprobe_multi },
	{ "uprobe.each.s/", &attach_kind_uprobe_multi },
	{ "uretprobe.each.s/", &attach_kind_uprobe_multi },
	{ "usdt/", &attach_kind_usdt },
	{ "usdt.s/", &attach_kind_usdt },
	{ "raw_tracepoint/", &attach_kind_raw_tracepoint },
	{ "raw_tp/", &attach_kind_raw_tracepoint },
	{ "raw_tracepoint.w/", &attach_kind_raw_tracepoint },
	{ "raw_tp.w/", &attach_kind_raw_tracepoint },
	{ "tp_btf/", &attach_kind_type },
	{ "fentry/", &attach_kind_type },
	{ "fexit/", &attach_kind_type },
	{ "fmod_ret/", &attach_kind_type },
	{ "fentry.s/", &attach_kind_type },
	{ "fexit.s/", &attach_kind_type },
	{ "fmod_ret.s/", &attach_kind_type },
	{ "fsession/", &attach_kind_type },
	{ "fsession.s/", &attach_kind_type },
	{ "fentry.multi/", &attach_kind_tracing_multi },
	{ "fexit.multi/", &attach_kind_tracing_multi },
	{ "fsession.multi/", &attach_kind_tracing_multi },
	{ "fentry.multi.s/", &attach_kind_tracing_multi },
	{ "fexit.multi.s/", &attach_kind_tracing_multi },
	{ "fsession.multi.s/", &attach_kind_tracing_multi },
	{ "lsm/", &attach_kind_lsm },
	{ "lsm.s/", &attach_kind_lsm },
	{ "freplace/", &attach_kind_type },
	{ "iter/", &attach_kind_iter },
	{ "iter.s/", &attach_kind_iter },
	{ "xdp", &attach_kind_xdp },
	{ "xdp.frags", &attach_kind_xdp },
	{ "xdp/devmap", &attach_kind_xdp_map },
	{ "xdp/cpumap", &attach_kind_xdp_map },
	{ "xdp.frags/devmap", &attach_kind_xdp_map },
	{ "xdp.frags/cpumap", &attach_kind_xdp_map },
	{ "tc", &attach_kind_tc },
	{ "classifier", &attach_kind_tc },
	{ "action", &attach_kind_action },
	{ "tc/ingress", &attach_kind_tcx },
	{ "tc/egress", &attach_kind_tcx },
	{ "tcx/ingress", &attach_kind_tcx },
	{ "tcx/egress", &attach_kind_tcx },
	{ "netkit/primary", &attach_kind_netkit },
	{ "netkit/peer", &attach_kind_netkit },
	{ "lwt_in", &attach_kind_route },
	{ "lwt_out", &attach_kind_route },
	{ "lwt_xmit", &attach_kind_route },
	{ "lwt_seg6local", &attach_kind_route },
	{ "sk_lookup", &attach_kind_sk_lookup },
	{ "flow_dissector", &attach_kind_flow_dissector },
	{ "netfilter", &attach_kind_netfilter },
	{ "socket", &attach_kind_socket },
	{ "sk_reuseport", &attach_kind_reuseport },
	{ "sk_reuseport/migrate", &attach_kind_reuseport },
	{ "perf_event", &attach_kind_perf_event },
	{ "syscall", &attach_kind_syscall },
	{ "lirc_mode2", &attach_kind_lirc },
	{ "sk_skb", &attach_kind_sockmap },
	{ "sk_skb/stream_parser", &attach_kind_sockmap },
	{ "sk_skb/stream_verdict", &attach_kind_sockmap },
	{ "sk_skb/verdict", &attach_kind_sockmap },
	{ "sk_msg", &attach_kind_sockmap },
	{ "struct_ops/", &attach_kind_struct_ops },
	{ "struct_ops.s/", &attach_kind_struct_ops },
	{ "lsm_cgroup/", &attach_kind_lsm_cgroup },
	{ "sockops", &attach_kind_cgroup },
	{ "cgroup_skb/ingress", &attach_kind_cgroup },
	{ "cgroup_skb/egress", &attach_kind_cgroup },
	{ "cgroup/skb", &attach_kind_cgroup },
	{ "cgroup/sock", &attach_kind_cgroup },
	{ "cgroup/sock_create", &attach_kind_cgroup },
	{ "cgroup/sock_release", &attach_kind_cgroup },
	{ "cgroup/post_bind4", &attach_kind_cgroup },
	{ "cgroup/post_bind6", &attach_kind_cgroup },
	{ "cgroup/bind4", &attach_kind_cgroup },
	{ "cgroup/bind6", &attach_kind_cgroup },
	{ "cgroup/connect4", &attach_kind_cgroup },
	{ "cgroup/connect6", &attach_kind_cgroup },
	{ "cgroup/connect_unix", &attach_kind_cgroup },
	{ "cgroup/sendmsg4", &attach_kind_cgroup },
	{ "cgroup/sendmsg6", &attach_kind_cgroup },
	{ "cgroup/sendmsg_unix", &attach_kind_cgroup },
	{ "cgroup/recvmsg4", &attach_kind_cgroup },
	{ "cgroup/recvmsg6", &attach_kind_cgroup },
	{ "cgroup/recvmsg_unix", &attach_kind_cgroup },
	{ "cgroup/getpeername4", &attach_kind_cgroup },
	{ "cgroup/getpeername6", &attach_kind_cgroup },
	{ "cgroup/getpeername_unix", &attach_kind_cgroup },
	{ "cgroup/getsockname4", &attach_kind_cgroup },
	{ "cgroup/getsockname6", &attach_kind_cgroup },
	{ "cgroup/getsockname_unix", &attach_kind_cgroup },
	{ "cgroup/sysctl", &attach_kind_cgroup },
	{ "cgroup/getsockopt", &attach_kind_cgroup },
	{ "cgroup/setsockopt", &attach_kind_cgroup },
	{ "cgroup/dev", &attach_kind_cgroup },
};

static const struct attach_kind *kind_of(const struct section_kind *kind)
{
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].section, kind->name))
			return kinds[i].kind;
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
	snprintf(link->where, sizeof(link->where), "%s", request->target);
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
