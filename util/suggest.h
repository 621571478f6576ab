/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTIL_SUGGEST_H
#define UTIL_SUGGEST_H

#include <stddef.h>

/*
 * "Did you mean ...?": offered one right word after the other, keeps the one nearest to a
 * mistyped word, if any is near enough to be worth saying. Borrows all strings.
 */
struct suggest {
	const char *word;
	const char *best; /* NULL: nothing near */
	size_t distance;  /* of best */
};

void suggest_init(struct suggest *s, const char *word);
void suggest_offer(struct suggest *s, const char *name);

/*
 * Typing slips between a and b, case aside: letters missing, added, changed or swapped with
 * their neighbour. Words over 31 letters are far from everything (SIZE_MAX).
 */
size_t suggest_distance(const char *a, const char *b);

#endif
