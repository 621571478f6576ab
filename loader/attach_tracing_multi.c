// SPDX-License-Identifier: GPL-2.0
/*
 * fentry, fexit and both at once on all functions of the kernel itself that match a pattern, by one
 * link to the ids of their types (Linux 7.2). The kernel takes all of them or none, so only those
 * go there whose arguments and result its trampolines can pass on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "loader/kernel_functions.h"
#include "loader/types.h"

#define ARGUMENTS_MAX 12 /* MAX_BPF_FUNC_ARGS */
#define ARGUMENT_SIZE 16

struct type_ids {
	VEC(uint32_t) list; /* rising, none twice */
};

/* A struct is passed on as an argument, but not as a result. */
static bool can_be_passed(const struct btf *btf, uint32_t id, bool struct_too)
{
	const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
	int64_t size = btf_size(btf, id);

	return t && size > 0 && size <= ARGUMENT_SIZE && (struct_too || !btf_is_composite(t));
}

static bool can_be_traced(const struct btf *btf, const struct btf_type *function)
{
	const struct btf_type *proto = btf_type(btf, function->type);
	const struct btf_param *param;

	if (!proto || btf_kind(proto) != BTF_KIND_FUNC_PROTO || btf_vlen(proto) > ARGUMENTS_MAX ||
	    (proto->type && !can_be_passed(btf, proto->type, false)))
		return false;
	param = btf_extra(proto);
	for (uint32_t i = 0; i < btf_vlen(proto); i++)
		if (!can_be_passed(btf, param[i].type, true))
			return false;
	return true;
}

/* Of functions that can be traced the types, where there is one of the name and no more. */
static int find_ids(struct type_ids *ids, const struct btf *btf,
		    const struct kernel_functions *functions, struct error *err)
{
	uint32_t count = btf_count(btf), *at;

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) != BTF_KIND_FUNC || !can_be_traced(btf, t) ||
		    !kernel_functions_get(functions, btf_string(btf, t->name_off)))
			continue;
		at = vec_push(&ids->list);
		if (!at)
			return error_memory(err);
		*at = id;
	}
	return 0;
}

static int create_link(struct link *link, const struct attach_request *request,
		       const struct type_ids *ids, struct error *err)
{
	struct multi_types many = { .ids = (uintptr_t)ids->list.at, .cnt = ids->list.len };
	uint64_t *cookies;
	bool failed;
	int ret;

	cookies = multi_cookies(request, ids->list.len, &failed);
	if (failed)
		return error_memory(err);
	many.cookies = (uintptr_t)cookies;
	ret = multi_link(request, &many, sizeof(many));
	free(cookies);
	if (ret < 0)
		return multi_refused(request, ids->list.len, -ret, "7.2", err);
	link->fd = ret;
	multi_done(link, request, ids->list.len);
	return 0;
}

static int attach_to_types(struct link *link, const struct attach_request *request,
			   const struct kernel_functions *functions, struct error *err)
{
	struct types_request kernel = { .from = TYPES_KERNEL };
	struct type_ids ids = { .list = { 0 } };
	struct types types;
	int ret;

	if (types_open(&types, &kernel, err))
		return -1;
	ret = find_ids(&ids, &types.btf, functions, err);
	if (!ret)
		ret = ids.list.len ? create_link(link, request, &ids, err) : ATTACH_ABSENT;
	vec_fini(&ids.list);
	types_fini(&types);
	return ret;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	struct kernel_functions functions;
	const struct tracefs *tracefs;
	struct tracefs own;
	int ret = -1;

	tracefs = attach_tracefs(request, &own, err);
	if (!tracefs)
		goto out;
	ret = kernel_functions_find(&functions, tracefs, request->target, ADDRESS_ANY, err);
	if (!ret)
		ret = attach_to_types(link, request, &functions, err);
	kernel_functions_fini(&functions);
out:
	tracefs_close(&own);
	return ret;
}

const struct attach_kind attach_kind_tracing_multi = {
	.targets = "kernel functions",
	.absent = "they may have other names on this kernel, be inlined, be in a module, or take what a "
		  "trampoline cannot pass on",
	.functions = true,
	.attach = attach,
};
