// SPDX-License-Identifier: GPL-2.0
#include "util/kernel_version.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "util/sys.h"

/* Where a release has more than 255 sublevels, kernels since 5.12 (and stable ones) say 255. */
static uint32_t code_of(unsigned int major, unsigned int minor, unsigned int sub)
{
	return major << 16 | minor << 8 | (sub < 255 ? sub : 255);
}

/* "4.9.228-1 (2020-07-05)" */
static uint32_t parse(const char *text)
{
	unsigned int major, minor, sub = 0;

	if (sscanf(text, "%3u.%3u.%5u", &major, &minor, &sub) < 2)
		return 0;
	return code_of(major, minor, sub);
}

uint32_t kernel_version_of_words(const char *release, const char *version, const char *signature)
{
	const char *at = strrchr(signature, ' ');
	uint32_t code = at ? parse(at + 1) : 0;

	if (!code && (at = strstr(version, "Debian ")))
		code = parse(at + strlen("Debian "));
	return code ? code : parse(release);
}

#define ALIGN4(n) (((n) + 3) & ~(size_t)3)

/*
 * A note, all in words of 4 bytes:
 *
 *	+--------------+--------------+------+------------+--------------------+
 *	| length of    | length of    | type | name, then | description, then  |
 *	| name, 6      | description  | 0    | "Linux\0"  | the code           |
 *	+--------------+--------------+------+------------+--------------------+
 */
static uint32_t find_note(const uint8_t *notes, size_t len)
{
	ElfW(Nhdr) note;
	uint32_t code;

	while (len >= sizeof(note)) {
		size_t name_len, room = len - sizeof(note);

		memcpy(&note, notes, sizeof(note));
		name_len = ALIGN4((size_t)note.n_namesz);
		if (name_len > room || ALIGN4((size_t)note.n_descsz) > room - name_len)
			return 0;
		notes += sizeof(note);
		if (note.n_type == 0 && note.n_namesz == 6 && !memcmp(notes, "Linux", 6) &&
		    note.n_descsz >= sizeof(code)) {
			memcpy(&code, notes + name_len, sizeof(code));
			return code;
		}
		notes += name_len + ALIGN4((size_t)note.n_descsz);
		len = room - name_len - ALIGN4((size_t)note.n_descsz);
	}
	return 0;
}

uint32_t kernel_version_of_vdso(const void *image, size_t size)
{
	const uint8_t *at = image;
	uint32_t code = 0;
	ElfW(Ehdr) elf;
	ElfW(Phdr) segment;

	if (size < sizeof(elf))
		return 0;
	memcpy(&elf, at, sizeof(elf));
	if (memcmp(elf.e_ident, ELFMAG, SELFMAG) || elf.e_phentsize != sizeof(segment))
		return 0;
	for (size_t i = 0; !code && i < elf.e_phnum; i++) {
		if (elf.e_phoff > size || (size - elf.e_phoff) / sizeof(segment) <= i)
			return 0;
		memcpy(&segment, at + elf.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_NOTE && segment.p_offset <= size &&
		    segment.p_filesz <= size - segment.p_offset)
			code = find_note(at + segment.p_offset, segment.p_filesz);
	}
	return code;
}

/* The vDSO's is exact; vdso=0 leaves it out, and then there are words. */
uint32_t kernel_version(void)
{
	const void *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	/* Its size is nowhere to be had; one page it has, and its notes are near the start. */
	uint32_t code = vdso ? kernel_version_of_vdso(vdso, getauxval(AT_PAGESZ)) : 0;
	char signature[256];
	struct utsname names;

	if (code || uname(&names))
		return code;
	if (sys_read_file(AT_FDCWD, "/proc/version_signature", signature, sizeof(signature)) < 0)
		*signature = 0;
	return kernel_version_of_words(names.release, names.version, signature);
}
