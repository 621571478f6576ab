// SPDX-License-Identifier: GPL-2.0
/*
 * Structs of functions that the kernel is to call (struct_ops.h). It is the struct as a whole that
 * is attached, once, with its first program; the others come with it. By a link since Linux 6.4;
 * before, by setting the map's value, which is undone by deleting it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

#define BPF_STRUCT_OPS_TYPE 44 /* BPF_STRUCT_OPS */
#define MAP_TYPE_STRUCT_OPS 26
#define FLAG_LINK (1u << 13)
#define MOST 5 /* without links, of one program */

static int map_info(int fd, struct bpf_map_info *info)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	memset(info, 0, sizeof(*info));
	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof(*info);
	attr.info.info = (uintptr_t)info;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* ---- undoing ---- */

static int delete_value(uint32_t id)
{
	struct bpf_map_info info;
	union bpf_attr attr;
	uint32_t zero = 0;
	int fd, ret;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id;
	fd = sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&zero;
	ret = map_info(fd, &info);
	if (!ret && info.type == MAP_TYPE_STRUCT_OPS)
		ret = sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
	sys_close(fd);
	return ret == -ENOENT || ret == -EINPROGRESS ? 0 : ret;
}

/* numbers: how many maps, and their ids. An id is not used again before very many others were. */
static int run_undo(const struct undo *undo, struct error *err)
{
	int first = 0, ret;

	for (uint32_t i = 0; i < undo->numbers[0] && i < MOST; i++) {
		ret = delete_value(undo->numbers[1 + i]);
		if (ret && !first)
			first = error_system(err, -ret, "map %u: take its struct_ops away",
					     undo->numbers[1 + i]);
	}
	return first;
}

const struct undo_kind undo_kind_struct_ops = {
	.name = "struct_ops",
	.run = run_undo,
};

/* ---- attaching ---- */

static uint32_t first_program(const struct ops_value *v)
{
	uint32_t first = UINT32_MAX;

	for (size_t i = 0; i < v->slots.len; i++)
		if (v->slots.at[i].program < first)
			first = v->slots.at[i].program;
	return first;
}

static bool has_program(const struct ops_value *v, uint32_t program)
{
	for (size_t i = 0; i < v->slots.len; i++)
		if (v->slots.at[i].program == program)
			return true;
	return false;
}

/* With descriptors where the kernel's struct has functions. 0, or -errno. */
static int set_value(const struct loaded *loaded, const struct ops_value *v)
{
	uint8_t *data = malloc(v->size);
	uint32_t zero = 0;
	int ret;

	if (!data)
		return -ENOMEM;
	memcpy(data, v->data, v->size);
	for (size_t i = 0; i < v->slots.len; i++) {
		const struct ops_slot *slot = &v->slots.at[i];
		int fd = loaded->prog_fds[slot->program];
		uint64_t wide = fd < 0 ? 0 : fd;
		uint32_t narrow = wide;

		if (v->pointer_size == 4)
			memcpy(data + slot->offset, &narrow, 4);
		else
			memcpy(data + slot->offset, &wide, 8);
	}
	ret = sys_map_update(loaded->map_fds[v->map], &zero, data);
	free(data);
	return ret;
}

static int add_link(struct link *link, int map_fd, struct error *err)
{
	union bpf_attr attr;
	int fd, *other;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = map_fd;
	attr.link_create.attach_type = BPF_STRUCT_OPS_TYPE;
	fd = sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return fd;
	other = vec_push(&link->others);
	if (!other) {
		sys_close(fd);
		return -ENOMEM;
	}
	*other = fd;
	return 0;
}

static int register_one(struct link *link, const struct attach_request *request,
			const struct ops_value *v, struct error *err)
{
	int map_fd = request->loaded->map_fds[v->map], ret;
	const char *name = request->loaded->object->maps.at[v->map].name;
	struct bpf_map_info info;
	bool by_link;

	ret = map_info(map_fd, &info);
	by_link = info.map_flags & FLAG_LINK;
	if (!ret && !by_link && link->undo.numbers[0] == MOST)
		ret = -E2BIG;
	if (!ret)
		ret = set_value(request->loaded, v);
	/* Busy: it is set already, and was attached before. */
	if (by_link && (!ret || ret == -EBUSY))
		ret = add_link(link, map_fd, err);
	if (!ret && !by_link) {
		link->undo.kind = &undo_kind_struct_ops;
		link->undo.numbers[++link->undo.numbers[0]] = info.id;
		link->way = "value of a map";
	}
	snprintf(link->where, sizeof(link->where), "struct_ops %s", name);
	if (!ret)
		return 0;
	error_system(err, -ret, "struct_ops '%s': register", name);
	return ret == -EEXIST ? error_hint(err, "the kernel has one of the same name") :
	       ret == -EINVAL ? error_hint(err, "the kernel finds it incomplete, or wrong: its log may say "
					   "why (dmesg)") : -1;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const struct loaded *loaded = request->loaded;
	uint32_t program = request->prog - loaded->object->programs.at;

	link->way = "link";
	for (size_t i = 0; i < loaded->ops.values.len; i++) {
		const struct ops_value *v = &loaded->ops.values.at[i];

		if (first_program(v) == program) {
			if (register_one(link, request, v, err))
				return -1;
		} else if (has_program(v, program) && !link->others.len && !link->undo.kind) {
			snprintf(link->where, sizeof(link->where), "struct_ops %s",
				 loaded->object->maps.at[v->map].name);
		}
	}
	return 0;
}

const struct attach_kind attach_kind_struct_ops = {
	.attach = attach,
};
