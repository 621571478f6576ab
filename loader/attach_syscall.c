// SPDX-License-Identifier: GPL-2.0
/* Programs that are run once, when they are attached: what they do is make system calls of bpf(2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

#define LARGEST_CONTEXT 65535 /* it has to be as large as the program takes it to be, or larger */

static int run(int prog_fd, void *context, uint32_t *value)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = prog_fd;
	attr.test.ctx_in = (uintptr_t)context;
	attr.test.ctx_size_in = LARGEST_CONTEXT;
	ret = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	*value = attr.test.retval;
	return ret;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	void *context = calloc(1, LARGEST_CONTEXT);
	uint32_t value;
	int ret;

	if (!context)
		return error_memory(err);
	ret = run(request->prog_fd, context, &value);
	free(context);
	if (ret < 0)
		return error_system(err, -ret, "BPF_PROG_RUN");
	link->way = "running it once";
	snprintf(link->where, sizeof(link->where), "nothing: it returned %d", (int)value);
	return 0;
}

const struct attach_kind attach_kind_syscall = {
	.attach = attach,
};
