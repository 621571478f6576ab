// SPDX-License-Identifier: GPL-2.0
#include "cli/join.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#ifndef SI_KERNEL
#define SI_KERNEL 0x80
#endif

#define FIRST_REAL_TIME 32 /* the kernel's; the C library's is 34 */
#define SECOND 1000000000ull
#define CHUNK 256
/* Both are caches of what /proc or the next record can tell again. */
#define THREADS_MOST (1 << 16)
#define IMAGES_MOST (1 << 13)
/* Questions to /proc, some 30 µs each, between two drains. */
#define SWEEP_READS 64

/* A process image's arguments; shared by all that it sent. */
struct image {
	uint32_t refs, len;
	bool truncated;
	char text[];
};

/* What /proc said of a pending signal when it was last asked. */
enum standing {
	STANDING_UNKNOWN,
	STANDING_PENDING,
	STANDING_BLOCKED, /* pending, and the target blocks it */
	STANDING_LEFT,
	STANDING_DEAD,
};

/* A signal on its way, or (as dying) the one that ends its target. */
struct join_entry {
	struct join_entry *next, *prev;    /* in its queue; next also among the spare ones */
	struct join_entry *older, *newer;  /* of all */
	struct join_chunk *chunk;          /* that it lies in */
	struct queue *queue;               /* that it waits in, or NULL */
	uint64_t time, delivered, lost_before;
	struct image *image;
	int32_t code;
	uint32_t target;                   /* thread id that the kernel named */
	uint32_t owner;                    /* of its queue: that thread, or its process */
	uint32_t tid, pid;                 /* that took it, once delivered */
	uint32_t sender_tid, sender_pid, sender_uid;
	uint8_t sig, result, group, standing;
	bool sender_known;
	bool unsent;                       /* its sending was not seen */
	bool unasked;                      /* not to be shown */
	char sender_comm[COMM_LEN], target_comm[COMM_LEN];
};

struct join_chunk {
	struct join_chunk *next;
	unsigned int used;
	struct join_entry at[CHUNK];
};

struct queue {
	struct queue *next;
	struct join_entry *head, *tail;
	size_t len;
	uint8_t sig;
};

/* One of the kernel's queues of pending signals: a thread's or a process's. */
struct join_target {
	struct join_target *next; /* among the spare ones */
	uint64_t key, check_at;
	struct queue *queues;
	struct join_entry *dying; /* process: delivered with a fatal default action */
	/* Process, where its end tells no code: when its threads began to get SIGKILL, when one
	 * ended, how many got it, and how many ended since. */
	uint64_t killed_at, ended_at;
	uint32_t kills, ends;
	bool was_dead;            /* when /proc was last asked */
	bool idle;                /* nothing has waited here since it was last looked at */
};

static uint64_t target_key(uint32_t id, bool group)
{
	return (uint64_t)group << 32 | id;
}

static uint32_t target_id(const struct join_target *target)
{
	return (uint32_t)target->key;
}

static struct join_target *find_target(struct join *join, uint32_t id, bool group)
{
	return table_get(&join->targets, target_key(id, group));
}

static struct join_target *need_target(struct join *join, uint32_t id, bool group)
{
	struct join_target *target = find_target(join, id, group);

	if (target) {
		target->idle = false;
		return target;
	}
	target = join->spare_targets;
	if (target)
		join->spare_targets = target->next;
	else
		target = malloc(sizeof(*target));
	if (!target)
		return NULL;
	*target = (struct join_target){ .key = target_key(id, group) };
	if (table_put(&join->targets, target->key, target)) {
		free(target);
		return NULL;
	}
	return target;
}

static struct queue *find_queue(const struct join_target *target, int sig)
{
	struct queue *queue = target ? target->queues : NULL;

	while (queue && queue->sig != sig)
		queue = queue->next;
	return queue;
}

static struct queue *need_queue(struct join_target *target, int sig)
{
	struct queue *queue = find_queue(target, sig);

	if (queue)
		return queue;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	queue->sig = sig;
	queue->next = target->queues;
	target->queues = queue;
	return queue;
}

static void drop_target(struct join *join, struct join_target *target)
{
	while (target->queues) {
		struct queue *next = target->queues->next;

		free(target->queues);
		target->queues = next;
	}
	table_remove(&join->targets, target->key);
	target->next = join->spare_targets;
	join->spare_targets = target;
}

static void image_put(struct image *image)
{
	if (image && !--image->refs)
		free(image);
}

static void add_chunk(struct join *join)
{
	struct join_chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return;
	chunk->next = join->chunks;
	join->chunks = chunk;
	for (int i = 0; i < CHUNK; i++) {
		chunk->at[i].chunk = chunk;
		chunk->at[i].next = join->spare;
		join->spare = &chunk->at[i];
	}
	join->spare_now += CHUNK;
}

/* After a flood: what is no longer needed goes back to the system. */
static void free_chunks(struct join *join)
{
	struct join_entry *spare = join->spare, *next;
	struct join_chunk **link = &join->chunks, *chunk;

	join->spare = NULL;
	join->spare_now = 0;
	for (; spare; spare = next) {
		next = spare->next;
		if (!spare->chunk->used)
			continue;
		spare->next = join->spare;
		join->spare = spare;
		join->spare_now++;
	}
	while ((chunk = *link)) {
		if (chunk->used) {
			link = &chunk->next;
			continue;
		}
		*link = chunk->next;
		free(chunk);
	}
}

static struct join_entry *entry_new(struct join *join)
{
	struct join_entry *entry;

	if (!join->spare)
		add_chunk(join);
	entry = join->spare;
	if (!entry) {
		join->out_of_memory = true;
		return NULL;
	}
	join->spare = entry->next;
	join->spare_now--;
	*entry = (struct join_entry){ .chunk = entry->chunk, .older = join->newest };
	entry->chunk->used++;
	if (join->newest)
		join->newest->newer = entry;
	else
		join->oldest = entry;
	join->newest = entry;
	join->pending_now++;
	return entry;
}

static void entry_free(struct join *join, struct join_entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		join->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		join->newest = entry->older;
	image_put(entry->image);
	entry->chunk->used--;
	entry->next = join->spare;
	join->spare = entry;
	join->spare_now++;
	join->pending_now--;
}

static void queue_push(struct queue *queue, struct join_entry *entry, uint32_t owner)
{
	entry->owner = owner;
	entry->queue = queue;
	entry->next = NULL;
	entry->prev = queue->tail;
	if (queue->tail)
		queue->tail->next = entry;
	else
		queue->head = entry;
	queue->tail = entry;
	queue->len++;
}

static void queue_unlink(struct join_entry *entry)
{
	struct queue *queue = entry->queue;

	if (!queue)
		return;
	if (entry->prev)
		entry->prev->next = entry->next;
	else
		queue->head = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
	else
		queue->tail = entry->prev;
	queue->len--;
	entry->queue = NULL;
}

/* The process of a thread: learnt from records, else asked of /proc, else itself. */
static uint32_t process_of(struct join *join, uint32_t tid)
{
	uintptr_t known = (uintptr_t)table_get(&join->threads, tid);

	return known ? known : tid;
}

/* A process cannot send a thread SI_USER (tgkill says SI_TKILL): this is send_sig(), whose
 * SEND_SIG_NOINFO the tracepoint stores so, as for the SIGPIPE of a write. */
static bool entry_without_info(const struct join_entry *entry)
{
	return entry->code == SI_USER && !entry->group;
}

static bool entry_from_kernel(const struct join_entry *entry)
{
	return entry->code > 0 || entry->code == SI_TIMER || entry_without_info(entry);
}

/*
 * Whom a signal from the kernel is about: a fault is the target's own doing, a SIGCHLD the
 * child's, a write's SIGPIPE the writer's. Of anything else the current task only happened
 * to be interrupted.
 */
static bool current_is_cause(const struct join_entry *entry)
{
	if (!entry_from_kernel(entry) || entry_without_info(entry))
		return true;
	return entry->sig == SIGCHLD ||
	       (entry->sender_tid == entry->target && entry->code != SI_TIMER);
}

static void fill_sender(const struct join_entry *entry, struct outcome *out)
{
	out->sender_known = entry->sender_known;
	out->kernel = entry->sender_known && entry_from_kernel(entry);
	if (!entry->sender_known || !current_is_cause(entry))
		return;
	out->sender.pid = entry->sender_pid;
	out->sender.tid = entry->sender_tid;
	out->sender.uid = entry->sender_uid;
	memcpy(out->sender.comm, entry->sender_comm, COMM_LEN);
	if (entry->image && entry->image->len) {
		out->sender.cmdline = entry->image->text;
		out->sender.cmdline_len = entry->image->len;
		out->sender.cmdline_truncated = entry->image->truncated;
	}
}

static struct outcome describe(struct join *join, const struct join_entry *entry,
			       enum fate fate)
{
	struct outcome out = {
		.time = entry->time,
		.sig = entry->sig,
		.result = entry->result,
		.fate = fate,
		.group = entry->group,
		.code = entry->code,
	};

	fill_sender(entry, &out);
	out.target.tid = entry->tid ? entry->tid : entry->target;
	out.target.pid = entry->pid ? entry->pid
				    : entry->group && entry->owner ? entry->owner
				    : process_of(join, entry->target);
	memcpy(out.target.comm, entry->target_comm, COMM_LEN);
	return out;
}

static void show(struct join *join, const struct join_entry *entry, const struct outcome *out)
{
	if (!entry->unasked)
		join->emit(join->ctx, out);
}

/* The end of an entry that was never delivered. */
static void settle(struct join *join, struct join_entry *entry, enum fate fate)
{
	struct outcome out;

	queue_unlink(entry);
	/* Gone without a trace may also mean that the trace was lost. */
	if ((fate == FATE_ACCEPTED || fate == FATE_GONE) && join->lost != entry->lost_before)
		fate = FATE_UNCERTAIN;
	out = describe(join, entry, fate);
	show(join, entry, &out);
	entry_free(join, entry);
}

static void settle_queue(struct join *join, struct queue *queue, enum fate fate)
{
	while (queue && queue->head)
		settle(join, queue->head, fate);
}

static void emit_delivered(struct join *join, struct join_entry *entry, uint8_t action,
			   enum ending ending, uint64_t until)
{
	struct outcome out;

	queue_unlink(entry);
	out = describe(join, entry, FATE_DELIVERED);
	out.action = action;
	out.ending = ending;
	out.has_latency = !entry->unsent && until >= entry->time;
	out.latency = out.has_latency ? until - entry->time : 0;
	show(join, entry, &out);
	entry_free(join, entry);
}

static void move_queue(struct join *join, struct queue *from, struct join_target *to)
{
	struct queue *dest = to ? need_queue(to, from->sig) : NULL;
	struct join_entry *entry;

	while (dest && (entry = from->head)) {
		queue_unlink(entry);
		queue_push(dest, entry, target_id(to));
	}
	settle_queue(join, from, FATE_FORGOTTEN);
}

/* Moves what was queued under `from` to another target. */
static void merge_targets(struct join *join, struct join_target *from, uint32_t id, bool group)
{
	struct join_target *to = from ? need_target(join, id, group) : NULL;

	if (!to || to == from)
		return;
	for (struct queue *queue = from->queues; queue; queue = queue->next)
		move_queue(join, queue, to);
	drop_target(join, from);
}

static void remember_process(struct join *join, uint32_t tid, uint32_t pid)
{
	if (join->threads.len > THREADS_MOST)
		table_fini(&join->threads);
	table_put(&join->threads, tid, (void *)(uintptr_t)pid);
}

/* A thread's process has become known. What was queued for "process tid" was for that. */
static void learn(struct join *join, uint32_t tid, uint32_t pid)
{
	if (process_of(join, tid) == pid)
		return;
	remember_process(join, tid, pid);
	if (tid != pid)
		merge_targets(join, find_target(join, tid, true), pid, true);
}

/* A signal to a process names one of its threads, not always the first: a SIGCHLD goes to
 * the thread that forked. */
static void find_process(struct join *join, uint32_t tid)
{
	int pid;

	if (table_get(&join->threads, tid))
		return;
	pid = join->machine ? join->machine->process_of(tid) : -ENOSYS;
	if (pid <= 0)
		return;
	learn(join, tid, pid);
	remember_process(join, tid, pid);
}

static void forget_image(struct join *join, uint32_t pid)
{
	if (pid)
		image_put(table_remove(&join->images, pid));
}

static void forget_images(struct join *join)
{
	table_each(&join->images, slot)
		image_put(slot->value);
	table_fini(&join->images);
}

static struct image *image_of(struct join *join, uint32_t pid, bool ask)
{
	struct image *image = table_get(&join->images, pid);
	char text[CMDLINE_MAX];
	ssize_t len;

	if ((image && image->len) || !ask || !pid || !join->machine)
		return image;
	/* The kernel side could not read it, or its record was lost. Asked once. */
	if (image && image->truncated)
		return image;
	len = join->machine->cmdline(pid, text, sizeof(text));
	if (len < 0)
		len = 0;
	forget_image(join, pid);
	if (join->images.len > IMAGES_MOST)
		forget_images(join);
	image = malloc(sizeof(*image) + len);
	if (!image)
		return NULL;
	*image = (struct image){ .refs = 1, .len = len,
				 .truncated = len == 0 || len == sizeof(text) - 1 };
	memcpy(image->text, text, len);
	if (table_put(&join->images, pid, image)) {
		free(image);
		return NULL;
	}
	return image;
}

/*
 * The kernel side could not read them: /proc has those of the process, or of the parent that it
 * forked from, if what is there now is still the image that sent.
 */
static ssize_t ask_for_image(struct join *join, const struct cmdline_record *rec, char *text,
			     size_t size)
{
	uint32_t pids[] = { rec->pid, rec->parent };

	for (size_t i = 0; join->machine && i < 2 && pids[i]; i++) {
		ssize_t len = join->machine->cmdline(pids[i], text, size);

		if (len > 0 && join->machine->arg_start(pids[i]) == rec->start)
			return len;
	}
	return 0;
}

static void on_cmdline(struct join *join, const struct cmdline_record *rec, size_t size)
{
	char asked[CMDLINE_MAX];
	const char *text = (const char *)(rec + 1);
	bool truncated = rec->truncated;
	size_t len = rec->len;
	struct image *image;

	if (rec->len > size - sizeof(*rec) || !rec->pid)
		return;
	if (!len) {
		text = asked;
		len = ask_for_image(join, rec, asked, sizeof(asked));
		truncated = !len || len == sizeof(asked) - 1;
	}
	forget_image(join, rec->pid);
	if (join->images.len > IMAGES_MOST)
		forget_images(join);
	image = malloc(sizeof(*image) + len);
	if (!image)
		return;
	*image = (struct image){ .refs = 1, .len = len, .truncated = truncated };
	memcpy(image->text, text, len);
	if (table_put(&join->images, rec->pid, image))
		free(image);
}

static bool is_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static bool is_fatal(int sig)
{
	return !is_stop(sig) && sig != SIGCONT && sig != SIGCHLD && sig != SIGWINCH && sig != SIGURG;
}

uint64_t join_fatal_signals(void)
{
	uint64_t set = 0;

	for (int sig = 1; sig <= 64; sig++)
		set |= (uint64_t)is_fatal(sig) << (sig - 1);
	return set;
}

static void cancel_in(struct join *join, struct join_target *target, int sig)
{
	for (struct queue *queue = target->queues; queue; queue = queue->next)
		if ((sig == SIGCONT && is_stop(queue->sig)) ||
		    (is_stop(sig) && queue->sig == SIGCONT))
			settle_queue(join, queue, FATE_CANCELLED);
}

/*
 * Sending SIGCONT throws away pending stop signals of the process and of all its threads, and
 * the other way round. Rare enough to look at every target.
 */
static void cancel(struct join *join, uint32_t pid, int sig)
{
	if (sig != SIGCONT && !is_stop(sig))
		return;
	table_each(&join->targets, slot) {
		struct join_target *target = slot->value;

		if (process_of(join, target_id(target)) == pid)
			cancel_in(join, target, sig);
	}
}

/* Its name is another than when it sent: what it has in /proc now may be another image's. */
static bool has_changed(struct join *join, const struct generate_record *rec)
{
	char comm[COMM_LEN] = "";

	return join->early && join->machine && !table_get(&join->images, rec->sender_pid) &&
	       (join->machine->comm(rec->sender_tid, comm, sizeof(comm)) < 0 ||
		strncmp(comm, rec->sender_comm, COMM_LEN - 1));
}

static void take_sending(struct join *join, struct join_entry *entry,
			 const struct generate_record *rec)
{
	entry->time = rec->time;
	entry->lost_before = join->lost_earlier;
	entry->code = rec->code;
	entry->target = rec->target;
	entry->sender_known = true;
	entry->sender_tid = rec->sender_tid;
	entry->sender_pid = rec->sender_pid;
	entry->sender_uid = rec->sender_uid;
	entry->sig = rec->sig;
	entry->result = rec->result;
	entry->group = rec->group;
	entry->unasked = rec->unasked;
	memcpy(entry->sender_comm, rec->sender_comm, COMM_LEN);
	memcpy(entry->target_comm, rec->target_comm, COMM_LEN);
	entry->image = image_of(join, rec->sender_pid, !rec->unasked && rec->code <= 0 &&
			       rec->code != SI_TIMER && !has_changed(join, rec));
	if (entry->image)
		entry->image->refs++;
}

static bool fatal_is_queued(const struct join_target *process)
{
	struct queue *queue = process ? process->queues : NULL;

	while (queue && !(queue->len && is_fatal(queue->sig)))
		queue = queue->next;
	return queue;
}

/*
 * The kernel calls ignored also what comes once its process is ending. Of SIGKILL and SIGSTOP,
 * which nobody can ignore, and behind a signal that may have been fatal, /proc is asked.
 */
static bool is_ending(struct join *join, const struct join_entry *entry,
		      const struct join_target *process)
{
	bool unlikely_ignored = entry->sig == SIGKILL || entry->sig == SIGSTOP;
	struct proc_status status;

	if (process && process->dying)
		return true;
	if (!unlikely_ignored && !fatal_is_queued(process))
		return false;
	if (!join->machine)
		return unlikely_ignored;
	return join->machine->status(entry->target, &status) || status.zombie ||
	       status.thread_pending >> (SIGKILL - 1) & 1;
}

static void refuse(struct join *join, struct join_entry *entry, enum fate fate, bool ending)
{
	struct outcome out = describe(join, entry, fate);

	out.target_ending = ending;
	show(join, entry, &out);
	entry_free(join, entry);
}

static void settle_dying(struct join *join, struct join_entry *entry, enum ending ending)
{
	struct join_target *process = find_target(join, entry->pid, true);

	if (process && process->dying == entry)
		process->dying = NULL;
	emit_delivered(join, entry, ACTION_DEFAULT, ending, entry->delivered);
}

static void forget_oldest(struct join *join)
{
	if (join->oldest->delivered)
		settle_dying(join, join->oldest, ENDING_UNFINISHED);
	else
		settle(join, join->oldest, FATE_FORGOTTEN);
}

static struct join_entry *without_room(const struct queue *queue)
{
	struct join_entry *entry = queue->head;

	while (entry && entry->result != RESULT_LOST_INFO)
		entry = entry->next;
	return entry;
}

static void enqueue(struct join *join, struct join_entry *entry, uint32_t owner)
{
	struct join_target *target = need_target(join, owner, entry->group);
	struct queue *queue = target ? need_queue(target, entry->sig) : NULL;

	if (!queue) {
		join->out_of_memory = true;
		settle(join, entry, FATE_FORGOTTEN);
		return;
	}
	/*
	 * Only timers queue a standard signal that is pending already, so what is here has gone:
	 * taken unseen, or on its way to a debugger, before it is delivered. The last may be that.
	 */
	if (entry->sig < FIRST_REAL_TIME && entry->code != SI_TIMER)
		while (queue->len > 1)
			settle(join, queue->head, FATE_ACCEPTED);
	/* Without room in the kernel's queue it is one bit, and so are all that follow. */
	if (entry->result == RESULT_LOST_INFO && without_room(queue)) {
		refuse(join, entry, FATE_COALESCED, false);
		return;
	}
	queue_push(queue, entry, owner);
	if (join->pending_now > join->most)
		forget_oldest(join);
}

static void on_generate(struct join *join, const struct generate_record *rec)
{
	struct join_target *process;
	struct join_entry *entry;
	bool ending;
	uint32_t pid;

	join->seen += !rec->unasked;
	if (rec->target_pid)
		learn(join, rec->target, rec->target_pid);
	else
		find_process(join, rec->target);
	pid = process_of(join, rec->target);
	process = find_target(join, pid, true);
	entry = entry_new(join);
	if (!entry)
		return;
	take_sending(join, entry, rec);
	ending = rec->result == RESULT_IGNORED && is_ending(join, entry, process);
	if (!ending)
		cancel(join, pid, rec->sig);
	if (rec->result == RESULT_IGNORED)
		refuse(join, entry, FATE_IGNORED, ending);
	else if (rec->result == RESULT_PENDING)
		refuse(join, entry, FATE_COALESCED, false);
	else if (rec->result == RESULT_OVERFLOW)
		refuse(join, entry, FATE_OVERFLOW, false);
	else
		enqueue(join, entry, rec->group ? pid : rec->target);
}

static unsigned int queued(const struct queue *queue)
{
	unsigned int n = 0;

	for (struct join_entry *entry = queue ? queue->head : NULL; entry && n <= LEFT_MAX;
	     entry = entry->next)
		n += entry->result == RESULT_DELIVERED;
	return n;
}

/* The last entry but `left` of those with a queue entry of their own. */
static struct join_entry *entry_before_last(const struct queue *queue, unsigned int left)
{
	unsigned int total = 0;
	struct join_entry *entry;

	for (entry = queue->head; entry; entry = entry->next)
		total += entry->result == RESULT_DELIVERED;
	if (total <= left)
		return NULL;
	for (entry = queue->head; entry; entry = entry->next)
		if (entry->result == RESULT_DELIVERED && total-- == left + 1)
			return entry;
	return NULL;
}

/*
 * Which of the waiting signals of one number was delivered, when `left` more are. Sent A B C,
 * A taken by sigwait unseen; "delivered, 1 left" is B: the last but one, and A has gone.
 * Those that the kernel had no room to queue (info lost) are only a bit in a mask: one
 * delivery takes them all, and the last queued one takes them along.
 */
static struct join_entry *take_counted(struct join *join, struct queue *queue, unsigned int left)
{
	struct join_entry *entry, *gone;

	if (!queue || !queue->head)
		return NULL;
	entry = left < LEFT_MAX ? entry_before_last(queue, left) : queue->head;
	if (!entry && !left && queued(queue) == 0)
		entry = queue->head; /* info lost */
	if (!entry)
		return NULL;
	while (queue->head != entry && (gone = queue->head)->result == RESULT_DELIVERED)
		settle(join, gone, FATE_ACCEPTED);
	queue_unlink(entry);
	if (!left)
		settle_queue(join, queue, FATE_COALESCED);
	return entry;
}

/* The newest with that code. */
static struct join_entry *with_code(const struct queue *queue, int code)
{
	struct join_entry *entry = queue ? queue->tail : NULL;

	while (entry && entry->code != code)
		entry = entry->prev;
	return entry;
}

static bool is_traced(struct join *join, uint32_t tid)
{
	struct proc_status status;

	return join->machine && !join->machine->status(tid, &status) && status.traced;
}

/*
 * A standard signal: at most one waits in either queue. The thread's own comes first, but it
 * may have been taken unseen; then the code, which differs by the way of sending, tells. Of
 * two in one queue the older was taken unseen, but where a debugger holds it back: the kernel
 * takes a signal out, shows it to the debugger, and delivers it when that lets it go on.
 */
static struct join_entry *take_standard(struct join *join, struct queue *own,
					struct queue *shared, const struct deliver_record *rec)
{
	struct join_entry *entry = with_code(own, rec->code);
	struct queue *queue;

	if (!entry)
		entry = with_code(shared, rec->code);
	if (!entry && own)
		entry = own->tail;
	if (!entry && shared)
		entry = shared->tail;
	if (!entry)
		return NULL;
	queue = entry->queue;
	if (queue->len > 1 && is_traced(join, rec->tid))
		entry = queue->head;
	while (queue->head != entry)
		settle(join, queue->head, FATE_ACCEPTED);
	queue_unlink(entry);
	return entry;
}

/*
 * Of several of one number that wait, when it is not told how many more do: the first, in which
 * order the kernel takes them. One before it with another code was taken unseen.
 */
static struct join_entry *take_first(struct join *join, struct queue *own, struct queue *shared,
				     const struct deliver_record *rec)
{
	struct queue *queue = own && own->head ? own : shared;
	struct join_entry *entry = queue ? queue->head : NULL;

	while (entry && entry->code != rec->code)
		entry = entry->next;
	/* Without room in the kernel's queue the code is lost, too. */
	if (!entry && queue)
		entry = without_room(queue) ? without_room(queue) : queue->head;
	while (entry && queue->head != entry)
		settle(join, queue->head, FATE_ACCEPTED);
	if (entry)
		queue_unlink(entry);
	return entry;
}

static struct join_entry *take(struct join *join, const struct deliver_record *rec)
{
	struct queue *own = find_queue(find_target(join, rec->tid, false), rec->sig);
	struct queue *shared = find_queue(find_target(join, rec->pid, true), rec->sig);
	unsigned int own_left = rec->left & 15, shared_left = rec->left >> 4;
	struct join_entry *entry = NULL;

	if (own_left == LEFT_NOT_COUNTED)
		return rec->sig < FIRST_REAL_TIME && rec->code != SI_TIMER
			       ? take_standard(join, own, shared, rec)
			       : take_first(join, own, shared, rec);
	if (own && own->head && (queued(own) > own_left || !queued(own)))
		entry = take_counted(join, own, own_left);
	return entry ? entry : take_counted(join, shared, shared_left);
}

/*
 * Delivered, but its sending was not seen: only what the delivery says is known, which is the
 * target and, by the code, whether the kernel sent it.
 */
static struct join_entry *unsent_entry(struct join *join, const struct deliver_record *rec)
{
	struct join_entry *entry;

	if (!join->unsent || rec->time < join->began || rec->time > join->ended ||
	    !(join->signals >> (rec->sig - 1) & 1) || !(entry = entry_new(join)))
		return NULL;
	entry->unsent = true;
	entry->time = rec->time;
	entry->code = rec->code;
	entry->target = rec->tid;
	entry->group = rec->tid == rec->pid;
	entry->sig = rec->sig;
	entry->sender_known = rec->code > 0 || rec->code == SI_TIMER;
	return entry;
}

/* A process is being killed, or all but the thread that has called exit or exec are. */
static void note_kill(struct join *join, const struct deliver_record *rec)
{
	struct join_target *process = find_target(join, rec->pid, true);

	if (!process && find_target(join, rec->tid, false))
		process = need_target(join, rec->pid, true);
	if (!process)
		return;
	if (!process->killed_at)
		process->killed_at = rec->time;
	process->kills++;
}

static void on_deliver(struct join *join, const struct deliver_record *rec)
{
	struct join_target *process;
	struct join_entry *entry;

	learn(join, rec->tid, rec->pid);
	/* Every thread of a dying process gets one that nobody sent; the exit tells. */
	if (rec->sig == SIGKILL) {
		note_kill(join, rec);
		return;
	}
	entry = take(join, rec);
	if (!entry)
		entry = unsent_entry(join, rec);
	if (!entry)
		return;
	entry->tid = rec->tid;
	entry->pid = rec->pid;
	entry->delivered = rec->time;
	process = rec->action == ACTION_DEFAULT && is_fatal(rec->sig)
			  ? need_target(join, rec->pid, true) : NULL;
	if (!process || process->dying) {
		emit_delivered(join, entry, rec->action, ENDING_NONE, rec->time);
		return;
	}
	process->dying = entry;
}

static bool is_core_dumper(int sig)
{
	return sig == SIGQUIT || sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
	       sig == SIGFPE || sig == SIGSEGV || sig == SIGBUS || sig == SIGSYS || sig == SIGXCPU || sig == SIGXFSZ;
}

/* Fatal ones are never delivered as themselves, but those that dump a core are. */
static bool kills_unseen(int sig)
{
	return is_fatal(sig) && !is_core_dumper(sig);
}

/* May a signal of this number that waits for the thread be what has ended its process? */
static bool may_have_ended(struct join *join, const struct exit_record *rec, int sig)
{
	const struct join_target *process;

	if (!(rec->flags & EXIT_NO_CODE))
		return sig == rec->sig;
	process = find_target(join, rec->pid, true);
	return process && process->killed_at && kills_unseen(sig);
}

/*
 * A thread has ended, and its own pending signals with it. One of the number that ends the
 * process may be what ends it: that is known when all of it has ended.
 */
static void end_thread(struct join *join, const struct exit_record *rec)
{
	struct join_target *thread = find_target(join, rec->tid, false);

	if (!thread)
		return;
	for (struct queue *queue = thread->queues; queue; queue = queue->next)
		if (queue->len && may_have_ended(join, rec, queue->sig))
			move_queue(join, queue, need_target(join, rec->pid, true));
		else
			settle_queue(join, queue, FATE_GONE);
	drop_target(join, thread);
}

static enum ending ending_of(const struct exit_record *rec)
{
	return rec->flags & EXIT_CORE ? ENDING_CORE : ENDING_TERMINATED;
}

/* The last one sent: once a process is ending, the kernel drops what is sent to it. */
static struct join_entry *newest_in(const struct queue *queue)
{
	struct join_entry *newest = queue ? queue->head : NULL;

	for (struct join_entry *entry = newest; entry; entry = entry->next)
		if (entry->time >= newest->time)
			newest = entry;
	return newest;
}

static void end_process(struct join *join, const struct exit_record *rec)
{
	struct join_target *process = find_target(join, rec->pid, true);
	struct join_entry *entry;

	forget_image(join, rec->pid);
	if (!process)
		return;
	entry = process->dying;
	process->dying = NULL;
	/* A core dump, say, that a SIGKILL has cut short. */
	if (entry && entry->sig != rec->sig) {
		emit_delivered(join, entry, ACTION_DEFAULT, ENDING_NONE, entry->delivered);
		entry = NULL;
	}
	if (!entry && rec->sig)
		entry = newest_in(find_queue(process, rec->sig));
	if (entry) {
		entry->pid = rec->pid;
		emit_delivered(join, entry, ACTION_DEFAULT, ending_of(rec), rec->time);
	}
	for (struct queue *queue = process->queues; queue; queue = queue->next)
		settle_queue(join, queue, FATE_GONE);
	drop_target(join, process);
}

/* ---- ends of which the kernel side could not tell all ---- */

/* The last one sent before the process was being killed that kills it, in any of its queues. */
static struct join_entry *newest_killer(const struct join_target *process)
{
	struct join_entry *newest = NULL;

	for (struct queue *queue = process->queues; queue; queue = queue->next) {
		if (!kills_unseen(queue->sig))
			continue;
		for (struct join_entry *entry = queue->head; entry; entry = entry->next)
			if (entry->time < process->killed_at &&
			    (!newest || entry->time >= newest->time))
				newest = entry;
	}
	return newest;
}

/*
 * The number that ended the process, 0 for none; how: CLD_*, 0 where it has told nobody. Then
 * more ends than SIGKILLs are those of a thread that called exit.
 */
static int ended_by(const struct join_target *process, int how)
{
	const struct join_entry *killer = process->killed_at ? newest_killer(process) : NULL;
	const struct join_entry *dying = process->dying;

	if (how == CLD_EXITED)
		return 0;
	/* It may have been killed while it dumped its core. */
	if (dying && (how == CLD_DUMPED || !killer || killer->sig != SIGKILL))
		return dying->sig;
	if (how == CLD_DUMPED || !killer || (!how && process->ends > process->kills))
		return 0;
	return killer->sig;
}

static void end_untold(struct join *join, uint32_t pid, int how)
{
	const struct join_target *process = find_target(join, pid, true);
	struct exit_record rec = { .type = RECORD_EXIT, .pid = pid, .tid = pid };

	if (process) {
		rec.sig = ended_by(process, how);
		rec.time = process->ended_at;
	}
	if (how == CLD_DUMPED)
		rec.flags |= EXIT_CORE;
	end_process(join, &rec);
}

static void start_leaving(struct join *join, const struct exit_record *rec)
{
	struct join_target *process = find_target(join, rec->pid, true);
	struct join_leaving *leaving;

	join->untold = true;
	if (rec->tid == rec->pid || rec->flags & EXIT_LAST)
		forget_image(join, rec->pid);
	if (!process)
		return;
	process->ended_at = rec->time;
	process->ends += process->killed_at != 0;
	for (size_t i = 0; i < join->leaving.len; i++)
		if (join->leaving.at[i].pid == rec->pid) {
			join->leaving.at[i].over |= rec->flags & EXIT_LAST;
			return;
		}
	leaving = vec_push(&join->leaving);
	if (leaving)
		*leaving = (struct join_leaving){ .pid = rec->pid, .over = rec->flags & EXIT_LAST,
						  .time = rec->time };
}

static void stop_leaving(struct join *join, size_t i)
{
	join->leaving.at[i] = join->leaving.at[--join->leaving.len];
}

/* All of it: what is left is a zombie, if anything. */
static bool has_ended(struct join *join, uint32_t pid)
{
	struct proc_status status;
	int ret = join->machine->status(pid, &status);

	if (ret)
		return ret == -ENOENT || ret == -ESRCH;
	return status.zombie && status.threads <= 1;
}

/* One that is traced tells its tracer of the end of each of its threads in this way. */
static void on_end(struct join *join, const struct exit_record *rec)
{
	bool over = false;

	for (size_t i = 0; i < join->leaving.len; i++)
		if (join->leaving.at[i].pid == rec->pid) {
			over = join->leaving.at[i].over;
			if (over)
				stop_leaving(join, i);
			break;
		}
	if (find_target(join, rec->pid, true) &&
	    (over || !join->machine || has_ended(join, rec->pid)))
		end_untold(join, rec->pid, rec->code);
}

/* Files that it has open may keep it from telling its parent for a while. */
#define LEAVING_NS (SECOND / 50)
/*
 * What is recorded by the time of a look is read by the second reading after it: a reader that
 * merges CPUs' buffers holds back what came since the reading before.
 */
#define GONE_LOOKS 3

uint64_t join_next_look(const struct join *join)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < join->leaving.len; i++)
		if (join->leaving.at[i].time + LEAVING_NS < next)
			next = join->leaving.at[i].time + LEAVING_NS;
	return next;
}

void join_settle_leaving(struct join *join, uint64_t now, bool all)
{
	size_t i = 0;

	while (i < join->leaving.len) {
		struct join_leaving *leaving = &join->leaving.at[i];
		bool ended = false;

		if (!all && leaving->time + LEAVING_NS > now) {
			i++;
			continue;
		}
		ended = join->machine ? has_ended(join, leaving->pid) : leaving->over;
		/* How it has ended, if recorded at all, may not have been read yet. */
		if (ended && !all && ++leaving->gone < GONE_LOOKS) {
			leaving->time = now;
			i++;
			continue;
		}
		if (ended)
			end_untold(join, leaving->pid, 0);
		if (!ended && leaving->over) {
			leaving->time = now;
			i++;
			continue;
		}
		/* If it was only a thread, the rest tells of itself again. */
		stop_leaving(join, i);
	}
}

static void on_exit_record(struct join *join, const struct exit_record *rec)
{
	learn(join, rec->tid, rec->pid);
	end_thread(join, rec);
	table_remove(&join->threads, rec->tid);
	if (rec->flags & EXIT_NO_CODE)
		start_leaving(join, rec);
	else if (rec->flags & EXIT_LAST)
		end_process(join, rec);
}

/* The thread that execs takes the process's id over, and keeps what is pending for it. */
static void on_exec(struct join *join, const struct exit_record *rec)
{
	struct join_target *process = find_target(join, rec->pid, true);

	forget_image(join, rec->pid);
	if (join->early)
		image_of(join, rec->pid, true);
	/* The other threads have been killed, but not the process. */
	if (process)
		process->killed_at = process->kills = process->ends = 0;
	if (rec->tid == rec->pid)
		return;
	table_remove(&join->threads, rec->tid);
	merge_targets(join, find_target(join, rec->tid, false), rec->pid, false);
}

static void on_thread(struct join *join, const struct exit_record *rec)
{
	remember_process(join, rec->tid, rec->pid);
}

/* A child has its parent's arguments, unless and until it execs, and may be gone before then. */
static void on_fork(struct join *join, const struct exit_record *rec)
{
	struct image *image = image_of(join, rec->pid, join->early);

	forget_image(join, rec->tid);
	if (image && !table_put(&join->images, rec->tid, image))
		image->refs++;
}

void join_init(struct join *join)
{
	*join = (struct join){ .most = 1 << 20, .signals = UINT64_MAX, .ended = UINT64_MAX };
}

void join_fini(struct join *join)
{
	for (struct join_entry *entry = join->oldest; entry; entry = entry->newer)
		image_put(entry->image);
	forget_images(join);
	table_each(&join->targets, slot) {
		struct join_target *target = slot->value;

		while (target->queues) {
			struct queue *next = target->queues->next;

			free(target->queues);
			target->queues = next;
		}
		free(target);
	}
	while (join->spare_targets) {
		struct join_target *next = join->spare_targets->next;

		free(join->spare_targets);
		join->spare_targets = next;
	}
	while (join->chunks) {
		struct join_chunk *next = join->chunks->next;

		free(join->chunks);
		join->chunks = next;
	}
	vec_fini(&join->leaving);
	table_fini(&join->targets);
	table_fini(&join->threads);
}

void join_record(struct join *join, const void *record, size_t size)
{
	const struct record *head = record;

	if (size < sizeof(*head))
		return;
	if ((head->type == RECORD_GENERATE || head->type == RECORD_DELIVER) &&
	    (head->sig < 1 || head->sig > 64))
		return;
	if (head->type == RECORD_GENERATE && size >= sizeof(struct generate_record))
		on_generate(join, record);
	else if (head->type == RECORD_DELIVER && size >= sizeof(struct deliver_record))
		on_deliver(join, record);
	else if (head->type == RECORD_EXIT && size >= sizeof(struct exit_record))
		on_exit_record(join, record);
	else if (head->type == RECORD_EXEC && size >= sizeof(struct exit_record))
		on_exec(join, record);
	else if (head->type == RECORD_THREAD && size >= sizeof(struct exit_record))
		on_thread(join, record);
	else if (head->type == RECORD_FORK && size >= sizeof(struct exit_record))
		on_fork(join, record);
	else if (head->type == RECORD_END && size >= sizeof(struct exit_record))
		on_end(join, record);
	else if (head->type == RECORD_CMDLINE && size >= sizeof(struct cmdline_record))
		on_cmdline(join, record, size);
}

/* What one look at /proc says of a target. */
struct look {
	int ret; /* of status() */
	bool dead;
	struct proc_status status;
};

static struct look look_at(struct join *join, const struct join_target *target)
{
	struct look look = { .ret = -ENOSYS };
	bool group = target->key >> 32;

	if (!join->machine)
		return look;
	look.ret = join->machine->status(target_id(target), &look.status);
	if (look.ret)
		look.dead = look.ret == -ENOENT || look.ret == -ESRCH;
	else
		/* A first thread that has ended leaves a zombie while others go on. */
		look.dead = look.status.zombie && !(group && look.status.threads > 1);
	return look;
}

/*
 * Where the entry stands that has `behind` others behind it in its queue. Of several only so
 * many can still wait as wait for all of the user's processes.
 */
static enum standing stand(const struct look *look, const struct join_entry *entry,
			   size_t behind)
{
	uint64_t bit = 1ull << (entry->sig - 1), pending;
	size_t most = 1;

	if (look->dead)
		return STANDING_DEAD;
	if (look->ret)
		return STANDING_UNKNOWN;
	pending = entry->group ? look->status.process_pending : look->status.thread_pending;
	if ((entry->sig >= FIRST_REAL_TIME || entry->code == SI_TIMER) && look->status.queued > 1)
		most = look->status.queued;
	if (!(pending & bit) || behind >= most)
		return STANDING_LEFT;
	return look->status.blocked & bit ? STANDING_BLOCKED : STANDING_PENDING;
}

static enum fate fate_of(enum standing standing)
{
	switch (standing) {
	case STANDING_DEAD:
		return FATE_GONE;
	case STANDING_LEFT:
		return FATE_ACCEPTED;
	case STANDING_BLOCKED:
		return FATE_BLOCKED;
	default:
		return FATE_PENDING;
	}
}

/*
 * A delivery may be on its way to us: only what had left the queue, or lost its target, when
 * it was looked at a second ago, and still has no delivery, had none.
 */
static bool is_confirmed(struct join_entry *entry, enum standing standing)
{
	bool again = entry->standing == standing;

	entry->standing = standing;
	return again && (standing == STANDING_LEFT || standing == STANDING_DEAD);
}

/* True where something is still as it should be; false: to be looked at again soon. */
static bool check_queue(struct join *join, struct queue *queue, const struct look *look,
			uint64_t now)
{
	struct join_entry *entry = queue->head, *next;
	size_t behind = queue->len;
	bool sound = true;

	for (; entry && entry->time + SECOND <= now; entry = next) {
		enum standing standing = stand(look, entry, --behind);

		next = entry->next;
		if (is_confirmed(entry, standing))
			settle(join, entry, fate_of(standing));
		else
			sound &= standing == STANDING_PENDING || standing == STANDING_BLOCKED;
	}
	return sound;
}

/* When the oldest that waits here was sent; UINT64_MAX: nothing waits. */
static uint64_t oldest_time(const struct join_target *target)
{
	uint64_t oldest = target->dying ? target->dying->delivered : UINT64_MAX;

	for (const struct queue *queue = target->queues; queue; queue = queue->next)
		if (queue->head && queue->head->time < oldest)
			oldest = queue->head->time;
	return oldest;
}

static void check_target(struct join *join, struct join_target *target, uint64_t now)
{
	struct look look = look_at(join, target);
	uint64_t age = now - oldest_time(target);
	bool sound = true;

	/* What records say of its end may be on its way, so it is looked at twice. */
	if (join->untold && look.dead && target->key >> 32 && target->was_dead) {
		end_untold(join, target_id(target), 0);
		return;
	}
	target->was_dead = look.dead;
	for (struct queue *queue = target->queues; queue; queue = queue->next)
		sound &= check_queue(join, queue, &look, now);
	/* Its exit should have been told of; that record must be lost. */
	if (target->dying && look.dead && is_confirmed(target->dying, STANDING_DEAD))
		settle_dying(join, target->dying, ENDING_NONE);
	if (age > 10 * SECOND)
		age = 10 * SECOND;
	target->check_at = now + (sound ? age : SECOND * 9 / 10);
}

bool join_sweep(struct join *join, uint64_t now)
{
	int reads = 0;

	if (!join->cursor && join->spare_now > join->pending_now + 4 * CHUNK)
		free_chunks(join);
	while (join->cursor < join->targets.cap) {
		struct join_target *target = join->targets.slots[join->cursor].value;
		uint64_t oldest = target ? oldest_time(target) : UINT64_MAX;

		if (target && oldest == UINT64_MAX && target->idle) {
			drop_target(join, target); /* another may have taken its slot */
			continue;
		}
		join->cursor++;
		if (!target)
			continue;
		target->idle = oldest == UINT64_MAX;
		if (target->idle || oldest + SECOND > now || target->check_at > now)
			continue;
		check_target(join, target, now);
		if (++reads == SWEEP_READS)
			return false;
	}
	join->cursor = 0;
	return true;
}

static void note_standings(struct join *join, struct join_target *target)
{
	struct look look = look_at(join, target);

	for (struct queue *queue = target->queues; queue; queue = queue->next) {
		size_t behind = queue->len;

		for (struct join_entry *entry = queue->head; entry; entry = entry->next)
			entry->standing = stand(&look, entry, --behind);
	}
}

bool join_closing(struct join *join)
{
	int reads = 0;

	while (join->cursor < join->targets.cap) {
		struct join_target *target = join->targets.slots[join->cursor++].value;

		if (!target || oldest_time(target) == UINT64_MAX)
			continue;
		note_standings(join, target);
		if (++reads == SWEEP_READS)
			return false;
	}
	join->cursor = 0;
	return true;
}

void join_close(struct join *join)
{
	struct join_entry *entry;

	while ((entry = join->oldest))
		if (entry->delivered)
			settle_dying(join, entry, ENDING_UNFINISHED);
		else
			settle(join, entry, fate_of(entry->standing));
}
