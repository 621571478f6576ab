// SPDX-License-Identifier: GPL-2.0
#include "cli/args.h"

#include <stdbool.h>
#include <string.h>

#include "util/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NS_PER_S 1000000000ull

const char *args_number(const char *text, uint64_t *value)
{
	const char *p = text;

	for (*value = 0; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return NULL;
	return p == text ? NULL : p;
}

int args_bad_value(struct error *err, const char *option, const char *got, const char *expected)
{
	return error_set(err, ERROR_USAGE, "%s: got '%s', expected %s", option, got, expected);
}

/* ---- what every command has ---- */

static int take_version(void *into, const char *arg, struct error *err)
{
	return ARGS_VERSION;
}

static int take_help(void *into, const char *arg, struct error *err)
{
	return ARGS_HELP;
}

static const struct option_fact common[] = {
	{ 0, "version", NULL, take_version, "print the version" },
	{ 'h', "help", NULL, take_help, "print this" },
};

static const struct option_group common_group = OPTION_GROUP("Other", common);

/* Fact number i of all, or NULL behind the last. */
static const struct option_fact *fact_at(const struct args *args, size_t i)
{
	size_t group;

	for (group = 0; group < args->groups_len; group++) {
		if (i < args->groups[group].len)
			return &args->groups[group].facts[i];
		i -= args->groups[group].len;
	}
	return i < COUNT(common) ? &common[i] : NULL;
}

static const struct option_fact *find_letter(const struct args *args, char letter)
{
	const struct option_fact *fact;
	size_t i;

	for (i = 0; (fact = fact_at(args, i)); i++)
		if (fact->letter == letter)
			break;
	return fact;
}

static const struct option_fact *find_name(const struct args *args, const char *name, size_t len)
{
	const struct option_fact *fact;
	size_t i;

	for (i = 0; (fact = fact_at(args, i)); i++)
		if (!strncmp(fact->name, name, len) && !fact->name[len])
			break;
	return fact;
}

/* ---- parsing ---- */

/* What is left of the command line while it is read. */
struct reading {
	const struct args *args;
	int argc, at;
	char *const *argv;
	void *into;
	struct error *err;
};

static int hint_all(struct reading *r)
{
	return error_hint(r->err, "%s --help lists them all", r->args->command);
}

static int unknown_name(struct reading *r, const char *name, size_t len)
{
	const struct option_fact *fact;
	struct suggest s;
	char word[64];
	size_t i;

	snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word) - 1), name);
	suggest_init(&s, word);
	for (i = 0; (fact = fact_at(r->args, i)); i++)
		suggest_offer(&s, fact->name);
	error_set(r->err, ERROR_USAGE, "unknown option '--%s'", word);
	return s.best ? error_hint(r->err, "did you mean '--%s'?", s.best) : hint_all(r);
}

/* arg: what stood in the same word, or NULL. */
static int take(struct reading *r, const struct option_fact *fact, const char *arg)
{
	if (fact->arg && !arg) {
		if (r->at == r->argc)
			return error_set(r->err, ERROR_USAGE, "--%s: needs an argument: --%s %s",
					 fact->name, fact->name, fact->arg);
		arg = r->argv[r->at++];
	}
	return fact->take(r->into, arg, r->err);
}

/* "--name", "--name=value", "--name" "value" */
static int read_long(struct reading *r, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct option_fact *fact = find_name(r->args, name, len);

	if (!fact)
		return unknown_name(r, name, len);
	if (name[len] && !fact->arg)
		return error_set(r->err, ERROR_USAGE, "--%s: got '%s', expected no argument",
				 fact->name, name + len + 1);
	return take(r, fact, name[len] ? name + len + 1 : NULL);
}

/* "-q", "-qv", "-p1", "-p" "1", "-qp1" */
static int read_letters(struct reading *r, const char *letters)
{
	int ret = 0;

	/* "-comm" would be taken for "-c omm": surely a long one with a dash too few. */
	if (letters[1] && find_name(r->args, letters, strcspn(letters, "="))) {
		error_set(r->err, ERROR_USAGE, "unknown option '-%s'", letters);
		return error_hint(r->err, "did you mean '--%s'?", letters);
	}
	while (!ret && *letters) {
		const struct option_fact *fact = find_letter(r->args, *letters);

		if (!fact) {
			error_set(r->err, ERROR_USAGE, "unknown option '-%c'", *letters);
			return hint_all(r);
		}
		letters++;
		if (fact->arg)
			return take(r, fact, *letters ? letters : NULL);
		ret = take(r, fact, NULL);
	}
	return ret;
}

static int read_word(struct reading *r, const char *word)
{
	if (r->args->word)
		return r->args->word(r->into, word, r->err);
	return error_set(r->err, ERROR_USAGE, "unexpected word '%s'", word);
}

int args_parse(const struct args *args, int argc, char *const argv[], void *into,
	       struct error *err)
{
	struct reading r = { args, argc, 1, argv, into, err };
	bool words_only = false;
	int ret = 0;

	while (!ret && r.at < argc) {
		const char *word = argv[r.at++];

		if (words_only || word[0] != '-' || !word[1])
			ret = read_word(&r, word);
		else if (word[1] != '-')
			ret = read_letters(&r, word + 1);
		else if (word[2])
			ret = read_long(&r, word + 2);
		else
			words_only = true;
	}
	return ret;
}

/* ---- help ---- */

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

static void help_group(FILE *to, const struct option_group *group)
{
	size_t i;

	fprintf(to, "\n%s:\n", group->title);
	for (i = 0; i < group->len; i++)
		help_option(to, &group->facts[i]);
}

void args_help(const struct args *args, FILE *to)
{
	size_t i;

	for (i = 0; i < args->groups_len; i++)
		help_group(to, &args->groups[i]);
	help_group(to, &common_group);
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

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

int args_duration(struct error *err, const char *option, const char *arg, uint64_t *ns)
{
	uint64_t value, unit;
	const char *end = args_number(arg, &value);

	unit = end ? unit_ns(end) : 0;
	/* Up to INT64_MAX, so that a deadline made of it cannot overflow either. */
	if (!unit || !value || value > INT64_MAX / 2 / unit)
		return args_bad_value(err, option, arg, "a time such as 500ms, 10, 10s, 2m or 1h");
	*ns = value * unit;
	return 0;
}

int args_count(struct error *err, const char *option, const char *arg, uint64_t *count)
{
	const char *end = args_number(arg, count);

	if (!end || *end || !*count)
		return args_bad_value(err, option, arg, "a number from 1 on");
	return 0;
}
