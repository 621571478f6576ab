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

/* A process image's arguments; shared by all that it sent. */
struct image {
	uint32_t refs, len;
	bool truncated;
	char text[];
};

/* What /proc said of a pending signal when it was last asked. */
enum standing { STANDING_UNKNOWN, STANDING_PENDING, STANDING_LEFT, STANDING_DEAD };

/* A signal on its way, or (as dying) the one that ends its target. */
struct join_entry {
	struct join_entry *next;           /* in its queue, or among the spare ones */
	struct join_entry *older, *newer;
	struct join_chunk *chunk;          /* that it lies in */
	uint64_t time, delivered, check_at, lost_before;
	struct image *image;
	int32_t code;
	uint32_t target;                   /* thread id that the kernel named */
	uint32_t owner;                    /* of its queue: that thread, or its process */
	uint32_t tid, pid;                 /* that took it, once delivered */
	uint32_t sender_tid, sender_pid, sender_uid;
	uint8_t sig, result, group, standing;
	bool sender_known;
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
	uint8_t sig;
};

/* One of the kernel's queues of pending signals: a thread's or a process's. */
struct join_target {
	struct join_target *next; /* among the spare ones */
	uint64_t key;
	struct queue *queues;
	struct join_entry *dying; /* process: delivered with a fatal default action */
};

static uint64_t target_key(uint32_t id, bool group)
{
	return (uint64_t)group << 32 | id;
}

static struct join_target *find_target(struct join *join, uint32_t id, bool group)
{
	return table_get(&join->targets, target_key(id, group));
}

static struct join_target *need_target(struct join *join, uint32_t id, bool group)
{
	struct join_target *target = find_target(join, id, group);

	if (target)
		return target;
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
	entry->next = NULL;
	if (queue->tail)
		queue->tail->next = entry;
	else
		queue->head = entry;
	queue->tail = entry;
}

static void queue_unlink(struct queue *queue, struct join_entry *entry)
{
	struct join_entry *before = NULL, *at = queue->head;

	while (at != entry) {
		before = at;
		at = at->next;
	}
	if (before)
		before->next = entry->next;
	else
		queue->head = entry->next;
	if (queue->tail == entry)
		queue->tail = before;
	entry->next = NULL;
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

/* The end of an entry that was never delivered; it is in no queue any more. */
static void settle(struct join *join, struct join_entry *entry, enum fate fate)
{
	struct outcome out;

	/* Gone without a trace may also mean that the trace was lost. */
	if (fate == FATE_ACCEPTED && join->lost != entry->lost_before)
		fate = FATE_UNCERTAIN;
	out = describe(join, entry, fate);
	join->emit(join->ctx, &out);
	entry_free(join, entry);
}

static void settle_queue(struct join *join, struct queue *queue, enum fate fate)
{
	struct join_entry *entry;

	while (queue && (entry = queue->head)) {
		queue_unlink(queue, entry);
		settle(join, entry, fate);
	}
}

static void emit_delivered(struct join *join, struct join_entry *entry, uint8_t action,
			   enum ending ending, uint64_t until)
{
	struct outcome out = describe(join, entry, FATE_DELIVERED);

	out.action = action;
	out.ending = ending;
	out.has_latency = entry->sender_known && until >= entry->time;
	out.latency = out.has_latency ? until - entry->time : 0;
	join->emit(join->ctx, &out);
	entry_free(join, entry);
}

/* Moves what was queued under `from` to `to`. */
static void merge_targets(struct join *join, struct join_target *from, uint32_t id, bool group)
{
	struct join_target *to = from ? need_target(join, id, group) : NULL;

	if (!to || to == from)
		return;
	for (struct queue *queue = from->queues; queue; queue = queue->next) {
		struct queue *dest = need_queue(to, queue->sig);
		struct join_entry *entry;

		while (dest && (entry = queue->head)) {
			queue_unlink(queue, entry);
			queue_push(dest, entry, id);
		}
		if (!dest)
			settle_queue(join, queue, FATE_FORGOTTEN);
	}
	drop_target(join, from);
}

/* A thread's process has become known. What was queued for "process tid" was for that. */
static void learn(struct join *join, uint32_t tid, uint32_t pid)
{
	if (tid == pid || process_of(join, tid) == pid)
		return;
	table_put(&join->threads, tid, (void *)(uintptr_t)pid);
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
	table_put(&join->threads, tid, (void *)(uintptr_t)pid);
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
	image_put(table_remove(&join->images, pid));
	image = malloc(sizeof(*image) + len);
	if (!image)
		return NULL;
	*image = (struct image){ .refs = 1, .len = len, .truncated = len == 0 };
	memcpy(image->text, text, len);
	if (table_put(&join->images, pid, image)) {
		free(image);
		return NULL;
	}
	return image;
}

static void forget_image(struct join *join, uint32_t pid)
{
	if (pid)
		image_put(table_remove(&join->images, pid));
}

static void on_cmdline(struct join *join, const struct cmdline_record *rec, size_t size)
{
	struct image *image;

	if (rec->len > size - sizeof(*rec) || !rec->pid)
		return;
	forget_image(join, rec->pid);
	image = malloc(sizeof(*image) + rec->len);
	if (!image)
		return;
	*image = (struct image){ .refs = 1, .len = rec->len,
				 .truncated = rec->len && rec->truncated };
	memcpy(image->text, rec + 1, rec->len);
	if (table_put(&join->images, rec->pid, image))
		free(image);
}

static bool is_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* Signals whose default action ends the process. */
static bool is_fatal(int sig)
{
	return !is_stop(sig) && sig != SIGCONT && sig != SIGCHLD && sig != SIGWINCH && sig != SIGURG;
}

/* Sending SIGCONT throws away pending stop signals, and the other way round. */
static void cancel(struct join *join, struct join_target *target, int sig)
{
	for (struct queue *queue = target ? target->queues : NULL; queue; queue = queue->next)
		if ((sig == SIGCONT && is_stop(queue->sig)) ||
		    (is_stop(sig) && queue->sig == SIGCONT))
			settle_queue(join, queue, FATE_CANCELLED);
}

static void take_sending(struct join *join, struct join_entry *entry,
			 const struct generate_record *rec)
{
	entry->time = rec->time;
	entry->check_at = rec->time + SECOND;
	entry->lost_before = join->lost;
	entry->code = rec->code;
	entry->target = rec->target;
	entry->sender_known = true;
	entry->sender_tid = rec->sender_tid;
	entry->sender_pid = rec->sender_pid;
	entry->sender_uid = rec->sender_uid;
	entry->sig = rec->sig;
	entry->result = rec->result;
	entry->group = rec->group;
	memcpy(entry->sender_comm, rec->sender_comm, COMM_LEN);
	memcpy(entry->target_comm, rec->target_comm, COMM_LEN);
	entry->image = image_of(join, rec->sender_pid, rec->code <= 0 && rec->code != SI_TIMER);
	if (entry->image)
		entry->image->refs++;
}

static void refuse(struct join *join, struct join_entry *entry,
		   const struct join_target *process)
{
	static const enum fate fates[] = {
		[RESULT_IGNORED] = FATE_IGNORED,
		[RESULT_PENDING] = FATE_COALESCED,
		[RESULT_OVERFLOW] = FATE_OVERFLOW,
	};
	struct outcome out = describe(join, entry, fates[entry->result]);

	/* The kernel calls ignored also what comes once a group exit has begun. */
	out.target_ending = entry->result == RESULT_IGNORED && process && process->dying;
	join->emit(join->ctx, &out);
	entry_free(join, entry);
}

static void settle_pending(struct join *join, struct join_entry *entry, enum fate fate)
{
	struct queue *queue = find_queue(find_target(join, entry->owner, entry->group), entry->sig);

	if (queue)
		queue_unlink(queue, entry);
	settle(join, entry, fate);
}

/* Delivered, and its process has not ended by it as far as we can follow. */
static void settle_dying(struct join *join, struct join_entry *entry)
{
	struct join_target *process = find_target(join, entry->pid, true);

	if (process && process->dying == entry)
		process->dying = NULL;
	emit_delivered(join, entry, ACTION_DEFAULT, ENDING_UNFINISHED, entry->delivered);
}

static void forget_oldest(struct join *join)
{
	if (join->oldest->delivered)
		settle_dying(join, join->oldest);
	else
		settle_pending(join, join->oldest, FATE_FORGOTTEN);
}

static void on_generate(struct join *join, const struct generate_record *rec)
{
	struct join_target *process, *target;
	struct join_entry *entry;
	struct queue *queue;
	uint32_t pid;

	join->seen++;
	if (rec->target_pid)
		learn(join, rec->target, rec->target_pid);
	else
		find_process(join, rec->target);
	pid = process_of(join, rec->target);
	process = find_target(join, pid, true);
	if (rec->sig == SIGCONT || is_stop(rec->sig)) {
		cancel(join, process, rec->sig);
		cancel(join, find_target(join, rec->target, false), rec->sig);
	}
	entry = entry_new(join);
	if (!entry)
		return;
	take_sending(join, entry, rec);
	if (rec->result != RESULT_DELIVERED && rec->result != RESULT_LOST_INFO) {
		refuse(join, entry, process);
		return;
	}
	target = need_target(join, rec->group ? pid : rec->target, rec->group);
	queue = target ? need_queue(target, rec->sig) : NULL;
	if (!queue) {
		join->out_of_memory = true;
		settle(join, entry, FATE_FORGOTTEN);
		return;
	}
	/* Only timers queue a standard signal that is pending already. */
	if (rec->sig < FIRST_REAL_TIME && rec->code != SI_TIMER)
		settle_queue(join, queue, FATE_ACCEPTED);
	queue_push(queue, entry, rec->group ? pid : rec->target);
	if (join->pending_now > join->most)
		forget_oldest(join);
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
	while (queue->head != entry && (gone = queue->head)->result == RESULT_DELIVERED) {
		queue_unlink(queue, gone);
		settle(join, gone, FATE_ACCEPTED);
	}
	queue_unlink(queue, entry);
	if (!left)
		settle_queue(join, queue, FATE_COALESCED);
	return entry;
}

static struct join_entry *with_code(const struct queue *queue, int code)
{
	struct join_entry *entry = queue ? queue->head : NULL;

	while (entry && entry->code != code)
		entry = entry->next;
	return entry;
}

/*
 * A standard signal: at most one waits in either queue. The thread's own comes first, but it
 * may have been taken unseen; then the code, which differs by the way of sending, tells.
 */
static struct join_entry *take_standard(struct queue *own, struct queue *shared, int code)
{
	struct join_entry *entry = with_code(own, code);
	struct queue *queue = own;

	if (!entry && (entry = with_code(shared, code)))
		queue = shared;
	if (!entry && own && own->head)
		entry = own->head;
	if (!entry && shared && (entry = shared->head))
		queue = shared;
	if (entry)
		queue_unlink(queue, entry);
	return entry;
}

static struct join_entry *take(struct join *join, const struct deliver_record *rec)
{
	struct queue *own = find_queue(find_target(join, rec->tid, false), rec->sig);
	struct queue *shared = find_queue(find_target(join, rec->pid, true), rec->sig);
	unsigned int own_left = rec->left & 15, shared_left = rec->left >> 4;
	struct join_entry *entry = NULL;

	if (own_left == LEFT_NOT_COUNTED)
		return take_standard(own, shared, rec->code);
	if (own && own->head && (queued(own) > own_left || !queued(own)))
		entry = take_counted(join, own, own_left);
	return entry ? entry : take_counted(join, shared, shared_left);
}

/* Delivered, but its sending was not seen: all that is known is the target. */
static struct join_entry *unsent_entry(struct join *join, const struct deliver_record *rec)
{
	struct join_entry *entry;

	if (!join->unsent || rec->time < join->began || !(entry = entry_new(join)))
		return NULL;
	entry->time = rec->time;
	entry->code = rec->code;
	entry->target = rec->tid;
	entry->group = rec->tid == rec->pid;
	entry->sig = rec->sig;
	return entry;
}

static void on_deliver(struct join *join, const struct deliver_record *rec)
{
	struct join_target *process;
	struct join_entry *entry;

	learn(join, rec->tid, rec->pid);
	/* Every thread of a dying process gets one that nobody sent; the exit tells. */
	if (rec->sig == SIGKILL)
		return;
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

/* A thread has ended: its own pending signals end with it, but for the one that ended it. */
static void end_thread(struct join *join, const struct exit_record *rec)
{
	struct join_target *thread = find_target(join, rec->tid, false), *process;

	if (!thread)
		return;
	for (struct queue *queue = thread->queues; queue; queue = queue->next) {
		struct join_entry *entry = queue->head;

		process = entry && queue->sig == rec->sig ? need_target(join, rec->pid, true) : NULL;
		if (process && !process->dying) {
			queue_unlink(queue, entry);
			entry->delivered = rec->time;
			entry->pid = rec->pid;
			process->dying = entry;
		}
		settle_queue(join, queue, FATE_GONE);
	}
	drop_target(join, thread);
}

static enum ending ending_of(const struct exit_record *rec)
{
	return rec->flags & EXIT_CORE ? ENDING_CORE : ENDING_TERMINATED;
}

static void end_process(struct join *join, const struct exit_record *rec)
{
	struct join_target *process = find_target(join, rec->pid, true);
	struct join_entry *entry;
	struct queue *queue;

	forget_image(join, rec->pid);
	if (!process)
		return;
	entry = process->dying;
	process->dying = NULL;
	queue = find_queue(process, rec->sig);
	if (!entry && rec->sig && queue && (entry = queue->head))
		queue_unlink(queue, entry);
	if (entry) {
		bool ended = entry->sig == rec->sig;

		entry->pid = rec->pid;
		emit_delivered(join, entry, ACTION_DEFAULT, ended ? ending_of(rec) : ENDING_NONE,
			       ended ? rec->time : entry->delivered);
	}
	for (queue = process->queues; queue; queue = queue->next)
		settle_queue(join, queue, FATE_GONE);
	drop_target(join, process);
}

static void on_exit_record(struct join *join, const struct exit_record *rec)
{
	learn(join, rec->tid, rec->pid);
	end_thread(join, rec);
	table_remove(&join->threads, rec->tid);
	if (rec->flags & EXIT_LAST)
		end_process(join, rec);
}

/* The thread that execs takes the process's id over, and keeps what is pending for it. */
static void on_exec(struct join *join, const struct exit_record *rec)
{
	forget_image(join, rec->pid);
	if (rec->tid == rec->pid)
		return;
	table_remove(&join->threads, rec->tid);
	merge_targets(join, find_target(join, rec->tid, false), rec->pid, false);
}

void join_init(struct join *join)
{
	*join = (struct join){ .most = 1 << 20 };
}

void join_fini(struct join *join)
{
	for (struct join_entry *entry = join->oldest; entry; entry = entry->newer)
		image_put(entry->image);
	table_each(&join->images, slot)
		image_put(slot->value);
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
	table_fini(&join->images);
	table_fini(&join->targets);
	table_fini(&join->threads);
}

void join_record(struct join *join, const void *record, size_t size)
{
	const struct record *head = record;

	if (size < sizeof(*head))
		return;
	if (head->type != RECORD_CMDLINE && head->type != RECORD_EXIT &&
	    head->type != RECORD_EXEC && (head->sig < 1 || head->sig > 64))
		return;
	if (head->type == RECORD_GENERATE && size >= sizeof(struct generate_record))
		on_generate(join, record);
	else if (head->type == RECORD_DELIVER && size >= sizeof(struct deliver_record))
		on_deliver(join, record);
	else if (head->type == RECORD_EXIT && size >= sizeof(struct exit_record))
		on_exit_record(join, record);
	else if (head->type == RECORD_EXEC && size >= sizeof(struct exit_record))
		on_exec(join, record);
	else if (head->type == RECORD_CMDLINE && size >= sizeof(struct cmdline_record))
		on_cmdline(join, record, size);
}

/* What was last asked of /proc: many signals wait for one target. */
struct asked {
	uint32_t tid;
	int ret;
	struct proc_status status;
};

static enum standing standing_of(struct join *join, const struct join_entry *entry,
				 struct asked *asked)
{
	uint64_t pending, bit = 1ull << (entry->sig - 1);

	if (!join->machine)
		return STANDING_UNKNOWN;
	if (asked->tid != entry->target) {
		asked->tid = entry->target;
		asked->ret = join->machine->status(entry->target, &asked->status);
	}
	if (asked->ret == -ENOENT || asked->ret == -ESRCH)
		return STANDING_DEAD;
	if (asked->ret)
		return STANDING_UNKNOWN;
	if (asked->status.dead)
		return STANDING_DEAD;
	pending = entry->group ? asked->status.process_pending : asked->status.thread_pending;
	return pending & bit ? STANDING_PENDING : STANDING_LEFT;
}

static enum fate fate_of(enum standing standing)
{
	return standing == STANDING_DEAD ? FATE_GONE
	       : standing == STANDING_LEFT ? FATE_ACCEPTED : FATE_BLOCKED;
}

void join_sweep(struct join *join, uint64_t now)
{
	struct asked asked = { 0 };
	struct join_entry *entry, *newer;

	if (join->spare_now > join->pending_now + 4 * CHUNK)
		free_chunks(join);
	for (entry = join->oldest; entry && entry->time + SECOND <= now; entry = newer) {
		enum standing standing;

		newer = entry->newer;
		if (entry->delivered || entry->check_at > now)
			continue;
		standing = standing_of(join, entry, &asked);
		/*
		 * Its delivery may be on its way to us: only what has left the queue a second
		 * ago, and still has no delivery, had none.
		 */
		if (standing != STANDING_PENDING && standing != STANDING_UNKNOWN &&
		    entry->standing == standing) {
			settle_pending(join, entry, fate_of(standing));
			continue;
		}
		entry->check_at = standing == STANDING_PENDING ? now + (now - entry->time)
							       : now + SECOND * 9 / 10;
		entry->standing = standing;
	}
}

void join_closing(struct join *join)
{
	struct asked asked = { 0 };

	for (struct join_entry *entry = join->oldest; entry; entry = entry->newer)
		if (!entry->delivered)
			entry->standing = standing_of(join, entry, &asked);
}

void join_close(struct join *join)
{
	struct join_entry *entry;

	while ((entry = join->oldest)) {
		if (entry->delivered)
			settle_dying(join, entry);
		else
			settle_pending(join, entry, fate_of(entry->standing));
	}
}
