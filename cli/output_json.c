// SPDX-License-Identifier: GPL-2.0
#include "cli/escape.h"
#include "cli/line.h"
#include "cli/output.h"

static void put_bool(struct line *l, bool value)
{
	if (value)
		PUT(l, "true");
	else
		PUT(l, "false");
}

/* A word of ours in quotes, or null. */
static void put_word(struct line *l, const char *word)
{
	if (!word) {
		PUT(l, "null");
		return;
	}
	PUT(l, "\"");
	put_string(l, word);
	PUT(l, "\"");
}

static const char *result_word(uint8_t result)
{
	switch (result) {
	case RESULT_IGNORED:
		return "ignored";
	case RESULT_PENDING:
		return "pending";
	case RESULT_OVERFLOW:
		return "overflow";
	case RESULT_LOST_INFO:
		return "lost-info";
	default:
		return "delivered";
	}
}

static const char *action_word(const struct outcome *out)
{
	if (out->fate == FATE_IGNORED && !out->target_ending)
		return "ignore";
	if (out->fate != FATE_DELIVERED)
		return NULL;
	if (out->action == ACTION_HANDLER)
		return "handler";
	return out->action == ACTION_IGNORE ? "ignore" : "default";
}

static const char *reason_word(const struct outcome *out)
{
	static const char *const words[] = {
		[FATE_DELIVERED] = NULL,
		[FATE_IGNORED] = "ignored",
		[FATE_COALESCED] = "coalesced",
		[FATE_OVERFLOW] = "overflow",
		[FATE_ACCEPTED] = "accepted",
		[FATE_CANCELLED] = "cancelled",
		[FATE_BLOCKED] = "blocked",
		[FATE_PENDING] = "pending",
		[FATE_GONE] = "gone",
		[FATE_FORGOTTEN] = "forgotten",
		[FATE_UNCERTAIN] = "uncertain",
	};

	if (out->target_ending && out->fate != FATE_DELIVERED)
		return "ending";
	return words[out->fate];
}

static const char *ends_word(enum ending ending)
{
	static const char *const words[] = {
		[ENDING_NONE] = NULL,
		[ENDING_TERMINATED] = "terminated",
		[ENDING_CORE] = "core",
		[ENDING_UNFINISHED] = "unfinished",
	};

	return words[ending];
}

static void put_id(struct line *l, uint32_t id)
{
	if (id)
		line_number(l, id);
	else
		PUT(l, "null");
}

/* {"pid":1,"tid":1,"comm":"init" and no closing brace; what is not known is null. */
static void put_task(struct line *l, const struct party *p)
{
	PUT(l, "{\"pid\":");
	put_id(l, p->pid);
	PUT(l, ",\"tid\":");
	put_id(l, p->tid ? p->tid : p->pid);
	if (!p->comm[0]) {
		PUT(l, ",\"comm\":null");
		return;
	}
	PUT(l, ",\"comm\":\"");
	l->p = escape_json(l->p, p->comm, strnlen(p->comm, sizeof(p->comm)));
	PUT(l, "\"");
}

static void put_cmdline(struct line *l, const struct party *p)
{
	size_t len;
	const char *cmdline = line_cmdline(p, &len);

	if (!cmdline) {
		PUT(l, ",\"cmdline\":null");
		return;
	}
	PUT(l, ",\"cmdline\":\"");
	l->p = escape_json(l->p, cmdline, len);
	if (p->cmdline_truncated)
		PUT(l, "…");
	PUT(l, "\"");
}

static void put_json_sender(struct line *l, const struct outcome *out)
{
	static const struct party unknown;
	const struct party *p = out->sender_known ? &out->sender : &unknown;

	put_task(l, p);
	put_cmdline(l, p);
	if (p->pid && !out->kernel && p->uid != UID_UNKNOWN) {
		PUT(l, ",\"uid\":");
		line_number(l, p->uid);
	} else {
		PUT(l, ",\"uid\":null");
	}
	PUT(l, ",\"kernel\":");
	put_bool(l, out->sender_known && out->kernel);
	PUT(l, "}");
}

static void put_json_fate(struct line *l, const struct outcome *out)
{
	PUT(l, ",\"result\":");
	put_word(l, result_word(out->result));
	PUT(l, ",\"delivered\":");
	put_bool(l, out->fate == FATE_DELIVERED);
	PUT(l, ",\"latency_ns\":");
	if (out->has_latency)
		line_number(l, out->latency);
	else
		PUT(l, "null");
	PUT(l, ",\"action\":");
	put_word(l, action_word(out));
	PUT(l, ",\"reason\":");
	put_word(l, reason_word(out));
	PUT(l, ",\"ends\":");
	put_word(l, ends_word(out->ending));
}

void output_json(struct output *o, struct line *l, const struct outcome *out)
{
	PUT(l, "{\"v\":1,\"time\":\"");
	line_time(o, l, out->time);
	PUT(l, "Z\",\"signal\":\"");
	put(l, o->names[out->sig].text, o->names[out->sig].len);
	PUT(l, "\",\"signo\":");
	line_number(l, out->sig);
	PUT(l, ",\"code\":\"");
	line_code(l, out);
	PUT(l, "\"");
	put_json_fate(l, out);
	PUT(l, ",\"group\":");
	put_bool(l, out->group);
	PUT(l, ",\"sender\":");
	put_json_sender(l, out);
	PUT(l, ",\"target\":");
	put_task(l, &out->target);
	PUT(l, "}}");
}
