// SPDX-License-Identifier: GPL-2.0
/*
 * A relocation names a place by the object's own types, and that place is sought in the
 * target's types by its names:
 *
 *	struct task_struct { struct { int pid; }; struct list_head children[2]; }   local
 *	relocation: root type task_struct, access string "0:1:1:0", byte offset
 *
 *	0   the first of what the pointer points at
 *	1   member 1 of struct task_struct     -> step "children"
 *	1   element 1 of an array              -> step [1]
 *	0   member 0 of struct list_head       -> step "next"
 *
 * Local value: 8 + 16 + 0. Target value: of each type of the target that is called
 * task_struct (a suffix "___v2" of either name does not count), the offset of children,
 * however deep in anonymous members it is, plus one element, plus the offset of next.
 * Types of that name that lack a step do not count; those that have it must agree.
 *
 * The instruction must hold the local value; then it gets the target's.
 */
#include "btf/core_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int core_fail(const struct core *core, enum error_code code, const char *fmt, ...)
{
	char what[400], why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	core_describe(core->local, core->relo, what, sizeof(what));
	return error_set(core->err, code, "program '%s': instruction %u: %s: %s", core->prog->name,
			 core->relo->insn, what, why);
}

/* What one candidate says. False where it has no such thing. */
static bool candidate_answer(const struct core *core, const struct path *path, uint32_t candidate,
			     struct answer *answer)
{
	uint32_t kind = core->relo->kind;
	struct place place;
	int64_t index;

	if (core_is_field_relo(kind)) {
		if (!core_find_place(core, path, candidate, &place))
			return false;
		*answer = kind == BPF_CORE_FIELD_EXISTS ?
				  (struct answer){ .value = 1 } :
				  core_place_answer(core->target, &place, kind);
		return true;
	}
	if (core_is_enum_relo(kind)) {
		index = core_find_enumerator(core->target, candidate, path->steps[0].name);
		if (index < 0)
			return false;
		*answer = (struct answer){ .value = 1 };
		if (kind == BPF_CORE_ENUMVAL_VALUE)
			answer->value = core_enum_value(core->target, candidate, index);
		return true;
	}
	if (kind == BPF_CORE_TYPE_MATCHES ? !core_types_match(core, path->root, candidate) :
					    !core_types_agree(core, path->root, candidate))
		return false;
	*answer = core_type_answer(core->target, candidate, kind);
	return true;
}

/* Of core->target, those of a greater id than `id` that one of btf's two searches finds. */
static int find_candidates(struct core *core, struct candidates *found, const char *name,
			   uint32_t kind, uint32_t id, bool flavoured)
{
	uint32_t (*next)(const struct btf *, const char *, uint32_t, uint32_t) =
		flavoured ? btf_find_flavour : btf_find_next;

	while ((id = next(core->target, name, kind, id))) {
		uint32_t *at = vec_push(&found->ids);
		const struct btf **in = vec_push(&found->in);

		if (!at || !in)
			return error_memory(core->err);
		*at = id;
		*in = core->target;
	}
	return 0;
}

static bool is_module(const struct core *core, const struct btf *btf)
{
	return core->targets && btf != core->targets->kernel;
}

static int find_in(struct core *core, struct candidates *found, const struct btf *in,
		   const char *name, bool flavoured)
{
	uint32_t kind = btf_kind(btf_type(core->local, found->root));
	uint32_t id = is_module(core, in) ? btf_count(core->targets->kernel) - 1 : 0;

	core->target = in;
	if (find_candidates(core, found, name, kind, id, flavoured))
		return -1;
	if (kind == BTF_KIND_ENUM)
		return find_candidates(core, found, name, BTF_KIND_ENUM64, id, flavoured);
	if (kind == BTF_KIND_ENUM64)
		return find_candidates(core, found, name, BTF_KIND_ENUM, id, flavoured);
	return 0;
}

static int find_in_modules(struct core *core, struct candidates *found, const char *name,
			   bool flavoured)
{
	const struct core_targets *targets = core->targets;
	const struct btf *module;
	size_t i;

	if (!targets || !targets->module)
		return 0;
	for (i = 0;; i++) {
		module = NULL;
		if (targets->module(targets->ctx, i, &module, core->err))
			return -1;
		if (!module)
			return 0;
		if (find_in(core, found, module, name, flavoured))
			return -1;
	}
}

int core_candidates(struct core *core, uint32_t root, struct candidates **found)
{
	const struct btf *kernel = core->targets ? core->targets->kernel : core->target;
	const struct btf_type *t = btf_type(core->local, root);
	const char *full = btf_string(core->local, t->name_off);
	char name[256];
	size_t i, len = btf_plain_length(full, SIZE_MAX);

	for (i = 0; i < core->known.len; i++) {
		*found = &core->known.at[i];
		if ((*found)->root == root)
			return 0;
	}
	if (!len || len >= sizeof(name))
		return core_fail(core, ERROR_UNSUPPORTED, "type: got a name of %zu characters, "
				 "expected 1 to %zu", len, sizeof(name) - 1);
	memcpy(name, full, len);
	name[len] = 0;
	*found = vec_push(&core->known);
	if (!*found)
		return error_memory(core->err);
	(*found)->root = root;
	if (find_in(core, *found, kernel, name, false))
		return -1;
	(*found)->plain = (*found)->ids.len;
	if (find_in(core, *found, kernel, name, true))
		return -1;
	if ((*found)->ids.len)
		return 0;
	if (find_in_modules(core, *found, name, false))
		return -1;
	(*found)->plain = (*found)->ids.len;
	return find_in_modules(core, *found, name, true);
}

void core_fini(struct core *core)
{
	size_t i;

	for (i = 0; i < core->known.len; i++) {
		vec_fini(&core->known.at[i].ids);
		vec_fini(&core->known.at[i].in);
	}
	vec_fini(&core->known);
}

/* How the field is loaded only matters where the instruction does that. */
static bool same_answer(const struct core *core, const struct answer *a, const struct answer *b)
{
	if (a->value != b->value || a->fault != b->fault)
		return false;
	return !core_is_access(&core->prog->insns.at[core->relo->insn]) ||
	       (a->load_size == b->load_size && a->bits == b->bits && a->shift == b->shift);
}

/* What no type of the target answers: "no" to questions of existence, else nothing. */
static struct answer no_answer(uint32_t kind)
{
	switch (kind) {
	case BPF_CORE_FIELD_EXISTS:
	case BPF_CORE_ENUMVAL_EXISTS:
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_MATCHES:
	case BPF_CORE_TYPE_SIZE: /* clang's builtins promise 0 for a type that is not there */
	case BPF_CORE_TYPE_ID_TARGET:
		return (struct answer){ .value = 0 };
	default:
		return (struct answer){ .fault = CORE_NOT_FOUND };
	}
}

/*
 * What all candidates say; *other is another one's answer where they do not agree. Kernels, too,
 * have types with a flavour: struct nf_conn___init holds a struct nf_conn that is not in use yet.
 * They are asked what those of the plain name cannot answer.
 */
int core_target_answer(struct core *core, const struct path *path, struct answer *answer,
		       struct answer *other)
{
	struct candidates *found = NULL;
	const struct btf *in = NULL;
	size_t i;

	*answer = no_answer(core->relo->kind);
	if (core_candidates(core, path->root, &found))
		return -1;
	for (i = 0; i < found->ids.len && !(in && i == found->plain); i++) {
		core->target = found->in.at[i];
		if (core->relo->kind == BPF_CORE_TYPE_ID_TARGET && is_module(core, core->target))
			break;
		if (!candidate_answer(core, path, found->ids.at[i], other))
			continue;
		if (!in) {
			*answer = *other;
			in = core->target;
		}
		/* Where BTF was not deduplicated one type is there many times: no harm in that. */
		if (core->relo->kind == BPF_CORE_TYPE_ID_TARGET)
			break;
		if (!same_answer(core, other, answer)) {
			answer->fault = CORE_AMBIGUOUS;
			break;
		}
	}
	core->target = in ? in : core->target;
	return 0;
}

static int check_relo(const struct core *core, const struct program *prog)
{
	const struct core_relo *relo = core->relo;

	if (relo->insn >= prog->insns.len ||
	    (core_is_wide(&prog->insns.at[relo->insn]) && relo->insn + 1 >= prog->insns.len))
		return core_fail(core, ERROR_FORMAT, "instruction: got %u, expected one of %zu",
				 relo->insn, prog->insns.len);
	if (relo->kind > BPF_CORE_TYPE_MATCHES) {
		core_fail(core, ERROR_UNSUPPORTED, "kind: got %u, expected 0 to %u", relo->kind,
			  BPF_CORE_TYPE_MATCHES);
		return error_hint(core->err, "the object was built with a newer compiler than this "
				  "program knows of");
	}
	return 0;
}

/* As core_patch(). */
static int relocate_one(struct core *core, struct program *prog)
{
	struct answer local, target, other;
	struct path path;
	struct place place;

	if (check_relo(core, prog))
		return -1;
	if (core_is_poisoned(&prog->insns.at[core->relo->insn]))
		return CORE_NOT_FOUND;
	if (core_read_path(core->local, core->relo, &path, &place))
		return core_fail(core, ERROR_FORMAT, "access string: got one that leads nowhere, "
				 "expected indexes that fit the type");
	local = core_local_answer(core, &path, &place);
	if (local.fault)
		return core_fail(core, ERROR_FORMAT, "local type: got one that has no such answer");
	if (core->relo->kind == BPF_CORE_TYPE_ID_LOCAL)
		target = local;
	else if (core_target_answer(core, &path, &target, &other))
		return -1;
	return target.fault ? (int)target.fault : core_patch(core, prog, &local, &target);
}

static int relocate_program(struct core *core, struct program *prog)
{
	size_t i, kept = 0;
	int ret;

	core->prog = prog;
	for (i = 0; i < prog->relos.len; i++) {
		core->relo = &prog->relos.at[i];
		ret = relocate_one(core, prog);
		if (ret < 0)
			return -1;
		if (!ret)
			continue;
		core_poison(prog, core->relo->insn);
		prog->relos.at[kept++] = prog->relos.at[i];
	}
	prog->relos.len = kept;
	return 0;
}

int core_relocate_all(struct program *programs, size_t count, const struct btf *local,
		      const struct core_targets *targets, struct error *err)
{
	struct core core = { .local = local, .targets = targets, .err = err };
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < count; i++)
		if (programs[i].autoload)
			ret = relocate_program(&core, &programs[i]);
	core_fini(&core);
	return ret;
}

int core_relocate(struct program *programs, size_t count, const struct btf *local,
		  const struct btf *target, struct error *err)
{
	struct core_targets targets = { .kernel = target };

	return core_relocate_all(programs, count, local, &targets, err);
}
