// SPDX-License-Identifier: GPL-2.0
/*
 * A line for each symbol:
 *
 *	ffffffff81c7f9a0 T bpf_map_put
 *	ffffffffc0a3b010 t nf_hook_entry	[nf_tables]
 */
#include "loader/kallsyms.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "util/sys.h"
#include "util/table.h"

#define CHUNK 65536

struct search {
	struct table wanted; /* by a hash of the name */
	bool told;           /* some address, so others are what they say */
	struct error *err;
	const char *path;
};

static int take(struct search *s, const char *name, size_t len, uint64_t address)
{
	struct kallsym *symbol = table_get(&s->wanted, table_hash(name, len));

	if (!symbol || strncmp(symbol->name, name, len) || symbol->name[len])
		return 0;
	if (symbol->found && symbol->address != address)
		return error_set(s->err, ERROR_FORMAT, "%s: symbol '%s': got the addresses 0x%llx and "
				 "0x%llx, expected one", s->path, symbol->name,
				 (unsigned long long)symbol->address, (unsigned long long)address);
	symbol->address = address;
	symbol->found = true;
	return 0;
}

static int read_line(struct search *s, const char *line)
{
	char *end;
	uint64_t address = strtoull(line, &end, 16);
	const char *name, *suffix;
	size_t len;

	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return 0;
	s->told |= address;
	name = end + 3;
	len = strcspn(name, "\t ");
	if (take(s, name, len, address))
		return -1;
	suffix = memmem(name, len, ".llvm.", 6);
	return suffix ? take(s, name, suffix - name, address) : 0;
}

/* All whole lines of the buffer; what is left of the last one moves to its beginning. */
static int read_lines(struct search *s, char *buf, size_t *len)
{
	char *at = buf, *end;

	while ((end = memchr(at, '\n', buf + *len - at))) {
		*end = 0;
		if (read_line(s, at))
			return -1;
		at = end + 1;
	}
	*len -= at - buf;
	memmove(buf, at, *len);
	return 0;
}

static int read_all(struct search *s, int fd, char *buf)
{
	size_t len = 0;
	ssize_t n;

	while ((n = sys_read(fd, buf + len, CHUNK - len)) > 0) {
		len += n;
		if (read_lines(s, buf, &len))
			return -1;
		if (len == CHUNK) /* no line of this file is so long */
			len = 0;
	}
	return n < 0 ? error_file(s->err, -n, s->path) : 0;
}

static int read_file(struct search *s)
{
	int fd = sys_open(s->path, O_RDONLY), ret;
	char *buf;

	if (fd < 0)
		return error_file(s->err, -fd, s->path);
	buf = malloc(CHUNK);
	ret = buf ? read_all(s, fd, buf) : error_memory(s->err);
	free(buf);
	sys_close(fd);
	if (ret || s->told)
		return ret;
	error_set(s->err, ERROR_PERMISSION, "%s: got no addresses, expected the kernel's", s->path);
	return error_hint(s->err, "it takes CAP_SYSLOG, and kernel.kptr_restrict below 2");
}

int kallsyms_find(struct kallsym *symbols, size_t len, const char *path, struct error *err)
{
	struct search s = { .err = err, .path = path };
	int ret = 0;

	for (size_t i = 0; !ret && i < len; i++)
		if (table_put(&s.wanted, table_hash(symbols[i].name, strlen(symbols[i].name)),
			      &symbols[i]))
			ret = error_memory(err);
	if (!ret)
		ret = read_file(&s);
	table_fini(&s.wanted);
	return ret;
}
