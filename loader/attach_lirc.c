// SPDX-License-Identifier: GPL-2.0
/* Decoders of infrared remote controls, on a receiver: /dev/lirc0. There are no links for them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

static int run_undo(const struct undo *undo, struct error *err)
{
	return prog_undo(undo, O_RDONLY, err);
}

const struct undo_kind undo_lirc = {
	.name = "lirc",
	.what = "program on an infrared receiver",
	.run = run_undo,
};

static int explain(int ret, const struct attach_request *request, struct error *err)
{
	error_system(err, -ret, "%s: attach the program", request->target);
	if (ret == -EINVAL) {
		err->code = ERROR_UNSUPPORTED;
		error_hint(err, "only receivers of raw infrared take programs, since Linux 4.18, with "
				"CONFIG_BPF_LIRC_MODE2");
	}
	return -1;
}

static int attach_to_fd(struct link *link, int fd, const struct attach_request *request,
			struct error *err)
{
	uint32_t type = request->prog->kind->attach;
	int ret;

	link->way = "PROG_ATTACH";
	link->undo.kind = &undo_lirc;
	link->undo.numbers[0] = 1;
	link->undo.numbers[1] = type;
	attach_note(link, request);
	ret = prog_attach(fd, type, request->prog_fd, 0);
	if (!ret)
		return 0;
	attach_nothing(link);
	return explain(ret, request, err);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	int fd, ret;

	if (!*request->target) {
		error_set(err, ERROR_USAGE, "section '%s': got no receiver, expected the path of one",
			  request->prog->section);
		return error_hint(err, "say which by --attach %s=/dev/lirc0", request->prog->name);
	}
	fd = sys_open(request->target, O_RDONLY);
	if (fd < 0)
		return error_file(err, -fd, request->target);
	ret = undo_path(&link->undo, request->target, err);
	if (!ret)
		ret = attach_to_fd(link, fd, request, err);
	sys_close(fd);
	return ret;
}

const struct attach_kind attach_kind_lirc = {
	.needs = NEED_TARGET,
	.attach = attach,
};
