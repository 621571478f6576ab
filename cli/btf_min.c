// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/min.h"
#include "cli/command.h"
#include "cli/object_file.h"
#include "loader/types.h"

struct min_options {
	const char *output, *btf_path;
	VEC(const char *) paths;
};

static int take_output(void *into, const char *arg, struct error *err)
{
	((struct min_options *)into)->output = arg;
	return 0;
}

static int take_btf(void *into, const char *arg, struct error *err)
{
	((struct min_options *)into)->btf_path = arg;
	return 0;
}

static int take_path(void *into, const char *word, struct error *err)
{
	struct min_options *o = into;
	const char **path = vec_push(&o->paths);

	if (!path)
		return error_memory(err);
	*path = word;
	return 0;
}

static const struct option_fact facts[] = {
	{ 'o', "output", "FILE", take_output, "where to put it; required" },
	{ 0, "btf", "FILE", take_btf, "the types to cut from: BTF, or an ELF file or kernel\n"
	  "image that has some; default: those of the running\n"
	  "kernel" },
};

static const struct option_group groups[] = { OPTION_GROUP("Options", facts) };

static int add_object(struct btf_min *min, const char *path, struct error *err)
{
	struct object obj;
	int ret;

	if (object_file_open(&obj, path, err))
		return -1;
	ret = btf_min_add(min, obj.programs.at, obj.programs.len, &obj.btf, err);
	if (ret && err->code != ERROR_MEMORY)
		error_wrap(err, "%s", path);
	object_fini(&obj);
	return ret;
}

static int write_file(const char *path, const uint8_t *data, size_t size, struct error *err)
{
	FILE *to = fopen(path, "wbe");
	bool failed;

	if (!to)
		return error_system(err, errno, "%s", path);
	failed = fwrite(data, 1, size, to) != size;
	if (fclose(to) || failed)
		return error_system(err, errno, "%s: could not be written", path);
	return 0;
}

/* The small BTF is right for the relocations, but not for those that want the kernel's own ids. */
static void warn_of_ids(const struct btf_min *min)
{
	if (min->kernel_ids)
		fprintf(stderr, "portrace: warning: %u relocation%s for a type's id in the kernel "
			"(bpf_core_type_id_kernel), which only the kernel's whole BTF has\n",
			min->kernel_ids, min->kernel_ids == 1 ? "" : "s");
}

static int cut(const struct min_options *o, const struct btf *target, struct error *err)
{
	struct btf_min min;
	void *blob = NULL;
	size_t size = 0, i;
	int ret = btf_min_init(&min, target, err);

	for (i = 0; !ret && i < o->paths.len; i++)
		ret = add_object(&min, o->paths.at[i], err);
	if (!ret)
		ret = btf_min_finish(&min, &blob, &size, err);
	if (!ret)
		ret = write_file(o->output, blob, size, err);
	if (!ret)
		warn_of_ids(&min);
	free(blob);
	btf_min_fini(&min);
	return ret;
}

static int open_and_cut(const struct min_options *o, struct error *err)
{
	struct types_request request = { .btf_file = o->btf_path };
	struct types types;
	int ret;

	if (!o->output)
		return error_set(err, ERROR_USAGE, "btf min: got no --output, expected a file to "
				 "write to");
	if (!o->paths.len)
		return error_set(err, ERROR_USAGE, "btf min: got no object, expected at least one");
	if (types_open(&types, &request, err))
		return -1;
	ret = cut(o, &types.btf, err);
	types_fini(&types);
	return ret;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct min_options options = { .output = NULL };
	enum exit_status status = STATUS_DONE;
	struct error err;

	error_clear(&err);
	if (command_read(&command_btf_min, argc, argv, &options, &status) &&
	    open_and_cut(&options, &err)) {
		report_error(&err);
		status = command_status(err.code);
	}
	vec_fini(&options.paths);
	return status;
}

const struct command command_btf_min = {
	.name = "btf min",
	.about = "the types that objects need, cut from a kernel's",
	.usage = "btf min -o FILE [options] OBJECT...",
	.text = "Writes as BTF the types that the CO-RE relocations of the objects look at,\n"
		"and no others. Relocating with it gives the same programs as with all of a\n"
		"kernel's types, so it can go along with an object to kernels that have none.\n",
	.args = { "portrace btf min", groups, sizeof(groups) / sizeof(groups[0]), take_path },
	.notes = "Example:\n"
		 "  portrace btf min -o 5.10.btf --btf /boot/vmlinuz-5.10.0 prog.bpf.o\n",
	.run = run,
};
