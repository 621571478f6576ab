// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/btf_builder.h"

#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf/image.h"
#include "btf/unpack.h"
#include "util/spawn.h"

Suite *image_suite(void);

static struct builder b;
static size_t blob_size;
static uint8_t image[4 << 20];
static struct image_btf found;
static struct error err;

/* What kernels are packed with, as their build does it. */
static const struct {
	const char *name, *program;
	const char *const argv[8];
	const char *hint;
} ways[] = {
	{ "gzip", NULL, { "gzip", "-n", "-9", "-c", NULL }, NULL },
	{ "xz", "xz", { "xz", "--check=crc32", "--x86", "--lzma2=dict=1MiB", "-c", NULL },
	  "install xz (Debian's package: xz-utils)" },
	{ "zstd", "zstd", { "zstd", "-19", "-c", NULL }, "install zstd" },
	{ "lz4", "lz4", { "lz4", "-l", "-9", "-c", NULL }, "install lz4" },
	{ "bzip2", "bzip2", { "bzip2", "-9", "-c", NULL }, "install bzip2" },
	{ "lzma", "xz", { "xz", "--format=lzma", "--lzma1=dict=1MiB", "-c", NULL },
	  "install xz (Debian's package: xz-utils)" },
	{ "lzo", "lzop", { "lzop", "-9", "-c", NULL }, "install lzop" },
};

#define WAYS (sizeof(ways) / sizeof(*ways))

static void setup(void)
{
	memset(&b, 0, sizeof(b));
	memset(&found, 0, sizeof(found));
	error_clear(&err);
	build_int(&b, "int", 4, BTF_INT_SIGNED);
	build_type(&b, BTF_KIND_STRUCT, "task_struct", 4);
	build_member(&b, "pid", 1, 0);
	blob_size = build_blob(&b);
	/* Neither empty nor quite regular, and nothing that looks like anything. */
	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = i % 251 | 0x80;
}

static void teardown(void)
{
	free(found.data);
}

static void expect_found(size_t size, const char *packing)
{
	ck_assert_msg(!image_find_btf(image, size, NULL, &found, &err), "%s", err.message);
	ck_assert_uint_eq(found.size, blob_size);
	ck_assert_int_eq(memcmp(found.data, b.blob, blob_size), 0);
	if (packing)
		ck_assert_str_eq(found.packing, packing);
	else
		ck_assert_ptr_null(found.packing);
	free(found.data);
	found.data = NULL;
}

static void expect_error(size_t size, enum error_code code, const char *message, const char *hint)
{
	ck_assert_int_eq(image_find_btf(image, size, NULL, &found, &err), -1);
	ck_assert_msg(err.code == code && !strcmp(err.message, message) && !strcmp(err.hint, hint),
		      "got %d '%s' (%s)", err.code, err.message, err.hint);
}

#define NO_BTF_HINT "a kernel describes its types where it was built with CONFIG_DEBUG_INFO_BTF=y"

static void put32(size_t at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		image[at + i] = value >> 8 * i;
}

/* A kernel as it lies in memory: BTF amid other things. */
static size_t put_kernel(size_t at)
{
	memcpy(image + at + 4096, b.blob, blob_size);
	return 40000;
}

/* The kernel at `at`, packed, in the place of it. */
static size_t pack(size_t at, size_t size, int way)
{
	uint8_t *packed;
	size_t len;

	ck_assert_int_eq(spawn_filter(ways[way].argv, image + at, size, sizeof(image), &packed, &len),
			 0);
	ck_assert_msg(len > 16, "%s packs nothing", ways[way].argv[0]);
	memset(image + at, 0x77, size);
	memcpy(image + at, packed, len);
	free(packed);
	return len;
}

/* An x86 kernel: `setup` sectors, payload `offset` behind them. Returns the image's size. */
static size_t put_bzimage(int way, uint8_t sectors, uint32_t offset)
{
	size_t start = (sectors ? sectors + 1 : 5) * 512 + offset, len;

	len = pack(start, put_kernel(start), way);
	image[0x1f1] = sectors;
	memcpy(image + 0x1fe, "\x55\xaa", 2);
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	/* What gzip has at its end, others get by the kernel's build: the size unpacked. */
	put32(start + len, 40000);
	put32(0x248, offset);
	put32(0x24c, len + (way ? 4 : 0));
	return start + len + 1000;
}

/* ---- not packed ---- */

START_TEST(bare_btf)
{
	memcpy(image, b.blob, blob_size);
	expect_found(blob_size, NULL);
}
END_TEST

START_TEST(btf_amid_memory_of_a_kernel)
{
	expect_found(put_kernel(0), NULL);
	expect_found(put_kernel(3), NULL);
}
END_TEST

START_TEST(btf_at_the_very_end)
{
	memcpy(image + 1001, b.blob, blob_size);
	expect_found(1001 + blob_size, NULL);
	/* A byte less, and it is none. */
	expect_error(1001 + blob_size - 1, ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
}
END_TEST

START_TEST(largest_of_several_is_the_kernels_own)
{
	static struct builder small;
	size_t size;

	memset(&small, 0, sizeof(small));
	build_int(&small, "int", 4, 0);
	size = build_blob(&small);
	ck_assert_uint_lt(size, blob_size);
	memcpy(image + 100, small.blob, size);
	memcpy(image + 90000, small.blob, size);
	memcpy(image + 5000, b.blob, blob_size);
	expect_found(100000, NULL);
}
END_TEST

START_TEST(what_only_looks_like_btf_is_passed_over)
{
	struct btf_header lie = { .magic = BTF_MAGIC, .version = 1, .hdr_len = 24, .type_len = 4000,
				  .str_off = 4000, .str_len = 1000 };

	memcpy(image + 64, &lie, sizeof(lie));
	put_kernel(0);
	expect_found(100000, NULL);
}
END_TEST

START_TEST(lookalikes_of_btf_are_tried_a_few_times)
{
	struct btf_header lie = { .magic = BTF_MAGIC, .version = 1, .hdr_len = 24,
				  .type_len = 2 << 20, .str_off = 2 << 20, .str_len = 1000 };

	/* Each is a walk over a megabyte: all of them would take minutes. */
	for (size_t at = 24; at + 24 <= 1 << 20; at += 24)
		memcpy(image + at, &lie, sizeof(lie));
	expect_error(sizeof(image), ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
}
END_TEST

START_TEST(nothing_at_all)
{
	expect_error(0, ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
	expect_error(1, ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
	expect_error(sizeof(image), ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
}
END_TEST

/* ---- ELF ---- */

static void put(uint8_t *at, size_t size, uint64_t value, bool big)
{
	for (size_t i = 0; i < size; i++)
		at[big ? size - 1 - i : i] = value >> 8 * i;
}

#define PUT(field, value) put((uint8_t *)&(field), sizeof(field), value, big)

/* Sections: none, .BTF of `size` bytes at `offset`, names. */
#define DEFINE_PUT_ELF(bits) \
static size_t put_elf##bits(bool big, uint64_t offset, uint64_t size) \
{ \
	static const char names[] = "\0.shstrtab\0.BTF"; \
	Elf##bits##_Ehdr *h = (void *)image; \
	Elf##bits##_Shdr *s = (void *)(image + 1024); \
	memset(image, 0, 2048); \
	memcpy(h->e_ident, ELFMAG, SELFMAG); \
	h->e_ident[EI_CLASS] = bits == 64 ? ELFCLASS64 : ELFCLASS32; \
	h->e_ident[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB; \
	PUT(h->e_shoff, 1024); \
	PUT(h->e_shentsize, sizeof(*s)); \
	PUT(h->e_shnum, 3); \
	PUT(h->e_shstrndx, 2); \
	PUT(s[1].sh_name, 11); \
	PUT(s[1].sh_type, SHT_PROGBITS); \
	PUT(s[1].sh_offset, offset); \
	PUT(s[1].sh_size, size); \
	PUT(s[2].sh_name, 1); \
	PUT(s[2].sh_type, SHT_STRTAB); \
	PUT(s[2].sh_offset, 512); \
	PUT(s[2].sh_size, sizeof(names)); \
	memcpy(image + 512, names, sizeof(names)); \
	return 8192; \
}
DEFINE_PUT_ELF(32)
DEFINE_PUT_ELF(64)

static size_t put_elf(int kind, uint64_t offset, uint64_t size)
{
	return kind & 1 ? put_elf64(kind & 2, offset, size) : put_elf32(kind & 2, offset, size);
}

START_TEST(elf_of_either_class_and_byte_order)
{
	size_t size = put_elf(_i, 3000, blob_size);

	memcpy(image + 3000, b.blob, blob_size);
	/* What else looks like BTF there is not the section. */
	memcpy(image + 5000, b.blob, blob_size);
	image[5000 + 24 + 4] ^= 1;
	expect_found(size, NULL);
	ck_assert(!found.split);
}
END_TEST

START_TEST(btf_of_a_module_goes_on_from_the_kernels)
{
	put_elf(1, 3000, blob_size);
	memcpy(image + 3000, b.blob, blob_size);
	/* The first string is a name, the empty one is the base's. */
	image[3000 + sizeof(struct btf_header) + b.types_len * 4] = 'x';
	ck_assert_msg(!image_find_btf(image, 8192, NULL, &found, &err), "%s", err.message);
	ck_assert(found.split);
}
END_TEST

START_TEST(elf_without_section_headers)
{
	put_elf(1, 3000, blob_size);
	memset(image + offsetof(Elf64_Ehdr, e_shoff), 0, 24);
	memcpy(image + 3000, b.blob, blob_size);
	expect_found(8192, NULL);
}
END_TEST

START_TEST(elf_whose_section_is_outside)
{
	static const uint64_t bad[][2] = { { 8192, 1 }, { 0, 8193 }, { 8000, 193 }, { 1, UINT64_MAX },
					   { UINT64_MAX, 1 }, { UINT64_MAX, UINT64_MAX } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put_elf(1, bad[i][0], bad[i][1]);
		expect_error(8192, ERROR_NOT_FOUND, "got no BTF in it", NO_BTF_HINT);
	}
}
END_TEST

START_TEST(elf_cut_off_anywhere)
{
	size_t size = put_elf(_i, 3000, blob_size);
	uint8_t *exact;

	memcpy(image + 3000, b.blob, blob_size);
	for (size_t cut = 0; cut < size; cut += cut < 80 ? 1 : 13) {
		/* On its own, so that a sanitizer sees each byte beyond. */
		exact = malloc(cut);
		memcpy(exact, image, cut);
		if (!image_find_btf(exact, cut, NULL, &found, &err)) {
			ck_assert_uint_ge(cut, 3000 + blob_size);
			free(found.data);
		}
		free(exact);
	}
	found.data = NULL;
}
END_TEST

START_TEST(elf_damaged_anywhere)
{
	size_t size = put_elf(_i, 3000, blob_size);
	uint8_t *exact = malloc(size);

	memcpy(image + 3000, b.blob, blob_size);
	for (size_t at = 0; at < 1024 + 3 * sizeof(Elf64_Shdr); at++) {
		memcpy(exact, image, size);
		exact[at] ^= 0xff;
		if (!image_find_btf(exact, size, NULL, &found, &err))
			free(found.data);
	}
	free(exact);
	found.data = NULL;
}
END_TEST

/* ---- packed ---- */

START_TEST(bzimage_says_where_its_kernel_is)
{
	size_t size = put_bzimage(_i, 3, 100);

	/* Were it looked for, this would be found first. */
	memcpy(image + 0x250, "\xfd" "7zXZ\0\0\1", 8);
	expect_found(size, ways[_i].name);
	size = put_bzimage(_i, 0, 0);
	expect_found(size, ways[_i].name);
}
END_TEST

START_TEST(bzimage_whose_header_lies)
{
	size_t size = put_bzimage(0, 3, 100);

	/* Outside, or where nothing begins: then it is looked for. */
	put32(0x24c, UINT32_MAX);
	expect_found(size, "gzip");
	put32(0x248, UINT32_MAX);
	expect_found(size, "gzip");
	put32(0x248, 0);
	put32(0x24c, 100);
	expect_found(size, "gzip");
}
END_TEST

START_TEST(efi_zboot)
{
	size_t len = pack(0x1003, put_kernel(0x1003), _i);

	memcpy(image, "MZ\0\0zimg", 8);
	put32(8, 0x1003);
	put32(12, len);
	/* Were it looked for, this would be found first. */
	memcpy(image + 0x250, "\xfd" "7zXZ\0\0\1", 8);
	expect_found(0x1003 + len + 100, ways[_i].name);
}
END_TEST

START_TEST(kernel_packed_at_an_unknown_place)
{
	size_t len = pack(70001, put_kernel(70001), _i);

	expect_found(70001 + len, ways[_i].name);
	expect_found(70001 + len + 5000, ways[_i].name);
}
END_TEST

START_TEST(elf_packed_as_a_whole)
{
	size_t size = put_elf(2, 3000, blob_size);

	memcpy(image + 3000, b.blob, blob_size);
	size = pack(0, size, _i);
	expect_found(size, ways[_i].name);
}
END_TEST

START_TEST(release_is_inside_the_packing)
{
	static const char banner[] = "Linux version 6.1.0-9 (builder@host)";
	size_t size = put_kernel(0);

	memcpy(image + 100, banner, sizeof(banner));
	size = pack(0, size, _i);
	ck_assert_int_eq(image_find_btf(image, size, "6.1.0", &found, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, "got the image of Linux 6.1.0-9, expected that of 6.1.0");
	ck_assert_msg(!image_find_btf(image, size, "6.1.0-9", &found, &err), "%s", err.message);
	ck_assert_uint_eq(found.size, blob_size);
}
END_TEST

START_TEST(packed_kernel_without_types)
{
	size_t size = pack(0, 30000, 0);

	expect_error(size, ERROR_NOT_FOUND, "packed with gzip: got no BTF in it", NO_BTF_HINT);
}
END_TEST

START_TEST(packed_kernel_cut_off)
{
	char message[128];
	size_t size = put_bzimage(_i, 3, 100), len = 60;

	ck_assert_uint_lt(len, size);
	put32(0x24c, len);
	ck_assert_int_eq(image_find_btf(image, size, NULL, &found, &err), -1);
	snprintf(message, sizeof(message), "packed with %s: got no", ways[_i].name);
	/* Nothing came out, or not enough. */
	ck_assert_msg(!strncmp(err.message, message, strlen(message)), "%s", err.message);
}
END_TEST

/* Numbers as text: of what is packed, much comes out before the end is needed. */
START_TEST(as_much_as_is_there_of_a_stream_cut_off)
{
	struct cursor data = { image, sizeof(image) };
	uint8_t *text = malloc(3 << 20), *output;
	size_t size = 0, len, packed, last = 0;

	for (int i = 0; size < 2 << 20; i++)
		size += sprintf((char *)text + size, "%d ", i * 7919);
	memcpy(image, text, size);
	packed = pack(0, size, 0);
	for (size_t cut = 0; cut < packed; cut += packed / 40) {
		ck_assert_int_eq(unpack(packing_at(&data, 0), image, cut, 4 << 20, &output, &len, &err),
				 cut < 1000 ? -1 : 0);
		if (cut < 1000)
			continue;
		ck_assert_uint_gt(len, last);
		ck_assert_uint_lt(len, size);
		ck_assert_int_eq(memcmp(output, text, len), 0);
		free(output);
		last = len;
	}
	ck_assert_uint_gt(last, 1 << 20);
	free(text);
}
END_TEST

START_TEST(packed_kernel_damaged)
{
	size_t size = put_bzimage(0, 3, 100);
	uint8_t *start = image + 4 * 512 + 100;

	memset(start + 10, 0xff, 30);
	expect_error(size, ERROR_FORMAT, "packed with gzip: got nothing out of it: it is damaged", "");
}
END_TEST

static void hide_programs(void)
{
	setenv("PATH", "/nowhere", 1);
}

START_TEST(missing_program_is_named)
{
	char message[128], *path = strdup(getenv("PATH"));
	size_t size = put_bzimage(_i, 3, 100), len;

	hide_programs();
	if (!ways[_i].program) {
		expect_found(size, ways[_i].name);
	} else {
		snprintf(message, sizeof(message), "packed with %s, and no %s is installed",
			 ways[_i].name, ways[_i].program);
		expect_error(size, ERROR_UNSUPPORTED, message, ways[_i].hint);
		/* The same where the header does not say where it is. */
		memset(image, 0, 1024);
		expect_error(size, ERROR_UNSUPPORTED, message, ways[_i].hint);
	}
	setenv("PATH", path, 1);
	len = put_bzimage(_i, 3, 100);
	expect_found(len, ways[_i].name);
	free(path);
}
END_TEST

/* A program that notes each time it is run, and makes nothing. */
static void put_false_xz(char *dir)
{
	char path[64];
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/xz", dir);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\necho run >>%s/log\n", dir);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("PATH", dir, 1);
}

START_TEST(lookalikes_of_packed_kernels_are_tried_a_few_times)
{
	char dir[] = "/tmp/test_image.XXXXXX", path[64], *saved = strdup(getenv("PATH"));
	struct stat st;

	put_false_xz(dir);
	for (size_t at = 0; at < 100; at++)
		memcpy(image + 100 * at, "\xfd" "7zXZ\0\0\1", 8);
	expect_error(20000, ERROR_FORMAT, "packed with xz: got nothing out of it: it is damaged", "");
	setenv("PATH", saved, 1);
	free(saved);
	snprintf(path, sizeof(path), "%s/log", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 16 * strlen("run\n"));
	unlink(path);
	snprintf(path, sizeof(path), "%s/xz", dir);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(bomb_is_stopped)
{
	struct cursor data = { image, sizeof(image) };
	uint8_t *output = NULL;
	char message[128];
	size_t len;

	memset(image, 0, 3 << 20);
	pack(0, 3 << 20, _i);
	ck_assert_int_eq(unpack(packing_at(&data, 0), image, sizeof(image), 2 << 20, &output, &len,
				&err), -1);
	snprintf(message, sizeof(message), "packed with %s: got more than 2 MiB, expected a kernel",
		 ways[_i].name);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_ptr_null(output);
	ck_assert_int_eq(unpack(packing_at(&data, 0), image, sizeof(image), 3 << 20, &output, &len,
				&err), 0);
	ck_assert_uint_eq(len, 3 << 20);
	free(output);
}
END_TEST

Suite *image_suite(void)
{
	Suite *s = suite_create("image");
	TCase *c = tcase_create("image");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, bare_btf);
	tcase_add_test(c, btf_amid_memory_of_a_kernel);
	tcase_add_test(c, btf_at_the_very_end);
	tcase_add_test(c, largest_of_several_is_the_kernels_own);
	tcase_add_test(c, what_only_looks_like_btf_is_passed_over);
	tcase_add_test(c, lookalikes_of_btf_are_tried_a_few_times);
	tcase_add_test(c, nothing_at_all);
	tcase_add_loop_test(c, elf_of_either_class_and_byte_order, 0, 4);
	tcase_add_test(c, btf_of_a_module_goes_on_from_the_kernels);
	tcase_add_test(c, elf_without_section_headers);
	tcase_add_test(c, elf_whose_section_is_outside);
	tcase_add_loop_test(c, elf_cut_off_anywhere, 0, 4);
	tcase_add_loop_test(c, elf_damaged_anywhere, 0, 4);
	tcase_add_loop_test(c, bzimage_says_where_its_kernel_is, 0, WAYS);
	tcase_add_test(c, bzimage_whose_header_lies);
	tcase_add_loop_test(c, efi_zboot, 0, WAYS);
	tcase_add_loop_test(c, kernel_packed_at_an_unknown_place, 0, WAYS);
	tcase_add_loop_test(c, elf_packed_as_a_whole, 0, WAYS);
	tcase_add_loop_test(c, release_is_inside_the_packing, 0, WAYS);
	tcase_add_test(c, packed_kernel_without_types);
	tcase_add_loop_test(c, packed_kernel_cut_off, 0, WAYS);
	tcase_add_test(c, as_much_as_is_there_of_a_stream_cut_off);
	tcase_add_test(c, packed_kernel_damaged);
	tcase_add_loop_test(c, missing_program_is_named, 0, WAYS);
	tcase_add_test(c, lookalikes_of_packed_kernels_are_tried_a_few_times);
	tcase_add_loop_test(c, bomb_is_stopped, 0, WAYS);
	suite_add_tcase(s, c);
	return s;
}
