// SPDX-License-Identifier: GPL-2.0
#include "tests/live/attached.h"
#include "tests/live/acts.h"

#include "compat/lower.h"
#include "loader/ledger.h"
#include "util/kernel_version.h"
#include "util/release.h"
#include "util/sys.h"

struct attached subject;

void subject_begin(void)
{
	need_bpf();
	allow_locked_memory();
	memset(&subject, 0, sizeof(subject));
	refuse_calls(NULL, 0);
}

void subject_end(void)
{
	for (size_t i = 0; i < subject.count; i++)
		link_detach(&subject.links[i]);
	if (subject.loaded.object) {
		acts_note(&subject.loaded);
		loaded_fini(&subject.loaded);
	}
	object_fini(&subject.obj);
	caps_fini(&subject.caps);
}

void subject_open(const char *fixture)
{
	char path[512], *data;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, fixture);
	data = read_whole(path, &len);
	ck_assert_msg(data != NULL, "%s", path);
	ck_assert_msg(!object_init(&subject.obj, fixture, data, len, &subject.err), "%s",
		      subject.err.message);
	free(data);
	for (size_t i = 0; i < subject.obj.programs.len; i++)
		subject.obj.programs.at[i].autoload = false;
}

struct program *subject_want(const char *program)
{
	struct program *prog = object_program(&subject.obj, program);

	ck_assert_msg(prog != NULL, "%s", program);
	prog->autoload = true;
	return prog;
}

int subject_try_load(void)
{
	struct load_options options = { 0 };
	struct load_types told;
	int ret;

	ck_assert_int_eq(lower_types(&subject.obj, &subject.caps, &told, &subject.err), 0);
	options.types = &told;
	prepare_load(&subject.obj, &subject.caps, &options);
	ret = load(&subject.loaded, &subject.obj, &options, &subject.err);
	load_types_fini(&told);
	return ret;
}

/* A kernel from before a kind of program loads none of it; one that has it has to. */
static void skip_newer_kinds(void)
{
	for (size_t i = 0; i < subject.obj.programs.len; i++) {
		const struct program *prog = &subject.obj.programs.at[i];

		if (prog->autoload && kernel_version() < (uint32_t)prog->kind->since << 8)
			skip("%s programs, Linux %u.%u", prog->section, LINUX_MAJOR(prog->kind->since),
			     LINUX_MINOR(prog->kind->since));
	}
}

/* Some machines forbid even root what leads functions into programs, and some iterators. */
static void skip_trampolines(void)
{
	for (size_t i = 0; i < subject.obj.programs.len; i++) {
		enum bpf_prog_type type = subject.obj.programs.at[i].kind->type;

		if (subject.obj.programs.at[i].autoload &&
		    (subject.err.code == ERROR_PERMISSION || subject.err.sys == EPERM) &&
		    (type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
		     type == BPF_PROG_TYPE_STRUCT_OPS))
			skip("trampolines: root has to be allowed to use them (%s)", subject.err.message);
	}
}

void subject_load(void)
{
	if (!subject_try_load())
		return;
	skip_newer_kinds();
	skip_trampolines();
	ck_abort_msg("%s\n%.1500s\n%s", subject.err.message, subject.err.detail, subject.err.hint);
}

int subject_try_attach(const char *program, const struct attach_options *options)
{
	struct program *prog = object_program(&subject.obj, program);

	ck_assert_msg(prog != NULL, "%s", program);
	ck_assert_uint_lt(subject.count, 4);
	return link_attach(&subject.links[subject.count++], &subject.loaded,
			   prog - subject.obj.programs.at, options, &subject.err);
}

struct link *subject_attach(const char *program, const struct attach_options *options)
{
	int ret = subject_try_attach(program, options);

	/* Where the type is older than what it can be attached as. */
	if (ret && subject.err.code == ERROR_UNSUPPORTED)
		skip_newer_kinds();
	ck_assert_msg(!ret, "%s\n%s", subject.err.message, subject.err.hint);
	return &subject.links[subject.count - 1];
}

struct link *subject_start(const char *fixture, const char *program,
			   const struct attach_options *options)
{
	subject_open(fixture);
	subject_want(program);
	subject_load();
	return subject_attach(program, options);
}

uint64_t seen(uint32_t key)
{
	uint64_t value = 0;

	ck_assert_int_eq(sys_map_lookup(loaded_map_fd(&subject.loaded, "seen"), &key, &value), 0);
	return value;
}

void set_seen(uint32_t key, uint64_t value)
{
	ck_assert_int_eq(sys_map_update(loaded_map_fd(&subject.loaded, "seen"), &key, &value), 0);
}

void forget_the_dead(void)
{
	const struct ledger_watch nobody = { .ctx = NULL };

	ledger_sweep(&nobody);
}

void need(enum cap cap)
{
	if (caps_ask(&subject.caps, cap) == CAP_NO)
		skip("%s", caps_about(cap));
}

/* ---- the kernel, or less of it ---- */

static const struct refusal *refusals;
static size_t refusals_len;

void refuse_calls(const struct refusal *list, size_t len)
{
	refusals = list;
	refusals_len = len;
}

/* In the place of util/sys_bpf.c. */
int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr, size_t size)
{
	long ret;

	for (size_t i = 0; i < refusals_len; i++)
		if (refusals[i].cmd == cmd && (!refusals[i].attach_flags ||
					       attr->attach_flags & refusals[i].attach_flags))
			return -EINVAL;
	ret = syscall(SYS_bpf, cmd, attr, size);
	return ret < 0 ? -errno : ret;
}
