// SPDX-License-Identifier: GPL-2.0
/* Stored answers: what is read, what is refused, and those of real kernels. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat/caps.h"
#include "util/map.h"

#define STORED SOURCE "/tests/fixtures/caps"

static struct error err;
static struct caps caps;

static int read_text(const char *text)
{
	error_clear(&err);
	return caps_read(&caps, "x.caps", text, strlen(text), &err);
}

static void expect_text(const struct caps *of, const char *expected, size_t len)
{
	struct text text = { .at = NULL };

	caps_write(of, &text);
	ck_assert_int_eq(text_flush(&text), 0);
	ck_assert_msg(text.len == len && !memcmp(text.at, expected, len), "got:\n%.*s", (int)text.len,
		      text.at);
	text_fini(&text);
}

/* ---- reading and writing ---- */

static const char all_forms[] = "portrace-caps 1\n"
				"kernel 4.9.131 x86_64\n"
				"yes bpf EINVAL\n"
				"unknown memcg EPERM\n"
				"no jlt EINVAL\n"
				"yes map-type hash\n"
				"no map-type ringbuf EINVAL\n"
				"unknown map-type 60 E531\n"
				"yes program-type tracepoint\n"
				"yes helper tracepoint map_lookup_elem..map_delete_elem EACCES\n"
				"yes helper tracepoint ktime_get_ns\n"
				"no helper tracepoint probe_read_user probe_read_kernel 250 EINVAL\n";

START_TEST(what_is_written_reads_back_the_same)
{
	ck_assert_msg(!read_text(all_forms), "%s", err.message);
	ck_assert(caps.stored);
	ck_assert_str_eq(caps.release, "4.9.131");
	ck_assert_str_eq(caps.machine, "x86_64");
	ck_assert_int_eq(caps_ask(&caps, CAP_BPF), CAP_YES);
	ck_assert_int_eq(caps_ask(&caps, CAP_MEMCG), CAP_UNKNOWN);
	ck_assert_int_eq(caps.at[CAP_MEMCG].sys, EPERM);
	ck_assert_int_eq(caps_ask(&caps, CAP_JLT), CAP_NO);
	ck_assert_int_eq(caps_map(&caps, BPF_MAP_TYPE_RINGBUF), CAP_NO);
	ck_assert_int_eq(caps.maps[60].sys, 531);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_TRACEPOINT, 2), CAP_YES);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_TRACEPOINT, 113), CAP_NO);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_TRACEPOINT, 250), CAP_NO);
	expect_text(&caps, all_forms, sizeof(all_forms) - 1);
	caps_fini(&caps);
}
END_TEST

START_TEST(what_is_not_in_the_file_is_unknown)
{
	ck_assert_int_eq(read_text("portrace-caps 1\nyes program-type xdp"), 0);
	ck_assert_int_eq(caps_ask(&caps, CAP_BPF), CAP_UNKNOWN);
	ck_assert_int_eq(caps.at[CAP_BPF].sys, ENODATA);
	ck_assert_int_eq(caps_map(&caps, BPF_MAP_TYPE_HASH), CAP_UNKNOWN);
	ck_assert_int_eq(caps_program(&caps, BPF_PROG_TYPE_KPROBE), CAP_UNKNOWN);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, 1), CAP_UNKNOWN);
	caps_fini(&caps);
}
END_TEST

START_TEST(programs_that_are_a_no_need_no_helpers_in_the_file)
{
	ck_assert_int_eq(read_text("portrace-caps 1\nno program-type xdp EINVAL\n"), 0);
	ck_assert_int_eq(caps_helper(&caps, BPF_PROG_TYPE_XDP, 1), CAP_NO);
	caps_fini(&caps);
}
END_TEST

START_TEST(comments_blank_lines_and_more_blanks_say_nothing)
{
	ck_assert_int_eq(read_text("portrace-caps 1\n\n# of my router\n  yes \t names  \n"), 0);
	ck_assert_int_eq(caps_ask(&caps, CAP_NAMES), CAP_YES);
	caps_fini(&caps);
}
END_TEST

/* ---- strictness ---- */

#define HEAD "portrace-caps 1\n"

static const struct {
	const char *text, *message, *hint;
} refused[] = {
	{ "", "x.caps:1: format: got the end of the line, expected portrace-caps 1",
	  "stored answers are written by portrace caps --store FILE" },
	{ "\177ELF\n", "x.caps:1: format: got '?ELF', expected portrace-caps 1",
	  "stored answers are written by portrace caps --store FILE" },
	{ "portrace-caps 2\n", "x.caps:1: format: got '2', expected version 1",
	  "a newer portrace may have written it" },
	{ "portrace-caps 1 x\n",
	  "x.caps:1: format: got 'x', expected the end of the line behind the version", "" },
	{ HEAD "jes names\n", "x.caps:2: answer: got 'jes', expected yes, no, unknown or kernel",
	  "did you mean 'yes'?" },
	{ HEAD "\nyes\n", "x.caps:3: capability: got the end of the line, expected the name of one, or "
	  "map-type, program-type, helper", "" },
	{ HEAD "yes nmaes\n", "x.caps:2: capability: got 'nmaes', expected the name of one, or "
	  "map-type, program-type, helper", "did you mean 'names'?" },
	{ HEAD "no jlt EINVL\n", "x.caps:2: errno: got 'EINVL', expected a name such as EINVAL", "" },
	{ HEAD "no jlt EINVAL x\n",
	  "x.caps:2: errno: got 'x', expected the end of the line behind it", "" },
	{ HEAD "yes jlt\nno jlt EINVAL\n", "x.caps:3: jlt: got a second answer, expected one", "" },
	{ HEAD "yes map-type ringbuff\n",
	  "x.caps:2: map type: got 'ringbuff', expected the name of one", "did you mean 'ringbuf'?" },
	{ HEAD "yes map-type\n",
	  "x.caps:2: map type: got the end of the line, expected the name of one", "" },
	{ HEAD "yes map-type 27\n", "x.caps:2: map type: got '27', expected the name of one", "" },
	{ HEAD "yes map-type 64\n", "x.caps:2: map type: got '64', expected the name of one", "" },
	{ HEAD "yes program-type tracepiont\n",
	  "x.caps:2: program type: got 'tracepiont', expected the name of one",
	  "did you mean 'tracepoint'?" },
	{ HEAD "yes helper tracepoint EACCES\n",
	  "x.caps:2: helper: got 'EACCES', expected the name of one", "" },
	{ HEAD "yes helper tracepoint\n",
	  "x.caps:2: helper: got the end of the line, expected the name of one", "" },
	{ HEAD "yes helper tracepoint prob_read\n",
	  "x.caps:2: helper: got 'prob_read', expected the name of one", "did you mean 'probe_read'?" },
	{ HEAD "yes helper tracepoint probe_read..\n",
	  "x.caps:2: helper: got the end of the line, expected the name of one", "" },
	{ HEAD "yes helper tracepoint tail_call..probe_read\n",
	  "x.caps:2: helpers: got 'probe_read', expected one behind the first", "" },
	{ HEAD "yes helper tracepoint probe_read EACCES x\n",
	  "x.caps:2: errno: got 'x', expected the end of the line behind it", "" },
	{ HEAD "yes helper xdp map_lookup_elem..probe_read\nno helper xdp map_update_elem EINVAL\n",
	  "x.caps:3: map_update_elem: got a second answer, expected one", "" },
	{ HEAD "kernel\n", "x.caps:2: kernel: got the end of the line, expected its release", "" },
	{ HEAD "kernel 4.9\n", "x.caps:2: kernel: got the end of the line, expected its machine, such "
	  "as x86_64, behind the release", "" },
	{ HEAD "kernel 4.9 x86_64\nkernel 4.9 x86_64\n",
	  "x.caps:3: kernel: got '4.9', expected one line of it", "" },
};
#define REFUSED (int)(sizeof(refused) / sizeof(*refused))

START_TEST(what_is_off_is_refused_with_its_line_and_the_nearest_word)
{
	ck_assert_int_eq(read_text(refused[_i].text), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message, refused[_i].message);
	ck_assert_str_eq(err.hint, refused[_i].hint);
	for (int type = 0; type < CAPS_TYPES; type++)
		ck_assert_ptr_null(caps.helpers[type]);
}
END_TEST

static const char bytes[] = { 0, ' ', '\n', '.', 'E', '#', '1', (char)0xff };

/* Every byte of a file replaced, and every beginning of it: an error or answers, nothing else. */
START_TEST(damaged_files_are_refused_or_read)
{
	char text[sizeof(all_forms)];

	for (size_t i = 0; i < sizeof(all_forms); i++) {
		memcpy(text, all_forms, sizeof(text));
		text[i] = bytes[_i];
		if (!caps_read(&caps, "x.caps", text, sizeof(text) - 1, &err))
			caps_fini(&caps);
		if (!caps_read(&caps, "x.caps", all_forms, i, &err))
			caps_fini(&caps);
	}
}
END_TEST

/* ---- of real kernels ---- */

static void open_stored(const char *name, struct map_file *file)
{
	char path[512];

	snprintf(path, sizeof(path), STORED "/%s", name);
	ck_assert_msg(!map_file(file, path), "%s: %s", path, strerror(errno));
	error_clear(&err);
	ck_assert_msg(!caps_read(&caps, name, file->data, file->size, &err), "%s", err.message);
}

START_TEST(every_stored_kernel_reads_and_writes_back_the_same)
{
	DIR *dir = opendir(STORED);
	struct dirent *entry;
	struct map_file file;
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 6 || strcmp(entry->d_name + len - 5, ".caps"))
			continue;
		open_stored(entry->d_name, &file);
		ck_assert_msg(*caps.release && *caps.machine, "%s", entry->d_name);
		ck_assert_int_eq(caps_ask(&caps, CAP_BPF), CAP_YES);
		expect_text(&caps, file.data, file.size);
		caps_fini(&caps);
		unmap_file(&file);
		count++;
	}
	closedir(dir);
	ck_assert_int_gt(count, 0);
}
END_TEST

/* What is known of them from elsewhere: the capabilities that a kernel has not, up to CAP_COUNT. */
static const struct {
	const char *name;
	uint32_t map_types, program_types; /* the first numbers that it has not */
	enum cap lacks[CAP_COUNT];
} known[] = {
	{ "4.9-x86_64.caps", 9, 8,
	  { CAP_NAMES, CAP_MEMCG, CAP_JLT, CAP_JMP32, CAP_ALU32, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX,
	    CAP_BSWAP, CAP_SDIV, CAP_GOTOL, CAP_MAY_GOTO, CAP_LOAD_ACQUIRE, CAP_LARGE, CAP_CALLS,
	    CAP_LOOPS, CAP_GLOBAL_DATA, CAP_FREEZE, CAP_FUNC_POINTER, CAP_KFUNCS, CAP_SLEEPABLE,
	    CAP_MEMORY_MAP, CAP_MEMORY_SIZE, CAP_MEMORY_ZERO, CAP_KEY_MAP, CAP_ADD_ADDRESS,
	    CAP_MMAPABLE, CAP_ANY_VERSION, CAP_ATTACH_TYPE, CAP_EVENT_SHARED, CAP_SYSCALL_EVENTS,
	    CAP_KPROBE_PMU, CAP_UPROBE_PMU, CAP_KPROBE_MULTI, CAP_UPROBE_MULTI, CAP_RAW_TRACEPOINT,
	    CAP_TRACING, CAP_TRAMPOLINE, CAP_LINK, CAP_PERF_LINK, CAP_PROG_RUN, CAP_BTF,
	    CAP_BTF_KFLAG, CAP_BTF_FUNC, CAP_BTF_DATASEC, CAP_BTF_FUNC_GLOBAL, CAP_BTF_FLOAT,
	    CAP_BTF_DECL_TAG, CAP_BTF_TYPE_TAG, CAP_BTF_ENUM64, CAP_BTF_ENUM_SIGN,
	    CAP_BTF_SECTION_NAME, CAP_MAP_BTF, CAP_PROG_BTF, CAP_COUNT } },
	{ "4.14-x86_64.caps", 16, 15,
	  { CAP_NAMES, CAP_MEMCG, CAP_JMP32, CAP_ALU32, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX,
	    CAP_BSWAP, CAP_SDIV, CAP_GOTOL, CAP_MAY_GOTO, CAP_LOAD_ACQUIRE, CAP_LARGE, CAP_CALLS,
	    CAP_LOOPS, CAP_GLOBAL_DATA, CAP_FREEZE, CAP_FUNC_POINTER, CAP_KFUNCS, CAP_SLEEPABLE,
	    CAP_MEMORY_ZERO, CAP_KEY_MAP, CAP_ADD_ADDRESS, CAP_MMAPABLE, CAP_ANY_VERSION,
	    CAP_ATTACH_TYPE, CAP_EVENT_SHARED, CAP_KPROBE_PMU, CAP_UPROBE_PMU, CAP_KPROBE_MULTI,
	    CAP_UPROBE_MULTI, CAP_RAW_TRACEPOINT, CAP_TRACING, CAP_TRAMPOLINE, CAP_LINK,
	    CAP_PERF_LINK, CAP_BTF, CAP_BTF_KFLAG, CAP_BTF_FUNC, CAP_BTF_DATASEC,
	    CAP_BTF_FUNC_GLOBAL, CAP_BTF_FLOAT, CAP_BTF_DECL_TAG, CAP_BTF_TYPE_TAG,
	    CAP_BTF_ENUM64, CAP_BTF_ENUM_SIGN, CAP_BTF_SECTION_NAME, CAP_MAP_BTF, CAP_PROG_BTF,
	    CAP_COUNT } },
	{ "4.19-x86_64.caps", 21, 22,
	  { CAP_MEMCG, CAP_JMP32, CAP_ALU32, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV,
	    CAP_GOTOL, CAP_MAY_GOTO, CAP_LOAD_ACQUIRE, CAP_LARGE, CAP_LOOPS, CAP_GLOBAL_DATA,
	    CAP_FREEZE, CAP_FUNC_POINTER, CAP_KFUNCS, CAP_SLEEPABLE, CAP_ADD_ADDRESS, CAP_MMAPABLE,
	    CAP_ANY_VERSION, CAP_KPROBE_MULTI, CAP_UPROBE_MULTI, CAP_TRACING, CAP_TRAMPOLINE,
	    CAP_LINK, CAP_PERF_LINK, CAP_BTF_KFLAG, CAP_BTF_FUNC, CAP_BTF_DATASEC,
	    CAP_BTF_FUNC_GLOBAL, CAP_BTF_FLOAT, CAP_BTF_DECL_TAG, CAP_BTF_TYPE_TAG,
	    CAP_BTF_ENUM64, CAP_BTF_ENUM_SIGN, CAP_BTF_SECTION_NAME, CAP_PROG_BTF, CAP_COUNT } },
	{ "5.4-x86_64.caps", 26, 26,
	  { CAP_MEMCG, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV, CAP_GOTOL,
	    CAP_MAY_GOTO, CAP_LOAD_ACQUIRE, CAP_FUNC_POINTER, CAP_KFUNCS, CAP_SLEEPABLE,
	    CAP_MMAPABLE, CAP_KPROBE_MULTI, CAP_UPROBE_MULTI, CAP_TRACING, CAP_TRAMPOLINE,
	    CAP_LINK, CAP_PERF_LINK, CAP_BTF_FUNC_GLOBAL, CAP_BTF_FLOAT, CAP_BTF_DECL_TAG,
	    CAP_BTF_TYPE_TAG, CAP_BTF_ENUM64, CAP_BTF_ENUM_SIGN, CAP_BTF_SECTION_NAME,
	    CAP_COUNT } },
	{ "debian-5.10-x86_64.caps", 29, 31,
	  { CAP_MEMCG, CAP_ATOMICS, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV, CAP_GOTOL, CAP_MAY_GOTO,
	    CAP_LOAD_ACQUIRE, CAP_FUNC_POINTER, CAP_KFUNCS, CAP_KPROBE_MULTI, CAP_UPROBE_MULTI,
	    CAP_PERF_LINK, CAP_BTF_FLOAT, CAP_BTF_DECL_TAG, CAP_BTF_TYPE_TAG, CAP_BTF_ENUM64,
	    CAP_BTF_ENUM_SIGN, CAP_BTF_SECTION_NAME, CAP_COUNT } },
	/* Stable releases of 6.1 know gotol, which came with 6.6. */
	{ "debian-6.1-x86_64.caps", 32, 32,
	  { CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV, CAP_MAY_GOTO, CAP_LOAD_ACQUIRE,
	    CAP_KPROBE_MULTI, CAP_UPROBE_MULTI, CAP_BTF_SECTION_NAME, CAP_COUNT } },
	{ "debian-6.12-x86_64.caps", 34, 33, { CAP_LOAD_ACQUIRE, CAP_COUNT } },
	{ "debian-7.3-x86_64.caps", 36, 33, { CAP_COUNT } },
};
#define KNOWN (int)(sizeof(known) / sizeof(*known))

static bool is_lacking(int i, enum cap cap)
{
	const enum cap *at = known[i].lacks;

	while (*at != CAP_COUNT && *at != cap)
		at++;
	return *at == cap;
}

START_TEST(a_stored_kernel_has_what_its_release_has)
{
	struct map_file file;

	open_stored(known[_i].name, &file);
	/* What was not asked then, as there was no such question yet, is in no file. */
	for (int cap = 0; cap < CAP_COUNT; cap++)
		ck_assert_msg((caps_ask(&caps, cap) == CAP_UNKNOWN && caps.at[cap].sys == ENODATA) ||
			      caps.at[cap].answer == (is_lacking(_i, cap) ? CAP_NO : CAP_YES),
			      "%s: %s", known[_i].name, caps_name(cap));
	for (uint32_t type = 1; type <= 35; type++)
		ck_assert_msg(caps_map(&caps, type) ==
				      (type < known[_i].map_types ? CAP_YES : CAP_NO),
			      "%s: map type %u", known[_i].name, type);
	/* None of them is built with infrared receivers. */
	for (uint32_t type = 1; type <= 32; type++)
		ck_assert_msg(caps_program(&caps, type) ==
				      (type < known[_i].program_types && type != 20 ? CAP_YES : CAP_NO),
			      "%s: program type %u", known[_i].name, type);
	caps_fini(&caps);
	unmap_file(&file);
}
END_TEST

static const struct {
	uint32_t program_type, helper;
	enum answer answers[KNOWN];
} helpers_of[] = {
	{ BPF_PROG_TYPE_TRACEPOINT, 4 /* probe_read */,
	  { CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_TRACEPOINT, 51 /* redirect_map */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO } },
	{ BPF_PROG_TYPE_XDP, 51,
	  { CAP_NO, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_KPROBE, 113 /* probe_read_kernel */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_KPROBE, 130 /* ringbuf_output */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_KPROBE, 174 /* get_attach_cookie */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_KPROBE, 158 /* get_current_task_btf */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_KPROBE, 210 /* cgrp_storage_get */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_LSM, 148 /* copy_from_user */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
	{ BPF_PROG_TYPE_TRACING, 126 /* seq_printf */,
	  { CAP_NO, CAP_NO, CAP_NO, CAP_NO, CAP_YES, CAP_YES, CAP_YES, CAP_YES } },
};

START_TEST(helpers_of_stored_kernels_are_those_of_their_releases)
{
	struct map_file file;

	open_stored(known[_i].name, &file);
	for (size_t i = 0; i < sizeof(helpers_of) / sizeof(*helpers_of); i++)
		ck_assert_msg(caps_helper(&caps, helpers_of[i].program_type, helpers_of[i].helper) ==
				      helpers_of[i].answers[_i],
			      "%s: program type %u, helper %u", known[_i].name,
			      helpers_of[i].program_type, helpers_of[i].helper);
	caps_fini(&caps);
	unmap_file(&file);
}
END_TEST

Suite *caps_text_suite(void);
Suite *caps_text_suite(void)
{
	Suite *suite = suite_create("caps_text");
	TCase *tc = tcase_create("caps_text");

	tcase_add_test(tc, what_is_written_reads_back_the_same);
	tcase_add_test(tc, what_is_not_in_the_file_is_unknown);
	tcase_add_test(tc, programs_that_are_a_no_need_no_helpers_in_the_file);
	tcase_add_test(tc, comments_blank_lines_and_more_blanks_say_nothing);
	tcase_add_loop_test(tc, what_is_off_is_refused_with_its_line_and_the_nearest_word, 0, REFUSED);
	tcase_add_loop_test(tc, damaged_files_are_refused_or_read, 0, sizeof(bytes));
	tcase_add_test(tc, every_stored_kernel_reads_and_writes_back_the_same);
	tcase_add_loop_test(tc, a_stored_kernel_has_what_its_release_has, 0, KNOWN);
	tcase_add_loop_test(tc, helpers_of_stored_kernels_are_those_of_their_releases, 0, KNOWN);
	suite_add_tcase(suite, tc);
	return suite;
}
