// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "loader/attach_internal.h"

static int attach_to(struct link *link, const char *place, const struct attach_request *request,
		     struct error *err)
{
	struct section_name function;
	struct probe probe = {
		.pmu = "kprobe",
		.file = "kprobe_events",
		.is_return = !strncmp(request->prog->kind->name, "kret", 4),
		.where = function.text,
		.place = place,
	};

	if (probe_place(place, &function, &probe.offset))
		return error_set(err, ERROR_FORMAT, "section '%s': got '%s', expected FUNCTION or "
				 "FUNCTION+OFFSET", request->prog->section, place);
	return probe_attach(link, &probe, request, err);
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	return attach_to(link, request->target, request, err);
}

/*
 * The function of a system call is named after the way in which the architecture calls it: since
 * Linux 4.17 on x86, 4.19 on arm64, by a pointer to the registers, and with a prefix for each. An
 * x86-64 kernel has the 32 bit ones, too, so they come second.
 */
static int attach_syscall(struct link *link, const struct attach_request *request,
			  struct error *err)
{
	static const char *const prefixes[] = {
		"__x64_sys_", "__ia32_sys_", "__arm64_sys_", "__s390x_sys_", "__riscv_sys_",
		"__se_sys_", "sys_", "SyS_",
	};
	struct section_name name;
	int ret = ATTACH_ABSENT;

	for (size_t i = 0; ret == ATTACH_ABSENT && i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		snprintf(name.text, sizeof(name.text), "%s%s", prefixes[i], request->target);
		ret = attach_to(link, name.text, request, err);
	}
	return ret;
}

const struct attach_kind attach_kind_kprobe = {
	.targets = "kernel function",
	.absent = "it may have another name on this kernel, be inlined, not be allowed to be probed, or "
		  "be in a module that is not loaded",
	.functions = true,
	.attach = attach,
};

const struct attach_kind attach_kind_ksyscall = {
	.targets = "system call",
	.absent = "it is newer than this kernel, or of another architecture",
	.attach = attach_syscall,
};
