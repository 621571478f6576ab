// SPDX-License-Identifier: GPL-2.0
/*
 * x86 (bzImage), numbers little endian:
 *
 *	0x000  +------------------------------+
 *	       | boot sector                  |  0x1f1 sectors of set-up behind this one, 0 means 4
 *	       | 0x1fe 55 aa                  |  0x202 "HdrS", 0x206 version of the protocol
 *	       |                              |  0x248 payload_offset, 0x24c payload_length (2.08 on)
 *	0x200  +------------------------------+
 *	       | set-up                       |
 *	       +------------------------------+  payload_offset counts from here
 *	       | code that unpacks            |
 *	       | payload: packed kernel, ELF  |  its last 4 bytes are the size once unpacked
 *	       +------------------------------+
 *
 * EFI zboot (arm64, riscv, loongarch):
 *
 *	0x00  'M' 'Z' 0 0, "zimg", payload's offset, its size, 8 bytes for later, 0x18 "gzip" ...
 *
 * All others do not say where the packed kernel is (s390x, powerpc's zImage, a mere Image.gz): its
 * first bytes are looked for. Unpacked, a kernel is an ELF file, where .BTF is a section (x86,
 * powerpc), or what goes into memory byte by byte (arm64, riscv, s390x), where BTF is found by
 * its header, and has to be sound to the last type. A kernel can hold more than its own (programs
 * that it brings along have some); the largest is taken.
 */
#include "btf/image.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf.h"
#include "btf/unpack.h"
#include "util/cursor.h"

#define UNPACKED_MAX (256u << 20)
/* Of what looks like a packed kernel, or like BTF, as much is tried; honest images have a few. */
#define TRIES_MAX 16

static uint64_t number(const uint8_t *at, size_t size, bool big)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[big ? i : size - 1 - i];
	return value;
}

static int no_btf(const char *packing, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "%s%s%sgot no BTF in it", packing ? "packed with " : "",
		  packing ? packing : "", packing ? ": " : "");
	return error_hint(err, "a kernel describes its types where it was built with "
			  "CONFIG_DEBUG_INFO_BTF=y");
}

/* ---- ELF of either class and byte order ---- */

struct elf {
	struct cursor file;
	bool wide, big;
};

/* A number of the header or a section header at `at`: they differ in where, and how wide. */
#define FIELD(elf, at, type, field) ((elf)->wide \
	? number((at) + offsetof(Elf64_##type, field), sizeof(((Elf64_##type *)0)->field), (elf)->big) \
	: number((at) + offsetof(Elf32_##type, field), sizeof(((Elf32_##type *)0)->field), (elf)->big))

static bool is_elf(const struct cursor *file)
{
	const uint8_t *ident = cursor_at(file, 0, EI_NIDENT);

	return ident && !memcmp(ident, ELFMAG, SELFMAG);
}

static const uint8_t *section_at(const struct elf *elf, uint64_t index)
{
	const uint8_t *header = elf->file.data;
	uint64_t offset = FIELD(elf, header, Ehdr, e_shoff), each = FIELD(elf, header, Ehdr, e_shentsize);

	if (index >= FIELD(elf, header, Ehdr, e_shnum) || offset > elf->file.size ||
	    each < (elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return NULL;
	return cursor_at(&elf->file, offset + index * each, each);
}

static bool section_is(const struct elf *elf, const uint8_t *section, const char *name)
{
	const uint8_t *names = section_at(elf, FIELD(elf, elf->file.data, Ehdr, e_shstrndx));
	uint64_t offset = names ? FIELD(elf, names, Shdr, sh_offset) : UINT64_MAX;
	const char *at = NULL;

	if (offset <= elf->file.size)
		at = cursor_at(&elf->file, offset + FIELD(elf, section, Shdr, sh_name),
			       strlen(name) + 1);
	return at && !memcmp(at, name, strlen(name) + 1);
}

/* What the section .BTF holds; no data: there is none, or it is outside. */
static struct cursor elf_btf(const struct cursor *file)
{
	const uint8_t *ident = file->data;
	struct elf elf = { *file, ident[EI_CLASS] == ELFCLASS64, ident[EI_DATA] == ELFDATA2MSB };
	const uint8_t *section;

	if (!cursor_at(file, 0, elf.wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return (struct cursor){ 0 };
	for (uint64_t i = 1; (section = section_at(&elf, i)); i++) {
		uint64_t offset = FIELD(&elf, section, Shdr, sh_offset);
		uint64_t size = FIELD(&elf, section, Shdr, sh_size);

		if (FIELD(&elf, section, Shdr, sh_type) == SHT_PROGBITS &&
		    section_is(&elf, section, ".BTF"))
			return (struct cursor){ cursor_at(file, offset, size), size };
	}
	return (struct cursor){ 0 };
}

/* ---- BTF amid other bytes ---- */

static const uint8_t btf_magic[2][4] = {
	/* magic, version, flags */
	{ 0x9f, 0xeb, BTF_VERSION, 0 },
	{ 0xeb, 0x9f, BTF_VERSION, 0 },
};

static bool is_btf(const struct cursor *data)
{
	const uint8_t *magic = cursor_at(data, 0, sizeof(btf_magic[0]));

	return magic && (!memcmp(magic, btf_magic[false], sizeof(btf_magic[0])) ||
			 !memcmp(magic, btf_magic[true], sizeof(btf_magic[0])));
}

/*
 * How long the BTF is whose header is there. Behind its length the header is pairs of offset
 * and length, of types, strings and, in newer ones, what comes later: the last end counts.
 */
static uint64_t btf_extent(const struct cursor *data, uint64_t at, bool big)
{
	const uint8_t *header = cursor_at(data, at, 8);
	uint64_t len = header ? number(header + 4, 4, big) : 0, end = 0;

	if (len < sizeof(struct btf_header) || len > 256 || !cursor_at(data, at, len))
		return 0;
	for (uint64_t pair = 8; pair + 8 <= len; pair += 8) {
		uint64_t stop = number(header + pair, 4, big) + number(header + pair + 4, 4, big);

		end = stop > end ? stop : end;
	}
	return cursor_at(data, at, len + end) ? len + end : 0;
}

static bool is_sound(const uint8_t *data, uint64_t size)
{
	struct error ignored;
	struct btf btf;
	bool sound;

	if (btf_init(&btf, data, size, &ignored))
		return false;
	sound = btf_count(&btf) > 1;
	btf_fini(&btf);
	return sound;
}

static void scan_for_btf(const struct cursor *data, bool big, struct cursor *best)
{
	const uint8_t *at = data->data, *end = at + data->size;

	for (int tries = 0; tries < TRIES_MAX; at++) {
		uint64_t size;

		at = memmem(at, end - at, btf_magic[big], sizeof(btf_magic[big]));
		if (!at)
			return;
		size = btf_extent(data, at - data->data, big);
		if (size <= best->size)
			continue;
		tries++;
		if (is_sound(at, size))
			*best = (struct cursor){ at, size };
	}
}

/*
 * The empty string is the first of all; BTF that has another one there, or none, goes on from a
 * base. What is too short to tell is for its reader to refuse.
 */
static bool is_split(const struct cursor *btf)
{
	const uint8_t *header = cursor_at(btf, 0, sizeof(struct btf_header)), *first;
	bool big = header && header[0] == btf_magic[true][0];
	uint64_t strings;

	if (!header)
		return false;
	strings = number(header + offsetof(struct btf_header, hdr_len), 4, big) +
		  number(header + offsetof(struct btf_header, str_off), 4, big);
	first = cursor_at(btf, strings, 1);
	return !number(header + offsetof(struct btf_header, str_len), 4, big) || (first && *first);
}

#define BANNER "Linux version "

/* What a kernel calls itself, up to a space; it also holds patterns, which begin with no digit. */
static struct cursor find_release(const struct cursor *kernel)
{
	struct cursor rest = *kernel;
	const uint8_t *at;

	while ((at = memmem(rest.data, rest.size, BANNER, strlen(BANNER)))) {
		const uint8_t *end;

		at += strlen(BANNER);
		rest = (struct cursor){ at, rest.data + rest.size - at };
		end = memchr(at, ' ', rest.size < 65 ? rest.size : 65);
		if (end && *at >= '0' && *at <= '9')
			return (struct cursor){ at, end - at };
	}
	return (struct cursor){ 0 };
}

static int expect_release(const struct cursor *kernel, const char *release, struct error *err)
{
	struct cursor own = find_release(kernel);

	if (own.data && own.size == strlen(release) && !memcmp(own.data, release, own.size))
		return 0;
	return error_set(err, ERROR_UNSUPPORTED, "got the image of %s%.*s, expected that of %s",
			 own.data ? "Linux " : "no kernel", (int)own.size, (const char *)own.data,
			 release);
}

static int take(struct image_btf *found, const struct cursor *btf, struct error *err)
{
	found->data = malloc(btf->size ? btf->size : 1);
	if (!found->data)
		return error_memory(err);
	memcpy(found->data, btf->data, btf->size);
	found->size = btf->size;
	found->split = is_split(btf);
	return 0;
}

/* BTF as it is. packing: what the image came out of, or NULL. */
static int find_plain(const struct cursor *image, const char *packing, const char *release,
		      struct image_btf *found, struct error *err)
{
	struct cursor best = { 0 };

	if (is_btf(image))
		best = *image;
	else if (is_elf(image))
		best = elf_btf(image);
	if (!best.data) {
		best.size = 0;
		scan_for_btf(image, false, &best);
		scan_for_btf(image, true, &best);
	}
	if (!best.data)
		return no_btf(packing, err);
	if (release && expect_release(image, release, err))
		return -1;
	found->packing = packing;
	return take(found, &best, err);
}

/* ---- packed kernels ---- */

/* Where the headers of x86 and of EFI zboot say that the packed kernel is; else no data. */
static struct cursor named_payload(const struct cursor *image)
{
	const uint8_t *head = cursor_at(image, 0, 0x250);
	uint64_t offset, size;

	if (!head)
		return (struct cursor){ 0 };
	if (!memcmp(head, "MZ\0\0zimg", 8)) {
		offset = number(head + 8, 4, false);
		size = number(head + 12, 4, false);
	} else if (!memcmp(head + 0x1fe, "\x55\xaa", 2) && !memcmp(head + 0x202, "HdrS", 4) &&
		   number(head + 0x206, 2, false) >= 0x208) {
		offset = ((head[0x1f1] ? head[0x1f1] : 4) + 1) * 512 + number(head + 0x248, 4, false);
		size = number(head + 0x24c, 4, false);
	} else {
		return (struct cursor){ 0 };
	}
	return (struct cursor){ cursor_at(image, offset, size), size };
}

static int find_packed(const struct packing *packing, const void *data, size_t size,
		       const char *release, struct image_btf *found, struct error *err)
{
	struct cursor kernel;
	uint8_t *unpacked;
	int ret;

	if (unpack(packing, data, size, UNPACKED_MAX, &unpacked, &kernel.size, err))
		return -1;
	kernel.data = unpacked;
	ret = find_plain(&kernel, packing_name(packing), release, found, err);
	free(unpacked);
	return ret;
}

/* Which of several failures says most: what is to be installed, which kernel it is instead. */
static int weight(enum error_code code)
{
	return code == ERROR_UNSUPPORTED ? 3 : code == ERROR_NOT_FOUND ? 2 : 1;
}

/* Bytes that look like a packed kernel are found in code, too: each is tried. */
static int scan_for_packed(const struct cursor *image, const char *release,
			   struct image_btf *found, struct error *err)
{
	struct error attempt;
	int tries = 0;

	no_btf(NULL, err);
	for (size_t at = 0; at < image->size && tries < TRIES_MAX; at++) {
		const struct packing *packing = packing_at(image, at);

		if (!packing)
			continue;
		if (!find_packed(packing, image->data + at, image->size - at, release, found,
				 &attempt))
			return 0;
		if (!tries++ || weight(attempt.code) > weight(err->code))
			*err = attempt;
	}
	return -1;
}

bool image_is_btf(const void *data, size_t size, bool *split)
{
	struct cursor image = { data, size };

	*split = is_btf(&image) && is_split(&image);
	return is_btf(&image);
}

int image_find_btf(const void *data, size_t size, const char *release, struct image_btf *found,
		   struct error *err)
{
	struct cursor image = { data, size }, payload = named_payload(&image);
	const struct packing *packing;

	memset(found, 0, sizeof(*found));
	if (payload.data) {
		packing = packing_at(&payload, 0);
		if (packing)
			return find_packed(packing, payload.data, payload.size, release, found,
					   err);
	}
	if (!find_plain(&image, NULL, release, found, err))
		return 0;
	return err->code == ERROR_NOT_FOUND ? scan_for_packed(&image, release, found, err) : -1;
}
