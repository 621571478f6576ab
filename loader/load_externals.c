// SPDX-License-Identifier: GPL-2.0
#include "loader/load_externals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/suggest.h"
#include "util/sys.h"

#define PSEUDO_BTF_ID 3 /* BPF_PSEUDO_BTF_ID */

/* ---- what is not there ---- */

/* The function or variable of the kernel whose name is next to that one; NULL: none is near. */
static const char *nearest(struct load_targets *targets, const struct external *e)
{
	uint32_t kind = e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR, id;
	const struct btf *btf = &targets->types.btf;
	struct error unused;
	struct suggest s;

	suggest_init(&s, e->name);
	load_targets_open(targets, &unused);
	for (id = 1; targets->open && id < btf_count(btf); id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == kind)
			suggest_offer(&s, btf_string(btf, t->name_off));
	}
	return s.best;
}

static int missing_setting(const struct external *e, struct error *err)
{
	error_set(err, ERROR_UNSUPPORTED, "extern '%s': got no such setting in the kernel's "
		  "configuration, expected one", e->name);
	return error_hint(err, "looked for in /proc/config.gz, /boot/config-RELEASE and "
			  "/usr/lib/modules/RELEASE/config; declared __weak, it is 0 where there is none");
}

static int missing_symbol(struct load_targets *targets, const struct external *e, struct error *err)
{
	const char *near = e->is_typeless ? NULL : nearest(targets, e);

	error_set(err, ERROR_UNSUPPORTED, "extern '%s': got no such %s in this kernel, expected %s",
		  e->name, e->is_function ? "function for BPF programs (kfunc)" :
		  e->is_typeless ? "symbol" : "variable",
		  e->is_typeless ? "one in /proc/kallsyms" :
		  "one of this type in its BTF or in a loaded module's");
	if (near && !strcmp(near, e->name))
		return error_hint(err, "there is one of another type: compile the program with this "
				  "kernel's vmlinux.h");
	return error_hint(err, "%s%s%sdeclared __weak, the program can do without: if (bpf_ksym_exists("
			  "%s)) ...", near ? "did you mean '" : "", near ? near : "",
			  near ? "'? " : "", e->name);
}

/* ---- ids ---- */

static int number_of(struct load_externals *externals, int fd, struct load_external *to,
		     struct error *err)
{
	int *added;

	if (!externals->fds.len && !vec_push(&externals->fds))
		return error_memory(err);
	added = vec_push(&externals->fds);
	if (!added)
		return error_memory(err);
	*added = fd;
	to->fd = fd;
	to->number = externals->fds.len - 1;
	return 0;
}

/* "bpf_new___v2" is what the object calls one of the forms of bpf_new. */
static void plain_name(const char *name, char *to, size_t size)
{
	size_t len = btf_plain_length(name, SIZE_MAX);

	snprintf(to, size, "%.*s", (int)(len < size ? len : size), name);
}

static int find_one(struct load_externals *externals, const struct object *obj, uint32_t index,
		    struct load_targets *targets, struct error *err)
{
	const struct external *e = &obj->externals.at[index];
	struct load_external *to = &externals->at[index];
	struct load_target target = { .fd = -1 };
	char name[160];

	if (to->type_id || (e->is_weak && e->state == EXTERNAL_MISSING))
		return 0;
	if (e->state == EXTERNAL_MISSING || e->is_typeless || !e->type_id)
		return missing_symbol(targets, e, err);
	plain_name(e->name, name, sizeof(name));
	if (load_target_type(targets, name, e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR, &target,
			     err))
		return error_wrap(err, "extern '%s'", e->name);
	to->type_id = target.type_id;
	if (!target.type_id && !e->is_weak)
		return missing_symbol(targets, e, err);
	return target.fd >= 0 ? number_of(externals, target.fd, to, err) : 0;
}

static int find_used(struct load_externals *externals, const struct object *obj,
		     const struct program *prog, struct load_targets *targets, struct error *err)
{
	for (size_t i = 0; i < prog->refs.len; i++)
		if (prog->refs.at[i].kind == REF_EXTERNAL &&
		    find_one(externals, obj, prog->refs.at[i].target, targets, err))
			return error_wrap(err, "program '%s'", prog->name);
	return 0;
}

int load_externals_find(struct load_externals *externals, const struct object *obj,
			struct load_targets *targets, struct error *err)
{
	externals->at = calloc(obj->externals.len + 1, sizeof(*externals->at));
	if (!externals->at)
		return error_memory(err);
	for (size_t i = 0; i < obj->externals.len; i++) {
		const struct external *e = &obj->externals.at[i];

		if (e->map && e->is_used && e->state != EXTERNAL_FOUND &&
		    !(e->is_weak && e->state == EXTERNAL_MISSING))
			return missing_setting(e, err);
	}
	for (size_t i = 0; i < obj->programs.len; i++)
		if (obj->programs.at[i].autoload &&
		    find_used(externals, obj, &obj->programs.at[i], targets, err))
			return -1;
	return 0;
}

void load_externals_fini(struct load_externals *externals)
{
	for (size_t i = 1; i < externals->fds.len; i++)
		sys_close(externals->fds.at[i]);
	vec_fini(&externals->fds);
	free(externals->at);
	externals->at = NULL;
}

/* ---- in programs ---- */

void load_external_put(const struct load_externals *externals, const struct object *obj,
		       const struct ref *ref, struct bpf_insn *insn)
{
	const struct load_external *e = &externals->at[ref->target];
	bool is_call = insn->code == (BPF_JMP | BPF_CALL);

	if (is_call && !e->type_id) {
		insn->src_reg = 0;
		insn->imm = EXTERNAL_POISON + ref->target;
	} else if (is_call) {
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->imm = e->type_id;
		insn->off = e->number;
	} else {
		insn->src_reg = e->type_id ? PSEUDO_BTF_ID : 0;
		insn->imm = e->type_id;
		insn[1].imm = e->fd;
	}
}

bool load_external_explain(const struct object *obj, const struct program *prog, const char *log,
			   struct error *err)
{
	const char *at = strstr(log, "invalid func unknown#20020");
	uint32_t index;

	if (!at)
		return false;
	index = strtoul(strchr(at, '#') + 1, NULL, 10) - EXTERNAL_POISON;
	if (index >= obj->externals.len)
		return false;
	error_set(err, ERROR_UNSUPPORTED, "program '%s' (%s): calls function '%s' of the kernel, which "
		  "this one has not", prog->name, prog->section, obj->externals.at[index].name);
	error_hint(err, "let it look first: if (bpf_ksym_exists(%s)) ...",
		   obj->externals.at[index].name);
	return true;
}
