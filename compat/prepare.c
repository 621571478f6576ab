// SPDX-License-Identifier: GPL-2.0
#include "compat/prepare.h"

#include "btf/core.h"
#include "compat/externals.h"
#include "loader/target.h"
#include "util/kernel_version.h"

static int give_module(void *types, size_t i, const struct btf **module, struct error *err)
{
	return types_module(types, i, module, err);
}

/* How many programs from `at` on are relocated to the same types, which go into *targets. */
static size_t same_targets(const struct object *obj, struct types *types, size_t at,
			   struct core_targets *targets)
{
	const struct btf *kernel = types_of(types, at);
	size_t end = at + 1;

	while (end < obj->programs.len && types_of(types, end) == kernel)
		end++;
	*targets = (struct core_targets){ kernel, give_module, types };
	return end - at;
}

/* Moves what the programs read to where this kernel keeps it; what can then not be reached goes. */
static int relocate(struct object *obj, struct types *types, struct error *err)
{
	size_t i, n, count = obj->programs.len;
	struct core_targets targets;
	int ret = 0;

	if (types->btf.foreign)
		return error_set(err, ERROR_USAGE, "%s: byte order: got the other one's, expected "
				 "this machine's", types->account.source);
	for (i = 0; !ret && i < count; i += n) {
		n = same_targets(obj, types, i, &targets);
		ret = core_relocate_all(&obj->programs.at[i], n, &obj->btf, &targets, err);
	}
	if (!ret)
		ret = fold(obj, err);
	for (i = 0; !ret && i < count; i += n) {
		n = same_targets(obj, types, i, &targets);
		ret = core_check(&obj->programs.at[i], n, &obj->btf, &targets, err);
	}
	return ret;
}

/* How many arguments the function has that a program is for: what it gets tells no end of them. */
static void count_arguments(struct object *obj, struct types *types)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		struct program *prog = &obj->programs.at[i];
		const struct btf *btf = types_of(types, i);
		struct targets targets = { .list = prog->target, .functions = true };
		const struct btf_type *t = NULL;

		if (!prog->autoload || !prog->kind || prog->kind->type != BPF_PROG_TYPE_TRACING)
			continue;
		while (!t && targets_next(&targets))
			t = btf_type(btf, btf_find(btf, targets.name.text, BTF_KIND_FUNC));
		t = t ? btf_type(btf, t->type) : NULL;
		if (t && btf_kind(t) == BTF_KIND_FUNC_PROTO && btf_vlen(t) < UINT8_MAX)
			prog->arguments = 1 + btf_vlen(t);
	}
}

bool prepare_needs_types(const struct object *obj)
{
	for (size_t i = 0; i < obj->programs.len; i++) {
		const struct program *prog = &obj->programs.at[i];
		uint32_t type = prog->kind ? prog->kind->type : BPF_PROG_TYPE_UNSPEC;

		/* Arguments of functions and tracepoints are looked up for lowering, too. */
		if (prog->autoload && (prog->relos.len || type == BPF_PROG_TYPE_TRACING ||
				       type == BPF_PROG_TYPE_RAW_TRACEPOINT))
			return true;
	}
	return false;
}

int prepare(struct object *obj, struct types *types, struct caps *caps,
	    const struct lower_options *options, struct plan *plan, struct error *err)
{
	if (externals_find(obj, types, caps, options->root ? options->root : "", err) ||
	    relocate(obj, types, err) || (options->printk && printk_tag(obj, options->printk, err)))
		return -1;
	count_arguments(obj, types);
	return lower(obj, caps, options, plan, err);
}

/* Names are for people: only where it is sure that they do no harm. */
void prepare_load(const struct object *obj, struct caps *caps, struct load_options *options)
{
	bool attach_types = false, kprobes = false;

	for (size_t i = 0; i < obj->programs.len; i++) {
		const struct section_kind *kind = obj->programs.at[i].kind;

		if (!obj->programs.at[i].autoload || !kind)
			continue;
		attach_types |= kind->attach;
		kprobes |= kind->type == BPF_PROG_TYPE_KPROBE;
	}
	options->names = caps_ask(caps, CAP_NAMES) == CAP_YES;
	options->attach_types = attach_types && caps_ask(caps, CAP_ATTACH_TYPE) != CAP_NO;
	if (kprobes && caps_ask(caps, CAP_ANY_VERSION) == CAP_NO)
		options->kern_version = kernel_version();
}

void prepare_attach(struct caps *caps, struct attach_options *options)
{
	options->perf_links = caps_ask(caps, CAP_PERF_LINK) == CAP_YES;
	if (caps_ask(caps, CAP_KPROBE_PMU) == CAP_NO)
		options->probes = PROBE_EVENT;
}
