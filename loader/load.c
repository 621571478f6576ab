// SPDX-License-Identifier: GPL-2.0
#include "loader/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/load_externals.h"
#include "loader/load_maps.h"
#include "loader/load_target.h"
#include "loader/load_types.h"
#include "loader/reuse.h"
#include "loader/section.h"
#include "loader/struct_ops.h"
#include "loader/verifier_fetch.h"
#include "loader/verifier_report.h"
#include "util/release.h"
#include "util/sys.h"

/* The program's instructions with every ref resolved to a descriptor; malloc'ed. */
static struct bpf_insn *resolve_refs(const struct loaded *loaded, const struct program *prog,
				     const struct load_externals *externals, struct error *err)
{
	struct bpf_insn *insns = malloc(prog->insns.len * sizeof(*insns));

	if (!insns) {
		error_memory(err);
		return NULL;
	}
	memcpy(insns, prog->insns.at, prog->insns.len * sizeof(*insns));
	for (size_t i = 0; i < prog->refs.len; i++) {
		const struct ref *ref = &prog->refs.at[i];
		struct bpf_insn *insn = insns + ref->insn;

		if (ref->kind == REF_EXTERNAL) {
			load_external_put(externals, loaded->object, ref, insn);
			continue;
		}
		insn[1].imm = 0;
		switch (ref->kind) {
		case REF_MAP:
			insn->src_reg = BPF_PSEUDO_MAP_FD;
			insn->imm = loaded->map_fds[ref->target];
			break;
		case REF_VALUE:
			insn->src_reg = BPF_PSEUDO_MAP_VALUE;
			insn->imm = loaded->map_fds[ref->target];
			insn[1].imm = ref->offset;
			break;
		case REF_FUNC:
			insn->src_reg = BPF_PSEUDO_FUNC;
			insn->imm = (int)(ref->target - ref->insn - 1);
			break;
		case REF_EXTERNAL:
			break;
		}
	}
	return insns;
}

static int prog_load(union bpf_attr *attr)
{
	int ret = -EAGAIN;

	/* A pending signal of ours can make the verifier give up: since Linux 5.0. */
	for (int tries = 0; ret == -EAGAIN && tries < 5; tries++)
		ret = sys_bpf(BPF_PROG_LOAD, attr, sizeof(*attr));
	return ret;
}

/* What a refusal means that comes without a word from the verifier. */
static int explain_silence(int refused, const struct program *prog, struct error *err)
{
	error_system(err, -refused, "program '%s' (%s): the kernel refuses it", prog->name,
		     prog->section);
	if (refused == -EPERM) {
		err->code = ERROR_PERMISSION;
		error_hint(err, "loading tracing programs takes root, or CAP_BPF and CAP_PERFMON "
				"(CAP_SYS_ADMIN before Linux 5.8)");
	} else if (refused == -EINVAL || refused == -E2BIG) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "such programs are known since Linux %u.%u",
			   LINUX_MAJOR(prog->kind->since), LINUX_MINOR(prog->kind->since));
	}
	if (refused == -E2BIG && prog->insns.len > BPF_MAXINSNS)
		error_hint(err, "it has %zu instructions; before Linux 5.2, and without CAP_BPF, %d "
				"are the most", prog->insns.len, BPF_MAXINSNS);
	return -1;
}

/* Asks again, for the reason: loading without a log first is what costs least. */
static int explain_refusal(union bpf_attr *attr, int refused, const struct object *obj,
			   const struct program *prog, const struct load_options *options,
			   struct error *err)
{
	char *log;
	int ret = verifier_fetch(attr, prog_load, prog, options->refused, &log);

	if (ret >= 0)
		goto out; /* it took it after all */
	if (!log || !log[0]) {
		explain_silence(refused, prog, err);
		goto out;
	}
	if (options->refused)
		options->refused(prog->name, log);
	if (load_external_explain(obj, prog, log, err))
		goto out;
	verifier_report(err, log, strlen(log), -refused, prog, &obj->btf);
out:
	free(log);
	return ret >= 0 ? ret : -1;
}

/* What a kernel has to be told of the kind of a program. */
static void describe_kind(const struct section_kind *kind, const struct load_target *target,
			  const struct load_options *options, union bpf_attr *attr)
{
	attr->prog_type = kind->type;
	attr->prog_flags = kind->flags;
	if (kind->type == BPF_PROG_TYPE_STRUCT_OPS)
		attr->expected_attach_type = target->member;
	else if (options->attach_types)
		attr->expected_attach_type = kind->attach;
	if (kind->type == BPF_PROG_TYPE_KPROBE)
		attr->kern_version = options->kern_version;
	attr->attach_btf_id = target->type_id;
	if (target->fd >= 0)
		attr->attach_prog_fd = target->fd; /* or attach_btf_obj_fd: they share their place */
}

/* The call itself, with all that is to be freed afterwards at hand. */
static int give_program(struct loaded *loaded, size_t index, const struct load_options *options,
			const struct load_target *target, const struct load_externals *externals,
			struct bpf_insn *insns, struct error *err)
{
	const struct program *prog = &loaded->object->programs.at[index];
	struct bpf_func_info *funcs;
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	describe_kind(prog->kind, target, options, &attr);
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = prog->insns.len;
	attr.license = (uintptr_t)loaded->object->license;
	attr.fd_array = externals->fds.len ? (uintptr_t)externals->fds.at : 0;
	if (options->names)
		load_copy_name(attr.prog_name, prog->name);
	if (load_prog_types(loaded, options->types, index, &attr, &funcs, err))
		return -1;
	fd = load_prog_typed(loaded, index, &attr, prog_load);
	if (fd < 0)
		fd = explain_refusal(&attr, fd, loaded->object, prog, options, err);
	free(funcs);
	return fd;
}

static int load_program(struct loaded *loaded, size_t index, const struct load_options *options,
			struct load_targets *targets, const struct load_externals *externals,
			struct error *err)
{
	const struct program *prog = &loaded->object->programs.at[index];
	struct load_target target;
	struct bpf_insn *insns;
	int fd = -1;

	if (section_loadable(prog->kind, prog->section, err) ||
	    load_target_find(targets, prog, options->replaced, &target, &loaded->targets[index], err) ||
	    (prog->kind->type == BPF_PROG_TYPE_STRUCT_OPS &&
	     struct_ops_target(loaded, index, &target, err)))
		return error_wrap(err, "program '%s'", prog->name);
	insns = resolve_refs(loaded, prog, externals, err);
	if (insns)
		fd = give_program(loaded, index, options, &target, externals, insns, err);
	free(insns);
	sys_close(target.fd);
	return fd;
}

static void forget_fds(int *fds, size_t len)
{
	for (size_t i = 0; fds && i < len; i++)
		fds[i] = -1;
}

static int load_programs(struct loaded *loaded, const struct load_options *options,
			 struct error *err)
{
	const struct object *obj = loaded->object;
	struct load_targets targets = { .open = false };
	struct load_externals externals = { .at = NULL };
	int ret = load_externals_find(&externals, obj, &targets, err);

	for (size_t i = 0; !ret && i < obj->programs.len; i++) {
		if (!obj->programs.at[i].autoload)
			continue;
		loaded->prog_fds[i] = load_program(loaded, i, options, &targets, &externals, err);
		ret = loaded->prog_fds[i] < 0 ? -1 : 0;
	}
	load_externals_fini(&externals);
	load_targets_fini(&targets);
	return ret;
}

int load(struct loaded *loaded, const struct object *obj, const struct load_options *options,
	 struct error *err)
{
	memset(loaded, 0, sizeof(*loaded));
	if (object_loadable(obj, err))
		return -1;
	loaded->object = obj;
	loaded->btf_fd = -1;
	loaded->map_fds = calloc(obj->maps.len + 1, sizeof(int));
	loaded->prog_fds = calloc(obj->programs.len + 1, sizeof(int));
	loaded->arenas = calloc(obj->maps.len + 1, sizeof(*loaded->arenas));
	loaded->pins = calloc(obj->maps.len + 1, sizeof(*loaded->pins));
	loaded->targets = calloc(obj->programs.len + 1, sizeof(*loaded->targets));
	forget_fds(loaded->map_fds, obj->maps.len);
	forget_fds(loaded->prog_fds, obj->programs.len);
	if (!loaded->map_fds || !loaded->prog_fds || !loaded->arenas || !loaded->pins ||
	    !loaded->targets) {
		error_memory(err);
		goto fail;
	}
	load_btf(loaded, options->types);
	if (struct_ops_find(loaded, err) || load_maps(loaded, options, err) ||
	    load_programs(loaded, options, err) || load_program_slots(loaded, err))
		goto fail;
	return 0;
fail:
	error_wrap(err, "%s", obj->name);
	reuse_undo(loaded);
	loaded_fini(loaded);
	return -1;
}

void loaded_fini(struct loaded *loaded)
{
	const struct object *obj = loaded->object;

	load_unmap_arenas(loaded);
	reuse_fini(loaded);
	for (size_t i = 0; loaded->prog_fds && i < obj->programs.len; i++)
		sys_close(loaded->prog_fds[i]);
	for (size_t i = 0; loaded->map_fds && i < obj->maps.len; i++)
		sys_close(loaded->map_fds[i]);
	sys_close(loaded->btf_fd);
	struct_ops_fini(&loaded->ops);
	free(loaded->prog_fds);
	free(loaded->map_fds);
	free(loaded->targets);
	free(loaded->arenas);
	memset(loaded, 0, sizeof(*loaded));
}

int loaded_map_fd(const struct loaded *loaded, const char *name)
{
	for (size_t i = 0; i < loaded->object->maps.len; i++)
		if (!strcmp(loaded->object->maps.at[i].name, name))
			return loaded->map_fds[i];
	return -1;
}

int loaded_prog_fd(const struct loaded *loaded, const char *name)
{
	for (size_t i = 0; i < loaded->object->programs.len; i++)
		if (!strcmp(loaded->object->programs.at[i].name, name))
			return loaded->prog_fds[i];
	return -1;
}
