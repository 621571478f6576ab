// SPDX-License-Identifier: GPL-2.0
/*
 * How much the verifier says depends on the level:
 *
 *	1  each instruction it looks at; since Linux 5.18 also what changed in registers
 *	2  registers in any case, and a lot about the verifier itself
 *	4  figures and the last sentence (since 5.2, commit 06ee7115b0d1, "bpf: add verifier stats
 *	   and log_level bit 2")
 *
 * So 1 is for reading; 2 serves where 1 leaves the registers out; and 4 is for programs on which
 * the verifier gives up: a million steps are more log than anybody wants.
 */
#include "loader/verifier_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/verifier_log.h"
#include "loader/verifier_report.h"

#define LOG_USUAL (64u << 10)
/* Up to Linux 5.1 the kernel takes no larger buffer. */
#define LOG_LARGEST ((16u << 20) - 1)
#define LOG_DETAILED (1u << 20)
#define LOG_WORDS (16u << 10)

static int load_with_log(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr), __u32 level,
			 char *log, size_t size)
{
	log[0] = 0;
	attr->log_level = level;
	attr->log_size = size;
	attr->log_buf = (uintptr_t)log;
	return prog_load(attr);
}

/* Puts what the kernel says last behind a log that was too long to hold it. */
static void append_last_words(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr),
			     char *log)
{
	size_t len = strlen(log);

	len += sprintf(log + len, "\n" VERIFIER_LOG_CUT "\n");
	load_with_log(attr, prog_load, 4, log + len, LOG_WORDS);
}

/* Since Linux 6.4 (commit 121664093803, "bpf: Switch BPF verifier log to be a rotating log by
 * default") a log that does not fit lacks its beginning, not what matters most. */
static bool has_end(const char *log)
{
	return strstr(log, "\nprocessed ");
}

static bool grow(char **log, size_t size)
{
	char *grown = realloc(*log, size);

	if (grown)
		*log = grown;
	return grown;
}

static int fetch_readable(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr), bool whole,
			  char **log)
{
	int ret;

	if (!grow(log, LOG_USUAL))
		return -ENOMEM;
	ret = load_with_log(attr, prog_load, 1, *log, LOG_USUAL);
	if (ret != -ENOSPC || (!whole && has_end(*log)))
		return ret;
	if (!grow(log, LOG_LARGEST + sizeof("\n" VERIFIER_LOG_CUT "\n") + LOG_WORDS))
		return -ENOMEM;
	ret = load_with_log(attr, prog_load, 1, *log, LOG_LARGEST);
	if (ret != -ENOSPC || has_end(*log))
		return ret;
	append_last_words(attr, prog_load, *log);
	return ret;
}

/* With the registers, where that is not too long; else what there is stays. */
static int fetch_detailed(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr), char **log,
			  int readable)
{
	char *detailed = malloc(LOG_DETAILED);
	int ret;

	if (!detailed)
		return readable;
	ret = load_with_log(attr, prog_load, 2, detailed, LOG_DETAILED);
	if (ret == -ENOSPC || (ret < 0 && !detailed[0])) {
		free(detailed);
		return readable;
	}
	free(*log);
	*log = detailed;
	return ret;
}

int verifier_fetch(union bpf_attr *attr, int (*prog_load)(union bpf_attr *attr),
		   const struct program *prog, bool whole, char **log)
{
	int ret;

	*log = NULL;
	ret = fetch_readable(attr, prog_load, whole, log);
	if (ret < 0 && ret != -ENOSPC && *log &&
	    !verifier_log_knows_registers(*log, strlen(*log), prog))
		ret = fetch_detailed(attr, prog_load, log, ret);
	return ret;
}
