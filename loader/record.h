/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_RECORD_H
#define LOADER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Where a tracepoint's record has its fields, as the event's `format` in tracefs says. */
struct record_field {
	uint32_t offset, size; /* bytes; size 0: this kernel's record has none of that name */
};

/*
 * Looks up count fields by name, the common ones as "common_pid". text: of the file `format`
 * (tracefs_format()).
 */
int record_fields(const char *category, const char *event, const char *text, size_t len,
		  const char *const names[], struct record_field *fields, size_t count,
		  struct error *err);
/* A number of 1, 2, 4 or 8 bytes, not sign-extended; 0 where the record (of len bytes) has none. */
uint64_t record_number(const void *record, size_t len, struct record_field field);
/* Up to size bytes of a field, behind which `to` is filled with NUL. */
void record_text(const void *record, size_t len, struct record_field field, char *to, size_t size);

#endif
