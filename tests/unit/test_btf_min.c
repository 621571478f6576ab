// SPDX-License-Identifier: GPL-2.0
/* The command: files in, a file out, one clear message where that cannot be. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf.h"
#include "cli/command.h"
#include "loader/object.h"

Suite *btf_min_suite(void);

static char folder[64], types[96], output[96], messages[4096];
static struct error err;

/* The object's own types stand for a kernel's. */
static void write_types(const char *object)
{
	static char file[1 << 16];
	struct object obj;
	size_t size;
	FILE *f = fopen(object, "rb");

	ck_assert_ptr_nonnull(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	ck_assert_msg(!object_init(&obj, "core", file, size, &err), "%s", err.message);
	f = fopen(types, "wb");
	ck_assert_uint_eq(fwrite(obj.image, 1, obj.image_len, f), obj.image_len);
	fclose(f);
	object_fini(&obj);
}

static void setup(void)
{
	error_clear(&err);
	strcpy(folder, "/tmp/portrace-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(types, sizeof(types), "%s/types", folder);
	snprintf(output, sizeof(output), "%s/output", folder);
	write_types(FIXTURES "/core.bpf.o");
}

static void teardown(void)
{
	unlink(types);
	unlink(output);
	rmdir(folder);
}

/* Runs the command; what it says on standard error is in messages. */
static enum exit_status run(const char *a, const char *b, const char *c, const char *d,
			    const char *e, const char *f)
{
	const char *argv[] = { "min", a, b, c, d, e, f, NULL };
	FILE *said = tmpfile();
	int argc = 0, saved = dup(STDERR_FILENO);
	enum exit_status status;
	size_t len;

	while (argv[argc])
		argc++;
	fflush(stderr);
	dup2(fileno(said), STDERR_FILENO);
	status = command_btf_min.run(argc, (char *const *)argv);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(said);
	len = fread(messages, 1, sizeof(messages) - 1, said);
	messages[len] = 0;
	fclose(said);
	return status;
}

static void expect_message(const char *text)
{
	ck_assert_msg(strstr(messages, text) != NULL, "got '%s', expected '%s'", messages, text);
}

START_TEST(file_holds_the_types_that_the_object_needs)
{
	struct btf btf;

	ck_assert_int_eq(run("-o", output, "--btf", types, FIXTURES "/core.bpf.o", NULL),
			 STATUS_DONE);
	ck_assert_msg(!btf_open(&btf, NULL, output, &err), "%s", err.message);
	ck_assert_uint_ne(btf_find(&btf, "thing", BTF_KIND_STRUCT), 0);
	ck_assert_uint_ne(btf_find(&btf, "color", BTF_KIND_ENUM), 0);
	ck_assert_uint_eq(btf_find(&btf, "load", BTF_KIND_FUNC), 0);
	btf_fini(&btf);
	expect_message("warning: 1 relocation for a type's id in the kernel");
}
END_TEST

START_TEST(objects_without_relocations_need_no_types)
{
	struct btf btf;

	ck_assert_int_eq(run("-o", output, "--btf", types, FIXTURES "/plain.bpf.o",
			     FIXTURES "/object.bpf.o"), STATUS_DONE);
	ck_assert_msg(!btf_open(&btf, NULL, output, &err), "%s", err.message);
	ck_assert_uint_le(btf_count(&btf), 1);
	btf_fini(&btf);
	ck_assert_str_eq(messages, "");
}
END_TEST

START_TEST(output_and_object_are_required)
{
	ck_assert_int_eq(run(FIXTURES "/core.bpf.o", NULL, NULL, NULL, NULL, NULL), STATUS_USAGE);
	expect_message("btf min: got no --output, expected a file to write to");
	ck_assert_int_eq(run("-o", output, NULL, NULL, NULL, NULL), STATUS_USAGE);
	expect_message("btf min: got no object, expected at least one");
	ck_assert_int_eq(access(output, F_OK), -1);
}
END_TEST

START_TEST(types_that_are_none_are_named)
{
	FILE *f;

	ck_assert_int_eq(run("-o", output, "--btf", FIXTURES "/core.bpf.c", FIXTURES "/core.bpf.o",
			     NULL), STATUS_FAILED);
	expect_message(FIXTURES "/core.bpf.c: No such file");
	f = fopen(types, "wb");
	fputs("no types in here\n", f);
	fclose(f);
	ck_assert_int_eq(run("-o", output, "--btf", types, FIXTURES "/core.bpf.o", NULL),
			 STATUS_FAILED);
	expect_message(types);
	expect_message("got no BTF in it");
	ck_assert_int_eq(access(output, F_OK), -1);
}
END_TEST

START_TEST(object_that_is_none_is_named)
{
	ck_assert_int_eq(run("-o", output, "--btf", types, types, NULL), STATUS_FAILED);
	expect_message("not an ELF file");
	ck_assert_int_eq(access(output, F_OK), -1);
}
END_TEST

START_TEST(output_that_cannot_be_written_is_named)
{
	ck_assert_int_eq(run("-o", "/no/such/folder/x", "--btf", types, FIXTURES "/core.bpf.o",
			     NULL), STATUS_FAILED);
	expect_message("/no/such/folder/x: No such file or directory");
}
END_TEST

Suite *btf_min_suite(void)
{
	Suite *s = suite_create("btf_min");
	TCase *tc = tcase_create("btf_min");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, file_holds_the_types_that_the_object_needs);
	tcase_add_test(tc, objects_without_relocations_need_no_types);
	tcase_add_test(tc, output_and_object_are_required);
	tcase_add_test(tc, types_that_are_none_are_named);
	tcase_add_test(tc, object_that_is_none_is_named);
	tcase_add_test(tc, output_that_cannot_be_written_is_named);
	suite_add_tcase(s, tc);
	return s;
}
