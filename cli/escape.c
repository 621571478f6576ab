// SPDX-License-Identifier: GPL-2.0
#include "cli/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH(byte) (0x0101010101010101ull * (byte))

/*
 * Eight bytes at a time, each tested in its own lane of a 64-bit word. The tests answer for
 * the word as a whole (a borrow may also mark the lane above one that was marked), which is
 * all that is asked, in either byte order.
 */
static inline uint64_t any_below_space(uint64_t w)
{
	return (w - EACH(0x20)) & ~w & EACH(0x80);
}

static inline uint64_t any_equal(uint64_t w, uint8_t byte)
{
	uint64_t x = w ^ EACH(byte);

	return (x - EACH(0x01)) & ~x & EACH(0x80);
}

/* NULs to spaces: the top bit of each NUL's lane, exactly, moved down to be 0x20. */
static inline uint64_t spaces_for_nuls(uint64_t w)
{
	uint64_t nuls = ~(((w & EACH(0x7f)) + EACH(0x7f)) | w) & EACH(0x80);

	return w | nuls >> 2;
}

static inline bool plain(uint64_t w, bool json)
{
	uint64_t bad = (w & EACH(0x80)) | any_below_space(w) | any_equal(w, 0x7f) |
		       any_equal(w, '\\');

	if (json)
		bad |= any_equal(w, '"');
	return !bad;
}

/* Code points above U+009F that are not for reading: format, separators, invisible. */
static const struct {
	uint32_t first, last;
} unsafe[] = {
	{ 0xad, 0xad },       /* soft hyphen */
	{ 0x34f, 0x34f },     /* grapheme joiner */
	{ 0x61c, 0x61c },     /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors, vowel separator */
	{ 0x200b, 0x200f },   /* zero-width space and joiners, direction marks */
	{ 0x2028, 0x202e },   /* line and paragraph separators, bidirectional controls */
	{ 0x2060, 0x206f },   /* word joiner, invisible operators, isolates */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* Hangul filler, half width */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0x1d173, 0x1d17a }, /* musical format controls */
	{ 0xe0000, 0xe0fff }, /* tags */
};

static bool is_unsafe(uint32_t c)
{
	size_t i;

	if (c < 0xa0)
		return c < 0x20 || c >= 0x7f;
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]) && c >= unsafe[i].first; i++)
		if (c <= unsafe[i].last)
			return true;
	return false;
}

/* Bytes of a character that begins with this one; 0 where none does. */
static size_t char_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0; /* inside of a character, or an overlong form */
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

/*
 * The character at from: its length, and its code point into *c; 0 where the bytes are not
 * UTF-8.
 *
 *	U+0000..007F     0xxxxxxx
 *	U+0080..07FF     110xxxxx 10xxxxxx
 *	U+0800..FFFF     1110xxxx 10xxxxxx 10xxxxxx             without D800..DFFF
 *	U+10000..10FFFF  11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
 */
static size_t decode(const uint8_t *from, size_t len, uint32_t *c)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = char_length(from[0]), i;

	if (!n || n > len)
		return 0;
	*c = n == 1 ? from[0] : from[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((from[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (from[i] & 0x3f);
	}
	if (*c < smallest[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n;
}

static char *put_hex(char *to, uint32_t value, int digits)
{
	while (digits-- > 0)
		*to++ = "0123456789abcdef"[value >> 4 * digits & 15];
	return to;
}

static char *put_byte_escape(char *to, uint8_t byte)
{
	*to++ = '\\';
	*to++ = 'x';
	return put_hex(to, byte, 2);
}

static char *put_point_escape(char *to, uint32_t c)
{
	memcpy(to, "\\u{", 3);
	to = put_hex(to + 3, c, c > 0xfffff ? 6 : c > 0xffff ? 5 : 4);
	*to++ = '}';
	return to;
}

/* One character, or one byte that is none; *from moves behind it. */
static char *terminal_char(char *to, const char **from, const char *end, size_t *hidden)
{
	const uint8_t *at = (const uint8_t *)*from;
	uint32_t c = 0;
	size_t n = decode(at, end - *from, &c);

	*from += n ? n : 1;
	if (!n)
		return put_byte_escape(to, *at);
	if (!c)
		c = *to = ' ';
	else if (is_unsafe(c))
		return c < 0x80 ? put_byte_escape(to, c) : put_point_escape(to, c);
	else if (c == '\\' && *from < end && (**from == 'x' || **from == 'u'))
		return put_byte_escape(to, c);
	else
		memcpy(to, at, n);
	*hidden += n - 1;
	return to + n;
}

static char *put_json_unit(char *to, uint32_t unit)
{
	memcpy(to, "\\u", 2);
	return put_hex(to + 2, unit, 4);
}

static char *json_escape(char *to, uint32_t c)
{
	if (c == '\n' || c == '\t') {
		*to++ = '\\';
		*to++ = c == '\n' ? 'n' : 't';
		return to;
	}
	if (c < 0x10000)
		return put_json_unit(to, c);
	to = put_json_unit(to, 0xd7c0 + (c >> 10)); /* 0xd800 less 0x10000 >> 10 */
	return put_json_unit(to, 0xdc00 | (c & 0x3ff));
}

static char *json_char(char *to, const char **from, const char *end)
{
	const uint8_t *at = (const uint8_t *)*from;
	uint32_t c = 0;
	size_t n = decode(at, end - *from, &c);

	*from += n ? n : 1;
	if (!n) {
		memcpy(to, "\xef\xbf\xbd", 3); /* U+FFFD, replacement character */
		return to + 3;
	}
	if (c && is_unsafe(c))
		return json_escape(to, c);
	if (c == '"' || c == '\\')
		*to++ = '\\';
	if (c)
		memcpy(to, at, n);
	else
		*to = ' ';
	return to + n;
}

/*
 * Words of plain ASCII are copied whole, the last one filled up with spaces that the next
 * write covers. In any other word each character is looked at, up to its end.
 */
static inline char *escape(char *to, const char *from, size_t len, size_t *hidden, bool json)
{
	const char *end = from + len, *stop;

	while (from < end) {
		size_t n = (size_t)(end - from) < 8 ? (size_t)(end - from) : 8;
		uint64_t w = EACH(' ');

		if (n == 8)
			memcpy(&w, from, 8);
		else
			memcpy(&w, from, n);
		w = spaces_for_nuls(w);
		if (plain(w, json)) {
			memcpy(to, &w, 8);
			from += n;
			to += n;
			continue;
		}
		for (stop = from + n; from < stop;)
			to = json ? json_char(to, &from, end) :
				    terminal_char(to, &from, end, hidden);
	}
	return to;
}

char *escape_terminal(char *to, const char *from, size_t len, size_t *hidden)
{
	return escape(to, from, len, hidden, false);
}

char *escape_json(char *to, const char *from, size_t len)
{
	return escape(to, from, len, NULL, true);
}

size_t escape_whole(const char *from, size_t len)
{
	size_t back;

	for (back = 1; back <= 3 && back <= len; back++) {
		uint8_t byte = from[len - back];

		if ((byte & 0xc0) != 0x80)
			return char_length(byte) > back ? len - back : len;
	}
	return len;
}
