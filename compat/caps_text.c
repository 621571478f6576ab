// SPDX-License-Identifier: GPL-2.0
/*
 * Answers as text, a line each, words apart by one space:
 *
 *	portrace-caps 1                                        format version; the first line
 *	kernel 4.9.131 x86_64                                  release and machine, as uname(2)
 *	yes names
 *	no jlt EINVAL                                          answer, what, errno that says so
 *	no map-type ringbuf EINVAL
 *	yes program-type tracepoint
 *	yes helper tracepoint map_lookup_elem..get_prandom_u32 get_current_task
 *	no helper tracepoint probe_read_str..cgrp_storage_delete EINVAL
 *	unknown memcg EPERM
 *
 * Helpers are several a line, those in the order of their numbers as first..last. A number stands
 * for what has no name yet, E and a number for an errno without one. Lines that are empty or begin with '#' say nothing.
 */
#include "compat/caps_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compat/since.h"
#include "util/errno_name.h"
#include "util/suggest.h"

#define FORMAT "portrace-caps"
#define FORMAT_VERSION "1"
#define LINE_MAX_LEN 100 /* written; read, any length will do */

static const char *const answers[] = { [CAP_NO] = "no", [CAP_YES] = "yes", [CAP_UNKNOWN] = "unknown" };

/* ---- writing ---- */

static void put_errno(struct text *to, int sys)
{
	if (!sys)
		return;
	TEXT(to, " ");
	if (errno_name(sys)) {
		text_string(to, errno_name(sys));
	} else {
		TEXT(to, "E");
		text_number(to, sys);
	}
}

static void put_line(struct text *to, struct cap_answer at, const char *kind, const char *name)
{
	if (at.answer == CAP_NOT_ASKED)
		return;
	text_string(to, answers[at.answer]);
	TEXT(to, " ");
	text_string(to, kind);
	text_string(to, name);
	put_errno(to, at.sys);
	TEXT(to, "\n");
}

static void put_types(struct text *to, const struct cap_answer *at, const char *kind,
		      struct since (*since)(uint32_t type))
{
	for (uint32_t type = 0; type < CAPS_TYPES; type++)
		put_line(to, at[type], kind, since(type).name);
}

static bool is_same(struct cap_answer a, struct cap_answer b)
{
	return a.answer == b.answer && a.sys == b.sys;
}

/* "first..last" from `first` on, as far as they have one answer; returns the last. */
static uint32_t put_run(struct text *to, const struct cap_answer *of, uint32_t first)
{
	uint32_t last = first;

	while (last + 1 < CAPS_HELPERS && is_same(of[last + 1], of[first]))
		last++;
	TEXT(to, " ");
	text_string(to, since_helper(first).name);
	if (last > first) {
		text_string(to, last > first + 1 ? ".." : " ");
		text_string(to, since_helper(last).name);
	}
	return last;
}

/* All helpers that have the answer of the first, in lines that are not too long. */
static void put_alike(struct text *to, const struct cap_answer *of, uint32_t first, const char *type)
{
	size_t start = to->len;
	bool open = false;

	for (uint32_t id = first; id < CAPS_HELPERS; id++) {
		if (!is_same(of[id], of[first]))
			continue;
		if (!open) {
			start = to->len;
			text_string(to, answers[of[first].answer]);
			TEXT(to, " helper ");
			text_string(to, type);
			open = true;
		}
		id = put_run(to, of, id);
		if (to->len - start > LINE_MAX_LEN - 40) {
			put_errno(to, of[first].sys);
			TEXT(to, "\n");
			open = false;
		}
	}
	if (open) {
		put_errno(to, of[first].sys);
		TEXT(to, "\n");
	}
}

/* Those that have an answer which none before them has begin its lines. */
static void put_helpers(struct text *to, const struct cap_answer *of, const char *type)
{
	for (uint32_t id = 0; id < CAPS_HELPERS; id++) {
		uint32_t before = 0;

		while (before < id && !is_same(of[before], of[id]))
			before++;
		if (before == id && of[id].answer != CAP_NOT_ASKED)
			put_alike(to, of, id, type);
	}
}

/* What is gathered line by line must not be handed over within one. */
void caps_write(const struct caps *caps, struct text *to)
{
	struct text all = { .at = NULL };

	TEXT(&all, FORMAT " " FORMAT_VERSION "\n");
	if (*caps->release) {
		TEXT(&all, "kernel ");
		text_string(&all, caps->release);
		TEXT(&all, " ");
		text_string(&all, caps->machine);
		TEXT(&all, "\n");
	}
	for (int cap = 0; cap < CAP_COUNT; cap++)
		put_line(&all, caps->at[cap], "", caps_name(cap));
	put_types(&all, caps->maps, "map-type ", since_map_type);
	put_types(&all, caps->programs, "program-type ", since_program_type);
	for (uint32_t type = 0; type < CAPS_TYPES; type++)
		if (caps->helpers[type])
			put_helpers(&all, caps->helpers[type], since_program_type(type).name);
	if (all.failed)
		to->failed = all.failed;
	text_put(to, all.at, all.len);
	text_fini(&all);
}

/* ---- reading ---- */

#define WORD_MAX 64

struct reading {
	struct caps *caps;
	const char *name, *at, *end; /* at: within the line, which ends at end */
	size_t line;
	struct error *err;
	char word[WORD_MAX]; /* the last that was read */
};

/* "FILE:LINE: WHAT: got 'WORD', expected EXPECTED", and the nearest right word as hint. */
static int off(struct reading *r, const char *what, const char *expected, const char *nearest)
{
	error_set(r->err, ERROR_FORMAT, "%s:%zu: %s: got %s%s%s, expected %s", r->name, r->line, what,
		  *r->word ? "'" : "", *r->word ? r->word : "the end of the line",
		  *r->word ? "'" : "", expected);
	if (nearest)
		error_hint(r->err, "did you mean '%s'?", nearest);
	return -1;
}

/* The next word; "" at the end of the line. Longer ones than any that can be right are cut. */
static void next_word(struct reading *r)
{
	size_t len = 0;

	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
	for (; r->at < r->end && *r->at != ' ' && *r->at != '\t'; r->at++)
		if (len < WORD_MAX - 1)
			r->word[len++] = isgraph((unsigned char)*r->at) ? *r->at : '?';
	r->word[len] = 0;
}

static bool is_number(const char *word)
{
	size_t len = strlen(word);

	return len && len < 6 && strspn(word, "0123456789") == len;
}

/* A numbered thing of the kernel's: what it is called, and how many numbers there are. */
struct numbered {
	const char *what;
	struct since (*since)(uint32_t number);
	uint32_t (*find)(const char *name);
	uint32_t max;
};

static const struct numbered map_types = { "map type", since_map_type, since_map_type_id, CAPS_TYPES };
static const struct numbered program_types = { "program type", since_program_type,
					       since_program_type_id, CAPS_TYPES };
static const struct numbered helpers = { "helper", since_helper, since_helper_id, CAPS_HELPERS };

/* By name, or as a number where it has none yet; 0: it is neither. */
static uint32_t find_number(const struct numbered *of, const char *word)
{
	uint32_t number = is_number(word) ? atoi(word) : 0;

	if (!number)
		return of->find(word);
	return number < of->max && !of->since(number).release ? number : 0;
}

static int off_number(struct reading *r, const struct numbered *of)
{
	struct since offered, best = { .release = 0 };
	size_t distance = SIZE_MAX;
	struct suggest s;

	suggest_init(&s, r->word);
	for (uint32_t number = 1; number < of->max; number++) {
		offered = of->since(number);
		if (!offered.release)
			break;
		suggest_offer(&s, offered.name);
		if (s.distance < distance) {
			distance = s.distance;
			best = offered;
		}
	}
	return off(r, of->what, "the name of one", *best.name ? best.name : NULL);
}

/* "EINVAL"; "E531" where it has no name. 0: it is no errno. */
static int find_errno(const char *word)
{
	if (*word == 'E' && is_number(word + 1))
		return atoi(word + 1);
	return errno_of_name(word);
}

/* What is left of the line: an errno, or nothing. */
static int read_errno(struct reading *r, int *sys)
{
	*sys = 0;
	next_word(r);
	if (*r->word) {
		*sys = find_errno(r->word);
		if (!*sys)
			return off(r, "errno", "a name such as EINVAL", NULL);
		next_word(r);
	}
	if (*r->word)
		return off(r, "errno", "the end of the line behind it", NULL);
	return 0;
}

static int put_answer(struct reading *r, struct cap_answer *at, struct cap_answer answer,
		      const char *what)
{
	if (at->answer != CAP_NOT_ASKED)
		return error_set(r->err, ERROR_FORMAT, "%s:%zu: %s: got a second answer, expected "
				 "one", r->name, r->line, what);
	*at = answer;
	return 0;
}

/* "ringbuf EINVAL" */
static int read_type(struct reading *r, const struct numbered *of, struct cap_answer *answers_of,
		     enum answer answer)
{
	struct cap_answer at = { answer, 0 };
	uint32_t number;

	next_word(r);
	number = find_number(of, r->word);
	if (!number)
		return off_number(r, of);
	if (read_errno(r, &at.sys))
		return -1;
	return put_answer(r, &answers_of[number], at, of->since(number).name);
}

/* "get_stackid", "get_stackid..get_current_task" */
static int read_run(struct reading *r, uint32_t *first, uint32_t *last)
{
	char *dots = strstr(r->word, "..");
	char ending[WORD_MAX];

	if (dots)
		*dots = 0;
	*first = *last = find_number(&helpers, r->word);
	if (!*first)
		return off_number(r, &helpers);
	if (!dots)
		return 0;
	strcpy(ending, dots + 2);
	strcpy(r->word, ending);
	*last = find_number(&helpers, r->word);
	if (!*last)
		return off_number(r, &helpers);
	if (*last < *first)
		return off(r, "helpers", "one behind the first", NULL);
	return 0;
}

/*
 * "tracepoint probe_read..get_stackid EINVAL": the errno comes last, so answers are put down
 * without, and get it in a second walk of the line.
 */
static int read_helpers(struct reading *r, enum answer answer)
{
	struct cap_answer at = { answer, 0 }, *of;
	uint32_t type, first, last;
	const char *names;

	next_word(r);
	type = find_number(&program_types, r->word);
	if (!type)
		return off_number(r, &program_types);
	of = caps_helpers(r->caps, type);
	if (!of)
		return error_memory(r->err);
	names = r->at;
	for (next_word(r); *r->word && !find_errno(r->word); next_word(r))
		;
	at.sys = find_errno(r->word);
	next_word(r);
	if (*r->word)
		return off(r, "errno", "the end of the line behind it", NULL);
	r->at = names;
	next_word(r);
	if (!*r->word || find_errno(r->word))
		return off(r, "helper", "the name of one", NULL);
	for (; *r->word && !find_errno(r->word); next_word(r)) {
		if (read_run(r, &first, &last))
			return -1;
		for (; first <= last; first++)
			if (put_answer(r, &of[first], at, since_helper(first).name))
				return -1;
	}
	return 0;
}

static int off_capability(struct reading *r)
{
	struct suggest s;

	suggest_init(&s, r->word);
	for (int cap = 0; cap < CAP_COUNT; cap++)
		suggest_offer(&s, caps_name(cap));
	suggest_offer(&s, "map-type");
	suggest_offer(&s, "program-type");
	suggest_offer(&s, "helper");
	return off(r, "capability", "the name of one, or map-type, program-type, helper", s.best);
}

static int read_what(struct reading *r, enum answer answer)
{
	struct cap_answer at = { answer, 0 };

	next_word(r);
	if (!strcmp(r->word, "map-type"))
		return read_type(r, &map_types, r->caps->maps, answer);
	if (!strcmp(r->word, "program-type"))
		return read_type(r, &program_types, r->caps->programs, answer);
	if (!strcmp(r->word, "helper"))
		return read_helpers(r, answer);
	for (int cap = 0; cap < CAP_COUNT; cap++) {
		if (strcmp(r->word, caps_name(cap)))
			continue;
		if (read_errno(r, &at.sys))
			return -1;
		return put_answer(r, &r->caps->at[cap], at, caps_name(cap));
	}
	return off_capability(r);
}

/* "4.9.131 x86_64" */
static int read_kernel(struct reading *r)
{
	next_word(r);
	if (*r->caps->release)
		return off(r, "kernel", "one line of it", NULL);
	if (!*r->word)
		return off(r, "kernel", "its release", NULL);
	strcpy(r->caps->release, r->word);
	next_word(r);
	if (!*r->word)
		return off(r, "kernel", "its machine, such as x86_64, behind the release", NULL);
	strcpy(r->caps->machine, r->word);
	next_word(r);
	return *r->word ? off(r, "kernel", "the end of the line behind the machine", NULL) : 0;
}

static int read_line(struct reading *r)
{
	struct suggest s;

	next_word(r);
	if (!*r->word || *r->word == '#')
		return 0;
	if (!strcmp(r->word, "kernel"))
		return read_kernel(r);
	suggest_init(&s, r->word);
	for (size_t i = 1; i < sizeof(answers) / sizeof(*answers); i++) {
		if (!strcmp(r->word, answers[i]))
			return read_what(r, i);
		suggest_offer(&s, answers[i]);
	}
	suggest_offer(&s, "kernel");
	return off(r, "answer", "yes, no, unknown or kernel", s.best);
}

static int read_head(struct reading *r)
{
	next_word(r);
	if (strcmp(r->word, FORMAT)) {
		off(r, "format", FORMAT " " FORMAT_VERSION, NULL);
		return error_hint(r->err, "stored answers are written by portrace caps --store FILE");
	}
	next_word(r);
	if (strcmp(r->word, FORMAT_VERSION)) {
		off(r, "format", "version " FORMAT_VERSION, NULL);
		return error_hint(r->err, "a newer portrace may have written it");
	}
	next_word(r);
	return *r->word ? off(r, "format", "the end of the line behind the version", NULL) : 0;
}

/* The next line; false at the end. */
static bool next_line(struct reading *r, const char *end)
{
	const char *newline;

	if (r->line)
		r->at = r->end < end ? r->end + 1 : end;
	newline = memchr(r->at, '\n', end - r->at);
	r->end = newline ? newline : end;
	r->line++;
	return r->at < end;
}

int caps_read(struct caps *caps, const char *name, const char *text, size_t len, struct error *err)
{
	struct reading r = { .caps = caps, .name = name, .at = text, .end = text, .err = err };
	int ret = 0;

	memset(caps, 0, sizeof(*caps));
	next_line(&r, text + len);
	ret = read_head(&r);
	while (!ret && next_line(&r, text + len))
		ret = read_line(&r);
	if (ret)
		caps_fini(caps);
	else
		caps->stored = true;
	return ret;
}
