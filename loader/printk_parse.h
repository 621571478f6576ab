/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_PRINTK_PARSE_H
#define LOADER_PRINTK_PARSE_H

#include "loader/printk.h"

/*
 * What was read of a trace_pipe, whole prints: each begins with a head and may be of several lines,
 *
 *	           <...>-1234    [001] ...21  100.123456: bpf_trace_printk: what it says
 *	 name with blanks-1234  (1233) [001] d..31 100.123456: bpf_trace_printk: tag|what it says
 *	and goes on here
 *	CPU:1 [LOST 17 EVENTS]
 *
 * Before Linux 5.9 it is "0: " or "0x00000001: " where the name of the event is now.
 */
struct printk_parser {
	const char *at, *end;
	const char *tag; /* NULL: none is looked for */
	bool shared;     /* lines without it are given, too */
	uint64_t lost;
};

/* The next print; false where there is none any more. */
bool printk_parse(struct printk_parser *parser, struct printk_line *line);

#endif
