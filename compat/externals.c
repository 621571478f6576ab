// SPDX-License-Identifier: GPL-2.0
#include "compat/externals_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "compat/insn.h"
#include "loader/kallsyms.h"

static void kallsyms_path(const struct externals *x, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/proc/kallsyms", x->root);
}

/*
 * x86 got it with Linux 4.17, arm64 with 4.19. Types of the kernel list its functions; where there
 * are none, its symbols do.
 */
bool externals_has_wrapper(const struct externals *x)
{
	static const struct {
		const char *machine, *function;
	} wrapped[] = {
		{ "x86_64", "__x64_sys_bpf" },     { "i686", "__ia32_sys_bpf" },
		{ "aarch64", "__arm64_sys_bpf" },  { "s390x", "__s390x_sys_bpf" },
		{ "riscv64", "__riscv_sys_bpf" },
	};
	struct kallsym symbol = { .name = NULL };
	char path[PATH_MAX];
	struct error unused;

	for (size_t i = 0; i < sizeof(wrapped) / sizeof(wrapped[0]); i++)
		if (!strcmp(caps_machine(x->caps), wrapped[i].machine))
			symbol.name = wrapped[i].function;
	if (!symbol.name)
		return false;
	if (btf_find(&x->types->btf, symbol.name, BTF_KIND_FUNC))
		return true;
	kallsyms_path(x, path);
	kallsyms_find(&symbol, 1, path, &unused);
	return symbol.found;
}

/* ---- by their types ---- */

static bool fits(const struct externals *x, const struct external *e, const struct btf *btf,
		 uint32_t id)
{
	const struct btf_type *own = btf_type(&x->obj->btf, e->type_id), *there = btf_type(btf, id);

	return core_types_fit(&x->obj->btf, own->type, btf, there->type);
}

static bool is_there(const struct externals *x, const struct external *e, const struct btf *btf)
{
	char name[160];
	uint32_t id;

	snprintf(name, sizeof(name), "%.*s", (int)btf_plain_length(e->name, SIZE_MAX), e->name);
	id = btf_find(btf, name, e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR);
	return id && fits(x, e, btf, id);
}

static int find_typed(struct externals *x, struct external *e, struct error *err)
{
	const struct btf *module;

	e->state = EXTERNAL_FOUND;
	if (is_there(x, e, &x->types->btf))
		return 0;
	for (size_t i = 0;; i++) {
		if (types_module(x->types, i, &module, err))
			return -1;
		if (!module)
			break;
		if (is_there(x, e, module))
			return 0;
	}
	e->state = EXTERNAL_MISSING;
	return 0;
}

static bool is_symbol(const struct external *e)
{
	return e->is_used && !strcmp(e->section, ".ksyms");
}

static int find_all_typed(struct externals *x, struct error *err)
{
	for (size_t i = 0; i < x->obj->externals.len; i++) {
		struct external *e = &x->obj->externals.at[i];

		if (is_symbol(e) && !e->is_typeless && find_typed(x, e, err))
			return error_wrap(err, "extern '%s'", e->name);
	}
	return 0;
}

/* ---- by their addresses ---- */

/* Of a kernel that is not at hand the addresses are not known. */
static int look_up(struct externals *x, struct kallsym *symbols, size_t len, struct error *err)
{
	char path[PATH_MAX];

	kallsyms_path(x, path);
	if (!kallsyms_find(symbols, len, path, err))
		return 0;
	if (!x->caps->stored && err->code != ERROR_NOT_FOUND)
		return -1;
	error_clear(err);
	return 0;
}

static int find_addresses(struct externals *x, struct error *err)
{
	struct object *obj = x->obj;
	struct kallsym *symbols = calloc(obj->externals.len + 1, sizeof(*symbols));
	size_t i, len = 0;
	int ret;

	if (!symbols)
		return error_memory(err);
	for (i = 0; i < obj->externals.len; i++)
		if (is_symbol(&obj->externals.at[i]) && obj->externals.at[i].is_typeless)
			symbols[len++].name = obj->externals.at[i].name;
	ret = len ? look_up(x, symbols, len, err) : 0;
	for (i = 0, len = 0; !ret && i < obj->externals.len; i++) {
		struct external *e = &obj->externals.at[i];

		if (!is_symbol(e) || !e->is_typeless)
			continue;
		e->state = symbols[len].found ? EXTERNAL_FOUND : EXTERNAL_MISSING;
		e->address = symbols[len++].address;
	}
	free(symbols);
	return ret;
}

/* ---- constants in programs ---- */

/* What a reference comes to, as far as it is a number. */
static bool is_number(const struct external *e, const struct ref *ref, uint64_t *number)
{
	*number = 0;
	if (e->state == EXTERNAL_MISSING)
		return e->is_weak;
	if (e->state != EXTERNAL_FOUND)
		return false;
	/* Programs ask of a function's address no more than whether it is there. */
	*number = e->is_function ? 1 : e->address + ref->offset;
	return e->is_function || e->is_typeless;
}

static void settle_program(const struct object *obj, struct program *prog)
{
	size_t kept = 0;

	for (size_t i = 0; i < prog->refs.len; i++) {
		struct ref ref = prog->refs.at[i];
		struct bpf_insn *insn = &prog->insns.at[ref.insn];
		uint64_t number;

		if (ref.kind != REF_EXTERNAL || insn_is_call(insn) ||
		    !is_number(&obj->externals.at[ref.target], &ref, &number)) {
			prog->refs.at[kept++] = ref;
			continue;
		}
		insn[0].imm = (uint32_t)number;
		insn[1].imm = number >> 32;
	}
	prog->refs.len = kept;
}

int externals_find(struct object *obj, struct types *types, struct caps *caps, const char *root,
		   struct error *err)
{
	struct externals x = { .obj = obj, .types = types, .caps = caps, .root = root };
	int ret;

	if (!obj->externals.len)
		return 0;
	ret = externals_find_settings(&x, err) || find_all_typed(&x, err) || find_addresses(&x, err);
	kconfig_fini(&x.config);
	if (ret)
		return error_wrap(err, "%s", obj->name);
	for (size_t i = 0; i < obj->programs.len; i++)
		settle_program(obj, &obj->programs.at[i]);
	return 0;
}
