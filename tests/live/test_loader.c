// SPDX-License-Identifier: GPL-2.0
/* The loader itself on the running kernel, without the program around it. */
#include "tests/live/harness.h"

#include "compat/lower.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "loader/reader.h"
#include "util/sys.h"

Suite *loader_suite(void);

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

struct numbered {
	uint64_t time;
	uint32_t number, kind;
	uint64_t text[6];
};

static struct error err;
static struct object obj;
static struct loaded loaded;
static struct reader *reader;
static int link_fd;
static struct numbered got[4096];
static size_t gots;

static void open_fixture(const char *name)
{
	char path[512], *data;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0 && !fstat(fd, &st), "%s: %s", path, strerror(errno));
	data = malloc(st.st_size);
	ck_assert_int_eq(sys_read(fd, data, st.st_size), st.st_size);
	ck_assert_msg(!object_init(&obj, name, data, st.st_size, &err), "%s", err.message);
	free(data);
	close(fd);
}

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	error_clear(&err);
	memset(&loaded, 0, sizeof(loaded));
	reader = NULL;
	link_fd = -1;
	gots = 0;
	signal(SIGURG, SIG_IGN);
}

static void end(void)
{
	sys_close(link_fd);
	reader_free(reader);
	if (loaded.object)
		loaded_fini(&loaded);
	object_fini(&obj);
}

static struct load_options usual_options(void)
{
	struct caps caps = { 0 };
	struct load_options options = { .names = caps_ask(&caps, CAP_NAMES) == CAP_YES };

	caps_fini(&caps);
	return options;
}

static void load_it(void)
{
	struct load_options options = usual_options();

	ck_assert_msg(!load(&loaded, &obj, &options, &err), "%s\n%.1500s", err.message, err.detail);
}

static void lower_it(enum transport transport)
{
	struct lower_options options = { .transport = transport };
	struct plan plan = { 0 };
	struct caps caps = { 0 };

	ck_assert_msg(!lower(&obj, &caps, &options, &plan, &err), "%s", err.message);
	plan_fini(&plan);
	caps_fini(&caps);
}

static void collect(void *ctx, const void *record, size_t size)
{
	ck_assert_uint_ge(size, sizeof(struct numbered));
	ck_assert_uint_lt(gots, 4096);
	memcpy(&got[gots++], record, sizeof(*got));
}

/* records.bpf.c with a buffer of that size, attached. */
static void start_records(bool ring, size_t buffer)
{
	size_t size;
	uint32_t pid = getpid();
	struct tracefs tracefs;
	int id, fd;

	open_fixture("records");
	memcpy(object_global(&obj, "only_pid", &size), &pid, 4);
	ck_assert_uint_eq(size, 4);
	object_map(&obj, "events")->max_entries = buffer;
	lower_it(ring ? TRANSPORT_RING : TRANSPORT_PERF);
	load_it();
	fd = loaded_map_fd(&loaded, "events");
	ck_assert_msg(!(ring ? reader_new_ring : reader_new_perf)(&reader, fd, buffer, &err), "%s",
		      err.message);
	ck_assert_msg(!tracefs_open(&tracefs, &err), "%s", err.message);
	id = tracefs_event_id(&tracefs, "signal", "signal_generate", &err);
	tracefs_close(&tracefs);
	ck_assert_msg(id > 0, "%s", err.message);
	link_fd = attach_tracepoint(loaded_prog_fd(&loaded, "send_records"), id, "signal_generate",
				    &err);
	ck_assert_msg(link_fd >= 0, "%s", err.message);
}

static void send_signals(int n)
{
	while (n--)
		raise(SIGURG);
}

static uint32_t read_global(const char *name)
{
	uint32_t map, offset, size, zero = 0, value;
	union bpf_attr attr = { 0 };
	uint8_t *bytes;

	ck_assert_int_eq(object_global_find(&obj, name, &map, &offset, &size), 0);
	bytes = malloc(obj.maps.at[map].value_size);
	attr.map_fd = loaded.map_fds[map];
	attr.key = (uintptr_t)&zero;
	attr.value = (uintptr_t)bytes;
	ck_assert_int_eq(sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
	memcpy(&value, bytes + offset, 4);
	free(bytes);
	return value;
}

/* Loop index: 0 perf buffers, 1 ring. */
START_TEST(records_arrive_whole_and_in_order)
{
	start_records(_i, 1 << 16);
	send_signals(300);
	reader_drain(reader, true, collect, NULL);
	ck_assert_uint_eq(gots, 200);
	for (size_t i = 0; i < gots; i++) {
		uint32_t number = i / 2 * 3 + i % 2;

		ck_assert_uint_eq(got[i].number, number);
		ck_assert_uint_eq(got[i].kind, 100 + number % 4 * 100);
		ck_assert_uint_eq(got[i].text[5], number % 3 ? 0 : 5);
		ck_assert(!i || got[i].time >= got[i - 1].time);
	}
	ck_assert_uint_eq(read_global("number"), 300);
	ck_assert_uint_eq(read_global("lost"), 0);
}
END_TEST

/* More rounds than the buffer holds, so that records wrap round its end at every place. */
START_TEST(records_survive_the_end_of_the_buffer)
{
	uint32_t next = 0;

	start_records(_i, PAGE);
	for (int round = 0; round < 300; round++) {
		gots = 0;
		send_signals(7);
		reader_drain(reader, true, collect, NULL);
		for (size_t i = 0; i < gots; i++, next++) {
			next += next % 3 == 2;
			ck_assert_uint_eq(got[i].number, next);
			ck_assert_uint_eq(got[i].kind, 100 + next % 4 * 100);
		}
	}
	next += next % 3 == 2;
	ck_assert_uint_eq(next, 2100);
}
END_TEST

static uint64_t sent_through_scratch(void)
{
	const struct map *scratch = object_map(&obj, SCRATCH_MAP);
	size_t stride = (scratch->value_size + 7) & ~7u;
	uint8_t *values = malloc(stride * 1024);
	union bpf_attr attr = { 0 };
	uint64_t sum = 0;
	int cpus = sysconf(_SC_NPROCESSORS_CONF);

	attr.map_fd = loaded_map_fd(&loaded, SCRATCH_MAP);
	attr.value = (uintptr_t)values;
	for (uint32_t slot = 0; slot < scratch->max_entries; slot++) {
		attr.key = (uintptr_t)&slot;
		ck_assert_int_eq(sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)), 0);
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += ((struct perf_slot *)(values + cpu * stride))->sent;
	}
	free(values);
	return sum;
}

/* Of each 4 KiB some dozens of 400 records find room: what is not there is counted, to the last. */
START_TEST(losses_are_counted_exactly)
{
	size_t records = 400 * (PAGE / 4096);

	start_records(_i, PAGE);
	send_signals(records / 2 * 3);
	reader_drain(reader, true, collect, NULL);
	ck_assert_uint_gt(gots, 20);
	ck_assert_uint_lt(gots, records);
	if (_i) {
		/* A reservation that is thought better of takes room as well: it may be what fails. */
		ck_assert_uint_ge(read_global("lost"), records - gots);
		ck_assert_uint_eq(read_global("number"), records / 2 * 3);
		return;
	}
	ck_assert_uint_eq(sent_through_scratch(), records);
	/* The kernel tells of them with the next record that finds room. */
	ck_assert_uint_eq(reader_lost(reader), 0);
	send_signals(1);
	reader_drain(reader, true, collect, NULL);
	ck_assert_uint_eq(sent_through_scratch(), records + 1);
	ck_assert_uint_eq(gots + reader_lost(reader), records + 1);
}
END_TEST

/* From waking to here: patience is 100 times that. */
START_TEST(a_lone_record_wakes_the_reader_in_time)
{
	uint64_t before;

	start_records(_i, 1 << 16);
	usleep(60000);
	reader_drain(reader, true, collect, NULL);
	before = reader_now();
	send_signals(1);
	while (!gots && reader_now() - before < 1000000000ull) {
		ck_assert_int_eq(reader_wait(reader, before + 1000000000ull, &err), 0);
		reader_drain(reader, false, collect, NULL);
	}
	ck_assert_uint_eq(gots, 1);
	ck_assert_uint_lt(reader_now() - before, PATIENCE_MS * 10000ull);
}
END_TEST

START_TEST(waiting_ends_at_the_deadline)
{
	uint64_t before;

	start_records(_i, 1 << 16);
	before = reader_now();
	while (reader_now() - before < 50000000)
		ck_assert_int_eq(reader_wait(reader, before + 50000000, &err), 0);
	ck_assert_uint_lt(reader_now() - before, 200000000);
}
END_TEST

/* The line of a fixture that holds `code`, as a report shows it: "   19 | ...". */
static const char *shown_line_of(const char *name, const char *code)
{
	static char shown[300], line[256], path[512];
	unsigned int number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fixtures/%s", SOURCE, name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while (fgets(line, sizeof(line), f)) {
		number++;
		if (!strstr(line, code))
			continue;
		snprintf(shown, sizeof(shown), "%5u | %s", number, line);
		fclose(f);
		return shown;
	}
	ck_abort_msg("%s: no line with '%s'", name, code);
	return NULL;
}

static const char *shown_line(const char *code)
{
	return shown_line_of("refused.bpf.c", code);
}

static void ck_detail(const char *fmt, const char *arg)
{
	char text[320];

	snprintf(text, sizeof(text), fmt, arg);
	ck_assert_msg(strstr(err.detail, text), "'%s' not in:\n%s", text, err.detail);
}

static char whole_log[65536], refused_program[64];

static void keep_log(const char *program, const char *log)
{
	snprintf(refused_program, sizeof(refused_program), "%s", program);
	snprintf(whole_log, sizeof(whole_log), "%s", log);
}

START_TEST(refusal_shows_source_register_and_reason)
{
	struct load_options options = usual_options();

	options.refused = keep_log;
	open_fixture("refused");
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_VERIFIER);
	ck_assert_int_eq(err.sys, EACCES);
	ck_assert_msg(strstr(err.message, "refused: program 'unchecked' "
			     "(tracepoint/signal/signal_generate): the kernel refuses it: r0 comes "
			     "from a map lookup and is NULL where the key is not in the map"), "%s",
		      err.message);
	ck_detail("refused.bpf.c:%.2s, in unchecked():\n", shown_line("return *value") + 3);
	ck_detail("\n  > %s", shown_line("return *value"));
	ck_detail("\n    %s", shown_line("bpf_map_lookup_elem(&numbers"));
	/* Before Linux 4.12 the log tells what registers hold only where ways part. */
	if (strstr(whole_log, "R0=map_value_or_null") || strstr(whole_log, "R0_w=map_value_or_null"))
		ck_detail("\n      r0: a pointer to a map's value of 4 bytes, or NULL (from line "
			  "%.2s)\n", shown_line("bpf_map_lookup_elem(&numbers") + 3);
	ck_detail("\n  the kernel: R0 invalid mem access '%s'", "map_value_or_null");
	ck_assert_msg(strstr(err.hint, "compare it with NULL first"), "%s", err.hint);
	ck_assert_ptr_null(loaded.map_fds);
}
END_TEST

START_TEST(whole_log_of_a_refusal_is_handed_out)
{
	struct load_options options = usual_options();

	options.refused = keep_log;
	whole_log[0] = refused_program[0] = 0;
	open_fixture("refused");
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_str_eq(refused_program, "unchecked");
	ck_assert_msg(strstr(whole_log, "(85) call ") &&
		      strstr(whole_log, "R0 invalid mem access 'map_value_or_null'\n"), "%s",
		      whole_log);
}
END_TEST

/* A log that no buffer holds: its last words are had all the same, and that within seconds. */
START_TEST(program_too_long_to_be_checked_is_told)
{
	struct load_options options = usual_options();
	struct caps caps = { 0 };
	struct plan plan = { 0 };
	struct map *unused;

	open_fixture("bad");
	/* Not every kernel has rings, and arrays that can be mapped. */
	unused = object_map(&obj, "events");
	unused->type = BPF_MAP_TYPE_ARRAY;
	unused->key_size = unused->value_size = 4;
	ck_assert_int_eq(lower_data(&obj, &caps, &plan, &err), 0);
	plan_fini(&plan);
	caps_fini(&caps);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = !strcmp(obj.programs.at[i].name, "million_steps");
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_msg(err.code == ERROR_VERIFIER, "%s", err.message);
	ck_assert_msg(strstr(err.message, "program 'million_steps'") &&
		      (strstr(err.message, "followed the program for 1000001 steps") ||
		       strstr(err.message, "jumps with both ways open") ||
		       strstr(err.message, "loops are not allowed here")), "%s", err.message);
	ck_assert_msg(strstr(err.detail, "bad.bpf.c:"), "%s", err.detail);
}
END_TEST

START_TEST(tracepoint_that_is_not_there_is_named)
{
	struct tracefs tracefs;

	ck_assert_int_eq(tracefs_open(&tracefs, &err), 0);
	ck_assert_int_eq(tracefs_event_id(&tracefs, "signal", "signal_sneezed", &err), -1);
	tracefs_close(&tracefs);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "tracepoint signal:signal_sneezed"), "%s", err.message);
	ck_assert_msg(strstr(err.hint, "no such tracepoint"), "%s", err.hint);
}
END_TEST

START_TEST(map_that_cannot_be_made_is_named)
{
	struct load_options options = usual_options();

	open_fixture("records");
	object_map(&obj, "events")->flags = 1u << 30;
	ck_assert_int_eq(load(&loaded, &obj, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_SYSTEM);
	ck_assert_int_eq(err.sys, EINVAL);
	ck_assert_msg(strstr(err.message, "records: map 'events': create (type 27"), "%s",
		      err.message);
}
END_TEST

Suite *loader_suite(void)
{
	Suite *s = suite_create("loader");
	TCase *c = tcase_create("loader");
	int ways = kernel_has_rings() ? 2 : 1; /* by perf buffers, by a ring */

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_loop_test(c, records_arrive_whole_and_in_order, 0, ways);
	tcase_add_loop_test(c, records_survive_the_end_of_the_buffer, 0, ways);
	tcase_add_loop_test(c, losses_are_counted_exactly, 0, ways);
	tcase_add_loop_test(c, a_lone_record_wakes_the_reader_in_time, 0, ways);
	tcase_add_loop_test(c, waiting_ends_at_the_deadline, 0, ways);
	tcase_add_test(c, refusal_shows_source_register_and_reason);
	tcase_add_test(c, whole_log_of_a_refusal_is_handed_out);
	tcase_add_test(c, program_too_long_to_be_checked_is_told);
	tcase_add_test(c, tracepoint_that_is_not_there_is_named);
	tcase_add_test(c, map_that_cannot_be_made_is_named);
	suite_add_tcase(s, c);
	return s;
}
