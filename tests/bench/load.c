/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The workloads of the benchmark. Each sends signals in a known number, and ends with one line
 * of key=value pairs that tells the truth a tracer is compared with:
 *
 *	pid=812 sig=10 sent=1000 handled=1000 seconds=0.000400 rate=2500000
 *
 * pid2 is the second process where there is one. No workload causes a SIGCHLD or any other
 * signal that it does not count: children are cloned without an exit signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NSEC 1000000000ull
/* Longest wait that is spun rather than slept: a sleep cannot be trusted to be shorter. */
#define SPIN_NS 60000

/* What two processes of a workload share. */
struct shared {
	volatile uint64_t handled;
	volatile bool ready;
	volatile bool stop;
};

struct truth {
	pid_t pid, pid2;
	int sig;
	uint64_t sent, handled, ns;
};

static volatile uint64_t handled;
static struct shared *shared;

static void count(int sig)
{
	handled++;
}

static void count_shared(int sig)
{
	shared->handled++;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (sigaction(sig, &sa, NULL))
		die("sigaction");
}

static void block(int how, int sig, sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigprocmask(how, &set, before))
		die("sigprocmask");
}

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
}

/* fork() whose child ends without a SIGCHLD to its parent. */
static pid_t fork_silent(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);

	if (pid < 0)
		die("clone");
	return pid;
}

static void tell(const struct truth *t)
{
	double seconds = (double)t->ns / (double)NSEC;

	printf("pid=%d", (int)t->pid);
	if (t->pid2)
		printf(" pid2=%d", (int)t->pid2);
	printf(" sig=%d sent=%llu handled=%llu seconds=%.6f ns=%.1f rate=%.0f\n", t->sig,
	       (unsigned long long)t->sent, (unsigned long long)t->handled, seconds,
	       t->sent ? (double)t->ns / (double)t->sent : 0.0,
	       t->ns ? (double)t->sent / seconds : 0.0);
}

/* Whether a run bounded by `limit` ns is over; asks the clock once in 256 calls. */
static bool over(uint64_t i, uint64_t start, uint64_t limit)
{
	return limit && i % 256 == 0 && now() - start > limit;
}

static int selfkill(uint64_t n, uint64_t limit)
{
	struct truth t = { .pid = getpid(), .sig = SIGUSR1 };
	uint64_t start;

	handle(t.sig, count);
	start = now();
	for (; t.sent < n && !over(t.sent, start, limit); t.sent++) {
		if (kill(t.pid, t.sig))
			die("kill");
	}
	t.ns = now() - start;
	t.handled = handled;
	tell(&t);
	return 0;
}

/* Waits until the other side's signal number `n` has been handled. */
static void await(uint64_t n, const sigset_t *wait)
{
	while (handled < n)
		sigsuspend(wait);
}

/* Binds the caller to the n-th CPU that it may run on, counted round. */
static void bind_cpu(int n)
{
	cpu_set_t may, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(may), &may))
		die("sched_getaffinity");
	n %= CPU_COUNT(&may);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &may) && n-- == 0)
			break;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		die("sched_setaffinity");
}

static void pong(pid_t parent, int sig, const sigset_t *wait)
{
	uint64_t n;

	shared->ready = true;
	for (n = 1;; n++) {
		await(n, wait);
		if (shared->stop)
			break;
		if (kill(parent, sig))
			die("kill");
	}
	shared->handled = handled;
	_exit(0);
}

/*
 * `n` signals in all, half each way; every one waits for the one before, so each is delivered
 * on its own. The last, which only ends the child, is counted too. The two are bound to one
 * CPU or to two: left to the scheduler, the rate is now the one and now the other, and they
 * are a factor of ten apart.
 */
static int pingpong(uint64_t n, uint64_t limit, int cpus)
{
	struct truth t = { .pid = getpid(), .sig = SIGUSR1 };
	uint64_t start, i;
	sigset_t wait;

	share();
	handle(t.sig, count);
	block(SIG_BLOCK, t.sig, &wait);
	sigdelset(&wait, t.sig);
	t.pid2 = fork_silent();
	if (cpus)
		bind_cpu(t.pid2 ? 0 : cpus - 1);
	if (!t.pid2)
		pong(t.pid, t.sig, &wait);
	while (!shared->ready)
		usleep(1000);
	start = now();
	for (i = 0; i < n / 2 && !over(i, start, limit); i++) {
		if (kill(t.pid2, t.sig))
			die("kill");
		await(i + 1, &wait);
	}
	t.ns = now() - start;
	shared->stop = true;
	if (kill(t.pid2, t.sig))
		die("kill");
	waitpid(t.pid2, NULL, __WALL);
	t.sent = 2 * i + 1;
	t.handled = handled + shared->handled;
	tell(&t);
	return 0;
}

static void wait_until(uint64_t when)
{
	struct timespec ts = { .tv_sec = (time_t)(when / NSEC), .tv_nsec = (long)(when % NSEC) };
	uint64_t t = now();

	if (t < when && when - t > SPIN_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	while (now() < when)
		;
}

/* Signal i is due at start + i / rate: a late one does not move those after it. */
static int paced(uint64_t rate, uint64_t n)
{
	struct truth t = { .pid = getpid(), .sig = SIGUSR1 };
	uint64_t start;

	handle(t.sig, count);
	prctl(PR_SET_TIMERSLACK, 1ul);
	start = now();
	for (; t.sent < n; t.sent++) {
		wait_until(start + t.sent * NSEC / rate);
		if (kill(t.pid, t.sig))
			die("kill");
	}
	t.ns = now() - start;
	t.handled = handled;
	tell(&t);
	return 0;
}

static void queue(pid_t pid, int sig, uint64_t n)
{
	union sigval value = { .sival_int = 0 };
	uint64_t i;

	for (i = 0; i < n; i++) {
		value.sival_int = (int)i;
		if (sigqueue(pid, sig, value))
			die("sigqueue");
	}
}

/*
 * How many signals may wait at once: `n` where RLIMIT_SIGPENDING can be raised to it, else
 * what the limit allows, with room for those that others of the same user wait for.
 */
static uint64_t raise_pending_limit(uint64_t n)
{
	struct rlimit limit = { .rlim_cur = n + 1024, .rlim_max = n + 1024 };

	if (!setrlimit(RLIMIT_SIGPENDING, &limit))
		return n;
	if (getrlimit(RLIMIT_SIGPENDING, &limit))
		die("RLIMIT_SIGPENDING");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &limit);
	if (n + 1024 <= limit.rlim_max)
		return n;
	if (limit.rlim_max < 2048) {
		errno = EAGAIN;
		die("RLIMIT_SIGPENDING");
	}
	return limit.rlim_max - 1024;
}

/* Lets what is pending for the caller in: all of it is handled before this returns. */
static void let_in(int sig)
{
	block(SIG_UNBLOCK, sig, NULL);
	block(SIG_BLOCK, sig, NULL);
}

static void burst_child(int sig, uint64_t n)
{
	shared->ready = true;
	while (shared->handled < n) {
		if (shared->stop) {
			shared->stop = false;
			let_in(sig);
			shared->ready = true;
		}
		sched_yield();
	}
	_exit(0);
}

static void queue_all(struct truth *t, uint64_t n, uint64_t room)
{
	uint64_t chunk;

	for (t->sent = 0; t->sent < n; t->sent += chunk) {
		chunk = n - t->sent < room ? n - t->sent : room;
		if (!t->pid2) {
			queue(t->pid, t->sig, chunk);
			let_in(t->sig);
			continue;
		}
		while (!shared->ready)
			sched_yield();
		shared->ready = false;
		queue(t->pid2, t->sig, chunk);
		shared->stop = true;
	}
}

/*
 * `n` real-time signals queued while blocked, then all delivered to a handler at once; in as
 * few rounds of that as RLIMIT_SIGPENDING allows.
 */
static int burst(uint64_t n, bool other)
{
	struct truth t = { .pid = getpid(), .sig = SIGRTMIN + 7 };
	uint64_t start, room;

	share();
	room = raise_pending_limit(n);
	handle(t.sig, count_shared);
	block(SIG_BLOCK, t.sig, NULL);
	if (other) {
		t.pid2 = fork_silent();
		if (!t.pid2)
			burst_child(t.sig, n);
		while (!shared->ready)
			usleep(1000);
	}
	start = now();
	queue_all(&t, n, room);
	if (other)
		waitpid(t.pid2, NULL, __WALL);
	t.ns = now() - start;
	t.handled = shared->handled;
	tell(&t);
	return 0;
}

static int lone(uint64_t idle_ms)
{
	struct truth t = { .pid = getpid(), .sig = SIGUSR1, .sent = 1 };
	uint64_t start;

	handle(t.sig, count);
	wait_until(now() + idle_ms * 1000000);
	start = now();
	if (kill(t.pid, t.sig))
		die("kill");
	t.ns = now() - start;
	t.handled = handled;
	tell(&t);
	return 0;
}

static int usage(void)
{
	fputs("usage: load selfkill N [SECONDS]   a process signals itself\n"
	      "       load pingpong N [SECONDS [CPUS]]   two processes signal each other in turn,\n"
	      "                                   bound to one CPU or two\n"
	      "       load paced RATE N           a process signals itself RATE times a second\n"
	      "       load burst N [other]        N queued real-time signals, to itself or another\n"
	      "       load lone [IDLE_MS]         one signal after an idle time\n",
	      stderr);
	return 2;
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t n = strtoull(s, &end, 10);

	if (*end || end == s || *s == '-')
		exit(usage());
	return n;
}

static uint64_t nanoseconds(const char *s)
{
	return s ? (uint64_t)(strtod(s, NULL) * (double)NSEC) : 0;
}

static int work(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const char *third = argc > 3 ? argv[3] : NULL;

	if (!strcmp(what, "lone"))
		return lone(argc > 2 ? number(argv[2]) : 1000);
	if (argc < 3)
		return usage();
	if (!strcmp(what, "selfkill"))
		return selfkill(number(argv[2]), nanoseconds(third));
	if (!strcmp(what, "pingpong"))
		return pingpong(number(argv[2]), nanoseconds(third),
				argc > 4 ? (int)number(argv[4]) : 0);
	if (!strcmp(what, "burst"))
		return burst(number(argv[2]), third && !strcmp(third, "other"));
	if (!strcmp(what, "paced") && third && number(argv[2]))
		return paced(number(argv[2]), number(third));
	return usage();
}

/*
 * The work is done by a child, as exec() makes SIGCHLD the exit signal of whoever it is called
 * by: the process that was started has one more signal to its name than it sent.
 */
int main(int argc, char **argv)
{
	pid_t pid = fork_silent();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return work(argc, argv);
	}
	if (waitpid(pid, &status, __WALL) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
