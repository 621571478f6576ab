// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "loader/types.h"
#include "util/spawn.h"

Suite *types_suite(void);

/* Each test has a tree of its own, which stands for the machine's. */
static char root[] = "/tmp/test_types.XXXXXX";
static struct utsname uts;
static struct types types;
static struct error err;

static void setup(void)
{
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chmod(root, 0755), 0);
	uname(&uts);
	memset(&types, 0, sizeof(types));
	error_clear(&err);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void teardown(void)
{
	types_fini(&types);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path below the tree; %R stands for the kernel's release. */
static const char *place(const char *path)
{
	static char full[PATH_MAX];
	size_t len = snprintf(full, sizeof(full), "%s", root);

	for (; *path; path++)
		if (path[0] == '%' && path[1] == 'R') {
			len += sprintf(full + len, "%s", uts.release);
			path++;
		} else {
			full[len++] = *path;
		}
	full[len] = 0;
	return full;
}

static void put(const char *path, const void *data, size_t size)
{
	char full[PATH_MAX];
	FILE *file;

	strcpy(full, place(path));
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	ck_assert_msg(file && fwrite(data, 1, size, file) == size && !fclose(file), "%s", full);
}

/* Types that tell where they are from: a struct of that name. */
static size_t build(struct builder *b, const char *name)
{
	memset(b, 0, sizeof(*b));
	build_int(b, "int", 4, BTF_INT_SIGNED);
	build_type(b, BTF_KIND_STRUCT, name, 4);
	build_member(b, "m", 1, 0);
	return build_blob(b);
}

static void put_btf(const char *path, const char *name)
{
	static struct builder b;

	put(path, b.blob, build(&b, name));
}

/* Packed with that program. */
static void put_packed(const char *path, const char *name, const char *program)
{
	static struct builder b;
	uint8_t *packed;
	size_t len, size = build(&b, name);

	ck_assert_int_eq(spawn_filter((const char *[]){ program, "-c", NULL }, b.blob, size, 1 << 20,
				      &packed, &len), 0);
	put(path, packed, len);
	free(packed);
}

static int look(enum types_from from)
{
	struct types_request request = { .from = from, .root = root };

	return types_open(&types, &request, &err);
}

/* Found, in that file below the tree. */
static void expect_from(const char *source, const char *name)
{
	ck_assert_msg(btf_find(&types.btf, name, BTF_KIND_STRUCT), "%s not found", name);
	ck_assert_str_eq(types.account.source, place(source));
}

static void expect_tried(const char *text, const char *lines)
{
	char expected[4096] = "";

	for (const char *line = lines; *line;) {
		size_t len = strcspn(line, "\n");
		char one[1024];

		snprintf(one, sizeof(one), "%.*s", (int)len, line);
		strcat(expected, one[0] == '/' ? place(one) : one);
		line += len;
		if (*line) {
			strcat(expected, "\n");
			line++;
		}
	}
	ck_assert_str_eq(text, expected);
}

static void expect_error(enum error_code code, const char *message)
{
	ck_assert_msg(err.code == code && !strcmp(err.message, message), "got %d '%s', expected '%s'",
		      err.code, err.message, message);
}

#define NONE "types of the running kernel: got none, expected them in one of these"
#define NO_SYSFS "/sys/kernel/btf/vmlinux: No such file or directory"

START_TEST(kernels_own_come_first)
{
	put_btf("/sys/kernel/btf/vmlinux", "own");
	put_btf("/boot/vmlinux-%R", "image");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	expect_from("/sys/kernel/btf/vmlinux", "own");
	ck_assert_str_eq(types.account.tried, "");
}
END_TEST

START_TEST(image_where_the_kernel_gives_none)
{
	put_btf("/boot/vmlinux-%R", "image");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	expect_from("/boot/vmlinux-%R", "image");
	expect_tried(types.account.tried, NO_SYSFS);
}
END_TEST

START_TEST(image_where_the_kernels_own_are_damaged)
{
	put("/sys/kernel/btf/vmlinux", "damaged", 7);
	put_btf("/boot/vmlinux-%R", "image");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	expect_from("/boot/vmlinux-%R", "image");
	expect_tried(types.account.tried,
		     "/sys/kernel/btf/vmlinux: BTF: header: got 7 bytes, expected at least 24");
}
END_TEST

/* In the order in which they are looked at. */
static const char *const places[] = {
	"/boot/vmlinux-%R",
	"/lib/modules/%R/vmlinux",
	"/lib/modules/%R/vmlinux-%R",
	"/lib/modules/%R/build/vmlinux",
	"/lib/modules/%R/kernel/vmlinux",
	"/usr/lib/debug/boot/vmlinux-%R",
	"/usr/lib/debug/boot/vmlinux-%R.debug",
	"/usr/lib/debug/lib/modules/%R/vmlinux",
	"/boot/vmlinuz-%R",
	"/lib/modules/%R/vmlinuz",
	"/boot/kernel-%R",
	"/boot/Image-%R",
	"/boot/Image.gz-%R",
	"/boot/image-%R",
	"/boot/vmlinux-%R.gz",
};

#define PLACES (sizeof(places) / sizeof(*places))
#define PLACE_LAST "/boot/vmlinux-%R.gz"

START_TEST(image_in_each_usual_place)
{
	put_btf(places[_i], "found");
	if (_i + 1u < PLACES)
		put_btf(places[_i + 1], "later");
	ck_assert_msg(!look(TYPES_IMAGE), "%s", err.message);
	expect_from(places[_i], "found");
	ck_assert_str_eq(types.account.tried, "");
}
END_TEST

START_TEST(image_of_another_release_is_none)
{
	put_btf("/boot/vmlinux-%R.old", "other");
	ck_assert_int_eq(look(TYPES_IMAGE), -1);
	expect_error(ERROR_UNSUPPORTED, NONE);
}
END_TEST

/* What a kernel without symbols is in memory, as far as it is looked at. */
static void put_kernel(const char *path, const char *name, const char *release)
{
	static struct builder b;
	size_t size = build(&b, name), len;
	char kernel[sizeof(b.blob) + 512] = "%s version %s\0Linux version %s\n\0";

	len = 64 + sprintf(kernel + 64, "Linux version %s (builder@host) #1 SMP", release);
	memcpy(kernel + len, b.blob, size);
	put(path, kernel, len + size);
}

static const char *const unnamed[] = {
	"/boot/vmlinuz-linux",
	"/boot/vmlinuz-linux-lts",
	"/boot/vmlinuz-lts",
	"/boot/vmlinuz-virt",
	"/boot/vmlinuz",
	"/boot/Image",
};

START_TEST(image_that_only_says_inside_which_kernel_it_is)
{
	put_kernel(unnamed[_i], "found", uts.release);
	ck_assert_msg(!look(TYPES_IMAGE), "%s", err.message);
	expect_from(unnamed[_i], "found");
	types_fini(&types);
	put_btf(PLACE_LAST, "named");
	ck_assert_msg(!look(TYPES_IMAGE), "%s", err.message);
	expect_from(PLACE_LAST, "named");
}
END_TEST

START_TEST(image_of_another_kernel_under_a_common_name)
{
	char longer[sizeof(uts.release) + 1], tried[512];

	put_kernel("/boot/vmlinuz-linux", "other", "1.2.3");
	ck_assert_int_eq(look(TYPES_IMAGE), -1);
	snprintf(tried, sizeof(tried), "/boot/vmlinuz-linux: got the image of Linux 1.2.3, expected "
		 "that of %s", uts.release);
	expect_tried(err.detail, tried);
	/* One whose release only begins like this kernel's, and one that does not say. */
	snprintf(longer, sizeof(longer), "%s1", uts.release);
	put_kernel("/boot/vmlinuz-linux", "other", longer);
	put_btf("/boot/vmlinuz", "other");
	ck_assert_int_eq(look(TYPES_IMAGE), -1);
	snprintf(tried, sizeof(tried), "/boot/vmlinuz-linux: got the image of Linux %s, expected "
		 "that of %s\n/boot/vmlinuz: got the image of no kernel, expected that of %s",
		 longer, uts.release, uts.release);
	expect_tried(err.detail, tried);
}
END_TEST

START_TEST(image_without_types_is_passed_over)
{
	put("/boot/vmlinux-%R", "nothing", 7);
	put("/lib/modules/%R/vmlinux", "", 0);
	put_packed("/boot/vmlinuz-%R", "image", "gzip");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	ck_assert_msg(btf_find(&types.btf, "image", BTF_KIND_STRUCT), "not found");
	expect_from("/boot/vmlinuz-%R (packed with gzip)", "image");
	expect_tried(types.account.tried, NO_SYSFS "\n/boot/vmlinux-%R: got no BTF in it\n"
		     "/lib/modules/%R/vmlinux: got an empty file or no regular one, expected one with BTF");
}
END_TEST

START_TEST(nothing_anywhere)
{
	char lines[1024];

	snprintf(lines, sizeof(lines), NO_SYSFS "\nkernel image: got none of %s in /boot, "
		 "/lib/modules/%s or /usr/lib/debug\ntracefs: got no programs, whose tracepoints it "
		 "describes", uts.release, uts.release);
	ck_assert_int_eq(look(TYPES_AUTO), -1);
	expect_error(ERROR_UNSUPPORTED, NONE);
	expect_tried(err.detail, lines);
	ck_assert_msg(strstr(err.hint, "CONFIG_DEBUG_INFO_BTF=y"), "%s", err.hint);
}
END_TEST

START_TEST(missing_program_is_what_the_hint_names)
{
	char *path = strdup(getenv("PATH"));

	put_packed("/boot/vmlinuz-%R", "image", "xz");
	setenv("PATH", "/nowhere", 1);
	ck_assert_int_eq(look(TYPES_AUTO), -1);
	expect_error(ERROR_UNSUPPORTED, NONE);
	expect_tried(err.detail, NO_SYSFS "\n/boot/vmlinuz-%R: packed with xz, and no xz is installed\n"
		     "tracefs: got no programs, whose tracepoints it describes");
	ck_assert_str_eq(err.hint, "install xz (Debian's package: xz-utils)");
	setenv("PATH", path, 1);
	free(path);
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	expect_from("/boot/vmlinuz-%R (packed with xz)", "image");
}
END_TEST

START_TEST(only_the_source_asked_for)
{
	put_btf("/boot/vmlinux-%R", "image");
	ck_assert_int_eq(look(TYPES_KERNEL), -1);
	expect_error(ERROR_UNSUPPORTED, NONE);
	expect_tried(err.detail, NO_SYSFS);
	put_btf("/sys/kernel/btf/vmlinux", "own");
	ck_assert_msg(!look(TYPES_IMAGE), "%s", err.message);
	expect_from("/boot/vmlinux-%R", "image");
	types_fini(&types);
	ck_assert_int_eq(look(TYPES_TRACEFS), -1);
	expect_tried(err.detail, "tracefs: got no programs, whose tracepoints it describes");
}
END_TEST

START_TEST(what_may_not_be_read_is_a_matter_of_permission)
{
	uid_t uid = geteuid();
	int ret;

	put_btf("/boot/vmlinuz-%R", "image");
	ck_assert_int_eq(chmod(place("/boot/vmlinuz-%R"), 0), 0);
	/* For the owner as well, but not for root. */
	ck_assert_int_eq(seteuid(uid ? uid : 65534), 0);
	ret = look(TYPES_AUTO);
	ck_assert_int_eq(seteuid(uid), 0);
	ck_assert_int_eq(ret, -1);
	expect_error(ERROR_PERMISSION, NONE);
	expect_tried(err.detail, NO_SYSFS "\n/boot/vmlinuz-%R: Permission denied\n"
		     "tracefs: got no programs, whose tracepoints it describes");
}
END_TEST

/* ---- a file that the user names ---- */

static int open_file(const char *path)
{
	char full[PATH_MAX];
	struct types_request request = { .btf_file = full, .root = root };

	strcpy(full, place(path));
	return types_open(&types, &request, &err);
}

START_TEST(file_comes_before_everything)
{
	put_btf("/sys/kernel/btf/vmlinux", "own");
	put_btf("/here", "named");
	ck_assert_msg(!open_file("/here"), "%s", err.message);
	expect_from("/here", "named");
	types_fini(&types);
	put_packed("/here", "packed", "zstd");
	ck_assert_msg(!open_file("/here"), "%s", err.message);
	expect_from("/here (packed with zstd)", "packed");
}
END_TEST

/* A kernel's are megabytes: what can stay in the file is not copied. */
START_TEST(file_of_nothing_but_types_stays_mapped)
{
	put_btf("/here", "named");
	ck_assert_msg(!open_file("/here"), "%s", err.message);
	ck_assert_ptr_nonnull(types.btf.file.data);
	ck_assert_ptr_null(types.btf.copy);
}
END_TEST

static void expect_refused(enum error_code code, const char *message)
{
	ck_assert_int_eq(open_file("/here"), -1);
	ck_assert_int_eq(err.code, code);
	expect_tried(err.message, message);
	ck_assert_ptr_null(types.btf.data);
}

START_TEST(file_that_is_not_there_is_not_replaced_by_another)
{
	put_btf("/sys/kernel/btf/vmlinux", "own");
	expect_refused(ERROR_NOT_FOUND, "/here: No such file or directory");
}
END_TEST

START_TEST(file_without_types)
{
	put("/here", "text", 4);
	expect_refused(ERROR_NOT_FOUND, "/here: got no BTF in it");
	put("/here", "", 0);
	expect_refused(ERROR_FORMAT, "/here: got an empty file or no regular one, expected one with BTF");
	unlink(place("/here"));
	mkdir(place("/here"), 0755);
	expect_refused(ERROR_FORMAT, "/here: got an empty file or no regular one, expected one with BTF");
}
END_TEST

START_TEST(file_whose_types_are_unsound)
{
	static struct builder b;

	memset(&b, 0, sizeof(b));
	build_type(&b, BTF_KIND_STRUCT, "s", 4);
	build_member(&b, "m", 77, 0);
	put("/here", b.blob, build_blob(&b));
	expect_refused(ERROR_FORMAT, "/here: BTF: type 1 's' at offset 0 of the types: member: got 77, "
		       "expected the id of a type");
}
END_TEST

/* ---- modules ---- */

/* A struct of that name whose member is of the kernel's type 1. */
static void put_module(const char *name, uint32_t base_strings)
{
	static struct builder b;
	char path[128];
	size_t size;

	memset(&b, 0, sizeof(b));
	build_type(&b, BTF_KIND_STRUCT, NULL, 4);
	/* The empty string is the base's: its own begin with a name. */
	strcpy(b.strings, name);
	b.strings_len = strlen(name) + 1;
	b.types[b.last] = base_strings;
	build_word(&b, 0);
	build_word(&b, 1);
	build_word(&b, 0);
	build_more(&b);
	size = build_blob(&b);
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
	put(path, b.blob, size);
}

START_TEST(modules_go_on_from_the_kernels_types)
{
	static const char *const names[] = { "alpha", "beta", "gamma" };
	const struct btf *module, *first;

	put_btf("/sys/kernel/btf/vmlinux", "own");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	for (int i = 2; i >= 0; i--)
		put_module(names[i], types.btf.strings_len);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(!types_module(&types, i, &module, &err), "%s", err.message);
		ck_assert_uint_eq(btf_find(module, names[i], BTF_KIND_STRUCT), 3);
		ck_assert_uint_eq(btf_find(module, "own", BTF_KIND_STRUCT), 2);
		first = i ? first : module;
	}
	ck_assert_int_eq(types_module(&types, 3, &module, &err), 0);
	ck_assert_ptr_null(module);
	ck_assert_int_eq(types_module(&types, 0, &module, &err), 0);
	ck_assert_ptr_eq(module, first);
}
END_TEST

START_TEST(module_unloaded_since_adds_nothing)
{
	const struct btf *module;

	put_btf("/sys/kernel/btf/vmlinux", "own");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	put_module("alpha", types.btf.strings_len);
	put_module("beta", types.btf.strings_len);
	ck_assert_int_eq(types_module(&types, 0, &module, &err), 0);
	unlink(place("/sys/kernel/btf/beta"));
	ck_assert_msg(!types_module(&types, 1, &module, &err), "%s", err.message);
	ck_assert_uint_eq(btf_find(module, "beta", BTF_KIND_STRUCT), 0);
}
END_TEST

START_TEST(damaged_module_is_named)
{
	const struct btf *module;

	put_btf("/sys/kernel/btf/vmlinux", "own");
	put("/sys/kernel/btf/bad", "damaged", 7);
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	ck_assert_int_eq(types_module(&types, 0, &module, &err), -1);
	expect_tried(err.message,
		     "/sys/kernel/btf/bad: BTF: header: got 7 bytes, expected at least 24");
}
END_TEST

START_TEST(file_of_a_module_goes_on_from_the_kernels_types)
{
	put_btf("/sys/kernel/btf/vmlinux", "own");
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	put_module("alpha", types.btf.strings_len);
	types_fini(&types);
	ck_assert_msg(!open_file("/sys/kernel/btf/alpha"), "%s", err.message);
	ck_assert_uint_eq(btf_find(&types.btf, "alpha", BTF_KIND_STRUCT), 3);
	ck_assert_uint_eq(btf_find(&types.btf, "own", BTF_KIND_STRUCT), 2);
	types_fini(&types);
	unlink(place("/sys/kernel/btf/vmlinux"));
	ck_assert_int_eq(open_file("/sys/kernel/btf/alpha"), -1);
	ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
	ck_assert_msg(strstr(err.message, "alpha: goes on from the kernel's types: ") &&
		      strstr(err.message, "/sys/kernel/btf/vmlinux: No such file"), "%s", err.message);
}
END_TEST

START_TEST(types_from_elsewhere_have_no_modules)
{
	const struct btf *module;

	put_btf("/boot/vmlinux-%R", "image");
	put("/sys/kernel/btf/alpha", "", 0);
	ck_assert_msg(!look(TYPES_AUTO), "%s", err.message);
	ck_assert_int_eq(types_module(&types, 0, &module, &err), 0);
	ck_assert_ptr_null(module);
}
END_TEST

Suite *types_suite(void)
{
	Suite *s = suite_create("types");
	TCase *c = tcase_create("types");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, kernels_own_come_first);
	tcase_add_test(c, image_where_the_kernel_gives_none);
	tcase_add_test(c, image_where_the_kernels_own_are_damaged);
	tcase_add_loop_test(c, image_in_each_usual_place, 0, PLACES);
	tcase_add_test(c, image_of_another_release_is_none);
	tcase_add_loop_test(c, image_that_only_says_inside_which_kernel_it_is, 0,
			    sizeof(unnamed) / sizeof(*unnamed));
	tcase_add_test(c, image_of_another_kernel_under_a_common_name);
	tcase_add_test(c, image_without_types_is_passed_over);
	tcase_add_test(c, nothing_anywhere);
	tcase_add_test(c, missing_program_is_what_the_hint_names);
	tcase_add_test(c, only_the_source_asked_for);
	tcase_add_test(c, what_may_not_be_read_is_a_matter_of_permission);
	tcase_add_test(c, file_comes_before_everything);
	tcase_add_test(c, file_of_nothing_but_types_stays_mapped);
	tcase_add_test(c, file_that_is_not_there_is_not_replaced_by_another);
	tcase_add_test(c, file_without_types);
	tcase_add_test(c, file_whose_types_are_unsound);
	tcase_add_test(c, modules_go_on_from_the_kernels_types);
	tcase_add_test(c, module_unloaded_since_adds_nothing);
	tcase_add_test(c, damaged_module_is_named);
	tcase_add_test(c, file_of_a_module_goes_on_from_the_kernels_types);
	tcase_add_test(c, types_from_elsewhere_have_no_modules);
	suite_add_tcase(s, c);
	return s;
}
