// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/caps.h"
#include "cli/command.h"
#include "cli/memlock.h"
#include "util/map.h"
#include "util/privilege.h"

struct caps_options {
	bool json, all;
	const char *store, *stored;
};

static int take_json(void *into, const char *arg, struct error *err)
{
	((struct caps_options *)into)->json = true;
	return 0;
}

static int take_all(void *into, const char *arg, struct error *err)
{
	((struct caps_options *)into)->all = true;
	return 0;
}

static int take_store(void *into, const char *arg, struct error *err)
{
	((struct caps_options *)into)->store = arg;
	return 0;
}

static int take_stored(void *into, const char *arg, struct error *err)
{
	((struct caps_options *)into)->stored = arg;
	return 0;
}

static const struct option_fact facts[] = {
	{ 'a', "all", NULL, take_all,
	  "helpers of every type of program, too; the kernel\n"
	  "may log a notice about bpf_trace_printk and\n"
	  "bpf_probe_write_user, which nothing uses" },
	{ 0, "json", NULL, take_json, "one JSON object" },
	{ 0, "store", "FILE", take_store,
	  "write all answers to a file, as --all, for --caps;\n"
	  "-: to standard output" },
	{ 0, "caps", "FILE", take_stored, "show stored answers, of any kernel" },
};

static const struct option_group groups[] = { OPTION_GROUP("Options", facts) };

int caps_open(struct caps *caps, const char *path, struct error *err)
{
	struct map_file file;
	int ret = map_file(&file, path);

	if (ret == -EINVAL)
		return error_set(err, ERROR_FORMAT, "%s: got an empty file or none to read, expected "
				 "stored answers", path);
	if (ret)
		return error_file(err, -ret, path);
	ret = caps_read(caps, path, file.data, file.size, err);
	unmap_file(&file);
	return ret;
}

static int write_piece(void *to, const char *piece, size_t len)
{
	return fwrite(piece, 1, len, to) == len ? 0 : -errno;
}

static int store(const struct caps *caps, const char *path, struct error *err)
{
	struct text text = { .write = write_piece };
	FILE *to = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int ret;

	if (!to)
		return error_file(err, errno, path);
	text.to = to;
	caps_write(caps, &text);
	ret = text_flush(&text);
	text_fini(&text);
	if (to == stdout)
		return ret ? error_system(err, -ret, "standard output") : 0;
	if (fclose(to) && !ret)
		ret = -errno;
	return ret ? error_system(err, -ret, "%s", path) : 0;
}

/* ---- what could not be told ---- */

struct unknown {
	uint32_t count;
	int sys; /* of the last that was not allowed, or 0 */
};

static void count_unknown(struct unknown *u, const struct cap_answer *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (at[i].answer != CAP_UNKNOWN)
			continue;
		u->count++;
		if (at[i].sys == EPERM || at[i].sys == EACCES)
			u->sys = at[i].sys;
	}
}

static struct unknown all_unknown(const struct caps *caps)
{
	struct unknown u = { .count = 0 };

	count_unknown(&u, caps->at, CAP_COUNT);
	count_unknown(&u, caps->maps, CAPS_TYPES);
	count_unknown(&u, caps->programs, CAPS_TYPES);
	for (size_t i = 0; i < CAPS_TYPES; i++)
		if (caps->helpers[i])
			count_unknown(&u, caps->helpers[i], CAPS_HELPERS);
	return u;
}

uint32_t caps_unknown(const struct caps *caps)
{
	return all_unknown(caps).count;
}

enum exit_status caps_warn(const char *command, const struct caps *caps)
{
	struct unknown u = all_unknown(caps);
	struct error err;

	if (caps->stored || !u.sys)
		return STATUS_DONE;
	error_clear(&err);
	error_system(&err, u.sys, "%s: %u answer%s unknown", command, u.count,
		     u.count == 1 ? " is" : "s are");
	privilege_explain(&err);
	report_error(&err);
	return STATUS_PERMISSION;
}

static int show(struct caps *caps, const struct caps_options *o, struct error *err)
{
	if (o->stored) {
		if (caps_open(caps, o->stored, err))
			return -1;
	} else {
		memlock_raise(caps);
		caps_ask_all(caps, o->all || o->store);
	}
	if (o->store && store(caps, o->store, err))
		return -1;
	if (!o->store)
		(o->json ? caps_json : caps_print)(caps, stdout);
	if (fflush(stdout) || ferror(stdout))
		return error_set(err, ERROR_SYSTEM, "standard output: could not be written");
	return 0;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct caps_options options = { .json = false };
	struct caps caps = { .stored = false };
	enum exit_status status;
	struct error err;

	error_clear(&err);
	if (!command_read(&command_caps, argc, argv, &options, &status))
		return status;
	if (options.json && options.store)
		error_set(&err, ERROR_USAGE, "caps: got --json and --store, expected one of them");
	if (err.code || show(&caps, &options, &err)) {
		report_error(&err);
		status = command_status(err.code);
	} else {
		status = caps_warn("caps", &caps);
	}
	caps_fini(&caps);
	return status;
}

const struct command command_caps = {
	.name = "caps",
	.about = "what the kernel can do with BPF programs",
	.usage = "caps [options]",
	.text = "Asks the running kernel what it knows of BPF, each thing by trying it: map and\n"
		"program types, helpers, instructions, ways to attach. Nothing of that is left\n"
		"in the kernel. An answer is yes, no, or unknown where it could not be asked.\n",
	.args = { "portrace caps", groups, sizeof(groups) / sizeof(groups[0]), NULL },
	.notes = "Examples:\n"
		 "  portrace caps --store 4.9.caps         on the machine with that kernel\n"
		 "  portrace caps --caps 4.9.caps --json   anywhere\n"
		 "\n"
		 "Exit status 3: this user may not ask everything, so some answers are unknown.\n",
	.run = run,
};
