// SPDX-License-Identifier: GPL-2.0
#include "util/suggest.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LONGEST 31

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance, in the form where no letter is touched twice. A table with
 * a row for each letter of a and a column for each of b, each cell the distance of the two
 * beginnings; three rows are enough. "trem" to "term", the swap found at (e, r):
 *
 *	      t e r m
 *	    0 1 2 3 4
 *	  t 1 0 1 2 3
 *	  r 2 1 1 1 2
 *	  e 3 2 1 1 2     "tre" to "ter": two rows up, two columns left, plus one
 *	  m 4 3 2 2 1
 */
size_t suggest_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1];
	size_t *above2 = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t a_len = strlen(a), b_len = strlen(b), i, j;

	if (a_len > LONGEST || b_len > LONGEST)
		return SIZE_MAX;
	for (j = 0; j <= b_len; j++) {
		above2[j] = 0;
		row[j] = j;
	}
	for (i = 1; i <= a_len; i++) {
		spare = above2;
		above2 = above;
		above = row;
		row = spare;
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			size_t change = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = min(row[j], above2[j - 2] + 1);
		}
	}
	return row[b_len];
}

void suggest_init(struct suggest *s, const char *word)
{
	s->word = word;
	s->best = NULL;
	s->distance = SIZE_MAX;
}

/* One slip in three letters is a slip; more is another word. */
static size_t tolerance(size_t len)
{
	return len < 3 ? 1 : (len + 1) / 3;
}

void suggest_offer(struct suggest *s, const char *name)
{
	size_t len = strlen(s->word), distance = suggest_distance(s->word, name);

	/* A beginning is as good as a slip: "dur" for "duration". */
	if (len >= 2 && !strncasecmp(s->word, name, len))
		distance = min(distance, 1);
	if (len && distance <= tolerance(len) && distance < s->distance) {
		s->best = name;
		s->distance = distance;
	}
}
