// SPDX-License-Identifier: GPL-2.0
#include "compat/caps_internal.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf.h"

/* The first that is there, names apart by spaces: architectures call system calls differently. */
static const struct {
	uint32_t kind;
	const char *names;
} wanted[] = {
	[ID_RAW_TRACEPOINT] = { BTF_KIND_TYPEDEF, "btf_trace_signal_generate btf_trace_sys_enter" },
	/* Called by nothing but the kernel's own tests of fentry. */
	[ID_FUNCTION] = { BTF_KIND_FUNC, "bpf_fentry_test1" },
	[ID_SYSCALL] = { BTF_KIND_FUNC, "__x64_sys_getpgid __arm64_sys_getpgid __s390x_sys_getpgid "
	  "__riscv_sys_getpgid __ia32_sys_getpgid __se_sys_getpgid sys_getpgid" },
	[ID_ITERATOR] = { BTF_KIND_FUNC, "bpf_iter_task" },
	[ID_LSM] = { BTF_KIND_FUNC, "bpf_lsm_file_open" },
	[ID_STRUCT_OPS] = { BTF_KIND_STRUCT, "tcp_congestion_ops" },
};

static uint32_t find_any(const struct btf *btf, const char *names, uint32_t kind)
{
	uint32_t id = 0;
	char name[64];
	size_t len;

	for (; !id && (len = strcspn(names, " ")); names += len + strspn(names + len, " ")) {
		memcpy(name, names, len);
		name[len] = 0;
		id = btf_find(btf, name, kind);
	}
	return id;
}

/* Of the function that tells how a connection slows down: every release has it. */
static uint32_t member_index(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf_type(btf, id);
	const struct btf_member *m = t ? btf_extra(t) : NULL;

	for (uint32_t i = 0; m && i < btf_vlen(t); i++)
		if (!strcmp(btf_string(btf, m[i].name_off), "ssthresh"))
			return i;
	return 0;
}

/* No file is no types only where sysfs is mounted, which has its folder since before BPF. */
static void look_up(struct caps *caps)
{
	struct error err;
	struct btf btf;

	if (btf_open(&btf, NULL, KERNEL_BTF, &err)) {
		caps->ids_errno = err.sys ? err.sys : EINVAL;
		caps->ids_known = err.code == ERROR_NOT_FOUND && !access("/sys/kernel", F_OK);
		return;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		caps->ids[i] = find_any(&btf, wanted[i].names, wanted[i].kind);
	caps->ids[ID_STRUCT_OPS_MEMBER] = member_index(&btf, caps->ids[ID_STRUCT_OPS]);
	caps->ids_errno = 0;
	caps->ids_known = true;
	btf_fini(&btf);
}

enum answer caps_id(struct caps *caps, enum caps_id which, uint32_t *id, int *sys)
{
	_Static_assert(ID_STRUCT_OPS_MEMBER < CAPS_IDS, "room for each");
	if (!caps->ids_known)
		look_up(caps);
	*id = caps->ids[which];
	*sys = caps->ids_errno;
	if (!*sys)
		return CAP_YES;
	return caps->ids_known ? CAP_NO : CAP_UNKNOWN;
}
