/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One JSON value, written piece by piece, with the commas where they belong. key: NULL inside an
 * array, and for the outermost value.
 *
 *	struct json j = { stdout, true };
 *	json_open(&j, NULL, '{');
 *	json_string(&j, "name", "x");
 *	json_close(&j, '}');               {"name":"x"}
 */
struct json {
	FILE *to;
	bool first; /* nothing yet in what was opened last */
};

void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
/* Escaped as escape_json() does. NULL is null. */
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);

#endif
