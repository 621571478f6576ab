// SPDX-License-Identifier: GPL-2.0
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/names.h"
#include "cli/suggest.h"

#ifndef VERSION
#define VERSION "0.1"
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS_PER_S 1000000000ull
#define PID_LAST (1 << 22)   /* PID_MAX_LIMIT on 64-bit kernels */
#define BUFFER_LAST (1 << 30)
#define SIGNALS_FILTERED 64  /* bits in the program's mask; mips has signals beyond */

struct option_fact {
	char letter;      /* 0: none */
	const char *name; /* without "--" */
	const char *arg;  /* what its argument is called; NULL: it takes none */
	int (*take)(struct options *o, const char *arg, struct error *err);
	const char *help; /* lines after the first are indented by the printer */
};

struct option_group {
	const char *title;
	const struct option_fact *facts;
	size_t len;
};

/* Decimal digits only, none of strtoul's signs and spaces. Returns the end, or NULL. */
static const char *parse_number(const char *text, uint64_t *value)
{
	const char *p = text;

	for (*value = 0; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return NULL;
	return p == text ? NULL : p;
}

static int bad_value(struct error *err, const char *option, const char *got, const char *expected)
{
	return error_set(err, ERROR_USAGE, "%s: got '%s', expected %s", option, got, expected);
}

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
		const char *end = parse_number(list_next(&list, word, sizeof(word)), &pid);

		if (!end || *end || !pid || pid > PID_LAST)
			return bad_value(err, option, word, "a process id, or several with commas");
		if (add_watch(o, option, pid, how, err) < 0)
			return -1;
	}
	return 0;
}

static int take_pid(struct options *o, const char *arg, struct error *err)
{
	return take_pids(o, "--pid", arg, WATCH_EITHER, err);
}

static int take_from(struct options *o, const char *arg, struct error *err)
{
	return take_pids(o, "--from", arg, WATCH_FROM, err);
}

static int take_to(struct options *o, const char *arg, struct error *err)
{
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

static int take_signal(struct options *o, const char *list, struct error *err)
{
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
	end = line ? parse_number(line + 1, &value) : NULL;
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

static int take_uid(struct options *o, const char *arg, struct error *err)
{
	const char *end;
	uint64_t value;

	o->has_uid = true;
	end = parse_number(arg, &value);
	if (!end || *end) {
		if (!*arg || strchr(arg, ':'))
			return bad_value(err, "--uid", arg, "a user name or number");
		return options_find_user("/etc/passwd", arg, &o->uid, err);
	}
	if (value >= UINT32_MAX)
		return bad_value(err, "--uid", arg, "a user name or number");
	o->uid = value;
	return 0;
}

static int take_comm(struct options *o, const char *arg, struct error *err)
{
	size_t len = strlen(arg);

	if (!len)
		return bad_value(err, "--comm", arg, "the name of a command");
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

/* The unit of a duration in ns; 0 where it is none. */
static uint64_t unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", NS_PER_S },       { "ms", NS_PER_S / 1000 },  { "s", NS_PER_S },
		{ "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
	};
	size_t i;

	for (i = 0; i < COUNT(units); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

static int take_duration(struct options *o, const char *arg, struct error *err)
{
	uint64_t value, unit;
	const char *end = parse_number(arg, &value);

	unit = end ? unit_ns(end) : 0;
	/* Up to INT64_MAX, so that a deadline made of it cannot overflow either. */
	if (!unit || !value || value > INT64_MAX / 2 / unit)
		return bad_value(err, "--duration", arg, "a time such as 500ms, 10, 10s, 2m or 1h");
	o->duration = value * unit;
	return 0;
}

static int take_count(struct options *o, const char *arg, struct error *err)
{
	const char *end = parse_number(arg, &o->count);

	if (!end || *end || !o->count)
		return bad_value(err, "--count", arg, "a number from 1 on");
	return 0;
}

static int take_json(struct options *o, const char *arg, struct error *err)
{
	o->json = true;
	return 0;
}

static int take_output(struct options *o, const char *arg, struct error *err)
{
	if (!*arg)
		return bad_value(err, "--output", arg, "the name of a file");
	o->output = strcmp(arg, "-") ? arg : NULL;
	return 0;
}

static int take_quiet(struct options *o, const char *arg, struct error *err)
{
	o->quiet = true;
	return 0;
}

static int take_verbose(struct options *o, const char *arg, struct error *err)
{
	o->verbose = true;
	return 0;
}

static int take_transport(struct options *o, const char *arg, struct error *err)
{
	static const char *const names[] = {
		[TRANSPORT_AUTO] = "auto",
		[TRANSPORT_RING] = "ring",
		[TRANSPORT_PERF] = "perf",
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (!strcmp(arg, names[i])) {
			o->transport = i;
			return 0;
		}
	return bad_value(err, "--transport", arg, "auto, ring or perf");
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
static int take_buffer(struct options *o, const char *arg, struct error *err)
{
	uint64_t value;
	const char *end = parse_number(arg, &value);
	unsigned int shift = end ? suffix_shift(end) : 64;
	size_t size = sysconf(_SC_PAGESIZE);

	if (shift > 63 || !value || value > (uint64_t)BUFFER_LAST >> shift)
		return bad_value(err, "--buffer", arg, "a size up to 1G, such as 256K or 4M");
	while (size < value << shift)
		size *= 2;
	o->buffer = size;
	return 0;
}

static int take_version(struct options *o, const char *arg, struct error *err)
{
	o->version = true;
	return 0;
}

static int take_help(struct options *o, const char *arg, struct error *err)
{
	o->help = true;
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
	{ 'v', "verbose", NULL, take_verbose, "say what is loaded and attached, and how" },
};

static const struct option_fact tune[] = {
	{ 0, "transport", "KIND", take_transport,
	  "how events come from the kernel: ring, perf, or auto\n"
	  "(ring where there is one: since Linux 5.8)" },
	{ 0, "buffer", "SIZE", take_buffer,
	  "of the ring (1M) or each CPU's perf buffer (2M);\n"
	  "rounded up to pages by a power of two" },
};

static const struct option_fact other[] = {
	{ 0, "version", NULL, take_version, "print the version" },
	{ 'h', "help", NULL, take_help, "print this" },
};

#define GROUP(title, facts) { title, facts, COUNT(facts) }

static const struct option_group groups[] = {
	GROUP("Which signals (all that are given must hold; else every signal)", choose),
	GROUP("When to end (else Ctrl-C or SIGTERM)", finish),
	GROUP("What to show", show),
	GROUP("How it works", tune),
	GROUP("Other", other),
};

static const char *const commands[] = { "signal" };

static const struct option_fact *find_letter(char letter)
{
	size_t i, j;

	for (i = 0; i < COUNT(groups); i++)
		for (j = 0; j < groups[i].len; j++)
			if (groups[i].facts[j].letter == letter)
				return &groups[i].facts[j];
	return NULL;
}

static const struct option_fact *find_name(const char *name, size_t len)
{
	size_t i, j;

	for (i = 0; i < COUNT(groups); i++)
		for (j = 0; j < groups[i].len; j++) {
			const struct option_fact *fact = &groups[i].facts[j];

			if (!strncmp(fact->name, name, len) && !fact->name[len])
				return fact;
		}
	return NULL;
}

static int unknown_name(const char *name, size_t len, struct error *err)
{
	char word[64];
	struct suggest s;
	size_t i, j;

	snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), name);
	suggest_init(&s, word);
	for (i = 0; i < COUNT(groups); i++)
		for (j = 0; j < groups[i].len; j++)
			suggest_offer(&s, groups[i].facts[j].name);
	error_set(err, ERROR_USAGE, "unknown option '--%s'", word);
	if (s.best)
		return error_hint(err, "did you mean '--%s'?", s.best);
	return error_hint(err, "portrace --help lists them all");
}

static int unknown_word(const char *word, struct error *err)
{
	struct suggest s;
	size_t i;

	suggest_init(&s, word);
	for (i = 0; i < COUNT(commands); i++)
		suggest_offer(&s, commands[i]);
	suggest_offer(&s, "help");
	suggest_offer(&s, "version");
	error_set(err, ERROR_USAGE, "unknown command '%s'", word);
	if (s.best)
		return error_hint(err, "did you mean '%s%s'?",
				  strcmp(s.best, commands[0]) ? "--" : "", s.best);
	if (signal_number(word))
		return error_hint(err, "to choose signals: --signal %s", word);
	return error_hint(err, "portrace --help says what there is");
}

/* What is left of the command line while it is read. */
struct reading {
	int argc, at;
	char *const *argv;
	struct options *o;
	struct error *err;
};

static int missing_argument(struct reading *r, const struct option_fact *fact)
{
	return error_set(r->err, ERROR_USAGE, "--%s: needs an argument: --%s %s", fact->name,
			 fact->name, fact->arg);
}

/* arg: what stood in the same word, or NULL. */
static int take(struct reading *r, const struct option_fact *fact, const char *arg)
{
	if (fact->arg && !arg) {
		if (r->at == r->argc)
			return missing_argument(r, fact);
		arg = r->argv[r->at++];
	}
	return fact->take(r->o, arg, r->err);
}

/* "--name", "--name=value", "--name" "value" */
static int read_long(struct reading *r, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct option_fact *fact = find_name(name, len);

	if (!fact)
		return unknown_name(name, len, r->err);
	if (name[len] && !fact->arg)
		return error_set(r->err, ERROR_USAGE, "--%s: got '%s', expected no argument",
				 fact->name, name + len + 1);
	return take(r, fact, name[len] ? name + len + 1 : NULL);
}

/* "-q", "-qv", "-p1", "-p" "1", "-qp1" */
static int read_letters(struct reading *r, const char *letters)
{
	/* "-comm" would be taken for "-c omm": surely a long one with a dash too few. */
	if (letters[1] && find_name(letters, strcspn(letters, "="))) {
		error_set(r->err, ERROR_USAGE, "unknown option '-%s'", letters);
		return error_hint(r->err, "did you mean '--%s'?", letters);
	}
	while (*letters) {
		const struct option_fact *fact = find_letter(*letters);

		if (!fact) {
			error_set(r->err, ERROR_USAGE, "unknown option '-%c'", *letters);
			return error_hint(r->err, "portrace --help lists them all");
		}
		letters++;
		if (fact->arg)
			return take(r, fact, *letters ? letters : NULL);
		if (take(r, fact, NULL) < 0)
			return -1;
	}
	return 0;
}

static int read_word(struct reading *r, bool *command, const char *word)
{
	size_t i;

	for (i = 0; i < COUNT(commands); i++)
		if (!*command && !strcmp(word, commands[i])) {
			*command = true;
			return 0;
		}
	if (*command)
		return error_set(r->err, ERROR_USAGE, "unexpected word '%s'", word);
	return unknown_word(word, r->err);
}

int options_parse(int argc, char *const argv[], struct options *o, struct error *err)
{
	struct reading r = { argc, 1, argv, o, err };
	bool command = false, words_only = false;
	int ret = 0;

	memset(o, 0, sizeof(*o));
	o->signals = ALL_SIGNALS;
	while (!ret && r.at < argc && !o->help && !o->version) {
		const char *word = argv[r.at++];

		if (words_only || word[0] != '-' || !word[1])
			ret = read_word(&r, &command, word);
		else if (word[1] != '-')
			ret = read_letters(&r, word + 1);
		else if (word[2])
			ret = read_long(&r, word + 2);
		else
			words_only = true;
	}
	return ret;
}

enum exit_status options_exit_status(enum error_code code)
{
	switch (code) {
	case ERROR_NONE:
		return STATUS_DONE;
	case ERROR_USAGE:
		return STATUS_USAGE;
	case ERROR_PERMISSION:
		return STATUS_PERMISSION;
	case ERROR_UNSUPPORTED:
		return STATUS_UNSUPPORTED;
	default:
		return STATUS_FAILED;
	}
}

/* "  -p, --pid PID,...        sent by ...", further lines below the first. */
static void help_option(FILE *to, const struct option_fact *fact)
{
	enum { WORDS_AT = 28 };
	const char *line = fact->help;
	int at;

	if (fact->letter)
		at = fprintf(to, "  -%c, --%s", fact->letter, fact->name);
	else
		at = fprintf(to, "      --%s", fact->name);
	if (fact->arg)
		at += fprintf(to, " %s", fact->arg);
	for (;;) {
		size_t len = strcspn(line, "\n");

		fprintf(to, "%*s%.*s\n", at < WORDS_AT ? WORDS_AT - at : 1, "", (int)len, line);
		if (!line[len])
			return;
		line += len + 1;
		at = 0;
	}
}

void options_help(FILE *to)
{
	size_t i, j;

	fputs("Usage: portrace [signal] [options]\n"
	      "Shows who sends which signal to whom, and what becomes of it, live.\n", to);
	for (i = 0; i < COUNT(groups); i++) {
		fprintf(to, "\n%s:\n", groups[i].title);
		for (j = 0; j < groups[i].len; j++)
			help_option(to, &groups[i].facts[j]);
	}
	fputs("\nExamples:\n"
	      "  portrace                          every signal\n"
	      "  portrace --to 812 -s TERM,KILL    who ends process 812?\n"
	      "  portrace -c nginx -d 1m           a minute of what nginx sends and gets\n"
	      "  portrace --json -o log -u backup  what user backup sends, for programs\n"
	      "\nExit codes:\n"
	      "  0  ended as asked: Ctrl-C, SIGTERM, -d, -n, or the reader of the pipe left\n"
	      "  1  failed while running, e.g. the output could not be written\n"
	      "  2  the command line is wrong\n"
	      "  3  not permitted: needs root, or CAP_BPF and CAP_PERFMON\n"
	      "  4  this kernel cannot: no BPF, no tracefs, or locked down\n", to);
}

void options_version(FILE *to)
{
	fputs("portrace " VERSION "\n", to);
}
