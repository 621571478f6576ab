/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_HARNESS_H
#define TESTS_LIVE_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The live tests' tools: a portrace that runs beside the test, actors (child processes that
 * send and receive by command, so that the test knows the truth), and the printed objects,
 * parsed strictly. Every wait is bounded; a test that runs out of patience fails.
 */

#ifndef PORTRACE
#define PORTRACE "build/portrace"
#endif

/* Ten seconds, times CK_TIMEOUT_MULTIPLIER as Check's own limits, which emulators take. */
#define PATIENCE_MS patience_ms()
int patience_ms(void);
#define NOBODY 65534
#define OTHER_UID 54321

/* ---- skipping: the reason is printed and counted by main.c ---- */

struct skips {
	unsigned int count;
	char at[256][160];
};

extern struct skips *skips; /* shared with the forked tests */

/* Ends the running test as skipped. Before it runs, only the file is known. */
#define skip(...) skip_test(tcase_name() ? tcase_name() : __FILE__, __VA_ARGS__)
void skip_test(const char *test, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* Skips where this kernel or this user rules BPF out; returns where it has to work. */
void need_bpf(void);
/* The same for tracing in any way: without BPF it is done by perf events. */
void need_tracing(void);
/* In the caller's mount namespace, at its usual place; it may be there already. */
bool mount_tracefs(void);
/* Before Linux 5.11 maps count as such. The tracer asks for it itself, the loader does not. */
void allow_locked_memory(void);
/* Skips where process ids here are not those of the initial pid namespace. */
void need_initial_pids(void);

/* ---- portrace beside the test ---- */

enum output { OUTPUT_PIPE, OUTPUT_FILE, OUTPUT_COUNT };

struct party_seen {
	long pid, tid, uid; /* -1: null */
	const char *comm, *cmdline;
	bool kernel;
};

/* One line of --json. Strings are "null" where the value is null. */
struct event {
	const char *line;
	const char *time, *signal, *code, *result, *action, *reason, *ends;
	int signo;
	bool delivered, group;
	long long latency; /* ns, -1: null */
	struct party_seen sender, target;
	bool has_sender;
};

struct tracer_setup {
	const char *transport;       /* of transport(); NULL: no option says */
	bool text;                   /* no --json */
	enum output output;
	const char *count_mark;      /* OUTPUT_COUNT: lines that hold this are counted apart */
	int out_fd;                  /* > 0: standard output goes there, unseen by the tracer */
	void (*prepare)(void *arg);  /* in the child, before exec */
	void *arg;
	bool no_bpf;                 /* it is expected to do without */
	bool no_wait;                /* it is not expected to come as far as tracing */
};

struct tracer {
	pid_t pid;
	int out, err;
	int count_fd; /* OUTPUT_COUNT: the counter's report */
	pid_t counter;
	enum output output;
	bool text, ended;
	int (*seen_in)(pid_t pid, int fd); /* bits of the signal tracepoints that the event is on */
	char *data; /* all of its standard output so far */
	size_t len, cap;
	char errors[32768]; /* standard error, after the end */
	int status;         /* as of wait(2), after the end */
	struct event *events;
	size_t count;
	unsigned long lines, marked; /* OUTPUT_COUNT */
};

/*
 * How the tracer works: ring, perf, and without the kernel's own types: tracefs, and older, which
 * is tracefs of a kernel that does not say whether a thread was its process's last (before 6.16).
 * A kernel without types of its own, or that says no such thing, has no use for these two: there
 * the first ones are that already. ways_left_out() says so, or returns NULL. The last way is events,
 * without BPF; a kernel that has none has no other.
 */
#define TRANSPORTS transports()
#define WAYS ways()
int ways(void);
int transports(void);
bool kernel_has_rings(void);
/* PORTRACE_GATE=FILE: portrace runs behind a gate (tests/gate.h), in the one way left there. */
const char *ways_left_out(void);
/* The same for this process and all that it makes, where PORTRACE_GATE says so. */
void stand_behind_gate(void);
const char *transport(int i);
/* Without the kernel's types a few things cannot be known; tests that bear with it say why. */
bool knows_types(int i);

/* The arguments after setup are strings, ended by NULL. Returns when it is tracing. */
void tracer_start_with(struct tracer *t, const struct tracer_setup *setup, ...);
#define tracer_start(t, transport_name, ...) \
	tracer_start_with((t), &(struct tracer_setup){ .transport = (transport_name) }, \
			  ##__VA_ARGS__, NULL)
/* Sends it the signal, then tracer_finish. */
void tracer_stop(struct tracer *t, int sig);
/* Reads all that is left, waits for the end, parses. Fails after PATIENCE_MS times factor. */
void tracer_finish_within(struct tracer *t, int ms);
void tracer_finish(struct tracer *t);
/* Reads what is there, waiting at most ms for it. False at the end of the output. */
bool tracer_read(struct tracer *t, int ms);
int tracer_exit_code(const struct tracer *t);
/* The number before the word in the summary on standard error; -1 where there is none. */
long long tracer_summary(const struct tracer *t, const char *word);
/* Up to max events with the target process (0: any) and signal (0: any), in printed order. */
size_t tracer_find(const struct tracer *t, pid_t target, int sig, struct event **found,
		   size_t max);
size_t count_events(const struct tracer *t, pid_t target, int sig);
/* The one event there is; fails on none or several. */
struct event *tracer_only(const struct tracer *t, pid_t target, int sig);

void expect_delivered(const struct event *e, const char *action);
void expect_ends(const struct event *e, const char *ends);
void expect_undelivered(const struct event *e, const char *result, const char *reason);
void expect_sender(const struct event *e, pid_t pid);
void expect_kernel(const struct event *e, const char *code);
void expect_string(const struct event *e, const char *what, const char *got,
		   const char *expected);
bool valid_utf8(const char *text, size_t len);
/* C0, DEL or C1 (as UTF-8), which a terminal might obey. */
bool has_controls(const char *text, size_t len);

/* ---- actors ---- */

struct noted {
	int sig, code, value;
	pid_t pid, tid; /* si_pid, and the thread that the handler ran in */
};

#define NOTED_MAX 4096

/* Shared by a test and its actors. */
struct shared {
	int handled; /* of noted[], counted also beyond its end */
	struct noted noted[NOTED_MAX];
	int ints[64];
	int64_t times[16];
};

extern struct shared *shared;

struct actor {
	pid_t pid;
	int to, from;
};

typedef int actor_fn(void *arg);

/* Forks a child with default dispositions and an empty mask that runs fn and exits with what
 * it returns. It returns when the child says its first word. */
void actor_start(struct actor *a, actor_fn *fn, void *arg);
void actor_start_silent(struct actor *a, actor_fn *fn, void *arg);
/* In the test: give the actor the next command; wait for its next word. */
void actor_go(struct actor *a);
void actor_wait(struct actor *a);
void actor_step(struct actor *a); /* both */
/* Waits until it is gone; returns its status as of wait(2). */
int actor_join(struct actor *a);
/* Closes its command pipe, so that it ends, and joins. */
int actor_end(struct actor *a);
/* In the actor: say a word; wait for a command (false: end). Interrupted by no signal. */
void say(void);
bool hear(void);
/* In the actor: hears until the end. */
int idle(void);

/* Handler that notes what came, in shared->noted. */
void note(int sig, siginfo_t *info, void *ctx);
void handle(int sig); /* installs note() with a full mask */
void block(int sig);
void unblock(int sig);
void wait_handled(int n);
pid_t gettid_(void);

int wait_status(pid_t pid); /* bounded waitpid */
bool wait_until(bool (*done)(void *arg), void *arg, int ms);
void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg);

/* Common actors. arg is an array of signal numbers ended by 0. */
actor_fn actor_handles, actor_ignores, actor_plain, actor_blocks;

/* ---- odds and ends ---- */

int64_t now_ns(clockid_t clock);
void own_cmdline(char *text, size_t size); /* /proc/self/cmdline, joined by blanks */
/* Path of this test program, which sends when started as: NAME --kill SIGNO PID ... */
#define SELF "/proc/self/exe"
int helper_main(int argc, char **argv);
/* The whole file, NUL-terminated, on the heap; NULL where it cannot be read. */
char *read_whole(const char *path, size_t *len);

/* A test case with a clean `shared` for each test, and time enough. */
TCase *live_case(Suite *suite, const char *name);
#define loop_both(tc, f) tcase_add_loop_test((tc), (f), 0, TRANSPORTS)
/* The way without BPF, which is the last. */
#define loop_events(tc, f) tcase_add_loop_test((tc), (f), WAYS - 1, WAYS)
#define loop_all(tc, f) tcase_add_loop_test((tc), (f), 0, WAYS)

#endif
