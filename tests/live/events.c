// SPDX-License-Identifier: GPL-2.0
/*
 * Reads what --json printed, and is strict about it: valid UTF-8, no raw control byte, every
 * key there, in order, of its type, no key else, and values that agree with each other.
 */
#include "tests/live/harness.h"

#include <json-c/json.h>

void parse_events(struct tracer *t);

static const char *const KEYS[] = { "v",      "time",   "signal", "signo",  "code",
				    "result", "delivered", "latency_ns", "action", "reason",
				    "ends",   "group",  "sender", "target", NULL };
static const char *const SENDER_KEYS[] = { "pid", "tid", "comm", "cmdline", "uid", "kernel",
					   NULL };
static const char *const TARGET_KEYS[] = { "pid", "tid", "comm", NULL };

static void check_keys(const char *line, struct json_object *obj, const char *const *keys)
{
	size_t n = 0;

	json_object_object_foreach(obj, key, value) {
		(void)value;
		ck_assert_msg(keys[n] && !strcmp(key, keys[n]), "key %s, expected %s in\n  %s",
			      key, keys[n] ? keys[n] : "no more", line);
		n++;
	}
	ck_assert_msg(!keys[n], "no key %s in\n  %s", keys[n], line);
}

static struct json_object *get(const char *line, struct json_object *obj, const char *key,
			       enum json_type type, bool nullable)
{
	struct json_object *value = json_object_object_get(obj, key);

	ck_assert_msg(value ? json_object_is_type(value, type) : nullable,
		      "%s is not %s%s in\n  %s", key, json_type_to_name(type),
		      nullable ? " or null" : "", line);
	return value;
}

static const char *get_string(const char *line, struct json_object *obj, const char *key,
			      bool nullable)
{
	struct json_object *value = get(line, obj, key, json_type_string, nullable);

	return value ? json_object_get_string(value) : "null";
}

static long long get_int(const char *line, struct json_object *obj, const char *key,
			 bool nullable)
{
	struct json_object *value = get(line, obj, key, json_type_int, nullable);

	return value ? json_object_get_int64(value) : -1;
}

static bool get_bool(const char *line, struct json_object *obj, const char *key)
{
	return json_object_get_boolean(get(line, obj, key, json_type_boolean, false));
}

static void one_of(const char *line, const char *what, const char *value,
		   const char *const *allowed)
{
	while (*allowed && strcmp(*allowed, value))
		allowed++;
	ck_assert_msg(*allowed != NULL, "%s: unknown value %s in\n  %s", what, value, line);
}

static void check_values(const struct event *e)
{
	static const char *const results[] = { "delivered", "ignored", "pending", "overflow",
					       "lost-info", "null", NULL };
	static const char *const actions[] = { "handler", "default", "ignore", "null", NULL };
	static const char *const reasons[] = { "ignored", "coalesced", "overflow", "accepted",
					       "cancelled", "blocked", "pending", "gone", "ending",
					       "forgotten", "pending", "uncertain", "null", NULL };
	static const char *const ends[] = { "terminated", "core", "unfinished", "null", NULL };

	one_of(e->line, "result", e->result, results);
	one_of(e->line, "action", e->action, actions);
	one_of(e->line, "reason", e->reason, reasons);
	one_of(e->line, "ends", e->ends, ends);
	ck_assert_msg(e->signo >= 1 && e->signo <= 64, "signo in\n  %s", e->line);
	ck_assert_msg(!strncmp(e->signal, "SIG", 3), "signal in\n  %s", e->line);
	ck_assert_msg(e->delivered == !strcmp(e->reason, "null"),
		      "delivered and reason disagree in\n  %s", e->line);
	ck_assert_msg(e->delivered || (e->latency == -1 && !strcmp(e->ends, "null")),
		      "not delivered, yet a latency or an end in\n  %s", e->line);
	ck_assert_msg(!e->delivered || strcmp(e->action, "null"),
		      "delivered without an action in\n  %s", e->line);
	ck_assert_msg(e->target.pid > 0 && e->target.tid > 0, "target in\n  %s", e->line);
}

/* 2006-01-02T15:04:05.123456789Z, or with +01:00. */
static void check_time(const struct event *e)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddddd";
	const char *s = e->time;

	for (size_t i = 0; shape[i]; i++, s++)
		ck_assert_msg(shape[i] == 'd' ? *s >= '0' && *s <= '9' : *s == shape[i],
			      "time in\n  %s", e->line);
	ck_assert_msg(!strcmp(s, "Z") || ((*s == '+' || *s == '-') && strlen(s) == 6),
		      "time zone in\n  %s", e->line);
}

static void read_sender(struct event *e, struct json_object *obj)
{
	check_keys(e->line, obj, SENDER_KEYS);
	e->has_sender = true;
	e->sender.pid = get_int(e->line, obj, "pid", true);
	e->sender.tid = get_int(e->line, obj, "tid", true);
	e->sender.uid = get_int(e->line, obj, "uid", true);
	e->sender.comm = get_string(e->line, obj, "comm", true);
	e->sender.cmdline = get_string(e->line, obj, "cmdline", true);
	e->sender.kernel = get_bool(e->line, obj, "kernel");
}

static void read_event(struct event *e, struct json_object *obj)
{
	struct json_object *sender, *target;

	check_keys(e->line, obj, KEYS);
	ck_assert_int_eq(get_int(e->line, obj, "v", false), 1);
	e->time = get_string(e->line, obj, "time", false);
	e->signal = get_string(e->line, obj, "signal", false);
	e->signo = get_int(e->line, obj, "signo", false);
	e->code = get_string(e->line, obj, "code", true);
	e->result = get_string(e->line, obj, "result", true);
	e->delivered = get_bool(e->line, obj, "delivered");
	e->latency = get_int(e->line, obj, "latency_ns", true);
	e->action = get_string(e->line, obj, "action", true);
	e->reason = get_string(e->line, obj, "reason", true);
	e->ends = get_string(e->line, obj, "ends", true);
	e->group = json_object_get_boolean(get(e->line, obj, "group", json_type_boolean, true));
	sender = get(e->line, obj, "sender", json_type_object, true);
	if (sender)
		read_sender(e, sender);
	target = get(e->line, obj, "target", json_type_object, false);
	check_keys(e->line, target, TARGET_KEYS);
	e->target.pid = get_int(e->line, target, "pid", false);
	e->target.tid = get_int(e->line, target, "tid", false);
	e->target.comm = get_string(e->line, target, "comm", true);
	check_time(e);
	check_values(e);
}

static struct json_object *parse_line(const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *obj;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, line, len + 1);
	ck_assert_msg(obj && json_object_is_type(obj, json_type_object), "not JSON: %s in\n  %s",
		      json_tokener_error_desc(json_tokener_get_error(tok)), line);
	json_tokener_free(tok);
	return obj;
}

/* The strings stay in the parsed objects, which live as long as the test. */
void parse_events(struct tracer *t)
{
	size_t cap = 0;
	char *line = t->data, *end = t->data + t->len, *newline;

	ck_assert_msg(end[-1] == '\n', "the last line is cut: %s",
		      t->len > 200 ? end - 200 : line);
	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', end - line);
		*newline = 0;
		ck_assert_msg(strlen(line) == (size_t)(newline - line), "NUL byte in\n  %s", line);
		ck_assert_msg(valid_utf8(line, newline - line), "not UTF-8:\n  %s", line);
		ck_assert_msg(!has_controls(line, newline - line), "control byte in\n  %s", line);
		if (t->count == cap) {
			cap = cap ? cap * 2 : 256;
			t->events = realloc(t->events, cap * sizeof(*t->events));
			ck_assert_ptr_nonnull(t->events);
		}
		memset(&t->events[t->count], 0, sizeof(*t->events));
		t->events[t->count].line = line;
		read_event(&t->events[t->count], parse_line(line, newline - line));
		t->count++;
	}
}
