// SPDX-License-Identifier: GPL-2.0
/*
 *	lowered ROUNDS [CAPS...]
 *
 * What lowering costs: the same programs, as compiled and lowered, on the kernel at hand. Those of
 * the signal tracer run on real signals and the kernel's statistics tell the time (BPF_ENABLE_STATS,
 * Linux 5.8); those of the corpus are run over and over by BPF_PROG_TEST_RUN. All are lowered with
 * the kernel's own types at hand, so that what they do is the same; CAPS are stored answers of older
 * kernels. A round measures each once, in turn. Lines for report.awk:
 *
 *	lowered signal_generate 214 181.3 as compiled
 *
 * are program, instructions, ns a run, and how it was lowered: "nothing" is a program that just
 * returns, what the measuring itself takes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/caps.h"
#include "cli/object_file.h"
#include "cli/tracer.h"
#include "compat/insn.h"
#include "compat/prepare.h"
#include "loader/attach.h"
#include "util/sys.h"

#define SIGNALS 20000 /* a round; no more than the buffers take, as nobody reads meanwhile */
#define RING_SIZE (16u << 20)
#define PERF_SIZE (8u << 20) /* a CPU */
#define REPEAT 200000
/* Parts of it, the best of which counts: what else happens on a machine only adds. */
#define TURNS 10
#define SUBJECTS 24
#define LACKS_MAX 8
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* What the kernel lacks that a program is lowered for; or its stored answers. */
struct lack {
	const char *words;
	bool ring; /* BPF_MAP_TYPE_RINGBUF */
	int count; /* of caps */
	enum cap caps[LACKS_MAX];
	const char *file;
};

static const struct lack as_compiled = { .words = "as compiled" };
static const struct lack nothing = { .words = "nothing" };
static const struct lack signal_lacks[] = {
	{ .words = "no ring buffer", .ring = true },
	{ .words = "no global data", .count = 1, .caps = { CAP_GLOBAL_DATA } },
};

/* Of the corpus, by the test run: what each was written for. */
static const struct run {
	const char *object, *program;
	struct lack lack;
} runs[] = {
	{ "default-3/functions", "run",
	  { "no functions: inlined", .count = 1, .caps = { CAP_CALLS } } },
	{ "default-3/loops", "run", { "no loops: unrolled", .count = 1, .caps = { CAP_LOOPS } } },
	{ "newest-4/arith", "compute", { "instruction set v4 to v1", .count = 8,
	    .caps = { CAP_JLT, CAP_JMP32, CAP_ALU32, CAP_MOVSX, CAP_LDSX, CAP_BSWAP, CAP_SDIV,
		      CAP_GOTOL } } },
};

/* Of the signal tracer; its programs are called like the events. */
static const char *const events[] = { "signal_generate", "signal_deliver" };

struct subject {
	const char *title; /* of what comes from the corpus */
	const char *words;
	struct object obj;
	struct loaded loaded;
	struct reader *reader; /* of the signal tracer's; NULL: nothing is sent */
};

static struct error err;

static void die(const char *what)
{
	fprintf(stderr, "lowered: %s: %s\n", what, err.message);
	exit(1);
}

/* Of a system call. */
static int check(int ret, const char *what)
{
	if (ret < 0) {
		error_system(&err, -ret, "bpf(2)");
		die(what);
	}
	return ret;
}

/* ---- making them ---- */

static void caps_lacking(struct caps *caps, const struct lack *lack)
{
	if (lack->file) {
		if (caps_open(caps, lack->file, &err))
			die("stored answers");
		return;
	}
	caps->stored = true;
	for (int i = 0; i < CAP_COUNT; i++)
		caps->at[i].answer = CAP_YES;
	for (int i = 0; i < CAPS_TYPES; i++)
		caps->maps[i].answer = caps->programs[i].answer = CAP_YES;
	for (int i = 0; i < lack->count; i++)
		caps->at[lack->caps[i]] = (struct cap_answer){ CAP_NO, EINVAL };
	if (lack->ring)
		caps->maps[BPF_MAP_TYPE_RINGBUF] = (struct cap_answer){ CAP_NO, EINVAL };
}

static bool is_measured(const struct program *prog)
{
	for (int i = 0; i < COUNT(events); i++)
		if (!strcmp(prog->name, events[i]))
			return true;
	return false;
}

static void load_lowered(struct subject *s, const struct lack *lack, const struct options *tracing)
{
	struct types_request request = { .obj = &s->obj };
	struct lower_options options = { .transport = TRANSPORT_AUTO };
	struct load_options load_options = { .names = false };
	struct caps caps = { .stored = false };
	struct plan plan = { .steps = { NULL } };
	struct tracer_left left;
	struct types types;

	s->words = lack->words;
	caps_lacking(&caps, lack);
	if (types_open(&types, &request, &err) ||
	    (tracing && tracer_suit(&s->obj, tracing, &types.btf, &caps, options.transport, &left,
				    &err)))
		die(s->obj.name);
	for (size_t i = 0; tracing && i < s->obj.programs.len; i++)
		s->obj.programs.at[i].autoload = is_measured(&s->obj.programs.at[i]);
	if (prepare(&s->obj, &types, &caps, &options, &plan, &err) ||
	    load(&s->loaded, &s->obj, &load_options, &err))
		die(s->words);
	types_fini(&types);
	plan_fini(&plan);
	caps_fini(&caps);
}

static void add_nothing(struct object *obj, const char *name, const char *section)
{
	struct program *prog = vec_push(&obj->programs);
	struct bpf_insn *insns = prog ? vec_add(&prog->insns, 2) : NULL;
	struct func *func = insns ? vec_push(&prog->funcs) : NULL;

	if (!func)
		exit(1);
	*func = (struct func){ .insn = 0, .name = name };
	insns[0] = INSN_MOV_IMM(BPF_REG_0, 1);
	insns[1] = INSN_EXIT();
	prog->name = name;
	prog->section = section;
	prog->kind = section_kind(section);
	prog->target = section_target(section);
	prog->autoload = true;
}

static void load_nothing(struct subject *s)
{
	struct load_options options = { .names = false };

	s->words = nothing.words;
	s->obj.name = nothing.words;
	s->obj.license = "GPL";
	if (load(&s->loaded, &s->obj, &options, &err))
		die(s->words);
}

static void open_reader(struct subject *s)
{
	int fd = loaded_map_fd(&s->loaded, "events");
	bool ring = object_map(&s->obj, "events")->type == BPF_MAP_TYPE_RINGBUF;

	if (ring ? reader_new_ring(&s->reader, fd, RING_SIZE, &err)
		 : reader_new_perf(&s->reader, fd, PERF_SIZE, &err))
		die(s->words);
}

static void make_signal(struct subject *s, const struct lack *lack)
{
	struct options tracing = { .signals = ALL_SIGNALS };

	if (lack == &nothing) {
		add_nothing(&s->obj, events[0], "tracepoint/signal/signal_generate");
		add_nothing(&s->obj, events[1], "tracepoint/signal/signal_deliver");
		load_nothing(s);
		return;
	}
	if (tracer_object(&s->obj, &tracing, &err))
		die("signal tracer");
	object_map(&s->obj, "events")->max_entries = RING_SIZE;
	load_lowered(s, lack, &tracing);
	open_reader(s);
}

static void make_run(struct subject *s, const struct run *run, const struct lack *lack)
{
	char path[512];

	s->title = strchr(run->object, '/') + 1;
	if (lack == &nothing) {
		add_nothing(&s->obj, run->program, "tc");
		load_nothing(s);
		return;
	}
	snprintf(path, sizeof(path), "%s/corpus/%s.bpf.o", FIXTURES, run->object);
	if (object_file_open(&s->obj, path, &err))
		die(run->object);
	load_lowered(s, lack, NULL);
}

/* ---- measuring ---- */

static void tell(const struct subject *s, const char *title, const struct program *prog, double ns)
{
	printf("lowered %s %zu %.2f %s\n", title, prog->insns.len, ns, s->words);
}

static struct bpf_prog_info statistics(const struct subject *s, const char *program)
{
	struct bpf_prog_info info = { .type = 0 };
	union bpf_attr attr = {
		.info = {
			.bpf_fd = loaded_prog_fd(&s->loaded, program),
			.info_len = sizeof(info), .info = (uintptr_t)&info,
		},
	};

	check(sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)), program);
	return info;
}

static int attach(const struct subject *s, const char *event, const struct tracefs *tracefs)
{
	int id = tracefs_event_id(tracefs, "signal", event, &err), link = -1;

	if (id >= 0)
		link = attach_tracepoint(loaded_prog_fd(&s->loaded, event), id, event, &err);
	if (link < 0)
		die(event);
	return link;
}

static void send_signals(int count)
{
	while (count--)
		kill(getpid(), SIGUSR1);
}

static void drop(void *ctx, const void *record, size_t size)
{
}

/* The kernel keeps them for as long as this is open. */
static int enable_statistics(void)
{
	union bpf_attr attr = { .enable_stats.type = BPF_STATS_RUN_TIME };

	return check(sys_bpf(BPF_ENABLE_STATS, &attr, sizeof(attr)),
		     "BPF_ENABLE_STATS (since Linux 5.8)");
}

/* ns a run of each program over `count` signals, if less than what is there; 0: nothing is. */
static void time_signals(const struct subject *s, int count, double *best)
{
	struct bpf_prog_info before[COUNT(events)], after;
	double ns;

	for (int i = 0; i < COUNT(events); i++)
		before[i] = statistics(s, events[i]);
	send_signals(count);
	for (int i = 0; i < COUNT(events); i++) {
		after = statistics(s, events[i]);
		ns = (double)(after.run_time_ns - before[i].run_time_ns) /
		     (double)(after.run_cnt - before[i].run_cnt);
		best[i] = best[i] && best[i] < ns ? best[i] : ns;
	}
}

static void measure_signals(struct subject *s, const struct tracefs *tracefs)
{
	int links[COUNT(events)], stats = enable_statistics();
	double best[COUNT(events)] = { 0 };

	for (int i = 0; i < COUNT(events); i++)
		links[i] = attach(s, events[i], tracefs);
	send_signals(SIGNALS / TURNS);
	for (int i = 0; i < TURNS; i++)
		time_signals(s, SIGNALS / TURNS, best);
	for (int i = 0; i < COUNT(events); i++) {
		tell(s, events[i], object_program(&s->obj, events[i]), best[i]);
		sys_close(links[i]);
	}
	sys_close(stats);
	if (s->reader)
		reader_drain(s->reader, true, drop, NULL);
}

static void measure_run(const struct subject *s)
{
	static uint8_t packet[128];
	union bpf_attr attr = {
		.test = {
			.prog_fd = s->loaded.prog_fds[0], .repeat = REPEAT / TURNS,
			.data_in = (uintptr_t)packet, .data_size_in = sizeof(packet),
		},
	};
	double best = 0, ns;

	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = 37 * i + 11;
	for (int i = 0; i < TURNS; i++) {
		uint64_t began = reader_now();

		check(sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr)), s->title);
		ns = (double)(reader_now() - began) / attr.test.repeat;
		best = best && best < ns ? best : ns;
	}
	tell(s, s->title, &s->obj.programs.at[0], best);
}

static void handle(int sig)
{
}

/* "4.9-x86_64.caps": for 4.9 */
static struct lack lack_of_file(char *path)
{
	struct lack lack = { .file = path };
	char *words = NULL, *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	if (asprintf(&words, "for %.*s", (int)strcspn(name, "-"), name) < 0)
		exit(1);
	lack.words = words;
	return lack;
}

int main(int argc, char **argv)
{
	static struct subject subjects[SUBJECTS];
	struct tracefs tracefs;
	int rounds = argc > 1 ? atoi(argv[1]) : 0, n = 0, signals;

	if (rounds < 1 || argc - 2 > SUBJECTS - 4 - 3 * COUNT(runs)) {
		fputs("usage: lowered ROUNDS [CAPS...]\n", stderr);
		return 2;
	}
	signal(SIGUSR1, handle);
	make_signal(&subjects[n++], &nothing);
	make_signal(&subjects[n++], &as_compiled);
	for (int i = 0; i < COUNT(signal_lacks); i++)
		make_signal(&subjects[n++], &signal_lacks[i]);
	for (int i = 2; i < argc; i++) {
		struct lack lack = lack_of_file(argv[i]);

		make_signal(&subjects[n++], &lack);
	}
	signals = n;
	for (int i = 0; i < COUNT(runs); i++) {
		make_run(&subjects[n++], &runs[i], &nothing);
		make_run(&subjects[n++], &runs[i], &as_compiled);
		make_run(&subjects[n++], &runs[i], &runs[i].lack);
	}
	if (tracefs_open(&tracefs, &err))
		die("tracefs");
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++) {
			if (i < signals)
				measure_signals(&subjects[i], &tracefs);
			else
				measure_run(&subjects[i]);
		}
	return 0;
}
