// SPDX-License-Identifier: GPL-2.0
/* What the running kernel knows of an object's types after loading, read back from it. */
#include "tests/live/harness.h"

#include "compat/insn.h"
#include "compat/lower.h"
#include "loader/load.h"
#include "tests/unit/btf_kinds.h"
#include "util/sys.h"

Suite *load_types_suite(void);

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct load_types types;
static struct load_options options = { .names = true, .types = &types };
static struct btf kernel; /* as the kernel gives the object's BTF back */
static void *blob;
static char *source; /* of the fixture */

static char *read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	ck_assert_msg(fd >= 0 && !fstat(fd, &st), "%s: %s", path, strerror(errno));
	data = calloc(1, st.st_size + 1);
	ck_assert_int_eq(sys_read(fd, data, st.st_size), st.st_size);
	close(fd);
	return data;
}

static void open_fixture(const char *name)
{
	char path[512], *data;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	ck_assert_int_eq(stat(path, &st), 0);
	data = read_all(path);
	ck_assert_msg(!object_init(&obj, name, data, st.st_size, &err), "%s", err.message);
	free(data);
	snprintf(path, sizeof(path), "%s/tests/fixtures/%s.bpf.c", SOURCE, name);
	source = read_all(path);
}

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	error_clear(&err);
	memset(&types, 0, sizeof(types));
	memset(&loaded, 0, sizeof(loaded));
	memset(&kernel, 0, sizeof(kernel));
	blob = source = NULL;
}

static void end(void)
{
	load_types_fini(&types);
	if (loaded.object)
		loaded_fini(&loaded);
	object_fini(&obj);
	btf_fini(&kernel);
	free(blob);
	free(source);
}

static void lower_it(void)
{
	struct caps caps = { 0 };

	ck_assert_msg(!lower_types(&obj, &caps, &types, &err), "%s", err.message);
	if (caps.at[CAP_PROG_BTF].answer != CAP_YES)
		skip("types of programs (needs 5.0)");
}

static void load_it(void)
{
	ck_assert_msg(!load(&loaded, &obj, &options, &err), "%s\n%.1500s", err.message, err.detail);
}

/* The BTF of that id as a tool would read it, into kernel. */
static void read_btf(uint32_t id)
{
	struct bpf_btf_info info = { 0 };
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.btf_id = id;
	fd = sys_bpf(BPF_BTF_GET_FD_BY_ID, &attr, sizeof(attr));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sys_bpf_info(fd, &info, sizeof(info)), 0);
	blob = calloc(1, info.btf_size);
	info = (struct bpf_btf_info){ .btf = (uintptr_t)blob, .btf_size = info.btf_size };
	ck_assert_int_eq(sys_bpf_info(fd, &info, sizeof(info)), 0);
	close(fd);
	ck_assert_msg(!btf_init(&kernel, blob, info.btf_size, &err), "%s", err.message);
}

static const char *kernel_name(uint32_t id)
{
	const struct btf_type *t = btf_type(&kernel, id);

	ck_assert_ptr_nonnull(t);
	return btf_string(&kernel, t->name_off);
}

static struct bpf_map_info map_info(const char *name)
{
	struct bpf_map_info info = { 0 };

	ck_assert_int_eq(sys_bpf_info(loaded_map_fd(&loaded, name), &info, sizeof(info)), 0);
	return info;
}

/* ---- types ---- */

/* What old kernels are given is BTF of the plainest kind, so newer ones must take it too. */
START_TEST(what_any_older_kernel_is_given_is_taken)
{
	static struct builder b;
	struct caps caps = answers_of(btf_versions[_i]), here = { 0 };
	union bpf_attr attr;
	char log[4096] = "";
	size_t len;
	int fd;

	memset(&b, 0, sizeof(b));
	for (int cap = CAP_BTF; cap < CAP_COUNT; cap++)
		if (caps_ask(&caps, cap) == CAP_YES && caps_ask(&here, cap) != CAP_YES)
			skip("BTF of %d.%d (this kernel does not know it all)",
			     btf_versions[_i] / 100, btf_versions[_i] % 100);
	build_one_of_each(&b);
	ck_assert_int_eq(btf_init(&obj.btf, b.blob, build_blob(&b), &err), 0);
	ck_assert_int_eq(lower_btf(&obj.btf, &caps, &blob, &len, &err), 0);
	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)blob;
	attr.btf_size = len;
	attr.btf_log_buf = (uintptr_t)log;
	attr.btf_log_size = sizeof(log);
	attr.btf_log_level = 1;
	fd = sys_bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	ck_assert_msg(fd >= 0, "%s\n%s", strerror(-fd), log);
	close(fd);
}
END_TEST

START_TEST(one_of_each_kind_is_taken_as_far_as_this_kernel_goes)
{
	static struct builder b;
	struct caps caps = { 0 };

	memset(&b, 0, sizeof(b));
	build_one_of_each(&b);
	ck_assert_int_eq(btf_init(&obj.btf, b.blob, build_blob(&b), &err), 0);
	obj.name = "each";
	ck_assert_int_eq(lower_types(&obj, &caps, &types, &err), 0);
	load_it();
	ck_assert_msg(loaded.btf_fd >= 0, "%s", loaded.types_refused.message);
}
END_TEST

START_TEST(maps_tell_the_types_of_their_keys_and_values)
{
	struct bpf_map_info info;
	const struct btf_type *t;

	open_fixture("typed");
	lower_it();
	load_it();
	ck_assert_int_eq(loaded.types_refused.code, ERROR_NONE);
	info = map_info("table");
	ck_assert_uint_ne(info.btf_id, 0);
	read_btf(info.btf_id);
	ck_assert_str_eq(kernel_name(info.btf_key_type_id), "__u32");
	ck_assert_str_eq(kernel_name(info.btf_value_type_id), "value");
	t = btf_type(&kernel, info.btf_value_type_id);
	ck_assert_uint_eq(btf_vlen(t), 5);
	ck_assert_str_eq(btf_string(&kernel, ((const struct btf_member *)btf_extra(t))->name_off),
			 "count");
	/* Stacks have no types, one with sizes alone has none to tell. */
	ck_assert_uint_eq(map_info("stacks").btf_value_type_id, 0);
	ck_assert_uint_eq(map_info("sizes").btf_value_type_id, 0);
}
END_TEST

START_TEST(data_sections_tell_their_variables)
{
	static const char *const sections[] = { ".rodata", ".data", ".bss" };
	struct caps caps = { 0 };

	open_fixture("typed");
	if (caps_ask(&caps, CAP_BTF_DATASEC) != CAP_YES)
		skip("types of data sections (needs 5.2)");
	lower_it();
	load_it();
	read_btf(map_info(".bss").btf_id);
	for (int i = 0; i < 3; i++) {
		struct bpf_map_info info = map_info(sections[i]);
		const struct btf_type *t = btf_type(&kernel, info.btf_value_type_id);

		ck_assert_ptr_nonnull(t);
		ck_assert_uint_eq(info.btf_key_type_id, 0);
		ck_assert_uint_eq(btf_kind(t), BTF_KIND_DATASEC);
		ck_assert_uint_eq(t->size, info.value_size);
		ck_assert_str_eq(btf_string(&kernel, t->name_off), sections[i]);
	}
}
END_TEST

/* ---- functions and lines ---- */

struct read_back {
	struct bpf_prog_info info;
	struct bpf_func_info funcs[16];
	struct bpf_line_info lines[512];
	uint64_t jited_lines[512], ksyms[16];
};

static void read_program(const char *name, struct read_back *r)
{
	int fd = loaded_prog_fd(&loaded, name);

	memset(r, 0, sizeof(*r));
	r->info.func_info = (uintptr_t)r->funcs;
	r->info.nr_func_info = 16;
	r->info.func_info_rec_size = sizeof(r->funcs[0]);
	r->info.line_info = (uintptr_t)r->lines;
	r->info.nr_line_info = 512;
	r->info.line_info_rec_size = sizeof(r->lines[0]);
	r->info.jited_line_info = (uintptr_t)r->jited_lines;
	r->info.nr_jited_line_info = 512;
	r->info.jited_line_info_rec_size = sizeof(r->jited_lines[0]);
	r->info.jited_ksyms = (uintptr_t)r->ksyms;
	r->info.nr_jited_ksyms = 16;
	ck_assert_int_eq(sys_bpf_info(fd, &r->info, sizeof(r->info)), 0);
	ck_assert_uint_ne(r->info.btf_id, 0);
	read_btf(r->info.btf_id);
}

/* The kernel's line says what stands in that line of the source. */
static void expect_source(const struct bpf_line_info *line)
{
	uint32_t number = line->line_col >> 10;
	const char *at = source, *text = btf_string(&kernel, line->line_off);
	const char *file = btf_string(&kernel, line->file_name_off);

	if (!strstr(file, "tests/fixtures/"))
		return; /* of a header */
	/* The compiler's own code has no line. */
	if (!number)
		ck_assert_str_eq(text, "");
	while (number > 1 && number--) {
		at = strchr(at, '\n');
		ck_assert_ptr_nonnull(at);
		at++;
	}
	if (!line->line_col)
		return;
	ck_assert_msg(!strncmp(at, text, strlen(text)) && at[strlen(text)] == '\n',
		      "line %u: got '%s'", line->line_col >> 10, text);
}

static void expect_lines(const struct read_back *r)
{
	ck_assert_uint_gt(r->info.nr_line_info, 5);
	ck_assert_uint_eq(r->lines[0].insn_off, 0);
	for (uint32_t i = 0; i < r->info.nr_line_info; i++) {
		expect_source(&r->lines[i]);
		ck_assert(!i || r->lines[i].insn_off > r->lines[i - 1].insn_off);
	}
}

static void expect_funcs(const struct read_back *r, const struct program *prog)
{
	ck_assert_uint_eq(r->info.nr_func_info, prog->funcs.len);
	for (size_t i = 0; i < prog->funcs.len; i++)
		ck_assert_str_eq(kernel_name(r->funcs[i].type_id), prog->funcs.at[i].name);
}

/* One line for each in the kernel's own code, where that can be seen. */
static void expect_jited(const struct read_back *r)
{
	if (!r->info.nr_jited_line_info)
		return; /* no JIT, or hidden by kptr_restrict */
	ck_assert_uint_eq(r->info.nr_jited_line_info, r->info.nr_line_info);
	ck_assert_uint_eq(r->jited_lines[0], r->ksyms[0]);
	for (uint32_t i = 1; i < r->info.nr_jited_line_info && i < r->info.nr_line_info; i++)
		ck_assert(r->jited_lines[i] >= r->jited_lines[i - 1] ||
			  r->info.nr_jited_ksyms > 1);
}

START_TEST(programs_tell_their_functions_and_lines)
{
	static struct read_back r;

	open_fixture("typed");
	lower_it();
	load_it();
	read_program("entry", &r);
	expect_funcs(&r, object_program(&obj, "entry"));
	expect_lines(&r);
	expect_jited(&r);
}
END_TEST

START_TEST(a_program_that_was_rewritten_tells_them_as_well)
{
	static struct read_back r;
	struct caps caps = { 0 };
	struct plan plan = { 0 };
	struct program *prog;
	bool told = false;

	open_fixture("records");
	ck_assert_msg(!lower_ringbuf(&obj, &caps, &plan, &err), "%s", err.message);
	plan_fini(&plan);
	caps_fini(&caps);
	lower_it();
	load_it();
	ck_assert_int_eq(loaded.types_refused.code, ERROR_NONE);
	prog = object_program(&obj, "send_records");
	read_program("send_records", &r);
	expect_funcs(&r, prog);
	ck_assert_str_eq(kernel_name(r.funcs[0].type_id), "send_records");
	ck_assert_str_eq(kernel_name(r.funcs[1].type_id), "kind_of");
	expect_lines(&r);
	expect_jited(&r);
	for (uint32_t i = 0; i < r.info.nr_line_info; i++)
		told |= !!strstr(btf_string(&kernel, r.lines[i].line_off), "bpf_ringbuf_submit");
	ck_assert(told);
	ck_assert_uint_ne(map_info(".bss").btf_value_type_id, 0);
	ck_assert_uint_eq(map_info(SCRATCH_MAP).btf_value_type_id, 0);
}
END_TEST

/* Linux 4.18 takes types of maps, but E2BIG is what it says of a program that names BTF. */
START_TEST(a_kernel_that_takes_no_functions_is_not_told_of_any)
{
	struct caps caps = answers_of(418);
	struct bpf_prog_info info = { 0 };

	open_fixture("typed");
	ck_assert_int_eq(lower_types(&obj, &caps, &types, &err), 0);
	load_it();
	ck_assert_int_eq(loaded.types_refused.code, ERROR_NONE);
	ck_assert_uint_ne(map_info("table").btf_value_type_id, 0);
	ck_assert_int_eq(sys_bpf_info(loaded_prog_fd(&loaded, "entry"), &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.btf_id, 0);
	ck_assert_uint_eq(info.nr_line_info, 0);
}
END_TEST

/* ---- refusals ---- */

START_TEST(btf_that_is_refused_is_left_out)
{
	static struct read_back r;

	open_fixture("typed");
	lower_it();
	/* A kind that no kernel knows. */
	((uint32_t *)types.btf)[7] = 31u << 24;
	load_it();
	ck_assert_int_lt(loaded.btf_fd, 0);
	ck_assert_int_eq(loaded.types_refused.sys, EINVAL);
	ck_assert_msg(strstr(loaded.types_refused.message, "typed: BTF: the kernel refuses it: [1] "),
		      "%s", loaded.types_refused.message);
	ck_assert_msg(strstr(loaded.types_refused.hint, "loaded without"), "%s",
		      loaded.types_refused.hint);
	ck_assert_uint_eq(map_info("table").btf_id, 0);
	ck_assert_int_eq(sys_bpf_info(loaded_prog_fd(&loaded, "entry"), &r.info, sizeof(r.info)), 0);
	ck_assert_uint_eq(r.info.btf_id, 0);
}
END_TEST

START_TEST(a_map_whose_types_are_refused_is_made_without)
{
	open_fixture("typed");
	lower_it();
	types.maps[object_map(&obj, "table") - obj.maps.at].key =
		btf_find(&obj.btf, "value", BTF_KIND_STRUCT);
	load_it();
	ck_assert_uint_eq(map_info("table").btf_value_type_id, 0);
	ck_assert_uint_ne(map_info(".bss").btf_value_type_id, 0);
	ck_assert_msg(strstr(loaded.types_refused.message, "typed: map 'table': the kernel "
			     "refuses the types of its key and value: "), "%s", loaded.types_refused.message);
}
END_TEST

START_TEST(a_program_whose_lines_are_refused_is_loaded_without)
{
	struct bpf_prog_info info = { 0 };
	struct program *prog;

	open_fixture("typed");
	lower_it();
	prog = object_program(&obj, "entry");
	prog->lines.at[1].insn = 0;
	load_it();
	ck_assert_int_eq(sys_bpf_info(loaded_prog_fd(&loaded, "entry"), &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.nr_line_info, 0);
	ck_assert_uint_eq(info.nr_func_info, 0);
	ck_assert_msg(strstr(loaded.types_refused.message, "typed: program 'entry': the kernel "
			     "refuses its functions' types or its lines: "), "%s",
		      loaded.types_refused.message);
}
END_TEST

/* Else the kernel verifies it for any caller, and refuses it: so it has been told of what the
 * object's symbols say. */
START_TEST(a_hidden_function_is_verified_as_called)
{
	const struct btf_type *t;

	open_fixture("typed");
	t = btf_type(&obj.btf, btf_find(&obj.btf, "hidden", BTF_KIND_FUNC));
	ck_assert_uint_eq(btf_vlen(t), BTF_FUNC_STATIC);
	lower_it();
	load_it();
	ck_assert_msg(!loaded.types_refused.code, "%s", loaded.types_refused.message);
}
END_TEST

START_TEST(a_program_that_the_verifier_refuses_is_still_refused)
{
	open_fixture("refused");
	lower_it();
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_VERIFIER);
	ck_assert_msg(strstr(err.detail, "refused.bpf.c:21, in unchecked()"), "%s", err.detail);
}
END_TEST

START_TEST(the_tracers_own_object_is_taken_whole)
{
	extern const char signal_object_start[], signal_object_end[];
	struct caps caps = { 0 };

	ck_assert_msg(!object_init(&obj, "signal", signal_object_start,
				   signal_object_end - signal_object_start, &err), "%s", err.message);
	ck_assert_int_eq(lower_types(&obj, &caps, &types, &err), 0);
	for (size_t i = 0; i < obj.programs.len; i++) {
		ck_assert_ptr_null(types.programs[i].no_funcs);
		ck_assert_ptr_null(types.programs[i].no_lines);
		obj.programs.at[i].autoload = false;
	}
	load_it();
	ck_assert_msg(!loaded.types_refused.code, "%s", loaded.types_refused.message);
	ck_assert_int_ge(loaded.btf_fd, 0);
}
END_TEST

Suite *load_types_suite(void)
{
	Suite *s = suite_create("load_types");
	TCase *c = tcase_create("load_types");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, what_any_older_kernel_is_given_is_taken, 0, BTF_VERSIONS);
	tcase_add_test(c, one_of_each_kind_is_taken_as_far_as_this_kernel_goes);
	tcase_add_test(c, maps_tell_the_types_of_their_keys_and_values);
	tcase_add_test(c, data_sections_tell_their_variables);
	tcase_add_test(c, programs_tell_their_functions_and_lines);
	tcase_add_test(c, a_program_that_was_rewritten_tells_them_as_well);
	tcase_add_test(c, a_kernel_that_takes_no_functions_is_not_told_of_any);
	tcase_add_test(c, btf_that_is_refused_is_left_out);
	tcase_add_test(c, a_map_whose_types_are_refused_is_made_without);
	tcase_add_test(c, a_program_whose_lines_are_refused_is_loaded_without);
	tcase_add_test(c, a_hidden_function_is_verified_as_called);
	tcase_add_test(c, a_program_that_the_verifier_refuses_is_still_refused);
	tcase_add_test(c, the_tracers_own_object_is_taken_whole);
	suite_add_tcase(s, c);
	return s;
}
