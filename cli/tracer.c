// SPDX-License-Identifier: GPL-2.0
#include "cli/tracer_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/memlock.h"
#include "cli/pids.h"
#include "cli/proc.h"
#include "compat/missing.h"
#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/section.h"
#include "util/cpus.h"
#include "util/privilege.h"
#include "util/sys.h"

/* bpf/signal.bpf.c, compiled (bpf/embed.S). */
extern const char signal_object_start[], signal_object_end[];

/* A perf buffer's records are longer, and wait for those of other CPUs: twice as much room,
 * but not on a machine of many CPUs, which has one each. */
#define RING_DEFAULT (1u << 20)
#define PERF_DEFAULT (2u << 20)
#define PERF_TOTAL (64u << 20)

/* In the order of attaching: what would be missed between two of them must come first. */
static const char *const programs[TRACER_LINKS] = {
	"new_thread", "process_exec", "process_exit", "signal_deliver", "signal_generate",
};
enum { NEW_THREAD = 0, GENERATE = TRACER_LINKS - 1 };

/* All the ways (WATCH_*) in which the options name pids. */
static uint32_t watch_ways(const struct options *options)
{
	uint32_t ways = 0;

	for (size_t i = 0; i < options->watch_len; i++)
		ways |= options->watch[i].how;
	return ways;
}

/* Sets a global of the object by its C name. A name it does not have is our own mistake. */
static int set_global(struct object *obj, const char *name, const void *value, size_t len,
		      struct error *err)
{
	size_t size;
	void *place = object_global(obj, name, &size);

	if (!place || size < len)
		return error_set(err, ERROR_FORMAT, "%s: setting '%s': got %s, expected %zu bytes",
				 obj->name, name, place ? "fewer" : "no such variable", len);
	memcpy(place, value, len);
	return 0;
}

static int set_flag(struct object *obj, const char *name, bool value, struct error *err)
{
	uint8_t byte = value;

	return set_global(obj, name, &byte, 1, err);
}

static int set_filter(struct object *obj, const struct options *options, struct error *err)
{
	uint32_t ways = watch_ways(options), count = options->comm_len;
	uint64_t fatal = join_fatal_signals();
	int32_t child = SIGCHLD;

	if (set_global(obj, "fatal_signals", &fatal, 8, err) ||
	    set_global(obj, "child_signal", &child, 4, err) ||
	    set_global(obj, "want_signals", &options->signals, 8, err) ||
	    set_flag(obj, "by_from", ways & WATCH_FROM, err) ||
	    set_flag(obj, "by_to", ways & WATCH_TO, err) ||
	    set_flag(obj, "by_either", ways & WATCH_EITHER, err) ||
	    set_flag(obj, "by_uid", options->has_uid, err) ||
	    set_global(obj, "want_uid", &options->uid, 4, err) ||
	    set_global(obj, "comm_count", &count, 4, err) ||
	    set_global(obj, "want_comms", options->comm, sizeof(options->comm), err))
		return -1;
	/* Half a megabyte that only filters by pid need. */
	object_map(obj, "watched")->max_entries = ways ? WATCHED_MAX : 1;
	return 0;
}

int tracer_object(struct object *obj, const struct options *options, struct error *err)
{
	if (object_init(obj, "signal tracer", signal_object_start,
			signal_object_end - signal_object_start, err))
		return -1;
	return set_filter(obj, options, err);
}

/*
 * Arguments are up to 4 KiB and pass through a map's value, in sizes as they come. Where helpers
 * take neither, user space asks /proc instead. bpf_ringbuf_output takes both.
 */
static bool can_have_arguments(struct caps *caps, enum transport transport)
{
	if (transport == TRANSPORT_RING ||
	    (transport == TRANSPORT_AUTO && caps_map(caps, BPF_MAP_TYPE_RINGBUF) != CAP_NO))
		return true;
	return caps_ask(caps, CAP_MEMORY_MAP) != CAP_NO && caps_ask(caps, CAP_MEMORY_SIZE) != CAP_NO;
}

int tracer_suit(struct object *obj, const struct options *options, const struct btf *types,
		struct caps *caps, enum transport transport, struct tracer_left *left,
		struct error *err)
{
	left->bare = !btf_find(types, "task_struct", BTF_KIND_STRUCT);
	left->no_arguments = left->bare || !can_have_arguments(caps, transport);
	object_program(obj, programs[NEW_THREAD])->autoload = watch_ways(options) || left->bare;
	return set_flag(obj, "no_arguments", left->no_arguments, err);
}

/* Once all settings are made: prepare() takes them for what they are. */
static int make_fit(struct tracer *tracer, struct caps *caps, const struct options *options,
		    struct error *err)
{
	struct types_request request = {
		.btf_file = options->btf_file, .from = options->types, .obj = &tracer->object,
	};
	struct lower_options lower_options = { .transport = tracer->transport };
	struct tracer_left left;
	struct types types;
	int ret;

	if (types_open(&types, &request, err))
		return -1;
	tracer->types = types.account;
	ret = tracer_suit(&tracer->object, options, &types.btf, caps, tracer->transport, &left, err);
	tracer->bare = left.bare;
	tracer->no_arguments = left.no_arguments;
	if (!ret)
		ret = prepare(&tracer->object, &types, caps, &lower_options, &tracer->plan, err);
	types_fini(&types);
	return ret;
}

static bool raise_memlock(struct tracer *tracer, struct caps *caps)
{
	bool raised = memlock_raise(caps);

	tracer->memlock_raised |= raised;
	return raised;
}

static int choose_transport(struct tracer *tracer, struct caps *caps, enum transport wanted,
			    struct error *err)
{
	enum answer ring;

	if (caps_ask(caps, CAP_BPF) == CAP_NO) {
		error_system(err, caps->at[CAP_BPF].sys, "bpf(2)");
		err->code = ERROR_UNSUPPORTED;
		return error_hint(err, "this kernel has no BPF: it was built without CONFIG_BPF_SYSCALL, or "
				       "is older than Linux 3.18; --transport events (or auto) works without, "
				       "with CONFIG_PERF_EVENTS");
	}
	ring = wanted == TRANSPORT_PERF ? CAP_NO : caps_map(caps, BPF_MAP_TYPE_RINGBUF);
	if (ring == CAP_UNKNOWN && caps->maps[BPF_MAP_TYPE_RINGBUF].sys == EPERM &&
	    raise_memlock(tracer, caps))
		ring = caps_map(caps, BPF_MAP_TYPE_RINGBUF);
	if (wanted == TRANSPORT_RING && ring == CAP_NO) {
		error_set(err, ERROR_UNSUPPORTED, "--transport ring: this kernel has no BPF ring buffer");
		return error_hint(err, "it came with Linux 5.8; --transport perf (or auto) works without");
	}
	if (ring == CAP_UNKNOWN) {
		error_system(err, caps->maps[BPF_MAP_TYPE_RINGBUF].sys, "BPF ring buffer: create one");
		if (err->sys == EPERM)
			err->code = ERROR_PERMISSION;
		return -1;
	}
	tracer->transport = ring == CAP_YES ? TRANSPORT_RING : TRANSPORT_PERF;
	/* Lowering asks much, and each question is a program or a map of its own. */
	if (ring == CAP_NO)
		raise_memlock(tracer, caps);
	return 0;
}

static size_t default_buffer(enum transport transport)
{
	size_t size = PERF_DEFAULT;
	int cpus;

	if (transport == TRANSPORT_RING)
		return RING_DEFAULT;
	cpus = cpus_possible();
	while (cpus > 0 && size * cpus > PERF_TOTAL && size > 128u << 10)
		size /= 2;
	return size;
}

int tracer_size_buffer(struct tracer *tracer, size_t wanted, struct error *err)
{
	tracer->buffer = reader_round_size(wanted ? wanted : default_buffer(tracer->transport));
	if (tracer->buffer && tracer->buffer <= 1u << 31)
		return 0;
	return error_set(err, ERROR_USAGE, "--buffer: got %zu bytes, expected at most 2 GiB", wanted);
}

/* What the programs have to know of the buffer. */
static int set_buffer(struct tracer *tracer, size_t buffer, struct error *err)
{
	struct object *obj = &tracer->object;
	uint64_t step;

	if (tracer_size_buffer(tracer, buffer, err))
		return -1;
	if (tracer->transport == TRANSPORT_PERF)
		return 0;
	step = tracer->buffer / 4;
	object_map(obj, "events")->max_entries = tracer->buffer;
	return set_global(obj, "wake_step", &step, 8, err);
}

struct watch {
	int map_fd;
	uint32_t bits;
	int ret;
};

static void watch_thread(void *ctx, uint32_t tid)
{
	struct watch *watch = ctx;
	uint32_t bits = 0;

	/* One thread can be named by several options. */
	sys_map_lookup(watch->map_fd, &tid, &bits);
	bits |= watch->bits;
	if (!watch->ret)
		watch->ret = sys_map_update(watch->map_fd, &tid, &bits);
}

static int watch_all(struct tracer *tracer, const struct options *options, bool threads,
		     struct error *err)
{
	struct watch watch = { .map_fd = loaded_map_fd(&tracer->loaded, "watched") };

	for (size_t i = 0; i < options->watch_len; i++) {
		uint32_t pid = options->watch[i].pid;

		watch.bits = options->watch[i].how;
		if (threads)
			proc_threads(pid, watch_thread, &watch);
		else
			watch_thread(&watch, pid);
		if (watch.ret)
			return error_system(err, -watch.ret, "watch process %u", pid);
	}
	return 0;
}

/* The threads of what the options name, as `pids` tells of them. */
struct watch_ids {
	const struct options *options;
	struct watch watch;
};

static void watch_id(void *ctx, const struct pids_record *thread)
{
	struct watch_ids *ids = ctx;

	for (size_t i = 0; i < ids->options->watch_len; i++)
		if (ids->options->watch[i].pid == thread->pid) {
			ids->watch.bits = ids->options->watch[i].how;
			watch_thread(&ids->watch, thread->tid);
		}
}

static int watch_threads(struct tracer *tracer, const struct options *options, struct pids *pids,
			 struct error *err)
{
	struct watch_ids ids = {
		.options = options,
		.watch.map_fd = loaded_map_fd(&tracer->loaded, "watched"),
	};

	if (!options->watch_len)
		return 0;
	if (proc_machine())
		return watch_all(tracer, options, true, err);
	if (pids && pids_each(pids, watch_id, &ids, err))
		return -1;
	return ids.watch.ret ? error_system(err, -ids.watch.ret, "watch threads") : 0;
}

static int attach(struct tracer *tracer, const struct tracefs *tracefs, int which,
		  struct error *err)
{
	const struct program *prog = object_program(&tracer->object, programs[which]);
	char category[64], event[64];
	int id;

	if (!prog->autoload)
		return 0;
	if (section_tracepoint(prog->section, category, event, sizeof(category), err))
		return -1;
	id = tracefs_event_id(tracefs, category, event, err);
	if (id < 0)
		return -1;
	tracer->links[which] = attach_tracepoint(loaded_prog_fd(&tracer->loaded, prog->name), id,
						 event, err);
	return tracer->links[which] < 0 ? -1 : 0;
}

static int attach_all(struct tracer *tracer, const struct options *options, struct pids *pids,
		      struct error *err)
{
	struct tracefs tracefs;
	int ret = -1;

	if (tracefs_open(&tracefs, err))
		return -1;
	/* First the processes, then the new threads of these, then the threads they have: so
	 * none is missed that is made meanwhile. */
	if (watch_all(tracer, options, false, err) || attach(tracer, &tracefs, NEW_THREAD, err) ||
	    watch_threads(tracer, options, pids, err))
		goto out;
	for (int i = NEW_THREAD + 1; i < TRACER_LINKS; i++)
		if (attach(tracer, &tracefs, i, err))
			goto out;
	ret = 0;
out:
	tracefs_close(&tracefs);
	return ret;
}

static void print_log(const char *program, const char *log)
{
	fprintf(stderr, "portrace: what the kernel's verifier says of program '%s':\n%s", program, log);
}

static int load_within_memlock(struct tracer *tracer, struct caps *caps,
			       const struct load_options *options, struct error *err)
{
	int ret = load(&tracer->loaded, &tracer->object, options, err);

	if (ret && err->code == ERROR_PERMISSION && raise_memlock(tracer, caps))
		ret = load(&tracer->loaded, &tracer->object, options, err);
	if (ret && err->code != ERROR_PERMISSION)
		missing_kinds(&tracer->object, caps, err);
	return ret;
}

static int open_reader(struct tracer *tracer, struct error *err)
{
	int fd = loaded_map_fd(&tracer->loaded, "events");

	return tracer->transport == TRANSPORT_RING
		       ? reader_new_ring(&tracer->reader, fd, tracer->buffer, err)
		       : reader_new_perf(&tracer->reader, fd, tracer->buffer, err);
}

/* The programs' own count of what they could not reserve, where it cannot be mapped. */
static int look_up_reported(const struct tracer *tracer, const struct map *map, int fd,
			    uint32_t offset, struct losses *losses, struct error *err)
{
	uint8_t *value = malloc(map->value_size);
	uint32_t zero = 0;
	int ret;

	if (!value)
		return error_memory(err);
	ret = sys_map_lookup(fd, &zero, value);
	if (!ret)
		memcpy(losses, value + offset, sizeof(*losses));
	free(value);
	return ret ? error_system(err, -ret, "%s: read the count of losses", tracer->object.name)
		   : 0;
}

static int find_reported(const struct tracer *tracer, uint32_t *map, uint32_t *offset,
			 struct error *err)
{
	uint32_t size;

	if (!object_global_find(&tracer->object, "losses", map, offset, &size) &&
	    size == sizeof(struct losses))
		return 0;
	return error_set(err, ERROR_FORMAT, "%s: 'losses': not found", tracer->object.name);
}

/*
 * The count is read at each drain. A mapping costs no system call, and while bpf(2) reads a
 * map the kernel runs no program on that CPU: what hits then is skipped.
 */
static int map_reported(struct tracer *tracer, struct error *err)
{
	size_t page = sysconf(_SC_PAGESIZE), len;
	uint32_t map, offset;
	void *data;

	if (find_reported(tracer, &map, &offset, err))
		return -1;
	len = (tracer->object.maps.at[map].value_size + page - 1) & ~(page - 1);
	data = mmap(NULL, len, PROT_READ, MAP_SHARED, tracer->loaded.map_fds[map], 0);
	if (data == MAP_FAILED)
		return 0;
	tracer->data = data;
	tracer->data_len = len;
	tracer->losses = (const struct losses *)((const char *)data + offset);
	return 0;
}

static void programs_fini(struct tracer *tracer)
{
	for (int i = TRACER_LINKS; i-- > 0;)
		sys_close(tracer->links[i]);
	reader_free(tracer->reader);
	if (tracer->data)
		munmap((void *)tracer->data, tracer->data_len);
	if (tracer->loaded.object)
		loaded_fini(&tracer->loaded);
	load_types_fini(&tracer->told);
	plan_fini(&tracer->plan);
	object_fini(&tracer->object);
}

static void programs_set_phase(struct tracer *tracer, enum phase phase)
{
	uint32_t zero = 0, value = phase;

	sys_map_update(loaded_map_fd(&tracer->loaded, "phase"), &zero, &value);
}

static void programs_unwatch(struct tracer *tracer, uint32_t pid)
{
	uint32_t none = 0;

	sys_map_update(loaded_map_fd(&tracer->loaded, "watched"), &pid, &none);
}

/* Which count of struct losses a kind of record belongs to. */
static __u64 *loss_of(struct losses *losses, int type)
{
	switch (type) {
	case RECORD_GENERATE:
		return &losses->generate;
	case RECORD_DELIVER:
		return &losses->deliver;
	case RECORD_EXIT:
	case RECORD_EXEC:
	case RECORD_THREAD:
	case RECORD_FORK:
	case RECORD_END:
		return &losses->exit;
	default:
		return &losses->cmdline;
	}
}

void tracer_count(struct tracer *tracer, const struct record *record)
{
	++*loss_of(&tracer->received, record->type);
}

static int add_reported(const struct tracer *tracer, struct losses *losses, struct error *err)
{
	uint32_t map, offset;

	if (tracer->losses) {
		*losses = *(const volatile struct losses *)tracer->losses;
		return 0;
	}
	if (find_reported(tracer, &map, &offset, err))
		return -1;
	return look_up_reported(tracer, &tracer->object.maps.at[map], tracer->loaded.map_fds[map],
				offset, losses, err);
}

static uint64_t programs_skipped(const struct tracer *tracer)
{
	struct bpf_prog_info info;
	uint64_t sum = 0;

	for (size_t i = 0; i < tracer->object.programs.len; i++) {
		if (tracer->loaded.prog_fds[i] < 0)
			continue;
		memset(&info, 0, sizeof(info));
		if (!sys_bpf_info(tracer->loaded.prog_fds[i], &info, sizeof(info)))
			sum += info.recursion_misses;
	}
	return sum;
}

/* What the lowered programs have sent, slot by slot: less what arrived, it is what was lost. */
static int add_unreceived(const struct tracer *tracer, struct losses *losses, struct error *err)
{
	struct object *obj = (struct object *)&tracer->object;
	const struct map *scratch = object_map(obj, SCRATCH_MAP);
	int cpus = cpus_possible(), ret = 0;
	size_t stride = (scratch->value_size + 7) & ~7u;
	struct losses sent = { 0 };
	uint8_t *values = cpus > 0 ? malloc(cpus * stride) : NULL;

	if (!values)
		return error_memory(err);
	for (uint32_t slot = 0; !ret && slot < scratch->max_entries; slot++) {
		ret = sys_map_lookup(loaded_map_fd(&tracer->loaded, SCRATCH_MAP), &slot, values);
		for (int cpu = 0; !ret && cpu < cpus; cpu++) {
			const struct perf_slot *value = (const void *)(values + cpu * stride);
			/* Only reserved records are built in their slot: the rest are command lines. */
			const struct record *record = (const struct record *)value->data;

			*loss_of(&sent, value->sent ? record->type : 0) += value->sent;
		}
	}
	free(values);
	if (ret)
		return error_system(err, -ret, "%s: read what was sent", obj->name);
	losses->generate += sent.generate - tracer->received.generate;
	losses->deliver += sent.deliver - tracer->received.deliver;
	losses->exit += sent.exit - tracer->received.exit;
	/* An output that fails is known to the program as well, which has counted it. */
	losses->cmdline = sent.cmdline - tracer->received.cmdline;
	return 0;
}

static int programs_losses(const struct tracer *tracer, bool final, struct losses *losses,
			   struct error *err)
{
	memset(losses, 0, sizeof(*losses));
	if (add_reported(tracer, losses, err))
		return -1;
	if (tracer->transport == TRANSPORT_PERF && !final)
		losses->generate += reader_lost(tracer->reader);
	else if (tracer->transport == TRANSPORT_PERF && add_unreceived(tracer, losses, err))
		return -1;
	return 0;
}

static void programs_drain(struct tracer *tracer, bool all, reader_fn *fn, void *ctx)
{
	reader_drain(tracer->reader, all, fn, ctx);
}

static const struct tracer_way programs_way = {
	.fini = programs_fini,
	.set_phase = programs_set_phase,
	.unwatch = programs_unwatch,
	.drain = programs_drain,
	.skipped = programs_skipped,
	.losses = programs_losses,
};

static int programs_init(struct tracer *tracer, const struct options *options, struct pids *pids,
			 struct error *err)
{
	struct load_options load_options = { .types = &tracer->told };
	struct caps caps = { 0 };

	tracer->way = &programs_way;
	for (int i = 0; i < TRACER_LINKS; i++)
		tracer->links[i] = -1;
	if (tracer_object(&tracer->object, options, err) ||
	    choose_transport(tracer, &caps, options->transport, err) ||
	    set_buffer(tracer, options->buffer, err) || make_fit(tracer, &caps, options, err))
		goto fail;
	load_options.refused = options->verbose > 1 ? print_log : NULL;
	prepare_load(&tracer->object, &caps, &load_options);
	if (lower_types(&tracer->object, &caps, &tracer->told, err) ||
	    load_within_memlock(tracer, &caps, &load_options, err) ||
	    map_reported(tracer, err) || open_reader(tracer, err) ||
	    attach_all(tracer, options, pids, err))
		goto fail;
	caps_fini(&caps);
	return 0;
fail:
	caps_fini(&caps);
	if (err->code == ERROR_PERMISSION)
		privilege_explain(err);
	/* What to change in the program is no use to whoever only runs it. */
	if (err->code == ERROR_VERIFIER)
		error_hint(err, "a kernel that refuses this program is a defect of portrace: please "
				"report it, with what `portrace signal -vv` says");
	tracer_fini(tracer);
	return -1;
}

/* ---- in either way ---- */

/* Neither way: the first one's error, what the second said, and what would help. */
static int error_also(struct error *err, const struct error *without)
{
	size_t len = strlen(err->message);

	snprintf(err->message + len, sizeof(err->message) - len, "; without BPF: %s",
		 without->message);
	if (err->code == ERROR_PERMISSION)
		return -1;
	err->code = without->code;
	if (without->code == ERROR_UNSUPPORTED)
		return error_hint(err, "it takes BPF (CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS), or at least "
				       "perf events (CONFIG_PERF_EVENTS), besides CONFIG_EVENT_TRACING");
	return error_hint(err, "%s", without->hint);
}

/*
 * There is no BPF, not all of it that it takes, or not for us; or (EEXIST) the tracepoint takes one
 * program only, and has it.
 */
static bool may_do_without_bpf(const struct options *options, const struct error *err)
{
	/* Who says how events are to come, or where types are from, wants that or nothing. */
	if (options->transport != TRANSPORT_AUTO || options->types != TYPES_AUTO || options->btf_file)
		return false;
	return err->code == ERROR_UNSUPPORTED || err->code == ERROR_PERMISSION || err->sys == EEXIST;
}

int tracer_init(struct tracer *tracer, const struct options *options, struct pids *pids,
		struct error *err)
{
	struct error without;

	memset(tracer, 0, sizeof(*tracer));
	if (options->transport == TRANSPORT_EVENTS)
		return tracer_events_init(tracer, options, pids, err);
	if (!programs_init(tracer, options, pids, err))
		return 0;
	if (!may_do_without_bpf(options, err))
		return -1;
	error_clear(&without);
	if (!tracer_events_init(tracer, options, pids, &without)) {
		snprintf(tracer->no_bpf, sizeof(tracer->no_bpf), "%s", err->message);
		return 0;
	}
	/* What keeps us from both is said once. */
	return strcmp(err->message, without.message) ? error_also(err, &without) : -1;
}

void tracer_fini(struct tracer *tracer)
{
	if (tracer->way)
		tracer->way->fini(tracer);
	memset(tracer, 0, sizeof(*tracer));
}

void tracer_set_phase(struct tracer *tracer, enum phase phase)
{
	tracer->way->set_phase(tracer, phase);
}

void tracer_unwatch(struct tracer *tracer, uint32_t pid)
{
	tracer->way->unwatch(tracer, pid);
}

void tracer_drain(struct tracer *tracer, bool all, reader_fn *fn, void *ctx)
{
	tracer->way->drain(tracer, all, fn, ctx);
}

uint64_t tracer_skipped(const struct tracer *tracer)
{
	return tracer->way->skipped(tracer);
}

int tracer_losses(const struct tracer *tracer, bool final, struct losses *losses,
		  struct error *err)
{
	return tracer->way->losses(tracer, final, losses, err);
}
