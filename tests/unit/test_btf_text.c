// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/btf_text.h"
#include "cli/command.h"

Suite *btf_text_suite(void);

static struct builder b;
static struct btf btf;
static struct text out;
static struct error err;

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&btf, 0, sizeof(btf));
	memset(&out, 0, sizeof(out));
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&btf);
	text_fini(&out);
}

static const char *text_of(const uint32_t *ids, size_t count, bool json)
{
	size_t size = build_blob(&b);

	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
	btf_text(&btf, ids, count, json, &out);
	text_put(&out, "", 1);
	return out.at;
}

/* One of each kind. */
static void build_all(void)
{
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_PTR, NULL, 1);
	build_array(&b, 1, 1, 3);
	build_type(&b, BTF_KIND_STRUCT, "s", 8);
	build_kflag(&b);
	build_member(&b, "a", 1, 3 << 24);
	build_member(&b, NULL, 5, 32);
	build_type(&b, BTF_KIND_UNION, NULL, 4);
	build_type(&b, BTF_KIND_ENUM, "e", 4);
	build_kflag(&b);
	build_value(&b, "BELOW", -1);
	build_type(&b, BTF_KIND_FWD, "f", 0);
	build_kflag(&b);
	build_type(&b, BTF_KIND_TYPEDEF, "t", 1);
	build_type(&b, BTF_KIND_FUNC_PROTO, NULL, 0);
	build_word(&b, build_string(&b, "arg"));
	build_word(&b, 1);
	build_more(&b);
	build_type(&b, BTF_KIND_FUNC, "fn", 9);
	build_more(&b);
	build_type(&b, BTF_KIND_VAR, "v", 1);
	build_word(&b, BTF_VAR_GLOBAL_ALLOCATED);
	build_type(&b, BTF_KIND_DATASEC, ".bss", 4);
	build_word(&b, 11);
	build_word(&b, 0);
	build_word(&b, 4);
	build_more(&b);
	build_type(&b, BTF_KIND_FLOAT, "float", 4);
	build_type(&b, BTF_KIND_DECL_TAG, "tag", 4);
	build_word(&b, -1);
	build_type(&b, BTF_KIND_TYPE_TAG, "user", 1);
	build_type(&b, BTF_KIND_ENUM64, "w", 8);
	build_value64(&b, "MOST", UINT64_MAX);
}

START_TEST(each_kind_in_the_words_of_bpftool)
{
	build_all();
	ck_assert_str_eq(text_of(NULL, 0, false),
			 "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n"
			 "[2] PTR '(anon)' type_id=1\n"
			 "[3] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=3\n"
			 "[4] STRUCT 's' size=8 vlen=2\n"
			 "\t'a' type_id=1 bits_offset=0 bitfield_size=3\n"
			 "\t'(anon)' type_id=5 bits_offset=32\n"
			 "[5] UNION '(anon)' size=4 vlen=0\n"
			 "[6] ENUM 'e' encoding=SIGNED size=4 vlen=1\n"
			 "\t'BELOW' val=-1\n"
			 "[7] FWD 'f' fwd_kind=union\n"
			 "[8] TYPEDEF 't' type_id=1\n"
			 "[9] FUNC_PROTO '(anon)' ret_type_id=0 vlen=1\n"
			 "\t'arg' type_id=1\n"
			 "[10] FUNC 'fn' type_id=9 linkage=global\n"
			 "[11] VAR 'v' type_id=1, linkage=global\n"
			 "[12] DATASEC '.bss' size=4 vlen=1\n"
			 "\ttype_id=11 offset=0 size=4 (VAR 'v')\n"
			 "[13] FLOAT 'float' size=4\n"
			 "[14] DECL_TAG 'tag' type_id=4 component_idx=-1\n"
			 "[15] TYPE_TAG 'user' type_id=1\n"
			 "[16] ENUM64 'w' encoding=UNSIGNED size=8 vlen=1\n"
			 "\t'MOST' val=18446744073709551615ULL\n");
}
END_TEST

START_TEST(json_is_one_document)
{
	struct json_object *doc, *types, *members;

	build_all();
	doc = json_tokener_parse(text_of(NULL, 0, true));
	ck_assert_ptr_nonnull(doc);
	types = json_object_object_get(doc, "types");
	ck_assert_uint_eq(json_object_array_length(types), 16);
	members = json_object_object_get(json_object_array_get_idx(types, 3), "members");
	ck_assert_str_eq(json_object_to_json_string_ext(members, JSON_C_TO_STRING_PLAIN),
			 "[{\"name\":\"a\",\"type_id\":1,\"bits_offset\":0,\"bitfield_size\":3},"
			 "{\"name\":\"(anon)\",\"type_id\":5,\"bits_offset\":32}]");
	json_object_put(doc);
}
END_TEST

START_TEST(names_of_odd_bytes_are_made_safe)
{
	const uint32_t id = 1;

	build_type(&b, BTF_KIND_TYPEDEF, "a\"\x1b[31m\xff", 0);
	ck_assert_str_eq(text_of(&id, 1, false),
			 "[1] TYPEDEF 'a\"\\x1b[31m\\xff' type_id=0\n");
	out.len = 0;
	btf_text(&btf, &id, 1, true, &out);
	text_put(&out, "", 1);
	ck_assert_str_eq(out.at, "{\"types\":[{\"id\":1,\"kind\":\"TYPEDEF\","
			 "\"name\":\"a\\\"\\u001b[31m\xef\xbf\xbd\",\"type_id\":0}]}\n");
}
END_TEST

START_TEST(split_btf_starts_at_its_first_id)
{
	static struct builder own;
	struct btf split;
	size_t size;

	build_int(&b, "int", 4, BTF_INT_SIGNED);
	size = build_blob(&b);
	ck_assert_msg(!btf_init(&btf, b.blob, size, &err), "%s", err.message);
	build_type(&own, BTF_KIND_PTR, NULL, 1);
	size = build_blob(&own);
	ck_assert_msg(!btf_init_split(&split, &btf, own.blob, size, &err), "%s", err.message);
	btf_text(&split, NULL, 0, false, &out);
	text_put(&out, "", 1);
	ck_assert_str_eq(out.at, "[2] PTR '(anon)' type_id=1\n");
	btf_fini(&split);
}
END_TEST

/* ---- the command ---- */

/* Runs the command with both outputs on `out`. */
static enum exit_status run_on(int to, char *words)
{
	char *argv[16] = { "dump" };
	int argc = 1, old[] = { dup(1), dup(2) };
	enum exit_status status;

	while ((argv[argc] = strtok(argc == 1 ? words : NULL, " ")))
		argc++;
	fflush(NULL);
	dup2(to, 1);
	dup2(to, 2);
	status = command_btf_dump.run(argc, argv);
	fflush(NULL);
	dup2(old[0], 1);
	dup2(old[1], 2);
	close(old[0]);
	close(old[1]);
	return status;
}

/* The built BTF in a file; to be unlinked. */
static void write_blob(char *path)
{
	size_t blob = build_blob(&b);
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, b.blob, blob), (ssize_t)blob);
	close(fd);
}

/* "dump FILE words"; what it says on both outputs. */
static enum exit_status run(const char *words, char *said, size_t size)
{
	char path[] = "/tmp/portrace-btf-XXXXXX", line[512];
	enum exit_status status;
	FILE *to = tmpfile();
	size_t len;

	ck_assert_ptr_nonnull(to);
	write_blob(path);
	snprintf(line, sizeof(line), "%s %s", path, words);
	status = run_on(fileno(to), line);
	unlink(path);
	rewind(to);
	len = fread(said, 1, size - 1, to);
	said[len] = 0;
	fclose(to);
	return status;
}

START_TEST(types_are_chosen_by_name_kind_number_and_enumerator)
{
	char said[4096];

	build_all();
	ck_assert_int_eq(run("--format raw s", said, sizeof(said)), 0);
	ck_assert_ptr_nonnull(strstr(said, "[4] STRUCT 's'"));
	ck_assert_int_eq(run("--format raw enum e 13", said, sizeof(said)), 0);
	ck_assert_str_eq(said, "[6] ENUM 'e' encoding=SIGNED size=4 vlen=1\n\t'BELOW' val=-1\n"
			 "[13] FLOAT 'float' size=4\n");
	ck_assert_int_eq(run("--format raw MOST", said, sizeof(said)), 0);
	ck_assert_ptr_nonnull(strstr(said, "[16] ENUM64 'w'"));
	ck_assert_int_eq(run("fn", said, sizeof(said)), 0);
	ck_assert_ptr_nonnull(strstr(said, "extern void fn(int arg);\n"));
}
END_TEST

START_TEST(unknown_types_are_named_with_the_nearest)
{
	char said[4096];

	build_type(&b, BTF_KIND_STRUCT, "task_struct", 8);
	ck_assert_int_eq(run("task_strct", said, sizeof(said)), 1);
	ck_assert_ptr_nonnull(strstr(said, "type 'task_strct': got no such name in its BTF\n"
				     "portrace: hint: did you mean 'task_struct'?\n"));
	ck_assert_int_eq(run("2", said, sizeof(said)), 1);
	ck_assert_ptr_nonnull(strstr(said, "type 2: got an id that is not there, expected 1 to 1"));
	ck_assert_int_eq(run("struct task_struct", said, sizeof(said)), 0);
	ck_assert_int_eq(run("union task_struct", said, sizeof(said)), 1);
}
END_TEST

START_TEST(a_reader_that_leaves_is_no_failure_a_full_disk_is)
{
	char path[] = "/tmp/portrace-btf-XXXXXX", line[64], said[4096];
	int ends[2];

	build_all();
	write_blob(path);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	snprintf(line, sizeof(line), "%s", path);
	ck_assert_int_eq(run_on(ends[1], line), STATUS_DONE);
	close(ends[1]);
	unlink(path);
	ck_assert_int_eq(run("-o /dev/full", said, sizeof(said)), STATUS_FAILED);
	ck_assert_str_eq(said, "portrace: /dev/full: write: No space left on device\n");
}
END_TEST

Suite *btf_text_suite(void)
{
	Suite *s = suite_create("btf_text");
	TCase *c = tcase_create("btf_text");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, each_kind_in_the_words_of_bpftool);
	tcase_add_test(c, json_is_one_document);
	tcase_add_test(c, names_of_odd_bytes_are_made_safe);
	tcase_add_test(c, split_btf_starts_at_its_first_id);
	tcase_add_test(c, types_are_chosen_by_name_kind_number_and_enumerator);
	tcase_add_test(c, unknown_types_are_named_with_the_nearest);
	tcase_add_test(c, a_reader_that_leaves_is_no_failure_a_full_disk_is);
	suite_add_tcase(s, c);
	return s;
}
