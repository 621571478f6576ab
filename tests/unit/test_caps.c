// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "btf/btf.h"
#include "util/sys.h"

/*
 * compat/caps*.c once more, with a kernel of this file's making behind it, so that every
 * kernel's answers can be had without that kernel and without privileges.
 */
static int model_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size);
static int model_getrlimit(int resource, struct rlimit *limit);
static int model_prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old);

#define ask_btf model_ask_btf
#define ask_map_btf model_ask_map_btf
#define ask_prog_btf model_ask_prog_btf
#define caps_ask model_caps_ask
#define caps_name model_caps_name
#define caps_about model_caps_about
#define caps_since model_caps_since
#define caps_map model_caps_map
#define caps_program model_caps_program
#define caps_helper model_caps_helper
#define caps_fini model_caps_fini
#define sys_bpf model_bpf
#define getrlimit(resource, limit) model_getrlimit(resource, limit)
#define prlimit(pid, resource, limit, old) model_prlimit(pid, resource, limit, old)
#include "compat/caps.c"
#include "compat/caps_btf.c"
#undef caps_ask
#undef caps_name
#undef caps_about
#undef caps_since
#undef caps_map
#undef caps_program
#undef caps_helper
#undef caps_fini
#undef sys_bpf
#undef getrlimit
#undef prlimit

enum answer caps_ask(struct caps *caps, enum cap cap);
const char *caps_name(enum cap cap);

static struct kernel {
	bool bpf, names, ring, memcg;
	int version;     /* for what it knows of BTF, e.g. 502 for 5.2 */
	bool allowed;    /* the caller has the capabilities */
	int names_errno; /* what it says of a name that it does not know */
	int always;      /* what every call fails with, or 0 */
	rlim_t charged;  /* bytes of locked memory in use */
	struct rlimit limit;
	int calls, maps;
} kernel;

/* The version that brought the type, with its flag and linkage, to kernels. */
static int since(const struct btf *btf, const struct btf_type *t)
{
	bool kflag = BTF_INFO_KFLAG(t->info);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
		return kflag ? 500 : 418;
	case BTF_KIND_ENUM:
		return kflag ? 600 : 418;
	case BTF_KIND_FUNC:
		return btf_vlen(t) == BTF_FUNC_GLOBAL ? 506 : 500;
	case BTF_KIND_FUNC_PROTO:
		return 500;
	case BTF_KIND_DATASEC:
		return *btf_string(btf, t->name_off) == '?' ? 609 : 502;
	case BTF_KIND_VAR:
		return 502;
	case BTF_KIND_FLOAT:
		return 513;
	case BTF_KIND_DECL_TAG:
		return 516;
	case BTF_KIND_TYPE_TAG:
		return 517;
	case BTF_KIND_ENUM64:
		return 600;
	}
	return 418;
}

static int model_btf_load(const union bpf_attr *attr)
{
	struct error err;
	struct btf btf;
	int newest = 418;

	ck_assert_msg(!btf_init(&btf, (void *)(uintptr_t)attr->btf, attr->btf_size, &err), "%s",
		      err.message);
	for (uint32_t id = 1; id < btf_count(&btf); id++) {
		int version = since(&btf, btf_type(&btf, id));

		newest = version > newest ? version : newest;
	}
	btf_fini(&btf);
	return kernel.version < newest ? -EINVAL : dup(STDERR_FILENO);
}

static int model_prog_load(const union bpf_attr *attr)
{
	ck_assert_uint_eq(attr->func_info_cnt, 1);
	ck_assert_uint_eq(attr->func_info_rec_size, 8);
	ck_assert_uint_eq(attr->line_info_cnt, 1);
	ck_assert_uint_eq(attr->line_info_rec_size, 16);
	return kernel.version < 500 ? -E2BIG : dup(STDERR_FILENO);
}

static int model_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	kernel.calls++;
	if (!kernel.bpf)
		return -ENOSYS;
	if (!kernel.allowed)
		return -EPERM;
	if (kernel.always)
		return -kernel.always;
	if (cmd == BPF_BTF_LOAD)
		return model_btf_load(attr);
	if (cmd == BPF_PROG_LOAD)
		return model_prog_load(attr);
	ck_assert_int_eq(cmd, BPF_MAP_CREATE);
	if (attr->btf_value_type_id && kernel.version < 418)
		return -EINVAL;
	if (attr->map_name[0] && !kernel.names)
		return -kernel.names_errno;
	if (attr->map_type == BPF_MAP_TYPE_UNSPEC ||
	    (attr->map_type == BPF_MAP_TYPE_RINGBUF && !kernel.ring))
		return -EINVAL;
	if (attr->map_type == BPF_MAP_TYPE_RINGBUF)
		ck_assert_uint_eq(attr->max_entries, sysconf(_SC_PAGESIZE));
	if (!kernel.memcg && kernel.charged + 4096 > kernel.limit.rlim_cur)
		return -EPERM;
	kernel.maps++;
	return dup(STDERR_FILENO);
}

static int model_getrlimit(int resource, struct rlimit *limit)
{
	ck_assert_int_eq(resource, RLIMIT_MEMLOCK);
	*limit = kernel.limit;
	return 0;
}

static int model_prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)
{
	ck_assert(!pid && !old);
	ck_assert_int_eq(resource, RLIMIT_MEMLOCK);
	ck_assert_uint_eq(limit->rlim_max, kernel.limit.rlim_max);
	ck_assert(limit->rlim_cur <= limit->rlim_max);
	kernel.limit = *limit;
	return 0;
}

/* A kernel of today, as root sees it. */
static struct caps new_kernel(void)
{
	kernel = (struct kernel){ .bpf = true, .names = true, .ring = true, .memcg = true,
				  .version = 700, .allowed = true, .names_errno = E2BIG,
				  .limit = { 65536, 65536 } };
	return (struct caps){ 0 };
}

static void expect(struct caps *caps, enum cap cap, enum answer answer, int sys)
{
	ck_assert_int_eq(model_caps_ask(caps, cap), answer);
	ck_assert_int_eq(caps->at[cap].answer, answer);
	ck_assert_int_eq(caps->at[cap].sys, sys);
}

static void expect_ring(struct caps *caps, enum answer answer, int sys)
{
	ck_assert_int_eq(model_caps_map(caps, BPF_MAP_TYPE_RINGBUF), answer);
	ck_assert_int_eq(caps->maps[BPF_MAP_TYPE_RINGBUF].answer, answer);
	ck_assert_int_eq(caps->maps[BPF_MAP_TYPE_RINGBUF].sys, sys);
}

START_TEST(a_new_kernel_can_do_everything)
{
	struct caps caps = new_kernel();

	expect(&caps, CAP_BPF, CAP_YES, EINVAL);
	for (int cap = CAP_BPF + 1; cap < CAP_COUNT; cap++)
		if (table[cap].ask != ask_nothing)
			expect(&caps, cap, CAP_YES, 0);
	expect_ring(&caps, CAP_YES, 0);
}
END_TEST

START_TEST(no_ring_buffer_is_a_no)
{
	struct caps caps = new_kernel();

	kernel.ring = false;
	expect_ring(&caps, CAP_NO, EINVAL);
}
END_TEST

START_TEST(a_name_that_is_refused_is_a_no_whatever_the_errno)
{
	struct caps caps = new_kernel();

	kernel.names = false;
	expect(&caps, CAP_NAMES, CAP_NO, E2BIG);
	caps = (struct caps){ 0 };
	kernel.names_errno = EINVAL;
	expect(&caps, CAP_NAMES, CAP_NO, EINVAL);
}
END_TEST

START_TEST(a_map_that_fails_without_the_name_too_leaves_names_unknown)
{
	struct caps caps = new_kernel();

	kernel.always = EINVAL;
	expect(&caps, CAP_NAMES, CAP_UNKNOWN, EINVAL);
}
END_TEST

START_TEST(a_kernel_that_charges_the_limit_is_found_and_the_limit_restored)
{
	struct caps caps = new_kernel();

	kernel.memcg = false;
	kernel.limit.rlim_max = RLIM_INFINITY;
	expect(&caps, CAP_MEMCG, CAP_NO, EPERM);
	ck_assert_uint_eq(kernel.limit.rlim_cur, 65536);
	ck_assert(kernel.limit.rlim_max == RLIM_INFINITY);
}
END_TEST

START_TEST(a_used_up_soft_limit_does_not_hide_that_it_is_charged)
{
	struct caps caps = new_kernel();

	kernel.memcg = false;
	kernel.charged = 65536;
	kernel.limit.rlim_max = 1 << 20;
	expect(&caps, CAP_MEMCG, CAP_NO, EPERM);
	ck_assert_uint_eq(kernel.limit.rlim_cur, 65536);
}
END_TEST

START_TEST(a_used_up_hard_limit_leaves_it_unknown)
{
	struct caps caps = new_kernel();

	kernel.memcg = false;
	kernel.charged = 65536;
	expect(&caps, CAP_MEMCG, CAP_UNKNOWN, EPERM);
	expect_ring(&caps, CAP_UNKNOWN, EPERM);
}
END_TEST

START_TEST(no_bpf_is_a_no_to_everything_and_asked_once)
{
	struct caps caps = new_kernel();

	kernel.bpf = false;
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++)
		if (table[cap].ask != ask_nothing)
			expect(&caps, cap, CAP_NO, ENOSYS);
	ck_assert_int_eq(kernel.calls, 1);
}
END_TEST

START_TEST(no_permission_is_unknown_to_everything)
{
	struct caps caps = new_kernel();

	kernel.allowed = false;
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++)
		if (table[cap].ask != ask_nothing)
			expect(&caps, cap, CAP_UNKNOWN, EPERM);
}
END_TEST

START_TEST(no_memory_is_unknown)
{
	struct caps caps = new_kernel();

	kernel.always = ENOMEM;
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++)
		if (table[cap].ask != ask_nothing)
			expect(&caps, cap, CAP_UNKNOWN, ENOMEM);
}
END_TEST

START_TEST(an_answer_is_kept_but_unknown_is_asked_again)
{
	struct caps caps = new_kernel();
	int calls;

	kernel.allowed = false;
	expect_ring(&caps, CAP_UNKNOWN, EPERM);
	kernel.allowed = true;
	expect_ring(&caps, CAP_YES, 0);
	calls = kernel.calls;
	kernel.ring = false;
	expect_ring(&caps, CAP_YES, 0);
	ck_assert_int_eq(kernel.calls, calls);
}
END_TEST

/* Each asked alone, of every kernel that brought some of them. */
START_TEST(every_kernel_knows_the_types_that_it_brought_and_older_ones)
{
	static const int brought[] = {
		[CAP_BTF] = 418, [CAP_BTF_KFLAG] = 500, [CAP_BTF_FUNC] = 500,
		[CAP_BTF_DATASEC] = 502, [CAP_BTF_FUNC_GLOBAL] = 506, [CAP_BTF_FLOAT] = 513,
		[CAP_BTF_DECL_TAG] = 516, [CAP_BTF_TYPE_TAG] = 517, [CAP_BTF_ENUM64] = 600,
		[CAP_BTF_ENUM_SIGN] = 600, [CAP_BTF_SECTION_NAME] = 609, [CAP_MAP_BTF] = 418,
		[CAP_PROG_BTF] = 500,
	};
	static const int versions[] = { 417, 418, 500, 502, 506, 513, 516, 517, 600, 609 };
	int version = versions[_i];

	for (int cap = CAP_BTF; cap < CAP_COUNT; cap++) {
		struct caps caps = new_kernel();

		kernel.version = version;
		if (version >= brought[cap])
			expect(&caps, cap, CAP_YES, 0);
		else
			expect(&caps, cap, CAP_NO, EINVAL);
	}
}
END_TEST

START_TEST(a_yes_answers_what_it_needs_as_well)
{
	struct caps caps = new_kernel();
	int calls;

	expect(&caps, CAP_PROG_BTF, CAP_YES, 0);
	calls = kernel.calls;
	expect(&caps, CAP_BTF_FUNC, CAP_YES, 0);
	expect(&caps, CAP_BTF, CAP_YES, 0);
	expect(&caps, CAP_BPF, CAP_YES, 0);
	ck_assert_int_eq(kernel.calls, calls);
}
END_TEST

START_TEST(a_no_answers_what_needs_it_as_well)
{
	struct caps caps = new_kernel();
	int calls;

	kernel.version = 417;
	expect(&caps, CAP_BTF, CAP_NO, EINVAL);
	calls = kernel.calls;
	for (int cap = CAP_BTF + 1; cap < CAP_COUNT; cap++)
		if (table[cap].ask != ask_nothing)
			expect(&caps, cap, CAP_NO, EINVAL);
	ck_assert_int_eq(kernel.calls, calls);
}
END_TEST

/* The real questions put to the real kernel by somebody who may not. */
static int ask_as_nobody(void)
{
	struct rlimit before, after;
	struct caps caps = { 0 };

	if (getuid() == 0 && setuid(65534))
		return 1;
	getrlimit(RLIMIT_MEMLOCK, &before);
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++) {
		enum answer answer = caps_ask(&caps, cap);

		if (answer != CAP_YES && answer != CAP_NO && answer != CAP_UNKNOWN)
			return 2;
		if (answer == CAP_NO && caps.at[cap].sys == EPERM && cap != CAP_MEMCG)
			return 3;
		if (answer == CAP_UNKNOWN && !caps.at[cap].sys)
			return 4;
	}
	getrlimit(RLIMIT_MEMLOCK, &after);
	return memcmp(&before, &after, sizeof(before)) ? 5 : 0;
}

START_TEST(the_kernel_at_hand_answers_without_privileges_and_keeps_the_limit)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (!pid)
		_exit(ask_as_nobody());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(every_capability_has_a_name)
{
	ck_assert_str_eq(caps_name(CAP_BPF), "bpf");
	ck_assert_str_eq(caps_name(CAP_NAMES), "names");
	ck_assert_str_eq(caps_name(CAP_MEMCG), "memcg");
	for (int cap = 0; cap < CAP_COUNT; cap++)
		for (int other = 0; other < cap; other++)
			ck_assert_str_ne(caps_name(cap), caps_name(other));
	ck_assert_str_eq(model_caps_name(CAP_MEMCG), "memcg");
}
END_TEST

Suite *caps_suite(void);
Suite *caps_suite(void)
{
	Suite *suite = suite_create("caps");
	TCase *tc = tcase_create("caps");

	tcase_add_test(tc, a_new_kernel_can_do_everything);
	tcase_add_test(tc, no_ring_buffer_is_a_no);
	tcase_add_test(tc, a_name_that_is_refused_is_a_no_whatever_the_errno);
	tcase_add_test(tc, a_map_that_fails_without_the_name_too_leaves_names_unknown);
	tcase_add_test(tc, a_kernel_that_charges_the_limit_is_found_and_the_limit_restored);
	tcase_add_test(tc, a_used_up_soft_limit_does_not_hide_that_it_is_charged);
	tcase_add_test(tc, a_used_up_hard_limit_leaves_it_unknown);
	tcase_add_test(tc, no_bpf_is_a_no_to_everything_and_asked_once);
	tcase_add_test(tc, no_permission_is_unknown_to_everything);
	tcase_add_test(tc, no_memory_is_unknown);
	tcase_add_test(tc, an_answer_is_kept_but_unknown_is_asked_again);
	tcase_add_loop_test(tc, every_kernel_knows_the_types_that_it_brought_and_older_ones, 0, 10);
	tcase_add_test(tc, a_yes_answers_what_it_needs_as_well);
	tcase_add_test(tc, a_no_answers_what_needs_it_as_well);
	tcase_add_test(tc, the_kernel_at_hand_answers_without_privileges_and_keeps_the_limit);
	tcase_add_test(tc, every_capability_has_a_name);
	suite_add_tcase(suite, tc);
	return suite;
}
