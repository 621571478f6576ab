/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stddef.h>

/*
 * Makes bytes from other people's processes safe to show. Both forms escape what would act
 * on a terminal instead of being read: control bytes, also those of C1 in UTF-8, and code
 * points that reorder, break or hide text (bidirectional controls, line separators,
 * zero-width and other invisible characters). NUL, which ends each argument of a command
 * line, becomes a space.
 *
 * Terminal form: an unsafe ASCII byte, or one that is not UTF-8, is \xNN, an unsafe code
 * point \u{NNNN}. A backslash stays as it is, since it is common and harmless, but where the
 * text would then read as an escape (before x or u) it is \x5c itself. So the original can
 * always be told: \x and \u begin an escape, any other backslash is one.
 *
 * JSON form: what goes between the quotes of a string, always valid UTF-8. Unsafe code
 * points are \uNNNN (two of them beyond U+FFFF), which reads back as the same text; bytes
 * that are not UTF-8 become U+FFFD, which does not.
 */

/* Bytes the escaped form of len bytes may need, with the room the fast path overwrites. */
#define ESCAPE_ROOM(len) (6 * (size_t)(len) + 8)

/*
 * Writes the escaped form to `to` (ESCAPE_ROOM(len) bytes) and returns its end. *hidden
 * grows by the bytes that take no column of their own: all but the first of a code point.
 */
char *escape_terminal(char *to, const char *from, size_t len, size_t *hidden);
char *escape_json(char *to, const char *from, size_t len);

/* len less the bytes of a last character that a cut through the text left incomplete. */
size_t escape_whole(const char *from, size_t len);

#endif
