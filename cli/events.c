// SPDX-License-Identifier: GPL-2.0
#include "cli/events.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull
#define THREAD_FLAG 0x00010000 /* CLONE_THREAD */
#define CLD_FIRST 1            /* CLD_EXITED */
#define CLD_LAST_END 3         /* CLD_DUMPED */
#define TIMER (-2)             /* SI_TIMER */

/* The first ones of each. */
enum { COMMON_TYPE, COMMON_PID, COMMON_FIELDS };
enum { THREAD_PID = COMMON_FIELDS, THREAD_COMM, THREAD_FLAGS };
enum { EXEC_PID = COMMON_FIELDS, EXEC_OLD_PID };
enum { EXIT_GROUP_DEAD = COMMON_FIELDS };
enum { DELIVER_SIG = COMMON_FIELDS, DELIVER_CODE, DELIVER_HANDLER };
enum { GENERATE_SIG = COMMON_FIELDS, GENERATE_CODE, GENERATE_COMM, GENERATE_PID, GENERATE_GROUP,
       GENERATE_RESULT };

static const struct point {
	const char *category, *event;
	const char *fields[EVENTS_FIELDS]; /* by the numbers above */
	int optional;                      /* of those; 0: none */
} points[EVENTS_POINTS] = {
	[EVENTS_NEW_THREAD] = {
		"task", "task_newtask",
		{ "common_type", "common_pid", "pid", "comm", "clone_flags" },
	},
	[EVENTS_EXEC] = {
		"sched", "sched_process_exec", { "common_type", "common_pid", "pid", "old_pid" },
	},
	[EVENTS_EXIT] = { /* since Linux 6.16 it tells the last thread */
		"sched", "sched_process_exit", { "common_type", "common_pid", "group_dead" },
		.optional = EXIT_GROUP_DEAD,
	},
	[EVENTS_DELIVER] = {
		"signal", "signal_deliver",
		{ "common_type", "common_pid", "sig", "code", "sa_handler" },
	},
	[EVENTS_GENERATE] = {
		"signal", "signal_generate",
		{ "common_type", "common_pid", "sig", "code", "comm", "pid", "group", "result" },
	},
};

struct events_task {
	struct events_task *next;  /* of those that have ended */
	uint64_t ended_at;         /* 0: it has not */
	uint32_t tid, pid, uid;
	unsigned int round;        /* in which /proc was asked for its uid */
	char comm[COMM_LEN];
};

/* An event on its way to a record. */
struct happening {
	const struct record_field *fields;
	const void *data;
	size_t len;
	uint64_t time;
	uint32_t tid, pid; /* the current task */
	bool seen;         /* in our pid namespace, so that perf tells us of new names of it */
};

const char *events_category(enum events_point point)
{
	return points[point].category;
}

const char *events_name(enum events_point point)
{
	return points[point].event;
}

int events_format(struct events *events, enum events_point point, int id, const char *text,
		  size_t len, struct error *err)
{
	const struct point *p = &points[point];
	struct record_field *fields = events->fields[point];
	size_t count = 0;

	while (count < EVENTS_FIELDS && p->fields[count])
		count++;
	if (record_fields(p->category, p->event, text, len, p->fields, fields, count, err))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!fields[i].size && (!p->optional || i != (size_t)p->optional))
			return error_set(err, ERROR_UNSUPPORTED, "tracepoint %s:%s: format: got no field "
					 "'%s', expected one", p->category, p->event, p->fields[i]);
	events->types[point] = id;
	return 0;
}

/* ---- the kernel's filter ---- */

static uint64_t bit(int sig)
{
	return sig > 0 && sig <= 64 ? 1ull << (sig - 1) : 0;
}

bool events_filter(const struct options *options, enum events_point point, char *text, size_t size)
{
	uint64_t set = options->signals, fatal = join_fatal_signals();
	size_t len = 0;

	/* What ends a process is told apart by what else was sent to it. */
	if (set & fatal)
		set |= fatal;
	if (point == EVENTS_GENERATE)
		set |= bit(SIGCHLD); /* which tells how a process has ended */
	if (!(point == EVENTS_GENERATE || point == EVENTS_DELIVER) || set == UINT64_MAX)
		return false;
	for (int sig = 1; sig <= 64; sig++)
		if (set & bit(sig) && len < size)
			len += snprintf(text + len, size - len, "%ssig==%d", len ? "||" : "", sig);
	return len < size;
}

/* ---- the model of threads ---- */

static struct events_task *find_task(const struct events *events, uint32_t tid)
{
	return tid ? table_get(&events->tasks, tid) : NULL;
}

static void set_comm(struct events_task *task, const char *comm, size_t len)
{
	memset(task->comm, 0, sizeof(task->comm));
	memcpy(task->comm, comm, strnlen(comm, len < COMM_LEN ? len : COMM_LEN - 1));
}

/* A new one under that id; one that has ended with it may still be among the ended. */
static struct events_task *new_task(struct events *events, uint32_t pid, uint32_t tid)
{
	struct events_task *task = find_task(events, tid);

	if (!tid)
		return NULL;
	if (!task || task->ended_at) {
		task = calloc(1, sizeof(*task));
		if (!task || table_put(&events->tasks, tid, task)) {
			free(task);
			return NULL;
		}
	}
	task->tid = tid;
	task->pid = pid;
	task->uid = UID_UNKNOWN;
	task->round = 0;
	return task;
}

/* The current task, which is new here where events were lost. */
static struct events_task *need_task(struct events *events, uint32_t pid, uint32_t tid)
{
	struct events_task *task = find_task(events, tid);
	char comm[COMM_LEN] = "";

	if (task)
		return task;
	task = new_task(events, pid, tid);
	if (task && events->machine && events->machine->comm(tid, comm, sizeof(comm)) > 0)
		set_comm(task, comm, sizeof(comm));
	return task;
}

static void free_ended(struct events *events, uint64_t before)
{
	struct events_task *task;

	while ((task = events->ended) && task->ended_at < before) {
		events->ended = task->next;
		if (!events->ended)
			events->ended_end = &events->ended;
		if (find_task(events, task->tid) == task)
			table_remove(&events->tasks, task->tid);
		free(task);
	}
}

/* It still tells its parent, and closes what it has open. */
static void end_task(struct events *events, uint32_t tid, uint64_t time)
{
	struct events_task *task = find_task(events, tid);

	if (task && !task->ended_at) {
		task->ended_at = time;
		*events->ended_end = task;
		events->ended_end = &task->next;
	}
	free_ended(events, time > SECOND ? time - SECOND : 0);
}

static uint32_t uid_of(struct events *events, struct events_task *task)
{
	int64_t uid;

	if (!task)
		return UID_UNKNOWN;
	if (!events->machine || !events->machine->uid || task->round == events->round ||
	    task->ended_at)
		return task->uid;
	task->round = events->round;
	uid = events->machine->uid(task->tid);
	if (uid >= 0)
		task->uid = uid;
	return task->uid;
}

void events_thread(struct events *events, uint32_t pid, uint32_t tid)
{
	struct events_task *task = need_task(events, pid, tid), *process;

	if (!task)
		return;
	process = tid == pid ? NULL : find_task(events, pid);
	task->uid = process ? process->uid : uid_of(events, task);
}

static uint32_t watch_bits(const struct events *events, uint32_t tid)
{
	return tid ? (uintptr_t)table_get(&events->watched, tid) : 0;
}

void events_watch(struct events *events, uint32_t tid, uint32_t bits)
{
	if (!tid)
		return;
	if (!bits)
		table_remove(&events->watched, tid);
	else if (table_put(&events->watched, tid, (void *)(uintptr_t)bits))
		events->unfollowed++;
}

/* ---- from events to records ---- */

static uint64_t number(const struct happening *h, int field)
{
	return record_number(h->data, h->len, h->fields[field]);
}

static int32_t code_of(const struct happening *h, int field)
{
	return plain_code(number(h, field));
}

static void send_exit(struct events *events, const struct happening *h, uint8_t type, uint32_t tid,
		      uint32_t pid, uint32_t code, uint8_t flags)
{
	struct exit_record rec = {
		.time = h->time, .type = type, .sig = code & 0x7f, .flags = flags,
		.tid = tid, .pid = pid, .code = code,
	};

	events->fn(events->ctx, &rec, sizeof(rec));
}

/* The kernel sends these on its own account: the current task is not who sent them. */
static bool from_kernel(int code)
{
	return code > 0 || code == TIMER;
}

static bool want_parties(const struct events *events, const struct generate_record *rec)
{
	uint32_t to = watch_bits(events, rec->target), from = 0, ways = events->ways;

	if (!from_kernel(rec->code))
		from = watch_bits(events, rec->sender_pid) | watch_bits(events, rec->sender_tid);
	return !(ways & WATCH_FROM & ~from) && !(ways & WATCH_TO & ~to) &&
	       !(ways & WATCH_EITHER & ~(from | to));
}

static bool comm_wanted(const struct options *options, const char *comm)
{
	for (size_t i = 0; i < options->comm_len; i++)
		if (!memcmp(comm, options->comm[i], COMM_LEN))
			return true;
	return false;
}

static bool is_asked(struct events *events, const struct generate_record *rec)
{
	const struct options *options = events->options;
	bool kernel = from_kernel(rec->code);

	if (!(options->signals & bit(rec->sig)) || !want_parties(events, rec))
		return false;
	if (options->has_uid && (kernel || rec->sender_uid != options->uid))
		return false;
	return !options->comm_len || comm_wanted(options, rec->target_comm) ||
	       (!kernel && comm_wanted(options, rec->sender_comm));
}

/* Sent for what it says of signals that are asked for: it may be what ends their target. */
static bool is_needed(const struct events *events, const struct generate_record *rec)
{
	return join_fatal_signals() & bit(rec->sig) &&
	       !(events->ways & WATCH_TO & ~watch_bits(events, rec->target));
}

static void fill_generate(struct events *events, const struct happening *h,
			  struct generate_record *rec)
{
	struct events_task *task = need_task(events, h->pid, h->tid), *target;

	rec->time = h->time;
	rec->type = RECORD_GENERATE;
	rec->sig = number(h, GENERATE_SIG);
	rec->result = number(h, GENERATE_RESULT);
	rec->group = number(h, GENERATE_GROUP);
	rec->code = code_of(h, GENERATE_CODE);
	rec->target = number(h, GENERATE_PID);
	rec->sender_tid = h->tid;
	rec->sender_pid = h->pid;
	record_text(h->data, h->len, h->fields[GENERATE_COMM], rec->target_comm, COMM_LEN);
	target = find_task(events, rec->target);
	if (target && !target->comm[0])
		set_comm(target, rec->target_comm, COMM_LEN);
	rec->target_pid = target ? target->pid : 0;
	if (task && h->seen)
		memcpy(rec->sender_comm, task->comm, COMM_LEN);
	rec->sender_uid = from_kernel(rec->code) ? UID_UNKNOWN : uid_of(events, task);
}

static void on_generate(struct events *events, const struct happening *h)
{
	int64_t sig = number(h, GENERATE_SIG);
	int32_t code = code_of(h, GENERATE_CODE);
	struct generate_record rec = { .time = h->time };

	if (sig == SIGCHLD && code >= CLD_FIRST && code <= CLD_LAST_END)
		send_exit(events, h, RECORD_END, h->tid, h->pid, code, 0);
	if (!bit(sig) || h->time > events->sent_until)
		return;
	fill_generate(events, h, &rec);
	rec.unasked = !is_asked(events, &rec);
	if (!rec.unasked || is_needed(events, &rec))
		events->fn(events->ctx, &rec, sizeof(rec));
}

static void on_deliver(struct events *events, const struct happening *h)
{
	uint64_t handler = number(h, DELIVER_HANDLER), sig = number(h, DELIVER_SIG);
	struct deliver_record rec = {
		.time = h->time,
		.type = RECORD_DELIVER,
		.sig = sig,
		/* SIG_DFL is 0, SIG_IGN 1, anything else a function. */
		.action = handler < 2 ? handler : ACTION_HANDLER,
		.left = LEFT_NOT_COUNTED | LEFT_NOT_COUNTED << 4,
		.tid = h->tid,
		.pid = h->pid,
		.code = code_of(h, DELIVER_CODE),
	};

	if (sig > 64 || !((events->options->signals | join_fatal_signals()) & bit(sig)))
		return;
	if (events->ways & WATCH_TO &
	    ~(watch_bits(events, h->pid) | watch_bits(events, h->tid)))
		return;
	events->fn(events->ctx, &rec, sizeof(rec));
}

static void on_exit_event(struct events *events, const struct happening *h)
{
	uint8_t flags = EXIT_NO_CODE;

	if (!h->fields[EXIT_GROUP_DEAD].size)
		flags |= EXIT_NO_LAST;
	else if (number(h, EXIT_GROUP_DEAD))
		flags |= EXIT_LAST;
	/* The first thread's id stands for the process for as long as any thread is left. */
	if (h->tid != h->pid)
		events_watch(events, h->tid, 0);
	if (flags & EXIT_LAST)
		events_watch(events, h->pid, 0);
	end_task(events, h->tid, h->time);
	send_exit(events, h, RECORD_EXIT, h->tid, h->pid, 0, flags);
}

/* The thread takes the process's id over; its own goes to somebody else one day. */
static void on_exec(struct events *events, const struct happening *h)
{
	uint32_t pid = number(h, EXEC_PID), old = number(h, EXEC_OLD_PID);
	struct events_task *before = find_task(events, old), *task = find_task(events, pid);

	if (!task || task->ended_at) /* that was the first thread */
		task = new_task(events, pid, pid);
	if (old != pid) {
		events_watch(events, old, 0);
		if (before && task)
			task->uid = before->uid;
		end_task(events, old, h->time);
	}
	send_exit(events, h, RECORD_EXEC, old, pid, 0, 0);
}

static void on_new_thread(struct events *events, const struct happening *h)
{
	uint32_t tid = number(h, THREAD_PID), bits = watch_bits(events, h->pid);
	bool is_thread = number(h, THREAD_FLAGS) & THREAD_FLAG;
	const struct events_task *parent = find_task(events, h->tid);
	struct events_task *task = new_task(events, is_thread ? h->pid : tid, tid);

	if (task) {
		record_text(h->data, h->len, h->fields[THREAD_COMM], task->comm, COMM_LEN);
		task->uid = parent ? parent->uid : UID_UNKNOWN;
	}
	if (is_thread && bits)
		events_watch(events, tid, bits);
	send_exit(events, h, is_thread ? RECORD_THREAD : RECORD_FORK, tid, h->pid, 0, 0);
}

/* The kernel's id of a thread that perf names, 0 where it cannot be known. */
static uint32_t kernel_id(const struct events *events, uint32_t tid)
{
	if (events->ids == IDS_SAME)
		return tid;
	return events->ids == IDS_OTHER && tid ? (uintptr_t)table_get(&events->others, tid) : 0;
}

static void on_comm(struct events *events, const struct reader_event *event)
{
	uint32_t tid = kernel_id(events, event->tid);
	struct events_task *task = find_task(events, tid);

	/* One that execs has just taken over the id of its process's first thread, which has ended. */
	if (!task || task->ended_at)
		task = new_task(events, kernel_id(events, event->pid), tid);
	if (task)
		set_comm(task, event->data, event->len);
}

/* perf has no id for those outside our pid namespace, nor for the dead: 0 or, since 4.14, -1. */
static bool has_id(const struct reader_event *event)
{
	return event->tid && event->tid != UINT32_MAX;
}

/*
 * The process of the current thread. perf says it in the ids of our own pid namespace; from another
 * than the first one only that of a process's first thread is plain.
 */
static uint32_t process_of(struct events *events, const struct reader_event *event, uint32_t tid)
{
	const struct events_task *task;

	if (!tid)
		return 0;
	if (has_id(event) && events->ids != IDS_OTHER)
		events->ids = tid == event->tid ? IDS_SAME : IDS_OTHER;
	if (has_id(event) && events->ids == IDS_SAME)
		return event->pid;
	if (has_id(event))
		table_put(&events->others, event->tid, (void *)(uintptr_t)tid);
	if (has_id(event) && event->pid == event->tid)
		return tid;
	task = find_task(events, tid);
	return task && task->pid ? task->pid : tid;
}

static void on_point(struct events *events, enum events_point point, const struct happening *h)
{
	switch (point) {
	case EVENTS_NEW_THREAD:
		on_new_thread(events, h);
		break;
	case EVENTS_EXEC:
		on_exec(events, h);
		break;
	case EVENTS_EXIT:
		on_exit_event(events, h);
		break;
	case EVENTS_DELIVER:
		on_deliver(events, h);
		break;
	case EVENTS_GENERATE:
		on_generate(events, h);
		break;
	case EVENTS_POINTS:
		break;
	}
}

void events_record(struct events *events, const void *record, size_t size)
{
	struct reader_event event;
	struct happening h;
	uint32_t point, type;

	if (!reader_event(record, size, &event))
		return;
	if (event.is_comm) {
		on_comm(events, &event);
		return;
	}
	/* Where common fields are is the same for all. */
	type = record_number(event.data, event.len, events->fields[0][COMMON_TYPE]);
	for (point = 0; point < EVENTS_POINTS && events->types[point] != type; point++)
		;
	if (point == EVENTS_POINTS)
		return;
	events->received[point]++;
	if (event.time > events->until)
		return;
	h = (struct happening){ .fields = events->fields[point], .data = event.data,
				.len = event.len, .time = event.time };
	h.tid = number(&h, COMMON_PID);
	h.pid = process_of(events, &event, h.tid);
	h.seen = events->ids == IDS_SAME || has_id(&event);
	on_point(events, point, &h);
}

void events_round(struct events *events)
{
	events->round++;
}

void events_init(struct events *events, const struct options *options,
		 const struct join_machine *machine)
{
	*events = (struct events){ .options = options, .machine = machine, .round = 1,
				   .sent_until = UINT64_MAX, .until = UINT64_MAX };
	events->ended_end = &events->ended;
	events->ids = machine ? IDS_SAME : IDS_UNKNOWN;
	for (size_t i = 0; i < options->watch_len; i++)
		events->ways |= options->watch[i].how;
}

void events_fini(struct events *events)
{
	free_ended(events, UINT64_MAX);
	table_each(&events->tasks, slot)
		free(slot->value);
	table_fini(&events->tasks);
	table_fini(&events->others);
	table_fini(&events->watched);
}
