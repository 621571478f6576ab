// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "util/kernel_version.h"

static const struct {
	const char *release, *version, *signature;
	uint32_t code;
} words[] = {
	{ "4.14.67", "#1 SMP Mon Sep 3 2018", "", 0x040e43 },
	{ "4.9.0-13-amd64", "#1 SMP Debian 4.9.228-1 (2020-07-05)", "", 0x0409e4 },
	{ "5.10.0-32-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)", "", 0x050adf },
	{ "4.15.0-20-generic", "#21-Ubuntu SMP Tue Apr 24 06:16:15 UTC 2018",
	  "Ubuntu 4.15.0-20.21-generic 4.15.17", 0x040f11 },
	{ "4.9.337", "#1 SMP", "", 0x0409ff }, /* past 255: as the kernel itself says it */
	{ "4.18.0-553.el8_10.x86_64", "#1 SMP", "", 0x041200 },
	{ "6.12-rc1", "#1 SMP", "", 0x060c00 },
	{ "5.0", "Debian GNU", "garbage", 0x050000 },
	{ "next", "#1", "", 0 },
	{ "", "", "", 0 },
};

START_TEST(words_of_kernels_and_distributions_give_the_code)
{
	uint32_t code = kernel_version_of_words(words[_i].release, words[_i].version,
						words[_i].signature);

	ck_assert_msg(code == words[_i].code, "%s: got %#x, expected %#x", words[_i].release, code,
		      words[_i].code);
}
END_TEST

/* As in a vDSO: a header, one segment of notes, another's note before the right one. */
static struct image {
	ElfW(Ehdr) elf;
	ElfW(Phdr) segment;
	struct {
		uint32_t name_len, len, type;
		char name[8];
		uint32_t value;
	} notes[2];
} image;

static void make_image(void)
{
	memset(&image, 0, sizeof(image));
	memcpy(image.elf.e_ident, ELFMAG, SELFMAG);
	image.elf.e_phentsize = sizeof(image.segment);
	image.elf.e_phnum = 1;
	image.elf.e_phoff = offsetof(struct image, segment);
	image.segment.p_type = PT_NOTE;
	image.segment.p_offset = offsetof(struct image, notes);
	image.segment.p_filesz = sizeof(image.notes);
	image.notes[0].name_len = 4;
	image.notes[0].len = 8; /* name "GNU", 4 bytes: the description takes the rest */
	image.notes[0].type = 3;
	memcpy(image.notes[0].name, "GNU", 4);
	image.notes[1].name_len = 6;
	image.notes[1].len = 4;
	memcpy(image.notes[1].name, "Linux", 6);
	image.notes[1].value = 0x040983;
}

START_TEST(the_note_of_the_vdso_is_the_code)
{
	make_image();
	ck_assert_uint_eq(kernel_version_of_vdso(&image, sizeof(image)), 0x040983);
}
END_TEST

START_TEST(a_vdso_without_the_note_or_cut_short_gives_none)
{
	for (size_t size = 0; size < sizeof(image); size++) {
		make_image();
		ck_assert_uint_eq(kernel_version_of_vdso(&image, size), 0);
	}
	make_image();
	image.notes[1].type = 1;
	ck_assert_uint_eq(kernel_version_of_vdso(&image, sizeof(image)), 0);
	make_image();
	image.notes[0].len = UINT32_MAX;
	ck_assert_uint_eq(kernel_version_of_vdso(&image, sizeof(image)), 0);
	make_image();
	image.segment.p_filesz = SIZE_MAX;
	ck_assert_uint_eq(kernel_version_of_vdso(&image, sizeof(image)), 0);
	make_image();
	image.elf.e_phoff = SIZE_MAX;
	ck_assert_uint_eq(kernel_version_of_vdso(&image, sizeof(image)), 0);
}
END_TEST

/* Both ways to it lead to the same, wherever the tests run; distributions count apart. */
START_TEST(the_kernel_at_hand_has_a_version_of_its_release)
{
	unsigned int major, minor;
	struct utsname names;

	ck_assert_int_eq(uname(&names), 0);
	ck_assert_int_eq(sscanf(names.release, "%u.%u", &major, &minor), 2);
	ck_assert_uint_eq(kernel_version() >> 8, major << 8 | minor);
}
END_TEST

Suite *kernel_version_suite(void);
Suite *kernel_version_suite(void)
{
	Suite *suite = suite_create("kernel_version");
	TCase *tc = tcase_create("kernel_version");

	tcase_add_loop_test(tc, words_of_kernels_and_distributions_give_the_code, 0,
			    sizeof(words) / sizeof(*words));
	tcase_add_test(tc, the_note_of_the_vdso_is_the_code);
	tcase_add_test(tc, a_vdso_without_the_note_or_cut_short_gives_none);
	tcase_add_test(tc, the_kernel_at_hand_has_a_version_of_its_release);
	suite_add_tcase(suite, tc);
	return suite;
}
