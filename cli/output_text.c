// SPDX-License-Identifier: GPL-2.0
#include "cli/escape.h"
#include "cli/line.h"
#include "cli/output.h"

#define NS_PER_S 1000000000

/*
 * Text: TIME SIGNAL SENDER TARGET HOW, each column begins at a fixed place where what is
 * before it leaves room, else one space on.
 */
enum { SIGNAL_AT = 16, SENDER_AT = 25, TARGET_AT = 57, HOW_AT = 77 };

static void put_column(struct line *l, size_t column)
{
	size_t at = l->p - l->start - l->hidden;
	size_t n = at < column ? column - at : 1;

	memset(l->p, ' ', n);
	l->p += n;
}

static void put_colour(struct output *o, struct line *l, const char *sequence)
{
	if (!o->colour)
		return;
	put_string(l, sequence);
	l->hidden += strlen(sequence);
}

#define COLOUR_NONE "\033[0m"
#define COLOUR_DIM "\033[2m"
#define COLOUR_BOLD "\033[1m"
#define COLOUR_RED "\033[31m"
#define COLOUR_YELLOW "\033[33m"

void output_text_header(struct output *o, struct line *l)
{
	put_colour(o, l, COLOUR_BOLD);
	PUT(l, "TIME");
	put_column(l, SIGNAL_AT);
	PUT(l, "SIGNAL");
	put_column(l, SENDER_AT);
	PUT(l, "SENDER");
	put_column(l, TARGET_AT);
	PUT(l, "TARGET");
	put_column(l, HOW_AT);
	PUT(l, "HOW");
	put_colour(o, l, COLOUR_NONE);
}

static bool is_kernel_fault(const struct outcome *out)
{
	switch (out->sig) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
	case SIGSYS:
#ifdef SIGEMT
	case SIGEMT:
#endif
		return out->code > 0 && out->code != SI_KERNEL;
	default:
		return false;
	}
}

static void put_ids(struct line *l, const struct party *p)
{
	if (!p->pid && !p->tid)
		return;
	PUT(l, " (");
	if (p->pid)
		line_number(l, p->pid);
	else
		PUT(l, "?");
	if (p->tid && p->tid != p->pid) {
		PUT(l, "/");
		line_number(l, p->tid);
	}
	PUT(l, ")");
}

static void put_comm(struct line *l, const struct party *p)
{
	if (p->comm[0])
		l->p = escape_terminal(l->p, p->comm, strnlen(p->comm, sizeof(p->comm)), &l->hidden);
	else
		PUT(l, "?");
}

/* "kernel: SEGV_MAPERR, address not mapped", "kernel: child exited, COMM (pid)", "kernel". */
static void put_kernel(struct line *l, const struct outcome *out)
{
	const char *reason = code_reason(out->sig, out->code);
	const char *between = ": ";

	PUT(l, "kernel");
	if (is_kernel_fault(out)) {
		put_string(l, between);
		line_code(l, out);
		between = ", ";
	}
	if (reason) {
		put_string(l, between);
		put_string(l, reason);
		between = ", ";
	}
	if (out->sender.pid && out->sender.pid != out->target.pid) {
		put_string(l, between);
		put_comm(l, &out->sender);
		put_ids(l, &out->sender);
	}
}

static void put_sender(struct line *l, const struct outcome *out)
{
	const char *cmdline;
	size_t len;

	if (!out->sender_known) {
		PUT(l, "?");
	} else if (out->kernel) {
		put_kernel(l, out);
	} else {
		cmdline = line_cmdline(&out->sender, &len);
		if (cmdline)
			l->p = escape_terminal(l->p, cmdline, len, &l->hidden);
		else
			put_comm(l, &out->sender);
		if (cmdline && out->sender.cmdline_truncated)
			PUT_WIDE(l, "…", 1);
		put_ids(l, &out->sender);
	}
	PUT_WIDE(l, " →", 2);
}

/* Cut, not rounded: "999 ns", "14 µs", "2.4 ms", "24 ms", "1.5 s", "90 s". */
static void put_latency(struct line *l, uint64_t ns)
{
	uint64_t tenths;

	if (ns < 1000) {
		line_number(l, ns);
		PUT(l, " ns");
		return;
	}
	if (ns < 1000000) {
		line_number(l, (uint32_t)ns / 1000);
		PUT(l, " µs");
		return;
	}
	tenths = ns < NS_PER_S ? ns / 100000 : ns / 100000000;
	line_number(l, tenths / 10);
	if (tenths < 100) {
		PUT(l, ".");
		line_number(l, tenths % 10);
	}
	if (ns < NS_PER_S)
		PUT(l, " ms");
	else
		PUT(l, " s");
}

static void put_default_action(struct line *l, const struct outcome *out)
{
	enum default_action action = signal_default(out->sig);

	PUT(l, ", default action: ");
	if (out->ending == ENDING_CORE) {
		PUT(l, "dumps core");
	} else if (out->ending == ENDING_TERMINATED && action == DEFAULT_DUMPS_CORE) {
		PUT(l, "terminates, no core written");
	} else if (out->ending == ENDING_TERMINATED || action == DEFAULT_TERMINATES) {
		PUT(l, "terminates");
	} else {
		static const char *const words[] = {
			[DEFAULT_DUMPS_CORE] = "dumps core",
			[DEFAULT_STOPS] = "stops",
			[DEFAULT_CONTINUES] = "continues",
			[DEFAULT_IGNORES] = "ignored",
		};

		put_string(l, words[action]);
	}
	if (out->ending == ENDING_UNFINISHED)
		PUT(l, ", process has not ended yet");
}

static void put_delivered(struct line *l, const struct outcome *out)
{
	PUT(l, "delivered");
	if (out->has_latency) {
		PUT(l, " after ");
		put_latency(l, out->latency);
	}
	if (out->action == ACTION_HANDLER)
		PUT(l, " to its handler");
	else if (out->action == ACTION_IGNORE)
		PUT(l, ", then ignored");
	else
		put_default_action(l, out);
}

static void put_ignored(struct line *l, const struct outcome *out)
{
	PUT(l, "ignored by the target");
	/* The kernel wakes a stopped process when SIGCONT is sent, whatever its action is. */
	if (out->sig == SIGCONT)
		PUT(l, ", resumed all the same");
}

static void put_cancelled(struct line *l, const struct outcome *out)
{
	if (out->sig == SIGCONT)
		PUT(l, "cancelled by a stop signal");
	else
		PUT(l, "cancelled by SIGCONT");
}

static void put_fate(struct line *l, const struct outcome *out)
{
	switch (out->fate) {
	case FATE_DELIVERED:
		put_delivered(l, out);
		return;
	case FATE_IGNORED:
		put_ignored(l, out);
		return;
	case FATE_COALESCED:
		PUT(l, "already pending, coalesced");
		return;
	case FATE_OVERFLOW:
		PUT(l, "queue overflow");
		return;
	case FATE_ACCEPTED:
		PUT(l, "accepted: taken by sigwait or signalfd, or discarded");
		return;
	case FATE_CANCELLED:
		put_cancelled(l, out);
		return;
	case FATE_BLOCKED:
		PUT(l, "still blocked");
		return;
	case FATE_PENDING:
		PUT(l, "still pending");
		return;
	case FATE_GONE:
		PUT(l, "target gone");
		return;
	case FATE_FORGOTTEN:
		PUT(l, "not followed further, table full");
		return;
	case FATE_UNCERTAIN:
		PUT(l, "delivered or accepted, its record was lost");
		return;
	}
}

static void put_how(struct line *l, const struct outcome *out)
{
	if (out->target_ending && out->fate != FATE_DELIVERED)
		PUT(l, "target is already ending");
	else
		put_fate(l, out);
	if (out->result == RESULT_LOST_INFO)
		PUT(l, " (siginfo lost)");
	if (!out->sender_known)
		PUT(l, "; sent before tracing began, or its record was lost");
}

static const char *how_colour(const struct outcome *out)
{
	if (out->fate != FATE_DELIVERED)
		return COLOUR_YELLOW;
	return out->ending == ENDING_NONE ? COLOUR_NONE : COLOUR_RED;
}

void output_text(struct output *o, struct line *l, const struct outcome *out)
{
	put_colour(o, l, COLOUR_DIM);
	line_time(o, l, out->time);
	l->p -= 3; /* microseconds do for reading */
	put_colour(o, l, COLOUR_NONE);
	put_column(l, SIGNAL_AT);
	put_colour(o, l, COLOUR_BOLD);
	put(l, o->names[out->sig].text, o->names[out->sig].len);
	put_colour(o, l, COLOUR_NONE);
	put_column(l, SENDER_AT);
	put_sender(l, out);
	put_column(l, TARGET_AT);
	put_comm(l, &out->target);
	put_ids(l, &out->target);
	put_column(l, HOW_AT);
	put_colour(o, l, how_colour(out));
	put_how(l, out);
	put_colour(o, l, COLOUR_NONE);
}
