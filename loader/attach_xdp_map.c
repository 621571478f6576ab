// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that run for packets which another one redirects: they are part of an entry of the map
 * that it redirects through, of the same object.
 *
 *	xdp/devmap    MAP:KEY or MAP:KEY:IFACE    on its way to that interface (Linux 5.8)
 *	xdp/cpumap    MAP:KEY or MAP:KEY:QSIZE    on the CPU, which is the key (5.9)
 *
 * e.g. --attach count=ports:2:eth1. Without the third word the entry stays what it was, if there is
 * one; else the interface is that of --iface, and the queue is of 2048 packets. The map's values have
 * to be struct bpf_devmap_val or bpf_cpumap_val, with room for a program. An entry that has one
 * already is left alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_net.h"
#include "util/sys.h"

#define QUEUE 2048

enum { MAP_ID, KEY, FIRST, HAD }; /* in undo.numbers */

struct value {
	uint32_t first; /* ifindex, or qsize */
	int32_t prog;   /* a descriptor when it is written, an id when it is read */
};

struct entry {
	const struct map *map;
	int fd;
	uint32_t key;
	bool had;
	struct value value;
};

static bool is_cpumap(const struct attach_request *request)
{
	return strstr(request->prog->kind->name, "cpumap");
}

static int wrong_target(const struct attach_request *request, struct error *err)
{
	error_set(err, ERROR_USAGE, "section '%s': got '%s' as its target, expected MAP:KEY or MAP:KEY:%s",
		  request->prog->section, request->target, is_cpumap(request) ? "QSIZE" : "IFACE");
	return error_hint(err, "MAP is one of this object's, --attach PROGRAM=MAP:KEY:%s puts the program "
			  "there", is_cpumap(request) ? "QSIZE" : "IFACE");
}

static int find_map(const struct attach_request *request, size_t len, struct entry *e,
		    struct error *err)
{
	const struct object *obj = request->loaded->object;
	bool cpumap = is_cpumap(request);
	size_t i = 0;

	while (i < obj->maps.len && (strncmp(obj->maps.at[i].name, request->target, len) ||
				     obj->maps.at[i].name[len]))
		i++;
	if (i == obj->maps.len)
		return error_set(err, ERROR_NOT_FOUND, "map '%.*s': got none of that name, expected one of "
				 "this object's", (int)len, request->target);
	e->map = &obj->maps.at[i];
	e->fd = request->loaded->map_fds[i];
	if (cpumap ? e->map->type != BPF_MAP_TYPE_CPUMAP :
		     e->map->type != BPF_MAP_TYPE_DEVMAP && e->map->type != BPF_MAP_TYPE_DEVMAP_HASH)
		return error_set(err, ERROR_USAGE, "map '%s': got type %u, expected a %s", e->map->name,
				 e->map->type, cpumap ? "cpumap" : "devmap");
	if (e->map->value_size >= sizeof(e->value))
		return 0;
	error_set(err, ERROR_USAGE, "map '%s': got values of %u bytes, expected %zu", e->map->name,
		  e->map->value_size, sizeof(e->value));
	return error_hint(err, "struct bpf_%s_val has room for a program", cpumap ? "cpumap" : "devmap");
}

static int parse_first(const struct attach_request *request, const char *word, struct entry *e,
		       struct error *err)
{
	const char *iface = *word ? word : request->options->place.iface;
	char *end;

	if (is_cpumap(request)) {
		if (*word)
			e->value.first = strtoul(word, &end, 0);
		else if (!e->had)
			e->value.first = QUEUE;
		return *word && *end ? wrong_target(request, err) : 0;
	}
	if (e->had && !*word)
		return 0;
	if (!iface)
		return wrong_target(request, err);
	e->value.first = if_nametoindex(iface);
	return e->value.first ? 0 : error_set(err, ERROR_NOT_FOUND, "interface '%s': got none of that name, "
					      "expected one of this network namespace", iface);
}

/* The entry as it is, with what the target says of it. */
static int find_entry(const struct attach_request *request, struct entry *e, struct error *err)
{
	size_t len = strcspn(request->target, ":");
	const char *rest = request->target + len;
	char *end;

	if (!len || !*rest)
		return wrong_target(request, err);
	if (find_map(request, len, e, err))
		return -1;
	e->key = strtoul(rest + 1, &end, 0);
	if (end == rest + 1 || (*end && *end != ':'))
		return wrong_target(request, err);
	memset(&e->value, 0, sizeof(e->value));
	e->had = !sys_map_lookup(e->fd, &e->key, &e->value) && e->value.first;
	if (e->had && e->value.prog > 0)
		return error_set(err, ERROR_SYSTEM, "map '%s', entry %u: got one that has program %d already, "
				 "expected none", e->map->name, e->key, e->value.prog);
	return parse_first(request, *end ? end + 1 : "", e, err);
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info;

	memset(&info, 0, sizeof(info));
	return sys_bpf_info(fd, &info, sizeof(info)) < 0 ? 0 : info.id;
}

/* ---- undo: the map may be used by others, too, or be pinned ---- */

static int give_back(int fd, const struct undo *undo)
{
	struct value value = { undo->numbers[FIRST], -1 };
	union bpf_attr attr;

	if (undo->numbers[HAD])
		return sys_map_update(fd, &undo->numbers[KEY], &value);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	attr.key = (uintptr_t)&undo->numbers[KEY];
	return sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
}

static int run(const struct undo *undo, struct error *err)
{
	struct value value = { 0, 0 };
	union bpf_attr attr;
	int fd, ret;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = undo->numbers[MAP_ID];
	fd = sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return fd == -ENOENT ? UNDO_GONE : error_system(err, -fd, "map %u", undo->numbers[MAP_ID]);
	ret = sys_map_lookup(fd, &undo->numbers[KEY], &value);
	if (ret || value.prog <= 0 || !undo_is_ours(undo, value.prog))
		ret = UNDO_GONE;
	else
		ret = give_back(fd, undo);
	sys_close(fd);
	return ret < 0 ? error_system(err, -ret, "map %u: entry %u", undo->numbers[MAP_ID],
				      undo->numbers[KEY]) : ret;
}

const struct undo_kind undo_map_entry = { .name = "map_entry", .what = "program", .run = run };

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	struct entry e;
	int ret;

	link->way = "entry of a map";
	if (find_entry(request, &e, err))
		return -1;
	snprintf(link->where, sizeof(link->where), "map '%s', entry %u", e.map->name, e.key);
	link->undo = (struct undo){
		.kind = &undo_map_entry,
		.numbers = { map_id(e.fd), e.key, e.value.first, e.had },
	};
	attach_note(link, request);
	e.value.prog = request->prog_fd;
	ret = sys_map_update(e.fd, &e.key, &e.value);
	if (!ret)
		return 0;
	attach_nothing(link);
	error_system(err, -ret, "%s: put the program in", link->where);
	return ret == -EINVAL ? error_hint(err, "devmaps take programs since Linux 5.8, cpumaps since 5.9; "
					   "with frags both or neither of map and program") : -1;
}

const struct attach_kind attach_kind_xdp_map = {
	.needs = NEED_TARGET,
	.attach = attach,
};
