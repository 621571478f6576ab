// SPDX-License-Identifier: GPL-2.0
#include "loader/binary.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Where distributions keep them: in a folder for each architecture (Debian), in lib64 (most
 * others), in lib (Alpine, Arch).
 */
#if defined(__x86_64__)
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__i386__)
#define TRIPLET "i386-linux-gnu"
#elif defined(__aarch64__)
#define TRIPLET "aarch64-linux-gnu"
#elif defined(__arm__) && defined(__ARM_PCS_VFP)
#define TRIPLET "arm-linux-gnueabihf"
#elif defined(__arm__)
#define TRIPLET "arm-linux-gnueabi"
#elif defined(__s390x__)
#define TRIPLET "s390x-linux-gnu"
#elif defined(__riscv)
#define TRIPLET "riscv64-linux-gnu"
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TRIPLET "powerpc64le-linux-gnu"
#elif defined(__loongarch__)
#define TRIPLET "loongarch64-linux-gnu"
#else
#define TRIPLET "."
#endif
#define LIBRARIES "/lib/" TRIPLET ":/usr/lib/" TRIPLET ":/lib64:/usr/lib64:/lib:/usr/lib"
#define PROGRAMS "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_library(const char *name)
{
	const char *so = strstr(name, ".so");

	return so && (!so[3] || so[3] == '.');
}

/* In the directories of a list like PATH; an empty one is the current directory. */
static bool find_in(const char *list, const char *name, char *path, size_t size)
{
	size_t len;

	for (; list; list = list[len] ? list + len + 1 : NULL) {
		len = strcspn(list, ":");
		if ((size_t)snprintf(path, size, "%.*s/%s", len ? (int)len : 1, len ? list : ".", name) <
			    size && !access(path, R_OK))
			return true;
	}
	return false;
}

int binary_find(const char *name, char *path, size_t size, struct error *err)
{
	bool library = is_library(name);

	if (strlen(name) >= size)
		return error_set(err, ERROR_USAGE, "file '%.40s...': got a name of %zu bytes, expected at "
				 "most %zu", name, strlen(name), size - 1);
	if (strchr(name, '/')) {
		strcpy(path, name);
		return 0;
	}
	if (find_in(getenv(library ? "LD_LIBRARY_PATH" : "PATH"), name, path, size) ||
	    find_in(library ? LIBRARIES : PROGRAMS, name, path, size))
		return 0;
	return 1;
}
