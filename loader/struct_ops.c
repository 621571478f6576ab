// SPDX-License-Identifier: GPL-2.0
#include "loader/struct_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/load.h"
#include "loader/load_target.h"
#include "util/sys.h"

#define FLAG_LINK (1u << 13)      /* BPF_F_LINK */
#define FLAG_MODULE_BTF (1u << 15) /* BPF_F_VTYPE_BTF_OBJ_FD, Linux 6.9 */

/* One variable of the object, and what it becomes. */
struct match {
	const struct object *obj;
	const struct struct_ops *ops;
	const char *name;             /* of its struct, without a flavour */
	int name_len;
	const struct btf *btf;        /* the kernel's, or a module's */
	const struct btf_type *type;  /* the struct there */
	uint32_t data;                /* where in the value it begins */
	struct ops_value *value;
	struct error *err;
};

static int fail(struct match *m, const char *member, const char *got, const char *expected)
{
	error_set(m->err, ERROR_UNSUPPORTED, "struct_ops '%s': %s: got %s, expected %s",
		  m->obj->maps.at[m->ops->map].name, member, got, expected);
	return error_hint(m->err, "portrace btf dump %.*s shows the kernel's", m->name_len,
			  m->name);
}

/* ---- the kernel's types ---- */

/* Fills in what the value's type says, where these types have it: 1; else 0. */
static int find_in(struct match *m, const struct btf *btf)
{
	char name[160];
	const struct btf_member *member;
	const struct btf_type *t;
	uint32_t id;

	snprintf(name, sizeof(name), "bpf_struct_ops_%.*s", m->name_len, m->name);
	id = btf_find(btf, name, BTF_KIND_STRUCT);
	t = btf_type(btf, id);
	if (!t)
		return 0;
	member = btf_extra(t);
	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		if (strcmp(btf_string(btf, member[i].name_off), "data"))
			continue;
		m->btf = btf;
		m->data = btf_member_bit_offset(t, &member[i]) / 8;
		m->value->value_type = id;
		m->value->type = btf_resolve(btf, member[i].type);
		m->value->size = t->size;
		m->value->pointer_size = btf->pointer_size;
		m->type = btf_type(btf, m->value->type);
		return m->type && btf_kind(m->type) == BTF_KIND_STRUCT && m->data <= t->size &&
		       m->type->size <= t->size - m->data;
	}
	return 0;
}

static int find_in_modules(struct match *m, struct types *types)
{
	const struct btf *module;

	for (size_t i = 0;; i++) {
		if (types_module(types, i, &module, m->err))
			return -1;
		if (!module)
			return 0;
		if (!find_in(m, module))
			continue;
		m->value->btf_fd = load_module_fd(types->modules.at[i].name);
		return m->value->btf_fd < 0 ?
			       error_system(m->err, -m->value->btf_fd, "module '%s': open its types",
					    types->modules.at[i].name) : 1;
	}
}

static int find_types(struct match *m, struct types *types)
{
	int found = find_in(m, &types->btf);

	if (!found)
		found = find_in_modules(m, types);
	if (found)
		return found < 0 ? -1 : 0;
	error_set(m->err, ERROR_UNSUPPORTED, "struct_ops '%s': got a struct %.*s, expected one that this "
		  "kernel lets BPF provide", m->obj->maps.at[m->ops->map].name, m->name_len, m->name);
	return error_hint(m->err, "struct_ops are known since Linux 5.6, others than tcp_congestion_ops later; "
			  "one may be in a module that is not loaded");
}

/* ---- members ---- */

static const struct btf_member *kernel_member(const struct match *m, const char *name,
					      uint32_t *number)
{
	const struct btf_member *members = btf_extra(m->type);

	for (*number = 0; *number < btf_vlen(m->type); ++*number)
		if (!strcmp(btf_string(m->btf, members[*number].name_off), name))
			return &members[*number];
	return NULL;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	while (size)
		if (data[--size])
			return false;
	return true;
}

static const struct ops_function *function_at(const struct struct_ops *ops, uint32_t offset)
{
	for (size_t i = 0; i < ops->functions.len; i++)
		if (ops->functions.at[i].offset == offset)
			return &ops->functions.at[i];
	return NULL;
}

static bool points_to_function(const struct btf *btf, const struct btf_type *t)
{
	const struct btf_type *to = t && btf_kind(t) == BTF_KIND_PTR ?
					    btf_type(btf, btf_resolve(btf, t->type)) : NULL;

	return to && btf_kind(to) == BTF_KIND_FUNC_PROTO;
}

static int set_function(struct match *m, const char *name, const struct btf_type *kernel,
			uint32_t offset, uint32_t number, uint32_t program)
{
	struct ops_slot *slot;

	if (!points_to_function(m->btf, kernel))
		return fail(m, name, "a function", "what the kernel's struct has there");
	slot = vec_push(&m->value->slots);
	if (!slot)
		return error_memory(m->err);
	*slot = (struct ops_slot){ offset, number, program };
	return 0;
}

static int copy_value(struct match *m, const char *name, uint32_t local_id, uint32_t kernel_id,
		      uint32_t from, uint32_t to)
{
	int64_t size = btf_size(&m->obj->btf, local_id), kernel_size = btf_size(m->btf, kernel_id);
	const struct btf_type *local = btf_type(&m->obj->btf, btf_resolve(&m->obj->btf, local_id));
	const struct btf_type *kernel = btf_type(m->btf, btf_resolve(m->btf, kernel_id));

	if (size < 0 || from > m->ops->size || (uint64_t)size > m->ops->size - from)
		return fail(m, name, "a size that the struct has not", "one within it");
	if (is_zero(m->ops->data + from, size))
		return 0;
	if (local && btf_kind(local) == BTF_KIND_PTR)
		return fail(m, name, "a pointer that is set", "a function of the object, or NULL");
	if (!kernel || !local || size != kernel_size || to > m->value->size ||
	    (uint64_t)size > m->value->size - to)
		return fail(m, name, "a value", "one of the size that the kernel's has");
	memcpy(m->value->data + to, m->ops->data + from, size);
	return 0;
}

static int match_member(struct match *m, const struct btf_type *t, const struct btf_member *member)
{
	const char *name = btf_string(&m->obj->btf, member->name_off);
	uint32_t bit = btf_member_bit_offset(t, member), offset = bit / 8, number;
	const struct ops_function *function = function_at(m->ops, offset);
	const struct btf_member *kernel = kernel_member(m, name, &number);
	int64_t size = btf_size(&m->obj->btf, member->type);
	uint32_t to;

	if (!kernel && !function && size >= 0 && offset <= m->ops->size &&
	    (uint64_t)size <= m->ops->size - offset && is_zero(m->ops->data + offset, size))
		return 0;
	if (!kernel)
		return fail(m, name, "a member that is set", "none, as this kernel's struct has none of "
			    "that name");
	to = m->data + btf_member_bit_offset(m->type, kernel) / 8;
	if (function)
		return set_function(m, name, btf_type(m->btf, btf_resolve(m->btf, kernel->type)), to,
				    number, function->program);
	if (btf_member_bits(t, member) || btf_member_bits(m->type, kernel))
		return size >= 0 && offset <= m->ops->size && (uint64_t)size <= m->ops->size - offset &&
		       is_zero(m->ops->data + offset, size) ? 0 :
		       fail(m, name, "a bit field that is set", "0");
	return copy_value(m, name, member->type, kernel->type, offset, to);
}

/* A program is verified for one member of one struct. */
static int check_programs(struct match *m, const struct ops_values *all)
{
	const struct ops_value *mine = m->value;

	for (size_t i = 0; i < mine->slots.len; i++)
		for (size_t n = 0; n < all->values.len; n++)
			for (size_t k = 0; k < all->values.at[n].slots.len; k++) {
				const struct ops_value *v = &all->values.at[n];

				if (v->slots.at[k].program == mine->slots.at[i].program &&
				    (v->type != mine->type ||
				     v->slots.at[k].member != mine->slots.at[i].member))
					return fail(m, m->obj->programs.at[v->slots.at[k].program].name,
						    "a program in two places", "each in one");
			}
	return 0;
}

static int match_members(struct match *m)
{
	const struct btf_type *t = btf_type(&m->obj->btf, m->ops->type_id);
	const struct btf_member *members = btf_extra(t);

	m->value->data = calloc(1, m->value->size + 1);
	if (!m->value->data)
		return error_memory(m->err);
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (match_member(m, t, &members[i]))
			return -1;
	return 0;
}

static int find_one(struct loaded *loaded, struct types *types, const struct struct_ops *ops,
		    struct error *err)
{
	const struct object *obj = loaded->object;
	const char *name = btf_string(&obj->btf, btf_type(&obj->btf, ops->type_id)->name_off);
	struct match m = { .obj = obj, .ops = ops, .name = name, .err = err };

	m.name_len = btf_plain_length(name, strlen(name));
	m.value = vec_push(&loaded->ops.values);
	if (!m.value)
		return error_memory(err);
	m.value->map = ops->map;
	m.value->btf_fd = -1;
	return find_types(&m, types) || match_members(&m) || check_programs(&m, &loaded->ops) ? -1 : 0;
}

int struct_ops_find(struct loaded *loaded, struct error *err)
{
	const struct types_request request = { .from = TYPES_KERNEL };
	const struct object *obj = loaded->object;
	struct types types;
	int ret = 0;

	if (!obj->struct_ops.len)
		return 0;
	if (types_open(&types, &request, err))
		return -1;
	for (size_t i = 0; !ret && i < obj->struct_ops.len; i++)
		ret = find_one(loaded, &types, &obj->struct_ops.at[i], err);
	types_fini(&types);
	return ret;
}

void struct_ops_fini(struct ops_values *ops)
{
	for (size_t i = 0; i < ops->values.len; i++) {
		free(ops->values.at[i].data);
		vec_fini(&ops->values.at[i].slots);
		sys_close(ops->values.at[i].btf_fd);
	}
	vec_fini(&ops->values);
}

/* ---- the kernel ---- */

int struct_ops_create(const struct loaded *loaded, size_t map, union bpf_attr *attr)
{
	const struct ops_value *v = NULL;
	int fd;

	for (size_t i = 0; i < loaded->ops.values.len; i++)
		if (loaded->ops.values.at[i].map == map)
			v = &loaded->ops.values.at[i];
	if (!v)
		return -EINVAL;
	attr->value_size = v->size;
	attr->btf_vmlinux_value_type_id = v->value_type;
	/* The kernel wants the object to have told its own types, though it looks at none of them. */
	attr->btf_fd = loaded->btf_fd < 0 ? 0 : loaded->btf_fd;
	attr->map_flags |= FLAG_LINK;
	if (v->btf_fd >= 0) {
		attr->map_flags |= FLAG_MODULE_BTF;
		/* map_create.value_type_btf_obj_fd, which not all headers have. */
		memcpy((char *)attr + 72, &v->btf_fd, 4);
	}
	fd = sys_bpf(BPF_MAP_CREATE, attr, sizeof(*attr));
	if (fd != -EINVAL)
		return fd;
	attr->map_flags &= ~FLAG_LINK;
	return sys_bpf(BPF_MAP_CREATE, attr, sizeof(*attr));
}

int struct_ops_target(const struct loaded *loaded, size_t program, struct load_target *target,
		      struct error *err)
{
	for (size_t i = 0; i < loaded->ops.values.len; i++) {
		const struct ops_value *v = &loaded->ops.values.at[i];

		for (size_t n = 0; n < v->slots.len; n++) {
			if (v->slots.at[n].program != program)
				continue;
			target->member = v->slots.at[n].member;
			target->type_id = v->type;
			target->fd = v->btf_fd < 0 ? -1 : fcntl(v->btf_fd, F_DUPFD_CLOEXEC, 3);
			return 0;
		}
	}
	error_set(err, ERROR_USAGE, "section '%s': got a function of no struct_ops, expected a variable "
		  "in section .struct_ops.link that has it", loaded->object->programs.at[program].section);
	return -1;
}
