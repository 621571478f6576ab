// SPDX-License-Identifier: GPL-2.0
/*
 * Fields relocated for each kernel: what instructions hold afterwards must be what bpftool says of
 * that kernel's types. tests/kernels/fields.sh makes the program and works out the answers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "btf/core.h"
#include "compat/insn.h"
#include "loader/types.h"
#include "tests/kernels/kernels.h"

#define FIELDS KERNELS "/.fields"
#define WANTED 500 /* fields in every kernel, at least */

Suite *fields_suite(void);

static struct types types;
static struct object obj;
static struct error err;

static const char *name_of(int i)
{
	return strrchr(kernels.at[i].dir, '/') + 1;
}

static void open_types(int i)
{
	struct types_request request = { .btf_file = kernels.at[i].image };

	ck_assert_msg(!types_open(&types, &request, &err), "%s", err.message);
}

static void write_types(int i)
{
	char path[1200];
	FILE *file;

	open_types(i);
	snprintf(path, sizeof(path), FIELDS "/%s.btf", name_of(i));
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(types.btf.data, 1, types.btf.size, file), types.btf.size);
	ck_assert_int_eq(fclose(file), 0);
	types_fini(&types);
}

/* Once for all kernels: which fields they have in common, the program, the answers. */
static void make_all(void)
{
	ck_assert_int_eq(system("rm -rf " FIELDS), 0);
	ck_assert_int_eq(mkdir(FIELDS, 0755), 0);
	for (int i = 0; i < kernels.with_types; i++)
		write_types(i);
	ck_assert_int_eq(system("sh tests/kernels/fields.sh " FIELDS), 0);
}

static void teardown(void)
{
	object_fini(&obj);
	types_fini(&types);
}

static void open_program(void)
{
	FILE *file = fopen(FIELDS "/fields.bpf.o", "r");
	struct stat st;
	char *data;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	data = malloc(st.st_size);
	ck_assert_uint_eq(fread(data, 1, st.st_size, file), (size_t)st.st_size);
	fclose(file);
	ck_assert_msg(!object_init(&obj, "fields", data, st.st_size, &err), "%s", err.message);
	free(data);
}

static int size_of_load(const struct bpf_insn *insn)
{
	static const int sizes[] = { [BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1,
				     [BPF_DW >> 3] = 8 };

	return sizes[BPF_SIZE(insn->code) >> 3];
}

/* "byte offset of struct file.f_flags=64", of a load " in 4" as well. */
static void write_answers(FILE *out, const struct program *prog, const struct core_relo *relos,
			  size_t count)
{
	char what[512];

	for (size_t i = 0; i < count; i++) {
		const struct bpf_insn *insn = &prog->insns.at[relos[i].insn];

		core_describe(&obj.btf, &relos[i], what, sizeof(what));
		if (BPF_CLASS(insn->code) == BPF_LDX)
			fprintf(out, "%s=%d in %d\n", what, insn->off, size_of_load(insn));
		else if (insn_is_call(insn))
			fprintf(out, "%s: no answer\n", what);
		else
			fprintf(out, "%s=%d\n", what, insn->imm);
	}
}

static void relocate_all(FILE *out)
{
	for (size_t i = 0; i < obj.programs.len; i++) {
		struct program *prog = &obj.programs.at[i];
		size_t count = prog->relos.len;
		struct core_relo *relos = malloc(count * sizeof(*relos));

		memcpy(relos, prog->relos.at, count * sizeof(*relos));
		ck_assert_msg(!core_relocate(prog, 1, &obj.btf, &types.btf, &err), "%s",
			      err.message);
		write_answers(out, prog, relos, count);
		free(relos);
	}
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int lines = 0, c;

	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

START_TEST(fields_are_where_bpftool_says)
{
	const char *name = name_of(_i);
	char path[1200], command[4096], difference[512];
	size_t len;
	FILE *out;

	open_types(_i);
	open_program();
	snprintf(path, sizeof(path), FIELDS "/%s.got", name);
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	relocate_all(out);
	ck_assert_int_eq(fclose(out), 0);
	snprintf(command, sizeof(command),
		 "cd " FIELDS " && LC_ALL=C sort -u '%s.got' | diff '%s.want' - | head -n 5", name, name);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	len = fread(difference, 1, sizeof(difference) - 1, out);
	difference[len] = 0;
	ck_assert_int_eq(pclose(out), 0);
	ck_assert_msg(!len, "%s:\n%s", name, difference);
	snprintf(path, sizeof(path), FIELDS "/%s.want", name);
	printf("%s: %d fields, %d answers\n", name, count_lines(FIELDS "/fields"), count_lines(path));
	ck_assert_int_ge(count_lines(FIELDS "/fields"), WANTED);
}
END_TEST

Suite *fields_suite(void)
{
	Suite *suite = suite_create("fields");
	TCase *tc = tcase_create("fields");

	tcase_add_unchecked_fixture(tc, make_all, NULL);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, fields_are_where_bpftool_says, 0, kernels.with_types);
	suite_add_tcase(suite, tc);
	return suite;
}
