// SPDX-License-Identifier: GPL-2.0
#include "cli/run.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int add_word(struct run_words *words, const char *option, const char *arg,
		    struct error *err)
{
	if (words->len == RUN_WORDS)
		return error_set(err, ERROR_USAGE, "%s: got it more than %d times", option, RUN_WORDS);
	if (!*arg)
		return args_bad_value(err, option, arg, "a name");
	words->at[words->len++] = arg;
	return 0;
}

/* "NAME=...": with something on both sides. */
static int add_pair(struct run_words *words, const char *option, const char *arg,
		    const char *expected, struct error *err)
{
	const char *equals = strchr(arg, '=');

	if (!equals || equals == arg)
		return args_bad_value(err, option, arg, expected);
	return add_word(words, option, arg, err);
}

static int take_set(void *into, const char *arg, struct error *err)
{
	return add_pair(&((struct run_options *)into)->sets, "--set", arg, "NAME=VALUE", err);
}

static int take_map(void *into, const char *arg, struct error *err)
{
	return add_pair(&((struct run_options *)into)->maps, "--map", arg,
			"NAME=ENTRIES or NAME=/sys/fs/bpf/FILE", err);
}

static int take_attach(void *into, const char *arg, struct error *err)
{
	return add_pair(&((struct run_options *)into)->attach, "--attach", arg, "PROG=TARGET", err);
}

static int take_program(void *into, const char *arg, struct error *err)
{
	return add_word(&((struct run_options *)into)->programs, "--program", arg, err);
}

static int take_iface(void *into, const char *arg, struct error *err)
{
	return add_word(&((struct run_options *)into)->ifaces, "--iface", arg, err);
}

/* Options that are one word each: where it goes, not empty. */
static int take_text(const char **to, const char *option, const char *arg, struct error *err)
{
	if (!*arg)
		return args_bad_value(err, option, arg, "the name of a file");
	*to = arg;
	return 0;
}

static int take_cgroup(void *into, const char *arg, struct error *err)
{
	return take_text(&((struct run_options *)into)->place.cgroup, "--cgroup", arg, err);
}

static int take_netns(void *into, const char *arg, struct error *err)
{
	return take_text(&((struct run_options *)into)->netns, "--netns", arg, err);
}

static int take_pin(void *into, const char *arg, struct error *err)
{
	return take_text(&((struct run_options *)into)->pin, "--pin", arg, err);
}

static int take_btf(void *into, const char *arg, struct error *err)
{
	return take_text(&((struct run_options *)into)->btf, "--btf", arg, err);
}

static int take_output(void *into, const char *arg, struct error *err)
{
	return take_text(&((struct run_options *)into)->output, "--output", arg, err);
}

static int take_pid(void *into, const char *arg, struct error *err)
{
	struct run_options *o = into;
	const char *end;
	uint64_t pid;

	end = args_number(arg, &pid);
	if (!end || *end || !pid || pid > INT32_MAX)
		return args_bad_value(err, "--pid", arg, "a process id");
	o->place.pid = pid;
	return 0;
}

static int take_freq(void *into, const char *arg, struct error *err)
{
	return args_count(err, "--freq", arg, &((struct run_options *)into)->place.freq);
}

static int take_replaces(void *into, const char *arg, struct error *err)
{
	struct run_options *o = into;

	if (args_count(err, "--replaces", arg, &o->replaces))
		return -1;
	return o->replaces <= UINT32_MAX ? 0 : args_bad_value(err, "--replaces", arg, "a program's id");
}

static int take_duration(void *into, const char *arg, struct error *err)
{
	return args_duration(err, "--duration", arg, &((struct run_options *)into)->duration);
}

static int take_count(void *into, const char *arg, struct error *err)
{
	return args_count(err, "--count", arg, &((struct run_options *)into)->count);
}

static int take_json(void *into, const char *arg, struct error *err)
{
	((struct run_options *)into)->json = true;
	return 0;
}

static int take_load_only(void *into, const char *arg, struct error *err)
{
	((struct run_options *)into)->load_only = true;
	return 0;
}

static int take_quiet(void *into, const char *arg, struct error *err)
{
	((struct run_options *)into)->quiet = true;
	return 0;
}

static int take_verbose(void *into, const char *arg, struct error *err)
{
	((struct run_options *)into)->verbose++;
	return 0;
}

static int take_perf(void *into, const char *arg, struct error *err)
{
	((struct run_options *)into)->transport = TRANSPORT_PERF;
	return 0;
}

static int take_path(void *into, const char *word, struct error *err)
{
	struct run_options *o = into;

	if (o->path)
		return error_set(err, ERROR_USAGE, "unexpected word '%s', expected one object", word);
	o->path = word;
	return 0;
}

static const struct option_fact where[] = {
	{ 0, "cgroup", "PATH", take_cgroup, "programs for cgroups: the cgroup's directory" },
	{ 'i', "iface", "NAME", take_iface,
	  "programs for network interfaces; again for another" },
	{ 0, "netns", "FILE", take_netns,
	  "the network namespace: FILE as in /run/netns, or\n"
	  "a process id" },
	{ 'p', "pid", "PID", take_pid, "user-space probes and perf events: only this process" },
	{ 0, "freq", "HZ", take_freq, "perf_event programs: samples a second (99)" },
	{ 0, "attach", "PROG=TARGET", take_attach,
	  "instead of what the section's name says: a function,\n"
	  "an interface, a cgroup, a map, whatever it is for" },
	{ 0, "replaces", "ID", take_replaces,
	  "freplace programs: the loaded program whose function\n"
	  "they replace" },
};

static const struct option_fact what[] = {
	{ 's', "set", "NAME=VALUE", take_set,
	  "a global variable, by its type: 5, true, BLUE, text,\n"
	  "{ 1, 2 }, { .pid = 1 }; a part of one: NAME.MEMBER=,\n"
	  "NAME[INDEX]=" },
	{ 0, "map", "NAME=ENTRIES", take_map,
	  "how many entries it gets; or a pinned map to use in\n"
	  "its place: NAME=/sys/fs/bpf/FILE" },
	{ 0, "program", "NAME", take_program,
	  "only this one (also if its section begins with '?');\n"
	  "again for another" },
	{ 0, "pin", "DIR", take_pin,
	  "pin maps, programs and links in this directory of a\n"
	  "bpffs: they stay when portrace ends" },
	{ 0, "load-only", NULL, take_load_only, "attach nothing, and end: would the kernel take it?" },
	{ 0, "btf", "FILE", take_btf, "the kernel's types, instead of its own" },
	{ 0, "perf", NULL, take_perf, "perf buffers instead of ring buffers" },
};

static const struct option_fact finish[] = {
	{ 'd', "duration", "TIME", take_duration, "end after this time: 10 (seconds), 500ms, 2m or 1h" },
	{ 'n', "count", "NUMBER", take_count, "end after so many records and lines shown" },
};

static const struct option_fact show[] = {
	{ 0, "json", NULL, take_json, "one JSON object a line (docs/json.md)" },
	{ 'o', "output", "FILE", take_output, "write there instead of standard output" },
	{ 'q', "quiet", NULL, take_quiet, "only what the programs send" },
	{ 'v', "verbose", NULL, take_verbose,
	  "also types, lowerings and transports; -vv: all that\n"
	  "the kernel's verifier says of a program it refuses" },
};

static const struct option_group groups[] = {
	OPTION_GROUP("Where programs go, as far as their sections do not say it", where),
	OPTION_GROUP("What is loaded", what),
	OPTION_GROUP("When to end (else Ctrl-C or SIGTERM)", finish),
	OPTION_GROUP("What to show", show),
};

static enum exit_status run(int argc, char *const argv[])
{
	struct run_options options = { .transport = TRANSPORT_AUTO };
	enum exit_status status;
	struct error err;

	if (!command_read(&command_run, argc, argv, &options, &status))
		return status;
	if (options.path)
		return run_main(&options);
	error_set(&err, ERROR_USAGE, "run: got no object, expected one: portrace run FILE.bpf.o");
	report_error(&err);
	return STATUS_USAGE;
}

const struct command command_run = {
	.name = "run",
	.about = "load a BPF object, attach its programs, show what they send",
	.usage = "run [options] OBJECT",
	.text = "Loads an object that clang has compiled, changed for this kernel where it has to\n"
		"be, attaches each program to what its section's name says, shows what they send\n"
		"and print until it is told to end, and then leaves nothing behind.\n",
	.args = { "portrace run", groups, COUNT(groups), take_path },
	.notes = "Examples:\n"
		 "  portrace run opens.bpf.o                            until Ctrl-C\n"
		 "  portrace run -s target_pid=812 -d 10 opens.bpf.o    one process, ten seconds\n"
		 "  portrace run -i eth0 filter.bpf.o                   XDP, tc: on this interface\n"
		 "  portrace run --cgroup /sys/fs/cgroup/x deny.bpf.o   for the processes in it\n"
		 "  portrace run --attach probe=do_exit probe.bpf.o     another function\n"
		 "\nExit codes: 0 ended as asked, 1 failed while running, 2 the command line is off\n"
		 "or something is missing on it, 3 this user may not, 4 this kernel cannot.\n",
	.run = run,
};
