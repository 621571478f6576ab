// SPDX-License-Identifier: GPL-2.0
/* Programs on the hooks of security modules, which run if bpf is one of those that are in use. */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader/attach_internal.h"
#include "util/sys.h"

#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif
#define LSM_ID_BPF 109

/* Since Linux 6.8 the kernel says which security modules it runs, before in a file, where mounted. */
static enum { IN_USE, NOT_IN_USE, UNKNOWN } bpf_security(void)
{
	uint64_t ids[32];
	uint32_t size = sizeof(ids);
	long count = syscall(SYS_lsm_list_modules, ids, &size, 0);
	char list[256], *name, *rest = list;

	for (long i = 0; i < count; i++)
		if (ids[i] == LSM_ID_BPF)
			return IN_USE;
	if (count > 0)
		return NOT_IN_USE;
	if (sys_read_file(AT_FDCWD, "/sys/kernel/security/lsm", list, sizeof(list)) <= 0)
		return UNKNOWN;
	while ((name = strtok_r(rest, ",\n", &rest)))
		if (!strcmp(name, "bpf"))
			return IN_USE;
	return NOT_IN_USE;
}

int need_bpf_security(const struct attach_request *request, struct error *err)
{
	if (bpf_security() != NOT_IN_USE)
		return 0;
	error_set(err, ERROR_UNSUPPORTED, "%s: got a kernel whose security modules in use do not include "
		  "bpf, expected one whose do", request->target);
	return error_hint(err, "boot with bpf added to the list of lsm= on the kernel's command line; "
			  "/sys/kernel/security/lsm is the list now");
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	return need_bpf_security(request, err) ? -1 : attach_kind_type.attach(link, request, err);
}

const struct attach_kind attach_kind_lsm = {
	.by_type = true,
	.attach = attach,
};
