/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BTF_FORMAT_H
#define BTF_FORMAT_H

#include <stddef.h>

#include "btf/btf.h"

/*
 * Types out of tracefs, for kernels that bring none along: each event there has a file `format`
 * that says where in its record which field lies. Of that struct trace_event_raw_EVENT is made,
 * as a kernel's own BTF has it, so that CO-RE need not know the difference.
 */
struct event_format {
	const char *category, *event; /* "sched", "sched_switch" */
	const char *text;             /* of the file; need not end with NUL */
	size_t len;
	/*
	 * What the struct is called, NULL: trace_event_raw_EVENT. A kernel calls it after the class
	 * of events, which the text does not name: whoever reads the record of this event by that
	 * name gets this event's layout.
	 */
	const char *type;
};

/*
 * Makes BTF with the structs of all these events, and as many types as their fields need; in
 * the byte order and with the long of this machine. On failure nothing is held.
 *
 * A dynamic field `name` (__data_loc, __rel_loc) is the member __data_loc_name, as in a kernel's
 * BTF. syscalls:* events get what BPF programs on them are handed, which is not their record:
 * struct trace_event_raw_sys_enter and syscall_trace_enter, or _exit. What a text does not say
 * (the inside of a struct, the values of an enum) the types do not have.
 */
int btf_from_formats(struct btf *btf, const struct event_format *formats, size_t count,
		     struct error *err);

#endif
