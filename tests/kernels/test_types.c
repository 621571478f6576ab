// SPDX-License-Identifier: GPL-2.0
/*
 * Types from Debian's kernel images, as they are installed: what is found must be what the
 * kernel's own configuration promises, and what pahole and bpftool read in it.
 */
#include <check.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/image.h"
#include "loader/types.h"
#include "tests/kernels/kernels.h"
#include "util/map.h"

Suite *types_suite(void);

static struct types types;
static struct error err;
static char blob[] = "/tmp/test_types.XXXXXX"; /* the BTF found, for other programs to read */

static void teardown(void)
{
	types_fini(&types);
	unlink(blob);
}

static int open_image(int i)
{
	struct types_request request = { .btf_file = kernels.at[i].image };

	return types_open(&types, &request, &err);
}

/* The kernel's types, also in a file of their own. */
static void open_types(int i)
{
	FILE *file;

	ck_assert_msg(!open_image(i), "%s", err.message);
	memcpy(blob + strlen(blob) - 6, "XXXXXX", 6);
	file = fdopen(mkstemp(blob), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(types.btf.data, 1, types.btf.size, file), types.btf.size);
	ck_assert_int_eq(fclose(file), 0);
}

static FILE *run(const char *command)
{
	char line[256];
	FILE *out;

	snprintf(line, sizeof(line), command, blob);
	out = popen(line, "r");
	ck_assert_ptr_nonnull(out);
	return out;
}

START_TEST(types_are_found_where_the_configuration_promises_some)
{
	const struct kernel *kernel = &kernels.at[_i];
	int ret = open_image(_i);

	ck_assert_msg(!ret == kernel->has_types, "%s: %s", kernel->image,
		      ret ? err.message : "found some");
	if (ret)
		ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
}
END_TEST

/* Others are not packed at all, whatever is configured. */
static bool packs_itself(const struct kernel *kernel)
{
	return kernel_configured(kernel, "CONFIG_X86=y") || kernel_configured(kernel, "CONFIG_S390=y");
}

START_TEST(packing_is_the_one_configured)
{
	static const char *const ways[][2] = {
		{ "CONFIG_KERNEL_GZIP=y", "(packed with gzip)" },
		{ "CONFIG_KERNEL_BZIP2=y", "(packed with bzip2)" },
		{ "CONFIG_KERNEL_LZMA=y", "(packed with lzma)" },
		{ "CONFIG_KERNEL_XZ=y", "(packed with xz)" },
		{ "CONFIG_KERNEL_LZO=y", "(packed with lzo)" },
		{ "CONFIG_KERNEL_LZ4=y", "(packed with lz4)" },
		{ "CONFIG_KERNEL_ZSTD=y", "(packed with zstd)" },
	};

	const struct kernel *kernel = &kernels.at[_i];

	open_types(_i);
	if (!packs_itself(kernel)) {
		ck_assert_str_eq(types.account.source, kernel->image);
		return;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		ck_assert_msg(!kernel_configured(kernel, ways[i][0]) ==
			      !strstr(types.account.source, ways[i][1]), "%s", types.account.source);
}
END_TEST

START_TEST(as_many_types_as_bpftool_counts)
{
	uint32_t count = 0;
	char line[4096];
	FILE *out;

	open_types(_i);
	out = run("bpftool btf dump file %s 2>/dev/null");
	while (fgets(line, sizeof(line), out))
		count += line[0] == '[';
	ck_assert_int_eq(pclose(out), 0);
	ck_assert_uint_eq(btf_count(&types.btf) - 1, count);
}
END_TEST

/* Names of which there are several say nothing of any one of them. */
static bool is_unique(const char *name)
{
	uint32_t id = btf_find(&types.btf, name, BTF_KIND_STRUCT);

	return id && !btf_find_next(&types.btf, name, BTF_KIND_STRUCT, id);
}

START_TEST(structs_are_as_large_as_pahole_says)
{
	char name[256];
	unsigned int size, compared = 0;
	bool task = false;
	FILE *out;

	open_types(_i);
	out = run("pahole --sizes %s 2>/dev/null");
	while (fscanf(out, "%255s %u %*u", name, &size) == 2) {
		uint32_t id = btf_find(&types.btf, name, BTF_KIND_STRUCT);

		if (!is_unique(name))
			continue;
		ck_assert_msg(btf_size(&types.btf, id) == size, "struct %s: got %lld, expected %u", name,
			      (long long)btf_size(&types.btf, id), size);
		compared++;
		task |= !strcmp(name, "task_struct");
	}
	ck_assert_int_eq(pclose(out), 0);
	ck_assert(task);
	ck_assert_uint_gt(compared, 5000);
}
END_TEST

/* Those of file systems, packed as the distribution packs them. */
START_TEST(modules_go_on_from_their_kernels_types)
{
	char pattern[2048];
	glob_t modules;

	open_types(_i);
	snprintf(pattern, sizeof(pattern), "%s/lib/modules/*/kernel/fs/*/*.ko*", kernels.at[_i].dir);
	ck_assert_int_eq(glob(pattern, 0, NULL, &modules), 0);
	for (size_t i = 0; i < modules.gl_pathc; i++) {
		struct image_btf found;
		struct map_file map;
		struct btf btf;

		ck_assert_int_eq(map_file(&map, modules.gl_pathv[i]), 0);
		ck_assert_msg(!image_find_btf(map.data, map.size, NULL, &found, &err) && found.split, "%s: %s",
			      modules.gl_pathv[i], err.message);
		unmap_file(&map);
		ck_assert_msg(!btf_init_owned(&btf, &types.btf, found.data, found.size, &err) &&
			      !btf_check(&btf, &err), "%s: %s", modules.gl_pathv[i], err.message);
		ck_assert_uint_gt(btf_count(&btf), btf_count(&types.btf));
		btf_fini(&btf);
	}
	globfree(&modules);
}
END_TEST

Suite *types_suite(void)
{
	Suite *s = suite_create("types");
	TCase *c = tcase_create("types");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_loop_test(c, types_are_found_where_the_configuration_promises_some, 0, kernels.count);
	tcase_add_loop_test(c, packing_is_the_one_configured, 0, kernels.with_types);
	tcase_add_loop_test(c, as_many_types_as_bpftool_counts, 0, kernels.with_types);
	tcase_add_loop_test(c, structs_are_as_large_as_pahole_says, 0, kernels.with_types);
	tcase_add_loop_test(c, modules_go_on_from_their_kernels_types, 0, kernels.with_modules);
	suite_add_tcase(s, c);
	return s;
}
