// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "btf/btf.h"
#include "compat/caps_internal.h"
#include "util/privilege.h"
#include "util/sys.h"

/*
 * The unit tests' bpf(2), in the place of util/sys_bpf.c: while `kernel` is on, a kernel of this
 * file's making, so that every kernel's answers can be had without that kernel and without
 * privileges; else the one at hand.
 */
static struct kernel {
	bool on;
	bool bpf, names, ring, memcg;
	int version;     /* for what it knows of BTF, e.g. 502 for 5.2 */
	bool allowed;    /* the caller has the capabilities */
	int names_errno; /* what it says of a name that it does not know */
	int always;      /* what every call fails with, or 0 */
	rlim_t charged;  /* bytes of locked memory in use */
	struct rlimit limit;
	int calls, maps;
	uint32_t last_map, unknown_flags; /* newer map types and flags are not known; 0: all are */
	bool unknown_commands;            /* all but maps, programs and BTF */
	int refuse;       /* so many programs from now on are refused, */
	int refusal;      /* with this errno, */
	const char *says; /* and this in the log */
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
	if (kernel.refuse) {
		kernel.refuse--;
		if (kernel.says && attr->log_buf)
			snprintf((char *)(uintptr_t)attr->log_buf, attr->log_size, "%s", kernel.says);
		return -kernel.refusal;
	}
	if (attr->func_info_cnt) {
		ck_assert_uint_eq(attr->func_info_rec_size, 8);
		ck_assert_uint_eq(attr->line_info_cnt, attr->func_info_cnt);
		ck_assert_uint_eq(attr->line_info_rec_size, 16);
		if (kernel.version < 500)
			return -E2BIG;
	}
	return dup(STDERR_FILENO);
}

/* What the kernel holds against a map of a type that it knows. */
static bool is_well_formed(const union bpf_attr *attr)
{
	bool storage = false, keyless = false, sized_by_page = false, none = false;

	switch (attr->map_type) {
	case 19:
	case 21:
		return attr->key_size == 16 && attr->value_size && !attr->max_entries;
	case 22:
	case 23:
	case 30:
		keyless = true;
		break;
	case 24:
	case 28:
	case 29:
	case 32:
		storage = true;
		break;
	case 27:
	case 31:
		sized_by_page = true;
		break;
	case 33:
		none = true;
		break;
	}
	if (storage)
		return attr->map_flags == BPF_F_NO_PREALLOC && !attr->max_entries &&
		       attr->key_size == 4 && attr->btf_key_type_id == 1 && attr->btf_value_type_id == 1;
	if (sized_by_page)
		return !attr->key_size && !attr->value_size &&
		       attr->max_entries == (uint32_t)sysconf(_SC_PAGESIZE);
	if (none)
		return !attr->key_size && !attr->value_size && attr->map_flags == 1u << 10;
	if (attr->map_type == 12 || attr->map_type == 13)
		return attr->inner_map_fd > 0 && attr->max_entries;
	return (keyless ? !attr->key_size : attr->key_size >= 4) && attr->value_size >= 4 &&
	       attr->max_entries;
}

static int model_map_create(const union bpf_attr *attr)
{
	if (attr->btf_value_type_id && kernel.version < 418)
		return -EINVAL;
	if (attr->map_name[0] && !kernel.names)
		return -kernel.names_errno;
	if (attr->map_type == BPF_MAP_TYPE_UNSPEC ||
	    (attr->map_type == BPF_MAP_TYPE_RINGBUF && !kernel.ring) ||
	    (kernel.last_map && attr->map_type > kernel.last_map) ||
	    (attr->map_flags & kernel.unknown_flags))
		return -EINVAL;
	if (attr->map_type == BPF_MAP_TYPE_STRUCT_OPS && attr->btf_vmlinux_value_type_id == 1)
		return -524;
	ck_assert_msg(is_well_formed(attr), "map type %u", attr->map_type);
	if (!kernel.memcg && kernel.charged + 4096 > kernel.limit.rlim_cur)
		return -EPERM;
	kernel.maps++;
	return dup(STDERR_FILENO);
}

static int model_link_create(const union bpf_attr *attr)
{
	uint32_t type = attr->link_create.attach_type;

	if (kernel.unknown_commands)
		return -EINVAL;
	return type == 42 || type == 48 ? -EFAULT : -EBADF;
}

static int model_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	kernel.calls++;
	if (!kernel.bpf)
		return -ENOSYS;
	if (!kernel.allowed)
		return -EPERM;
	if (kernel.always)
		return -kernel.always;
	switch (cmd) {
	case BPF_BTF_LOAD:
		return model_btf_load(attr);
	case BPF_PROG_LOAD:
		return model_prog_load(attr);
	case BPF_MAP_CREATE:
		return model_map_create(attr);
	case BPF_LINK_CREATE:
		return model_link_create(attr);
	case BPF_MAP_FREEZE:
	case BPF_PROG_TEST_RUN:
		return kernel.unknown_commands ? -EINVAL : -EBADF;
	case BPF_RAW_TRACEPOINT_OPEN:
		if (kernel.unknown_commands)
			return -EINVAL;
		return attr->raw_tracepoint.name ? -ENOENT : dup(STDERR_FILENO);
	default:
		ck_abort_msg("bpf(2): command %d", cmd);
	}
}

int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	long ret;

	if (kernel.on)
		return model_bpf(cmd, attr);
	ret = syscall(SYS_bpf, cmd, attr, size);
	return ret < 0 ? -errno : ret;
}

/* In the place of libc's, for the same while. */
int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit,
	    struct rlimit *old)
{
	if (!kernel.on)
		return syscall(SYS_prlimit64, pid, resource, limit, old);
	ck_assert(!pid && !old);
	ck_assert_int_eq(resource, RLIMIT_MEMLOCK);
	ck_assert_uint_eq(limit->rlim_max, kernel.limit.rlim_max);
	ck_assert(limit->rlim_cur <= limit->rlim_max);
	kernel.limit = *limit;
	return 0;
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	if (!kernel.on)
		return syscall(SYS_prlimit64, 0, resource, NULL, limit);
	ck_assert_int_eq(resource, RLIMIT_MEMLOCK);
	*limit = kernel.limit;
	return 0;
}

/* A kernel of today, as root sees it; the ids of its types are known already. */
static struct caps new_kernel(void)
{
	struct caps caps = { .ids_known = true };

	kernel = (struct kernel){ .on = true, .bpf = true, .names = true, .ring = true,
				  .memcg = true, .version = 700, .allowed = true,
				  .names_errno = E2BIG, .limit = { 65536, 65536 } };
	for (int i = 0; i < CAPS_IDS; i++)
		caps.ids[i] = 100 + i;
	return caps;
}

/* What is asked of files, not of bpf(2) alone. */
static bool is_asked_elsewhere(enum cap cap)
{
	switch (cap) {
	case CAP_EVENT_SHARED:
	case CAP_SYSCALL_EVENTS:
	case CAP_KPROBE_EVENTS:
	case CAP_UPROBE_EVENTS:
	case CAP_KPROBE_PMU:
	case CAP_UPROBE_PMU:
		return true;
	default:
		return false;
	}
}

static void expect(struct caps *caps, enum cap cap, enum answer answer, int sys)
{
	ck_assert_int_eq(caps_ask(caps, cap), answer);
	ck_assert_int_eq(caps->at[cap].answer, answer);
	ck_assert_int_eq(caps->at[cap].sys, sys);
}

static void expect_ring(struct caps *caps, enum answer answer, int sys)
{
	ck_assert_int_eq(caps_map(caps, BPF_MAP_TYPE_RINGBUF), answer);
	ck_assert_int_eq(caps->maps[BPF_MAP_TYPE_RINGBUF].answer, answer);
	ck_assert_int_eq(caps->maps[BPF_MAP_TYPE_RINGBUF].sys, sys);
}

START_TEST(a_new_kernel_can_do_everything)
{
	struct caps caps = new_kernel();

	expect(&caps, CAP_BPF, CAP_YES, EINVAL);
	for (int cap = CAP_BPF + 1; cap < CAP_COUNT; cap++)
		if (!is_asked_elsewhere(cap))
			ck_assert_msg(caps_ask(&caps, cap) == CAP_YES, "%s", caps_name(cap));
	for (uint32_t type = 1; type <= 35; type++)
		ck_assert_msg(caps_map(&caps, type) == CAP_YES, "map type %u", type);
	for (uint32_t type = 1; type <= 32; type++)
		ck_assert_msg(caps_program(&caps, type) == CAP_YES, "program type %u", type);
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
		if (!is_asked_elsewhere(cap))
			expect(&caps, cap, CAP_NO, ENOSYS);
	ck_assert_int_eq(kernel.calls, 1);
}
END_TEST

START_TEST(no_permission_is_unknown_to_everything)
{
	struct caps caps = new_kernel();

	kernel.allowed = false;
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++)
		if (!is_asked_elsewhere(cap))
			expect(&caps, cap, CAP_UNKNOWN, EPERM);
}
END_TEST

START_TEST(no_memory_is_unknown)
{
	struct caps caps = new_kernel();

	kernel.always = ENOMEM;
	for (int cap = CAP_BPF; cap < CAP_COUNT; cap++)
		if (!is_asked_elsewhere(cap))
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

	for (int cap = CAP_BTF; cap <= CAP_PROG_BTF; cap++) {
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
		if (!is_asked_elsewhere(cap))
			expect(&caps, cap, CAP_NO, EINVAL);
	ck_assert_int_eq(kernel.calls, calls);
}
END_TEST

/* ---- a no is due to what is asked ---- */

/* Asked by two programs of which only the first has what is asked about. */
static const enum cap pairs[] = {
	CAP_JLT, CAP_JMP32, CAP_ALU32, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV,
	CAP_GOTOL, CAP_MAY_GOTO, CAP_LOAD_ACQUIRE, CAP_LARGE, CAP_CALLS, CAP_LOOPS, CAP_GLOBAL_DATA,
	CAP_FUNC_POINTER, CAP_KFUNCS, CAP_SLEEPABLE, CAP_MEMORY_MAP, CAP_MEMORY_SIZE,
	CAP_MEMORY_ZERO, CAP_KEY_MAP, CAP_ANY_VERSION, CAP_ATTACH_TYPE,
};
#define PAIRS (int)(sizeof(pairs) / sizeof(*pairs))

/* The type that carries the programs is asked before, so that it is not one of those refused. */
static struct caps refusing_kernel(int programs, int sys)
{
	struct caps caps = new_kernel();

	caps_program(&caps, BPF_PROG_TYPE_TRACEPOINT);
	kernel.refuse = programs;
	kernel.refusal = sys;
	return caps;
}

START_TEST(a_program_that_only_loads_without_it_is_a_no)
{
	struct caps caps = refusing_kernel(1, EINVAL);

	expect(&caps, pairs[_i], CAP_NO, EINVAL);
	caps = refusing_kernel(1, E2BIG);
	expect(&caps, pairs[_i], CAP_NO, E2BIG);
}
END_TEST

START_TEST(a_program_that_does_not_load_without_it_either_leaves_it_unknown)
{
	struct caps caps = refusing_kernel(100, EINVAL);

	caps.programs[BPF_PROG_TYPE_TRACEPOINT].answer = CAP_NOT_ASKED;
	ck_assert_msg(caps_ask(&caps, pairs[_i]) == CAP_UNKNOWN, "%s", caps_name(pairs[_i]));
	ck_assert_int_ne(caps.at[pairs[_i]].sys, 0);
}
END_TEST

START_TEST(a_program_that_may_not_be_loaded_leaves_it_unknown)
{
	struct caps caps = refusing_kernel(100, EPERM);

	expect(&caps, pairs[_i], CAP_UNKNOWN, EPERM);
	caps = refusing_kernel(1, ENOMEM);
	expect(&caps, pairs[_i], CAP_UNKNOWN, ENOMEM);
}
END_TEST

START_TEST(a_kernel_function_that_programs_may_not_call_says_that_others_may)
{
	struct caps caps = refusing_kernel(1, EACCES);

	expect(&caps, CAP_KFUNCS, CAP_YES, EACCES);
}
END_TEST

START_TEST(a_word_of_the_verifier_says_that_sleepable_is_known)
{
	struct caps caps = refusing_kernel(1, EINVAL);

	kernel.says = "Only fentry/fexit/fmod_ret and lsm programs can be sleepable\n";
	expect(&caps, CAP_SLEEPABLE, CAP_YES, EINVAL);
}
END_TEST

START_TEST(commands_that_look_at_the_descriptor_are_known)
{
	static const enum cap commands[] = { CAP_FREEZE, CAP_PROG_RUN, CAP_LINK, CAP_PERF_LINK };
	struct caps caps = new_kernel();

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		expect(&caps, commands[i], CAP_YES, caps.at[commands[i]].answer ? 0 : EBADF);
	caps = new_kernel();
	kernel.unknown_commands = true;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		expect(&caps, commands[i], CAP_NO, EINVAL);
	expect(&caps, CAP_RAW_TRACEPOINT, CAP_NO, EINVAL);
	expect(&caps, CAP_KPROBE_MULTI, CAP_NO, EINVAL);
	expect(&caps, CAP_TRAMPOLINE, CAP_NO, EINVAL);
}
END_TEST

START_TEST(flags_of_maps_are_told_from_the_maps)
{
	struct caps caps = new_kernel();

	kernel.unknown_flags = BPF_F_NO_PREALLOC | 1u << 10 | 1u << 7;
	expect(&caps, CAP_NO_PREALLOC, CAP_NO, EINVAL);
	expect(&caps, CAP_MMAPABLE, CAP_NO, EINVAL);
	expect(&caps, CAP_GLOBAL_DATA, CAP_NO, EINVAL);
}
END_TEST

/* ---- by number ---- */

START_TEST(map_types_up_to_the_last_are_known)
{
	struct caps caps = new_kernel();

	kernel.last_map = 18; /* as 4.18 */
	for (uint32_t type = 1; type <= 35; type++)
		ck_assert_msg(caps_map(&caps, type) == (type <= 18 ? CAP_YES : CAP_NO), "%u", type);
}
END_TEST

START_TEST(a_map_type_that_is_newer_than_the_table_is_never_a_no)
{
	struct caps caps = new_kernel();

	kernel.last_map = 35;
	ck_assert_int_eq(caps_map(&caps, 40), CAP_UNKNOWN);
	ck_assert_int_eq(caps.maps[40].sys, EINVAL);
	ck_assert_int_eq(caps_map(&caps, 64), CAP_UNKNOWN);
	ck_assert_int_eq(caps_map(&caps, UINT32_MAX), CAP_UNKNOWN);
}
END_TEST

START_TEST(storages_are_a_no_without_btf)
{
	struct caps caps = new_kernel();

	kernel.version = 417;
	ck_assert_int_eq(caps_map(&caps, 24), CAP_NO);
	ck_assert_int_eq(caps_map(&caps, 29), CAP_NO);
}
END_TEST

START_TEST(what_takes_the_kernels_types_is_a_no_where_it_has_none)
{
	struct caps caps = new_kernel();

	caps.ids_errno = ENOENT;
	ck_assert_int_eq(caps_map(&caps, BPF_MAP_TYPE_STRUCT_OPS), CAP_NO);
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_TRACING), CAP_NO);
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_LSM), CAP_NO);
	expect(&caps, CAP_TRACING, CAP_NO, ENOENT);
	expect(&caps, CAP_TRAMPOLINE, CAP_NO, ENOENT);
	expect(&caps, CAP_KFUNCS, CAP_NO, ENOENT);
}
END_TEST

START_TEST(a_program_type_is_known_where_the_verifier_speaks_of_it)
{
	struct caps caps = refusing_kernel(1, EINVAL);

	kernel.says = "Cannot replace kernel functions\n";
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_EXT), CAP_YES);
	caps = refusing_kernel(1, EINVAL);
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_EXT), CAP_NO);
	caps = refusing_kernel(1, EPERM);
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_EXT), CAP_UNKNOWN);
}
END_TEST

START_TEST(kprobe_programs_that_are_refused_beside_tracepoint_ones_are_unknown)
{
	struct caps caps = refusing_kernel(1, EINVAL);

	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_KPROBE), CAP_UNKNOWN);
	caps = refusing_kernel(100, EINVAL);
	caps.programs[BPF_PROG_TYPE_TRACEPOINT].answer = CAP_NOT_ASKED;
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_KPROBE), CAP_NO);
}
END_TEST

/* ---- helpers ---- */

static const struct {
	const char *log;
	int sys;
	enum answer answer;
} verdicts[] = {
	{ "", 0, CAP_YES },
	{ "0: (85) call 51\nR2 !read_ok\n", EACCES, CAP_YES },
	{ "0: (85) call 999\ninvalid func 999\n", EINVAL, CAP_NO },
	{ "0: (85) call unknown#999\ninvalid func unknown#999\n", EINVAL, CAP_NO },
	{ "0: (85) call 82\nunknown func 82\n", EINVAL, CAP_NO },
	{ "unknown func bpf_bind#64\n", EINVAL, CAP_NO },
	{ "program of this type cannot use helper bpf_bind#64\n", EINVAL, CAP_NO },
	{ "helper call might sleep in a non-sleepable prog\n", EINVAL, CAP_NO },
	{ "helper call is not allowed in probe\n", EINVAL, CAP_NO },
	{ "sleepable helper bpf_copy_from_user#148 in non-sleepable prog\n", EINVAL, CAP_NO },
	{ "0: R1=ctx() R10=fp0\n0: (85) call bpf_set_retval#187\nR1 is not a scalar\n", EINVAL,
	  CAP_YES },
	{ "0: R1=ctx() R10=fp0\nwords of a verifier that is yet to come\n", EINVAL, CAP_UNKNOWN },
	{ "", EINVAL, CAP_UNKNOWN },
	{ "", EACCES, CAP_UNKNOWN },
	{ "", ENOMEM, CAP_UNKNOWN },
};
#define VERDICTS (int)(sizeof(verdicts) / sizeof(*verdicts))

/* As nobody, every no is unknown: the kernel hides helpers from who may not use them. */
START_TEST(what_the_verifier_says_of_the_call_tells_whether_the_helper_is_known)
{
	struct caps caps = refusing_kernel(verdicts[_i].sys ? 100 : 0, verdicts[_i].sys);
	enum answer expected = verdicts[_i].answer;

	caps.programs[BPF_PROG_TYPE_XDP] = (struct cap_answer){ CAP_YES, 0 };
	kernel.says = verdicts[_i].log;
	if (expected == CAP_NO && !privilege_has(PRIVILEGE_SYS_ADMIN))
		expected = CAP_UNKNOWN;
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, 51), expected);
	caps_fini(&caps);
}
END_TEST

START_TEST(a_helper_of_another_shape_of_the_type_is_a_yes)
{
	struct caps caps = refusing_kernel(1, EINVAL);

	caps.programs[BPF_PROG_TYPE_TRACING] = (struct cap_answer){ CAP_YES, 0 };
	kernel.says = "unknown func bpf_seq_printf#126\n";
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_TRACING, 126), CAP_YES);
	caps_fini(&caps);
}
END_TEST

START_TEST(programs_that_there_are_not_have_no_helpers)
{
	struct caps caps = refusing_kernel(100, EINVAL);

	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, 1), CAP_NO);
	ck_assert_int_eq(caps.helpers[BPF_PROG_TYPE_XDP][1].sys, EINVAL);
	ck_assert_int_eq(caps_helper(&caps, CAPS_TYPES, 1), CAP_UNKNOWN);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, CAPS_HELPERS), CAP_UNKNOWN);
	caps_fini(&caps);
}
END_TEST

START_TEST(stored_answers_are_not_asked_again_and_the_others_are_unknown)
{
	struct caps caps = new_kernel();

	caps.stored = true;
	caps.at[CAP_NAMES] = (struct cap_answer){ CAP_UNKNOWN, EPERM };
	caps.programs[BPF_PROG_TYPE_KPROBE] = (struct cap_answer){ CAP_YES, 0 };
	expect(&caps, CAP_NAMES, CAP_UNKNOWN, EPERM);
	expect(&caps, CAP_JLT, CAP_UNKNOWN, ENODATA);
	expect_ring(&caps, CAP_UNKNOWN, ENODATA);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_KPROBE, 4), CAP_UNKNOWN);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, 4), CAP_UNKNOWN);
	ck_assert_int_eq(kernel.calls, 0);
	caps_fini(&caps);
}
END_TEST

/* The real questions put to the real kernel by somebody who may not. */
static int ask_as_nobody(void)
{
	struct rlimit before, after;
	struct caps caps = { .stored = false };

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
	ck_assert_str_eq(caps_name(CAP_MEMCG), "memcg");
}
END_TEST

Suite *caps_suite(void);
START_TEST(the_machine_is_known_without_a_question)
{
	struct caps here = { .stored = false }, stored = { .stored = true };
	struct utsname names;

	ck_assert_int_eq(uname(&names), 0);
	ck_assert_str_eq(caps_machine(&here), names.machine);
	ck_assert_str_eq(caps_machine(&stored), "");
	strcpy(stored.machine, "s390x");
	ck_assert_str_eq(caps_machine(&stored), "s390x");
}
END_TEST

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
	tcase_add_loop_test(tc, a_program_that_only_loads_without_it_is_a_no, 0, PAIRS);
	tcase_add_loop_test(tc, a_program_that_does_not_load_without_it_either_leaves_it_unknown, 0,
			    PAIRS);
	tcase_add_loop_test(tc, a_program_that_may_not_be_loaded_leaves_it_unknown, 0, PAIRS);
	tcase_add_test(tc, a_kernel_function_that_programs_may_not_call_says_that_others_may);
	tcase_add_test(tc, a_word_of_the_verifier_says_that_sleepable_is_known);
	tcase_add_test(tc, commands_that_look_at_the_descriptor_are_known);
	tcase_add_test(tc, flags_of_maps_are_told_from_the_maps);
	tcase_add_test(tc, map_types_up_to_the_last_are_known);
	tcase_add_test(tc, a_map_type_that_is_newer_than_the_table_is_never_a_no);
	tcase_add_test(tc, storages_are_a_no_without_btf);
	tcase_add_test(tc, what_takes_the_kernels_types_is_a_no_where_it_has_none);
	tcase_add_test(tc, a_program_type_is_known_where_the_verifier_speaks_of_it);
	tcase_add_test(tc, kprobe_programs_that_are_refused_beside_tracepoint_ones_are_unknown);
	tcase_add_loop_test(tc, what_the_verifier_says_of_the_call_tells_whether_the_helper_is_known,
			    0, VERDICTS);
	tcase_add_test(tc, a_helper_of_another_shape_of_the_type_is_a_yes);
	tcase_add_test(tc, programs_that_there_are_not_have_no_helpers);
	tcase_add_test(tc, stored_answers_are_not_asked_again_and_the_others_are_unknown);
	tcase_add_test(tc, the_kernel_at_hand_answers_without_privileges_and_keeps_the_limit);
	tcase_add_test(tc, every_capability_has_a_name);
	tcase_add_test(tc, the_machine_is_known_without_a_question);
	suite_add_tcase(suite, tc);
	return suite;
}
