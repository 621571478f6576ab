// SPDX-License-Identifier: GPL-2.0
#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/escape.h"
#include "cli/line.h"
#include "util/error.h"

#define NS_PER_S 1000000000

/* All a line holds beside the strings of other people: punctuation, names, numbers, words. */
#define FIXED_ROOM 1536

static const char two_digits[] = "00010203040506070809101112131415161718192021222324"
				 "25262728293031323334353637383940414243444546474849"
				 "50515253545556575859606162636465666768697071727374"
				 "75767778798081828384858687888990919293949596979899";

void line_number(struct line *l, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(at, two_digits + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, two_digits + value * 2, 2);
	} else {
		*--at = '0' + value;
	}
	put(l, at, digits + sizeof(digits) - at);
}

static void put_signed(struct line *l, int64_t value)
{
	if (value < 0)
		PUT(l, "-");
	line_number(l, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* The fraction of a second, nine digits. */
static void put_nanoseconds(struct line *l, uint32_t value)
{
	int at;

	for (at = 7; at > 0; at -= 2, value /= 100)
		memcpy(l->p + at, two_digits + value % 100 * 2, 2);
	l->p[0] = '0' + value;
	l->p += 9;
}

/*
 * The clock is asked once a second of traced time: localtime costs more than all of a line. By
 * hand, for strftime alone would be a hundredth of the binary.
 */
static void refresh_clock(struct output *o, int64_t second)
{
	time_t t = second;
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (o->json) {
		gmtime_r(&t, &tm);
		o->clock_len = snprintf(o->clock, sizeof(o->clock), "%d-%02d-%02dT", tm.tm_year + 1900,
					tm.tm_mon + 1, tm.tm_mday);
	} else {
		localtime_r(&t, &tm);
		o->clock_len = 0;
	}
	o->clock_len += snprintf(o->clock + o->clock_len, sizeof(o->clock) - o->clock_len,
				 "%02d:%02d:%02d.", tm.tm_hour, tm.tm_min, tm.tm_sec);
	o->second = second;
}

void line_time(struct output *o, struct line *l, uint64_t monotonic)
{
	int64_t now = (int64_t)(monotonic + (uint64_t)o->clock_offset);
	int64_t second = now / NS_PER_S, fraction = now % NS_PER_S;

	if (fraction < 0) { /* before 1970: round down all the same */
		fraction += NS_PER_S;
		second--;
	}
	if (second != o->second)
		refresh_clock(o, second);
	put(l, o->clock, o->clock_len);
	put_nanoseconds(l, fraction);
}

const char *line_cmdline(const struct party *p, size_t *len)
{
	*len = p->cmdline ? p->cmdline_len : 0;
	while (*len && !p->cmdline[*len - 1])
		--*len;
	if (p->cmdline_truncated && *len)
		*len = escape_whole(p->cmdline, *len);
	return *len ? p->cmdline : NULL;
}

void line_code(struct line *l, const struct outcome *out)
{
	const char *name = code_name(out->sig, out->code);

	if (name)
		put_string(l, name);
	else
		put_signed(l, out->code);
}

void output_init(struct output *o, bool json, bool colour)
{
	int sig;

	memset(o, 0, sizeof(*o));
	o->json = json;
	o->colour = colour && !json;
	o->second = INT64_MIN;
	for (sig = 0; sig <= UINT8_MAX; sig++) {
		signal_name(sig, o->names[sig].text);
		o->names[sig].len = strlen(o->names[sig].text);
	}
	tzset();
}

void output_fini(struct output *o)
{
	free(o->at);
	o->at = NULL;
	o->len = o->cap = 0;
}

static int reserve(struct output *o, size_t room, struct error *err)
{
	size_t cap = o->cap ? o->cap : 4096;
	char *grown;

	if (room <= o->cap - o->len)
		return 0;
	if (room > SIZE_MAX / 4 - o->len)
		return error_memory(err);
	while (cap - o->len < room)
		cap *= 2;
	grown = realloc(o->at, cap);
	if (!grown)
		return error_memory(err);
	o->at = grown;
	o->cap = cap;
	return 0;
}

static size_t room_for(const struct party *p)
{
	return 2 * ESCAPE_ROOM(sizeof(p->comm)) + ESCAPE_ROOM(p->cmdline_len);
}

static struct line line_begin(struct output *o)
{
	struct line l = { o->at + o->len, o->at + o->len, 0 };

	return l;
}

static void line_end(struct output *o, struct line *l)
{
	PUT(l, "\n");
	o->len = l->p - o->at;
}

int output_header(struct output *o, struct error *err)
{
	struct line l;

	if (o->json)
		return 0;
	if (reserve(o, FIXED_ROOM, err) < 0)
		return -1;
	l = line_begin(o);
	output_text_header(o, &l);
	line_end(o, &l);
	return 0;
}

int output_outcome(struct output *o, const struct outcome *out, struct error *err)
{
	struct line l;

	if (reserve(o, FIXED_ROOM + room_for(&out->sender) + room_for(&out->target), err) < 0)
		return -1;
	l = line_begin(o);
	if (o->json)
		output_json(o, &l, out);
	else
		output_text(o, &l, out);
	line_end(o, &l);
	return 0;
}
