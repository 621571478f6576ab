// SPDX-License-Identifier: GPL-2.0
#include "cli/names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/suggest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct signal_fact {
	const char *name; /* without "SIG" */
	enum default_action action;
};

static const struct signal_fact facts[SIGNAL_RTMIN] = {
	[SIGHUP] = { "HUP", DEFAULT_TERMINATES },
	[SIGINT] = { "INT", DEFAULT_TERMINATES },
	[SIGQUIT] = { "QUIT", DEFAULT_DUMPS_CORE },
	[SIGILL] = { "ILL", DEFAULT_DUMPS_CORE },
	[SIGTRAP] = { "TRAP", DEFAULT_DUMPS_CORE },
	[SIGABRT] = { "ABRT", DEFAULT_DUMPS_CORE },
	[SIGBUS] = { "BUS", DEFAULT_DUMPS_CORE },
	[SIGFPE] = { "FPE", DEFAULT_DUMPS_CORE },
	[SIGKILL] = { "KILL", DEFAULT_TERMINATES },
	[SIGUSR1] = { "USR1", DEFAULT_TERMINATES },
	[SIGSEGV] = { "SEGV", DEFAULT_DUMPS_CORE },
	[SIGUSR2] = { "USR2", DEFAULT_TERMINATES },
	[SIGPIPE] = { "PIPE", DEFAULT_TERMINATES },
	[SIGALRM] = { "ALRM", DEFAULT_TERMINATES },
	[SIGTERM] = { "TERM", DEFAULT_TERMINATES },
	[SIGCHLD] = { "CHLD", DEFAULT_IGNORES },
	[SIGCONT] = { "CONT", DEFAULT_CONTINUES },
	[SIGSTOP] = { "STOP", DEFAULT_STOPS },
	[SIGTSTP] = { "TSTP", DEFAULT_STOPS },
	[SIGTTIN] = { "TTIN", DEFAULT_STOPS },
	[SIGTTOU] = { "TTOU", DEFAULT_STOPS },
	[SIGURG] = { "URG", DEFAULT_IGNORES },
	[SIGXCPU] = { "XCPU", DEFAULT_DUMPS_CORE },
	[SIGXFSZ] = { "XFSZ", DEFAULT_DUMPS_CORE },
	[SIGVTALRM] = { "VTALRM", DEFAULT_TERMINATES },
	[SIGPROF] = { "PROF", DEFAULT_TERMINATES },
	[SIGWINCH] = { "WINCH", DEFAULT_IGNORES },
	[SIGIO] = { "IO", DEFAULT_TERMINATES },
	[SIGPWR] = { "PWR", DEFAULT_TERMINATES },
	[SIGSYS] = { "SYS", DEFAULT_DUMPS_CORE },
#ifdef SIGSTKFLT /* not on mips, sparc, alpha */
	[SIGSTKFLT] = { "STKFLT", DEFAULT_TERMINATES },
#endif
#if defined(SIGEMT) && (!defined(SIGSTKFLT) || SIGEMT != SIGSTKFLT) /* mips, sparc, alpha */
	[SIGEMT] = { "EMT", DEFAULT_DUMPS_CORE },
#endif
};

static const struct {
	const char *name;
	int sig;
} aliases[] = {
	{ "IOT", SIGABRT },
	{ "CLD", SIGCHLD },
	{ "POLL", SIGIO },
	{ "UNUSED", SIGSYS },
};

static const char *plain_name(int sig)
{
	return sig > 0 && sig < SIGNAL_RTMIN ? facts[sig].name : NULL;
}

const char *signal_name(int sig, char buf[SIGNAL_NAME_SIZE])
{
	const char *name = plain_name(sig);

	if (name)
		snprintf(buf, SIGNAL_NAME_SIZE, "SIG%s", name);
	else if (sig == SIGNAL_RTMIN)
		snprintf(buf, SIGNAL_NAME_SIZE, "SIGRTMIN");
	else if (sig > SIGNAL_RTMIN && sig <= SIGNAL_LAST)
		snprintf(buf, SIGNAL_NAME_SIZE, "SIGRTMIN+%d", sig - SIGNAL_RTMIN);
	else
		snprintf(buf, SIGNAL_NAME_SIZE, "SIG%d", sig);
	return buf;
}

static const char *without_sig(const char *text)
{
	return strncasecmp(text, "SIG", 3) ? text : text + 3;
}

/* Digits only, at most three of them; -1 for anything else. */
static int small_number(const char *text)
{
	int value = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 3; i++)
		value = value * 10 + (text[i] - '0');
	return i && !text[i] ? value : -1;
}

/* The number n signals off from, where what follows the base name is "" or sign and n. */
static int relative(const char *rest, int from, char sign)
{
	int n;

	if (!*rest)
		return from;
	n = *rest == sign ? small_number(rest + 1) : -1;
	if (n < 0 || n > SIGNAL_LAST - SIGNAL_RTMIN)
		return 0;
	return sign == '+' ? from + n : from - n;
}

int signal_number(const char *text)
{
	const char *name = without_sig(text);
	int sig = small_number(name);
	size_t i;

	if (sig >= 0)
		return sig <= SIGNAL_LAST ? sig : 0;
	if (!strncasecmp(name, "RTMIN", 5))
		return relative(name + 5, SIGNAL_RTMIN, '+');
	if (!strncasecmp(name, "RTMAX", 5))
		return relative(name + 5, SIGNAL_LAST, '-');
	for (sig = 1; sig < SIGNAL_RTMIN; sig++)
		if (facts[sig].name && !strcasecmp(name, facts[sig].name))
			return sig;
	for (i = 0; i < COUNT(aliases); i++)
		if (!strcasecmp(name, aliases[i].name))
			return aliases[i].sig;
	return 0;
}

const char *signal_suggest(const char *text, char buf[SIGNAL_NAME_SIZE])
{
	struct suggest s;
	size_t i;

	suggest_init(&s, without_sig(text));
	for (i = 1; i < SIGNAL_RTMIN; i++)
		if (facts[i].name)
			suggest_offer(&s, facts[i].name);
	for (i = 0; i < COUNT(aliases); i++)
		suggest_offer(&s, aliases[i].name);
	suggest_offer(&s, "RTMIN");
	suggest_offer(&s, "RTMAX");
	if (!s.best)
		return NULL;
	snprintf(buf, SIGNAL_NAME_SIZE, "SIG%s", s.best);
	return buf;
}

enum default_action signal_default(int sig)
{
	return plain_name(sig) ? facts[sig].action : DEFAULT_TERMINATES;
}

struct code_fact {
	const char *name, *reason;
};

/*
 * Positive codes, by number. They are given as numbers because libc headers lag behind the
 * kernel; they are the same on every architecture but for the few that no header of the
 * generic set has (ia64 has left the kernel with 6.7).
 */
static const struct code_fact ill_codes[] = {
	[1] = { "ILL_ILLOPC", "illegal opcode" },
	[2] = { "ILL_ILLOPN", "illegal operand" },
	[3] = { "ILL_ILLADR", "illegal addressing mode" },
	[4] = { "ILL_ILLTRP", "illegal trap" },
	[5] = { "ILL_PRVOPC", "privileged opcode" },
	[6] = { "ILL_PRVREG", "privileged register" },
	[7] = { "ILL_COPROC", "coprocessor error" },
	[8] = { "ILL_BADSTK", "bad stack" },
	[9] = { "ILL_BADIADDR", "bad instruction address" },
};

static const struct code_fact fpe_codes[] = {
	[1] = { "FPE_INTDIV", "integer division by zero" },
	[2] = { "FPE_INTOVF", "integer overflow" },
	[3] = { "FPE_FLTDIV", "float division by zero" },
	[4] = { "FPE_FLTOVF", "float overflow" },
	[5] = { "FPE_FLTUND", "float underflow" },
	[6] = { "FPE_FLTRES", "inexact float result" },
	[7] = { "FPE_FLTINV", "invalid float operation" },
	[8] = { "FPE_FLTSUB", "subscript out of range" },
	[14] = { "FPE_FLTUNK", "undiagnosed float exception" },
	[15] = { "FPE_CONDTRAP", "trap on condition" },
};

static const struct code_fact segv_codes[] = {
	[1] = { "SEGV_MAPERR", "address not mapped" },
	[2] = { "SEGV_ACCERR", "access not permitted" },
	[3] = { "SEGV_BNDERR", "bounds check failed" },
	[4] = { "SEGV_PKUERR", "denied by a protection key" },
	[5] = { "SEGV_ACCADI", "ADI not enabled here" },
	[6] = { "SEGV_ADIDERR", "disrupting ADI mismatch" },
	[7] = { "SEGV_ADIPERR", "precise ADI mismatch" },
	[8] = { "SEGV_MTEAERR", "memory tag mismatch, asynchronous" },
	[9] = { "SEGV_MTESERR", "memory tag mismatch" },
	[10] = { "SEGV_CPERR", "control protection (shadow stack)" },
};

static const struct code_fact bus_codes[] = {
	[1] = { "BUS_ADRALN", "address not aligned" },
	[2] = { "BUS_ADRERR", "nothing behind this address" },
	[3] = { "BUS_OBJERR", "hardware error" },
	[4] = { "BUS_MCEERR_AR", "memory failure, hit" },
	[5] = { "BUS_MCEERR_AO", "memory failure, found" },
};

static const struct code_fact trap_codes[] = {
	[1] = { "TRAP_BRKPT", "breakpoint" },
	[2] = { "TRAP_TRACE", "single step" },
	[3] = { "TRAP_BRANCH", "branch taken" },
	[4] = { "TRAP_HWBKPT", "hardware breakpoint" },
	[5] = { "TRAP_UNK", "undiagnosed trap" },
	[6] = { "TRAP_PERF", "perf event" },
};

static const struct code_fact cld_codes[] = {
	[1] = { "CLD_EXITED", "child exited" },
	[2] = { "CLD_KILLED", "child was killed" },
	[3] = { "CLD_DUMPED", "child dumped core" },
	[4] = { "CLD_TRAPPED", "traced child trapped" },
	[5] = { "CLD_STOPPED", "child stopped" },
	[6] = { "CLD_CONTINUED", "child continued" },
};

static const struct code_fact poll_codes[] = {
	[1] = { "POLL_IN", "data to read" },
	[2] = { "POLL_OUT", "room to write" },
	[3] = { "POLL_MSG", "message to read" },
	[4] = { "POLL_ERR", "I/O error" },
	[5] = { "POLL_PRI", "urgent data to read" },
	[6] = { "POLL_HUP", "other end hung up" },
};

static const struct code_fact sys_codes[] = {
	[1] = { "SYS_SECCOMP", "system call refused by seccomp" },
	[2] = { "SYS_USER_DISPATCH", "system call for user dispatch" },
};

#ifdef SIGEMT
static const struct code_fact emt_codes[] = {
	[1] = { "EMT_TAGOVF", "tag overflow" },
};
#endif

static const struct code_fact *pick(const struct code_fact *table, size_t count, int code)
{
	if (code <= 0 || (size_t)code >= count || !table[code].name)
		return NULL;
	return &table[code];
}

#define PICK(table) pick(table, COUNT(table), code)

static const struct code_fact *positive_code(int sig, int code)
{
	switch (sig) {
	case SIGILL:
		return PICK(ill_codes);
	case SIGFPE:
		return PICK(fpe_codes);
	case SIGSEGV:
		return PICK(segv_codes);
	case SIGBUS:
		return PICK(bus_codes);
	case SIGTRAP:
		return PICK(trap_codes);
	case SIGCHLD:
		return PICK(cld_codes);
	case SIGSYS:
		return PICK(sys_codes);
#ifdef SIGEMT
	case SIGEMT:
		return PICK(emt_codes);
#endif
	default:
		/* SIGIO, and whatever signal F_SETSIG put in its place. */
		return PICK(poll_codes);
	}
}

#ifndef SI_DETHREAD
#define SI_DETHREAD (-7) /* execve killing the other threads */
#endif
#ifndef SI_ASYNCNL
#define SI_ASYNCNL (-60)
#endif

/* Codes any signal may carry; some differ by architecture, so the system's macros. */
static const char *common_name(int code)
{
	switch (code) {
	case SI_USER:
		return "SI_USER";
	case SI_TKILL:
		return "SI_TKILL";
	case SI_QUEUE:
		return "SI_QUEUE";
	case SI_KERNEL:
		return "SI_KERNEL";
	case SI_TIMER:
		return "SI_TIMER";
	case SI_MESGQ:
		return "SI_MESGQ";
	case SI_ASYNCIO:
		return "SI_ASYNCIO";
	case SI_SIGIO:
		return "SI_SIGIO";
	case SI_DETHREAD:
		return "SI_DETHREAD";
	case SI_ASYNCNL:
		return "SI_ASYNCNL";
	default:
		return NULL;
	}
}

const char *code_name(int sig, int code)
{
	const char *name = common_name(code);
	const struct code_fact *fact;

	if (name)
		return name;
	fact = positive_code(sig, code);
	return fact ? fact->name : NULL;
}

/*
 * The kernel sends these without a code of their own: as SI_KERNEL (SEND_SIG_PRIV), or as
 * SI_USER (SEND_SIG_NOINFO) for SIGPIPE, SIGXFSZ and the limits. The number tells the rest.
 */
static const char *reason_by_signal(int sig)
{
	switch (sig) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return "terminal";
	case SIGWINCH:
		return "terminal resized";
	case SIGHUP:
	case SIGCONT:
		return "terminal or session ended";
	case SIGALRM:
	case SIGVTALRM:
	case SIGPROF:
		return "timer";
	case SIGXCPU:
		return "CPU time limit";
	case SIGXFSZ:
		return "file size limit";
	case SIGPIPE:
		return "nobody reads this pipe";
	case SIGIO:
		return "I/O possible";
	case SIGURG:
		return "urgent data";
	case SIGTRAP:
		return "breakpoint or trace";
	case SIGSEGV:
		return "protection fault or bad stack";
	case SIGKILL:
		return "out of memory or the like";
	default:
		return NULL;
	}
}

const char *code_reason(int sig, int code)
{
	const struct code_fact *fact;

	switch (code) {
	case SI_USER:
		return sig == SIGKILL ? "cgroup.kill or the like" : reason_by_signal(sig);
	case SI_KERNEL:
		return reason_by_signal(sig);
	case SI_TIMER:
		return "timer";
	case SI_MESGQ:
		return "message queue";
	case SI_ASYNCIO:
		return "I/O finished";
	case SI_SIGIO:
		return "I/O possible";
	case SI_DETHREAD:
		return "exec ends other threads";
	case SI_ASYNCNL:
		return "name lookup finished";
	default:
		fact = positive_code(sig, code);
		return fact ? fact->reason : NULL;
	}
}
