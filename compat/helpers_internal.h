/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_HELPERS_INTERNAL_H
#define COMPAT_HELPERS_INTERNAL_H

#include "compat/fold_internal.h"
#include "compat/piece.h"

/*
 * What the files share that make up lower_helpers():
 *
 *	lower_helpers.c      which calls have to go, what takes their place, and what is told of it
 *	lower_helpers_put.c  the code that takes it
 *	lower_helpers_str.c  bpf_probe_read_str() byte by byte
 */

enum {
	FUNC_probe_read = 4,
	FUNC_ktime_get_ns = 5,
	FUNC_get_current_pid_tgid = 14,
	FUNC_get_current_task = 35,
	FUNC_probe_read_str = 45,
	FUNC_probe_read_user = 112,
	FUNC_probe_read_kernel = 113,
	FUNC_probe_read_user_str = 114,
	FUNC_probe_read_kernel_str = 115,
	FUNC_get_ns_current_pid_tgid = 120,
	FUNC_ktime_get_boot_ns = 125,
	FUNC_get_current_task_btf = 158,
	FUNC_ktime_get_coarse_ns = 160,
	FUNC_get_func_ip = 173,
	FUNC_get_attach_cookie = 174,
	FUNC_strncmp = 182,
};

struct helpers {
	const struct object *obj;
	struct caps *caps;
	struct program *prog;
	struct plan *plan;
	struct error *err;
	struct edit edit;
	uint32_t *counts; /* by replacement: how many calls */
};

/*
 * Writes into p what takes the place of the call at `at`. false: it cannot take this call's place, and
 * *what says what would have been needed. Errors are put off by p until it is put in.
 */
typedef bool helpers_put(const struct helpers *h, const struct fold *f, uint32_t at,
			 struct piece *p, const char **what);

helpers_put helpers_put_cookie, helpers_put_ns, helpers_put_ip, helpers_put_strncmp,
	helpers_put_read_str;

/* Below all that the function uses: the n-th word of them, from 1; 0 where there is no room. */
int16_t helpers_word(const struct fold *f, uint32_t n);

#endif
