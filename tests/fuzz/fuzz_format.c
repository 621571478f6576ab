// SPDX-License-Identifier: GPL-2.0
/* The format file of an event, an ordinary one or a system call's: what is made of it is sound. */
#include "tests/fuzz/fuzz.h"

#include "btf/format.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static void make(const struct event_format *format)
{
	struct error err;
	struct btf btf;

	if (btf_from_formats(&btf, format, 1, &err))
		return;
	if (btf_check(&btf, &err)) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
	btf_fini(&btf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	make(&(struct event_format){ "sched", "sched_switch", text, size, NULL });
	make(&(struct event_format){ "syscalls", "sys_enter_open", text, size, NULL });
	make(&(struct event_format){ "syscalls", "sys_exit_open", text, size, NULL });
	return 0;
}
