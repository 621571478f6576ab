// SPDX-License-Identifier: GPL-2.0
/*
 * usdt/PATH:PROVIDER:NAME: uprobes on all sites of a USDT probe. <bpf/usdt.bpf.h>, libbpf's as
 * well as ours, reads the probe's arguments as a map tells it, and which entry of the map from a
 * cookie, or where the kernel has none from a second map, by address:
 *
 *	site ─▶ usdt_args() ─▶ __bpf_usdt_specs[id]             struct usdt_spec
 *	     └▶ address     ─▶ __bpf_usdt_ip_to_spec_id[address] = id
 *
 * An entry serves all sites that have the same arguments. Those that are taken are marked in bytes
 * that programs do not look at, so that the next program of the object finds the first that is
 * free.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "loader/attach_internal.h"
#include "loader/binary.h"
#include "loader/usdt_args.h"
#include "loader/usdt_notes.h"
#include "util/sys.h"

#define SPECS "__bpf_usdt_specs"
#define BY_ADDRESS "__bpf_usdt_ip_to_spec_id"

/* As programs read them, on machines of both byte orders. */
struct usdt_arg_spec {
	uint64_t value;
	uint32_t kind; /* and of an element its index register and shift */
	int16_t reg;
	uint8_t has_sign;
	int8_t bits; /* above the argument, of 64 */
};

struct usdt_spec {
	struct usdt_arg_spec args[USDT_ARGS_MAX];
	uint64_t cookie;
	int16_t count;
	uint16_t taken; /* padding to them */
	uint32_t unused;
};

/* What goes through an attachment. */
struct usdt {
	struct link *link;
	const struct attach_request *request;
	const struct map *specs;
	int specs_fd, addresses_fd; /* -1: there is no such map */
	const char *path;
	const struct usdt_sites *sites;
	struct utsname machine;
};

#define ELEMENT_KIND(arg)                                                                    \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ?                                         \
		 (uint32_t)(arg)->index << 8 | (uint32_t)(arg)->shift << 20 :                \
		 (uint32_t)(arg)->index << 12 | (uint32_t)(arg)->shift << 8)

static struct usdt_arg_spec spec_of(const struct usdt_arg *arg)
{
	return (struct usdt_arg_spec){
		.value = arg->value,
		.kind = arg->kind | (arg->kind == USDT_ELEMENT ? ELEMENT_KIND(arg) : 0),
		.reg = arg->reg,
		.has_sign = arg->has_sign,
		.bits = 64 - arg->size * 8,
	};
}

/* Elements came to the header with libbpf 1.7. */
static bool knows_elements(const struct object *obj)
{
	uint32_t id = btf_find(&obj->btf, "__bpf_usdt_arg_spec", BTF_KIND_STRUCT);
	const struct btf_type *t = btf_type(&obj->btf, id);
	const struct btf_member *m = t ? btf_extra(t) : NULL;

	for (uint32_t i = 0; id && i < btf_vlen(t); i++)
		if (!strcmp(btf_string(&obj->btf, m[i].name_off), "scale_bitshift"))
			return true;
	return false;
}

static int make_spec(const struct usdt *usdt, const struct usdt_site *site,
		     struct usdt_spec *spec, struct error *err)
{
	struct usdt_arg args[USDT_ARGS_MAX];
	int count = usdt_args(usdt->machine.machine, site->args, args, err);

	memset(spec, 0, sizeof(*spec));
	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		spec->args[i] = spec_of(&args[i]);
		if (args[i].kind == USDT_ELEMENT && !knows_elements(usdt->request->loaded->object)) {
			error_set(err, ERROR_UNSUPPORTED, "argument %d of '%.200s': got an element of an array, "
				  "expected what the object's <bpf/usdt.bpf.h> knows", i + 1, site->args);
			return error_hint(err, "compile it with portrace's header, or that of libbpf 1.7 or later");
		}
	}
	spec->cookie = usdt->request->options->cookie;
	spec->count = count;
	spec->taken = 1;
	return 0;
}

/* An entry that says the same, or the first free one, which then does. Its id, or -1. */
static int put_spec(const struct usdt *usdt, const struct usdt_spec *spec, struct error *err)
{
	struct usdt_spec there;
	int ret = 0;

	for (uint32_t id = 0; id < usdt->specs->max_entries; id++) {
		ret = sys_map_lookup(usdt->specs_fd, &id, &there);
		if (ret >= 0 && there.taken && memcmp(&there, spec, sizeof(there)))
			continue;
		if (ret >= 0 && !there.taken)
			ret = sys_map_update(usdt->specs_fd, &id, spec);
		return ret < 0 ? error_system(err, -ret, "map '%s'", SPECS) : (int)id;
	}
	error_set(err, ERROR_UNSUPPORTED, "map '%s': got more than %u kinds of sites, expected no more",
		  SPECS, usdt->specs->max_entries);
	return error_hint(err, "compile the object with -DBPF_USDT_MAX_SPEC_CNT=%u",
			  usdt->specs->max_entries * 4);
}

/* ---- kernels without cookies: where the site is in memory ---- */

/* A line of /proc/PID/maps: 55d0-55d8 r-xp 00001000 fe:00 1234  /bin/x */
static bool is_mapped_there(const char *line, const struct stat *st, uint64_t offset,
			    uint64_t *address)
{
	unsigned long long start, end, from, inode;
	unsigned int major, minor;
	char mode[8];

	if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu", &start, &end, mode, &from, &major, &minor,
		   &inode) != 7 || mode[2] != 'x' || inode != st->st_ino ||
	    makedev(major, minor) != st->st_dev || offset < from || offset - from >= end - start)
		return false;
	*address = start + (offset - from);
	return true;
}

static int find_in_process(const struct usdt *usdt, uint64_t offset, uint64_t *address,
			   struct error *err)
{
	pid_t pid = usdt->request->options->place.pid;
	char path[64], line[4400];
	struct stat st;
	FILE *file;
	int ret = 1;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	if (!file || stat(usdt->path, &st)) {
		ret = error_system(err, errno, "%s", file ? usdt->path : path);
		goto out;
	}
	while (ret > 0 && fgets(line, sizeof(line), file))
		ret = !is_mapped_there(line, &st, offset, address);
	if (ret)
		ret = error_set(err, ERROR_NOT_FOUND, "%s: got a process that does not have it in memory, "
				"expected one that does", usdt->path);
out:
	if (file)
		fclose(file);
	return ret;
}

static int put_address(const struct usdt *usdt, const struct usdt_site *site, int id,
		       struct error *err)
{
	uint64_t address = site->address;
	uint32_t value = id;
	int ret;

	if (usdt->addresses_fd < 0)
		return error_set(err, ERROR_FORMAT, "got no map '%s', expected that of <bpf/usdt.bpf.h>",
				 BY_ADDRESS);
	if (usdt->sites->moves && !usdt->request->options->place.pid) {
		error_set(err, ERROR_UNSUPPORTED, "%s: got a library or a program that is loaded anywhere, "
			  "expected the process that it is loaded by", usdt->path);
		return error_hint(err, "--pid says which; without that it takes a kernel whose probes have cookies "
				  "(Linux 5.15)");
	}
	if (usdt->sites->moves && find_in_process(usdt, site->offset, &address, err))
		return -1;
	ret = sys_map_update(usdt->addresses_fd, &address, &value);
	return ret < 0 ? error_system(err, -ret, "map '%s'", BY_ADDRESS) : 0;
}

/* ---- */

static int attach_site(const struct usdt *usdt, const struct usdt_site *site, struct error *err)
{
	struct attach_options options = *usdt->request->options;
	struct attach_request request = *usdt->request;
	struct usdt_spec spec;
	int id;

	if (make_spec(usdt, site, &spec, err))
		return -1;
	id = put_spec(usdt, &spec, err);
	if (id < 0)
		return -1;
	options.cookie = options.perf_links ? id : 0;
	request.options = &options;
	if (!options.perf_links && put_address(usdt, site, id, err))
		return -1;
	return uprobe_attach_at(usdt->link, usdt->path, site->offset, site->semaphore, &request, err);
}

static int find_maps(struct usdt *usdt, struct error *err)
{
	const struct loaded *loaded = usdt->request->loaded;
	const struct object *obj = loaded->object;

	for (size_t i = 0; i < obj->maps.len; i++)
		if (!strcmp(obj->maps.at[i].name, SPECS))
			usdt->specs = &obj->maps.at[i];
	usdt->specs_fd = loaded_map_fd(loaded, SPECS);
	usdt->addresses_fd = loaded_map_fd(loaded, BY_ADDRESS);
	if (!usdt->specs) {
		error_set(err, ERROR_FORMAT, "got no map '%s', expected that of <bpf/usdt.bpf.h>", SPECS);
		return error_hint(err, "programs for usdt/ include that header, of portrace or of libbpf");
	}
	if (usdt->specs->value_size != sizeof(struct usdt_spec))
		return error_set(err, ERROR_FORMAT, "map '%s': got values of %u bytes, expected %zu", SPECS,
				 usdt->specs->value_size, sizeof(struct usdt_spec));
	return 0;
}

/* "libc.so.6:libc:setjmp": the provider; path and place are split by uprobe_split() at the last colon. */
static int split(const struct attach_request *request, char path[BINARY_PATH_MAX],
		 struct section_name *provider, const char **name, struct error *err)
{
	struct attach_request first = *request;
	struct section_name target;
	const char *colon = strrchr(request->target, ':'), *at;
	int ret;

	if (!colon || colon == request->target || !colon[1])
		goto wrong;
	snprintf(target.text, sizeof(target.text), "%.*s", (int)(colon - request->target),
		 request->target);
	if (!strchr(target.text, ':'))
		goto wrong;
	first.target = target.text;
	ret = uprobe_split(&first, path, &at, err);
	if (!ret)
		snprintf(provider->text, sizeof(provider->text), "%s", at);
	*name = colon + 1;
	return ret;
wrong:
	return error_set(err, ERROR_FORMAT, "got '%s', expected PATH:PROVIDER:NAME", request->target);
}

static int attach_sites(struct usdt *usdt, struct error *err)
{
	int ret = find_maps(usdt, err);

	for (size_t i = 0; !ret && i < usdt->sites->list.len; i++)
		ret = attach_site(usdt, &usdt->sites->list.at[i], err);
	if (ret)
		return ret;
	snprintf(usdt->link->where, sizeof(usdt->link->where), "%s (%zu site%s)",
		 usdt->request->target, usdt->sites->list.len, usdt->sites->list.len > 1 ? "s" : "");
	return 0;
}

static int attach(struct link *link, const struct attach_request *request, struct error *err)
{
	char path[BINARY_PATH_MAX];
	struct section_name provider;
	struct usdt_sites sites;
	struct usdt usdt = { .link = link, .request = request, .path = path, .sites = &sites };
	const char *name = NULL;
	int ret = split(request, path, &provider, &name, err);

	if (ret)
		return ret < 0 ? error_wrap(err, "section '%s'", request->prog->section) : ret;
	uname(&usdt.machine);
	ret = usdt_sites_find(&sites, path, provider.text, name, err);
	if (!ret)
		ret = attach_sites(&usdt, err);
	else if (ret > 0)
		ret = ATTACH_ABSENT;
	usdt_sites_fini(&sites);
	return ret < 0 ? error_wrap(err, "section '%s'", request->prog->section) : ret;
}

const struct attach_kind attach_kind_usdt = {
	.targets = "USDT probe",
	.absent = "the file may have been built without its probes (systemtap-sdt-dev), or they have other "
		  "names: `readelf -n FILE` lists them",
	.attach = attach,
};
