/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_PRINTK_H
#define COMPAT_PRINTK_H

#include "loader/object.h"

/*
 * All of the machine's bpf_printk() goes into one place (loader/printk.h). So that what one object
 * prints can be told from the rest, each of its calls gets a copy of its format with a tag before
 * it,
 *
 *	"pid %d\n"  becomes  "q7RaZ0kd|pid %d\n"
 *
 * in a map that is added for them. A call whose format is made only when the program runs keeps it.
 */
struct printk_tagging {
	const char *tag;    /* letters and digits: printk_make_tag() */
	/* What came of it. */
	uint32_t calls;     /* of bpf_trace_printk() and bpf_trace_vprintk() in programs to be loaded */
	uint32_t untagged;  /* those of them that keep their format */
};

#define PRINTK_MAP ".rodata.printk"

/*
 * Before the lowerings, which have to see the result. On failure the object is only good for
 * object_fini.
 */
int printk_tag(struct object *obj, struct printk_tagging *tagging, struct error *err);

#endif
