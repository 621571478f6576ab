// SPDX-License-Identifier: GPL-2.0
/* Signals that the kernel sends: faults, timers, broken pipes, children's ends. */
#include "tests/live/harness.h"

#include <sys/time.h>

Suite *kernel_suite(void);

/* ---- faults: the target is its own sender ---- */

static void fault_segv(void)
{
	*(volatile int *)(uintptr_t)shared->ints[40] = 1; /* address 0 */
}

static void fault_accerr(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*(volatile char *)page = 1;
}

static void fault_bus(void)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*(volatile char *)page = 1;
}

/* Where the compiler's own trap is another fault, an instruction that there is none of. */
static void fault_ill(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__asm__ volatile("ud2");
#elif defined(__aarch64__) || defined(__powerpc__)
	__asm__ volatile(".long 0");
#elif defined(__riscv)
	__asm__ volatile(".half 0");
#else
	__builtin_trap();
#endif
}

#if defined(__x86_64__) || defined(__i386__)
static void fault_fpe(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; idivl %%ecx"
			 : : : "eax", "ecx", "edx");
}

static void fault_trap(void)
{
	__asm__ volatile("int3");
}
#endif

static const struct fault {
	int sig;
	const char *code;
	void (*commit)(void);
} FAULTS[] = {
	{ SIGSEGV, "SEGV_MAPERR", fault_segv },
	{ SIGSEGV, "SEGV_ACCERR", fault_accerr },
	{ SIGBUS, "BUS_ADRERR", fault_bus },
#if defined(__x86_64__) || defined(__i386__)
	{ SIGILL, "ILL_ILLOPN", fault_ill },
	{ SIGFPE, "FPE_INTDIV", fault_fpe },
	{ SIGTRAP, "SI_KERNEL", fault_trap },
#else
	{ SIGILL, "ILL_ILLOPC", fault_ill },
#endif
};
#define FAULTS_LEN (int)(sizeof(FAULTS) / sizeof(*FAULTS))

static void note_and_leave(int sig, siginfo_t *info, void *ctx)
{
	note(sig, info, ctx);
	_exit(0);
}

static int faulty(void *arg)
{
	const struct fault *fault = arg;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (shared->ints[41]) {
		struct sigaction sa = { .sa_sigaction = note_and_leave, .sa_flags = SA_SIGINFO };

		sigaction(fault->sig, &sa, NULL);
	}
	say();
	hear();
	fault->commit();
	return 9;
}

/* Commits it once; the one object has to name the target as its own sender. */
static struct event *commit(struct tracer *t, const char *name, const struct fault *fault,
			    int *status)
{
	struct actor a;
	struct event *e;

	actor_start(&a, faulty, (void *)fault);
	tracer_start(t, name);
	actor_go(&a);
	*status = actor_join(&a);
	tracer_stop(t, SIGTERM);
	e = tracer_only(t, a.pid, 0);
	ck_assert_int_eq(e->signo, fault->sig);
	expect_kernel(e, fault->code);
	ck_assert_msg(e->sender.pid == a.pid, "not its own sender:\n  %s", e->line);
	return e;
}

START_TEST(fault_terminates)
{
	const struct fault *fault = &FAULTS[_i / WAYS];
	struct tracer t;
	struct event *e;
	int status;

	e = commit(&t, transport(_i % WAYS), fault, &status);
	expect_ends(e, "terminated");
	ck_assert_int_eq(WTERMSIG(status), fault->sig);
}
END_TEST

START_TEST(fault_is_handled)
{
	struct tracer t;
	struct event *e;
	int status;

	shared->ints[41] = 1;
	e = commit(&t, transport(_i % WAYS), &FAULTS[_i / WAYS], &status);
	expect_delivered(e, "handler");
	expect_string(e, "ends", e->ends, "null");
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(shared->noted[0].sig, FAULTS[_i / WAYS].sig);
	ck_assert_int_gt(shared->noted[0].code, 0);
}
END_TEST

/* ---- timers ---- */

static int posix_timer(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = *(int *)arg };
	struct itimerspec when = { .it_value.tv_nsec = 20000000 };
	timer_t timer;

	handle(*(int *)arg);
	say();
	hear();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		return 1;
	return idle();
}

static int interval_timer(void *arg)
{
	struct itimerval when = { .it_value.tv_usec = 20000 };

	handle(SIGALRM);
	say();
	hear();
	setitimer(ITIMER_REAL, &when, NULL);
	return idle();
}

/*
 * A timer's interrupt may come while another BPF program runs on its CPU: the kernel then does not run
 * ours. And without BPF, perf was seen (6.18 as a guest, `perf record` no less) to count a tracepoint
 * of an interrupt that wakes an idle CPU but to write no record of it. portrace can only say so.
 */
static bool was_skipped(const struct tracer *t, const struct event *e)
{
	return (e->sender.pid == -1 && e->latency == -1 &&
		strstr(t->errors, "the kernel skipped")) ||
	       (e->latency == -1 && tracer_summary(t, "lost") > 0);
}

static struct event *one_by_timer(struct tracer *t, const char *name, actor_fn *fn, int *sig)
{
	struct actor a;
	struct event *e;

	actor_start(&a, fn, sig);
	tracer_start(t, name);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(t, SIGTERM);
	e = tracer_only(t, a.pid, *sig);
	if (was_skipped(t, e))
		skip("the kernel did not tell of the sending, and portrace says so");
	expect_delivered(e, "handler");
	ck_assert_int_eq(shared->noted[0].sig, *sig);
	actor_end(&a);
	return e;
}

START_TEST(posix_timer_is_the_kernel)
{
	struct tracer t;
	int sig = SIGUSR2;

	expect_kernel(one_by_timer(&t, transport(_i), posix_timer, &sig), "SI_TIMER");
	ck_assert_int_eq(shared->noted[0].code, SI_TIMER);
}
END_TEST

START_TEST(posix_timer_with_a_real_time_signal_is_the_kernel)
{
	struct tracer t;
	int sig = SIGRTMIN + 5;

	expect_kernel(one_by_timer(&t, transport(_i), posix_timer, &sig), "SI_TIMER");
}
END_TEST

START_TEST(interval_timer_is_the_kernel)
{
	struct tracer t;
	int sig = SIGALRM;

	expect_kernel(one_by_timer(&t, transport(_i), interval_timer, &sig), "SI_KERNEL");
	ck_assert_int_eq(shared->noted[0].code, SI_KERNEL);
}
END_TEST

/* A periodic timer: as many objects as handler runs, none joined to another's sending. */
static int periodic_timer(void *arg)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
	struct itimerspec when = { .it_value.tv_nsec = 5000000, .it_interval.tv_nsec = 5000000 };
	timer_t timer;

	handle(SIGUSR2);
	say();
	hear();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		return 1;
	say();
	hear();
	timer_delete(timer);
	return idle();
}

START_TEST(periodic_timer_makes_an_object_each_time)
{
	struct event *found[NOTED_MAX];
	struct tracer t;
	struct actor a;
	size_t n;

	actor_start(&a, periodic_timer, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(20);
	actor_step(&a);
	tracer_stop(&t, SIGTERM);
	n = tracer_find(&t, a.pid, SIGUSR2, found, NOTED_MAX);
	ck_assert_int_eq(n, shared->handled);
	for (size_t i = 0; i < n; i++) {
		if (was_skipped(&t, found[i]))
			continue;
		expect_kernel(found[i], "SI_TIMER");
		expect_delivered(found[i], "handler");
	}
	actor_end(&a);
}
END_TEST

/* ---- a broken pipe, which the kernel books as SI_USER of the writer ---- */

static int breaks_pipe(void *arg)
{
	int ends[2];

	handle(SIGPIPE);
	if (pipe(ends))
		return 1;
	close(ends[0]);
	say();
	hear();
	if (write(ends[1], "x", 1) != -1 || errno != EPIPE)
		return 1;
	return idle();
}

START_TEST(broken_pipe_is_the_kernel)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, breaks_pipe, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGPIPE);
	expect_delivered(e, "handler");
	ck_assert_msg(e->sender.kernel, "not from the kernel:\n  %s", e->line);
	actor_end(&a);
}
END_TEST

START_TEST(broken_pipe_by_hand_is_not_the_kernel)
{
	int pipe_signal[] = { SIGPIPE, 0 };
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, actor_handles, pipe_signal);
	tracer_start(&t, transport(_i));
	kill(a.pid, SIGPIPE);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGPIPE);
	expect_sender(e, getpid());
	expect_delivered(e, "handler");
	actor_end(&a);
}
END_TEST

/* ---- SIGCHLD ---- */

/* Each command forks a child that ends as told by ints[0]: exit, or a signal to itself. */
static int parent_of_one(void *arg)
{
	pid_t pid;

	handle(SIGCHLD);
	say();
	while (hear()) {
		pid = fork();
		if (!pid) {
			if (shared->ints[0])
				raise(shared->ints[0]);
			_exit(5);
		}
		shared->ints[1] = pid;
		waitpid(pid, NULL, 0);
		say();
	}
	return 0;
}

static void check_child_signal(const char *name, int sig, const char *code)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, parent_of_one, NULL);
	shared->ints[0] = sig;
	tracer_start(&t, name);
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	e = tracer_only(&t, a.pid, SIGCHLD);
	expect_delivered(e, "handler");
	expect_kernel(e, code);
	ck_assert_msg(e->sender.pid == shared->ints[1], "the child is %d:\n  %s",
		      shared->ints[1], e->line);
	actor_end(&a);
}

START_TEST(child_that_exits_says_so)
{
	check_child_signal(transport(_i), 0, "CLD_EXITED");
}
END_TEST

START_TEST(child_that_is_killed_says_so)
{
	check_child_signal(transport(_i), SIGTERM, "CLD_KILLED");
}
END_TEST

/* The kernel queues it at the thread that forked; it is for the process all the same. */
static void *forks(void *arg)
{
	pid_t pid;

	block(SIGCHLD);
	pid = fork();
	if (!pid)
		_exit(0);
	shared->ints[1] = pid;
	shared->ints[2] = gettid_();
	waitpid(pid, NULL, 0);
	return NULL;
}

static int parent_with_threads(void *arg)
{
	pthread_t thread;

	handle(SIGCHLD);
	say();
	hear();
	start_thread(&thread, forks, NULL);
	pthread_join(thread, NULL);
	return idle();
}

START_TEST(child_of_another_thread_signals_the_process)
{
	struct tracer t;
	struct actor a;
	struct event *e;

	actor_start(&a, parent_with_threads, NULL);
	tracer_start(&t, transport(_i));
	actor_step(&a);
	wait_handled(1);
	tracer_stop(&t, SIGTERM);
	ck_assert_int_eq(count_events(&t, shared->ints[2], SIGCHLD), 0);
	e = tracer_only(&t, a.pid, SIGCHLD);
	expect_delivered(e, "handler");
	expect_kernel(e, "CLD_EXITED");
	ck_assert(e->group);
	ck_assert_int_eq(e->target.tid, a.pid);
	ck_assert_int_eq(e->sender.pid, shared->ints[1]);
	actor_end(&a);
}
END_TEST

Suite *kernel_suite(void)
{
	Suite *s = suite_create("kernel");
	TCase *tc = live_case(s, "kernel");

	tcase_add_loop_test(tc, fault_terminates, 0, WAYS * FAULTS_LEN);
	tcase_add_loop_test(tc, fault_is_handled, 0, WAYS * FAULTS_LEN);
	loop_all(tc, posix_timer_is_the_kernel);
	loop_all(tc, posix_timer_with_a_real_time_signal_is_the_kernel);
	loop_all(tc, interval_timer_is_the_kernel);
	loop_all(tc, periodic_timer_makes_an_object_each_time);
	loop_all(tc, broken_pipe_is_the_kernel);
	loop_all(tc, broken_pipe_by_hand_is_not_the_kernel);
	loop_all(tc, child_that_exits_says_so);
	loop_all(tc, child_that_is_killed_says_so);
	loop_all(tc, child_of_another_thread_signals_the_process);
	return s;
}
