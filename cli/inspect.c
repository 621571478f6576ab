// SPDX-License-Identifier: GPL-2.0
#include "cli/inspect.h"

#include <string.h>

#include "cli/command.h"
#include "cli/object_file.h"
#include "loader/section.h"
#include "loader/source.h"

struct inspect_options {
	const char *path;
	bool json, verbose;
};

const char *inspect_relo_kind(uint32_t kind)
{
	static const char *const names[] = {
		[BPF_CORE_FIELD_BYTE_OFFSET] = "field_byte_offset",
		[BPF_CORE_FIELD_BYTE_SIZE] = "field_byte_size",
		[BPF_CORE_FIELD_EXISTS] = "field_exists",
		[BPF_CORE_FIELD_SIGNED] = "field_signed",
		[BPF_CORE_FIELD_LSHIFT_U64] = "field_lshift_u64",
		[BPF_CORE_FIELD_RSHIFT_U64] = "field_rshift_u64",
		[BPF_CORE_TYPE_ID_LOCAL] = "type_id_local",
		[BPF_CORE_TYPE_ID_TARGET] = "type_id_target",
		[BPF_CORE_TYPE_EXISTS] = "type_exists",
		[BPF_CORE_TYPE_SIZE] = "type_size",
		[BPF_CORE_ENUMVAL_EXISTS] = "enumval_exists",
		[BPF_CORE_ENUMVAL_VALUE] = "enumval_value",
		[BPF_CORE_TYPE_MATCHES] = "type_matches",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

bool inspect_source(const struct inspection *in, const struct program *prog, uint32_t insn,
		    const char **file, uint32_t *line)
{
	struct source_place place;
	const char *slash;

	if (!source_find(&place, prog, &in->obj->btf, insn))
		return false;
	slash = strrchr(place.file, '/');
	*file = slash ? slash + 1 : place.file;
	*line = place.line;
	return true;
}

static size_t count_unloadable(const struct object *obj)
{
	struct error unused;
	size_t i, count = 0;

	for (i = 0; i < obj->programs.len; i++)
		count += section_loadable(obj->programs.at[i].kind, "", &unused) != 0;
	return count;
}

const char *inspect_obstacle(const struct inspection *in, size_t i, char *buf, size_t size)
{
	const struct object *obj = in->obj;
	size_t len = strlen(obj->name), others = count_unloadable(obj);
	const char *message;

	if (i < obj->obstacles.len) {
		message = obj->obstacles.at[i].message;
		if (!strncmp(message, obj->name, len) && !strncmp(message + len, ": ", 2))
			message += len + 2;
		return message;
	}
	if (i > obj->obstacles.len || !others)
		return NULL;
	snprintf(buf, size, "programs: got %zu of a kind that cannot be loaded", others);
	return buf;
}

const struct btf_var_secinfo *inspect_globals(const struct inspection *in, const struct map *map,
					      uint32_t *count)
{
	const struct btf_type *t = btf_type(&in->obj->btf, map->value_type_id);

	*count = 0;
	if (!map->data || !t || btf_kind(t) != BTF_KIND_DATASEC)
		return NULL;
	*count = btf_vlen(t);
	return btf_extra(t);
}

bool inspect_has_address(const struct map *map, const struct btf_var_secinfo *v)
{
	size_t i;

	for (i = 0; i < map->addresses.len; i++)
		if (map->addresses.at[i] >= v->offset &&
		    map->addresses.at[i] - v->offset < v->size)
			return true;
	return false;
}

/* ---- the command ---- */

static int take_json(void *into, const char *arg, struct error *err)
{
	((struct inspect_options *)into)->json = true;
	return 0;
}

static int take_verbose(void *into, const char *arg, struct error *err)
{
	((struct inspect_options *)into)->verbose = true;
	return 0;
}

static int take_path(void *into, const char *word, struct error *err)
{
	struct inspect_options *o = into;

	if (o->path)
		return error_set(err, ERROR_USAGE, "unexpected word '%s', expected one object",
				 word);
	o->path = word;
	return 0;
}

static const struct option_fact facts[] = {
	{ 'v', "verbose", NULL, take_verbose,
	  "every relocation with its source line; values at\n"
	  "full length" },
	{ 0, "json", NULL, take_json, "one JSON object, with all of that" },
};

static const struct option_group groups[] = { OPTION_GROUP("Options", facts) };

static int show(const struct inspect_options *o, struct error *err)
{
	struct needs needs = { .release = 0 };
	struct object obj;
	struct inspection in = { &obj, &needs, o->verbose };
	int ret = object_file_open(&obj, o->path, err);

	if (ret)
		return -1;
	ret = needs_init(&needs, &obj, err);
	if (!ret)
		(o->json ? inspect_json : inspect_text)(&in, stdout);
	needs_fini(&needs);
	object_fini(&obj);
	if (!ret && (fflush(stdout) || ferror(stdout)))
		return error_set(err, ERROR_SYSTEM, "standard output: could not be written");
	return ret;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct inspect_options options = { .path = NULL };
	enum exit_status status;
	struct error err;

	error_clear(&err);
	if (!command_read(&command_inspect, argc, argv, &options, &status))
		return status;
	if (!options.path) {
		error_set(&err, ERROR_USAGE, "inspect: got no object, expected a file");
		error_hint(&err, "portrace inspect --help says more");
	}
	if (!err.code && !show(&options, &err))
		return STATUS_DONE;
	report_error(&err);
	return command_status(err.code);
}

const struct command command_inspect = {
	.name = "inspect",
	.about = "what is in a BPF object, and what it needs",
	.usage = "inspect [options] OBJECT",
	.text = "Shows the programs, maps, globals and relocations of a BPF object file, and\n"
		"what it needs of a kernel, and since which release kernels have that. All of it\n"
		"is read off the file: code counts whether it is reached or not.\n",
	.args = { "portrace inspect", groups, sizeof(groups) / sizeof(groups[0]), take_path },
	.run = run,
};
