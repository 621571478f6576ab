/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPAT_LOWER_H
#define COMPAT_LOWER_H

#include "compat/caps.h"
#include "compat/plan.h"
#include "compat/printk.h"
#include "loader/load.h"
#include "loader/object.h"

/* TRANSPORT_EVENTS: perf takes down the events itself, and no object is loaded. */
enum transport { TRANSPORT_AUTO, TRANSPORT_RING, TRANSPORT_PERF, TRANSPORT_EVENTS };

struct lower_options {
	enum transport transport; /* TRANSPORT_AUTO: the ring buffer where the kernel has it */
	const char *root; /* what paths of the kernel's files begin with, for externs; NULL: "" */
	struct printk_tagging *printk; /* what the object prints is to be told apart (compat/printk.h);
					* NULL: it is not */
};

/*
 * Changes a relocated object to what this kernel can do: all the lowerings below in their order,
 * each of which asks the kernel only if the object has what it is for. Where the answer is "no" it
 * changes the object and adds a step to the plan; "could not tell" is left as it is, for loading to
 * find out. What cannot be lowered is ERROR_UNSUPPORTED: which construct, at which line of the
 * source, since which release, and what to do instead. After a failure the object is only good for
 * object_fini; after a success lower_types() and load() take it.
 */
int lower(struct object *obj, struct caps *caps, const struct lower_options *options,
	  struct plan *plan, struct error *err);

/*
 * A lowering: one file each. Programs that are not to be loaded stay as they are. Those that work on
 * instructions leave jumps, refs, relocations, func and line info right (compat/edit.h).
 */
typedef int lowering(struct object *obj, struct caps *caps, struct plan *plan, struct error *err);

/*
 * The scratch map that the ring buffer lowering adds, a BPF_MAP_TYPE_PERCPU_ARRAY of struct
 * perf_slot: one for each reserve and each output in the object's programs.
 */
#define SCRATCH_MAP ".scratch"

/*
 * `sent` counts the records that this CPU has handed to bpf_perf_event_output through the
 * slot, so that the reader can tell exactly how many never arrived, also where the kernel does
 * not report the last of them. A submit counts before it sends, an output after: what is read
 * while programs run may be off by one either way. It counts what found no room, too.
 */
struct perf_slot {
	__u64 sent;
	__u32 size; /* of the record now in data */
	__u32 ring; /* index in object.maps of the record's ring, where there are several */
	/* The record; where records are on the stack, just the first 16 bytes of the last one. */
	__u8 data[];
};

/*
 * Removes what cannot be reached from every program that is to be loaded, whole functions too:
 * for that, branches are decided by constants, which CO-RE has made of questions about types and
 * which read-only globals hold. So core_relocate and the setting of globals come before it, and
 * core_check, which wants no unresolved relocation left, behind it. Old kernels do not prune
 * by themselves (before Linux 4.20 only where a register equals a constant), and some crash on
 * helpers that they do not know in code that is never run. What a program does stays the same.
 */
int fold(struct object *obj, struct error *err);
/* One program, once another lowering has made something of it. */
int fold_program(const struct object *obj, struct program *prog, struct error *err);

/* Functions in place of their calls, where the kernel has none (Linux 4.16). */
lowering lower_calls;
/*
 * Loops unrolled where the kernel takes none (Linux 5.3): those whose end constants tell. Behind the
 * inlining of functions, whose arguments may be such constants.
 */
lowering lower_loops;

/*
 * Rewrites every program that is to be loaded and uses a BPF_MAP_TYPE_RINGBUF for
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY, whether or not the kernel has ring buffers: reserve becomes a slot
 * of the scratch map, or room on the stack where the kernel outputs from there only; submit and
 * output become perf_event_output with the context saved at entry, discard becomes nothing, query
 * answers 0. The map changes type; max_entries 0 means one for each possible CPU. CO-RE
 * comes first, as the sizes of the records must be final. An output of no bytes sends none.
 */
lowering lower_ringbuf;

/*
 * Programs that a kernel attaches by its types, for one that does not: on raw tracepoints, tracepoints,
 * kprobes and kretprobes. prog->arguments has to be set of those on the end of a function.
 */
lowering lower_tracing;

/* Programs on many functions, for a kernel that has no links to many: on each by itself. */
lowering lower_multi;

/*
 * Helpers that the kernel has not for programs of a kind, by others: bpf_probe_read_kernel() and its
 * like by older forms, bpf_get_current_task_btf() by one whose result is read through another, and
 * so on. Those that nothing replaces are refused.
 */
lowering lower_helpers;
/*
 * In words, what lower_helpers() puts in a helper's place where kernels are oldest, for messages; NULL:
 * nothing. *since: the first release that has what that takes; 0: all do.
 */
const char *lower_helpers_instead(int32_t helper, uint16_t *since);

/*
 * Global variables where the kernel has none: what is read from .rodata at a known place becomes
 * the number that is there, all else goes through a lookup in the section's map. The maps stay,
 * and what is in them; without flags that the kernel does not know.
 */
lowering lower_data;

/*
 * What old verifiers have against addresses of map values: helpers' memory goes by way of the
 * stack, copies of lookups' results are made again behind the check, numbers are added to addresses
 * and not the other way round.
 */
lowering lower_memory;

/*
 * The instruction set down to what the kernel takes: signed loads, moves and divisions, byte swaps
 * and far jumps (Linux 6.6), comparisons of 32 bits (5.1), 32 bit arithmetic that the verifier does
 * not follow, jumps by "less than" (4.14). Atomics with a result and calls of what the kernel
 * does not have are refused. The last of all, as the others write for no older set than 4.14's.
 */
lowering lower_isa;

/*
 * The object's BTF as this kernel takes it, a blob of its own, malloc'ed. All type ids and
 * string offsets mean what they meant in btf, which stays as it is: CO-RE needs all of it. Only
 * what the BTF has is asked of the kernel; an answer that is unknown counts as a no.
 */
int lower_btf(const struct btf *btf, struct caps *caps, void **image, size_t *len,
	      struct error *err);

/*
 * What to tell the kernel of the object's types; load_types_fini is due after a success. The
 * last of the lowerings, as it looks at the maps and programs as they will be loaded.
 */
int lower_types(const struct object *obj, struct caps *caps, struct load_types *types,
		struct error *err);

#endif
