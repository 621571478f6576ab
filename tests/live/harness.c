// SPDX-License-Identifier: GPL-2.0
#include "tests/live/harness.h"

#include "compat/caps.h"
#include "tests/gate.h"
#include "tests/live/leftovers.h"
#include "util/strbuf.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>

struct skips *skips;
struct shared *shared;

/* ---- odds and ends ---- */

int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void nap(int us)
{
	struct timespec ts = { .tv_nsec = us * 1000L };

	nanosleep(&ts, NULL);
}

int patience_ms(void)
{
	const char *times = getenv("CK_TIMEOUT_MULTIPLIER");
	double n = times ? strtod(times, NULL) : 1;

	return 10000 * (n > 1 ? n : 1);
}

bool wait_until(bool (*done)(void *arg), void *arg, int ms)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000LL;

	while (!done(arg)) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
		nap(200);
	}
	return true;
}

pid_t gettid_(void)
{
	return syscall(SYS_gettid);
}

char *read_whole(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t cap = 1 << 16, used = 0;
	char *text;
	ssize_t n;

	if (fd < 0)
		return NULL;
	text = malloc(cap);
	while (text && (n = read(fd, text + used, cap - used - 1)) > 0) {
		used += n;
		if (cap - used < 4096)
			text = realloc(text, cap *= 2);
	}
	close(fd);
	if (text)
		text[used] = 0;
	if (len)
		*len = used;
	return text;
}

void own_cmdline(char *text, size_t size)
{
	size_t len;
	char *raw = read_whole("/proc/self/cmdline", &len);

	ck_assert_msg(raw && len && len < size, "/proc/self/cmdline");
	memcpy(text, raw, len);
	text[len - 1] = 0;
	for (size_t i = 0; i < len - 1; i++)
		if (!text[i])
			text[i] = ' ';
	free(raw);
}

int helper_main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "--kill"))
		return kill(atoi(argv[3]), atoi(argv[2])) ? 1 : 0;
	/* The same, and stays for as long as /proc may be asked for its arguments. */
	if (argc >= 4 && !strcmp(argv[1], "--kill-and-stay"))
		return kill(atoi(argv[3]), atoi(argv[2])) || usleep(300000) ? 1 : 0;
	/* Says "ready" (a byte on descriptor argv[2]) and lets a blocked signal in. */
	if (argc >= 4 && !strcmp(argv[1], "--unblock")) {
		sigset_t all;

		if (write(atoi(argv[2]), "r", 1) != 1)
			return 1;
		alarm(atoi(argv[3]));
		if (argc >= 5 && read(atoi(argv[4]), &all, 1) < 0)
			return 1;
		sigemptyset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		for (;;)
			pause();
	}
	return -1;
}

int wait_status(pid_t pid)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + PATIENCE_MS * 1000000LL;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		ck_assert_msg(got == 0, "waitpid(%d): %s", pid, strerror(errno));
		if (now_ns(CLOCK_MONOTONIC) > end) {
			kill(pid, SIGKILL);
			ck_abort_msg("process %d did not end", pid);
		}
		nap(200);
	}
}

void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	if (pthread_create(thread, NULL, fn, arg))
		_exit(101);
}

bool valid_utf8(const char *text, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = s[i];

		n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
		if (!n || i + n > len)
			return false;
		c &= n == 1 ? 0x7f : 0xff >> (n + 1);
		for (size_t k = 1; k < n; k++) {
			if (s[i + k] >> 6 != 2)
				return false;
			c = c << 6 | (s[i + k] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

bool has_controls(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] == 0x7f ||
		    (i + 1 < len && s[i] == 0xc2 && s[i + 1] < 0xa0))
			return true;
	return false;
}

/* ---- skipping ---- */

void skip_test(const char *test, const char *fmt, ...)
{
	unsigned int n = __atomic_fetch_add(&skips->count, 1, __ATOMIC_SEQ_CST);
	size_t len;
	va_list ap;

	if (n < sizeof(skips->at) / sizeof(*skips->at)) {
		snprintf(skips->at[n], sizeof(skips->at[n]), "%s: ", test);
		len = strlen(skips->at[n]);
		va_start(ap, fmt);
		vsnprintf(skips->at[n] + len, sizeof(skips->at[n]) - len, fmt, ap);
		va_end(ap);
	}
	_exit(0);
}

static uint64_t own_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static bool has_cap(int cap)
{
	return own_caps() >> cap & 1;
}

static bool has_bpf(void)
{
	union bpf_attr attr = {};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) >= 0 || errno != ENOSYS;
}

void need_tracing(void)
{
	if (has_bpf())
		need_bpf();
	else if (geteuid())
		skip("needs root");
}

void need_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
				.max_entries = 1 };
	bool able = has_cap(CAP_SYS_ADMIN) || (has_cap(CAP_BPF) && has_cap(CAP_PERFMON));
	int fd, sys;

	if (geteuid())
		skip("needs root");
	allow_locked_memory();
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	sys = errno;
	if (fd >= 0) {
		close(fd);
		return;
	}
	/* A machine that has all this has to do it: then it is the test that fails. */
	if (able && !access("/sys/kernel/btf/vmlinux", R_OK))
		return;
	if (sys == ENOSYS || sys == EPERM)
		skip("bpf(2): %s", strerror(sys));
}

void allow_locked_memory(void)
{
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
}

void need_initial_pids(void)
{
	char link[64] = "";

	/* PROC_PID_INIT_INO, fixed by the kernel. */
	if (readlink("/proc/self/ns/pid", link, sizeof(link) - 1) > 0 &&
	    strcmp(link, "pid:[4026531836]"))
		skip("needs the initial pid namespace, this is %s", link);
}

/* ---- portrace beside the test ---- */

#define EXIT_FORMAT "/sys/kernel/tracing/events/sched/sched_process_exit/format"
#define GROUP_DEAD "\tfield:bool group_dead"

static bool kernel_has_types(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

/* What cannot be read is not known to be missing. */
static bool kernel_tells_group_dead(void)
{
	char *text = read_whole(EXIT_FORMAT, NULL);
	bool tells = !text || strstr(text, GROUP_DEAD);

	free(text);
	return tells;
}

/* PORTRACE_GATE: stored capabilities of the kernel that portrace is to believe it runs on. */
static const char *gate(void)
{
	return getenv("PORTRACE_GATE");
}

bool kernel_has_rings(void)
{
	struct caps caps = { .stored = false };
	struct error err;
	bool has;

	allow_locked_memory();
	if (gate() && gate_read(&caps, gate(), &err)) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	has = caps_map(&caps, BPF_MAP_TYPE_RINGBUF) != CAP_NO;
	caps_fini(&caps);
	return has;
}

static struct {
	const char *names[5];
	int len, transports;
} list; /* of the ways; filled once, before there are children */

static void add_way(const char *name)
{
	list.names[list.len++] = name;
}

static void list_ways(void)
{
	if (list.len)
		return;
	if (!has_bpf() && !gate()) {
		add_way("events");
		list.transports = list.len;
		return;
	}
	if (kernel_has_rings())
		add_way("ring");
	add_way("perf");
	list.transports = list.len;
	if (gate())
		return;
	if (kernel_has_types())
		add_way("tracefs");
	if (kernel_has_types() && kernel_tells_group_dead())
		add_way("older");
	add_way("events");
}

int ways(void)
{
	list_ways();
	return list.len;
}

int transports(void)
{
	list_ways();
	return list.transports;
}

static bool has_way(const char *name)
{
	for (int i = 0; i < ways(); i++)
		if (!strcmp(list.names[i], name))
			return true;
	return false;
}

const char *ways_left_out(void)
{
	static char text[512];
	struct strbuf out = STRBUF(text);

	if (gate())
		strbuf_add(&out, "all but one way: behind the gate of %s; ", gate());
	if (!has_way("perf"))
		return "ring, perf, tracefs, older: this kernel has no BPF (CONFIG_BPF_SYSCALL)";
	if (!has_way("ring"))
		strbuf_add(&out, "ring: no ring buffer (needs 5.8); ");
	if (!gate() && !has_way("tracefs"))
		strbuf_add(&out, "tracefs, older: no types of this kernel's own, so that the others are that; ");
	else if (!gate() && !has_way("older"))
		strbuf_add(&out, "older: this kernel does not tell a process's last thread (needs 6.16), so that "
			   "tracefs is that; ");
	if (out.len)
		text[out.len - 2] = 0;
	return out.len ? text : NULL;
}

const char *transport(int i)
{
	list_ways();
	return list.names[i];
}

bool knows_types(int i)
{
	return i < transports() && kernel_has_types() && !gate();
}

static bool is_older(const struct tracer_setup *setup)
{
	return setup->transport && !strcmp(setup->transport, "older");
}

static bool without_bpf(const struct tracer_setup *setup)
{
	return setup->no_bpf || !has_bpf() ||
	       (setup->transport && !strcmp(setup->transport, "events"));
}

static bool without_types(const struct tracer_setup *setup)
{
	return is_older(setup) || (setup->transport && !strcmp(setup->transport, "tracefs"));
}

bool mount_tracefs(void)
{
	return !mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL) || errno == EBUSY;
}

/* Takes the line of group_dead out of the format of sched_process_exit, for this process. */
static void become_older(void)
{
	char path[64], *text, *line, *end;
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mount_tracefs() ||
	    !(text = read_whole(EXIT_FORMAT, NULL)))
		_exit(126);
	line = strstr(text, GROUP_DEAD);
	end = line ? strchr(line, '\n') : NULL;
	if (end)
		memmove(line, end + 1, strlen(end));
	snprintf(path, sizeof(path), "/dev/shm/portrace-format-%d", getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    mount(path, EXIT_FORMAT, NULL, MS_BIND, NULL))
		_exit(126);
	unlink(path);
	close(fd);
}

static void drop_dispositions(void)
{
	sigset_t none;

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, (uint64_t[8]){}, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void stand_behind_gate(void)
{
	struct error err = { .code = ERROR_NONE };
	int ret = gate() ? gate_enter(gate(), &err) : 0;

	if (!ret)
		return;
	dprintf(2, "gate %s: %s\n", gate(), err.code ? err.message : strerror(-ret));
	_exit(125);
}

static void run_tracer(const struct tracer_setup *setup, char **argv, int exe, int out, int err)
{
	drop_dispositions();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, 1);
	dup2(err, 2);
	if (is_older(setup))
		become_older();
	stand_behind_gate();
	if (setup->prepare)
		setup->prepare(setup->arg);
	fexecve(exe, argv, environ);
	/* What Debian's 5.10 (5.10.223) says of every descriptor. */
	if (errno == ENOENT)
		execv(PORTRACE, argv);
	dprintf(2, "exec %s: %s\n", PORTRACE, strerror(errno));
	_exit(127);
}

/* Counts lines, and those with the mark, from fd in; tells both at its end. */
static void run_counter(int in, int report, const char *mark)
{
	static char buf[1 << 20];
	size_t have = 0, len = mark ? strlen(mark) : 0;
	unsigned long counts[2] = { 0, 0 };
	ssize_t n;

	while ((n = read(in, buf + have, sizeof(buf) - have)) > 0) {
		char *line = buf, *end = buf + have + n, *newline;

		while ((newline = memchr(line, '\n', end - line))) {
			counts[0]++;
			if (len && memmem(line, newline - line, mark, len))
				counts[1]++;
			line = newline + 1;
		}
		have = end - line;
		memmove(buf, line, have);
		if (have == sizeof(buf))
			_exit(1);
	}
	_exit(write(report, counts, sizeof(counts)) != sizeof(counts) || have);
}

static void start_counter(struct tracer *t, int in, const char *mark)
{
	int report[2];

	ck_assert_int_eq(pipe2(report, O_CLOEXEC), 0);
	t->counter = fork();
	if (!t->counter) {
		drop_dispositions();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_counter(in, report[1], mark);
	}
	close(report[1]);
	close(in);
	t->count_fd = report[0];
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* Without programs there is nothing to ask the kernel about an event. */
static int opened(pid_t pid, int fd)
{
	return 3;
}

/* BPF_TASK_FD_QUERY, since Linux 4.18: of a descriptor that is none it says so. */
static bool answers_about_events(void)
{
	union bpf_attr attr = { .task_fd_query = { .pid = getpid(), .fd = -1 } };

	return syscall(SYS_bpf, BPF_TASK_FD_QUERY, &attr, sizeof(attr)) == 0 || errno != EINVAL;
}

/* Is the descriptor of that process a tracepoint's event with a program attached? 1 for
 * signal_generate, 2 for signal_deliver, else 0. */
static int attached(pid_t pid, int fd)
{
	char name[64] = "";
	union bpf_attr attr = { .task_fd_query = { .pid = pid, .fd = fd, .buf_len = sizeof(name),
						   .buf = (uintptr_t)name } };

	if (syscall(SYS_bpf, BPF_TASK_FD_QUERY, &attr, sizeof(attr)) < 0 ||
	    attr.task_fd_query.fd_type != BPF_FD_TYPE_TRACEPOINT)
		return 0;
	if (!strcmp(name, "signal_generate"))
		return 1;
	return !strcmp(name, "signal_deliver") ? 2 : 0;
}

/*
 * It is tracing when both signal tracepoints have their programs and it sleeps, as only the main loop
 * does: on its way there it waits for nothing but what a signal does not interrupt ("D"). (Which
 * system call it is in, /proc does not tell on 32-bit ARM before 5.15.)
 */
static bool sleeps(pid_t pid)
{
	char path[64], *text, *state;
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = read_whole(path, NULL);
	if (!text)
		return false;
	state = strrchr(text, ')');
	found = state && !strncmp(state, ") S", 3);
	free(text);
	return found;
}

static bool is_tracing(void *arg)
{
	struct tracer *t = arg;
	char path[64];
	int seen = 0;

	if (has_ended(t->pid))
		return true;
	if (!sleeps(t->pid))
		return false;
	for (int fd = 0; fd < 256 && seen != 3; fd++) {
		char link[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->pid, fd);
		if (readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, "perf_event"))
			seen |= t->seen_in(t->pid, fd);
	}
	return seen == 3;
}

static void read_errors(struct tracer *t)
{
	ssize_t n = pread(t->err, t->errors, sizeof(t->errors) - 1, 0);

	t->errors[n > 0 ? n : 0] = 0;
}

static size_t collect_args(char **argv, const struct tracer_setup *setup, va_list ap)
{
	size_t n = 0;
	char *arg;

	argv[n++] = (char *)"portrace";
	if (!setup->text)
		argv[n++] = (char *)"--json";
	if (without_types(setup)) {
		argv[n++] = (char *)"--types";
		argv[n++] = (char *)"tracefs";
	} else if (setup->transport) {
		argv[n++] = (char *)"--transport";
		argv[n++] = (char *)setup->transport;
	}
	while ((arg = va_arg(ap, char *)) && n < 31)
		argv[n++] = arg;
	argv[n] = NULL;
	return n;
}

static int open_output(struct tracer *t, const struct tracer_setup *setup)
{
	int ends[2];

	if (setup->out_fd > 0) {
		t->out = -1;
		return fcntl(setup->out_fd, F_DUPFD_CLOEXEC, 0);
	}
	if (setup->output == OUTPUT_FILE) {
		t->out = memfd_create("output", MFD_CLOEXEC);
		return fcntl(t->out, F_DUPFD_CLOEXEC, 0);
	}
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
	t->out = ends[0];
	return ends[1];
}

void tracer_start_with(struct tracer *t, const struct tracer_setup *setup, ...)
{
	char *argv[32];
	int exe, out;
	va_list ap;

	if (!setup->no_wait)
		need_tracing();
	memset(t, 0, sizeof(*t));
	va_start(ap, setup);
	collect_args(argv, setup, ap);
	va_end(ap);
	t->output = setup->output;
	t->text = setup->text;
	t->seen_in = without_bpf(setup) || !answers_about_events() ? opened : attached;
	t->count_fd = -1;
	exe = open(PORTRACE, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(exe >= 0, "%s: %s", PORTRACE, strerror(errno));
	out = open_output(t, setup);
	t->err = memfd_create("errors", MFD_CLOEXEC);
	t->pid = fork();
	ck_assert_int_ge(t->pid, 0);
	if (!t->pid)
		run_tracer(setup, argv, exe, out, t->err);
	close(exe);
	close(out);
	if (setup->output == OUTPUT_COUNT) {
		start_counter(t, t->out, setup->count_mark);
		t->out = -1;
	}
	if (setup->no_wait)
		return;
	ck_assert_msg(wait_until(is_tracing, t, PATIENCE_MS), "portrace does not begin to trace");
	if (has_ended(t->pid)) {
		read_errors(t);
		ck_abort_msg("portrace ended before it traced: %s", t->errors);
	}
}

bool tracer_read(struct tracer *t, int ms)
{
	struct pollfd pfd = { .fd = t->out, .events = POLLIN };
	ssize_t n;

	if (t->ended || t->out < 0)
		return false;
	if (t->cap - t->len < 1 << 16) {
		t->cap = t->cap ? t->cap * 2 : 1 << 20;
		t->data = realloc(t->data, t->cap);
		ck_assert_ptr_nonnull(t->data);
	}
	if (t->output == OUTPUT_PIPE && poll(&pfd, 1, ms) <= 0)
		return true;
	n = t->output == OUTPUT_FILE ? pread(t->out, t->data + t->len, t->cap - t->len - 1, t->len)
				     : read(t->out, t->data + t->len, t->cap - t->len - 1);
	if (n <= 0)
		return !(t->ended = true);
	t->len += n;
	t->data[t->len] = 0;
	return true;
}

static void take_counts(struct tracer *t)
{
	unsigned long counts[2] = { 0, 0 };

	ck_assert_int_eq(wait_status(t->counter), 0);
	ck_assert_int_eq(read(t->count_fd, counts, sizeof(counts)), sizeof(counts));
	close(t->count_fd);
	t->lines = counts[0];
	t->marked = counts[1];
}

void parse_events(struct tracer *t);

void tracer_finish_within(struct tracer *t, int ms)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + ms * 1000000LL;

	for (;;) {
		if (t->output == OUTPUT_PIPE)
			tracer_read(t, t->ended || t->out < 0 ? 0 : 1);
		if (waitpid(t->pid, &t->status, WNOHANG) == t->pid)
			break;
		if (now_ns(CLOCK_MONOTONIC) > end) {
			kill(t->pid, SIGKILL);
			read_errors(t);
			ck_abort_msg("portrace did not end; it said: %s", t->errors);
		}
		if (t->ended || t->output != OUTPUT_PIPE)
			nap(500);
	}
	while (tracer_read(t, 100))
		;
	if (t->output == OUTPUT_COUNT)
		take_counts(t);
	read_errors(t);
	close(t->out);
	close(t->err);
	if (!t->text && t->len)
		parse_events(t);
}

void tracer_finish(struct tracer *t)
{
	tracer_finish_within(t, PATIENCE_MS);
}

void tracer_stop(struct tracer *t, int sig)
{
	kill(t->pid, sig);
	tracer_finish(t);
}

int tracer_exit_code(const struct tracer *t)
{
	ck_assert_msg(WIFEXITED(t->status), "portrace ended by signal %d: %s",
		      WTERMSIG(t->status), t->errors);
	return WEXITSTATUS(t->status);
}

/* "portrace: 12 signals seen, 10 shown, 0 lost" */
long long tracer_summary(const struct tracer *t, const char *word)
{
	const char *line = strstr(t->errors, " seen, ");
	long long seen, shown, lost;

	while (line && line > t->errors && line[-1] != '\n')
		line--;
	if (!line || sscanf(line, "portrace: %lld signals seen, %lld shown, %lld lost", &seen,
			    &shown, &lost) != 3)
		return -1;
	return !strcmp(word, "seen") ? seen : !strcmp(word, "shown") ? shown : lost;
}

size_t tracer_find(const struct tracer *t, pid_t target, int sig, struct event **found,
		   size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct event *e = &t->events[i];

		if ((target && e->target.pid != target) || (sig && e->signo != sig))
			continue;
		if (n < max)
			found[n] = e;
		n++;
	}
	return n;
}

size_t count_events(const struct tracer *t, pid_t target, int sig)
{
	return tracer_find(t, target, sig, NULL, 0);
}

struct event *tracer_only(const struct tracer *t, pid_t target, int sig)
{
	struct event *found[2] = { t->events, t->events + 1 };
	size_t n = tracer_find(t, target, sig, found, 2);

	ck_assert_msg(n == 1, "%zu objects with target %d, signal %d, of %zu\n  %s\n  %s", n,
		      target, sig, t->count, t->count ? found[0]->line : "",
		      t->count > 1 ? found[1]->line : "");
	return found[0];
}

void expect_string(const struct event *e, const char *what, const char *got,
		   const char *expected)
{
	ck_assert_msg(!strcmp(got, expected), "%s: got %s, expected %s in\n  %s", what, got,
		      expected, e->line);
}

void expect_delivered(const struct event *e, const char *action)
{
	ck_assert_msg(e->delivered, "not delivered:\n  %s", e->line);
	expect_string(e, "action", e->action, action);
	expect_string(e, "reason", e->reason, "null");
	ck_assert_msg(e->latency > 0 && e->latency < 5000000000LL, "latency in\n  %s", e->line);
}

void expect_ends(const struct event *e, const char *ends)
{
	expect_string(e, "result", e->result, "delivered");
	expect_delivered(e, "default");
	expect_string(e, "ends", e->ends, ends);
}

void expect_undelivered(const struct event *e, const char *result, const char *reason)
{
	ck_assert_msg(!e->delivered, "delivered:\n  %s", e->line);
	expect_string(e, "result", e->result, result);
	expect_string(e, "reason", e->reason, reason);
	expect_string(e, "ends", e->ends, "null");
	ck_assert_msg(e->latency == -1, "latency in\n  %s", e->line);
}

void expect_sender(const struct event *e, pid_t pid)
{
	ck_assert_msg(e->has_sender && e->sender.pid == pid && !e->sender.kernel,
		      "sender: expected %d in\n  %s", pid, e->line);
}

void expect_kernel(const struct event *e, const char *code)
{
	ck_assert_msg(e->has_sender && e->sender.kernel, "not from the kernel:\n  %s", e->line);
	expect_string(e, "code", e->code, code);
}

/* ---- actors ---- */

static int own_to = -1, own_from = -1;

void say(void)
{
	while (write(own_from, "w", 1) < 0 && errno == EINTR)
		;
}

bool hear(void)
{
	char c;
	ssize_t n;

	while ((n = read(own_to, &c, 1)) < 0 && errno == EINTR)
		;
	return n == 1;
}

int idle(void)
{
	say();
	while (hear())
		say();
	return 0;
}

/* The test's ends of all actors' pipes: one actor must not hold another's open. */
static int test_ends[64];

static void keep_end(int fd, bool open)
{
	for (size_t i = 0; i < sizeof(test_ends) / sizeof(*test_ends); i++)
		if (test_ends[i] == (open ? 0 : fd)) {
			test_ends[i] = open ? fd : 0;
			return;
		}
}

static void close_end(int fd)
{
	keep_end(fd, false);
	close(fd);
}

static void close_ends(void)
{
	for (size_t i = 0; i < sizeof(test_ends) / sizeof(*test_ends); i++)
		if (test_ends[i])
			close(test_ends[i]);
}

void actor_start_silent(struct actor *a, actor_fn *fn, void *arg)
{
	int to[2], from[2];

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	a->pid = fork();
	ck_assert_int_ge(a->pid, 0);
	if (!a->pid) {
		drop_dispositions();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		own_to = to[0];
		own_from = from[1];
		close_ends();
		close(to[1]);
		close(from[0]);
		_exit(fn(arg));
	}
	close(to[0]);
	close(from[1]);
	a->to = to[1];
	a->from = from[0];
	keep_end(a->to, true);
	keep_end(a->from, true);
}

void actor_start(struct actor *a, actor_fn *fn, void *arg)
{
	actor_start_silent(a, fn, arg);
	actor_wait(a);
}

void actor_go(struct actor *a)
{
	ck_assert_int_eq(write(a->to, "g", 1), 1);
}

void actor_wait(struct actor *a)
{
	struct pollfd pfd = { .fd = a->from, .events = POLLIN };
	char c;

	ck_assert_msg(poll(&pfd, 1, PATIENCE_MS) == 1, "the actor is silent");
	ck_assert_msg(read(a->from, &c, 1) == 1, "the actor is gone");
}

void actor_step(struct actor *a)
{
	actor_go(a);
	actor_wait(a);
}

int actor_join(struct actor *a)
{
	int status = wait_status(a->pid);

	close_end(a->to);
	close_end(a->from);
	return status;
}

int actor_end(struct actor *a)
{
	int status;

	close_end(a->to);
	status = wait_status(a->pid);
	close_end(a->from);
	return status;
}

void note(int sig, siginfo_t *info, void *ctx)
{
	int n = __atomic_fetch_add(&shared->ints[63], 1, __ATOMIC_SEQ_CST);

	if (n < NOTED_MAX)
		shared->noted[n] = (struct noted){ .sig = sig, .code = info->si_code,
						   .value = info->si_value.sival_int,
						   .pid = info->si_pid, .tid = gettid_() };
	/* Seen by the waiting test only when the note is whole. */
	__atomic_fetch_add(&shared->handled, 1, __ATOMIC_SEQ_CST);
}

void handle(int sig)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void set_mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(how, &set, NULL);
}

void block(int sig)
{
	set_mask(SIG_BLOCK, sig);
}

void unblock(int sig)
{
	set_mask(SIG_UNBLOCK, sig);
}

static bool enough_handled(void *arg)
{
	return __atomic_load_n(&shared->handled, __ATOMIC_SEQ_CST) >= *(int *)arg;
}

void wait_handled(int n)
{
	ck_assert_msg(wait_until(enough_handled, &n, PATIENCE_MS), "%d handled of %d",
		      shared->handled, n);
}

int actor_handles(void *arg)
{
	for (int *sig = arg; *sig; sig++)
		handle(*sig);
	return idle();
}

int actor_ignores(void *arg)
{
	for (int *sig = arg; *sig; sig++)
		signal(*sig, SIG_IGN);
	return idle();
}

int actor_plain(void *arg)
{
	return idle();
}

/* Handles and blocks; the first command lets them all in. */
int actor_blocks(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	for (int *sig = arg; *sig; sig++) {
		handle(*sig);
		sigaddset(&set, *sig);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	say();
	if (!hear())
		return 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return idle();
}

static void clean_shared(void)
{
	memset(shared, 0, sizeof(*shared));
}

/* Runs in the parent, once all of the case's tests are over. */
static void check_leftovers(void)
{
	leftovers_check(tcase_name() ? tcase_name() : "a test case");
}

TCase *live_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, leftovers_note, check_leftovers);
	tcase_add_checked_fixture(tc, clean_shared, NULL);
	suite_add_tcase(suite, tc);
	return tc;
}
