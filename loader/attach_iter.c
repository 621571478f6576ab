// SPDX-License-Identifier: GPL-2.0
/* Programs that are run for one object of the kernel after the other when somebody reads. */
#include <errno.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = request->prog_fd;
	attr.link_create.attach_type = request->prog->kind->attach;
	fd = sys_bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return error_system(err, -fd, "%s: BPF_LINK_CREATE", request->target);
	link->fd = fd;
	return 0;
}

int link_run_iter(const struct link *link, struct error *err)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.iter_create.link_fd = link->fd;
	fd = sys_bpf(BPF_ITER_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return error_system(err, -fd, "%s: BPF_ITER_CREATE", link->target.text);
	return fd;
}

const struct attach_kind attach_kind_iter = {
	.by_type = true,
	.attach = attach,
};
