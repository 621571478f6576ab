// SPDX-License-Identifier: GPL-2.0
/*
 * In tracefs, since Linux 6.5 with their addresses:
 *
 *	available_filter_functions_addrs     ffffffff81000000 vfs_read
 *	available_filter_functions           vfs_read
 *	                                     ext4_sync_file [ext4]
 *
 * and before that, the addresses by name from /proc/kallsyms:
 *
 *	ffffffff81000000 T vfs_read
 *	ffffffffc0000000 t ext4_sync_file	[ext4]
 *
 * The first of them has the address of the call that ftrace puts into the function, which is a few
 * bytes behind its entry where that begins with a mark for indirect jumps (endbr64, bti).
 */
#include "loader/kernel_functions.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/sys.h"

static FILE *open_list(const struct tracefs *tracefs, const char *name)
{
	int fd = openat(tracefs->fd, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file)
		sys_close(fd);
	return file;
}

static int add(struct kernel_functions *functions, const char *name, uint64_t address,
	       struct error *err)
{
	struct kernel_function *function = vec_push(&functions->list);

	if (function)
		function->name = strdup(name);
	if (!function || !function->name)
		return error_memory(err);
	function->address = address;
	return 0;
}

/* Lines of one of the files of tracefs. */
static int read_list(struct kernel_functions *functions, FILE *file, bool addresses,
		     const char *pattern, struct error *err)
{
	uint64_t address = 0;
	char line[1024];
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), file)) {
		char *name = line;

		if (addresses)
			address = strtoull(line, &name, 16);
		name += strspn(name, " ");
		name[strcspn(name, " \t\n")] = 0;
		if (!fnmatch(pattern, name, 0) && strncmp(name, "__ftrace_invalid_", 17))
			ret = add(functions, name, address, err);
	}
	return ret;
}

static int by_name(const void *a, const void *b)
{
	const struct kernel_function *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void sort(struct kernel_functions *functions)
{
	if (functions->list.len)
		qsort(functions->list.at, functions->list.len, sizeof(*functions->list.at), by_name);
}

/* ---- addresses from elsewhere ---- */

/* Index of the first of that name, or -1. */
static ssize_t find(const struct kernel_functions *functions, const char *name)
{
	struct kernel_function key = { .name = (char *)name };
	const struct kernel_function *at = functions->list.len ?
		bsearch(&key, functions->list.at, functions->list.len, sizeof(key), by_name) : NULL;

	while (at && at > functions->list.at && !strcmp(at[-1].name, name))
		at--;
	return at ? at - functions->list.at : -1;
}

/* How many of the name there are from `first` on. */
static size_t namesakes(const struct kernel_functions *functions, size_t first)
{
	size_t n = 1;

	while (first + n < functions->list.len &&
	       !strcmp(functions->list.at[first].name, functions->list.at[first + n].name))
		n++;
	return n;
}

/*
 * Gives each of a name the next address; counts[first] says how many the kernel has. Its addresses
 * are 0 to those who may not know them.
 */
static void read_symbols(struct kernel_functions *functions, FILE *file, uint32_t *counts)
{
	char line[1024], name[512], type;
	unsigned long long address;
	ssize_t first;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %c %511s", &address, &type, name) != 3 ||
		    !strchr("tTwW", type) || !address)
			continue;
		first = find(functions, name);
		if (first < 0)
			continue;
		if (counts[first] < namesakes(functions, first))
			functions->list.at[first + counts[first]].address = address;
		counts[first]++;
	}
}

/* Keeps those names of which the kernel has as many symbols as functions that can be traced. */
static void keep_clear(struct kernel_functions *functions, const uint32_t *counts)
{
	size_t kept = 0, n;

	for (size_t i = 0; i < functions->list.len; i += n) {
		n = namesakes(functions, i);
		for (size_t k = i; k < i + n; k++) {
			if (counts[i] == n)
				functions->list.at[kept++] = functions->list.at[k];
			else
				free(functions->list.at[k].name);
		}
	}
	functions->list.len = kept;
}

#define MARK_MAX 16

/* From where ftrace's call is to the entry, of the symbols that are right before. */
static int move_to_entries(struct kernel_functions *functions, struct error *err)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[1024], name[512], type;
	unsigned long long address;

	if (!file)
		return error_system(err, errno, "/proc/kallsyms");
	while (fgets(line, sizeof(line), file)) {
		ssize_t i = sscanf(line, "%llx %c %511s", &address, &type, name) == 3 && address ?
			find(functions, name) : -1;

		for (size_t n = i < 0 ? 0 : namesakes(functions, i); n; n--, i++)
			if (functions->list.at[i].address - address <= MARK_MAX)
				functions->list.at[i].address = address;
	}
	fclose(file);
	return 0;
}

static int find_addresses(struct kernel_functions *functions, struct error *err)
{
	uint32_t *counts = calloc(functions->list.len + 1, sizeof(*counts));
	FILE *file = fopen("/proc/kallsyms", "re");
	size_t before = functions->list.len;
	int ret = 0;

	if (!counts)
		ret = error_memory(err);
	else if (!file)
		ret = error_system(err, errno, "/proc/kallsyms");
	if (ret)
		goto out;
	read_symbols(functions, file, counts);
	keep_clear(functions, counts);
	if (before && !functions->list.len) {
		error_set(err, ERROR_PERMISSION, "/proc/kallsyms: got no address of %zu function%s, "
			  "expected some", before, before > 1 ? "s" : "");
		ret = error_hint(err, "sysctl kernel.kptr_restrict=1 shows them to root (CAP_SYSLOG)");
	}
out:
	if (file)
		fclose(file);
	free(counts);
	return ret;
}

/* ---- */

int kernel_functions_find(struct kernel_functions *functions, const struct tracefs *tracefs,
			  const char *pattern, enum kernel_addresses addresses, struct error *err)
{
	FILE *file = open_list(tracefs, "available_filter_functions_addrs");
	bool known = file;
	int ret;

	memset(functions, 0, sizeof(*functions));
	if (!file)
		file = open_list(tracefs, "available_filter_functions");
	if (!file) {
		error_system(err, errno, "%s: available_filter_functions", tracefs->where);
		return error_hint(err, "functions are found by a pattern where the kernel was built with "
				       "CONFIG_DYNAMIC_FTRACE; elsewhere kprobe/FUNCTION names one");
	}
	ret = read_list(functions, file, known, pattern, err);
	fclose(file);
	sort(functions);
	if (!ret && !known && functions->list.len)
		ret = find_addresses(functions, err);
	else if (!ret && known && addresses == ADDRESS_ENTRY)
		ret = move_to_entries(functions, err);
	return ret;
}

const struct kernel_function *kernel_functions_get(const struct kernel_functions *functions,
						   const char *name)
{
	ssize_t first = find(functions, name);

	return first < 0 || namesakes(functions, first) > 1 ? NULL : &functions->list.at[first];
}

void kernel_functions_fini(struct kernel_functions *functions)
{
	for (size_t i = 0; i < functions->list.len; i++)
		free(functions->list.at[i].name);
	vec_fini(&functions->list);
}
