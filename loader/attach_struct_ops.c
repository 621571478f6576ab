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
#include "loader/struct_ops.h"
#include "util/strbuf.h"
#include "util/sys.h"

#define BPF_STRUCT_OPS_TYPE 44 /* BPF_STRUCT_OPS */
#define FLAG_LINK (1u << 13)
#define MOST 5 /* without links, of one program */

static int map_info(int fd, struct bpf_map_info *info)
{
	memset(info, 0, sizeof(*info));
	return sys_bpf_info(fd, info, sizeof(*info));
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
		return fd == -ENOENT ? UNDO_GONE : fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&zero;
	ret = map_info(fd, &info);
	if (!ret)
		ret = info.type == MAP_TYPE_STRUCT_OPS ? sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr)) :
							 UNDO_GONE;
	sys_close(fd);
	return ret == -ENOENT || ret == -EINPROGRESS ? UNDO_GONE : ret;
}

/* numbers: how many maps, and their ids. An id is not used again before very many others were. */
static int run_undo(const struct undo *undo, struct error *err)
{
	int done = UNDO_GONE, failed = 0, ret;

	for (uint32_t i = 0; i < undo->numbers[0] && i < MOST; i++) {
		ret = delete_value(undo->numbers[1 + i]);
		if (ret < 0)
			failed = error_system(err, -ret, "map %u: take its struct_ops away",
					      undo->numbers[1 + i]);
		else if (!ret)
			done = 0;
	}
	return failed ? failed : done;
}

const struct undo_kind undo_struct_ops = {
	.name = "struct_ops",
	.what = "struct_ops",
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

static bool has_link(const struct loaded *loaded, const struct ops_value *v, uint32_t *id)
{
	struct bpf_map_info info;
	bool known = !map_info(loaded->map_fds[v->map], &info);

	*id = info.id;
	return known && info.map_flags & FLAG_LINK;
}

/* Before anything is registered: which maps stay so unless it is undone. */
static int note(struct link *link, const struct attach_request *request, uint32_t program,
		struct error *err)
{
	const struct loaded *loaded = request->loaded;
	uint32_t *count = &link->undo.numbers[0], id;

	for (size_t i = 0; i < loaded->ops.values.len; i++) {
		const struct ops_value *v = &loaded->ops.values.at[i];

		if (first_program(v) != program || has_link(loaded, v, &id))
			continue;
		if (*count == MOST)
			return error_set(err, ERROR_UNSUPPORTED, "got more than %d struct_ops with the same "
					 "programs, expected fewer on this kernel", MOST);
		link->undo.numbers[++*count] = id;
	}
	if (!*count)
		return 0;
	link->way = "value of a map";
	link->undo.kind = &undo_struct_ops;
	attach_note(link, request);
	return 0;
}

static int register_one(struct link *link, const struct attach_request *request,
			const struct ops_value *v, struct error *err)
{
	const struct loaded *loaded = request->loaded;
	uint32_t id;
	bool by_link = has_link(loaded, v, &id);
	int ret = set_value(loaded, v);

	/* Busy: it is set already, as it was attached before. */
	if (by_link && (!ret || ret == -EBUSY))
		ret = add_link(link, loaded->map_fds[v->map], err);
	if (!ret)
		return 0;
	error_system(err, -ret, "struct_ops '%s': register", loaded->object->maps.at[v->map].name);
	return ret == -EEXIST ? error_hint(err, "the kernel has one of the same name") :
	       ret == -EOPNOTSUPP ? error_hint(err, "the kernel has it for tests of its own") :
	       ret == -EINVAL ? error_hint(err, "the kernel finds it incomplete, or wrong: its log may say "
					   "why (dmesg)") : -1;
}

static void say_where(struct link *link, const struct loaded *loaded, uint32_t program)
{
	struct strbuf where = STRBUF(link->where);

	link->way = "the struct";
	strbuf_add(&where, "struct_ops");
	for (size_t i = 0; i < loaded->ops.values.len; i++) {
		const struct ops_value *v = &loaded->ops.values.at[i];

		if (first_program(v) == program)
			link->way = "link";
		if (has_program(v, program))
			strbuf_add(&where, " %s", loaded->object->maps.at[v->map].name);
	}
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const struct loaded *loaded = request->loaded;
	uint32_t program = request->prog - loaded->object->programs.at;

	say_where(link, loaded, program);
	if (note(link, request, program, err))
		return -1;
	for (size_t i = 0; i < loaded->ops.values.len; i++)
		if (first_program(&loaded->ops.values.at[i]) == program &&
		    register_one(link, request, &loaded->ops.values.at[i], err))
			return -1;
	return 0;
}

const struct attach_kind attach_kind_struct_ops = {
	.attach = attach,
};
