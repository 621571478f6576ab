// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <signal.h>
#include <string.h>

#include "cli/names.h"

Suite *names_suite(void);

static const char *name(int sig)
{
	static char buf[SIGNAL_NAME_SIZE];

	return signal_name(sig, buf);
}

START_TEST(standard_signals_have_their_names)
{
	ck_assert_str_eq(name(SIGTERM), "SIGTERM");
	ck_assert_str_eq(name(SIGKILL), "SIGKILL");
	ck_assert_str_eq(name(SIGABRT), "SIGABRT");
	ck_assert_str_eq(name(SIGCHLD), "SIGCHLD");
	ck_assert_str_eq(name(SIGIO), "SIGIO");
	ck_assert_str_eq(name(SIGVTALRM), "SIGVTALRM");
#ifdef SIGSTKFLT
	ck_assert_str_eq(name(SIGSTKFLT), "SIGSTKFLT");
#endif
}
END_TEST

START_TEST(every_number_below_the_real_time_ones_has_a_name_of_its_own)
{
	int sig;

	for (sig = 1; sig < 32; sig++)
		ck_assert_msg(signal_number(name(sig) + 3) == sig && name(sig)[3] > '9',
			      "%d is %s", sig, name(sig));
}
END_TEST

START_TEST(real_time_signals_count_from_34)
{
	ck_assert_str_eq(name(32), "SIG32");
	ck_assert_str_eq(name(33), "SIG33");
	ck_assert_str_eq(name(34), "SIGRTMIN");
	ck_assert_str_eq(name(37), "SIGRTMIN+3");
	ck_assert_str_eq(name(64), "SIGRTMIN+30");
}
END_TEST

START_TEST(unknown_number_is_shown_as_it_is)
{
	ck_assert_str_eq(name(0), "SIG0");
	ck_assert_str_eq(name(255), "SIG255");
	ck_assert_str_eq(name(-1), "SIG-1");
}
END_TEST

START_TEST(names_are_understood_in_all_spellings)
{
	ck_assert_int_eq(signal_number("SIGTERM"), SIGTERM);
	ck_assert_int_eq(signal_number("TERM"), SIGTERM);
	ck_assert_int_eq(signal_number("term"), SIGTERM);
	ck_assert_int_eq(signal_number("sigTerm"), SIGTERM);
	ck_assert_int_eq(signal_number("15"), 15);
	ck_assert_int_eq(signal_number("64"), 64);
	ck_assert_int_eq(signal_number("SIG33"), 33);
}
END_TEST

START_TEST(real_time_names_are_relative_to_either_end)
{
	ck_assert_int_eq(signal_number("SIGRTMIN"), 34);
	ck_assert_int_eq(signal_number("SIGRTMIN+3"), 37);
	ck_assert_int_eq(signal_number("rtmin+3"), 37);
	ck_assert_int_eq(signal_number("SIGRTMAX"), SIGNAL_LAST);
	ck_assert_int_eq(signal_number("RTMAX-1"), SIGNAL_LAST - 1);
	ck_assert_int_eq(signal_number("SIGRTMAX-2"), SIGNAL_LAST - 2);
}
END_TEST

START_TEST(aliases_are_understood)
{
	ck_assert_int_eq(signal_number("SIGIOT"), SIGABRT);
	ck_assert_int_eq(signal_number("CLD"), SIGCHLD);
	ck_assert_int_eq(signal_number("SIGPOLL"), SIGIO);
}
END_TEST

START_TEST(what_is_no_signal_is_refused)
{
	static const char *const wrong[] = {
		"", "SIG", "0", "SIG0", "-1", "+1", "128", "1000000000000", "TERM ", "TER",
		"RTMIN+", "RTMIN-1", "RTMAX+1", "RTMIN+999", "RTMIN+x", "SIGSIGTERM", "15x",
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!signal_number(wrong[i]), "'%s' is %d", wrong[i],
			      signal_number(wrong[i]));
}
END_TEST

START_TEST(every_name_shown_is_understood)
{
	int sig;

	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		ck_assert_int_eq(signal_number(name(sig)), sig);
}
END_TEST

START_TEST(mistyped_name_gets_the_nearest)
{
	char buf[SIGNAL_NAME_SIZE];

	ck_assert_str_eq(signal_suggest("SIGTREM", buf), "SIGTERM");
	ck_assert_str_eq(signal_suggest("KIL", buf), "SIGKILL");
	ck_assert_str_eq(signal_suggest("wnich", buf), "SIGWINCH");
	ck_assert_str_eq(signal_suggest("RTMON", buf), "SIGRTMIN");
	ck_assert_ptr_null(signal_suggest("banana", buf));
	ck_assert_ptr_null(signal_suggest("SIG", buf));
}
END_TEST

START_TEST(default_actions_are_the_kernels)
{
	ck_assert_int_eq(signal_default(SIGTERM), DEFAULT_TERMINATES);
	ck_assert_int_eq(signal_default(SIGSEGV), DEFAULT_DUMPS_CORE);
	ck_assert_int_eq(signal_default(SIGQUIT), DEFAULT_DUMPS_CORE);
	ck_assert_int_eq(signal_default(SIGXCPU), DEFAULT_DUMPS_CORE);
	ck_assert_int_eq(signal_default(SIGTSTP), DEFAULT_STOPS);
	ck_assert_int_eq(signal_default(SIGSTOP), DEFAULT_STOPS);
	ck_assert_int_eq(signal_default(SIGCONT), DEFAULT_CONTINUES);
	ck_assert_int_eq(signal_default(SIGCHLD), DEFAULT_IGNORES);
	ck_assert_int_eq(signal_default(SIGURG), DEFAULT_IGNORES);
	ck_assert_int_eq(signal_default(SIGWINCH), DEFAULT_IGNORES);
	ck_assert_int_eq(signal_default(SIGIO), DEFAULT_TERMINATES);
	ck_assert_int_eq(signal_default(40), DEFAULT_TERMINATES);
	ck_assert_int_eq(signal_default(255), DEFAULT_TERMINATES);
}
END_TEST

START_TEST(codes_have_the_names_of_the_headers)
{
	ck_assert_str_eq(code_name(SIGTERM, SI_USER), "SI_USER");
	ck_assert_str_eq(code_name(SIGTERM, SI_TKILL), "SI_TKILL");
	ck_assert_str_eq(code_name(SIGTERM, SI_QUEUE), "SI_QUEUE");
	ck_assert_str_eq(code_name(SIGINT, SI_KERNEL), "SI_KERNEL");
	ck_assert_str_eq(code_name(SIGALRM, SI_TIMER), "SI_TIMER");
	ck_assert_str_eq(code_name(SIGUSR1, SI_MESGQ), "SI_MESGQ");
	ck_assert_str_eq(code_name(SIGUSR1, SI_ASYNCIO), "SI_ASYNCIO");
	ck_assert_str_eq(code_name(SIGKILL, -7), "SI_DETHREAD");
	ck_assert_str_eq(code_name(SIGUSR1, -60), "SI_ASYNCNL");
	ck_assert_str_eq(code_name(SIGSEGV, SEGV_MAPERR), "SEGV_MAPERR");
	ck_assert_str_eq(code_name(SIGSEGV, 10), "SEGV_CPERR");
	ck_assert_str_eq(code_name(SIGBUS, BUS_MCEERR_AO), "BUS_MCEERR_AO");
	ck_assert_str_eq(code_name(SIGILL, ILL_BADSTK), "ILL_BADSTK");
	ck_assert_str_eq(code_name(SIGFPE, FPE_FLTSUB), "FPE_FLTSUB");
	ck_assert_str_eq(code_name(SIGTRAP, 6), "TRAP_PERF");
	ck_assert_str_eq(code_name(SIGCHLD, CLD_CONTINUED), "CLD_CONTINUED");
	ck_assert_str_eq(code_name(SIGSYS, 1), "SYS_SECCOMP");
}
END_TEST

START_TEST(any_signal_chosen_with_f_setsig_has_poll_codes)
{
	ck_assert_str_eq(code_name(SIGIO, POLL_IN), "POLL_IN");
	ck_assert_str_eq(code_name(40, POLL_HUP), "POLL_HUP");
	ck_assert_str_eq(code_reason(40, POLL_IN), "data to read");
}
END_TEST

START_TEST(unknown_codes_have_no_name)
{
	ck_assert_ptr_null(code_name(SIGSEGV, 11));
	ck_assert_ptr_null(code_name(SIGFPE, 9)); /* a gap in the table */
	ck_assert_ptr_null(code_name(SIGTERM, -100));
	ck_assert_ptr_null(code_name(SIGTERM, 0x7fffffff));
	ck_assert_ptr_null(code_reason(SIGSEGV, 11));
	ck_assert_ptr_null(code_reason(SIGTERM, SI_KERNEL));
}
END_TEST

START_TEST(reasons_follow_the_code_then_the_signal)
{
	ck_assert_str_eq(code_reason(SIGSEGV, SEGV_MAPERR), "address not mapped");
	ck_assert_str_eq(code_reason(40, SI_TIMER), "timer");
	ck_assert_str_eq(code_reason(SIGALRM, SI_KERNEL), "timer");
	ck_assert_str_eq(code_reason(SIGINT, SI_KERNEL), "terminal");
	ck_assert_str_eq(code_reason(SIGCHLD, CLD_EXITED), "child exited");
	ck_assert_str_eq(code_reason(SIGPIPE, SI_USER), "nobody reads this pipe");
}
END_TEST

Suite *names_suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tcase = tcase_create("names");

	tcase_add_test(tcase, standard_signals_have_their_names);
	tcase_add_test(tcase, every_number_below_the_real_time_ones_has_a_name_of_its_own);
	tcase_add_test(tcase, real_time_signals_count_from_34);
	tcase_add_test(tcase, unknown_number_is_shown_as_it_is);
	tcase_add_test(tcase, names_are_understood_in_all_spellings);
	tcase_add_test(tcase, real_time_names_are_relative_to_either_end);
	tcase_add_test(tcase, aliases_are_understood);
	tcase_add_test(tcase, what_is_no_signal_is_refused);
	tcase_add_test(tcase, every_name_shown_is_understood);
	tcase_add_test(tcase, mistyped_name_gets_the_nearest);
	tcase_add_test(tcase, default_actions_are_the_kernels);
	tcase_add_test(tcase, codes_have_the_names_of_the_headers);
	tcase_add_test(tcase, any_signal_chosen_with_f_setsig_has_poll_codes);
	tcase_add_test(tcase, unknown_codes_have_no_name);
	tcase_add_test(tcase, reasons_follow_the_code_then_the_signal);
	suite_add_tcase(suite, tcase);
	return suite;
}
