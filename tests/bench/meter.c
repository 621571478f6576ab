/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a tracer and measures it; the other half of the benchmark beside load.c.
 *
 *	meter first [options] -- TRACER...  ms from exec to the first line that shows a signal
 *	meter run   [options] -- TRACER...  workloads traced into a file: rate, CPU, memory, loss
 *	meter lone  [options] -- TRACER...  ms until a single signal shows behind a pipe
 *	meter term  [options] -- TRACER...  lines of 1,000 signals seen when ended by SIGTERM
 *	meter once  -l x -o FILE -- COMMAND...  a command run to its end: time, CPU, peak memory
 *
 * The tracer's standard output and error go to the same place, one pipe or one file. It counts
 * as ready when it has shown a signal of a sender that repeats without end (the beacon): no
 * tracer has to say so, and one that holds lines back just takes longer. A line shows a signal
 * of a process when it holds the process's id as a number of its own, and with -m also that
 * text; several -m each count, and the least is taken. Results are lines of key=value pairs.
 *
 * A signal is two events, generate and deliver. How many of them were shown is told apart from
 * the signals, as that is what a tracer's own count of losses is compared with: with -m each
 * line is one, with -e N a line stands for N, and one that holds the text of -x for one less.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MSEC 1000000ull
#define NSEC 1000000000ull
#define WORDS_MAX 16
#define MUSTS_MAX 4
#define WORKLOADS_MAX 8
#define TREE_MAX 64
/* A tracer that shows nothing in this time is given up. */
#define READY_NS (15 * NSEC)
/* How long output must stand still to count as complete. */
#define QUIET_NS (300 * MSEC)

struct options {
	const char *load;                     /* -l: the workload program */
	const char *out;                      /* -o: file for run */
	const char *musts[MUSTS_MAX];         /* -m */
	int n_musts;
	unsigned int events;                  /* -e: events that a line stands for */
	const char *partial;                  /* -x: text of a line that lacks one of them */
	char *workloads[WORKLOADS_MAX];       /* -w: arguments of the workload program */
	int n_workloads;
	bool base;                            /* -b: each workload untraced first */
	uint64_t drain;                       /* -d: seconds that output may go on after a workload */
	int repeats;                          /* -n: lone signals */
	char **tracer;
};

struct text {
	char *p;
	size_t len, room;
};

struct result {
	long pid, pid2;
	double sent, rate;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NSEC), .tv_nsec = (long)(ns % NSEC) };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list args;

	fputs("meter: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void text_add(struct text *t, const char *p, size_t len)
{
	if (t->len + len + 1 > t->room) {
		t->room = (t->len + len + 1) * 2;
		t->p = realloc(t->p, t->room);
		if (!t->p)
			die("out of memory");
	}
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

/* ---- what a line says ---- */

/* Whether `line` holds `number` with no digit on either side. */
static bool has_number(const char *line, size_t len, const char *number)
{
	size_t n = strlen(number);
	const char *end = line + len, *p = line;

	while ((p = memmem(p, (size_t)(end - p), number, n))) {
		bool left = p == line || !isdigit((unsigned char)p[-1]);
		bool right = p + n == end || !isdigit((unsigned char)p[n]);

		if (left && right)
			return true;
		p++;
	}
	return false;
}

static bool has_pid(const char *line, size_t len, long pid)
{
	char number[24];

	if (pid <= 0)
		return false;
	snprintf(number, sizeof(number), "%ld", pid);
	return has_number(line, len, number);
}

static bool has_must(const struct options *o, int i, const char *line, size_t len)
{
	return !o->n_musts || memmem(line, len, o->musts[i], strlen(o->musts[i]));
}

/* The lines that show signals of either process, and the events that they stand for. */
struct count {
	uint64_t lines[MUSTS_MAX], signals, events;
};

static void count_line(const struct options *o, const char *line, size_t len, struct count *c)
{
	int i;

	for (i = 0; i == 0 || i < o->n_musts; i++) {
		if (!has_must(o, i, line, len))
			continue;
		c->lines[i]++;
		c->events += o->events;
	}
	if (o->partial && memmem(line, len, o->partial, strlen(o->partial)))
		c->events--;
}

static struct count count_lines(const struct options *o, const char *p, size_t len, long pid,
				long pid2)
{
	struct count c = { .events = 0 };
	const char *end = p + len, *eol;
	int i;

	for (; p < end && (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1) {
		size_t n = (size_t)(eol - p);

		if (has_pid(p, n, pid) || has_pid(p, n, pid2))
			count_line(o, p, n, &c);
	}
	c.signals = c.lines[0];
	for (i = 1; i < o->n_musts; i++)
		c.signals = c.lines[i] < c.signals ? c.lines[i] : c.signals;
	return c;
}

/* How many events `signals` make for this tracer. */
static uint64_t events_of(const struct options *o, double signals)
{
	return (uint64_t)signals * o->events * (uint64_t)(o->n_musts ? o->n_musts : 1);
}

/* The number that goes with a word like "lost": "Lost 12 events", "lost: 12", "[12 DROPPED]". */
static uint64_t number_at(const char *line, const char *word, size_t word_len)
{
	const char *p = word + word_len;

	if (*p == ':' || *p == '=')
		p++;
	if (*p == ' ' && isdigit((unsigned char)p[1]))
		return strtoull(p + 1, NULL, 10);
	if (isdigit((unsigned char)*p))
		return strtoull(p, NULL, 10);
	for (p = word; p > line && p[-1] != '\n' && !isdigit((unsigned char)p[-1]);)
		p--;
	while (p > line && isdigit((unsigned char)p[-1]))
		p--;
	return isdigit((unsigned char)*p) ? strtoull(p, NULL, 10) : 0;
}

/*
 * What the tracer itself says it lost: the sum over all lines that say so, or with `last`
 * (it counts as it goes and sums up at the end) the last such line.
 */
static uint64_t losses_told(const char *p, size_t len, bool last)
{
	static const char *const words[] = { "lost", "Lost", "LOST", "DROPPED" };
	const char *end = p + len, *eol, *hit;
	uint64_t sum = 0, n;
	size_t i;

	for (; p < end && (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1) {
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			hit = memmem(p, (size_t)(eol - p), words[i], strlen(words[i]));
			if (!hit)
				continue;
			n = number_at(p, hit, strlen(words[i]));
			sum = last ? n : sum + n;
			break;
		}
	}
	return sum;
}

/* ---- processes ---- */

/* fork() whose child ends without a SIGCHLD, which tracers would show. */
static pid_t fork_silent(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);

	if (pid < 0)
		die("clone: %s", strerror(errno));
	return pid;
}

static void nothing(int sig)
{
}

static pid_t spawn(char **argv, int out, int err)
{
	pid_t pid = fork_silent();
	int null;

	if (pid)
		return pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(out >= 0 ? out : null, 1);
	if (err >= 0)
		dup2(err, 2);
	execvp(argv[0], argv);
	fprintf(stderr, "meter: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The tracer that is running, for the way out when something fails. */
static pid_t running;

static void end_running(void)
{
	if (running)
		kill(-running, SIGKILL);
}

static void end_on_signal(int sig)
{
	end_running();
	_exit(128 + sig);
}

static pid_t spawn_load(const struct options *o, const char *arguments, int out)
{
	static char buffer[256];
	char *argv[WORDS_MAX + 1] = { (char *)(uintptr_t)o->load }, *save = NULL;
	int n = 1;

	snprintf(buffer, sizeof(buffer), "%s", arguments);
	argv[n] = strtok_r(buffer, " ", &save);
	while (argv[n] && n < WORDS_MAX - 1)
		argv[++n] = strtok_r(NULL, " ", &save);
	return spawn(argv, out, -1);
}

/* Waits at most `limit` for the process, then ends it; what it used, with its children. */
static bool reap(pid_t pid, uint64_t limit, struct rusage *used)
{
	uint64_t start = now();
	int status;

	while (now() - start < limit) {
		if (wait4(pid, &status, WNOHANG | __WALL, used) == pid)
			return true;
		sleep_ns(5 * MSEC);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	wait4(pid, &status, __WALL, used);
	return false;
}

/* The beacon: a process that signals itself every 100 us until it is ended. */
static pid_t beacon_start(void)
{
	struct timespec next;
	pid_t pid = fork_silent();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1ul);
	signal(SIGUSR1, nothing);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		next.tv_nsec += 100000;
		if (next.tv_nsec >= (long)NSEC) {
			next.tv_nsec -= (long)NSEC;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		kill((pid_t)syscall(SYS_getpid), SIGUSR1);
	}
}

static void beacon_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static double field(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtod(p + strlen(key), NULL) : 0;
}

static void run_load(const struct options *o, const char *arguments, struct result *r)
{
	char text[512] = "";
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	int fds[2], status = 0;

	if (pipe2(fds, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = spawn_load(o, arguments, fds[1]);
	close(fds[1]);
	while (len < sizeof(text) - 1 &&
	       (n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fds[0]);
	waitpid(pid, &status, __WALL);
	if (status)
		die("workload \"%s\" failed", arguments);
	r->pid = (long)field(text, "pid=");
	r->pid2 = (long)field(text, "pid2=");
	r->sent = field(text, " sent=");
	r->rate = field(text, " rate=");
	if (r->sent != field(text, " handled="))
		die("workload \"%s\": sent and handled differ: %s", arguments, text);
}

/* The tracer and what descends from it. */
static int tree_of(pid_t root, pid_t *tree)
{
	pid_t pids[4096], parents[4096];
	int n = 0, found = 1, i, j;
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	while (dir && n < 4096 && (entry = readdir(dir))) {
		char path[300], stat[512], *p;
		ssize_t len;
		int fd;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
		if (fd >= 0)
			close(fd);
		if (len <= 0)
			continue;
		stat[len] = '\0';
		p = strrchr(stat, ')');
		if (p && sscanf(p + 1, " %*c %d", &parents[n]) == 1)
			pids[n++] = (pid_t)atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	tree[0] = root;
	for (i = 0; i < found; i++) {
		for (j = 0; j < n && found < TREE_MAX; j++) {
			if (parents[j] == tree[i])
				tree[found++] = pids[j];
		}
	}
	return found;
}

/* CPU time so far of the tracer and its living descendants, in ms. */
static double cpu_ms(pid_t root)
{
	pid_t tree[TREE_MAX];
	struct timespec ts;
	double sum = 0;
	clockid_t id;
	int n = tree_of(root, tree);

	while (n--) {
		if (!clock_getcpuclockid(tree[n], &id) && !clock_gettime(id, &ts))
			sum += (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
	}
	return sum;
}

/* A line of /proc/PID/status in KiB, summed over the tracer and its descendants. */
static long memory_kib(pid_t root, const char *key)
{
	pid_t tree[TREE_MAX];
	int n = tree_of(root, tree);
	long sum = 0;

	while (n--) {
		char path[64], line[256];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/status", (int)tree[n]);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, key, strlen(key)))
				sum += atol(line + strlen(key));
		}
		if (f)
			fclose(f);
	}
	return sum;
}

static double rusage_ms(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

/* ---- behind a pipe ---- */

struct piped {
	pid_t pid;
	int fd;
	struct text text;
	size_t seen; /* up to where text has been looked through */
	bool ended;
};

static void piped_start(struct piped *p, const struct options *o)
{
	int fds[2];

	memset(p, 0, sizeof(*p));
	if (pipe2(fds, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	p->pid = running = spawn(o->tracer, fds[1], fds[1]);
	p->fd = fds[0];
	close(fds[1]);
}

static void piped_stop(struct piped *p)
{
	kill(p->pid, SIGTERM);
	reap(p->pid, 3 * NSEC, &(struct rusage){ 0 });
	kill(-p->pid, SIGKILL);
	running = 0;
	close(p->fd);
	free(p->text.p);
}

/* Reads what there is, waiting for it until `until` at most. */
static bool piped_read(struct piped *p, uint64_t until)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	static char buffer[65536];
	uint64_t t = now();
	ssize_t n;

	if (poll(&fd, 1, t < until ? (int)((until - t) / MSEC) + 1 : 0) <= 0)
		return false;
	n = read(p->fd, buffer, sizeof(buffer));
	if (n <= 0) {
		p->ended = true;
		return false;
	}
	text_add(&p->text, buffer, (size_t)n);
	return true;
}

/* Whether a new complete line shows a signal of `pid`; all that is there is looked through. */
static bool piped_shows(struct piped *p, const struct options *o, long pid)
{
	struct text *t = &p->text;
	bool shown = false;
	char *eol;

	while (t->len > p->seen && (eol = memchr(t->p + p->seen, '\n', t->len - p->seen))) {
		char *line = t->p + p->seen;
		size_t len = (size_t)(eol - line);

		p->seen += len + 1;
		shown |= has_pid(line, len, pid) && has_must(o, 0, line, len);
	}
	return shown;
}

/* Waits for a line of `pid`; the time it was read, 0 if none came until `until`. */
static uint64_t piped_await(struct piped *p, const struct options *o, long pid, uint64_t until)
{
	while (!p->ended && now() < until) {
		if (piped_read(p, until) && piped_shows(p, o, pid))
			return now();
	}
	return 0;
}

static void piped_drain(struct piped *p)
{
	while (piped_read(p, now() + QUIET_NS))
		;
	p->seen = p->text.len;
}

/* Starts the tracer and waits until it shows the beacon, which then ends. */
static void piped_start_ready(struct piped *p, const struct options *o)
{
	pid_t beacon;
	uint64_t shown;

	piped_start(p, o);
	beacon = beacon_start();
	shown = piped_await(p, o, beacon, now() + READY_NS);
	beacon_end(beacon);
	if (!shown)
		die("%s showed no signal: %.300s", o->tracer[0], p->text.p ? p->text.p : "");
	piped_drain(p);
}

static int first(const struct options *o)
{
	pid_t beacon = beacon_start();
	struct piped p;
	uint64_t start, shown;

	sleep_ns(20 * MSEC);
	start = now();
	piped_start(&p, o);
	shown = piped_await(&p, o, beacon, start + READY_NS);
	beacon_end(beacon);
	if (!shown)
		fprintf(stderr, "meter: %s: %.300s\n", o->tracer[0], p.text.p ? p.text.p : "");
	piped_stop(&p);
	if (!shown)
		return 1;
	printf("first_ms=%.3f\n", (double)(shown - start) / 1e6);
	return 0;
}

/* From exec to the line that a tracer says when all is attached (-x), and what memory that took. */
static int attached(const struct options *o)
{
	struct piped p;
	uint64_t start = now(), until = start + READY_NS;
	bool said = false;

	piped_start(&p, o);
	while (!said && !p.ended && now() < until)
		said = piped_read(&p, until) &&
		       memmem(p.text.p, p.text.len, o->partial, strlen(o->partial));
	if (said)
		printf("attached_ms=%.3f peak_kib=%ld\n", (double)(now() - start) / 1e6,
		       memory_kib(p.pid, "VmHWM:"));
	else
		fprintf(stderr, "meter: %s: %.300s\n", o->tracer[0], p.text.p ? p.text.p : "");
	piped_stop(&p);
	return !said;
}

/* Signals itself once for each byte that it is sent. */
static pid_t beeper_start(int *fd)
{
	int fds[2];
	pid_t pid;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork_silent();
	if (!pid) {
		/* The copy of the writing end must go, or the pipe never ends. */
		close(fds[1]);
		signal(SIGUSR1, nothing);
		while (read(fds[0], &c, 1) == 1)
			kill((pid_t)syscall(SYS_getpid), SIGUSR1);
		_exit(0);
	}
	close(fds[0]);
	*fd = fds[1];
	return pid;
}

/*
 * Lone signals, at uneven distances so that no timer of the tracer is met in step. Three that
 * are not shown within a second end the measurement: the rest would not be either.
 */
static int lone(const struct options *o)
{
	struct piped p;
	pid_t beeper;
	int i, fd, missed = 0;

	piped_start_ready(&p, o);
	beeper = beeper_start(&fd);
	for (i = 0; i < o->repeats && missed < 3; i++) {
		uint64_t start, shown;

		sleep_ns(137 * MSEC + (uint64_t)i * 7919 % 53 * MSEC);
		start = now();
		if (write(fd, "x", 1) != 1)
			die("the sender of lone signals is gone");
		shown = piped_await(&p, o, beeper, start + NSEC);
		missed += !shown;
		printf("lone_ms=%.3f\n", shown ? (double)(shown - start) / 1e6 : 1000.0);
	}
	close(fd);
	waitpid(beeper, NULL, __WALL);
	piped_stop(&p);
	return 0;
}

static int term(const struct options *o)
{
	struct result r;
	struct piped p;
	uint64_t limit;

	piped_start_ready(&p, o);
	run_load(o, "selfkill 1000", &r);
	kill(p.pid, SIGTERM);
	limit = now() + 5 * NSEC;
	while (!p.ended && now() < limit)
		piped_read(&p, limit);
	printf("term_sent=%.0f term_shown=%llu\n", r.sent,
	       (unsigned long long)count_lines(o, p.text.p, p.text.len, r.pid, r.pid2).signals);
	piped_stop(&p);
	return 0;
}

/* ---- into a file ---- */

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_size;
}

/* Until the file has not grown for QUIET_NS, at most `limit`. */
static void await_quiet(int fd, uint64_t limit)
{
	uint64_t start = now(), grown = start;
	off_t size = size_of(fd);

	while (now() - start < limit && now() - grown < QUIET_NS) {
		sleep_ns(20 * MSEC);
		if (size_of(fd) != size) {
			size = size_of(fd);
			grown = now();
		}
	}
}

static void read_from(int fd, off_t from, struct text *t)
{
	static char buffer[1 << 16];
	ssize_t n;

	while ((n = pread(fd, buffer, sizeof(buffer), from)) > 0) {
		text_add(t, buffer, (size_t)n);
		from += n;
	}
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) &&
	       info.si_pid == pid;
}

static void await_ready(const struct options *o, pid_t pid, int fd)
{
	uint64_t limit = now() + READY_NS;
	pid_t beacon = beacon_start();
	struct text t = { 0 };
	bool shown = false;

	while (!shown && now() < limit && !has_ended(pid)) {
		sleep_ns(20 * MSEC);
		t.len = 0;
		read_from(fd, 0, &t);
		shown = t.len && count_lines(o, t.p, t.len, beacon, 0).signals;
	}
	beacon_end(beacon);
	if (!shown)
		die("%s showed no signal: %.300s", o->tracer[0], t.p ? t.p : "");
	free(t.p);
}

/* One workload as it was run; `from` is where the file ended before it. */
struct pass {
	struct result untraced, traced;
	off_t from, to;
	double cpu;
};

/*
 * Lines are looked for up to the end of the file, since a tracer may hold some back until it
 * ends; what it says it lost is taken from the workload's own part.
 */
static void tell_pass(const struct options *o, int i, const struct pass *p, const struct text *t)
{
	size_t from = (size_t)p->from < t->len ? (size_t)p->from : t->len;
	size_t to = (size_t)p->to < t->len ? (size_t)p->to : t->len;
	struct count c;

	c = count_lines(o, t->p + from, t->len - from, p->traced.pid, p->traced.pid2);
	printf("w=%d sent=%.0f base=%.0f rate=%.0f shown=%llu events=%llu of=%llu told=%llu "
	       "cpu_ms=%.2f bytes=%zu\n",
	       i, p->traced.sent, p->untraced.rate, p->traced.rate, (unsigned long long)c.signals,
	       (unsigned long long)c.events, (unsigned long long)events_of(o, p->traced.sent),
	       (unsigned long long)losses_told(t->p + from, to - from, false), p->cpu, to - from);
}

static void tell_memory(pid_t pid, const char *prefix)
{
	printf("%srss_kib=%ld %shwm_kib=%ld %sanon_kib=%ld %sfile_kib=%ld\n", prefix,
	       memory_kib(pid, "VmRSS:"), prefix, memory_kib(pid, "VmHWM:"), prefix,
	       memory_kib(pid, "RssAnon:"), prefix,
	       memory_kib(pid, "RssFile:") + memory_kib(pid, "RssShmem:"));
}

static void trace_load(const struct options *o, int i, pid_t pid, int fd, struct pass *p)
{
	double before = cpu_ms(pid);

	p->from = size_of(fd);
	run_load(o, o->workloads[i], &p->traced);
	await_quiet(fd, o->drain * NSEC);
	p->to = size_of(fd);
	p->cpu = cpu_ms(pid) - before;
}

/* The CPU time of the last workload is that until the tracer's end: it may have held work back. */
static int run(const struct options *o)
{
	struct pass passes[WORKLOADS_MAX] = { 0 }, *last = &passes[o->n_workloads - 1];
	struct rusage used = { 0 };
	struct text t = { 0 };
	double total, before_end;
	bool ended;
	pid_t pid;
	int fd, i;

	for (i = 0; o->base && i < o->n_workloads; i++)
		run_load(o, o->workloads[i], &passes[i].untraced);
	fd = open(o->out, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s: %s", o->out, strerror(errno));
	pid = running = spawn(o->tracer, fd, fd);
	await_ready(o, pid, fd);
	await_quiet(fd, 3 * NSEC);
	tell_memory(pid, "idle_");
	for (i = 0; i < o->n_workloads; i++)
		trace_load(o, i, pid, fd, &passes[i]);
	tell_memory(pid, "");
	before_end = cpu_ms(pid);
	kill(pid, SIGINT);
	ended = reap(pid, 5 * NSEC, &used);
	kill(-pid, SIGKILL);
	running = 0;
	total = rusage_ms(&used);
	last->cpu += total - before_end;
	last->to = size_of(fd);
	read_from(fd, 0, &t);
	for (i = 0; i < o->n_workloads; i++)
		tell_pass(o, i, &passes[i], &t);
	printf("ended=%d total_cpu_ms=%.2f told_last=%llu\n", ended, total,
	       (unsigned long long)losses_told(t.p, t.len, true));
	free(t.p);
	close(fd);
	unlink(o->out);
	return 0;
}

/* ---- a command that is no tracer ---- */

static int once(const struct options *o)
{
	int fd = open(o->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), status;
	struct rusage used;
	uint64_t start = now();
	pid_t pid;

	if (fd < 0)
		die("%s: %s", o->out, strerror(errno));
	pid = spawn(o->tracer, fd, -1);
	if (wait4(pid, &status, __WALL, &used) != pid || status)
		die("%s: ended with status 0x%x", o->tracer[0], status);
	printf("wall_ms=%.2f used_ms=%.2f max_kib=%ld\n", (double)(now() - start) / MSEC,
	       rusage_ms(&used), used.ru_maxrss);
	close(fd);
	unlink(o->out);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .events = 1, .drain = 3, .repeats = 20 };
	const char *mode = argc > 1 ? argv[1] : "";
	int c;

	optind = 2;
	while ((c = getopt(argc, argv, "+l:o:m:e:x:w:bd:n:")) != -1) {
		if (c == 'l')
			o.load = optarg;
		else if (c == 'o')
			o.out = optarg;
		else if (c == 'm' && o.n_musts < MUSTS_MAX)
			o.musts[o.n_musts++] = optarg;
		else if (c == 'e')
			o.events = (unsigned int)atoi(optarg);
		else if (c == 'x')
			o.partial = optarg;
		else if (c == 'w' && o.n_workloads < WORKLOADS_MAX)
			o.workloads[o.n_workloads++] = optarg;
		else if (c == 'b')
			o.base = true;
		else if (c == 'd')
			o.drain = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			o.repeats = atoi(optarg);
		else
			return 2;
	}
	o.tracer = argv + optind;
	if (!o.load || argc <= optind)
		die("usage: meter first|attached|run|lone|term|once -l LOAD [options] -- TRACER...");
	atexit(end_running);
	signal(SIGTERM, end_on_signal);
	signal(SIGINT, end_on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "first"))
		return first(&o);
	if (!strcmp(mode, "attached") && o.partial)
		return attached(&o);
	if (!strcmp(mode, "lone"))
		return lone(&o);
	if (!strcmp(mode, "term"))
		return term(&o);
	if (!strcmp(mode, "once") && o.out)
		return once(&o);
	if (!strcmp(mode, "run") && o.out && o.n_workloads)
		return run(&o);
	die("no such measurement: %s", mode);
}
