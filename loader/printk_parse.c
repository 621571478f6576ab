// SPDX-License-Identifier: GPL-2.0
#include "loader/printk_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', end - at);

	return newline ? newline : end;
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at;
}

/* "100.123456: " at the time of a head; what follows, or NULL. */
static const char *parse_time(const char *at, const char *end, uint64_t *time)
{
	const char *dot = skip_digits(at, end), *last;
	uint64_t seconds;

	if (dot == at || dot == end || *dot != '.')
		return NULL;
	last = skip_digits(dot + 1, end);
	if (last != dot + 7 || end - last < 2 || memcmp(last, ": ", 2))
		return NULL;
	seconds = strtoull(at, NULL, 10);
	*time = seconds * 1000000000 + strtoull(dot + 1, NULL, 10) * 1000;
	return last + 2;
}

/* "name-1234  (1233) " from the start of a line up to `end`. */
static bool parse_task(const char *at, const char *end, struct printk_line *line)
{
	const char *dash;

	while (at < end && *at == ' ')
		at++;
	while (end > at && end[-1] == ' ')
		end--;
	if (end > at && end[-1] == ')') {
		while (end > at && *end != '(')
			end--;
		while (end > at && end[-1] == ' ')
			end--;
	}
	for (dash = end; dash > at && isdigit((unsigned char)dash[-1]); dash--)
		;
	if (dash == end || dash == at || dash[-1] != '-')
		return false;
	line->tid = strtoul(dash, NULL, 10);
	snprintf(line->comm, sizeof(line->comm), "%.*s", (int)(dash - 1 - at), at);
	return true;
}

/*
 * The head of a line that ends at `end`: where the name of the event begins, or NULL where it has
 * none. A name of 15 bytes may look like much, but not hold "[001] d..31 100.123456: ".
 */
static const char *parse_head(const char *at, const char *end, struct printk_line *line)
{
	for (const char *open = at; (open = memchr(open, '[', end - open)); open++) {
		const char *close = skip_digits(open + 1, end), *word, *behind;

		if (close < open + 4 || end - close < 3 || memcmp(close, "] ", 2))
			continue;
		for (word = close + 2; word < end && *word != ' '; word++)
			; /* the flags */
		while (word < end && *word == ' ')
			word++;
		behind = parse_time(word, end, &line->time);
		if (!behind || !parse_task(at, open, line))
			continue;
		line->cpu = strtoul(open + 1, NULL, 10);
		return behind;
	}
	return NULL;
}

/* Behind "bpf_trace_printk: " and what older kernels have there; NULL: it is something else. */
static const char *skip_event(const char *at, const char *end)
{
	static const char *const names[] = { "bpf_trace_printk: ", "0x00000001: ", "0x1: ", "0: " };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = strlen(names[i]);

		if ((size_t)(end - at) >= len && !memcmp(at, names[i], len))
			return at + len;
	}
	return NULL;
}

/* "CPU:1 [LOST 17 EVENTS]", or without a number where the kernel does not know it. */
static void count_lost(struct printk_parser *p, const char *end)
{
	unsigned long long lost;
	unsigned int cpu;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(end - p->at), p->at);
	if (sscanf(text, "CPU:%u [LOST %llu EVENTS]", &cpu, &lost) == 2)
		p->lost += lost;
	else if (!strncmp(text, "CPU:", 4) && strstr(text, "[LOST EVENTS]"))
		p->lost++;
}

/* The end of a print, over lines without a head. */
static const char *print_end(struct printk_parser *p, const char *end)
{
	struct printk_line ignored;

	while (end < p->end) {
		const char *next = end + 1, *next_end = line_end(next, p->end);

		if (next == p->end || parse_head(next, next_end, &ignored) ||
		    (next_end - next > 5 && !memcmp(next, "CPU:", 4)))
			break;
		end = next_end;
	}
	return end;
}

static bool has_tag(const struct printk_parser *p, const char *text, const char *end)
{
	size_t len = p->tag ? strlen(p->tag) : 0;

	return len && (size_t)(end - text) > len && !memcmp(text, p->tag, len) && text[len] == '|';
}

bool printk_parse(struct printk_parser *p, struct printk_line *line)
{
	while (p->at < p->end) {
		const char *end = line_end(p->at, p->end), *text = parse_head(p->at, end, line);

		text = text ? skip_event(text, end) : NULL;
		if (!text) {
			count_lost(p, end);
			p->at = end + 1;
			continue;
		}
		end = print_end(p, end);
		p->at = end + 1;
		line->tagged = has_tag(p, text, end);
		if (line->tagged)
			text += strlen(p->tag) + 1;
		else if (p->tag && !p->shared)
			continue;
		if (end > text && end[-1] == '\n')
			end--;
		line->text = text;
		line->len = end - text;
		return true;
	}
	return false;
}
