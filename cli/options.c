// SPDX-License-Identifier: GPL-2.0
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/names.h"
#include "cli/signal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PID_LAST (1 << 22)   /* PID_MAX_LIMIT on 64-bit kernels */
#define BUFFER_LAST (1 << 30)
#define SIGNALS_FILTERED 64  /* bits in the program's mask; mips has signals beyond */

/* The next word of a comma list into word; moves *list behind it, to NULL after the last. */
static const char *list_next(const char **list, char *word, size_t size)
{
	size_t len = strcspn(*list, ",");
	bool last = !(*list)[len];

	snprintf(word, size, "%.*s", (int)(len < size ? len : size - 1), *list);
	*list = last ? NULL : *list + len + 1;
	return word;
}

static int add_watch(struct options *o, const char *option, uint32_t pid, uint32_t how,
		     struct error *err)
{
	size_t i;

	for (i = 0; i < o->watch_len && o->watch[i].pid != pid; i++)
		;
	if (i == OPTION_PIDS)
		return error_set(err, ERROR_USAGE, "%s: more than %d processes", option,
				 OPTION_PIDS);
	if (i == o->watch_len) {
		o->watch[o->watch_len].how = 0;
		o->watch[o->watch_len++].pid = pid;
	}
	o->watch[i].how |= how;
	return 0;
}

static int take_pids(struct options *o, const char *option, const char *list, uint32_t how,
		     struct error *err)
{
	char word[32];
	uint64_t pid;

	while (list) {
		const char *end = args_number(list_next(&list, word, sizeof(word)), &pid);

		if (!end || *end || !pid || pid > PID_LAST)
			return args_bad_value(err, option, word, "a process id, or several with commas");
		if (add_watch(o, option, pid, how, err) < 0)
			return -1;
	}
	return 0;
}

static int take_pid(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	return take_pids(o, "--pid", arg, WATCH_EITHER, err);
}

static int take_from(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	return take_pids(o, "--from", arg, WATCH_FROM, err);
}

static int take_to(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	return take_pids(o, "--to", arg, WATCH_TO, err);
}

static int unknown_signal(const char *word, struct error *err)
{
	char buf[SIGNAL_NAME_SIZE];

	error_set(err, ERROR_USAGE, "--signal: unknown signal '%s'", word);
	if (signal_suggest(word, buf))
		return error_hint(err, "did you mean '%s'?", buf);
	return error_hint(err, "use a name such as KILL, SIGTERM or SIGRTMIN+3, or a number from "
			  "1 to %d", SIGNALS_FILTERED);
}

static int take_signal(void *into, const char *list, struct error *err)
{
	struct options *o = into;
	char word[32];

	if (o->signals == ALL_SIGNALS)
		o->signals = 0;
	while (list) {
		int sig = signal_number(list_next(&list, word, sizeof(word)));

		if (!sig)
			return unknown_signal(word, err);
		if (sig > SIGNALS_FILTERED)
			return error_set(err, ERROR_USAGE,
					 "--signal: '%s' is number %d, only 1 to %d can be chosen",
					 word, sig, SIGNALS_FILTERED);
		o->signals |= 1ull << (sig - 1);
	}
	return 0;
}

/* "root:x:0:0:..." into *uid where it is the line of this user. */
static bool passwd_line(const char *line, const char *name, uint32_t *uid)
{
	size_t len = strlen(name);
	const char *end;
	uint64_t value;

	if (strncmp(line, name, len) || line[len] != ':')
		return false;
	line = strchr(line + len + 1, ':');
	end = line ? args_number(line + 1, &value) : NULL;
	if (!end || *end != ':' || value >= UINT32_MAX) /* (uid_t)-1 is nobody's */
		return false;
	*uid = value;
	return true;
}

/* By hand: getpwnam of a static glibc wants to load the NSS plugins of the very same glibc. */
int options_find_user(const char *passwd, const char *name, uint32_t *uid, struct error *err)
{
	FILE *f = fopen(passwd, "re");
	bool found = false, starts = true;
	char line[1024];

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = starts && passwd_line(line, name, uid);
		starts = strchr(line, '\n'); /* else the next piece goes on with this line */
	}
	if (f)
		fclose(f);
	if (found)
		return 0;
	error_set(err, ERROR_USAGE, "--uid: no user '%s' in %s", name, passwd);
	return error_hint(err, "users from elsewhere (LDAP, systemd) go by number: id -u %s", name);
}

static int take_uid(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	const char *end;
	uint64_t value;

	o->has_uid = true;
	end = args_number(arg, &value);
	if (!end || *end) {
		if (!*arg || strchr(arg, ':'))
			return args_bad_value(err, "--uid", arg, "a user name or number");
		return options_find_user("/etc/passwd", arg, &o->uid, err);
	}
	if (value >= UINT32_MAX)
		return args_bad_value(err, "--uid", arg, "a user name or number");
	o->uid = value;
	return 0;
}

static int take_comm(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	size_t len = strlen(arg);

	if (!len)
		return args_bad_value(err, "--comm", arg, "the name of a command");
	if (len >= COMM_LEN) {
		error_set(err, ERROR_USAGE, "--comm: '%s' has %zu bytes, at most %d can match",
			  arg, len, COMM_LEN - 1);
		return error_hint(err, "the kernel keeps no more of a name; use '%.*s'",
				  COMM_LEN - 1, arg);
	}
	if (o->comm_len == FILTER_COMMS)
		return error_set(err, ERROR_USAGE, "--comm: more than %d names", FILTER_COMMS);
	memset(o->comm[o->comm_len], 0, COMM_LEN);
	memcpy(o->comm[o->comm_len++], arg, len);
	return 0;
}

static int take_duration(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	return args_duration(err, "--duration", arg, &o->duration);
}

static int take_count(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	return args_count(err, "--count", arg, &o->count);
}

static int take_json(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	o->json = true;
	return 0;
}

static int take_output(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	if (!*arg)
		return args_bad_value(err, "--output", arg, "the name of a file");
	o->output = strcmp(arg, "-") ? arg : NULL;
	return 0;
}

static int take_quiet(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	o->quiet = true;
	return 0;
}

static int take_verbose(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	o->verbose++;
	return 0;
}

/* Which of the words it is, or -1. */
static int choice(const char *const words[], size_t count, const char *arg)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(arg, words[i]))
			return i;
	return -1;
}

static int take_transport(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	static const char *const names[] = {
		[TRANSPORT_AUTO] = "auto",
		[TRANSPORT_RING] = "ring",
		[TRANSPORT_PERF] = "perf",
		[TRANSPORT_EVENTS] = "events",
	};
	int chosen = choice(names, COUNT(names), arg);

	if (chosen < 0)
		return args_bad_value(err, "--transport", arg, "auto, ring, perf or events");
	o->transport = chosen;
	return 0;
}

static int take_types(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	static const char *const names[] = {
		[TYPES_AUTO] = "auto",
		[TYPES_KERNEL] = "kernel",
		[TYPES_IMAGE] = "image",
		[TYPES_TRACEFS] = "tracefs",
	};
	int chosen = choice(names, COUNT(names), arg);

	if (chosen < 0)
		return args_bad_value(err, "--types", arg, "auto, kernel, image or tracefs");
	o->types = chosen;
	return 0;
}

static int take_btf(void *into, const char *arg, struct error *err)
{
	struct options *o = into;

	if (!*arg)
		return args_bad_value(err, "--btf", arg, "the name of a file");
	o->btf_file = arg;
	return 0;
}

static unsigned int suffix_shift(const char *suffix)
{
	static const char *const suffixes[] = { "", "K", "M", "G" };
	size_t i;

	for (i = 0; i < COUNT(suffixes); i++)
		if (!strcasecmp(suffix, suffixes[i]))
			return 10 * i;
	return 64;
}

/* Both buffers want pages by a power of two: what is asked for, rounded up to that. */
static int take_buffer(void *into, const char *arg, struct error *err)
{
	struct options *o = into;
	uint64_t value;
	const char *end = args_number(arg, &value);
	unsigned int shift = end ? suffix_shift(end) : 64;
	size_t size = sysconf(_SC_PAGESIZE);

	if (shift > 63 || !value || value > (uint64_t)BUFFER_LAST >> shift)
		return args_bad_value(err, "--buffer", arg, "a size up to 1G, such as 256K or 4M");
	while (size < value << shift)
		size *= 2;
	o->buffer = size;
	return 0;
}

static const struct option_fact choose[] = {
	{ 'p', "pid", "PID,...", take_pid, "sent by or to one of these processes" },
	{ 0, "from", "PID,...", take_from, "sent by one of these" },
	{ 0, "to", "PID,...", take_to, "sent to one of these" },
	{ 's', "signal", "SIGNAL,...", take_signal,
	  "only these, by name or number: KILL,TERM,9,RTMIN+3" },
	{ 'u', "uid", "USER", take_uid, "sent by this user, by name or number" },
	{ 'c', "comm", "NAME", take_comm,
	  "sent by or to a command of this name, at most\n"
	  "15 bytes; again for another name, up to 8" },
};

static const struct option_fact finish[] = {
	{ 'd', "duration", "TIME", take_duration, "end after this time: 10 (seconds), 500ms, 2m or 1h" },
	{ 'n', "count", "NUMBER", take_count, "end after so many signals shown" },
};

static const struct option_fact show[] = {
	{ 0, "json", NULL, take_json, "one JSON object a line, instead of columns" },
	{ 'o', "output", "FILE", take_output, "write there instead of standard output" },
	{ 'q', "quiet", NULL, take_quiet, "no header, no summary; losses are still reported" },
	{ 'v', "verbose", NULL, take_verbose,
	  "say what is loaded and attached, and how;\n"
	  "-vv: also all that the kernel's verifier says of a\n"
	  "program that it refuses" },
};

static const struct option_fact tune[] = {
	{ 0, "transport", "KIND", take_transport,
	  "how events come from the kernel: ring (since Linux\n"
	  "5.8) or perf, both from BPF programs, events, which\n"
	  "are perf's own, without BPF, or auto: the first of\n"
	  "these that works" },
	{ 0, "buffer", "SIZE", take_buffer,
	  "of the ring (1M) or else each CPU's buffer (2M);\n"
	  "rounded up to pages by a power of two" },
	{ 0, "types", "SOURCE", take_types,
	  "where the kernel's types come from: kernel (itself),\n"
	  "image (its image on disk), tracefs (the formats of\n"
	  "events), or auto: the first of these that has them" },
	{ 0, "btf", "FILE", take_btf,
	  "or this file: bare BTF, an ELF file with a section\n"
	  ".BTF, or a kernel image" },
};

static const struct option_group groups[] = {
	OPTION_GROUP("Which signals (all that are given must hold; else every signal)", choose),
	OPTION_GROUP("When to end (else Ctrl-C or SIGTERM)", finish),
	OPTION_GROUP("What to show", show),
	OPTION_GROUP("How it works", tune),
};

static void options_init(struct options *o, char *const argv[])
{
	memset(o, 0, sizeof(*o));
	o->signals = ALL_SIGNALS;
	o->named = !strcmp(argv[0], command_signal.name);
}

/* The command's own name may stand anywhere, once. */
static int read_word(void *into, const char *word, struct error *err)
{
	struct options *o = into;
	int words;

	if (!o->named && !strcmp(word, command_signal.name)) {
		o->named = true;
		return 0;
	}
	if (!o->named && !command_find(1, (char *const[]){ (char *)word }, &words))
		return command_unknown(word, err);
	return error_set(err, ERROR_USAGE, "unexpected word '%s'", word);
}

int options_parse(int argc, char *const argv[], struct options *o, struct error *err)
{
	options_init(o, argv);
	return args_parse(&command_signal.args, argc, argv, o, err);
}

static enum exit_status run(int argc, char *const argv[])
{
	struct options options;
	enum exit_status status;

	options_init(&options, argv);
	if (!command_read(&command_signal, argc, argv, &options, &status))
		return status;
	return signal_run(&options);
}

const struct command command_signal = {
	.name = "signal",
	.about = "who signals whom, and what comes of it; the default",
	.usage = "[signal] [options]",
	.text = "Shows who sends which signal to whom, and what becomes of it, live.\n",
	.args = { "portrace", groups, COUNT(groups), read_word },
	.notes =
	      "Examples:\n"
	      "  portrace                          every signal\n"
	      "  portrace --to 812 -s TERM,KILL    who ends process 812?\n"
	      "  portrace -c nginx -d 1m           a minute of what nginx sends and gets\n"
	      "  portrace --json -o log -u backup  what user backup sends, for programs\n"
	      "\nExit codes:\n"
	      "  0  ended as asked: Ctrl-C, SIGTERM, -d, -n, or the reader of the pipe left\n"
	      "  1  failed while running, e.g. the output could not be written\n"
	      "  2  the command line is wrong\n"
	      "  3  not permitted: root, or CAP_BPF, CAP_PERFMON and CAP_DAC_READ_SEARCH are\n"
	      "     needed, and a kernel that is not locked down (confidentiality)\n"
	      "  4  this kernel cannot: it has neither BPF nor perf events, or no tracefs\n",
	.run = run,
};
