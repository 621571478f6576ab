// SPDX-License-Identifier: GPL-2.0
/* Functions of this very program, and files that are broken in every place. */
#include <check.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/elf_symbol.h"
#include "util/map.h"

Suite *elf_symbol_suite(void);

static struct error err;
static char path[] = "/tmp/portrace-elf-XXXXXX";

static void setup(void)
{
	error_clear(&err);
	strcpy(path + strlen(path) - 6, "XXXXXX");
	close(mkstemp(path));
}

static void teardown(void)
{
	unlink(path);
}

static void write_file(const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, size, f), size);
	fclose(f);
}

__attribute__((noinline, used)) int function_to_be_found(int x)
{
	return x * 3 + 1;
}

/* The bytes at that offset of the file are the function's code. */
START_TEST(function_is_found_in_the_file)
{
	struct map_file map;
	uint64_t offset = 0;

	ck_assert_int_eq(map_file(&map, "/proc/self/exe"), 0);
	ck_assert_int_eq(elf_symbol_offset("/proc/self/exe", "function_to_be_found", &offset, &err), 0);
	ck_assert_uint_le(offset + 8, map.size);
	ck_assert_mem_eq((char *)map.data + offset, (void *)function_to_be_found, 8);
	unmap_file(&map);
}
END_TEST

static int find_libc(struct dl_phdr_info *info, size_t size, void *to)
{
	if (strstr(info->dlpi_name, "libc.so"))
		snprintf(to, 512, "%s", info->dlpi_name);
	return 0;
}

/* Where the table of all symbols was stripped, the exported ones are left. */
START_TEST(exported_function_of_a_library_is_found)
{
	char libc[512] = "";
	uint64_t offset;

	dl_iterate_phdr(find_libc, libc);
	if (!*libc)
		return; /* linked statically */
	ck_assert_int_eq(elf_symbol_offset(libc, "getpid", &offset, &err), 0);
	ck_assert_uint_ne(offset, 0);
}
END_TEST

/* The C library keeps old versions of what has changed, beside the one that is linked with now. */
START_TEST(version_of_an_exported_function_is_found)
{
#ifdef __x86_64__
	char libc[512] = "";
	uint64_t now, now_named, old, none;

	dl_iterate_phdr(find_libc, libc);
	if (!*libc || strstr(libc, "musl"))
		return;
	ck_assert_int_eq(elf_symbol_offset(libc, "pthread_cond_wait", &now, &err), 0);
	ck_assert_int_eq(elf_symbol_offset(libc, "pthread_cond_wait@@GLIBC_2.3.2", &now_named, &err), 0);
	ck_assert_int_eq(elf_symbol_offset(libc, "pthread_cond_wait@GLIBC_2.2.5", &old, &err), 0);
	ck_assert_int_eq(elf_symbol_offset(libc, "pthread_cond_wait@GLIBC_9.9", &none, &err), 1);
	ck_assert_uint_eq(now, now_named);
	ck_assert_uint_ne(now, old);
#endif
}
END_TEST

int elf_pattern_one(int x);
int elf_pattern_two(int x);
__attribute__((noinline, used)) int elf_pattern_one(int x)
{
	return x * 5 + 1;
}
__attribute__((noinline, used)) int elf_pattern_two(int x)
{
	return x * 7 + 1;
}

START_TEST(functions_that_match_are_found_once_each)
{
	struct elf_functions functions;
	uint64_t one;

	ck_assert_int_eq(elf_functions_find(&functions, "/proc/self/exe", "elf_pattern_*", &err), 0);
	ck_assert_uint_eq(functions.list.len, 2);
	ck_assert_int_eq(elf_symbol_offset("/proc/self/exe", "elf_pattern_one", &one, &err), 0);
	ck_assert(functions.list.at[0].offset == one || functions.list.at[1].offset == one);
	ck_assert_uint_lt(functions.list.at[0].offset, functions.list.at[1].offset);
	elf_functions_fini(&functions);
	ck_assert_int_eq(elf_functions_find(&functions, "/proc/self/exe", "elf_no_*", &err), 1);
	elf_functions_fini(&functions);
	ck_assert_int_eq(elf_functions_find(&functions, "/no/such/file", "*", &err), -1);
	elf_functions_fini(&functions);
}
END_TEST

START_TEST(function_that_is_not_there_is_no_error)
{
	uint64_t offset;

	ck_assert_int_eq(elf_symbol_offset("/proc/self/exe", "no_such_function", &offset, &err), 1);
	ck_assert_int_eq(err.code, ERROR_NONE);
}
END_TEST

START_TEST(file_that_is_no_program_is_told)
{
	char expected[200];
	uint64_t offset;

	write_file("#!/bin/sh\n", 10);
	ck_assert_int_eq(elf_symbol_offset(path, "x", &offset, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	snprintf(expected, sizeof(expected), "%s: got no program or library of this machine's, expected an "
		 "ELF file", path);
	ck_assert_str_eq(err.message, expected);
}
END_TEST

START_TEST(file_that_is_not_there_is_told)
{
	uint64_t offset;

	ck_assert_int_eq(elf_symbol_offset("/no/such/file", "x", &offset, &err), -1);
	ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
}
END_TEST

/* Headers whose numbers point anywhere: never outside the file, under the sanitizers too. */
START_TEST(broken_headers_lead_nowhere)
{
	struct map_file map;
	uint8_t *copy;
	uint64_t offset;

	ck_assert_int_eq(map_file(&map, "/proc/self/exe"), 0);
	copy = malloc(4096);
	srandom(_i);
	memcpy(copy, map.data, 4096);
	for (int i = 0; i < 8; i++)
		copy[24 + random() % 40] = random();
	write_file(copy, 4096);
	elf_symbol_offset(path, "function_to_be_found", &offset, &err);
	write_file(map.data, map.size / 2);
	ck_assert_int_eq(elf_symbol_offset(path, "function_to_be_found", &offset, &err), 1);
	free(copy);
	unmap_file(&map);
}
END_TEST

Suite *elf_symbol_suite(void)
{
	Suite *s = suite_create("elf_symbol");
	TCase *tc = tcase_create("elf_symbol");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, function_is_found_in_the_file);
	tcase_add_test(tc, exported_function_of_a_library_is_found);
	tcase_add_test(tc, version_of_an_exported_function_is_found);
	tcase_add_test(tc, functions_that_match_are_found_once_each);
	tcase_add_test(tc, function_that_is_not_there_is_no_error);
	tcase_add_test(tc, file_that_is_no_program_is_told);
	tcase_add_test(tc, file_that_is_not_there_is_told);
	tcase_add_loop_test(tc, broken_headers_lead_nowhere, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}
