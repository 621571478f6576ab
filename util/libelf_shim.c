// SPDX-License-Identifier: GPL-2.0
/*
 * What a distribution's static libelf asks for beyond itself and the C library it is linked
 * with here. Each name is defined weakly, so that a strong definition, where one is linked in
 * after all, wins. Nothing of ours calls any of them.
 *
 * Compression. libelf can pack and unpack sections with zlib and, from elfutils 0.189, zstd.
 * The loader reads code, symbols, relocations, maps and BTF, which are never packed (-gz is for
 * .debug_*, which nobody loads into a kernel), and takes contents raw: nothing that it calls
 * leads to libelf's unpacking, so the linker leaves that out, and no hostile object can reach it.
 * zlib is there all the same, for kernel images (btf/unpack.c). zstd is not: each call by which
 * libelf would begin such work is answered with an error.
 *
 * The tree of raw chunks. libelf.a of elfutils 0.192 was built without the file that holds
 * eu_search_tree_init and _fini, so that nothing links with it. The tree is part of an Elf that
 * comes zeroed from calloc, and only elf_getdata_rawchunk() ever adds to it; that file does not
 * link either, so the tree of every Elf is an empty one: nothing to set up, nothing to free.
 *
 * glibc's own names, where libelf.a was built against glibc and the binary is linked with musl:
 * strtol as C23 has it, rawmemchr, and the checked twins that _FORTIFY_SOURCE puts in the place
 * of plain functions. What they take and give is the processor's ABI (integers, pointers), the
 * same for both. Types that are not the same for both on some machines (struct stat, off_t) are
 * met only in libelf's code for files, and objects are only ever read from memory.
 *
 * Translation. libelf has its error messages translated, and nothing here asks for them: with the C
 * library's own lookup left out, the binary is two kilobytes smaller.
 *
 * A name that is missing here makes the trial in util/musl.sh fail: then it is glibc.
 */
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define SHIM(type, name, ...) __attribute__((weak)) type name(__VA_ARGS__)

/* zstd's errors are small negative numbers in a size_t; -1 is the one without a name. */
#define ZSTD_GENERIC ((size_t)-1)

SHIM(unsigned int, ZSTD_isError, size_t code)
{
	return 1;
}

SHIM(size_t, ZSTD_decompress, void *to, size_t room, const void *from, size_t size)
{
	return ZSTD_GENERIC;
}

SHIM(void *, ZSTD_createCCtx, void)
{
	return NULL;
}

SHIM(size_t, ZSTD_freeCCtx, void *ctx)
{
	return 0;
}

SHIM(size_t, ZSTD_compressStream2, void *ctx, void *out, void *in, int end)
{
	return ZSTD_GENERIC;
}

SHIM(void, eu_search_tree_init, void *tree)
{
}

SHIM(void, eu_search_tree_fini, void *tree, void (*free_node)(void *))
{
}

#ifndef __GLIBC__ /* musl, on a distribution that is glibc's or its own */

SHIM(char *, dcgettext, const char *domain, const char *message, int category)
{
	return (char *)message;
}

SHIM(long, __isoc23_strtol, const char *text, char **end, int base)
{
	return strtol(text, end, base);
}

SHIM(void *, rawmemchr, const void *data, int c)
{
	const unsigned char *at = data;

	while (*at != (unsigned char)c)
		at++;
	return (void *)at;
}

SHIM(void *, __memcpy_chk, void *to, const void *from, size_t len, size_t room)
{
	return len > room ? (abort(), NULL) : memcpy(to, from, len);
}

SHIM(void *, __memmove_chk, void *to, const void *from, size_t len, size_t room)
{
	return len > room ? (abort(), NULL) : memmove(to, from, len);
}

SHIM(void *, __memset_chk, void *to, int c, size_t len, size_t room)
{
	return len > room ? (abort(), NULL) : memset(to, c, len);
}

#endif
