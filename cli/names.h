/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <signal.h>
#include <stddef.h>

/*
 * The words for signals and their si_codes. Numbers come from the system's headers, since
 * they differ by architecture (SIGUSR1 is 10 on x86 and 16 on mips).
 *
 * Real-time signals are named from SIGRTMIN = 34, which is what programs linked with glibc
 * see: the kernel's first two, 32 and 33, are the C library's own and are shown as SIG32 and
 * SIG33. The libc this tool itself is linked with does not matter (musl keeps 34 as well).
 */
#define SIGNAL_LAST (_NSIG - 1)
#define SIGNAL_RTMIN 34
#define SIGNAL_NAME_SIZE 16

enum default_action {
	DEFAULT_TERMINATES,
	DEFAULT_DUMPS_CORE,
	DEFAULT_STOPS,
	DEFAULT_CONTINUES,
	DEFAULT_IGNORES,
};

/* "SIGTERM", "SIGRTMIN+3", "SIG32"; any other number as "SIG200". Returns buf. */
const char *signal_name(int sig, char buf[SIGNAL_NAME_SIZE]);
/*
 * The number of "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-2", "SIG33", or of an alias
 * such as SIGIOT; any case. 0 where there is no such signal.
 */
int signal_number(const char *text);
/* The known signal name nearest to a mistyped one, into buf; NULL where none is near. */
const char *signal_suggest(const char *text, char buf[SIGNAL_NAME_SIZE]);
enum default_action signal_default(int sig);

/* "SI_USER", "SEGV_MAPERR"; NULL where the code has no name. */
const char *code_name(int sig, int code);
/*
 * Why the kernel sent it, in a few words: "address not mapped", "timer", "child exited",
 * "terminal"; NULL where the signal and code do not tell.
 */
const char *code_reason(int sig, int code);

#endif
