// SPDX-License-Identifier: GPL-2.0
/*
 * What programs send goes to the output, as text or as one JSON object a line; what `run` itself has
 * to say goes to standard error as text, with --json to the output as objects, too.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/describe.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/run.h"
#include "util/sys.h"

/* A line in the buffer is written at the latest when this much has gathered. */
#define WRITE_AT (64l << 10)

#define BYTES_SHOWN 64 /* of a record, as text: the rest is counted */

static const char *program_name(const struct run *run, const struct run_link *link)
{
	return run->object.programs.at[link->program].name;
}

static const char *map_name(const struct run *run, const struct run_buffer *buffer)
{
	return run->object.maps.at[buffer->map].name;
}

void run_show_flush(struct run *run)
{
	long len = ftell(run->out);

	fflush(run->out);
	if (len > 0 && !run->failed && sink_write(&run->sink, run->text, len, &run->err))
		run->failed = run->done = true;
	run->done |= run->sink.unread;
	rewind(run->out);
}

/* One more is shown: writes if it is time, and ends if it is the last that is wanted. */
static void shown(struct run *run)
{
	run->shown++;
	if (ftell(run->out) >= WRITE_AT)
		run_show_flush(run);
	if (run->shown == run->options->count)
		run->done = true;
}

/* ---- times ---- */

struct when {
	char text[48];
};

static struct when local_time(void)
{
	struct when when;
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	snprintf(when.text, sizeof(when.text), "%02d:%02d:%02d.%06ld", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 now.tv_nsec / 1000);
	return when;
}

static struct when utc_time(void)
{
	struct when when;
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(when.text, sizeof(when.text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when.text + len, sizeof(when.text) - len, ".%09ldZ", now.tv_nsec);
	return when;
}

/* ---- JSON ---- */

/* {"v":1,"type":"record","time":"...": what every object begins with. */
static struct json open_object(struct run *run, const char *type)
{
	struct json j = { run->out, true };

	json_open(&j, NULL, '{');
	json_number(&j, "v", 1);
	json_string(&j, "type", type);
	json_string(&j, "time", utc_time().text);
	return j;
}

static void close_object(struct json *j)
{
	json_close(j, '}');
	putc('\n', j->to);
}

/* ---- records ---- */

static void put_hex(FILE *to, const uint8_t *bytes, size_t len, size_t group)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		if (group && i && i % group == 0)
			putc(' ', to);
		putc(digits[bytes[i] >> 4], to);
		putc(digits[bytes[i] & 15], to);
	}
}

void run_show_record(struct run *run, const struct run_buffer *buffer, const void *record,
		     size_t size)
{
	if (run->options->json) {
		struct json j = open_object(run, "record");

		json_string(&j, "map", map_name(run, buffer));
		json_number(&j, "size", size);
		fputs(",\"data\":\"", run->out);
		put_hex(run->out, record, size, 0);
		putc('"', run->out);
		close_object(&j);
	} else {
		fprintf(run->out, "%s %s %zu bytes: ", local_time().text, map_name(run, buffer), size);
		put_hex(run->out, record, size < BYTES_SHOWN ? size : BYTES_SHOWN, 4);
		fputs(size > BYTES_SHOWN ? " ...\n" : "\n", run->out);
	}
	shown(run);
}

static void put_safe(FILE *to, const char *text, size_t len)
{
	char *safe = malloc(ESCAPE_ROOM(len));
	size_t hidden = 0;

	if (safe)
		fwrite(safe, 1, escape_terminal(safe, text, len, &hidden) - safe, to);
	free(safe);
}

void run_show_line(struct run *run, const struct printk_line *line)
{
	if (run->options->json) {
		struct json j = open_object(run, "print");
		char *text = strndup(line->text, line->len);

		json_string(&j, "comm", line->comm);
		json_number(&j, "tid", line->tid);
		json_number(&j, "cpu", line->cpu);
		json_string(&j, "text", text ? text : "");
		close_object(&j);
		free(text);
	} else {
		fprintf(run->out, "%s ", local_time().text);
		put_safe(run->out, line->comm, strlen(line->comm));
		fprintf(run->out, " (%d): ", (int)line->tid);
		put_safe(run->out, line->text, line->len);
		putc('\n', run->out);
	}
	shown(run);
}

/* Line by line, made safe to show. */
void run_show_output(struct run *run, const struct run_link *link, const char *text, size_t len)
{
	while (len && !run->done) {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline ? (size_t)(newline - text) : len;

		if (run->options->json) {
			struct json j = open_object(run, "output");
			char *copy = strndup(text, line);

			json_string(&j, "program", program_name(run, link));
			json_string(&j, "text", copy ? copy : "");
			close_object(&j);
			free(copy);
		} else {
			put_safe(run->out, text, line);
			putc('\n', run->out);
		}
		shown(run);
		line += newline != NULL;
		text += line;
		len -= line;
	}
}

/* ---- the start ---- */

static void show_buffers(const struct run *run)
{
	for (size_t i = 0; i < run->buffers.len; i++)
		fprintf(stderr, "portrace: map %s: read from a %s\n", map_name(run, &run->buffers.at[i]),
			run->buffers.at[i].is_ring ? "ring buffer" : "perf buffer on each CPU");
}

static void show_details(const struct run *run)
{
	describe_types(&run->types);
	if (run->memlock_raised)
		fprintf(stderr, "portrace: RLIMIT_MEMLOCK raised: this kernel charges maps to it\n");
	describe_plan(&run->plan);
	if (run->loaded.types_refused.code)
		fprintf(stderr, "portrace: %s\n", run->loaded.types_refused.message);
	show_buffers(run);
}

static void show_link(struct run *run, const struct run_link *link)
{
	const struct program *prog = &run->object.programs.at[link->program];

	if (run->options->json) {
		struct json j = open_object(run, "attached");

		json_string(&j, "program", prog->name);
		json_string(&j, "section", prog->section);
		json_string(&j, "to", link->link.where);
		json_string(&j, "by", link->link.way);
		json_number(&j, "instructions", prog->insns.len);
		close_object(&j);
		return;
	}
	fprintf(stderr, "portrace: attached %s (%s)%s%s, by %s, %zu instructions\n", prog->name,
		prog->section, *link->link.where ? " to " : "", link->link.where, link->link.way,
		prog->insns.len);
}

/* What is loaded and on nothing: as asked for, or as it is called by others. */
static void show_loaded(struct run *run, const struct program *prog)
{
	bool other = !run->options->load_only;

	if (run->options->json) {
		struct json j = open_object(run, "loaded");

		json_string(&j, "program", prog->name);
		json_string(&j, "section", prog->section);
		json_number(&j, "instructions", prog->insns.len);
		close_object(&j);
		return;
	}
	fprintf(stderr, "portrace: loaded %s (%s), %zu instructions%s\n", prog->name, prog->section,
		prog->insns.len, other ? ": such programs are not attached, others call them" : "");
}

void run_show_start(struct run *run)
{
	if (run->options->verbose)
		show_details(run);
	if (run->options->quiet)
		return;
	for (size_t i = 0; i < run->links.len; i++)
		show_link(run, &run->links.at[i]);
	for (size_t i = 0; i < run->object.programs.len; i++) {
		const struct program *prog = &run->object.programs.at[i];

		if (prog->autoload && (run->options->load_only || !attach_knows(prog->kind)))
			show_loaded(run, prog);
	}
}

/* ---- the end ---- */

struct run_stats {
	uint64_t runs, ns, missed;
	bool known;
};

static struct run_stats stats_of(const struct run *run, size_t program)
{
	struct bpf_prog_info info = { 0 };
	struct run_stats stats = { .known = false };

	if (run->stats_fd < 0 || sys_bpf_info(run->loaded.prog_fds[program], &info, sizeof(info)))
		return stats;
	stats.known = true;
	stats.runs = info.run_cnt;
	stats.ns = info.run_time_ns;
	stats.missed = info.recursion_misses;
	return stats;
}

static void end_program(struct run *run, struct json *j, size_t program)
{
	const struct program *prog = &run->object.programs.at[program];
	struct run_stats stats = stats_of(run, program);

	if (!run->options->json) {
		if (!stats.known)
			return;
		fprintf(stderr, "portrace: program %s: %" PRIu64 " run%s", prog->name, stats.runs,
			stats.runs == 1 ? "" : "s");
		if (stats.runs)
			fprintf(stderr, ", %" PRIu64 " ns each", stats.ns / stats.runs);
		if (stats.missed)
			fprintf(stderr, ", and %" PRIu64 " skipped by the kernel while it ran", stats.missed);
		fputs("\n", stderr);
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "name", prog->name);
	if (stats.known) {
		json_number(j, "runs", stats.runs);
		json_number(j, "ns", stats.ns);
		json_number(j, "skipped", stats.missed);
	}
	json_close(j, '}');
}

static void end_buffer(struct run *run, struct json *j, const struct run_buffer *buffer)
{
	uint64_t lost = run_losses(run, buffer);

	if (!run->options->json) {
		if (!run->options->quiet || lost)
			fprintf(stderr, "portrace: map %s: %" PRIu64 " records, %" PRIu64 " bytes, %" PRIu64
				" lost\n", map_name(run, buffer), buffer->records, buffer->bytes, lost);
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "name", map_name(run, buffer));
	json_number(j, "records", buffer->records);
	json_number(j, "bytes", buffer->bytes);
	json_number(j, "lost", lost);
	json_close(j, '}');
}

static void end_printk(const struct run *run)
{
	uint64_t lost = printk_lost(run->printk);

	if (lost)
		fprintf(stderr, "portrace: %" PRIu64 " prints, of this object or of others, were dropped by "
				"the kernel\n", lost);
}

void run_show_end(struct run *run)
{
	bool json = run->options->json;
	struct json j;

	if (json) {
		j = open_object(run, "end");
		json_open(&j, "programs", '[');
	}
	for (size_t i = 0; i < run->object.programs.len; i++)
		if (run->loaded.prog_fds[i] >= 0 && (json || !run->options->quiet))
			end_program(run, &j, i);
	if (json) {
		json_close(&j, ']');
		json_open(&j, "maps", '[');
	}
	for (size_t i = 0; i < run->buffers.len; i++)
		end_buffer(run, &j, &run->buffers.at[i]);
	if (json) {
		json_close(&j, ']');
		close_object(&j);
	}
	if (run->printk)
		end_printk(run);
}
