// SPDX-License-Identifier: GPL-2.0
/* What an object says of structs whose functions it provides; tests/live registers one. */
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/object.h"

Suite *struct_ops_suite(void);

static uint8_t *file;
static size_t file_len;
static struct object obj;
static struct error err;

static void begin(void)
{
	FILE *f = fopen(FIXTURES "/struct_ops.bpf.o", "rb");

	ck_assert_ptr_nonnull(f);
	file = malloc(1 << 20);
	file_len = fread(file, 1, 1 << 20, f);
	fclose(f);
	error_clear(&err);
	memset(&obj, 0, sizeof(obj));
}

static void end(void)
{
	object_fini(&obj);
	free(file);
}

static Elf64_Shdr *section_of(const char *name)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)file;
	Elf64_Shdr *s = (Elf64_Shdr *)(file + h->e_shoff);
	const char *names = (const char *)file + s[h->e_shstrndx].sh_offset;

	for (int i = 1; i < h->e_shnum; i++)
		if (!strcmp(names + s[i].sh_name, name))
			return &s[i];
	ck_abort_msg("%s", name);
}

START_TEST(variable_is_a_map_with_functions)
{
	static const char *const functions[] = { "undo_cwnd", "init", "cong_avoid", "ssthresh" };
	const struct struct_ops *ops;
	const struct map *map;
	uint32_t found = 0;

	ck_assert_msg(!object_init(&obj, "o", file, file_len, &err), "%s", err.message);
	ck_assert_uint_eq(obj.struct_ops.len, 1);
	ops = &obj.struct_ops.at[0];
	map = &obj.maps.at[ops->map];
	ck_assert_str_eq(map->name, "control");
	ck_assert_uint_eq(map->type, 26);
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->max_entries, 1);
	ck_assert_ptr_null(map->data);
	ck_assert_str_eq((const char *)ops->data, "portrace_test");
	ck_assert_uint_eq(ops->functions.len, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct ops_function *f = &ops->functions.at[i];
		size_t member = (f->offset - 24) / 8;

		ck_assert_uint_lt(member, 4);
		ck_assert_str_eq(obj.programs.at[f->program].name, functions[member]);
		ck_assert(obj.programs.at[f->program].autoload);
		found |= 1u << member;
	}
	ck_assert_uint_eq(found, 0xf);
}
END_TEST

START_TEST(program_of_no_variable_is_left_out)
{
	ck_assert_int_eq(object_init(&obj, "o", file, file_len, &err), 0);
	ck_assert(!object_program(&obj, "unused")->autoload);
}
END_TEST

START_TEST(function_beyond_the_variables_is_refused)
{
	Elf64_Shdr *s = section_of(".rel.struct_ops.link");
	Elf64_Rel *r = (Elf64_Rel *)(file + s->sh_offset);

	r->r_offset = section_of(".struct_ops.link")->sh_size - 4;
	ck_assert_int_eq(object_init(&obj, "o", file, file_len, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_msg(strstr(err.message, "got its address outside of all variables, expected it in one"),
		      "%s", err.message);
}
END_TEST

START_TEST(address_of_what_is_no_program_is_refused)
{
	Elf64_Shdr *s = section_of(".struct_ops.link");
	Elf64_Rel *r = (Elf64_Rel *)(file + section_of(".rel.struct_ops.link")->sh_offset);

	file[s->sh_offset + r->r_offset] = 8; /* is added to the function's address */
	ck_assert_int_eq(object_init(&obj, "o", file, file_len, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_msg(strstr(err.message, "got the address of something else, expected that of a program, in a "
			     "section struct_ops/NAME"), "%s", err.message);
}
END_TEST

Suite *struct_ops_suite(void)
{
	Suite *s = suite_create("struct_ops");
	TCase *c = tcase_create("struct_ops");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, variable_is_a_map_with_functions);
	tcase_add_test(c, program_of_no_variable_is_left_out);
	tcase_add_test(c, function_beyond_the_variables_is_refused);
	tcase_add_test(c, address_of_what_is_no_program_is_refused);
	suite_add_tcase(s, c);
	return s;
}
