// SPDX-License-Identifier: GPL-2.0
#include "loader/load_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/target.h"
#include "util/sys.h"

#define TRACE_RAW_TP 23 /* BPF_TRACE_RAW_TP and so on: not in the headers of all distributions */
#define TRACE_ITER 28
#define TRACE_FENTRY_MULTI 59
#define TRACE_FSESSION_MULTI 61

void load_targets_fini(struct load_targets *targets)
{
	if (targets->open)
		types_fini(&targets->types);
	targets->open = false;
}

int load_targets_open(struct load_targets *targets, struct error *err)
{
	struct types_request request = { .from = TYPES_KERNEL };

	if (targets->open)
		return 0;
	if (types_open(&targets->types, &request, err))
		return -1;
	targets->open = true;
	return 0;
}

/* What the kernel calls the type that stands for a target of that kind. */
struct naming {
	const char *prefix;
	uint32_t btf_kind;
};

static struct naming naming_of(const struct section_kind *kind)
{
	if (kind->type == BPF_PROG_TYPE_LSM)
		return (struct naming){ "bpf_lsm_", BTF_KIND_FUNC };
	if (kind->attach == TRACE_RAW_TP)
		return (struct naming){ "btf_trace_", BTF_KIND_TYPEDEF };
	return (struct naming){ kind->attach == TRACE_ITER ? "bpf_iter_" : "", BTF_KIND_FUNC };
}

/* What follows a colon is a parameter of an iterator, for attaching. */
static int type_length(const struct section_kind *kind, const char *name)
{
	return kind->attach == TRACE_ITER ? strcspn(name, ":") : strlen(name);
}

/* ---- descriptors of BTF in the kernel ---- */

static int btf_fd_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.btf_id = id;
	return sys_bpf(BPF_BTF_GET_FD_BY_ID, &attr, sizeof(attr));
}

/* Of the kernel's own BTFs the module's, found by its name. The descriptor, or -errno. */
int load_module_fd(const char *module)
{
	union bpf_attr attr;
	int ret, fd;

	memset(&attr, 0, sizeof(attr));
	while (!(ret = sys_bpf(BPF_BTF_GET_NEXT_ID, &attr, sizeof(attr)))) {
		struct bpf_btf_info info = { 0 };
		char name[64] = "";

		fd = btf_fd_by_id(attr.next_id);
		info.name = (uintptr_t)name;
		info.name_len = sizeof(name);
		if (fd >= 0 && !sys_bpf_info(fd, &info, sizeof(info)) && info.kernel_btf &&
		    !strcmp(name, module))
			return fd;
		sys_close(fd);
		attr.start_id = attr.next_id;
		attr.next_id = 0;
	}
	return ret;
}

/* ---- the kernel's and its modules' ---- */

static int find_in_modules(struct types *types, const char *name, uint32_t btf_kind,
			   struct load_target *target, struct error *err)
{
	const struct btf *module;

	for (size_t i = 0;; i++) {
		if (types_module(types, i, &module, err))
			return -1;
		if (!module)
			return 0;
		target->type_id = btf_find(module, name, btf_kind);
		if (!target->type_id)
			continue;
		target->fd = load_module_fd(types->modules.at[i].name);
		if (target->fd < 0)
			return error_system(err, -target->fd, "module '%s': open its types",
					    types->modules.at[i].name);
		return 0;
	}
}

int load_target_type(struct load_targets *targets, const char *name, uint32_t btf_kind,
		     struct load_target *target, struct error *err)
{
	*target = (struct load_target){ .fd = -1 };
	if (load_targets_open(targets, err))
		return -1;
	target->type_id = btf_find(&targets->types.btf, name, btf_kind);
	if (target->type_id)
		return 0;
	return find_in_modules(&targets->types, name, btf_kind, target, err);
}

static int find_in_kernel(struct load_targets *targets, const struct section_kind *kind,
			  const char *name, struct load_target *target, struct error *err)
{
	struct naming naming = naming_of(kind);
	char type[160];

	snprintf(type, sizeof(type), "%s%.*s", naming.prefix, type_length(kind, name), name);
	return load_target_type(targets, type, naming.btf_kind, target, err);
}

/* ---- a program's ---- */

/* All of the BTF that a program was loaded with, malloc'ed. 0, or -errno. */
static int program_btf(int prog_fd, void **blob, size_t *size)
{
	struct bpf_prog_info prog = { 0 };
	struct bpf_btf_info info = { 0 };
	int ret = sys_bpf_info(prog_fd, &prog, sizeof(prog)), fd;

	*blob = NULL;
	if (ret < 0 || !prog.btf_id)
		return ret < 0 ? ret : -ENOENT;
	fd = btf_fd_by_id(prog.btf_id);
	if (fd < 0)
		return fd;
	ret = sys_bpf_info(fd, &info, sizeof(info));
	if (!ret) {
		*size = info.btf_size;
		*blob = malloc(*size);
		memset(&info, 0, sizeof(info));
		info.btf = (uintptr_t)*blob;
		info.btf_size = *size;
		ret = *blob ? sys_bpf_info(fd, &info, sizeof(info)) : -ENOMEM;
	}
	sys_close(fd);
	if (ret)
		free(*blob);
	return ret;
}

static int find_in_program(int replaced, const char *name, struct load_target *target,
			   struct error *err)
{
	struct btf btf;
	size_t size;
	void *blob;
	int ret;

	if (!replaced)
		return error_set(err, ERROR_USAGE, "got no program whose function it would replace, "
				 "expected one");
	ret = program_btf(replaced, &blob, &size);
	if (ret)
		return error_system(err, -ret, "types of the program whose function it would replace");
	if (btf_init_owned(&btf, NULL, blob, size, err))
		return -1;
	target->type_id = btf_find(&btf, name, BTF_KIND_FUNC);
	btf_fini(&btf);
	if (target->type_id)
		target->fd = fcntl(replaced, F_DUPFD_CLOEXEC, 3);
	return target->type_id && target->fd < 0 ?
		       error_system(err, errno, "the program whose function it would replace") : 0;
}

/* Programs for several functions are told of them when they are attached. */
static bool takes_target(const struct section_kind *kind)
{
	if (kind->type == BPF_PROG_TYPE_TRACING && kind->attach >= TRACE_FENTRY_MULTI &&
	    kind->attach <= TRACE_FSESSION_MULTI)
		return false;
	return kind->type == BPF_PROG_TYPE_TRACING || kind->type == BPF_PROG_TYPE_LSM ||
	       kind->type == BPF_PROG_TYPE_EXT;
}

static int not_found(const struct program *prog, struct error *err)
{
	struct naming naming = naming_of(prog->kind);
	const char *target = *prog->target ? prog->target : "NAME";

	error_set(err, ERROR_UNSUPPORTED, "section '%s': got %s that %s, expected one of type "
		  "'%s%.*s' in %s types", prog->section,
		  *prog->target ? "a target" : "no target", *prog->target ? "is not there" : "is named",
		  naming.prefix, type_length(prog->kind, target), target,
		  prog->kind->type == BPF_PROG_TYPE_EXT ? "the program's" : "the kernel's");
	return error_hint(err, "it may have another name on this kernel, be inlined, or be in a "
			  "module that is not loaded; several names are tried in their order: "
			  "%sONE|OTHER", prog->kind->name);
}

int load_target_find(struct load_targets *targets, const struct program *prog, int replaced,
		     struct load_target *target, struct section_name *name, struct error *err)
{
	struct targets names = {
		.list = prog->target,
		.functions = prog->kind->type == BPF_PROG_TYPE_TRACING && !*naming_of(prog->kind).prefix,
	};

	*target = (struct load_target){ .fd = -1 };
	if (!takes_target(prog->kind))
		return 0;
	while (targets_next(&names)) {
		int ret = prog->kind->type == BPF_PROG_TYPE_EXT ?
				  find_in_program(replaced, names.name.text, target, err) :
				  find_in_kernel(targets, prog->kind, names.name.text, target, err);

		if (ret)
			return error_wrap(err, "section '%s'", prog->section);
		if (target->type_id) {
			*name = names.name;
			return 0;
		}
	}
	return not_found(prog, err);
}
