// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on a map of sockets, by its name in the object: they run for what the sockets in it
 * receive or send. A link since Linux 6.10, else BPF_PROG_ATTACH; then the program goes with the map.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/release.h"
#include "util/sys.h"

static bool holds_sockets(const struct map *map)
{
	return map->type == BPF_MAP_TYPE_SOCKMAP || map->type == BPF_MAP_TYPE_SOCKHASH;
}

/* A section "sk_skb" does not say which of the two it is; what returns a verdict is by far the more common. */
static uint32_t type_of(const struct section_kind *kind)
{
	return kind->attach_name ? kind->attach : BPF_SK_SKB_STREAM_VERDICT;
}

static int map_id(int map_fd, uint32_t *id)
{
	struct bpf_map_info info = { 0 };
	int ret = sys_bpf_info(map_fd, &info, sizeof(info));

	*id = info.id;
	return ret;
}

static int map_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_id = id;
	return sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
}

/* numbers: the map's id, and the attach type. Where the map is gone, so is the program. */
static int run_undo(const struct undo *undo, struct error *err)
{
	int fd = map_by_id(undo->numbers[0]), ret;

	if (fd == -ENOENT)
		return UNDO_GONE;
	ret = fd < 0 ? fd : prog_detach(fd, undo->numbers[1], undo);
	sys_close(fd);
	return ret < 0 ? error_system(err, -ret, "map %u: detach program %u", undo->numbers[0],
				      undo->prog_id) : ret;
}

const struct undo_kind undo_sockmap = {
	.name = "sockmap",
	.what = "program on a map of sockets",
	.run = run_undo,
};

static int explain(int ret, const char *map, const struct section_kind *kind, struct error *err)
{
	error_system(err, -ret, "map '%s': attach the program", map);
	if (ret == -EBUSY)
		return error_hint(err, "the map has one of its kind already; a verdict is either for streams "
				  "(sk_skb/stream_verdict) or for all (sk_skb/verdict)");
	if (ret == -EINVAL || ret == -EOPNOTSUPP) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "%s programs are known since Linux %u.%u, with CONFIG_NET_SOCK_MSG (before 5.13 "
				"CONFIG_BPF_STREAM_PARSER)", kind->name, LINUX_MAJOR(kind->since),
			   LINUX_MINOR(kind->since));
	}
	return -1;
}

static int by_attach(struct link *link, int map, uint32_t type,
		     const struct attach_request *request)
{
	int ret = map_id(map, &link->undo.numbers[0]);

	if (ret)
		return ret;
	link->way = "PROG_ATTACH";
	link->undo.numbers[1] = type;
	link->undo.kind = &undo_sockmap;
	attach_note(link, request);
	ret = prog_attach(map, type, request->prog_fd, 0);
	if (ret)
		attach_nothing(link);
	return ret;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	const struct section_kind *kind = request->prog->kind;
	uint32_t type = type_of(kind);
	const char *name;
	size_t index;
	int map, ret;

	map = attach_map(request, request->target, holds_sockets, "a SOCKMAP or SOCKHASH", &index, err);
	if (map < 0)
		return error_hint(err, "say which by --attach %s=MAP", request->prog->name);
	name = request->loaded->object->maps.at[index].name;
	snprintf(link->where, sizeof(link->where), "map %s, %s", name,
		 kind->attach_name ? kind->attach_name : "sk_skb_stream_verdict");
	ret = prog_link(map, type, request->prog_fd);
	if (ret >= 0) {
		link->fd = ret;
		return 0;
	}
	if (ret == -EINVAL)
		ret = by_attach(link, map, type, request);
	return ret ? explain(ret, name, kind, err) : 0;
}

const struct attach_kind attach_kind_sockmap = {
	.attach = attach,
};
